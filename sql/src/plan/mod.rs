//! Planning: from a typed query to an immutable plan of physical decisions.
//!
//! A plan holds no snapshot, no data and no value of a parameter: it is cached and executed many times, by many
//! sessions. It lists the relations it stands on, and the time clauses whose moments an execution must bring.

mod explain;
mod explained;
mod facts;
mod grouping;
mod index;
mod join;
mod join_order;
mod lateral;
mod nearest;
pub mod node;
mod ordering;
mod planner;
pub(crate) mod predicate;
mod source;
mod statistics;
mod subquery;
mod table;
pub mod walk;
mod window;
mod zones;

use std::sync::Arc;

use arrow_schema::SchemaRef;

pub use explain::{explain, explained};
pub use explained::{Explained, Shown};
pub use node::Node;
pub use planner::{CatalogAt, PlanInput};
pub use statistics::{NoStatistics, Statistics};

use crate::error::Result;
use crate::tree::{ColumnNumber, OutputColumn, Query, TimeClause};

/// A plan of a query.
#[derive(Debug)]
pub struct Plan {
    pub root: Arc<Node>,
    /// How the root's columns are shown, by position.
    pub output: Vec<OutputColumn>,
    pub subqueries: Vec<SubqueryPlan>,
    pub commons: Vec<CommonPlan>,
    /// Number of slots for columns of enclosing queries.
    pub slots: usize,
    /// The time clauses whose moments an execution brings, in order.
    pub moments: Vec<TimeClause>,
    /// pg_class oids of the relations that the plan reads.
    pub dependencies: Vec<u32>,
    /// The query itself, where it reads materialized views: before an execution somebody decides how each is read.
    pub of_views: Option<Arc<Query>>,
    /// Which column of which relation a number is, for EXPLAIN.
    pub named: Vec<NamedColumn>,
    /// The columns of enclosing queries, by slot.
    pub slot_columns: Vec<ColumnNumber>,
}

/// A relation's column under its number.
#[derive(Clone, Debug)]
pub struct NamedColumn {
    pub number: ColumnNumber,
    pub relation: Arc<catalog::Relation>,
    pub alias: Arc<str>,
    pub attribute: i16,
}

/// The plan of a subquery in an expression.
#[derive(Debug)]
pub struct SubqueryPlan {
    pub root: Arc<Node>,
}

/// The plan of a common table that several scans share, or that is recursive.
#[derive(Debug)]
pub struct CommonPlan {
    pub name: String,
    pub schema: SchemaRef,
    /// Slots of enclosing queries' columns that its rows depend on.
    pub captured: Vec<usize>,
    /// The shared common tables that it reads, directly or through others.
    pub reads: Vec<usize>,
    pub kind: CommonKind,
}

#[derive(Debug)]
pub enum CommonKind {
    Plain(Arc<Node>),
    /// `keys`: the columns' types, by which UNION finds equal rows.
    Recursive {
        start: Arc<Node>,
        step: Arc<Node>,
        all: bool,
        keys: Vec<u32>,
    },
}

/// Plans a query.
pub fn plan(query: &Query, input: &PlanInput<'_>) -> Result<Plan> {
    let mut planner = planner::Planner::new(input);
    let root = planner.output(query)?;
    Ok(Plan {
        root,
        output: query.output.clone(),
        subqueries: planner.subqueries,
        commons: planner.common_plans,
        slots: planner.slots.len(),
        moments: planner.moments,
        dependencies: planner.dependencies,
        of_views: planner.reads_views.then(|| Arc::new(query.clone())),
        named: planner.named,
        slot_columns: {
            let mut columns: Vec<_> =
                planner.slots.into_iter().map(|(column, slot)| (slot, column)).collect();
            columns.sort_unstable();
            columns.into_iter().map(|(_, column)| column).collect()
        },
    })
}
