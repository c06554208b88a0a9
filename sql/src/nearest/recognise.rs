//! Which plans the nearest tier takes.

use std::sync::Arc;

use super::NearestQuery;
use crate::evaluate::CompiledExpression;
use crate::plan::node::{Operator, Source};
use crate::plan::{Node, Plan};

impl NearestQuery {
    /// The search for neighbours that a plan is; `None` where it is more.
    pub fn recognise(plan: &Plan) -> Option<NearestQuery> {
        // How a materialized view is read is decided for each execution.
        let of_views = plan.of_views.is_some();
        if of_views || !plan.subqueries.is_empty() || !plan.commons.is_empty() || plan.slots > 0 {
            return None;
        }
        // From the root downwards; the projections are applied from the last to the first.
        let mut projections: Vec<Vec<CompiledExpression>> = Vec::new();
        let node = projected(&plan.root, &mut projections);
        let Operator::Limit(limit) = &node.operator else { return None };
        if !limit.ties.is_empty() {
            return None;
        }
        let sorted = projected(&limit.input, &mut projections);
        let Operator::Sort(sort) = &sorted.operator else { return None };
        if sort.keys.len() != 1 {
            return None;
        }
        // A key that is computed for the sort alone is not among its rows.
        let keyed = match &sort.input.operator {
            Operator::Keys { input, .. } if input.columns.len() == sort.shown => input,
            _ if sort.input.columns.len() == sort.shown => &sort.input,
            _ => return None,
        };
        let search = projected(keyed, &mut projections);
        let Operator::Nearest(nearest) = &search.operator else { return None };
        if nearest.ties {
            return None;
        }
        let of_vector = |source: &Source| *source == Source::Column(nearest.vector);
        let vector = nearest.access.sources.iter().position(of_vector)?;
        projections.reverse();
        Some(NearestQuery { limit: node.clone(), search: search.clone(), vector, projections })
    }
}

/// What is below projections.
fn projected<'a>(mut node: &'a Arc<Node>, projections: &mut Vec<Vec<CompiledExpression>>) -> &'a Arc<Node> {
    while let Operator::Project { input, expressions } = &node.operator {
        projections.push(expressions.clone());
        node = input;
    }
    node
}
