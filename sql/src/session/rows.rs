//! The rows of a statement on their way out: from a plan's batches, from RETURNING, or at hand.
//!
//! Producers run elsewhere and are held back by a channel of a few batches, so that memory does not grow with the
//! result. What a row limit cuts off stays here until the portal goes on.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use engine::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::encode::RowEncoder;
use super::registry::CancelHandle;
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::feed::{FeedRows, Wait};

/// A few rows.
pub enum RowBatch {
    Arrow(RecordBatch),
    Values(Vec<Vec<Value>>),
}

impl RowBatch {
    pub fn len(&self) -> usize {
        match self {
            RowBatch::Arrow(batch) => batch.num_rows(),
            RowBatch::Values(rows) => rows.len(),
        }
    }

    /// The rows from `start` on as values.
    pub fn values(&self, start: usize, count: usize) -> Result<Vec<Vec<Value>>> {
        match self {
            RowBatch::Values(rows) => Ok(rows.iter().skip(start).take(count).cloned().collect()),
            RowBatch::Arrow(batch) => {
                crate::dml::rows_of(&batch.slice(start, count.min(batch.num_rows() - start)))
            }
        }
    }
}

/// Where rows come from.
pub enum RowSource {
    /// Everything is here.
    Ready(VecDeque<RowBatch>),
    /// A task produces them, and at last says how many rows its statement changed (queries: 0).
    Running {
        receiver: mpsc::Receiver<RowBatch>,
        task: JoinHandle<Result<u64>>,
    },
    /// A feed produces them, without end.
    Feed(FeedRows),
    Finished,
}

/// Rows of one execution, read in steps.
pub struct Rows {
    source: RowSource,
    current: Option<(RowBatch, usize)>,
    /// Rows changed, known at the end of a statement that changes rows.
    pub changed: u64,
}

impl Drop for Rows {
    fn drop(&mut self) {
        if let RowSource::Running { task, .. } = &self.source {
            task.abort();
        }
    }
}

impl Rows {
    pub fn new(source: RowSource) -> Rows {
        Rows { source, current: None, changed: 0 }
    }

    /// Rows that are at hand.
    pub fn ready(rows: Vec<Vec<Value>>) -> Rows {
        Rows::new(RowSource::Ready(VecDeque::from([RowBatch::Values(rows)])))
    }

    /// The rows of a feed.
    pub fn feed(rows: FeedRows) -> Rows {
        Rows::new(RowSource::Feed(rows))
    }

    /// The next rows for a client, to which what was written is sent before a feed is waited for.
    async fn next_for(&mut self, sink: &mut dyn Sink, cancel: &CancelHandle) -> Result<Option<RowBatch>> {
        match &mut self.source {
            RowSource::Feed(feed) => {
                let batch = feed.next_for(sink, cancel).await?;
                if batch.is_none() {
                    self.source = RowSource::Finished;
                }
                Ok(batch)
            }
            RowSource::Ready(_) | RowSource::Running { .. } | RowSource::Finished => {
                self.next_batch(cancel).await
            }
        }
    }

