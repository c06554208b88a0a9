//! LIKE and ILIKE: `%` any run, `_` one character, a backslash takes the next character literally.

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::functions::string::basic::lower;

#[cold]
fn dangling_escape() -> Error {
    Error::new(SqlState::InvalidEscapeSequence, "LIKE pattern must not end with escape character")
}

/// How many bytes the character at `at` has: one, where bytes are characters.
fn width(bytes: &[u8], at: usize, utf8: bool) -> usize {
    match bytes.get(at) {
        Some(0xC0..=0xDF) if utf8 => 2,
        Some(0xE0..=0xEF) if utf8 => 3,
        Some(0xF0..) if utf8 => 4,
        _ => 1,
    }
}

/// Whether the whole of `text` matches. A failed match goes back to the last `%` only: what stands before it need not
/// be tried anew.
fn matches(text: &[u8], pattern: &[u8], utf8: bool) -> Result<bool> {
    let (mut at, mut place) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        let step = match pattern.get(place) {
            Some(b'%') => {
                place += 1;
                retry = Some((at, place));
                continue;
            }
            Some(b'_') => Some((width(text, at, utf8), 1)),
            Some(b'\\') => {
                let literal = pattern.get(place + 1).ok_or_else(dangling_escape)?;
                (text.get(at) == Some(literal)).then_some((1, 2))
            }
            Some(literal) => (text.get(at) == Some(literal)).then_some((1, 1)),
            None => None,
        };
        match (step, retry) {
            (Some((text_step, pattern_step)), _) => {
                at += text_step;
                place += pattern_step;
            }
            (None, Some((from, after))) => {
                at = from + width(text, from, utf8);
                place = after;
                retry = Some((at, after));
            }
            (None, None) => return Ok(false),
        }
    }
    Ok(pattern.get(place..).unwrap_or_default().iter().all(|&byte| byte == b'%'))
}

/// `text LIKE pattern`.
pub(in crate::functions) fn like(text: &str, pattern: &str) -> Result<bool> {
    matches(text.as_bytes(), pattern.as_bytes(), true)
}

/// `text ILIKE pattern`.
pub(in crate::functions) fn ilike(text: &str, pattern: &str) -> Result<bool> {
    like(&lower(text), &lower(pattern))
}

/// The escape character of ESCAPE, or none.
pub(super) fn escape_character(escape: &str) -> Result<Option<char>> {
    let mut characters = escape.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first),
        _ => Err(Error::new(SqlState::InvalidEscapeSequence, "invalid escape string")
            .hint("Escape string must be empty or one character.")),
    }
}

/// A pattern of another escape character as one with the backslash.
fn with_backslash(pattern: &str, escape: &str) -> Result<String> {
    let escape = escape_character(escape)?;
    if escape == Some('\\') {
        return Ok(pattern.to_owned());
    }
    let mut result = String::with_capacity(pattern.len());
    let mut escaped = false;
    for character in pattern.chars() {
        if Some(character) == escape && !escaped {
            result.push('\\');
            escaped = true;
            continue;
        }
        if character == '\\' && !escaped {
            result.push('\\');
        }
        result.push(character);
        escaped = false;
    }
    Ok(result)
}

fn bytes_with_backslash(pattern: &[u8], escape: &[u8]) -> Result<Vec<u8>> {
    let escape = match escape {
        [] => None,
        [one] => Some(*one),
        _ => {
            return Err(Error::new(SqlState::InvalidEscapeSequence, "invalid escape string")
                .hint("Escape string must be empty or one character."));
        }
    };
    if escape == Some(b'\\') {
        return Ok(pattern.to_vec());
    }
    let mut result = Vec::with_capacity(pattern.len());
    let mut escaped = false;
    for &byte in pattern {
        if Some(byte) == escape && !escaped {
            result.push(b'\\');
            escaped = true;
            continue;
        }
        if byte == b'\\' && !escaped {
            result.push(b'\\');
        }
        result.push(byte);
        escaped = false;
    }
    Ok(result)
}

/// A pattern made ready for many texts.
pub(in crate::functions) enum Prepared {
    Equals(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    General(String),
}

impl Prepared {
    pub(in crate::functions) fn new(pattern: &str) -> Prepared {
        let general = || Prepared::General(pattern.to_owned());
        let core = pattern.trim_matches('%');
        if core.contains(['%', '_', '\\']) || (core.is_empty() && !pattern.is_empty()) {
            return general();
        }
        let core = core.to_owned();
        match (pattern.starts_with('%'), pattern.ends_with('%')) {
            (false, false) => Prepared::Equals(core),
            (false, true) => Prepared::Prefix(core),
            (true, false) => Prepared::Suffix(core),
            (true, true) => Prepared::Contains(core),
        }
    }

    pub(in crate::functions) fn matches(&self, text: &str) -> Result<bool> {
        match self {
            Prepared::Equals(core) => Ok(text == core),
            Prepared::Prefix(core) => Ok(text.starts_with(core.as_str())),
            Prepared::Suffix(core) => Ok(text.ends_with(core.as_str())),
            Prepared::Contains(core) => Ok(text.contains(core.as_str())),
            Prepared::General(pattern) => like(text, pattern),
        }
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // textlike(text,text)
    (850, scalar!(like, &str, &str)),
    // like(text,text)
    (1569, scalar!(like, &str, &str)),
    // bpcharlike(bpchar,text)
    (1631, scalar!(like, &str, &str)),
    // namelike(name,text)
    (858, scalar!(like, &str, &str)),
    // like(name,text)
    (1571, scalar!(like, &str, &str)),
    // textnlike(text,text)
    (851, scalar!(|text: &str, pattern: &str| !like(text, pattern)?)),
    // notlike(text,text)
    (1570, scalar!(|text: &str, pattern: &str| !like(text, pattern)?)),
    // bpcharnlike(bpchar,text)
    (1632, scalar!(|text: &str, pattern: &str| !like(text, pattern)?)),
    // namenlike(name,text)
    (859, scalar!(|text: &str, pattern: &str| !like(text, pattern)?)),
    // notlike(name,text)
    (1572, scalar!(|text: &str, pattern: &str| !like(text, pattern)?)),
    // texticlike(text,text)
    (1633, scalar!(ilike, &str, &str)),
    // bpchariclike(bpchar,text)
    (1660, scalar!(ilike, &str, &str)),
    // nameiclike(name,text)
    (1635, scalar!(ilike, &str, &str)),
    // texticnlike(text,text)
    (1634, scalar!(|text: &str, pattern: &str| !ilike(text, pattern)?)),
    // bpcharicnlike(bpchar,text)
    (1661, scalar!(|text: &str, pattern: &str| !ilike(text, pattern)?)),
    // nameicnlike(name,text)
    (1636, scalar!(|text: &str, pattern: &str| !ilike(text, pattern)?)),
    // bytealike(bytea,bytea)
    (2005, scalar!(|text: &[u8], pattern: &[u8]| matches(text, pattern, false))),
    // like(bytea,bytea)
    (2007, scalar!(|text: &[u8], pattern: &[u8]| matches(text, pattern, false))),
    // byteanlike(bytea,bytea)
    (2006, scalar!(|text: &[u8], pattern: &[u8]| !matches(text, pattern, false)?)),
    // notlike(bytea,bytea)
    (2008, scalar!(|text: &[u8], pattern: &[u8]| !matches(text, pattern, false)?)),
    // like_escape(text,text)
    (1637, scalar!(with_backslash, &str, &str)),
    // like_escape(bytea,bytea)
    (2009, scalar!(bytes_with_backslash, &[u8], &[u8])),
];
