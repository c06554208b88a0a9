//! The thread that follows commits and takes the steps of views.
//!
//! It sleeps while nothing commits. After a step it rests for a multiple of the step's time, so that views take a bounded
//! share of the machine, and what commits meanwhile is one step. A step locks its view and what is beneath it, without
//! waiting: where a definition is under way, the step comes later. A step that fails is tried again when something has
//! changed, and not before a second has passed; reads do without it meanwhile. Kill and restart need nothing: rows and
//! watermark are of one transaction.
//!
//! A view at a pace is due when its interval has passed since the thread looked at it last, or, after a start, since the
//! base moment of its newest step. A step that has to wait for a lock or has failed does not move its clock.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use catalog::{Catalog, Refresh, Snapshot};
use engine::{Database, Isolation, Outcome, RelationLockMode, TableId, Timestamp, Transaction, WaitPolicy};
use futures::StreamExt;
use parking_lot::{Condvar, Mutex};

use super::apply::{Difference, apply, difference_of, stored_rows};
use super::beneath::{beneath, definition_of};
use super::delta::changes_of_view;
use super::evaluator::Evaluator;
use super::fault::{Fault, is_planted};
use super::moment::{Freshness, freshness};
use super::status::ViewStatus;
use super::step::{newest_step, write_step};
use crate::dml::{TableModel, rows_of};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::execute::Resources;
use crate::session::engine_error;

/// How often the thread looks for commits while there are views.
const INTERVAL: Duration = Duration::from_millis(40);
/// How often it looks for views while there are none.
const IDLE: Duration = Duration::from_millis(500);
/// Rest after a step, as a multiple of its time.
const REST: u32 = 3;
/// How long a view whose step failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// The state of the thread, and its handle.
#[derive(Default)]
pub(crate) struct Maintenance {
    control: Mutex<Control>,
    changed: Condvar,
    status: Mutex<HashMap<u32, ViewStatus>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

#[derive(Default)]
struct Control {
    stopping: bool,
    woken: bool,
}

impl Maintenance {
    /// Has the thread look at once.
    pub fn wake(&self) {
        self.control.lock().woken = true;
        self.changed.notify_all();
    }

    /// Stops the thread, and waits for the step that it is in.
    pub fn stop(&self) {
        self.control.lock().stopping = true;
        self.changed.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the thread of materialized views had panicked");
        }
    }

    /// What is known of a view's steps.
    pub fn status(&self, view: u32) -> ViewStatus {
        self.status.lock().get(&view).cloned().unwrap_or_default()
    }

    fn is_stopping(&self) -> bool {
        self.control.lock().stopping
    }

    /// Sleeps; `false` when the thread is to end.
    fn sleep(&self, long: Duration) -> bool {
        let mut control = self.control.lock();
        if !control.stopping && !control.woken {
            self.changed.wait_for(&mut control, long);
        }
        control.woken = false;
        !control.stopping
    }
}

/// What the thread works with.
pub(crate) struct Parts {
    pub engine: Arc<Database>,
    pub store: Arc<Catalog>,
    pub resources: Arc<Resources>,
    pub runtime: tokio::runtime::Handle,
}

/// Starts the thread. It holds the parts only while it works, and ends when they are gone.
pub(crate) fn start(maintenance: &Arc<Maintenance>, parts: &Arc<Parts>) -> Result<()> {
    let (weak, shared) = (Arc::downgrade(parts), maintenance.clone());
    let thread = std::thread::Builder::new()
        .name("strata-views".to_string())
        .spawn(move || {
            Worker {
                parts: weak,
                maintenance: shared,
                views: (None, Vec::new()),
                seen: None,
                failed: HashMap::new(),
                looked_at: HashMap::new(),
            }
            .run()
        })
        .map_err(|error| Error::internal(format!("could not start the thread of views: {error}")))?;
    *maintenance.thread.lock() = Some(thread);
    Ok(())
}

struct Worker {
    parts: Weak<Parts>,
    maintenance: Arc<Maintenance>,
    /// The views of the catalog of a generation.
    views: (Option<u64>, Vec<Kept>),
    /// The moment up to which every exact view has been looked at.
    seen: Option<Timestamp>,
    /// When the step of a view failed last, and the moment it was for.
    failed: HashMap<u32, (Instant, Timestamp)>,
    /// The moment, in microseconds, that each view at a pace was last brought to.
    looked_at: HashMap<u32, i64>,
}

/// A view whose rows the thread keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    database: u32,
    view: u32,
    /// Microseconds between its steps; none for one that is exact.
    pace: Option<i64>,
}

impl Worker {
    fn run(mut self) {
        let mut long = INTERVAL;
        while self.maintenance.sleep(long) {
            let Some(parts) = self.parts.upgrade() else { return };
            let began = Instant::now();
            let any = self.round(&parts);
            long = if any { INTERVAL.max(began.elapsed() * REST) } else { IDLE };
        }
    }

