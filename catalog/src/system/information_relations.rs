//! information_schema's tables, views, sequences and schemata.

use super::Scan;
use super::cell::{Cell, Row, row};
use super::information_columns::data_type;
use super::names;
use crate::object::{Persistence, ViewCheck};

pub fn tables(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.all_relations().filter(|relation| matches!(relation.letter(), 'r' | 'v')) {
        if !scan.may_see(relation) {
            continue;
        }
        let view = relation.letter() == 'v';
        let temporary = relation.persistence == Persistence::Temporary;
        let kind = match (temporary, view) {
            (true, _) => "LOCAL TEMPORARY",
            (false, true) => "VIEW",
            (false, false) => "BASE TABLE",
        };
        rows.push(row![
            scan.database_name(),
            scan.schema_name(relation.schema),
            &relation.name,
            kind,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::yes_or_no(!view),
            "NO",
            Cell::Null,
        ]);
    }
    rows
}

pub fn views(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.all_relations().filter(|relation| relation.letter() == 'v') {
        if !scan.may_see(relation) {
            continue;
        }
        let view = relation.as_view();
        let owned = scan.snapshot.has_privileges_of(scan.database, scan.user, relation.owner);
        let definition = match view {
            Some(_) if owned => Cell::from(scan.live.view_definition(relation)),
            _ => Cell::Null,
        };
        rows.push(row![
            scan.database_name(),
            scan.schema_name(relation.schema),
            &relation.name,
            definition,
            match view.and_then(|view| view.check) {
                Some(ViewCheck::Local) => "LOCAL",
                Some(ViewCheck::Cascaded) => "CASCADED",
                None => "NONE",
            },
            "NO",
            "NO",
            "NO",
            "NO",
            "NO",
        ]);
    }
    rows
}

pub fn sequences(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        let Some(sequence) = relation.as_sequence() else { continue };
        if sequence.identity || !scan.may_see(relation) {
            continue;
        }
        rows.push(row![
            scan.database_name(),
            scan.schema_name(relation.schema),
            &relation.name,
            data_type(scan, sequence.type_oid),
            names::numeric_precision(sequence.type_oid, -1),
            2_i32,
            0_i32,
            sequence.start.to_string(),
            sequence.minimum.to_string(),
            sequence.maximum.to_string(),
            sequence.increment.to_string(),
            Cell::yes_or_no(sequence.cycle),
        ]);
    }
    rows
}

pub fn schemata(scan: &Scan<'_>) -> Vec<Row> {
    let schemas = scan.snapshot.schemas(scan.database);
    schemas
        .filter(|schema| scan.snapshot.has_privileges_of(scan.database, scan.user, schema.owner))
        .map(|schema| {
            let owner = scan.snapshot.role_name(schema.owner);
            row![scan.database_name(), &schema.name, owner, Cell::Null, Cell::Null, Cell::Null, Cell::Null]
        })
        .collect()
}
