//! Immutable files of row versions and of index entries: sorted, mapped, checksummed.
//!
//! A [`Segment`] holds versions of the rows of one table, sorted by (clustering key, from, birth id). An
//! [`IndexRun`] holds the entries of one index, sorted by (index key, clustering key, from, birth id). Rows and
//! entries go by position, `0..rows`. What a file says never changes; the ends of versions that died later live in
//! [`EndTimes`] and are written to a delete log at each checkpoint.

use std::{io, ops::Bound, ops::Range, sync::Arc};

use arrow_array::ArrayRef;

use crate::{
    ids::{ColumnId, FileId, Timestamp},
    io::Environment,
    value::{PhysicalType, Value},
};

mod name;

pub(crate) use name::{FileKind, file_of_name};

/// Rows of one zone: the unit of zone maps and of end-time blocks.
pub const ZONE_ROWS: usize = 8192;

/// Why a segment, index run or delete log refused.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    #[error("file \"{file}\": {source}")]
    Io { file: String, source: io::Error },
    /// A block whose checksum fails, or a footer that cannot be.
    #[error("file \"{file}\" is damaged in block {block} at byte offset {offset}: {reason}")]
    Corrupt { file: String, block: u64, offset: u64, reason: String },
    #[error("file \"{file}\" was written by a newer version: {reason}")]
    Unknown { file: String, reason: String },
    /// The caller broke a rule of the writer: order, types, a size beyond the format.
    #[error("file \"{file}\": {reason}")]
    Misuse { file: String, reason: String },
}

/// One version of one row, on its way into a segment.
#[derive(Clone, Copy, Debug)]
pub struct VersionRow<'a> {
    pub key: &'a [u8],
    pub birth: u64,
    pub from: Timestamp,
    /// [`Timestamp::INFINITY`] while the version is alive.
    pub to: Timestamp,
    /// In the order of the writer's columns.
    pub values: &'a [Value],
}

/// One entry of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    pub key: &'a [u8],
    pub clustering_key: &'a [u8],
    pub birth: u64,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A finished file, as the manifest wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub file: FileId,
    pub bytes: u64,
    pub rows: u64,
    pub hash: [u8; 32],
}

/// Writes one segment. Rows come in the order (clustering key, from, birth id).
#[derive(Debug)]
pub struct SegmentWriter {
    environment: Environment,
    file: FileId,
    columns: Vec<(ColumnId, PhysicalType)>,
}

impl SegmentWriter {
    pub fn new(
        environment: &Environment,
        file: FileId,
        columns: &[(ColumnId, PhysicalType)],
    ) -> SegmentWriter {
        SegmentWriter { environment: environment.clone(), file, columns: columns.to_vec() }
    }

    /// Adds a version.
    pub fn append(&mut self, row: &VersionRow<'_>) -> Result<(), SegmentError> {
        let _ = (row, &self.environment, self.file, &self.columns);
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        0
    }

    /// Bytes of memory held, near the size of the file to be. A segment should be finished at 256 MiB or a million
    /// rows; beyond 1 GiB in one column `append` refuses.
    pub fn bytes(&self) -> usize {
        0
    }

    /// Writes, syncs, reads back past the page cache, verifies, renames, syncs the directory. The file is durable on
    /// return, and still needs an edit of the manifest.
    pub fn finish(self) -> Result<Written, SegmentError> {
        Ok(Written { file: self.file, bytes: 0, rows: 0, hash: [0; 32] })
    }
}

/// The times and first and last keys of the rows of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone<'a> {
    pub min_from: Timestamp,
    pub max_from: Timestamp,
    /// By the ends written in the file: [`EndTimes`] can only make them smaller.
    pub min_to: Timestamp,
    pub max_to: Timestamp,
    pub first_key: &'a [u8],
    pub last_key: &'a [u8],
}

/// An open segment: cheap to share, nothing is copied out of it but single values.
#[derive(Debug)]
pub struct Segment {
    file: FileId,
    ends: EndTimes,
}

