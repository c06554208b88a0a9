//! Functions, operators and casts of the extension vector, over vectors of either width.
//!
//! Results, messages and SQLSTATEs are pgvector's. Arithmetic rounds every element to the width of its type and refuses
//! what does not fit. Both widths share the code; `single` and `halves` name the oids.

pub(super) mod batch;
pub(super) mod halves;
pub(super) mod single;
pub(super) mod sparse;

pub(crate) use batch::distance_of;
use engine::Value;

use super::argument::at;
use super::arithmetic::float::{overflow, underflow};
use crate::error::{Error, Result, SqlState};
use crate::types::array::Array;
use crate::types::bit;
use crate::types::embedding::distance::Metric;
use crate::types::embedding::{self, Element, check_expected, distance};
use crate::types::numeric::Numeric;
use crate::types::oid;

/// Both vectors of a function of two, of the same number of dimensions.
fn pair(element: Element, arguments: &[Value]) -> Result<(&[u8], &[u8])> {
    let (a, b): (&[u8], &[u8]) = (at(arguments, 0)?, at(arguments, 1)?);
    check_alike(element, a, b)?;
    Ok((a, b))
}

/// Refuses vectors of different numbers of dimensions.
pub(crate) fn check_alike(element: Element, a: &[u8], b: &[u8]) -> Result<()> {
    if a.len() == b.len() {
        return Ok(());
    }
    Err(different_dimensions(element, element.dimensions(a), element.dimensions(b)))
}

/// The complaint about vectors of different numbers of dimensions.
pub(crate) fn different_dimensions(element: Element, a: usize, b: usize) -> Error {
    let message = format!("different {} dimensions {a} and {b}", element.type_name());
    Error::new(SqlState::DataException, message)
}

fn metric(metric: Metric, element: Element, arguments: &[Value]) -> Result<Value> {
    let (a, b) = pair(element, arguments)?;
    Ok(Value::Float64(metric.between(element, a, b)))
}

fn measure(of: fn(Element, &[u8], &[u8]) -> f64, element: Element, arguments: &[Value]) -> Result<Value> {
    let (a, b) = pair(element, arguments)?;
    Ok(Value::Float64(of(element, a, b)))
}

fn dimensions(element: Element, arguments: &[Value]) -> Result<Value> {
    Ok(Value::Int32(element.dimensions(at(arguments, 0)?) as i32))
}

fn norm(element: Element, arguments: &[Value]) -> Result<Value> {
    Ok(Value::Float64(distance::norm(element, at(arguments, 0)?)))
}

/// The stored form of computed elements; what became infinite is an overflow.
fn stored(element: Element, elements: &[f32]) -> Result<Vec<u8>> {
    if elements.iter().any(|value| element.overflows(*value)) {
        return Err(overflow());
    }
    Ok(element.write(elements))
}

/// The vector of length one; zero stays zero.
fn normalize(element: Element, arguments: &[Value]) -> Result<Value> {
    let given: &[u8] = at(arguments, 0)?;
    let norm = distance::norm(element, given);
    if norm <= 0.0 {
        return Ok(Value::from(vec![0; given.len()]));
    }
    let scaled: Vec<f32> =
        element.read(given).iter().map(|value| (f64::from(*value) / norm) as f32).collect();
    stored(element, &scaled).map(Value::from)
}

fn combine(element: Element, arguments: &[Value], f: fn(f32, f32) -> f32) -> Result<Value> {
    let (a, b) = pair(element, arguments)?;
    let (a, b) = (element.read(a), element.read(b));
    let combined: Vec<f32> = a.iter().zip(&b).map(|(x, y)| f(*x, *y)).collect();
    stored(element, &combined).map(Value::from)
}

fn add(element: Element, arguments: &[Value]) -> Result<Value> {
    combine(element, arguments, |x, y| x + y)
}

fn subtract(element: Element, arguments: &[Value]) -> Result<Value> {
    combine(element, arguments, |x, y| x - y)
}

/// Element by element; a product that rounds to zero is an underflow.
fn multiply(element: Element, arguments: &[Value]) -> Result<Value> {
    let (a, b) = pair(element, arguments)?;
    let (a, b) = (element.read(a), element.read(b));
    let products: Vec<f32> = a.iter().zip(&b).map(|(x, y)| x * y).collect();
    let kept = stored(element, &products)?;
    let vanished = |((product, x), y): ((&f32, &f32), &f32)| *product == 0.0 && *x != 0.0 && *y != 0.0;
    if element.read(&kept).iter().zip(&a).zip(&b).any(vanished) {
        return Err(underflow());
    }
    Ok(Value::from(kept))
}

fn concatenate(element: Element, arguments: &[Value]) -> Result<Value> {
    let (a, b): (&[u8], &[u8]) = (at(arguments, 0)?, at(arguments, 1)?);
    element.check_dimensions(element.dimensions(a) + element.dimensions(b))?;
    Ok(Value::from([a, b].concat()))
}

/// One bit for every element: whether it is above zero.
fn binary_quantize(element: Element, arguments: &[Value]) -> Result<Value> {
    let values = element.read(at(arguments, 0)?);
    let mut bits = vec![0; values.len().div_ceil(8)];
    for (byte, values) in bits.iter_mut().zip(values.chunks(8)) {
        for (place, value) in values.iter().enumerate() {
            *byte |= u8::from(*value > 0.0) << (7 - place);
        }
    }
    Ok(Value::from(bit::stored(values.len(), &bits)))
}

