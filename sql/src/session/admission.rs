//! What comes before a statement runs: its relation locks, and a meaning that still holds under them.
//!
//! A statement is analyzed without locks. Before it runs it takes them, in PostgreSQL's modes; if the catalog has
//! changed by then, it is analyzed anew, which may ask for other locks, until nothing has changed. What is locked cannot
//! be altered, dropped or truncated before the transaction ends, and the snapshot that the statement reads is taken
//! under its locks. What is read in the past needs no lock: it does not change.

use std::sync::Arc;

use catalog::{ConstraintKind, ReferentialAction, RelationKind, Snapshot};
use engine::{Outcome, RelationLockMode, TableId, Value, WaitPolicy};

use super::engine_error;
use super::prepared::{Analysis, Prepared, Work};
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::ObjectName;
use crate::tree::{Query, Relation};

impl Session {
    /// The relation locks of a statement: what it changes, what it locks rows of, what it reads. `changes_keys`: rows
    /// that others may refer to are updated or deleted.
    pub(super) fn locks_of(
        &self,
        catalog: &Snapshot,
        objects: &[u32],
        work: &Work,
        changes_keys: bool,
    ) -> Vec<(TableId, RelationLockMode)> {
        let target = match work {
            Work::Insert { insert, .. } => Some(insert.model.oid),
            Work::Update { update, .. } => Some(update.model.oid),
            Work::Delete { delete, .. } => Some(delete.model.oid),
            Work::Query { .. } | Work::Utility => None,
        };
        let row_share: &[u32] = match work {
            Work::Query { locked, .. } => locked,
            Work::Insert { .. } | Work::Update { .. } | Work::Delete { .. } | Work::Utility => &[],
        };
        if matches!(work, Work::Utility) {
            return Vec::new();
        }
        let mut locks = self.modes_of(catalog, objects, target, row_share);
        if let Some(target) = target {
            locks.extend(key_locks(catalog, self.shared.entry.database_oid, target, changes_keys));
        }
        locks
    }

    /// The locks of a query that stands in another statement.
    pub(super) fn read_locks(
        &self,
        catalog: &Snapshot,
        objects: &[u32],
        row_share: &[u32],
    ) -> Vec<(TableId, RelationLockMode)> {
        self.modes_of(catalog, objects, None, row_share)
    }

    fn modes_of(
        &self,
        catalog: &Snapshot,
        objects: &[u32],
        target: Option<u32>,
        row_share: &[u32],
    ) -> Vec<(TableId, RelationLockMode)> {
        let database = self.shared.entry.database_oid;
        let maintained = objects.iter().filter_map(|oid| catalog.relation(database, *oid));
        let mut beneath: Vec<u32> = maintained
            .filter(|relation| relation.as_maintained_view().is_some())
            .flat_map(|relation| crate::view::beneath(catalog, database, relation.oid))
            .filter(|oid| !objects.contains(oid))
            .collect();
        beneath.sort_unstable();
        beneath.dedup();
        let all = objects.iter().chain(&beneath);
        let relations = all.filter_map(|oid| catalog.relation(database, *oid));
        let locks = relations.filter_map(|relation| match relation.kind {
            RelationKind::System { .. } | RelationKind::Index(_) => None,
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Sequence(_) => {
                let mode = match relation.oid {
                    oid if Some(oid) == target => RelationLockMode::RowExclusive,
                    oid if row_share.contains(&oid) => RelationLockMode::RowShare,
                    _ => RelationLockMode::AccessShare,
                };
                Some((TableId(relation.oid), mode))
            }
        });
        locks.collect()
    }

