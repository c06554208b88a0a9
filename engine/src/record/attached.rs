//! Files that a commit brings along: written before it (`spill`), named by its record, listed by the manifest from the
//! next checkpoint on.
//!
//! Until then the log is the only one to name them: nobody may rewrite them (`SegmentPart::is_listed`), a start keeps
//! them, and a file that is missing or damaged refuses the start, because the commit was acknowledged.
//!
//! Format: number of segments (4 bytes); each: file, clustering index (4, `u32::MAX`: none), number of runs (4), each
//! index (4) and file; then the highest birth (8), the number of indexes with unchecked keys (4), these (4 each). A
//! file: id 8, bytes 8, rows 8, hash 32.

use super::{Reader, Writer};
use crate::engine::Engine;
use crate::ids::FileId;
use crate::io::remove_if_there;
use crate::manifest::{Edit, FileEntry};
use crate::segment::{FileKind, IndexRun, Segment};
use crate::table::segments::segment_number;
use crate::{Error, IndexId, TableId};
use std::sync::Arc;

/// An index run that lies beside a segment.
#[derive(Clone)]
pub(crate) struct AttachedRun {
    pub index: IndexId,
    pub entry: FileEntry,
    /// `None` when read back from the log.
    pub opened: Option<Arc<IndexRun>>,
}

/// A segment with new rows, and its runs.
#[derive(Clone)]
pub(crate) struct AttachedSegment {
    pub entry: FileEntry,
    /// The index by whose keys its rows are sorted.
    pub primary: Option<IndexId>,
    pub runs: Vec<AttachedRun>,
    /// `None` when read back from the log.
    pub opened: Option<Arc<Segment>>,
}

/// All new rows of a table.
#[derive(Clone, Default)]
pub(crate) struct Attached {
    pub segments: Vec<AttachedSegment>,
    pub highest_birth: u64,
    /// Unique indexes in which a key may stand more than once.
    pub unchecked: Vec<u32>,
}

impl AttachedRun {
    pub fn edit(&self) -> Edit {
        Edit::AddIndexRun { index: self.index, entry: self.entry.clone() }
    }

    pub fn open(&self, engine: &Engine) -> Result<Arc<IndexRun>, Error> {
        match &self.opened {
            Some(run) => Ok(run.clone()),
            None => Ok(IndexRun::open(&engine.environment, self.entry.file, Some(&self.entry.hash))?),
        }
    }

    pub fn encode(&self, writer: &mut Writer) {
        writer.u32(self.index.0);
        encode_file(&self.entry, writer);
    }

    /// `segment`: the number of the segment beside which the run lies.
    pub fn decode(reader: &mut Reader<'_>, segment: u32) -> Result<AttachedRun, Error> {
        let index = IndexId(reader.u32()?);
        Ok(AttachedRun { index, entry: decode_file(reader, segment)?, opened: None })
    }

    /// Removes the file again.
    pub fn discard(&self, engine: &Engine) {
        let _ = remove_if_there(&*engine.environment.disk, &FileKind::IndexRun.name(self.entry.file));
    }
}

impl AttachedSegment {
    /// The edits by which the manifest comes to name the files.
    pub fn edits(&self, table: TableId) -> Vec<Edit> {
        let segment = Edit::AddSegment { table, entry: self.entry.clone() };
        std::iter::once(segment).chain(self.runs.iter().map(AttachedRun::edit)).collect()
    }

    pub fn open(&self, engine: &Engine) -> Result<Arc<Segment>, Error> {
        match &self.opened {
            Some(segment) => Ok(segment.clone()),
            None => Ok(Segment::open(&engine.environment, self.entry.file, Some(&self.entry.hash))?),
        }
    }
}

impl Attached {
    pub fn rows(&self) -> usize {
        self.segments.iter().map(|segment| segment.entry.rows as usize).sum()
    }

    /// Removes the files of a commit that came to nothing. What stays by a failure is removed by the next start.
    pub fn discard(&self, engine: &Engine) {
        for segment in &self.segments {
            let _ = remove_if_there(&*engine.environment.disk, &FileKind::Segment.name(segment.entry.file));
            segment.runs.iter().for_each(|run| run.discard(engine));
        }
    }

    pub fn encode(&self, writer: &mut Writer) {
        writer.u32(self.segments.len() as u32);
        for segment in &self.segments {
            encode_file(&segment.entry, writer);
            writer.u32(segment.primary.map_or(u32::MAX, |index| index.0));
            writer.u32(segment.runs.len() as u32);
            segment.runs.iter().for_each(|run| run.encode(writer));
        }
        writer.u64(self.highest_birth);
        writer.u32(self.unchecked.len() as u32);
        self.unchecked.iter().for_each(|index| writer.u32(*index));
    }

    pub fn decode(reader: &mut Reader<'_>) -> Result<Attached, Error> {
        let mut attached = Attached::default();
        for _ in 0..reader.count()? {
            let entry = decode_file(reader, 0)?;
            let number = segment_number(entry.file)?;
            let primary = Some(reader.u32()?).filter(|index| *index != u32::MAX).map(IndexId);
            let runs = (0..reader.count()?).map(|_| AttachedRun::decode(reader, number));
            let runs = runs.collect::<Result<_, Error>>()?;
            attached.segments.push(AttachedSegment { entry, primary, runs, opened: None });
        }
        attached.highest_birth = reader.u64()?;
        attached.unchecked = (0..reader.count()?).map(|_| reader.u32()).collect::<Result<_, Error>>()?;
        Ok(attached)
    }
}

fn encode_file(entry: &FileEntry, writer: &mut Writer) {
    writer.u64(entry.file.0);
    writer.u64(entry.bytes);
    writer.u64(entry.rows);
    writer.bytes.extend_from_slice(&entry.hash);
}

fn decode_file(reader: &mut Reader<'_>, level: u32) -> Result<FileEntry, Error> {
    Ok(FileEntry {
        file: FileId(reader.u64()?),
        bytes: reader.u64()?,
        rows: reader.u64()?,
        level,
        hash: reader.array()?,
        delete_log: None,
    })
}
