//! Enums: their first and last values, and the values between.

use engine::Value;

use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::registry::{ScalarFunction, Scalars};
use crate::types::array::Array;
use crate::types::{TypeShape, enumeration};

/// The orders of the labels of the argument's type; the argument itself may be NULL.
fn orders(context: &Context, call: &Call) -> Result<Vec<u64>> {
    match context.environment.names().shape(call.argument(0)) {
        Some(TypeShape::Enum { labels }) => Ok(labels.into_iter().map(|(order, _)| order).collect()),
        Some(_) | None => Err(Error::internal("an enum function was called with another type")),
    }
}

fn first(context: &Context, call: &Call, _: &[Value]) -> Result<Value> {
    Ok(orders(context, call)?.first().map_or(Value::Null, |order| enumeration::value(*order)))
}

fn last(context: &Context, call: &Call, _: &[Value]) -> Result<Value> {
    Ok(orders(context, call)?.last().map_or(Value::Null, |order| enumeration::value(*order)))
}

fn order_of(value: Option<&Value>) -> Result<Option<u64>> {
    match value {
        Some(Value::Bytes(bytes)) => enumeration::order(bytes).map(Some),
        Some(_) | None => Ok(None),
    }
}

/// The values from the first argument to the second; NULL is no bound.
fn range(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let (from, to) = (order_of(arguments.first())?, order_of(arguments.get(1))?);
    let inside = |order: &u64| from.is_none_or(|from| from <= *order) && to.is_none_or(|to| *order <= to);
    let values = orders(context, call)?.into_iter().filter(inside).map(enumeration::value).collect();
    Ok(Array::from_elements(call.argument(0), values).to_value())
}

fn all(context: &Context, call: &Call, _: &[Value]) -> Result<Value> {
    range(context, call, &[])
}

const FIRST: ScalarFunction = first;
const LAST: ScalarFunction = last;

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // enum_first(anyenum)
    (3528, FIRST),
    // enum_last(anyenum)
    (3529, LAST),
    // enum_range(anyenum,anyenum)
    (3530, range),
    // enum_range(anyenum)
    (3531, all),
];
