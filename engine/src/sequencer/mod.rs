//! The sequencer: the one place through which every commit passes.
//!
//! It is a thread, which holds the log while it works. A commit that asks for it and finds the log free and nobody
//! waiting is led by the thread of its caller instead (`lead`): two wake-ups less are a sixth of the time of a small
//! commit (`docs/decisions/2026-11-21-commits-alone.md`). Whoever takes from the queue holds the log, so nothing overtakes.
//!
//! Per batch: assign timestamps, validate, append, sync, apply, publish, release locks, answer. One batch is in flight
//! at a time; what arrives meanwhile is the next batch. Nothing in here waits for a lock, and nothing is visible or
//! acknowledged before it is durable. The order of commits is that of their records, and that of their visibility.
//!
//! A failed append or sync leaves the outcome unknown: every transaction of the batch is told so, the engine is
//! poisoned, and the owner's callback ends the process. A full disk refuses the batch and leaves the log usable (`room`).

pub(crate) mod apply;
mod validate;

pub(crate) use validate::validate_reads;

use crate::clock::LEASE_MICROS;
use crate::engine::Engine;
use crate::ids::Timestamp;
use crate::lock::Tag;
use crate::log::{Log, LogError};
use crate::record::{CommitSet, KIND_LEASE, Writer};
use crate::registry::TransactionShared;
use crate::scratch::List;
use crate::ticket::Settlement;
use crate::transaction::{PublishHook, ReadRecord, release_marks};
use crate::{Error, RowHandle, TableId};
use parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

/// Commits of one batch: they share a microsecond, so their sequence numbers must fit.
const BATCH_COMMITS: usize = 4000;
/// Bytes of one batch, beyond which no further commit joins it.
const BATCH_BYTES: usize = 32 << 20;

/// A transaction that wants to be committed.
pub(crate) struct Request {
    /// Whether the thread that asks may block until it is done.
    pub may_block: bool,
    pub shared: Arc<TransactionShared>,
    pub snapshot: Timestamp,
    pub reads: Vec<ReadRecord>,
    pub set: CommitSet,
    pub record: Vec<u8>,
    pub hooks: Vec<PublishHook>,
    pub tags: Vec<Tag>,
    pub rows: List<(TableId, RowHandle)>,
    pub settlement: Arc<Settlement<Result<Timestamp, Error>>>,
    /// Dropped when all is over: somebody waits for that.
    pub done: Option<SyncSender<()>>,
}

/// Something for the sequencer to do between two batches.
pub(crate) type Task = Box<dyn FnOnce(&Engine, &mut Log) + Send>;

#[derive(Default)]
struct Waiting {
    requests: Vec<Request>,
    /// Records without a transaction: sequences.
    records: Vec<Vec<u8>>,
    tasks: Vec<Task>,
    lease: bool,
    closed: bool,
    asleep: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.records.is_empty() && self.tasks.is_empty() && !self.lease
    }
}

/// What waits for the sequencer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Queue {
    fn add(&self, add: impl FnOnce(&mut Waiting)) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return false;
        }
        add(&mut waiting);
        if waiting.asleep {
            waiting.asleep = false;
            drop(waiting);
            self.arrived.notify_one();
        }
        true
    }

    /// Asks for a commit; gives the request back if the database is closing.
    pub fn submit(&self, request: Request) -> Result<(), Box<Request>> {
        let mut place = Some(request);
        self.add(|waiting| waiting.requests.extend(place.take()));
        match place {
            Some(refused) => Err(Box::new(refused)),
            None => Ok(()),
        }
    }

    /// Has a record written before any commit that is asked for later.
    pub fn write_record(&self, record: Vec<u8>) -> bool {
        self.add(|waiting| waiting.records.push(record))
    }

    /// Has the thread run something between two batches.
    pub fn run(&self, task: Task) -> bool {
        self.add(|waiting| waiting.tasks.push(task))
    }

    pub fn want_lease(&self) {
        self.add(|waiting| waiting.lease = true);
    }

    /// Lets the thread end once everything asked for is done.
    pub fn close(&self) {
        self.add(|waiting| waiting.closed = true);
    }

    /// Waits for work. Sleeping at once is measured to be better than looking out for it (`docs/decisions`): the
    /// processor it leaves is the committers'. `false` when closed and empty.
    fn wait(&self) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.is_empty() {
            if waiting.closed {
                return false;
            }
            waiting.asleep = true;
            self.arrived.wait(&mut waiting);
        }
        waiting.asleep = false;
        true
    }

    /// Whether nothing waits, and more may come.
    fn is_idle(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.is_empty() && !waiting.closed
    }

    /// Takes what makes the next batch. Whoever calls holds the log.
    fn take(&self) -> Waiting {
        let mut waiting = self.waiting.lock();
        let mut bytes = 0;
        let fitting = waiting.requests.iter().take(BATCH_COMMITS).take_while(|request| {
            let fits = bytes == 0 || bytes + request.record.len() <= BATCH_BYTES;
            bytes += request.record.len().max(1);
            fits
        });
        let fitting = fitting.count();
        let later = waiting.requests.split_off(fitting);
        Waiting {
            requests: std::mem::replace(&mut waiting.requests, later),
            records: std::mem::take(&mut waiting.records),
            tasks: std::mem::take(&mut waiting.tasks),
            lease: std::mem::take(&mut waiting.lease),
            closed: waiting.closed,
            asleep: waiting.asleep,
        }
    }
}

