//! Sorts: DataFusion's, which spill, with the row's number as the last key so that ties keep their order.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow_array::{RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::sorts::sort::SortExec;
use engine::Value;
use futures::StreamExt;

use super::execution::Execution;
use super::late::Late;
use super::limit::{count_of, offset_of};
use super::lower::{NodeExec, Work, lower};
use super::stream::{Batches, batch_of};
use crate::error::{Error, Result};
use crate::evaluate::CompiledExpression;
use crate::plan::Node;
use crate::plan::node::Sort;

/// Above this many rows a bounded sort is a whole one: the heap would be no smaller.
const FETCH_MAX: u64 = 1 << 20;

pub(super) fn lower_sort(
    sort: &Sort,
    node: &Arc<Node>,
    execution: &Execution,
) -> Result<Arc<dyn ExecutionPlan>> {
    let late = Late::of(sort, execution);
    let input = match &late {
        Some(late) => late.lower_input(&sort.input, execution)?,
        None => lower(&sort.input, execution)?,
    };
    let mut fields: Vec<Field> =
        sort.input.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let number = fields.len();
    fields.push(Field::new(format!("c{number}"), DataType::UInt64, false));
    let numbered = NodeExec::new(Work::Number, execution, vec![input], Arc::new(Schema::new(fields)));
    let mut keys: Vec<PhysicalSortExpr> =
        sort.keys.iter().map(|key| sort_key(key.position, key.descending, key.nulls_first)).collect();
    keys.push(sort_key(number, false, false));
    let ordering = LexOrdering::new(keys).ok_or_else(|| Error::internal("a sort without keys"))?;
    let fetch = match &sort.fetch {
        Some(fetch) => fetch_of(fetch, execution)?,
        None => None,
    };
    let sorted: Arc<dyn ExecutionPlan> = Arc::new(SortExec::new(ordering, numbered).with_fetch(fetch));
    let shown = NodeExec::new(Work::Strip(sort.shown), execution, vec![sorted], node.schema.clone());
    Ok(match late {
        Some(late) => late.lower_fetch(shown, execution),
        None => shown,
    })
}

fn sort_key(position: usize, descending: bool, nulls_first: bool) -> PhysicalSortExpr {
    PhysicalSortExpr::new(
        Arc::new(Column::new(&format!("c{position}"), position)),
        SortOptions { descending, nulls_first },
    )
}

/// How many rows the LIMIT above will take. Its errors are its own to raise, when it runs.
pub(super) fn fetch_of(
    (count, offset): &(CompiledExpression, Option<CompiledExpression>),
    execution: &Execution,
) -> Result<Option<usize>> {
    let scope = execution.scope();
    let value = |expression: &CompiledExpression| expression.evaluate(&scope, &[]);
    let count = match value(count)? {
        Value::Null => return Ok(None),
        count => count_of(&count),
    };
    let offset = match offset {
        Some(offset) => offset_of(&value(offset)?),
        None => Ok(0),
    };
    let (Ok(Some(count)), Ok(offset)) = (count, offset) else { return Ok(None) };
    let rows = count.saturating_add(offset);
    Ok((rows > 0 && rows <= FETCH_MAX).then_some(rows as usize))
}

/// Adds each row's number.
pub(super) fn number(input: Batches, schema: SchemaRef) -> Batches {
    let mut next = 0u64;
    input
        .map(move |batch| {
            let batch = batch?;
            let rows = batch.num_rows() as u64;
            let mut columns = batch.columns().to_vec();
            columns.push(Arc::new(UInt64Array::from_iter_values(next..next + rows)));
            next += rows;
            batch_of(&schema, columns, batch.num_rows())
        })
        .boxed()
}

/// Keeps the first columns.
pub(super) fn strip(input: Batches, shown: usize, schema: SchemaRef) -> Batches {
    input
        .map(move |batch| {
            let batch: RecordBatch = batch?;
            let columns = batch.columns().iter().take(shown).cloned().collect();
            batch_of(&schema, columns, batch.num_rows())
        })
        .boxed()
}
