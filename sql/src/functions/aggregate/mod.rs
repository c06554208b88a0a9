//! Aggregate functions: accumulators keyed by the aggregate's pg_proc oid.
//!
//! DISTINCT, FILTER and ORDER BY are the caller's work: it feeds the rows that count, in order. A strict aggregate (as
//! PostgreSQL's transition functions are strict or not) skips NULLs itself, so the caller feeds every row.
//! An ordered-set aggregate is fed its WITHIN GROUP values, sorted by the caller as `Call::order` says; direct
//! arguments come with `finish`.

use std::sync::OnceLock;

use arrow_array::{ArrayRef, BooleanArray};
use engine::Value;

use super::Call;
use super::registry::Vector;
use crate::error::{Error, Result};
use crate::evaluate::Context;

/// The state of one aggregate over one group.
pub trait Accumulator: Send {
    /// Takes in one row.
    fn update(&mut self, context: &Context, arguments: &[Value]) -> Result<()>;

    /// Takes one row out again, the oldest first, for moving window frames. `false`: cannot; compute the frame anew.
    fn retract(&mut self, _context: &Context, _arguments: &[Value]) -> Result<bool> {
        Ok(false)
    }

    /// The state as bytes for `merge`, where `AggregateImplementation::mergeable`.
    fn state(&self) -> Result<Vec<u8>> {
        Err(Error::internal("this aggregate has no partial state"))
    }

    /// Takes in what another accumulator of the same call gave as `state`.
    fn merge(&mut self, _state: &[u8]) -> Result<()> {
        Err(Error::internal("this aggregate has no partial state"))
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
    /// Row `i` of the batch belongs to group `groups[i]`, all below `total_groups`; rows where `filter` is not true are left out.
    fn update(
        &mut self,
        arguments: &[Vector],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()>;

    /// The values of all groups in order; the accumulator is empty afterwards.
    fn finish(&mut self) -> Result<ArrayRef>;

    /// Bytes held.
    fn size(&self) -> usize;
}

/// What an aggregate's pg_proc row does.
pub struct AggregateImplementation {
    pub oid: u32,
    pub new: fn(&Call) -> Result<Box<dyn Accumulator>>,
    /// The batch-wise form, where there is one; it agrees with `new`.
    pub grouped: Option<fn(&Call) -> Result<Box<dyn GroupedAccumulator>>>,
    /// Whether `state` and `merge` work.
    pub mergeable: bool,
    /// The value does not depend on the order of its input (bit by bit).
    pub order_independent: bool,
}

/// A family's aggregates.
pub(super) type Aggregates = &'static [AggregateImplementation];

const FAMILIES: &[Aggregates] = &[];

/// The implementation of an aggregate function.
pub fn aggregate(oid: u32) -> Option<&'static AggregateImplementation> {
    let table = table();
    let at = table.binary_search_by_key(&oid, |implementation| implementation.oid).ok()?;
    table.get(at).copied()
}

fn table() -> &'static [&'static AggregateImplementation] {
    static TABLE: OnceLock<Vec<&'static AggregateImplementation>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: Vec<_> = FAMILIES.iter().copied().flatten().collect();
        table.sort_by_key(|implementation| implementation.oid);
        table
    })
}
