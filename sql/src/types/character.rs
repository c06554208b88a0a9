//! The text family: `text`, `varchar`, `bpchar`, `name` and `"char"`.
//!
//! Lengths in typmods count characters. A text that is too long is an error unless what exceeds is blanks; an
//! explicit cast cuts it. `bpchar` is kept padded to its length, as it is printed; its order ignores the padding.
//! No text contains a zero byte.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};

/// What PostgreSQL adds to a declared length to make a typmod.
const HEADER: i32 = 4;

/// Bytes that a `name` can hold.
pub const NAME_BYTES: usize = 63;

/// Refuses the zero byte, which no text of PostgreSQL contains.
pub fn check(text: &str) -> Result<()> {
    if text.as_bytes().contains(&0) {
        return Err(Error::new(
            SqlState::CharacterNotInRepertoire,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    Ok(())
}

/// UTF-8 text out of bytes of the outside; `22021` names the first wrong sequence.
pub fn from_bytes(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let wrong = &bytes[error.valid_up_to()..];
        let length = expected_length(wrong.first().copied().unwrap_or(0)).min(wrong.len());
        let shown: Vec<String> = wrong.iter().take(length).map(|byte| format!("0x{byte:02x}")).collect();
        Error::new(
            SqlState::CharacterNotInRepertoire,
            format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
        )
    })?;
    check(text)?;
    Ok(text)
}

/// The length that the first byte of a UTF-8 sequence announces.
fn expected_length(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    }
}

/// The declared length of a typmod, if there is one.
pub fn declared_length(typmod: i32) -> Option<usize> {
    usize::try_from(typmod.checked_sub(HEADER)?).ok()
}

/// The typmod of a declared length.
pub fn typmod_of_length(length: i32) -> i32 {
    length.saturating_add(HEADER)
}

/// Where the character numbered `length` starts, or `None` when the text has no more characters than that.
fn cut(text: &str, length: usize) -> Option<usize> {
    if text.len() <= length {
        return None;
    }
    text.char_indices().nth(length).map(|(at, _)| at)
}

/// `varchar(n)`.
pub fn limit_varchar(text: Arc<str>, typmod: i32, explicit: bool) -> Result<Arc<str>> {
    let Some(length) = declared_length(typmod) else { return Ok(text) };
    let Some(end) = cut(&text, length) else { return Ok(text) };
    if !explicit && text[end..].bytes().any(|byte| byte != b' ') {
        return Err(too_long("character varying", length));
    }
    Ok(Arc::from(&text[..end]))
}

const BLANKS: &str = "                                                                ";

/// `character(n)`: cut or padded to exactly `n` characters.
pub fn limit_bpchar(text: Arc<str>, typmod: i32, explicit: bool) -> Result<Arc<str>> {
    let Some(length) = declared_length(typmod) else { return Ok(text) };
    if let Some(end) = cut(&text, length) {
        if !explicit && text[end..].bytes().any(|byte| byte != b' ') {
            return Err(too_long("character", length));
        }
        return Ok(Arc::from(&text[..end]));
    }
    let missing = length - text.chars().count();
    if missing == 0 {
        return Ok(text);
    }
    let mut padded = String::with_capacity(text.len() + missing);
    padded.push_str(&text);
    while padded.len() < text.len() + missing {
        let more = (text.len() + missing - padded.len()).min(BLANKS.len());
        padded.push_str(&BLANKS[..more]);
    }
    Ok(Arc::from(padded))
}

fn too_long(type_name: &str, length: usize) -> Error {
    Error::new(SqlState::StringDataRightTruncation, format!("value too long for type {type_name}({length})"))
}

/// A `name`: cut to 63 bytes at a character's edge.
pub fn truncate_name(text: &str) -> &str {
    if text.len() <= NAME_BYTES {
        return text;
    }
    let mut end = NAME_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The `"char"` of a text: its first byte, given back as the text of one byte; empty for the zero byte.
///
/// A first byte outside ASCII cannot be text by itself; it is kept as its escape `\ooo`, which is how newer
/// versions of PostgreSQL print it.
pub fn char_input(text: &str) -> Arc<str> {
    match text.as_bytes() {
        [] => Arc::from(""),
        [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            char_from_byte(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
        }
        [first, ..] => char_from_byte(*first),
    }
}

/// The text that stands for a `"char"` of this byte.
pub fn char_from_byte(byte: u8) -> Arc<str> {
    match byte {
        0 => Arc::from(""),
        1..=127 => Arc::from(char::from(byte).to_string()),
        128..=255 => Arc::from(format!("\\{byte:03o}")),
    }
}

/// The byte of a `"char"`.
pub fn char_to_byte(text: &str) -> u8 {
    match text.as_bytes() {
        [] => 0,
        [b'\\', a, b, c] => (a.wrapping_sub(b'0') << 6) | (b.wrapping_sub(b'0') << 3) | c.wrapping_sub(b'0'),
        [first, ..] => *first,
    }
}

/// A `bpchar` as comparison sees it.
pub fn without_padding(text: &str) -> &str {
    text.trim_end_matches(' ')
}
