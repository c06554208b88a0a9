//! Writing a file of the container: see `super` for the bytes.

use std::io;

use super::{
    ALIGNMENT, BLOCK, FOOTER_MAGIC, HEADER, HEADER_MAGIC, NewFile, SEED, TRAILER, TRAILER_MAGIC, VERSION,
    block_seed,
};
use crate::{
    ids::FileId,
    io::{Disk, File, remove_if_there},
    segment::{SegmentError, Written},
};

/// Bytes handed to the disk at once. Linux keeps in one piece of its page cache what was written by one call: from 2 MiB on a
/// mapping then takes one entry of the processor's tables for each 2 MiB (ext4 since 6.16, xfs before), and reads here and
/// there wait far less for those (`docs/decisions/2026-11-21-segments.md`).
const WRITE_BYTES: usize = 64 * BLOCK;

/// Writes a file, durable on return.
pub(in crate::segment) fn write(disk: &dyn Disk, new: &NewFile<'_>) -> Result<Written, SegmentError> {
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
    let mut buffer = vec![0; WRITE_BYTES.min(footer_offset as usize)];
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
