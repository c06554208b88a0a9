//! Text of `uuid`.

use crate::error::Result;

use super::integer::invalid_syntax;

/// Thirty-two hexadecimal digits, a hyphen allowed after every fourth, braces allowed around all.
pub fn input(text: &str) -> Result<[u8; 16]> {
    parse(text.as_bytes()).ok_or_else(|| invalid_syntax("uuid", text))
}

fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let mut rest = match text {
        [b'{', inner @ .., b'}'] => inner,
        [b'{', ..] => return None,
        plain => plain,
    };
    let mut uuid = [0; 16];
    for (number, byte) in uuid.iter_mut().enumerate() {
        let [high, low, tail @ ..] = rest else { return None };
        *byte = (digit(*high)? << 4) | digit(*low)?;
        rest = match tail {
            [b'-', after @ ..] if number % 2 == 1 && number < 15 => after,
            _ => tail,
        };
    }
    rest.is_empty().then_some(uuid)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// Groups of 8, 4, 4, 4 and 12 digits in lower case.
pub fn append(uuid: &[u8; 16], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (number, byte) in uuid.iter().enumerate() {
        if matches!(number, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}
