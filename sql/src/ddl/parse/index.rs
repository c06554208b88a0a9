//! CREATE INDEX.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::table::tablespace;
use crate::ddl::statement::{CreateIndex, IndexElement, IndexElementSource, Statement};
use crate::error::Result;

pub fn create(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    let unique = cursor.accept(&["unique"]);
    cursor.expect(&["index"])?;
    let concurrently = cursor.accept(&["concurrently"]);
    let if_not_exists = cursor.accept(&["if", "not", "exists"]);
    let name = if cursor.at(&["on"]) { None } else { Some(cursor.identifier()?) };
    cursor.expect(&["on"])?;
    let table = super::relation_name(cursor)?;
    let method = if cursor.accept(&["using"]) { Some(cursor.identifier()?) } else { None };
    let elements = cursor.parenthesized(element)?;
    let include =
        if cursor.accept(&["include"]) { cursor.parenthesized(Cursor::identifier)? } else { Vec::new() };
    let nulls_not_distinct = cursor.accept(&["nulls", "not", "distinct"]);
    if !nulls_not_distinct {
        cursor.accept(&["nulls", "distinct"]);
    }
    let options = if cursor.accept(&["with"]) { cursor.options()? } else { Vec::new() };
    if cursor.accept(&["tablespace"]) {
        tablespace(cursor)?;
    }
    let predicate = if cursor.accept(&["where"]) { Some(cursor.expression()?) } else { None };
    Ok(Statement::CreateIndex(Box::new(CreateIndex {
        name,
        table,
        unique,
        concurrently,
        if_not_exists,
        method,
        elements,
        include,
        nulls_not_distinct,
        options,
        predicate,
    })))
}

fn element(cursor: &mut Cursor<'_, '_>) -> Result<IndexElement> {
    // A bare name is a column; a function call and anything in parentheses is an expression.
    let source = if cursor.at_token(0, &Token::LParen) {
        IndexElementSource::Expression(cursor.parenthesized_expression()?)
    } else if cursor.at_token(1, &Token::LParen) || cursor.at_token(1, &Token::Period) {
        IndexElementSource::Expression(cursor.expression()?)
    } else {
        IndexElementSource::Column(cursor.identifier()?)
    };
    let collation = if cursor.accept(&["collate"]) { Some(cursor.qualified_name()?) } else { None };
    let ends = cursor.at_token(0, &Token::Comma)
        || cursor.at_token(0, &Token::RParen)
        || ["asc", "desc", "nulls"].contains(&cursor.word(0).as_str());
    let operator_class = if ends { None } else { Some(cursor.qualified_name()?) };
    if cursor.at_token(0, &Token::LParen) {
        return Err(cursor.unsupported("operator class parameters"));
    }
    let descending = cursor.accept(&["desc"]);
    if !descending {
        cursor.accept(&["asc"]);
    }
    let nulls_first = if cursor.accept(&["nulls", "first"]) {
        Some(true)
    } else if cursor.accept(&["nulls", "last"]) {
        Some(false)
    } else {
        None
    };
    Ok(IndexElement { source, collation, operator_class, descending, nulls_first })
}