    /// Looks at all views once; whether there are any.
    fn round(&mut self, parts: &Arc<Parts>) -> bool {
        let catalog = parts.store.current();
        if self.views.0 != Some(catalog.generation()) {
            self.views = (Some(catalog.generation()), stepped(&catalog));
            let known = &self.views.1;
            self.looked_at.retain(|view, _| known.iter().any(|kept| kept.view == *view));
        }
        let views = self.views.1.clone();
        if views.is_empty() {
            return false;
        }
        let now = parts.engine.snapshot();
        let nothing_new = self.seen == Some(now);
        let mut all = true;
        for Kept { database, view, pace } in views {
            if self.maintenance.is_stopping() {
                return true;
            }
            match pace {
                None if nothing_new => continue,
                None => {}
                Some(pace) if !self.is_due(parts, (database, view), pace) => continue,
                Some(_) => {}
            }
            if self.failed.get(&view).is_some_and(|(when, _)| when.elapsed() < PAUSE) {
                all = false;
                continue;
            }
            match step(parts, database, view) {
                Ok(Taken::Nothing) => self.note_look(view, pace, parts, Some(now)),
                Ok(Taken::Busy) => all = false,
                Ok(Taken::Step(taken)) => {
                    self.failed.remove(&view);
                    self.note(view, &taken);
                    self.note_look(view, pace, parts, None);
                }
                Err(error) => {
                    tracing::info!(view, error = error.message(), "a step of a materialized view failed");
                    let mut status = self.maintenance.status.lock();
                    status.entry(view).or_default().error = Some(error.message().to_string());
                    self.failed.insert(view, (Instant::now(), now));
                    all = false;
                }
            }
        }
        // Own steps are commits too: what they published is looked at once more, and found to concern nobody.
        self.seen = all.then_some(now);
        true
    }

    /// Whether the pace of a view asks for a step.
    fn is_due(&mut self, parts: &Parts, (database, view): (u32, u32), pace: i64) -> bool {
        let last = match self.looked_at.get(&view) {
            Some(last) => *last,
            None => {
                // The newest catalog runs ahead of what is published: the first step may not be seen yet.
                let now = parts.engine.snapshot();
                // What cannot be read here cannot be read by the step either, which says so.
                let Ok(catalog) = parts.store.at(now) else { return true };
                let relation = catalog.relation(database, view);
                let published = relation.and_then(|relation| relation.as_stepped_view());
                if !published.is_some_and(|view| view.populated) {
                    return false;
                }
                let reader = parts.engine.begin(Isolation::ReadCommitted, true);
                let Ok(step) = newest_step(&reader.view_at(now), view, now) else { return true };
                let last = step.map_or(i64::MIN, |step| step.base.micros());
                self.looked_at.insert(view, last);
                last
            }
        };
        parts.engine.now_micros() >= last.saturating_add(pace)
    }

    /// Has the clock of a view at a pace start anew. `unchanged_at`: nothing had changed beneath it by then.
    fn note_look(&mut self, view: u32, pace: Option<i64>, parts: &Parts, unchanged_at: Option<Timestamp>) {
        if pace.is_none() {
            return;
        }
        self.looked_at.insert(view, parts.engine.now_micros());
        if let Some(at) = unchanged_at {
            self.maintenance.status.lock().entry(view).or_default().unchanged_at = Some(at);
        }
    }

    fn note(&self, view: u32, taken: &StepTaken) {
        let mut all = self.maintenance.status.lock();
        let status = all.entry(view).or_default();
        status.steps += 1;
        status.recomputed += u64::from(taken.recomputed);
        status.changes += taken.changes;
        status.error = None;
    }
}

/// The populated views whose rows the thread keeps; those beneath others first, as they are older.
fn stepped(catalog: &Snapshot) -> Vec<Kept> {
    let kept = |relation: &catalog::Relation| {
        let view = relation.as_stepped_view().filter(|view| view.populated)?;
        let pace = match view.refresh {
            Refresh::OnCommit | Refresh::Manual => None,
            Refresh::Every(pace) => Some(pace),
        };
        Some(Kept { database: relation.database, view: relation.oid, pace })
    };
    let all = catalog.databases().flat_map(|database| catalog.relations(database.oid));
    let mut views: Vec<Kept> = all.filter_map(|relation| kept(relation)).collect();
    views.sort_unstable();
    views
}

/// What became of a step.
enum Taken {
    /// The stored rows are the answer already.
    Nothing,
    /// Somebody holds a lock that the step needs.
    Busy,
    Step(StepTaken),
}

struct StepTaken {
    recomputed: bool,
    changes: u64,
    base: Timestamp,
    definition: i64,
}

/// Locks without waiting; `false` where somebody is in the way.
fn try_lock(transaction: &mut Transaction, table: u32, mode: RelationLockMode) -> Result<bool> {
    match transaction.lock_relation(TableId(table), mode, WaitPolicy::NoWait) {
        Ok(Outcome::Done(())) => Ok(true),
        Ok(Outcome::Wait(_)) | Err(engine::Error::LockNotAvailable) => Ok(false),
        Err(error) => Err(engine_error(error)),
    }
}

