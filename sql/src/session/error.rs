//! The engine's errors as PostgreSQL's. No wildcard: a new error does not compile until it has its answer.

use engine::Error as EngineError;

use crate::error::{Error, SqlState};

/// What a client is told of an engine error.
pub fn engine_error(error: EngineError) -> Error {
    let text = error.to_string();
    match error {
        EngineError::SerializationFailure | EngineError::ConcurrentDelete => {
            Error::new(SqlState::SerializationFailure, text)
        }
        EngineError::ReadWriteDependency => Error::new(SqlState::SerializationFailure, text)
            .detail("Reason code: Canceled on identification as a pivot, during commit attempt.")
            .hint("The transaction might succeed if retried."),
        EngineError::DeadlockDetected => {
            Error::new(SqlState::DeadlockDetected, text).hint("See server log for query details.")
        }
        EngineError::LockNotAvailable => {
            Error::new(SqlState::LockNotAvailable, "could not obtain lock on row")
        }
        EngineError::LockTimeout => Error::new(SqlState::LockNotAvailable, text),
        EngineError::UniqueViolation(_) => Error::new(SqlState::UniqueViolation, text),
        EngineError::DiskFull => Error::new(SqlState::DiskFull, text),
        EngineError::OutOfMemory => Error::new(SqlState::OutOfMemory, text)
            .detail("What the transaction has written stands in memory until it commits, and there is no room for more.")
            .hint("Change fewer rows in one transaction."),
        EngineError::FutureMoment => Error::new(SqlState::InvalidParameterValue, text),
        EngineError::BeforeHorizon { horizon_micros } => Error::new(SqlState::SnapshotTooOld, text)
            .detail(format!("The horizon is {}.", shown_moment(horizon_micros))),
        EngineError::ReadOnlyTransaction => Error::new(SqlState::ReadOnlySqlTransaction, text),
        EngineError::UnknownTable(_) => Error::new(SqlState::UndefinedTable, text),
        EngineError::UnknownIndex(_, _) => Error::new(SqlState::UndefinedObject, text),
        EngineError::UnknownSavepoint => Error::new(SqlState::InvalidSavepointSpecification, text),
        EngineError::LogFailed => Error::new(SqlState::StatementCompletionUnknown, text),
        EngineError::ShuttingDown => Error::new(SqlState::AdminShutdown, text),
        EngineError::Io(_) => Error::new(SqlState::IoError, text),
        EngineError::Corrupted(_) => Error::new(SqlState::DataCorrupted, text),
        EngineError::LimitExceeded(_) => Error::new(SqlState::ProgramLimitExceeded, text),
        EngineError::MalformedRow { .. } | EngineError::TypeMismatch(_) => Error::internal(text),
    }
}

/// A moment in UTC, for messages.
pub fn shown_moment(micros: i64) -> String {
    let seconds = 946_684_800 + micros.div_euclid(1_000_000);
    let nanos = (micros.rem_euclid(1_000_000) * 1000) as u32;
    match chrono::DateTime::from_timestamp(seconds, nanos) {
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string(),
        None => format!("{micros} microseconds after 2000-01-01"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_engines_own() {
        for error in [
            EngineError::SerializationFailure,
            EngineError::DeadlockDetected,
            EngineError::LockTimeout,
            EngineError::DiskFull,
            EngineError::OutOfMemory,
            EngineError::FutureMoment,
            EngineError::ReadOnlyTransaction,
        ] {
            assert_eq!(engine_error(error.clone()).state().code(), error.sqlstate());
        }
    }
}
