//! Text to statements.
//!
//! `token` cuts the text by PostgreSQL's lexical rules, `grammar` makes statements of the tokens, `syntax` is what
//! comes out. The grammar is ours, predictive and linear: see `docs/decisions` for why no parser crate does this.
//! Time clauses are part of it: `FOR SYSTEM_TIME` after a table's name, `AS OF SYSTEM TIME` after a FROM list.
//!
//! Failure: a text with one syntax error yields no statement at all, as in PostgreSQL; a statement that PostgreSQL
//! knows and this server does not is `0A000` by name.

pub mod fingerprint;
mod grammar;
mod keyword;
mod parser;
pub mod position;
mod strings;
pub mod syntax;
mod token;

use crate::error::Result;
use parser::Parser;
use syntax::{Expression, Statement, TypeName};

/// One statement of a text, with its bytes: from its first token to its last.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub statement: Statement,
    /// AS OF SYSTEM TIME.
    pub time: Option<Expression>,
    /// Names that say a database, which has to be the one at work.
    pub database_names: Vec<syntax::ObjectName>,
    pub start: u32,
    pub end: u32,
}

/// All statements of a text; none for a text of blanks, comments and semicolons.
pub fn parse(text: &str) -> Result<Vec<Parsed>> {
    let mut parser = Parser::new(text)?;
    let mut statements = Vec::new();
    loop {
        while parser.accept_symbol(b';') {}
        if parser.peek().kind == token::TokenKind::End {
            return Ok(statements);
        }
        let start = parser.at();
        parser.height = 0;
        let statement = parser.statement()?;
        let time = parser.statement_time.take();
        let database_names = std::mem::take(&mut parser.database_names);
        statements.push(Parsed { statement, time, database_names, start, end: parser.last_end() });
        if !parser.is_symbol(b';') && parser.peek().kind != token::TokenKind::End {
            return parser.unexpected();
        }
    }
}

/// A text that is one expression and nothing else.
pub fn parse_expression(text: &str) -> Result<Expression> {
    whole(text, |parser| parser.expression())
}

/// A text that is the name of a type, as regtype reads it.
pub fn parse_type_name(text: &str) -> Result<TypeName> {
    whole(text, |parser| parser.type_name())
}

fn whole<T>(text: &str, parse: impl FnOnce(&mut Parser<'_>) -> Result<T>) -> Result<T> {
    let mut parser = Parser::new(text)?;
    let found = parse(&mut parser)?;
    if parser.peek().kind != token::TokenKind::End {
        return parser.unexpected();
    }
    Ok(found)
}
