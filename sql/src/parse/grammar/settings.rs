//! SET, SHOW, RESET, DISCARD.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Discard, Set, SetScope, SettingItem, SettingValue, Statement};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    pub(super) fn settings(&mut self, word: &str) -> Result<Statement> {
        self.advance();
        match word {
            "set" => Ok(Statement::Set(self.set()?)),
            "show" => Ok(Statement::Show(self.setting_or_all()?)),
            "reset" => Ok(Statement::Reset(self.setting_or_all()?)),
            _ => {
                let what = match self.accept_one(&["all", "plans", "sequences", "temp", "temporary"]) {
                    Some("all") => Discard::All,
                    Some("plans") => Discard::Plans,
                    Some("sequences") => Discard::Sequences,
                    Some(_) => Discard::Temporary,
                    None => return self.unexpected(),
                };
                Ok(Statement::Discard(what))
            }
        }
    }

    /// The setting that SHOW or RESET names; None for ALL.
    pub(super) fn setting_or_all(&mut self) -> Result<Option<String>> {
        if self.accept("all") {
            return Ok(None);
        }
        if self.accept_all(&["time", "zone"]) {
            return Ok(Some("timezone".to_string()));
        }
        if self.accept_all(&["transaction", "isolation", "level"]) {
            return Ok(Some("transaction_isolation".to_string()));
        }
        if self.accept_all(&["session", "authorization"]) {
            return Ok(Some("session_authorization".to_string()));
        }
        self.setting_name().map(Some)
    }

    fn setting_name(&mut self) -> Result<String> {
        let mut name = self.name()?.text;
        while self.accept_symbol(b'.') {
            name.push('.');
            name.push_str(&self.name()?.text);
        }
        Ok(name)
    }

    fn set(&mut self) -> Result<Set> {
        if self.accept("constraints") {
            return self.set_constraints();
        }
        if self.are(&["session", "characteristics"]) {
            self.advance();
            self.expect_all(&["characteristics", "as", "transaction"])?;
            return Ok(Set::SessionCharacteristics { modes: self.transaction_modes()? });
        }
        let scope = if self.accept("local") {
            SetScope::Local
        } else {
            let before_authorization = self.is_at(1, "authorization");
            if self.is("session") && !before_authorization
                || self.are(&["session", "session", "authorization"])
            {
                self.advance();
            }
            SetScope::Session
        };
        if self.accept("transaction") {
            if self.accept("snapshot") {
                return Ok(Set::TransactionSnapshot(self.string()?));
            }
            return Ok(Set::Transaction { modes: self.transaction_modes()? });
        }
        let (name, value) = self.setting_and_value()?;
        Ok(Set::Setting { scope, name, value })
    }

    /// `name {TO | =} value`, or one of the forms with words of their own.
    pub(super) fn setting_and_value(&mut self) -> Result<(String, SettingValue)> {
        let one = |name: &str, item| Ok((name.to_string(), SettingValue::Values(vec![item])));
        if self.accept_all(&["time", "zone"]) {
            return Ok(("timezone".to_string(), self.time_zone()?));
        }
        if self.accept_all(&["session", "authorization"]) {
            let value = if self.accept("default") { SettingValue::Default } else { self.role_value()? };
            return Ok(("session_authorization".to_string(), value));
        }
        if self.is("role") && !self.is_at(1, "to") && !self.is_operator_at(1, "=") {
            self.advance();
            return Ok(("role".to_string(), self.role_value()?));
        }
        if self.is("schema") && matches!(self.peek_at(1).kind, TokenKind::String(_)) {
            self.advance();
            let item = SettingItem::String(self.string()?);
            return one("search_path", item);
        }
        if self.is("names") && !self.is_at(1, "to") && !self.is_operator_at(1, "=") {
            self.advance();
            if let TokenKind::String(_) = self.peek().kind {
                let item = SettingItem::String(self.string()?);
                return one("client_encoding", item);
            }
            self.accept("default");
            return Ok(("client_encoding".to_string(), SettingValue::Default));
        }
        if self.are(&["xml", "option"]) {
            return self.unsupported("SET XML OPTION");
        }
        if self.is("catalog") && matches!(self.peek_at(1).kind, TokenKind::String(_)) {
            return self.unsupported("SET CATALOG");
        }
        let name = self.setting_name()?;
        if self.accept_all(&["from", "current"]) {
            return Ok((name, SettingValue::FromCurrent));
        }
        if !self.accept("to") {
            self.expect_equals()?;
        }
        if self.accept("default") {
            return Ok((name, SettingValue::Default));
        }
        Ok((name, SettingValue::Values(self.list(Self::setting_item)?)))
    }

    fn role_value(&mut self) -> Result<SettingValue> {
        let item = match self.peek().kind {
            TokenKind::String(_) => SettingItem::String(self.string()?),
            _ => SettingItem::Word(self.non_reserved()?.text),
        };
        Ok(SettingValue::Values(vec![item]))
    }

    fn time_zone(&mut self) -> Result<SettingValue> {
        if self.accept_one(&["default", "local"]).is_some() {
            return Ok(SettingValue::Default);
        }
        if self.accept("interval") {
            let text = self.string()?;
            if self.accept("hour") && self.accept("to") {
                self.expect("minute")?;
            }
            return Ok(SettingValue::Values(vec![SettingItem::Interval(text)]));
        }
        let item = match &self.peek().kind {
            TokenKind::String(_) => SettingItem::String(self.string()?),
            TokenKind::Integer | TokenKind::Decimal | TokenKind::Operator => {
                SettingItem::Number(self.signed_number()?)
            }
            _ => SettingItem::Word(self.non_reserved()?.text),
        };
        Ok(SettingValue::Values(vec![item]))
    }

    fn setting_item(&mut self) -> Result<SettingItem> {
        match &self.peek().kind {
            TokenKind::String(_) => Ok(SettingItem::String(self.string()?)),
            TokenKind::Integer | TokenKind::Decimal | TokenKind::Operator => {
                Ok(SettingItem::Number(self.signed_number()?))
            }
            _ => {
                // PostgreSQL takes TRUE, FALSE and ON here although they are reserved.
                if let Some(word) = self.accept_one(&["true", "false", "on"]) {
                    return Ok(SettingItem::Word(word.to_string()));
                }
                Ok(SettingItem::Word(self.non_reserved()?.text))
            }
        }
    }

    fn set_constraints(&mut self) -> Result<Set> {
        let names = if self.accept("all") { Vec::new() } else { self.list(Self::object_name)? };
        match self.accept_one(&["deferred", "immediate"]) {
            Some(word) => Ok(Set::Constraints { names, deferred: word == "deferred" }),
            None => self.unexpected(),
        }
    }
}
