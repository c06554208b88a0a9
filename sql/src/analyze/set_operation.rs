//! UNION, INTERSECT, EXCEPT.

use super::Analyzer;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax;
use crate::tree::visit::{Visitor, walk_relation};
use crate::tree::{
    Column, ColumnNumber, Expression, OutputColumn, Query, Relation, SetOperator, SortKey, Type,
};
use crate::types::oid;

impl Analyzer<'_> {
    pub(super) fn set_operation(
        &mut self,
        operator: SetOperator,
        all: bool,
        left: &syntax::Query,
        right: &syntax::Query,
        query: &syntax::Query,
    ) -> Result<Query> {
        let mut left_query = self.query_keeping_unknown(left)?;
        let mut right_query = self.query_keeping_unknown(right)?;
        let construct = match operator {
            SetOperator::Union => "UNION",
            SetOperator::Intersect => "INTERSECT",
            SetOperator::Except => "EXCEPT",
        };
        if left_query.output.len() != right_query.output.len() {
            let message = format!("each {construct} query must have the same number of columns");
            return Err(Error::new(SqlState::SyntaxError, message).at(self.position(first_item_at(right))));
        }
        self.retype_sides(&mut left_query, &mut right_query, construct)?;
        let mut columns = Vec::with_capacity(left_query.output.len());
        let mut output: Vec<OutputColumn> = Vec::with_capacity(left_query.output.len());
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for (i, (a, b)) in left_query.output.iter().zip(&right_query.output).enumerate() {
            let mut a_value = super::subquery::output_reference(a);
            let mut b_value = super::subquery::output_reference(b);
            a_value.position = self.position(item_at(left, i));
            b_value.position = self.position(item_at(right, i));
            let collation = self.input_collation(&[a_value.clone(), b_value.clone()])?;
            let (values, ty) = self.unify(vec![a_value, b_value], construct)?;
            let mut values = values.into_iter();
            lefts.extend(values.next());
            rights.extend(values.next());
            let collation = if self.default_collation(ty.oid) == 0 { 0 } else { collation };
            let number = self.new_column();
            columns.push(Column { number, ty, collation });
            output.push(OutputColumn { column: number, name: a.name.clone(), ty, collation, origin: (0, 0) });
        }
        let left = Box::new(self.with_outputs(left_query, lefts)?);
        let right = Box::new(self.with_outputs(right_query, rights)?);
        if !all {
            for (column, at) in columns.iter().zip(std::iter::repeat(query.at)) {
                let mut value = super::item::column_expression(column);
                value.position = self.position(at);
                self.check_equality(&value)?;
            }
        }
        let mut relation = Relation::SetOperation { operator, all, left, right, columns };
        let keys = self.output_order(query, &output)?;
        if !keys.is_empty() {
            relation = Relation::Sort { input: Box::new(relation), keys: keys.clone() };
        }
        let relation = self.limited(relation, query.limit.as_ref(), query.offset.as_ref(), &keys)?;
        Ok(Query { common: Vec::new(), relation, output, shape: None })
    }

    /// Literals without a type on either side take the type that both sides come to.
    fn retype_sides(&mut self, left: &mut Query, right: &mut Query, construct: &str) -> Result<()> {
        for i in 0..left.output.len() {
            let sides = [&*left, &*right];
            let columns = sides.iter().filter_map(|side| side.output.get(i));
            let types: Vec<_> = columns.map(|column| (column.ty.oid, None)).collect();
            // A mismatch is reported later, where the columns have their places.
            if let Ok(common) = self.common_type(&types, construct) {
                self.retype_output(left, i, Type::new(common))?;
                self.retype_output(right, i, Type::new(common))?;
            }
        }
        Ok(())
    }

    /// A query whose literals without a type stay so, because its surroundings will say what they are.
    pub(super) fn query_keeping_unknown(&mut self, query: &syntax::Query) -> Result<Query> {
        self.keep_unknown = true;
        self.query(query)
    }

    /// ORDER BY over a set operation: output columns by name or number only.
    pub(super) fn output_order(
        &mut self,
        query: &syntax::Query,
        output: &[OutputColumn],
    ) -> Result<Vec<SortKey>> {
        let columns = output.iter().map(|column| {
            let produced = Column { number: column.column, ty: column.ty, collation: column.collation };
            ItemColumn::plain(&column.name, &produced, (0, 0))
        });
        let item = Item::derived("", columns.collect());
        let mut keys = Vec::with_capacity(query.order_by.len());
        for sort in &query.order_by {
            let at = sort.expression.at;
            let found = match &sort.expression.kind {
                syntax::ExpressionKind::Number(digits) => {
                    let number = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                    let column = number.and_then(|number| item.columns.get(number));
                    Some(column.ok_or_else(|| {
                        let message = format!("ORDER BY position {digits} is not in select list");
                        Error::new(SqlState::InvalidColumnReference, message).at(self.position(at))
                    })?)
                }
                syntax::ExpressionKind::Column(parts) => match parts.as_slice() {
                    [name] => item.columns.iter().find(|column| column.name == *name),
                    _ => None,
                },
                _ => None,
            };
            let Some(column) = found else {
                if let syntax::ExpressionKind::Column(parts) = &sort.expression.kind
                    && let [name] = parts.as_slice()
                {
                    return Err(self.no_column(None, name, at));
                }
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                )
                .detail("Only result column names can be used, not expressions or functions.")
                .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                .at(self.position(at)));
            };
            let mut value = column.expression.clone();
            value.position = self.position(at);
            keys.push(self.sort_key(sort, value)?);
        }
        Ok(keys)
    }

    /// Gives an output column without a type the one its context asks for, where the literal behind it stands.
    pub(super) fn retype_output(&mut self, query: &mut Query, index: usize, target: Type) -> Result<()> {
        let Some(output) = query.output.get_mut(index).filter(|output| output.ty.oid == oid::UNKNOWN) else {
            return Ok(());
        };
        let mut literal = TakeItem { number: output.column, found: None };
        walk_relation(&mut query.relation, &mut literal);
        let Some(found) = literal.found else { return Ok(()) };
        let position = found.position;
        let value = self.coerce(found, target, catalog::builtin::CastContext::Implicit, position)?;
        output.ty = value.ty;
        output.collation = value.collation;
        walk_relation(&mut query.relation, &mut PutItem { number: output.column, value: Some(value) });
        Ok(())
    }
}

