//! Comparison keys: bytes whose memcmp order is PostgreSQL's order of the values, equal exactly where SQL says equal.
//!
//! Keys are prefix-safe: no key of a type is the beginning of another key of that type, so keys may be put behind
//! each other and the whole still compares as the row does. Fixed types are big-endian with the sign bit turned;
//! text and bytes are escaped (00 becomes 00 FF) and end with 00 00; a descending key is the ascending one with every
//! bit inverted. A type that PostgreSQL cannot order (json) has no key and is refused by name.

mod composite;
mod jsonb;
mod number;

use std::cmp::Ordering;

use engine::Value;

use crate::error::{Error, Result};

use super::dispatch::misplaced;
use super::embedding::Element;
use super::embedding::sparse::Sparse;
use super::numeric::Numeric;
use super::{character, embedding, interval, oid};

/// Marks a value that is not NULL.
const PRESENT: u8 = 1;
/// Marks NULL where NULLs come first.
const NULL_FIRST: u8 = 0;
/// Marks NULL where NULLs come last.
const NULL_LAST: u8 = 2;

/// Whether Arrow's own equality and order on the physical type are PostgreSQL's, so that no key is needed.
pub fn native_is_key(type_oid: u32) -> bool {
    matches!(
        type_oid,
        oid::BOOL
            | oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::OID
            | oid::DATE
            | oid::TIME
            | oid::TIMESTAMP
            | oid::TIMESTAMPTZ
            | oid::MONEY
            | oid::UUID
            | oid::TEXT
            | oid::VARCHAR
            | oid::NAME
            | oid::UNKNOWN
            | oid::BYTEA
            | oid::TID
            | oid::XID
            | oid::CID
    ) || super::identifier::kind_of(type_oid).is_some()
}

