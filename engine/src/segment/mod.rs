//! Immutable files of row versions and of index entries: sorted, mapped, checksummed.
//!
//! A [`Segment`] holds versions of the rows of one table, sorted by (clustering key, from, birth id). An
//! [`IndexRun`] holds the entries of one index, sorted by (index key, clustering key, from, birth id). Rows and
//! entries go by position, `0..rows`. What a file says never changes; the ends of versions that died later live in
//! [`EndTimes`] and are written to a [`DeleteLog`] at each checkpoint.
//!
//! `container` has the bytes and the checksums, `version` and `run` the two kinds of file, `rows`, `keys`, `column`
//! and `filter` what they are made of.

use std::io;

use crate::ids::FileId;

mod array;
mod changes;
mod column;
mod container;
mod delete_log;
mod encoding;
mod ends;
mod filter;
mod graph;
mod keys;
mod name;
mod rows;
mod run;
mod version;
mod zones;

pub(crate) use changes::ChangeContainer;
pub(crate) use container::verify_file;
pub use delete_log::DeleteLog;
pub use ends::EndTimes;
pub(crate) use graph::{GraphContainer, GraphSections};
pub(crate) use name::{FileKind, file_of_name, kind_of_name};
pub use rows::Times;
pub use run::{IndexEntry, IndexRun, IndexRunWriter};
pub use version::{Purpose, RowTimes, Segment, SegmentWriter, VersionRow, Zone};
pub use zones::ColumnRange;

/// Rows of one zone: the unit of zone maps and of changed ends.
pub const ZONE_ROWS: usize = 8192;

/// Why a segment, index run or delete log refused.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    #[error("file \"{file}\": {source}")]
    Io { file: String, source: io::Error },
    /// A block whose checksum fails, or a file that does not add up.
    #[error("file \"{file}\" is damaged in block {block} at byte offset {offset}: {reason}")]
    Corrupt { file: String, block: u64, offset: u64, reason: String },
    #[error("file \"{file}\" was written by a newer version: {reason}")]
    Unknown { file: String, reason: String },
    /// The caller broke a rule: order, types, a size beyond the format, a row that does not exist.
    #[error("file \"{file}\" was given or asked for {reason}")]
    Misuse { file: String, reason: String },
}

/// A finished file, as the manifest wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub file: FileId,
    pub bytes: u64,
    pub rows: u64,
    pub hash: [u8; 32],
}