/// Finds the computed column of a number, in the level of a relation that computes it.
struct TakeItem {
    number: ColumnNumber,
    found: Option<Expression>,
}

impl Visitor for TakeItem {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        if let Relation::Extend { items, .. } = relation {
            let item =
                items.iter().find(|(number, value)| *number == self.number && value.ty.oid == oid::UNKNOWN);
            self.found = self.found.take().or(item.map(|(_, value)| value.clone()));
        }
        self.found.is_none()
    }

    fn expression(&mut self, _: &mut Expression) -> bool {
        false
    }
}

struct PutItem {
    number: ColumnNumber,
    value: Option<Expression>,
}

impl Visitor for PutItem {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        if let Relation::Extend { items, .. } = relation
            && let Some((_, slot)) = items.iter_mut().find(|(number, _)| *number == self.number)
            && let Some(value) = self.value.take()
        {
            *slot = value;
        }
        self.value.is_some()
    }

    fn expression(&mut self, _: &mut Expression) -> bool {
        false
    }
}

/// Where messages about a query's column point.
pub(super) fn item_at(query: &syntax::Query, index: usize) -> u32 {
    match &query.body {
        syntax::QueryBody::Select(select) => {
            select.items.get(index).map_or(query.at, |item| item.expression.at)
        }
        syntax::QueryBody::Values(rows) => {
            rows.first().and_then(|row| row.get(index)).map_or(query.at, |value| value.at)
        }
        syntax::QueryBody::SetOperation { operator: _, all: _, left, right: _ } => item_at(left, index),
    }
}

fn first_item_at(query: &syntax::Query) -> u32 {
    item_at(query, 0)
}
