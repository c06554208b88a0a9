//! The thread that analyzes tables which have changed.
//!
//! A table is analyzed when more than 50 rows and a tenth of its rows have come or gone since it was analyzed, and when it
//! has more than 50 rows and was never analyzed: PostgreSQL's thresholds. It looks every ten seconds, a table at a
//! time, and only where something was committed since. A table that somebody holds a conflicting lock on waits for the
//! next look, and one whose analysis takes long for fifty times as long. The changes since are counted from the start of the
//! server on. Temporary tables are their sessions' business, as in PostgreSQL.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use catalog::{Catalog, Persistence, Relation};
use engine::{Database, Isolation, Outcome, RelationLockMode, TableId, Timestamp, WaitPolicy};
use parking_lot::{Condvar, Mutex};

use super::collect::analyze;
use super::store::StatisticsCache;
use crate::error::{Error, Result, SqlState};
use crate::session::engine_error;

const INTERVAL: Duration = Duration::from_secs(10);
/// Changes that are let pass, and the part of the rows besides.
const THRESHOLD: f64 = 50.0;
const PART: f64 = 0.1;
/// After an analysis a table is left alone for so many times as long as it took.
const REST: u32 = 50;

/// What the thread works with: it ends when this goes.
pub(crate) struct Upkeep {
    pub engine: Arc<Database>,
    pub store: Arc<Catalog>,
    pub cache: Arc<StatisticsCache>,
    /// The changes of each table by the time it was last analyzed.
    pub analyzed: Mutex<HashMap<u32, u64>>,
}

impl Upkeep {
    /// Notes that a table has just been analyzed, with so many changes.
    pub fn note(&self, table: u32, changes: u64) {
        self.analyzed.lock().insert(table, changes);
    }

    /// Forgets tables that are gone.
    fn forget_gone(&self, is_there: &dyn Fn(u32) -> bool) {
        self.cache.forget_gone(is_there);
        self.analyzed.lock().retain(|table, _| is_there(*table));
    }

    fn is_due(&self, table: u32) -> bool {
        let Ok(now) = self.engine.statistics(TableId(table)) else { return false };
        let known = self.cache.of(&self.engine, table);
        let since = match (&known, self.analyzed.lock().get(&table)) {
            (Some(_), before) => now.changes.saturating_sub(before.copied().unwrap_or(0)) as f64,
            // Analyzed, and nothing was found: it was empty.
            (None, Some(before)) => now.changes.saturating_sub(*before) as f64,
            (None, None) => f64::INFINITY,
        };
        let rows = known.map_or(0.0, |known| known.rows);
        now.rows as f64 > THRESHOLD && since > THRESHOLD + PART * rows
    }

    /// Analyzes a table; `false` where somebody is in the way.
    fn analyze(&self, relation: &Relation, stopping: &dyn Fn() -> bool) -> Result<bool> {
        let mut transaction = self.engine.begin(Isolation::ReadCommitted, true);
        let table = TableId(relation.oid);
        let mode = RelationLockMode::ShareUpdateExclusive;
        match transaction.lock_relation(table, mode, WaitPolicy::NoWait) {
            Ok(Outcome::Done(())) => {}
            Ok(Outcome::Wait(_)) | Err(engine::Error::LockNotAvailable) => return Ok(false),
            Err(error) => return Err(engine_error(error)),
        }
        // As it is under the lock.
        let catalog = self.store.current();
        let Some(relation) = catalog.relation(relation.database, relation.oid) else { return Ok(true) };
        let changes = self.engine.statistics(table).map_or(0, |statistics| statistics.changes);
        let interrupted = || match stopping() {
            true => Err(Error::new(SqlState::AdminShutdown, "the server is shutting down")),
            false => Ok(()),
        };
        let view = transaction.view();
        let found = analyze(&self.engine, &view, &catalog, relation, None, &interrupted)?;
        self.cache.store(&self.engine, &self.store, relation.oid, found.rows, &found.columns)?;
        self.note(relation.oid, changes);
        Ok(true)
    }
}

/// The thread.
#[derive(Default)]
pub(crate) struct Automatic {
    stopping: Mutex<bool>,
    changed: Condvar,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Automatic {
    /// Starts the thread. It holds what it works with only while it works.
    pub fn start(self: &Arc<Self>, upkeep: &Arc<Upkeep>) -> Result<()> {
        let (own, weak) = (self.clone(), Arc::downgrade(upkeep));
        let thread = std::thread::Builder::new()
            .name("strata-analyze".to_string())
            .spawn(move || own.run(&weak))
            .map_err(|error| Error::internal(format!("could not start the thread of statistics: {error}")))?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    /// Stops the thread, and waits until it has ended.
    pub fn stop(&self) {
        *self.stopping.lock() = true;
        self.changed.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the thread of statistics had panicked");
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.lock()
    }

    fn run(&self, upkeep: &Weak<Upkeep>) {
        let (mut seen, mut resting) = (None, HashMap::new());
        loop {
            {
                let mut stopping = self.stopping.lock();
                if !*stopping {
                    self.changed.wait_for(&mut stopping, INTERVAL);
                }
                if *stopping {
                    return;
                }
            }
            let Some(upkeep) = upkeep.upgrade() else { return };
            self.round(&upkeep, &mut seen, &mut resting);
        }
    }

    /// Looks at all tables, if anything was committed since the last look.
    fn round(&self, upkeep: &Upkeep, seen: &mut Option<Timestamp>, resting: &mut HashMap<u32, Instant>) {
        let now = upkeep.engine.snapshot();
        if *seen == Some(now) {
            return;
        }
        let catalog = upkeep.store.current();
        let mut all = true;
        let is_there = |table| catalog.databases().any(|of| catalog.relation(of.oid, table).is_some());
        upkeep.forget_gone(&is_there);
        resting.retain(|_, until| *until > Instant::now());
        for relation in catalog.databases().flat_map(|database| catalog.relations(database.oid)) {
            if self.is_stopping() {
                return;
            }
            let is_lasting = relation.persistence != Persistence::Temporary;
            if !relation.has_rows() || !is_lasting || !upkeep.is_due(relation.oid) {
                continue;
            }
            if resting.contains_key(&relation.oid) {
                all = false;
                continue;
            }
            let began = Instant::now();
            match upkeep.analyze(relation, &|| self.is_stopping()) {
                Ok(done) => {
                    all &= done;
                    resting.insert(relation.oid, Instant::now() + began.elapsed() * REST);
                }
                Err(error) => {
                    all = false;
                    tracing::info!(table = relation.oid, error = error.message(), "a table was not analyzed");
                }
            }
        }
        *seen = all.then_some(now);
    }
}
