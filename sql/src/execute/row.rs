//! Operators that need one batch at a time: filters, projections, keys, values.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow_schema::DataType;
use engine::PhysicalType;
use futures::StreamExt;

use super::execution::Execution;
use super::stream::{Batches, batch_of, from_iterator};
use crate::error::{Error, Result};
use crate::evaluate::column::{ColumnBuilder, value_at};
use crate::evaluate::{Scope, arrow_error};
use crate::plan::Node;
use crate::plan::node::{KeyExpression, KeyForm, Operator};
use crate::types::key;

pub(super) fn one(node: &Arc<Node>) -> Result<Batches> {
    let batch = batch_of(&node.schema, Vec::new(), 1);
    Ok(from_iterator(std::iter::once(batch)))
}

pub(super) fn values(node: &Arc<Node>, execution: &Execution) -> Result<Batches> {
    let (node, execution) = (node.clone(), execution.clone());
    let mut next = 0;
    Ok(from_iterator(std::iter::from_fn(move || {
        let Operator::Values { rows } = &node.operator else { return None };
        let rows = rows.get(next..)?.iter().take(super::stream::BATCH_ROWS);
        let count = rows.len();
        if count == 0 {
            return None;
        }
        next += count;
        let mut builders: Vec<_> =
            node.columns.iter().map(|column| ColumnBuilder::new(column.physical, count)).collect();
        for row in rows {
            for (expression, builder) in row.iter().zip(&mut builders) {
                let outcome =
                    expression.evaluate(&execution.scope(), &[]).and_then(|value| builder.append(&value));
                if let Err(error) = outcome {
                    next = usize::MAX;
                    return Some(Err(error));
                }
            }
        }
        Some(batch_of(&node.schema, builders.iter_mut().map(ColumnBuilder::finish).collect(), count))
    })))
}

/// The rows for which the mask is true.
pub(super) fn narrowed(batch: &RecordBatch, mask: &BooleanArray) -> Result<RecordBatch> {
    if mask.null_count() == 0 && mask.true_count() == mask.len() {
        return Ok(batch.clone());
    }
    if batch.num_columns() == 0 {
        return batch_of(&batch.schema(), Vec::new(), mask.true_count());
    }
    arrow::compute::filter_record_batch(batch, mask).map_err(arrow_error)
}

pub(super) fn filter(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    input
        .map(move |batch| {
            let Operator::Filter { predicate, .. } = &node.operator else {
                return Err(Error::internal("not a filter"));
            };
            let batch = batch?;
            let mask = predicate.evaluate_predicate(&execution.scope(), &batch)?;
            narrowed(&batch, &mask)
        })
        .filter(|batch| std::future::ready(!matches!(batch, Ok(batch) if batch.num_rows() == 0)))
        .boxed()
}

pub(super) fn project(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    input
        .map(move |batch| {
            let Operator::Project { expressions, .. } = &node.operator else {
                return Err(Error::internal("not a projection"));
            };
            let batch = batch?;
            let scope = execution.scope();
            let columns = expressions
                .iter()
                .map(|expression| expression.evaluate_batch(&scope, &batch))
                .collect::<Result<Vec<_>>>()?;
            batch_of(&node.schema, columns, batch.num_rows())
        })
        .boxed()
}

pub(super) fn keys(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    input
        .map(move |batch| {
            let Operator::Keys { keys, .. } = &node.operator else {
                return Err(Error::internal("not a key projection"));
            };
            let batch = batch?;
            let mut columns = batch.columns().to_vec();
            for key in keys {
                columns.push(key_column(key, &execution.scope(), &batch)?);
            }
            batch_of(&node.schema, columns, batch.num_rows())
        })
        .boxed()
}

/// The column of a comparison key.
pub(super) fn key_column(key: &KeyExpression, scope: &Scope<'_>, batch: &RecordBatch) -> Result<ArrayRef> {
    let column = key.expression.evaluate_batch(scope, batch)?;
    match key.form {
        KeyForm::Native => Ok(column),
        KeyForm::Encoded(oid) => encoded(oid, &column),
        KeyForm::Widened => widened(&column),
    }
}

/// The comparison keys of a type's values; NULL stays NULL.
pub(super) fn encoded(oid: u32, column: &ArrayRef) -> Result<ArrayRef> {
    let mut builder = ColumnBuilder::new(PhysicalType::Bytes, column.len());
    let ColumnBuilder::Bytes(bytes) = &mut builder else {
        return Err(Error::internal("a builder of bytes was of another type"));
    };
    let mut buffer = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            bytes.append_null();
        } else {
            buffer.clear();
            key::append(oid, &value_at(column.as_ref(), row)?, &mut buffer)?;
            bytes.append_value(&buffer);
        }
    }
    Ok(builder.finish())
}

fn widened(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Int64 => column.clone(),
        DataType::Int32 => Arc::new(Int64Array::from_iter(
            column.as_primitive::<Int32Type>().iter().map(|value| value.map(i64::from)),
        )),
        DataType::Int16 => Arc::new(Int64Array::from_iter(
            column.as_primitive::<Int16Type>().iter().map(|value| value.map(i64::from)),
        )),
        other => return Err(Error::internal(format!("a column of {other} was compared as an integer"))),
    })
}

/// The inputs one after the other.
pub(super) fn append(node: &Arc<Node>, inputs: Vec<Batches>) -> Batches {
    let schema = node.schema.clone();
    futures::stream::iter(inputs)
        .flatten()
        .map(move |batch| {
            let batch = batch?;
            batch_of(&schema, batch.columns().to_vec(), batch.num_rows())
        })
        .boxed()
}
