//! One column of a chunk: growing while the chunk is open, an Arrow array once it is sealed.
//!
//! Sealing moves the vectors into Arrow buffers without copying them. NULL rows hold a zero or an empty string, so
//! positions always agree. The validity bitmap exists only where there is a NULL.

use super::bits::Bits;
use super::chunk::too_short;
use crate::scratch::{Pieces, Placed};
use crate::{Error, PhysicalType, Value};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array,
    Int32Array, Int64Array, StringArray, UInt32Array, make_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

/// The bytes a variable column of one chunk may hold: offsets are 32 bits wide.
const VARIABLE_BYTES_MAX: usize = i32::MAX as usize;

/// The values of a growing column.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Bool(Bits),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    UInt32(Vec<u32>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Fixed16(Vec<[u8; 16]>),
    /// Text and bytes; `ends` holds where each value ends.
    Variable {
        ends: Vec<i32>,
        bytes: Vec<u8>,
    },
}

/// A column that grows.
#[derive(Clone, Debug)]
pub(crate) struct ColumnBuilder {
    physical: PhysicalType,
    length: usize,
    /// Set bits are values, clear ones NULL; absent while there is no NULL.
    valid: Option<Bits>,
    values: Values,
}

impl ColumnBuilder {
    pub fn new(physical: PhysicalType) -> ColumnBuilder {
        let values = match physical {
            PhysicalType::Bool => Values::Bool(Bits::default()),
            PhysicalType::Int16 => Values::Int16(Vec::new()),
            PhysicalType::Int32 => Values::Int32(Vec::new()),
            PhysicalType::Int64 => Values::Int64(Vec::new()),
            PhysicalType::UInt32 => Values::UInt32(Vec::new()),
            PhysicalType::Float32 => Values::Float32(Vec::new()),
            PhysicalType::Float64 => Values::Float64(Vec::new()),
            PhysicalType::Fixed16 => Values::Fixed16(Vec::new()),
            PhysicalType::Text | PhysicalType::Bytes => {
                Values::Variable { ends: Vec::new(), bytes: Vec::new() }
            }
        };
        ColumnBuilder { physical, length: 0, valid: None, values }
    }

    /// A column of values that exist already; NULL rows hold zeros.
    pub fn from_values(
        physical: PhysicalType,
        length: usize,
        valid: Option<Bits>,
        values: Values,
    ) -> ColumnBuilder {
        ColumnBuilder { physical, length, valid, values }
    }

    pub fn values(&self) -> &Values {
        &self.values
    }

    pub fn physical(&self) -> PhysicalType {
        self.physical
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Bytes of memory in use, near enough to bound a chunk by.
    pub fn bytes_used(&self) -> usize {
        match &self.values {
            Values::Bool(bits) => bits.bytes_used(),
            Values::Int16(values) => values.len() * 2,
            Values::Int32(values) => values.len() * 4,
            Values::Int64(values) => values.len() * 8,
            Values::UInt32(values) => values.len() * 4,
            Values::Float32(values) => values.len() * 4,
            Values::Float64(values) => values.len() * 8,
            Values::Fixed16(values) => values.len() * 16,
            Values::Variable { ends, bytes } => ends.len() * 4 + bytes.len(),
        }
    }

    fn note_validity(&mut self, valid: bool) {
        match (&mut self.valid, valid) {
            (Some(bits), valid) => bits.push(valid),
            (None, true) => {}
            (None, false) => {
                let mut bits = Bits::filled(self.length);
                bits.push(false);
                self.valid = Some(bits);
            }
        }
        self.length += 1;
    }

    pub fn push_null(&mut self) {
        match &mut self.values {
            Values::Bool(bits) => bits.push(false),
            Values::Int16(values) => values.push(0),
            Values::Int32(values) => values.push(0),
            Values::Int64(values) => values.push(0),
            Values::UInt32(values) => values.push(0),
            Values::Float32(values) => values.push(0.0),
            Values::Float64(values) => values.push(0.0),
            Values::Fixed16(values) => values.push([0; 16]),
            Values::Variable { ends, bytes } => ends.push(bytes.len() as i32),
        }
        self.note_validity(false);
    }

    /// Appends a value; says whether it had the column's type and fitted.
    pub fn push(&mut self, value: &Value) -> bool {
        match (&mut self.values, value) {
            (_, Value::Null) => {
                self.push_null();
                return true;
            }
            (Values::Bool(bits), Value::Bool(value)) => bits.push(*value),
            (Values::Int16(values), Value::Int16(value)) => values.push(*value),
            (Values::Int32(values), Value::Int32(value)) => values.push(*value),
            (Values::Int64(values), Value::Int64(value)) => values.push(*value),
            (Values::UInt32(values), Value::UInt32(value)) => values.push(*value),
            (Values::Float32(values), Value::Float32(value)) => values.push(*value),
            (Values::Float64(values), Value::Float64(value)) => values.push(*value),
            (Values::Fixed16(values), Value::Fixed16(value)) => values.push(*value),
            (Values::Variable { ends, bytes }, Value::Text(text)) if self.physical == PhysicalType::Text => {
                if bytes.len() + text.len() > VARIABLE_BYTES_MAX {
                    return false;
                }
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len() as i32);
            }
            (Values::Variable { ends, bytes }, Value::Bytes(value))
                if self.physical == PhysicalType::Bytes =>
            {
                if bytes.len() + value.len() > VARIABLE_BYTES_MAX {
                    return false;
                }
                bytes.extend_from_slice(value);
                ends.push(bytes.len() as i32);
            }
            _ => return false,
        }
        self.note_validity(true);
        true
    }

