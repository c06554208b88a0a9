//! pg_stat_all_tables and pg_stat_all_indexes, and those of them that are a user's: what there is, for clients that list
//! tables and indexes by them. Nothing counts scans and changes by table here, so the counters are NULL, which says so;
//! the number of living rows is known.

use super::Scan;
use super::cell::{Cell, Row, row};

/// Counters and times of pg_stat_all_tables before and behind the number of living rows.
const BEFORE: usize = 8;
const BEHIND: usize = 11;

pub fn pg_stat_tables(scan: &Scan<'_>) -> Vec<Row> {
    let relations = scan.snapshot.relations(scan.database).filter(|relation| relation.has_rows());
    relations
        .map(|relation| {
            let (_, rows) = scan.live.statistics(relation.oid);
            let mut shown: Row = row![relation.oid, scan.schema_name(relation.schema), &relation.name];
            shown.extend(std::iter::repeat_n(Cell::Null, BEFORE));
            shown.push(if rows < 0.0 { Cell::Null } else { Cell::from(rows as i64) });
            shown.extend(std::iter::repeat_n(Cell::Null, BEHIND));
            shown
        })
        .collect()
}

pub fn pg_stat_indexes(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        let Some(index) = relation.as_index() else { continue };
        let Some(table) = scan.snapshot.relation(scan.database, index.table) else { continue };
        rows.push(row![
            table.oid,
            relation.oid,
            scan.schema_name(table.schema),
            &table.name,
            &relation.name,
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows
}
