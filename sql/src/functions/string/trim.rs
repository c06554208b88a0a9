//! Trimming and padding.

use super::basic::{MAX_BYTES, too_long};
use crate::error::Result;
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

fn trim_start<'a>(text: &'a str, set: &str) -> &'a str {
    text.trim_start_matches(|character| set.contains(character))
}

fn trim_end<'a>(text: &'a str, set: &str) -> &'a str {
    text.trim_end_matches(|character| set.contains(character))
}

fn trim_bytes_start<'a>(bytes: &'a [u8], set: &[u8]) -> &'a [u8] {
    let start = bytes.iter().position(|byte| !set.contains(byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

fn trim_bytes_end<'a>(bytes: &'a [u8], set: &[u8]) -> &'a [u8] {
    let end = bytes.iter().rposition(|byte| !set.contains(byte)).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// The padding that brings `text` to `length` characters, or `None` where it is already as long: then it is cut.
fn padding(text: &str, length: i32, fill: &str) -> Result<Option<String>> {
    let wanted = usize::try_from(length).unwrap_or(0);
    let present = text.chars().count();
    if fill.is_empty() || wanted <= present {
        return Ok(None);
    }
    if wanted.saturating_mul(4) > MAX_BYTES {
        return Err(too_long());
    }
    Ok(Some(fill.chars().cycle().take(wanted - present).collect()))
}

fn cut(text: &str, length: i32) -> String {
    text.chars().take(usize::try_from(length).unwrap_or(0)).collect()
}

fn pad_left(text: &str, length: i32, fill: &str) -> Result<String> {
    Ok(match padding(text, length, fill)? {
        Some(mut padding) => {
            padding.push_str(text);
            padding
        }
        None => cut(text, length),
    })
}

fn pad_right(text: &str, length: i32, fill: &str) -> Result<String> {
    Ok(match padding(text, length, fill)? {
        Some(padding) => format!("{text}{padding}"),
        None => cut(text, length),
    })
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // btrim(text,text)
    (884, scalar!(|text: &str, set: &str| trim_end(trim_start(text, set), set).to_owned())),
    // ltrim(text,text)
    (875, scalar!(|text: &str, set: &str| trim_start(text, set).to_owned())),
    // rtrim(text,text)
    (876, scalar!(|text: &str, set: &str| trim_end(text, set).to_owned())),
    // btrim(text)
    (885, scalar!(|text: &str| text.trim_matches(' ').to_owned())),
    // ltrim(text)
    (881, scalar!(|text: &str| text.trim_start_matches(' ').to_owned())),
    // text(bpchar)
    (401, scalar!(|text: &str| text.trim_end_matches(' ').to_owned())),
    // rtrim(text)
    (882, scalar!(|text: &str| text.trim_end_matches(' ').to_owned())),
    // btrim(bytea,bytea)
    (2015, scalar!(|bytes: &[u8], set: &[u8]| trim_bytes_end(trim_bytes_start(bytes, set), set).to_vec())),
    // ltrim(bytea,bytea)
    (6195, scalar!(|bytes: &[u8], set: &[u8]| trim_bytes_start(bytes, set).to_vec())),
    // rtrim(bytea,bytea)
    (6196, scalar!(|bytes: &[u8], set: &[u8]| trim_bytes_end(bytes, set).to_vec())),
    // lpad(text,int4,text)
    (873, scalar!(pad_left, &str, i32, &str)),
    // rpad(text,int4,text)
    (874, scalar!(pad_right, &str, i32, &str)),
    // lpad(text,int4)
    (879, scalar!(|text: &str, length: i32| pad_left(text, length, " "))),
    // rpad(text,int4)
    (880, scalar!(|text: &str, length: i32| pad_right(text, length, " "))),
];
