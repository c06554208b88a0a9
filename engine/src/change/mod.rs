//! The change index: what happened to a table, in the order of time.
//!
//! For every commit the list has one entry a row: inserted, updated, deleted; or one that the table was emptied. Order
//! within a commit: a truncation, then deletions, then new versions in the order in which they were written; numbers
//! count from zero. A change says which row (its birth id); the old and the new version are found where they lie.
//!
//! **Hot part**, in memory, under the table's latch: places of versions, 32 bytes a change; rows inserted, or updated, one
//! after the other are one entry. When rows move, so do the places. **Runs**, on disk: a checkpoint writes what is older than its
//! moment to a file (`run`), with the clustering keys by which versions are found in segments, and it stays as long as
//! the history of the table; compaction makes one file of four neighbours of a size.
//!
//! Invariants: every commit lies wholly in the hot part or wholly in one run, and runs follow each other in time. After
//! a crash the log makes the hot part anew, from the last checkpoint on. A change whose version was given up behind the
//! horizon has no image of it; reading from before the horizon is refused.

pub(crate) mod previous;
pub(crate) mod run;

use crate::ids::{Location, Timestamp};
use crate::table::TableState;
use crate::table::row::{Found, RowRef};
use crate::table::segments::SegmentPart;
use crate::view::{ReadView, follow};
use crate::{Error, TableId};
use run::{ChangeRun, Numbered, Recorded, RunWriter};
use std::sync::Arc;

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    Insert = 1,
    Update = 2,
    Delete = 3,
    /// The table was emptied: no row is named.
    Truncate = 4,
}

impl Operation {
    fn from_tag(tag: u8) -> Option<Operation> {
        Some(match tag {
            1 => Operation::Insert,
            2 => Operation::Update,
            3 => Operation::Delete,
            4 => Operation::Truncate,
            _ => return None,
        })
    }
}

/// One change, borrowed under the table's latch.
pub struct Change<'a> {
    /// The commit.
    pub at: Timestamp,
    /// Its place within the commit.
    pub number: u64,
    pub operation: Operation,
    /// The row; zero for a truncation.
    pub birth: u64,
    /// The version that ended, and the one that began.
    pub old: Option<RowRef<'a>>,
    pub new: Option<RowRef<'a>>,
}

/// A change in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HotChange {
    at: u64,
    /// The first new version; [`Location::NONE`] for a deletion.
    new: Location,
    /// The first version that ended; [`Location::NONE`] for an insertion. Neither: a truncation.
    old: Location,
    /// Versions that began one behind the other in one chunk or segment; those that they replaced lie so, too.
    count: u32,
}

impl HotChange {
    /// The versions that began and that ended with one of its changes.
    fn places(&self, number: u64) -> (Location, Location) {
        let place = |first: Location| {
            if first == Location::NONE { first } else { Location(first.0 + number) }
        };
        (place(self.new), place(self.old))
    }

    /// Whether a change of the same commit goes on where this one ends.
    fn goes_on(&self, at: u64, old: Location, new: Location) -> bool {
        let behind = |first: Location, next: Location| match (first, next) {
            (Location::NONE, Location::NONE) => true,
            (Location::NONE, _) | (_, Location::NONE) => false,
            (first, next) => first.0 + u64::from(self.count) == next.0,
        };
        self.at == at && self.new != Location::NONE && behind(self.new, new) && behind(self.old, old)
    }
}

/// The changes of a table that no run has yet, in order.
#[derive(Default)]
pub(crate) struct HotChanges {
    list: Vec<HotChange>,
}

impl HotChanges {
    pub fn truncated(&mut self, at: u64) {
        self.list.push(HotChange { at, new: Location::NONE, old: Location::NONE, count: 1 });
    }

    pub fn deleted(&mut self, at: u64, old: Location) {
        self.list.push(HotChange { at, new: Location::NONE, old, count: 1 });
    }

    pub fn updated(&mut self, at: u64, old: Location, new: Location) {
        match self.list.last_mut() {
            Some(last) if last.goes_on(at, old, new) => last.count += 1,
            Some(_) | None => self.list.push(HotChange { at, new, old, count: 1 }),
        }
    }

    pub fn inserted(&mut self, at: u64, new: Location) {
        self.updated(at, Location::NONE, new);
    }

    /// Notes versions that lie one behind the other, as the rows of a segment do.
    pub fn inserted_many(&mut self, at: u64, first: Location, count: u32) {
        if count > 0 {
            self.list.push(HotChange { at, new: first, old: Location::NONE, count });
        }
    }

