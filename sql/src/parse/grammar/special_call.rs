//! Calls with a grammar of their own: CAST, EXTRACT, SUBSTRING, TRIM, COALESCE and the like. Where PostgreSQL turns
//! one into a plain call of a function in pg_catalog, so does this.

use super::call::system_call;
use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Expression, ExpressionKind};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    /// The special call that this word begins, if it does.
    pub(super) fn special_call(&mut self, word: &str) -> Result<Option<Expression>> {
        let at = self.at();
        if word == "collation" && self.is_at(1, "for") {
            self.advance();
            self.advance();
            let argument = self.single_argument()?;
            return Ok(Some(system_call("pg_collation_for", vec![argument], at)));
        }
        if !self.is_symbol_at(1, b'(') {
            return Ok(None);
        }
        let parse: fn(&mut Self, u32) -> Result<Expression> = match word {
            "cast" => Self::cast_call,
            "extract" => Self::extract_call,
            "position" => Self::position_call,
            "substring" => Self::substring_call,
            "overlay" => Self::overlay_call,
            "trim" => Self::trim_call,
            "normalize" => Self::normalize_call,
            "nullif" => Self::null_if_call,
            "coalesce" => |parser, at| parser.list_call(ExpressionKind::Coalesce, at),
            "greatest" => |parser, at| parser.list_call(ExpressionKind::Greatest, at),
            "least" => |parser, at| parser.list_call(ExpressionKind::Least, at),
            "treat" => return self.unsupported("TREAT"),
            "xmlconcat" | "xmlelement" | "xmlexists" | "xmlforest" | "xmlparse" | "xmlpi" | "xmlroot"
            | "xmlserialize" | "xmltable" => return self.unsupported("XML"),
            _ => return Ok(None),
        };
        self.advance();
        self.nested(|parser| parse(parser, at)).map(Some)
    }

    fn single_argument(&mut self) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let argument = self.expression()?;
        self.expect_symbol(b')')?;
        Ok(argument)
    }

    fn list_call(&mut self, kind: fn(Vec<Expression>) -> ExpressionKind, at: u32) -> Result<Expression> {
        let arguments = self.parenthesized(Self::expression)?;
        Ok(Expression { kind: kind(arguments), at })
    }

    fn null_if_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let left = Box::new(self.expression()?);
        self.expect_symbol(b',')?;
        let right = Box::new(self.expression()?);
        self.expect_symbol(b')')?;
        Ok(Expression { kind: ExpressionKind::NullIf(left, right), at })
    }

    fn cast_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let argument = Box::new(self.expression()?);
        self.expect("as")?;
        let ty = Box::new(self.type_name()?);
        self.expect_symbol(b')')?;
        Ok(Expression { kind: ExpressionKind::Cast { argument, ty }, at })
    }

    fn extract_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let field_at = self.at();
        let field = match &self.peek().kind {
            TokenKind::String(field) => field.clone(),
            TokenKind::Identifier(field) => field.clone(),
            _ => self.word_lower(),
        };
        if field.is_empty() {
            return self.unexpected();
        }
        self.advance();
        self.expect("from")?;
        let source = self.expression()?;
        self.expect_symbol(b')')?;
        let field = Expression { kind: ExpressionKind::String(field), at: field_at };
        Ok(system_call("extract", vec![field, source], at))
    }

    fn position_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let needle = self.restricted_expression()?;
        self.expect("in")?;
        let haystack = self.restricted_expression()?;
        self.expect_symbol(b')')?;
        Ok(system_call("position", vec![haystack, needle], at))
    }

    fn substring_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        if self.accept_symbol(b')') {
            return Ok(system_call("substring", Vec::new(), at));
        }
        let source = self.expression_above(super::operator::MEMBERSHIP + 1, false)?;
        let arguments = match self.accept_one(&["from", "for", "similar"]) {
            Some("from") => {
                let from = self.expression()?;
                let length = if self.accept("for") { Some(self.expression()?) } else { None };
                [source, from].into_iter().chain(length).collect()
            }
            Some("for") => {
                let length = self.expression()?;
                if self.accept("from") {
                    vec![source, self.expression()?, length]
                } else {
                    let one = Expression { kind: ExpressionKind::Number("1".to_string()), at };
                    vec![source, one, length]
                }
            }
            Some(_) => {
                let pattern = self.expression_above(super::operator::MEMBERSHIP + 1, false)?;
                self.expect("escape")?;
                vec![source, pattern, self.expression()?]
            }
            None => return self.plain_call("substring", source, at),
        };
        self.expect_symbol(b')')?;
        Ok(system_call("substring", arguments, at))
    }

    /// The ordinary form of a call whose first argument has been read already.
    fn plain_call(&mut self, name: &str, first: Expression, at: u32) -> Result<Expression> {
        let first = self.infix_chain(first, super::operator::LOWEST, false)?;
        let mut arguments = vec![first];
        while self.accept_symbol(b',') {
            arguments.push(self.expression()?);
        }
        self.expect_symbol(b')')?;
        let name = crate::parse::syntax::ObjectName { parts: vec![name.to_string()], at };
        let call = crate::parse::syntax::FunctionCall::plain(name, arguments);
        Ok(Expression { kind: ExpressionKind::Function(Box::new(call)), at })
    }

    fn overlay_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let source = self.expression()?;
        if !self.accept("placing") {
            return self.plain_call("overlay", source, at);
        }
        let mut arguments = vec![source, self.expression()?];
        self.expect("from")?;
        arguments.push(self.expression()?);
        if self.accept("for") {
            arguments.push(self.expression()?);
        }
        self.expect_symbol(b')')?;
        Ok(system_call("overlay", arguments, at))
    }

    fn trim_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let function = match self.accept_one(&["both", "leading", "trailing"]) {
            Some("leading") => "ltrim",
            Some("trailing") => "rtrim",
            Some(_) | None => "btrim",
        };
        if self.accept("from") {
            let arguments = self.list(Self::expression)?;
            self.expect_symbol(b')')?;
            return Ok(system_call(function, arguments, at));
        }
        let mut arguments = vec![self.expression()?];
        if self.accept("from") {
            let characters = arguments.pop();
            arguments = self.list(Self::expression)?;
            arguments.extend(characters);
        } else {
            while self.accept_symbol(b',') {
                arguments.push(self.expression()?);
            }
        }
        self.expect_symbol(b')')?;
        Ok(system_call(function, arguments, at))
    }

    fn normalize_call(&mut self, at: u32) -> Result<Expression> {
        self.expect_symbol(b'(')?;
        let mut arguments = vec![self.expression()?];
        if self.accept_symbol(b',') {
            let form_at = self.at();
            let Some(form) = self.accept_one(&["nfc", "nfd", "nfkc", "nfkd"]) else {
                return self.unexpected();
            };
            let form = ExpressionKind::String(form.to_ascii_uppercase());
            arguments.push(Expression { kind: form, at: form_at });
        }
        self.expect_symbol(b')')?;
        Ok(system_call("normalize", arguments, at))
    }
}
