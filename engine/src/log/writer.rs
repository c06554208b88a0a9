//! Appending to the log.
//!
//! One writer, the sequencer's thread. A batch is one write, or several when it is long; [`Log::sync`] is one
//! `fdatasync`. The file that is left behind at a change of file is synced first, so all batches that are not durable
//! stand in one file, and a valid header of file *n* proves everything before its first position durable.
//!
//! Failure: a write or sync that failed leaves the disk in an unknown state. The log is poisoned then, and nothing but
//! a new start, which reads the device itself, can tell what was saved. Only the lack of room for a *new file* leaves
//! the log as it was.

use std::{collections::VecDeque, io, mem, sync::Arc};

use super::{
    Log, LogError, LogOptions, Lsn, Spare,
    archive::Piece,
    format::{self, BatchPlace, Epoch, FILE_HEADER, FileHeader},
    spare::Prepared,
};
use crate::io::{Disk, Environment, File, Random, log_sync_is_skipped};

/// The file being written.
#[derive(Debug)]
pub(super) struct Current {
    pub header: FileHeader,
    pub file: Arc<dyn File>,
    /// Where the next batch goes.
    pub offset: u64,
    /// Whether the header stands in the file; if not, the first batch takes it along.
    pub is_started: bool,
}

/// A file of the log, older than the current one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Old {
    pub number: u64,
    pub length: u64,
    /// Where its batches end: the first position of the next file.
    pub end: Lsn,
}

/// What the writer and the recovery hand over to each other.
#[derive(Debug)]
pub(super) struct Position {
    pub current: Current,
    pub old: VecDeque<Old>,
    pub end: Lsn,
    pub previous: u32,
}

/// Draws what makes an epoch unforgeable.
pub(super) fn new_epoch(random: &dyn Random, number: u64) -> Epoch {
    let seed = (random.next_u64() >> 32) as u32;
    Epoch { number, nonce: random.next_u64() | 1, seed: seed | 1 }
}

impl Log {
    pub(super) fn start(disk: Arc<dyn Disk>, options: LogOptions, position: Position) -> Log {
        let next = position.current.header.number + 1;
        Log {
            spare: Arc::new(Spare::new(disk.clone(), options.file_bytes, next)),
            disk,
            instance: options.instance,
            epoch: position.current.header.epoch,
            durable: position.end,
            end: position.end,
            previous: position.previous,
            current: position.current,
            old: position.old,
            released: None,
            dispensable: Lsn(0),
            held: 0,
            is_dirty: false,
            is_poisoned: false,
            buffer: Vec::new(),
        }
    }

    /// Starts the log of a new database, durable on return. Leftovers of a creation that did not finish are removed;
    /// a log that holds transactions is refused.
    pub fn create(environment: &Environment, options: LogOptions) -> Result<Log, LogError> {
        let disk = &environment.disk;
        super::recovery::remove_empty_log(&**disk)?;
        let header = FileHeader {
            instance: options.instance,
            number: 1,
            epoch: new_epoch(&*environment.random, 1),
            first: format::FIRST_LSN,
            durable: format::FIRST_LSN,
            previous: 0,
            length: options.file_bytes,
        };
        let file = super::recovery::write_first_file(&**disk, &header, &[])?;
        let current = Current { header, file, offset: FILE_HEADER, is_started: true };
        let position = Position { current, old: VecDeque::new(), end: format::FIRST_LSN, previous: 0 };
        Ok(Log::start(disk.clone(), options, position))
    }

    /// Writes one batch. Each record is one transaction, all or nothing; the batch is durable only after
    /// [`Log::sync`]. Returns the position behind the batch. Records are not empty, and there is at least one.
    /// After any error but `DiskFull` and `Misuse` the log is poisoned.
    pub fn append(&mut self, records: &[&[u8]]) -> Result<Lsn, LogError> {
        if self.is_poisoned {
            return Err(LogError::Poisoned);
        }
        if records.is_empty() || records.iter().any(|record| record.is_empty()) {
            return Err(LogError::Misuse("an empty batch or record"));
        }
        let size = format::batch_size(records).ok_or(LogError::Misuse("a batch of more than 4 GiB"))? as u64;
        if self.current.offset + size > self.current.header.length {
            self.change_file(size)?;
        }
        let written = if size <= KEPT_BUFFER as u64 {
            self.write_whole(records)
        } else {
            self.write_in_pieces(records, size)
        };
        let checksum = match written {
            Ok(checksum) => checksum,
            Err(source) => {
                self.is_poisoned = true;
                return Err(LogError::io(&format::file_name(self.current.header.number), source));
            }
        };
        self.current.is_started = true;
        self.current.offset += size;
        self.is_dirty = true;
        self.previous = checksum;
        self.end = Lsn(self.end.0 + size);
        Ok(self.end)
    }