    /// Follows rows that have moved, and forgets what a run has up to `written`.
    pub fn relocate(&mut self, written: u64, moved: &dyn Fn(Location) -> Option<Location>) {
        if written > 0 {
            let kept = self.list.partition_point(|change| change.at <= written);
            // The rest in a new list: the room of the old one is given back.
            self.list = self.list.split_off(kept);
        }
        if self.list.iter().all(|change| {
            (change.new == Location::NONE || moved(change.new).is_none())
                && (change.old == Location::NONE || moved(change.old).is_none())
        }) {
            return;
        }
        let list = std::mem::take(&mut self.list);
        for change in list {
            let to =
                |place: Location| if place == Location::NONE { place } else { moved(place).unwrap_or(place) };
            if change.new == Location::NONE {
                self.list.push(HotChange { old: to(change.old), ..change });
                continue;
            }
            for number in 0..u64::from(change.count) {
                let (new, old) = change.places(number);
                self.updated(change.at, to(old), to(new));
            }
        }
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<HotChange>()
    }

    /// The changes up to `moment`, as a run wants them: `place` says what lies at a location, with its key.
    pub fn record(
        &self,
        moment: u64,
        place: &dyn Fn(Location) -> Result<Option<(Vec<u8>, u64)>, Error>,
    ) -> Result<RunWriter, Error> {
        let mut writer = RunWriter::default();
        for change in self.list.iter().take_while(|change| change.at <= moment) {
            for number in 0..u64::from(change.count) {
                let (new, old) = change.places(number);
                let new = if new == Location::NONE { None } else { place(new)? };
                let old = if old == Location::NONE { None } else { place(old)? };
                let operation = change.operation();
                let (key, birth, old_key) = match (new, old) {
                    (Some((key, birth)), Some((old_key, _))) => {
                        let old_key = (old_key != key).then_some(old_key);
                        (key, birth, old_key)
                    }
                    (Some((key, birth)), None) | (None, Some((key, birth))) => (key, birth, None),
                    (None, None) => (Vec::new(), 0, None),
                };
                writer.push(&Recorded { at: change.at, operation, birth, key, old_key });
            }
        }
        Ok(writer)
    }
}

impl HotChange {
    fn operation(&self) -> Operation {
        match (self.old == Location::NONE, self.new == Location::NONE) {
            (true, true) => Operation::Truncate,
            (true, false) => Operation::Insert,
            (false, true) => Operation::Delete,
            (false, false) => Operation::Update,
        }
    }
}

/// The changes of a table after one moment and up to another, in order.
pub struct ChangeCursor {
    view: ReadView,
    table: TableId,
    /// The next change to be given out: commit and number.
    next: (u64, u64),
    to: u64,
    /// Where it was found last in the hot part, to be tried first: entry and the number of its first change.
    hint: Option<(usize, u64)>,
    finished: bool,
}

impl ReadView {
    /// The changes of commits after `from`, up to and with `to` (or the view's own moment, if that is earlier), in the
    /// order of time. Own writes are not among them.
    pub fn changes(&self, table: TableId, from: Timestamp, to: Timestamp) -> Result<ChangeCursor, Error> {
        let base = self.table(table).ok_or(Error::UnknownTable(table))?;
        base.check_readable(from.0)?;
        Ok(ChangeCursor {
            view: self.clone(),
            table,
            next: (from.0.saturating_add(1), 0),
            to: to.0.min(self.at.0),
            hint: None,
            finished: false,
        })
    }
}

