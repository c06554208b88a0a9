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

    async fn next_batch(&mut self, cancel: &CancelHandle) -> Result<Option<RowBatch>> {
        loop {
            let batch = match &mut self.source {
                RowSource::Ready(batches) => batches.pop_front(),
                RowSource::Finished => None,
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
                None => match self.next_batch(cancel).await? {
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
                sink.flush_if_full().await?;
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
