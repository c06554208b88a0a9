//! From the catalog's idea of a table to the engine's, and over a table's rows.

use catalog::{Relation, Snapshot};
use engine::{ColumnId, IndexId, IndexSchema, RowHandle, ScanColumn, TableId, TableSchema, Value};

use super::Definer;
use crate::dml::{TableModel, index_key};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::value_at;
use crate::session::engine_error;
use crate::types;

/// Rows a batch while a table is read.
const BATCH_ROWS: usize = 8192;
/// Entries handed to the engine at once.
const ENTRIES: usize = 1 << 20;

/// The engine's schema of a table: live columns in attribute order, then its indexes.
pub(super) fn table_schema(snapshot: &Snapshot, relation: &Relation) -> TableSchema {
    let columns = relation
        .live_columns()
        .map(|column| (ColumnId(column.id), types::physical(column.type_oid)))
        .collect();
    let mut indexes: Vec<IndexSchema> = snapshot
        .indexes_of(relation.database, relation.oid)
        .filter_map(|object| {
            let index = object.as_index()?;
            Some(IndexSchema { id: IndexId(object.oid), unique: index.unique, primary: index.primary })
        })
        .collect();
    indexes.sort_by_key(|index| index.id.0);
    TableSchema { columns, indexes }
}

impl Definer {
    /// Gives the engine's table the shape that the catalog now says. `defaults`: what new columns read as in old rows.
    pub(super) fn reshape(&self, table: u32, defaults: &[(ColumnId, Value)]) -> Result<()> {
        let snapshot = self.snapshot();
        let relation = self.current(table)?;
        let schema = table_schema(&snapshot, &relation);
        self.engine(|transaction| transaction.alter_table(TableId(table), schema, defaults))
    }

    /// Calls with every row that is alive, its values in attribute order.
    pub(super) fn each_row(
        &self,
        relation: &Relation,
        mut call: impl FnMut(RowHandle, &[Value]) -> Result<()>,
    ) -> Result<()> {
        let mut projection: Vec<ScanColumn> =
            relation.live_columns().map(|column| ScanColumn::Column(ColumnId(column.id))).collect();
        let width = projection.len();
        projection.push(ScanColumn::Handle);
        let view = self.transaction.with(|transaction| {
            transaction.start_statement();
            transaction.view()
        })?;
        let scan = view.scan(TableId(relation.oid), &projection, BATCH_ROWS).map_err(engine_error)?;
        let mut values = vec![Value::Null; width];
        for batch in scan {
            let batch = batch.map_err(engine_error)?;
            self.cancel.check()?;
            for row in 0..batch.num_rows() {
                for (slot, column) in values.iter_mut().zip(batch.columns()) {
                    *slot = value_at(column.as_ref(), row)?;
                }
                let handle = match value_at(batch.column(width).as_ref(), row)? {
                    Value::Fixed16(bytes) => RowHandle::from_bytes(bytes),
                    _ => return Err(Error::internal("a scan gave a row without a handle")),
                };
                call(handle, &values)?;
            }
        }
        Ok(())
    }

    /// Fills a new index with the rows that are alive. The engine already knows the index.
    pub(super) fn fill_index(&self, table: u32, index: u32) -> Result<()> {
        let snapshot = self.snapshot();
        let model = TableModel::new(&snapshot, self.database, table)?;
        let relation = self.current(table)?;
        let definition = model
            .index(IndexId(index))
            .ok_or_else(|| Error::internal("a new index is missing from its table"))?;
        let mut entries = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.each_row(&relation, |handle, values| {
            let Some((key, check)) = index_key(definition, values, &self.context)? else { return Ok(()) };
            if check && !seen.insert(key.clone()) {
                return Err(duplicate(&model, definition, values, self));
            }
            entries.push((handle, key));
            Ok(())
        })?;
        drop(seen);
        let mut rest = entries;
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(ENTRIES));
            self.engine(|transaction| {
                transaction.add_index_entries(TableId(table), IndexId(index), rest, false)
            })?;
            rest = tail;
        }
        Ok(())
    }
}

/// `could not create unique index`, with the key that stands twice.
fn duplicate(
    model: &TableModel,
    index: &crate::dml::IndexModel,
    values: &[Value],
    definer: &Definer,
) -> Error {
    let shown = crate::dml::key_values(index, values, &definer.context)
        .map(|key| crate::dml::index_key_text(index, &key, &definer.context))
        .unwrap_or_default();
    let message = format!("could not create unique index \"{}\"", index.name);
    Error::new(SqlState::UniqueViolation, message)
        .detail(format!("Key {shown} is duplicated."))
        .schema(&model.schema)
        .table(&model.name)
        .constraint(&index.name)
}
