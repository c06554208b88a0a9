//! pg_am, pg_opclass, pg_opfamily, pg_amop, pg_amproc.

use super::Scan;
use super::cell::{Row, row};
use crate::builtin::{self, BOOTSTRAP_ROLE};

pub fn pg_am(scan: &Scan<'_>) -> Vec<Row> {
    let rows = builtin::access_methods().iter().filter(|row| scan.place(row.schema()).is_some());
    rows.map(|row| row![row.oid, row.name, row.handler, row.kind]).collect()
}

pub fn pg_opclass(scan: &Scan<'_>) -> Vec<Row> {
    let rows = builtin::operator_classes().iter();
    rows.filter_map(|row| {
        Some(row![
            row.oid,
            row.method,
            row.name,
            scan.place(row.schema)?,
            BOOTSTRAP_ROLE,
            row.family,
            row.input_type,
            row.default,
            row.key_type,
        ])
    })
    .collect()
}

pub fn pg_opfamily(scan: &Scan<'_>) -> Vec<Row> {
    let rows = builtin::operator_families().iter();
    rows.filter_map(|row| Some(row![row.oid, row.method, row.name, scan.place(row.schema)?, BOOTSTRAP_ROLE]))
        .collect()
}

pub fn pg_amop(scan: &Scan<'_>) -> Vec<Row> {
    let rows = builtin::family_operators().iter().filter(|row| scan.has_family(row.family));
    rows.map(|row| {
        row![
            row.oid,
            row.family,
            row.left,
            row.right,
            row.strategy,
            row.purpose,
            row.operator,
            row.method,
            row.sort_family,
        ]
    })
    .collect()
}

pub fn pg_amproc(scan: &Scan<'_>) -> Vec<Row> {
    let rows = builtin::family_functions().iter().filter(|row| scan.has_family(row.family));
    rows.map(|row| row![row.oid, row.family, row.left, row.right, row.number, row.function]).collect()
}