    fn place(&self) -> BatchPlace<'_> {
        BatchPlace {
            epoch: &self.epoch,
            file: self.current.header.number,
            lsn: self.end,
            durable: self.durable,
            previous: self.previous,
        }
    }

    /// Writes a batch by one write, and answers the checksum of its header.
    fn write_whole(&mut self, records: &[&[u8]]) -> io::Result<u32> {
        let mut buffer = mem::take(&mut self.buffer);
        buffer.clear();
        let mut offset = self.current.offset;
        if !self.current.is_started {
            buffer.extend_from_slice(&self.current.header.encode());
            offset = 0;
        }
        let checksum = format::encode_batch(&mut buffer, &self.place(), records);
        self.current.file.write_at(&buffer, offset)?;
        self.buffer = buffer;
        Ok(checksum)
    }

    /// As [`Log::write_whole`] for a batch too long to be copied.
    fn write_in_pieces(&mut self, records: &[&[u8]], size: u64) -> io::Result<u32> {
        let lengths: Vec<[u8; 4]> =
            records.iter().map(|record| (record.len() as u32).to_le_bytes()).collect();
        let body = format::body_pieces(&lengths, records);
        let length = size - format::BATCH_HEADER as u64;
        let (header, checksum) =
            format::encode_batch_header(&self.place(), records.len(), length, body.clone());
        let mut offset = self.current.offset;
        if !self.current.is_started {
            self.current.file.write_at(&self.current.header.encode(), 0)?;
        }
        // Small pieces are gathered, large ones written from where they stand.
        let mut gathered = header.to_vec();
        for piece in body {
            if piece.len() < LARGE_PIECE {
                gathered.extend_from_slice(piece);
            }
            if piece.len() >= LARGE_PIECE || gathered.len() >= LARGE_PIECE {
                self.current.file.write_at(&gathered, offset)?;
                offset += gathered.len() as u64;
                gathered.clear();
            }
            if piece.len() >= LARGE_PIECE {
                self.current.file.write_at(piece, offset)?;
                offset += piece.len() as u64;
            }
        }
        self.current.file.write_at(&gathered, offset)?;
        Ok(checksum)
    }

    /// Makes everything appended durable and returns the position up to which the log is durable.
    /// An error poisons the log for ever: the caller answers "unknown" to its waiters and ends the process.
    pub fn sync(&mut self) -> Result<Lsn, LogError> {
        if self.is_poisoned {
            return Err(LogError::Poisoned);
        }
        if self.is_dirty {
            if !log_sync_is_skipped(&*self.disk)
                && let Err(source) = self.current.file.sync_data()
            {
                self.is_poisoned = true;
                return Err(LogError::io(&format::file_name(self.current.header.number), source));
            }
            self.is_dirty = false;
            self.durable = self.end;
        }
        Ok(self.durable)
    }

    /// Leaves the current file for the next one, with room for a batch of `size` bytes.
    fn change_file(&mut self, size: u64) -> Result<(), LogError> {
        self.sync()?;
        let taken = self.spare.take(FILE_HEADER + size);
        self.is_poisoned = matches!(&taken, Err(error) if !matches!(error, LogError::DiskFull(_)));
        let Prepared { number, file, length } = taken?;
        let header = FileHeader {
            instance: self.instance,
            number,
            epoch: self.epoch,
            first: self.end,
            durable: self.durable,
            previous: self.previous,
            length,
        };
        let left =
            mem::replace(&mut self.current, Current { header, file, offset: FILE_HEADER, is_started: false });
        self.old.push_back(Old { number: left.header.number, length: left.header.length, end: self.end });
        Ok(())
    }

    /// Where the next batch will start.
    pub fn end(&self) -> Lsn {
        self.end
    }

    /// Everything before this is durable.
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// Bytes of all files that the log holds.
    pub fn bytes(&self) -> u64 {
        self.current.header.length + self.old.iter().map(|old| old.length).sum::<u64>()
    }

    /// Tells the log that a checkpoint at this position is durable in the manifest. Files wholly before the
    /// *previous* checkpoint are recycled or removed: the log is kept one checkpoint longer than needed.
    pub fn release(&mut self, checkpoint: Lsn) -> Result<(), LogError> {
        let Some(previous) = self.released.replace(checkpoint) else { return Ok(()) };
        self.dispensable = self.dispensable.max(previous);
        self.recycle()
    }

    /// Gives back the files that are needed no more, unless a backup holds them.
    fn recycle(&mut self) -> Result<(), LogError> {
        while let Some(oldest) = self.old.front().copied().filter(|oldest| oldest.end <= self.dispensable) {
            if self.held > 0 {
                break;
            }
            self.spare.recycle(oldest.number, oldest.length)?;
            self.old.pop_front();
        }
        Ok(())
    }

    /// Keeps every file until [`Log::let_go`] is called as often: a backup is copying.
    pub(crate) fn hold(&mut self) {
        self.held += 1;
    }

    /// Removes the files kept for reuse: their room is wanted.
    pub(crate) fn shed(&self) -> Result<(), LogError> {
        self.spare.shed()
    }

    /// Ends one [`Log::hold`].
    pub(crate) fn let_go(&mut self) -> Result<(), LogError> {
        self.held = self.held.saturating_sub(1);
        self.recycle()
    }

    /// The files that hold everything from `from` to the end, oldest first, and where the batches of each end.
    pub(crate) fn pieces(&self, from: Lsn) -> Vec<Piece> {
        let old = self.old.iter().map(|old| Piece { number: old.number, end: old.end });
        let mut pieces: Vec<Piece> = old.filter(|piece| piece.end > from).collect();
        // A file that was never written to has no header yet.
        if self.current.is_started {
            pieces.push(Piece { number: self.current.header.number, end: self.end });
        }
        pieces
    }

    /// A handle by which another thread prepares the next log file ahead of need.
    pub fn spare(&self) -> Arc<Spare> {
        self.spare.clone()
    }
}

/// Batches up to this size are copied together into a buffer that is kept between batches.
const KEPT_BUFFER: usize = 8 << 20;
/// A piece of a longer batch that is worth a write of its own.
const LARGE_PIECE: usize = 256 << 10;
