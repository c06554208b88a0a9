//! FOR UPDATE and its kin: rows are pulled, locked and re-checked one by one.
//!
//! A row that had to be waited for is computed anew from its newest version: the input is executed with the scans of
//! the locked tables replaced by the rows locked. If nothing comes out, the newest version no longer qualifies.

use std::sync::Arc;

use arrow_array::RecordBatch;
use engine::{RowHandle, Value};
use futures::StreamExt;

use super::execution::{Execution, Substitute};
use super::input::RowLocked;
use super::stream::Batches;
use crate::error::{Error, Result};
use crate::evaluate::column::value_at;
use crate::plan::Node;
use crate::plan::node::{Operator, RowLockPlan};

struct State {
    node: Arc<Node>,
    execution: Execution,
    input: Batches,
    batch: Option<(RecordBatch, usize)>,
}

pub(super) fn lock_rows(node: &Arc<Node>, execution: &Execution, input: Batches) -> Result<Batches> {
    if execution.shared.input.locks.is_none() {
        return Err(Error::internal("an execution cannot lock rows"));
    }
    let state = State { node: node.clone(), execution: execution.clone(), input, batch: None };
    Ok(futures::stream::try_unfold(state, |mut state| async move {
        loop {
            state.execution.check()?;
            match state.batch.take() {
                None => match state.input.next().await {
                    None => return Ok(None),
                    Some(batch) => state.batch = Some((batch?, 0)),
                },
                Some((batch, at)) if at < batch.num_rows() => {
                    let row = batch.slice(at, 1);
                    state.batch = Some((batch, at + 1));
                    if let Some(locked) = lock_row(&state.node, &state.execution, row).await? {
                        return Ok(Some((locked, state)));
                    }
                }
                Some(_) => {}
            }
        }
    })
    .boxed())
}

/// The row locked, in its newest version; `None` where it is gone, skipped or no longer qualifies.
async fn lock_row(
    node: &Arc<Node>,
    execution: &Execution,
    mut row: RecordBatch,
) -> Result<Option<RecordBatch>> {
    let Operator::LockRows { input, locks } = &node.operator else {
        return Err(Error::internal("not a lock of rows"));
    };
    let Some(locker) = execution.shared.input.locks.clone() else {
        return Err(Error::internal("an execution cannot lock rows"));
    };
    let mut substitutes: Vec<Substitute> = Vec::new();
    let mut moved = false;
    for lock in locks {
        // The null side of an outer join has no row to lock.
        let Some(handle) = handle_of(&row, lock)? else { continue };
        match locker.lock(lock.table, handle, lock.strength, lock.wait).await? {
            RowLocked::Current => substitutes.push(Substitute {
                handle: lock.handle,
                row: handle,
                view: execution.shared.input.view.clone(),
            }),
            RowLocked::Moved { row: newest, view } => {
                moved = true;
                substitutes.push(Substitute { handle: lock.handle, row: newest, view });
            }
            RowLocked::Deleted | RowLocked::Skipped => return Ok(None),
        }
    }
    if moved {
        let mut batches = execution.with_substitutes(substitutes).run(input)?;
        let mut found = None;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                found = Some(batch.slice(0, 1));
                break;
            }
        }
        match found {
            Some(checked) => row = checked,
            None => return Ok(None),
        }
    }
    Ok(Some(row))
}

fn handle_of(row: &RecordBatch, lock: &RowLockPlan) -> Result<Option<RowHandle>> {
    let column = row
        .columns()
        .get(lock.position)
        .ok_or_else(|| Error::internal("the handle of a row to lock is missing"))?;
    match value_at(column.as_ref(), 0)? {
        Value::Null => Ok(None),
        Value::Fixed16(bytes) => Ok(Some(RowHandle::from_bytes(bytes))),
        Value::Bytes(bytes) => <[u8; 16]>::try_from(bytes.as_ref())
            .map(|bytes| Some(RowHandle::from_bytes(bytes)))
            .map_err(|_| Error::internal("a row's handle has another length")),
        other => Err(Error::internal(format!("a row's handle was {:?}", other.physical_type()))),
    }
}
