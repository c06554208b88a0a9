//! INTERSECT and EXCEPT, with and without ALL.
//!
//! The right side's rows are counted by key; then the left side's rows pass as the counts say, in left order.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use datafusion_execution::memory_pool::MemoryConsumer;
use futures::StreamExt;
use hashbrown::HashMap;

use super::execution::Execution;
use super::keys::RowKeys;
use super::row::narrowed;
use super::stream::{Batches, batch_of, from_datafusion};
use crate::error::{Error, Result};
use crate::evaluate::CompiledExpression;
use crate::plan::Node;
use crate::plan::node::{KeyExpression, KeyForm, Operator};
use crate::tree::SetOperator;
use crate::types::key::native_is_key;

struct State {
    node: Arc<Node>,
    execution: Execution,
    left: Batches,
    right: Option<Batches>,
    keys: Vec<KeyExpression>,
    converter: RowKeys,
    counts: HashMap<Vec<u8>, Count>,
    reservation: datafusion_execution::memory_pool::MemoryReservation,
}

#[derive(Default)]
struct Count {
    right: u64,
    /// Left rows that have passed.
    passed: u64,
}

pub(super) fn set_operation(
    node: &Arc<Node>,
    execution: &Execution,
    left: Batches,
    right: Batches,
) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    futures::stream::once(async move {
        let keys = key_expressions(&node)?;
        let converter = RowKeys::new(&keys)?;
        let reservation = MemoryConsumer::new("SetOperation").register(execution.shared.tasks.memory_pool());
        let state = State {
            node,
            execution,
            left,
            right: Some(right),
            keys,
            converter,
            counts: HashMap::new(),
            reservation,
        };
        Ok::<_, Error>(futures::stream::try_unfold(state, step))
    })
    .map(|outcome| match outcome {
        Ok(batches) => batches.boxed(),
        Err(error) => futures::stream::once(std::future::ready(Err(error))).boxed(),
    })
    .flatten()
    .boxed()
}

fn key_expressions(node: &Node) -> Result<Vec<KeyExpression>> {
    let Operator::SetOperation { keys, .. } = &node.operator else {
        return Err(Error::internal("not a set operation"));
    };
    Ok(keys
        .iter()
        .zip(&node.columns)
        .enumerate()
        .map(|(position, (oid, column))| KeyExpression {
            expression: CompiledExpression::input(position, column.ty, column.physical),
            form: if native_is_key(*oid) { KeyForm::Native } else { KeyForm::Encoded(*oid) },
        })
        .collect())
}

async fn step(mut state: State) -> Result<Option<(RecordBatch, State)>> {
    if let Some(mut right) = state.right.take() {
        while let Some(batch) = right.next().await {
            let batch = batch?;
            let keys = state.converter.of(&state.keys, &state.execution.scope(), &batch)?;
            let mut added = 0;
            for row in 0..batch.num_rows() {
                let key = keys.get(row);
                if !state.counts.contains_key(key) {
                    added += key.len() + 64;
                }
                state.counts.entry_ref(key).or_default().right += 1;
            }
            state.reservation.try_grow(added).map_err(from_datafusion)?;
        }
    }
    while let Some(batch) = state.left.next().await {
        let batch = batch?;
        let Operator::SetOperation { operator, all, .. } = &state.node.operator else {
            return Err(Error::internal("not a set operation"));
        };
        let keys = state.converter.of(&state.keys, &state.execution.scope(), &batch)?;
        let mut mask = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let count = state.counts.entry_ref(keys.get(row)).or_default();
            mask.push(passes(*operator, *all, count));
        }
        let kept = narrowed(&batch, &BooleanArray::from(mask))?;
        if kept.num_rows() > 0 {
            let rows = kept.num_rows();
            let batch = batch_of(&state.node.schema, kept.columns().to_vec(), rows)?;
            return Ok(Some((batch, state)));
        }
    }
    Ok(None)
}

/// Whether one more left row of a key passes.
fn passes(operator: SetOperator, all: bool, count: &mut Count) -> bool {
    let passes = match (operator, all) {
        (SetOperator::Intersect, true) => count.right > 0,
        (SetOperator::Intersect, false) => count.right > 0 && count.passed == 0,
        (SetOperator::Except, true) => count.right == 0,
        (SetOperator::Except, false) => count.right == 0 && count.passed == 0,
        (SetOperator::Union, all) => all || count.passed == 0,
    };
    if all {
        count.right = count.right.saturating_sub(1);
    }
    if passes {
        count.passed += 1;
    }
    passes
}
