//! Text of `bytea`: hex and escape, both ways.

use crate::error::{Error, Result, SqlState};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `\x…`
pub fn append_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 + bytes.len() * 2);
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// Printable ASCII as it is, a backslash doubled, everything else as three octal digits.
pub fn append_escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x20..=0x7e => out.push(*byte),
            _ => {
                out.push(b'\\');
                out.push(b'0' + (byte >> 6));
                out.push(b'0' + ((byte >> 3) & 7));
                out.push(b'0' + (byte & 7));
            }
        }
    }
}

/// Either form.
pub fn input(text: &str) -> Result<Vec<u8>> {
    match text.as_bytes() {
        [b'\\', b'x', hex @ ..] => decode_hex(hex),
        escaped => input_escape(escaped),
    }
}

/// Pairs of hexadecimal digits, blanks between the pairs.
pub fn decode_hex(hex: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    let mut at = 0;
    while let Some(first) = hex.get(at) {
        if matches!(first, b' ' | b'\n' | b'\t' | b'\r') {
            at += 1;
            continue;
        }
        let high = hex_digit(hex, at)?;
        if at + 1 >= hex.len() {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                "invalid hexadecimal data: odd number of digits",
            ));
        }
        let low = hex_digit(hex, at + 1)?;
        bytes.push(high << 4 | low);
        at += 2;
    }
    Ok(bytes)
}

fn hex_digit(hex: &[u8], at: usize) -> Result<u8> {
    let byte = hex.get(at).copied().unwrap_or(0);
    match (byte as char).to_digit(16) {
        Some(digit) => Ok(digit as u8),
        None => {
            let shown = String::from_utf8_lossy(&hex[at..]);
            let shown = shown.chars().next().unwrap_or('\u{fffd}');
            Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("invalid hexadecimal digit: \"{shown}\""),
            ))
        }
    }
}

fn input_escape(text: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Ok(bytes),
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            [b'\\', b'\\', tail @ ..] => {
                bytes.push(b'\\');
                tail
            }
            [b'\\', ..] => {
                return Err(Error::new(
                    SqlState::InvalidTextRepresentation,
                    "invalid input syntax for type bytea",
                ));
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        };
    }
}
