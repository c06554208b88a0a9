//! Choosing rows of a column into a new array: what a scan does where not every row is visible.

use super::column::{Column, ColumnBuilder, SealedColumn};
use crate::{Error, PhysicalType, Value};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use std::sync::Arc;

/// Copies the named rows of a column into a new array.
pub(crate) fn gather(column: &Column, physical: PhysicalType, rows: &[u32]) -> Result<ArrayRef, Error> {
    let numbers = match column {
        Column::Sealed(SealedColumn::Int16(array)) => primitives(array, rows),
        Column::Sealed(SealedColumn::Int32(array)) => primitives(array, rows),
        Column::Sealed(SealedColumn::Int64(array)) => primitives(array, rows),
        Column::Sealed(SealedColumn::UInt32(array)) => primitives(array, rows),
        Column::Sealed(SealedColumn::Float32(array)) => primitives(array, rows),
        Column::Sealed(SealedColumn::Float64(array)) => primitives(array, rows),
        Column::Sealed(
            SealedColumn::Bool(_) | SealedColumn::Fixed16(_) | SealedColumn::Text(_) | SealedColumn::Bytes(_),
        )
        | Column::Open(_) => None,
    };
    if let Some(array) = numbers {
        return Ok(array);
    }
    let mut builder = ColumnBuilder::new(physical);
    for &row in rows {
        if !builder.push_from(column, row as usize) {
            return Err(Error::LimitExceeded("a batch holds at most 2 GiB of one column"));
        }
    }
    builder.seal()
}

/// Numbers without NULLs are copied without looking at each; `None` where there are NULLs.
fn primitives<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, rows: &[u32]) -> Option<ArrayRef> {
    if array.null_count() > 0 {
        return None;
    }
    let values = array.values();
    let chosen: Vec<T::Native> =
        rows.iter().map(|row| values.get(*row as usize).copied().unwrap_or_default()).collect();
    Some(Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(chosen), None)))
}

/// The same value in each of `rows` rows: what rows written before a column was added read as.
pub(crate) fn repeat(value: &Value, physical: PhysicalType, rows: usize) -> Result<ArrayRef, Error> {
    let mut builder = ColumnBuilder::new(physical);
    for _ in 0..rows {
        if !builder.push(value) {
            return Err(Error::LimitExceeded("a batch holds at most 2 GiB of one column"));
        }
    }
    builder.seal()
}
