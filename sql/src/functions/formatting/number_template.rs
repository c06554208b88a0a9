//! Templates of numbers, and the literal text that all templates share.

use crate::error::{Error, Result, SqlState};

/// What a keyword stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Comma,
    Point,
    Zero,
    Nine,
    Blank,
    LocalPoint,
    Exponent,
    Fill,
    Group,
    Currency,
    Minus,
    Plus,
    Brackets,
    Roman {
        upper: bool,
    },
    SignBoth,
    Sign,
    Ordinal {
        upper: bool,
    },
    Shift,
    /// A keyword without effect.
    Nothing,
}

const KEYWORDS: &[(&str, Key)] = &[
    (",", Key::Comma),
    (".", Key::Point),
    ("0", Key::Zero),
    ("9", Key::Nine),
    ("B", Key::Blank),
    ("C", Key::Nothing),
    ("D", Key::LocalPoint),
    ("EEEE", Key::Exponent),
    ("FM", Key::Fill),
    ("G", Key::Group),
    ("L", Key::Currency),
    ("MI", Key::Minus),
    ("PL", Key::Plus),
    ("PR", Key::Brackets),
    ("RN", Key::Roman { upper: true }),
    ("SG", Key::SignBoth),
    ("SP", Key::Nothing),
    ("S", Key::Sign),
    ("TH", Key::Ordinal { upper: true }),
    ("V", Key::Shift),
    ("b", Key::Blank),
    ("c", Key::Nothing),
    ("d", Key::LocalPoint),
    ("eeee", Key::Exponent),
    ("fm", Key::Fill),
    ("g", Key::Group),
    ("l", Key::Currency),
    ("mi", Key::Minus),
    ("pl", Key::Plus),
    ("pr", Key::Brackets),
    ("rn", Key::Roman { upper: false }),
    ("sg", Key::SignBoth),
    ("sp", Key::Nothing),
    ("s", Key::Sign),
    ("th", Key::Ordinal { upper: false }),
    ("v", Key::Shift),
];

/// Where the sign of `S` goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SignPlace {
    #[default]
    Nowhere,
    Before,
    Behind,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Key(Key),
    Character(char),
}

/// What a template asks for as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    /// Digits before the point.
    pub(super) before: usize,
    /// Digits behind the point.
    pub(super) behind: usize,
    /// Digits behind `V`.
    pub(super) shift: usize,
    /// The digit, counted from one, at which leading zeros begin.
    pub(super) zero_start: usize,
    pub(super) zero_end: usize,
    pub(super) sign_place: SignPlace,
    /// Digits that stood before `S`.
    pub(super) before_sign: usize,
    pub(super) has_point: bool,
    pub(super) has_zero: bool,
    pub(super) blank: bool,
    pub(super) fill: bool,
    pub(super) sign: bool,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) brackets: bool,
    pub(super) roman: bool,
    pub(super) has_shift: bool,
    pub(super) exponent: bool,
}

/// Text of a template that is no keyword.
pub(super) enum Literal {
    Quoted(String),
    Plain(char),
    Nothing,
}

/// Takes quoted text or one character off a template.
pub(super) fn literal(template: &str) -> (Literal, &str) {
    if let Some(quoted) = template.strip_prefix('"') {
        let mut text = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => text.push(characters.next().unwrap_or('\\')),
                other => text.push(other),
            }
        }
        return (Literal::Quoted(text), characters.as_str());
    }
    let template = if template.starts_with("\\\"") { &template[1..] } else { template };
    let mut characters = template.chars();
    match characters.next() {
        Some(character) => (Literal::Plain(character), characters.as_str()),
        None => (Literal::Nothing, ""),
    }
}

fn syntax(message: &str) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

