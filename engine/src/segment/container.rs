//! The container of segments, index runs and delete logs: sections behind a header, a footer that says where they
//! are, checksums over everything.
//!
//! All numbers are little-endian. The file is immutable: written under a temporary name, synced, read back past the
//! page cache, verified, renamed, directory synced.
//!
//! Header, 64 bytes: `STRATSEG`, version 4 (1), kind 4 (1 segment, 2 index run, 3 delete log), file id 8, zero 36,
//! checksum 4 of the 60 bytes before. Then sections, each at a multiple of 64, zeros between them. Then, at a multiple
//! of 64, the footer:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `STRATFTR` |
//! | 4, 4 | version 1, kind |
//! | 8 | file id |
//! | 8 | rows |
//! | 8 | a number of the kind: the file that a delete log belongs to |
//! | 4, 4 | number of columns, number of sections |
//! | 8 each | columns: column id 4, physical type 4 |
//! | 32 each | sections: tag 4, column id 4, detail 8, offset 8, length 8 |
//! | 4 each | checksums of the blocks of 65536 bytes before the footer, the last one shorter |
//!
//! Last, 64 bytes: BLAKE3 32 of everything before, offset of the footer 8, its length 4, its checksum 4, length of the
//! file 8, `STRATEOF`. Checksums are CRC32C; the seed of a block's mixes file id and block number, so that a block of
//! another file or place is damage, too. A block is verified when it is first touched.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use arrow_buffer::Buffer;

use super::{FileKind, SegmentError, Written};
use crate::{
    ids::{ColumnId, FileId},
    io::{Disk, File, remove_if_there},
    value::PhysicalType,
};

/// Bytes under one checksum.
pub(super) const BLOCK: usize = 64 << 10;
/// Where sections start.
const ALIGNMENT: usize = 64;
const HEADER: usize = 64;
const TRAILER: usize = 64;
/// Bytes of the footer before its lists.
const FOOTER_HEAD: usize = 48;
/// Bytes handed to the disk at once.
const WRITE_BYTES: usize = 16 * BLOCK;

const HEADER_MAGIC: [u8; 8] = *b"STRATSEG";
const FOOTER_MAGIC: [u8; 8] = *b"STRATFTR";
const TRAILER_MAGIC: [u8; 8] = *b"STRATEOF";
const VERSION: u32 = 1;
const SEED: u32 = 0x5345_474D;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Tag {
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
    Values = 11,
    /// `i32` offsets of a Text or Bytes column.
    Offsets = 12,
    /// Row numbers of a delete log, `u32`; absent if it holds an end for every row.
    EndRows = 13,
    /// Ends of a delete log; with an end for every row, zero says "as in the file".
    Ends = 14,
}

/// One section to be written.
pub(super) struct NewSection<'a> {
    pub tag: Tag,
    pub column: u32,
    pub detail: u64,
    pub bytes: &'a [u8],
}

/// What a new file says of itself.
pub(super) struct NewFile<'a> {
    pub kind: FileKind,
    pub file: FileId,
    pub rows: usize,
    pub number: u64,
    pub columns: &'a [(ColumnId, PhysicalType)],
    pub sections: &'a [NewSection<'a>],
}

