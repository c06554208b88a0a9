//! Options of a regular expression, as letters in a flags argument or embedded as `(?letters)`.

use crate::error::{Error, Result, SqlState};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::functions) struct Flags {
    /// `g`: every match, not the first alone. No part of the expression itself.
    pub(in crate::functions) global: bool,
    /// `i`
    pub(in crate::functions) ignore_case: bool,
    /// `.` and negated sets do not match a newline.
    pub(super) newline_excluded: bool,
    /// `^` and `$` match around newlines too.
    pub(super) newline_anchors: bool,
    /// `q`: the pattern is a plain text.
    pub(super) literal: bool,
    /// `x`: white space and comments in the pattern do not count.
    pub(super) expanded: bool,
    /// `b`: a basic regular expression.
    pub(super) basic: bool,
}

impl Flags {
    /// `i` alone.
    pub(in crate::functions) fn any_case() -> Flags {
        Flags { ignore_case: true, ..Flags::default() }
    }

    /// The flags of a `flags` argument.
    pub(in crate::functions) fn parse(letters: &str) -> Result<Flags> {
        let mut flags = Flags::default();
        for (at, letter) in letters.char_indices() {
            if letter == 'g' {
                flags.global = true;
            } else if !flags.set(letter) {
                let rest = letters.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(letter);
                return Err(Error::new(
                    SqlState::InvalidParameterValue,
                    format!("invalid regular expression option: \"{rest}\""),
                ));
            }
        }
        Ok(flags)
    }

    /// Applies a letter that may also be embedded; `false` where there is no such letter.
    pub(super) fn set(&mut self, letter: char) -> bool {
        match letter {
            'b' => (self.basic, self.literal) = (true, false),
            'c' => self.ignore_case = false,
            'e' => (self.basic, self.literal) = (false, false),
            'i' => self.ignore_case = true,
            'm' | 'n' => (self.newline_excluded, self.newline_anchors) = (true, true),
            'p' => (self.newline_excluded, self.newline_anchors) = (true, false),
            'q' => (self.literal, self.basic) = (true, false),
            's' => (self.newline_excluded, self.newline_anchors) = (false, false),
            't' => self.expanded = false,
            'w' => (self.newline_excluded, self.newline_anchors) = (false, true),
            'x' => self.expanded = true,
            _ => return false,
        }
        true
    }
}
