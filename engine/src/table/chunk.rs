//! A chunk: a few thousand row versions in columns, with their births, starts and ends.
//!
//! A chunk grows at its end under its table's latch until it is full; then it is sealed: its columns become Arrow
//! arrays and only the end times (and links to successors) still change, atomically. The same structure holds the
//! private rows of a transaction; starts and ends are then command numbers, and the encoded index keys of each row
//! are kept beside it, for the log.

use super::column::{Column, ColumnBuilder};
use super::visibility::{ALIVE, visible};
use crate::ids::Location;
use crate::schema::position;
use crate::scratch::{Pieces, Placed, Plain, Shelf, Stored};
use crate::{ColumnId, Error, PhysicalType, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Rows of a full chunk.
pub(crate) const CHUNK_ROWS: usize = 8192;
/// A chunk that holds more bytes than this is full too.
const CHUNK_BYTES: usize = 8 << 20;

/// The columns of a chunk, shared by the chunks written under one schema.
pub(crate) type Layout = Arc<[(ColumnId, PhysicalType)]>;

/// When a version lives, whose it is, and what came after it: together in half a cache line, because a look-up
/// needs them together.
#[derive(Debug)]
#[repr(C, align(32))]
pub(crate) struct Life {
    pub birth: u64,
    pub from: u64,
    end: AtomicU64,
    successor: AtomicU64,
}

impl Clone for Life {
    fn clone(&self) -> Life {
        Life {
            birth: self.birth,
            from: self.from,
            end: AtomicU64::new(self.end()),
            successor: AtomicU64::new(self.successor().0),
        }
    }
}

impl Life {
    /// A living version.
    fn new(birth: u64, from: u64) -> Life {
        let successor = AtomicU64::new(Location::NONE.0);
        Life { birth, from, end: AtomicU64::new(ALIVE), successor }
    }

    /// The newer version of the row, if one was linked.
    pub fn successor(&self) -> Location {
        Location(self.successor.load(Ordering::Acquire))
    }

    pub fn set_successor(&self, successor: Location) {
        self.successor.store(successor.0, Ordering::Release);
    }

    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Sets the end to `new` if it is `expected`, else says what it is.
    pub fn replace_end(&self, expected: u64, new: u64) -> Result<(), u64> {
        self.end.compare_exchange(expected, new, Ordering::AcqRel, Ordering::Acquire).map(|_| ())
    }

    pub fn visible(&self, at: u64) -> bool {
        visible(self.from, self.end(), at)
    }
}

/// The encoded index keys of private rows. Per key: index id (4 bytes), length (4 bytes), both little-endian, bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowKeys {
    pub bytes: Stored<u8>,
    pub ends: Stored<u32>,
    /// Unique indexes for which some key was exempt from the check, because it holds a NULL.
    pub unchecked: Vec<u32>,
}

impl RowKeys {
    /// Adds the keys of the next row.
    pub fn push<'a>(&mut self, keys: impl Iterator<Item = (u32, &'a [u8])>) {
        let bytes = self.bytes.held();
        for (index, key) in keys {
            bytes.extend_from_slice(&index.to_le_bytes());
            bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
            bytes.extend_from_slice(key);
        }
        self.ends.held().push(self.bytes.len() as u32);
    }

    /// Notes that a key of a unique index may stand more than once.
    pub fn note_unchecked(&mut self, index: u32) {
        if !self.unchecked.contains(&index) {
            self.unchecked.push(index);
        }
    }

    /// The keys of one row, as stored.
    pub fn raw(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.bytes.get(start as usize..end as usize).unwrap_or(&[])
    }

    /// The keys of one row: index id and key.
    pub fn of(&self, row: usize) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = self.raw(row);
        std::iter::from_fn(move || {
            let (index, after) = rest.split_first_chunk::<4>()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let (key, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some((u32::from_le_bytes(*index), key))
        })
    }
}

/// Puts a list that was put on a shelf in the place of the one in memory.
fn take<T: Plain>(list: &mut Stored<T>, placed: &mut Placed) -> Result<(), Error> {
    *list = placed.items(list.len()).ok_or_else(too_short)?;
    Ok(())
}

/// The error of a shelf that gives less than was put there.
pub(super) fn too_short() -> Error {
    Error::Corrupted("a shelf gives less than was put there".into())
}

/// Rows in columns.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub layout: Layout,
    columns: Vec<Column>,
    lives: Stored<Life>,
    pub keys: RowKeys,
    /// Versions with a committed end.
    ended: AtomicUsize,
    max_end: AtomicU64,
    min_from: u64,
    max_from: u64,
}

impl Clone for Chunk {
    fn clone(&self) -> Chunk {
        Chunk {
            layout: self.layout.clone(),
            columns: self.columns.clone(),
            lives: self.lives.clone(),
            keys: self.keys.clone(),
            ended: AtomicUsize::new(self.ended.load(Ordering::Acquire)),
            max_end: AtomicU64::new(self.max_end.load(Ordering::Acquire)),
            min_from: self.min_from,
            max_from: self.max_from,
        }
    }
}

