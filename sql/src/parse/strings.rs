//! Escapes inside string literals: E'...' and U&'...'.

use crate::error::{Error, Result, SqlState};

/// How a quoted string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    Escaped,
    Bits,
    Hex,
}

impl Form {
    /// The complaint when the closing quote is missing.
    pub fn unterminated(self) -> &'static str {
        match self {
            Form::Plain | Form::Escaped => "unterminated quoted string",
            Form::Bits => "unterminated bit string literal",
            Form::Hex => "unterminated hexadecimal string literal",
        }
    }
}

fn invalid_escape(message: &str) -> Error {
    Error::new(SqlState::InvalidEscapeSequence, message)
}

/// The value of E'raw'. Bytes given in octal or hexadecimal must make UTF-8 together.
pub fn unescape(raw: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match rest.next() {
            Some('b') => bytes.push(8),
            Some('f') => bytes.push(12),
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('v') => bytes.push(11),
            Some(digit @ '0'..='7') => bytes.push(octal(digit, &mut rest)),
            Some('x') => match digits(&mut rest, 16, 2) {
                Some(value) => bytes.push(value as u8),
                None => bytes.push(b'x'),
            },
            Some(letter @ ('u' | 'U')) => {
                let c = escaped_character(&mut rest, if letter == 'u' { 4 } else { 8 })?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Some(other) => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            None => bytes.push(b'\\'),
        }
    }
    if bytes.contains(&0) {
        return Err(Error::new(
            SqlState::CharacterNotInRepertoire,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or(0);
        Error::new(
            SqlState::CharacterNotInRepertoire,
            format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}"),
        )
    })
}

fn octal(first: char, rest: &mut std::str::Chars<'_>) -> u8 {
    let mut value = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let mut ahead = rest.clone();
        match ahead.next().and_then(|c| c.to_digit(8)) {
            Some(digit) => {
                value = value * 8 + digit;
                *rest = ahead;
            }
            None => break,
        }
    }
    (value & 0xff) as u8
}

/// Up to `count` digits; None without any.
fn digits(rest: &mut std::str::Chars<'_>, radix: u32, count: usize) -> Option<u32> {
    let mut value = None;
    for _ in 0..count {
        let mut ahead = rest.clone();
        let Some(digit) = ahead.next().and_then(|c| c.to_digit(radix)) else { break };
        value = Some(value.unwrap_or(0) * radix + digit);
        *rest = ahead;
    }
    value
}

fn exactly(rest: &mut std::str::Chars<'_>, count: usize) -> Option<u32> {
    let mut value = 0u32;
    for _ in 0..count {
        value = value.checked_mul(16)?.checked_add(rest.next()?.to_digit(16)?)?;
    }
    Some(value)
}

fn escaped_character(rest: &mut std::str::Chars<'_>, width: usize) -> Result<char> {
    let bad =
        || invalid_escape("invalid Unicode escape").hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
    let first = exactly(rest, width).ok_or_else(bad)?;
    if !(0xd800..0xdc00).contains(&first) {
        return character(first);
    }
    let mut ahead = rest.clone();
    let low_width = match (ahead.next(), ahead.next()) {
        (Some('\\'), Some('u')) => 4,
        (Some('\\'), Some('U')) => 8,
        _ => return Err(invalid_pair()),
    };
    let low = exactly(&mut ahead, low_width).ok_or_else(bad)?;
    *rest = ahead;
    surrogates(first, low)
}

fn invalid_pair() -> Error {
    Error::new(SqlState::SyntaxError, "invalid Unicode surrogate pair")
}

fn surrogates(high: u32, low: u32) -> Result<char> {
    if !(0xdc00..0xe000).contains(&low) {
        return Err(invalid_pair());
    }
    character(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn character(code: u32) -> Result<char> {
    if (0xdc00..0xe000).contains(&code) {
        return Err(invalid_pair());
    }
    char::from_u32(code)
        .filter(|c| *c != '\0')
        .ok_or_else(|| Error::new(SqlState::SyntaxError, "invalid Unicode escape value"))
}

/// The value of U&'raw' with that escape character.
pub fn unescape_unicode(raw: &str, escape: char) -> Result<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        if c != escape {
            value.push(c);
            continue;
        }
        let mut ahead = rest.clone();
        if ahead.next() == Some(escape) {
            value.push(escape);
            rest = ahead;
            continue;
        }
        let first = unicode_code(&mut rest)?;
        if !(0xd800..0xdc00).contains(&first) {
            value.push(character(first)?);
            continue;
        }
        if rest.next() != Some(escape) {
            return Err(invalid_pair());
        }
        let low = unicode_code(&mut rest)?;
        value.push(surrogates(first, low)?);
    }
    Ok(value)
}

fn unicode_code(rest: &mut std::str::Chars<'_>) -> Result<u32> {
    let mut ahead = rest.clone();
    let width = if ahead.next() == Some('+') {
        *rest = ahead;
        6
    } else {
        4
    };
    exactly(rest, width).ok_or_else(|| {
        Error::new(SqlState::SyntaxError, "invalid Unicode escape")
            .hint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
    })
}