    /// Appends raw bytes to a text or bytes column. Text must be UTF-8; the caller copies it from a text column.
    pub fn push_variable(&mut self, value: &[u8]) -> bool {
        match &mut self.values {
            Values::Variable { ends, bytes } if bytes.len() + value.len() <= VARIABLE_BYTES_MAX => {
                bytes.extend_from_slice(value);
                ends.push(bytes.len() as i32);
                self.note_validity(true);
                true
            }
            _ => false,
        }
    }

    /// Appends row `row` of a column of the same type.
    pub fn push_from(&mut self, source: &Column, row: usize) -> bool {
        if source.is_null(row) {
            self.push_null();
            return true;
        }
        match self.physical {
            PhysicalType::Text | PhysicalType::Bytes => {
                source.bytes(row).is_some_and(|bytes| self.push_variable(bytes))
            }
            _ => self.push(&source.value(row)),
        }
    }

    pub fn is_null(&self, row: usize) -> bool {
        self.valid.as_ref().is_some_and(|valid| !valid.get(row))
    }

    fn variable(&self, row: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Variable { ends, bytes } => {
                let start = if row == 0 { 0 } else { *ends.get(row - 1)? as usize };
                bytes.get(start..*ends.get(row)? as usize)
            }
            _ => None,
        }
    }

    fn value(&self, row: usize) -> Option<Value> {
        Some(match &self.values {
            Values::Bool(bits) => Value::Bool(bits.get(row)),
            Values::Int16(values) => Value::Int16(*values.get(row)?),
            Values::Int32(values) => Value::Int32(*values.get(row)?),
            Values::Int64(values) => Value::Int64(*values.get(row)?),
            Values::UInt32(values) => Value::UInt32(*values.get(row)?),
            Values::Float32(values) => Value::Float32(*values.get(row)?),
            Values::Float64(values) => Value::Float64(*values.get(row)?),
            Values::Fixed16(values) => Value::Fixed16(*values.get(row)?),
            Values::Variable { .. } => variable_value(self.physical, self.variable(row)?),
        })
    }

    /// The values as an Arrow array, without copying.
    pub fn seal(mut self) -> Result<ArrayRef, Error> {
        self.shrink();
        let nulls = self.valid.map(|valid| NullBuffer::new(valid.into_buffer()));
        Ok(match self.values {
            Values::Bool(bits) => Arc::new(BooleanArray::new(bits.into_buffer(), nulls)),
            Values::Int16(values) => Arc::new(Int16Array::new(ScalarBuffer::from(values), nulls)),
            Values::Int32(values) => Arc::new(Int32Array::new(ScalarBuffer::from(values), nulls)),
            Values::Int64(values) => Arc::new(Int64Array::new(ScalarBuffer::from(values), nulls)),
            Values::UInt32(values) => Arc::new(UInt32Array::new(ScalarBuffer::from(values), nulls)),
            Values::Float32(values) => Arc::new(Float32Array::new(ScalarBuffer::from(values), nulls)),
            Values::Float64(values) => Arc::new(Float64Array::new(ScalarBuffer::from(values), nulls)),
            Values::Fixed16(values) => {
                let bytes = Buffer::from_vec(values.into_flattened());
                Arc::new(FixedSizeBinaryArray::try_new(16, bytes, nulls).map_err(damaged)?)
            }
            Values::Variable { ends, bytes } => {
                let mut offsets = Vec::with_capacity(ends.len() + 1);
                offsets.push(0);
                offsets.extend_from_slice(&ends);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let bytes = Buffer::from_vec(bytes);
                if self.physical == PhysicalType::Text {
                    Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(damaged)?)
                } else {
                    Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(damaged)?)
                }
            }
        })
    }

    /// Gives back the slack of the growing vectors: a sealed column stays as it is for long.
    fn shrink(&mut self) {
        match &mut self.values {
            Values::Bool(bits) => bits.shrink(),
            Values::Int16(values) => values.shrink_to_fit(),
            Values::Int32(values) => values.shrink_to_fit(),
            Values::Int64(values) => values.shrink_to_fit(),
            Values::UInt32(values) => values.shrink_to_fit(),
            Values::Float32(values) => values.shrink_to_fit(),
            Values::Float64(values) => values.shrink_to_fit(),
            Values::Fixed16(values) => values.shrink_to_fit(),
            Values::Variable { bytes, .. } => bytes.shrink_to_fit(),
        }
    }
}

