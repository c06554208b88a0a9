use std::collections::BTreeMap;

use super::*;
use crate::bootstrap::{POSTGRES_DATABASE, bootstrap};
use crate::builtin::{self, PUBLIC};
use crate::object::*;

struct Nothing;

impl Live for Nothing {
    fn expression(&self, expression: &StoredExpression, _: Option<&Relation>) -> String {
        expression.text.clone()
    }
    fn view_definition(&self, view: &Relation) -> String {
        view.name.clone()
    }
    fn index_definition(&self, index: &Relation) -> String {
        index.name.clone()
    }
    fn format_type(&self, type_oid: u32, _: i32) -> String {
        type_oid.to_string()
    }
    fn statistics(&self, _: u32) -> (i32, f32) {
        (0, -1.0)
    }
    fn sequence_state(&self, _: u32) -> Option<(i64, bool)> {
        None
    }
    fn temporary_schema(&self) -> u32 {
        0
    }
    fn rows(&self, _: &str) -> Option<Vec<Row>> {
        None
    }
}

fn stored(text: &str) -> StoredExpression {
    StoredExpression {
        version: 1,
        tree: serde_json::Value::Null,
        text: text.to_string(),
        dependencies: vec![ObjectAddress::column(20000, 1)],
    }
}

fn relation(oid: u32, name: &str, kind: RelationKind) -> Relation {
    Relation {
        oid,
        database: POSTGRES_DATABASE,
        schema: PUBLIC,
        name: name.to_string(),
        owner: 10,
        persistence: Persistence::Permanent,
        acl: Some(AclItem::defaults(ObjectKind::Relation, 10)),
        options: BTreeMap::from([("fillfactor".to_string(), "70".to_string())]),
        columns: Vec::new(),
        row_type: 0,
        array_type: 0,
        kind,
    }
}

/// A database with one object of every kind.
fn snapshot() -> Snapshot {
    let table =
        Table { next_column_id: 3, row_security: false, force_row_security: false, replica_identity: 'd' };
    let mut table = relation(20000, "t", RelationKind::Table(table));
    (table.row_type, table.array_type) = (20001, 20002);
    table.columns = vec![Column::new(1, 1, "a", 23, -1), Column::new(2, 2, "b", 1043, 84)];
    table.columns[0].default = Some(ColumnDefault { oid: 20003, expression: stored("1") });
    table.columns[0].not_null = true;
    let key = IndexKey {
        source: IndexSource::Column(1),
        name: "a".to_string(),
        type_oid: 23,
        typmod: -1,
        operator_class: 1978,
        collation: 0,
        descending: false,
        nulls_first: false,
    };
    let index = Index {
        table: 20000,
        method: builtin::BTREE,
        keys: vec![key],
        include: vec![2],
        unique: true,
        primary: true,
        nulls_not_distinct: false,
        immediate: true,
        predicate: Some(stored("a > 0")),
        valid: true,
        clustered: false,
    };
    let sequence = Sequence {
        type_oid: 20,
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: i64::MAX,
        cache: 1,
        cycle: false,
        owned_by: Some((20000, 1)),
        identity: false,
    };
    let view = View { query: stored("SELECT 1"), rule: 20007, check: None };
    let constraint = |oid, name: &str, kind| Constraint {
        oid,
        database: POSTGRES_DATABASE,
        schema: PUBLIC,
        name: name.to_string(),
        relation: 20000,
        deferrable: false,
        initially_deferred: false,
        validated: true,
        no_inherit: false,
        kind,
    };
    let foreign = ForeignKey {
        columns: vec![1],
        referenced: 20000,
        referenced_columns: vec![1],
        index: 20004,
        match_kind: MatchKind::Simple,
        on_update: ReferentialAction::NoAction,
        on_delete: ReferentialAction::Cascade,
        delete_columns: Vec::new(),
        operators: vec![96],
    };
    let objects = [
        Object::Relation(Box::new(table)),
        Object::Relation(Box::new(relation(20004, "t_pkey", RelationKind::Index(index)))),
        Object::Relation(Box::new(relation(20005, "t_a_seq", RelationKind::Sequence(sequence)))),
        Object::Relation(Box::new(relation(20006, "v", RelationKind::View(view)))),
        Object::Constraint(Box::new(constraint(
            20010,
            "t_pkey",
            ConstraintKind::PrimaryKey { index: 20004, columns: vec![1] },
        ))),
        Object::Constraint(Box::new(constraint(20011, "t_fkey", ConstraintKind::ForeignKey(foreign)))),
        Object::Constraint(Box::new(constraint(
            20012,
            "t_check",
            ConstraintKind::Check { expression: stored("a > 0"), columns: vec![1] },
        ))),
        Object::Setting(Setting {
            database: 0,
            role: 10,
            settings: vec![("work_mem".to_string(), "4MB".to_string())],
        }),
    ];
    let changes: Vec<Change> = objects.into_iter().map(Change::Put).collect();
    Snapshot::default().apply(&bootstrap()).apply(&changes)
}