impl Chunk {
    pub fn new(layout: Layout) -> Chunk {
        let columns =
            layout.iter().map(|(_, physical)| Column::Open(ColumnBuilder::new(*physical))).collect();
        Chunk {
            layout,
            columns,
            lives: Stored::default(),
            keys: RowKeys::default(),
            ended: AtomicUsize::new(0),
            max_end: AtomicU64::new(0),
            min_from: u64::MAX,
            max_from: 0,
        }
    }

    /// A chunk of columns that exist already: rows read back from the log.
    pub fn from_parts(layout: Layout, columns: Vec<Column>, births: Vec<u64>, keys: RowKeys) -> Chunk {
        let lives = Stored::Held(births.into_iter().map(|birth| Life::new(birth, 0)).collect());
        Chunk { columns, lives, keys, min_from: 0, ..Chunk::new(layout) }
    }

    pub fn rows(&self) -> usize {
        self.lives.len()
    }

    pub fn is_full(&self) -> bool {
        self.rows() >= CHUNK_ROWS || (self.rows() % 64 == 0 && self.bytes_used() > CHUNK_BYTES)
    }

    /// Bytes of memory, near enough for a bound.
    pub fn bytes_used(&self) -> usize {
        let columns: usize = self
            .columns
            .iter()
            .map(|column| match column {
                Column::Open(builder) => builder.bytes_used(),
                Column::Sealed(column) => column.array().get_buffer_memory_size(),
            })
            .sum();
        columns + self.rows() * 32 + self.keys.bytes.len() + self.keys.ends.len() * 4
    }

    /// Appends a row whose values were checked against the layout.
    pub fn push(&mut self, values: &[Value], birth: u64, from: u64) -> Result<usize, Error> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            let pushed = match column {
                Column::Open(builder) => builder.push(value),
                Column::Sealed(_) => false,
            };
            if !pushed {
                return Err(Error::LimitExceeded("a chunk holds at most 2 GiB of one column"));
            }
        }
        Ok(self.note_row(birth, from))
    }

    /// Appends a row of a chunk with the same layout.
    pub fn push_from(&mut self, source: &Chunk, row: usize, from: u64) -> Result<usize, Error> {
        for (column, other) in self.columns.iter_mut().zip(&source.columns) {
            let pushed = match column {
                Column::Open(builder) => builder.push_from(other, row),
                Column::Sealed(_) => false,
            };
            if !pushed {
                return Err(Error::LimitExceeded("a chunk holds at most 2 GiB of one column"));
            }
        }
        Ok(self.note_row(source.birth(row), from))
    }

    fn note_row(&mut self, birth: u64, from: u64) -> usize {
        self.lives.held().push(Life::new(birth, from));
        self.min_from = self.min_from.min(from);
        self.max_from = self.max_from.max(from);
        self.lives.len() - 1
    }

    /// Ends the growth of the chunk.
    pub fn seal(&mut self) -> Result<(), Error> {
        self.columns.iter_mut().try_for_each(Column::seal)?;
        self.lives.held().shrink_to_fit();
        Ok(())
    }

    /// Puts what a sealed chunk holds on a shelf, if there is room.
    pub fn shelve(&mut self, shelf: &mut Shelf) -> Result<(), Error> {
        let mut pieces = Pieces::default();
        self.columns.iter().for_each(|column| column.put(&mut pieces));
        pieces.items(&self.keys.bytes);
        pieces.items(&self.keys.ends);
        pieces.items(&self.lives);
        let Some(mut placed) = shelf.put(pieces) else { return Ok(()) };
        for ((_, physical), column) in self.layout.iter().zip(&mut self.columns) {
            column.take(*physical, &mut placed)?;
        }
        take(&mut self.keys.bytes, &mut placed)?;
        take(&mut self.keys.ends, &mut placed)?;
        take(&mut self.lives, &mut placed)
    }

    /// Makes the private rows of this chunk committed ones: alive since `from`.
    pub fn adopt(&mut self, from: u64) {
        for life in self.lives.held() {
            *life = Life::new(life.birth, from);
        }
        self.keys = RowKeys::default();
        (self.min_from, self.max_from) = (from, from);
    }

    pub fn life(&self, row: usize) -> Option<&Life> {
        self.lives.get(row)
    }

    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    pub fn birth(&self, row: usize) -> u64 {
        self.lives.get(row).map_or(0, |life| life.birth)
    }

    pub fn column(&self, column: ColumnId) -> Option<&Column> {
        position(&self.layout, column).and_then(|position| self.columns.get(position))
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Records that a commit closed a version; `end` is already in its slot.
    pub fn note_end(&self, end: u64) {
        self.ended.fetch_add(1, Ordering::AcqRel);
        self.max_end.fetch_max(end, Ordering::AcqRel);
    }

    /// Whether no version here can be visible at `at`.
    pub fn is_over(&self, at: u64) -> bool {
        self.min_from > at
            || (self.ended.load(Ordering::Acquire) == self.rows()
                && self.max_end.load(Ordering::Acquire) <= at)
    }

    /// Whether every version here is visible at `at`.
    pub fn is_whole(&self, at: u64) -> bool {
        self.max_from <= at && self.ended.load(Ordering::Acquire) == 0
    }

    /// The latest start of a version, and the latest committed end.
    pub fn latest_change(&self) -> u64 {
        self.max_from.max(self.max_end.load(Ordering::Acquire))
    }
}
