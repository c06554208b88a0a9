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

use super::{Reference, VALUE, beside, has_bytes, hashes};
use crate::engine::Engine;
use crate::lock::{KeyLock, RowLock, Tag, WaitPolicy};
use crate::table::Table;
use crate::table::chunk::Chunk;
use crate::table::visibility::is_live;
use crate::transaction::{Isolation, LockedRow, Transaction};
use crate::{Error, Outcome, RowHandle, TableId, Timestamp};
use hashbrown::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The horizon has to move by one in so many of what is kept.
const MOVED: i64 = 8;

/// Values that one transaction ends.
const AT_ONCE: usize = 4096;

/// What versions refer to, and where that was looked for.
#[derive(Default)]
struct Referred {
    hashes: HashSet<[u8; 16]>,
    /// Segments that need not be looked at again: they never change.
    seen: HashSet<u32>,
}

impl Referred {
    /// Looks at every version of a table, at all but those of growing chunks without its latch.
    fn note(&mut self, table: &Table) -> Result<(), Error> {
        let (mut parts, mut stores, mut chunks) = (Vec::new(), Vec::new(), Vec::new());
        {
            let state = table.read();
            for (_, generation) in state.generations() {
                let fresh = generation.segments.iter().filter(|part| self.seen.insert(part.number));
                parts.extend(fresh.cloned());
                stores.extend(generation.frozen.iter().cloned());
                chunks.extend(generation.active.sealed().iter().cloned());
                generation.active.open().into_iter().for_each(|chunk| self.add_chunk(chunk));
            }
        }
        chunks.iter().for_each(|chunk| self.add_chunk(chunk));
        stores.iter().flat_map(|store| store.chunks()).for_each(|(_, chunk)| self.add_chunk(chunk));
        for part in parts {
            for (column, _) in part.segment.columns().iter().filter(|(_, physical)| has_bytes(*physical)) {
                for row in 0..part.segment.rows() {
                    self.add(part.segment.value_bytes(*column, row)?);
                }
            }
        }
        Ok(())
    }

    fn add_chunk(&mut self, chunk: &Chunk) {
        let columns = chunk.layout.iter().zip(chunk.columns());
        for (_, column) in columns.filter(|((_, physical), _)| has_bytes(*physical)) {
            (0..chunk.rows()).for_each(|row| self.add(column.bytes(row)));
        }
    }

    fn add(&mut self, stored: Option<&[u8]>) {
        self.hashes.extend(stored.and_then(Reference::parse).map(|reference| reference.hash));
    }
}

/// Ends what nothing refers to. Answers how many values that were.
pub(crate) fn collect(engine: &Arc<Engine>, table: &Table) -> Result<usize, Error> {
    let (Some(id), Some(retention)) = (beside(table.id), table.retention()) else { return Ok(0) };
    let Some(values) = table.read().long.clone() else { return Ok(0) };
    let oldest = engine.registry.oldest();
    values.give_up_ended(oldest);
    if values.live_rows.load(Ordering::Acquire) <= 0
        || values.check_sound().is_err()
        // Who began while all history was kept locks no value that it refers to.
        || oldest < table.retained_since()
        || !table.note_collected(retention / MOVED)
    {
        return Ok(0);
    }
    let mut referred = Referred::default();
    referred.note(table)?;
    let candidates = unreferred(&values, &referred.hashes)?;
    let mut ended = 0;
    for candidates in candidates.chunks(AT_ONCE) {
        if engine.compactor.is_closed() {
            break;
        }
        ended += end_all(engine, (table, &values, id), candidates, &mut referred)?;
    }
    if ended > 0 {
        tracing::info!(table = table.id.0, ended, "long values");
    }
    Ok(ended)
}

/// Ends those of some values to which nothing refers still, once they are locked.
fn end_all(
    engine: &Arc<Engine>,
    (table, values, id): (&Table, &Table, TableId),
    candidates: &[([u8; 16], RowHandle)],
    referred: &mut Referred,
) -> Result<usize, Error> {
    let mut transaction = Transaction::begin(engine.clone(), Isolation::ReadCommitted, false);
    let mut locked = Vec::new();
    for (hash, handle) in candidates {
        let tag = Tag::Key(hashes(id), engine.locks.key_hash(hash));
        if transaction.lock_now(tag, KeyLock::Exclusive)? {
            locked.push((hash, handle));
        }
    }
    referred.note(table)?;
    let mut ended = 0;
    for (_, handle) in locked.into_iter().filter(|(hash, _)| !referred.hashes.contains(*hash)) {
        ended += usize::from(end(&mut transaction, id, *handle)?);
    }
    if ended > 0 {
        let at: Timestamp = transaction.commit().wait()?;
        values.note_ended(at.0, engine.registry.next_id());
    }
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
    let parts = values.read().current.segments.clone();
    let mut found = Vec::new();
    for part in &parts {
        if !part.holds(VALUE) {
            continue;
        }
        let index = hashes(values.id);
        for position in part.range(index, Bound::Unbounded, Bound::Unbounded)? {
            let hash = <[u8; 16]>::try_from(part.key_at(index, position)?)
                .map_err(|_| Error::Corrupted(format!("a key of index {} is no hash", index.0)))?;
            let row = part.row_at(index, position)?;
            if !referred.contains(&hash) && is_live(part.segment.ends().get(row)) {
                let handle = RowHandle { location: part.location(row).0, birth: part.segment.birth(row)? };
                found.push((hash, handle));
            }
        }
    }
    Ok(found)
}
