//! pg_type, pg_cast and pg_collation.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin::{self, BOOTSTRAP_ROLE, PG_CATALOG, TypeRow};

pub fn pg_type(scan: &Scan<'_>) -> Vec<Row> {
    let created = scan.snapshot.row_types(scan.database);
    let default_text = |oid: u32| {
        let domain = scan.snapshot.user_type(scan.database, oid)?.domain()?;
        domain.default.as_ref().map(|default| scan.live.expression(default, None))
    };
    let described = scan.snapshot.described_types(scan.database);
    let mut rows: Vec<Row> = described.map(|row| type_row(&row, None)).collect();
    rows.extend(created.iter().map(|row| type_row(row, default_text(row.oid))));
    rows
}

fn type_row(row: &TypeRow, default: Option<String>) -> Row {
    row![
        row.oid,
        row.name.clone(),
        row.schema,
        row.owner,
        row.length,
        row.by_value,
        row.kind,
        row.category,
        row.preferred,
        true,
        row.delimiter,
        row.relation,
        row.subscript,
        row.element,
        row.array,
        row.input,
        row.output,
        row.receive,
        row.send,
        row.modifier_input,
        row.modifier_output,
        row.analyze,
        row.align,
        row.storage,
        row.not_null,
        row.base,
        row.typmod,
        row.dimensions,
        row.collation,
        Cell::Null,
        default,
        Cell::Null,
    ]
}

pub fn pg_cast(scan: &Scan<'_>) -> Vec<Row> {
    let known = |oid| scan.snapshot.has_described_type(scan.database, oid);
    let casts = builtin::casts().iter().filter(|cast| known(cast.source) && known(cast.target));
    casts
        .map(|cast| {
            row![
                cast.oid,
                cast.source,
                cast.target,
                cast.function,
                cast.context.letter(),
                cast.method.letter()
            ]
        })
        .collect()
}

pub fn pg_collation() -> Vec<Row> {
    let collations = builtin::collations().iter();
    collations
        .map(|row| {
            row![
                row.oid,
                row.name,
                PG_CATALOG,
                BOOTSTRAP_ROLE,
                row.provider,
                row.deterministic,
                row.encoding,
                row.collate,
                row.ctype,
                Cell::Null,
                Cell::Null,
            ]
        })
        .collect()
}
