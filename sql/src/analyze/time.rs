//! Time clauses: the moments that tables are read at.

use catalog::builtin::{CastContext, Volatility, function_by_oid};
use engine::Value;

use super::Analyzer;
use super::clause::Clause;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax;
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{Expression, ExpressionKind, Form, TimeClause, Type};
use crate::types::{self, oid};

impl Analyzer<'_> {
    /// The time clause that holds for a table: its own or the statement's, never both.
    pub(super) fn time_clause(
        &mut self,
        clause: Option<&syntax::TimeClause>,
        at: u32,
    ) -> Result<Option<TimeClause>> {
        let Some(clause) = clause else {
            self.statement_time_taken = true;
            let moment = self.statement_time.clone().or_else(|| self.default_time());
            return Ok(moment.map(TimeClause::AsOf));
        };
        if self.statement_time.is_some() {
            return Err(Error::new(
                SqlState::SyntaxError,
                "FOR SYSTEM_TIME of a table cannot be combined with AS OF SYSTEM TIME of the statement",
            )
            .at(self.position(at)));
        }
        Ok(Some(match clause {
            syntax::TimeClause::AsOf(moment) => TimeClause::AsOf(self.moment(moment)?),
            syntax::TimeClause::FromTo(from, to) => TimeClause::FromTo(self.moment(from)?, self.moment(to)?),
            syntax::TimeClause::Between(from, to) => {
                TimeClause::Between(self.moment(from)?, self.moment(to)?)
            }
            syntax::TimeClause::All => TimeClause::All,
        }))
    }

    /// A moment: a timestamptz without columns and without volatile functions; or what names one: an interval from now
    /// on, a place in the log of commits, a text that is one of these or the name of a snapshot.
    pub(super) fn moment(&mut self, moment: &syntax::Expression) -> Result<Expression> {
        // Columns of no level may be read, so the moment is analyzed where there are none.
        let outer = std::mem::take(&mut self.scopes);
        let node = self.scoped(|analyzer| analyzer.expression_in(Clause::Time, moment));
        self.scopes = outer;
        let node = node.map_err(|error| match error.state() {
            SqlState::UndefinedColumn | SqlState::UndefinedTable => {
                Error::new(SqlState::InvalidColumnReference, "a time clause cannot refer to columns")
                    .at(error.report().position)
            }
            _ => error,
        })?;
        let node = self.named_moment(node, moment.at)?;
        let (source, position) = (node.ty.oid, node.position);
        let Some(mut node) =
            self.coerce_to(node, Type::new(oid::TIMESTAMPTZ), CastContext::Assignment, position)?
        else {
            let message = format!(
                "a time clause must be type timestamp with time zone, not type {}",
                self.type_text(source)
            );
            return Err(Error::new(SqlState::DatatypeMismatch, message).at(position));
        };
        let mut volatile = Volatile(false);
        walk_expression(&mut node, &mut volatile);
        match volatile.0 {
            true => {
                Err(Error::new(SqlState::FeatureNotSupported, "a time clause cannot use volatile functions")
                    .at(position))
            }
            false => Ok(node),
        }
    }

    /// What names a moment, made one.
    fn named_moment(&mut self, node: Expression, at: u32) -> Result<Expression> {
        let is_moment =
            |text: &str| types::input(oid::TIMESTAMPTZ, -1, text, &self.environment.input).is_ok();
        let (function, argument) = match (&node.kind, node.ty.oid) {
            (ExpressionKind::Constant(Value::Text(text)), oid::UNKNOWN) if !is_moment(text) => {
                (MOMENT_OF_TEXT, oid::TEXT)
            }
            (_, oid::TEXT | oid::VARCHAR | oid::NAME) => (MOMENT_OF_TEXT, oid::TEXT),
            (_, oid::PG_LSN) => (MOMENT_OF_COMMIT, oid::PG_LSN),
            (_, oid::INTERVAL) => {
                let now = self.system_call("now", Vec::new(), at)?;
                let plus = syntax::OperatorName { schema: None, name: "+".to_string(), at };
                return self.make_operator(&plus, Some(now), node);
            }
            _ => return Ok(node),
        };
        let position = node.position;
        let node = self.coerce(node, Type::new(argument), CastContext::Implicit, position)?;
        Ok(Expression {
            kind: ExpressionKind::Call {
                function,
                operator: 0,
                arguments: vec![node],
                variadic_array: false,
                form: Form::Call,
            },
            ty: Type::new(oid::TIMESTAMPTZ),
            collation: 0,
            position,
        })
    }

    /// The moment of strata.as_of.
    fn default_time(&self) -> Option<Expression> {
        self.environment.default_moment.map(|micros| Expression {
            kind: ExpressionKind::Constant(Value::Int64(micros)),
            ty: Type::new(oid::TIMESTAMPTZ),
            collation: 0,
            position: None,
        })
    }

    /// The time clause of strata.as_of.
    pub(super) fn default_clause(&self) -> Option<TimeClause> {
        self.default_time().map(TimeClause::AsOf)
    }

    /// Whether a time clause is that of strata.as_of.
    pub(super) fn is_default_time(&self, clause: &TimeClause) -> bool {
        self.default_clause().is_some_and(|default| default == *clause)
    }
}

/// Oids of strata.moment(text) and strata.moment(pg_lsn).
const MOMENT_OF_TEXT: u32 = 9504;
const MOMENT_OF_COMMIT: u32 = 9505;

struct Volatile(bool);

impl Visitor for Volatile {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        if let ExpressionKind::Call { function, .. } = expression.kind {
            self.0 |= function_by_oid(function).is_none_or(|row| row.volatility == Volatility::Volatile);
        }
        !self.0
    }
}