/// A section of an open file.
#[derive(Clone, Debug)]
pub(super) struct Section {
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

/// Writes a file, durable on return.
pub(super) fn write(disk: &dyn Disk, new: &NewFile<'_>) -> Result<Written, SegmentError> {
    let name = new.kind.name(new.file);
    let temporary = format!("{name}.tmp");
    let write = || {
        remove_if_there(disk, &temporary)?;
        let file = disk.create(&temporary)?;
        let written = write_content(&*file, new)?;
        file.sync_data()?;
        verify_written(&*file, new, &written)?;
        Ok((file, written))
    };
    let (_, written) = write().map_err(|source: io::Error| {
        // The room is wanted back; the name would be removed at the next start anyway.
        let _ = remove_if_there(disk, &temporary);
        SegmentError::Io { file: name.clone(), source }
    })?;
    disk.rename(&temporary, &name)
        .and_then(|()| disk.sync_directory())
        .map_err(|source| SegmentError::Io { file: name, source })?;
    Ok(Written { file: new.file, bytes: written.bytes, rows: new.rows as u64, hash: written.hash })
}

/// What `write_content` has written.
struct Content {
    bytes: u64,
    hash: [u8; 32],
    checksums: Vec<u32>,
    /// Footer and trailer.
    end: Vec<u8>,
}

fn write_content(file: &dyn File, new: &NewFile<'_>) -> io::Result<Content> {
    let mut sink = Sink::new(file, new.file);
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&HEADER_MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&(new.kind as u32).to_le_bytes());
    header[16..24].copy_from_slice(&new.file.0.to_le_bytes());
    let checksum = crc32c::crc32c_append(SEED, &header[..HEADER - 4]);
    header[HEADER - 4..].copy_from_slice(&checksum.to_le_bytes());
    sink.put(&header)?;
    let mut places = Vec::with_capacity(new.sections.len());
    for section in new.sections {
        sink.align()?;
        places.push(sink.position());
        sink.put(section.bytes)?;
    }
    sink.align()?;
    let footer_offset = sink.position();
    sink.finish_blocks()?;
    let footer = encode_footer(new, &places, &sink.checksums);
    sink.hasher.update(&footer);
    let hash = *sink.hasher.finalize().as_bytes();
    let bytes = footer_offset + (footer.len() + TRAILER) as u64;
    let mut end = footer;
    let checksum = crc32c::crc32c_append(SEED, &end);
    let footer_length = end.len() as u32;
    end.extend_from_slice(&hash);
    end.extend_from_slice(&footer_offset.to_le_bytes());
    end.extend_from_slice(&footer_length.to_le_bytes());
    end.extend_from_slice(&checksum.to_le_bytes());
    end.extend_from_slice(&bytes.to_le_bytes());
    end.extend_from_slice(&TRAILER_MAGIC);
    file.write_at(&end, footer_offset)?;
    Ok(Content { bytes, hash, checksums: sink.checksums, end })
}

fn encode_footer(new: &NewFile<'_>, places: &[u64], checksums: &[u32]) -> Vec<u8> {
    let mut footer = Vec::new();
    footer.extend_from_slice(&FOOTER_MAGIC);
    footer.extend_from_slice(&VERSION.to_le_bytes());
    footer.extend_from_slice(&(new.kind as u32).to_le_bytes());
    footer.extend_from_slice(&new.file.0.to_le_bytes());
    footer.extend_from_slice(&(new.rows as u64).to_le_bytes());
    footer.extend_from_slice(&new.number.to_le_bytes());
    footer.extend_from_slice(&(new.columns.len() as u32).to_le_bytes());
    footer.extend_from_slice(&(new.sections.len() as u32).to_le_bytes());
    for (column, physical_type) in new.columns {
        footer.extend_from_slice(&column.0.to_le_bytes());
        footer.extend_from_slice(&(*physical_type as u32).to_le_bytes());
    }
    for (section, place) in new.sections.iter().zip(places) {
        footer.extend_from_slice(&(section.tag as u32).to_le_bytes());
        footer.extend_from_slice(&section.column.to_le_bytes());
        footer.extend_from_slice(&section.detail.to_le_bytes());
        footer.extend_from_slice(&place.to_le_bytes());
        footer.extend_from_slice(&(section.bytes.len() as u64).to_le_bytes());
    }
    for checksum in checksums {
        footer.extend_from_slice(&checksum.to_le_bytes());
    }
    footer
}

/// Reads a written file back, past the page cache, and compares every checksum.
fn verify_written(file: &dyn File, new: &NewFile<'_>, written: &Content) -> io::Result<()> {
    let footer_offset = written.bytes - written.end.len() as u64;
    let mut buffer = vec![0; WRITE_BYTES];
    let mut offset = 0;
    let mut block = 0;
    while offset < footer_offset {
        let count = (footer_offset - offset).min(WRITE_BYTES as u64) as usize;
        let chunk = &mut buffer[..count];
        file.read_direct(chunk, offset)?;
        for bytes in chunk.chunks(BLOCK) {
            let checksum = crc32c::crc32c_append(block_seed(new.file, block), bytes);
            if written.checksums.get(block as usize) != Some(&checksum) {
                return Err(io::Error::other(format!("block {block} reads back other than it was written")));
            }
            block += 1;
        }
        offset += count as u64;
    }
    let mut end = vec![0; written.end.len()];
    file.read_direct(&mut end, footer_offset)?;
    if end != written.end {
        return Err(io::Error::other("the footer reads back other than it was written"));
    }
    Ok(())
}

