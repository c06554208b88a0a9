//! GRANT, REVOKE and ALTER DEFAULT PRIVILEGES.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::ddl::statement::{
    AlterDefaultPrivileges, Grant, GrantRole, GrantTarget, PrivilegeName, RoleName, Statement,
};
use crate::error::Result;

pub fn grant(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    let revoke = cursor.word(0) == "revoke";
    cursor.skip();
    let admin = revoke && cursor.accept(&["admin", "option", "for"]);
    let mut grant_option = revoke && cursor.accept(&["grant", "option", "for"]);
    let privileges = privileges(cursor)?;
    if !cursor.accept(&["on"]) {
        return membership(cursor, revoke, admin, privileges);
    }
    let target = target(cursor)?;
    cursor.expect(&[if revoke { "from" } else { "to" }])?;
    let grantees = cursor.list(Cursor::role)?;
    if !revoke {
        grant_option = cursor.accept(&["with", "grant", "option"]);
    }
    let granted_by = granted_by(cursor)?;
    let cascade = revoke && cursor.cascade();
    let grant = Grant { revoke, privileges, target, grantees, grant_option, granted_by, cascade };
    Ok(Statement::Grant(grant))
}

/// GRANT role TO role: what was read as privileges were roles.
fn membership(
    cursor: &mut Cursor<'_, '_>,
    revoke: bool,
    mut admin: bool,
    privileges: Vec<PrivilegeName>,
) -> Result<Statement> {
    let mut roles = Vec::new();
    for privilege in privileges {
        match privilege.name {
            Some(name) if privilege.columns.is_empty() => roles.push(name),
            _ => return Err(cursor.syntax_error()),
        }
    }
    if roles.is_empty() {
        return Err(cursor.syntax_error());
    }
    cursor.expect(&[if revoke { "from" } else { "to" }])?;
    let members = cursor.list(Cursor::role)?;
    if !revoke {
        admin = cursor.accept(&["with", "admin", "option"]);
    }
    let granted_by = granted_by(cursor)?;
    let cascade = revoke && cursor.cascade();
    Ok(Statement::GrantRole(GrantRole { revoke, roles, members, admin, granted_by, cascade }))
}

fn granted_by(cursor: &mut Cursor<'_, '_>) -> Result<Option<RoleName>> {
    if cursor.accept(&["granted", "by"]) { Ok(Some(cursor.role()?)) } else { Ok(None) }
}

/// ALL [PRIVILEGES] as the empty list, or names, each with columns or without.
fn privileges(cursor: &mut Cursor<'_, '_>) -> Result<Vec<PrivilegeName>> {
    if cursor.accept(&["all"]) {
        cursor.accept(&["privileges"]);
        let columns = cursor.optional_names()?;
        return Ok(if columns.is_empty() { Vec::new() } else { vec![PrivilegeName { name: None, columns }] });
    }
    cursor.list(|cursor| {
        let name = Some(cursor.identifier()?);
        Ok(PrivilegeName { name, columns: cursor.optional_names()? })
    })
}

fn target(cursor: &mut Cursor<'_, '_>) -> Result<GrantTarget> {
    for (word, make) in [
        ("tables", GrantTarget::AllTablesIn as fn(Vec<String>) -> GrantTarget),
        ("sequences", GrantTarget::AllSequencesIn),
        ("functions", GrantTarget::AllFunctionsIn),
        ("procedures", GrantTarget::AllFunctionsIn),
        ("routines", GrantTarget::AllFunctionsIn),
    ] {
        if cursor.accept(&["all", word, "in", "schema"]) {
            return Ok(make(cursor.list(Cursor::identifier)?));
        }
    }
    let object = cursor.word(0);
    let keyword = !cursor.at_token(1, &Token::Period) && !cursor.at_token(1, &Token::Comma);
    Ok(match object.as_str() {
        "sequence" if keyword => {
            cursor.skip();
            GrantTarget::Sequences(cursor.list(Cursor::qualified_name)?)
        }
        "database" if keyword => {
            cursor.skip();
            GrantTarget::Databases(cursor.list(Cursor::identifier)?)
        }
        "schema" if keyword => {
            cursor.skip();
            GrantTarget::Schemas(cursor.list(Cursor::identifier)?)
        }
        "function" | "procedure" | "routine" | "language" | "type" | "domain" | "tablespace"
        | "parameter" | "large" | "foreign"
            if keyword && cursor.word(1) != "to" && cursor.word(1) != "from" =>
        {
            return Err(super::refused(cursor, "GRANT ON", &object));
        }
        _ => {
            cursor.accept(&["table"]);
            GrantTarget::Tables(cursor.list(Cursor::qualified_name)?)
        }
    })
}

/// After ALTER DEFAULT PRIVILEGES.
pub fn default_privileges(cursor: &mut Cursor<'_, '_>) -> Result<Statement> {
    let (mut roles, mut schemas) = (Vec::new(), Vec::new());
    loop {
        if cursor.accept(&["for", "role"]) || cursor.accept(&["for", "user"]) {
            roles = cursor.list(Cursor::role)?;
        } else if cursor.accept(&["in", "schema"]) {
            schemas = cursor.list(Cursor::identifier)?;
        } else {
            break;
        }
    }
    let revoke = cursor.accept(&["revoke"]);
    if !revoke {
        cursor.expect(&["grant"])?;
    }
    let mut grant_option = revoke && cursor.accept(&["grant", "option", "for"]);
    let mut names = Vec::new();
    for privilege in privileges(cursor)? {
        match privilege.name {
            Some(name) if privilege.columns.is_empty() => names.push(name),
            _ => return Err(cursor.syntax_error()),
        }
    }
    cursor.expect(&["on"])?;
    let error = cursor.syntax_error();
    let object_type = match cursor.identifier()?.as_str() {
        "tables" => 'r',
        "sequences" => 'S',
        "functions" | "routines" => 'f',
        "types" => 'T',
        "schemas" => 'n',
        _ => return Err(error),
    };
    cursor.expect(&[if revoke { "from" } else { "to" }])?;
    let grantees = cursor.list(Cursor::role)?;
    if !revoke {
        grant_option = cursor.accept(&["with", "grant", "option"]);
    } else {
        cursor.cascade();
    }
    Ok(Statement::AlterDefaultPrivileges(AlterDefaultPrivileges {
        roles,
        schemas,
        revoke,
        privileges: names,
        object_type,
        grantees,
        grant_option,
    }))
}
