//! What can go wrong in the engine, with PostgreSQL's SQLSTATE for each.

use crate::{ColumnId, IndexId, TableId};
use std::io;

/// An engine error. `sqlstate` gives the code a client sees; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("could not serialize access due to concurrent update")]
    SerializationFailure,
    #[error("could not serialize access due to concurrent delete")]
    ConcurrentDelete,
    #[error("could not serialize access due to read/write dependencies among transactions")]
    ReadWriteDependency,
    #[error("deadlock detected")]
    DeadlockDetected,
    /// NOWAIT met a lock.
    #[error("could not obtain lock")]
    LockNotAvailable,
    /// lock_timeout passed while waiting.
    #[error("canceling statement due to lock timeout")]
    LockTimeout,
    /// Two living rows would have the same key. Inserts answer with `Conflict` instead; for callers that build indexes.
    #[error("could not create unique index {}: duplicate key", .0.0)]
    UniqueViolation(IndexId),
    #[error("could not write: no space left on device")]
    DiskFull,
    /// A transaction would take more memory than there is for it.
    #[error("out of memory")]
    OutOfMemory,
    #[error("a moment in the future cannot be read")]
    FutureMoment,
    /// The earliest moment that may still be read, in microseconds since 2000-01-01 UTC.
    #[error("the moment lies before the retention horizon")]
    BeforeHorizon { horizon_micros: i64 },
    #[error("cannot execute in a read-only transaction")]
    ReadOnlyTransaction,
    #[error("table {} does not exist in the engine", .0.0)]
    UnknownTable(TableId),
    #[error("index {} does not exist on table {}", .1.0, .0.0)]
    UnknownIndex(TableId, IndexId),
    #[error("row does not fit table {}: {reason}", table.0)]
    MalformedRow { table: TableId, reason: &'static str },
    #[error("column {} has another type than the value given", .0.0)]
    TypeMismatch(ColumnId),
    #[error("savepoint is not part of this transaction")]
    UnknownSavepoint,
    /// Whether the transaction committed is not known: the log failed while it was being written.
    #[error("the log failed; the outcome of the transaction is unknown")]
    LogFailed,
    #[error("the database is shutting down")]
    ShuttingDown,
    #[error("input/output error: {0}")]
    Io(String),
    #[error("damaged data: {0}")]
    Corrupted(String),
    #[error("limit exceeded: {0}")]
    LimitExceeded(&'static str),
}

impl Error {
    /// The five characters that a PostgreSQL client sees.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Error::SerializationFailure | Error::ConcurrentDelete | Error::ReadWriteDependency => "40001",
            Error::DeadlockDetected => "40P01",
            Error::LockNotAvailable | Error::LockTimeout => "55P03",
            Error::UniqueViolation(_) => "23505",
            Error::DiskFull => "53100",
            Error::OutOfMemory => "53200",
            Error::FutureMoment => "22023",
            Error::BeforeHorizon { .. } => "72000",
            Error::ReadOnlyTransaction => "25006",
            Error::UnknownTable(_) => "42P01",
            Error::UnknownIndex(_, _) => "42704",
            Error::UnknownSavepoint => "3B001",
            Error::LogFailed => "08007",
            Error::ShuttingDown => "57P01",
            Error::Io(_) => "58030",
            Error::Corrupted(_) => "XX001",
            Error::LimitExceeded(_) => "54000",
            Error::MalformedRow { .. } | Error::TypeMismatch(_) => "XX000",
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull,
            _ => Error::Io(error.to_string()),
        }
    }
}

impl From<crate::segment::SegmentError> for Error {
    fn from(error: crate::segment::SegmentError) -> Error {
        use crate::segment::SegmentError;
        match error {
            SegmentError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Error::DiskFull,
            SegmentError::Io { .. } => Error::Io(error.to_string()),
            SegmentError::Corrupt { .. } | SegmentError::Unknown { .. } | SegmentError::Misuse { .. } => {
                Error::Corrupted(error.to_string())
            }
        }
    }
}
