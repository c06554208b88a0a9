//! What commits between two moments came to in one table.

use engine::{ColumnId, Operation, TableId, Value};

use super::delta::{Delta, Sum, Term, Terms, Weighted, constant};
use super::fault::{Fault, is_planted};
use crate::error::{Error, Result};
use crate::session::engine_error;
use crate::tree::{Column, Relation, SystemColumn, TableScan, Type};
use crate::types::oid;

/// Changes of one table that are followed row by row.
const MOST_CHANGES: usize = 50_000;
/// Changes fetched at once.
const FETCHED: usize = 4096;

impl Delta<'_> {
    /// The net change of a table, in the columns that a scan reads.
    pub(super) fn table(&mut self, scan: &TableScan) -> Result<Terms> {
        let catalog = self.evaluator.catalog_at(self.to)?;
        let relation = catalog.relation(self.evaluator.database(), scan.table);
        let relation = relation.ok_or_else(|| Error::internal("a table of a view is gone"))?;
        let mut sources = Vec::with_capacity(scan.columns.len());
        for column in &scan.columns {
            sources.push(match column.source {
                SystemColumn::Attribute(number) => {
                    let found = relation.column(number);
                    Some(ColumnId(found.ok_or_else(|| Error::internal("a column of a view is gone"))?.id))
                }
                SystemColumn::TableOid => None,
                SystemColumn::Handle
                | SystemColumn::Xmin
                | SystemColumn::Former(_)
                | SystemColumn::SystemFrom
                | SystemColumn::SystemTo
                | SystemColumn::WriteId
                | SystemColumn::PreviousWriteId => return Ok(None),
            });
        }
        let Some(changed) = self.net_changes(TableId(scan.table), &sources)? else { return Ok(None) };
        if changed.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut columns: Vec<Column> = scan
            .columns
            .iter()
            .map(|column| Column { number: column.number, ty: column.ty, collation: column.collation })
            .collect();
        let weight = self.numbers.fresh();
        columns.push(Column { number: weight, ty: Type::new(oid::INT8), collation: 0 });
        let rows = changed
            .into_iter()
            .map(|(mut row, count)| {
                row.push(Value::Int64(count));
                row.into_iter().zip(&columns).map(|(value, column)| constant(value, column)).collect()
            })
            .collect();
        Ok(Some(vec![Term { relation: Relation::Values { columns, rows }, weight }]))
    }

    /// What commits between the moments came to; `None` where it is too much, or cannot be told.
    fn net_changes(&self, table: TableId, sources: &[Option<ColumnId>]) -> Result<Option<Vec<Weighted>>> {
        let view = self.evaluator.view_at(self.to);
        let mut cursor = view.changes(table, self.from, self.to).map_err(engine_error)?;
        let mut sum = Sum::default();
        let (mut met, mut unclear, mut failed) = (0, false, None);
        loop {
            let more = cursor.next(FETCHED, &mut |change| {
                met += 1;
                let mut image = |row: Option<engine::RowRef<'_>>, count: i64| -> Result<bool> {
                    let Some(row) = row else { return Ok(false) };
                    let mut values = Vec::with_capacity(sources.len() + 1);
                    for source in sources {
                        values.push(match source {
                            Some(column) => row.value(*column).map_err(engine_error)?,
                            None => Value::UInt32(table.0),
                        });
                    }
                    sum.add(values, count);
                    Ok(true)
                };
                let told = match change.operation {
                    Operation::Insert => image(change.new, 1),
                    Operation::Delete => image(change.old, -1),
                    Operation::Update if is_planted(Fault::SkippedUpdates) => Ok(true),
                    Operation::Update => {
                        image(change.old, -1).and_then(|old| Ok(image(change.new, 1)? && old))
                    }
                    Operation::Truncate => Ok(false),
                };
                match told {
                    Ok(told) => unclear |= !told,
                    Err(error) => failed = Some(error),
                }
            });
            if let Some(error) = failed.take() {
                return Err(error);
            }
            if unclear || met > MOST_CHANGES {
                return Ok(None);
            }
            if !more.map_err(engine_error)? {
                return Ok(Some(sum.finish()));
            }
        }
    }
}
