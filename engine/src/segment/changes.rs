//! The file of a run of changes, as bytes: what they say is the business of `change::run`.

use super::{
    FileKind, SegmentError, Written,
    container::{self, Container, NewFile, NewSection, Section, Tag},
};
use crate::{ids::FileId, io::Environment};
use std::ops::Range;

/// An open file of changes.
#[derive(Debug)]
pub(crate) struct ChangeContainer {
    container: Container,
    data: Section,
    blocks: Section,
}

impl ChangeContainer {
    /// Writes the changes of a table, durable on return.
    pub(crate) fn write(
        environment: &Environment,
        file: FileId,
        table: u64,
        changes: usize,
        data: &[u8],
        blocks: &[u8],
    ) -> Result<Written, SegmentError> {
        let section = |tag, bytes| NewSection { tag, column: 0, detail: 0, bytes };
        let sections = [section(Tag::ChangeBlocks, blocks), section(Tag::Changes, data)];
        let new = NewFile {
            kind: FileKind::Changes,
            file,
            rows: changes,
            number: table,
            columns: &[],
            sections: &sections,
        };
        container::write(&*environment.disk, &new)
    }

    pub(crate) fn open(
        environment: &Environment,
        file: FileId,
        table: u64,
        hash: &[u8; 32],
    ) -> Result<ChangeContainer, SegmentError> {
        let container = Container::open(&*environment.disk, FileKind::Changes, file, Some(hash))?;
        if container.number != table {
            return Err(container.corrupt(0, "it belongs to another table"));
        }
        let missing = || container.corrupt(0, "the changes are missing");
        let data = container.section(Tag::Changes, 0).ok_or_else(missing)?.clone();
        let blocks = container.section(Tag::ChangeBlocks, 0).ok_or_else(missing)?.clone();
        Ok(ChangeContainer { container, data, blocks })
    }

    pub(crate) fn file(&self) -> FileId {
        self.container.file
    }

    /// How many changes.
    pub(crate) fn rows(&self) -> usize {
        self.container.rows
    }

    pub(crate) fn data_length(&self) -> usize {
        self.data.buffer.len()
    }

    pub(crate) fn data(&self, range: Range<usize>) -> Result<&[u8], SegmentError> {
        self.bytes(&self.data, range)
    }

    pub(crate) fn blocks(&self, range: Range<usize>) -> Result<&[u8], SegmentError> {
        self.bytes(&self.blocks, range)
    }

    fn bytes<'a>(&'a self, section: &'a Section, range: Range<usize>) -> Result<&'a [u8], SegmentError> {
        let start = range.start;
        let bytes = section.buffer.get(range);
        let bytes = bytes.ok_or_else(|| self.corrupt("a block of changes lies outside its file"))?;
        self.container.touch(section, start, bytes.len())?;
        Ok(bytes)
    }

    pub(crate) fn corrupt(&self, reason: &str) -> SegmentError {
        self.container.corrupt(self.data.offset, reason)
    }

    /// Reads everything and checks every checksum and the content hash.
    pub(crate) fn verify(&self) -> Result<(), SegmentError> {
        self.container.verify_all()
    }
}
