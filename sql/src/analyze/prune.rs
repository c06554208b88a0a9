//! The last walk over a finished tree: scans keep the columns that are used, not all that exist, and parameters that
//! were met before their type was known get it.

use super::Analyzer;
use crate::tree::visit::{Visitor, walk_expression, walk_query, walk_relation};
use crate::tree::{Expression, Query, Relation};

/// The walk.
pub(super) struct Finish<'f, 'a>(pub &'f Analyzer<'a>);

impl Visitor for Finish<'_, '_> {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        self.0.settle_parameter(expression);
        true
    }

    fn relation(&mut self, relation: &mut Relation) -> bool {
        if let Relation::Table(scan) = relation {
            scan.columns.retain(|column| self.0.used.contains(&column.number));
        }
        true
    }
}

impl Analyzer<'_> {
    /// Finishes a query.
    pub(super) fn prune(&self, query: &mut Query) {
        walk_query(query, &mut Finish(self));
    }

    pub(super) fn prune_relation(&self, relation: &mut Relation) {
        walk_relation(relation, &mut Finish(self));
    }

    pub(super) fn prune_expression(&self, expression: &mut Expression) {
        walk_expression(expression, &mut Finish(self));
    }
}
