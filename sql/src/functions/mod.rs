//! What functions, operators, casts, aggregates and window functions do, keyed by PostgreSQL 15's pg_proc oid.
//!
//! Descriptions (names, argument types, strictness, volatility) are data of `catalog`; only behaviour stands here.
//! Invariants: arguments arrive with the physical types that `types::physical` gives for the declared argument types;
//! a strict function is never called with NULL; results, messages and SQLSTATEs are PostgreSQL 15's. A violated
//! invariant is an internal error, never a panic. No function blocks: what needs the session's live state asks
//! `Context::environment`.

mod aggregate;
mod argument;
mod arithmetic;
mod array;
mod call;
mod cast;
mod comparison;
mod datetime;
mod embedding;
mod formatting;
mod json;
mod math;
mod pattern;
mod registry;
mod set_returning;
mod string;
mod system;
mod text_form;
mod vector;
mod window;

pub use aggregate::{
    Accumulator, AggregateImplementation, GroupedAccumulator, aggregate, implemented_aggregates,
};
pub use call::{Call, OrderKey};
pub(crate) use embedding::{check_alike, different_dimensions, distance_of};
pub(crate) use json::convert::object_of;
pub use registry::{Implementation, ScalarFunction, Vector, VectorFunction, implementation, implemented};
pub use set_returning::{Rows, SetReturningImplementation, implemented_sets, set_returning};
pub use string::quote::quote_identifier;
pub use window::{WindowFunction, WindowImplementation, WindowPartition, implemented_windows, window};

/// The function that relabels int4 as an oid type or back: the one relabelling that changes the column's type.
pub const REINTERPRET: u32 = cast::number::REINTERPRET;

/// Drops what functions remember of a session that ends (the seed of setseed).
pub fn forget_session(process: i32) {
    math::random::forget(process);
}
