//! Common tables put where they are scanned, so that the rules of changes need not know them.

use std::collections::HashMap;

use super::delta::{Numbers, output_reference};
use crate::tree::visit::{Visitor, walk_query};
use crate::tree::{ColumnNumber, CommonQuery, Query, Relation};

/// Puts common tables where they are scanned; `false` where one is recursive, or stands in an inner query.
pub(super) fn inline_commons(query: &mut Query, numbers: &mut Numbers) -> bool {
    let mut known: HashMap<u32, Query> = HashMap::new();
    for common in std::mem::take(&mut query.common) {
        let CommonQuery::Plain(mut inner) = common.query else { return false };
        if !inner.common.is_empty() {
            return false;
        }
        walk_query(&mut inner, &mut Inline { known: &known, numbers });
        known.insert(common.id, *inner);
    }
    walk_query(query, &mut Inline { known: &known, numbers });
    true
}

struct Inline<'k, 'n> {
    known: &'k HashMap<u32, Query>,
    numbers: &'n mut Numbers,
}

impl Visitor for Inline<'_, '_> {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        let Relation::CommonScan { id, columns } = relation else { return true };
        let Some(query) = self.known.get(id) else { return true };
        let mut inner = query.clone();
        walk_query(&mut inner, &mut Renumber { numbers: self.numbers, columns: HashMap::new() });
        let items = columns
            .iter()
            .zip(&inner.output)
            .map(|(column, output)| (column.number, output_reference(output)))
            .collect();
        *relation = Relation::Extend { input: Box::new(Relation::Subquery(Box::new(inner))), items };
        false
    }
}

struct Renumber<'n> {
    numbers: &'n mut Numbers,
    columns: HashMap<ColumnNumber, ColumnNumber>,
}

impl Visitor for Renumber<'_> {
    fn column(&mut self, column: &mut ColumnNumber) {
        *column = *self.columns.entry(*column).or_insert_with(|| self.numbers.fresh());
    }
}
