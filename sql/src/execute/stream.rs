//! Streams of batches, and errors on their way through DataFusion's operators and back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskPoll, Poll, Wake, Waker};
use std::thread::Thread;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};
use datafusion_common::DataFusionError;
use datafusion_execution::SendableRecordBatchStream;
use futures::stream::{BoxStream, StreamExt};

use crate::error::{Error, Result, SqlState};

/// Batches with our own errors.
pub type Batches = BoxStream<'static, Result<RecordBatch>>;

/// Rows in one batch, at most.
pub const BATCH_ROWS: usize = 8192;

/// An error of ours on its way through an operator of DataFusion.
pub fn into_datafusion(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The error that an operator passed on, or what its own failure means.
pub fn from_datafusion(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::internal(other.to_string()),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_datafusion(*inner),
        DataFusionError::Shared(shared) => from_shared(&shared),
        DataFusionError::ArrowError(inner, _) => match *inner {
            ArrowError::ExternalError(inner) => from_external(inner),
            other => Error::internal(other.to_string()),
        },
        DataFusionError::ResourcesExhausted(message) => {
            Error::new(SqlState::OutOfMemory, "out of memory").detail(message)
        }
        DataFusionError::IoError(error) => {
            Error::new(SqlState::IoError, format!("could not write a temporary file: {error}"))
        }
        other => Error::internal(other.to_string()),
    }
}

fn from_external(inner: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let inner = match inner.downcast::<Error>() {
        Ok(error) => return *error,
        Err(other) => other,
    };
    match inner.downcast::<DataFusionError>() {
        Ok(error) => from_datafusion(*error),
        Err(other) => Error::internal(other.to_string()),
    }
}

fn from_shared(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => Error::internal(inner.to_string()),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_shared(inner),
        DataFusionError::Shared(inner) => from_shared(inner),
        DataFusionError::ArrowError(inner, _) => match &**inner {
            ArrowError::ExternalError(inner) => match inner.downcast_ref::<Error>() {
                Some(error) => error.clone(),
                None => Error::internal(inner.to_string()),
            },
            other => Error::internal(other.to_string()),
        },
        DataFusionError::ResourcesExhausted(message) => {
            Error::new(SqlState::OutOfMemory, "out of memory").detail(message.clone())
        }
        other => Error::internal(other.to_string()),
    }
}

/// A stream of DataFusion's as one of ours.
pub fn ours(stream: SendableRecordBatchStream) -> Batches {
    stream.map(|batch| batch.map_err(from_datafusion)).boxed()
}

/// The batches of an iterator.
pub fn from_iterator(batches: impl Iterator<Item = Result<RecordBatch>> + Send + 'static) -> Batches {
    futures::stream::iter(batches).boxed()
}

/// A batch of these columns; the count matters where there are none.
pub fn batch_of(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| Error::internal(error.to_string()))
}

/// A batch cut into pieces of at most [`BATCH_ROWS`].
pub fn pieces(batch: &RecordBatch) -> Vec<RecordBatch> {
    let rows = batch.num_rows();
    (0..rows).step_by(BATCH_ROWS).map(|start| batch.slice(start, BATCH_ROWS.min(rows - start))).collect()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread for a future. Expressions are evaluated synchronously, so a subquery inside one runs this way;
/// it may itself evaluate subqueries, so calls nest. The task around it cannot yield meanwhile, so tokio's budget for
/// it does not apply: DataFusion's operators would wait for a renewal that never comes.
pub fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut poll = TaskPoll::from_waker(&waker);
    loop {
        match Pin::as_mut(&mut future).poll(&mut poll) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
