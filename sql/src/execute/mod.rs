//! Execution of plans: streams of batches over a snapshot.
//!
//! [`execute`] starts a plan over the views it is given; nothing is read before the stream is polled, except what
//! LIMIT and the bounds of index searches need. Subqueries inside expressions run on the polling thread, so a stream
//! is polled on a pool that may block for a while, never on the network's.

mod accumulate;
mod aggregate;
mod common;
mod distinct;
mod execution;
mod frame;
mod functions;
mod input;
mod join;
mod keys;
mod late;
mod limit;
mod lock;
mod lower;
mod meter;
pub(crate) mod nearest;
mod predicate;
mod row;
mod scan;
pub(crate) mod search;
mod selective;
mod set_operation;
mod sort;
mod spill;
mod stream;
mod subquery;
mod window;

use std::sync::Arc;

pub use execution::{Execution, Substitute};
pub use input::{
    ExecutionInput, Interrupt, MomentValue, PastView, Resources, RowLocked, RowLocker, SystemRows,
    Uninterrupted, evaluate_moment, moment_of,
};
pub use meter::{Measured, Meters};
pub(crate) use scan::look_up;
pub use stream::{Batches, wait_for};

use crate::error::Result;
use crate::plan::Plan;

/// Starts a plan. The batches' columns are the plan's output, in order.
pub fn execute(plan: &Arc<Plan>, input: ExecutionInput) -> Result<Batches> {
    Execution::new(plan.clone(), input).start()
}
