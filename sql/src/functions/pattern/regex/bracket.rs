//! Bracket expressions: `[...]` and `[^...]`.

use super::class::{Class, Item, Set};
use super::parse::{Escape, Parser, invalid};
use super::syntax::{Assertion, Node};
use crate::error::Result;

/// An element of a bracket expression.
enum Element {
    Character(char),
    Class(Class, bool),
}

impl Parser {
    /// What follows an opening bracket.
    pub(super) fn bracket(&mut self) -> Result<Node> {
        if self.take("[:<:]]") {
            return Ok(Node::Assertion(Assertion::WordStart));
        }
        if self.take("[:>:]]") {
            return Ok(Node::Assertion(Assertion::WordEnd));
        }
        let negated = self.take("^");
        let mut set = Set { items: Vec::new(), negated, no_newline: negated && self.flags.newline_excluded };
        let mut first = true;
        while first || self.peek() != Some(']') {
            first = false;
            match self.element()? {
                Element::Class(class, negated) => {
                    if self.starts_range() {
                        return Err(invalid("invalid character range"));
                    }
                    set.items.push(Item::Class { class, negated });
                }
                Element::Character(low) => {
                    let high = if self.starts_range() {
                        self.at += 1;
                        match self.element()? {
                            Element::Character(high) => high,
                            Element::Class(..) => return Err(invalid("invalid character range")),
                        }
                    } else {
                        low
                    };
                    if low > high {
                        return Err(invalid("invalid character range"));
                    }
                    set.items.push(Item::Range(low, high));
                }
            }
        }
        self.at += 1;
        if self.flags.ignore_case {
            set.fold_case();
        }
        Ok(Node::Set(set))
    }

    /// Whether a `-` stands here that is not the last character.
    fn starts_range(&self) -> bool {
        self.peek() == Some('-') && self.text.get(self.at + 1).is_some_and(|&next| next != ']')
    }

    fn element(&mut self) -> Result<Element> {
        let unbalanced = || invalid("brackets [] not balanced");
        match self.next().ok_or_else(unbalanced)? {
            '[' if self.take(":") => {
                let name = self.delimited(':')?;
                let class = Class::named(&name).ok_or_else(|| invalid("invalid character class"))?;
                Ok(Element::Class(class, false))
            }
            '[' if self.take(".") => self.collating('.'),
            '[' if self.take("=") => self.collating('='),
            '\\' => match self.escape()? {
                Escape::Character(character) => Ok(Element::Character(character)),
                Escape::Class(class, negated) => Ok(Element::Class(class, negated)),
                Escape::Assertion(_) | Escape::BackReference(_) => Err(invalid("invalid escape \\ sequence")),
            },
            character => Ok(Element::Character(character)),
        }
    }

    /// The text up to `delimiter` and a closing bracket.
    fn delimited(&mut self, delimiter: char) -> Result<String> {
        let mut name = String::new();
        loop {
            match self.next() {
                None => return Err(invalid("brackets [] not balanced")),
                Some(character) if character == delimiter && self.peek() == Some(']') => {
                    self.at += 1;
                    return Ok(name);
                }
                Some(character) => name.push(character),
            }
        }
    }

    fn collating(&mut self, delimiter: char) -> Result<Element> {
        let name = self.delimited(delimiter)?;
        let mut characters = name.chars();
        match (characters.next(), characters.next()) {
            (Some(only), None) => Ok(Element::Character(only)),
            _ => Err(invalid("invalid collating element")),
        }
    }
}
