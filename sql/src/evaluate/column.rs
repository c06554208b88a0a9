//! Between engine values and Arrow columns.
//!
//! One physical type has one Arrow type ([`PhysicalType::arrow`]); a column of any other type, or a value of another
//! type than its column, is an internal error.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, Int64Builder, StringBuilder, UInt32Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_schema::DataType;
use engine::{PhysicalType, Value};

use crate::error::{Error, Result};

/// Appends values to a column under construction.
pub enum ColumnBuilder {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt32(UInt32Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Fixed16(FixedSizeBinaryBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl ColumnBuilder {
    /// A builder with room for `rows` values.
    pub fn new(physical: PhysicalType, rows: usize) -> ColumnBuilder {
        match physical {
            PhysicalType::Bool => ColumnBuilder::Bool(BooleanBuilder::with_capacity(rows)),
            PhysicalType::Int16 => ColumnBuilder::Int16(Int16Builder::with_capacity(rows)),
            PhysicalType::Int32 => ColumnBuilder::Int32(Int32Builder::with_capacity(rows)),
            PhysicalType::Int64 => ColumnBuilder::Int64(Int64Builder::with_capacity(rows)),
            PhysicalType::UInt32 => ColumnBuilder::UInt32(UInt32Builder::with_capacity(rows)),
            PhysicalType::Float32 => ColumnBuilder::Float32(Float32Builder::with_capacity(rows)),
            PhysicalType::Float64 => ColumnBuilder::Float64(Float64Builder::with_capacity(rows)),
            PhysicalType::Fixed16 => ColumnBuilder::Fixed16(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            PhysicalType::Text => ColumnBuilder::Text(StringBuilder::with_capacity(rows, rows * 16)),
            PhysicalType::Bytes => ColumnBuilder::Bytes(BinaryBuilder::with_capacity(rows, rows * 16)),
        }
    }

    /// Appends one value.
    pub fn append(&mut self, value: &Value) -> Result<()> {
        match (self, value) {
            (ColumnBuilder::Bool(builder), Value::Bool(v)) => builder.append_value(*v),
            (ColumnBuilder::Int16(builder), Value::Int16(v)) => builder.append_value(*v),
            (ColumnBuilder::Int32(builder), Value::Int32(v)) => builder.append_value(*v),
            (ColumnBuilder::Int64(builder), Value::Int64(v)) => builder.append_value(*v),
            (ColumnBuilder::UInt32(builder), Value::UInt32(v)) => builder.append_value(*v),
            (ColumnBuilder::Float32(builder), Value::Float32(v)) => builder.append_value(*v),
            (ColumnBuilder::Float64(builder), Value::Float64(v)) => builder.append_value(*v),
            (ColumnBuilder::Fixed16(builder), Value::Fixed16(v)) => {
                builder.append_value(v).map_err(|error| Error::internal(error.to_string()))?;
            }
            (ColumnBuilder::Text(builder), Value::Text(v)) => builder.append_value(v),
            (ColumnBuilder::Bytes(builder), Value::Bytes(v)) => builder.append_value(v),
            (builder, Value::Null) => builder.append_null(),
            (builder, value) => return Err(builder.mismatch(value)),
        }
        Ok(())
    }

    /// Appends NULL.
    pub fn append_null(&mut self) {
        match self {
            ColumnBuilder::Bool(builder) => builder.append_null(),
            ColumnBuilder::Int16(builder) => builder.append_null(),
            ColumnBuilder::Int32(builder) => builder.append_null(),
            ColumnBuilder::Int64(builder) => builder.append_null(),
            ColumnBuilder::UInt32(builder) => builder.append_null(),
            ColumnBuilder::Float32(builder) => builder.append_null(),
            ColumnBuilder::Float64(builder) => builder.append_null(),
            ColumnBuilder::Fixed16(builder) => builder.append_null(),
            ColumnBuilder::Text(builder) => builder.append_null(),
            ColumnBuilder::Bytes(builder) => builder.append_null(),
        }
    }

    /// The column; the builder is empty afterwards.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Bool(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int16(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int32(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int64(builder) => Arc::new(builder.finish()),
            ColumnBuilder::UInt32(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Float32(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Float64(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Fixed16(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Bytes(builder) => Arc::new(builder.finish()),
        }
    }

    #[cold]
    fn mismatch(&self, value: &Value) -> Error {
        let column = match self {
            ColumnBuilder::Bool(_) => PhysicalType::Bool,
            ColumnBuilder::Int16(_) => PhysicalType::Int16,
            ColumnBuilder::Int32(_) => PhysicalType::Int32,
            ColumnBuilder::Int64(_) => PhysicalType::Int64,
            ColumnBuilder::UInt32(_) => PhysicalType::UInt32,
            ColumnBuilder::Float32(_) => PhysicalType::Float32,
            ColumnBuilder::Float64(_) => PhysicalType::Float64,
            ColumnBuilder::Fixed16(_) => PhysicalType::Fixed16,
            ColumnBuilder::Text(_) => PhysicalType::Text,
            ColumnBuilder::Bytes(_) => PhysicalType::Bytes,
        };
        Error::internal(format!("a column of {column:?} was given {:?}", value.physical_type()))
    }
}

/// A column of the values, in order.
pub fn from_values<'a>(
    physical: PhysicalType,
    values: impl ExactSizeIterator<Item = &'a Value>,
) -> Result<ArrayRef> {
    let mut builder = ColumnBuilder::new(physical, values.len());
    for value in values {
        builder.append(value)?;
    }
    Ok(builder.finish())
}

/// A column of one value, `rows` times.
pub fn repeat(physical: PhysicalType, value: &Value, rows: usize) -> Result<ArrayRef> {
    if value.is_null() {
        return Ok(new_null_array(&physical.arrow(), rows));
    }
    let mut builder = ColumnBuilder::new(physical, rows);
    for _ in 0..rows {
        builder.append(value)?;
    }
    Ok(builder.finish())
}

/// The value at `row`; the row must lie within the column.
pub fn value_at(column: &dyn Array, row: usize) -> Result<Value> {
    if row >= column.len() {
        return Err(Error::internal(format!("row {row} of a column of {}", column.len())));
    }
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match column.data_type() {
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Int16 => Value::Int16(column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => Value::Int32(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Value::Int64(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt32 => Value::UInt32(column.as_primitive::<UInt32Type>().value(row)),
        DataType::Float32 => Value::Float32(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Value::Float64(column.as_primitive::<Float64Type>().value(row)),
        DataType::FixedSizeBinary(16) => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(column.as_fixed_size_binary().value(row));
            Value::Fixed16(bytes)
        }
        DataType::Utf8 => Value::from(column.as_string::<i32>().value(row)),
        DataType::Binary => Value::Bytes(Arc::from(column.as_binary::<i32>().value(row))),
        other => return Err(Error::internal(format!("a column of Arrow type {other}"))),
    })
}

/// One row of a batch's columns.
pub fn row_at(columns: &[ArrayRef], row: usize) -> Result<Vec<Value>> {
    columns.iter().map(|column| value_at(column.as_ref(), row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_physical_type_survives_the_way_into_a_column_and_back() {
        let values = [
            Value::Bool(true),
            Value::Int16(-1),
            Value::Int32(i32::MIN),
            Value::Int64(i64::MAX),
            Value::UInt32(u32::MAX),
            Value::Float32(1.5),
            Value::Float64(-0.0),
            Value::Fixed16([7; 16]),
            Value::from("Grüße"),
            Value::from(vec![0, 255]),
        ];
        for value in values {
            let physical = value.physical_type().expect("not null");
            let column = from_values(physical, [value.clone(), Value::Null].iter()).expect("fits");
            assert_eq!(column.data_type(), &physical.arrow());
            assert_eq!(value_at(column.as_ref(), 0).expect("within"), value);
            assert_eq!(value_at(column.as_ref(), 1).expect("within"), Value::Null);
            assert_eq!(value_at(column.as_ref(), 2).expect_err("outside").state().code(), "XX000");
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let mut builder = ColumnBuilder::new(PhysicalType::Int32, 1);
        assert_eq!(builder.append(&Value::Int64(1)).expect_err("another type").state().code(), "XX000");
    }
}