fn damaged(error: arrow_schema::ArrowError) -> Error {
    Error::Corrupted(error.to_string())
}

fn variable_value(physical: PhysicalType, bytes: &[u8]) -> Value {
    if physical == PhysicalType::Text {
        Value::Text(Arc::from(String::from_utf8_lossy(bytes)))
    } else {
        Value::Bytes(Arc::from(bytes))
    }
}

/// A sealed column with its array's type known.
#[derive(Clone, Debug)]
pub(crate) enum SealedColumn {
    Bool(BooleanArray),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt32(UInt32Array),
    Float32(Float32Array),
    Float64(Float64Array),
    Fixed16(FixedSizeBinaryArray),
    Text(StringArray),
    Bytes(BinaryArray),
}

macro_rules! with_array {
    ($column:expr, $array:ident => $body:expr) => {
        match $column {
            SealedColumn::Bool($array) => $body,
            SealedColumn::Int16($array) => $body,
            SealedColumn::Int32($array) => $body,
            SealedColumn::Int64($array) => $body,
            SealedColumn::UInt32($array) => $body,
            SealedColumn::Float32($array) => $body,
            SealedColumn::Float64($array) => $body,
            SealedColumn::Fixed16($array) => $body,
            SealedColumn::Text($array) => $body,
            SealedColumn::Bytes($array) => $body,
        }
    };
}

impl SealedColumn {
    /// Knows the array of a column of type `physical`; an array of another type is damage.
    pub fn new(physical: PhysicalType, array: &ArrayRef) -> Result<SealedColumn, Error> {
        let any = array.as_any();
        let known = match physical {
            PhysicalType::Bool => any.downcast_ref().cloned().map(SealedColumn::Bool),
            PhysicalType::Int16 => any.downcast_ref().cloned().map(SealedColumn::Int16),
            PhysicalType::Int32 => any.downcast_ref().cloned().map(SealedColumn::Int32),
            PhysicalType::Int64 => any.downcast_ref().cloned().map(SealedColumn::Int64),
            PhysicalType::UInt32 => any.downcast_ref().cloned().map(SealedColumn::UInt32),
            PhysicalType::Float32 => any.downcast_ref().cloned().map(SealedColumn::Float32),
            PhysicalType::Float64 => any.downcast_ref().cloned().map(SealedColumn::Float64),
            PhysicalType::Fixed16 => any.downcast_ref().cloned().map(SealedColumn::Fixed16),
            PhysicalType::Text => any.downcast_ref().cloned().map(SealedColumn::Text),
            PhysicalType::Bytes => any.downcast_ref().cloned().map(SealedColumn::Bytes),
        };
        known.ok_or_else(|| Error::Corrupted(format!("a column of {physical:?} is {}", array.data_type())))
    }

    pub fn array(&self) -> ArrayRef {
        with_array!(self, array => Arc::new(array.clone()) as ArrayRef)
    }

    fn put(&self, pieces: &mut Pieces) {
        let data = self.array().to_data();
        data.buffers().iter().for_each(|buffer| pieces.bytes(buffer.as_slice()));
        data.nulls().iter().for_each(|nulls| pieces.bytes(nulls.validity()));
    }

