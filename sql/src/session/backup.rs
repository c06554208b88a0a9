//! BACKUP TO: a full backup by the server, into a directory of the server's machine, while everybody goes on.
//!
//! For superusers, outside transaction blocks. The directory is absolute and empty, or is made; it is never the data
//! directory nor a place in it. The answer is one row of text: what was written, and the moments that can be restored.
//! A cancelled or failed backup leaves the directory empty.

use std::path::Path;
use std::sync::Arc;

use engine::backup::{BackupError, BackupReport};
use engine::io::Disk;
use engine::io::os::OsDisk;
use engine::{Timestamp, Value};

use super::engine_error;
use super::error::shown_moment;
use super::row::RowDescription;
use super::rows::Rows;
use super::session::Session;
use super::variables::text_columns;
use crate::error::{Error, Result, SqlState};

/// The columns of the answer.
pub(super) fn columns() -> RowDescription {
    text_columns(&["directory", "files", "bytes", "earliest", "latest"])
}

impl Session {
    /// Runs BACKUP TO.
    pub(super) async fn backup(&mut self, directory: &str, several: bool) -> Result<(RowDescription, Rows)> {
        if !self.shared.identity.lock().superuser {
            return Err(Error::new(SqlState::InsufficientPrivilege, "must be superuser to do BACKUP"));
        }
        if several || self.block.as_ref().is_some_and(|block| block.explicit) {
            let message = "BACKUP cannot run inside a transaction block";
            return Err(Error::new(SqlState::ActiveSqlTransaction, message));
        }
        let path = Path::new(directory);
        if !path.is_absolute() {
            return Err(Error::new(SqlState::InvalidName, "relative path not allowed for BACKUP TO"));
        }
        let target: Arc<dyn Disk> = Arc::new(open_target(path, self.shared.instance.data_directory())?);
        let database = self.shared.instance.database().clone();
        let cancel = self.shared.entry.cancel.clone();
        let stop = cancel.clone();
        let written = tokio::task::spawn_blocking(move || database.backup(&target, &|| stop.is_raised()));
        let report = match written.await {
            Ok(Ok(report)) => report,
            Ok(Err(error)) => {
                cancel.check()?;
                return Err(refusal(directory, error));
            }
            Err(error) => return Err(Error::internal(format!("the backup ended by itself: {error}"))),
        };
        Ok((columns(), Rows::ready(vec![row(directory, &report)])))
    }
}

fn row(directory: &str, report: &BackupReport) -> Vec<Value> {
    let moment = |at: Timestamp| Value::from(shown_moment(at.micros()));
    vec![
        Value::from(directory),
        Value::from(report.files.to_string()),
        Value::from(report.bytes.to_string()),
        moment(report.earliest),
        moment(report.latest),
    ]
}

/// Opens or makes the directory; its name must not lead to the data directory.
fn open_target(path: &Path, data: &Path) -> Result<OsDisk> {
    let shown = path.display();
    let cannot = |error: &dyn std::fmt::Display| {
        Error::new(SqlState::IoError, format!("could not open directory \"{shown}\": {error}"))
    };
    let data = data.canonicalize().map_err(|error| cannot(&error))?;
    // What is there decides, whatever links lead to it; the part that is to be made has no links.
    let there = path.ancestors().find(|part| part.exists()).unwrap_or(path);
    if there.canonicalize().map_err(|error| cannot(&error))?.starts_with(&data)
        || path.components().any(|part| part == std::path::Component::ParentDir)
    {
        let message =
            format!("directory \"{shown}\" lies in the data directory, or is named by way of \"..\"");
        return Err(Error::new(SqlState::InvalidParameterValue, message));
    }
    OsDisk::target(path).map_err(|error| cannot(&error))
}

/// What a client is told.
fn refusal(directory: &str, error: BackupError) -> Error {
    let state = match &error {
        _ if error.is_disk_full() => SqlState::DiskFull,
        BackupError::NotEmpty => {
            let message = format!("directory \"{directory}\" exists but is not empty");
            return Error::new(SqlState::ObjectNotInPrerequisiteState, message);
        }
        BackupError::Damaged { .. } | BackupError::NoBackup => SqlState::DataCorrupted,
        BackupError::Source { .. } | BackupError::Target { .. } => SqlState::IoError,
        BackupError::Log(_) | BackupError::Manifest(_) | BackupError::Open(_) => SqlState::IoError,
        BackupError::OutOfRange { .. } => SqlState::InvalidParameterValue,
        BackupError::Stopped => SqlState::QueryCanceled,
        BackupError::Engine(inner) => return engine_error(inner.clone()),
    };
    Error::new(state, format!("could not back up to directory \"{directory}\": {error}"))
}
