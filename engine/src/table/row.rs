//! A borrowed row: columns are read where they lie.

use super::Dictionary;
use super::chunk::{Chunk, Life};
use super::segments::SegmentPart;
use crate::ids::Location;
use crate::long_value::Long;
use crate::{ColumnId, Error, RowHandle, Timestamp, Value};
use std::borrow::Cow;

/// The place a version was found at, borrowed under the table's latch.
#[derive(Clone, Copy)]
pub(crate) enum Found<'a> {
    Chunk(&'a Chunk, usize),
    Segment(&'a SegmentPart, usize),
}

impl<'a> Found<'a> {
    pub fn birth(self) -> Result<u64, Error> {
        match self {
            Found::Chunk(chunk, row) => Ok(chunk.birth(row)),
            Found::Segment(part, row) => Ok(part.segment.birth(row)?),
        }
    }

    pub fn from(self) -> Result<u64, Error> {
        match self {
            Found::Chunk(chunk, row) => Ok(chunk.life(row).map_or(u64::MAX, |life| life.from)),
            Found::Segment(part, row) => Ok(part.segment.from(row)?.0),
        }
    }

    fn life(self) -> Option<&'a Life> {
        match self {
            Found::Chunk(chunk, row) => chunk.life(row),
            Found::Segment(_, _) => None,
        }
    }

    pub fn end(self) -> u64 {
        match self {
            Found::Chunk(_, _) => self.life().map_or(0, Life::end),
            Found::Segment(part, row) => part.segment.ends().get(row),
        }
    }

    pub fn replace_end(self, expected: u64, new: u64) -> Result<(), u64> {
        match self {
            Found::Chunk(_, _) => self.life().map_or(Err(0), |life| life.replace_end(expected, new)),
            Found::Segment(part, row) => part.segment.ends().replace(row, expected, new),
        }
    }

    /// Puts a committed end into the slot.
    pub fn close(self, end: u64) {
        match self {
            Found::Chunk(chunk, row) => {
                if let Some(life) = chunk.life(row) {
                    life.set_end(end);
                    chunk.note_end(end);
                }
            }
            Found::Segment(part, row) => part.close(row, end),
        }
    }

    pub fn successor(self) -> Location {
        match self {
            Found::Chunk(_, _) => self.life().map_or(Location::NONE, Life::successor),
            Found::Segment(part, row) => part.successor(row),
        }
    }

    pub fn set_successor(self, successor: Location) {
        match self {
            Found::Chunk(_, _) => {
                if let Some(life) = self.life() {
                    life.set_successor(successor);
                }
            }
            Found::Segment(part, row) => part.set_successor(row, successor),
        }
    }
}

/// What it takes to read the columns of a row, wherever it lies.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub dictionary: &'a Dictionary,
    pub long: Long<'a>,
}

impl<'a> Columns<'a> {
    /// For who moves rows and never asks for a long value.
    pub fn as_stored(dictionary: &'a Dictionary) -> Columns<'a> {
        Columns { dictionary, long: Long::default() }
    }

    /// The row at a place.
    pub fn of(self, found: Found<'a>) -> RowRef<'a> {
        RowRef { found, columns: self }
    }
}

/// One version of one row, borrowed. Values are read in place; text and bytes can be had without copying.
#[derive(Clone, Copy)]
pub struct RowRef<'a> {
    pub(crate) found: Found<'a>,
    columns: Columns<'a>,
}

impl<'a> RowRef<'a> {
    /// The value of a column; the column's default for rows older than the column.
    pub fn value(&self, column: ColumnId) -> Result<Value, Error> {
        let stored = match self.found {
            Found::Chunk(chunk, row) => chunk.column(column).map(|values| values.value(row)),
            Found::Segment(part, row) => part.segment.value(column, row)?,
        };
        match stored {
            Some(stored) => self.columns.long.value(stored),
            None => Ok(self.columns.dictionary.default_value(column).clone()),
        }
    }

    /// The bytes of a text, bytes or sixteen-byte value, in place but for long ones; `None` for NULL and for other types.
    pub fn bytes(&self, column: ColumnId) -> Result<Option<Cow<'a, [u8]>>, Error> {
        match self.stored(column)? {
            Some(stored) => self.columns.long.bytes(stored).map(Some),
            None => Ok(None),
        }
    }

    /// The bytes of a text, bytes or sixteen-byte value as they are stored, in place: of a long value the reference. `None`
    /// for NULL and for other types.
    pub(crate) fn stored(&self, column: ColumnId) -> Result<Option<&'a [u8]>, Error> {
        let stored = match self.found {
            Found::Chunk(chunk, row) => chunk.column(column).map(|values| values.bytes(row)),
            Found::Segment(part, row) if part.holds(column) => Some(part.segment.value_bytes(column, row)?),
            Found::Segment(_, _) => None,
        };
        Ok(stored.unwrap_or_else(|| match self.columns.dictionary.default_value(column) {
            Value::Text(text) => Some(text.as_bytes()),
            Value::Bytes(bytes) => Some(bytes),
            Value::Fixed16(bytes) => Some(bytes),
            Value::Null
            | Value::Bool(_)
            | Value::Int16(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::UInt32(_)
            | Value::Float32(_)
            | Value::Float64(_) => None,
        }))
    }

    /// The row's identity.
    pub fn birth(&self) -> Result<u64, Error> {
        self.found.birth()
    }

    /// When the version was committed; meaningless for a transaction's own uncommitted rows.
    pub fn from(&self) -> Result<Timestamp, Error> {
        self.found.from().map(Timestamp)
    }

    /// The write that made the version: the commit's timestamp and the row's birth, eight bytes each, the highest first.
    /// No two versions have the same.
    pub fn write(&self) -> Result<[u8; 16], Error> {
        Ok(crate::batch::write_bytes(self.found.from()?, self.found.birth()?))
    }

    /// When the version was closed; [`Timestamp::INFINITY`] while it is alive.
    pub fn to(&self) -> Timestamp {
        let end = self.found.end();
        if super::visibility::is_live(end) { Timestamp::INFINITY } else { Timestamp(end) }
    }

    pub(crate) fn handle(&self, location: Location) -> Result<RowHandle, Error> {
        Ok(RowHandle { location: location.0, birth: self.found.birth()? })
    }
}
