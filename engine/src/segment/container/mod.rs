//! The container of segments, index runs and delete logs: sections behind a header, a footer that says where they
//! are, checksums over everything.
//!
//! All numbers are little-endian. The file is immutable: written under a temporary name, synced, read back past the
//! page cache, verified, renamed, directory synced.
//!
//! Header, 64 bytes: `STRATSEG`, version 4 (1), kind 4 (1 segment, 2 index run, 3 delete log, 4 changes, 5 graph), file id 8, zero 36,
//! checksum 4 of the 60 bytes before. Then sections, each at a multiple of 64, zeros between them. Then, at a multiple
//! of 64, the footer:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `STRATFTR` |
//! | 4, 4 | version 1, kind |
//! | 8 | file id |
//! | 8 | rows |
//! | 8 | a number of the kind: the file that a delete log belongs to, the table of changes, the index of a graph |
//! | 4, 4 | number of columns, number of sections |
//! | 8 each | columns: column id 4, physical type 4 |
//! | 32 each | sections: tag 4, column id 4, detail 8, offset 8, length 8 |
//! | 4 each | checksums of the blocks of 65536 bytes before the footer, the last one shorter |
//!
//! Last, 64 bytes: BLAKE3 32 of everything before, offset of the footer 8, its length 4, its checksum 4, length of the
//! file 8, `STRATEOF`. Checksums are CRC32C; the seed of a block's mixes file id and block number, so that a block of
//! another file or place is damage, too. A block is verified when it is first touched.

use std::sync::atomic::{AtomicU64, Ordering};

use arrow_buffer::Buffer;

use super::{FileKind, SegmentError};
use crate::{
    ids::{ColumnId, FileId},
    io::{Disk, planted},
    value::PhysicalType,
};

mod parse;
mod write;

pub(super) use write::write;

/// Bytes under one checksum.
pub(in crate::segment) const BLOCK: usize = 64 << 10;
/// Where sections start.
const ALIGNMENT: usize = 64;
const HEADER: usize = 64;
const TRAILER: usize = 64;
/// Bytes of the footer before its lists.
const FOOTER_HEAD: usize = 48;

const HEADER_MAGIC: [u8; 8] = *b"STRATSEG";
const FOOTER_MAGIC: [u8; 8] = *b"STRATFTR";
const TRAILER_MAGIC: [u8; 8] = *b"STRATEOF";
const VERSION: u32 = 1;
const SEED: u32 = 0x5345_474D;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(in crate::segment) enum Tag {
    /// Bytes of the keys; detail: 0 if offsets follow, else one more than the width of every key.
    Keys = 1,
    /// Where each key starts, `u32`, and where the last one ends.
    KeyOffsets = 2,
    Births = 3,
    Froms = 4,
    /// Absent if no row had ended.
    Tos = 5,
    /// Four `u64` a zone: least and greatest from, least and greatest to.
    Zones = 6,
    /// A key filter; detail: the number of its blocks.
    Filter = 7,
    /// As `Keys`, of the clustering keys of an index run.
    ClusteringKeys = 8,
    ClusteringKeyOffsets = 9,
    /// A bitmap, of a column that holds NULL.
    Validity = 10,
    /// Values of a column; detail: how they are encoded.
    Values = 11,
    /// `i32` offsets of a Text or Bytes column.
    Offsets = 12,
    /// Row numbers of a delete log, `u32`; absent if it holds an end for every row.
    EndRows = 13,
    /// Ends of a delete log; with an end for every row, zero says "as in the file".
    Ends = 14,
    /// Least and greatest value of a column in each zone.
    ValueZones = 15,
    /// A code for each row of a column with a dictionary.
    Codes = 16,
    /// Changes of a table, and the list of their blocks.
    Changes = 17,
    ChangeBlocks = 18,
    /// The learned index of the keys, see `crate::learned`; it verifies itself.
    Learned = 19,
    /// What a graph is of, see `crate::vector::graph`.
    GraphHead = 20,
    GraphRows = 21,
    GraphLinks = 22,
    GraphUppers = 23,
    GraphUpperStarts = 24,
    GraphUpperLinks = 25,
    GraphVectors = 26,
    GraphScales = 27,
}

/// One section to be written.
pub(in crate::segment) struct NewSection<'a> {
    pub tag: Tag,
    pub column: u32,
    pub detail: u64,
    pub bytes: &'a [u8],
}

/// What a new file says of itself.
pub(in crate::segment) struct NewFile<'a> {
    pub kind: FileKind,
    pub file: FileId,
    pub rows: usize,
    pub number: u64,
    pub columns: &'a [(ColumnId, PhysicalType)],
    pub sections: &'a [NewSection<'a>],
}

/// A section of an open file.
#[derive(Clone, Debug)]
pub(in crate::segment) struct Section {
    pub tag: u32,
    pub column: u32,
    pub detail: u64,
    pub offset: usize,
    pub buffer: Buffer,
}

