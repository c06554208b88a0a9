//! The functions of `sparsevec`.

use std::cmp::Ordering;

use engine::Value;

use super::numbers;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::at;
use crate::functions::arithmetic::float::overflow;
use crate::functions::registry::Scalars;
use crate::types::array::Array;
use crate::types::embedding::sparse::Sparse;
use crate::types::embedding::{Element, check_expected};

fn argument(arguments: &[Value], index: usize) -> Result<Sparse> {
    Sparse::from_bytes(at(arguments, index)?)
}

/// Both vectors of a function of two, of the same number of dimensions.
fn pair(arguments: &[Value]) -> Result<(Sparse, Sparse)> {
    let (a, b) = (argument(arguments, 0)?, argument(arguments, 1)?);
    if a.dimensions != b.dimensions {
        let message = format!("different sparsevec dimensions {} and {}", a.dimensions, b.dimensions);
        return Err(Error::new(SqlState::DataException, message));
    }
    Ok((a, b))
}

fn sum(arguments: &[Value], step: fn(f32, f32) -> f32) -> Result<f32> {
    let (a, b) = pair(arguments)?;
    let mut total = 0.0;
    a.pairs(&b, |x, y| total += step(x, y));
    Ok(total)
}

fn l2_squared(arguments: &[Value]) -> Result<f64> {
    sum(arguments, |x, y| (x - y) * (x - y)).map(f64::from)
}

fn product(arguments: &[Value]) -> Result<f32> {
    sum(arguments, |x, y| x * y)
}

fn square(sparse: &Sparse) -> f64 {
    f64::from(sparse.elements.iter().map(|(_, x)| x * x).sum::<f32>())
}

fn cosine(arguments: &[Value]) -> Result<f64> {
    let (a, b) = pair(arguments)?;
    let similarity = f64::from(product(arguments)?) / (square(&a) * square(&b)).sqrt();
    Ok(1.0 - similarity.clamp(-1.0, 1.0))
}

fn norm(sparse: &Sparse) -> f64 {
    let squares = sparse.elements.iter().map(|(_, x)| f64::from(*x) * f64::from(*x));
    // An empty sum would be negative zero.
    squares.fold(0.0, |sum, square| sum + square).sqrt()
}

/// The vector of length one; zero stays zero.
fn normalize(arguments: &[Value]) -> Result<Value> {
    let mut sparse = argument(arguments, 0)?;
    let norm = norm(&sparse);
    for (_, value) in &mut sparse.elements {
        *value = (f64::from(*value) / norm) as f32;
        if value.is_infinite() {
            return Err(overflow());
        }
    }
    sparse.elements.retain(|(_, value)| *value != 0.0);
    Ok(sparse.to_value())
}

fn compare(arguments: &[Value]) -> Result<Ordering> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    argument(arguments, 0)?.append_key(&mut a);
    argument(arguments, 1)?.append_key(&mut b);
    Ok(a.cmp(&b))
}

/// A vector of its own type: only its typmod is checked.
fn same(arguments: &[Value]) -> Result<Value> {
    check_expected(at(arguments, 1)?, argument(arguments, 0)?.dimensions as usize)?;
    at::<&Value>(arguments, 0).cloned()
}

fn from_dense(element: Element, arguments: &[Value]) -> Result<Value> {
    let values = element.read(at(arguments, 0)?);
    check_expected(at(arguments, 1)?, values.len())?;
    Sparse::of_dense(&values).map(|sparse| sparse.to_value())
}

fn to_dense(element: Element, arguments: &[Value]) -> Result<Value> {
    let sparse = argument(arguments, 0)?;
    let dimensions = usize::try_from(sparse.dimensions).unwrap_or(0);
    element.check_dimensions(dimensions)?;
    check_expected(at(arguments, 1)?, dimensions)?;
    element.checked(&sparse.dense()).map(Value::from)
}

