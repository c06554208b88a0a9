//! pg_sequence, pg_sequences, and the row of a sequence read as a table.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::Relation;

pub fn pg_sequence(scan: &Scan<'_>) -> Vec<Row> {
    let relations = scan.snapshot.relations(scan.database);
    relations
        .filter_map(|relation| relation.as_sequence().map(|sequence| (relation.oid, sequence)))
        .map(|(oid, sequence)| {
            row![
                oid,
                sequence.type_oid,
                sequence.start,
                sequence.increment,
                sequence.maximum,
                sequence.minimum,
                sequence.cache,
                sequence.cycle,
            ]
        })
        .collect()
}

pub fn pg_sequences(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        let Some(sequence) = relation.as_sequence() else { continue };
        let last = scan.live.sequence_state(relation.oid).filter(|(_, called)| *called);
        rows.push(row![
            scan.schema_name(relation.schema),
            &relation.name,
            scan.snapshot.role_name(relation.owner),
            sequence.type_oid,
            sequence.start,
            sequence.minimum,
            sequence.maximum,
            sequence.increment,
            sequence.cycle,
            sequence.cache,
            last.map(|(value, _)| value),
        ]);
    }
    rows
}

/// last_value, log_cnt, is_called.
pub fn state(relation: &Relation, scan: &Scan<'_>) -> Vec<Row> {
    let start = relation.as_sequence().map_or(1, |sequence| sequence.start);
    let (value, called) = scan.live.sequence_state(relation.oid).unwrap_or((start, false));
    vec![row![value, Cell::Int64(0), called]]
}