fn scan(snapshot: &Snapshot) -> Scan<'_> {
    Scan { snapshot, database: POSTGRES_DATABASE, user: 10, live: &Nothing }
}

/// Whether a cell may stand in a column of that type.
fn fits(cell: &Cell, type_oid: u32) -> bool {
    let element = builtin::type_by_oid(type_oid).map_or(0, |row| row.element);
    match cell {
        Cell::Null => true,
        Cell::Bool(_) => type_oid == 16,
        Cell::Int16(_) => type_oid == 21,
        Cell::Int32(_) => type_oid == 23,
        Cell::Int64(_) => type_oid == 20,
        Cell::Float32(_) => type_oid == 700,
        Cell::Float64(_) => type_oid == 701,
        Cell::Oid(_) => matches!(type_oid, 24 | 26 | 28 | 29 | 2206),
        Cell::Char(_) => type_oid == 18,
        Cell::Text(_) => matches!(type_oid, 19 | 25 | 869 | 1033 | 1043),
        Cell::Timestamp(_) => type_oid == 1184,
        Cell::Interval(_) => type_oid == 1186,
        Cell::Int2Vector(_) => type_oid == 22,
        Cell::OidVector(_) => type_oid == 30,
        Cell::Array(items) => element != 0 && items.iter().all(|item| fits(item, element)),
        // Its type is that of a user's column.
        Cell::Stored(_) => type_oid == 2277,
        Cell::Expression(_) => type_oid == 194,
    }
}

#[test]
fn every_row_fits_its_relation() {
    let snapshot = snapshot();
    let scan = scan(&snapshot);
    for relation in crate::shapes::system_relations() {
        for row in rows(relation, &scan) {
            assert_eq!(row.len(), relation.columns.len(), "{}", relation.name);
            for (cell, column) in row.iter().zip(&relation.columns) {
                assert!(fits(cell, column.type_oid), "{}.{}: {cell:?}", relation.name, column.name);
                assert!(!column.not_null || *cell != Cell::Null, "{}.{} is null", relation.name, column.name);
            }
        }
    }
}

#[test]
fn what_psql_describes_is_there() {
    let snapshot = snapshot();
    let scan = scan(&snapshot);
    let count = |name: &str| rows(crate::shapes::system_relation(name).expect(name), &scan).len();
    assert_eq!(count("pg_index"), 1);
    assert_eq!(count("pg_constraint"), 3);
    assert_eq!(count("pg_attrdef"), 1);
    assert_eq!(count("pg_sequence"), 1);
    assert_eq!(count("pg_database"), 3);
    assert_eq!(count("pg_namespace"), 5);
    assert_eq!(count("pg_roles"), 13);
    assert_eq!(count("pg_trigger"), 0);
    assert_eq!(count("pg_class"), crate::shapes::system_relations().len() + 4);
}

#[test]
fn acls_are_shown_as_postgresql_shows_them() {
    let snapshot = snapshot();
    let class = crate::shapes::system_relation("pg_class").expect("pg_class");
    let rows = rows(class, &scan(&snapshot));
    let acl = |name: &str| {
        rows.iter().find(|row| row[1] == Cell::from(name.to_string())).map(|row| row[30].clone())
    };
    let expected = Cell::texts(["postgres=arwdDxt/postgres"]);
    assert_eq!(acl("t"), Some(expected));
    assert_eq!(acl("pg_type"), Some(Cell::texts(["postgres=arwdDxt/postgres", "=r/postgres"])));
}

#[test]
fn information_schema_shows_lengths_and_not_null_checks() {
    let snapshot = snapshot();
    let scan = scan(&snapshot);
    let of = |name: &str| {
        let relation = crate::shapes::system_relation_by_name(builtin::INFORMATION_SCHEMA, name).expect(name);
        rows(relation, &scan)
    };
    let columns = of("columns");
    let b = columns.iter().find(|row| row[2] == Cell::from("t") && row[3] == Cell::from("b")).expect("b");
    assert_eq!(b[8], Cell::Int32(80));
    assert_eq!(b[9], Cell::Int32(320));
    let constraints = of("table_constraints");
    let mine: Vec<_> = constraints.iter().filter(|row| row[5] == Cell::from("t")).collect();
    assert_eq!(mine.len(), 4, "three constraints and one NOT NULL");
}
