//! From the text of an advanced regular expression to its syntax tree.

use super::class::{Class, Set};
use super::flags::Flags;
use super::syntax::{Assertion, Node, Preference, Repeat};
use crate::error::{Error, Result, SqlState};

/// Groups nested deeper are refused, as are trees that would overflow a stack.
const MAX_DEPTH: usize = 250;
/// The largest number in a bound.
const MAX_REPEAT: u32 = 255;

/// A parsed expression.
pub(super) struct Parsed {
    pub(super) node: Node,
    /// How many groups capture.
    pub(super) groups: usize,
}

/// The error for an expression that is none; `what` in the words of PostgreSQL.
pub(super) fn invalid(what: &str) -> Error {
    Error::new(SqlState::InvalidRegularExpression, format!("invalid regular expression: {what}"))
}

pub(super) fn parse(pattern: &str, mut flags: Flags) -> Result<Parsed> {
    let mut text = pattern;
    if let Some(literal) = text.strip_prefix("***=") {
        flags.literal = true;
        text = literal;
    } else if let Some(advanced) = text.strip_prefix("***:") {
        (flags.literal, flags.basic) = (false, false);
        text = advanced;
    } else if text.starts_with("***") {
        return Err(invalid("invalid regexp (reg version 0.8)"));
    }
    if flags.basic {
        return Err(Error::unsupported("a basic regular expression (option b)"));
    }
    if !flags.literal {
        text = embedded_options(text, &mut flags)?;
    }
    let mut parser = Parser { text: text.chars().collect(), at: 0, flags, groups: 0, depth: 0 };
    let node = if parser.flags.literal { parser.literal() } else { parser.whole()? };
    Ok(Parsed { node, groups: parser.groups })
}

/// Takes `(?letters)` off the start.
fn embedded_options<'a>(text: &'a str, flags: &mut Flags) -> Result<&'a str> {
    let Some(rest) = text.strip_prefix("(?") else { return Ok(text) };
    if !rest.starts_with(|character: char| character.is_ascii_alphabetic()) {
        return Ok(text);
    }
    let (letters, after) = rest.split_once(')').ok_or_else(|| invalid("invalid embedded option"))?;
    for letter in letters.chars() {
        if !flags.set(letter) {
            return Err(invalid("invalid embedded option"));
        }
    }
    Ok(after)
}

pub(super) struct Parser {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) flags: Flags,
    groups: usize,
    depth: usize,
}

