//! Names of types, with the keyword forms of the standard under their internal names.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Expression, ExpressionKind, ObjectName, TypeName};
use crate::parse::token::TokenKind;

/// PostgreSQL's bits of interval fields.
const YEAR: i32 = 1 << 2;
const MONTH: i32 = 1 << 1;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;
/// The range of an interval without fields.
const FULL_RANGE: i32 = 0x7fff;

impl Parser<'_> {
    /// A type, with SETOF, modifiers and array bounds.
    pub(in crate::parse) fn type_name(&mut self) -> Result<TypeName> {
        let at = self.at();
        let set_of = self.accept("setof");
        let mut ty = self.simple_type_name()?;
        ty.set_of = set_of;
        ty.at = at;
        if self.accept("array") {
            let bound = if self.accept_symbol(b'[') { self.array_bound()? } else { -1 };
            ty.array_bounds.push(bound);
        }
        while self.accept_symbol(b'[') {
            let bound = self.array_bound()?;
            ty.array_bounds.push(bound);
        }
        Ok(ty)
    }

    fn array_bound(&mut self) -> Result<i32> {
        let bound = if self.is_symbol(b']') { -1 } else { self.small_integer()? };
        self.expect_symbol(b']')?;
        Ok(bound)
    }

    /// Whether a keyword type and then a string stands here: `date '...'` needs no rule, but the types whose name
    /// has several words, modifiers or trailing fields do.
    pub(super) fn is_typed_literal(&self, word: &str) -> bool {
        let string_at = |ahead: usize| matches!(self.peek_at(ahead).kind, TokenKind::String(_));
        match word {
            "interval" => string_at(1) || self.literal_after_modifiers(1),
            "timestamp" | "time" => {
                string_at(1)
                    || self.literal_after_modifiers(1)
                    || self.is_at(1, "with")
                    || self.is_at(1, "without")
            }
            "double" => self.is_at(1, "precision") && string_at(2),
            "character" | "char" | "nchar" | "bit" | "national" => {
                string_at(1)
                    || self.is_at(1, "varying")
                    || self.is_at(1, "character")
                    || self.is_at(1, "char")
                    || self.literal_after_modifiers(1)
            }
            "numeric" | "decimal" | "dec" | "varchar" | "float" => {
                string_at(1) || self.literal_after_modifiers(1)
            }
            "bigint" | "int" | "integer" | "smallint" | "real" | "boolean" => string_at(1),
            _ => false,
        }
    }

    /// Whether N'...' stands here, the letter right before its quote.
    pub(super) fn is_national_literal(&self) -> bool {
        let (letter, literal) = (self.peek_at(0), self.peek_at(1));
        matches!(literal.kind, TokenKind::String(_)) && letter.end == literal.start
    }

    /// N'...': a character literal of any length.
    pub(super) fn national_literal(&mut self) -> Result<Expression> {
        let at = self.at();
        self.advance();
        self.literal_of(system_type("bpchar", at))
    }

    /// Whether `( ... )` and then a string, WITH or WITHOUT begins `ahead`.
    fn literal_after_modifiers(&self, mut ahead: usize) -> bool {
        if !self.is_symbol_at(ahead, b'(') {
            return false;
        }
        while matches!(
            self.peek_at(ahead).kind,
            TokenKind::Symbol(b'(' | b',') | TokenKind::Integer | TokenKind::Operator
        ) {
            ahead += 1;
        }
        let after = self.is_symbol_at(ahead, b')').then_some(ahead + 1);
        after.is_some_and(|after| {
            matches!(self.peek_at(after).kind, TokenKind::String(_))
                || (self.is_at(after, "with") || self.is_at(after, "without"))
                    && self.is_at(after + 1, "time")
        })
    }

    /// A literal of a keyword type.
    pub(super) fn typed_literal(&mut self) -> Result<Expression> {
        let at = self.at();
        let interval = self.is("interval");
        let mut ty = if interval { self.interval_before_literal()? } else { self.simple_type_name()? };
        ty.at = at;
        let mut literal = self.literal_of(ty)?;
        if interval && let ExpressionKind::Cast { ty, .. } = &mut literal.kind {
            let fields = self.interval_fields()?;
            if !fields.is_empty() {
                ty.modifiers = fields;
            }
        }
        Ok(literal)
    }

    /// `INTERVAL` or `INTERVAL(p)`, the literal and its fields still to come.
    fn interval_before_literal(&mut self) -> Result<TypeName> {
        let at = self.at();
        self.advance();
        let mut ty = system_type("interval", at);
        if let Some(precision) = self.precision()? {
            ty.modifiers = vec![integer(FULL_RANGE, at), precision];
        }
        Ok(ty)
    }

    fn simple_type_name(&mut self) -> Result<TypeName> {
        let at = self.at();
        let word = self.word_lower();
        let keyword = match word.as_str() {
            "int" | "integer" => "int4",
            "smallint" => "int2",
            "bigint" => "int8",
            "real" => "float4",
            "boolean" => "bool",
            "numeric" | "decimal" | "dec" => "numeric",
            "double" | "float" | "bit" | "character" | "char" | "nchar" | "national" | "varchar"
            | "timestamp" | "time" | "interval" => return self.composite_keyword_type(&word),
            _ => return self.generic_type(),
        };
        self.advance();
        let mut ty = system_type(keyword, at);
        if keyword == "numeric" {
            ty.modifiers = self.optional_parenthesized(Self::expression)?;
        }
        Ok(ty)
    }

    fn composite_keyword_type(&mut self, word: &str) -> Result<TypeName> {
        let at = self.at();
        self.advance();
        match word {
            "double" => {
                self.expect("precision")?;
                Ok(system_type("float8", at))
            }
            "float" => self.float_type(at),
            "bit" => {
                let varying = self.accept("varying");
                let mut ty = system_type(if varying { "varbit" } else { "bit" }, at);
                ty.modifiers = self.optional_parenthesized(Self::expression)?;
                if ty.modifiers.is_empty() && !varying {
                    ty.modifiers.push(integer(1, at));
                }
                Ok(ty)
            }
            "timestamp" | "time" => self.date_time_type(word, at),
            "interval" => {
                let precision = self.precision()?;
                let mut ty = system_type("interval", at);
                ty.modifiers = match precision {
                    Some(precision) => vec![integer(FULL_RANGE, at), precision],
                    None => self.interval_fields()?,
                };
                Ok(ty)
            }
            "national" => {
                if self.accept_one(&["character", "char"]).is_none() {
                    return self.unexpected();
                }
                self.character_type(at)
            }
            "varchar" => {
                let mut ty = system_type("varchar", at);
                ty.modifiers = self.optional_parenthesized(Self::expression)?;
                Ok(ty)
            }
            _ => self.character_type(at),
        }
    }

    fn character_type(&mut self, at: u32) -> Result<TypeName> {
        let varying = self.accept("varying");
        let mut ty = system_type(if varying { "varchar" } else { "bpchar" }, at);
        ty.modifiers = self.optional_parenthesized(Self::expression)?;
        if ty.modifiers.is_empty() && !varying {
            ty.modifiers.push(integer(1, at));
        }
        Ok(ty)
    }

    fn float_type(&mut self, name_at: u32) -> Result<TypeName> {
        let mut precision = 53;
        let mut at = name_at;
        if self.accept_symbol(b'(') {
            at = self.at();
            precision = self.small_integer()?;
            self.expect_symbol(b')')?;
        }
        let complaint = match precision {
            ..1 => "precision for type float must be at least 1 bit",
            1..=24 => return Ok(system_type("float4", name_at)),
            25..=53 => return Ok(system_type("float8", name_at)),
            54.. => "precision for type float must be less than 54 bits",
        };
        let position = crate::parse::position::position(self.text, at);
        Err(crate::error::Error::new(crate::error::SqlState::InvalidParameterValue, complaint).at(position))
    }

    fn date_time_type(&mut self, word: &str, at: u32) -> Result<TypeName> {
        let precision = self.precision()?;
        let zoned = self.accept_all(&["with", "time", "zone"]);
        if !zoned {
            self.accept_all(&["without", "time", "zone"]);
        }
        let name = match (word, zoned) {
            ("time", true) => "timetz",
            ("time", false) => "time",
            (_, true) => "timestamptz",
            (_, false) => "timestamp",
        };
        let mut ty = system_type(name, at);
        ty.modifiers.extend(precision);
        Ok(ty)
    }

    fn precision(&mut self) -> Result<Option<Expression>> {
        let at = self.at();
        if !self.accept_symbol(b'(') {
            return Ok(None);
        }
        let precision = self.small_integer()?;
        self.expect_symbol(b')')?;
        Ok(Some(integer(precision, at)))
    }

    /// YEAR TO MONTH and the like, as PostgreSQL's modifiers; empty where none stand here.
    fn interval_fields(&mut self) -> Result<Vec<Expression>> {
        let at = self.at();
        let names = ["year", "month", "day", "hour", "minute", "second"];
        let bits = [YEAR, MONTH, DAY, HOUR, MINUTE, SECOND];
        let Some(first) = names.iter().position(|name| self.is(name)) else { return Ok(Vec::new()) };
        self.advance();
        let mut last = first;
        let ranged = self.is("to");
        if ranged {
            self.advance();
            let found = names.iter().position(|name| self.is(name));
            last = match (first, found) {
                (0, Some(1)) => 1,
                (2..=4, Some(found)) if found > first => found,
                _ => return self.unexpected(),
            };
            self.advance();
        }
        let mask = bits.get(first..=last).unwrap_or_default().iter().fold(0, |mask, bit| mask | bit);
        let mut modifiers = vec![integer(mask, at)];
        if last == 5 {
            modifiers.extend(self.precision()?);
        }
        Ok(modifiers)
    }

    fn generic_type(&mut self) -> Result<TypeName> {
        let at = self.at();
        let first = self.function_name()?;
        let mut parts = vec![first.text];
        while self.accept_symbol(b'.') {
            parts.push(self.label()?.text);
        }
        let percent_type = self.is_operator("%") && self.is_at(1, "type");
        if percent_type {
            self.advance();
            self.advance();
        }
        let modifiers = self.optional_parenthesized(Self::expression)?;
        let name = ObjectName { parts, at };
        Ok(TypeName { name, modifiers, array_bounds: Vec::new(), set_of: false, percent_type, at })
    }
}

fn system_type(name: &str, at: u32) -> TypeName {
    TypeName {
        name: ObjectName { parts: vec!["pg_catalog".to_string(), name.to_string()], at },
        modifiers: Vec::new(),
        array_bounds: Vec::new(),
        set_of: false,
        percent_type: false,
        at,
    }
}

fn integer(value: i32, at: u32) -> Expression {
    Expression { kind: ExpressionKind::Number(value.to_string()), at }
}
