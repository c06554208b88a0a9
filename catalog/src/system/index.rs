//! pg_index and pg_indexes.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::{Index, IndexSource, Relation};

pub fn pg_index(scan: &Scan<'_>) -> Vec<Row> {
    let relations = scan.snapshot.relations(scan.database);
    relations.filter_map(|relation| relation.as_index().map(|index| index_row(relation, index))).collect()
}

/// Bits of pg_index.indoption.
const DESCENDING: i16 = 1;
const NULLS_FIRST: i16 = 2;

fn index_row(relation: &Relation, index: &Index) -> Row {
    let numbers = index.attribute_numbers();
    let count = |length: usize| i16::try_from(length).unwrap_or(i16::MAX);
    let options = index.keys.iter().map(|key| {
        let descending = if key.descending { DESCENDING } else { 0 };
        descending | if key.nulls_first { NULLS_FIRST } else { 0 }
    });
    let expressions = index.keys.iter().filter_map(|key| match &key.source {
        IndexSource::Expression(expression) => Some(expression),
        IndexSource::Column(_) => None,
    });
    row![
        relation.oid,
        index.table,
        count(numbers.len()),
        count(index.keys.len()),
        index.unique,
        index.nulls_not_distinct,
        index.primary,
        false,
        index.immediate,
        index.clustered,
        index.valid,
        false,
        true,
        true,
        false,
        Cell::Int2Vector(numbers),
        Cell::OidVector(index.keys.iter().map(|key| key.collation).collect()),
        Cell::OidVector(index.keys.iter().map(|key| key.operator_class).collect()),
        Cell::Int2Vector(options.collect()),
        Cell::expressions(expressions),
        Cell::expressions(&index.predicate),
    ]
}

pub fn pg_indexes(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        let Some(index) = relation.as_index() else { continue };
        let Some(table) = scan.snapshot.relation(scan.database, index.table) else { continue };
        rows.push(row![
            scan.schema_name(table.schema),
            &table.name,
            &relation.name,
            Cell::Null,
            scan.live.index_definition(relation),
        ]);
    }
    rows
}
