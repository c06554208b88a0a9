//! System calls that the standard library lacks: `fallocate`, `statfs` and `setpriority`. One of the files of `io` with
//! unsafe code.

use std::{ffi::CString, fs, io, mem::MaybeUninit, os::fd::AsRawFd, os::unix::ffi::OsStrExt, path::Path};

use super::Space;

/// Reserves blocks for the first `length` bytes of a file and gives it that length. File systems that cannot reserve
/// answer `Ok`: the zero fill that follows reserves too.
pub(super) fn reserve(file: &fs::File, length: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    loop {
        // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is passed.
        let result = unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EOPNOTSUPP | libc::ENOSYS) => return Ok(()),
            _ => return Err(error),
        }
    }
}

/// What the system says of the file system that holds `path`.
pub(super) struct FileSystem {
    /// The magic number of its kind.
    pub kind: u64,
    pub space: Space,
}

/// Asks for the file system of a path.
pub(super) fn file_system(path: &Path) -> io::Result<FileSystem> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    let mut answer = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `name` is a terminated string and `answer` is valid for a write of its type.
    let result = unsafe { libc::statfs(name.as_ptr(), answer.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all-zero is a valid `statfs`, and the call has succeeded.
    let answer = unsafe { answer.assume_init() };
    let block = u64::try_from(answer.f_bsize).unwrap_or(0);
    Ok(FileSystem {
        kind: answer.f_type as u64 & 0xFFFF_FFFF,
        space: Space {
            available: answer.f_bavail.saturating_mul(block),
            total: answer.f_blocks.saturating_mul(block),
        },
    })
}

/// Has this thread, and those that it starts from now on, step back where others want the processor (`nice`); for good, as
/// only the privileged may take it back. Linux keeps that by thread.
pub(crate) fn step_back(nice: i32) -> io::Result<()> {
    // SAFETY: zero names the calling thread; no memory is passed.
    match unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
