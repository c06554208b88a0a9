//! `json` and `jsonb`.
//!
//! `json` is the text that was given, once it has been found to be right. `jsonb` is canonical text: one blank behind
//! every comma and colon, keys of an object once each (the last one given wins) and sorted by length, then bytes,
//! numbers as numeric prints them, only those characters escaped that must be. So equal text is equal structure up to
//! trailing zeros of numbers, and reading it back always succeeds.

mod scan;

use std::cmp::Ordering;

use crate::error::Result;

use super::numeric::Numeric;

/// A JSON value as `jsonb` sees it. Invariant: the keys of an object are unique and in canonical order.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Checks a text to be JSON, as `json` does on input.
pub fn validate(text: &str) -> Result<()> {
    scan::check(text)
}

/// The canonical text of a JSON text: what a `jsonb` value holds.
pub fn canonical(text: &str) -> Result<String> {
    Ok(Json::parse(text)?.to_text())
}

/// The order of keys in an object.
pub fn compare_keys(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.as_bytes().cmp(right.as_bytes()))
}

impl Json {
    /// Reads any JSON text, canonical or not.
    pub fn parse(text: &str) -> Result<Json> {
        scan::read(text)
    }

    /// An object of pairs in any order; the last of equal keys wins.
    pub fn object(mut pairs: Vec<(String, Json)>) -> Json {
        // Behind a stable sort, the last of equal keys is the last one given.
        pairs.sort_by(|left, right| compare_keys(&left.0, &right.0));
        let mut unique: Vec<(String, Json)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match unique.last_mut() {
                Some(last) if last.0 == pair.0 => *last = pair,
                _ => unique.push(pair),
            }
        }
        Json::Object(unique)
    }

    /// The value of a key of an object.
    pub fn field(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(pairs) => pairs
                .binary_search_by(|(name, _)| compare_keys(name, key))
                .ok()
                .and_then(|at| pairs.get(at))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The element of an array, counted from its end when negative.
    pub fn element(&self, number: i64) -> Option<&Json> {
        match self {
            Json::Array(elements) => {
                let at = if number < 0 { number + elements.len() as i64 } else { number };
                usize::try_from(at).ok().and_then(|at| elements.get(at))
            }
            _ => None,
        }
    }

    /// The canonical text.
    pub fn to_text(&self) -> String {
        let mut out = Vec::new();
        self.append_text(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the canonical text.
    pub fn append_text(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(true) => out.extend_from_slice(b"true"),
            Json::Bool(false) => out.extend_from_slice(b"false"),
            Json::Number(number) => number.append_text(out),
            Json::String(text) => append_quoted(text, out),
            Json::Array(elements) => {
                out.push(b'[');
                for (number, element) in elements.iter().enumerate() {
                    if number > 0 {
                        out.extend_from_slice(b", ");
                    }
                    element.append_text(out);
                }
                out.push(b']');
            }
            Json::Object(pairs) => {
                out.push(b'{');
                for (number, (key, value)) in pairs.iter().enumerate() {
                    if number > 0 {
                        out.extend_from_slice(b", ");
                    }
                    append_quoted(key, out);
                    out.extend_from_slice(b": ");
                    value.append_text(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The name that `jsonb_typeof` gives.
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }
}

/// Appends a JSON string with the escapes that PostgreSQL writes.
pub fn append_quoted(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
