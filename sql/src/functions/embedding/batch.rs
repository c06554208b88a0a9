//! Distances over batches: a column of vectors against one vector, or against another column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, Float64Array, new_null_array};
use arrow_schema::DataType;
use engine::Value;

use super::check_alike;
use crate::error::{Error, Result};
use crate::functions::registry::{Vector, Vectors};
use crate::types::embedding::Element::{self, Half, Single};
use crate::types::embedding::distance::{Distances, Metric};

/// An argument: a column, one vector for every row, or NULL everywhere.
enum Side<'a> {
    Column(&'a BinaryArray),
    Constant(&'a [u8]),
    Null,
}

fn side(arguments: &[Vector], index: usize) -> Result<Side<'_>> {
    match arguments.get(index) {
        Some(Vector::Array(array)) => array.as_binary_opt::<i32>().map(Side::Column).ok_or_else(|| {
            Error::internal(format!("a distance wanted vectors but was given {}", array.data_type()))
        }),
        Some(Vector::Constant(Value::Bytes(bytes))) => Ok(Side::Constant(bytes)),
        Some(Vector::Constant(Value::Null)) => Ok(Side::Null),
        Some(Vector::Constant(_)) | None => Err(Error::internal("a distance wanted two vectors")),
    }
}

/// Distances of a column from one vector.
fn from_one(metric: Metric, element: Element, one: &[u8], column: &BinaryArray) -> Result<ArrayRef> {
    let distances = Distances::new(metric, element, one);
    let mut values = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let value = if column.is_null(row) {
            0.0
        } else {
            let other = column.value(row);
            check_alike(element, other, one)?;
            distances.to(other)
        };
        values.push(value);
    }
    Ok(Arc::new(Float64Array::new(values.into(), column.nulls().cloned())))
}

fn distances(metric: Metric, element: Element, arguments: &[Vector], rows: usize) -> Result<ArrayRef> {
    match (side(arguments, 0)?, side(arguments, 1)?) {
        (Side::Null, _) | (_, Side::Null) => Ok(new_null_array(&DataType::Float64, rows)),
        (Side::Column(column), Side::Constant(one)) | (Side::Constant(one), Side::Column(column)) => {
            from_one(metric, element, one, column)
        }
        (Side::Constant(a), Side::Constant(b)) => {
            check_alike(element, a, b)?;
            Ok(Arc::new(Float64Array::from_value(metric.between(element, a, b), rows)))
        }
        (Side::Column(a), Side::Column(b)) => {
            let values = a.iter().zip(b.iter()).map(|(a, b)| {
                let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
                check_alike(element, a, b)?;
                Ok(Some(metric.between(element, a, b)))
            });
            Ok(Arc::new(values.collect::<Result<Float64Array>>()?))
        }
    }
}

/// The functions that stand behind the distance operators.
pub(in crate::functions) const FUNCTIONS: Vectors = &[
    (8305, |_, _, arguments, rows| distances(Metric::L2, Single, arguments, rows)),
    (8326, |_, _, arguments, rows| distances(Metric::NegativeInnerProduct, Single, arguments, rows)),
    (8307, |_, _, arguments, rows| distances(Metric::Cosine, Single, arguments, rows)),
    (8308, |_, _, arguments, rows| distances(Metric::L1, Single, arguments, rows)),
    (8351, |_, _, arguments, rows| distances(Metric::L2, Half, arguments, rows)),
    (8372, |_, _, arguments, rows| distances(Metric::NegativeInnerProduct, Half, arguments, rows)),
    (8353, |_, _, arguments, rows| distances(Metric::Cosine, Half, arguments, rows)),
    (8354, |_, _, arguments, rows| distances(Metric::L1, Half, arguments, rows)),
];

/// The distance that a function computes, and over what.
pub(crate) fn distance_of(function: u32) -> Option<(Metric, Element)> {
    Some(match function {
        8305 => (Metric::L2, Single),
        8326 => (Metric::NegativeInnerProduct, Single),
        8307 => (Metric::Cosine, Single),
        8308 => (Metric::L1, Single),
        8351 => (Metric::L2, Half),
        8372 => (Metric::NegativeInnerProduct, Half),
        8353 => (Metric::Cosine, Half),
        8354 => (Metric::L1, Half),
        _ => return None,
    })
}