/// `count` elements from the one numbered `start`, as far as there are any.
fn subvector(element: Element, arguments: &[Value]) -> Result<Value> {
    let given: &[u8] = at(arguments, 0)?;
    let (start, count): (i32, i32) = (at(arguments, 1)?, at(arguments, 2)?);
    let (start, count) = (i64::from(start), i64::from(count));
    let all = element.dimensions(given) as i64;
    if count < 1 {
        element.check_dimensions(0)?;
    }
    let end = (start + count).min(all + 1);
    let start = start.max(1);
    let length = usize::try_from(end - start).unwrap_or(0);
    element.check_dimensions(length)?;
    let first = (start - 1) as usize * element.width();
    let bytes = given.get(first..first + length * element.width()).unwrap_or_default();
    Ok(Value::from(bytes.to_vec()))
}

fn compare(element: Element, arguments: &[Value]) -> Result<std::cmp::Ordering> {
    Ok(embedding::compare(element, at(arguments, 0)?, at(arguments, 1)?))
}

/// A vector of its own type: only its typmod is checked.
fn same(element: Element, arguments: &[Value]) -> Result<Value> {
    let given: &[u8] = at(arguments, 0)?;
    check_expected(at(arguments, 1)?, element.dimensions(given))?;
    at::<&Value>(arguments, 0).cloned()
}

/// A vector of the other width.
fn convert(from: Element, to: Element, arguments: &[Value]) -> Result<Value> {
    let given = from.read(at(arguments, 0)?);
    check_expected(at(arguments, 1)?, given.len())?;
    to.checked(&given).map(Value::from)
}

/// The elements of an array of numbers, NULLs and further dimensions refused.
fn numbers(array: &Array) -> Result<Vec<f32>> {
    if array.dimensions.len() > 1 {
        return Err(Error::new(SqlState::DataException, "array must be 1-D"));
    }
    if array.has_nulls() {
        return Err(Error::new(SqlState::NullValueNotAllowed, "array must not contain nulls"));
    }
    let elements = array.elements.iter().map(|value| match value {
        Value::Int32(value) => Ok(*value as f32),
        Value::Float32(value) => Ok(*value),
        Value::Float64(value) => Ok(*value as f32),
        value @ Value::Bytes(_) => Numeric::from_value(value)?.to_f32(),
        _ => Err(Error::new(SqlState::DataException, "unsupported array type")),
    });
    elements.collect()
}

fn from_array(element: Element, arguments: &[Value]) -> Result<Value> {
    let array = Array::from_value(at(arguments, 0)?)?;
    if array.dimensions.len() <= 1 && !array.has_nulls() {
        element.check_dimensions(array.elements.len())?;
        check_expected(at(arguments, 1)?, array.elements.len())?;
    }
    element.checked(&numbers(&array)?).map(Value::from)
}

fn to_array(element: Element, arguments: &[Value]) -> Result<Value> {
    let values = element.read(at(arguments, 0)?).into_iter().map(Value::Float32);
    Ok(Array::from_elements(oid::FLOAT4, values.collect()).to_value())
}

/// The state of avg as SQL sees it: the number of vectors, then the sum of each element.
fn state(arguments: &[Value], index: usize, function: &str) -> Result<Vec<f64>> {
    let array = Array::from_value(at(arguments, index)?)?;
    let expected = || Error::internal(format!("{function}: expected state array"));
    let numbers = array.elements.iter().map(|value| match value {
        Value::Float64(value) => Ok(*value),
        _ => Err(expected()),
    });
    let numbers: Vec<f64> = numbers.collect::<Result<_>>()?;
    if array.dimensions.len() != 1 || numbers.is_empty() {
        return Err(expected());
    }
    Ok(numbers)
}

fn state_value(state: Vec<f64>) -> Value {
    Array::from_elements(oid::FLOAT8, state.into_iter().map(Value::Float64).collect()).to_value()
}

/// Adds numbers to a state's, which has as many or none yet.
pub(super) fn accumulate(state: &mut Vec<f64>, values: impl ExactSizeIterator<Item = f64>) -> Result<()> {
    if state.is_empty() {
        state.extend(values);
        return Ok(());
    }
    check_expected(state.len() as i32, values.len())?;
    for (sum, value) in state.iter_mut().zip(values) {
        *sum += value;
        if sum.is_infinite() {
            return Err(overflow());
        }
    }
    Ok(())
}

fn accum(element: Element, arguments: &[Value]) -> Result<Value> {
    let mut sums = state(arguments, 0, &format!("{}_accum", element.type_name()))?;
    let count = sums.remove(0) + 1.0;
    accumulate(&mut sums, element.read(at(arguments, 1)?).into_iter().map(f64::from))?;
    sums.insert(0, count);
    Ok(state_value(sums))
}

fn combine_states(arguments: &[Value]) -> Result<Value> {
    let (mut a, mut b) = (state(arguments, 0, "vector_combine")?, state(arguments, 1, "vector_combine")?);
    let count = a.remove(0) + b.remove(0);
    accumulate(&mut a, b.into_iter())?;
    a.insert(0, count);
    Ok(state_value(a))
}

fn average(element: Element, arguments: &[Value]) -> Result<Value> {
    let sums = state(arguments, 0, &format!("{}_avg", element.type_name()))?;
    let (count, sums) = sums.split_first().map_or((0.0, [].as_slice()), |(count, sums)| (*count, sums));
    mean(element, count, sums)
}

/// The mean of `count` vectors of these sums; NULL of none.
pub(super) fn mean(element: Element, count: f64, sums: &[f64]) -> Result<Value> {
    if count == 0.0 {
        return Ok(Value::Null);
    }
    element.check_dimensions(sums.len())?;
    let means: Vec<f32> = sums.iter().map(|sum| (sum / count) as f32).collect();
    element.checked(&means).map(Value::from)
}
