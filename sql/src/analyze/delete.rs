//! DELETE.

use super::Analyzer;
use crate::error::Result;
use crate::parse::syntax;
use crate::tree::{Delete, Relation};

impl Analyzer<'_> {
    pub(super) fn delete(&mut self, delete: &syntax::Delete) -> Result<Delete> {
        self.open_scope();
        let result = self.delete_in_scope(delete);
        self.scopes.pop();
        result
    }

    fn delete_in_scope(&mut self, delete: &syntax::Delete) -> Result<Delete> {
        let mut common = match &delete.with {
            Some(with) => self.with(with)?,
            None => Vec::new(),
        };
        let object = self.target_table(&delete.table, "delete from")?;
        let (mut target, handle, item) = self.target_scan(&object, delete.alias.as_ref(), &delete.table)?;
        let mut others = self.other_tables(&delete.using, item)?;
        let mut predicate = self.row_filter(delete.filter.as_ref())?;
        let mut returning = match delete.returning.is_empty() {
            true => None,
            false => Some(self.returning(&delete.returning)?),
        };
        let mut others_lateral = false;
        if let Some(returning) = &mut returning {
            let lifted = self.lift_returning(returning, &|_| Ok(None))?;
            if !lifted.is_empty() {
                others_lateral = true;
                let input = Box::new(others.take().unwrap_or(Relation::Empty));
                others = Some(Relation::Extend { input, items: lifted });
            }
        }
        self.keep_row(&mut target);
        if let Some(others) = &mut others {
            self.prune_relation(others);
        }
        predicate.iter_mut().for_each(|predicate| self.prune_expression(predicate));
        for table in &mut common {
            crate::tree::visit::walk_common(table, &mut super::prune::Finish(self));
        }
        let others = others.map(Box::new);
        Ok(Delete { common, target, handle, others, others_lateral, predicate, returning })
    }
}
