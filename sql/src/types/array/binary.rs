//! The binary form of arrays.

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::super::binary::Reader;
use super::super::settings::NoNames;
use super::super::{format_type, receive, send};
use super::{Array, Dimension, MAXIMUM_DIMENSIONS, element_count, too_many_dimensions};

impl Array {
    /// Appends the binary form.
    pub fn send(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&(self.dimensions.len() as u32).to_be_bytes());
        out.extend_from_slice(&u32::from(self.has_nulls()).to_be_bytes());
        out.extend_from_slice(&self.element.to_be_bytes());
        for dimension in &self.dimensions {
            out.extend_from_slice(&dimension.length.to_be_bytes());
            out.extend_from_slice(&dimension.lower.to_be_bytes());
        }
        for element in &self.elements {
            append_sized(self.element, element, out)?;
        }
        Ok(())
    }

    /// Reads the binary form; `element` is the type expected, zero where any will do.
    pub fn receive(element: u32, typmod: i32, reader: &mut Reader<'_>) -> Result<Array> {
        let count = reader.i32()?;
        let invalid = |message: String| Error::new(SqlState::InvalidBinaryRepresentation, message);
        let count =
            usize::try_from(count).map_err(|_| invalid(format!("invalid number of dimensions: {count}")))?;
        if count > MAXIMUM_DIMENSIONS {
            return Err(too_many_dimensions(count));
        }
        if !matches!(reader.i32()?, 0 | 1) {
            return Err(invalid("invalid array flags".to_string()));
        }
        let found = reader.u32()?;
        if element != 0 && found != element {
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "binary data has array element type {found} ({}) instead of expected {element} ({})",
                    format_type(found, -1, &NoNames),
                    format_type(element, -1, &NoNames)
                ),
            ));
        }
        let mut dimensions = Vec::with_capacity(count);
        for _ in 0..count {
            dimensions.push(Dimension { length: reader.i32()?, lower: reader.i32()? });
        }
        let total = element_count(&dimensions)?;
        if total == 0 {
            return Ok(Array::empty(found));
        }
        let mut elements = Vec::new();
        for _ in 0..total {
            elements.push(read_sized(found, typmod, reader)?);
        }
        Ok(Array { element: found, dimensions, elements })
    }
}

/// Appends a value with its length before it; -1 for NULL.
pub(in super::super) fn append_sized(type_oid: u32, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let at = out.len();
    out.extend_from_slice(&(-1i32).to_be_bytes());
    if !value.is_null() {
        send(type_oid, value, out)?;
        let length = (out.len() - at - 4) as i32;
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Reads a value with its length before it.
pub(in super::super) fn read_sized(type_oid: u32, typmod: i32, reader: &mut Reader<'_>) -> Result<Value> {
    let length = reader.i32()?;
    if length == -1 {
        return Ok(Value::Null);
    }
    let length = usize::try_from(length).map_err(|_| {
        Error::new(SqlState::InvalidBinaryRepresentation, "insufficient data left in message")
    })?;
    receive(type_oid, typmod, reader.take(length)?)
}