/// Collects bytes into blocks, checksums and hashes them, and writes them out.
struct Sink<'a> {
    file: &'a dyn File,
    id: FileId,
    written: u64,
    buffer: Vec<u8>,
    checksums: Vec<u32>,
    hasher: blake3::Hasher,
}

impl<'a> Sink<'a> {
    fn new(file: &'a dyn File, id: FileId) -> Sink<'a> {
        Sink {
            file,
            id,
            written: 0,
            buffer: Vec::with_capacity(WRITE_BYTES),
            checksums: Vec::new(),
            hasher: blake3::Hasher::new(),
        }
    }

    fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = (WRITE_BYTES - self.buffer.len()).min(bytes.len());
            let (now, later) = bytes.split_at(count);
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == WRITE_BYTES {
                self.finish_blocks()?;
            }
        }
        Ok(())
    }

    fn align(&mut self) -> io::Result<()> {
        let gap = self.position().next_multiple_of(ALIGNMENT as u64) - self.position();
        self.put(&[0; ALIGNMENT][..gap as usize])
    }

    /// Writes out what is collected: whole blocks, but for the last time.
    fn finish_blocks(&mut self) -> io::Result<()> {
        for block in self.buffer.chunks(BLOCK) {
            let seed = block_seed(self.id, self.checksums.len() as u64);
            self.checksums.push(crc32c::crc32c_append(seed, block));
        }
        self.hasher.update(&self.buffer);
        self.file.write_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct Container {
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
    /// Maps a file and checks everything but its blocks.
    pub(super) fn open(
        disk: &dyn Disk,
        kind: FileKind,
        file: FileId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Container, SegmentError> {
        let name = kind.name(file);
        let mapping = disk.map(&name).map_err(|source| SegmentError::Io { file: name.clone(), source })?;
        let container = Parser { name: &name, kind, file, bytes: &mapping }.parse(&mapping)?;
        if hash.is_some_and(|hash| *hash != container.hash) {
            return Err(
                container.corrupt(mapping.len() - TRAILER, "it is not the file that the manifest names")
            );
        }
        Ok(container)
    }

    /// An error at an offset of the file.
    pub(super) fn corrupt(&self, offset: usize, reason: &str) -> SegmentError {
        corrupt(&self.name, offset, reason)
    }

    pub(super) fn misuse(&self, reason: &str) -> SegmentError {
        SegmentError::Misuse { file: self.name.clone(), reason: reason.to_owned() }
    }

    /// The section of a tag and column.
    pub(super) fn section(&self, tag: Tag, column: u32) -> Option<&Section> {
        self.sections.iter().find(|section| section.tag == tag as u32 && section.column == column)
    }

    /// The section of a tag, whose length the caller knows.
    pub(super) fn section_of(&self, tag: Tag, column: u32, length: usize) -> Result<&Section, SegmentError> {
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
    pub(super) fn touch(&self, section: &Section, start: usize, length: usize) -> Result<(), SegmentError> {
        if length == 0 {
            return Ok(());
        }
        let first = (section.offset + start) / BLOCK;
        let last = (section.offset + start + length - 1) / BLOCK;
        for block in first..=last {
            let is_verified = self
                .verified
                .get(block / 64)
                .is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (block % 64)) != 0);
            if !is_verified {
                self.verify(block)?;
            }
        }
        Ok(())
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
    pub(super) fn verify_all(&self) -> Result<(), SegmentError> {
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

fn corrupt(name: &str, offset: usize, reason: &str) -> SegmentError {
    SegmentError::Corrupt {
        file: name.to_owned(),
        block: (offset / BLOCK) as u64,
        offset: offset as u64,
        reason: reason.to_owned(),
    }
}

/// Reads header, trailer and footer of a mapped file.
struct Parser<'a> {
    name: &'a str,
    kind: FileKind,
    file: FileId,
    bytes: &'a [u8],
}

impl Parser<'_> {
    fn parse(&self, mapping: &Buffer) -> Result<Container, SegmentError> {
        let length = self.bytes.len();
        let trailer_offset = length.checked_sub(TRAILER).filter(|offset| *offset >= HEADER + FOOTER_HEAD);
        let Some(trailer_offset) = trailer_offset else {
            return Err(self.corrupt(0, "the file is too short"));
        };
        let (before, trailer) = self.bytes.split_at(trailer_offset);
        if trailer[56..] != TRAILER_MAGIC || u64_at(trailer, 48) != length as u64 {
            return Err(self.corrupt(trailer_offset, "the file does not end as it should"));
        }
        let footer_length = u32_at(trailer, 40) as usize;
        let footer_offset = usize::try_from(u64_at(trailer, 32)).unwrap_or(usize::MAX);
        if footer_offset.checked_add(footer_length) != Some(trailer_offset) || footer_offset < HEADER {
            return Err(self.corrupt(trailer_offset, "the footer is not where it should be"));
        }
        let footer = &before[footer_offset..];
        if crc32c::crc32c_append(SEED, footer) != u32_at(trailer, 44) {
            return Err(self.corrupt(footer_offset, "the checksum of the footer fails"));
        }
        self.check_header(&before[..HEADER])?;
        let mut hash = [0; 32];
        hash.copy_from_slice(&trailer[..32]);
        self.parse_footer(mapping, footer_offset, footer, hash)
    }

    fn corrupt(&self, offset: usize, reason: &str) -> SegmentError {
        corrupt(self.name, offset, reason)
    }

    fn unknown(&self, reason: String) -> SegmentError {
        SegmentError::Unknown { file: self.name.to_owned(), reason }
    }

    fn check_header(&self, header: &[u8]) -> Result<(), SegmentError> {
        if header[..8] != HEADER_MAGIC
            || crc32c::crc32c_append(SEED, &header[..HEADER - 4]) != u32_at(header, HEADER - 4)
        {
            return Err(self.corrupt(0, "the checksum of the header fails"));
        }
        if u32_at(header, 8) != VERSION {
            return Err(self.unknown(format!("version {}", u32_at(header, 8))));
        }
        if u32_at(header, 12) != self.kind as u32 || u64_at(header, 16) != self.file.0 {
            return Err(self.corrupt(0, "the file is another one than its name says"));
        }
        Ok(())
    }

    fn parse_footer(
        &self,
        mapping: &Buffer,
        footer_offset: usize,
        footer: &[u8],
        hash: [u8; 32],
    ) -> Result<Container, SegmentError> {
        let broken = || self.corrupt(footer_offset, "the footer does not add up");
        if footer.len() < FOOTER_HEAD || footer[..8] != FOOTER_MAGIC {
            return Err(broken());
        }
        if u32_at(footer, 8) != VERSION {
            return Err(self.unknown(format!("version {}", u32_at(footer, 8))));
        }
        if u32_at(footer, 12) != self.kind as u32 || u64_at(footer, 16) != self.file.0 {
            return Err(broken());
        }
        let column_count = u32_at(footer, 40) as usize;
        let section_count = u32_at(footer, 44) as usize;
        let blocks = footer_offset.div_ceil(BLOCK);
        let sections_start = FOOTER_HEAD + column_count * 8;
        let checksums_start = sections_start + section_count * 32;
        if checksums_start + blocks * 4 != footer.len() {
            return Err(broken());
        }
        let mut columns = Vec::with_capacity(column_count);
        for entry in footer[FOOTER_HEAD..sections_start].chunks_exact(8) {
            let tag = u32_at(entry, 4);
            let physical_type = u8::try_from(tag).ok().and_then(PhysicalType::from_tag);
            let physical_type = physical_type.ok_or_else(|| self.unknown(format!("physical type {tag}")))?;
            columns.push((ColumnId(u32_at(entry, 0)), physical_type));
        }
        let mut sections = Vec::with_capacity(section_count);
        for entry in footer[sections_start..checksums_start].chunks_exact(32) {
            let offset = usize::try_from(u64_at(entry, 16)).map_err(|_| broken())?;
            let length = usize::try_from(u64_at(entry, 24)).map_err(|_| broken())?;
            let end = offset.checked_add(length).ok_or_else(broken)?;
            if offset % ALIGNMENT != 0 || end > footer_offset {
                return Err(broken());
            }
            sections.push(Section {
                tag: u32_at(entry, 0),
                column: u32_at(entry, 4),
                detail: u64_at(entry, 8),
                offset,
                buffer: mapping.slice_with_length(offset, length),
            });
        }
        Ok(Container {
            name: self.name.to_owned(),
            file: self.file,
            rows: usize::try_from(u64_at(footer, 24)).map_err(|_| broken())?,
            number: u64_at(footer, 32),
            columns,
            hash,
            sections,
            mapping: mapping.clone(),
            footer_offset,
            checksums_offset: footer_offset + checksums_start,
            verified: (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        })
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
