//! Batch forms of the functions that filters and arithmetic over columns run all day.
//!
//! Each agrees with its scalar form row by row: NULL in, NULL out, and an error only where a row without NULL raises it.

pub(super) mod arithmetic;
pub(super) mod comparison;
pub(super) mod pattern;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, StringArray, new_null_array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::DataType;
use engine::Value;

use super::registry::Vector;
use crate::error::{Error, Result};

/// A numeric argument: a column, one value, or NULL everywhere.
enum Side<'a, T: ArrowPrimitiveType> {
    Column(&'a PrimitiveArray<T>),
    Constant(T::Native),
    Null,
}

/// The Arrow types of numeric values, read from a constant.
pub(super) trait Constant: ArrowPrimitiveType + Send {
    fn constant(value: &Value) -> Option<Self::Native>;
}

macro_rules! constants {
    ($($ty:ident $variant:ident),+) => {$(
        impl Constant for arrow_array::types::$ty {
            fn constant(value: &Value) -> Option<Self::Native> {
                match value {
                    Value::$variant(inner) => Some(*inner),
                    _ => None,
                }
            }
        }
    )+};
}

constants!(
    Int16Type Int16, Int32Type Int32, Int64Type Int64, UInt32Type UInt32, Float32Type Float32, Float64Type Float64
);

fn side<T: Constant>(arguments: &[Vector], index: usize) -> Result<Side<'_, T>> {
    match arguments.get(index) {
        Some(Vector::Array(array)) => array.as_primitive_opt::<T>().map(Side::Column).ok_or_else(|| {
            Error::internal(format!(
                "a batch function wanted {} but was given {}",
                T::DATA_TYPE,
                array.data_type()
            ))
        }),
        Some(Vector::Constant(Value::Null)) => Ok(Side::Null),
        Some(Vector::Constant(value)) => T::constant(value).map(Side::Constant).ok_or_else(|| {
            Error::internal(format!("a batch function wanted {} but was given {value:?}", T::DATA_TYPE))
        }),
        None => Err(Error::internal("a batch function was called with too few arguments")),
    }
}

/// The rows where `f` holds for two numeric arguments.
fn compare<A: Constant, B: Constant>(
    arguments: &[Vector],
    rows: usize,
    f: impl Fn(A::Native, B::Native) -> bool,
) -> Result<ArrayRef> {
    let (bits, nulls) = match (side::<A>(arguments, 0)?, side::<B>(arguments, 1)?) {
        (Side::Null, _) | (_, Side::Null) => return Ok(new_null_array(&DataType::Boolean, rows)),
        (Side::Column(a), Side::Column(b)) => {
            let (x, y) = (a.values(), b.values());
            let bits = x.iter().zip(y.iter()).map(|(&x, &y)| f(x, y)).collect::<BooleanBuffer>();
            (bits, NullBuffer::union(a.logical_nulls_of(), b.logical_nulls_of()))
        }
        (Side::Column(a), Side::Constant(y)) => {
            let x = a.values();
            (BooleanBuffer::collect_bool(x.len(), |i| f(x[i], y)), a.logical_nulls_of().cloned())
        }
        (Side::Constant(x), Side::Column(b)) => {
            let y = b.values();
            (BooleanBuffer::collect_bool(y.len(), |i| f(x, y[i])), b.logical_nulls_of().cloned())
        }
        (Side::Constant(x), Side::Constant(y)) => (BooleanBuffer::collect_bool(rows, |_| f(x, y)), None),
    };
    Ok(Arc::new(BooleanArray::new(bits, nulls)))
}

/// A primitive array's null buffer, under one name for both shapes above.
trait Nulls {
    fn logical_nulls_of(&self) -> Option<&NullBuffer>;
}

impl<T: ArrowPrimitiveType> Nulls for PrimitiveArray<T> {
    fn logical_nulls_of(&self) -> Option<&NullBuffer> {
        arrow_array::Array::nulls(self)
    }
}

/// Two numeric arguments into a third; `f` also says whether the row failed, and `error` tells which error that is.
/// Failed rows under NULL do not count.
fn combine<A: Constant, B: Constant, R: ArrowPrimitiveType>(
    arguments: &[Vector],
    rows: usize,
    f: impl Fn(A::Native, B::Native) -> (R::Native, bool),
    error: impl Fn(A::Native, B::Native) -> Error,
) -> Result<ArrayRef> {
    let (a, b) = (side::<A>(arguments, 0)?, side::<B>(arguments, 1)?);
    let at = |side: &Side<'_, A>, i: usize| match side {
        Side::Column(column) => column.values()[i],
        Side::Constant(value) => *value,
        Side::Null => A::Native::default(),
    };
    let right_at = |side: &Side<'_, B>, i: usize| match side {
        Side::Column(column) => column.values()[i],
        Side::Constant(value) => *value,
        Side::Null => B::Native::default(),
    };
    let nulls = match (&a, &b) {
        (Side::Null, _) | (_, Side::Null) => return Ok(new_null_array(&R::DATA_TYPE, rows)),
        (Side::Column(x), Side::Column(y)) => NullBuffer::union(x.logical_nulls_of(), y.logical_nulls_of()),
        (Side::Column(x), Side::Constant(_)) => x.logical_nulls_of().cloned(),
        (Side::Constant(_), Side::Column(y)) => y.logical_nulls_of().cloned(),
        (Side::Constant(_), Side::Constant(_)) => None,
    };
    let mut failed = false;
    let mut compute = |(value, bad): (R::Native, bool)| {
        failed |= bad;
        value
    };
    let values: Vec<R::Native> = match (&a, &b) {
        (Side::Column(x), Side::Column(y)) => {
            x.values().iter().zip(y.values().iter()).map(|(&x, &y)| compute(f(x, y))).collect()
        }
        (Side::Column(x), Side::Constant(y)) => x.values().iter().map(|&x| compute(f(x, *y))).collect(),
        (Side::Constant(x), Side::Column(y)) => y.values().iter().map(|&y| compute(f(*x, y))).collect(),
        _ => (0..rows).map(|i| compute(f(at(&a, i), right_at(&b, i)))).collect(),
    };
    if failed {
        for i in 0..values.len() {
            let (x, y) = (at(&a, i), right_at(&b, i));
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i)) && f(x, y).1 {
                return Err(error(x, y));
            }
        }
    }
    Ok(Arc::new(PrimitiveArray::<R>::new(ScalarBuffer::from(values), nulls)))
}

