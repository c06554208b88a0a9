//! Characters and their codes, numbers in hexadecimal, escapes of Unicode.

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

fn ascii(text: &str) -> i32 {
    text.chars().next().map_or(0, |character| u32::from(character) as i32)
}

fn character(code: i32) -> Result<String> {
    if code < 0 {
        return Err(Error::new(SqlState::InvalidParameterValue, "character number must be positive"));
    }
    if code == 0 {
        return Err(Error::new(SqlState::ProgramLimitExceeded, "null character not permitted"));
    }
    let code = code as u32;
    if code > 0x10_FFFF {
        return Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("requested character too large for encoding: {code}"),
        ));
    }
    char::from_u32(code).map(String::from).ok_or_else(|| {
        Error::new(
            SqlState::ProgramLimitExceeded,
            format!("requested character not valid for encoding: {code}"),
        )
    })
}

fn escape_error(message: &str) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

fn pair_error() -> Error {
    escape_error("invalid Unicode surrogate pair")
}

/// Texts with `\XXXX`, `\+XXXXXX`, `\uXXXX` and `\UXXXXXXXX`; a doubled backslash stands for one.
fn from_escapes(text: &str) -> Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut high: Option<u32> = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first != '\\' {
            if high.is_some() {
                return Err(pair_error());
            }
            result.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let after = rest.get(1..).unwrap_or_default();
        if let Some(tail) = after.strip_prefix('\\') {
            if high.is_some() {
                return Err(pair_error());
            }
            result.push('\\');
            rest = tail;
            continue;
        }
        let (code, tail) = escaped_code(after).ok_or_else(|| {
            escape_error("invalid Unicode escape")
                .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
        })?;
        rest = tail;
        match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => high = Some(code),
            (Some(first), 0xDC00..=0xDFFF) => {
                let joined = 0x10000 + ((first & 0x3FF) << 10) + (code & 0x3FF);
                result.push(char::from_u32(joined).ok_or_else(pair_error)?);
            }
            (Some(_), _) | (None, 0xDC00..=0xDFFF) => return Err(pair_error()),
            (None, _) => {
                result.push(char::from_u32(code).filter(|&character| character != '\0').ok_or_else(|| {
                    Error::new(
                        SqlState::InvalidParameterValue,
                        format!("invalid Unicode code point: {code:04X}"),
                    )
                })?)
            }
        }
    }
    if high.is_some() { Err(pair_error()) } else { Ok(result) }
}

/// The code after a backslash, and what follows it.
fn escaped_code(text: &str) -> Option<(u32, &str)> {
    let (skip, digits) = match text.as_bytes().first()? {
        b'+' => (1, 6),
        b'u' => (1, 4),
        b'U' => (1, 8),
        _ => (0, 4),
    };
    let code = text.get(skip..skip + digits)?;
    if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(code, 16).ok()?, text.get(skip + digits..)?))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // ascii(text)
    (1620, scalar!(ascii, &str)),
    // chr(int4)
    (1621, scalar!(character, i32)),
    // to_hex(int4)
    (2089, scalar!(|value: i32| format!("{:x}", value as u32))),
    // to_hex(int8)
    (2090, scalar!(|value: i64| format!("{:x}", value as u64))),
    // unistr(text)
    (6198, scalar!(from_escapes, &str)),
];
