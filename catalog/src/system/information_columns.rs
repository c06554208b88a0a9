//! information_schema.columns.

use super::Scan;
use super::cell::{Cell, Row, row};
use super::names;
use crate::builtin::{self, DEFAULT_COLLATION, INFORMATION_SCHEMA, PG_CATALOG};
use crate::object::{Column, Relation};

pub fn columns(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.all_relations() {
        if matches!(relation.letter(), 'r' | 'v') && scan.may_see(relation) {
            rows.extend(relation.live_columns().map(|column| column_row(scan, relation, column)));
        }
    }
    rows
}

fn column_row(scan: &Scan<'_>, relation: &Relation, column: &Column) -> Row {
    let database = scan.database_name();
    let (type_oid, typmod) = (column.type_oid, column.typmod);
    let type_row = scan.snapshot.type_by_oid(scan.database, type_oid);
    let domain = column.domain.and_then(|domain| scan.snapshot.type_by_oid(scan.database, domain));
    let collation = match column.collation {
        0 | DEFAULT_COLLATION => None,
        oid => builtin::collation_by_oid(oid),
    };
    let text =
        column.default.as_ref().map(|default| scan.live.expression(&default.expression, Some(relation)));
    let (default, generation) = if column.generated { (None, text) } else { (text, None) };
    let sequence =
        column.identity.and_then(|identity| scan.snapshot.relation(scan.database, identity.sequence));
    let sequence = sequence.and_then(|relation| relation.as_sequence());
    let mut row = row![
        database.clone(),
        scan.schema_name(relation.schema),
        &relation.name,
        &column.name,
        i32::from(column.number),
        default,
        Cell::yes_or_no(!column.not_null),
        data_type(scan, type_oid),
        names::character_maximum_length(type_oid, typmod),
        names::character_octet_length(type_oid, typmod),
        names::numeric_precision(type_oid, typmod),
        names::numeric_precision_radix(type_oid),
        names::numeric_scale(type_oid, typmod),
        names::datetime_precision(type_oid, typmod),
        names::interval_type(type_oid, &scan.live.format_type(type_oid, typmod)),
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        if collation.is_some() { database.clone() } else { Cell::Null },
        collation.map(|_| "pg_catalog"),
        collation.map(|row| row.name),
        if domain.is_some() { database.clone() } else { Cell::Null },
        domain.as_ref().map_or(Cell::Null, |row| scan.schema_name(row.schema)),
        domain.as_ref().map(|row| row.name.clone().into_owned()),
        database,
        type_row.as_ref().map_or(Cell::Null, |row| scan.schema_name(row.schema)),
        type_row.as_ref().map(|row| row.name.clone().into_owned()),
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        column.number.to_string(),
        "NO",
    ];
    row.extend(row![
        Cell::yes_or_no(column.identity.is_some()),
        column.identity.map(|identity| if identity.always { "ALWAYS" } else { "BY DEFAULT" }),
        sequence.map(|sequence| sequence.start.to_string()),
        sequence.map(|sequence| sequence.increment.to_string()),
        sequence.map(|sequence| sequence.maximum.to_string()),
        sequence.map(|sequence| sequence.minimum.to_string()),
        Cell::yes_or_no(sequence.is_some_and(|sequence| sequence.cycle)),
        if column.generated { "ALWAYS" } else { "NEVER" },
        generation,
        Cell::yes_or_no(relation.letter() == 'r'),
    ]);
    row
}

/// The standard's name of a type: ARRAY and USER-DEFINED for what it does not name.
pub fn data_type(scan: &Scan<'_>, type_oid: u32) -> Cell {
    let Some(row) = scan.snapshot.type_by_oid(scan.database, type_oid) else { return Cell::Null };
    if row.element != 0 && row.length == -1 {
        return Cell::from("ARRAY");
    }
    match row.schema {
        PG_CATALOG | INFORMATION_SCHEMA => Cell::from(scan.live.format_type(type_oid, -1)),
        _ => Cell::from("USER-DEFINED"),
    }
}
