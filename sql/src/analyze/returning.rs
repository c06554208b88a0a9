//! RETURNING.

use super::Analyzer;
use super::clause::Clause;
use crate::error::{Error, Result};
use crate::parse::syntax::SelectItem;
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{ColumnNumber, Expression, ExpressionKind, OutputColumn, Returning};

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

    /// Items that hold subqueries are computed by the source, in the statement's snapshot, before the row is written:
    /// `value` says what the source knows a column of the written row by. What is left are references to the results.
    pub(super) fn lift_returning(
        &mut self,
        returning: &mut Returning,
        value: &dyn Fn(ColumnNumber) -> Result<Option<Expression>>,
    ) -> Result<Vec<(ColumnNumber, Expression)>> {
        let mut lifted = Vec::new();
        for (_, item) in &mut returning.items {
            if !crate::plan::walk::has_subquery(item) {
                continue;
            }
            let mut known = KnownBy { value, error: None };
            walk_expression(item, &mut known);
            if let Some(error) = known.error {
                return Err(error);
            }
            let number = self.new_column();
            let reference = Expression { kind: ExpressionKind::Column(number), ..item.clone() };
            lifted.push((number, std::mem::replace(item, reference)));
        }
        Ok(lifted)
    }
}

/// Puts what the source knows in the place of columns of the written row.
struct KnownBy<'v> {
    value: &'v dyn Fn(ColumnNumber) -> Result<Option<Expression>>,
    error: Option<Error>,
}

impl Visitor for KnownBy<'_> {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        let ExpressionKind::Column(number) = expression.kind else { return true };
        match (self.value)(number) {
            Ok(Some(value)) => *expression = value,
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
        false
    }
}

/// The refusal of a subquery in RETURNING over a value that is known only once the row is written.
pub(super) fn late_value(what: &str) -> Error {
    Error::unsupported(format!("a subquery in RETURNING that reads {what}"))
}
