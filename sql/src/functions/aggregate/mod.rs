//! Aggregate functions: accumulators keyed by the aggregate's pg_proc oid.
//!
//! DISTINCT, FILTER and ORDER BY are the caller's work: it feeds the rows that count, in order. An aggregate that skips
//! NULLs skips them itself, so the caller feeds every row. An ordered-set aggregate is fed its WITHIN GROUP values,
//! sorted by the caller as `Call::order` says; direct arguments come with `finish`.

mod boolean;
mod collect;
mod count;
mod embedding;
mod exact;
mod extreme;
mod float;
mod grouped;
mod json;
mod moment;
mod ordered;
mod sum;

use std::sync::OnceLock;

use arrow_array::{ArrayRef, BooleanArray};
use engine::Value;

use super::Call;
use super::registry::Vector;
use crate::error::Result;
use crate::evaluate::Context;

/// The state of one aggregate over one group.
pub trait Accumulator: Send {
    /// Takes in one row.
    fn update(&mut self, context: &Context, arguments: &[Value]) -> Result<()>;

    /// Takes one row out again, the oldest first, for moving window frames. `false`: cannot; compute the frame anew.
    fn retract(&mut self, _context: &Context, _arguments: &[Value]) -> Result<bool> {
        Ok(false)
    }

    /// The value so far. May be called again after further updates (window frames do).
    fn finish(&mut self, context: &Context, direct: &[Value]) -> Result<Value>;

    /// Bytes held beyond the accumulator itself, for memory accounting.
    fn size(&self) -> usize {
        0
    }
}

/// One aggregate over many groups at once, batch-wise: the fast form of the common aggregates.
pub trait GroupedAccumulator: Send {
    /// Row `i` of the batch belongs to group `groups[i]`, all below `total_groups`; rows where `filter` is not true are
    /// left out.
    fn update(
        &mut self,
        arguments: &[Vector],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()>;

    /// The values of all `total_groups` groups in order; the accumulator is empty afterwards.
    fn finish(&mut self, total_groups: usize) -> Result<ArrayRef>;

    /// Bytes held.
    fn size(&self) -> usize;
}

/// Makes an accumulator for a call.
pub type NewAccumulator = fn(&Call) -> Result<Box<dyn Accumulator>>;
/// Makes a batch-wise accumulator for a call.
pub type NewGrouped = fn(&Call) -> Result<Box<dyn GroupedAccumulator>>;

/// What an aggregate's pg_proc row does.
pub struct AggregateImplementation {
    pub oid: u32,
    pub new: NewAccumulator,
    /// The batch-wise form, where there is one; it agrees with `new`.
    pub grouped: Option<NewGrouped>,
}

/// A family's aggregates.
type Aggregates = &'static [(u32, NewAccumulator)];

const FAMILIES: &[Aggregates] = &[
    count::AGGREGATES,
    sum::AGGREGATES,
    float::AGGREGATES,
    moment::AGGREGATES,
    extreme::AGGREGATES,
    boolean::AGGREGATES,
    collect::AGGREGATES,
    ordered::AGGREGATES,
    json::AGGREGATES,
    embedding::AGGREGATES,
];

/// The implementation of an aggregate function.
pub fn aggregate(oid: u32) -> Option<&'static AggregateImplementation> {
    let table = table();
    let at = table.binary_search_by_key(&oid, |implementation| implementation.oid).ok()?;
    table.get(at)
}

/// The oids of all aggregates implemented, ascending.
pub fn implemented_aggregates() -> impl Iterator<Item = u32> {
    table().iter().map(|implementation| implementation.oid)
}

fn table() -> &'static [AggregateImplementation] {
    static TABLE: OnceLock<Vec<AggregateImplementation>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: Vec<_> = FAMILIES
            .iter()
            .copied()
            .flatten()
            .map(|&(oid, new)| AggregateImplementation { oid, new, grouped: grouped::of(oid) })
            .collect();
        table.sort_by_key(|implementation| implementation.oid);
        table
    })
}
