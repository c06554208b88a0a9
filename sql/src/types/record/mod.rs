//! Records (rows): columns of any type, with their types.
//!
//! Stored form: a mark, a zero byte, the number of columns in two bytes; the type oid of every column; the NULL bits;
//! the columns that are not NULL. All numbers are little-endian.

mod text;

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::array::binary::{append_sized, read_sized};
use super::binary::Reader;
use super::dispatch::physical;
use super::stored::{self, Source, corrupted};

/// A row: the type and the value of every column.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Record {
    pub columns: Vec<(u32, Value)>,
}

impl Record {
    pub fn new(columns: Vec<(u32, Value)>) -> Record {
        Record { columns }
    }

    /// Reads a stored value.
    pub fn from_value(value: &Value) -> Result<Record> {
        match value {
            Value::Bytes(bytes) => Record::from_bytes(bytes),
            _ => Err(Error::internal(format!("a record cannot be {:?}", value.physical_type()))),
        }
    }

    /// Whether bytes of a user-made type are a record; otherwise they are an array.
    pub fn is_record(bytes: &[u8]) -> bool {
        bytes.first() == Some(&stored::RECORD)
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Record> {
        let mut source = Source::new(bytes);
        if source.u8()? != stored::RECORD {
            return Err(corrupted());
        }
        source.u8()?;
        let count = usize::from(source.u16()?);
        let mut types = Vec::with_capacity(count);
        for _ in 0..count {
            types.push(source.u32()?);
        }
        let bits = source.take(count.div_ceil(8))?;
        let mut columns = Vec::with_capacity(count);
        for (number, type_oid) in types.into_iter().enumerate() {
            let null = stored::null_bit(bits, number);
            columns.push((type_oid, if null { Value::Null } else { source.value(physical(type_oid))? }));
        }
        Ok(Record { columns })
    }

    /// The stored value.
    pub fn to_value(&self) -> Value {
        let mut out = vec![stored::RECORD, 0];
        out.extend_from_slice(&(self.columns.len() as u16).to_le_bytes());
        for (type_oid, _) in &self.columns {
            out.extend_from_slice(&type_oid.to_le_bytes());
        }
        stored::append_null_bits(self.columns.iter().map(|(_, value)| value), &mut out);
        for (_, value) in &self.columns {
            stored::append(value, &mut out);
        }
        Value::from(out)
    }

    /// Appends the binary form.
    pub fn send(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&(self.columns.len() as u32).to_be_bytes());
        for (type_oid, value) in &self.columns {
            out.extend_from_slice(&type_oid.to_be_bytes());
            append_sized(*type_oid, value, out)?;
        }
        Ok(())
    }

    /// Reads the binary form.
    pub fn receive(reader: &mut Reader<'_>) -> Result<Record> {
        let count = reader.i32()?;
        let count = usize::try_from(count).ok().filter(|count| *count <= 1664).ok_or_else(|| {
            Error::new(SqlState::DatatypeMismatch, format!("wrong number of columns: {count}"))
        })?;
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            let type_oid = reader.u32()?;
            columns.push((type_oid, read_sized(type_oid, -1, reader)?));
        }
        Ok(Record { columns })
    }
}
