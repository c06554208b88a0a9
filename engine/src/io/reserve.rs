//! Room kept back, so that a database can be opened on a full disk, and can be helped while it is served from one.
//!
//! Opening writes: a generation of the manifest, a file of the log. On a disk that ran full while serving, the file
//! `reserve` is given up for that. What frees room has to be logged, too: for that `reserve.serving` is given up (see
//! `crate::room`). Both are made again when there is room. Their content means nothing.

use std::io;

use super::{Disk, remove_if_there};

/// Given up for a start.
pub(crate) const START: &str = "reserve";
/// Given up while serving.
pub(crate) const SERVING: &str = "reserve.serving";

/// Makes a reserve, if it is not there or a crash has left a part of it. A disk without room for it is no error.
pub(crate) fn keep(disk: &dyn Disk, name: &str, bytes: u64) -> io::Result<()> {
    match disk.open(name).and_then(|file| file.length()) {
        Ok(length) if length >= bytes => return Ok(()),
        Ok(_) => disk.remove(name)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if disk.space()?.available < bytes.saturating_mul(2) {
        return Ok(());
    }
    let file = disk.create(name)?;
    match file.preallocate(bytes).and_then(|()| file.sync_data()) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => remove_if_there(disk, name),
        other => other,
    }
}

/// Gives up the room kept back for a start; failing that, what was kept back for serving.
pub(crate) fn release_any(disk: &dyn Disk) -> io::Result<bool> {
    Ok(release(disk, START)? || release(disk, SERVING)?)
}

/// Gives a reserve up. False if there is none.
pub(crate) fn release(disk: &dyn Disk, name: &str) -> io::Result<bool> {
    if !disk.list()?.iter().any(|listed| listed == name) {
        return Ok(false);
    }
    disk.remove(name)?;
    // Room is free for good only once the removal is durable.
    disk.sync_directory()?;
    Ok(true)
}
