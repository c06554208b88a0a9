//! pg_class and pg_namespace.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin;
use crate::object::{ConstraintKind, Persistence, Relation, RelationKind};

pub fn pg_namespace(scan: &Scan<'_>) -> Vec<Row> {
    let schemas = scan.snapshot.schemas(scan.database);
    schemas.map(|schema| row![schema.oid, &schema.name, schema.owner, scan.acl(&schema.acl)]).collect()
}

pub fn pg_class(scan: &Scan<'_>) -> Vec<Row> {
    scan.all_relations().map(|relation| class_row(scan, relation)).collect()
}

fn class_row(scan: &Scan<'_>, relation: &Relation) -> Row {
    let database = scan.database;
    let snapshot = scan.snapshot;
    let table = relation.as_table();
    let (access_method, file) = match &relation.kind {
        RelationKind::Table(_)
        | RelationKind::MaterializedView(_)
        | RelationKind::System { view: false, .. } => (2, relation.oid),
        RelationKind::Index(index) => (index.method, relation.oid),
        RelationKind::Sequence(_) => (0, relation.oid),
        RelationKind::View(_) | RelationKind::System { view: true, .. } => (0, 0),
    };
    let shared = matches!(relation.kind, RelationKind::System { shared: true, .. });
    let (pages, tuples) = match table {
        _ if relation.has_rows() => scan.live.statistics(relation.oid),
        _ if relation.as_sequence().is_some() => (1, 1.0),
        _ => (0, if relation.letter() == 'v' { 0.0 } else { -1.0 }),
    };
    let check = |kind: &ConstraintKind| matches!(kind, ConstraintKind::Check { .. });
    let foreign = |kind: &ConstraintKind| matches!(kind, ConstraintKind::ForeignKey(_));
    let own = || snapshot.constraints_of(database, relation.oid);
    let checks = own().filter(|constraint| check(&constraint.kind)).count();
    let triggers = own().any(|constraint| foreign(&constraint.kind))
        || snapshot.references_to(database, relation.oid).next().is_some();
    let frozen = if matches!(relation.letter(), 'r' | 'm') { (716_u32, 1_u32) } else { (0, 0) };
    row![
        relation.oid,
        &relation.name,
        relation.schema,
        relation.row_type,
        0_u32,
        relation.owner,
        access_method,
        if shared { 0 } else { file },
        if shared { builtin::GLOBAL_TABLESPACE } else { 0 },
        pages,
        tuples,
        0_i32,
        0_u32,
        snapshot.indexes_of(database, relation.oid).next().is_some(),
        shared,
        relation.persistence.letter(),
        relation.letter(),
        attribute_count(relation),
        i16::try_from(checks).unwrap_or(i16::MAX),
        matches!(relation.letter(), 'v' | 'm'),
        triggers,
        false,
        table.is_some_and(|table| table.row_security),
        table.is_some_and(|table| table.force_row_security),
        relation.as_materialized_view().is_none_or(|view| view.populated),
        replica_identity(relation),
        false,
        0_u32,
        frozen.0,
        frozen.1,
        scan.acl(&relation.acl),
        options(relation),
        Cell::Null,
    ]
}

fn replica_identity(relation: &Relation) -> char {
    match (relation.as_table(), relation.persistence) {
        (Some(table), Persistence::Permanent | Persistence::Unlogged | Persistence::Temporary) => {
            table.replica_identity
        }
        (None, _) if relation.as_materialized_view().is_some() => 'd',
        (None, _) => 'n',
    }
}

/// Attributes with positive numbers, dropped ones included.
fn attribute_count(relation: &Relation) -> i16 {
    let count = match relation.as_index() {
        Some(index) => index.keys.len() + index.include.len(),
        None => relation.attributes().len(),
    };
    i16::try_from(count).unwrap_or(i16::MAX)
}

/// reloptions: name=value.
pub fn options(relation: &Relation) -> Cell {
    if relation.options.is_empty() {
        return Cell::Null;
    }
    Cell::texts(relation.options.iter().map(|(name, value)| format!("{name}={value}")))
}
