//! LIMIT, OFFSET and WITH TIES.

use std::sync::Arc;

use arrow_array::RecordBatch;
use engine::Value;
use futures::StreamExt;

use super::execution::Execution;
use super::keys::RowKeys;
use super::stream::Batches;
use crate::error::{Error, Result, SqlState};
use crate::plan::Node;
use crate::plan::node::{Limit, Operator};

/// The count of a LIMIT; `None` for NULL, which means no limit.
pub(super) fn count_of(value: &Value) -> Result<Option<u64>> {
    match value {
        Value::Null => Ok(None),
        Value::Int64(count) => u64::try_from(*count)
            .map(Some)
            .map_err(|_| Error::new(SqlState::InvalidRowCountInLimitClause, "LIMIT must not be negative")),
        other => Err(Error::internal(format!("LIMIT was {:?}", other.physical_type()))),
    }
}

/// The count of an OFFSET; NULL means none.
pub(super) fn offset_of(value: &Value) -> Result<u64> {
    match value {
        Value::Null => Ok(0),
        Value::Int64(count) => u64::try_from(*count).map_err(|_| {
            Error::new(SqlState::InvalidRowCountInResultOffsetClause, "OFFSET must not be negative")
        }),
        other => Err(Error::internal(format!("OFFSET was {:?}", other.physical_type()))),
    }
}

struct State {
    input: Batches,
    node: Arc<Node>,
    execution: Execution,
    skip: u64,
    left: Option<u64>,
    /// WITH TIES: the key of the last row counted, once the count is used up.
    last: Option<Vec<u8>>,
    keys: Option<RowKeys>,
}

pub(super) fn limit(node: &Arc<Node>, execution: &Execution, input: Batches) -> Result<Batches> {
    let Operator::Limit(plan) = &node.operator else { return Err(Error::internal("not a limit")) };
    let scope = execution.scope();
    let left = match &plan.count {
        Some(count) => count_of(&count.evaluate(&scope, &[])?)?,
        None => None,
    };
    let skip = match &plan.offset {
        Some(offset) => offset_of(&offset.evaluate(&scope, &[])?)?,
        None => 0,
    };
    let keys = (!plan.ties.is_empty()).then(|| RowKeys::new(&plan.ties)).transpose()?;
    let state =
        State { input, node: node.clone(), execution: execution.clone(), skip, left, last: None, keys };
    Ok(futures::stream::try_unfold(state, |mut state| async move {
        loop {
            if state.left == Some(0) && state.last.is_none() {
                return Ok(None);
            }
            let Some(batch) = state.input.next().await else { return Ok(None) };
            let batch = batch?;
            let skipped = state.skip.min(batch.num_rows() as u64);
            state.skip -= skipped;
            let rest = batch.slice(skipped as usize, batch.num_rows() - skipped as usize);
            if rest.num_rows() == 0 {
                continue;
            }
            let (taken, done) = take(&mut state, &rest)?;
            if done {
                state.left = Some(0);
                state.last = None;
            }
            if taken.num_rows() > 0 {
                return Ok(Some((taken, state)));
            }
        }
    })
    .boxed())
}

/// The rows of a batch that the limit lets through, and whether it is used up.
fn take(state: &mut State, batch: &RecordBatch) -> Result<(RecordBatch, bool)> {
    let Some(left) = state.left else { return Ok((batch.clone(), false)) };
    let counted = left.min(batch.num_rows() as u64) as usize;
    state.left = Some(left - counted as u64);
    let Operator::Limit(Limit { ties, .. }) = &state.node.operator else {
        return Err(Error::internal("not a limit"));
    };
    let Some(keys) = &mut state.keys else {
        return Ok((batch.slice(0, counted), counted as u64 == left));
    };
    let keys = keys.of(ties, &state.execution.scope(), batch)?;
    if counted > 0 && counted as u64 == left {
        state.last = Some(keys.get(counted - 1).to_vec());
    }
    let Some(last) = &state.last else { return Ok((batch.slice(0, counted), false)) };
    let mut end = counted;
    while end < batch.num_rows() && keys.get(end) == last.as_slice() {
        end += 1;
    }
    Ok((batch.slice(0, end), end < batch.num_rows()))
}
