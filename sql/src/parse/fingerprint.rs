//! The key of the statement cache: a text without its literals.
//!
//! Two texts with the same fingerprint differ in the values of their literals, in blanks around them and in nothing
//! else; the kinds of the literals are part of the fingerprint, because they choose types.

use super::token::{Lexer, TokenKind};
use crate::error::{Error, Result, SqlState};

/// A literal of a text: where it stands and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    pub start: u32,
    pub end: u32,
    pub value: LiteralValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LiteralValue {
    /// Digits alone; whether it is int4, int8 or numeric follows from its size, and the fingerprint says which.
    Integer(String),
    Decimal(String),
    String(String),
}

/// A text with each literal replaced by a mark of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint {
    pub key: String,
    pub literals: Vec<Literal>,
    /// Whether the text has more than one statement.
    pub several: bool,
}

/// The fingerprint of a text. Fails where the text has no tokens, and where it has parameters: a text whose literals
/// stand for parameters has no room for others.
pub fn fingerprint(text: &str) -> Result<Fingerprint> {
    let mut lexer = Lexer::new(text);
    let mut key = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let (mut several, mut ended) = (false, false);
    loop {
        let token = lexer.next_token()?;
        let written = text.get(token.start as usize..token.end as usize).unwrap_or_default();
        several |= ended && !matches!(token.kind, TokenKind::End | TokenKind::Symbol(b';'));
        let (mark, value) = match token.kind {
            TokenKind::End => return Ok(Fingerprint { key, literals, several }),
            TokenKind::Symbol(b';') => {
                ended = true;
                continue;
            }
            TokenKind::Integer => (integer_mark(written), LiteralValue::Integer(written.to_string())),
            TokenKind::Decimal => ('\u{3}', LiteralValue::Decimal(written.to_string())),
            TokenKind::String(value) => ('\u{4}', LiteralValue::String(value)),
            TokenKind::Parameter(number) => {
                let message = format!("there is no parameter ${number}");
                return Err(Error::new(SqlState::UndefinedParameter, message)
                    .at(super::position::position(text, token.start)));
            }
            _ => {
                if !key.is_empty() {
                    key.push(' ');
                }
                key.push_str(written);
                continue;
            }
        };
        key.push(' ');
        key.push(mark);
        literals.push(Literal { start: token.start, end: token.end, value });
    }
}

fn integer_mark(digits: &str) -> char {
    match digits.parse::<i64>() {
        Ok(value) if i32::try_from(value).is_ok() => '\u{1}',
        Ok(_) => '\u{2}',
        Err(_) => '\u{3}',
    }
}
