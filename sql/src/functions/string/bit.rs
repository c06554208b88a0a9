//! bit and bit varying: length, bits, logic, shifts, parts, casts.

use super::basic::int4;
use super::part::window;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::arithmetic::integer::out_of_range;
use crate::functions::registry::Scalars;
use crate::types::bit::{parts, stored};

/// The bits, one a place.
fn bits(value: &[u8]) -> Result<Vec<bool>> {
    let (length, bytes) = parts(value)?;
    Ok((0..length).map(|at| bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)).collect())
}

fn from_bits(bits: &[bool]) -> Vec<u8> {
    let mut bytes = vec![0u8; bits.len().div_ceil(8)];
    for (at, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
        if let Some(byte) = bytes.get_mut(at / 8) {
            *byte |= 0x80 >> (at % 8);
        }
    }
    stored(bits.len(), &bytes)
}

fn combine(a: &[u8], b: &[u8], name: &str, f: impl Fn(bool, bool) -> bool) -> Result<Vec<u8>> {
    let (a, b) = (bits(a)?, bits(b)?);
    if a.len() != b.len() {
        return Err(Error::new(
            SqlState::StringDataLengthMismatch,
            format!("cannot {name} bit strings of different sizes"),
        ));
    }
    Ok(from_bits(&a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect::<Vec<bool>>()))
}

/// To the left where positive; the length stays, zeros come in.
fn shift(value: &[u8], places: i64) -> Result<Vec<u8>> {
    let bits = bits(value)?;
    let shifted: Vec<bool> = (0..bits.len() as i64)
        .map(|at| usize::try_from(at + places).ok().and_then(|from| bits.get(from).copied()).unwrap_or(false))
        .collect();
    Ok(from_bits(&shifted))
}

fn concatenate(a: &[u8], b: &[u8]) -> Result<Vec<u8>> {
    let mut joined = bits(a)?;
    joined.extend(bits(b)?);
    Ok(from_bits(&joined))
}

fn substring(value: &[u8], start: i32, length: Option<i32>) -> Result<Vec<u8>> {
    let bits = bits(value)?;
    let window = window(start, length)?;
    let end = window.end.min(bits.len());
    Ok(from_bits(bits.get(window.start.min(end)..end).unwrap_or_default()))
}

fn overlay(value: &[u8], new: &[u8], start: i32, length: i32) -> Result<Vec<u8>> {
    if start <= 0 {
        return Err(Error::new(SqlState::SubstringError, "negative substring length not allowed"));
    }
    let after = start.checked_add(length).ok_or_else(out_of_range::<i32>)?;
    let head = concatenate(&substring(value, 1, Some(start - 1))?, new)?;
    concatenate(&head, &substring(value, after, None)?)
}

fn overlay_all(value: &[u8], new: &[u8], start: i32) -> Result<Vec<u8>> {
    overlay(value, new, start, int4(parts(new)?.0))
}

fn position(value: &[u8], part: &[u8]) -> Result<i32> {
    let (value, part) = (bits(value)?, bits(part)?);
    if part.is_empty() {
        return Ok(if value.is_empty() { 0 } else { 1 });
    }
    Ok(value.windows(part.len()).position(|window| window == part).map_or(0, |at| int4(at + 1)))
}

fn checked(at: i32, length: usize) -> Result<usize> {
    usize::try_from(at).ok().filter(|&at| at < length).ok_or_else(|| {
        Error::new(
            SqlState::ArraySubscriptError,
            format!("bit index {at} out of valid range (0..{})", length as i64 - 1),
        )
    })
}

fn get(value: &[u8], at: i32) -> Result<i32> {
    let bits = bits(value)?;
    let at = checked(at, bits.len())?;
    Ok(i32::from(bits.get(at).copied().unwrap_or(false)))
}

