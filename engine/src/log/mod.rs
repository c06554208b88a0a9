//! The write-ahead log: the one place where a commit becomes durable.
//!
//! A caller appends batches of records (a record is one transaction, opaque bytes to the log), syncs, and may then
//! tell the world. Records come back at recovery in the same order, each whole or not at all, and a record that
//! [`Log::sync`] has covered always comes back. `format` has the bytes, `writer` the appending, `spare` the files made
//! ahead of need, `recovery` the closed table of what a start may find.
//!
//! How the layer above makes a database: the manifest first, then [`Log::create`], then an edit of the manifest that
//! notes [`Log::durable`]. A start that finds a manifest which knows no position and no log makes the log then.

use std::{collections::VecDeque, error, fmt, io, sync::Arc};

use crate::io::Disk;

pub(crate) mod archive;
mod format;
mod recovery;
mod scan;
mod spare;
mod writer;

pub use spare::Spare;

/// A position in the log: a count of bytes since the log began. It survives recoveries, file changes and recycling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:X}/{:08X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// How the log lays out its files.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Length of one file. A batch that does not fit into one gets a file of its own.
    pub file_bytes: u64,
    /// The instance of the database, as its manifest says: files of another one are refused.
    pub instance: [u8; 16],
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { file_bytes: 16 << 20, instance: [0; 16] }
    }
}

/// What the manifest knows about the log when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoverFrom {
    /// Records from here on are handed out; everything before is in segments.
    pub checkpoint: Lsn,
    /// Everything before this was once durable. Damage before it is corruption, never a torn tail.
    pub durable: Lsn,
}

/// What recovery found.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoveryReport {
    pub records: u64,
    pub batches: u64,
    /// Where the log goes on.
    pub end: Lsn,
    /// Bytes behind the end that were cut off: a torn tail, or what a recycled file held before.
    pub torn_bytes: u64,
    /// Bytes of batches that were made durable anew.
    pub rewritten_bytes: u64,
}

/// Why the log refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A sync or a write failed earlier: what the disk holds is unknown, and stays unknown until a restart.
    #[error("the log is poisoned by an earlier I/O error; the process has to end")]
    Poisoned,
    /// No room for another log file; nothing was appended, and the log still works.
    #[error("no space left for the log: {0}")]
    DiskFull(#[source] io::Error),
    /// An operation on a file failed.
    #[error("log file \"{file}\": {source}")]
    Io { file: String, source: io::Error },
    /// Damage that is proven not to be a torn tail.
    #[error("log file \"{file}\" is damaged at byte offset {offset}: {reason}")]
    Corrupt { file: String, offset: u64, reason: String },
    /// A part of the log that must exist does not.
    #[error("log file \"{file}\" is missing: {reason}")]
    Missing { file: String, reason: String },
    /// A log with transactions in a directory that holds no database.
    #[error("log file \"{file}\" holds transactions, but the data directory has no manifest")]
    Leftover { file: String },
    /// The caller broke a rule; nothing was appended.
    #[error("the log was given {0}")]
    Misuse(&'static str),
    /// The caller refused a record.
    #[error("record at {lsn} cannot be applied: {source}")]
    Apply { lsn: Lsn, source: Box<dyn error::Error + Send + Sync> },
}

impl LogError {
    fn io(file: &str, source: io::Error) -> LogError {
        LogError::Io { file: file.to_owned(), source }
    }

    fn corrupt(file: &str, offset: u64, reason: &str) -> LogError {
        LogError::Corrupt { file: file.to_owned(), offset, reason: reason.to_owned() }
    }

    /// An error of making a file: the lack of room is one to live with.
    fn of_space(file: &str, source: io::Error) -> LogError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                LogError::DiskFull(source)
            }
            _ => LogError::io(file, source),
        }
    }
}

/// Called for each record in order, with the position of its batch.
pub type Apply<'a> = dyn FnMut(Lsn, &[u8]) -> Result<(), Box<dyn error::Error + Send + Sync>> + 'a;

/// The log, open for appending. One owner: the sequencer.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    spare: Arc<Spare>,
    instance: [u8; 16],
    epoch: format::Epoch,
    current: writer::Current,
    old: VecDeque<writer::Old>,
    end: Lsn,
    durable: Lsn,
    /// Checksum of the header of the last batch.
    previous: u32,
    /// The checkpoint that was last told.
    released: Option<Lsn>,
    /// Files wholly before this are needed no more.
    dispensable: Lsn,
    /// How many backups want every file to stay.
    held: usize,
    /// Whether the current file holds batches that were not synced.
    is_dirty: bool,
    is_poisoned: bool,
    buffer: Vec<u8>,
}
