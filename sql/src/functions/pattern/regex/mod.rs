//! PostgreSQL's advanced regular expressions.
//!
//! Whether a text matches, and where the leftmost match starts, is asked of the `regex` crate, which accepts the same
//! language in linear time. Where the match ends and what its groups hold is decided here, because POSIX chooses by
//! length and greediness of the whole, not by the order of alternatives: sets of positions are advanced through the
//! syntax tree, then the match found is divided among its parts. Back references alone need backtracking, and go to
//! `fancy-regex`.

mod bracket;
mod cache;
mod class;
mod emit;
mod flags;
mod parse;
mod search;
mod syntax;

pub(in crate::functions) use cache::compiled;
pub(in crate::functions) use flags::Flags;
pub(in crate::functions) use search::{Match, Regex, Subject};
