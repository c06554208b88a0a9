//! pg_am, pg_opclass, pg_opfamily, pg_amop, pg_amproc.

use super::cell::{Row, row};
use crate::builtin::{self, BOOTSTRAP_ROLE, PG_CATALOG};

pub fn pg_am() -> Vec<Row> {
    let rows = builtin::access_methods().iter();
    rows.map(|row| row![row.oid, row.name, row.handler, row.kind]).collect()
}

pub fn pg_opclass() -> Vec<Row> {
    let rows = builtin::operator_classes().iter();
    rows.map(|row| {
        row![
            row.oid,
            row.method,
            row.name,
            PG_CATALOG,
            BOOTSTRAP_ROLE,
            row.family,
            row.input_type,
            row.default,
            row.key_type,
        ]
    })
    .collect()
}

pub fn pg_opfamily() -> Vec<Row> {
    let rows = builtin::operator_families().iter();
    rows.map(|row| row![row.oid, row.method, row.name, PG_CATALOG, BOOTSTRAP_ROLE]).collect()
}

pub fn pg_amop() -> Vec<Row> {
    let rows = builtin::family_operators().iter();
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

pub fn pg_amproc() -> Vec<Row> {
    let rows = builtin::family_functions().iter();
    rows.map(|row| row![row.oid, row.family, row.left, row.right, row.number, row.function]).collect()
}
