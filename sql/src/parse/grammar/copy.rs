//! COPY, in the new form and the old one, and lists of options in general.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Copy, CopyEndpoint, CopySubject, OptionValue, Statement, UtilityOption};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    pub(super) fn copy(&mut self) -> Result<Statement> {
        self.expect("copy")?;
        let mut options = Vec::new();
        let at = self.at();
        if self.accept("binary") {
            options.push(format_option("binary", at));
        }
        let subject = if self.is_symbol(b'(') {
            self.expect_symbol(b'(')?;
            let statement = match self.is("subscribe") {
                true => Statement::Subscribe(Box::new(self.subscribe()?)),
                false => self.preparable_statement()?,
            };
            self.expect_symbol(b')')?;
            CopySubject::Statement(Box::new(statement))
        } else {
            CopySubject::Table {
                name: self.object_name()?,
                columns: self.optional_parenthesized(Self::name)?,
            }
        };
        let from = matches!(subject, CopySubject::Table { .. }) && self.accept("from");
        if !from {
            self.expect("to")?;
        }
        let endpoint = self.copy_endpoint()?;
        self.old_delimiters(&mut options)?;
        self.accept("with");
        if self.is_symbol(b'(') {
            options.extend(self.parenthesized(Self::utility_option)?);
        } else {
            while let Some(option) = self.old_copy_option()? {
                options.push(option);
            }
        }
        let filter = if from && self.accept("where") { Some(self.expression()?) } else { None };
        Ok(Statement::Copy(Box::new(Copy { subject, from, endpoint, options, filter })))
    }

    fn copy_endpoint(&mut self) -> Result<CopyEndpoint> {
        if self.accept_one(&["stdin", "stdout"]).is_some() {
            return Ok(CopyEndpoint::Client);
        }
        if self.accept("program") {
            return Ok(CopyEndpoint::Program(self.string()?));
        }
        Ok(CopyEndpoint::File(self.string()?))
    }

    /// `[USING] DELIMITERS 'c'`, older than the old form.
    fn old_delimiters(&mut self, options: &mut Vec<UtilityOption>) -> Result<()> {
        let at = self.at();
        if self.accept_all(&["using", "delimiters"]) || self.accept("delimiters") {
            let value = Some(OptionValue::String(self.string()?));
            options.push(UtilityOption { name: "delimiter".to_string(), value, at });
        }
        Ok(())
    }

    fn old_copy_option(&mut self) -> Result<Option<UtilityOption>> {
        let at = self.at();
        let words = [
            "binary",
            "csv",
            "freeze",
            "header",
            "delimiter",
            "null",
            "quote",
            "escape",
            "encoding",
            "force",
        ];
        let Some(word) = self.accept_one(&words) else { return Ok(None) };
        let (name, value) = match word {
            "binary" | "csv" => return Ok(Some(format_option(word, at))),
            "freeze" | "header" => (word, OptionValue::Word("true".to_string())),
            "force" => return self.force_option(at).map(Some),
            _ => {
                self.accept("as");
                (word, OptionValue::String(self.string()?))
            }
        };
        Ok(Some(UtilityOption { name: name.to_string(), value: Some(value), at }))
    }

    fn force_option(&mut self, at: u32) -> Result<UtilityOption> {
        let name = if self.accept("quote") {
            "force_quote"
        } else if self.accept_all(&["not", "null"]) {
            "force_not_null"
        } else {
            self.expect("null")?;
            "force_null"
        };
        let value = if name == "force_quote" && self.accept_operator("*") {
            OptionValue::Star
        } else {
            OptionValue::List(self.list(|parser| Ok(parser.name()?.text))?)
        };
        Ok(UtilityOption { name: name.to_string(), value: Some(value), at })
    }

    /// `name [value]`, as COPY, EXPLAIN, VACUUM and REINDEX take them.
    pub(super) fn utility_option(&mut self) -> Result<UtilityOption> {
        let name = self.label()?;
        let value = match &self.peek().kind {
            TokenKind::Symbol(b',' | b')') => None,
            TokenKind::Symbol(b'(') => Some(OptionValue::List(self.parenthesized(Self::option_word)?)),
            TokenKind::Operator if self.is_operator("*") => {
                self.advance();
                Some(OptionValue::Star)
            }
            _ => Some(self.option_value()?),
        };
        Ok(UtilityOption { name: name.text, value, at: name.at })
    }

    fn option_word(&mut self) -> Result<String> {
        match self.peek().kind {
            TokenKind::String(_) => self.string(),
            _ => Ok(self.label()?.text),
        }
    }

    /// A word, a string or a number.
    pub(super) fn option_value(&mut self) -> Result<OptionValue> {
        match &self.peek().kind {
            TokenKind::String(_) => Ok(OptionValue::String(self.string()?)),
            TokenKind::Integer | TokenKind::Decimal | TokenKind::Operator => {
                Ok(OptionValue::Number(self.signed_number()?))
            }
            _ => Ok(OptionValue::Word(self.label()?.text)),
        }
    }

    /// A number with its sign, as written.
    pub(super) fn signed_number(&mut self) -> Result<String> {
        let negative = self.accept_operator("-");
        if !negative {
            self.accept_operator("+");
        }
        if !matches!(self.peek().kind, TokenKind::Integer | TokenKind::Decimal) {
            return self.unexpected();
        }
        let digits = self.slice(self.peek());
        self.advance();
        Ok(if negative { format!("-{digits}") } else { digits.to_string() })
    }
}

fn format_option(format: &str, at: u32) -> UtilityOption {
    UtilityOption { name: "format".to_string(), value: Some(OptionValue::Word(format.to_string())), at }
}
