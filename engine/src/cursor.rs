//! Rows in the order of an index, streamed.
//!
//! A cursor holds no latch between calls. It fetches a few keys beyond its position from every place that holds
//! entries (private store, hot stores, segments), keeps those up to the smallest place where a fetch stopped short,
//! and gives them out one by one; each row is found anew by its handle, wherever a checkpoint has put it meanwhile.

use crate::batch::{BatchBuilder, ScanColumn};
use crate::ids::Location;
use crate::index::{HotIndex, IndexKey, is_range};
use crate::table::row::{Found, RowRef};
use crate::table::segments::SegmentPart;
use crate::table::{Generation, TableState};
use crate::transaction::write_set::TableWrites;
use crate::view::{Eyes, ReadView, follow};
use crate::{Error, IndexId, RowHandle, TableId};
use arrow_array::RecordBatch;
use std::collections::VecDeque;
use std::ops::Bound;

/// Keys of the first fetch; later ones double, so that LIMIT 1 stays cheap and long ranges too.
const FIRST_FETCH: usize = 8;
const LAST_FETCH: usize = 1024;

/// A range of an index, row by row.
pub struct RowCursor {
    view: ReadView,
    table: TableId,
    index: IndexId,
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
    reverse: bool,
    fetch: usize,
    buffer: VecDeque<(IndexKey, RowHandle)>,
    finished: bool,
}

/// The entries of one fetch, and where it stopped short.
#[derive(Default)]
struct Fetched {
    entries: Vec<(IndexKey, RowHandle)>,
    /// The last key seen by a place that had more.
    limit: Option<IndexKey>,
}

impl Fetched {
    fn stop_at(&mut self, key: &IndexKey, reverse: bool) {
        let nearer = self.limit.as_ref().is_none_or(|limit| if reverse { key > limit } else { key < limit });
        if nearer {
            self.limit = Some(key.clone());
        }
    }
}

fn owned(bound: Bound<&[u8]>) -> Bound<Vec<u8>> {
    bound.map(<[u8]>::to_vec)
}

impl RowCursor {
    pub(crate) fn new(
        view: ReadView,
        table: TableId,
        index: IndexId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        reverse: bool,
    ) -> RowCursor {
        if let Some(own) = &view.own {
            let unordered = |writes: &TableWrites| {
                writes.is_unmapped(index) || writes.store.index(index).is_some_and(|map| !map.is_ordered())
            };
            if own.writes.read().table(table).is_some_and(unordered) {
                if let Some(writes) = own.writes.write().table_mut(table) {
                    writes.map_backfills(index);
                    writes.store.index_mut(index).order();
                }
            }
        }
        RowCursor {
            view,
            table,
            index,
            lower: owned(lower),
            upper: owned(upper),
            reverse,
            fetch: FIRST_FETCH,
            buffer: VecDeque::new(),
            finished: !is_range(lower, upper),
        }
    }

