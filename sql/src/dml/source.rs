//! Where the rows of a DML statement come from.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{ReadView, RowHandle, Value};

use crate::error::{Error, Result};
use crate::evaluate::{CompiledExpression, Context, Layout, compile};
use crate::tree::{ColumnNumber, ExpressionKind, Query, Relation};

/// Yields rows in the order of the source query's output.
#[async_trait]
pub trait RowSource: Send {
    /// The next rows, never none of them; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>>;

    /// The rows that the source yields when its target (by the number of the scan's handle column) is one row alone:
    /// the re-check of a row that had to be waited for. Only what has a plan can tell.
    async fn again(&mut self, _: ColumnNumber, _: RowHandle, _: ReadView) -> Result<Vec<Vec<Value>>> {
        Err(Error::internal("a source without a plan was asked again"))
    }
}

/// The rows of a VALUES (or of nothing at all) that needs no plan.
pub type CompiledValues = Arc<[Vec<CompiledExpression>]>;

/// VALUES computed without a plan.
pub struct ValuesSource {
    values: CompiledValues,
    next: usize,
    context: Context,
}

impl ValuesSource {
    const BATCH: usize = 256;

    pub fn new(values: CompiledValues, context: &Context) -> ValuesSource {
        ValuesSource { values, next: 0, context: context.clone() }
    }
}

/// The rows of a query that is VALUES or empty and nothing else; `None` when it needs a plan.
pub fn compile_values(query: &Query) -> Result<Option<CompiledValues>> {
    let Some(rows) = values_of(query) else { return Ok(None) };
    let layout = Layout::default();
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(|item| compile(item, &layout)).collect::<Result<Vec<_>>>())
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(rows.into()))
}

/// The rows of a plain VALUES, columns in the order of the query's output.
fn values_of(query: &Query) -> Option<Vec<Vec<&crate::tree::Expression>>> {
    if !query.common.is_empty() {
        return None;
    }
    match &query.relation {
        Relation::Empty if query.output.is_empty() => Some(vec![Vec::new()]),
        Relation::Subquery(inner)
            if query.output.iter().map(|c| c.column).eq(inner.output.iter().map(|c| c.column)) =>
        {
            values_of(inner)
        }
        Relation::Extend { input, items } if matches!(**input, Relation::Empty) => {
            let row = query
                .output
                .iter()
                .map(|column| items.iter().find(|(number, _)| *number == column.column).map(|(_, item)| item))
                .collect::<Option<Vec<_>>>()?;
            row.iter().all(|item| is_alone(item)).then(|| vec![row])
        }
        Relation::Values { columns, rows } => {
            let places = query
                .output
                .iter()
                .map(|column| columns.iter().position(|own| own.number == column.column))
                .collect::<Option<Vec<_>>>()?;
            rows.iter()
                .map(|row| {
                    let row = places.iter().map(|place| row.get(*place)).collect::<Option<Vec<_>>>()?;
                    row.iter().all(|item| is_alone(item)).then_some(row)
                })
                .collect()
        }
        _ => None,
    }
}

/// Whether an expression needs neither columns nor subqueries.
fn is_alone(expression: &crate::tree::Expression) -> bool {
    !crate::plan::walk::any(expression, &mut |item| {
        matches!(item.kind, ExpressionKind::Subquery(_) | ExpressionKind::Column(_))
    })
}

#[async_trait]
impl RowSource for ValuesSource {
    async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>> {
        let mut rows = Vec::new();
        for row in self.values.iter().skip(self.next).take(Self::BATCH) {
            let values =
                row.iter().map(|item| item.evaluate_row(&self.context, &[])).collect::<Result<Vec<_>>>()?;
            rows.push(values);
        }
        self.next += rows.len();
        Ok(if rows.is_empty() { None } else { Some(rows) })
    }
}

/// Rows out of record batches.
pub fn rows_of(batch: &arrow_array::RecordBatch) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let mut values = Vec::with_capacity(batch.num_columns());
        for column in batch.columns() {
            values.push(crate::evaluate::column::value_at(column, row)?);
        }
        rows.push(values);
    }
    if batch.num_columns() == 0 && batch.num_rows() > 0 && rows.iter().any(|row| !row.is_empty()) {
        return Err(Error::internal("a batch without columns has values"));
    }
    Ok(rows)
}
