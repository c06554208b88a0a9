//! Ending the long values to which nothing refers any more, where history is given up.
//!
//! What refers to a value is a version of a row, living or kept. When a table's horizon has moved by a good part of what
//! the table keeps, the thread of compaction
//!
//! 1. notes what all versions refer to, and which living values in segments nobody refers to;
//! 2. locks these, and leaves out what somebody else has locked: a transaction that is about to refer to a value that was
//!    there before has its lock to the end (`write`);
//! 3. looks at what came meanwhile: what was committed before the lock was taken is there by now;
//! 4. ends what is left in a transaction of its own. Once nobody is left who began before its commit, and may still hold
//!    a reference in hand, the horizon of the table beside is raised over it, and compaction leaves it out.
//!
//! A crash before the commit changes nothing; after it, values to which nothing refers have ended.

use super::{Reference, VALUE, beside, hashes};
use crate::engine::Engine;
use crate::lock::{KeyLock, RowLock, Tag, WaitPolicy};
use crate::table::row::Found;
use crate::table::visibility::is_live;
use crate::table::{Table, TableState};
use crate::transaction::{Isolation, LockedRow, Transaction};
use crate::{ColumnId, Error, Outcome, PhysicalType, RowHandle, TableId, Timestamp};
use hashbrown::HashSet;
use std::ops::Bound;
use std::sync::Arc;

/// The horizon has to move by one in so many of what is kept.
const MOVED: i64 = 8;

/// What versions refer to, and where that was looked for.
#[derive(Default)]
struct Referred {
    hashes: HashSet<[u8; 16]>,
    /// Segments that need not be looked at again: they never change.
    seen: HashSet<u32>,
}

impl Referred {
    /// Looks at every version of a table.
    fn note(&mut self, table: &Table) -> Result<(), Error> {
        let state = table.read();
        let has_bytes =
            |physical: &PhysicalType| matches!(physical, PhysicalType::Text | PhysicalType::Bytes);
        for (_, generation) in state.generations() {
            for (_, chunk) in generation.stores().flat_map(|store| store.chunks()) {
                for (column, _) in chunk.layout.iter().filter(|(_, physical)| has_bytes(physical)) {
                    for row in 0..chunk.rows() {
                        self.add(&state, *column, Found::Chunk(chunk, row))?;
                    }
                }
            }
            for part in &generation.segments {
                if !self.seen.insert(part.number) {
                    continue;
                }
                for (column, _) in part.segment.columns().iter().filter(|(_, physical)| has_bytes(physical)) {
                    for row in 0..part.segment.rows() {
                        self.add(&state, *column, Found::Segment(part, row))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, state: &TableState, column: ColumnId, found: Found<'_>) -> Result<(), Error> {
        let stored = state.row(found).stored(column)?;
        self.hashes.extend(stored.and_then(Reference::parse).map(|reference| reference.hash));
        Ok(())
    }
}

/// Ends what nothing refers to. Answers how many values that were.
pub(crate) fn collect(engine: &Arc<Engine>, table: &Table) -> Result<usize, Error> {
    let (Some(id), Some(retention)) = (beside(table.id), table.retention()) else { return Ok(0) };
    let Some(values) = table.read().long.clone() else { return Ok(0) };
    values.give_up_ended(engine.registry.oldest());
    if !table.note_collected(retention / MOVED) || values.check_sound().is_err() {
        return Ok(0);
    }
    let mut referred = Referred::default();
    referred.note(table)?;
    let candidates = unreferred(&values, &referred.hashes)?;
    if candidates.is_empty() {
        return Ok(0);
    }
    let mut transaction = Transaction::begin(engine.clone(), Isolation::ReadCommitted, false);
    let mut locked = Vec::new();
    for (hash, handle) in candidates {
        let tag = Tag::Key(hashes(id), engine.locks.key_hash(&hash));
        if transaction.lock_now(tag, KeyLock::Exclusive)? {
            locked.push((hash, handle));
        }
    }
    referred.note(table)?;
    locked.retain(|(hash, _)| !referred.hashes.contains(hash));
    let mut ended = 0;
    for (_, handle) in &locked {
        ended += usize::from(end(&mut transaction, id, *handle)?);
    }
    if ended == 0 {
        return Ok(0);
    }
    let at: Timestamp = transaction.commit().wait()?;
    values.note_ended(at.0, engine.registry.next_id());
    tracing::info!(table = table.id.0, ended, "long values");
    Ok(ended)
}

/// Ends one value, unless somebody has it.
fn end(transaction: &mut Transaction, id: TableId, handle: RowHandle) -> Result<bool, Error> {
    match transaction.lock_row(id, handle, RowLock::Update, WaitPolicy::Skip)? {
        Outcome::Done(LockedRow::Current) => transaction.delete(id, handle).map(|()| true),
        Outcome::Done(_) | Outcome::Wait(_) => Ok(false),
    }
}

/// The living values in segments that are not among the hashes.
fn unreferred(values: &Table, referred: &HashSet<[u8; 16]>) -> Result<Vec<([u8; 16], RowHandle)>, Error> {
    let state = values.read();
    let mut found = Vec::new();
    for part in &state.current.segments {
        if !part.holds(VALUE) {
            continue;
        }
        let index = hashes(values.id);
        for position in part.range(index, Bound::Unbounded, Bound::Unbounded)? {
            let Ok(hash) = <[u8; 16]>::try_from(part.key_at(index, position)?) else { continue };
            let row = part.row_at(index, position)?;
            if !referred.contains(&hash) && is_live(part.segment.ends().get(row)) {
                let handle = RowHandle { location: part.location(row).0, birth: part.segment.birth(row)? };
                found.push((hash, handle));
            }
        }
    }
    Ok(found)
}
