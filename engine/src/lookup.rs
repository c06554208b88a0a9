//! Many keys looked up at once: IN lists and look-up joins.
//!
//! The answer is that of [`ReadView::lookup`] for each key. Keys go in groups: each place that holds entries (hot
//! stores, segments) is asked for all keys of a group that are still open, so that a segment's learned index searches
//! them in lanes. Then rows are handed out in the order of the keys.

use crate::ids::Location;
use crate::table::Generation;
use crate::table::row::{Found, RowRef};
use crate::transaction::ReadRecord;
use crate::view::{Eyes, ReadView, WALKED_VERSIONS, started};
use crate::{Error, IndexId, RowHandle, TableId};

/// Keys of a group.
const GROUP: usize = 64;

/// The visible rows of a group's keys.
struct Group<'a, 'k> {
    index: IndexId,
    keys: &'k [&'k [u8]],
    /// Keys that may have more rows, by their places.
    open: Vec<usize>,
    rows: Vec<(usize, Location, Found<'a>)>,
}

impl ReadView {
    /// The visible rows of each key, as [`ReadView::lookup`] finds them, in the order of the keys; `f` gets the place of
    /// the key too.
    pub fn lookup_many(
        &self,
        table: TableId,
        index: IndexId,
        keys: &[&[u8]],
        f: &mut dyn FnMut(usize, RowHandle, RowRef<'_>),
    ) -> Result<(), Error> {
        let own = self.own.as_ref().map(|own| (own.writes.read(), own.at));
        if own.as_ref().is_some_and(|(writes, _)| writes.table(table).is_some()) {
            // Rows of one's own lie over the others: one key after the other.
            drop(own);
            for (place, key) in keys.iter().enumerate() {
                self.lookup(table, index, key, &mut |handle, row| f(place, handle, row))?;
            }
            return Ok(());
        }
        if let Some(reads) = &self.reads {
            for key in keys {
                reads.note(ReadRecord::Key { table, index, key: key.to_vec() });
            }
        }
        let own_at = own.as_ref().map_or(0, |(_, at)| *at);
        let eyes = Eyes { at: self.at.0, me: self.shared.id, own_at, own: None };
        let Some(table) = self.table(table) else { return Ok(()) };
        for (number, keys) in keys.chunks(GROUP).enumerate() {
            let state = table.read();
            let unique = state.is_unique(index);
            let mut group = Group { index, keys, open: (0..keys.len()).collect(), rows: Vec::new() };
            group.look(state.generation(eyes.at), eyes, unique)?;
            group.rows.sort_by_key(|(place, _, _)| *place);
            for (place, location, found) in group.rows {
                let row = state.row(found);
                f(number * GROUP + place, row.handle(location)?, row);
            }
        }
        Ok(())
    }
}

impl<'a> Group<'a, '_> {
    /// Looks through all places, in the order of [`ReadView::lookup`].
    fn look(&mut self, generation: &'a Generation, eyes: Eyes<'_>, unique: bool) -> Result<(), Error> {
        for store in generation.stores() {
            let Some(map) = store.index(self.index) else { continue };
            for place in self.open.clone() {
                for location in started(generation, map.get(self.keys[place]), unique, eyes.at).iter().rev() {
                    self.add(place, *location, generation.locate(*location)?, eyes, unique)?;
                }
            }
            self.settle(unique);
        }
        for part in generation.segments.iter().rev().filter(|part| part.may_show(eyes.at)) {
            let mut places = Vec::with_capacity(self.open.len());
            let mut positions = Vec::with_capacity(self.open.len());
            part.find_many(self.index, self.keys, &self.open, &mut places, &mut positions)?;
            for (place, mut positions) in places.into_iter().zip(positions) {
                if unique && positions.len() > WALKED_VERSIONS {
                    positions = part.started(self.index, positions, eyes.at)?;
                }
                for position in positions.rev() {
                    let row = part.row_at(self.index, position)?;
                    self.add(place, part.location(row), Found::Segment(part, row), eyes, unique)?;
                }
            }
            self.settle(unique);
        }
        Ok(())
    }

    /// Adds a version if it is seen and its key may have it.
    fn add(
        &mut self,
        place: usize,
        location: Location,
        found: Found<'a>,
        eyes: Eyes<'_>,
        unique: bool,
    ) -> Result<(), Error> {
        let is_taken = unique && self.rows.last().is_some_and(|(last, _, _)| *last == place);
        if !is_taken && eyes.sees(found)? {
            self.rows.push((place, location, found));
        }
        Ok(())
    }

    /// A unique key whose row was found has no other.
    fn settle(&mut self, unique: bool) {
        if unique && !self.rows.is_empty() {
            let mut found: Vec<usize> = self.rows.iter().map(|(place, _, _)| *place).collect();
            found.sort_unstable();
            self.open.retain(|place| found.binary_search(place).is_err());
        }
    }
}
