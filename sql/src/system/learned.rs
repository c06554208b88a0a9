//! strata.stat_learned: the learned indexes of the segments' keys, as they stand in the files.

use catalog::system::{Cell, Row};
use engine::TableId;

use crate::session::shared::Shared;

/// One row an index of a segment: relation, index (the relation's own key where it has no primary key), segment, keys,
/// leaves, wide_leaves, max_error, mean_error, probe_rows, root_error, bytes, fallbacks, rebuilt. A probe looks at
/// `probe_rows` rows on average: those as far as the leaf's error on both sides of where its line points.
pub fn rows(shared: &Shared, catalog: &catalog::Snapshot) -> Vec<Row> {
    let database = shared.entry.database_oid;
    let tables = catalog.relations(database).filter(|relation| relation.as_table().is_some());
    let mut rows = Vec::new();
    for table in tables {
        let Ok(all) = shared.instance.database().learned(TableId(table.oid)) else { continue };
        for (index, segment, figures) in all {
            let indexed = if catalog.relation(database, index.0).is_some() { index.0 } else { table.oid };
            let whole = |number: u64| Cell::Int64(i64::try_from(number).unwrap_or(i64::MAX));
            rows.push(vec![
                Cell::Oid(table.oid),
                Cell::Oid(indexed),
                whole(segment.0),
                whole(figures.keys),
                whole(figures.leaves),
                whole(figures.wide_leaves),
                whole(figures.max_error),
                Cell::Float64(figures.mean_error),
                Cell::Float64(2.0 * figures.mean_error + 1.0),
                Cell::Float64(figures.mean_root_error),
                whole(figures.bytes),
                whole(figures.fallbacks),
                Cell::Bool(figures.rebuilt),
            ]);
        }
    }
    rows
}
