//! The real disk, clock and randomness.
//!
//! Opening a data directory takes an exclusive lock on the file `strata.lock` in it, which holds the process id and
//! the boot id of the holder, so that the refusal of a second server can name the first. The lock is the system's
//! (`flock`): it ends with the process, however that ends. Network file systems are refused, because their locks and
//! syncs promise less.

use std::{
    fs, io,
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use arrow_buffer::Buffer;

use super::{Clock, Disk, Environment, File, Random, Space, Unnamed, direct, map, system};

/// The name of the lock file.
const LOCK_FILE: &str = "strata.lock";
/// Bytes written at once by a zero fill.
const ZERO_CHUNK: usize = 1 << 20;
/// Seconds from 1970 to 2000.
const EPOCH_2000_SECONDS: i64 = 946_684_800;

/// File systems whose locks or syncs do not hold what a database needs: NFS, SMB, CIFS, SMB2, 9P, Ceph, AFS.
const NETWORK_FILE_SYSTEMS: [(u64, &str); 7] = [
    (0x6969, "nfs"),
    (0x517B, "smb"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "ceph"),
    (0x5346_414F, "afs"),
];

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("data directory \"{path}\": {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("data directory \"{path}\" is in use by another server ({holder})")]
    InUse { path: PathBuf, holder: String },
    #[error(
        "data directory \"{path}\" is on a network file system ({kind}), which is not safe for a database"
    )]
    NetworkFileSystem { path: PathBuf, kind: &'static str },
}

/// A directory of the real file system, locked for this process.
#[derive(Debug)]
pub struct OsDisk {
    path: PathBuf,
    directory: fs::File,
    /// Held for as long as the directory is a server's.
    _lock: Option<fs::File>,
    is_writable: bool,
}

impl OsDisk {
    /// Opens a data directory, making it (mode 0700) if it does not exist, and locks it.
    pub fn open(path: &Path) -> Result<OsDisk, DirectoryError> {
        let io = |source| DirectoryError::Io { path: path.to_path_buf(), source };
        make(path).map_err(io)?;
        let kind = system::file_system(path).map_err(io)?.kind;
        if let Some((_, kind)) = NETWORK_FILE_SYSTEMS.into_iter().find(|(number, _)| *number == kind) {
            return Err(DirectoryError::NetworkFileSystem { path: path.to_path_buf(), kind });
        }
        let lock = lock(path)?;
        let directory = fs::File::open(path).map_err(io)?;
        Ok(OsDisk { path: path.to_path_buf(), directory, _lock: Some(lock), is_writable: true })
    }

    /// Opens the directory that a backup is written to, making it (mode 0700) if it does not exist.
    pub fn target(path: &Path) -> Result<OsDisk, DirectoryError> {
        make(path).map_err(|source| DirectoryError::Io { path: path.to_path_buf(), source })?;
        OsDisk::plain(path, true)
    }

    /// Opens a directory that no server uses, without a lock: one that a backup is written to, or read from.
    pub fn plain(path: &Path, is_writable: bool) -> Result<OsDisk, DirectoryError> {
        let directory =
            fs::File::open(path).map_err(|source| DirectoryError::Io { path: path.to_path_buf(), source })?;
        Ok(OsDisk { path: path.to_path_buf(), directory, _lock: None, is_writable })
    }

    /// The real disk at `path` with the real clock and randomness.
    pub fn environment(path: &Path) -> Result<Environment, DirectoryError> {
        Ok(Environment {
            disk: Arc::new(OsDisk::open(path)?),
            clock: Arc::new(OsClock::new()),
            random: Arc::new(OsRandom),
        })
    }

    fn path_of(&self, name: &str) -> io::Result<PathBuf> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file name of the data directory"));
        }
        Ok(self.path.join(name))
    }
}

/// Makes a directory, durably, if it does not exist.
fn make(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

/// Takes the lock and writes who holds it.
fn lock(path: &Path) -> Result<fs::File, DirectoryError> {
    let io = |source| DirectoryError::Io { path: path.to_path_buf(), source };
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.join(LOCK_FILE))
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Whoever holds the lock may be writing this very line; an unreadable one is shown as it is.
            let _ = file.read_to_string(&mut holder);
            return Err(DirectoryError::InUse { path: path.to_path_buf(), holder: holder.trim().to_owned() });
        }
        Err(fs::TryLockError::Error(error)) => return Err(io(error)),
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "process {}, boot {}", std::process::id(), boot.trim()).map_err(io)?;
    Ok(file)
}

impl Disk for OsDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.path_of(name)?;
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Arc::new(OsFile::new(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.path_of(name)?;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(self.is_writable).custom_flags(libc::O_NOFOLLOW);
        let file = options.open(path)?;
        Ok(Arc::new(OsFile::new(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path_of(from)?, self.path_of(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path_of(name)?)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn map(&self, name: &str) -> io::Result<Buffer> {
        let path = self.path_of(name)?;
        map::map(&fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?)
    }

    fn unnamed(&self) -> io::Result<Unnamed> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE);
        options.open(&self.path).map(Unnamed::new)
    }

    fn space(&self) -> io::Result<Space> {
        Ok(system::file_system(&self.path)?.space)
    }
}

/// An open file. It is opened a second time, for direct reads, when first read so: through its descriptor, because
/// its name may have changed since.
#[derive(Debug)]
struct OsFile {
    file: fs::File,
    direct: OnceLock<Option<fs::File>>,
}

impl OsFile {
    fn new(file: fs::File) -> OsFile {
        OsFile { file, direct: OnceLock::new() }
    }
}

impl File for OsFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn read_direct(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if self.direct.get().is_none() {
            let opened = direct::open(&self.file)?;
            // Two first readers at once open it twice; one of the two stays.
            let _ = self.direct.set(opened);
        }
        match self.direct.get() {
            Some(Some(file)) => match direct::read(file, buffer, offset) {
                // Some file systems take the flag and refuse the read.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => self.read_at(buffer, offset),
                other => other,
            },
            _ => self.read_at(buffer, offset),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        system::reserve(&self.file, length)?;
        self.file.set_len(length)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        system::reserve(&self.file, length)?;
        let zeros = vec![0; ZERO_CHUNK];
        let mut offset = 0;
        while offset < length {
            let count = (length - offset).min(ZERO_CHUNK as u64);
            self.file.write_all_at(&zeros[..count as usize], offset)?;
            offset += count;
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The system's clocks.
#[derive(Debug)]
pub struct OsClock {
    start: Instant,
}

impl OsClock {
    pub fn new() -> OsClock {
        OsClock { start: Instant::now() }
    }
}

impl Default for OsClock {
    fn default() -> OsClock {
        OsClock::new()
    }
}

impl Clock for OsClock {
    fn now_micros(&self) -> i64 {
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        since_1970.saturating_sub(EPOCH_2000_SECONDS * 1_000_000)
    }

    fn steady_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn next_u64(&self) -> u64 {
        // The system call cannot fail on any kernel with `O_DIRECT`; a log with a guessable seed must not start.
        getrandom::u64().expect("the system gives randomness")
    }
}
