//! CREATE SEQUENCE and the options that identity columns share with it, in any order.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{CreateSequence, Persistence, SequenceOption, Statement};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    pub(super) fn create_sequence(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect("sequence")?;
        let if_not_exists = self.if_not_exists();
        let name = self.object_name()?;
        let options = self.sequence_options()?;
        Ok(Statement::CreateSequence(CreateSequence { persistence, if_not_exists, name, options }))
    }

    /// The options of an identity column, in parentheses, where they stand.
    pub(super) fn identity_options(&mut self) -> Result<Vec<SequenceOption>> {
        if !self.accept_symbol(b'(') {
            return Ok(Vec::new());
        }
        let options = self.sequence_options()?;
        self.expect_symbol(b')')?;
        Ok(options)
    }

    pub(super) fn sequence_options(&mut self) -> Result<Vec<SequenceOption>> {
        let mut options = Vec::new();
        while let Some(option) = self.sequence_option()? {
            options.push(option);
        }
        Ok(options)
    }

    pub(super) fn sequence_option(&mut self) -> Result<Option<SequenceOption>> {
        let no = self.is("no");
        if no && ["minvalue", "maxvalue", "cycle"].iter().any(|word| self.is_at(1, word)) {
            self.advance();
        }
        let words = [
            "as",
            "increment",
            "minvalue",
            "maxvalue",
            "start",
            "restart",
            "cache",
            "cycle",
            "owned",
            "sequence",
        ];
        Ok(Some(match self.accept_one(&words) {
            Some("as") => SequenceOption::As(self.type_name()?),
            Some("increment") => {
                self.accept("by");
                SequenceOption::Increment(self.signed_integer()?)
            }
            Some("minvalue") => {
                SequenceOption::MinValue(if no { None } else { Some(self.signed_integer()?) })
            }
            Some("maxvalue") => {
                SequenceOption::MaxValue(if no { None } else { Some(self.signed_integer()?) })
            }
            Some("start") => {
                self.accept("with");
                SequenceOption::Start(self.signed_integer()?)
            }
            Some("restart") => {
                let with = self.accept("with");
                let number = matches!(self.peek().kind, TokenKind::Integer | TokenKind::Operator);
                SequenceOption::Restart(if with || number { Some(self.signed_integer()?) } else { None })
            }
            Some("cache") => SequenceOption::Cache(self.signed_integer()?),
            Some("cycle") => SequenceOption::Cycle(!no),
            Some("owned") => {
                self.expect("by")?;
                SequenceOption::OwnedBy(if self.accept("none") { None } else { Some(self.any_name()?) })
            }
            Some(_) => {
                self.expect("name")?;
                SequenceOption::SequenceName(self.object_name()?)
            }
            None => return Ok(None),
        }))
    }
}