    /// The same column as it stands on a shelf.
    fn taken(&self, physical: PhysicalType, placed: &mut Placed) -> Result<SealedColumn, Error> {
        let data = self.array().to_data();
        let mut buffer = |bytes: usize| placed.buffer(bytes).ok_or_else(too_short);
        let buffers = data.buffers().iter().map(|old| buffer(old.len())).collect::<Result<Vec<_>, _>>()?;
        let nulls = match data.nulls() {
            None => None,
            Some(nulls) => {
                let bits = buffer(nulls.validity().len())?;
                Some(NullBuffer::new(BooleanBuffer::new(bits, nulls.offset(), nulls.len())))
            }
        };
        let data = data.into_builder().buffers(buffers).nulls(nulls).build().map_err(damaged)?;
        SealedColumn::new(physical, &make_array(data))
    }

    fn is_null(&self, row: usize) -> bool {
        with_array!(self, array => array.is_null(row))
    }

    fn len(&self) -> usize {
        with_array!(self, array => array.len())
    }

    fn value(&self, row: usize) -> Value {
        match self {
            SealedColumn::Bool(array) => Value::Bool(array.value(row)),
            SealedColumn::Int16(array) => Value::Int16(array.value(row)),
            SealedColumn::Int32(array) => Value::Int32(array.value(row)),
            SealedColumn::Int64(array) => Value::Int64(array.value(row)),
            SealedColumn::UInt32(array) => Value::UInt32(array.value(row)),
            SealedColumn::Float32(array) => Value::Float32(array.value(row)),
            SealedColumn::Float64(array) => Value::Float64(array.value(row)),
            SealedColumn::Fixed16(array) => {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(array.value(row));
                Value::Fixed16(bytes)
            }
            SealedColumn::Text(array) => Value::Text(Arc::from(array.value(row))),
            SealedColumn::Bytes(array) => Value::Bytes(Arc::from(array.value(row))),
        }
    }
}

/// A column of a chunk.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Open(ColumnBuilder),
    Sealed(SealedColumn),
}

impl Column {
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Column::Open(builder) => builder.is_null(row),
            Column::Sealed(column) => column.is_null(row),
        }
    }

    /// The value of a row that exists.
    pub fn value(&self, row: usize) -> Value {
        if self.is_null(row) {
            return Value::Null;
        }
        match self {
            Column::Open(builder) => builder.value(row).unwrap_or_default(),
            Column::Sealed(column) => column.value(row),
        }
    }

    /// The bytes of a text, bytes or sixteen-byte value in place; `None` for NULL and for other types.
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        if self.is_null(row) {
            return None;
        }
        match self {
            Column::Open(builder) => match &builder.values {
                Values::Fixed16(values) => values.get(row).map(<[u8; 16]>::as_slice),
                _ => builder.variable(row),
            },
            Column::Sealed(SealedColumn::Text(array)) => Some(array.value(row).as_bytes()),
            Column::Sealed(SealedColumn::Bytes(array)) => Some(array.value(row)),
            Column::Sealed(SealedColumn::Fixed16(array)) => Some(array.value(row)),
            Column::Sealed(_) => None,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Column::Open(builder) => builder.len(),
            Column::Sealed(column) => column.len(),
        }
    }

    pub fn has_nulls(&self) -> bool {
        match self {
            Column::Open(builder) => builder.valid.is_some(),
            Column::Sealed(column) => with_array!(column, array => array.null_count() > 0),
        }
    }

    /// Appends what a sealed column holds to what goes on a shelf.
    pub fn put(&self, pieces: &mut Pieces) {
        if let Column::Sealed(column) = self {
            column.put(pieces);
        }
    }

    /// Has a sealed column, which was put on a shelf, stand there.
    pub fn take(&mut self, physical: PhysicalType, placed: &mut Placed) -> Result<(), Error> {
        if let Column::Sealed(column) = self {
            *column = column.taken(physical, placed)?;
        }
        Ok(())
    }

    /// Turns a growing column into an array, in place.
    pub fn seal(&mut self) -> Result<(), Error> {
        if let Column::Open(builder) = self {
            let physical = builder.physical();
            let builder = std::mem::replace(builder, ColumnBuilder::new(physical));
            *self = Column::Sealed(SealedColumn::new(physical, &builder.seal()?)?);
        }
        Ok(())
    }
}
