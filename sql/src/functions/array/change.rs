//! Making arrays out of arrays: appending, joining, filling, trimming.

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, scalar};
use crate::functions::arithmetic::integer::out_of_range;
use crate::functions::registry::Scalars;
use crate::functions::string::basic::int4;
use crate::types::array::{Array, Dimension, MAXIMUM_DIMENSIONS, element_count, too_many_dimensions};
use crate::types::oid;

/// The element type of the array that a call answers with.
fn result_element(call: &Call) -> u32 {
    oid::element_of(call.result.oid).unwrap_or(oid::TEXT)
}

/// The array argument, NULL taken as an empty one; it may have one dimension only.
fn extensible(call: &Call, value: &Value) -> Result<Array> {
    if value.is_null() {
        return Ok(Array::empty(result_element(call)));
    }
    let array = Array::from_value(value)?;
    if array.dimensions.len() > 1 {
        return Err(Error::new(SqlState::DataException, "argument must be empty or one-dimensional array"));
    }
    Ok(array)
}

fn append(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let mut array = extensible(call, at(arguments, 0)?)?;
    let element = at::<&Value>(arguments, 1)?.clone();
    match array.dimensions.first_mut() {
        Some(dimension) => {
            dimension.lower.checked_add(dimension.length).ok_or_else(out_of_range::<i32>)?;
            dimension.length += 1;
        }
        None => array.dimensions.push(Dimension { length: 1, lower: 1 }),
    }
    array.elements.push(element);
    Ok(array.to_value())
}

fn prepend(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let mut array = extensible(call, at(arguments, 1)?)?;
    let element = at::<&Value>(arguments, 0)?.clone();
    match array.dimensions.first_mut() {
        Some(dimension) => {
            dimension.lower.checked_sub(1).ok_or_else(out_of_range::<i32>)?;
            dimension.length += 1;
        }
        None => array.dimensions.push(Dimension { length: 1, lower: 1 }),
    }
    array.elements.insert(0, element);
    Ok(array.to_value())
}

fn incompatible(detail: &str) -> Error {
    Error::new(SqlState::ArraySubscriptError, "cannot concatenate incompatible arrays").detail(detail)
}

/// Arrays of the same number of dimensions are joined along the outermost; one that has a dimension less is an element
/// of the other.
fn concatenate(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let (first, second) = (at::<&Value>(arguments, 0)?, at::<&Value>(arguments, 1)?);
    if first.is_null() {
        return Ok(second.clone());
    }
    if second.is_null() {
        return Ok(first.clone());
    }
    let (a, b) = (Array::from_value(first)?, Array::from_value(second)?);
    if b.dimensions.is_empty() {
        return Ok(first.clone());
    }
    if a.dimensions.is_empty() {
        return Ok(second.clone());
    }
    let inner = |array: &Array| array.dimensions.get(1..).unwrap_or_default().to_vec();
    let (outer_a, outer_b) = (a.dimensions.len(), b.dimensions.len());
    let mut dimensions;
    if outer_a == outer_b {
        if inner(&a) != inner(&b) {
            return Err(incompatible(
                "Arrays with differing element dimensions are not compatible for concatenation.",
            ));
        }
        dimensions = a.dimensions.clone();
        let added = b.dimensions.first().map_or(0, |dimension| dimension.length);
        if let Some(outer) = dimensions.first_mut() {
            outer.length += added;
        }
    } else if outer_a + 1 == outer_b {
        if inner(&b) != a.dimensions {
            return Err(incompatible(
                "Arrays with differing dimensions are not compatible for concatenation.",
            ));
        }
        dimensions = b.dimensions.clone();
        if let Some(outer) = dimensions.first_mut() {
            outer.length += 1;
        }
    } else if outer_a == outer_b + 1 {
        if inner(&a) != b.dimensions {
            return Err(incompatible(
                "Arrays with differing dimensions are not compatible for concatenation.",
            ));
        }
        dimensions = a.dimensions.clone();
        if let Some(outer) = dimensions.first_mut() {
            outer.length += 1;
        }
    } else {
        let detail =
            format!("Arrays of {outer_a} and {outer_b} dimensions are not compatible for concatenation.");
        return Err(incompatible(&detail));
    }
    let element = a.element;
    let mut elements = a.elements;
    elements.extend(b.elements);
    Ok(Array::with_dimensions(element, dimensions, elements)?.to_value())
}

