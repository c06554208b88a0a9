//! CREATE and ALTER SEQUENCE, and the options they share with identity columns.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::ddl::statement::{AlterSequence, CreateSequence, OwnedBy, SequenceOption, Statement};
use crate::error::Result;

pub fn create(cursor: &mut Cursor<'_, '_>, temporary: bool, unlogged: bool) -> Result<Statement> {
    cursor.expect(&["sequence"])?;
    let if_not_exists = cursor.accept(&["if", "not", "exists"]);
    let name = cursor.qualified_name()?;
    let options = options(cursor)?;
    Ok(Statement::CreateSequence(CreateSequence { name, if_not_exists, temporary, unlogged, options }))
}

/// ALTER SEQUENCE with options; the forms it shares with ALTER TABLE are parsed there.
pub fn alter(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    let if_exists = cursor.accept(&["if", "exists"]);
    let name = cursor.qualified_name()?;
    let options = options(cursor)?;
    if options.is_empty() {
        return Err(cursor.syntax_error());
    }
    Ok(Statement::AlterSequence(AlterSequence { name, if_exists, options }))
}

/// `(options)` of an identity column, or nothing.
pub fn parenthesized_options(cursor: &mut Cursor<'_, '_>) -> Result<Vec<SequenceOption>> {
    if !cursor.accept_token(&Token::LParen) {
        return Ok(Vec::new());
    }
    let options = options(cursor)?;
    cursor.expect_token(&Token::RParen)?;
    Ok(options)
}

fn options(cursor: &mut Cursor<'_, '_>) -> Result<Vec<SequenceOption>> {
    let mut options = Vec::new();
    while let Some(option) = option(cursor)? {
        options.push(option);
    }
    Ok(options)
}

/// One option, if one stands here.
pub fn option(cursor: &mut Cursor<'_, '_>) -> Result<Option<SequenceOption>> {
    let option = if cursor.accept(&["as"]) {
        SequenceOption::As(cursor.data_type()?)
    } else if cursor.accept(&["increment"]) {
        cursor.accept(&["by"]);
        SequenceOption::Increment(cursor.integer()?)
    } else if cursor.accept(&["no", "minvalue"]) {
        SequenceOption::Minimum(None)
    } else if cursor.accept(&["no", "maxvalue"]) {
        SequenceOption::Maximum(None)
    } else if cursor.accept(&["no", "cycle"]) {
        SequenceOption::Cycle(false)
    } else if cursor.accept(&["minvalue"]) {
        SequenceOption::Minimum(Some(cursor.integer()?))
    } else if cursor.accept(&["maxvalue"]) {
        SequenceOption::Maximum(Some(cursor.integer()?))
    } else if cursor.accept(&["start"]) {
        cursor.accept(&["with"]);
        SequenceOption::Start(cursor.integer()?)
    } else if cursor.accept(&["restart"]) {
        let explicit = cursor.accept(&["with"]) || cursor.at_token(0, &Token::Minus) || cursor.at_number();
        SequenceOption::Restart(if explicit { Some(cursor.integer()?) } else { None })
    } else if cursor.accept(&["cache"]) {
        SequenceOption::Cache(cursor.integer()?)
    } else if cursor.accept(&["cycle"]) {
        SequenceOption::Cycle(true)
    } else if cursor.accept(&["owned", "by"]) {
        SequenceOption::OwnedBy(owned_by(cursor)?)
    } else if cursor.accept(&["sequence", "name"]) {
        SequenceOption::Name(cursor.qualified_name()?)
    } else {
        return Ok(None);
    };
    Ok(Some(option))
}

/// NONE, or table.column.
fn owned_by(cursor: &mut Cursor<'_, '_>) -> Result<OwnedBy> {
    if cursor.at(&["none"]) && !cursor.at_token(1, &Token::Period) {
        cursor.skip();
        return Ok(OwnedBy::None);
    }
    let position = cursor.position();
    let mut parts = vec![cursor.identifier()?];
    while cursor.accept_token(&Token::Period) {
        parts.push(cursor.identifier()?);
    }
    let column = parts.pop().unwrap_or_default();
    let Some(name) = parts.pop() else {
        return Err(crate::error::Error::new(crate::error::SqlState::SyntaxError, "invalid OWNED BY option")
            .hint("Specify OWNED BY table.column or OWNED BY NONE."));
    };
    let schema = parts.pop();
    let table = crate::ddl::statement::QualifiedName { database: parts.pop(), schema, name, position };
    Ok(OwnedBy::Column { table, column })
}
