//! Arrays and rows as expressions make and take them apart.

use engine::Value;

use super::context::Context;
use super::operation::{CompiledExpression, FunctionCall};
use super::scalar::truth;
use super::scope::Scope;
use crate::error::{Error, Result, SqlState};
use crate::tree::Type;
use crate::types::array::{Array, Dimension};
use crate::types::record::Record;

/// ARRAY[...]; with `nested` the values are arrays that become the slices of one with a dimension more.
pub(super) fn array(element: u32, nested: bool, values: &[Value]) -> Result<Value> {
    if !nested {
        return Ok(Array::from_elements(element, values.to_vec()).to_value());
    }
    let mismatch = || {
        Error::new(
            SqlState::ArraySubscriptError,
            "multidimensional arrays must have array expressions with matching dimensions",
        )
    };
    let mut inner: Option<Vec<Dimension>> = None;
    let mut elements = Vec::new();
    let mut count = 0;
    for value in values {
        let part = if value.is_null() { Array::empty(element) } else { Array::from_value(value)? };
        match &inner {
            None => inner = Some(part.dimensions.clone()),
            Some(dimensions) if *dimensions == part.dimensions => {}
            Some(_) => return Err(mismatch()),
        }
        elements.extend(part.elements);
        count += 1;
    }
    let inner = inner.unwrap_or_default();
    if inner.is_empty() {
        return Ok(Array::empty(element).to_value());
    }
    let mut dimensions = vec![Dimension { length: count, lower: 1 }];
    dimensions.extend(inner);
    Ok(Array::with_dimensions(element, dimensions, elements)?.to_value())
}

/// Every element of an array through an expression of one column.
pub(super) fn coerce(
    scope: &Scope<'_>,
    value: &Value,
    _from: u32,
    to: u32,
    element: &CompiledExpression,
) -> Result<Value> {
    let mut array = Array::from_value(value)?;
    for item in &mut array.elements {
        *item = element.evaluate(scope, std::slice::from_ref(item))?;
    }
    array.element = to;
    Ok(array.to_value())
}

/// ROW(...).
pub(super) fn row(types: &[Type], values: &[Value]) -> Result<Value> {
    let columns = types.iter().zip(values).map(|(ty, value)| (ty.oid, value.clone())).collect();
    Ok(Record::new(columns).to_value())
}

/// (row).field; a field beyond the end was added to the type after the row was stored.
pub(super) fn field(value: &Value, index: usize) -> Result<Value> {
    let record = Record::from_value(value)?;
    Ok(record.columns.into_iter().nth(index).map_or(Value::Null, |(_, value)| value))
}

/// IS [NOT] NULL of a row: every field is (not) NULL. Not the opposite of each other.
pub(super) fn row_is_null(value: &Value, negated: bool) -> Result<bool> {
    if value.is_null() {
        return Ok(!negated);
    }
    let record = Record::from_value(value)?;
    Ok(record.columns.iter().all(|(_, field)| field.is_null() != negated))
}

/// a[i], or a slice; outside of the array there is NULL, or nothing.
pub(super) fn subscript(
    value: &Value,
    element: u32,
    slice: bool,
    given: &[(bool, bool)],
    bounds: &[Value],
) -> Result<Value> {
    let missing = bounds
        .chunks(2)
        .zip(given)
        .any(|(pair, (lower, upper))| *lower && is_null(pair, 0) || *upper && is_null(pair, 1));
    if value.is_null() || missing {
        return Ok(Value::Null);
    }
    let array = Array::from_value(value)?;
    if !slice {
        // A plain subscript is an upper bound alone.
        let places = bounds.chunks(2).map(|pair| index(pair, usize::from(is_null(pair, 0))));
        let places = places.collect::<Result<Vec<_>>>()?;
        return Ok(array.get(&places).cloned().unwrap_or(Value::Null));
    }
    let mut ranges = Vec::new();
    for (at, dimension) in array.dimensions.iter().enumerate() {
        let pair = bounds.chunks(2).nth(at);
        let (with_lower, with_upper) = given.get(at).copied().unwrap_or((false, false));
        // One plain subscript in a slice means 1 up to it; the analysis gives it as the upper bound alone.
        let lower = match pair {
            Some(pair) if with_lower => index(pair, 0)?.max(dimension.lower),
            _ => dimension.lower,
        };
        let upper = match pair {
            Some(pair) if with_upper => index(pair, 1)?.min(dimension.upper()),
            _ => dimension.upper(),
        };
        ranges.push((lower, upper));
    }
    let empty = given.len() > array.dimensions.len() || ranges.iter().any(|(lower, upper)| lower > upper);
    if empty || array.is_empty() {
        return Ok(Array::empty(element).to_value());
    }
    cut(&array, &ranges)
}

/// The part of an array within a range of subscripts for each dimension, subscripts counted from 1 anew.
fn cut(array: &Array, ranges: &[(i32, i32)]) -> Result<Value> {
    let mut elements = Vec::new();
    let mut place: Vec<i32> = ranges.iter().map(|(lower, _)| *lower).collect();
    'all: loop {
        elements.push(array.get(&place).cloned().unwrap_or(Value::Null));
        for (at, (lower, upper)) in ranges.iter().enumerate().rev() {
            if let Some(subscript) = place.get_mut(at) {
                if *subscript < *upper {
                    *subscript += 1;
                    continue 'all;
                }
                *subscript = *lower;
            }
        }
        break;
    }
    let dimensions =
        ranges.iter().map(|(lower, upper)| Dimension { length: upper - lower + 1, lower: 1 }).collect();
    Ok(Array::with_dimensions(array.element, dimensions, elements)?.to_value())
}

fn is_null(pair: &[Value], at: usize) -> bool {
    pair.get(at).is_none_or(Value::is_null)
}

fn index(pair: &[Value], at: usize) -> Result<i32> {
    match pair.get(at) {
        Some(Value::Int32(index)) => Ok(*index),
        other => Err(Error::internal(format!("an array subscript was {other:?}"))),
    }
}

/// `left operator ANY (array)` or ALL.
pub(super) fn any(
    context: &Context,
    call: &FunctionCall,
    all: bool,
    left: &Value,
    array: &Value,
) -> Result<Value> {
    if array.is_null() {
        return Ok(Value::Null);
    }
    any_of(context, call, all, left, &Array::from_value(array)?.elements)
}

/// The same over elements already taken out of their array.
pub(super) fn any_of(
    context: &Context,
    call: &FunctionCall,
    all: bool,
    left: &Value,
    elements: &[Value],
) -> Result<Value> {
    let mut unknown = false;
    let mut arguments = [left.clone(), Value::Null];
    for element in elements {
        let [_, right] = &mut arguments;
        *right = element.clone();
        match call.invoke(context, &arguments)? {
            Value::Null => unknown = true,
            answer if truth(&answer)? != all => return Ok(Value::Bool(!all)),
            _ => {}
        }
    }
    Ok(if unknown { Value::Null } else { Value::Bool(all) })
}
