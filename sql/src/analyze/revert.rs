//! `SELECT strata.revert(table, key, ..., moment)`: the table, the values of its primary key, the moment.
//!
//! It changes rows, so it is a statement, whatever it looks like: a call that stands in a query is refused by name.

use catalog::builtin::CastContext;

use super::Analyzer;
use super::clause::Clause;
use super::statement::AnalyzedStatement;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, FunctionCall};
use crate::plan::walk;
use crate::tree::{Expression, ExpressionKind, Type};

/// What strata.revert is about.
#[derive(Clone, Debug)]
pub struct AnalyzedRevert {
    pub table: u32,
    /// The values of the primary key, in its order and of its types.
    pub key: Vec<(u32, Expression)>,
    pub moment: Expression,
}

impl Analyzer<'_> {
    pub(super) fn reversion(&mut self, call: &FunctionCall) -> Result<AnalyzedStatement> {
        let position = self.position(call.name.at);
        self.refuse_decorations(call)?;
        if call.arguments.iter().any(|argument| argument.name.is_some() || argument.variadic) {
            return Err(Error::unsupported("named and variadic arguments of strata.revert").at(position));
        }
        let [table, keys @ .., moment] = call.arguments.as_slice() else {
            return Err(Error::new(SqlState::UndefinedFunction, "function strata.revert() does not exist")
                .hint("Give it a table, the values of its primary key and a moment.")
                .at(position));
        };
        let object = self.table_constant(&table.value, "strata.revert")?;
        let columns = self.primary_key(&object, (table.value.at, call.name.at), keys.len())?;
        self.note_use(&object, None)?;
        let mut key = Vec::with_capacity(keys.len());
        for (attribute, value) in columns.into_iter().zip(keys) {
            let column =
                object.column(attribute).ok_or_else(|| Error::internal("a key without its column"))?;
            key.push((column.type_oid, self.key_value(&value.value, column.type_oid)?));
        }
        let moment = self.without_subqueries(moment.value.at, |analyzer| analyzer.moment(&moment.value))?;
        Ok(AnalyzedStatement::Revert(Box::new(AnalyzedRevert { table: object.oid, key, moment })))
    }

    /// The value of a column of the key, as an assignment would take it.
    fn key_value(&mut self, value: &syntax::Expression, type_oid: u32) -> Result<Expression> {
        self.without_subqueries(value.at, |analyzer| {
            let node = analyzer.scoped(|analyzer| analyzer.expression_in(Clause::FromFunction, value))?;
            let (source, position) = (node.ty.oid, node.position);
            let node = analyzer.coerce_to(node, Type::new(type_oid), CastContext::Assignment, position)?;
            node.ok_or_else(|| {
                let (wanted, given) = (analyzer.type_text(type_oid), analyzer.type_text(source));
                let message = format!("the key is of type {wanted}, but the value is of type {given}");
                Error::new(SqlState::DatatypeMismatch, message).at(position)
            })
        })
    }

    fn without_subqueries(
        &mut self,
        at: u32,
        analyze: impl FnOnce(&mut Self) -> Result<Expression>,
    ) -> Result<Expression> {
        let node = analyze(self)?;
        match walk::any(&node, &mut |part| matches!(part.kind, ExpressionKind::Subquery(_))) {
            true => Err(Error::unsupported("a subquery in strata.revert").at(self.position(at))),
            false => Ok(node),
        }
    }
}