fn set(value: &[u8], at: i32, bit: i32) -> Result<Vec<u8>> {
    let mut bits = bits(value)?;
    let at = checked(at, bits.len())?;
    if bit != 0 && bit != 1 {
        return Err(Error::new(SqlState::InvalidParameterValue, "new bit must be 0 or 1"));
    }
    if let Some(place) = bits.get_mut(at) {
        *place = bit == 1;
    }
    Ok(from_bits(&bits))
}

/// The lowest bits of an integer; a length without a typmod is one bit.
fn from_integer(value: i64, width: usize, length: i32) -> Vec<u8> {
    let length = usize::try_from(length).ok().filter(|&length| length > 0).unwrap_or(1);
    let bits: Vec<bool> = (0..length)
        .rev()
        // Beyond its own width an integer repeats its sign.
        .map(|place| value >> place.min(width - 1) & 1 == 1)
        .collect();
    from_bits(&bits)
}

fn to_integer(value: &[u8], width: usize, name: fn() -> Error) -> Result<i64> {
    let bits = bits(value)?;
    if bits.len() > width {
        return Err(name());
    }
    let number = bits.iter().fold(0u64, |number, &bit| number << 1 | u64::from(bit));
    Ok(number as i64)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // length(bit)
    (1681, scalar!(|value: &[u8]| int4(parts(value)?.0))),
    // octet_length(bit)
    (1682, scalar!(|value: &[u8]| int4(parts(value)?.0.div_ceil(8)))),
    // bit_count(bit)
    (6162, scalar!(|value: &[u8]| bits(value)?.iter().filter(|bit| **bit).count() as i64)),
    // bitand(bit,bit)
    (1673, scalar!(|a: &[u8], b: &[u8]| combine(a, b, "AND", |a, b| a & b))),
    // bitor(bit,bit)
    (1674, scalar!(|a: &[u8], b: &[u8]| combine(a, b, "OR", |a, b| a | b))),
    // bitxor(bit,bit)
    (1675, scalar!(|a: &[u8], b: &[u8]| combine(a, b, "XOR", |a, b| a ^ b))),
    // bitnot(bit)
    (1676, scalar!(|value: &[u8]| from_bits(&bits(value)?.iter().map(|bit| !bit).collect::<Vec<bool>>()))),
    // bitshiftleft(bit,int4)
    (1677, scalar!(|value: &[u8], places: i32| shift(value, i64::from(places)))),
    // bitshiftright(bit,int4)
    (1678, scalar!(|value: &[u8], places: i32| shift(value, -i64::from(places)))),
    // bitcat(varbit,varbit)
    (1679, scalar!(concatenate, &[u8], &[u8])),
    // substring(bit,int4,int4)
    (1680, scalar!(|value: &[u8], start: i32, length: i32| substring(value, start, Some(length)))),
    // substring(bit,int4)
    (1699, scalar!(|value: &[u8], start: i32| substring(value, start, None))),
    // overlay(bit,bit,int4,int4)
    (3030, scalar!(overlay, &[u8], &[u8], i32, i32)),
    // overlay(bit,bit,int4)
    (3031, scalar!(overlay_all, &[u8], &[u8], i32)),
    // position(bit,bit)
    (1698, scalar!(position, &[u8], &[u8])),
    // get_bit(bit,int4)
    (3032, scalar!(get, &[u8], i32)),
    // set_bit(bit,int4,int4)
    (3033, scalar!(set, &[u8], i32, i32)),
    // bit(int4,int4)
    (1683, scalar!(|value: i32, length: i32| from_integer(i64::from(value), 32, length))),
    // bit(int8,int4)
    (2075, scalar!(|value: i64, length: i32| from_integer(value, 64, length))),
    // int4(bit)
    (1684, scalar!(|value: &[u8]| to_integer(value, 32, out_of_range::<i32>)? as i32)),
    // int8(bit)
    (2076, scalar!(|value: &[u8]| to_integer(value, 64, out_of_range::<i64>))),
    // bit_length(bit)
    (1812, scalar!(|value: &[u8]| int4(parts(value)?.0))),
];
