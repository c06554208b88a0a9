//! What became of a view's rows, commit by commit: its answer after each commit, against its answer before it.
//!
//! The times of steps concern nobody, and stored rows no more than in any other read. The moments are
//! those of commits that changed a table beneath the view or a definition that it depends on, so that the changes after t0
//! and up to t1 sum up to `view AS OF t1` less `view AS OF t0`, each at the commit that made it. Commits of one microsecond
//! are one moment, as for AS OF.
//!
//! Between two moments under the same definitions the changes follow from what has changed beneath (`delta`); a view of
//! groups that can be folded is followed from the rows of a step on, which are its answer at a moment (`fold`). Where that
//! cannot be told, both answers are computed and compared, in at most [`MOST_BYTES`] of rows (53200). Before a
//! view was made, and while it or one beneath it was WITH NO DATA, it has no rows. A commit after which the query fails
//! makes reads of that commit's changes fail.

use std::collections::{BTreeSet, VecDeque};

use catalog::{ObjectKey, Snapshot};
use engine::{ChangeCursor, TableId, Timestamp};
use futures::StreamExt;

use super::beneath::{beneath, definition_of};
use super::delta::{Sum, Weighted, changes};
use super::evaluator::Evaluator;
use super::fold::{Overlay, Stored, folded};
use super::step::{Step, newest_step};
use crate::dml::{TableModel, rows_of};
use crate::error::{Error, Result, SqlState};
use crate::execute::Batches;
use crate::session::engine_error;

/// Bytes of rows that are compared at once.
const MOST_BYTES: usize = 256 << 20;
/// Changes of a table looked at under its latch.
const CHANGES_AT_ONCE: usize = 1024;
/// Groups that are remembered above the stored rows.
const MOST_GROUPS: usize = 100_000;

/// What a commit made of a view.
pub(crate) enum ViewChange {
    /// Rows, each once, with how many more or fewer of them there are.
    Rows(Vec<Weighted>),
    /// All rows of the view, which came (1) or went (-1).
    All(Batches, i64),
}

/// The changes of a view over a period, read forwards.
pub(crate) struct ViewHistory {
    evaluator: Evaluator,
    view: u32,
    commits: Vec<Commits>,
    /// When definitions changed, in microseconds.
    definitions: BTreeSet<i64>,
    /// Everything up to here has been given.
    before: Timestamp,
    groups: Groups,
}

/// The view's groups as they were at a moment, where its changes can be folded into them.
enum Groups {
    /// Not asked for yet.
    Unknown,
    /// The rows of a step, and what has become of them until `at`.
    Known { step: Step, at: Timestamp, overlay: Overlay },
    /// They cannot be followed.
    Useless,
}

