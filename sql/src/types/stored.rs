//! Values inside values: how the elements of arrays and the columns of records are laid out.
//!
//! Fixed types are their little-endian bytes; text and bytes have a length of four bytes before them. A broken
//! layout is `XX001`, never a panic.

use std::sync::Arc;

use engine::{PhysicalType, Value};

use crate::error::{Error, Result, SqlState};

/// First byte of a stored array.
pub(super) const ARRAY: u8 = 1;
/// First byte of a stored record.
pub(super) const RECORD: u8 = 2;

/// First byte of a stored value of an enum.
pub(super) const ENUM: u8 = 3;

/// `XX001`.
pub(super) fn corrupted() -> Error {
    Error::new(SqlState::DataCorrupted, "a stored array or record is damaged")
}

/// Appends a value that is not NULL; NULL appends nothing.
pub(super) fn append(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Bool(value) => out.push(u8::from(*value)),
        Value::Int16(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Int32(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Int64(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::UInt32(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Float32(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Float64(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Fixed16(bytes) => out.extend_from_slice(bytes),
        Value::Text(text) => append_sized(text.as_bytes(), out),
        Value::Bytes(bytes) => append_sized(bytes, out),
    }
}

fn append_sized(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// A reader over a stored value.
pub(super) struct Source<'a> {
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Source<'a> {
        Source { rest: bytes }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        if self.rest.len() < length {
            return Err(corrupted());
        }
        let (head, tail) = self.rest.split_at(length);
        self.rest = tail;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.fixed::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.fixed()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.fixed()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.fixed()?))
    }

    fn sized(&mut self) -> Result<&'a [u8]> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    /// The next value of a physical type.
    pub(super) fn value(&mut self, physical: PhysicalType) -> Result<Value> {
        Ok(match physical {
            PhysicalType::Bool => Value::Bool(self.u8()? != 0),
            PhysicalType::Int16 => Value::Int16(i16::from_le_bytes(self.fixed()?)),
            PhysicalType::Int32 => Value::Int32(self.i32()?),
            PhysicalType::Int64 => Value::Int64(i64::from_le_bytes(self.fixed()?)),
            PhysicalType::UInt32 => Value::UInt32(self.u32()?),
            PhysicalType::Float32 => Value::Float32(f32::from_le_bytes(self.fixed()?)),
            PhysicalType::Float64 => Value::Float64(f64::from_le_bytes(self.fixed()?)),
            PhysicalType::Fixed16 => Value::Fixed16(self.fixed()?),
            PhysicalType::Text => {
                let text = std::str::from_utf8(self.sized()?).map_err(|_| corrupted())?;
                Value::from(text)
            }
            PhysicalType::Bytes => Value::Bytes(Arc::from(self.sized()?)),
        })
    }
}

/// One bit per value, set for NULL, lowest bit first.
pub(super) fn append_null_bits<'v>(values: impl Iterator<Item = &'v Value>, out: &mut Vec<u8>) {
    let mut byte = 0;
    let mut used = 0;
    for value in values {
        byte |= u8::from(value.is_null()) << used;
        used += 1;
        if used == 8 {
            out.push(byte);
            (byte, used) = (0, 0);
        }
    }
    if used > 0 {
        out.push(byte);
    }
}

/// Whether the value of a number is NULL.
pub(super) fn null_bit(bits: &[u8], number: usize) -> bool {
    bits.get(number / 8).is_some_and(|byte| byte >> (number % 8) & 1 == 1)
}
