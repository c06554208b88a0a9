//! The next log file, made ready before it is needed, so that no commit waits for the zero fill of one.
//!
//! Invariant: the name of file *n* is durable in the directory before file *n* + 1 is made, so the files of a log
//! never have a gap in their numbers, whatever a crash takes away. A file that waits has no valid header of its own
//! number (it is zero, or recycled and says an older number), so recovery sees that it was never used.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use super::{LogError, format};
use crate::io::{Disk, File, remove_if_there};

/// Old files kept for reuse; more are removed.
const RECYCLED_LIMIT: usize = 3;

/// A file with room for batches, not yet in use.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub number: u64,
    pub file: Arc<dyn File>,
    pub length: u64,
}

/// Prepares the next log file off the commit path: hold it in a thread of its own and call [`Spare::prepare`]
/// whenever [`Spare::is_needed`].
#[derive(Debug)]
pub struct Spare {
    disk: Arc<dyn Disk>,
    file_bytes: u64,
    /// No file is ready and nobody is making one: asked at every batch, which must not wait for one being made.
    is_needed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The number that the next file gets.
    next: u64,
    ready: Option<Prepared>,
    /// Names of old files of the usual length.
    recycled: VecDeque<String>,
    /// An operation failed, not for want of room: what the directory holds is unknown.
    is_failed: bool,
}

impl State {
    /// Remembers a failure after which nothing may be tried again.
    fn note<T>(&mut self, result: Result<T, LogError>) -> Result<T, LogError> {
        if matches!(&result, Err(error) if !matches!(error, LogError::DiskFull(_))) {
            self.is_failed = true;
        }
        result
    }
}

impl Spare {
    pub(super) fn new(disk: Arc<dyn Disk>, file_bytes: u64, next: u64) -> Spare {
        let state = State { next, ready: None, recycled: VecDeque::new(), is_failed: false };
        Spare { disk, file_bytes, is_needed: AtomicBool::new(true), state: Mutex::new(state) }
    }

    /// Whether no file is ready for when the current one is full, nor being made ready. Never waits.
    pub fn is_needed(&self) -> bool {
        self.is_needed.load(Ordering::Acquire)
    }

    /// Prepares the next file, if none is ready. For any thread; slow.
    pub fn prepare(&self) -> Result<(), LogError> {
        let mut state = self.state.lock();
        if state.ready.is_none() {
            self.is_needed.store(false, Ordering::Release);
            let made = self.make(&mut state);
            self.is_needed.store(made.is_err(), Ordering::Release);
            state.ready = Some(state.note(made)?);
        }
        Ok(())
    }

    /// Takes a file with room for `length` bytes: the one that is ready, or a new one.
    pub(super) fn take(&self, length: u64) -> Result<Prepared, LogError> {
        let mut state = self.state.lock();
        let made = if length > self.file_bytes {
            self.make_long(state.next, length)
        } else {
            match state.ready.take() {
                Some(ready) => Ok(ready),
                None => self.make(&mut state),
            }
        };
        let prepared = state.note(made)?;
        state.ready = None;
        state.next = prepared.number + 1;
        self.is_needed.store(true, Ordering::Release);
        Ok(prepared)
    }

    /// Takes over a file that the log needs no more.
    pub(super) fn recycle(&self, number: u64, length: u64) -> Result<(), LogError> {
        let mut state = self.state.lock();
        let name = format::file_name(number);
        if length == self.file_bytes && state.recycled.len() < RECYCLED_LIMIT {
            state.recycled.push_back(name);
            return Ok(());
        }
        remove_if_there(&*self.disk, &name).map_err(|source| LogError::io(&name, source))
    }

    /// Removes the files that were taken over. One that is ready stays.
    pub(super) fn shed(&self) -> Result<(), LogError> {
        let mut state = self.state.lock();
        for name in std::mem::take(&mut state.recycled) {
            remove_if_there(&*self.disk, &name).map_err(|source| LogError::io(&name, source))?;
        }
        Ok(())
    }

    fn make(&self, state: &mut State) -> Result<Prepared, LogError> {
        if state.is_failed {
            return Err(LogError::Poisoned);
        }
        let name = format::file_name(state.next);
        let made = match state.recycled.front() {
            Some(old) => self.reuse(old, &name),
            None => self.create(&name, &name, self.file_bytes, true),
        };
        // After a failure the recycled file is tried again.
        let file = made.map_err(|error| LogError::of_space(&name, error))?;
        state.recycled.pop_front();
        Ok(Prepared { number: state.next, file, length: self.file_bytes })
    }

    fn reuse(&self, old: &str, name: &str) -> io::Result<Arc<dyn File>> {
        self.disk.rename(old, name)?;
        self.disk.sync_directory()?;
        self.disk.open(name)
    }

    fn create(&self, name: &str, temporary: &str, length: u64, filled: bool) -> io::Result<Arc<dyn File>> {
        remove_if_there(&*self.disk, temporary)?;
        if self.disk.space()?.available < length {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.disk.create(temporary)?;
        let room = if filled { file.preallocate(length) } else { file.allocate(length) };
        if let Err(error) = room.and_then(|()| file.sync_data()) {
            // The room that a half-filled file takes is wanted back; that it stays is no harm to the log.
            let _ = self.disk.remove(temporary);
            return Err(error);
        }
        if temporary != name {
            self.disk.rename(temporary, name)?;
        }
        self.disk.sync_directory()?;
        Ok(file)
    }

    /// A file for one batch longer than the usual file. It takes the place of a file that is ready: its rename
    /// replaces that one, so that no gap in the numbers can come up. It is not filled with zeros: the one batch will
    /// be written into it whole, and never another.
    fn make_long(&self, number: u64, length: u64) -> Result<Prepared, LogError> {
        let name = format::file_name(number);
        let file = self
            .create(&name, &format!("{name}.tmp"), length, false)
            .map_err(|error| LogError::of_space(&name, error))?;
        Ok(Prepared { number, file, length })
    }
}
