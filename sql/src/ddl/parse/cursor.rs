//! The parser seen as a cursor over words: what hand-written statement parsing needs.
//!
//! Words are matched by their text, unquoted, in any case: PostgreSQL's non-reserved words need no list here.

use sqlparser::ast;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, Word};

use crate::ddl::statement::{QualifiedName, RoleName, SourceExpression};
use crate::error::{Error, Result, SqlState};

/// Bytes that PostgreSQL keeps of an identifier.
const IDENTIFIER_BYTES: usize = 63;

/// A position in the statement's tokens.
pub struct Cursor<'a, 'b> {
    parser: &'a mut Parser<'b>,
    text: &'a str,
}

impl<'a, 'b> Cursor<'a, 'b> {
    pub fn new(parser: &'a mut Parser<'b>, text: &'a str) -> Cursor<'a, 'b> {
        Cursor { parser, text }
    }

    /// Where the cursor stands, for `rewind`.
    pub fn mark(&self) -> usize {
        self.parser.index()
    }

    /// Goes back to a mark.
    pub fn rewind(&mut self, mark: usize) {
        while self.parser.index() > mark {
            self.parser.prev_token();
        }
    }

    fn peek(&self, n: usize) -> Token {
        self.parser.peek_nth_token(n).token
    }

    /// The n-th word ahead, in lower case; empty for anything but an unquoted word.
    pub fn word(&self, n: usize) -> String {
        match self.peek(n) {
            Token::Word(Word { value, quote_style: None, .. }) => value.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Whether the words ahead are these.
    pub fn at(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.word(n) == *word)
    }

    /// Consumes these words if all of them stand ahead.
    pub fn accept(&mut self, words: &[&str]) -> bool {
        let found = self.at(words);
        if found {
            for _ in words {
                self.parser.next_token();
            }
        }
        found
    }

    /// Consumes these words, or fails at the first that differs.
    pub fn expect(&mut self, words: &[&str]) -> Result<()> {
        for word in words {
            if !self.accept(&[word]) {
                return Err(self.syntax_error());
            }
        }
        Ok(())
    }

    /// Consumes a punctuation token if it is next.
    pub fn accept_token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.accept_token(token) { Ok(()) } else { Err(self.syntax_error()) }
    }

    /// Whether the n-th token ahead is this one.
    pub fn at_token(&self, n: usize, token: &Token) -> bool {
        self.peek(n) == *token
    }

    /// Whether a number is next.
    pub fn at_number(&self) -> bool {
        matches!(self.peek(0), Token::Number(..))
    }

    /// Whether the statement ends here.
    pub fn at_end(&self) -> bool {
        matches!(self.peek(0), Token::EOF | Token::SemiColon)
    }

