//! Opening an existing log.
//!
//! Everything is read past the page cache, because after a failed sync the cache shows what the device does not hold.
//! "Valid" below means: a header copy that is intact and of the file's own number. "The mark" is the furthest position
//! that is proven to have been durable: by the manifest, by a file header, or by the header of an intact batch.
//!
//! The closed table of start-up cases; what is not in it cannot be:
//!
//! | found | answer |
//! |---|---|
//! | no log file, and the manifest knows of none (checkpoint and mark zero) | a new log |
//! | no valid file holds the checkpoint | refused: missing |
//! | a number missing between the checkpoint's file and the last valid one | refused: missing |
//! | a file without a valid header before a valid one | refused: the later header proves the damage |
//! | a file without a valid header behind the last valid one | never used: removed (unless an intact batch in it proves the mark to lie behind its start: refused) |
//! | one of the two header copies damaged | refused if the header is proven durable (it starts an epoch, or the mark passes its first position), else a torn first write: the other copy counts |
//! | a header of another database, or of an unknown version | refused |
//! | a file that is not the last: batches intact up to the first position of the next | read; what follows in the file was superseded |
//! | a file that is not the last: a batch not intact before that | refused: the next file's header proves the damage |
//! | the last file: batches intact, then bytes that are no intact batch, and the mark does not pass them | a torn tail: cut off |
//! | the last file: the same, and the mark passes them | refused, naming file and offset |
//!
//! Intact batches behind the damage prove nothing by themselves, since the sectors of unsynced batches land in any
//! order; only a durable position in such a batch that passes the damage does.
//!
//! Then the batches behind the mark, which a reader may have seen though no sync is known to have covered them, are
//! written into a new file of a new epoch, synced and read back, before anybody is served. The new file's first
//! position cuts off the old file (or the new file replaces the old one, if nothing in that was proven durable). It appears by one rename, so a crash at any step leaves either the old or the new
//! state, and recovery starts over.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Apply, Log, LogError, LogOptions, Lsn, RecoverFrom, RecoveryReport,
    format::{self, BATCH_HEADER, BatchPlace, FILE_HEADER, FileHeader, HEADER_COPY, NoHeader},
    scan::{self, Scan},
    writer::{Current, Old, Position, new_epoch},
};
use crate::io::{Disk, Environment, File, checksums_are_skipped, read_whole};

/// A log file with a valid header.
struct Found {
    name: String,
    header: FileHeader,
    /// Offset of a header copy that is not intact.
    damaged_copy: Option<u64>,
    file: Arc<dyn File>,
}

/// The log files of a directory.
struct Directory {
    /// Valid files, by number.
    valid: Vec<Found>,
    /// Numbers of files without a valid header.
    invalid: Vec<u64>,
}

impl Log {
    /// Opens an existing log: hands out every record from the checkpoint on, makes the tail durable anew, and goes on
    /// behind it in a new epoch. The caller notes the new durable position in the manifest when it next commits one.
    pub fn recover(
        environment: &Environment,
        options: LogOptions,
        from: RecoverFrom,
        apply: &mut Apply<'_>,
    ) -> Result<(Log, RecoveryReport), LogError> {
        let disk = &*environment.disk;
        remove_half_made(disk)?;
        let directory = read_directory(disk, &options)?;
        if directory.valid.is_empty() && directory.invalid.is_empty() && from == RecoverFrom::default() {
            let log = Log::create(environment, options)?;
            let report = RecoveryReport { end: log.end(), ..RecoveryReport::default() };
            return Ok((log, report));
        }
        let start = directory.start(from.checkpoint)?;
        directory.check_between(start)?;
        let mut reader = Reader { disk, from, apply, report: RecoveryReport::default() };
        let last = reader.read(&directory, start)?;
        let position = continue_behind(environment, &options, &directory, last, &mut reader.report)?;
        let report = reader.report;
        let mut log = Log::start(environment.disk.clone(), options, position);
        // The next checkpoint is the second one, whichever life made the first.
        log.released = Some(from.checkpoint);
        Ok((log, report))
    }