/// Cuts a template into its parts and checks that they go together.
pub(super) fn parse(template: &str) -> Result<(Vec<Node>, Picture)> {
    let mut nodes = Vec::new();
    let mut picture = Picture::default();
    let mut rest = template;
    while !rest.is_empty() {
        if let Some((name, key)) = KEYWORDS.iter().find(|(name, _)| rest.starts_with(name)) {
            rest = &rest[name.len()..];
            picture.add(*key)?;
            nodes.push(Node::Key(*key));
            continue;
        }
        let (text, after) = literal(rest);
        match text {
            Literal::Quoted(text) => nodes.extend(text.chars().map(Node::Character)),
            Literal::Plain(character) => nodes.push(Node::Character(character)),
            Literal::Nothing => {}
        }
        rest = after;
    }
    Ok((nodes, picture))
}

impl Picture {
    fn add(&mut self, key: Key) -> Result<()> {
        if self.exponent && key != Key::Exponent {
            return Err(syntax("\"EEEE\" must be the last pattern used"));
        }
        match key {
            Key::Nine if self.brackets => return Err(syntax("\"9\" must be ahead of \"PR\"")),
            Key::Nine if self.has_shift => self.shift += 1,
            Key::Nine if self.has_point => self.behind += 1,
            Key::Nine => self.before += 1,
            Key::Zero => self.add_zero()?,
            Key::Blank => self.blank |= self.before == 0 && self.behind == 0 && !self.has_zero,
            Key::Point | Key::LocalPoint => {
                if self.has_point {
                    return Err(syntax("multiple decimal points"));
                }
                if self.has_shift {
                    return Err(syntax("cannot use \"V\" and decimal point together"));
                }
                self.has_point = true;
            }
            Key::Fill => self.fill = true,
            Key::Sign => self.add_sign()?,
            Key::Minus if self.sign => return Err(syntax("cannot use \"S\" and \"MI\" together")),
            Key::Minus => self.minus = true,
            Key::Plus if self.sign => return Err(syntax("cannot use \"S\" and \"PL\" together")),
            Key::Plus => self.plus = true,
            Key::SignBoth if self.sign => return Err(syntax("cannot use \"S\" and \"SG\" together")),
            Key::SignBoth => (self.minus, self.plus) = (true, true),
            Key::Brackets if self.sign || self.plus || self.minus => {
                return Err(syntax("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
            }
            Key::Brackets => self.brackets = true,
            Key::Roman { .. } => self.roman = true,
            Key::Shift if self.has_point => {
                return Err(syntax("cannot use \"V\" and decimal point together"));
            }
            Key::Shift => self.has_shift = true,
            Key::Exponent => self.add_exponent()?,
            Key::Comma | Key::Group | Key::Currency | Key::Ordinal { .. } | Key::Nothing => {}
        }
        Ok(())
    }

    fn add_zero(&mut self) -> Result<()> {
        if self.brackets {
            return Err(syntax("\"0\" must be ahead of \"PR\""));
        }
        if !self.has_zero && !self.has_point {
            self.has_zero = true;
            self.zero_start = self.before + 1;
        }
        if self.has_point {
            self.behind += 1;
        } else {
            self.before += 1;
        }
        self.zero_end = self.before + self.behind;
        Ok(())
    }

    fn add_sign(&mut self) -> Result<()> {
        if self.sign {
            return Err(syntax("cannot use \"S\" twice"));
        }
        if self.plus || self.minus || self.brackets {
            return Err(syntax("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
        }
        if !self.has_point {
            self.sign_place = SignPlace::Before;
            self.before_sign = self.before;
            self.sign = true;
        } else if self.sign_place == SignPlace::Nowhere {
            self.sign_place = SignPlace::Behind;
            self.sign = true;
        }
        Ok(())
    }

    fn add_exponent(&mut self) -> Result<()> {
        if self.exponent {
            return Err(syntax("cannot use \"EEEE\" twice"));
        }
        let others = self.blank
            || self.fill
            || self.sign
            || self.brackets
            || self.minus
            || self.plus
            || self.roman
            || self.has_shift;
        if others {
            return Err(syntax("\"EEEE\" is incompatible with other formats")
                .detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
        }
        self.exponent = true;
        Ok(())
    }
}
