//! Length, case, concatenation, repetition and casts of text, name, bpchar and "char".

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::comparison::text::unpadded;
use crate::functions::registry::Scalars;
use crate::types::character::{char_from_byte, char_to_byte};

/// The largest value that a datum may have, less its header.
pub(super) const MAX_BYTES: usize = 0x3fff_ffff - 4;

#[cold]
pub(super) fn too_long() -> Error {
    Error::new(SqlState::ProgramLimitExceeded, "requested length too large")
}

/// Bytes or characters as SQL's int4.
pub(in crate::functions) fn int4(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

pub(super) fn characters(text: &str) -> i32 {
    int4(text.chars().count())
}

/// The one character that the C library maps to; what would become several stays itself.
fn upper_character(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn lower_character(character: char) -> char {
    let mut mapped = character.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        // LATIN CAPITAL LETTER I WITH DOT ABOVE is the one letter whose lower case is two characters.
        (Some(first), Some(_)) => first,
        _ => character,
    }
}

pub(in crate::functions) fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(lower_character).collect() }
}

pub(in crate::functions) fn upper(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_uppercase() } else { text.chars().map(upper_character).collect() }
}

/// Upper case at the start of each run of letters and digits, lower case within.
fn initial_capitals(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .map(|character| {
            let mapped = if inside { lower_character(character) } else { upper_character(character) };
            inside = character.is_alphanumeric();
            mapped
        })
        .collect()
}

fn concatenate(a: &str, b: &str) -> String {
    let mut joined = String::with_capacity(a.len() + b.len());
    joined.push_str(a);
    joined.push_str(b);
    joined
}

fn repeat(text: &str, count: i32) -> Result<String> {
    let count = usize::try_from(count).unwrap_or(0);
    match text.len().checked_mul(count) {
        Some(bytes) if bytes <= MAX_BYTES => Ok(text.repeat(count)),
        _ => Err(too_long()),
    }
}

/// A name holds 63 bytes; what is longer is cut between characters.
pub(in crate::functions) fn to_name(text: &str) -> &str {
    let mut end = text.len().min(63);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

fn char_to_int4(text: &str) -> i32 {
    // A signed byte, as C's char.
    i32::from(char_to_byte(text) as i8)
}

fn int4_to_char(code: i32) -> Result<Value> {
    match i8::try_from(code) {
        Ok(byte) => Ok(Value::Text(char_from_byte(byte as u8))),
        Err(_) => Err(Error::new(SqlState::NumericValueOutOfRange, "\"char\" out of range")),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // textlen(text)
    (1257, scalar!(characters, &str)),
    // length(text)
    (1317, scalar!(characters, &str)),
    // character_length(text)
    (1369, scalar!(characters, &str)),
    // char_length(text)
    (1381, scalar!(characters, &str)),
    // length(bpchar)
    (1318, scalar!(|text: &str| characters(unpadded(text)))),
    // character_length(bpchar)
    (1367, scalar!(|text: &str| characters(unpadded(text)))),
    // char_length(bpchar)
    (1372, scalar!(|text: &str| characters(unpadded(text)))),
    // octet_length(text)
    (1374, scalar!(|text: &str| int4(text.len()))),
    // octet_length(bpchar)
    (1375, scalar!(|text: &str| int4(text.len()))),
    // bit_length(text)
    (1811, scalar!(|text: &str| int4(text.len().saturating_mul(8)))),
    // lower(text)
    (870, scalar!(lower, &str)),
    // upper(text)
    (871, scalar!(upper, &str)),
    // initcap(text)
    (872, scalar!(initial_capitals, &str)),
    // textcat(text,text)
    (1258, scalar!(concatenate, &str, &str)),
    // repeat(text,int4)
    (1622, scalar!(repeat, &str, i32)),
    // reverse(text)
    (3062, scalar!(|text: &str| text.chars().rev().collect::<String>())),
    // name(text)
    (407, scalar!(|text: &str| to_name(text).to_owned())),
    // name(varchar)
    (1400, scalar!(|text: &str| to_name(text).to_owned())),
    // name(bpchar)
    (409, scalar!(|text: &str| unpadded(to_name(text)).to_owned())),
    // text(name)
    (406, scalar!(|text: &str| text.to_owned())),
    // varchar(name)
    (1401, scalar!(|text: &str| text.to_owned())),
    // bpchar(name)
    (408, scalar!(|text: &str| text.to_owned())),
    // text(char)
    (946, scalar!(|text: &str| text.to_owned())),
    // bpchar(char)
    (860, scalar!(|text: &str| text.to_owned())),
    // char(text)
    (944, scalar!(|text: &str| Value::Text(char_from_byte(text.bytes().next().unwrap_or(0))))),
    // int4(char)
    (77, scalar!(char_to_int4, &str)),
    // char(int4)
    (78, scalar!(int4_to_char, i32)),
    // text(bool)
    (2971, scalar!(|value: bool| if value { "true" } else { "false" })),
    // nameconcatoid(name,oid)
    (266, scalar!(name_with_oid, &str, u32)),
];

/// name_oid, the name shortened so that all of the number fits.
fn name_with_oid(name: &str, oid: u32) -> String {
    let suffix = format!("_{oid}");
    let mut end = name.len().min(63 - suffix.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", name.get(..end).unwrap_or(name))
}
