//! ALTER.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{grant, role, schema, sequence, table};
use crate::ddl::statement::{
    AlterColumn, AlterDatabase, AlterDatabaseChange, AlterTable, AlterTableAction, CommentTarget,
    IdentityChange, RelationWord, SetOwner, Statement,
};
use crate::error::Result;

/// `None`: not one of definition (ALTER SYSTEM belongs to settings).
pub fn alter(cursor: &mut Cursor<'_, '_>) -> Result<Option<Statement>> {
    cursor.expect(&["alter"])?;
    let object = cursor.word(0);
    if object == "system" {
        return Ok(None);
    }
    if cursor.accept(&["default", "privileges"]) {
        return Ok(Some(grant::default_privileges(cursor)?));
    }
    let word = match object.as_str() {
        "table" => RelationWord::Table,
        "view" => RelationWord::View,
        "index" => RelationWord::Index,
        "sequence" => RelationWord::Sequence,
        "schema" => return Ok(Some(alter_schema(cursor)?)),
        "database" => return Ok(Some(alter_database(cursor)?)),
        "role" | "user" | "group" if cursor.word(1) != "mapping" => {
            cursor.skip();
            return Ok(Some(role::alter(cursor, object == "group")?));
        }
        _ => return Err(super::refused(cursor, "ALTER", &object)),
    };
    cursor.skip();
    if word == RelationWord::Sequence {
        let mark = cursor.mark();
        match relation(cursor, word) {
            Ok(statement) if cursor.at_end() => return Ok(Some(statement)),
            _ => cursor.rewind(mark),
        }
        return Ok(Some(sequence::alter(cursor)?));
    }
    Ok(Some(relation(cursor, word)?))
}

fn relation(cursor: &mut Cursor<'_, '_>, word: RelationWord) -> Result<Statement> {
    if cursor.at(&["all", "in", "tablespace"]) {
        return Err(cursor.unsupported("ALL IN TABLESPACE"));
    }
    let if_exists = cursor.accept(&["if", "exists"]);
    let name = super::relation_name(cursor)?;
    let actions = cursor.list(action)?;
    Ok(Statement::AlterTable(AlterTable { word, name, if_exists, actions }))
}

fn action(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    let error = cursor.syntax_error();
    let word = cursor.word(0);
    if word.is_empty() {
        return Err(error);
    }
    cursor.skip();
    match word.as_str() {
        "add" => add(cursor),
        "drop" => drop(cursor),
        "alter" => alter_item(cursor),
        "rename" => rename(cursor),
        "set" => set(cursor),
        "validate" => {
            cursor.expect(&["constraint"])?;
            Ok(AlterTableAction::ValidateConstraint { name: cursor.identifier()? })
        }
        "owner" => {
            cursor.expect(&["to"])?;
            Ok(AlterTableAction::OwnerTo(cursor.role()?))
        }
        "reset" => Ok(AlterTableAction::ResetOptions(reset_names(cursor)?)),
        "enable" | "disable" => {
            if !cursor.accept(&["row", "level", "security"]) {
                return Err(cursor.unsupported(&format!("{} TRIGGER or RULE", word.to_uppercase())));
            }
            Ok(AlterTableAction::RowSecurity { enable: word == "enable" })
        }
        "force" => {
            cursor.expect(&["row", "level", "security"])?;
            Ok(AlterTableAction::ForceRowSecurity { force: true })
        }
        "no" if cursor.accept(&["force", "row", "level", "security"]) => {
            Ok(AlterTableAction::ForceRowSecurity { force: false })
        }
        "replica" => {
            cursor.expect(&["identity"])?;
            replica_identity(cursor)
        }
        "cluster" => {
            cursor.expect(&["on"])?;
            Ok(AlterTableAction::ClusterOn(Some(cursor.identifier()?)))
        }
        "attach" | "detach" | "inherit" | "no" | "of" | "not" | "options" | "depends" => {
            Err(cursor.unsupported(&format!("ALTER TABLE ... {}", word.to_uppercase())))
        }
        _ => Err(error),
    }
}

fn replica_identity(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    for (word, letter) in [("default", 'd'), ("full", 'f'), ("nothing", 'n')] {
        if cursor.accept(&[word]) {
            return Ok(AlterTableAction::ReplicaIdentity(letter));
        }
    }
    Err(cursor.unsupported("REPLICA IDENTITY USING INDEX"))
}

