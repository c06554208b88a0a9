//! From the catalog's idea of a table to the engine's, and over a table's rows.

use catalog::{Relation, Snapshot};
use engine::{
    ColumnId, IndexId, IndexSchema, PhysicalType, RowHandle, ScanColumn, TableId, TableSchema, Value,
    VectorIndexSchema,
};

use super::Definer;
use crate::dml::{IndexModel, KeySource, TableModel, index_key};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::value_at;
use crate::session::engine_error;
use crate::types;

/// Rows a batch while a table is read.
const BATCH_ROWS: usize = 8192;
/// Entries handed to the engine at once.
const ENTRIES: usize = 1 << 20;

/// The engine's schema of a table: live columns in attribute order, its indexes, and which columns may stand beside it.
pub(super) fn table_schema(snapshot: &Snapshot, relation: &Relation) -> TableSchema {
    let columns = relation
        .live_columns()
        .map(|column| (ColumnId(column.id), types::physical(column.type_oid)))
        .collect();
    let mut indexes: Vec<IndexSchema> = snapshot
        .indexes_of(relation.database, relation.oid)
        .filter_map(|object| {
            let index = object.as_index().filter(|index| index.is_keyed())?;
            Some(IndexSchema { id: IndexId(object.oid), unique: index.unique, primary: index.primary })
        })
        .collect();
    if let Some(view) = relation.as_materialized_view() {
        indexes.push(IndexSchema { id: IndexId(view.row_index), unique: false, primary: false });
    }
    indexes.sort_by_key(|index| index.id.0);
    let objects = snapshot.indexes_of(relation.database, relation.oid);
    let mut vectors: Vec<VectorIndexSchema> =
        objects.filter_map(|object| super::vector_index::vector_schema(relation, object)).collect();
    vectors.sort_by_key(|index| index.id.0);
    // Vectors are read where they lie.
    let is_long = |column: &&catalog::Column| {
        let has_bytes = matches!(types::physical(column.type_oid), PhysicalType::Text | PhysicalType::Bytes);
        has_bytes && types::embedding::Element::of(column.type_oid).is_none()
    };
    let long = relation.live_columns().filter(is_long).map(|column| ColumnId(column.id)).collect();
    TableSchema { columns, indexes, vectors, long }
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
        call: impl FnMut(RowHandle, &[Value]) -> Result<()>,
    ) -> Result<()> {
        self.each_row_of(relation, &|_| true, call)
    }

    /// As [`Definer::each_row`], reading only the columns at the wanted places; the others are NULL.
    pub(super) fn each_row_of(
        &self,
        relation: &Relation,
        wanted: &dyn Fn(usize) -> bool,
        mut call: impl FnMut(RowHandle, &[Value]) -> Result<()>,
    ) -> Result<()> {
        let (places, mut projection): (Vec<usize>, Vec<ScanColumn>) = relation
            .live_columns()
            .enumerate()
            .filter(|(place, _)| wanted(*place))
            .map(|(place, column)| (place, ScanColumn::Column(ColumnId(column.id))))
            .unzip();
        projection.push(ScanColumn::Handle);
        let view = self.transaction.with(|transaction| {
            transaction.start_statement();
            transaction.view()
        })?;
        let scan = view.scan(TableId(relation.oid), &projection, BATCH_ROWS).map_err(engine_error)?;
        let mut values = vec![Value::Null; relation.live_columns().count()];
        for batch in scan {
            let batch = batch.map_err(engine_error)?;
            self.cancel.check()?;
            for row in 0..batch.num_rows() {
                for (place, column) in places.iter().zip(batch.columns()) {
                    if let Some(slot) = values.get_mut(*place) {
                        *slot = value_at(column.as_ref(), row)?;
                    }
                }
                let handle = match value_at(batch.column(places.len()).as_ref(), row)? {
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
        let needed = key_places(definition);
        let wanted = |place: usize| needed.as_ref().is_none_or(|needed| needed.contains(&place));
        let mut entries = Vec::new();
        let mut unchecked = Vec::new();
        self.each_row_of(&relation, &wanted, |handle, values| {
            let Some((key, check)) = index_key(definition, values, &self.context)? else { return Ok(()) };
            if check || !definition.unique || self.has_whole_key(definition, values)? {
                entries.push((handle, key));
            } else {
                unchecked.push((handle, key));
            }
            Ok(())
        })?;
        // In the order of keys, equal ones stand together, and whoever stores them has less to do.
        entries.sort_unstable_by(|left, right| left.1.cmp(&right.1));
        if definition.unique {
            let twice = entries.windows(2).find(|pair| matches!(pair, [left, right] if left.1 == right.1));
            if let Some([_, (handle, _)]) = twice {
                return Err(self.duplicate(&relation, &model, definition, *handle));
            }
        }
        entries.append(&mut unchecked);
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

    /// Whether no part of a key is NULL: then even a constraint that is checked later must hold now.
    fn has_whole_key(&self, index: &IndexModel, values: &[Value]) -> Result<bool> {
        Ok(!crate::dml::key_values(index, values, &self.context)?.iter().any(Value::is_null))
    }

    /// `could not create unique index`, with the key of a row that another row has too.
    fn duplicate(
        &self,
        relation: &Relation,
        model: &TableModel,
        index: &IndexModel,
        row: RowHandle,
    ) -> Error {
        let mut shown = String::new();
        let found = self.each_row(relation, |handle, values| {
            if handle == row {
                let key = crate::dml::key_values(index, values, &self.context)?;
                shown = crate::dml::index_key_text(index, &key, &self.context);
            }
            Ok(())
        });
        if let Err(error) = found {
            return error;
        }
        let message = format!("could not create unique index \"{}\"", index.name);
        Error::new(SqlState::UniqueViolation, message)
            .detail(format!("Key {shown} is duplicated."))
            .schema(&model.schema)
            .table(&model.name)
            .constraint(&index.name)
    }
}

/// The places of the columns that an index's keys are made of; `None` where an expression may read any.
fn key_places(index: &IndexModel) -> Option<Vec<usize>> {
    if index.predicate.is_some() {
        return None;
    }
    index
        .keys
        .iter()
        .map(|key| match &key.source {
            KeySource::Column(place) => Some(*place),
            KeySource::Expression(_) => None,
        })
        .collect()
}
