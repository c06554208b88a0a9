//! Scans read the columns that are used, not all that exist.

use std::collections::HashSet;

use super::Analyzer;
use crate::tree::visit::{Visitor, walk_query, walk_relation};
use crate::tree::{ColumnNumber, Query, Relation};

/// Keeps the columns listed.
pub(super) struct Prune<'u>(pub &'u HashSet<ColumnNumber>);

impl Visitor for Prune<'_> {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        if let Relation::Table(scan) = relation {
            scan.columns.retain(|column| self.0.contains(&column.number));
        }
        true
    }
}

impl Analyzer<'_> {
    /// Drops the columns that nothing reads from every scan of a query.
    pub(super) fn prune(&self, query: &mut Query) {
        walk_query(query, &mut Prune(&self.used));
    }

    pub(super) fn prune_relation(&self, relation: &mut Relation) {
        walk_relation(relation, &mut Prune(&self.used));
    }

    pub(super) fn prune_expression(&self, expression: &mut crate::tree::Expression) {
        crate::tree::visit::walk_expression(expression, &mut Prune(&self.used));
    }
}