fn add(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    let constraint = matches!(cursor.word(0).as_str(), "constraint" | "check" | "unique" | "exclude")
        || cursor.at(&["primary", "key"])
        || cursor.at(&["foreign", "key"]);
    if constraint {
        return Ok(AlterTableAction::AddConstraint(table::table_constraint(cursor)?));
    }
    cursor.accept(&["column"]);
    let if_not_exists = cursor.accept(&["if", "not", "exists"]);
    Ok(AlterTableAction::AddColumn { column: table::column(cursor)?, if_not_exists })
}

fn drop(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    let constraint = cursor.accept(&["constraint"]);
    if !constraint {
        cursor.accept(&["column"]);
    }
    let if_exists = cursor.accept(&["if", "exists"]);
    let name = cursor.identifier()?;
    let cascade = cursor.cascade();
    Ok(if constraint {
        AlterTableAction::DropConstraint { name, if_exists, cascade }
    } else {
        AlterTableAction::DropColumn { name, if_exists, cascade }
    })
}

fn rename(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    if cursor.accept(&["to"]) {
        return Ok(AlterTableAction::RenameTo(cursor.identifier()?));
    }
    let constraint = cursor.accept(&["constraint"]);
    if !constraint {
        cursor.accept(&["column"]);
    }
    let from = cursor.identifier()?;
    cursor.expect(&["to"])?;
    let to = cursor.identifier()?;
    Ok(if constraint {
        AlterTableAction::RenameConstraint { from, to }
    } else {
        AlterTableAction::RenameColumn { from, to }
    })
}

fn set(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    if cursor.accept(&["schema"]) {
        return Ok(AlterTableAction::SetSchema(cursor.identifier()?));
    }
    if cursor.at_token(0, &Token::LParen) {
        return Ok(AlterTableAction::SetOptions(cursor.options()?));
    }
    if cursor.accept(&["logged"]) {
        return Ok(AlterTableAction::SetLogged(true));
    }
    if cursor.accept(&["unlogged"]) {
        return Ok(AlterTableAction::SetLogged(false));
    }
    if cursor.accept(&["without", "cluster"]) {
        return Ok(AlterTableAction::ClusterOn(None));
    }
    if cursor.accept(&["without", "oids"]) {
        return Ok(AlterTableAction::SetOptions(Vec::new()));
    }
    if cursor.accept(&["tablespace"]) {
        table::tablespace(cursor)?;
        return Ok(AlterTableAction::SetOptions(Vec::new()));
    }
    Err(cursor.syntax_error())
}

/// ALTER COLUMN or ALTER CONSTRAINT.
fn alter_item(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    if cursor.accept(&["constraint"]) {
        return alter_constraint(cursor);
    }
    cursor.accept(&["column"]);
    let name = cursor.identifier()?;
    let change = alter_column(cursor)?;
    Ok(AlterTableAction::AlterColumn { name, change })
}

fn alter_constraint(cursor: &mut Cursor<'_, '_>) -> Result<AlterTableAction> {
    let name = cursor.identifier()?;
    let (mut deferrable, mut initially_deferred) = (None, None);
    loop {
        if cursor.accept(&["not", "deferrable"]) {
            deferrable = Some(false);
        } else if cursor.accept(&["deferrable"]) {
            deferrable = Some(true);
        } else if cursor.accept(&["initially", "deferred"]) {
            initially_deferred = Some(true);
        } else if cursor.accept(&["initially", "immediate"]) {
            initially_deferred = Some(false);
        } else {
            return Ok(AlterTableAction::AlterConstraint { name, deferrable, initially_deferred });
        }
    }
}