    /// Fails unless the statement ends here.
    pub fn end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.syntax_error()) }
    }

    /// Characters from 1 of the next token.
    pub fn position(&self) -> Option<u32> {
        position(self.text, self.parser.peek_token().span.start)
    }

    /// `42601` at the next token.
    pub fn syntax_error(&self) -> Error {
        let token = self.parser.peek_token();
        match token.token {
            Token::EOF => Error::new(SqlState::SyntaxError, "syntax error at end of input")
                .at(Some(u32::try_from(self.text.chars().count() + 1).unwrap_or(u32::MAX))),
            token => Error::new(SqlState::SyntaxError, format!("syntax error at or near \"{token}\""))
                .at(self.position()),
        }
    }

    /// `0A000` naming a clause, at the next token.
    pub fn unsupported(&self, clause: &str) -> Error {
        Error::unsupported(clause).at(self.position())
    }

    fn from_parser<T>(&mut self, parsed: std::result::Result<T, ParserError>) -> Result<T> {
        parsed.map_err(|error| match error {
            ParserError::RecursionLimitExceeded => {
                Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
            }
            ParserError::ParserError(_) | ParserError::TokenizerError(_) => self.syntax_error(),
        })
    }

    /// An identifier, folded and cut as PostgreSQL does.
    pub fn identifier(&mut self) -> Result<String> {
        match self.peek(0) {
            Token::Word(word) => {
                self.parser.next_token();
                Ok(fold(&word))
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// A name of one to three parts.
    pub fn qualified_name(&mut self) -> Result<QualifiedName> {
        let position = self.position();
        let mut parts = vec![self.identifier()?];
        while self.accept_token(&Token::Period) {
            parts.push(self.identifier()?);
        }
        let name = parts.pop().unwrap_or_default();
        let schema = parts.pop();
        let database = parts.pop();
        if !parts.is_empty() {
            return Err(Error::new(SqlState::SyntaxError, "improper qualified name (too many dotted names)")
                .at(position));
        }
        Ok(QualifiedName { database, schema, name, position })
    }

    /// `item, item, ...`
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `(item, item, ...)`
    pub fn parenthesized<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_token(&Token::LParen)?;
        let items = self.list(item)?;
        self.expect_token(&Token::RParen)?;
        Ok(items)
    }

    /// `(name, name, ...)`, or nothing.
    pub fn optional_names(&mut self) -> Result<Vec<String>> {
        if self.at_token(0, &Token::LParen) { self.parenthesized(Cursor::identifier) } else { Ok(Vec::new()) }
    }

    /// A string literal.
    pub fn string(&mut self) -> Result<String> {
        match self.peek(0) {
            Token::SingleQuotedString(text)
            | Token::EscapedStringLiteral(text)
            | Token::UnicodeStringLiteral(text) => {
                self.parser.next_token();
                Ok(text)
            }
            Token::DollarQuotedString(quoted) => {
                self.parser.next_token();
                Ok(quoted.value)
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// A signed whole number of up to 64 bits.
    pub fn integer(&mut self) -> Result<i64> {
        let negative = self.accept_token(&Token::Minus);
        if !negative {
            self.accept_token(&Token::Plus);
        }
        let Token::Number(digits, _) = self.peek(0) else { return Err(self.syntax_error()) };
        let text = if negative { format!("-{digits}") } else { digits };
        let number = text.parse().map_err(|_| {
            Error::new(
                SqlState::InvalidTextRepresentation,
                format!("value \"{text}\" is out of range for type bigint"),
            )
        });
        self.parser.next_token();
        number
    }

    /// A whole number of 32 bits.
    pub fn small_integer(&mut self) -> Result<i32> {
        let position = self.position();
        i32::try_from(self.integer()?)
            .map_err(|_| Error::new(SqlState::NumericValueOutOfRange, "integer out of range").at(position))
    }

    /// true, false, on, off, 1, 0, quoted or not.
    pub fn boolean(&mut self) -> Result<bool> {
        let error = self.syntax_error();
        match self.value_text()?.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err(error),
        }
    }

    /// A word, string or number as text: the value of an option or a setting.
    pub fn value_text(&mut self) -> Result<String> {
        match self.peek(0) {
            Token::Word(word) => {
                self.parser.next_token();
                Ok(if word.quote_style.is_some() { word.value } else { word.value.to_ascii_lowercase() })
            }
            Token::Number(digits, _) => {
                self.parser.next_token();
                Ok(digits)
            }
            Token::Minus | Token::Plus => {
                let sign = if self.accept_token(&Token::Minus) { "-" } else { "" };
                self.accept_token(&Token::Plus);
                Ok(format!("{sign}{}", self.value_text()?))
            }
            _ => self.string(),
        }
    }

    /// A role, or one of the words that stand for one.
    pub fn role(&mut self) -> Result<RoleName> {
        self.accept(&["group"]);
        Ok(match self.word(0).as_str() {
            "current_user" | "current_role" | "user" => {
                self.parser.next_token();
                RoleName::CurrentUser
            }
            "session_user" => {
                self.parser.next_token();
                RoleName::SessionUser
            }
            "public" => {
                self.parser.next_token();
                RoleName::Public
            }
            _ => RoleName::Name(self.identifier()?),
        })
    }

    /// `(name = value, name, ...)`
    pub fn options(&mut self) -> Result<Vec<(String, Option<String>)>> {
        self.parenthesized(|cursor| {
            let mut name = cursor.identifier()?;
            while cursor.accept_token(&Token::Period) {
                name = format!("{name}.{}", cursor.identifier()?);
            }
            let value = if cursor.accept_token(&Token::Eq) { Some(cursor.value_text()?) } else { None };
            Ok((name, value))
        })
    }

    /// CASCADE or RESTRICT, the default.
    pub fn cascade(&mut self) -> bool {
        let cascade = self.accept(&["cascade"]);
        if !cascade {
            self.accept(&["restrict"]);
        }
        cascade
    }

    /// An expression.
    pub fn expression(&mut self) -> Result<SourceExpression> {
        let parsed = self.parser.parse_expr();
        let expression = self.from_parser(parsed)?;
        Ok(SourceExpression { text: expression.to_string(), expression })
    }

    /// `(expression)`
    pub fn parenthesized_expression(&mut self) -> Result<SourceExpression> {
        self.expect_token(&Token::LParen)?;
        let expression = self.expression()?;
        self.expect_token(&Token::RParen)?;
        Ok(expression)
    }

    /// A type name.
    pub fn data_type(&mut self) -> Result<ast::DataType> {
        let parsed = self.parser.parse_data_type();
        self.from_parser(parsed)
    }

    /// A query.
    pub fn query(&mut self) -> Result<Box<ast::Query>> {
        let parsed = self.parser.parse_query();
        self.from_parser(parsed)
    }

    /// Steps over one token, of any kind.
    pub fn skip(&mut self) {
        self.parser.next_token();
    }
}

fn fold(word: &Word) -> String {
    let mut name = if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() };
    if name.len() > IDENTIFIER_BYTES {
        let mut end = IDENTIFIER_BYTES;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}

/// Characters from 1 of a place given by line and column.
fn position(text: &str, location: Location) -> Option<u32> {
    if location.line == 0 {
        return None;
    }
    let line = usize::try_from(location.line).ok()?;
    let before: usize = text.split('\n').take(line - 1).map(|line| line.chars().count() + 1).sum();
    u32::try_from(before).ok()?.checked_add(u32::try_from(location.column).ok()?)
}
