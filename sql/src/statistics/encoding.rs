//! The stored form of a column's statistics.
//!
//! Format, all numbers little-endian: version (1 byte, 1), type (4), part of NULLs (4, float), width (4), distinct values
//! (4, float), correlation (1 byte whether there is one, 4); the number of common values (4), each a value and its part
//! (4, float); the number of bounds (4), each a value. A value: its kind (1 byte: 0 bool, 1 int2, 2 int4, 3 int8, 4
//! unsigned, 5 and 6 floats, 7 sixteen bytes, 8 text, 9 bytes), then its bytes, before the last two their number (4).
//! Anything else is no statistics: such a column counts as never analyzed.

use engine::Value;

use super::column::{ColumnStatistics, Known};

const VERSION: u8 = 1;

pub(super) fn encode(statistics: &ColumnStatistics) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&statistics.type_oid.to_le_bytes());
    out.extend_from_slice(&statistics.null_fraction.to_le_bytes());
    out.extend_from_slice(&statistics.width.to_le_bytes());
    out.extend_from_slice(&statistics.distinct.to_le_bytes());
    out.push(u8::from(statistics.correlation.is_some()));
    out.extend_from_slice(&statistics.correlation.unwrap_or(0.0).to_le_bytes());
    out.extend_from_slice(&(statistics.common.len() as u32).to_le_bytes());
    for (known, part) in &statistics.common {
        put(&known.value, &mut out);
        out.extend_from_slice(&part.to_le_bytes());
    }
    out.extend_from_slice(&(statistics.bounds.len() as u32).to_le_bytes());
    statistics.bounds.iter().for_each(|known| put(&known.value, &mut out));
    out
}

fn put(value: &Value, out: &mut Vec<u8>) {
    let mut fixed = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(bytes);
    };
    match value {
        // No value is NULL: those are counted.
        Value::Null => fixed(u8::MAX, &[]),
        Value::Bool(value) => fixed(0, &[u8::from(*value)]),
        Value::Int16(number) => fixed(1, &number.to_le_bytes()),
        Value::Int32(number) => fixed(2, &number.to_le_bytes()),
        Value::Int64(number) => fixed(3, &number.to_le_bytes()),
        Value::UInt32(number) => fixed(4, &number.to_le_bytes()),
        Value::Float32(number) => fixed(5, &number.to_le_bytes()),
        Value::Float64(number) => fixed(6, &number.to_le_bytes()),
        Value::Fixed16(bytes) => fixed(7, bytes),
        Value::Text(text) => {
            fixed(8, &(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            fixed(9, &(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
    }
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Option<ColumnStatistics> {
    let mut reader = Reader(bytes);
    if reader.array::<1>()? != [VERSION] {
        return None;
    }
    let type_oid = u32::from_le_bytes(reader.array()?);
    let null_fraction = f32::from_le_bytes(reader.array()?);
    let width = i32::from_le_bytes(reader.array()?);
    let distinct = f32::from_le_bytes(reader.array()?);
    let has_correlation = reader.array::<1>()? == [1];
    let correlation = f32::from_le_bytes(reader.array()?);
    let mut common = Vec::new();
    for _ in 0..u32::from_le_bytes(reader.array()?) {
        let known = Known::new(type_oid, reader.value()?)?;
        common.push((known, f32::from_le_bytes(reader.array()?)));
    }
    let mut bounds = Vec::new();
    for _ in 0..u32::from_le_bytes(reader.array()?) {
        bounds.push(Known::new(type_oid, reader.value()?)?);
    }
    let correlation = has_correlation.then_some(correlation);
    reader.0.is_empty().then_some(ColumnStatistics {
        type_oid,
        null_fraction,
        width,
        distinct,
        common,
        bounds,
        correlation,
    })
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn array<const BYTES: usize>(&mut self) -> Option<[u8; BYTES]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn long(&mut self) -> Option<&'b [u8]> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn value(&mut self) -> Option<Value> {
        let [kind] = self.array()?;
        Some(match kind {
            0 => Value::Bool(self.array()? == [1]),
            1 => Value::Int16(i16::from_le_bytes(self.array()?)),
            2 => Value::Int32(i32::from_le_bytes(self.array()?)),
            3 => Value::Int64(i64::from_le_bytes(self.array()?)),
            4 => Value::UInt32(u32::from_le_bytes(self.array()?)),
            5 => Value::Float32(f32::from_le_bytes(self.array()?)),
            6 => Value::Float64(f64::from_le_bytes(self.array()?)),
            7 => Value::Fixed16(self.array()?),
            8 => Value::from(std::str::from_utf8(self.long()?).ok()?),
            9 => Value::from(self.long()?.to_vec()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    #[test]
    fn statistics_are_read_as_they_were_written_and_damage_is_none() {
        let known = |text: &str| Known::new(oid::TEXT, Value::from(text)).expect("a key");
        let statistics = ColumnStatistics {
            type_oid: oid::TEXT,
            null_fraction: 0.25,
            width: 7,
            distinct: -0.5,
            common: vec![(known("one"), 0.5), (known(""), 0.125)],
            bounds: vec![known("a"), known("b")],
            correlation: Some(-0.5),
        };
        let bytes = encode(&statistics);
        assert_eq!(decode(&bytes), Some(statistics));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length} bytes of {}", bytes.len());
        }
    }
}