    async fn next_batch(&mut self, cancel: &CancelHandle) -> Result<Option<RowBatch>> {
        loop {
            let batch = match &mut self.source {
                RowSource::Ready(batches) => batches.pop_front(),
                RowSource::Finished => None,
                RowSource::Feed(feed) => feed.next(cancel).await?,
                RowSource::Running { receiver, .. } => {
                    tokio::select! {
                        biased;
                        batch = receiver.recv() => batch,
                        error = cancel.cancelled() => return Err(error),
                    }
                }
            };
            match batch {
                Some(batch) if batch.len() == 0 => continue,
                Some(batch) => return Ok(Some(batch)),
                None => {
                    if let RowSource::Running { task, .. } =
                        std::mem::replace(&mut self.source, RowSource::Finished)
                    {
                        self.changed = joined(task.await)?;
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// Sends up to `limit` rows; how many, and whether all have been sent.
    pub async fn send(
        &mut self,
        limit: u64,
        encoder: &mut RowEncoder,
        sink: &mut dyn Sink,
        cancel: &CancelHandle,
    ) -> Result<(u64, bool)> {
        /// Rows between looks at the buffer.
        const STRIDE: usize = 64;
        let mut sent = 0;
        loop {
            let (batch, start) = match self.current.take() {
                Some(current) => current,
                None => match self.next_for(sink, cancel).await? {
                    Some(batch) => (batch, 0),
                    None => return Ok((sent, true)),
                },
            };
            let mut at = start;
            while at < batch.len() && sent < limit {
                let room = usize::try_from(limit - sent).unwrap_or(usize::MAX);
                let count = STRIDE.min(batch.len() - at).min(room);
                encoder.rows(&batch, at, count, sink.buffer())?;
                at += count;
                sent += count as u64;
                self.flush_if_full(sink, cancel).await?;
            }
            if at < batch.len() {
                self.current = Some((batch, at));
            }
            if sent == limit {
                return Ok((sent, false));
            }
            cancel.check()?;
        }
    }

    /// Writes what is to be sent, if that is much. A feed does not wait for its client without bound.
    pub async fn flush_if_full(&self, sink: &mut dyn Sink, cancel: &CancelHandle) -> Result<()> {
        match &self.source {
            RowSource::Feed(feed) => feed.written(sink.flush_if_full(), cancel).await,
            RowSource::Ready(_) | RowSource::Running { .. } | RowSource::Finished => {
                sink.flush_if_full().await
            }
        }
    }

    /// Whether a feed produces the rows.
    pub fn is_feed(&self) -> bool {
        matches!(self.source, RowSource::Feed(_))
    }

    /// The rows that come next, at most `limit`, as values; none at the end. What was written is sent before a feed is
    /// waited for.
    pub async fn chunk(
        &mut self,
        limit: usize,
        sink: &mut dyn Sink,
        cancel: &CancelHandle,
    ) -> Result<Vec<Vec<Value>>> {
        if !self.is_feed() {
            return self.take(limit as u64, cancel).await;
        }
        let (batch, start) = match self.current.take() {
            Some(current) => current,
            None => match self.next_for(sink, cancel).await? {
                Some(batch) => (batch, 0),
                None => return Ok(Vec::new()),
            },
        };
        self.part(batch, start, limit)
    }

    /// Up to `limit` rows of a batch; the rest is kept.
    fn part(&mut self, batch: RowBatch, start: usize, limit: usize) -> Result<Vec<Vec<Value>>> {
        let count = limit.min(batch.len() - start);
        let rows = batch.values(start, count)?;
        if start + count < batch.len() {
            self.current = Some((batch, start + count));
        }
        Ok(rows)
    }

    /// Up to `limit` rows of a feed as values, as they are there or come in time. However large `limit` is, one call
    /// gives a bounded number: there are always more to come.
    pub async fn fetch(&mut self, limit: u64, wait: Wait, cancel: &CancelHandle) -> Result<Vec<Vec<Value>>> {
        /// The most rows of one call.
        const ENOUGH: usize = 16 * 1024;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(ENOUGH);
        let mut rows: Vec<Vec<Value>> = Vec::new();
        while rows.len() < limit {
            let (batch, start) = match self.current.take() {
                Some(current) => current,
                None => match self.next_in_time(rows.is_empty(), wait, cancel).await? {
                    Some(batch) => (batch, 0),
                    None => break,
                },
            };
            let wanted = limit - rows.len();
            rows.extend(self.part(batch, start, wanted)?);
        }
        Ok(rows)
    }

    /// The next batch of a feed, waited for as long as `wait` says.
    async fn next_in_time(
        &mut self,
        first: bool,
        wait: Wait,
        cancel: &CancelHandle,
    ) -> Result<Option<RowBatch>> {
        let RowSource::Feed(feed) = &mut self.source else { return Ok(None) };
        if let Some(batch) = feed.at_hand() {
            return Ok(Some(batch));
        }
        let next = match wait {
            Wait::First if first => feed.next(cancel).await?,
            Wait::First => return Ok(None),
            Wait::Until(end) => match tokio::time::timeout_at(end, feed.next(cancel)).await {
                Ok(next) => next?,
                Err(_) => return Ok(None),
            },
        };
        if next.is_none() {
            self.source = RowSource::Finished;
        }
        Ok(next)
    }

    /// Up to `limit` rows as values.
    pub async fn take(&mut self, limit: u64, cancel: &CancelHandle) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        while (rows.len() as u64) < limit {
            let (batch, start) = match self.current.take() {
                Some(current) => current,
                None => match self.next_batch(cancel).await? {
                    Some(batch) => (batch, 0),
                    None => break,
                },
            };
            let room = usize::try_from(limit - rows.len() as u64).unwrap_or(usize::MAX);
            let count = room.min(batch.len() - start);
            rows.extend(batch.values(start, count)?);
            if start + count < batch.len() {
                self.current = Some((batch, start + count));
            }
        }
        Ok(rows)
    }

    /// Reads everything that is left into memory, so that the producer is done.
    pub async fn complete(&mut self, cancel: &CancelHandle) -> Result<()> {
        let mut batches = VecDeque::new();
        while let Some(batch) = self.next_batch(cancel).await? {
            batches.push_back(batch);
        }
        self.source = RowSource::Ready(batches);
        Ok(())
    }
}

/// The result of a task; a panic is an error of its statement alone.
pub fn joined<T>(result: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match result {
        Ok(result) => result,
        Err(error) if error.is_panic() => {
            let panic = error.into_panic();
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            Err(Error::internal(format!("the statement's work panicked: {text}")))
        }
        Err(_) => Err(Error::internal("the statement's work was stopped")),
    }
}
