//! The world outside, as the engine sees it: a disk, a clock, randomness.
//!
//! Everything the engine does to a disk goes through [`Disk`] and [`File`], so that a seeded simulator can stand in
//! for the operating system and lose exactly what a power cut may lose. The rules that callers build on:
//!
//! - The data directory is flat: a name is one path component, made by the engine, never by a client.
//! - A write is durable only after [`File::sync_data`] has returned `Ok`; a creation, rename or removal only after
//!   [`Disk::sync_directory`]. What was not synced may survive a crash in any part and in any order.
//! - A `sync_data` that failed says nothing about what is on the disk, and a second, successful one does not either.
//! - [`File::read_direct`] reads what is on the device, not what a page cache remembers; `read_at` may read either.
//! - Only sealed files, never written again, are mapped.

use std::{fmt, io, sync::Arc};

use arrow_buffer::Buffer;

mod direct;
mod extent;
mod map;
pub mod os;
pub(crate) mod reserve;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub(crate) mod system;

pub(crate) use extent::PAGE;
pub use extent::{Extent, Unnamed};

/// A data directory.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates a file, empty, open for reading and writing. `AlreadyExists` if the name is taken.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;
    /// Gives a file another name, replacing a file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name. Open files and mappings of it stay readable.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes every creation, rename and removal so far durable.
    fn sync_directory(&self) -> io::Result<()>;
    /// The names of all files, in ascending order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Maps a sealed file for reading. The buffer starts on a 64-byte boundary and keeps the mapping alive.
    fn map(&self, name: &str) -> io::Result<Buffer>;
    /// A file without a name, for the process itself.
    fn unnamed(&self) -> io::Result<Unnamed>;
    /// Room on the device.
    fn space(&self) -> io::Result<Space>;
    /// What a test has switched off or broken, to see that it is noticed.
    #[cfg(any(test, feature = "simulation"))]
    fn faults(&self) -> simulation::Faults {
        simulation::Faults::default()
    }
}

/// Whether a test has planted this fault on the disk. A server cannot: without the simulation it is `false`.
macro_rules! planted {
    ($disk:expr, $fault:ident) => {{
        #[cfg(any(test, feature = "simulation"))]
        let is_planted = $disk.faults().$fault;
        #[cfg(not(any(test, feature = "simulation")))]
        let is_planted = {
            let _ = &$disk;
            false
        };
        is_planted
    }};
}
pub(crate) use planted;

/// Whether a test has switched checksums off.
pub(crate) fn checksums_are_skipped(disk: &dyn Disk) -> bool {
    planted!(disk, skip_checksums)
}

/// Whether a test has switched syncing before the acknowledgement off.
pub(crate) fn log_sync_is_skipped(disk: &dyn Disk) -> bool {
    planted!(disk, acknowledge_before_sync)
}

/// One open file. Offsets are explicit, so one file serves several threads.
pub trait File: Send + Sync + fmt::Debug {
    /// The length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Fills `buffer` from `offset`; `UnexpectedEof` if the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// As [`File::read_at`], from the device and past the page cache where the system can do that.
    fn read_direct(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`, growing the file where needed.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Gives the file this length, all zero, with its blocks allocated *and written*: a later write into it and its
    /// sync need no change to the file system's own structures. Needs [`File::sync_data`] after it.
    fn preallocate(&self, length: u64) -> io::Result<()>;
    /// As [`File::preallocate`], with blocks that need not have been written.
    fn allocate(&self, length: u64) -> io::Result<()>;
    /// Makes every write so far durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// Room on the device that holds the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that may still be written.
    pub available: u64,
    /// Bytes in all.
    pub total: u64,
}

/// The wall clock, which may jump, and a steady one, which may not.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Microseconds since 2000-01-01 00:00:00 UTC by the wall clock.
    fn now_micros(&self) -> i64;
    /// Microseconds since some fixed moment of this process; never goes back.
    fn steady_micros(&self) -> u64;
}

/// Randomness: epochs and checksum seeds of the log, instance ids.
pub trait Random: Send + Sync + fmt::Debug {
    /// Sixty-four random bits.
    fn next_u64(&self) -> u64;
}

/// Everything outside that a database uses.
#[derive(Clone, Debug)]
pub struct Environment {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// Reads a whole file past the page cache.
pub fn read_whole(file: &dyn File) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    file.read_direct(&mut bytes, 0)?;
    Ok(bytes)
}

/// Writes a small file so that after a crash either the old or the new content stands under `name`:
/// a temporary file, synced, renamed, directory synced. An error of kind `StorageFull` means that nothing has changed;
/// after any other it is unknown which of the two a restart will find.
pub fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{name}.tmp");
    remove_if_there(disk, &temporary)?;
    let file = disk.create(&temporary)?;
    file.write_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&temporary, name).and_then(|()| disk.sync_directory()).map_err(io::Error::other)
}

/// Removes a file that may not exist.
pub fn remove_if_there(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
