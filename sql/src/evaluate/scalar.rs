//! Evaluation of one row at a time.

use std::cmp::Ordering;

use engine::Value;

use super::context::Context;
use super::operation::{CompiledExpression, Eager, FunctionCall, Operation};
use super::scope::Scope;
use super::{coerce, collection, special};
use crate::error::{Error, Result};
use crate::tree::BooleanTest;
use crate::types;

impl CompiledExpression {
    /// The value for one row, where the expression has neither subqueries nor outer columns.
    pub fn evaluate_row(&self, context: &Context, row: &[Value]) -> Result<Value> {
        self.evaluate(&Scope::alone(context), row)
    }

    /// Whether a predicate holds for one row: NULL counts as false.
    pub fn holds(&self, scope: &Scope<'_>, row: &[Value]) -> Result<bool> {
        Ok(matches!(self.evaluate(scope, row)?, Value::Bool(true)))
    }

    /// The value for one row.
    pub fn evaluate(&self, scope: &Scope<'_>, row: &[Value]) -> Result<Value> {
        match &self.operation {
            Operation::Constant(value) => Ok(value.clone()),
            Operation::Parameter(number) => scope.parameter(*number).cloned(),
            Operation::Input(position) => row
                .get(*position)
                .cloned()
                .ok_or_else(|| Error::internal(format!("a row has no column {position}"))),
            Operation::Outer(slot) => scope.slot(*slot).cloned(),
            Operation::Special(value) => special::value(*value, self.ty, scope.context),
            Operation::Apply(Eager::Call(function), arguments) => call(function, arguments, scope, row),
            Operation::Apply(eager, arguments) => {
                let values = arguments
                    .iter()
                    .map(|argument| argument.evaluate(scope, row))
                    .collect::<Result<Vec<_>>>()?;
                self.apply(eager, scope, &values)
            }
            Operation::And(items) => connective(items, scope, row, false),
            Operation::Or(items) => connective(items, scope, row, true),
            Operation::Case { arms, otherwise } => {
                for (when, then) in arms {
                    if when.holds(scope, row)? {
                        return then.evaluate(scope, row);
                    }
                }
                match otherwise {
                    Some(otherwise) => otherwise.evaluate(scope, row),
                    None => Ok(Value::Null),
                }
            }
            Operation::Coalesce(items) => {
                for item in items {
                    let value = item.evaluate(scope, row)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            Operation::Subquery(call) => scope.run(call, row),
        }
    }

    /// The value of an eager operation over the values of its arguments.
    pub(super) fn apply(&self, eager: &Eager, scope: &Scope<'_>, values: &[Value]) -> Result<Value> {
        let context = scope.context;
        Ok(match (eager, values) {
            (Eager::Call(function), values) => function.invoke(context, values)?,
            (_, [Value::Null]) if eager.null_for_null() => Value::Null,
            (Eager::CoerceViaText { from }, [value]) => coerce::via_text(context, *from, self.ty, value)?,
            (Eager::CoerceTypmod { explicit }, [value]) => {
                types::apply_typmod(self.ty.oid, self.ty.typmod, value.clone(), *explicit)?
            }
            (Eager::CoerceArray { from_element, to_element, element }, [value]) => {
                collection::coerce(scope, value, *from_element, *to_element, element)?
            }
            (Eager::CoerceToDomain { rules }, [value]) => {
                rules.check(scope.context, value)?;
                value.clone()
            }
            (Eager::Not, [value]) => Value::Bool(!truth(value)?),
            (Eager::IsNull { negated }, [value]) => Value::Bool(value.is_null() != *negated),
            (Eager::RowIsNull { negated }, [value]) => Value::Bool(collection::row_is_null(value, *negated)?),
            (Eager::BooleanTest(test), [value]) => Value::Bool(boolean_test(*test, value)?),
            (Eager::IsDistinct { equality, negated }, [left, right]) => {
                let distinct = match (left.is_null(), right.is_null()) {
                    (true, true) => false,
                    (true, false) | (false, true) => true,
                    (false, false) => !truth(&equality.invoke(context, values)?)?,
                };
                Value::Bool(distinct != *negated)
            }
            (Eager::NullIf { equality }, [left, right]) => {
                let equal = !left.is_null()
                    && !right.is_null()
                    && matches!(equality.invoke(context, values)?, Value::Bool(true));
                if equal { Value::Null } else { left.clone() }
            }
            (Eager::Extreme { oid, least }, values) => extreme(*oid, *least, values),
            (Eager::Array { element, nested }, values) => collection::array(*element, *nested, values)?,
            (Eager::Row { types }, values) => collection::row(types, values)?,
            (Eager::Field { index }, [value]) => collection::field(value, *index)?,
            (Eager::Subscript { element, slice, given }, [array, bounds @ ..]) => {
                collection::subscript(array, *element, *slice, given, bounds)?
            }
            (Eager::AnyArray { call, all }, [left, array]) => {
                collection::any(context, call, *all, left, array)?
            }
            (eager, values) => {
                return Err(Error::internal(format!("{eager:?} over {} arguments", values.len())));
            }
        })
    }
}

impl Eager {
    /// Whether the operation over one NULL is NULL.
    fn null_for_null(&self) -> bool {
        matches!(
            self,
            Eager::CoerceViaText { .. }
                | Eager::CoerceTypmod { .. }
                | Eager::CoerceArray { .. }
                | Eager::Not
                | Eager::Field { .. }
        )
    }
}

impl FunctionCall {
    /// Calls the function; a strict one over a NULL is NULL.
    #[inline]
    pub(super) fn invoke(&self, context: &Context, values: &[Value]) -> Result<Value> {
        if self.strict && values.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        (self.implementation.scalar)(context, &self.call, values)
    }
}

/// A call with its arguments on the stack where they are few, as they are in every operator.
fn call(
    function: &FunctionCall,
    arguments: &[CompiledExpression],
    scope: &Scope<'_>,
    row: &[Value],
) -> Result<Value> {
    match arguments {
        [one] => function.invoke(scope.context, &[one.evaluate(scope, row)?]),
        [one, two] => {
            let values = [one.evaluate(scope, row)?, two.evaluate(scope, row)?];
            function.invoke(scope.context, &values)
        }
        more => {
            let values =
                more.iter().map(|argument| argument.evaluate(scope, row)).collect::<Result<Vec<_>>>()?;
            function.invoke(scope.context, &values)
        }
    }
}

/// AND (`decisive` false) or OR (`decisive` true).
fn connective(
    items: &[CompiledExpression],
    scope: &Scope<'_>,
    row: &[Value],
    decisive: bool,
) -> Result<Value> {
    let mut unknown = false;
    for item in items {
        match item.evaluate(scope, row)? {
            Value::Bool(value) if value == decisive => return Ok(Value::Bool(decisive)),
            Value::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Bool(!decisive) })
}

pub(super) fn truth(value: &Value) -> Result<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => Err(Error::internal(format!("a truth value was {:?}", other.physical_type()))),
    }
}

pub(super) fn boolean_test(test: BooleanTest, value: &Value) -> Result<bool> {
    let value = if value.is_null() { None } else { Some(truth(value)?) };
    Ok(match test {
        BooleanTest::IsTrue => value == Some(true),
        BooleanTest::IsNotTrue => value != Some(true),
        BooleanTest::IsFalse => value == Some(false),
        BooleanTest::IsNotFalse => value != Some(false),
        BooleanTest::IsUnknown => value.is_none(),
        BooleanTest::IsNotUnknown => value.is_some(),
    })
}

/// GREATEST or LEAST: NULLs are left out.
fn extreme(oid: u32, least: bool, values: &[Value]) -> Value {
    let wanted = if least { Ordering::Less } else { Ordering::Greater };
    let mut best: Option<&Value> = None;
    for value in values.iter().filter(|value| !value.is_null()) {
        if best.is_none_or(|best| types::compare(oid, value, best) == wanted) {
            best = Some(value);
        }
    }
    best.cloned().unwrap_or(Value::Null)
}