    /// Reads an existing log as a start would and changes nothing: hands out every record from the checkpoint on.
    pub(crate) fn check(
        environment: &Environment,
        options: LogOptions,
        from: RecoverFrom,
        apply: &mut Apply<'_>,
    ) -> Result<RecoveryReport, LogError> {
        let disk = &*environment.disk;
        let directory = read_directory(disk, &options)?;
        let mut reader = Reader { disk, from, apply, report: RecoveryReport::default() };
        if !(directory.valid.is_empty() && directory.invalid.is_empty() && from == RecoverFrom::default()) {
            let start = directory.start(from.checkpoint)?;
            directory.check_between(start)?;
            reader.read(&directory, start)?;
        }
        Ok(reader.report)
    }
}

/// Removes files that a crash left half made.
fn remove_half_made(disk: &dyn Disk) -> Result<(), LogError> {
    for name in list(disk)? {
        if let Some(stem) = name.strip_suffix(".tmp")
            && format::file_number(stem).is_some()
        {
            disk.remove(&name).map_err(|source| LogError::io(&name, source))?;
        }
    }
    Ok(())
}

/// Reads the header of every log file.
fn read_directory(disk: &dyn Disk, options: &LogOptions) -> Result<Directory, LogError> {
    let mut directory = Directory { valid: Vec::new(), invalid: Vec::new() };
    for name in list(disk)? {
        let Some(number) = format::file_number(&name) else { continue };
        let file = disk.open(&name).map_err(|source| LogError::io(&name, source))?;
        match read_header(&name, number, &*file)? {
            Some((header, damaged_copy)) => {
                if header.instance != options.instance {
                    return Err(LogError::corrupt(&name, 0, "it belongs to another database"));
                }
                directory.valid.push(Found { name, header, damaged_copy, file });
            }
            None => directory.invalid.push(number),
        }
    }
    Ok(directory)
}

pub(super) fn list(disk: &dyn Disk) -> Result<Vec<String>, LogError> {
    disk.list().map_err(|source| LogError::io("log-*", source))
}

/// The header of a file, and the offset of a copy that is damaged; `None` if neither copy is intact.
pub(super) fn read_header(
    name: &str,
    number: u64,
    file: &dyn File,
) -> Result<Option<(FileHeader, Option<u64>)>, LogError> {
    let length = file.length().map_err(|source| LogError::io(name, source))?;
    // A file that was cut inside its header has the missing bytes as zeros.
    let mut bytes = vec![0; FILE_HEADER as usize];
    let there = length.min(FILE_HEADER) as usize;
    file.read_direct(&mut bytes[..there], 0).map_err(|source| LogError::io(name, source))?;
    let (first, second) = bytes.split_at(HEADER_COPY);
    let version = |version| LogError::corrupt(name, 8, &format!("its version {version} is not known"));
    match (FileHeader::decode(first, number), FileHeader::decode(second, number)) {
        (Err(NoHeader::Version(unknown)), _) | (_, Err(NoHeader::Version(unknown))) => Err(version(unknown)),
        (Ok(first), Ok(second)) if first == second => Ok(Some((first, None))),
        (Ok(_), Ok(_)) => {
            Err(LogError::corrupt(name, HEADER_COPY as u64, "the two copies of its header differ"))
        }
        (Ok(first), Err(NoHeader::Invalid)) => Ok(Some((first, Some(HEADER_COPY as u64)))),
        (Err(NoHeader::Invalid), Ok(second)) => Ok(Some((second, Some(0)))),
        (Err(NoHeader::Invalid), Err(NoHeader::Invalid)) => Ok(None),
    }
}

