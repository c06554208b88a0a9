//! Whether the stored rows of a view are its answer at a moment.

use catalog::Snapshot;
use engine::{ReadView, TableId, Timestamp};

use super::beneath::{definition_of, tables};
use super::step::{Step, newest_step};
use crate::error::Result;
use crate::session::engine_error;

/// What the stored rows of a view are at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Its answer, as of this step.
    Exact(Step),
    /// Its answer at an earlier moment, under the same definitions.
    Behind(Step),
    /// Nothing that helps.
    Unknown,
}

/// How the stored rows of a view stand to its answer at `at`. `newest`: a view of the newest published moment, or of any
/// that is later than `at`; `catalog`: that of `at`.
pub(crate) fn freshness(
    newest: &ReadView,
    catalog: &Snapshot,
    database: u32,
    view: u32,
    at: Timestamp,
) -> Result<Freshness> {
    let Some(step) = newest_step(newest, view, at)? else { return Ok(Freshness::Unknown) };
    if step.definition != definition_of(catalog, database, view) {
        return Ok(Freshness::Unknown);
    }
    for table in tables(catalog, database, view) {
        match changed(newest, TableId(table), step.base, at) {
            Ok(false) => {}
            Ok(true) => return Ok(Freshness::Behind(step)),
            // Before the horizon nobody can tell any more.
            Err(engine::Error::UnknownTable(_) | engine::Error::BeforeHorizon { .. }) => {
                return Ok(Freshness::Unknown);
            }
            Err(error) => return Err(engine_error(error)),
        }
    }
    Ok(Freshness::Exact(step))
}

/// Whether any commit after `from`, up to and with `to`, changed a table.
pub(super) fn changed(
    view: &ReadView,
    table: TableId,
    from: Timestamp,
    to: Timestamp,
) -> std::result::Result<bool, engine::Error> {
    if from >= to {
        return Ok(false);
    }
    let mut cursor = view.changes(table, from, to)?;
    let mut any = false;
    cursor.next(1, &mut |_| any = true)?;
    Ok(any)
}
