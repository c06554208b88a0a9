//! pg_attribute and pg_attrdef.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::{Column, Relation};

/// What every table has besides its columns: name, type, number.
const SYSTEM_COLUMNS: [(&str, u32, i16); 6] = [
    ("tableoid", 26, -6),
    ("cmax", 29, -5),
    ("xmax", 28, -4),
    ("cmin", 29, -3),
    ("xmin", 28, -2),
    ("ctid", 27, -1),
];

pub fn pg_attribute(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.all_relations() {
        if let Some(index) = relation.as_index() {
            let included = index.include.iter().filter_map(|number| {
                let table = scan.snapshot.relation(scan.database, index.table)?;
                table.column(*number).map(|column| (column.name.clone(), column.type_oid, column.typmod, 0))
            });
            let keys =
                index.keys.iter().map(|key| (key.name.clone(), key.type_oid, key.typmod, key.collation));
            for ((name, type_oid, typmod, collation), number) in keys.chain(included).zip(1..) {
                let mut column = Column::new(number, 0, name, type_oid, typmod);
                column.collation = collation;
                rows.push(attribute_row(scan, relation, &column));
            }
            continue;
        }
        if relation.letter() == 'r' {
            for (name, type_oid, number) in SYSTEM_COLUMNS {
                let mut column = Column::new(number, 0, name, type_oid, -1);
                column.not_null = true;
                rows.push(attribute_row(scan, relation, &column));
            }
        }
        rows.extend(relation.attributes().iter().map(|column| attribute_row(scan, relation, column)));
    }
    rows
}

fn attribute_row(scan: &Scan<'_>, relation: &Relation, column: &Column) -> Row {
    let declared = column.domain.unwrap_or(column.type_oid);
    let row_type = scan.snapshot.type_by_oid(scan.database, declared);
    let (length, by_value, align, storage) = match &row_type {
        Some(row) => (row.length, row.by_value, row.align, row.storage),
        None => (-1, false, 'i', 'x'),
    };
    let options = column.options.iter().map(|(name, value)| format!("{name}={value}"));
    row![
        relation.oid,
        if column.dropped {
            format!("........pg.dropped.{}........", column.number)
        } else {
            column.name.clone()
        },
        if column.dropped { 0 } else { declared },
        if column.dropped { 0 } else { column.statistics_target },
        length,
        column.number,
        i32::from(column.dimensions),
        -1_i32,
        // A domain has its own modifier, which its columns do not repeat.
        if column.domain.is_some() { -1 } else { column.typmod },
        by_value,
        align,
        column.storage.unwrap_or(storage),
        column.compression.unwrap_or('\0'),
        column.not_null && !column.dropped,
        column.default.is_some(),
        false,
        column.identity.map_or('\0', |identity| if identity.always { 'a' } else { 'd' }),
        if column.generated { 's' } else { '\0' },
        column.dropped,
        true,
        0_i32,
        if column.dropped { 0 } else { column.collation },
        scan.acl(&column.acl),
        if column.options.is_empty() { Cell::Null } else { Cell::texts(options) },
        Cell::Null,
        Cell::Null,
    ]
}

pub fn pg_attrdef(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        for column in relation.live_columns() {
            if let Some(default) = &column.default {
                let tree = Cell::expressions([&default.expression]);
                rows.push(row![default.oid, relation.oid, column.number, tree]);
            }
        }
    }
    rows
}
