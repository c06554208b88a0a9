//! Delete logs: the ends that came after a segment or index run was written.
//!
//! The ends of a file are in one of three states. None: no delete log, every end is the one in the file. Sparse: a
//! delete log with row numbers and their ends. Full: a delete log with an end for every row, zero where the file's own
//! end stands; chosen where it is the smaller one. A delete log is written whole at a checkpoint and replaces the one
//! before by an edit of the manifest.

use super::{
    EndTimes, FileKind, SegmentError, Written,
    container::{self, Container, NewFile, NewSection, Tag},
};
use crate::{
    ids::{FileId, Timestamp},
    io::Environment,
};

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
        let misuse = |reason: &str| SegmentError::Misuse {
            file: FileKind::DeleteLog.name(file),
            reason: reason.to_owned(),
        };
        if ends.windows(2).any(|pair| pair[0].0 >= pair[1].0)
            || ends.last().is_some_and(|(row, _)| *row as usize >= rows)
        {
            return Err(misuse("ends that do not ascend, or of rows that do not exist"));
        }
        if ends.iter().any(|(_, to)| *to == Timestamp::ZERO) {
            return Err(misuse("an end before every beginning"));
        }
        let mut row_bytes = Vec::new();
        let mut end_bytes;
        if ends.len() * 12 < rows * 8 {
            row_bytes.extend(ends.iter().flat_map(|(row, _)| row.to_le_bytes()));
            end_bytes = Vec::with_capacity(ends.len() * 8);
            end_bytes.extend(ends.iter().flat_map(|(_, to)| to.0.to_le_bytes()));
        } else {
            end_bytes = vec![0; rows * 8];
            for (row, to) in ends {
                let place = *row as usize * 8;
                end_bytes[place..place + 8].copy_from_slice(&to.0.to_le_bytes());
            }
        }
        let section = |tag, bytes| NewSection { tag, column: 0, detail: 0, bytes };
        let mut sections = vec![section(Tag::Ends, &end_bytes)];
        if !row_bytes.is_empty() {
            sections.push(section(Tag::EndRows, &row_bytes));
        }
        let new = NewFile {
            kind: FileKind::DeleteLog,
            file,
            rows,
            number: of.0,
            columns: &[],
            sections: &sections,
        };
        container::write(&*environment.disk, &new)
    }

    /// Reads everything and checks every checksum and the content hash.
    pub(crate) fn verify(environment: &Environment, file: FileId) -> Result<(), SegmentError> {
        Container::open(&*environment.disk, FileKind::DeleteLog, file, None)?.verify_all()
    }

    /// Reads a delete log into the ends of the file it belongs to.
    pub fn load(
        environment: &Environment,
        file: FileId,
        of: FileId,
        ends: &EndTimes,
    ) -> Result<(), SegmentError> {
        let container = Container::open(&*environment.disk, FileKind::DeleteLog, file, None)?;
        if container.number != of.0 || container.rows != ends.rows() {
            return Err(container.corrupt(0, "it belongs to another file"));
        }
        let missing = || container.corrupt(0, "the ends are missing");
        let times = container.section(Tag::Ends, 0).ok_or_else(missing)?;
        container.touch(times, 0, times.buffer.len())?;
        let times = times
            .buffer
            .chunks_exact(8)
            .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
        if let Some(rows) = container.section(Tag::EndRows, 0) {
            container.touch(rows, 0, rows.buffer.len())?;
            if rows.buffer.len() / 4 != times.len() {
                return Err(container.corrupt(rows.offset, "it has not as many ends as rows"));
            }
            let rows = rows
                .buffer
                .chunks_exact(4)
                .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap_or_default()));
            for (row, to) in rows.zip(times) {
                ends.set(row as usize, to);
            }
        } else {
            // Without row numbers there is an end for every row, or none at all.
            if times.len() != 0 && times.len() != container.rows {
                return Err(container.corrupt(0, "it has not as many ends as rows"));
            }
            for (row, to) in times.enumerate().filter(|(_, to)| *to != 0) {
                ends.set(row, to);
            }
        }
        Ok(())
    }
}
