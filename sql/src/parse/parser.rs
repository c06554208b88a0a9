//! The cursor over a statement's tokens: what every part of the grammar is written with.
//!
//! The grammar is predictive: it looks a few tokens ahead and never backtracks, so parsing is linear in the text
//! and an error is always at the first token that no continuation could take, which is where PostgreSQL reports it.
//! Nesting and the height of expressions are limited here; nothing later in the server recurses deeper than what
//! these limits let through.

use super::keyword::WordClass;
use super::position::{at_or_near, position};
use super::syntax::{Expression, Name, ObjectName};
use super::token::{Token, TokenKind, truncate};
use crate::error::{Error, Result, SqlState};

/// How deep parentheses, calls and subqueries may nest.
const MAXIMUM_DEPTH: u32 = 200;
/// How high an expression or a chain of set operations or joins may grow. AND and OR do not count: they are lists.
const MAXIMUM_HEIGHT: u32 = 1000;

/// The parser of one text.
pub struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    index: usize,
    depth: u32,
    /// The height of what was parsed last, at this depth.
    pub(super) height: u32,
    /// AS OF SYSTEM TIME of the statement being parsed.
    pub(super) statement_time: Option<Expression>,
    /// Names of the statement being parsed that say a database.
    pub(super) database_names: Vec<ObjectName>,
}

const END: Token = Token { kind: TokenKind::End, start: 0, end: 0 };

