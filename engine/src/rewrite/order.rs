//! The order in which versions and index entries of several places come together: a merge of sorted sequences.
//!
//! A sequence is the rows of a segment as they stand, or a list made from a store's index. What a merge gives is the
//! place of each item (number of the sequence, position in it), eight bytes, so that ten million rows are ordered in
//! eighty megabytes.

use crate::ids::Location;
use crate::table::row::Found;
use crate::table::segments::SegmentPart;
use crate::{Error, IndexId};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A clustering or index key on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key<'a> {
    Bytes(&'a [u8]),
    /// Of a row without a clustering key.
    Birth([u8; 8]),
}

impl Key<'_> {
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Key::Bytes(bytes) => bytes,
            Key::Birth(bytes) => bytes,
        }
    }
}

/// Items in order.
pub(crate) enum Sequence<'a> {
    /// The rows of a segment.
    Rows(&'a SegmentPart),
    /// The entries of an index over a segment.
    Entries(&'a SegmentPart, IndexId, std::ops::Range<usize>),
    /// Keys and rows of a store.
    List(Vec<(Key<'a>, Location)>),
}

/// One item of a merge: the sequence, the position in it.
pub(crate) type Place = (u32, u32);

impl<'a> Sequence<'a> {
    pub fn len(&self) -> usize {
        match self {
            Sequence::Rows(part) => part.segment.rows(),
            Sequence::Entries(_, _, range) => range.len(),
            Sequence::List(list) => list.len(),
        }
    }

    pub fn key(&self, position: usize) -> Result<Key<'a>, Error> {
        match self {
            Sequence::Rows(part) => Ok(Key::Bytes(part.segment.key(position)?)),
            Sequence::Entries(part, index, range) => {
                Ok(Key::Bytes(part.key_at(*index, range.start + position)?))
            }
            Sequence::List(list) => list.get(position).map(|(key, _)| *key).ok_or_else(gone),
        }
    }

    pub fn location(&self, position: usize) -> Result<Location, Error> {
        match self {
            Sequence::Rows(part) => Ok(part.location(position)),
            Sequence::Entries(part, index, range) => {
                Ok(part.location(part.row_at(*index, range.start + position)?))
            }
            Sequence::List(list) => list.get(position).map(|(_, location)| *location).ok_or_else(gone),
        }
    }
}

fn gone() -> Error {
    Error::Corrupted("a rewrite has lost its place".into())
}

/// The next item of one sequence.
struct Head<'a> {
    key: Key<'a>,
    /// Start and birth for rows, new place for entries: what decides among equal keys.
    tie: (u64, u64),
    place: Place,
}

impl Ord for Head<'_> {
    /// The heap gives the greatest first, so the order is turned round.
    fn cmp(&self, other: &Self) -> Ordering {
        let mine = (self.key.as_bytes(), self.tie, self.place);
        (other.key.as_bytes(), other.tie, other.place).cmp(&mine)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

/// Visits all items in the order of key and tie.
pub(crate) fn merge<'a>(
    sequences: &[Sequence<'a>],
    tie: &dyn Fn(&Sequence<'a>, usize) -> Result<(u64, u64), Error>,
    visit: &mut dyn FnMut(Place) -> Result<(), Error>,
) -> Result<(), Error> {
    if let [sequence] = sequences {
        return (0..sequence.len()).try_for_each(|position| visit((0, position as u32)));
    }
    let head = |number: usize, position: usize| -> Result<Option<Head<'a>>, Error> {
        let Some(sequence) = sequences.get(number).filter(|sequence| position < sequence.len()) else {
            return Ok(None);
        };
        let key = sequence.key(position)?;
        Ok(Some(Head { key, tie: tie(sequence, position)?, place: (number as u32, position as u32) }))
    };
    let mut heap = BinaryHeap::with_capacity(sequences.len());
    for number in 0..sequences.len() {
        heap.extend(head(number, 0)?);
    }
    while let Some(mut top) = heap.peek_mut() {
        let (number, position) = top.place;
        visit((number, position))?;
        match head(number as usize, position as usize + 1)? {
            Some(next) => *top = next,
            None => {
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
    }
    Ok(())
}

/// Sorts a list by key, start and birth.
pub(crate) fn sort<'a>(
    list: Vec<(Key<'a>, Location)>,
    find: &dyn Fn(Location) -> Result<Found<'a>, Error>,
) -> Result<Vec<(Key<'a>, Location)>, Error> {
    let mut named = Vec::with_capacity(list.len());
    for (key, location) in list {
        let found = find(location)?;
        named.push((key, found.from()?, found.birth()?, location));
    }
    named.sort_unstable_by(|left, right| {
        let order = left.0.as_bytes().cmp(right.0.as_bytes());
        order.then((left.1, left.2).cmp(&(right.1, right.2)))
    });
    Ok(named.into_iter().map(|(key, _, _, location)| (key, location)).collect())
}
