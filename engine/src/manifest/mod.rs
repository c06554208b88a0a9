//! The manifest: which files make up the database, and what must be known before the log can be read.
//!
//! A file of edits, appended and synced one commit at a time, begun anew with a snapshot of all that holds at each
//! start and whenever it has grown; the file `CURRENT` names the one that counts. `format` has the bytes, `edit` the
//! edits and what they do, `store` the files and what a start may find.

use std::{collections::BTreeMap, io};

use crate::{
    ids::{FileId, IndexId, TableId},
    log::Lsn,
};

mod edit;
mod format;
mod store;

pub use store::Manifest;

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
    /// Files of changes.
    pub changes: BTreeMap<FileId, FileEntry>,
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
    /// A file of changes belongs to a table.
    AddChanges {
        table: TableId,
        entry: FileEntry,
    },
    RemoveChanges {
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
    /// A graph over the vectors of a segment, whose number is the entry's level, belongs to an index. It goes with its
    /// segment.
    AddGraph {
        index: IndexId,
        entry: FileEntry,
    },
    RemoveGraph {
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
    /// Graphs over vectors.
    pub graphs: BTreeMap<IndexId, BTreeMap<FileId, FileEntry>>,
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
    /// Damage that is proven not to be a torn tail.
    #[error("manifest file \"{file}\" is damaged at byte offset {offset}: {reason}")]
    Corrupt { file: String, offset: u64, reason: String },
    #[error("manifest file \"{file}\" was written by a newer version: {reason}")]
    Unknown { file: String, reason: String },
    /// An edit that contradicts what holds; nothing was written.
    #[error("the manifest was given {0}")]
    Misuse(String),
    /// No room; nothing was changed, and the manifest still works.
    #[error("no space left for the manifest: {0}")]
    DiskFull(#[source] io::Error),
    /// An earlier write or sync failed: what the disk holds is unknown until a restart.
    #[error("the manifest is poisoned by an earlier I/O error; the process has to end")]
    Poisoned,
}
