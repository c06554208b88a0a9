//! From a typed expression to a compiled one.
//!
//! `eager` is longer than functions are here: it is one exhaustive match over the kinds of expressions.

use std::sync::Arc;

use engine::Value;

use super::DomainRules;
use super::facts;
use super::layout::Layout;
use super::operation::{CompiledExpression, Eager, FunctionCall, Operation, SubqueryCall};
use crate::error::{Error, Result, SqlState};
use crate::functions::{Call, REINTERPRET, implementation};
use crate::tree::{ColumnNumber, Expression, ExpressionKind, Subquery, Type};
use crate::types;
use crate::types::oid::BOOL;

/// What compilation needs from the plan around an expression.
pub trait Surroundings {
    /// The slot through which a column of an enclosing query arrives.
    fn outer_slot(&mut self, column: ColumnNumber) -> Result<usize>;
    /// Plans a subquery for an input of the given layout.
    fn subquery(&mut self, subquery: &Subquery, layout: &Layout) -> Result<SubqueryCall>;
    /// The element type of an array type, also of one that users made.
    fn element(&self, array: u32) -> Result<u32>;
}

/// An expression on its own: no enclosing query, no subqueries.
pub struct Alone;

impl Surroundings for Alone {
    fn outer_slot(&mut self, column: ColumnNumber) -> Result<usize> {
        Err(Error::internal(format!("column {} is not of this expression's input", column.0)))
    }

    fn subquery(&mut self, _: &Subquery, _: &Layout) -> Result<SubqueryCall> {
        Err(Error::new(SqlState::FeatureNotSupported, "cannot use subquery in this expression"))
    }

    fn element(&self, array: u32) -> Result<u32> {
        types::oid::element_of(array).ok_or_else(|| Error::internal(format!("type {array} is no array type")))
    }
}

/// Compiles an expression without subqueries or outer columns: defaults, checks, index keys, DML re-checks.
pub fn compile(expression: &Expression, layout: &Layout) -> Result<CompiledExpression> {
    compile_within(expression, layout, &mut Alone)
}

/// Compiles an expression of a plan.
pub fn compile_within(
    expression: &Expression,
    layout: &Layout,
    surroundings: &mut dyn Surroundings,
) -> Result<CompiledExpression> {
    Compiler { layout, surroundings }.expression(expression)
}

struct Compiler<'a> {
    layout: &'a Layout,
    surroundings: &'a mut dyn Surroundings,
}

