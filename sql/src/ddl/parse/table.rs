//! CREATE TABLE, its columns and constraints.

use catalog::{MatchKind, ReferentialAction};
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::sequence;
use crate::ddl::statement::{
    ColumnConstraint, ColumnDefinition, ConstraintDefinition, ConstraintTiming, CreateTable,
    ForeignKeyClause, LikeClause, Statement, TableConstraint, TableElement,
};
use crate::error::{Error, Result, SqlState};

/// `None`: this is CREATE TABLE AS.
pub fn create(cursor: &mut Cursor<'_, '_>, temporary: bool, unlogged: bool) -> Result<Option<Statement>> {
    cursor.expect(&["table"])?;
    let if_not_exists = cursor.accept(&["if", "not", "exists"]);
    let name = cursor.qualified_name()?;
    if is_create_as(cursor) {
        return Ok(None);
    }
    if cursor.at(&["partition", "of"]) {
        return Err(cursor.unsupported("PARTITION OF"));
    }
    if cursor.at(&["of"]) {
        return Err(cursor.unsupported("CREATE TABLE OF a type"));
    }
    cursor.expect_token(&Token::LParen)?;
    let elements = if cursor.at_token(0, &Token::RParen) { Vec::new() } else { cursor.list(element)? };
    cursor.expect_token(&Token::RParen)?;
    let mut table = CreateTable { name, if_not_exists, temporary, unlogged, elements, options: Vec::new() };
    storage_clauses(cursor, &mut table.options)?;
    Ok(Some(Statement::CreateTable(Box::new(table))))
}

/// Whether, after the table's name, column names and storage clauses lead to AS.
fn is_create_as(cursor: &mut Cursor<'_, '_>) -> bool {
    let mark = cursor.mark();
    let mut depth = 0;
    let mut found = false;
    while !cursor.at_end() {
        if cursor.at_token(0, &Token::LParen) {
            depth += 1;
        } else if cursor.at_token(0, &Token::RParen) {
            depth -= 1;
        } else if depth == 0 && cursor.at(&["as"]) {
            found = true;
            break;
        }
        cursor.skip();
    }
    cursor.rewind(mark);
    found
}

/// INHERITS, PARTITION BY, USING, WITH, ON COMMIT, TABLESPACE.
fn storage_clauses(cursor: &mut Cursor<'_, '_>, options: &mut Vec<(String, Option<String>)>) -> Result<()> {
    loop {
        if cursor.at(&["inherits"]) {
            return Err(cursor.unsupported("INHERITS"));
        } else if cursor.at(&["partition"]) {
            return Err(cursor.unsupported("PARTITION BY"));
        } else if cursor.accept(&["using"]) {
            heap(cursor)?;
        } else if cursor.accept(&["with"]) {
            options.append(&mut cursor.options()?);
        } else if cursor.accept(&["without", "oids"]) {
            // The only form there is since PostgreSQL 12.
        } else if cursor.accept(&["on", "commit"]) {
            if !cursor.accept(&["preserve", "rows"]) {
                return Err(cursor.unsupported("ON COMMIT"));
            }
        } else if cursor.accept(&["tablespace"]) {
            tablespace(cursor)?;
        } else {
            return Ok(());
        }
    }
}

/// USING method: there is one.
fn heap(cursor: &mut Cursor<'_, '_>) -> Result<()> {
    let method = cursor.identifier()?;
    if method == "heap" {
        return Ok(());
    }
    Err(Error::new(SqlState::UndefinedObject, format!("access method \"{method}\" does not exist")))
}

/// TABLESPACE name: pg_default, which says nothing.
pub fn tablespace(cursor: &mut Cursor<'_, '_>) -> Result<()> {
    let name = cursor.identifier()?;
    if name == "pg_default" {
        return Ok(());
    }
    Err(Error::new(SqlState::UndefinedObject, format!("tablespace \"{name}\" does not exist")))
}

fn element(cursor: &mut Cursor<'_, '_>) -> Result<TableElement> {
    if cursor.accept(&["like"]) {
        return Ok(TableElement::Like(like(cursor)?));
    }
    if starts_constraint(cursor) {
        return Ok(TableElement::Constraint(table_constraint(cursor)?));
    }
    Ok(TableElement::Column(column(cursor)?))
}

fn starts_constraint(cursor: &Cursor<'_, '_>) -> bool {
    match cursor.word(0).as_str() {
        "constraint" | "check" | "exclude" => true,
        "primary" | "foreign" => cursor.word(1) == "key",
        "unique" => true,
        _ => false,
    }
}

