//! pg_type, pg_cast and pg_collation.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin::{self, BOOTSTRAP_ROLE, PG_CATALOG, TypeRow};

pub fn pg_type(scan: &Scan<'_>) -> Vec<Row> {
    let created = scan.snapshot.row_types(scan.database);
    let default = |oid: u32| scan.snapshot.user_type(scan.database, oid)?.domain()?.default.as_ref();
    let described = scan.snapshot.described_types(scan.database);
    let mut rows: Vec<Row> = described.map(|row| type_row(&row, Cell::Null, Cell::Null)).collect();
    rows.extend(created.iter().map(|row| {
        let default = default(row.oid);
        let text = default.map(|default| scan.live.expression(default, None));
        type_row(row, Cell::expressions(default), Cell::from(text))
    }));
    rows
}

fn type_row(row: &TypeRow, default_tree: Cell, default_text: Cell) -> Row {
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
        default_tree,
        default_text,
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
