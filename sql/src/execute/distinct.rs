//! DISTINCT and DISTINCT ON: the first row of each set of equal keys, in input order.

use std::sync::Arc;

use arrow_array::BooleanArray;
use datafusion_execution::memory_pool::MemoryConsumer;
use futures::StreamExt;
use hashbrown::HashSet;

use super::execution::Execution;
use super::keys::RowKeys;
use super::row::narrowed;
use super::stream::{Batches, from_datafusion};
use crate::error::{Error, Result};
use crate::plan::Node;
use crate::plan::node::Operator;

pub(super) fn distinct(node: &Arc<Node>, execution: &Execution, input: Batches) -> Result<Batches> {
    let Operator::Distinct { keys, .. } = &node.operator else {
        return Err(Error::internal("not a distinct"));
    };
    let mut converter = RowKeys::new(keys)?;
    let reservation = MemoryConsumer::new("Distinct").register(execution.shared.tasks.memory_pool());
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let (node, execution) = (node.clone(), execution.clone());
    Ok(input
        .map(move |batch| {
            let Operator::Distinct { keys, .. } = &node.operator else {
                return Err(Error::internal("not a distinct"));
            };
            let batch = batch?;
            let row_keys = converter.of(keys, &execution.scope(), &batch)?;
            let mut added = 0;
            let mut first = Vec::with_capacity(batch.num_rows());
            for row in 0..batch.num_rows() {
                let key = row_keys.get(row);
                let new = !seen.contains(key);
                if new {
                    added += key.len() + 48;
                    seen.insert(key.to_vec());
                }
                first.push(new);
            }
            reservation.try_grow(added).map_err(from_datafusion)?;
            narrowed(&batch, &BooleanArray::from(first))
        })
        .filter(|batch| std::future::ready(!matches!(batch, Ok(batch) if batch.num_rows() == 0)))
        .boxed())
}