/// What leads commits: the log, for whoever holds it.
pub(crate) struct Leader {
    log: Log,
    /// Records that found no room: they go before any later commit.
    kept: Vec<Vec<u8>>,
}

impl Leader {
    pub fn new(log: Log) -> Leader {
        Leader { log, kept: Vec::new() }
    }

    fn batch(&mut self, engine: &Engine, requests: Vec<Request>, mut records: Vec<Vec<u8>>) {
        records.splice(0..0, self.kept.drain(..));
        self.kept = batch(engine, &mut self.log, requests, records);
    }
}

/// The body of the sequencer's thread. A panic in here ends the process: memory may be half changed, and recovery
/// repairs it.
pub(crate) fn guarded(engine: &Engine) {
    if catch_unwind(AssertUnwindSafe(|| run(engine))).is_err() {
        engine.poison("the sequencer panicked");
    }
}

/// Batch after batch, until the queue is closed. The log is closed with it.
fn run(engine: &Engine) {
    while engine.queue.wait() {
        let mut held = engine.leader.lock();
        let Some(leader) = held.as_mut() else { return };
        let Waiting { requests, records, tasks, lease, .. } = engine.queue.take();
        if !requests.is_empty() || !records.is_empty() || lease {
            leader.batch(engine, requests, records);
        }
        for task in tasks {
            task(engine, &mut leader.log);
        }
    }
    engine.leader.lock().take();
}

/// Commits in the thread of the caller, which blocks for a sync, if that is welcome, the log is free and nothing waits
/// for it; else gives the request back.
pub(crate) fn lead(engine: &Engine, request: Request) -> Result<(), Box<Request>> {
    if !request.may_block {
        return Err(Box::new(request));
    }
    let Some(mut held) = engine.leader.try_lock() else { return Err(Box::new(request)) };
    let Some(leader) = held.as_mut().filter(|_| engine.queue.is_idle()) else {
        return Err(Box::new(request));
    };
    if catch_unwind(AssertUnwindSafe(|| leader.batch(engine, vec![request], Vec::new()))).is_err() {
        engine.poison("a commit panicked");
    }
    Ok(())
}

/// Whether no batch is under way, and none waits.
#[cfg(any(test, feature = "simulation"))]
pub(crate) fn is_resting(engine: &Engine) -> bool {
    let _held = engine.leader.lock();
    engine.queue.waiting.lock().is_empty()
}

/// Ends transactions that are not going to be committed.
pub(crate) fn refuse(engine: &Engine, requests: Vec<Request>, error: &Error) {
    for request in requests {
        // Where the outcome is unknown, a restart may find the files named.
        if *error != Error::LogFailed {
            request.set.discard(engine);
        }
        release(engine, &request);
        request.settlement.settle(Err(error.clone()));
    }
}

/// Lets go of everything a transaction holds.
fn release(engine: &Engine, request: &Request) {
    release_marks(engine, request.shared.id, &request.rows);
    for tag in &request.tags {
        engine.locks.release(*tag, request.shared.id);
    }
    request.shared.locks.release(&engine.locks, request.shared.id);
    request.shared.end();
}