fn like(cursor: &mut Cursor<'_, '_>) -> Result<LikeClause> {
    let mut like = LikeClause {
        source: cursor.qualified_name()?,
        comments: false,
        constraints: false,
        defaults: false,
        generated: false,
        identity: false,
        indexes: false,
        storage: false,
    };
    loop {
        let including = if cursor.accept(&["including"]) {
            true
        } else if cursor.accept(&["excluding"]) {
            false
        } else {
            return Ok(like);
        };
        let error = cursor.syntax_error();
        match cursor.identifier()?.as_str() {
            "all" => {
                like = LikeClause {
                    source: like.source,
                    comments: including,
                    constraints: including,
                    defaults: including,
                    generated: including,
                    identity: including,
                    indexes: including,
                    storage: including,
                }
            }
            "comments" => like.comments = including,
            "constraints" => like.constraints = including,
            "defaults" => like.defaults = including,
            "generated" => like.generated = including,
            "identity" => like.identity = including,
            "indexes" => like.indexes = including,
            "storage" | "compression" => like.storage = including,
            // There are no extended statistics to copy.
            "statistics" => {}
            _ => return Err(error),
        }
    }
}

/// A column of CREATE TABLE or ADD COLUMN.
pub fn column(cursor: &mut Cursor<'_, '_>) -> Result<ColumnDefinition> {
    let position = cursor.position();
    let name = cursor.identifier()?;
    let data_type = cursor.data_type()?;
    let mut column = ColumnDefinition { name, position, data_type, collation: None, constraints: Vec::new() };
    loop {
        if cursor.accept(&["collate"]) {
            column.collation = Some(cursor.qualified_name()?);
        } else if cursor.at(&["storage"]) || cursor.at(&["compression"]) {
            return Err(cursor.unsupported("STORAGE of a new column"));
        } else if let Some(constraint) = column_constraint(cursor)? {
            column.constraints.push(constraint);
        } else {
            return Ok(column);
        }
    }
}

fn column_constraint(cursor: &mut Cursor<'_, '_>) -> Result<Option<ColumnConstraint>> {
    let name = if cursor.accept(&["constraint"]) { Some(cursor.identifier()?) } else { None };
    let plain = if cursor.accept(&["not", "null"]) {
        Some(ColumnConstraint::NotNull)
    } else if cursor.accept(&["null"]) {
        Some(ColumnConstraint::Null)
    } else if cursor.accept(&["default"]) {
        Some(ColumnConstraint::Default(cursor.expression()?))
    } else if cursor.accept(&["generated"]) {
        Some(generated(cursor)?)
    } else {
        None
    };
    if plain.is_some() {
        return Ok(plain);
    }
    let definition = match cursor.word(0).as_str() {
        "primary" | "unique" => key(cursor, true)?,
        "check" => {
            cursor.skip();
            ConstraintDefinition::Check(cursor.parenthesized_expression()?)
        }
        "references" => ConstraintDefinition::ForeignKey(references(cursor, Vec::new())?),
        _ if name.is_some() => return Err(cursor.syntax_error()),
        _ => return Ok(None),
    };
    Ok(Some(ColumnConstraint::Constraint(constraint_attributes(cursor, name, definition)?)))
}

/// After GENERATED: an identity, or a stored expression.
fn generated(cursor: &mut Cursor<'_, '_>) -> Result<ColumnConstraint> {
    let always = identity_kind(cursor)?;
    cursor.expect(&["as"])?;
    if cursor.accept(&["identity"]) {
        let options = sequence::parenthesized_options(cursor)?;
        return Ok(ColumnConstraint::Identity { always, options });
    }
    if !always {
        return Err(cursor.syntax_error());
    }
    let expression = cursor.parenthesized_expression()?;
    cursor.expect(&["stored"])?;
    Ok(ColumnConstraint::Generated(expression))
}

/// ALWAYS or BY DEFAULT.
pub fn identity_kind(cursor: &mut Cursor<'_, '_>) -> Result<bool> {
    if cursor.accept(&["always"]) {
        return Ok(true);
    }
    cursor.expect(&["by", "default"])?;
    Ok(false)
}

/// A constraint of a table: of CREATE TABLE or ADD.
pub fn table_constraint(cursor: &mut Cursor<'_, '_>) -> Result<TableConstraint> {
    let name = if cursor.accept(&["constraint"]) { Some(cursor.identifier()?) } else { None };
    let definition = match cursor.word(0).as_str() {
        "primary" | "unique" => key(cursor, false)?,
        "check" => {
            cursor.skip();
            ConstraintDefinition::Check(cursor.parenthesized_expression()?)
        }
        "foreign" => {
            cursor.expect(&["foreign", "key"])?;
            let columns = cursor.parenthesized(Cursor::identifier)?;
            ConstraintDefinition::ForeignKey(references(cursor, columns)?)
        }
        "exclude" => return Err(cursor.unsupported("EXCLUDE")),
        _ => return Err(cursor.syntax_error()),
    };
    constraint_attributes(cursor, name, definition)
}

