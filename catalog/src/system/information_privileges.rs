//! information_schema's views of privileges, roles, character sets and collations.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin;
use crate::object::{AclItem, ObjectKind, Privileges, Relation};

/// The acl of a relation, its default written out where nothing was granted.
fn items(relation: &Relation, kind: ObjectKind) -> Vec<AclItem> {
    relation.acl.clone().unwrap_or_else(|| AclItem::defaults(kind, relation.owner))
}

fn grantee(scan: &Scan<'_>, item: &AclItem) -> Cell {
    match item.grantee {
        0 => Cell::from("PUBLIC"),
        oid => Cell::from(scan.snapshot.role_name(oid)),
    }
}

/// Whether the reader, directly or through a role, gave or got it.
fn concerns(scan: &Scan<'_>, item: &AclItem) -> bool {
    let roles = scan.snapshot.privileged_roles(scan.database, scan.user);
    scan.snapshot.is_superuser(scan.user)
        || item.grantee == 0
        || roles.contains(&item.grantee)
        || roles.contains(&item.grantor)
}

fn grantable(item: &AclItem, one: Privileges, relation: &Relation) -> Cell {
    Cell::yes_or_no(item.grantable.contains(one) || item.grantee == relation.owner)
}

pub fn table_privileges(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.all_relations().filter(|relation| matches!(relation.letter(), 'r' | 'v')) {
        for item in items(relation, ObjectKind::Relation).iter().filter(|item| concerns(scan, item)) {
            for (one, _, name) in item.privileges.each() {
                rows.push(row![
                    scan.snapshot.role_name(item.grantor),
                    grantee(scan, item),
                    scan.database_name(),
                    scan.schema_name(relation.schema),
                    &relation.name,
                    name,
                    grantable(item, one, relation),
                    Cell::yes_or_no(one == Privileges::SELECT),
                ]);
            }
        }
    }
    rows
}

pub fn column_privileges(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let of_columns = Privileges::all(ObjectKind::Column);
    for relation in scan.all_relations().filter(|relation| matches!(relation.letter(), 'r' | 'v')) {
        for column in relation.live_columns() {
            let whole = items(relation, ObjectKind::Relation);
            let own = column.acl.clone().unwrap_or_default();
            for item in whole.iter().chain(&own).filter(|item| concerns(scan, item)) {
                for (one, _, name) in item.privileges.intersection(of_columns).each() {
                    rows.push(row![
                        scan.snapshot.role_name(item.grantor),
                        grantee(scan, item),
                        scan.database_name(),
                        scan.schema_name(relation.schema),
                        &relation.name,
                        &column.name,
                        name,
                        grantable(item, one, relation),
                    ]);
                }
            }
        }
    }
    rows
}

pub fn enabled_roles(scan: &Scan<'_>) -> Vec<Row> {
    let roles = scan.snapshot.roles();
    roles
        .filter(|role| scan.snapshot.has_privileges_of(scan.database, scan.user, role.oid))
        .map(|role| row![&role.name])
        .collect()
}

pub fn applicable_roles(scan: &Scan<'_>) -> Vec<Row> {
    let memberships = scan.snapshot.memberships();
    memberships
        .filter(|m| scan.snapshot.has_privileges_of(scan.database, scan.user, m.member))
        .map(|m| {
            let member = scan.snapshot.role_name(m.member);
            row![member, scan.snapshot.role_name(m.role), Cell::yes_or_no(m.admin)]
        })
        .collect()
}

pub fn character_sets(scan: &Scan<'_>) -> Vec<Row> {
    let database = scan.database_name();
    vec![row![Cell::Null, Cell::Null, "UTF8", "UCS", "UTF8", database, "pg_catalog", "C",]]
}

pub fn collations(scan: &Scan<'_>) -> Vec<Row> {
    let collations = builtin::collations().iter();
    collations.map(|row| row![scan.database_name(), "pg_catalog", row.name, "NO PAD"]).collect()
}