impl Directory {
    /// The index of the file that holds the checkpoint.
    fn start(&self, checkpoint: Lsn) -> Result<usize, LogError> {
        let missing = |number: u64| LogError::Missing {
            file: format::file_name(number),
            reason: format!("no log file holds the checkpoint at {checkpoint}"),
        };
        let Some(first) = self.valid.first() else { return Err(missing(1)) };
        if checkpoint < format::FIRST_LSN {
            // Nothing was ever checkpointed: the log has to be whole.
            return if first.header.number == 1 { Ok(0) } else { Err(missing(1)) };
        }
        self.valid
            .iter()
            .rposition(|found| found.header.first <= checkpoint)
            .ok_or_else(|| missing(first.header.number.saturating_sub(1)))
    }

    /// Checks that no file is missing or invalid between the start and the last valid file, and that they follow
    /// each other.
    fn check_between(&self, start: usize) -> Result<(), LogError> {
        for pair in self.valid[start..].windows(2) {
            let [before, after] = pair else { continue };
            let expected = before.header.number + 1;
            if after.header.number != expected {
                let file = format::file_name(expected);
                if self.invalid.contains(&expected) {
                    let reason = format!("its header is not intact, but \"{}\" follows it", after.name);
                    return Err(LogError::corrupt(&file, 0, &reason));
                }
                let reason = format!("\"{}\" and \"{}\" exist", before.name, after.name);
                return Err(LogError::Missing { file, reason });
            }
            if after.header.first < before.header.first
                || after.header.epoch.number < before.header.epoch.number
            {
                return Err(LogError::corrupt(&after.name, 0, "it does not continue the file before it"));
            }
        }
        Ok(())
    }

    /// Whether a file's header was durable before its name was: so it is when it starts an epoch.
    fn starts_epoch(&self, index: usize) -> bool {
        match index.checked_sub(1).and_then(|before| self.valid.get(before)) {
            Some(before) => before.header.epoch != self.valid[index].header.epoch,
            None => self.valid[index].header.number == 1,
        }
    }
}

/// The last valid file, read.
struct Last {
    index: usize,
    bytes: Vec<u8>,
    scan: Scan,
    /// Where the part begins that no proof says was durable.
    mark: Lsn,
}

/// Reads files in order and hands out their records.
struct Reader<'a, 'b> {
    disk: &'a dyn Disk,
    from: RecoverFrom,
    apply: &'a mut Apply<'b>,
    report: RecoveryReport,
}

impl Reader<'_, '_> {
    fn read(&mut self, directory: &Directory, start: usize) -> Result<Last, LogError> {
        let trusting = checksums_are_skipped(self.disk);
        let last = directory.valid.len() - 1;
        for index in start..last {
            let found = &directory.valid[index];
            let limit = directory.valid[index + 1].header.first;
            if let Some(offset) = found.damaged_copy
                && (limit > found.header.first || directory.starts_epoch(index))
            {
                return Err(LogError::corrupt(&found.name, offset, "a header copy fails its checksum"));
            }
            let bytes = load(found)?;
            let scan = scan::scan(&found.header, &bytes, Some(limit), trusting);
            if let Some(reason) = scan.stopped {
                let reason = format!("{reason}, but the log goes on in the next file");
                return Err(LogError::corrupt(&found.name, found.header.offset_of(scan.end), &reason));
            }
            self.hand_out(&found.name, &bytes, &scan)?;
        }
        let found = &directory.valid[last];
        let bytes = load(found)?;
        let scan = scan::scan(&found.header, &bytes, None, trusting);
        let mark = self.judge_tail(directory, found, &bytes, &scan)?;
        if let Some(offset) = found.damaged_copy
            && (mark > found.header.first || directory.starts_epoch(last))
        {
            return Err(LogError::corrupt(&found.name, offset, "a header copy fails its checksum"));
        }
        self.hand_out(&found.name, &bytes, &scan)?;
        self.report.end = scan.end;
        self.report.torn_bytes = scan::torn_bytes(&found.header, &bytes, scan.end);
        Ok(Last { index: last, bytes, scan, mark })
    }