/// Writes and publishes a batch. Answers the records without a transaction that are still to be written.
fn batch(engine: &Engine, log: &mut Log, requests: Vec<Request>, mut records: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if let Err(error) = engine.check_writable() {
        engine.clock.end_batch(false, None);
        refuse(engine, requests, &error);
        return Vec::new();
    }
    let requests = engine.admit(log, requests);
    let micros = engine.clock.begin_batch();
    let mut accepted: Vec<(Timestamp, Request)> = Vec::with_capacity(requests.len());
    for mut request in requests {
        let at = Timestamp::commit(micros, accepted.len() as u64);
        match validate::validate(engine, &request, &accepted) {
            Ok(()) => {
                CommitSet::stamp(&mut request.record, at);
                accepted.push((at, request));
            }
            Err(error) => refuse(engine, vec![request], &error),
        }
    }
    let lease = engine.clock.wanted_lease().map(|wanted| wanted.max(micros + LEASE_MICROS));
    let lasting = records.len();
    if let Some(lease) = lease {
        records.push(lease_record(lease));
    }
    if accepted.is_empty() && records.is_empty() {
        // A moment of which the log knows nothing must not be read: a restart would not remember it.
        engine.clock.end_batch(false, None);
        return Vec::new();
    }
    match write(engine, log, &records, &accepted) {
        Ok(()) => {
            publish(engine, accepted, lease);
            Vec::new()
        }
        Err(error) => {
            engine.clock.end_batch(false, None);
            refuse(engine, accepted.into_iter().map(|(_, request)| request).collect(), &error);
            records.truncate(if error == Error::DiskFull { lasting } else { 0 });
            records
        }
    }
}

fn lease_record(micros: i64) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(KIND_LEASE);
    writer.u64(micros as u64);
    writer.bytes
}

/// Appends and syncs. On return the batch is durable, or it is not and never will be visible.
fn write(
    engine: &Engine,
    log: &mut Log,
    records: &[Vec<u8>],
    accepted: &[(Timestamp, Request)],
) -> Result<(), Error> {
    let mut slices: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    let written = accepted.iter().filter(|(_, request)| !request.set.is_empty());
    slices.extend(written.map(|(_, request)| request.record.as_slice()));
    if slices.is_empty() {
        return Ok(());
    }
    let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
    let started = Instant::now();
    match log.append(&slices).and_then(|_| log.sync()) {
        Ok(_) => {
            engine.note_logged(bytes, accepted.len(), started.elapsed());
            Ok(())
        }
        Err(LogError::DiskFull(_)) => {
            // A batch that is longer than a log file wants more room than others do.
            if (bytes as u64) < engine.configuration.log_file_bytes {
                engine.ran_out_of_room();
            }
            Err(Error::DiskFull)
        }
        // Nothing was written, and the log still works.
        Err(LogError::Misuse(_)) => Err(Error::LimitExceeded("a transaction writes at most 4 GiB")),
        Err(error) => {
            engine.poison(&error.to_string());
            Err(Error::LogFailed)
        }
    }
}

/// Makes durable commits visible, all at once, and answers.
fn publish(engine: &Engine, accepted: Vec<(Timestamp, Request)>, lease: Option<i64>) {
    let mut done = Vec::with_capacity(accepted.len());
    for (at, mut request) in accepted {
        let set = std::mem::take(&mut request.set);
        let applied = apply::apply(engine, at, set, Some(request.shared.id));
        match applied {
            Ok(managed) => done.push((at, request, managed)),
            Err(error) => {
                // Durable and not applied: memory no longer agrees with the log, and only recovery can mend that.
                engine.poison(&error.to_string());
                request.settlement.settle(Err(Error::LogFailed));
            }
        }
    }
    for (at, request, _) in &mut done {
        for hook in request.hooks.drain(..) {
            hook(*at);
        }
    }
    engine.clock.end_batch(true, lease);
    for (at, request, managed) in done {
        release(engine, &request);
        for tag in managed {
            engine.locks.release(tag, request.shared.id);
        }
        request.settlement.settle(Ok(at));
    }
}
