//! The write-ahead log: the one place where a commit becomes durable.

use std::{error, fmt, io, sync::Arc};

use crate::io::Environment;

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
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { file_bytes: 16 << 20 }
    }
}

/// What the manifest knows about the log when it is opened.
#[derive(Clone, Copy, Debug, Default)]
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
    /// Bytes of a torn tail that were cut off.
    pub torn_bytes: u64,
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
    /// The caller refused a record.
    #[error("record at {lsn} cannot be applied: {source}")]
    Apply { lsn: Lsn, source: Box<dyn error::Error + Send + Sync> },
}

/// Called for each record in order, with the position of its batch.
pub type Apply<'a> = dyn FnMut(Lsn, &[u8]) -> Result<(), Box<dyn error::Error + Send + Sync>> + 'a;

/// The log, open for appending. One owner: the sequencer.
#[derive(Debug)]
pub struct Log {
    environment: Environment,
    options: LogOptions,
}

impl Log {
    /// Starts the log of a new database: no log file may exist.
    pub fn create(environment: &Environment, options: LogOptions) -> Result<Log, LogError> {
        Ok(Log { environment: environment.clone(), options })
    }

    /// Opens an existing log: hands out every record from the checkpoint on, makes its tail durable anew, and goes on
    /// behind it in a new epoch.
    pub fn recover(
        environment: &Environment,
        options: LogOptions,
        from: RecoverFrom,
        apply: &mut Apply<'_>,
    ) -> Result<(Log, RecoveryReport), LogError> {
        let _ = (from, apply);
        Ok((Log { environment: environment.clone(), options }, RecoveryReport::default()))
    }

    /// Writes one batch. Each record is one transaction, all or nothing; the batch is durable only after
    /// [`Log::sync`]. Returns the position behind the batch. After any error but `DiskFull` the log is poisoned.
    pub fn append(&mut self, records: &[&[u8]]) -> Result<Lsn, LogError> {
        let _ = (records, &self.environment, self.options);
        Err(LogError::Poisoned)
    }

    /// Makes everything appended durable and returns the position up to which the log is durable.
    /// An error poisons the log for ever: the caller answers "unknown" to its waiters and ends the process.
    pub fn sync(&mut self) -> Result<Lsn, LogError> {
        Err(LogError::Poisoned)
    }

    /// Where the next batch will start.
    pub fn end(&self) -> Lsn {
        Lsn::default()
    }

    /// Everything before this is durable.
    pub fn durable(&self) -> Lsn {
        Lsn::default()
    }

    /// Tells the log that a checkpoint at this position is durable in the manifest. Files wholly before the
    /// *previous* checkpoint are recycled or removed: the log is kept one checkpoint longer than needed.
    pub fn release(&mut self, checkpoint: Lsn) -> Result<(), LogError> {
        let _ = checkpoint;
        Ok(())
    }

    /// A handle by which another thread prepares the next log file ahead of need.
    pub fn spare(&self) -> Arc<Spare> {
        Arc::new(Spare {})
    }
}

/// Prepares the next log file off the commit path.
#[derive(Debug)]
pub struct Spare {}

impl Spare {
    /// Whether no file is ready for when the current one is full.
    pub fn is_needed(&self) -> bool {
        false
    }

    /// Preallocates the next file, if there is none. Any thread; slow.
    pub fn prepare(&self) -> Result<(), LogError> {
        Ok(())
    }
}
