//! A stretch of the log outside the database that writes it: copied into a backup, read there, cut off at a moment,
//! and put down as the log of a restored database.
//!
//! The files of a backup are those of the log as they were, cut behind the last batch that the backup covers. A
//! restored log is the same files with the instance of the new database in their headers, cut behind the last batch
//! that is wanted and filled up with zeros to their full length. Batches are taken over byte for byte: their epoch,
//! seed and positions stay, so nothing is checked less than in the log they come from.
//!
//! Failure: bytes that are no intact batch before the end of the stretch are damage, named by file and offset. There
//! is no torn tail in a backup.

use std::sync::Arc;

use super::{
    LogError, Lsn,
    format::{self, FILE_HEADER, FileHeader},
    recovery::{list, read_header},
    scan,
};
use crate::io::{Disk, File, read_whole};

/// A file of the log and where its batches end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub number: u64,
    pub end: Lsn,
}

impl Piece {
    pub fn name(&self) -> String {
        format::file_name(self.number)
    }

    /// Opens the file and answers how many of its bytes belong to the stretch.
    pub fn open(&self, disk: &dyn Disk) -> Result<(Arc<dyn File>, u64), LogError> {
        let name = self.name();
        let file = disk.open(&name).map_err(|source| LogError::io(&name, source))?;
        match read_header(&name, self.number, &*file)? {
            Some((header, _)) => Ok((file, header.offset_of(self.end))),
            None => Err(LogError::corrupt(&name, 0, "its header is not intact")),
        }
    }
}

/// A file of a stretch, read and found intact.
pub(crate) struct Part {
    name: String,
    header: FileHeader,
    bytes: Vec<u8>,
    /// Where those of its batches end that are wanted.
    end: Lsn,
    is_first: bool,
}

/// Asked about each batch: its records, in order. Says whether it belongs to what is wanted.
pub(crate) type Wanted<'a> = dyn FnMut(&[&[u8]]) -> Result<bool, crate::Error> + 'a;

/// Given each file with wanted batches, oldest first.
pub(crate) type Take<'a> = dyn FnMut(&Part) -> Result<(), LogError> + 'a;

/// Reads the log files of a directory, which hold everything from `from` to `end` and nothing behind it, one at a time,
/// up to the first batch that is not wanted. Answers where that begins: `end` if all are wanted.
pub(crate) fn read(
    disk: &dyn Disk,
    instance: [u8; 16],
    (from, end): (Lsn, Lsn),
    wanted: &mut Wanted<'_>,
    take: &mut Take<'_>,
) -> Result<Lsn, LogError> {
    let headers = headers(disk, instance)?;
    let missing = |number: u64, reason: &str| LogError::Missing {
        file: format::file_name(number),
        reason: reason.to_owned(),
    };
    let Some((_, first, _)) = headers.first() else { return Err(missing(1, "there is no log file")) };
    if first.first > from.max(format::FIRST_LSN) {
        return Err(missing(first.number.saturating_sub(1), "no log file holds the checkpoint"));
    }
    let mut reached = first.first;
    for (index, (name, header, file)) in headers.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| headers.get(before));
        if header.first != reached || before.is_some_and(|(_, before, _)| before.number + 1 != header.number)
        {
            return Err(missing(header.number, "it does not continue the file before it"));
        }
        let limit = headers.get(index + 1).map_or(end, |(_, next, _)| next.first);
        let bytes = read_whole(&**file).map_err(|source| LogError::io(name, source))?;
        let scan = scan::scan(header, &bytes, Some(limit), false);
        if let Some(reason) = scan.stopped {
            return Err(LogError::corrupt(name, header.offset_of(scan.end), reason));
        }
        let mut cut = scan.end;
        for batch in scan.batches.iter().filter(|batch| batch.end() > from) {
            let damaged = |reason: &str| LogError::corrupt(name, batch.offset as u64, reason);
            let records = batch.records(&bytes).ok_or_else(|| damaged("its records do not add up"))?;
            if !wanted(&records).map_err(|error| damaged(&error.to_string()))? {
                cut = batch.header.lsn;
                break;
            }
        }
        reached = cut;
        take(&Part { name: name.clone(), header: *header, bytes, end: cut, is_first: index == 0 })?;
        if cut < scan.end {
            return Ok(reached);
        }
    }
    if reached != end {
        return Err(missing(headers.len() as u64, "the log ends before the backup does"));
    }
    Ok(reached)
}

type Opened = (String, FileHeader, Arc<dyn File>);

fn headers(disk: &dyn Disk, instance: [u8; 16]) -> Result<Vec<Opened>, LogError> {
    let mut headers = Vec::new();
    for name in list(disk)? {
        let Some(number) = format::file_number(&name) else { continue };
        let file = disk.open(&name).map_err(|source| LogError::io(&name, source))?;
        match read_header(&name, number, &*file)? {
            Some((header, None)) if header.instance == instance => headers.push((name, header, file)),
            Some((_, None)) => return Err(LogError::corrupt(&name, 0, "it belongs to another database")),
            Some((_, Some(offset))) => {
                return Err(LogError::corrupt(&name, offset, "a header copy fails its checksum"));
            }
            None => return Err(LogError::corrupt(&name, 0, "its header is not intact")),
        }
    }
    Ok(headers)
}

impl Part {
    /// Writes the file as one of the log of another database, durable but for its name, which the caller syncs.
    pub fn write(&self, disk: &dyn Disk, instance: [u8; 16]) -> Result<(), LogError> {
        let length = self.header.offset_of(self.end);
        // A file in which nothing is left is not begun: the one before goes on.
        if length == FILE_HEADER && !self.is_first {
            return Ok(());
        }
        let mut bytes = FileHeader { instance, ..self.header }.encode();
        bytes.extend_from_slice(self.bytes.get(FILE_HEADER as usize..length as usize).unwrap_or_default());
        let write = || {
            let file = disk.create(&self.name)?;
            file.preallocate(self.header.length.max(length))?;
            file.write_at(&bytes, 0)?;
            file.sync_data()
        };
        write().map_err(|source| LogError::of_space(&self.name, source))
    }
}
