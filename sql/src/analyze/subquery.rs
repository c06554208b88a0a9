//! Subqueries in expressions.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, OperatorName};
use crate::tree::{Expression, ExpressionKind, OutputColumn, Query, Subquery, SubqueryKind, Type};
use crate::types::oid;

impl Analyzer<'_> {
    fn check_subquery_allowed(&self, at: u32) -> Result<()> {
        let clause = self.scope()?.clause;
        if clause.allows_subqueries() {
            return Ok(());
        }
        let message = format!("cannot use subquery in {}", clause.subquery_place());
        Err(Error::new(SqlState::FeatureNotSupported, message).at(self.position(at)))
    }

    /// A subquery as a value: one column's, an array, EXISTS.
    pub(super) fn subquery(
        &mut self,
        query: &syntax::Query,
        kind: SubqueryKind,
        at: u32,
    ) -> Result<Expression> {
        self.check_subquery_allowed(at)?;
        let query = self.query(query)?;
        let position = self.position(at);
        let (ty, collation) = match kind {
            SubqueryKind::Exists => (Type::new(oid::BOOL), 0),
            _ => {
                if query.output.len() != 1 {
                    return Err(Error::new(SqlState::SyntaxError, "subquery must return only one column")
                        .at(position));
                }
                let column =
                    query.output.first().ok_or_else(|| Error::internal("a query without columns"))?;
                (column.ty, column.collation)
            }
        };
        let ty = match kind {
            SubqueryKind::Array => {
                let array = if self.element_type(ty.oid) != 0 { ty.oid } else { self.array_type(ty.oid) };
                if array == 0 {
                    let message =
                        format!("could not find array type for data type {}", self.type_text(ty.oid));
                    return Err(Error::new(SqlState::UndefinedObject, message).at(position));
                }
                Type::new(array)
            }
            SubqueryKind::Scalar
            | SubqueryKind::Exists
            | SubqueryKind::Any { .. }
            | SubqueryKind::All { .. }
            | SubqueryKind::Row => ty,
        };
        let kind = ExpressionKind::Subquery(Box::new(Subquery { kind, query }));
        Ok(Expression { kind, ty, collation, position })
    }

    /// `left operator ANY/ALL (SELECT ...)`, and IN.
    pub(super) fn quantified_query(
        &mut self,
        left: &syntax::Expression,
        operator: &OperatorName,
        query: &syntax::Query,
        all: bool,
    ) -> Result<Expression> {
        let at = operator.at;
        self.check_subquery_allowed(at)?;
        let left = self.row_fields(left)?;
        let query = self.query(query)?;
        let (few, many) = (query.output.len() < left.len(), query.output.len() > left.len());
        if few || many {
            let which = if few { "few" } else { "many" };
            return Err(Error::new(SqlState::SyntaxError, format!("subquery has too {which} columns"))
                .at(self.position(at)));
        }
        let right = query.output.iter().map(output_reference).collect();
        let test = Box::new(self.compare_fields(operator, left, right)?);
        let kind = if all { SubqueryKind::All { test } } else { SubqueryKind::Any { test } };
        Ok(self.boolean_node(ExpressionKind::Subquery(Box::new(Subquery { kind, query })), at))
    }

    /// `(a, b) operator (SELECT x, y)`, the subquery giving at most one row.
    pub(super) fn row_subquery_comparison(
        &mut self,
        operator: &OperatorName,
        left: &syntax::Expression,
        query: &syntax::Query,
    ) -> Result<Expression> {
        let at = operator.at;
        let left = self.row_fields(left)?;
        let row = self.row_subquery(query, at)?;
        let columns = self.row_columns(&row);
        if columns.len() != left.len() {
            let which = if columns.len() < left.len() { "few" } else { "many" };
            return Err(Error::new(SqlState::SyntaxError, format!("subquery has too {which} columns"))
                .at(self.position(at)));
        }
        let mut right = Vec::with_capacity(columns.len());
        for index in 0..columns.len() {
            right.push(self.take_field(row.clone(), index, self.position(at))?);
        }
        self.compare_fields(operator, left, right)
    }

    /// A subquery as one row.
    pub(super) fn row_subquery(&mut self, query: &syntax::Query, at: u32) -> Result<Expression> {
        self.check_subquery_allowed(at)?;
        let query: Query = self.query(query)?;
        let kind = ExpressionKind::Subquery(Box::new(Subquery { kind: SubqueryKind::Row, query }));
        Ok(Expression { kind, ty: Type::new(oid::RECORD), collation: 0, position: self.position(at) })
    }
}

/// A query's output column as its user reads it.
pub(super) fn output_reference(column: &OutputColumn) -> Expression {
    Expression {
        kind: ExpressionKind::Column(column.column),
        ty: column.ty,
        collation: column.collation,
        position: None,
    }
}
