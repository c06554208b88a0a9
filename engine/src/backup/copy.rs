//! Files from one directory to another, hashed on the way, and read back past the page cache.

use super::inventory::Kept;
use super::{BackupError, Stop};
use crate::io::{Disk, File, planted};

/// Bytes read and written at once.
const CHUNK: usize = 1 << 20;
/// Bytes that a planted fault takes for the last write to a file.
const LAST_WRITE: usize = 64;

/// Copies the first `bytes` of an open file, durable but for its name, which the caller syncs.
pub(super) fn copy(
    source: &dyn File,
    name: &str,
    bytes: u64,
    target: &dyn Disk,
    stop: Stop<'_>,
) -> Result<Kept, BackupError> {
    let new = target.create(name).map_err(|error| BackupError::target(name, error))?;
    new.allocate(bytes).map_err(|error| BackupError::target(name, error))?;
    let mut hasher = blake3::Hasher::new();
    walk(bytes, stop, &mut |chunk, offset| {
        source.read_at(chunk, offset).map_err(|error| BackupError::source(name, error))?;
        if planted!(target, copy_before_last_write) && offset + chunk.len() as u64 == bytes {
            let unwritten = chunk.len().saturating_sub(LAST_WRITE);
            chunk.get_mut(unwritten..).unwrap_or_default().fill(0);
        }
        hasher.update(chunk);
        new.write_at(chunk, offset).map_err(|error| BackupError::target(name, error))
    })?;
    new.sync_data().map_err(|error| BackupError::target(name, error))?;
    Ok(Kept { name: name.to_owned(), bytes, hash: *hasher.finalize().as_bytes() })
}

/// Reads a file of a backup from the device and compares it with what the list says.
pub(super) fn check(disk: &dyn Disk, kept: &Kept, stop: Stop<'_>) -> Result<(), BackupError> {
    let damaged = |reason: String| BackupError::Damaged { file: kept.name.clone(), reason };
    let file = match disk.open(&kept.name) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(damaged("it is missing".into()));
        }
        Err(error) => return Err(BackupError::source(&kept.name, error)),
    };
    let length = file.length().map_err(|error| BackupError::source(&kept.name, error))?;
    if length != kept.bytes {
        return Err(damaged(format!("it has {length} bytes instead of {}", kept.bytes)));
    }
    let mut hasher = blake3::Hasher::new();
    walk(length, stop, &mut |chunk, offset| {
        file.read_direct(chunk, offset).map_err(|error| BackupError::source(&kept.name, error))?;
        hasher.update(chunk);
        Ok(())
    })?;
    if planted!(disk, skip_backup_hashes) || *hasher.finalize().as_bytes() == kept.hash {
        Ok(())
    } else {
        Err(damaged("its hash is not the one that the backup names".into()))
    }
}

/// Goes over `length` bytes, chunk by chunk.
fn walk(
    length: u64,
    stop: Stop<'_>,
    work: &mut dyn FnMut(&mut [u8], u64) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut buffer = vec![0; CHUNK.min(usize::try_from(length).unwrap_or(CHUNK))];
    let mut offset = 0;
    while offset < length {
        if stop() {
            return Err(BackupError::Stopped);
        }
        let count = (length - offset).min(CHUNK as u64);
        let chunk = buffer.get_mut(..count as usize).unwrap_or_default();
        work(chunk, offset)?;
        offset += count;
    }
    Ok(())
}