/// Takes the step of every view that needs one, on this thread; how many were taken.
#[cfg(feature = "simulation")]
pub(crate) fn step_all(parts: &Arc<Parts>) -> Result<u64> {
    let mut taken = 0;
    for Kept { database, view, pace: _ } in stepped(&parts.store.current()) {
        taken += u64::from(matches!(step(parts, database, view)?, Taken::Step(_)));
    }
    Ok(taken)
}

/// Brings the stored rows of a view to the present moment.
fn step(parts: &Arc<Parts>, database: u32, view: u32) -> Result<Taken> {
    let evaluator =
        Evaluator::new(parts.engine.clone(), parts.store.clone(), parts.resources.clone(), database);
    let now = parts.engine.snapshot();
    let catalog = parts.store.current();
    if let Freshness::Exact(_) = freshness(&evaluator.view_at(now), &catalog, database, view, now)? {
        return Ok(Taken::Nothing);
    }
    let mut transaction = parts.engine.begin(Isolation::ReadCommitted, false);
    let outcome = locked_step(&evaluator, parts, &mut transaction, view);
    match outcome {
        Ok(Taken::Step(taken)) => {
            transaction.commit().wait().map_err(engine_error)?;
            if is_planted(Fault::TornStep) {
                let mut second = parts.engine.begin(Isolation::ReadCommitted, false);
                write_step(&mut second, view, taken.base, taken.definition)?;
                second.commit().wait().map_err(engine_error)?;
            }
            Ok(Taken::Step(taken))
        }
        other => {
            transaction.rollback();
            other
        }
    }
}

fn locked_step(
    evaluator: &Evaluator,
    parts: &Arc<Parts>,
    transaction: &mut Transaction,
    view: u32,
) -> Result<Taken> {
    let database = evaluator.database();
    // One step at a time, and no index built meanwhile.
    if !try_lock(transaction, view, RelationLockMode::ShareUpdateExclusive)? {
        return Ok(Taken::Busy);
    }
    for below in beneath(&parts.store.current(), database, view) {
        if !try_lock(transaction, below, RelationLockMode::AccessShare)? {
            return Ok(Taken::Busy);
        }
    }
    transaction.start_statement();
    let base = transaction.snapshot();
    let catalog = evaluator.catalog_at(base)?;
    if catalog.relation(database, view).is_none() {
        return Ok(Taken::Nothing);
    }
    let model = TableModel::new(&catalog, database, view)?;
    let context = evaluator.context(&catalog, base);
    let answer = match is_planted(Fault::MomentTooLate) {
        true => Timestamp::before_micros(base.micros()),
        false => base,
    };
    let (difference, recomputed) = parts.runtime.block_on(async {
        match followed(evaluator, transaction, &model, &context, answer).await {
            Ok(Some(difference)) => Ok((difference, false)),
            // What went wrong may be the way and not the query: the query itself decides.
            Ok(None) | Err(_) => {
                recomputed(evaluator, transaction, &model, answer).await.map(|difference| (difference, true))
            }
        }
    })?;
    apply(transaction, &model, &context, &difference)?;
    let definition = definition_of(&catalog, database, view);
    if !is_planted(Fault::TornStep) {
        write_step(transaction, view, base, definition)?;
    }
    let changes = (difference.deleted.len() + difference.inserted.len()) as u64;
    Ok(Taken::Step(StepTaken { recomputed, changes, base, definition }))
}

/// The difference of the stored rows to the answer at a moment, from what has changed since the last step; `None` where
/// the query has to be evaluated.
async fn followed(
    evaluator: &Evaluator,
    transaction: &Transaction,
    model: &TableModel,
    context: &Context,
    base: Timestamp,
) -> Result<Option<Difference>> {
    let (catalog, database) = (evaluator.catalog_at(base)?, evaluator.database());
    let last = freshness(&evaluator.view_at(base), &catalog, database, model.oid, base)?;
    let Freshness::Behind(last) = last else { return Ok(None) };
    match changes_of_view(evaluator, model.oid, last, base).await? {
        Some(changes) => difference_of(&transaction.view(), model, context, changes),
        None => Ok(None),
    }
}

/// The difference of the stored rows to the answer at a moment, by evaluating the query.
async fn recomputed(
    evaluator: &Evaluator,
    transaction: &Transaction,
    model: &TableModel,
    base: Timestamp,
) -> Result<Difference> {
    let query = evaluator.definition_at(model.oid, base)?;
    let mut stored = stored_rows(&transaction.view(), model)?;
    let mut difference = Difference::default();
    let mut batches = evaluator.start(&query, base)?;
    while let Some(batch) = batches.next().await {
        for row in rows_of(&batch?)? {
            stored.meet(row, &mut difference);
        }
    }
    stored.finish(&mut difference);
    Ok(difference)
}
