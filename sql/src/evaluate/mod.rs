//! Evaluation of typed expressions, one value or one batch at a time.
//!
//! One compiled form serves both: the point tier, CHECK constraints, defaults and index keys evaluate row by row,
//! plans evaluate batches. Both give the same values and the same errors: what a row does not reach (the right side of
//! a false AND, an untaken CASE arm) is not evaluated for it in either.

mod coerce;
mod collection;
pub mod column;
mod compile;
mod context;
mod domain;
pub(crate) mod facts;
mod layout;
mod list;
mod operation;
mod scalar;
mod scope;
mod special;
mod text;
mod vector;

pub use column::value_at;
pub use compile::{Surroundings, compile, compile_within};
pub use context::{Context, DateOrder, DateStyle, Environment, IntervalStyle, Settings};
pub use domain::DomainRules;
pub use layout::Layout;
pub use operation::{CompiledExpression, HashedTest, SubqueryCall, SubqueryCallKind};
pub use scope::{Scope, SubqueryRunner};
pub use text::ColumnNames;

/// An array of arrays: one dimension more than its elements.
pub(crate) fn nested_array(element: u32, values: &[engine::Value]) -> crate::error::Result<engine::Value> {
    collection::array(element, true, values)
}
pub(crate) use vector::{Rows, arrow_error};
