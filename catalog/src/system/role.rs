//! Databases, roles, memberships, settings and tablespaces: what all databases share.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin::{BOOTSTRAP_ROLE, DEFAULT_TABLESPACE, GLOBAL_TABLESPACE};
use crate::object::{Role, Setting};

/// What stands in for a password where it must not be read.
const MASKED: &str = "********";

pub fn pg_database(scan: &Scan<'_>) -> Vec<Row> {
    let databases = scan.snapshot.databases();
    databases
        .map(|database| {
            row![
                database.oid,
                &database.name,
                database.owner,
                database.encoding,
                'c',
                database.is_template,
                database.allow_connections,
                database.connection_limit,
                716_u32,
                1_u32,
                database.tablespace,
                &database.collate,
                &database.ctype,
                Cell::Null,
                Cell::Null,
                scan.acl(&database.acl),
            ]
        })
        .collect()
}

pub fn pg_authid(scan: &Scan<'_>) -> Vec<Row> {
    let roles = scan.snapshot.roles();
    roles
        .map(|role| {
            row![
                role.oid,
                &role.name,
                role.superuser,
                role.inherit,
                role.create_role,
                role.create_database,
                role.login,
                role.replication,
                role.bypass_row_security,
                role.connection_limit,
                role.verifier.as_ref(),
                valid_until(role),
            ]
        })
        .collect()
}

fn valid_until(role: &Role) -> Cell {
    role.valid_until.map_or(Cell::Null, Cell::Timestamp)
}

/// Settings as name=value, of a role in every database.
fn role_settings(scan: &Scan<'_>, role: u32) -> Cell {
    scan.snapshot.setting(0, role).map_or(Cell::Null, settings)
}

fn settings(setting: &Setting) -> Cell {
    Cell::texts(setting.settings.iter().map(|(name, value)| format!("{name}={value}")))
}

pub fn pg_roles(scan: &Scan<'_>) -> Vec<Row> {
    let roles = scan.snapshot.roles();
    roles
        .map(|role| {
            row![
                &role.name,
                role.superuser,
                role.inherit,
                role.create_role,
                role.create_database,
                role.login,
                role.replication,
                role.connection_limit,
                MASKED,
                valid_until(role),
                role.bypass_row_security,
                role_settings(scan, role.oid),
                role.oid,
            ]
        })
        .collect()
}

fn user_row(scan: &Scan<'_>, role: &Role, password: Cell) -> Row {
    row![
        &role.name,
        role.oid,
        role.create_database,
        role.superuser,
        role.replication,
        role.bypass_row_security,
        password,
        valid_until(role),
        role_settings(scan, role.oid),
    ]
}

pub fn pg_user(scan: &Scan<'_>) -> Vec<Row> {
    let users = scan.snapshot.roles().filter(|role| role.login);
    users.map(|role| user_row(scan, role, Cell::from(MASKED))).collect()
}

pub fn pg_shadow(scan: &Scan<'_>) -> Vec<Row> {
    let users = scan.snapshot.roles().filter(|role| role.login);
    users.map(|role| user_row(scan, role, Cell::from(role.verifier.as_ref()))).collect()
}

pub fn pg_group(scan: &Scan<'_>) -> Vec<Row> {
    let groups = scan.snapshot.roles().filter(|role| !role.login);
    groups
        .map(|group| {
            let members = scan.snapshot.memberships().filter(|membership| membership.role == group.oid);
            row![&group.name, group.oid, Cell::texts(members.map(|membership| membership.member))]
        })
        .collect()
}

pub fn pg_auth_members(scan: &Scan<'_>) -> Vec<Row> {
    let memberships = scan.snapshot.memberships();
    memberships.map(|m| row![m.role, m.member, m.grantor, m.admin]).collect()
}

pub fn pg_db_role_setting(scan: &Scan<'_>) -> Vec<Row> {
    scan.snapshot.settings().map(|entry| row![entry.database, entry.role, settings(entry)]).collect()
}

pub fn pg_tablespace() -> Vec<Row> {
    [(DEFAULT_TABLESPACE, "pg_default"), (GLOBAL_TABLESPACE, "pg_global")]
        .map(|(oid, name)| row![oid, name, BOOTSTRAP_ROLE, Cell::Null, Cell::Null])
        .into()
}
