//! `bit` and `bit varying`: the number of bits (four bytes, little-endian), then the bits, first bit highest, the rest
//! of the last byte zero.

use crate::error::{Error, Result, SqlState};

use super::binary::Reader;
use super::stored::corrupted;

/// The length in bits and the bytes that hold them.
pub fn parts(stored: &[u8]) -> Result<(usize, &[u8])> {
    let (length, bits) = stored.split_first_chunk::<4>().ok_or_else(corrupted)?;
    let length = u32::from_le_bytes(*length) as usize;
    if bits.len() != length.div_ceil(8) {
        return Err(corrupted());
    }
    Ok((length, bits))
}

/// The stored form of bits; what lies behind the last bit is cleared.
pub fn stored(length: usize, bits: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + bits.len());
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend_from_slice(&bits[..length.div_ceil(8).min(bits.len())]);
    out.resize(4 + length.div_ceil(8), 0);
    if let Some(last) = out.last_mut().filter(|_| !length.is_multiple_of(8)) {
        *last &= 0xff << (8 - length % 8);
    }
    out
}

/// Appends zeros and ones.
pub fn append_text(value: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let (length, bits) = parts(value)?;
    out.extend((0..length).map(|bit| b'0' + (bits[bit / 8] >> (7 - bit % 8) & 1)));
    Ok(())
}

/// Reads `0101`, `b0101` or `x1F`. The length is checked before the digits are.
pub fn input(text: &str, typmod: i32, varying: bool) -> Result<Vec<u8>> {
    let (digits, hexadecimal) = match text.as_bytes() {
        [b'b' | b'B', digits @ ..] => (digits, false),
        [b'x' | b'X', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    let width = if hexadecimal { 4 } else { 1 };
    let length = digits.len() * width;
    check_length(length, typmod, varying)?;
    let mut bits = vec![0; length.div_ceil(8)];
    for (number, digit) in digits.iter().enumerate() {
        let radix = if hexadecimal { 16 } else { 2 };
        let Some(value) = char::from(*digit).to_digit(radix) else {
            let kind = if hexadecimal { "hexadecimal" } else { "binary" };
            let at = text.len() - digits.len() + number;
            let shown = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('\u{fffd}');
            return Err(Error::new(
                SqlState::InvalidTextRepresentation,
                format!("\"{shown}\" is not a valid {kind} digit"),
            ));
        };
        let at = number * width;
        bits[at / 8] |= (value as u8) << (8 - width - at % 8);
    }
    Ok(stored(length, &bits))
}

/// The declared length of a typmod, if there is one.
fn declared(typmod: i32) -> Option<usize> {
    usize::try_from(typmod).ok().filter(|limit| *limit > 0)
}

/// Refuses a length that `bit(n)` (exactly) or `bit varying(n)` (at most) does not allow.
fn check_length(length: usize, typmod: i32, varying: bool) -> Result<()> {
    match declared(typmod) {
        Some(limit) if varying && length > limit => Err(Error::new(
            SqlState::StringDataRightTruncation,
            format!("bit string too long for type bit varying({limit})"),
        )),
        Some(limit) if !varying && length != limit => Err(Error::new(
            SqlState::StringDataLengthMismatch,
            format!("bit string length {length} does not match type bit({limit})"),
        )),
        _ => Ok(()),
    }
}

/// Applies a declared length; an explicit cast cuts, or fills up with zeros.
pub fn limit(value: Vec<u8>, typmod: i32, varying: bool, explicit: bool) -> Result<Vec<u8>> {
    let (length, bits) = parts(&value)?;
    if !explicit {
        check_length(length, typmod, varying)?;
        return Ok(value);
    }
    match declared(typmod) {
        Some(limit) if length > limit || !varying && length < limit => Ok(stored(limit, bits)),
        _ => Ok(value),
    }
}

/// Appends the binary form.
pub fn send(value: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let (length, bits) = parts(value)?;
    out.extend_from_slice(&(length as u32).to_be_bytes());
    out.extend_from_slice(bits);
    Ok(())
}

/// Reads the binary form.
pub fn receive(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let length = usize::try_from(reader.i32()?).map_err(|_| {
        Error::new(SqlState::InvalidBinaryRepresentation, "invalid length in external bit string")
    })?;
    let bits = reader.take(length.div_ceil(8))?;
    Ok(stored(length, bits))
}
