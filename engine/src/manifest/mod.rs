//! The manifest: which files make up the database, and what must be known before the log can be read.

use std::{collections::BTreeMap, io};

use crate::{
    ids::{FileId, IndexId, TableId},
    io::Environment,
    log::Lsn,
};

/// A file that the manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    pub file: FileId,
    /// Bytes of the file.
    pub bytes: u64,
    /// Rows, or index entries.
    pub rows: u64,
    /// Free for the layer above: the level, the history slice.
    pub level: u32,
    /// BLAKE3 of the content: the file is refused if its footer names another.
    pub hash: [u8; 32],
    /// The file of end times that belongs to it, if any row's end differs from the one written in the file.
    pub delete_log: Option<FileId>,
}

/// What is known of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableEntry {
    /// The schema, in the encoding of the layer above.
    pub schema: Vec<u8>,
    pub segments: BTreeMap<FileId, FileEntry>,
}

/// One change. Applying an edit twice is the same as applying it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A table exists and has this schema. Its segments stay.
    SetTable {
        table: TableId,
        schema: Vec<u8>,
    },
    /// A table and its segments are no more (not even for readers of the past).
    DropTable {
        table: TableId,
    },
    /// A segment belongs to a table.
    AddSegment {
        table: TableId,
        entry: FileEntry,
    },
    RemoveSegment {
        table: TableId,
        file: FileId,
    },
    /// A sorted run belongs to an index.
    AddIndexRun {
        index: IndexId,
        entry: FileEntry,
    },
    RemoveIndexRun {
        index: IndexId,
        file: FileId,
    },
    /// An index and its runs are no more.
    DropIndex {
        index: IndexId,
    },
    /// The end times of a segment or index run stand in this file.
    SetDeleteLog {
        file: FileId,
        delete_log: Option<FileId>,
    },
    /// Everything before `checkpoint` is in segments; everything before `durable` was once durable in the log.
    Checkpoint {
        checkpoint: Lsn,
        durable: Lsn,
    },
    /// A counter of the layer above stands at least here; counters never go back.
    Counter {
        counter: u32,
        value: u64,
    },
    /// The engine clock never shows less than this after a restart.
    ClockFloor {
        micros: i64,
    },
    /// A small fact of the layer above; an empty value removes it.
    Property {
        name: String,
        value: Vec<u8>,
    },
}

/// The sum of all edits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Random, made with the database: files of another database are refused.
    pub instance: [u8; 16],
    pub tables: BTreeMap<TableId, TableEntry>,
    pub index_runs: BTreeMap<IndexId, BTreeMap<FileId, FileEntry>>,
    pub checkpoint: Lsn,
    pub durable: Lsn,
    pub counters: BTreeMap<u32, u64>,
    pub clock_floor: i64,
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Files from here on have never been named.
    pub next_file: FileId,
}

/// Why the manifest refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("manifest file \"{file}\": {source}")]
    Io { file: String, source: io::Error },
    #[error("manifest file \"{file}\" is damaged at byte offset {offset}: {reason}")]
    Corrupt { file: String, offset: u64, reason: String },
    #[error("manifest file \"{file}\" was written by a newer version: {reason}")]
    Unknown { file: String, reason: String },
    /// An earlier write failed: what the disk holds is unknown until a restart.
    #[error("the manifest is poisoned by an earlier I/O error; the process has to end")]
    Poisoned,
}

/// The manifest, open for edits.
#[derive(Debug)]
pub struct Manifest {
    environment: Environment,
    state: State,
}

impl Manifest {
    /// Opens the manifest of the data directory; `None` if the directory holds no database.
    pub fn open(environment: &Environment) -> Result<Option<Manifest>, ManifestError> {
        let _ = environment;
        Ok(None)
    }

    /// Makes the manifest of a new database, durable on return.
    pub fn create(environment: &Environment) -> Result<Manifest, ManifestError> {
        Ok(Manifest { environment: environment.clone(), state: State::default() })
    }

    /// What holds now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A file id that no durable edit has named. Use it in an edit of the next [`Manifest::commit`]; after a crash
    /// before that, the file is an orphan and its id may be used again.
    pub fn allocate_file(&mut self) -> FileId {
        let file = self.state.next_file;
        self.state.next_file = FileId(file.0 + 1);
        file
    }

    /// Applies edits: all of them or, after a crash, none. Durable on return.
    pub fn commit(&mut self, edits: &[Edit]) -> Result<(), ManifestError> {
        let _ = (edits, &self.environment);
        Err(ManifestError::Poisoned)
    }

    /// Removes segment, run and delete-log files that the manifest does not name (left by a crash or freed by an
    /// edit). The caller makes sure that nobody is just writing one.
    pub fn remove_orphans(&self) -> Result<Vec<String>, ManifestError> {
        Ok(Vec::new())
    }
}
