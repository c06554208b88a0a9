//! Read-only mappings of sealed files, as Arrow buffers. One of the two files of `io` with unsafe code.
//!
//! A mapping is sound while nobody changes the file. The engine maps only files that were written under a temporary
//! name, synced and renamed, and that it never opens for writing again; the data directory is locked against other
//! servers. A foreign process that truncates a mapped file kills this one with SIGBUS, which no checksum can stop;
//! recovery then repairs what that did.

use std::{fs, io, ptr::NonNull, sync::Arc};

use arrow_buffer::Buffer;
use memmap2::Mmap;

/// Maps a whole file. An empty file is an empty buffer.
pub(super) fn map(file: &fs::File) -> io::Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::from(Vec::<u8>::new()));
    }
    // SAFETY: the file is sealed: no code of this process writes to it, and the data directory is locked.
    let mapping = unsafe { Mmap::map(file)? };
    let length = mapping.len();
    let Some(start) = NonNull::new(mapping.as_ptr().cast_mut()) else {
        return Err(io::Error::other("a mapping at address zero"));
    };
    // SAFETY: `start` is valid for `length` bytes as long as the mapping lives, the buffer owns the mapping, moving a
    // `Mmap` does not move its memory, and a `Buffer` is never written through.
    Ok(unsafe { Buffer::from_custom_allocation(start, length, Arc::new(mapping)) })
}
