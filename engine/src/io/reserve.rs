//! Room kept back, so that a database can be opened on a full disk.
//!
//! Opening writes: a generation of the manifest, a file of the log. On a disk that ran full while serving, the file
//! `reserve` is given up for that; it is made again when there is room. Its content means nothing.

use std::io;

use super::{Disk, remove_if_there};

const NAME: &str = "reserve";

/// Makes the reserve, if it is not there or a crash has left a part of it. A disk without room for it is no error.
pub(crate) fn keep(disk: &dyn Disk, bytes: u64) -> io::Result<()> {
    match disk.open(NAME).and_then(|file| file.length()) {
        Ok(length) if length >= bytes => return Ok(()),
        Ok(_) => disk.remove(NAME)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if disk.space()?.available < bytes.saturating_mul(2) {
        return Ok(());
    }
    let file = disk.create(NAME)?;
    match file.preallocate(bytes).and_then(|()| file.sync_data()) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => remove_if_there(disk, NAME),
        other => other,
    }
}

/// Gives the reserve up. False if there is none.
pub(crate) fn release(disk: &dyn Disk) -> io::Result<bool> {
    if !disk.list()?.iter().any(|name| name == NAME) {
        return Ok(false);
    }
    disk.remove(NAME)?;
    // Room is free for good only once the removal is durable.
    disk.sync_directory()?;
    Ok(true)
}
