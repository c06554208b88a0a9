//! `boolean`: `t` and `f` out, any unambiguous prefix of true, false, yes, no, on, off, or 1, 0 in.

use crate::error::{Error, Result, SqlState};

/// The value of a text that PostgreSQL takes for a boolean.
pub fn input(text: &str) -> Result<bool> {
    parse(text.trim_matches(super::integer::is_space)).ok_or_else(|| {
        Error::new(
            SqlState::InvalidTextRepresentation,
            format!("invalid input syntax for type boolean: \"{text}\""),
        )
    })
}

/// The value of a word without blanks around it, as settings and options take it too.
pub fn parse(word: &str) -> Option<bool> {
    let is_prefix = |whole: &str, shortest: usize| {
        word.len() >= shortest
            && word.len() <= whole.len()
            && whole.as_bytes()[..word.len()].eq_ignore_ascii_case(word.as_bytes())
    };
    if is_prefix("true", 1) || is_prefix("yes", 1) || is_prefix("on", 2) || word == "1" {
        Some(true)
    } else if is_prefix("false", 1) || is_prefix("no", 1) || is_prefix("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}
