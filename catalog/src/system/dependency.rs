//! pg_depend, pg_shdepend, comments and default privileges.

use std::collections::BTreeSet;

use super::Scan;
use super::cell::{Row, row};
use crate::builtin::{self, PG_AUTHID_CLASS, PG_CLASS_CLASS, PG_DATABASE_CLASS, PG_NAMESPACE_CLASS};

pub fn pg_depend(scan: &Scan<'_>) -> Vec<Row> {
    let edges = scan.snapshot.dependencies(scan.database).into_iter();
    edges
        .map(|edge| {
            row![
                edge.dependent.class,
                edge.dependent.object,
                i32::from(edge.dependent.column),
                edge.referenced.class,
                edge.referenced.object,
                i32::from(edge.referenced.column),
                edge.kind.letter(),
            ]
        })
        .collect()
}

pub fn pg_description(scan: &Scan<'_>) -> Vec<Row> {
    // A comment takes the place of what a built-in object is described with.
    let commented: BTreeSet<(u32, u32)> = scan
        .snapshot
        .comments(scan.database)
        .filter(|comment| comment.address.column == 0)
        .map(|comment| (comment.address.class, comment.address.object))
        .collect();
    let builtin = builtin::descriptions().iter();
    let mut rows: Vec<Row> = builtin
        .filter(|(class, object, _)| *object != builtin::PUBLIC && !commented.contains(&(*class, *object)))
        .map(|(class, object, text)| row![*object, *class, 0_i32, *text])
        .collect();
    rows.extend(scan.snapshot.comments(scan.database).map(|comment| {
        let address = comment.address;
        row![address.object, address.class, i32::from(address.column), &comment.text]
    }));
    rows
}

pub fn pg_shdescription(scan: &Scan<'_>) -> Vec<Row> {
    let comments = scan.snapshot.comments(0);
    comments.map(|comment| row![comment.address.object, comment.address.class, &comment.text]).collect()
}

/// Owners other than the first superuser, as PostgreSQL records them.
pub fn pg_shdepend(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut owned = |database: u32, class: u32, object: u32, owner: u32| {
        if owner != builtin::BOOTSTRAP_ROLE {
            rows.push(row![database, class, object, 0_i32, PG_AUTHID_CLASS, owner, 'o']);
        }
    };
    for database in scan.snapshot.databases() {
        owned(0, PG_DATABASE_CLASS, database.oid, database.owner);
        for schema in scan.snapshot.schemas(database.oid) {
            owned(database.oid, PG_NAMESPACE_CLASS, schema.oid, schema.owner);
        }
        for relation in scan.snapshot.relations(database.oid) {
            owned(database.oid, PG_CLASS_CLASS, relation.oid, relation.owner);
        }
    }
    rows
}

pub fn pg_default_acl(scan: &Scan<'_>) -> Vec<Row> {
    let entries = scan.snapshot.default_acls(scan.database);
    entries
        .map(|entry| {
            let acl = scan.acl(&Some(entry.acl.clone()));
            row![entry.oid, entry.role, entry.schema, entry.object_type, acl]
        })
        .collect()
}
