//! The text of a date, time or interval cut into fields.

use super::super::integer::is_space;
use super::{Fault, keywords};

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Number,
    /// Digits with punctuation, or a word with punctuation: a date, or the name of a zone.
    Date,
    Time,
    /// A sign and digits.
    Zone,
    Word,
    /// A sign and letters.
    Special,
}

/// A field, in lower case.
#[derive(Clone, Debug)]
pub(in super::super) struct Field {
    pub(in super::super) kind: Kind,
    pub(in super::super) text: String,
}

const MAXIMUM_FIELDS: usize = 25;
/// PostgreSQL's buffer for all fields and their terminators.
const MAXIMUM_BYTES: usize = 153;

/// Cuts a text into fields.
pub(in super::super) fn split(text: &str) -> Result<Vec<Field>, Fault> {
    let mut fields: Vec<Field> = Vec::new();
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0, field: String::new() };
    let mut used = 0;
    while let Some(byte) = cursor.peek() {
        if is_space(char::from(byte)) {
            cursor.at += 1;
            continue;
        }
        if fields.len() >= MAXIMUM_FIELDS {
            return Err(Fault::Format);
        }
        cursor.field.clear();
        let kind = if byte.is_ascii_digit() {
            cursor.number()
        } else if byte == b'.' {
            cursor.push();
            cursor.take(|byte| byte.is_ascii_digit());
            Kind::Number
        } else if byte.is_ascii_alphabetic() {
            cursor.word()
        } else if matches!(byte, b'+' | b'-') {
            cursor.signed()?
        } else if byte.is_ascii_punctuation() {
            cursor.at += 1;
            continue;
        } else {
            return Err(Fault::Format);
        };
        used += cursor.field.len() + 1;
        if used > MAXIMUM_BYTES {
            return Err(Fault::Format);
        }
        fields.push(Field { kind, text: cursor.field.clone() });
    }
    Ok(fields)
}

struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
    field: String,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn peek_is(&self, accept: impl Fn(u8) -> bool) -> bool {
        self.peek().is_some_and(accept)
    }

    fn push(&mut self) {
        if let Some(byte) = self.peek() {
            self.field.push(char::from(byte.to_ascii_lowercase()));
            self.at += 1;
        }
    }

    fn take(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek_is(&accept) {
            self.push();
        }
    }

    /// Begins with a digit: a time, a date or a number.
    fn number(&mut self) -> Kind {
        self.take(|byte| byte.is_ascii_digit());
        match self.peek() {
            Some(b':') => {
                self.take(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
                Kind::Time
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => {
                self.push();
                if !self.peek_is(|byte| byte.is_ascii_digit()) {
                    self.take(|byte| byte.is_ascii_alphanumeric() || byte == delimiter);
                    return Kind::Date;
                }
                self.take(|byte| byte.is_ascii_digit());
                if self.peek() == Some(delimiter) {
                    self.take(|byte| byte.is_ascii_digit() || byte == delimiter);
                    return Kind::Date;
                }
                if delimiter == b'.' { Kind::Number } else { Kind::Date }
            }
            _ => Kind::Number,
        }
    }

    /// Begins with a letter: a word, or a date or a zone's name with punctuation inside.
    fn word(&mut self) -> Kind {
        self.take(|byte| byte.is_ascii_alphabetic());
        let continues = match self.peek() {
            Some(b'-' | b'/' | b'.') => true,
            Some(byte) if byte == b'+' || byte.is_ascii_digit() => keywords::find(&self.field).is_none(),
            _ => false,
        };
        if !continues {
            return Kind::Word;
        }
        self.push();
        self.take(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'/' | b'_' | b'.' | b':')
        });
        Kind::Date
    }

    /// Begins with a sign: a numeric zone, or `-infinity`.
    fn signed(&mut self) -> Result<Kind, Fault> {
        self.push();
        while self.peek_is(|byte| is_space(char::from(byte))) {
            self.at += 1;
        }
        if self.peek_is(|byte| byte.is_ascii_digit()) {
            self.take(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-'));
            return Ok(Kind::Zone);
        }
        if self.peek_is(|byte| byte.is_ascii_alphabetic()) {
            self.take(|byte| byte.is_ascii_alphabetic());
            return Ok(Kind::Special);
        }
        Err(Fault::Format)
    }
}