impl ChangeCursor {
    /// Calls `f` with the next changes, at most `many` of them (a few more where that is cheaper). `false` when there
    /// are none left.
    pub fn next(&mut self, many: usize, f: &mut dyn FnMut(Change<'_>)) -> Result<bool, Error> {
        if self.finished {
            return Ok(false);
        }
        let view = self.view.clone();
        let base = view.table(self.table).ok_or(Error::UnknownTable(self.table))?;
        let state = base.read();
        base.check_readable(self.next.0.saturating_sub(1))?;
        let mut given = 0;
        let first = self.next.0;
        for run in state.change_runs.iter().filter(|run| run.last >= first) {
            let mut block = run.block_of(self.next.0, self.next.1)?;
            while block < run.blocks() && given < many {
                for (number, change) in run.block(block)? {
                    if (change.at, number) < self.next {
                        continue;
                    }
                    if change.at > self.to {
                        self.finished = true;
                        return Ok(true);
                    }
                    self.next = (change.at, number + 1);
                    give_recorded(&state, &(number, change), f)?;
                    given += 1;
                }
                block += 1;
            }
            if given >= many {
                return Ok(true);
            }
        }
        self.next_hot(&state, many.saturating_sub(given), f)?;
        Ok(true)
    }

    fn next_hot(
        &mut self,
        state: &TableState,
        many: usize,
        f: &mut dyn FnMut(Change<'_>),
    ) -> Result<(), Error> {
        let list = &state.hot_changes.list;
        let (mut entry, mut number) = match self.hint {
            Some((entry, number)) if list.get(entry).is_some_and(|change| change.at == self.next.0) => {
                (entry, number)
            }
            Some(_) | None => (list.partition_point(|change| change.at < self.next.0), 0),
        };
        let mut given = 0;
        while let Some(change) = list.get(entry) {
            if change.at > self.to {
                break;
            }
            if number + u64::from(change.count) > self.next.1 || change.at > self.next.0 {
                let skipped = if change.at > self.next.0 { 0 } else { self.next.1.saturating_sub(number) };
                for place in skipped..u64::from(change.count) {
                    if given >= many {
                        self.hint = Some((entry, number));
                        return Ok(());
                    }
                    give_hot(state, change, number + place, place, f)?;
                    self.next = (change.at, number + place + 1);
                    given += 1;
                }
            }
            entry += 1;
            let same = list.get(entry).is_some_and(|next| next.at == change.at);
            number = if same { number + u64::from(change.count) } else { 0 };
        }
        self.finished = true;
        Ok(())
    }
}

fn give_hot(
    state: &TableState,
    change: &HotChange,
    number: u64,
    place: u64,
    f: &mut dyn FnMut(Change<'_>),
) -> Result<(), Error> {
    let find = |location: Location| {
        let found = if location == Location::NONE { None } else { follow(state, location) };
        found.map(|(_, found)| state.row(found))
    };
    let (new, old) = change.places(place);
    let (new, old) = (find(new), find(old));
    let birth = new.as_ref().or(old.as_ref()).map_or(Ok(0), RowRef::birth)?;
    f(Change { at: Timestamp(change.at), number, operation: change.operation(), birth, old, new });
    Ok(())
}

fn give_recorded(
    state: &TableState,
    (number, change): &Numbered,
    f: &mut dyn FnMut(Change<'_>),
) -> Result<(), Error> {
    let Recorded { at, operation, birth, key, old_key } = change;
    let new = match operation {
        Operation::Insert | Operation::Update => find(state, key, *birth, *at, true)?,
        Operation::Delete | Operation::Truncate => None,
    };
    let old = match operation {
        Operation::Update | Operation::Delete => {
            find(state, old_key.as_ref().unwrap_or(key), *birth, *at, false)?
        }
        Operation::Insert | Operation::Truncate => None,
    };
    f(Change {
        at: Timestamp(*at),
        number: *number,
        operation: *operation,
        birth: *birth,
        old: old.map(|found| state.row(found)),
        new: new.map(|found| state.row(found)),
    });
    Ok(())
}

/// The version of a row that began, or that ended, with the commit `at`. It lies in a segment.
fn find<'a>(
    state: &'a TableState,
    key: &[u8],
    birth: u64,
    at: u64,
    began: bool,
) -> Result<Option<Found<'a>>, Error> {
    for (_, generation) in state.generations() {
        for part in generation.segments.iter().filter(|part| part.spans(key)) {
            let within = if began {
                part.min_from <= at && at <= part.max_from
            } else {
                part.min_from < at && at <= part.max_to
            };
            if !within || !part.segment.may_hold(key)? {
                continue;
            }
            if let Some(row) = find_in(part, key, birth, at, began)? {
                return Ok(Some(Found::Segment(part, row)));
            }
        }
    }
    Ok(None)
}

/// As [`find`], in one segment: versions of a key stand in the order of their starts.
fn find_in(part: &SegmentPart, key: &[u8], birth: u64, at: u64, began: bool) -> Result<Option<usize>, Error> {
    let rows = part.segment.find(key)?;
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if part.segment.from(middle)?.0 < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if began {
        for row in low..rows.end {
            if part.segment.from(row)?.0 != at {
                break;
            }
            if part.segment.birth(row)? == birth {
                return Ok(Some(row));
            }
        }
        return Ok(None);
    }
    // The last version of the row before the commit is the one, or it is not here.
    for row in (rows.start..low).rev() {
        if part.segment.birth(row)? == birth {
            return Ok(Some(row).filter(|row| part.segment.ends().get(*row) == at));
        }
    }
    Ok(None)
}

/// The runs of a table, in the order of time.
pub(crate) type Runs = Vec<Arc<ChangeRun>>;
