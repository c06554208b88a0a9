//! Quoting of identifiers and literals, and taking identifiers apart.

use super::keyword::is_reserved;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// The identifier as SQL text: in double quotes unless it is plain and no keyword.
pub fn quote_identifier(name: &str) -> String {
    let plain = name
        .bytes()
        .enumerate()
        .all(|(at, byte)| byte.is_ascii_lowercase() || byte == b'_' || (at > 0 && byte.is_ascii_digit()));
    if plain && !name.is_empty() && !is_reserved(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The text as a literal: with an `E` before it where backslashes had to be doubled.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// A dotted name into its parts, unquoted parts in lower case.
pub(in crate::functions) fn parse_identifier(text: &str, strict: bool) -> Result<Vec<String>> {
    let invalid = |detail: Option<String>| {
        let error = Error::new(
            SqlState::InvalidParameterValue,
            format!("string is not a valid identifier: {}", quoted(text)),
        );
        match detail {
            Some(detail) => error.detail(detail),
            None => error,
        }
    };
    let space = |character: char| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}');
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(space);
    let mut after_dot = false;
    loop {
        let (part, tail) = if let Some(quoted_rest) = rest.strip_prefix('"') {
            let (part, tail) = quoted_part(quoted_rest)
                .ok_or_else(|| invalid(Some("String has unclosed double quotes.".into())))?;
            if part.is_empty() {
                return Err(invalid(Some("Quoted identifier must not be empty.".into())));
            }
            (part, tail)
        } else {
            let end = plain_end(rest);
            if end == 0 {
                return Err(invalid(missing_part(rest, after_dot)));
            }
            let (part, tail) = rest.split_at(end);
            (part.chars().map(|character| character.to_ascii_lowercase()).collect(), tail)
        };
        parts.push(part);
        rest = tail.trim_start_matches(space);
        match rest.strip_prefix('.') {
            Some(tail) => {
                after_dot = true;
                rest = tail.trim_start_matches(space);
            }
            None if rest.is_empty() || !strict => return Ok(parts),
            None => return Err(invalid(None)),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn missing_part(rest: &str, after_dot: bool) -> Option<String> {
    if rest.starts_with('.') {
        Some("No valid identifier before \".\".".into())
    } else if after_dot {
        Some("No valid identifier after \".\".".into())
    } else {
        None
    }
}

/// Up to the closing quote, doubled quotes undone, and what follows it.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let at = rest.find('"')?;
        part.push_str(rest.get(..at)?);
        rest = rest.get(at + 1..)?;
        match rest.strip_prefix('"') {
            Some(tail) => {
                part.push('"');
                rest = tail;
            }
            None => return Some((part, rest)),
        }
    }
}

/// Where an unquoted identifier ends; 0 where none starts.
fn plain_end(text: &str) -> usize {
    let mut characters = text.char_indices();
    let start =
        |character: char| character.is_ascii_alphabetic() || character == '_' || !character.is_ascii();
    match characters.next() {
        Some((_, first)) if start(first) => characters
            .find(|&(_, character)| !(start(character) || character.is_ascii_digit() || character == '$'))
            .map_or(text.len(), |(at, _)| at),
        _ => 0,
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // quote_ident(text)
    (1282, scalar!(quote_identifier, &str)),
    // quote_literal(text)
    (1283, scalar!(quote_literal, &str)),
    // quote_nullable(text)
    (1289, scalar!(|text: Option<&str>| text.map_or_else(|| "NULL".to_owned(), quote_literal))),
];
