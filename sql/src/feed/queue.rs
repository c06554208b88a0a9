//! The queue between a feed and its client, bounded in bytes.
//!
//! The feed's end ([`Outlet`]) waits for room; the client's end ([`FeedRows`]) gives room back when what it took has
//! been written. A client that asked for rows and took nothing for its patience, with the queue full, has stopped
//! reading: the feed ends at once with [`stopped_reading`], and what waited is dropped. A client that asks for nothing
//! (a cursor between two FETCHes) is waited for: its feed stops pulling, and its position does not expire.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Timestamp, Value};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::error::{Error, Result, SqlState};
use crate::session::{CancelHandle, RowBatch, Sink, joined};
use crate::types::numeric::Numeric;

/// Rows go into the queue in parcels of about this size.
const PARCEL_BYTES: usize = 64 * 1024;
/// The unit in which room is counted.
const UNIT: usize = 1024;

/// About how many bytes of memory a row takes.
pub(super) fn bytes_of(row: &[Value]) -> usize {
    let beyond = row.iter().map(|value| match value {
        Value::Text(text) => text.len() + 16,
        Value::Bytes(bytes) => bytes.len() + 16,
        Value::Null
        | Value::Bool(_)
        | Value::Int16(_)
        | Value::Int32(_)
        | Value::Int64(_)
        | Value::UInt32(_)
        | Value::Float32(_)
        | Value::Float64(_)
        | Value::Fixed16(_) => 0,
    });
    // The allocator's own share of each block is counted too.
    size_of::<Vec<Value>>() + 16 + (row.len() + 3) * size_of::<Value>() + 32 + beyond.sum::<usize>()
}

/// The numeric of an exact commit timestamp.
pub(super) fn timestamp_value(at: Timestamp) -> Value {
    Numeric::from_i128(i128::from(at.0), 0).to_value()
}

fn stopped_reading(budget: usize, patience: Duration) -> Error {
    Error::new(
        SqlState::ConfigurationLimitExceeded,
        "the subscription ended because its client stopped reading",
    )
    .detail(format!(
        "Nothing was taken for {} seconds while {} kB of rows waited.",
        patience.as_secs_f64(),
        budget / UNIT
    ))
    .hint("SUBSCRIBE again AS OF the last moment that was received whole, WITH (snapshot = false).")
}

/// What both ends know of each other.
struct Link {
    /// Since when the client has been waiting for rows or writing them, without a pause of its own.
    asked: Mutex<Option<Instant>>,
    /// Why the feed ended, where that may not wait for the rows before it.
    failure: Mutex<Option<Error>>,
    failed: Notify,
}

impl Link {
    async fn failure(&self) -> Error {
        loop {
            let failed = self.failed.notified();
            if let Some(error) = self.failure.lock().clone() {
                return error;
            }
            failed.await;
        }
    }
}

/// A few rows, and the room that they take.
struct Parcel {
    rows: RowBatch,
    room: OwnedSemaphorePermit,
}

/// The feed's end of the queue.
pub(super) struct Outlet {
    sender: mpsc::UnboundedSender<Parcel>,
    room: Arc<Semaphore>,
    link: Arc<Link>,
    budget: usize,
    patience: Duration,
    columns: usize,
    progress: bool,
    rows: Vec<Vec<Value>>,
    bytes: usize,
    /// The moment of the last row, as a value.
    moment: (Timestamp, Value),
}

/// The client's end, before its feed runs.
pub(super) struct Inlet {
    receiver: mpsc::UnboundedReceiver<Parcel>,
    link: Arc<Link>,
}

/// A queue of a number of bytes for rows of `columns` columns, and one that says whether they are progress.
pub(super) fn queue(budget: usize, patience: Duration, columns: usize, progress: bool) -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let link = Arc::new(Link { asked: Mutex::default(), failure: Mutex::default(), failed: Notify::new() });
    let room = Arc::new(Semaphore::new(budget / UNIT));
    let moment = (Timestamp::ZERO, timestamp_value(Timestamp::ZERO));
    let (rows, bytes) = (Vec::new(), 0);
    let other = link.clone();
    (
        Outlet { sender, room, link, budget, patience, columns, progress, rows, bytes, moment },
        Inlet { receiver, link: other },
    )
}

impl Outlet {
    fn moment(&mut self, at: Timestamp) -> Value {
        if self.moment.0 != at {
            self.moment = (at, timestamp_value(at));
        }
        self.moment.1.clone()
    }