fn from_array(arguments: &[Value]) -> Result<Value> {
    let array = Array::from_value(at(arguments, 0)?)?;
    let values = numbers(&array)?;
    let sparse = Sparse::of_dense(&values);
    if !values.is_empty() {
        check_expected(at(arguments, 1)?, values.len())?;
    }
    Ok(sparse?.to_value())
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // l2_distance(sparsevec,sparsevec)
    (8394, |_, _, arguments| Ok(Value::Float64(l2_squared(arguments)?.sqrt()))),
    // inner_product(sparsevec,sparsevec)
    (8395, |_, _, arguments| Ok(Value::Float64(f64::from(product(arguments)?)))),
    // cosine_distance(sparsevec,sparsevec)
    (8396, |_, _, arguments| Ok(Value::Float64(cosine(arguments)?))),
    // l1_distance(sparsevec,sparsevec)
    (8397, |_, _, arguments| Ok(Value::Float64(f64::from(sum(arguments, |x, y| (x - y).abs())?)))),
    // l2_norm(sparsevec)
    (8398, |_, _, arguments| Ok(Value::Float64(norm(&argument(arguments, 0)?)))),
    // l2_normalize(sparsevec)
    (8399, |_, _, arguments| normalize(arguments)),
    // sparsevec_lt(sparsevec,sparsevec)
    (8400, |_, _, arguments| Ok(Value::Bool(compare(arguments)?.is_lt()))),
    // sparsevec_le(sparsevec,sparsevec)
    (8401, |_, _, arguments| Ok(Value::Bool(compare(arguments)?.is_le()))),
    // sparsevec_eq(sparsevec,sparsevec)
    (8402, |_, _, arguments| Ok(Value::Bool(compare(arguments)?.is_eq()))),
    // sparsevec_ne(sparsevec,sparsevec)
    (8403, |_, _, arguments| Ok(Value::Bool(compare(arguments)?.is_ne()))),
    // sparsevec_ge(sparsevec,sparsevec)
    (8404, |_, _, arguments| Ok(Value::Bool(compare(arguments)?.is_ge()))),
    // sparsevec_gt(sparsevec,sparsevec)
    (8405, |_, _, arguments| Ok(Value::Bool(compare(arguments)?.is_gt()))),
    // sparsevec_cmp(sparsevec,sparsevec)
    (8406, |_, _, arguments| Ok(Value::Int32(compare(arguments)? as i32))),
    // sparsevec_l2_squared_distance(sparsevec,sparsevec)
    (8407, |_, _, arguments| Ok(Value::Float64(l2_squared(arguments)?))),
    // sparsevec_negative_inner_product(sparsevec,sparsevec)
    (8408, |_, _, arguments| Ok(Value::Float64(f64::from(-product(arguments)?)))),
    // sparsevec(sparsevec,int4,bool)
    (8409, |_, _, arguments| same(arguments)),
    // vector_to_sparsevec(vector,int4,bool)
    (8410, |_, _, arguments| from_dense(Element::Single, arguments)),
    // sparsevec_to_vector(sparsevec,int4,bool)
    (8411, |_, _, arguments| to_dense(Element::Single, arguments)),
    // halfvec_to_sparsevec(halfvec,int4,bool)
    (8412, |_, _, arguments| from_dense(Element::Half, arguments)),
    // sparsevec_to_halfvec(sparsevec,int4,bool)
    (8413, |_, _, arguments| to_dense(Element::Half, arguments)),
    // array_to_sparsevec(int4[],int4,bool)
    (8414, |_, _, arguments| from_array(arguments)),
    // array_to_sparsevec(float4[],int4,bool)
    (8415, |_, _, arguments| from_array(arguments)),
    // array_to_sparsevec(float8[],int4,bool)
    (8416, |_, _, arguments| from_array(arguments)),
    // array_to_sparsevec(numeric[],int4,bool)
    (8417, |_, _, arguments| from_array(arguments)),
];
