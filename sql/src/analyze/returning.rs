//! RETURNING.

use super::Analyzer;
use super::clause::Clause;
use crate::error::Result;
use crate::parse::syntax::SelectItem;
use crate::tree::{OutputColumn, Returning};

impl Analyzer<'_> {
    /// The list of RETURNING over the items of the scope.
    pub(super) fn returning(&mut self, items: &[SelectItem]) -> Result<Returning> {
        let mut targets = self.targets(items, Clause::Returning)?;
        self.resolve_targets(&mut targets, false)?;
        let mut returning = Returning { items: Vec::new(), output: Vec::new() };
        for target in targets {
            let number = self.new_column();
            returning.output.push(OutputColumn {
                column: number,
                name: target.name,
                ty: target.expression.ty,
                collation: target.expression.collation,
                origin: target.origin,
            });
            let mut expression = target.expression;
            self.prune_expression(&mut expression);
            returning.items.push((number, expression));
        }
        Ok(returning)
    }
}