    /// Gives a row that came (or went) `times` times.
    pub async fn push(&mut self, at: Timestamp, times: i64, row: Vec<Value>) -> Result<()> {
        let mut whole = Vec::with_capacity(row.len() + 3);
        whole.push(self.moment(at));
        if self.progress {
            whole.push(Value::Bool(false));
        }
        whole.push(Value::Int64(times));
        whole.extend(row);
        self.bytes += bytes_of(&whole);
        self.rows.push(whole);
        if self.bytes >= PARCEL_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Tells that everything up to a moment has been given.
    pub async fn tell(&mut self, at: Timestamp) -> Result<()> {
        let mut row = vec![self.moment(at), Value::Bool(true), Value::Null];
        row.resize(self.columns + 3, Value::Null);
        self.bytes += bytes_of(&row);
        self.rows.push(row);
        self.flush().await
    }

    /// Puts what was given into the queue.
    pub async fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let (rows, bytes) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.bytes));
        let units = (bytes / UNIT + 1).min((self.budget / UNIT).max(1));
        let room = self.wait_for_room(units as u32).await?;
        // Without a receiver nobody is there to be told.
        let _ = self.sender.send(Parcel { rows: RowBatch::Values(rows), room });
        Ok(())
    }

    async fn wait_for_room(&self, units: u32) -> Result<OwnedSemaphorePermit> {
        let closed = |_| Error::internal("the queue of a subscription was closed");
        let acquire = self.room.clone().acquire_many_owned(units);
        tokio::pin!(acquire);
        let since = Instant::now();
        loop {
            if let Ok(room) = tokio::time::timeout(self.patience, &mut acquire).await {
                return room.map_err(closed);
            }
            let stopped =
                self.link.asked.lock().is_some_and(|asked| asked.max(since).elapsed() >= self.patience);
            if stopped {
                let error = stopped_reading(self.budget, self.patience);
                *self.link.failure.lock() = Some(error.clone());
                self.link.failed.notify_waiters();
                return Err(error);
            }
        }
    }
}

impl Inlet {
    /// The client's end of a feed that runs.
    pub fn rows(self, task: JoinHandle<Result<u64>>) -> FeedRows {
        FeedRows { receiver: self.receiver, link: self.link, task, held: None }
    }
}

/// How long a FETCH waits for rows.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// Until there is one.
    First,
    /// Until there are as many as asked for, or the time is over.
    Until(tokio::time::Instant),
}

/// The rows of a feed, as its client takes them.
pub struct FeedRows {
    receiver: mpsc::UnboundedReceiver<Parcel>,
    link: Arc<Link>,
    task: JoinHandle<Result<u64>>,
    /// The room of the parcel taken last, given back when the next is asked for.
    held: Option<OwnedSemaphorePermit>,
}

impl Drop for FeedRows {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FeedRows {
    fn take(&mut self, parcel: Parcel) -> RowBatch {
        self.held = Some(parcel.room);
        parcel.rows
    }

    /// What is there already.
    pub fn at_hand(&mut self) -> Option<RowBatch> {
        self.held = None;
        let parcel = self.receiver.try_recv().ok()?;
        Some(self.take(parcel))
    }

    /// The next rows, waited for; `None` at the end. Loses nothing when dropped before it is done.
    pub async fn next(&mut self, cancel: &CancelHandle) -> Result<Option<RowBatch>> {
        self.held = None;
        let parcel = tokio::select! {
            biased;
            parcel = self.receiver.recv() => parcel,
            error = cancel.cancelled() => return Err(error),
        };
        match parcel {
            Some(parcel) => Ok(Some(self.take(parcel))),
            None => joined((&mut self.task).await).map(|_| None),
        }
    }

    /// As [`FeedRows::next`], with everything written sent before there is a wait, and an end when the client is gone.
    pub async fn next_for(&mut self, sink: &mut dyn Sink, cancel: &CancelHandle) -> Result<Option<RowBatch>> {
        if let Some(batch) = self.at_hand() {
            return Ok(Some(batch));
        }
        self.written(sink.flush(), cancel).await?;
        tokio::select! {
            biased;
            batch = self.next(cancel) => batch,
            error = sink.gone() => Err(error),
        }
    }

    /// Waits for a write to the client, or for what ends that.
    pub async fn written(
        &self,
        write: impl Future<Output = Result<()>>,
        cancel: &CancelHandle,
    ) -> Result<()> {
        *self.link.asked.lock() = Some(Instant::now());
        let written = tokio::select! {
            biased;
            written = write => written,
            error = self.link.failure() => Err(error),
            error = cancel.cancelled() => Err(error),
        };
        *self.link.asked.lock() = None;
        written
    }
}