    /// Tells a torn tail from damage; answers the mark.
    fn judge_tail(
        &self,
        directory: &Directory,
        found: &Found,
        bytes: &[u8],
        scan: &Scan,
    ) -> Result<Lsn, LogError> {
        let header = &found.header;
        let offset = header.offset_of(scan.end);
        let reason = scan.stopped.unwrap_or("the file ends");
        let refuse =
            |proof: &str| Err(LogError::corrupt(&found.name, offset, &format!("{reason}, but {proof}")));
        let known = self.from.durable.max(self.from.checkpoint);
        if known > scan.end {
            return refuse(&format!("the manifest says that the log was durable up to {known}"));
        }
        if header.durable > scan.end {
            return refuse(&format!(
                "the file's header says that the log was durable up to {}",
                header.durable
            ));
        }
        if let Some(proof) = scan::later_proof(header, bytes, scan.end) {
            return refuse(&format!(
                "the batch at offset {} says that the log was durable up to {}",
                proof.offset, proof.durable
            ));
        }
        let next = header.number + 1;
        if directory.invalid.contains(&next) {
            let name = format::file_name(next);
            let file = self.disk.open(&name).map_err(|source| LogError::io(&name, source))?;
            let bytes = read_whole(&*file).map_err(|source| LogError::io(&name, source))?;
            let imagined = FileHeader { number: next, first: scan.end, ..*header };
            if let Some(proof) = scan::later_proof(&imagined, &bytes, scan.end) {
                let reason = format!(
                    "its header is not intact, but the batch at offset {} says that the log was durable up to {}",
                    proof.offset, proof.durable
                );
                return Err(LogError::corrupt(&name, 0, &reason));
            }
        }
        Ok(known.max(header.durable).max(header.first).max(scan.durable))
    }

    /// Hands out the records of a file that lie behind the checkpoint.
    fn hand_out(&mut self, name: &str, bytes: &[u8], scan: &Scan) -> Result<(), LogError> {
        for batch in &scan.batches {
            if batch.end() <= self.from.checkpoint {
                continue;
            }
            if batch.header.lsn < self.from.checkpoint {
                return Err(LogError::corrupt(
                    name,
                    batch.offset as u64,
                    "the checkpoint lies inside this batch",
                ));
            }
            let records = batch.records(bytes).ok_or_else(|| {
                LogError::corrupt(name, batch.offset as u64, "the records of a batch do not add up")
            })?;
            self.report.batches += 1;
            for record in records {
                (self.apply)(batch.header.lsn, record)
                    .map_err(|source| LogError::Apply { lsn: batch.header.lsn, source })?;
                self.report.records += 1;
            }
        }
        Ok(())
    }
}

/// The bytes of a file, from the device.
fn load(found: &Found) -> Result<Vec<u8>, LogError> {
    read_whole(&*found.file).map_err(|source| LogError::io(&found.name, source))
}