/// What a backslash introduces.
pub(super) enum Escape {
    Character(char),
    Class(Class, bool),
    Assertion(Assertion),
    BackReference(usize),
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn peek_after(&self, skip: usize) -> Option<char> {
        self.text.get(self.at + skip).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    pub(super) fn take(&mut self, expected: &str) -> bool {
        let matches =
            expected.chars().enumerate().all(|(skip, character)| self.peek_after(skip) == Some(character));
        if matches {
            self.at += expected.chars().count();
        }
        matches
    }

    fn literal(&mut self) -> Node {
        let nodes =
            std::mem::take(&mut self.text).into_iter().map(|character| self.character(character)).collect();
        Node::Concatenation(nodes)
    }

    fn whole(&mut self) -> Result<Node> {
        let node = self.alternation()?;
        match self.peek() {
            None => Ok(node),
            Some(_) => Err(invalid("parentheses () not balanced")),
        }
    }

    fn alternation(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid("regular expression is too complex"));
        }
        let mut branches = vec![self.branch()?];
        while self.peek() == Some('|') {
            self.at += 1;
            branches.push(self.branch()?);
        }
        self.depth -= 1;
        match (branches.len(), branches.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => {
                branches.extend(last);
                Ok(Node::Alternation(branches))
            }
        }
    }

    fn branch(&mut self) -> Result<Node> {
        let mut items = Vec::new();
        loop {
            self.skip_ignored()?;
            match self.peek() {
                None | Some('|' | ')') => break,
                Some(_) => {}
            }
            let (atom, quantifiable) = self.atom()?;
            self.skip_ignored()?;
            items.push(self.quantified(atom, quantifiable)?);
        }
        Ok(match items.len() {
            0 => Node::Empty,
            1 => items.pop().unwrap_or(Node::Empty),
            _ => Node::Concatenation(items),
        })
    }

    /// Passes comments, and in expanded syntax white space.
    fn skip_ignored(&mut self) -> Result<()> {
        loop {
            if self.take("(?#") {
                while self.next().ok_or_else(|| invalid("parentheses () not balanced"))? != ')' {}
            } else if self.flags.expanded && self.peek().is_some_and(char::is_whitespace) {
                self.at += 1;
            } else if self.flags.expanded && self.peek() == Some('#') {
                while self.peek().is_some_and(|character| character != '\n') {
                    self.at += 1;
                }
            } else {
                return Ok(());
            }
        }
    }

    /// An atom or a constraint, and whether it may be repeated.
    fn atom(&mut self) -> Result<(Node, bool)> {
        let Some(character) = self.next() else { return Ok((Node::Empty, false)) };
        let node = match character {
            '(' => return self.group(),
            '[' => {
                let node = self.bracket()?;
                let repeats = matches!(node, Node::Set(_));
                return Ok((node, repeats));
            }
            '.' => Node::Set(Set::any(self.flags.newline_excluded)),
            '^' => {
                let start =
                    if self.flags.newline_anchors { Assertion::LineStart } else { Assertion::TextStart };
                return Ok((Node::Assertion(start), false));
            }
            '$' => {
                let end = if self.flags.newline_anchors { Assertion::LineEnd } else { Assertion::TextEnd };
                return Ok((Node::Assertion(end), false));
            }
            '*' | '+' | '?' => return Err(invalid("quantifier operand invalid")),
            '{' if self.peek().is_some_and(|digit| digit.is_ascii_digit()) => {
                return Err(invalid("quantifier operand invalid"));
            }
            '\\' => match self.escape()? {
                Escape::Character(character) => self.character(character),
                Escape::Class(class, negated) => Node::Set(Set::class(class, negated)),
                Escape::Assertion(assertion) => return Ok((Node::Assertion(assertion), false)),
                Escape::BackReference(number) => Node::BackReference(number),
            },
            other => self.character(other),
        };
        Ok((node, true))
    }

    fn character(&self, character: char) -> Node {
        let mut set = Set::one(character);
        if self.flags.ignore_case {
            set.fold_case();
        }
        Node::Set(set)
    }

    fn group(&mut self) -> Result<(Node, bool)> {
        let look = if self.take("?=") {
            Some((true, false))
        } else if self.take("?!") {
            Some((true, true))
        } else if self.take("?<=") {
            Some((false, false))
        } else if self.take("?<!") {
            Some((false, true))
        } else {
            None
        };
        let number = if look.is_some() || self.take("?:") {
            None
        } else if self.peek() == Some('?') {
            return Err(invalid("quantifier operand invalid"));
        } else {
            self.groups += 1;
            Some(self.groups)
        };
        let groups = self.groups;
        let node = Box::new(self.alternation()?);
        if self.next() != Some(')') {
            return Err(invalid("parentheses () not balanced"));
        }
        Ok(match look {
            Some((ahead, negated)) => {
                // Groups inside a look-around do not capture.
                self.groups = groups;
                (Node::Look { ahead, negated, node }, false)
            }
            None => (Node::Group { number, node }, true),
        })
    }

    fn quantified(&mut self, atom: Node, quantifiable: bool) -> Result<Node> {
        let Some((least, most, exact)) = self.quantifier()? else { return Ok(atom) };
        if !quantifiable {
            return Err(invalid("quantifier operand invalid"));
        }
        let shortest = self.peek() == Some('?');
        self.at += usize::from(shortest);
        self.skip_ignored()?;
        if matches!(self.peek(), Some('*' | '+' | '?'))
            || (self.peek() == Some('{') && self.peek_after(1).is_some_and(|digit| digit.is_ascii_digit()))
        {
            return Err(invalid("quantifier operand invalid"));
        }
        let preference = match (exact, shortest) {
            (true, _) => None,
            (false, true) => Some(Preference::Shortest),
            (false, false) => Some(Preference::Longest),
        };
        Ok(Node::Repeat(Repeat { node: Box::new(atom), least, most, preference }))
    }

    /// Least, most, and whether the form was `{m}`.
    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>, bool)>> {
        let quantifier = match self.peek() {
            Some('*') => (0, None, false),
            Some('+') => (1, None, false),
            Some('?') => (0, Some(1), false),
            Some('{') if self.peek_after(1).is_some_and(|digit| digit.is_ascii_digit()) => {
                self.at += 1;
                return self.bound().map(Some);
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(quantifier))
    }

    fn bound(&mut self) -> Result<(u32, Option<u32>, bool)> {
        let least = self.bound_number()?;
        let bound = if self.peek() == Some(',') {
            self.at += 1;
            if self.peek().is_some_and(|digit| digit.is_ascii_digit()) {
                let most = self.bound_number()?;
                if most < least {
                    return Err(invalid("invalid repetition count(s)"));
                }
                (least, Some(most), false)
            } else {
                (least, None, false)
            }
        } else {
            (least, Some(least), true)
        };
        match self.next() {
            Some('}') => Ok(bound),
            None => Err(invalid("braces {} not balanced")),
            Some(_) => Err(invalid("invalid repetition count(s)")),
        }
    }

    fn bound_number(&mut self) -> Result<u32> {
        let mut number = 0;
        while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(10)) {
            number = number * 10 + digit;
            if number > MAX_REPEAT {
                return Err(invalid("invalid repetition count(s)"));
            }
            self.at += 1;
        }
        Ok(number)
    }

    /// What follows a backslash.
    pub(super) fn escape(&mut self) -> Result<Escape> {
        let bad = || invalid("invalid escape \\ sequence");
        let letter = self.next().ok_or_else(bad)?;
        if !letter.is_ascii_alphanumeric() {
            return Ok(Escape::Character(letter));
        }
        Ok(match letter {
            'a' => Escape::Character('\u{7}'),
            'b' => Escape::Character('\u{8}'),
            'B' => Escape::Character('\\'),
            'c' => {
                let control = self.next().ok_or_else(bad)?;
                Escape::Character(char::from_u32(u32::from(control) & 0o37).ok_or_else(bad)?)
            }
            'e' => Escape::Character('\u{1b}'),
            'f' => Escape::Character('\u{c}'),
            'n' => Escape::Character('\n'),
            'r' => Escape::Character('\r'),
            't' => Escape::Character('\t'),
            'v' => Escape::Character('\u{b}'),
            'u' => Escape::Character(self.hexadecimal(4, 4)?),
            'U' => Escape::Character(self.hexadecimal(8, 8)?),
            'x' => Escape::Character(self.hexadecimal(1, 255)?),
            'd' => Escape::Class(Class::Digit, false),
            's' => Escape::Class(Class::Space, false),
            'w' => Escape::Class(Class::Word, false),
            'D' => Escape::Class(Class::Digit, true),
            'S' => Escape::Class(Class::Space, true),
            'W' => Escape::Class(Class::Word, true),
            'A' => Escape::Assertion(Assertion::TextStart),
            'Z' => Escape::Assertion(Assertion::TextEnd),
            'm' => Escape::Assertion(Assertion::WordStart),
            'M' => Escape::Assertion(Assertion::WordEnd),
            'y' => Escape::Assertion(Assertion::WordBoundary),
            'Y' => Escape::Assertion(Assertion::NotWordBoundary),
            '0'..='9' => return self.number(letter),
            _ => return Err(bad()),
        })
    }

    fn hexadecimal(&mut self, least: usize, most: usize) -> Result<char> {
        let (mut code, mut digits) = (0u32, 0);
        while digits < most {
            let Some(digit) = self.peek().and_then(|digit| digit.to_digit(16)) else { break };
            code = code
                .checked_mul(16)
                .map(|code| code + digit)
                .ok_or_else(|| invalid("invalid escape \\ sequence"))?;
            digits += 1;
            self.at += 1;
        }
        match char::from_u32(code) {
            Some(character) if digits >= least => Ok(character),
            _ => Err(invalid("invalid escape \\ sequence")),
        }
    }

    /// A back reference, or a character in octal.
    fn number(&mut self, first: char) -> Result<Escape> {
        let start = self.at;
        if first != '0' {
            let mut number = first.to_digit(10).unwrap_or(0) as usize;
            while let Some(digit) =
                self.peek().and_then(|digit| digit.to_digit(10)).filter(|_| self.at < start + 2)
            {
                number = number * 10 + digit as usize;
                self.at += 1;
            }
            if self.at == start || number <= self.groups {
                if number > self.groups {
                    return Err(invalid("invalid backreference number"));
                }
                return Ok(Escape::BackReference(number));
            }
            self.at = start;
        }
        let mut code = first.to_digit(8).ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        while let Some(digit) =
            self.peek().and_then(|digit| digit.to_digit(8)).filter(|_| self.at < start + 2)
        {
            code = code * 8 + digit;
            self.at += 1;
        }
        char::from_u32(code).map(Escape::Character).ok_or_else(|| invalid("invalid escape \\ sequence"))
    }
}
