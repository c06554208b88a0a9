//! Finding, removing and replacing elements; places among thresholds.

use std::cmp::Ordering;

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::at;
use crate::functions::registry::Scalars;
use crate::functions::string::basic::int4;
use crate::types::array::Array;
use crate::types::{compare, oid};

/// Equality in which NULL equals NULL.
fn same(element: u32, a: &Value, b: &Value) -> bool {
    match (a.is_null(), b.is_null()) {
        (true, true) => true,
        (false, false) => compare(element, a, b).is_eq(),
        _ => false,
    }
}

fn searching(array: &Array) -> Result<()> {
    if array.dimensions.len() > 1 {
        return Err(Error::new(
            SqlState::FeatureNotSupported,
            "searching for elements in multidimensional arrays is not supported",
        ));
    }
    Ok(())
}

/// The subscript of the first equal element at or after `start`.
fn position(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(array) = at::<Option<Array>>(arguments, 0)? else { return Ok(Value::Null) };
    searching(&array)?;
    let lower = array.dimensions.first().map_or(1, |dimension| dimension.lower);
    let skip = match arguments.get(2) {
        None => 0,
        Some(Value::Int32(start)) => usize::try_from(i64::from(*start) - i64::from(lower)).unwrap_or(0),
        Some(_) => {
            return Err(Error::new(SqlState::NullValueNotAllowed, "initial position must not be null"));
        }
    };
    let wanted = at::<&Value>(arguments, 1)?;
    let found = array.elements.iter().skip(skip).position(|element| same(array.element, element, wanted));
    Ok(found.map_or(Value::Null, |found| Value::Int32(lower + int4(found + skip))))
}

fn positions(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(array) = at::<Option<Array>>(arguments, 0)? else { return Ok(Value::Null) };
    searching(&array)?;
    let lower = array.dimensions.first().map_or(1, |dimension| dimension.lower);
    let wanted = at::<&Value>(arguments, 1)?;
    let found = array.elements.iter().enumerate().filter(|(_, element)| same(array.element, element, wanted));
    let found = found.map(|(index, _)| Value::Int32(lower + int4(index))).collect();
    Ok(Array::from_elements(oid::INT4, found).to_value())
}

fn remove(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(array) = at::<Option<Array>>(arguments, 0)? else { return Ok(Value::Null) };
    if array.dimensions.len() > 1 {
        return Err(Error::new(
            SqlState::FeatureNotSupported,
            "removing elements from multidimensional arrays is not supported",
        ));
    }
    let wanted = at::<&Value>(arguments, 1)?;
    let kept: Vec<Value> =
        array.elements.iter().filter(|element| !same(array.element, element, wanted)).cloned().collect();
    if kept.is_empty() {
        return Ok(Array::empty(array.element).to_value());
    }
    let mut dimensions = array.dimensions.clone();
    if let Some(dimension) = dimensions.first_mut() {
        dimension.length = int4(kept.len());
    }
    Ok(Array::with_dimensions(array.element, dimensions, kept)?.to_value())
}

fn replace(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(mut array) = at::<Option<Array>>(arguments, 0)? else { return Ok(Value::Null) };
    let (wanted, new) = (at::<&Value>(arguments, 1)?, at::<&Value>(arguments, 2)?);
    for element in &mut array.elements {
        if same(array.element, element, wanted) {
            *element = new.clone();
        }
    }
    Ok(array.to_value())
}

/// How many of the ascending thresholds are not above the operand.
fn width_bucket(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let operand = at::<&Value>(arguments, 0)?;
    let thresholds: Array = at(arguments, 1)?;
    if thresholds.dimensions.len() > 1 {
        return Err(Error::new(SqlState::ArraySubscriptError, "thresholds must be one-dimensional array"));
    }
    if thresholds.has_nulls() {
        return Err(Error::new(SqlState::NullValueNotAllowed, "thresholds array must not contain NULLs"));
    }
    let bucket = thresholds
        .elements
        .partition_point(|threshold| compare(thresholds.element, threshold, operand) != Ordering::Greater);
    Ok(Value::Int32(int4(bucket)))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // array_position(anycompatiblearray,anycompatible)
    (3277, position),
    // array_position(anycompatiblearray,anycompatible,int4)
    (3278, position),
    // array_positions(anycompatiblearray,anycompatible)
    (3279, positions),
    // array_remove(anycompatiblearray,anycompatible)
    (3167, remove),
    // array_replace(anycompatiblearray,anycompatible,anycompatible)
    (3168, replace),
    // width_bucket(anycompatible,anycompatiblearray)
    (3218, width_bucket),
];