/// The rows where `f` holds for two text arguments.
fn text_comparison(arguments: &[Vector], rows: usize, f: impl Fn(&[u8], &[u8]) -> bool) -> Result<ArrayRef> {
    let (bits, nulls) = match (text_side(arguments, 0)?, text_side(arguments, 1)?) {
        (TextSide::Null, _) | (_, TextSide::Null) => return Ok(new_null_array(&DataType::Boolean, rows)),
        (TextSide::Column(a), TextSide::Column(b)) => (
            BooleanBuffer::collect_bool(rows, |i| f(a.value(i).as_bytes(), b.value(i).as_bytes())),
            NullBuffer::union(arrow_array::Array::nulls(a), arrow_array::Array::nulls(b)),
        ),
        (TextSide::Column(a), TextSide::Constant(b)) => (
            BooleanBuffer::collect_bool(rows, |i| f(a.value(i).as_bytes(), b.as_bytes())),
            arrow_array::Array::nulls(a).cloned(),
        ),
        (TextSide::Constant(a), TextSide::Column(b)) => (
            BooleanBuffer::collect_bool(rows, |i| f(a.as_bytes(), b.value(i).as_bytes())),
            arrow_array::Array::nulls(b).cloned(),
        ),
        (TextSide::Constant(a), TextSide::Constant(b)) => {
            (BooleanBuffer::collect_bool(rows, |_| f(a.as_bytes(), b.as_bytes())), None)
        }
    };
    Ok(Arc::new(BooleanArray::new(bits, nulls)))
}

enum TextSide<'a> {
    Column(&'a StringArray),
    Constant(&'a str),
    Null,
}

impl TextSide<'_> {
    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            TextSide::Column(column) => arrow_array::Array::nulls(*column),
            TextSide::Constant(_) | TextSide::Null => None,
        }
    }

    /// The text of a row that is not NULL.
    fn at(&self, row: usize) -> &str {
        match self {
            TextSide::Column(column) => column.value(row),
            TextSide::Constant(text) => text,
            TextSide::Null => "",
        }
    }
}

fn text_side(arguments: &[Vector], index: usize) -> Result<TextSide<'_>> {
    match arguments.get(index) {
        Some(Vector::Array(array)) => array.as_string_opt::<i32>().map(TextSide::Column).ok_or_else(|| {
            Error::internal(format!("a batch function wanted text but was given {}", array.data_type()))
        }),
        Some(Vector::Constant(Value::Null)) => Ok(TextSide::Null),
        Some(Vector::Constant(value)) => value
            .as_text()
            .map(TextSide::Constant)
            .ok_or_else(|| Error::internal("a batch function wanted text")),
        None => Err(Error::internal("a batch function was called with too few arguments")),
    }
}

/// int4 as an oid, or an oid as int4.
fn reinterpret(call: &super::Call, arguments: &[Vector], rows: usize) -> Result<ArrayRef> {
    use arrow_array::types::{Int32Type, UInt32Type};
    match arguments.first() {
        Some(Vector::Array(array)) => {
            if let Some(integers) = array.as_primitive_opt::<Int32Type>() {
                return Ok(Arc::new(integers.unary::<_, UInt32Type>(|value| value as u32)));
            }
            if let Some(oids) = array.as_primitive_opt::<UInt32Type>() {
                return Ok(Arc::new(oids.unary::<_, Int32Type>(|value| value as i32)));
            }
            Err(Error::internal(format!("{} has one representation only", array.data_type())))
        }
        Some(Vector::Constant(Value::Int32(value))) => {
            Ok(Arc::new(PrimitiveArray::<UInt32Type>::from_value(*value as u32, rows)))
        }
        Some(Vector::Constant(Value::UInt32(value))) => {
            Ok(Arc::new(PrimitiveArray::<Int32Type>::from_value(*value as i32, rows)))
        }
        Some(Vector::Constant(Value::Null)) => {
            Ok(new_null_array(&crate::types::physical(call.result.oid).arrow(), rows))
        }
        Some(Vector::Constant(_)) | None => Err(Error::internal("only int4 and oids are relabelled")),
    }
}

/// Batch forms that belong to no family.
pub(super) const FUNCTIONS: super::registry::Vectors =
    &[(super::cast::number::REINTERPRET, |_, call, arguments, rows| reinterpret(call, arguments, rows))];