/// Writes the file of the new epoch with the tail in it, and removes what is of no more use.
fn continue_behind(
    environment: &Environment,
    options: &LogOptions,
    directory: &Directory,
    last: Last,
    report: &mut RecoveryReport,
) -> Result<Position, LogError> {
    let disk = &*environment.disk;
    let header = &directory.valid[last.index].header;
    // A file of which nothing is proven durable is replaced: even its header may be in the cache alone, and the log
    // must not come to depend on it.
    let number = if last.mark == header.first { header.number } else { header.number + 1 };
    let tail: Vec<_> = last.scan.batches.iter().filter(|batch| batch.header.lsn >= last.mark).collect();
    let tail_bytes = last.scan.end.0 - last.mark.0;
    let new = FileHeader {
        instance: options.instance,
        number,
        epoch: new_epoch(&*environment.random, header.epoch.number + 1),
        first: last.mark,
        durable: last.scan.end,
        previous: last.scan.checksum_before(last.mark).unwrap_or(header.previous),
        length: options.file_bytes.max(FILE_HEADER + tail_bytes),
    };
    let mut bytes = Vec::with_capacity(usize::try_from(tail_bytes).unwrap_or(0));
    let mut previous = new.previous;
    for batch in tail {
        let records = batch.records(&last.bytes).unwrap_or_default();
        let lsn = batch.header.lsn;
        let place = BatchPlace { epoch: &new.epoch, file: number, lsn, durable: new.first, previous };
        previous = format::encode_batch(&mut bytes, &place, &records);
    }
    if bytes.len() as u64 != tail_bytes {
        return Err(LogError::Misuse("a rewritten tail of another length"));
    }
    report.rewritten_bytes = tail_bytes;
    remove_unused(disk, directory)?;
    let file = write_first_file(disk, &new, &bytes)?;
    let mut old = VecDeque::new();
    for (index, found) in directory.valid.iter().enumerate().filter(|(_, found)| found.header.number < number)
    {
        let end = directory.valid.get(index + 1).map_or(new.first, |next| next.header.first);
        old.push_back(Old { number: found.header.number, length: found.header.length, end });
    }
    let current = Current { header: new, file, offset: FILE_HEADER + tail_bytes, is_started: true };
    Ok(Position { current, old, end: last.scan.end, previous })
}

/// Removes files without a valid header, whose room the new file may need.
fn remove_unused(disk: &dyn Disk, directory: &Directory) -> Result<(), LogError> {
    for number in directory.invalid.iter().rev() {
        let name = format::file_name(*number);
        disk.remove(&name).map_err(|source| LogError::io(&name, source))?;
    }
    Ok(())
}

/// Writes the first file of an epoch under a temporary name, syncs it, reads it back past the cache, renames it.
pub(super) fn write_first_file(
    disk: &dyn Disk,
    header: &FileHeader,
    batches: &[u8],
) -> Result<Arc<dyn File>, LogError> {
    let name = format::file_name(header.number);
    let temporary = format!("{name}.tmp");
    let mut bytes = header.encode();
    bytes.extend_from_slice(batches);
    let write = || {
        let file = disk.create(&temporary)?;
        file.preallocate(header.length)?;
        file.write_at(&bytes, 0)?;
        file.sync_data()?;
        let mut back = vec![0; bytes.len()];
        file.read_direct(&mut back, 0)?;
        if back != bytes {
            return Err(std::io::Error::other("the device does not return what was written"));
        }
        disk.rename(&temporary, &name)?;
        disk.sync_directory()?;
        Ok(file)
    };
    write().map_err(|error| LogError::of_space(&name, error))
}

/// Before a new log is made: removes what a creation that did not finish left; refuses a log that holds batches.
pub(super) fn remove_empty_log(disk: &dyn Disk) -> Result<(), LogError> {
    for name in list(disk)? {
        let stem = name.strip_suffix(".tmp").unwrap_or(&name);
        let Some(number) = format::file_number(stem) else { continue };
        let file = disk.open(&name).map_err(|source| LogError::io(&name, source))?;
        if stem == name
            && let Some((header, _)) = read_header(&name, number, &*file)?
            && file.length().map_err(|source| LogError::io(&name, source))?
                >= FILE_HEADER + BATCH_HEADER as u64
        {
            let mut bytes = vec![0; BATCH_HEADER];
            file.read_direct(&mut bytes, FILE_HEADER).map_err(|source| LogError::io(&name, source))?;
            let batch = format::decode_batch_header(&bytes, &header.epoch, number, header.first, false);
            if batch.is_some() || header.number != 1 {
                return Err(LogError::Leftover { file: name });
            }
        }
        disk.remove(&name).map_err(|source| LogError::io(&name, source))?;
    }
    Ok(())
}
