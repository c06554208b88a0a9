//! Bytes of log records: little-endian numbers, counted slices, values.

use crate::{Error, PhysicalType, Value};

/// Appends to a record.
#[derive(Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Seven bits a byte, the lowest first; the eighth says that there is more.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A length (4 bytes) and the bytes.
    pub fn slice(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.bytes.extend_from_slice(bytes);
    }

    /// A value: type tag (0 for NULL), then its bytes.
    pub fn value(&mut self, value: &Value) {
        self.u8(value.physical_type().map_or(0, |physical| physical as u8));
        match value {
            Value::Null => {}
            Value::Bool(value) => self.u8(u8::from(*value)),
            Value::Int16(value) => self.bytes.extend_from_slice(&value.to_le_bytes()),
            Value::Int32(value) => self.bytes.extend_from_slice(&value.to_le_bytes()),
            Value::Int64(value) => self.bytes.extend_from_slice(&value.to_le_bytes()),
            Value::UInt32(value) => self.u32(*value),
            Value::Float32(value) => self.bytes.extend_from_slice(&value.to_le_bytes()),
            Value::Float64(value) => self.bytes.extend_from_slice(&value.to_le_bytes()),
            Value::Fixed16(value) => self.bytes.extend_from_slice(value),
            Value::Text(text) => self.slice(text.as_bytes()),
            Value::Bytes(bytes) => self.slice(bytes),
        }
    }
}

/// Reads a record; whatever does not fit is an error, never a panic.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, length: bytes.len() }
    }

    pub fn damaged(&self, reason: &str) -> Error {
        Error::Corrupted(format!("a log record, at byte {}: {reason}", self.length - self.rest.len()))
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.damaged("it ends too early")),
        }
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number of more than 64 bits"))
    }

    /// A number of things of at least one byte each: never more than what is left.
    pub fn count(&mut self) -> Result<usize, Error> {
        let count = self.u32()? as usize;
        if count > self.rest.len() {
            return Err(self.damaged("it counts more than it holds"));
        }
        Ok(count)
    }

    pub fn slice(&mut self) -> Result<&'a [u8], Error> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    pub fn physical(&mut self) -> Result<PhysicalType, Error> {
        let tag = self.u8()?;
        PhysicalType::from_tag(tag).ok_or_else(|| self.damaged("an unknown type"))
    }

    pub fn value(&mut self) -> Result<Value, Error> {
        let tag = self.u8()?;
        if tag == 0 {
            return Ok(Value::Null);
        }
        let physical = PhysicalType::from_tag(tag).ok_or_else(|| self.damaged("an unknown type"))?;
        Ok(match physical {
            PhysicalType::Bool => Value::Bool(self.u8()? != 0),
            PhysicalType::Int16 => Value::Int16(i16::from_le_bytes(self.array()?)),
            PhysicalType::Int32 => Value::Int32(i32::from_le_bytes(self.array()?)),
            PhysicalType::Int64 => Value::Int64(i64::from_le_bytes(self.array()?)),
            PhysicalType::UInt32 => Value::UInt32(self.u32()?),
            PhysicalType::Float32 => Value::Float32(f32::from_le_bytes(self.array()?)),
            PhysicalType::Float64 => Value::Float64(f64::from_le_bytes(self.array()?)),
            PhysicalType::Fixed16 => Value::Fixed16(self.array()?),
            PhysicalType::Text => match std::str::from_utf8(self.slice()?) {
                Ok(text) => Value::from(text),
                Err(_) => return Err(self.damaged("text that is not UTF-8")),
            },
            PhysicalType::Bytes => Value::from(self.slice()?.to_vec()),
        })
    }

    /// Bytes still to be read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged("it goes on behind its end")) }
    }
}
