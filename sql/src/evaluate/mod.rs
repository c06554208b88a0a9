//! Evaluation of typed expressions, one value or one batch at a time.

mod context;

pub use context::{Context, DateOrder, DateStyle, Environment, IntervalStyle, Settings};
