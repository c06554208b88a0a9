//! Validation of SERIALIZABLE commits: is everything that was read still as it was?
//!
//! No history of commits is kept for this: the versions themselves say when they came and went. A read is stale if a
//! version it covers began or ended after the reader's snapshot, or does so by a commit of the same batch that comes
//! before. For keys and ranges those are the versions with such keys; for scans, those that satisfy the predicate.

use super::Request;
use crate::engine::Engine;
use crate::ids::Timestamp;
use crate::record::CommitSet;
use crate::table::row::Found;
use crate::table::visibility::{Mark, is_live};
use crate::table::{Generation, TableState};
use crate::transaction::{Predicate, ReadRecord};
use crate::{Error, IndexId, TableId};
use std::ops::Bound;

/// What is known of one transaction that is to be validated.
struct Validation<'a> {
    snapshot: u64,
    me: u64,
    /// Those of the same batch that will be committed before it.
    before: &'a [(Timestamp, Request)],
}

pub(super) fn validate(
    engine: &Engine,
    request: &Request,
    before: &[(Timestamp, Request)],
) -> Result<(), Error> {
    if request.set.is_empty() {
        return Ok(());
    }
    validate_reads(engine, &request.reads, request.snapshot, request.shared.id, before)
}

/// Whether what was read is stale already: asked before a transaction's first write too, so that one that cannot
/// commit learns it there, as in PostgreSQL, and not only at its end.
pub(crate) fn validate_reads(
    engine: &Engine,
    reads: &[ReadRecord],
    snapshot: Timestamp,
    me: u64,
    before: &[(Timestamp, Request)],
) -> Result<(), Error> {
    let validation = Validation { snapshot: snapshot.0, me, before };
    for read in reads {
        let stale = match read {
            ReadRecord::Key { table, index, key } => validation.key(engine, *table, *index, key)?,
            ReadRecord::Range { table, index, lower, upper } => {
                let lower = lower.as_ref().map(Vec::as_slice);
                let upper = upper.as_ref().map(Vec::as_slice);
                validation.range(engine, *table, *index, lower, upper)?
            }
            ReadRecord::Table { table, predicate } => validation.table(engine, *table, predicate.as_ref())?,
        };
        if stale {
            return Err(Error::ReadWriteDependency);
        }
    }
    Ok(())
}

impl Validation<'_> {
    /// Whether a version came or went since the snapshot.
    fn changed(&self, found: Found<'_>) -> Result<bool, Error> {
        let end = found.end();
        if found.from()? > self.snapshot || (!is_live(end) && end > self.snapshot) {
            return Ok(true);
        }
        let Some(mark) = Mark::of(end).filter(|mark| mark.is_closing()) else { return Ok(false) };
        let closing = mark.owner().filter(|owner| *owner != self.me);
        Ok(closing.is_some_and(|owner| self.before.iter().any(|(_, request)| request.shared.id == owner)))
    }

    /// Whether a transaction of the same batch before this one adds a row, or empties the table.
    fn added(
        &self,
        table: TableId,
        matches: &mut dyn FnMut(&crate::table::chunk::Chunk, usize) -> bool,
    ) -> bool {
        let sets = || self.before.iter().map(|(_, request)| &request.set);
        // What a signature says is not looked at: whoever reads signatures reads the newest.
        let mut signatures = sets().filter_map(|set: &CommitSet| set.signature.as_ref());
        let mut commits = sets().flat_map(|set| &set.tables).filter(|(id, _)| *id == table);
        signatures.any(|signature| signature.table == table)
            || commits.any(|(_, commit)| {
                commit.truncated
                    || commit.dropped
                    || commit.chunks.iter().any(|chunk| (0..chunk.rows()).any(|row| matches(chunk, row)))
            })
    }

    /// Truncated since the snapshot, or gone.
    fn emptied(&self, state: &TableState) -> bool {
        state.older.iter().any(|(until, _)| *until > self.snapshot)
    }

    fn key(&self, engine: &Engine, table: TableId, index: IndexId, key: &[u8]) -> Result<bool, Error> {
        let added = self.added(table, &mut |chunk, row| {
            chunk.keys.of(row).any(|(id, added)| id == index.0 && added == key)
        });
        if added {
            return Ok(true);
        }
        let Ok(table) = engine.table(table) else { return Ok(false) };
        let state = table.read();
        if self.emptied(&state) {
            return Ok(true);
        }
        let unique = state.is_unique(index);
        let mut stale = false;
        state.current.versions_of(index, key, &mut |_, found| {
            stale = self.changed(found)?;
            // Of a unique key, what is older than a hot version from before the snapshot ended before it, too.
            let is_hot = matches!(found, Found::Chunk(_, _));
            Ok(!stale && !(unique && is_hot && found.from()? <= self.snapshot))
        })?;
        Ok(stale)
    }

    fn range(
        &self,
        engine: &Engine,
        table: TableId,
        index: IndexId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
    ) -> Result<bool, Error> {
        let within = |key: &[u8]| -> bool {
            let above = match lower {
                Bound::Included(lower) => key >= lower,
                Bound::Excluded(lower) => key > lower,
                Bound::Unbounded => true,
            };
            let below = match upper {
                Bound::Included(upper) => key <= upper,
                Bound::Excluded(upper) => key < upper,
                Bound::Unbounded => true,
            };
            above && below
        };
        let added = self.added(table, &mut |chunk, row| {
            chunk.keys.of(row).any(|(id, added)| id == index.0 && within(added))
        });
        if added {
            return Ok(true);
        }
        let Ok(table) = engine.table(table) else { return Ok(false) };
        let state = table.read();
        if self.emptied(&state) {
            return Ok(true);
        }
        self.range_of(&state.current, index, lower, upper)
    }

    fn range_of(
        &self,
        generation: &Generation,
        index: IndexId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
    ) -> Result<bool, Error> {
        for map in generation.stores().filter_map(|store| store.index(index)) {
            for key in map.range(lower, upper) {
                for location in map.get(key.as_bytes()) {
                    if self.changed(generation.locate(*location)?)? {
                        return Ok(true);
                    }
                }
            }
        }
        for part in &generation.segments {
            for position in part.range(index, lower, upper)? {
                if self.changed(Found::Segment(part, part.row_at(index, position)?))? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn table(&self, engine: &Engine, table: TableId, predicate: Option<&Predicate>) -> Result<bool, Error> {
        let Ok(base) = engine.table(table) else { return Ok(false) };
        let state = base.read();
        let holds = |found: Found<'_>| {
            let row = state.row(found);
            predicate.is_none_or(|predicate| predicate(&row))
        };
        if self.emptied(&state) || self.added(table, &mut |chunk, row| holds(Found::Chunk(chunk, row))) {
            return Ok(true);
        }
        let marked = !self.before.is_empty();
        for (_, chunk) in state.current.stores().flat_map(|store| store.chunks()) {
            if !marked && chunk.latest_change() <= self.snapshot {
                continue;
            }
            for row in 0..chunk.rows() {
                let found = Found::Chunk(chunk, row);
                if self.changed(found)? && holds(found) {
                    return Ok(true);
                }
            }
        }
        for part in &state.current.segments {
            if !marked && part.latest_change() <= self.snapshot {
                continue;
            }
            for row in 0..part.segment.rows() {
                let found = Found::Segment(part, row);
                if self.changed(found)? && holds(found) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