/// The seed of a block's checksum.
fn block_seed(file: FileId, block: u64) -> u32 {
    let mixed = (file.0 ^ block.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as u32 | 1
}

/// An open file.
#[derive(Debug)]
pub(in crate::segment) struct Container {
    pub name: String,
    pub file: FileId,
    pub rows: usize,
    pub number: u64,
    pub columns: Vec<(ColumnId, PhysicalType)>,
    pub hash: [u8; 32],
    sections: Vec<Section>,
    mapping: Buffer,
    footer_offset: usize,
    /// Where the checksums of the blocks stand in the mapping.
    checksums_offset: usize,
    /// One bit a block: verified.
    verified: Box<[AtomicU64]>,
}

impl Container {
    /// The length of the file.
    pub fn bytes(&self) -> usize {
        self.mapping.len()
    }

    /// Maps a file and checks everything but its blocks.
    pub(in crate::segment) fn open(
        disk: &dyn Disk,
        kind: FileKind,
        file: FileId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Container, SegmentError> {
        let name = kind.name(file);
        let mapping = disk.map(&name).map_err(|source| SegmentError::Io { file: name.clone(), source })?;
        let container = parse::parse(&name, kind, file, &mapping)?;
        if kind == FileKind::Graph && planted!(disk, skip_graph_checksums) {
            container.verified.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        }
        if hash.is_some_and(|hash| *hash != container.hash) {
            return Err(
                container.corrupt(mapping.len() - TRAILER, "it is not the file that the manifest names")
            );
        }
        Ok(container)
    }

    /// An error at an offset of the file.
    pub(in crate::segment) fn corrupt(&self, offset: usize, reason: &str) -> SegmentError {
        corrupt(&self.name, offset, reason)
    }

    pub(in crate::segment) fn misuse(&self, reason: &str) -> SegmentError {
        SegmentError::Misuse { file: self.name.clone(), reason: reason.to_owned() }
    }

    pub(in crate::segment) fn unknown(&self, reason: &str) -> SegmentError {
        SegmentError::Unknown { file: self.name.clone(), reason: reason.to_owned() }
    }

    /// The section of a tag and column.
    pub(in crate::segment) fn section(&self, tag: Tag, column: u32) -> Option<&Section> {
        self.sections.iter().find(|section| section.tag == tag as u32 && section.column == column)
    }

    /// The section of a tag, whose length the caller knows.
    pub(in crate::segment) fn section_of(
        &self,
        tag: Tag,
        column: u32,
        length: usize,
    ) -> Result<&Section, SegmentError> {
        let section = self
            .section(tag, column)
            .ok_or_else(|| self.corrupt(self.footer_offset, &format!("section {tag:?} is missing")))?;
        if section.buffer.len() == length {
            Ok(section)
        } else {
            Err(self
                .corrupt(self.footer_offset, &format!("section {tag:?} has another length than its rows")))
        }
    }

    /// Verifies the blocks under a range of a section, those that were not verified before.
    #[inline]
    pub(in crate::segment) fn touch(
        &self,
        section: &Section,
        start: usize,
        length: usize,
    ) -> Result<(), SegmentError> {
        if length == 0 || self.is_verified(section, start, start + length - 1) {
            return Ok(());
        }
        for block in (section.offset + start) / BLOCK..=(section.offset + start + length - 1) / BLOCK {
            if !self.is_block_verified(block) {
                self.verify(block)?;
            }
        }
        Ok(())
    }

    /// Whether a range of a section that crosses one border of blocks at most was verified before; `last` is its last
    /// byte, or one behind. A longer range is said not to be.
    #[inline(always)]
    pub(in crate::segment) fn is_verified(&self, section: &Section, first: usize, last: usize) -> bool {
        let first = section.offset.wrapping_add(first) / BLOCK;
        let last = section.offset.wrapping_add(last) / BLOCK;
        self.is_block_verified(first) && (first == last || first + 1 == last && self.is_block_verified(last))
    }

    #[inline(always)]
    fn is_block_verified(&self, block: usize) -> bool {
        let word = self.verified.get(block / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (block % 64)) != 0)
    }

    #[cold]
    fn verify(&self, block: usize) -> Result<(), SegmentError> {
        let start = block * BLOCK;
        let bytes = self.mapping.get(start..self.footer_offset.min(start + BLOCK)).unwrap_or_default();
        let place = self.checksums_offset + block * 4;
        let expected = self.mapping.get(place..place + 4).map(|bytes| u32_at(bytes, 0));
        let checksum = crc32c::crc32c_append(block_seed(self.file, block as u64), bytes);
        if expected != Some(checksum) {
            return Err(self.corrupt(start, "the checksum of the block fails"));
        }
        if let Some(word) = self.verified.get(block / 64) {
            word.fetch_or(1 << (block % 64), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Verifies every block and the content hash.
    pub(in crate::segment) fn verify_all(&self) -> Result<(), SegmentError> {
        for block in 0..self.footer_offset.div_ceil(BLOCK) {
            self.verify(block)?;
        }
        let end = self.mapping.len() - TRAILER;
        if *blake3::hash(&self.mapping[..end]).as_bytes() == self.hash {
            Ok(())
        } else {
            Err(self.corrupt(end, "the content hash fails"))
        }
    }
}

/// Reads a whole file, of whatever kind, and checks every checksum and the content hash; `hash` is the one that the
/// manifest names, if it does.
pub(crate) fn verify_file(
    disk: &dyn Disk,
    kind: FileKind,
    file: FileId,
    hash: Option<&[u8; 32]>,
) -> Result<(), SegmentError> {
    Container::open(disk, kind, file, hash)?.verify_all()
}

fn corrupt(name: &str, offset: usize, reason: &str) -> SegmentError {
    SegmentError::Corrupt {
        file: name.to_owned(),
        block: (offset / BLOCK) as u64,
        offset: offset as u64,
        reason: reason.to_owned(),
    }
}

/// The number at an offset that the caller knows to be inside.
fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(number)
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(number)
}
