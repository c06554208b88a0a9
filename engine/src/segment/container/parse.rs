//! Opening a file of the container: see `super` for the bytes.

use std::sync::atomic::AtomicU64;

use arrow_buffer::Buffer;

use super::{
    ALIGNMENT, BLOCK, Container, FOOTER_HEAD, FOOTER_MAGIC, HEADER, HEADER_MAGIC, SEED, Section, TRAILER,
    TRAILER_MAGIC, VERSION, corrupt, u32_at, u64_at,
};
use crate::{
    ids::{ColumnId, FileId},
    segment::{FileKind, SegmentError},
    value::PhysicalType,
};

/// Checks everything of a mapped file but its blocks.
pub(super) fn parse(
    name: &str,
    kind: FileKind,
    file: FileId,
    mapping: &Buffer,
) -> Result<Container, SegmentError> {
    Parser { name, kind, file, bytes: mapping }.parse(mapping)
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
            rows: u32::try_from(u64_at(footer, 24)).map_err(|_| broken())? as usize,
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
