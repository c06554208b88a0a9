//! A read view: a snapshot, with the transaction's own writes up to a command laid over it.
//!
//! Cheap to clone, usable from any thread. Look-ups borrow rows under a table's latch, which is held for the time of
//! the callback: a callback may read through views, but it must neither write nor wait.

use crate::batch::ScanColumn;
use crate::cursor::RowCursor;
use crate::ids::{Location, Place};
use crate::registry::TransactionShared;
use crate::scan::{Moments, ScanCursor};
use crate::table::row::{Columns, Found, RowRef};
use crate::table::visibility::{Mark, is_live, visible};
use crate::table::{Generation, Table, TableState, Tables};
use crate::transaction::ReadRecord;
use crate::transaction::reads::Reads;
use crate::transaction::write_set::{TableWrites, WriteSet};
use crate::{ColumnId, Error, IndexId, RowHandle, TableId, Timestamp, Value};
use parking_lot::RwLock;
use std::ops::Bound;
use std::sync::Arc;

/// Key lists longer than this are searched by time instead of walked from the newest version.
pub(crate) const WALKED_VERSIONS: usize = 8;

/// A transaction's own writes, as one command sees them.
#[derive(Clone)]
pub(crate) struct Own {
    pub writes: Arc<RwLock<WriteSet>>,
    /// The last command whose writes are seen.
    pub at: u64,
}

/// A consistent state of the whole database.
#[derive(Clone)]
pub struct ReadView {
    pub(crate) tables: Arc<Tables>,
    pub(crate) at: Timestamp,
    pub(crate) own: Option<Own>,
    /// Where reads are recorded, at SERIALIZABLE.
    pub(crate) reads: Option<Arc<Reads>>,
    /// Keeps what checkpoints move findable while the view lives.
    pub(crate) shared: Arc<TransactionShared>,
}

/// Decides on committed versions for one view of one table.
#[derive(Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub at: u64,
    pub me: u64,
    pub own_at: u64,
    pub own: Option<&'a TableWrites>,
}

impl Eyes<'_> {
    /// Whether a committed version is visible, own closings considered.
    #[inline]
    pub fn sees(&self, found: Found<'_>) -> Result<bool, Error> {
        let end = found.end();
        if !visible(found.from()?, end, self.at) {
            return Ok(false);
        }
        Ok(!self.closed(end, || found.birth())?)
    }

    /// Whether this transaction closed the version with this end slot before the command at hand.
    #[inline]
    pub fn closed(&self, end: u64, birth: impl FnOnce() -> Result<u64, Error>) -> Result<bool, Error> {
        match (self.own, Mark::of(end)) {
            (Some(own), Some(mark)) if mark.is_closing() && mark.owner() == Some(self.me) => {
                Ok(own.closes(birth()?, self.own_at))
            }
            _ => Ok(false),
        }
    }
}

impl ReadView {
    /// The moment that the view shows.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    /// The same view, whose reads are not recorded for the validation of a SERIALIZABLE commit: for a caller that
    /// notes them itself by [`crate::Transaction::note_read`], with what it knows of them.
    pub fn untracked(&self) -> ReadView {
        ReadView { reads: None, ..self.clone() }
    }

    /// Whether the transaction of this view has touched a table itself, so that the view may show more of it than was
    /// committed at its moment.
    pub fn writes_to(&self, table: TableId) -> bool {
        self.own.as_ref().is_some_and(|own| own.writes.read().table(table).is_some())
    }

    pub(crate) fn table(&self, table: TableId) -> Option<&Arc<Table>> {
        self.tables.get(&table)
    }

    /// Whether the view can find everything through this index: one that was built without its history does not
    /// know what had died before it was built. The planner asks before it uses an index for a past moment.
    pub fn index_usable(&self, table: TableId, index: IndexId) -> bool {
        let base = self.table(table).is_none_or(|table| {
            let state = table.read();
            state.schema.index(index).is_none() || state.index_covers(index, self.at.0)
        });
        let own = self.own.as_ref().map(|own| own.writes.read());
        match own.as_ref().and_then(|writes| writes.table(table)) {
            Some(writes) => writes.schema.index(index).is_some() && base,
            None => base && self.table(table).is_some_and(|table| table.read().schema.index(index).is_some()),
        }
    }

    /// Exactly the version that a handle names, whether this view would find it or not (a row lock may have led to a
    /// newer one). `None` if there is no such version.
    pub fn get(
        &self,
        table: TableId,
        handle: RowHandle,
        columns: &[ColumnId],
    ) -> Result<Option<Vec<Value>>, Error> {
        let mut values = None;
        self.with_row(table, handle, &mut |row| {
            values = Some(columns.iter().map(|column| row.value(*column)).collect::<Result<Vec<_>, _>>());
        })?;
        values.transpose()
    }

