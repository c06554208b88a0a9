//! strata.stat_views: how the materialized views of a database are kept.

use catalog::system::{Cell, Row};
use catalog::{Refresh, Snapshot};
use engine::Timestamp;

use crate::session::shared::Shared;

/// One row a view: schema, view, refresh, populated, watermark (the base moment of the newest step;
/// for a view at a pace a later one at which nothing had changed beneath it), steps, how many of
/// them evaluated the whole query, changed rows (all three since the server started), the error of the last step.
pub fn rows(shared: &Shared, catalog: &Snapshot) -> Vec<Row> {
    let database = shared.entry.database_oid;
    let views = catalog.relations(database).filter_map(|relation| {
        let view = relation.as_materialized_view()?;
        Some((relation, view))
    });
    views
        .map(|(relation, view)| {
            let status = shared.instance.maintenance().status(relation.oid);
            let count = |number: u64| Cell::Int64(i64::try_from(number).unwrap_or(i64::MAX));
            vec![
                Cell::from(catalog.schema(database, relation.schema).map(|schema| schema.name.clone())),
                Cell::from(&relation.name),
                Cell::from(match view.refresh {
                    Refresh::OnCommit => "on_commit".to_string(),
                    Refresh::Manual => "manual".to_string(),
                    Refresh::Every(_) => relation.options.get("refresh").cloned().unwrap_or_default(),
                }),
                Cell::Bool(view.populated),
                watermark(shared, relation.oid, status.unchanged_at).map_or(Cell::Null, Cell::Timestamp),
                count(status.steps),
                count(status.recomputed),
                count(status.changes),
                Cell::from(status.error),
            ]
        })
        .collect()
}

fn watermark(shared: &Shared, view: u32, unchanged_at: Option<Timestamp>) -> Option<i64> {
    let engine = shared.instance.database();
    let now = engine.snapshot();
    let reader = engine.begin(engine::Isolation::ReadCommitted, true);
    let step = crate::view::newest_step(&reader.view_at(now), view, now).ok().flatten();
    step.map(|step| unchanged_at.map_or(step.base, |at| at.max(step.base)).micros())
}