impl Segment {
    /// Maps the file, checks header, footer, length and (if given) the content hash the manifest names.
    pub fn open(
        environment: &Environment,
        file: FileId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Arc<Segment>, SegmentError> {
        let _ = (environment, hash);
        Ok(Arc::new(Segment { file, ends: EndTimes::new(0) }))
    }

    pub fn file(&self) -> FileId {
        self.file
    }

    pub fn rows(&self) -> usize {
        0
    }

    /// The columns stored, in the writer's order.
    pub fn columns(&self) -> &[(ColumnId, PhysicalType)] {
        &[]
    }

    /// How many zones; zone `n` holds rows `n * ZONE_ROWS ..`.
    pub fn zones(&self) -> usize {
        0
    }

    pub fn zone(&self, zone: usize) -> Result<Zone<'_>, SegmentError> {
        let _ = zone;
        Ok(Zone {
            min_from: Timestamp::ZERO,
            max_from: Timestamp::ZERO,
            min_to: Timestamp::ZERO,
            max_to: Timestamp::ZERO,
            first_key: &[],
            last_key: &[],
        })
    }

    /// Whether rows with this clustering key may be here; `false` is certain.
    pub fn may_hold(&self, key: &[u8]) -> Result<bool, SegmentError> {
        let _ = key;
        Ok(true)
    }

    /// The rows with exactly this clustering key, oldest first.
    pub fn find(&self, key: &[u8]) -> Result<Range<usize>, SegmentError> {
        let _ = key;
        Ok(0..0)
    }

    /// The rows whose clustering key lies between the bounds.
    pub fn range(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Result<Range<usize>, SegmentError> {
        let _ = (lower, upper);
        Ok(0..0)
    }

    pub fn key(&self, row: usize) -> Result<&[u8], SegmentError> {
        let _ = row;
        Ok(&[])
    }

    pub fn birth(&self, row: usize) -> Result<u64, SegmentError> {
        let _ = row;
        Ok(0)
    }

    pub fn from(&self, row: usize) -> Result<Timestamp, SegmentError> {
        let _ = row;
        Ok(Timestamp::ZERO)
    }

    /// Birth ids of a range of rows, in place.
    pub fn births(&self, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        let _ = rows;
        Ok(&[])
    }

    /// Start times of a range of rows, in place.
    pub fn froms(&self, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        let _ = rows;
        Ok(&[])
    }

    /// The end times of this segment's rows, initial ones included: raw `u64`, whose meaning above the timestamps is
    /// the caller's.
    pub fn ends(&self) -> &EndTimes {
        &self.ends
    }

    /// A range of a column as an Arrow array over the mapping; `None` if the column is not stored here.
    pub fn column(&self, column: ColumnId, rows: Range<usize>) -> Result<Option<ArrayRef>, SegmentError> {
        let _ = (column, rows);
        Ok(None)
    }

    /// One value; `None` if the column is not stored here.
    pub fn value(&self, column: ColumnId, row: usize) -> Result<Option<Value>, SegmentError> {
        let _ = (column, row);
        Ok(None)
    }

    /// The bytes of one `Text`, `Bytes` or `Fixed16` value in place; `None` if it is NULL or the column is not here.
    pub fn value_bytes(&self, column: ColumnId, row: usize) -> Result<Option<&[u8]>, SegmentError> {
        let _ = (column, row);
        Ok(None)
    }
}

/// Writes one index run. Entries come in the order (index key, clustering key, from, birth id).
#[derive(Debug)]
pub struct IndexRunWriter {
    file: FileId,
}

impl IndexRunWriter {
    /// `filter`: whether to add a key filter (unique indexes want one).
    pub fn new(environment: &Environment, file: FileId, filter: bool) -> IndexRunWriter {
        let _ = (environment, filter);
        IndexRunWriter { file }
    }

    pub fn append(&mut self, entry: &IndexEntry<'_>) -> Result<(), SegmentError> {
        let _ = entry;
        Ok(())
    }

    pub fn rows(&self) -> usize {
        0
    }

    pub fn bytes(&self) -> usize {
        0
    }

