//! Databases, schemas, extensions, comments.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::ddl::statement::{
    CommentTarget, CreateDatabase, CreateExtension, CreateSchema, DatabaseOption, RelationWord, Statement,
};
use crate::error::Result;

pub fn create_schema(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.expect(&["schema"])?;
    let if_not_exists = cursor.accept(&["if", "not", "exists"]);
    let name = if cursor.at(&["authorization"]) { None } else { Some(cursor.identifier()?) };
    let authorization = if cursor.accept(&["authorization"]) { Some(cursor.role()?) } else { None };
    let mut elements = Vec::new();
    while !cursor.at_end() {
        let element = match cursor.word(0).as_str() {
            "create" => super::create(cursor)?,
            "grant" => Some(super::grant::grant(cursor)?),
            _ => None,
        };
        match element {
            Some(element) => elements.push(element),
            None => return Err(cursor.syntax_error()),
        }
    }
    Ok(Statement::CreateSchema(CreateSchema { name, if_not_exists, authorization, elements }))
}

pub fn create_database(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.expect(&["database"])?;
    let name = cursor.identifier()?;
    cursor.accept(&["with"]);
    let mut options = Vec::new();
    while !cursor.at_end() {
        options.push(database_option(cursor)?);
    }
    Ok(Statement::CreateDatabase(CreateDatabase { name, options }))
}

/// One option of CREATE or ALTER DATABASE.
pub fn database_option(cursor: &mut Cursor<'_, '_>) -> Result<DatabaseOption> {
    let error = cursor.syntax_error();
    let name = if cursor.accept(&["connection", "limit"]) {
        "connection_limit".to_string()
    } else {
        cursor.identifier()?
    };
    cursor.accept_token(&Token::Eq);
    Ok(match name.as_str() {
        "owner" => DatabaseOption::Owner(cursor.role()?),
        "template" => DatabaseOption::Template(cursor.value_text()?),
        "encoding" => DatabaseOption::Encoding(cursor.value_text()?),
        "locale" | "lc_collate" | "lc_ctype" | "icu_locale" | "collation_version" => {
            DatabaseOption::Locale(name, cursor.value_text()?)
        }
        "locale_provider" => DatabaseOption::LocaleProvider(cursor.value_text()?),
        "tablespace" => DatabaseOption::Tablespace(cursor.value_text()?),
        "allow_connections" => DatabaseOption::AllowConnections(cursor.boolean()?),
        "connection_limit" => DatabaseOption::ConnectionLimit(cursor.small_integer()?),
        "is_template" => DatabaseOption::IsTemplate(cursor.boolean()?),
        "strategy" => DatabaseOption::Strategy(cursor.value_text()?),
        _ => return Err(error),
    })
}

pub fn create_extension(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.expect(&["extension"])?;
    let if_not_exists = cursor.accept(&["if", "not", "exists"]);
    let name = cursor.identifier()?;
    cursor.accept(&["with"]);
    let mut extension = CreateExtension { name, if_not_exists, schema: None, version: None, cascade: false };
    loop {
        if cursor.accept(&["schema"]) {
            extension.schema = Some(cursor.identifier()?);
        } else if cursor.accept(&["version"]) {
            extension.version = Some(cursor.value_text()?);
        } else if cursor.accept(&["cascade"]) {
            extension.cascade = true;
        } else {
            return Ok(Statement::CreateExtension(extension));
        }
    }
}

pub fn comment(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.expect(&["comment", "on"])?;
    let object = cursor.word(0);
    let relation = |word| move |name| CommentTarget::Relation(word, name);
    let target = match object.as_str() {
        "table" => named(cursor, relation(RelationWord::Table))?,
        "view" => named(cursor, relation(RelationWord::View))?,
        "index" => named(cursor, relation(RelationWord::Index))?,
        "sequence" => named(cursor, relation(RelationWord::Sequence))?,
        "type" => named(cursor, CommentTarget::Type)?,
        "column" => {
            cursor.skip();
            let mut name = cursor.qualified_name()?;
            let column = std::mem::take(&mut name.name);
            match name.schema.take() {
                Some(table) => {
                    name.name = table;
                    name.schema = name.database.take();
                }
                None => return Err(cursor.syntax_error()),
            }
            CommentTarget::Column(name, column)
        }
        "constraint" => {
            cursor.skip();
            let name = cursor.identifier()?;
            cursor.expect(&["on"])?;
            if cursor.at(&["domain"]) {
                return Err(cursor.unsupported("COMMENT ON CONSTRAINT of a domain"));
            }
            CommentTarget::Constraint { name, table: cursor.qualified_name()? }
        }
        "schema" | "database" | "role" | "extension" => {
            cursor.skip();
            let name = cursor.identifier()?;
            match object.as_str() {
                "schema" => CommentTarget::Schema(name),
                "database" => CommentTarget::Database(name),
                "role" => CommentTarget::Role(name),
                _ => CommentTarget::Extension(name),
            }
        }
        _ => return Err(super::refused(cursor, "COMMENT ON", &object)),
    };
    cursor.expect(&["is"])?;
    let text = if cursor.accept(&["null"]) { None } else { Some(cursor.string()?) };
    Ok(Statement::Comment { target, text })
}

fn named(
    cursor: &mut Cursor<'_, '_>,
    make: impl FnOnce(crate::ddl::statement::QualifiedName) -> CommentTarget,
) -> Result<CommentTarget> {
    cursor.skip();
    Ok(make(cursor.qualified_name()?))
}