/// PRIMARY KEY or UNIQUE with its lists.
fn key(cursor: &mut Cursor<'_, '_>, of_column: bool) -> Result<ConstraintDefinition> {
    let primary = cursor.accept(&["primary", "key"]);
    let mut nulls_not_distinct = false;
    if !primary {
        cursor.expect(&["unique"])?;
        nulls_not_distinct = cursor.accept(&["nulls", "not", "distinct"]);
        if !nulls_not_distinct {
            cursor.accept(&["nulls", "distinct"]);
        }
    }
    let mut columns = Vec::new();
    let mut include = Vec::new();
    let mut using_index = None;
    if !of_column {
        if cursor.accept(&["using", "index"]) {
            using_index = Some(cursor.identifier()?);
        } else {
            columns = cursor.parenthesized(Cursor::identifier)?;
            if cursor.accept(&["include"]) {
                include = cursor.parenthesized(Cursor::identifier)?;
            }
        }
    }
    let options = if cursor.accept(&["with"]) { cursor.options()? } else { Vec::new() };
    if cursor.accept(&["using", "index", "tablespace"]) {
        tablespace(cursor)?;
    }
    Ok(ConstraintDefinition::Key { primary, columns, include, nulls_not_distinct, options, using_index })
}

/// REFERENCES table (columns) MATCH ... ON DELETE ... ON UPDATE ...
fn references(cursor: &mut Cursor<'_, '_>, columns: Vec<String>) -> Result<ForeignKeyClause> {
    cursor.expect(&["references"])?;
    let mut clause = ForeignKeyClause {
        columns,
        referenced: cursor.qualified_name()?,
        referenced_columns: cursor.optional_names()?,
        match_kind: MatchKind::Simple,
        on_update: ReferentialAction::NoAction,
        on_delete: ReferentialAction::NoAction,
        delete_columns: Vec::new(),
    };
    loop {
        if cursor.accept(&["match", "full"]) {
            clause.match_kind = MatchKind::Full;
        } else if cursor.accept(&["match", "simple"]) {
            clause.match_kind = MatchKind::Simple;
        } else if cursor.at(&["match", "partial"]) {
            return Err(cursor.unsupported("MATCH PARTIAL"));
        } else if cursor.accept(&["on", "delete"]) {
            clause.on_delete = action(cursor)?;
            if matches!(clause.on_delete, ReferentialAction::SetNull | ReferentialAction::SetDefault) {
                clause.delete_columns = cursor.optional_names()?;
            }
        } else if cursor.accept(&["on", "update"]) {
            clause.on_update = action(cursor)?;
        } else {
            return Ok(clause);
        }
    }
}

fn action(cursor: &mut Cursor<'_, '_>) -> Result<ReferentialAction> {
    for (words, action) in [
        (["no", "action"].as_slice(), ReferentialAction::NoAction),
        (&["restrict"], ReferentialAction::Restrict),
        (&["cascade"], ReferentialAction::Cascade),
        (&["set", "null"], ReferentialAction::SetNull),
        (&["set", "default"], ReferentialAction::SetDefault),
    ] {
        if cursor.accept(words) {
            return Ok(action);
        }
    }
    Err(cursor.syntax_error())
}

/// DEFERRABLE, INITIALLY, NOT VALID, NO INHERIT, in any order.
fn constraint_attributes(
    cursor: &mut Cursor<'_, '_>,
    name: Option<String>,
    definition: ConstraintDefinition,
) -> Result<TableConstraint> {
    let mut timing = ConstraintTiming::default();
    let (mut not_valid, mut no_inherit) = (false, false);
    let check = matches!(definition, ConstraintDefinition::Check(_));
    loop {
        let error = cursor.position();
        if cursor.accept(&["not", "deferrable"]) {
            timing.deferrable = false;
        } else if cursor.accept(&["deferrable"]) {
            timing.deferrable = true;
        } else if cursor.accept(&["initially", "deferred"]) {
            timing = ConstraintTiming { deferrable: true, initially_deferred: true };
        } else if cursor.accept(&["initially", "immediate"]) {
            timing.initially_deferred = false;
        } else if cursor.accept(&["not", "valid"]) {
            not_valid = true;
        } else if cursor.accept(&["no", "inherit"]) {
            no_inherit = true;
        } else {
            break;
        }
        if check && timing.deferrable {
            return Err(Error::unsupported("CHECK constraints marked DEFERRABLE").at(error));
        }
    }
    Ok(TableConstraint { name, definition, timing, not_valid, no_inherit })
}
