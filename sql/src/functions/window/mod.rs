//! Window functions proper (row_number, lag, first_value ...), keyed by pg_proc oid.
//!
//! The caller sorts and partitions, finds peers and frames, and shows them through [`WindowPartition`]; aggregates over
//! windows go through `aggregate`, not here.

mod rank;
mod value;

use std::ops::Range;

use engine::Value;

use super::Call;
use crate::error::Result;
use crate::evaluate::Context;

/// A partition of sorted rows, counted from 0, as a window function sees it.
pub trait WindowPartition {
    /// Rows of the partition.
    fn rows(&self) -> usize;
    /// Argument `argument` of the call, evaluated at row `row`.
    fn argument(&self, row: usize, argument: usize) -> Result<Value>;
    /// The rows that ORDER BY holds equal to `row`, itself included.
    fn peers(&self, row: usize) -> Range<usize>;
    /// The `nth` row (from 0) of the frame of row `row`, exclusion applied, counted from its head.
    fn frame_row(&self, row: usize, nth: usize) -> Result<Option<usize>>;
    /// The last row of the frame of row `row`, exclusion applied.
    fn frame_last(&self, row: usize) -> Result<Option<usize>>;
}

/// A window function at work on one partition: asked for each row, in order.
pub trait WindowFunction: Send {
    fn evaluate(&mut self, context: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value>;
}

/// What a window function's pg_proc row does.
pub struct WindowImplementation {
    pub oid: u32,
    /// A state machine for one partition.
    pub new: fn(&Call) -> Result<Box<dyn WindowFunction>>,
    /// Whether `frame_row` or `frame_last` is asked: otherwise frames need not be computed.
    pub uses_frame: bool,
}

const FUNCTIONS: &[&[WindowImplementation]] = &[rank::FUNCTIONS, value::FUNCTIONS];

/// The implementation of a window function.
pub fn window(oid: u32) -> Option<&'static WindowImplementation> {
    FUNCTIONS.iter().copied().flatten().find(|implementation| implementation.oid == oid)
}

/// The oids of all window functions implemented.
pub fn implemented_windows() -> impl Iterator<Item = u32> {
    FUNCTIONS.iter().copied().flatten().map(|implementation| implementation.oid)
}