impl<'a> Parser<'a> {
    /// Reads the tokens of a text; lexical errors surface here.
    pub fn new(text: &'a str) -> Result<Parser<'a>> {
        let tokens = super::token::tokens(text)?;
        Ok(Parser {
            text,
            tokens,
            index: 0,
            depth: 0,
            height: 0,
            statement_time: None,
            database_names: Vec::new(),
        })
    }

    pub(super) fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.index + ahead).or(self.tokens.last()).unwrap_or(&END)
    }

    pub(super) fn advance(&mut self) {
        if self.index + 1 < self.tokens.len() {
            self.index += 1;
        }
    }

    /// Byte offset of the current token.
    pub(super) fn at(&self) -> u32 {
        self.peek().start
    }

    /// Byte offset just after the token before the current one.
    pub(super) fn last_end(&self) -> u32 {
        self.index.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(0, |token| token.end)
    }

    pub(super) fn slice(&self, token: &Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// PostgreSQL's `syntax error at or near "..."` about the current token.
    pub(super) fn unexpected<T>(&self) -> Result<T> {
        Err(self.syntax_error("syntax error"))
    }

    pub(super) fn syntax_error(&self, message: &str) -> Error {
        let token = self.peek();
        let near = at_or_near(self.text, token.start as usize, token.end as usize);
        Error::new(SqlState::SyntaxError, format!("{message} {near}")).at(position(self.text, token.start))
    }

    /// A complaint about a construct that parses but may not stand there.
    pub(super) fn invalid(&self, message: impl Into<String>, at: u32) -> Error {
        Error::new(SqlState::SyntaxError, message).at(position(self.text, at))
    }

    /// 0A000 naming what is not there, pointing at the current token.
    pub(super) fn unsupported<T>(&self, feature: &str) -> Result<T> {
        Err(Error::unsupported(feature).at(position(self.text, self.at())))
    }

    /// Runs one level deeper, refusing to go too deep.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAXIMUM_DEPTH {
            return Err(self.too_complex());
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Notes that what is being built has grown by one level.
    pub(super) fn grow(&mut self) -> Result<()> {
        self.grow_by(1)
    }

    /// Notes a level that costs those who walk it later more than an operator does.
    pub(super) fn grow_by(&mut self, weight: u32) -> Result<()> {
        self.height += weight;
        if self.height > MAXIMUM_HEIGHT { Err(self.too_complex()) } else { Ok(()) }
    }

    fn too_complex(&self) -> Error {
        Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
            .hint("The statement nests its expressions or subqueries too deeply.")
    }

    // Words.

    /// Whether the token `ahead` is this unquoted word (given in lower case).
    pub(super) fn is_at(&self, ahead: usize, word: &str) -> bool {
        let token = self.peek_at(ahead);
        matches!(token.kind, TokenKind::Word { .. }) && self.slice(token).eq_ignore_ascii_case(word)
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.is_at(0, word)
    }

    /// Whether the next tokens are these words.
    pub(super) fn are(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.is_at(ahead, word))
    }

    pub(super) fn accept(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn accept_all(&mut self, words: &[&str]) -> bool {
        let found = self.are(words);
        if found {
            words.iter().for_each(|_| self.advance());
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<()> {
        if self.accept(word) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn expect_all(&mut self, words: &[&str]) -> Result<()> {
        words.iter().try_for_each(|word| self.expect(word))
    }

    /// The word at the cursor in lower case, empty where it is none.
    pub(super) fn word_lower(&self) -> String {
        match self.peek().kind {
            TokenKind::Word { .. } => self.slice(self.peek()).to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Which of these words stands here; takes it.
    pub(super) fn accept_one<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        let found = words.iter().find(|word| self.is(word)).copied();
        if found.is_some() {
            self.advance();
        }
        found
    }

    // Symbols and operators.

    pub(super) fn is_symbol_at(&self, ahead: usize, symbol: u8) -> bool {
        self.peek_at(ahead).kind == TokenKind::Symbol(symbol)
    }

    pub(super) fn is_symbol(&self, symbol: u8) -> bool {
        self.is_symbol_at(0, symbol)
    }

    pub(super) fn accept_symbol(&mut self, symbol: u8) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_symbol(&mut self, symbol: u8) -> Result<()> {
        if self.accept_symbol(symbol) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn is_operator_at(&self, ahead: usize, operator: &str) -> bool {
        let token = self.peek_at(ahead);
        token.kind == TokenKind::Operator && self.slice(token) == operator
    }

    pub(super) fn is_operator(&self, operator: &str) -> bool {
        self.is_operator_at(0, operator)
    }

    pub(super) fn accept_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        if found {
            self.advance();
        }
        found
    }

    /// Items separated by commas, at least one.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept_symbol(b',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A list in parentheses.
    pub(super) fn parenthesized<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_symbol(b'(')?;
        let items = self.list(item)?;
        self.expect_symbol(b')')?;
        Ok(items)
    }

    /// A list in parentheses where one may stand; empty where none does.
    pub(super) fn optional_parenthesized<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        if self.is_symbol(b'(') { self.parenthesized(item) } else { Ok(Vec::new()) }
    }

    // Names.

    /// Whether the token `ahead` may be a name of a kind that `allowed` accepts.
    pub(super) fn is_name_at(&self, ahead: usize, allowed: fn(WordClass) -> bool) -> bool {
        match &self.peek_at(ahead).kind {
            TokenKind::Identifier(_) => true,
            TokenKind::Word { class, .. } => allowed(*class),
            _ => false,
        }
    }

    fn take_name(&mut self, allowed: fn(WordClass) -> bool) -> Result<Name> {
        if !self.is_name_at(0, allowed) {
            return self.unexpected();
        }
        let token = self.peek();
        let (at, text) = match &token.kind {
            TokenKind::Identifier(name) => (token.start, name.clone()),
            _ => (token.start, truncate(self.slice(token).to_ascii_lowercase())),
        };
        self.advance();
        Ok(Name { text, at })
    }

    /// A name of a column, a table or anything that is no function or type.
    pub(super) fn name(&mut self) -> Result<Name> {
        self.take_name(column_like)
    }

    /// Any word, as after AS or a dot.
    pub(super) fn label(&mut self) -> Result<Name> {
        self.take_name(|_| true)
    }

    /// A name of a function or type that is not qualified.
    pub(super) fn function_name(&mut self) -> Result<Name> {
        self.take_name(function_like)
    }

    /// A name that is neither reserved nor needs to be distinguished: of roles, settings, savepoints.
    pub(super) fn non_reserved(&mut self) -> Result<Name> {
        self.take_name(|class| class != WordClass::Reserved)
    }

    /// `a`, `a.b` or `a.b.c`.
    pub(super) fn object_name(&mut self) -> Result<ObjectName> {
        let first = self.name()?;
        self.object_name_after(first)
    }

    fn object_name_after(&mut self, first: Name) -> Result<ObjectName> {
        let name = self.dotted_name(first)?;
        if name.parts.len() > 3 {
            let message = format!("improper qualified name (too many dotted names): {name}");
            return Err(self.invalid(message, name.at));
        }
        if name.parts.len() == 3 {
            self.database_names.push(name.clone());
        }
        Ok(name)
    }

    /// A name of any number of parts: of a column with its table's.
    pub(super) fn any_name(&mut self) -> Result<ObjectName> {
        let first = self.name()?;
        self.dotted_name(first)
    }

    fn dotted_name(&mut self, first: Name) -> Result<ObjectName> {
        let mut parts = vec![first.text];
        while self.accept_symbol(b'.') {
            parts.push(self.label()?.text);
        }
        Ok(ObjectName { parts, at: first.at })
    }

    // Literals.

    /// A string literal.
    pub(super) fn string(&mut self) -> Result<String> {
        match &self.peek().kind {
            TokenKind::String(value) => {
                let value = value.clone();
                self.advance();
                Ok(value)
            }
            _ => self.unexpected(),
        }
    }

    /// An integer with an optional sign, in the range of bigint.
    pub(super) fn signed_integer(&mut self) -> Result<i64> {
        let negative = self.accept_operator("-");
        if !negative {
            self.accept_operator("+");
        }
        if self.peek().kind != TokenKind::Integer {
            return self.unexpected();
        }
        let digits = self.slice(self.peek());
        let value = if negative { format!("-{digits}").parse() } else { digits.parse() };
        let value = value.map_err(|_| {
            let message = format!("value \"{digits}\" is out of range for type bigint");
            Error::new(SqlState::NumericValueOutOfRange, message)
        })?;
        self.advance();
        Ok(value)
    }

    /// An integer that fits int4, as PostgreSQL's Iconst.
    pub(super) fn small_integer(&mut self) -> Result<i32> {
        let token = self.peek();
        let value = match token.kind {
            TokenKind::Integer => self.slice(token).parse().ok(),
            _ => None,
        };
        match value {
            Some(value) => {
                self.advance();
                Ok(value)
            }
            None => self.unexpected(),
        }
    }
}

/// Whether a word of this class may name a column or table.
pub(super) fn column_like(class: WordClass) -> bool {
    matches!(class, WordClass::Unreserved | WordClass::Column)
}

/// Whether a word of this class may name a function or type.
pub(super) fn function_like(class: WordClass) -> bool {
    matches!(class, WordClass::Unreserved | WordClass::TypeFunction)
}
