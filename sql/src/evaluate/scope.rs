//! What surrounds one evaluation besides its row.

use engine::Value;

use super::context::Context;
use super::operation::SubqueryCall;
use crate::error::{Error, Result};

/// The execution context, the columns of enclosing queries, and the means to run subqueries.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub context: &'a Context,
    /// Values of enclosing queries' columns, by slot.
    pub outer: &'a [Value],
    pub subqueries: Option<&'a dyn SubqueryRunner>,
}

/// Runs the subqueries of a plan; implemented by an execution.
pub trait SubqueryRunner: Send + Sync {
    /// The value of a subquery for a row of its input (positions outside `SubqueryCall::inputs` are NULL).
    fn subquery(&self, call: &SubqueryCall, row: &[Value]) -> Result<Value>;
}

impl<'a> Scope<'a> {
    /// A scope without enclosing queries and subqueries.
    pub fn alone(context: &'a Context) -> Scope<'a> {
        Scope { context, outer: &[], subqueries: None }
    }

    pub(super) fn parameter(&self, number: usize) -> Result<&Value> {
        self.context
            .parameters
            .get(number)
            .ok_or_else(|| Error::internal(format!("no value for parameter ${}", number + 1)))
    }

    pub(super) fn slot(&self, slot: usize) -> Result<&Value> {
        self.outer.get(slot).ok_or_else(|| Error::internal(format!("no value for outer column slot {slot}")))
    }

    pub(super) fn run(&self, call: &SubqueryCall, row: &[Value]) -> Result<Value> {
        self.subqueries.ok_or_else(|| Error::internal("a subquery outside of a plan"))?.subquery(call, row)
    }
}
