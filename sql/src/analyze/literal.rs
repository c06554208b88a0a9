//! Literals.

use engine::Value;

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::tree::{Expression, ExpressionKind, Type};
use crate::types::oid;

impl Analyzer<'_> {
    /// A number: int4, int8 or numeric by its size and form.
    pub(super) fn number(&self, digits: &str, at: u32) -> Result<Expression> {
        let position = self.position(at);
        let (value, ty) = match digits.parse::<i64>() {
            Ok(value) => match i32::try_from(value) {
                Ok(value) => (Value::Int32(value), oid::INT4),
                Err(_) => (Value::Int64(value), oid::INT8),
            },
            Err(_) => {
                let value = crate::types::input(oid::NUMERIC, -1, digits, &self.environment.input);
                (value.map_err(|error| error.at(position))?, oid::NUMERIC)
            }
        };
        Ok(Expression { kind: ExpressionKind::Constant(value), ty: Type::new(ty), collation: 0, position })
    }

    /// A string, whose type its context decides.
    pub(super) fn string(&self, text: &str, at: u32) -> Expression {
        Expression {
            kind: ExpressionKind::Constant(Value::from(text)),
            ty: Type::new(oid::UNKNOWN),
            collation: 0,
            position: self.position(at),
        }
    }

    /// B'...' or X'...': a bit string as long as its digits.
    pub(super) fn bit_string(&self, digits: &str, hexadecimal: bool, at: u32) -> Result<Expression> {
        let position = self.position(at);
        let bits: String = if hexadecimal {
            let nibble = |c: char| c.to_digit(16).map(|digit| format!("{digit:04b}"));
            digits.chars().map(nibble).collect::<Option<_>>().ok_or_else(|| {
                let bad = digits.chars().find(|c| !c.is_ascii_hexdigit()).unwrap_or(' ');
                Error::new(
                    SqlState::InvalidTextRepresentation,
                    format!("\"{bad}\" is not a valid hexadecimal digit"),
                )
                .at(position)
            })?
        } else {
            digits.to_string()
        };
        let value = crate::types::input(oid::BIT, -1, &bits, &self.environment.input);
        Ok(Expression {
            kind: ExpressionKind::Constant(value.map_err(|error| error.at(position))?),
            ty: Type::new(oid::BIT),
            collation: 0,
            position,
        })
    }

    /// NULL, whose type its context decides.
    pub(super) fn null(&self, at: u32) -> Expression {
        Expression {
            kind: ExpressionKind::Constant(Value::Null),
            ty: Type::new(oid::UNKNOWN),
            collation: 0,
            position: self.position(at),
        }
    }

    pub(super) fn boolean(&self, value: bool, at: u32) -> Expression {
        Expression {
            kind: ExpressionKind::Constant(Value::Bool(value)),
            ty: Type::new(oid::BOOL),
            collation: 0,
            position: self.position(at),
        }
    }
}