fn fill_error(message: &str) -> Error {
    Error::new(SqlState::NullValueNotAllowed, message)
}

/// One-dimensional and without NULLs, as array_fill wants both of its arrays.
fn numbers(value: &Value, name: &str) -> Result<Vec<i32>> {
    if value.is_null() {
        return Err(fill_error(&format!("{name} array or low bound array cannot be null")));
    }
    let array = Array::from_value(value)?;
    if array.dimensions.len() > 1 {
        return Err(Error::new(SqlState::ArraySubscriptError, "wrong number of array subscripts")
            .detail("Dimension array must be one dimensional."));
    }
    array
        .elements
        .iter()
        .map(|element| match element {
            Value::Int32(number) => Ok(*number),
            _ => Err(fill_error("dimension values cannot be null")),
        })
        .collect()
}

fn fill(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let lengths = numbers(at(arguments, 1)?, "dimension")?;
    let lowers = match arguments.get(2) {
        Some(lowers) => Some(numbers(lowers, "dimension")?),
        None => None,
    };
    if lengths.len() > MAXIMUM_DIMENSIONS {
        return Err(too_many_dimensions(lengths.len()));
    }
    if lowers.as_ref().is_some_and(|lowers| lowers.len() != lengths.len()) {
        return Err(Error::new(SqlState::ArraySubscriptError, "wrong number of array subscripts")
            .detail("Low bound array has different size than dimensions array."));
    }
    let dimensions: Vec<Dimension> = lengths
        .iter()
        .enumerate()
        .map(|(at, &length)| {
            let lower = lowers.as_ref().and_then(|lowers| lowers.get(at).copied()).unwrap_or(1);
            Dimension { length, lower }
        })
        .collect();
    let count = element_count(&dimensions)?;
    let element = result_element(call);
    if count == 0 {
        return Ok(Array::empty(element).to_value());
    }
    let value = at::<&Value>(arguments, 0)?.clone();
    Ok(Array::with_dimensions(element, dimensions, vec![value; count])?.to_value())
}

/// Without the last `count` elements of the outermost dimension.
fn trim(mut array: Array, count: i32) -> Result<Array> {
    let length = array.dimensions.first().map_or(0, |dimension| dimension.length);
    if count < 0 || count > length {
        return Err(Error::new(
            SqlState::ArraySubscriptError,
            format!("number of elements to trim must be between 0 and {length}"),
        ));
    }
    if count == length {
        return Ok(Array::empty(array.element));
    }
    let each = array.elements.len() / usize::try_from(length.max(1)).unwrap_or(1);
    array.elements.truncate(each * usize::try_from(length - count).unwrap_or(0));
    if let Some(outer) = array.dimensions.first_mut() {
        outer.length -= count;
        // A slice counts from 1 again.
        outer.lower = 1;
    }
    for dimension in array.dimensions.iter_mut().skip(1) {
        dimension.lower = 1;
    }
    Ok(array)
}

/// The arguments that are NULL, or of VARIADIC the elements.
fn nulls(call: &Call, arguments: &[Value], null: bool) -> Result<Value> {
    if call.variadic_array {
        let Some(array) = at::<Option<Array>>(arguments, 0)? else { return Ok(Value::Null) };
        return Ok(Value::Int32(int4(
            array.elements.iter().filter(|element| element.is_null() == null).count(),
        )));
    }
    Ok(Value::Int32(int4(arguments.iter().filter(|argument| argument.is_null() == null).count())))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // array_append(anycompatiblearray,anycompatible)
    (378, append),
    // array_prepend(anycompatible,anycompatiblearray)
    (379, prepend),
    // array_cat(anycompatiblearray,anycompatiblearray)
    (383, concatenate),
    // array_fill(anyelement,_int4)
    (1193, fill),
    // array_fill(anyelement,_int4,_int4)
    (1286, fill),
    // trim_array(anyarray,int4)
    (6172, scalar!(trim, Array, i32)),
    // num_nulls(any)
    (438, |_, call, arguments| nulls(call, arguments, true)),
    // num_nonnulls(any)
    (440, |_, call, arguments| nulls(call, arguments, false)),
];
