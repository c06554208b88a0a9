//! Set-returning functions: generators of rows, keyed by pg_proc oid.
//!
//! A generator yields one row at a time and holds no more than its arguments: generate_series over 10^12 numbers allocates nothing.

mod array;
mod history;
mod json;
mod series;
mod system;

use std::sync::OnceLock;

use engine::Value;

use super::Call;
use crate::error::Result;
use crate::evaluate::Context;

/// The rows of one call, in order.
pub trait Rows: Send {
    /// The next row: one value for a scalar result, one for each output column of a record.
    fn next(&mut self, context: &Context) -> Result<Option<Vec<Value>>>;
}

/// Any closure over the context is a generator.
impl<F: FnMut(&Context) -> Result<Option<Vec<Value>>> + Send> Rows for F {
    fn next(&mut self, context: &Context) -> Result<Option<Vec<Value>>> {
        self(context)
    }
}

/// What a set-returning function's pg_proc row does.
pub struct SetReturningImplementation {
    pub oid: u32,
    /// Starts a call. A strict function with a NULL argument is not called: it has no rows.
    pub start: Start,
}

/// Starts a call.
pub type Start = fn(&Context, &Call, &[Value]) -> Result<Box<dyn Rows>>;

/// A family's set-returning functions.
type Family = &'static [(u32, Start)];

const FAMILIES: &[Family] =
    &[series::FUNCTIONS, array::FUNCTIONS, json::FUNCTIONS, system::FUNCTIONS, history::FUNCTIONS];

/// The implementation of a set-returning function.
pub fn set_returning(oid: u32) -> Option<&'static SetReturningImplementation> {
    let table = table();
    let at = table.binary_search_by_key(&oid, |implementation| implementation.oid).ok()?;
    table.get(at)
}

/// The oids of all set-returning functions implemented, ascending.
pub fn implemented_sets() -> impl Iterator<Item = u32> {
    table().iter().map(|implementation| implementation.oid)
}

fn table() -> &'static [SetReturningImplementation] {
    static TABLE: OnceLock<Vec<SetReturningImplementation>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let all = FAMILIES.iter().copied().flatten();
        let mut table: Vec<_> = all.map(|&(oid, start)| SetReturningImplementation { oid, start }).collect();
        table.sort_by_key(|implementation| implementation.oid);
        table
    })
}