impl Compiler<'_> {
    fn expression(&mut self, expression: &Expression) -> Result<CompiledExpression> {
        let ty = expression.ty;
        let operation = match &expression.kind {
            ExpressionKind::Constant(value) => Operation::Constant(value.clone()),
            ExpressionKind::Parameter(number) => Operation::Parameter(*number as usize),
            ExpressionKind::Column(number) => match self.layout.position(*number) {
                Some(position) => Operation::Input(position),
                None => Operation::Outer(self.surroundings.outer_slot(*number)?),
            },
            ExpressionKind::Relabel(argument, _) | ExpressionKind::Collate(argument) => {
                let mut inner = self.expression(argument)?;
                if inner.physical == types::physical(ty.oid) {
                    inner.ty = ty;
                    return Ok(inner);
                }
                // PostgreSQL stores int4 and the oid types alike; here they are different columns.
                let call = Call::new(REINTERPRET, vec![inner.ty], ty);
                let call = FunctionCall { strict: true, volatile: false, ..function_call(call)? };
                Operation::Apply(Eager::Call(call), vec![inner])
            }
            ExpressionKind::And(items) => Operation::And(self.all(items)?),
            ExpressionKind::Or(items) => Operation::Or(self.all(items)?),
            ExpressionKind::Case { simple: _, arms, otherwise } => self.case(arms, otherwise.as_deref())?,
            ExpressionKind::Coalesce(items) => Operation::Coalesce(self.all(items)?),
            ExpressionKind::Subquery(subquery) => {
                Operation::Subquery(Arc::new(self.surroundings.subquery(subquery, self.layout)?))
            }
            ExpressionKind::Special(special) => Operation::Special(*special),
            eager => {
                let (eager, arguments) = self.eager(eager, expression)?;
                Operation::Apply(eager, arguments)
            }
        };
        Ok(CompiledExpression { operation, ty, physical: types::physical(ty.oid) })
    }

    fn all(&mut self, items: &[Expression]) -> Result<Vec<CompiledExpression>> {
        items.iter().map(|item| self.expression(item)).collect()
    }

    fn case(
        &mut self,
        arms: &[(Expression, Expression)],
        otherwise: Option<&Expression>,
    ) -> Result<Operation> {
        let arms = arms
            .iter()
            .map(|(when, then)| Ok((self.expression(when)?, self.expression(then)?)))
            .collect::<Result<_>>()?;
        let otherwise = otherwise.map(|item| self.expression(item)).transpose()?.map(Box::new);
        Ok(Operation::Case { arms, otherwise })
    }

    fn eager(
        &mut self,
        kind: &ExpressionKind,
        expression: &Expression,
    ) -> Result<(Eager, Vec<CompiledExpression>)> {
        let ty = expression.ty;
        Ok(match kind {
            ExpressionKind::Call { function, operator: _, arguments, variadic_array, form: _ } => {
                let call = Call {
                    function: *function,
                    arguments: arguments.iter().map(|argument| argument.ty).collect(),
                    result: ty,
                    collation: expression.collation,
                    variadic_array: *variadic_array,
                    fields: Call::fields_of(arguments),
                    order: Vec::new(),
                };
                (Eager::Call(function_call(call)?), self.all(arguments)?)
            }
            ExpressionKind::CoerceViaText { argument, explicit: _ } => {
                (Eager::CoerceViaText { from: argument.ty }, vec![self.expression(argument)?])
            }
            ExpressionKind::CoerceTypmod { argument, explicit } => {
                (Eager::CoerceTypmod { explicit: *explicit }, vec![self.expression(argument)?])
            }
            ExpressionKind::CoerceArray { argument, element, element_column, form: _ } => {
                self.coerce_array(argument, element, *element_column)?
            }
            ExpressionKind::CoerceToDomain { argument, domain: _, value, rules, form: _ } => {
                let rules = DomainRules::new(*value, rules)?;
                (Eager::CoerceToDomain { rules }, vec![self.expression(argument)?])
            }
            ExpressionKind::Not(argument) => (Eager::Not, vec![self.expression(argument)?]),
            ExpressionKind::IsNull { argument, negated } => {
                (Eager::IsNull { negated: *negated }, vec![self.expression(argument)?])
            }
            ExpressionKind::RowIsNull { argument, negated } => {
                (Eager::RowIsNull { negated: *negated }, vec![self.expression(argument)?])
            }
            ExpressionKind::BooleanTest { argument, test } => {
                (Eager::BooleanTest(*test), vec![self.expression(argument)?])
            }
            ExpressionKind::IsDistinct { left, right, equality, negated } => (
                Eager::IsDistinct { equality: comparison(*equality, left, right)?, negated: *negated },
                vec![self.expression(left)?, self.expression(right)?],
            ),
            ExpressionKind::NullIf { left, right, equality } => (
                Eager::NullIf { equality: comparison(*equality, left, right)? },
                vec![self.expression(left)?, self.expression(right)?],
            ),
            ExpressionKind::Greatest(items) => {
                (Eager::Extreme { oid: ty.oid, least: false }, self.all(items)?)
            }
            ExpressionKind::Least(items) => (Eager::Extreme { oid: ty.oid, least: true }, self.all(items)?),
            ExpressionKind::Array { elements, nested } => {
                let element = self.surroundings.element(ty.oid)?;
                (Eager::Array { element, nested: *nested }, self.all(elements)?)
            }
            ExpressionKind::Row { fields, names: _ } => {
                let types = fields.iter().map(|field| field.ty).collect();
                (Eager::Row { types }, self.all(fields)?)
            }
            ExpressionKind::Field { argument, index } => {
                (Eager::Field { index: *index as usize }, vec![self.expression(argument)?])
            }
            ExpressionKind::Subscript { argument, indexes, slice } => {
                self.subscript(argument, indexes, *slice)?
            }
            ExpressionKind::AnyArray { left, right, function, operator: _, all } => {
                self.any_array(left, right, *function, *all)?
            }
            ExpressionKind::Constant(_)
            | ExpressionKind::Parameter(_)
            | ExpressionKind::Column(_)
            | ExpressionKind::Relabel(_, _)
            | ExpressionKind::Collate(_)
            | ExpressionKind::And(_)
            | ExpressionKind::Or(_)
            | ExpressionKind::Case { simple: _, arms: _, otherwise: _ }
            | ExpressionKind::Coalesce(_)
            | ExpressionKind::Subquery(_)
            | ExpressionKind::Special(_) => {
                return Err(Error::internal("a lazy expression was compiled as an eager one"));
            }
        })
    }

    fn coerce_array(
        &mut self,
        argument: &Expression,
        element: &Expression,
        element_column: ColumnNumber,
    ) -> Result<(Eager, Vec<CompiledExpression>)> {
        let from_element = self.surroundings.element(argument.ty.oid)?;
        let to_element = element.ty.oid;
        let layout = Layout::new([element_column]);
        let compiled = Compiler { layout: &layout, surroundings: self.surroundings }.expression(element)?;
        let eager = Eager::CoerceArray { from_element, to_element, element: Box::new(compiled) };
        Ok((eager, vec![self.expression(argument)?]))
    }

    #[expect(clippy::type_complexity, reason = "the bounds are as the tree has them")]
    fn subscript(
        &mut self,
        argument: &Expression,
        indexes: &[(Option<Box<Expression>>, Option<Box<Expression>>)],
        slice: bool,
    ) -> Result<(Eager, Vec<CompiledExpression>)> {
        let element = self.surroundings.element(argument.ty.oid)?;
        let int4 = Type::new(types::oid::INT4);
        let absent = || CompiledExpression::constant(Value::Null, int4, types::physical(int4.oid));
        let mut arguments = vec![self.expression(argument)?];
        let mut given = Vec::new();
        for (lower, upper) in indexes {
            given.push((lower.is_some(), upper.is_some()));
            for bound in [lower, upper] {
                arguments.push(match bound {
                    Some(bound) => self.expression(bound)?,
                    None => absent(),
                });
            }
        }
        Ok((Eager::Subscript { element, slice, given }, arguments))
    }

    fn any_array(
        &mut self,
        left: &Expression,
        right: &Expression,
        function: u32,
        all: bool,
    ) -> Result<(Eager, Vec<CompiledExpression>)> {
        let element = self.surroundings.element(right.ty.oid)?;
        let mut call = Call::new(function, vec![left.ty, Type::new(element)], Type::new(BOOL));
        call.collation = left.collation;
        let eager = Eager::AnyArray { call: function_call(call)?, all };
        Ok((eager, vec![self.expression(left)?, self.expression(right)?]))
    }
}

/// A call of the function of an `=` operator.
fn comparison(function: u32, left: &Expression, right: &Expression) -> Result<FunctionCall> {
    let mut call = Call::new(function, vec![left.ty, right.ty], Type::new(BOOL));
    call.collation = left.collation;
    function_call(call)
}

/// Resolves a call to its implementation.
pub(super) fn function_call(call: Call) -> Result<FunctionCall> {
    let implementation = implementation(call.function)
        .ok_or_else(|| Error::unsupported(format!("function {}", facts::name(call.function))))?;
    Ok(FunctionCall {
        implementation,
        strict: facts::strict(call.function),
        volatile: facts::volatile(call.function),
        call: Arc::new(call),
    })
}
