//! Expressions: every node of the syntax tree, once.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ExpressionKind as Syntax, LikeKind, OperatorName, SubscriptIndex};
use crate::tree::{Expression, ExpressionKind, SubqueryKind, Type};
use crate::types::oid;

impl Analyzer<'_> {
    /// Gives an expression its meaning and type. Longer than a function should be: one arm a node, none of them left
    /// out.
    pub(super) fn expression(&mut self, expression: &syntax::Expression) -> Result<Expression> {
        let at = expression.at;
        match &expression.kind {
            Syntax::Null => Ok(self.null(at)),
            Syntax::Boolean(value) => Ok(self.boolean(*value, at)),
            Syntax::Number(digits) => self.number(digits, at),
            Syntax::String(text) => Ok(self.string(text, at)),
            Syntax::BitString(digits) => self.bit_string(digits, false, at),
            Syntax::HexString(digits) => self.bit_string(digits, true, at),
            Syntax::Parameter(number) => self.parameter(*number, at),
            Syntax::Column(parts) => self.column_reference(parts, at),
            Syntax::Star(parts) => self.star_as_row(parts, at),
            Syntax::Field { argument, name } => self.field(argument, name, at),
            Syntax::FieldStar(_) => Err(Error::new(
                SqlState::FeatureNotSupported,
                "row expansion via \"*\" is not supported here",
            )
            .at(self.position(at))),
            Syntax::Subscript { argument, indexes } => self.subscript(argument, indexes, at),
            Syntax::Operator { operator, left, right } => self.operator(operator, left.as_deref(), right),
            Syntax::And(items) => self.connective(items, "AND", ExpressionKind::And, at),
            Syntax::Or(items) => self.connective(items, "OR", ExpressionKind::Or, at),
            Syntax::Not(argument) => {
                let argument = self.expression(argument)?;
                let argument = self.coerce_boolean(argument, "NOT")?;
                Ok(self.boolean_node(ExpressionKind::Not(Box::new(argument)), at))
            }
            Syntax::IsNull { argument, negated } => self.null_test(argument, *negated, at),
            Syntax::BooleanTest { argument, test } => self.boolean_test(argument, *test, at),
            Syntax::IsDistinct { left, right, negated } => self.is_distinct(left, right, *negated, at),
            Syntax::Between { argument, low, high, negated, symmetric } => {
                self.between(argument, low, high, (*negated, *symmetric), at)
            }
            Syntax::InList { argument, list, negated } => self.in_list(argument, list, *negated, at),
            Syntax::InQuery { argument, query, negated } => {
                let operator = OperatorName { schema: None, name: "=".to_string(), at };
                let test = self.quantified_query(argument, &operator, query, false)?;
                Ok(match negated {
                    true => self.boolean_node(ExpressionKind::Not(Box::new(test)), at),
                    false => test,
                })
            }
            Syntax::Like { kind, argument, pattern, escape, negated } => {
                self.pattern_match(*kind, argument, pattern, escape.as_deref(), *negated, at)
            }
            Syntax::QuantifiedArray { left, operator, all, array } => {
                let left = self.expression(left)?;
                let array = self.expression(array)?;
                self.make_array_operator(operator, left, array, *all)
            }
            Syntax::QuantifiedQuery { left, operator, all, query } => {
                self.quantified_query(left, operator, query, *all)
            }
            Syntax::Cast { argument, ty } => self.written_cast(argument, ty, at),
            Syntax::Collate { argument, collation } => self.collate(argument, collation, at),
            Syntax::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), at)
            }
            Syntax::Coalesce(items) => self.common_call(items, "COALESCE", ExpressionKind::Coalesce, at),
            Syntax::Greatest(items) => self.common_call(items, "GREATEST", ExpressionKind::Greatest, at),
            Syntax::Least(items) => self.common_call(items, "LEAST", ExpressionKind::Least, at),
            Syntax::NullIf(left, right) => self.null_if(left, right, at),
            Syntax::Array(elements) => self.array(elements, None, at),
            Syntax::ArrayQuery(query) => self.subquery(query, SubqueryKind::Array, at),
            Syntax::Row(fields) => self.row(fields, at),
            Syntax::Exists(query) => self.subquery(query, SubqueryKind::Exists, at),
            Syntax::Subquery(query) => self.subquery(query, SubqueryKind::Scalar, at),
            Syntax::Function(call) => self.function_call(call),
            Syntax::Special(special, precision) => self.special_value(*special, *precision, at),
            Syntax::Grouping(arguments) => self.grouping(arguments, at),
            Syntax::Default => {
                Err(Error::new(SqlState::SyntaxError, "DEFAULT is not allowed in this context")
                    .at(self.position(at)))
            }
        }
    }

    pub(super) fn boolean_node(&self, kind: ExpressionKind, at: u32) -> Expression {
        Expression { kind, ty: Type::new(oid::BOOL), collation: 0, position: self.position(at) }
    }

    fn connective(
        &mut self,
        items: &[syntax::Expression],
        name: &str,
        kind: fn(Vec<Expression>) -> ExpressionKind,
        at: u32,
    ) -> Result<Expression> {
        let mut conditions = Vec::with_capacity(items.len());
        for item in items {
            let condition = self.expression(item)?;
            conditions.push(self.coerce_boolean(condition, name)?);
        }
        Ok(self.boolean_node(kind(conditions), at))
    }

    fn operator(
        &mut self,
        operator: &OperatorName,
        left: Option<&syntax::Expression>,
        right: &syntax::Expression,
    ) -> Result<Expression> {
        if let Some(left) = left {
            if is_row(left) && is_row(right) {
                return self.row_comparison(operator, left, right);
            }
            // (a, b) = (SELECT ...): the subquery gives one row.
            if let (Syntax::Row(_), Syntax::Subquery(query)) = (&left.kind, &right.kind) {
                return self.row_subquery_comparison(operator, left, query);
            }
        }
        let Some(left) = left else {
            let right = self.expression(right)?;
            return self.make_operator(operator, None, right);
        };
        // A long chain leans to the left; it is worked off without recursion.
        let mut spine = vec![(operator, right)];
        let mut first = left;
        while let Syntax::Operator { operator, left: Some(left), right } = &first.kind {
            if is_row(left) {
                break;
            }
            spine.push((operator, right));
            first = left;
        }
        let mut whole = self.expression(first)?;
        for (operator, right) in spine.into_iter().rev() {
            let right = self.expression(right)?;
            whole = self.make_operator(operator, Some(whole), right)?;
        }
        Ok(whole)
    }

    fn subscript(
        &mut self,
        argument: &syntax::Expression,
        indexes: &[SubscriptIndex],
        at: u32,
    ) -> Result<Expression> {
        let argument = self.expression(argument)?;
        if argument.ty.oid == oid::JSONB {
            return self.json_subscript(argument, indexes);
        }
        if let (oid::NAME, [SubscriptIndex::Element(index)]) = (argument.ty.oid, indexes) {
            return self.name_subscript(argument, index, at);
        }
        let element = match argument.ty.oid {
            oid::INT2VECTOR => oid::INT2,
            oid::OIDVECTOR => oid::OID,
            array => self.element_type(array),
        };
        if element == 0 {
            let ty = self.type_text(argument.ty.oid);
            let message = format!("cannot subscript type {ty} because it does not support subscripting");
            return Err(Error::new(SqlState::DatatypeMismatch, message).at(argument.position));
        }
        let slice = indexes.iter().any(|index| matches!(index, SubscriptIndex::Slice(..)));
        let mut bounds = Vec::with_capacity(indexes.len());
        for index in indexes {
            bounds.push(match index {
                SubscriptIndex::Element(index) => (None, Some(Box::new(self.array_index(index)?))),
                SubscriptIndex::Slice(lower, upper) => {
                    let lower = lower.as_ref().map(|bound| self.array_index(bound)).transpose()?;
                    let upper = upper.as_ref().map(|bound| self.array_index(bound)).transpose()?;
                    (lower.map(Box::new), upper.map(Box::new))
                }
            });
        }
        let ty = Type::with_typmod(if slice { argument.ty.oid } else { element }, argument.ty.typmod);
        let collation = argument.collation;
        let kind = ExpressionKind::Subscript { argument: Box::new(argument), indexes: bounds, slice };
        Ok(Expression { kind, ty, collation, position: self.position(at) })
    }

    /// `name[i]`, from 0: one character of a name, by what the functions of text can do.
    fn name_subscript(
        &mut self,
        argument: Expression,
        index: &syntax::Expression,
        at: u32,
    ) -> Result<Expression> {
        let position = self.position(at);
        let index = self.array_index(index)?;
        let plus = OperatorName { schema: None, name: "+".to_string(), at };
        let one = super::coerce::constant(engine::Value::Int32(1), oid::INT4);
        let from = self.make_operator(&plus, Some(index), one.clone())?;
        let text = self.cast(argument, Type::new(oid::TEXT), position)?;
        let character = self.system_call("substr", vec![text, from, one], at)?;
        self.cast(character, Type::new(oid::CHAR), position)
    }

    fn array_index(&mut self, index: &syntax::Expression) -> Result<Expression> {
        let index = self.expression(index)?;
        let (source, position) = (index.ty.oid, index.position);
        let context = catalog::builtin::CastContext::Assignment;
        match self.coerce_to(index, Type::new(oid::INT4), context, position)? {
            Some(index) => Ok(index),
            None => Err(Error::new(
                SqlState::DatatypeMismatch,
                format!("array subscript must have type integer, not type {}", self.type_text(source)),
            )
            .at(position)),
        }
    }

    /// `document['a'][0]` is `document -> 'a' -> 0`.
    fn json_subscript(&mut self, mut argument: Expression, indexes: &[SubscriptIndex]) -> Result<Expression> {
        for index in indexes {
            let SubscriptIndex::Element(index) = index else {
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    "jsonb subscript does not support slices",
                )
                .at(argument.position));
            };
            let at = index.at;
            let mut index = self.expression(index)?;
            if index.ty.oid != oid::INT4 {
                let position = index.position;
                index = self.coerce(
                    index,
                    Type::new(oid::TEXT),
                    catalog::builtin::CastContext::Implicit,
                    position,
                )?;
            }
            let operator = OperatorName { schema: None, name: "->".to_string(), at };
            argument = self.make_operator(&operator, Some(argument), index)?;
        }
        Ok(argument)
    }

    fn pattern_match(
        &mut self,
        kind: LikeKind,
        argument: &syntax::Expression,
        pattern: &syntax::Expression,
        escape: Option<&syntax::Expression>,
        negated: bool,
        at: u32,
    ) -> Result<Expression> {
        let left = self.expression(argument)?;
        let mut right = self.expression(pattern)?;
        let name = match (kind, negated) {
            (LikeKind::Like, false) => "~~",
            (LikeKind::Like, true) => "!~~",
            (LikeKind::CaseInsensitive, false) => "~~*",
            (LikeKind::CaseInsensitive, true) => "!~~*",
            (LikeKind::SimilarTo, false) => "~",
            (LikeKind::SimilarTo, true) => "!~",
        };
        let mut arguments = Vec::new();
        let escape = escape.map(|escape| self.expression(escape)).transpose()?;
        if escape.is_some() || kind == LikeKind::SimilarTo {
            arguments.push(right);
            arguments.extend(escape);
            let function = if kind == LikeKind::SimilarTo { "similar_to_escape" } else { "like_escape" };
            right = self.system_call(function, arguments, at)?;
        }
        let operator = OperatorName { schema: None, name: name.to_string(), at };
        self.make_operator(&operator, Some(left), right)
    }
}

/// Whether an expression is written as a row.
pub(super) fn is_row(expression: &syntax::Expression) -> bool {
    matches!(expression.kind, Syntax::Row(_))
}
