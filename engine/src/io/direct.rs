//! Reading past the page cache.
//!
//! A page cache may hold what the device does not: after a failed sync Linux marks the pages clean, and reads them
//! back as if they had been written. `O_DIRECT` reads see the device. It wants offset, length and memory aligned to
//! the device's block, so a read goes through an aligned buffer of its own. File systems without `O_DIRECT` (tmpfs)
//! have no device below; there the ordinary read is the truth.

use std::{
    fs, io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, OpenOptionsExt},
    },
};

/// Alignment that every device in use accepts.
const BLOCK: usize = 4096;
/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Opens an open file again for direct reads; `None` where the file system has none.
pub(super) fn open(file: &fs::File) -> io::Result<Option<fs::File>> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    match fs::OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fills `buffer` from `offset` of a file opened by [`open`].
pub(super) fn read(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut aligned = AlignedBuffer::new(CHUNK.min(buffer.len().next_multiple_of(BLOCK) + BLOCK));
    let mut done = 0;
    while done < buffer.len() {
        let position = offset + done as u64;
        let start = position - position % BLOCK as u64;
        let skip = (position - start) as usize;
        let chunk = aligned.bytes();
        let count = read_some(file, chunk, start)?;
        if count <= skip {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let take = (count - skip).min(buffer.len() - done);
        buffer[done..done + take].copy_from_slice(&chunk[skip..skip + take]);
        done += take;
    }
    Ok(())
}

/// Reads once, again after an interrupt.
fn read_some(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Memory that starts on a block boundary.
struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    fn new(length: usize) -> AlignedBuffer {
        let length = length.next_multiple_of(BLOCK);
        let memory = vec![0; length + BLOCK];
        let start = memory.as_ptr().align_offset(BLOCK);
        AlignedBuffer { memory, start, length }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}
