//! Parts of texts: substrings, positions, replacement, splitting.

use std::ops::Range;

use super::basic::{characters, int4};
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::arithmetic::integer::out_of_range;
use crate::functions::registry::Scalars;

/// The positions, from 0, of SUBSTRING(... FROM start FOR length): what lies before position 1 uses up length.
pub(super) fn window(start: i32, length: Option<i32>) -> Result<Range<usize>> {
    let from = usize::try_from(start.max(1)).unwrap_or(1) - 1;
    let Some(length) = length else { return Ok(from..usize::MAX) };
    let end = match start.checked_add(length) {
        _ if length < 0 => {
            return Err(Error::new(SqlState::SubstringError, "negative substring length not allowed"));
        }
        Some(end) => usize::try_from(end.max(1)).unwrap_or(1) - 1,
        None => usize::MAX,
    };
    Ok(from..end.max(from))
}

pub(super) fn substring(text: &str, start: i32, length: Option<i32>) -> Result<String> {
    let window = window(start, length)?;
    if text.is_ascii() {
        let end = window.end.min(text.len());
        return Ok(text.get(window.start.min(end)..end).unwrap_or_default().to_owned());
    }
    Ok(text.chars().skip(window.start).take(window.end - window.start).collect())
}

/// The first `start - 1` characters, the new part, and what follows `length` characters after `start`.
fn overlay(text: &str, new: &str, start: i32, length: i32) -> Result<String> {
    if start <= 0 {
        return Err(Error::new(SqlState::SubstringError, "negative substring length not allowed"));
    }
    let after = start.checked_add(length).ok_or_else(out_of_range::<i32>)?;
    Ok(format!("{}{new}{}", substring(text, 1, Some(start - 1))?, substring(text, after, None)?))
}

/// The position, in characters from 1, of the first occurrence; 0 where there is none.
fn position(text: &str, part: &str) -> i32 {
    text.find(part).map_or(0, |at| characters(text.get(..at).unwrap_or_default()) + 1)
}

fn replace(text: &str, from: &str, to: &str) -> String {
    if from.is_empty() { text.to_owned() } else { text.replace(from, to) }
}

/// Each character of `from` becomes the one at its place in `to`, or goes where there is none.
fn translate(text: &str, from: &str, to: &str) -> String {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    text.chars()
        .filter_map(|character| match from.iter().position(|&candidate| candidate == character) {
            Some(at) => to.get(at).copied(),
            None => Some(character),
        })
        .collect()
}

/// The first `count` characters; of a negative count, all but the last.
fn left(text: &str, count: i32) -> String {
    let take = if count >= 0 { i64::from(count) } else { i64::from(characters(text)) + i64::from(count) };
    text.chars().take(usize::try_from(take).unwrap_or(0)).collect()
}

/// The last `count` characters; of a negative count, all but the first.
fn right(text: &str, count: i32) -> String {
    let skip = if count >= 0 { i64::from(characters(text)) - i64::from(count) } else { -i64::from(count) };
    text.chars().skip(usize::try_from(skip).unwrap_or(0)).collect()
}

/// The `field`-th part between separators, counted from the end where negative.
fn split_part(text: &str, separator: &str, field: i32) -> Result<String> {
    if field == 0 {
        return Err(Error::new(SqlState::InvalidParameterValue, "field position must not be zero"));
    }
    if separator.is_empty() {
        return Ok(if !text.is_empty() && (field == 1 || field == -1) {
            text.to_owned()
        } else {
            String::new()
        });
    }
    let nth = usize::try_from(field.unsigned_abs()).unwrap_or(usize::MAX) - 1;
    let part = if field > 0 {
        text.split(separator).nth(nth)
    } else {
        let parts: Vec<&str> = text.split(separator).collect();
        parts.len().checked_sub(nth + 1).and_then(|at| parts.get(at).copied())
    };
    Ok(part.unwrap_or_default().to_owned())
}

fn bytes_substring(bytes: &[u8], start: i32, length: Option<i32>) -> Result<Vec<u8>> {
    let window = window(start, length)?;
    let end = window.end.min(bytes.len());
    Ok(bytes.get(window.start.min(end)..end).unwrap_or_default().to_vec())
}

fn bytes_overlay(bytes: &[u8], new: &[u8], start: i32, length: i32) -> Result<Vec<u8>> {
    if start <= 0 {
        return Err(Error::new(SqlState::SubstringError, "negative substring length not allowed"));
    }
    let after = start.checked_add(length).ok_or_else(out_of_range::<i32>)?;
    let mut result = bytes_substring(bytes, 1, Some(start - 1))?;
    result.extend_from_slice(new);
    result.extend(bytes_substring(bytes, after, None)?);
    Ok(result)
}

fn bytes_position(bytes: &[u8], part: &[u8]) -> i32 {
    if part.is_empty() {
        return 1;
    }
    bytes.windows(part.len()).position(|window| window == part).map_or(0, |at| int4(at + 1))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // substr(text,int4,int4)
    (877, scalar!(|text: &str, start: i32, length: i32| substring(text, start, Some(length)))),
    // substring(text,int4,int4)
    (936, scalar!(|text: &str, start: i32, length: i32| substring(text, start, Some(length)))),
    // substr(text,int4)
    (883, scalar!(|text: &str, start: i32| substring(text, start, None))),
    // substring(text,int4)
    (937, scalar!(|text: &str, start: i32| substring(text, start, None))),
    // overlay(text,text,int4,int4)
    (1404, scalar!(overlay, &str, &str, i32, i32)),
    // overlay(text,text,int4)
    (1405, scalar!(|text: &str, new: &str, start: i32| overlay(text, new, start, characters(new)))),
    // position(text,text)
    (849, scalar!(position, &str, &str)),
    // strpos(text,text)
    (868, scalar!(position, &str, &str)),
    // replace(text,text,text)
    (2087, scalar!(replace, &str, &str, &str)),
    // translate(text,text,text)
    (878, scalar!(translate, &str, &str, &str)),
    // left(text,int4)
    (3060, scalar!(left, &str, i32)),
    // right(text,int4)
    (3061, scalar!(right, &str, i32)),
    // split_part(text,text,int4)
    (2088, scalar!(split_part, &str, &str, i32)),
    // substring(bytea,int4,int4)
    (2012, scalar!(|bytes: &[u8], start: i32, length: i32| bytes_substring(bytes, start, Some(length)))),
    // substr(bytea,int4,int4)
    (2085, scalar!(|bytes: &[u8], start: i32, length: i32| bytes_substring(bytes, start, Some(length)))),
    // substring(bytea,int4)
    (2013, scalar!(|bytes: &[u8], start: i32| bytes_substring(bytes, start, None))),
    // substr(bytea,int4)
    (2086, scalar!(|bytes: &[u8], start: i32| bytes_substring(bytes, start, None))),
    // overlay(bytea,bytea,int4,int4)
    (749, scalar!(bytes_overlay, &[u8], &[u8], i32, i32)),
    // overlay(bytea,bytea,int4)
    (752, scalar!(|bytes: &[u8], new: &[u8], start: i32| bytes_overlay(bytes, new, start, int4(new.len())))),
    // position(bytea,bytea)
    (2014, scalar!(bytes_position, &[u8], &[u8])),
];