    /// Calls `f` with the next row's key, handle and columns. `false` at the end.
    pub fn next(&mut self, f: &mut dyn FnMut(&[u8], RowHandle, RowRef<'_>)) -> Result<bool, Error> {
        loop {
            if let Some((key, handle)) = self.buffer.pop_front() {
                let there =
                    self.view.with_row(self.table, handle, &mut |row| f(key.as_bytes(), handle, row))?;
                if !there {
                    return Err(Error::Corrupted(format!("row {} vanished under a cursor", handle.birth)));
                }
                return Ok(true);
            }
            if self.finished {
                return Ok(false);
            }
            self.refill()?;
        }
    }

    /// The next rows, at most `rows`, as a batch; `None` at the end.
    pub fn next_batch(
        &mut self,
        projection: &[ScanColumn],
        rows: usize,
    ) -> Result<Option<RecordBatch>, Error> {
        let dictionary = self.view.dictionary(self.table)?;
        let mut builder = BatchBuilder::new(projection, &dictionary)?;
        let mut failed = None;
        while builder.rows() < rows.max(1) && failed.is_none() {
            let more = self.next(&mut |_, handle, row| failed = builder.push(handle, &row).err())?;
            if !more {
                break;
            }
        }
        match failed {
            Some(error) => Err(error),
            None if builder.rows() == 0 => Ok(None),
            None => builder.finish().map(Some),
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        let mut fetched = Fetched::default();
        let own = self.view.own.as_ref().map(|own| (own.writes.read(), own.at));
        let own_table = own.as_ref().and_then(|(writes, _)| writes.table(self.table));
        let own_at = own.as_ref().map_or(0, |(_, at)| *at);
        let eyes = Eyes { at: self.view.at.0, me: self.view.shared.id, own_at, own: own_table };
        let base =
            self.view.table(self.table).filter(|_| !own_table.is_some_and(|own| own.hides_base(own_at)));
        let state = base.map(|table| table.read());
        base.map_or(Ok(()), |table| table.check_readable(eyes.at))?;
        if let Some(map) = own_table.and_then(|writes| writes.store.index(self.index)) {
            self.fetch_own(map, eyes, state.as_deref(), &mut fetched)?;
        }
        if let Some(state) = &state {
            let generation = state.generation(eyes.at);
            for store in generation.stores() {
                if let Some(map) = store.index(self.index) {
                    self.fetch_hot(map, generation, eyes, &mut fetched)?;
                }
            }
            for part in generation.segments.iter().filter(|part| part.may_show(eyes.at)) {
                self.fetch_segment(part, eyes, &mut fetched)?;
            }
        }
        drop(state);
        drop(own);
        self.take(fetched);
        Ok(())
    }

    /// Keeps what lies before the limit, in order, and moves the bounds behind it.
    fn take(&mut self, fetched: Fetched) {
        let Fetched { mut entries, limit } = fetched;
        if let Some(limit) = &limit {
            entries.retain(|(key, _)| if self.reverse { key >= limit } else { key <= limit });
        }
        entries.sort_by(|(left, _), (right, _)| if self.reverse { right.cmp(left) } else { left.cmp(right) });
        self.buffer.extend(entries);
        self.fetch = (self.fetch * 2).min(LAST_FETCH);
        match limit {
            None => self.finished = true,
            Some(limit) if self.reverse => self.upper = Bound::Excluded(limit.as_bytes().to_vec()),
            Some(limit) => self.lower = Bound::Excluded(limit.as_bytes().to_vec()),
        }
        if !is_range(self.lower.as_ref().map(Vec::as_slice), self.upper.as_ref().map(Vec::as_slice)) {
            self.finished = true;
        }
    }

    /// Visits the next keys of a map; notes a limit if it has more.
    fn walk(
        &self,
        map: &HotIndex,
        fetched: &mut Fetched,
        visit: &mut dyn FnMut(&IndexKey, &mut Fetched) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let lower = self.lower.as_ref().map(Vec::as_slice);
        let upper = self.upper.as_ref().map(Vec::as_slice);
        let mut range = map.range(lower, upper);
        let mut last = None;
        for _ in 0..self.fetch {
            let next = if self.reverse { range.next_back() } else { range.next() };
            let Some(key) = next else { return Ok(()) };
            visit(key, fetched)?;
            last = Some(key);
        }
        if let Some(last) = last {
            fetched.stop_at(last, self.reverse);
        }
        Ok(())
    }

    fn fetch_own(
        &self,
        map: &HotIndex,
        eyes: Eyes<'_>,
        state: Option<&TableState>,
        fetched: &mut Fetched,
    ) -> Result<(), Error> {
        let Some(writes) = eyes.own else { return Ok(()) };
        self.walk(map, fetched, &mut |key, fetched| {
            for location in map.get(key.as_bytes()) {
                if location.is_own() {
                    let Some(chunk) = writes.store.chunk(location.number()) else { continue };
                    if chunk.life(location.row()).is_some_and(|life| life.visible(eyes.own_at)) {
                        let birth = chunk.birth(location.row());
                        fetched.entries.push((key.clone(), RowHandle { location: location.0, birth }));
                    }
                } else if let Some((location, found)) = state.and_then(|state| follow(state, *location)) {
                    if eyes.sees(found)? {
                        fetched.entries.push((key.clone(), handle(location, found)?));
                    }
                }
            }
            Ok(())
        })
    }

    fn fetch_hot(
        &self,
        map: &HotIndex,
        generation: &Generation,
        eyes: Eyes<'_>,
        fetched: &mut Fetched,
    ) -> Result<(), Error> {
        self.walk(map, fetched, &mut |key, fetched| {
            for location in map.get(key.as_bytes()) {
                let found = generation.locate(*location)?;
                if eyes.sees(found)? {
                    fetched.entries.push((key.clone(), handle(*location, found)?));
                }
            }
            Ok(())
        })
    }

    fn fetch_segment(&self, part: &SegmentPart, eyes: Eyes<'_>, fetched: &mut Fetched) -> Result<(), Error> {
        let lower = self.lower.as_ref().map(Vec::as_slice);
        let upper = self.upper.as_ref().map(Vec::as_slice);
        let mut positions = part.range(self.index, lower, upper)?;
        let mut last: Option<&[u8]> = None;
        let mut keys = 0;
        loop {
            let next = if self.reverse { positions.next_back() } else { positions.next() };
            let Some(position) = next else { return Ok(()) };
            let key = part.key_at(self.index, position)?;
            if last != Some(key) {
                if keys == self.fetch {
                    break;
                }
                keys += 1;
                last = Some(key);
            }
            let row = part.row_at(self.index, position)?;
            let found = Found::Segment(part, row);
            if eyes.sees(found)? {
                fetched.entries.push((IndexKey::new(key), handle(part.location(row), found)?));
            }
        }
        if let Some(last) = last {
            fetched.stop_at(&IndexKey::new(last), self.reverse);
        }
        Ok(())
    }
}

fn handle(location: Location, found: Found<'_>) -> Result<RowHandle, Error> {
    Ok(RowHandle { location: location.0, birth: found.birth()? })
}
