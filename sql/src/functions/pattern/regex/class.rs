//! Sets of characters: single ones, ranges and POSIX classes, in either case, negated or not.

use crate::functions::string::basic::{lower, upper};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Alnum,
    Alpha,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    XDigit,
    /// `\w`: letters, digits and the underscore.
    Word,
}

impl Class {
    pub(super) fn named(name: &str) -> Option<Class> {
        Some(match name {
            "alnum" => Class::Alnum,
            "alpha" => Class::Alpha,
            "blank" => Class::Blank,
            "cntrl" => Class::Cntrl,
            "digit" => Class::Digit,
            "graph" => Class::Graph,
            "lower" => Class::Lower,
            "print" => Class::Print,
            "punct" => Class::Punct,
            "space" => Class::Space,
            "upper" => Class::Upper,
            "xdigit" => Class::XDigit,
            "word" => Class::Word,
            _ => return None,
        })
    }

    pub(super) fn contains(self, character: char) -> bool {
        match self {
            Class::Alnum => character.is_alphanumeric(),
            Class::Alpha => character.is_alphabetic(),
            Class::Blank => character == ' ' || character == '\t',
            Class::Cntrl => character.is_control(),
            Class::Digit => character.is_ascii_digit(),
            Class::Graph => !character.is_control() && !character.is_whitespace(),
            Class::Lower => character.is_lowercase(),
            Class::Print => !character.is_control(),
            Class::Punct => punctuation(character),
            Class::Space => character.is_whitespace() && character != '\u{a0}',
            Class::Upper => character.is_uppercase(),
            Class::XDigit => character.is_ascii_hexdigit(),
            Class::Word => character == '_' || character.is_alphanumeric(),
        }
    }

    /// The items of a class in the syntax of the `regex` crate.
    pub(super) fn items(self) -> &'static str {
        match self {
            Class::Alnum => r"\p{Alphabetic}\p{N}",
            Class::Alpha => r"\p{Alphabetic}",
            Class::Blank => r"\x20\t",
            Class::Cntrl => r"\p{Cc}",
            Class::Digit => "0-9",
            Class::Graph => r"[^\p{Cc}\p{White_Space}]",
            Class::Lower => r"\p{Lowercase}",
            Class::Print => r"[^\p{Cc}]",
            Class::Punct => {
                r"[[\x21-\x7e&&[^0-9A-Za-z]][[^\x00-\x7f]&&[^\p{Alphabetic}\p{N}\p{Cc}\p{White_Space}]]]"
            }
            Class::Space => r"[\p{White_Space}&&[^\u{a0}]]",
            Class::Upper => r"\p{Uppercase}",
            Class::XDigit => "0-9A-Fa-f",
            Class::Word => r"\p{Alphabetic}\p{N}_",
        }
    }
}

fn punctuation(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_punctuation();
    }
    !character.is_alphanumeric() && !character.is_control() && !character.is_whitespace()
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Range(char, char),
    Class { class: Class, negated: bool },
}

/// A set of characters. `\n` is left out where `no_newline`.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) items: Vec<Item>,
    pub(super) negated: bool,
    pub(super) no_newline: bool,
}

impl Set {
    /// Every character.
    pub(super) fn any(no_newline: bool) -> Set {
        Set { items: Vec::new(), negated: true, no_newline }
    }

    pub(super) fn one(character: char) -> Set {
        Set { items: vec![Item::Range(character, character)], negated: false, no_newline: false }
    }

    pub(super) fn class(class: Class, negated: bool) -> Set {
        Set { items: vec![Item::Class { class, negated }], negated: false, no_newline: false }
    }

    pub(super) fn contains(&self, character: char) -> bool {
        if self.no_newline && character == '\n' {
            return false;
        }
        let listed = self.items.iter().any(|item| match *item {
            Item::Range(low, high) => (low..=high).contains(&character),
            Item::Class { class, negated } => class.contains(character) != negated,
        });
        listed != self.negated
    }

    /// Adds the other case of every character.
    pub(super) fn fold_case(&mut self) {
        let mut folded = Vec::new();
        for item in &self.items {
            match *item {
                Item::Range(low, high) => {
                    // Letters beyond this many in one range are not folded one by one: such ranges name whole scripts.
                    for character in (low..=high).take(4096) {
                        other_cases(character, &mut folded);
                    }
                }
                Item::Class { class: Class::Lower | Class::Upper, negated } => {
                    folded.push(Item::Class { class: Class::Lower, negated });
                    folded.push(Item::Class { class: Class::Upper, negated });
                }
                Item::Class { .. } => {}
            }
        }
        self.items.extend(folded);
    }
}

fn other_cases(character: char, into: &mut Vec<Item>) {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    for variant in [lower(text), upper(text)] {
        if let Some(other) = variant.chars().next().filter(|&other| other != character) {
            into.push(Item::Range(other, other));
        }
    }
}
