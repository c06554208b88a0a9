//! CREATE and ALTER ROLE, USER, GROUP.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::ddl::statement::{
    AlterRole, AlterRoleChange, CommentTarget, CreateRole, RoleName, RoleOption, SettingChange, Statement,
};
use crate::error::Result;

pub fn create(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    let user = cursor.word(0) == "user";
    cursor.skip();
    let name = cursor.identifier()?;
    cursor.accept(&["with"]);
    let options = options(cursor)?;
    Ok(Statement::CreateRole(CreateRole { name, user, options }))
}

/// After ALTER ROLE, USER or GROUP.
pub fn alter(cursor: &mut Cursor<'_, '_>, group: bool) -> Result<Statement> {
    let role = if cursor.accept(&["all"]) { RoleName::Public } else { cursor.role()? };
    if cursor.accept(&["rename", "to"]) {
        let RoleName::Name(name) = role else { return Err(cursor.syntax_error()) };
        return Ok(Statement::Rename { target: CommentTarget::Role(name), to: cursor.identifier()? });
    }
    if group {
        return Err(cursor.unsupported("ALTER GROUP"));
    }
    let database = if cursor.accept(&["in", "database"]) { Some(cursor.identifier()?) } else { None };
    if let Some(change) = setting(cursor)? {
        return Ok(Statement::AlterRole(AlterRole {
            role,
            change: AlterRoleChange::Setting { database, change },
        }));
    }
    if database.is_some() || role == RoleName::Public {
        return Err(cursor.syntax_error());
    }
    cursor.accept(&["with"]);
    let options = options(cursor)?;
    Ok(Statement::AlterRole(AlterRole { role, change: AlterRoleChange::Options(options) }))
}

/// SET name { TO | = } value, SET name FROM CURRENT (refused), RESET name, RESET ALL; `None` for anything else.
pub fn setting(cursor: &mut Cursor<'_, '_>) -> Result<Option<SettingChange>> {
    if cursor.accept(&["reset"]) {
        if cursor.accept(&["all"]) {
            return Ok(Some(SettingChange::ResetAll));
        }
        return Ok(Some(SettingChange::Set { name: setting_name(cursor)?, value: None }));
    }
    if !cursor.accept(&["set"]) {
        return Ok(None);
    }
    let name = setting_name(cursor)?;
    if cursor.at(&["from", "current"]) {
        return Err(cursor.unsupported("SET FROM CURRENT"));
    }
    if !cursor.accept_token(&Token::Eq) && name != "timezone" {
        cursor.expect(&["to"])?;
    }
    cursor.accept(&["to"]);
    if cursor.accept(&["default"]) {
        return Ok(Some(SettingChange::Set { name, value: None }));
    }
    let values = cursor.list(Cursor::value_text)?;
    Ok(Some(SettingChange::Set { name, value: Some(values.join(", ")) }))
}

fn setting_name(cursor: &mut Cursor<'_, '_>) -> Result<String> {
    if cursor.accept(&["time", "zone"]) {
        return Ok("timezone".to_string());
    }
    let mut name = cursor.identifier()?;
    while cursor.accept_token(&Token::Period) {
        name = format!("{name}.{}", cursor.identifier()?);
    }
    Ok(name)
}

fn options(cursor: &mut Cursor<'_, '_>) -> Result<Vec<RoleOption>> {
    let mut options = Vec::new();
    while !cursor.at_end() {
        options.push(option(cursor)?);
    }
    Ok(options)
}

fn option(cursor: &mut Cursor<'_, '_>) -> Result<RoleOption> {
    if cursor.accept(&["connection", "limit"]) {
        return Ok(RoleOption::ConnectionLimit(cursor.small_integer()?));
    }
    if cursor.accept(&["valid", "until"]) {
        return Ok(RoleOption::ValidUntil(cursor.string()?));
    }
    if cursor.accept(&["in", "role"]) || cursor.accept(&["in", "group"]) {
        return Ok(RoleOption::InRole(cursor.list(Cursor::role)?));
    }
    let error = cursor.syntax_error();
    Ok(match cursor.identifier()?.as_str() {
        "superuser" => RoleOption::Superuser(true),
        "nosuperuser" => RoleOption::Superuser(false),
        "createdb" => RoleOption::CreateDatabase(true),
        "nocreatedb" => RoleOption::CreateDatabase(false),
        "createrole" => RoleOption::CreateRole(true),
        "nocreaterole" => RoleOption::CreateRole(false),
        "inherit" => RoleOption::Inherit(true),
        "noinherit" => RoleOption::Inherit(false),
        "login" => RoleOption::Login(true),
        "nologin" => RoleOption::Login(false),
        "replication" => RoleOption::Replication(true),
        "noreplication" => RoleOption::Replication(false),
        "bypassrls" => RoleOption::BypassRowSecurity(true),
        "nobypassrls" => RoleOption::BypassRowSecurity(false),
        "encrypted" => {
            cursor.expect(&["password"])?;
            RoleOption::Password(Some(cursor.string()?))
        }
        "password" if cursor.accept(&["null"]) => RoleOption::Password(None),
        "password" => RoleOption::Password(Some(cursor.string()?)),
        "role" | "user" => RoleOption::Role(cursor.list(Cursor::role)?),
        "admin" => RoleOption::Admin(cursor.list(Cursor::role)?),
        // Accepted and ignored by PostgreSQL too.
        "sysid" => {
            cursor.integer()?;
            option(cursor)?
        }
        _ => return Err(error),
    })
}