    /// As [`SegmentWriter::finish`].
    pub fn finish(self) -> Result<Written, SegmentError> {
        Ok(Written { file: self.file, bytes: 0, rows: 0, hash: [0; 32] })
    }
}

/// An open index run. Iterate a range of positions forward or backward and ask [`IndexRun::entry`].
#[derive(Debug)]
pub struct IndexRun {
    file: FileId,
    ends: EndTimes,
}

impl IndexRun {
    pub fn open(
        environment: &Environment,
        file: FileId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Arc<IndexRun>, SegmentError> {
        let _ = (environment, hash);
        Ok(Arc::new(IndexRun { file, ends: EndTimes::new(0) }))
    }

    pub fn file(&self) -> FileId {
        self.file
    }

    pub fn rows(&self) -> usize {
        0
    }

    /// Whether entries with this key may be here; `false` is certain.
    pub fn may_hold(&self, key: &[u8]) -> Result<bool, SegmentError> {
        let _ = key;
        Ok(true)
    }

    /// The entries with exactly this key.
    pub fn find(&self, key: &[u8]) -> Result<Range<usize>, SegmentError> {
        let _ = key;
        Ok(0..0)
    }

    /// The entries whose key lies between the bounds.
    pub fn range(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Result<Range<usize>, SegmentError> {
        let _ = (lower, upper);
        Ok(0..0)
    }

    /// One entry, with its current end from [`IndexRun::ends`].
    pub fn entry(&self, position: usize) -> Result<IndexEntry<'_>, SegmentError> {
        let _ = position;
        Ok(IndexEntry { key: &[], clustering_key: &[], birth: 0, from: Timestamp::ZERO, to: Timestamp::ZERO })
    }

    pub fn ends(&self) -> &EndTimes {
        &self.ends
    }
}

/// The end times of the rows of one file, in memory: the initial ones of the file until one is changed.
/// Any thread may read; writers of *different* rows may run at once, two writers of one row settle it by
/// [`EndTimes::replace`].
#[derive(Debug)]
pub struct EndTimes {
    rows: usize,
}

impl EndTimes {
    /// For a file of `rows` rows that are all alive.
    pub fn new(rows: usize) -> EndTimes {
        EndTimes { rows }
    }

    /// The end of a row, raw.
    pub fn get(&self, row: usize) -> u64 {
        let _ = (row, self.rows);
        u64::MAX
    }

    pub fn set(&self, row: usize, to: u64) {
        let _ = (row, to);
    }

    /// Sets the end to `new` if it is `expected`; else says what it is.
    pub fn replace(&self, row: usize, expected: u64, new: u64) -> Result<(), u64> {
        let _ = (row, expected, new);
        Ok(())
    }

    /// Whether no end of these rows differs from the initial one.
    pub fn is_initial(&self, rows: Range<usize>) -> bool {
        let _ = rows;
        true
    }

    /// Copies the ends of a range of rows, raw, into `ends`.
    pub fn copy(&self, rows: Range<usize>, ends: &mut Vec<u64>) {
        let _ = (rows, ends);
    }

    /// Every row whose end differs from the initial one, in ascending order, raw.
    pub fn changed(&self) -> Vec<(u32, u64)> {
        Vec::new()
    }
}

/// The file beside a segment or index run that keeps the ends which came after it was written.
#[derive(Debug)]
pub struct DeleteLog;

impl DeleteLog {
    /// Writes the ends of `of` (a file of `rows` rows) into a new file, durable on return. `ends` ascends by row and
    /// holds committed timestamps only.
    pub fn write(
        environment: &Environment,
        file: FileId,
        of: FileId,
        rows: usize,
        ends: &[(u32, Timestamp)],
    ) -> Result<Written, SegmentError> {
        let _ = (environment, of, rows);
        Ok(Written { file, bytes: 0, rows: ends.len() as u64, hash: [0; 32] })
    }

    /// Reads a delete log into the ends of the file it belongs to.
    pub fn load(
        environment: &Environment,
        file: FileId,
        of: FileId,
        ends: &EndTimes,
    ) -> Result<(), SegmentError> {
        let _ = (environment, file, of, ends);
        Ok(())
    }
}
