use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::bootstrap::{POSTGRES_DATABASE, bootstrap};
use crate::builtin::PUBLIC;
use crate::object::{Change, Column, Object, ObjectKey, Persistence, RelationKind, Table};

fn table(oid: u32, name: &str) -> Relation {
    Relation {
        oid,
        database: POSTGRES_DATABASE,
        schema: PUBLIC,
        name: name.to_string(),
        owner: 10,
        persistence: Persistence::Permanent,
        acl: None,
        options: BTreeMap::new(),
        columns: vec![Column::new(1, 1, "a", 23, -1)],
        row_type: oid + 1,
        array_type: oid + 2,
        kind: RelationKind::Table(Table {
            next_column_id: 2,
            row_security: false,
            force_row_security: false,
            replica_identity: 'd',
        }),
    }
}

fn put(relation: Relation) -> Change {
    Change::Put(Object::Relation(Box::new(relation)))
}

fn path() -> [Arc<str>; 1] {
    [Arc::from("public")]
}

#[test]
fn apply_is_pure() {
    let first = Snapshot::default().apply(&bootstrap());
    let second = first.apply(&[put(table(20000, "t"))]);
    assert!(first.find_relation(POSTGRES_DATABASE, &path(), "t").is_none());
    assert_eq!(second.find_relation(POSTGRES_DATABASE, &path(), "t").map(|t| t.oid), Some(20000));
    assert!(second.generation() > first.generation());
}

#[test]
fn changes_apply_in_order() {
    let drop = Change::Remove(ObjectKey::Relation { database: POSTGRES_DATABASE, oid: 20000 });
    let base = Snapshot::default().apply(&bootstrap());
    let dropped = base.apply(&[put(table(20000, "t")), drop.clone(), put(table(20010, "t"))]);
    assert_eq!(dropped.find_relation(POSTGRES_DATABASE, &path(), "t").map(|t| t.oid), Some(20010));
    let other = base.apply(&[drop, put(table(20000, "t"))]);
    assert_eq!(other.find_relation(POSTGRES_DATABASE, &path(), "t").map(|t| t.oid), Some(20000));
}

#[test]
fn a_rename_frees_the_old_name_and_keeps_types() {
    let base = Snapshot::default().apply(&bootstrap()).apply(&[put(table(20000, "t"))]);
    let renamed = base.apply(&[put(table(20000, "u"))]);
    assert!(renamed.find_relation(POSTGRES_DATABASE, &path(), "t").is_none());
    let row_type = renamed.find_type(POSTGRES_DATABASE, &path(), "u").expect("row type");
    assert_eq!((row_type.oid, row_type.kind), (20001, 'c'));
    assert_eq!(renamed.find_type(POSTGRES_DATABASE, &path(), "_u").map(|t| t.element), Some(20001));
}

#[test]
fn databases_are_apart_and_go_whole() {
    let base = Snapshot::default().apply(&bootstrap()).apply(&[put(table(20000, "t"))]);
    assert!(base.relation(1, 20000).is_none());
    let gone = base.apply(&[Change::Remove(ObjectKey::Database(POSTGRES_DATABASE))]);
    assert!(gone.relation(POSTGRES_DATABASE, 20000).is_none());
    assert!(gone.database_by_name("postgres").is_none());
    assert!(gone.schema_by_name(1, "public").is_some());
}

#[test]
fn pg_catalog_is_searched_first_unless_named() {
    let base = Snapshot::default().apply(&bootstrap()).apply(&[put(table(20000, "pg_class"))]);
    let find = |path: &[Arc<str>]| base.find_relation(POSTGRES_DATABASE, path, "pg_class").map(|r| r.oid);
    assert_eq!(find(&path()), Some(1259));
    assert_eq!(find(&[Arc::from("public"), Arc::from("pg_catalog")]), Some(20000));
}

#[test]
fn the_system_relations_have_their_columns() {
    let base = Snapshot::default().apply(&bootstrap());
    let class = base.relation(POSTGRES_DATABASE, 1259).expect("pg_class");
    assert_eq!(class.name, "pg_class");
    assert_eq!(class.column(2).map(|column| (&*column.name, column.type_oid)), Some(("relname", 19)));
    let tables = base.schema_by_name(POSTGRES_DATABASE, "information_schema").expect("schema").oid;
    let tables = base.relation_by_name(POSTGRES_DATABASE, tables, "tables").expect("tables");
    assert_eq!(tables.column(3).map(|column| column.type_oid), Some(19));
    assert!(tables.column(3).is_some_and(|column| column.domain.is_some()));
}

#[test]
fn roles_inherit_through_roles() {
    let base = Snapshot::default().apply(&bootstrap());
    assert!(base.is_member(POSTGRES_DATABASE, 3373, 3375));
    assert!(!base.is_member(POSTGRES_DATABASE, 3375, 3373));
    assert!(base.is_member(POSTGRES_DATABASE, 10, 3373), "a superuser is a member of every role");
    assert!(base.privileged_roles(POSTGRES_DATABASE, 10).contains(&6171));
    assert!(base.would_circle(3373, 3375));
}
