//! Parses statements of definition, by hand on the SQL parser's tokens: its own grammar lacks many of them.
//!
//! Every clause is consumed into the statement or refused by name; text after a complete statement is a syntax error.

mod alter;
mod cursor;
mod drop;
mod grant;
mod index;
mod role;
mod schema;
mod sequence;
mod table;
mod view;

use sqlparser::parser::Parser;

use super::statement::{Statement, Truncate};
use crate::error::{Error, Result};
use cursor::Cursor;

/// The statement that begins at the parser's next token, or `None`, the parser unmoved, when it is not one of
/// definition. `text` is what the tokens were made of; it gives positions.
pub fn statement(parser: &mut Parser<'_>, text: &str) -> Result<Option<Statement>> {
    let mut cursor = Cursor::new(parser, text);
    let start = cursor.mark();
    let parsed = match cursor.word(0).as_str() {
        "create" => create(&mut cursor)?,
        "alter" => alter::alter(&mut cursor)?,
        "drop" => drop::drop(&mut cursor)?,
        "comment" => Some(schema::comment(&mut cursor)?),
        "grant" | "revoke" => Some(grant::grant(&mut cursor)?),
        "truncate" => Some(truncate(&mut cursor)?),
        _ => None,
    };
    match &parsed {
        Some(_) => cursor.end()?,
        None => cursor.rewind(start),
    }
    Ok(parsed)
}

/// What may follow CREATE, or stand as an element of CREATE SCHEMA. `None`: CREATE TABLE AS.
fn create(cursor: &mut Cursor<'_, '_>) -> Result<Option<Statement>> {
    let start = cursor.mark();
    cursor.expect(&["create"])?;
    let or_replace = cursor.accept(&["or", "replace"]);
    let mut temporary = false;
    if cursor.accept(&["global"]) || cursor.accept(&["local"]) {
        temporary = true;
        if !matches!(cursor.word(0).as_str(), "temp" | "temporary") {
            return Err(cursor.syntax_error());
        }
    }
    temporary |= cursor.accept(&["temporary"]) || cursor.accept(&["temp"]);
    let unlogged = !temporary && cursor.accept(&["unlogged"]);
    let object = cursor.word(0);
    if or_replace && object != "view" {
        return Err(refused(cursor, "CREATE OR REPLACE", &object));
    }
    let statement = match object.as_str() {
        "table" => match table::create(cursor, temporary, unlogged)? {
            Some(statement) => statement,
            None => {
                cursor.rewind(start);
                return Ok(None);
            }
        },
        "sequence" => sequence::create(cursor, temporary, unlogged)?,
        "view" if !unlogged => view::create(cursor, or_replace, temporary)?,
        "index" | "unique" if !temporary && !unlogged => index::create(cursor)?,
        "schema" => schema::create_schema(cursor)?,
        "database" => schema::create_database(cursor)?,
        "extension" => schema::create_extension(cursor)?,
        "role" | "user" | "group" if cursor.word(1) != "mapping" => role::create(cursor)?,
        _ => return Err(refused(cursor, "CREATE", &object)),
    };
    Ok(Some(statement))
}

/// `0A000` for a statement PostgreSQL has and this server has not; a syntax error where no object is named.
fn refused(cursor: &Cursor<'_, '_>, verb: &str, object: &str) -> Error {
    const KNOWN: [&str; 31] = [
        "access",
        "aggregate",
        "cast",
        "collation",
        "constraint",
        "conversion",
        "domain",
        "event",
        "foreign",
        "function",
        "group",
        "language",
        "large",
        "materialized",
        "operator",
        "policy",
        "procedure",
        "publication",
        "recursive",
        "routine",
        "rule",
        "server",
        "statistics",
        "subscription",
        "system",
        "tablespace",
        "text",
        "transform",
        "trigger",
        "type",
        "user",
    ];
    match object {
        "" => cursor.syntax_error(),
        "materialized" | "event" | "foreign" | "access" | "text" | "user" | "recursive" | "large"
        | "constraint" => {
            let second = cursor.word(1).to_uppercase();
            Error::unsupported(format!("{verb} {} {second}", object.to_uppercase()))
        }
        _ if KNOWN.contains(&object) => Error::unsupported(format!("{verb} {}", object.to_uppercase())),
        _ => cursor.syntax_error(),
    }
}

fn truncate(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.expect(&["truncate"])?;
    cursor.accept(&["table"]);
    let tables = cursor.list(relation_name)?;
    let restart_identity = cursor.accept(&["restart", "identity"]);
    if !restart_identity {
        cursor.accept(&["continue", "identity"]);
    }
    let cascade = cursor.cascade();
    Ok(Statement::Truncate(Truncate { tables, restart_identity, cascade }))
}

/// [ONLY] name [*]: there are no children here, so both mean the table.
fn relation_name(cursor: &mut Cursor<'_, '_>) -> Result<super::statement::QualifiedName> {
    cursor.accept(&["only"]);
    let name = cursor.qualified_name()?;
    cursor.accept_token(&sqlparser::tokenizer::Token::Mul);
    Ok(name)
}

#[cfg(test)]
mod tests;
