//! DROP.

use super::cursor::Cursor;
use crate::ddl::statement::{DropKind, DropObjects, QualifiedName, Statement};
use crate::error::Result;

pub fn drop(cursor: &mut Cursor<'_, '_>) -> Result<Option<Statement>> {
    cursor.expect(&["drop"])?;
    let kind = match cursor.word(0).as_str() {
        "table" => DropKind::Table,
        "view" => DropKind::View,
        "index" => DropKind::Index,
        "sequence" => DropKind::Sequence,
        "schema" => DropKind::Schema,
        "database" => DropKind::Database,
        "role" | "group" => DropKind::Role,
        "user" if cursor.word(1) != "mapping" => DropKind::User,
        "extension" => DropKind::Extension,
        "materialized" => DropKind::MaterializedView,
        "foreign" if cursor.word(1) == "table" => DropKind::ForeignTable,
        "type" => DropKind::Type,
        "domain" => DropKind::Domain,
        "function" => DropKind::Function,
        "procedure" => DropKind::Procedure,
        "aggregate" => DropKind::Aggregate,
        other => return Err(super::refused(cursor, "DROP", other)),
    };
    cursor.skip();
    match kind {
        DropKind::MaterializedView => cursor.expect(&["view"])?,
        DropKind::ForeignTable => cursor.expect(&["table"])?,
        _ => {}
    }
    let concurrently = kind == DropKind::Index && cursor.accept(&["concurrently"]);
    let if_exists = cursor.accept(&["if", "exists"]);
    let names = match kind {
        DropKind::Function | DropKind::Procedure | DropKind::Aggregate => cursor.list(routine)?,
        DropKind::Schema | DropKind::Database | DropKind::Role | DropKind::User | DropKind::Extension => {
            cursor.list(|cursor| {
                let position = cursor.position();
                Ok(QualifiedName { database: None, schema: None, name: cursor.identifier()?, position })
            })?
        }
        DropKind::Table
        | DropKind::View
        | DropKind::Index
        | DropKind::Sequence
        | DropKind::MaterializedView
        | DropKind::ForeignTable
        | DropKind::Type
        | DropKind::Domain => cursor.list(Cursor::qualified_name)?,
    };
    let mut force = false;
    if kind == DropKind::Database {
        cursor.accept(&["with"]);
        if cursor.at_token(0, &sqlparser::tokenizer::Token::LParen) {
            cursor.parenthesized(|cursor| cursor.expect(&["force"]))?;
            force = true;
        }
    }
    let plain = matches!(kind, DropKind::Database | DropKind::Role | DropKind::User);
    let cascade = !plain && cursor.cascade();
    Ok(Some(Statement::Drop(DropObjects { kind, names, if_exists, cascade, concurrently, force })))
}

/// A routine's name; its argument types, which nothing could match, are stepped over.
fn routine(cursor: &mut Cursor<'_, '_>) -> Result<QualifiedName> {
    use sqlparser::tokenizer::Token;
    let name = cursor.qualified_name()?;
    if cursor.accept_token(&Token::LParen) {
        let mut depth = 1;
        while depth > 0 {
            if cursor.at_end() {
                return Err(cursor.syntax_error());
            }
            if cursor.at_token(0, &Token::LParen) {
                depth += 1;
            } else if cursor.at_token(0, &Token::RParen) {
                depth -= 1;
            }
            cursor.skip();
        }
    }
    Ok(name)
}