/// Appends the key of a value that is not NULL.
pub fn append(type_oid: u32, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match (type_oid, value) {
        (oid::JSON, _) => {
            return Err(Error::new(
                crate::error::SqlState::UndefinedFunction,
                "could not identify an ordering operator for type json",
            ));
        }
        (oid::XID8 | oid::PG_LSN, Value::Int64(number)) => {
            out.extend_from_slice(&(*number as u64).to_be_bytes())
        }
        (_, Value::Bool(value)) => out.push(u8::from(*value)),
        (_, Value::Int16(number)) => out.extend_from_slice(&(*number as u16 ^ 1 << 15).to_be_bytes()),
        (_, Value::Int32(number)) => out.extend_from_slice(&(*number as u32 ^ 1 << 31).to_be_bytes()),
        (_, Value::Int64(number)) => out.extend_from_slice(&(*number as u64 ^ 1 << 63).to_be_bytes()),
        (_, Value::UInt32(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (_, Value::Float32(number)) => number::append_float(f64::from(*number), out),
        (_, Value::Float64(number)) => number::append_float(*number, out),
        (oid::INTERVAL, Value::Fixed16(bytes)) => {
            let span = interval::Interval::from_bytes(bytes).span();
            out.extend_from_slice(&(span as u128 ^ 1 << 127).to_be_bytes());
        }
        (oid::TIMETZ, Value::Fixed16(bytes)) => append_timetz(bytes, out),
        (_, Value::Fixed16(bytes)) => out.extend_from_slice(bytes),
        (oid::BPCHAR, Value::Text(text)) => append_escaped(character::without_padding(text).as_bytes(), out),
        (oid::CHAR, Value::Text(text)) => out.push(character::char_to_byte(text)),
        (oid::JSONB, Value::Text(text)) => jsonb::append(text, out)?,
        (_, Value::Text(text)) => append_escaped(text.as_bytes(), out),
        (oid::NUMERIC, Value::Bytes(bytes)) => number::append_numeric(&Numeric::from_bytes(bytes)?, out),
        (oid::TID, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (oid::BYTEA, Value::Bytes(bytes)) => append_escaped(bytes, out),
        (oid::BIT | oid::VARBIT, Value::Bytes(bytes)) => composite::append_bits(bytes, out)?,
        (oid::VECTOR, Value::Bytes(bytes)) => embedding::append_key(Element::Single, bytes, out),
        (oid::HALFVEC, Value::Bytes(bytes)) => embedding::append_key(Element::Half, bytes, out),
        (oid::SPARSEVEC, Value::Bytes(bytes)) => Sparse::from_bytes(bytes)?.append_key(out),
        (oid::OIDVECTOR, Value::Bytes(bytes)) => composite::append_oidvector(bytes, out)?,
        (_, Value::Bytes(bytes)) => composite::append(bytes, out)?,
        (_, Value::Null) => return Err(misplaced(type_oid, value)),
    }
    Ok(())
}

/// Appends a marker and the key of a value that may be NULL, for one direction of one column of an order.
pub fn append_with_order(
    type_oid: u32,
    value: &Value,
    descending: bool,
    nulls_first: bool,
    out: &mut Vec<u8>,
) -> Result<()> {
    if value.is_null() {
        out.push(if nulls_first { NULL_FIRST } else { NULL_LAST });
        return Ok(());
    }
    out.push(PRESENT);
    let start = out.len();
    append(type_oid, value, out)?;
    if descending {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
    Ok(())
}

/// The order of two values of a type. NULL is equal to NULL and greater than everything else.
///
/// Values that have no key (of a wrong physical type, or json) count as equal; analysis never asks for them.
pub fn compare(type_oid: u32, left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int16(left), Value::Int16(right)) => left.cmp(right),
        (Value::Int32(left), Value::Int32(right)) => left.cmp(right),
        (Value::UInt32(left), Value::UInt32(right)) => left.cmp(right),
        (Value::Int64(left), Value::Int64(right)) if !matches!(type_oid, oid::XID8 | oid::PG_LSN) => {
            left.cmp(right)
        }
        (Value::Float64(left), Value::Float64(right)) => compare_float(*left, *right),
        (Value::Float32(left), Value::Float32(right)) => compare_float(f64::from(*left), f64::from(*right)),
        (Value::Text(left), Value::Text(right))
            if !matches!(type_oid, oid::BPCHAR | oid::JSONB | oid::CHAR) =>
        {
            left.as_bytes().cmp(right.as_bytes())
        }
        (Value::Text(left), Value::Text(right)) if type_oid == oid::BPCHAR => {
            character::without_padding(left).cmp(character::without_padding(right))
        }
        (Value::Bytes(left), Value::Bytes(right)) if type_oid == oid::NUMERIC => {
            match (Numeric::from_bytes(left), Numeric::from_bytes(right)) {
                (Ok(left), Ok(right)) => left.compare(&right),
                _ => Ordering::Equal,
            }
        }
        (Value::Bytes(left), Value::Bytes(right)) if type_oid == oid::VECTOR => {
            embedding::compare(Element::Single, left, right)
        }
        (Value::Bytes(left), Value::Bytes(right)) if type_oid == oid::HALFVEC => {
            embedding::compare(Element::Half, left, right)
        }
        _ => {
            let (mut left_key, mut right_key) = (Vec::new(), Vec::new());
            match (append(type_oid, left, &mut left_key), append(type_oid, right, &mut right_key)) {
                (Ok(()), Ok(())) => left_key.cmp(&right_key),
                _ => Ordering::Equal,
            }
        }
    }
}

/// The order of floats: NaN equals itself and is the greatest, the zeros are equal.
pub fn compare_float(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// Bytes with 00 escaped, and their end.
fn append_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == 0) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[0, 0xff]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0]);
}

/// First by the moment, then by the zone, the easternmost last as PostgreSQL has it.
fn append_timetz(bytes: &[u8; 16], out: &mut Vec<u8>) {
    let (micros, west) = super::datetime::timetz_parts(bytes);
    let moment = micros + i64::from(west) * 1_000_000;
    out.extend_from_slice(&(moment as u64 ^ 1 << 63).to_be_bytes());
    out.extend_from_slice(&(west as u32 ^ 1 << 31).to_be_bytes());
}