    /// As [`ReadView::get`], borrowing the row. Says whether there is such a version.
    pub fn with_row(
        &self,
        table: TableId,
        handle: RowHandle,
        f: &mut dyn FnMut(RowRef<'_>),
    ) -> Result<bool, Error> {
        let location = Location(handle.location);
        if location.is_own() {
            let Some(own) = &self.own else { return Ok(false) };
            let all = own.writes.read();
            let Some(writes) = all.table(table) else { return Ok(false) };
            let Some(chunk) = writes.store.chunk(location.number()) else { return Ok(false) };
            if chunk.birth(location.row()) != handle.birth {
                return Ok(false);
            }
            f(all.columns(writes).of(Found::Chunk(chunk, location.row())));
            return Ok(true);
        }
        let Some(table) = self.table(table) else { return Ok(false) };
        let state = table.read();
        match state.resolve(handle) {
            Some((_, found)) => {
                f(state.row(found));
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The visible rows with exactly this key, in no particular order.
    pub fn lookup(
        &self,
        table: TableId,
        index: IndexId,
        key: &[u8],
        f: &mut dyn FnMut(RowHandle, RowRef<'_>),
    ) -> Result<(), Error> {
        if let Some(reads) = &self.reads {
            reads.note(ReadRecord::Key { table, index, key: key.to_vec() });
        }
        let Some(own) = &self.own else {
            let eyes = Eyes { at: self.at.0, me: 0, own_at: 0, own: None };
            return self.lookup_base(table, index, key, eyes, f);
        };
        let mut writes = own.writes.read();
        if writes.table(table).is_some_and(|writes| writes.is_unmapped(index)) {
            drop(writes);
            if let Some(writes) = own.writes.write().table_mut(table) {
                writes.map_backfills(index);
            }
            writes = own.writes.read();
        }
        let own_table = writes.table(table);
        let eyes = Eyes { at: self.at.0, me: self.shared.id, own_at: own.at, own: own_table };
        if let Some(own_table) = own_table {
            self.lookup_own((own_table, writes.columns(own_table)), index, key, eyes, f)?;
            if own_table.hides_base(own.at) {
                return Ok(());
            }
        }
        self.lookup_base(table, index, key, eyes, f)
    }

    fn lookup_own(
        &self,
        (writes, columns): (&TableWrites, Columns<'_>),
        index: IndexId,
        key: &[u8],
        eyes: Eyes<'_>,
        f: &mut dyn FnMut(RowHandle, RowRef<'_>),
    ) -> Result<(), Error> {
        let Some(map) = writes.store.index(index) else { return Ok(()) };
        for location in map.get(key).iter().rev() {
            if !location.is_own() {
                self.visit_backfilled(writes, *location, eyes, f)?;
                continue;
            }
            let Some(chunk) = writes.store.chunk(location.number()) else { continue };
            if chunk.life(location.row()).is_some_and(|life| life.visible(eyes.own_at)) {
                let row = columns.of(Found::Chunk(chunk, location.row()));
                f(row.handle(*location)?, row);
            }
        }
        Ok(())
    }

    /// A committed row that this transaction has put into an index of its own.
    pub(crate) fn visit_backfilled(
        &self,
        writes: &TableWrites,
        location: Location,
        eyes: Eyes<'_>,
        f: &mut dyn FnMut(RowHandle, RowRef<'_>),
    ) -> Result<(), Error> {
        let Some(table) = self.table(writes.table).filter(|_| !writes.hides_base(eyes.own_at)) else {
            return Ok(());
        };
        let state = table.read();
        let Some((location, found)) = follow(&state, location) else { return Ok(()) };
        if eyes.sees(found)? {
            let row = state.row(found);
            f(row.handle(location)?, row);
        }
        Ok(())
    }

    #[inline]
    fn lookup_base(
        &self,
        table: TableId,
        index: IndexId,
        key: &[u8],
        eyes: Eyes<'_>,
        f: &mut dyn FnMut(RowHandle, RowRef<'_>),
    ) -> Result<(), Error> {
        let Some(table) = self.table(table) else { return Ok(()) };
        let state = table.read();
        table.check_readable(eyes.at)?;
        let unique = state.is_unique(index);
        let generation = state.generation(eyes.at);
        let columns = state.columns();
        visit_visible(generation, index, key, unique, eyes, &mut |location, found| {
            let row = columns.of(found);
            f(row.handle(location)?, row);
            Ok(())
        })
    }

    /// Every version with exactly this key that was visible at some moment from `from` to `to`, both included, with the
    /// moment at which it ended ([`Timestamp::INFINITY`] while it lives); in no particular order. Own writes have no
    /// moment and are not among them. `false`, and nothing is visited, where the index does not know what had died
    /// before `from`.
    pub fn versions_of(
        &self,
        table: TableId,
        index: IndexId,
        key: &[u8],
        (from, to): (Timestamp, Timestamp),
        f: &mut dyn FnMut(RowHandle, RowRef<'_>, Timestamp),
    ) -> Result<bool, Error> {
        let Some(table) = self.table(table) else { return Ok(true) };
        let state = table.read();
        // What is kept of all of history is no question of a moment.
        if from > Timestamp::ZERO {
            table.check_readable(from.0)?;
        }
        if state.schema.index(index).is_none() || !state.index_covers(index, from.0) {
            return Ok(false);
        }
        let columns = state.columns();
        let mut since = 0;
        for (until, generation) in state.generations() {
            if since <= to.0 && from.0 < until {
                generation.versions_of(index, key, &mut |location, found| {
                    let (began, end) = (found.from()?, found.end());
                    let ended = if is_live(end) { until } else { end.min(until) };
                    if began <= to.0 && from.0 < ended && began < until {
                        let row = columns.of(found);
                        f(row.handle(location)?, row, Timestamp(ended));
                    }
                    Ok(true)
                })?;
            }
            since = until;
        }
        Ok(true)
    }

    /// The visible rows whose keys lie within the bounds, in the order of their keys.
    pub fn range(
        &self,
        table: TableId,
        index: IndexId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        reverse: bool,
    ) -> RowCursor {
        if let Some(reads) = &self.reads {
            let (lower, upper) = (lower.map(<[u8]>::to_vec), upper.map(<[u8]>::to_vec));
            reads.note(ReadRecord::Range { table, index, lower, upper });
        }
        RowCursor::new(self.clone(), table, index, lower, upper, reverse)
    }

    /// All visible rows, as Arrow batches.
    pub fn scan(
        &self,
        table: TableId,
        projection: &[ScanColumn],
        batch_rows: usize,
    ) -> Result<ScanCursor, Error> {
        if let Some(reads) = &self.reads {
            reads.note(ReadRecord::Table { table, predicate: None });
        }
        ScanCursor::new(self, table, projection, batch_rows, Moments::At(self.at.0))
    }

    /// Every version that was visible at some moment from `from` to `to`, both included. Own writes have no moment
    /// and are not among them.
    pub fn versions(
        &self,
        table: TableId,
        from: Timestamp,
        to: Timestamp,
        projection: &[ScanColumn],
        batch_rows: usize,
    ) -> Result<ScanCursor, Error> {
        ScanCursor::new(self, table, projection, batch_rows, Moments::Between(from.0, to.0))
    }
}

/// The versions of a hot key that had begun by a moment, as far as it pays to know: they stand oldest first. Of a
/// unique key only the last of them: what is older had ended by then.
#[inline]
pub(crate) fn started<'v>(
    generation: &Generation,
    versions: &'v [Location],
    unique: bool,
    at: u64,
) -> &'v [Location] {
    if versions.len() <= WALKED_VERSIONS {
        return versions;
    }
    let has_begun =
        |location: &Location| generation.locate(*location).and_then(Found::from).is_ok_and(|from| from <= at);
    let end = versions.partition_point(has_begun);
    versions.get(if unique { end.saturating_sub(1) } else { 0 }..end).unwrap_or(versions)
}

/// Visits the visible versions of a key, each of its places newest first; a unique key has at most one.
#[inline]
fn visit_visible<'a>(
    generation: &'a Generation,
    index: IndexId,
    key: &[u8],
    unique: bool,
    eyes: Eyes<'_>,
    visit: &mut dyn FnMut(Location, Found<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    for store in generation.stores() {
        let Some(map) = store.index(index) else { continue };
        let versions = started(generation, map.get(key), unique, eyes.at);
        for location in versions.iter().rev() {
            let found = match (location.place(), store.chunk(location.number())) {
                (Some(Place::Hot), Some(chunk)) => Found::Chunk(chunk, location.row()),
                _ => generation.locate(*location)?,
            };
            if eyes.sees(found)? {
                visit(*location, found)?;
                if unique {
                    return Ok(());
                }
            }
        }
    }
    for part in generation.segments.iter().rev().filter(|part| part.may_show(eyes.at)) {
        let mut positions = part.find(index, key)?;
        if unique && positions.len() > WALKED_VERSIONS {
            positions = part.started(index, positions, eyes.at)?;
        }
        for position in positions.rev() {
            let row = part.row_at(index, position)?;
            let found = Found::Segment(part, row);
            if eyes.sees(found)? {
                visit(part.location(row), found)?;
                if unique {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Where a location without a birth leads, through the moves of checkpoints.
pub(crate) fn follow(state: &TableState, location: Location) -> Option<(Location, Found<'_>)> {
    let mut location = location;
    for _ in 0..=state.forwards.len() {
        if let Some(found) = state
            .current
            .try_locate(location)
            .or_else(|| state.older.iter().rev().find_map(|(_, older)| older.try_locate(location)))
        {
            return Some((location, found));
        }
        let forward = state.forwards.get(&(location.0 >> 32))?;
        location = Location(*forward.rows.get(location.row())?);
    }
    None
}