impl ViewHistory {
    /// The changes after `from` and up to `to`, which is over.
    pub fn new(evaluator: Evaluator, view: u32, from: Timestamp, to: Timestamp) -> Result<ViewHistory> {
        let database = evaluator.database();
        let (mut known, mut tables, mut definitions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        // Under each definition something else may lie beneath.
        let mut open = vec![from, to];
        while let Some(at) = open.pop() {
            let catalog = evaluator.catalog_at(at)?;
            for oid in beneath(&catalog, database, view).into_iter().chain([view]) {
                let relation = catalog.relation(database, oid);
                if relation
                    .is_some_and(|relation| relation.has_rows() && relation.as_maintained_view().is_none())
                {
                    tables.insert(oid);
                }
                if !known.insert(oid) {
                    continue;
                }
                let key = ObjectKey::Relation { database, oid };
                for began in evaluator.versions_began(&key, from, to)? {
                    if began > from.micros() && definitions.insert(began) {
                        open.push(Timestamp::from_micros(began));
                    }
                }
            }
        }
        let newest = evaluator.view_at(to);
        let mut commits = Vec::with_capacity(tables.len());
        if from < to {
            for table in tables {
                let cursor = newest.changes(TableId(table), from, to).map_err(engine_error)?;
                commits.push(Commits { cursor, ready: VecDeque::new(), more: true });
            }
        }
        Ok(ViewHistory { evaluator, view, commits, definitions, before: from, groups: Groups::Unknown })
    }

    /// What the next commit made of the view, possibly nothing, and its moment.
    pub async fn next(&mut self) -> Result<Option<(Timestamp, ViewChange)>> {
        let after = self.before.micros();
        let mut next = self.definitions.range(after.saturating_add(1)..).next().copied();
        for commits in &mut self.commits {
            next = next.into_iter().chain(commits.after(after)?).min();
        }
        let Some(micros) = next else { return Ok(None) };
        let (from, to) = (self.before, Timestamp::from_micros(micros));
        self.before = to;
        Ok(Some((to, self.between(from, to).await?)))
    }

    /// What has changed between two moments with no other between them.
    async fn between(&mut self, from: Timestamp, to: Timestamp) -> Result<ViewChange> {
        match (self.definition(from)?, self.definition(to)?) {
            (None, None) => Ok(ViewChange::Rows(Vec::new())),
            (None, Some(_)) => self.answer(to).map(|rows| ViewChange::All(rows, 1)),
            (Some(_), None) => self.answer(from).map(|rows| ViewChange::All(rows, -1)),
            (Some(was), Some(is)) => {
                if was == is {
                    if let Some(rows) = self.folded(was, from, to).await? {
                        let mut sum = Sum::default();
                        rows.into_iter().for_each(|(row, weight)| sum.add(row, weight));
                        return Ok(ViewChange::Rows(sum.finish()));
                    }
                    let query = self.evaluator.definition_at(self.view, to)?;
                    // What goes wrong on the way is decided by the answers themselves.
                    if let Ok(Some(rows)) = changes(&self.evaluator, &query, from, to).await {
                        return Ok(ViewChange::Rows(rows));
                    }
                }
                self.compared(from, to).await.map(ViewChange::Rows)
            }
        }
    }

    /// The changes between two moments by those of the groups, where the view has groups that can be followed.
    async fn folded(
        &mut self,
        definition: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<Vec<Weighted>>> {
        let (step, mut overlay) = match std::mem::replace(&mut self.groups, Groups::Useless) {
            Groups::Known { step, at, overlay } if at == from && overlay.len() <= MOST_GROUPS => {
                (step, overlay)
            }
            Groups::Known { .. } | Groups::Unknown => {
                let step = newest_step(&self.evaluator.view_at(to), self.view, from)?;
                let Some(step) = step.filter(|step| step.definition == definition) else {
                    self.groups = Groups::Unknown;
                    return Ok(None);
                };
                let mut overlay = Overlay::new();
                if step.base < from && self.advance(step, &mut overlay, step.base, from).await.is_none() {
                    return Ok(None);
                }
                (step, overlay)
            }
            Groups::Useless => return Ok(None),
        };
        let changes = self.advance(step, &mut overlay, from, to).await;
        if changes.is_some() {
            self.groups = Groups::Known { step, at: to, overlay };
        }
        Ok(changes)
    }

    /// Folds the changes between two moments into the groups; `None` where that cannot be, for whatever reason.
    async fn advance(
        &self,
        step: Step,
        overlay: &mut Overlay,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<Vec<Weighted>> {
        let (evaluator, database) = (&self.evaluator, self.evaluator.database());
        let query = evaluator.definition_at(self.view, to).ok()?;
        let catalog = evaluator.catalog_at(to).ok()?;
        let model = TableModel::new(&catalog, database, self.view).ok()?;
        let (view, context) = (evaluator.view_at(step.commit), evaluator.context(&catalog, to));
        let stored = Stored { view: &view, model: &model, context: &context, overlay: Some(&*overlay) };
        let changes = folded(evaluator, &query, &stored, from, to).await.ok()??;
        let mut renewed = Vec::with_capacity(changes.len());
        for (row, weight) in &changes {
            renewed.push((*weight > 0, stored.key(row).ok()??, row));
        }
        // What went first, so that it does not hide what came.
        renewed.sort_by_key(|(came, _, _)| *came);
        let renewed: Vec<_> =
            renewed.into_iter().map(|(came, key, row)| (key, came.then(|| row.clone()))).collect();
        overlay.extend(renewed);
        Some(changes)
    }

    /// The number of the definitions under which the view is read at a moment; `None` where it has no rows.
    fn definition(&self, at: Timestamp) -> Result<Option<i64>> {
        let (catalog, database) = (self.evaluator.catalog_at(at)?, self.evaluator.database());
        if catalog.relation(database, self.view).is_none() {
            return Ok(None);
        }
        let mut all = beneath(&catalog, database, self.view).into_iter().chain([self.view]);
        let readable = all.all(|oid| is_populated(&catalog, database, oid));
        Ok(readable.then(|| definition_of(&catalog, database, self.view)))
    }

    /// The view's rows at a moment.
    fn answer(&self, at: Timestamp) -> Result<Batches> {
        self.evaluator.start(&self.evaluator.definition_at(self.view, at)?, at)
    }

    /// The difference of the answers at two moments.
    async fn compared(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Weighted>> {
        let mut sum = Sum::default();
        for (at, weight) in [(from, -1), (to, 1)] {
            let mut rows = self.answer(at)?;
            while let Some(batch) = rows.next().await {
                rows_of(&batch?)?.into_iter().for_each(|row| sum.add(row, weight));
                if sum.bytes() > MOST_BYTES {
                    return Err(Error::new(SqlState::OutOfMemory, "out of memory").detail(
                        "The rows of the materialized view are too many to be compared after each commit.",
                    ));
                }
            }
        }
        Ok(sum.finish())
    }
}

/// Whether a relation may be read, as far as WITH NO DATA is concerned.
fn is_populated(catalog: &Snapshot, database: u32, oid: u32) -> bool {
    let view = catalog.relation(database, oid).and_then(|relation| relation.as_materialized_view());
    view.is_none_or(|view| view.populated)
}

/// The commits that changed one table.
struct Commits {
    cursor: ChangeCursor,
    /// Microseconds, in order, each once.
    ready: VecDeque<i64>,
    more: bool,
}

impl Commits {
    /// The first commit after a microsecond.
    fn after(&mut self, micros: i64) -> Result<Option<i64>> {
        loop {
            while self.ready.front().is_some_and(|at| *at <= micros) {
                self.ready.pop_front();
            }
            if !self.ready.is_empty() || !self.more {
                return Ok(self.ready.front().copied());
            }
            let ready = &mut self.ready;
            let more = self.cursor.next(CHANGES_AT_ONCE, &mut |change| {
                let at = change.at.micros();
                if ready.back() != Some(&at) {
                    ready.push_back(at);
                }
            });
            self.more = more.map_err(engine_error)?;
        }
    }
}
