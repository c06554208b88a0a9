//! Cursors, prepared statements and notifications.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{CursorSource, DeclareCursor, Execute, Fetch, FetchDirection, Prepare, Statement};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    pub(super) fn prepared(&mut self, word: &str) -> Result<Statement> {
        if word == "execute" {
            return Ok(Statement::Execute(self.execute()?));
        }
        self.advance();
        if word == "deallocate" {
            self.accept("prepare");
            let name = if self.accept("all") { None } else { Some(self.name()?) };
            return Ok(Statement::Deallocate(name));
        }
        let name = self.name()?;
        let types = self.optional_parenthesized(Self::type_name)?;
        self.expect("as")?;
        let start = self.at();
        let statement = Box::new(self.preparable_statement()?);
        Ok(Statement::Prepare(Prepare { name, types, statement, start, end: self.last_end() }))
    }

    /// EXECUTE name (arguments).
    pub(super) fn execute(&mut self) -> Result<Execute> {
        self.expect("execute")?;
        let name = self.name()?;
        let arguments = self.optional_parenthesized(Self::expression)?;
        Ok(Execute { name, arguments })
    }

    pub(super) fn cursor(&mut self, word: &str) -> Result<Statement> {
        self.advance();
        match word {
            "declare" => self.declare(),
            "close" => {
                let name = if self.accept("all") { None } else { Some(self.name()?) };
                Ok(Statement::CloseCursor(name))
            }
            _ => {
                let direction = self.fetch_direction()?;
                self.accept_one(&["from", "in"]);
                let name = self.name()?;
                let options = match self.accept("with") {
                    true => self.parenthesized(Self::assigned_option)?,
                    false => Vec::new(),
                };
                Ok(Statement::Fetch(Fetch { name, direction, only_move: word == "move", options }))
            }
        }
    }

    fn declare(&mut self) -> Result<Statement> {
        let name = self.name()?;
        let (mut binary, mut insensitive, mut scroll) = (false, None, None);
        loop {
            let no = self.are(&["no", "scroll"]);
            if no {
                self.advance();
            }
            match self.accept_one(&["binary", "insensitive", "asensitive", "scroll"]) {
                Some("binary") => binary = true,
                Some("insensitive") => insensitive = Some(true),
                Some("asensitive") => insensitive = Some(false),
                Some(_) => scroll = Some(!no),
                None => break,
            }
        }
        self.expect("cursor")?;
        let hold = match self.accept_one(&["with", "without"]) {
            Some(word) => {
                self.expect("hold")?;
                word == "with"
            }
            None => false,
        };
        self.expect("for")?;
        let source = match self.is("subscribe") {
            true => CursorSource::Subscribe(Box::new(self.subscribe()?)),
            false => CursorSource::Query(Box::new(self.query()?)),
        };
        Ok(Statement::DeclareCursor(DeclareCursor { name, binary, insensitive, scroll, hold, source }))
    }

    fn fetch_direction(&mut self) -> Result<FetchDirection> {
        // A direction is a word that may also be the cursor's name; what follows tells.
        let ends = matches!(self.peek_at(1).kind, TokenKind::End | TokenKind::Symbol(b';'));
        let named = ends || (self.is_at(1, "with") && self.is_symbol_at(2, b'('));
        if named {
            return Ok(FetchDirection::Forward(1));
        }
        let words = ["next", "prior", "first", "last", "absolute", "relative", "all", "forward", "backward"];
        match self.accept_one(&words) {
            Some("next") => Ok(FetchDirection::Forward(1)),
            Some("prior") => Ok(FetchDirection::Backward(1)),
            Some("first") => Ok(FetchDirection::Absolute(1)),
            Some("last") => Ok(FetchDirection::Absolute(-1)),
            Some("absolute") => Ok(FetchDirection::Absolute(self.signed_integer()?)),
            Some("relative") => Ok(FetchDirection::Relative(self.signed_integer()?)),
            Some("all") => Ok(FetchDirection::Forward(i64::MAX)),
            Some("forward") => Ok(FetchDirection::Forward(self.optional_count()?)),
            Some(_) => Ok(FetchDirection::Backward(self.optional_count()?)),
            None => match self.peek().kind {
                TokenKind::Integer | TokenKind::Operator => {
                    Ok(FetchDirection::Forward(self.signed_integer()?))
                }
                _ => Ok(FetchDirection::Forward(1)),
            },
        }
    }

    fn optional_count(&mut self) -> Result<i64> {
        if self.accept("all") {
            return Ok(i64::MAX);
        }
        match self.peek().kind {
            TokenKind::Integer | TokenKind::Operator => self.signed_integer(),
            _ => Ok(1),
        }
    }

    pub(super) fn notification(&mut self, word: &str) -> Result<Statement> {
        self.advance();
        match word {
            "listen" => Ok(Statement::Listen(self.name()?)),
            "unlisten" => {
                let channel = if self.accept_operator("*") { None } else { Some(self.name()?) };
                Ok(Statement::Unlisten(channel))
            }
            _ => {
                let channel = self.name()?;
                let payload = if self.accept_symbol(b',') { Some(self.string()?) } else { None };
                Ok(Statement::Notify { channel, payload })
            }
        }
    }
}
