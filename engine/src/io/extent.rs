//! Extents: room on the disk for what a process holds for itself, mapped. One of the files of `io` with unsafe code.
//!
//! They lie in files without a name. Nothing in them outlives the process: whoever needs durability writes files with
//! names. What stands in an extent is no anonymous memory: the system may write it out and read it back when others need
//! the memory. The room is given back when file and extents are dropped, or the process ends, however that ends.
//!
//! There are two kinds. One is zero at first and shared with its file: whatever is written there can be written out. The
//! other is written at once, by a call and not page by page, and then mapped privately: pages that are changed
//! afterwards, which are few, are memory of the process.
//!
//! The mappings are sound because nobody else can open a file without a name. Blocks are allocated, or written, before
//! a mapping is made, so that a disk that gets full refuses an extent and never a page of one.

use std::{
    fs, io,
    os::{fd::AsRawFd, unix::fs::FileExt},
    ptr::NonNull,
};

use memmap2::{MmapMut, MmapOptions};

/// Bytes of a page: extents begin at one.
pub(crate) const PAGE: usize = 4096;

/// A file without a name, open for reading and writing.
#[derive(Debug)]
pub struct Unnamed {
    file: fs::File,
}

/// A part of such a file, mapped. It starts at a page.
#[derive(Debug)]
pub struct Extent {
    mapping: MmapMut,
}

impl Unnamed {
    pub(super) fn new(file: fs::File) -> Unnamed {
        Unnamed { file }
    }

    /// The whole of a file that was empty: so many bytes, zero, shared with the file.
    pub fn whole(self, bytes: usize) -> io::Result<Extent> {
        let length = libc::off_t::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: a call on an open file descriptor, with numbers alone.
        match unsafe { libc::posix_fallocate(self.file.as_raw_fd(), 0, length) } {
            0 => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
        // SAFETY: the file has no name, and this was its only descriptor: nobody else changes it or cuts it.
        Ok(Extent { mapping: unsafe { MmapMut::map_mut(&self.file)? } })
    }

    /// Writes bytes at a place, which is a multiple of [`PAGE`] and behind everything written before, and maps them.
    pub fn part(&self, bytes: &[u8], place: u64) -> io::Result<Extent> {
        self.file.write_all_at(bytes, place)?;
        // SAFETY: the file has no name, is never cut, and what was written of it is never written again.
        Ok(Extent {
            mapping: unsafe { MmapOptions::new().offset(place).len(bytes.len()).map_copy(&self.file)? },
        })
    }
}

impl Extent {
    /// The first byte. Valid for [`Extent::bytes`] bytes for as long as the extent lives; moving the extent does not move
    /// it.
    pub(crate) fn start(&self) -> NonNull<u8> {
        // What is read and written there is settled by who hands out the parts.
        NonNull::new(self.mapping.as_ptr().cast_mut()).unwrap_or(NonNull::dangling())
    }

    /// The length.
    pub fn bytes(&self) -> usize {
        self.mapping.len()
    }
}

/// A file in memory: for a disk that is none.
#[cfg(any(test, feature = "simulation"))]
pub(super) fn in_memory() -> io::Result<Unnamed> {
    use std::os::fd::FromRawFd;
    // SAFETY: the name is a constant that ends with a zero.
    let descriptor = unsafe { libc::memfd_create(c"extent".as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was made just now, and nobody else has it.
    Ok(Unnamed::new(unsafe { fs::File::from_raw_fd(descriptor) }))
}
