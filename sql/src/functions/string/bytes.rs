//! bytea: length, concatenation, single bytes and bits.

use super::basic::int4;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// `position` as an index below `limit`, or PostgreSQL's error.
fn checked_index(position: i64, limit: usize) -> Result<usize> {
    usize::try_from(position).ok().filter(|&index| index < limit).ok_or_else(|| {
        Error::new(
            SqlState::ArraySubscriptError,
            format!("index {position} out of valid range, 0..{}", limit as i64 - 1),
        )
    })
}

fn get_byte(bytes: &[u8], position: i32) -> Result<i32> {
    let index = checked_index(position.into(), bytes.len())?;
    Ok(bytes.get(index).copied().map_or(0, i32::from))
}

fn set_byte(bytes: &[u8], position: i32, byte: i32) -> Result<Vec<u8>> {
    let index = checked_index(position.into(), bytes.len())?;
    let mut copy = bytes.to_vec();
    if let Some(place) = copy.get_mut(index) {
        *place = byte as u8;
    }
    Ok(copy)
}

fn get_bit(bytes: &[u8], position: i64) -> Result<i32> {
    let index = checked_index(position, bytes.len() * 8)?;
    Ok(bytes.get(index / 8).map_or(0, |byte| i32::from(byte >> (index % 8) & 1)))
}

fn set_bit(bytes: &[u8], position: i64, bit: i32) -> Result<Vec<u8>> {
    let index = checked_index(position, bytes.len() * 8)?;
    if bit != 0 && bit != 1 {
        return Err(Error::new(SqlState::InvalidParameterValue, "new bit must be 0 or 1"));
    }
    let mut copy = bytes.to_vec();
    if let Some(place) = copy.get_mut(index / 8) {
        let mask = 1 << (index % 8);
        *place = if bit == 1 { *place | mask } else { *place & !mask };
    }
    Ok(copy)
}

fn bit_count(bytes: &[u8]) -> i64 {
    bytes.iter().map(|byte| i64::from(byte.count_ones())).sum()
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // octet_length(bytea)
    (720, scalar!(|bytes: &[u8]| int4(bytes.len()))),
    // length(bytea)
    (2010, scalar!(|bytes: &[u8]| int4(bytes.len()))),
    // bit_length(bytea)
    (1810, scalar!(|bytes: &[u8]| int4(bytes.len().saturating_mul(8)))),
    // byteacat(bytea,bytea)
    (2011, scalar!(|a: &[u8], b: &[u8]| [a, b].concat())),
    // get_byte(bytea,int4)
    (721, scalar!(get_byte, &[u8], i32)),
    // set_byte(bytea,int4,int4)
    (722, scalar!(set_byte, &[u8], i32, i32)),
    // get_bit(bytea,int8)
    (723, scalar!(get_bit, &[u8], i64)),
    // set_bit(bytea,int8,int4)
    (724, scalar!(set_bit, &[u8], i64, i32)),
    // bit_count(bytea)
    (6163, scalar!(bit_count, &[u8])),
];