fn alter_column(cursor: &mut Cursor<'_, '_>) -> Result<AlterColumn> {
    if cursor.accept(&["set", "default"]) {
        return Ok(AlterColumn::SetDefault(cursor.expression()?));
    }
    if cursor.accept(&["set", "data", "type"]) || cursor.accept(&["type"]) {
        let data_type = cursor.data_type()?;
        let collation = if cursor.accept(&["collate"]) { Some(cursor.qualified_name()?) } else { None };
        let using = if cursor.accept(&["using"]) { Some(cursor.expression()?) } else { None };
        return Ok(AlterColumn::SetType { data_type, collation, using });
    }
    for (words, change) in [
        (["drop", "default"].as_slice(), AlterColumn::DropDefault),
        (&["set", "not", "null"], AlterColumn::SetNotNull),
        (&["drop", "not", "null"], AlterColumn::DropNotNull),
        (&["drop", "identity", "if", "exists"], AlterColumn::DropIdentity { if_exists: true }),
        (&["drop", "identity"], AlterColumn::DropIdentity { if_exists: false }),
        (&["drop", "expression", "if", "exists"], AlterColumn::DropExpression { if_exists: true }),
        (&["drop", "expression"], AlterColumn::DropExpression { if_exists: false }),
    ] {
        if cursor.accept(words) {
            return Ok(change);
        }
    }
    if cursor.accept(&["add", "generated"]) {
        let always = table::identity_kind(cursor)?;
        cursor.expect(&["as", "identity"])?;
        return Ok(AlterColumn::AddIdentity { always, options: sequence::parenthesized_options(cursor)? });
    }
    if cursor.accept(&["set", "statistics"]) {
        return Ok(AlterColumn::SetStatistics(cursor.small_integer()?));
    }
    if cursor.accept(&["set", "storage"]) {
        return Ok(AlterColumn::SetStorage(cursor.identifier()?));
    }
    if cursor.accept(&["set", "compression"]) {
        return Ok(AlterColumn::SetCompression(cursor.identifier()?));
    }
    if cursor.at(&["set"]) && cursor.at_token(1, &Token::LParen) {
        cursor.skip();
        return Ok(AlterColumn::SetOptions(cursor.options()?));
    }
    if cursor.at(&["reset"]) {
        cursor.skip();
        return Ok(AlterColumn::ResetOptions(reset_names(cursor)?));
    }
    identity_changes(cursor)
}

fn identity_changes(cursor: &mut Cursor<'_, '_>) -> Result<AlterColumn> {
    let mut changes = Vec::new();
    loop {
        if cursor.accept(&["set", "generated"]) {
            changes.push(IdentityChange::Always(table::identity_kind(cursor)?));
        } else if cursor.at(&["restart"]) || cursor.accept(&["set"]) {
            match sequence::option(cursor)? {
                Some(option) => changes.push(IdentityChange::Option(option)),
                None => return Err(cursor.syntax_error()),
            }
        } else if changes.is_empty() {
            return Err(cursor.syntax_error());
        } else {
            return Ok(AlterColumn::ChangeIdentity(changes));
        }
    }
}

fn reset_names(cursor: &mut Cursor<'_, '_>) -> Result<Vec<String>> {
    cursor.parenthesized(|cursor| {
        let mut name = cursor.identifier()?;
        while cursor.accept_token(&Token::Period) {
            name = format!("{name}.{}", cursor.identifier()?);
        }
        Ok(name)
    })
}

fn alter_schema(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.skip();
    let target = CommentTarget::Schema(cursor.identifier()?);
    if cursor.accept(&["rename", "to"]) {
        return Ok(Statement::Rename { target, to: cursor.identifier()? });
    }
    cursor.expect(&["owner", "to"])?;
    Ok(Statement::SetOwner(SetOwner { target, owner: cursor.role()? }))
}

fn alter_database(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    cursor.skip();
    let name = cursor.identifier()?;
    if cursor.accept(&["rename", "to"]) {
        return Ok(Statement::Rename { target: CommentTarget::Database(name), to: cursor.identifier()? });
    }
    if cursor.accept(&["owner", "to"]) {
        let target = CommentTarget::Database(name);
        return Ok(Statement::SetOwner(SetOwner { target, owner: cursor.role()? }));
    }
    if cursor.at(&["refresh"]) || cursor.at(&["set", "tablespace"]) {
        return Err(cursor.unsupported(&format!("ALTER DATABASE ... {}", cursor.word(0).to_uppercase())));
    }
    if let Some(change) = role::setting(cursor)? {
        return Ok(Statement::AlterDatabase(AlterDatabase {
            name,
            change: AlterDatabaseChange::Setting(change),
        }));
    }
    cursor.accept(&["with"]);
    let mut options = Vec::new();
    while !cursor.at_end() {
        options.push(schema::database_option(cursor)?);
    }
    Ok(Statement::AlterDatabase(AlterDatabase { name, change: AlterDatabaseChange::Options(options) }))
}
