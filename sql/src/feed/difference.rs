//! Changes of any other query: its result before and after each commit that changed one of its tables, compared.
//!
//! What is computed and compared is bounded by [`MOST_BYTES`] of rows that differ from each other; a larger result ends
//! the feed with 53200. The results are not kept between commits.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{TableId, Timestamp};
use futures::StreamExt;

use super::Evaluation;
use super::commit::Commit;
use super::queue::Outlet;
use crate::error::{Error, Result, SqlState};
use crate::plan::Plan;
use crate::session::engine_error;

/// Bytes of rows compared at once.
const MOST_BYTES: usize = 256 << 20;
/// Changes looked at under a table's latch.
const CHANGES_AT_ONCE: usize = 4096;

/// The changes of a query by comparison.
pub(super) struct Difference {
    plan: Arc<Plan>,
    tables: Vec<TableId>,
}

impl Difference {
    /// `tables`: all that the plan reads.
    pub fn new(plan: Arc<Plan>, tables: Vec<TableId>) -> Difference {
        Difference { plan, tables }
    }

    /// Gives the changes after the first moment of a span and up to its last; whether there were any. Before
    /// `exists_from` the query has no rows.
    pub async fn give(
        &self,
        evaluation: &Evaluation,
        exists_from: Timestamp,
        (from, to): (Timestamp, Timestamp),
        outlet: &mut Outlet,
    ) -> Result<bool> {
        let mut given = false;
        let mut before = from;
        for at in self.commits(evaluation, from, to)? {
            let mut commit = Commit::default();
            if before >= exists_from {
                self.add(evaluation, before, -1, &mut commit).await?;
            }
            if at >= exists_from {
                self.add(evaluation, at, 1, &mut commit).await?;
            }
            commit.compact();
            given |= commit.give(at, outlet).await?;
            before = at;
        }
        Ok(given)
    }

    /// The commits that changed a table of the query.
    fn commits(
        &self,
        evaluation: &Evaluation,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeSet<Timestamp>> {
        let mut commits = BTreeSet::new();
        if from >= to {
            return Ok(commits);
        }
        let view = evaluation.view(to);
        for table in &self.tables {
            let mut cursor = view.changes(*table, from, to).map_err(engine_error)?;
            while cursor
                .next(CHANGES_AT_ONCE, &mut |change| {
                    commits.insert(change.at);
                })
                .map_err(engine_error)?
            {}
        }
        Ok(commits)
    }

    /// Adds the query's rows at a moment, so many times each.
    async fn add(
        &self,
        evaluation: &Evaluation,
        at: Timestamp,
        times: i64,
        commit: &mut Commit,
    ) -> Result<()> {
        let mut batches = evaluation.run(&self.plan, at)?;
        while let Some(batch) = batches.next().await {
            for row in crate::dml::rows_of(&batch?)? {
                commit.add(times, row);
            }
            if commit.bytes() > MOST_BYTES {
                let message = "out of memory";
                let detail =
                    "The result of the subscribed query is too large to be compared after each commit.";
                return Err(Error::new(SqlState::OutOfMemory, message).detail(detail));
            }
        }
        Ok(())
    }
}