    /// The meaning of a statement. One that seems wrong may only be early: its relations are locked, as PostgreSQL does
    /// before it looks at them, and if they have changed by then, it is looked at anew.
    pub(super) async fn understood(&mut self, prepared: &Prepared) -> Result<Arc<Analysis>> {
        loop {
            let generation = self.catalog().generation();
            self.met.lock().clear();
            match self.analysis(prepared) {
                Ok(analysis) => return Ok(analysis),
                Err(error) => {
                    if !self.waits_for_met(generation).await? {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Locks the relations that an analysis has met; whether the catalog has changed since.
    pub(super) async fn waits_for_met(&mut self, generation: u64) -> Result<bool> {
        let met = std::mem::take(&mut *self.met.lock());
        let weak = met.into_iter().map(|oid| (TableId(oid), RelationLockMode::AccessShare));
        self.lock_relations(&weak.collect::<Vec<_>>()).await?;
        Ok(self.catalog().generation() != generation)
    }

    /// The meaning of a statement under its locks, before anybody is told of it: what Parse answers. Outside a block the
    /// locks are looked at and not kept where they are free.
    pub(super) async fn understood_locked(&mut self, prepared: &Prepared) -> Result<Arc<Analysis>> {
        loop {
            let analysis = self.understood(prepared).await?;
            if self.block.is_none() && self.transaction_at_once(&analysis, &self.shared.derived()).is_some() {
                return Ok(analysis);
            }
            self.lock_relations(&analysis.locks).await?;
            if analysis.generation == self.catalog().generation() {
                return Ok(analysis);
            }
            // Nobody has been told of it: its rows need not keep their shape.
            prepared.forget_analysis();
        }
    }

    /// Takes a statement's locks and settles its moments: the meaning to run, whose catalog is the newest one. `told`:
    /// the client knows the first analysis, its parameters and its rows, and must get what it was told.
    pub(super) async fn admit(
        &mut self,
        prepared: &Prepared,
        analysis: Arc<Analysis>,
        parameters: &Arc<[Value]>,
        told: bool,
    ) -> Result<Arc<Analysis>> {
        let mut analysis = analysis;
        loop {
            self.lock_relations(&analysis.locks).await?;
            if analysis.generation == self.catalog().generation() {
                break;
            }
            let fresh = self.analysis(prepared)?;
            if told && fresh.description != analysis.description {
                let message = "cached plan must not change result type";
                return Err(Error::new(SqlState::FeatureNotSupported, message));
            }
            if fresh.parameters != analysis.parameters {
                let message = "the parameters of the statement have changed their types";
                return Err(Error::new(SqlState::FeatureNotSupported, message));
            }
            analysis = fresh;
        }
        match analysis.past.is_empty() {
            true => Ok(analysis),
            false => Box::pin(self.settle_past(prepared, analysis, parameters, told)).await,
        }
    }

    /// The table of a name, locked; looked up again after the lock, until the name means what is locked.
    pub(super) async fn locked_by_name(
        &mut self,
        name: &ObjectName,
        mode: RelationLockMode,
    ) -> Result<Arc<catalog::Relation>> {
        let privilege = match mode {
            RelationLockMode::AccessExclusive => catalog::Privileges::TRUNCATE,
            _ => catalog::Privileges::INSERT,
        };
        let mut locked = None;
        loop {
            let table = self.table_by_name(name)?;
            if locked == Some(table.oid) {
                return Ok(table);
            }
            self.check_table_privilege(table.oid, privilege)?;
            self.lock_relations(&[(TableId(table.oid), mode)]).await?;
            locked = Some(table.oid);
        }
    }

    /// Takes relation locks, in order, waiting as lock_timeout allows.
    pub(super) async fn lock_relations(&mut self, locks: &[(TableId, RelationLockMode)]) -> Result<()> {
        if locks.is_empty() {
            return Ok(());
        }
        let policy = WaitPolicy::Wait { timeout: self.shared.derived().lock_timeout };
        let transaction = self.transaction()?;
        let mut next = 0;
        loop {
            let outcome = transaction.with(|transaction| {
                while let Some((table, mode)) = locks.get(next) {
                    if let Outcome::Wait(ticket) = transaction.lock_relation(*table, *mode, policy)? {
                        return Ok(Some(ticket));
                    }
                    next += 1;
                }
                Ok(None)
            })?;
            match outcome.map_err(engine_error)? {
                None => return Ok(()),
                // Granted when the ticket settles; asking again finds it held.
                Some(ticket) => crate::dml::wait(ticket, &self.shared.entry.cancel).await?,
            }
        }
    }
}

/// The locks that foreign keys take when rows of a table change: on the tables that new rows refer to, and where rows
/// are updated or deleted, on the tables whose rows refer to them, and on theirs where the change goes on.
pub(super) fn key_locks(
    catalog: &Snapshot,
    database: u32,
    table: u32,
    changes_keys: bool,
) -> Vec<(TableId, RelationLockMode)> {
    let mut locks = Vec::new();
    for constraint in catalog.constraints_of(database, table) {
        if let ConstraintKind::ForeignKey(key) = &constraint.kind {
            locks.push((TableId(key.referenced), RelationLockMode::RowShare));
        }
    }
    let mut changed = if changes_keys { vec![table] } else { Vec::new() };
    let mut next = 0;
    while let Some(table) = changed.get(next).copied() {
        next += 1;
        for constraint in catalog.references_to(database, table) {
            let ConstraintKind::ForeignKey(key) = &constraint.kind else { continue };
            let checks_only =
                |action| matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict);
            let mode = match checks_only(key.on_update) && checks_only(key.on_delete) {
                true => RelationLockMode::RowShare,
                false => RelationLockMode::RowExclusive,
            };
            locks.push((TableId(constraint.relation), mode));
            if mode == RelationLockMode::RowExclusive && !changed.contains(&constraint.relation) {
                changed.push(constraint.relation);
            }
        }
    }
    locks
}

/// The tables whose rows a query locks, its subqueries in FROM among it.
pub(super) fn locked_tables(query: &Query) -> Vec<u32> {
    struct Find(Vec<u32>);
    impl crate::tree::visit::Visitor for Find {
        fn relation(&mut self, relation: &mut Relation) -> bool {
            if let Relation::LockRows { input: _, clauses } = relation {
                self.0.extend(clauses.iter().map(|clause| clause.table));
            }
            true
        }
    }
    let mut find = Find(Vec::new());
    crate::tree::visit::walk_query(&mut query.clone(), &mut find);
    find.0
}
