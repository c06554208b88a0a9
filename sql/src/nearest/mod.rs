//! The nearest tier: the plain search for neighbours without a stream or an operator in between.
//!
//! A [`NearestQuery`] is recognised in an ordinary plan: the first rows of one table in the order of one distance, under
//! nothing but projections. It runs as one piece of work on the pool of queries, over the same search and the same
//! compiled expressions as the general execution, so that both give the same rows; a test runs the corpus both ways.

mod recognise;
mod run;

use std::sync::Arc;

use crate::evaluate::CompiledExpression;
use crate::plan::Node;
use crate::plan::node::Limit;

/// A plan of the nearest tier.
#[derive(Debug)]
pub struct NearestQuery {
    /// The limit at the plan's root or right below it.
    limit: Arc<Node>,
    /// The search: a node of [`crate::plan::node::Operator::Nearest`].
    search: Arc<Node>,
    /// Where the search has the vectors.
    vector: usize,
    /// What is shown of a row of the search, in steps: each over what the one before gives.
    projections: Vec<Vec<CompiledExpression>>,
}

impl NearestQuery {
    /// The node of the plan that the search stands for, for EXPLAIN.
    pub fn searched(&self) -> &Arc<Node> {
        &self.search
    }

    fn bounds(&self) -> Option<&Limit> {
        match &self.limit.operator {
            crate::plan::node::Operator::Limit(limit) => Some(limit),
            _ => None,
        }
    }
}
