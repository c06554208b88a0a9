//! The fast path of relation locks.
//!
//! AccessShare, RowShare and RowExclusive do not conflict with each other, and nearly every statement takes one of
//! them. Such a lock is noted with its own transaction, under a mutex that nobody else touches, as long as nobody holds
//! or wants a mode that conflicts. Whoever wants one (Share and above) first raises a counter for the table, which
//! closes the fast path, then moves what others have noted into the lock manager, and only then queues there.
//!
//! Invariants. A note is made under the transaction's mutex after reading the counter as zero, and the counter is raised
//! before that mutex is taken to move notes: so a note is either moved or never made. A transaction that begins after the
//! counter was raised sees it raised. The counter goes down only after the strong lock has been let go of.
//! ShareUpdateExclusive conflicts with no weak mode, and takes the ordinary way without closing this one.

use super::{LockManager, Mode, Modes, RelationLockMode, Tag};
use crate::TableId;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counters of strong locks: tables that share one only lose the fast path together.
const COUNTERS: usize = 1024;

/// How many transactions hold or want a strong lock, by table.
pub(crate) struct StrongCounters(Vec<AtomicU32>);

impl StrongCounters {
    pub fn new() -> StrongCounters {
        StrongCounters((0..COUNTERS).map(|_| AtomicU32::new(0)).collect())
    }

    fn of(&self, table: TableId) -> &AtomicU32 {
        &self.0[table.0 as usize % COUNTERS]
    }

    fn is_closed(&self, table: TableId) -> bool {
        self.of(table).load(Ordering::SeqCst) != 0
    }
}

/// A weak lock noted with its transaction.
struct Note {
    table: TableId,
    modes: Modes,
    /// It is in the lock manager too, and is let go of there.
    moved: bool,
}

#[derive(Default)]
struct Notes {
    weak: Vec<Note>,
    /// Tables of which this transaction has raised the counter.
    strong: Vec<TableId>,
}

/// The relation locks that a transaction keeps itself.
#[derive(Default)]
pub(crate) struct OwnLocks(Mutex<Notes>);

/// Whether the fast path serves a mode.
pub(crate) fn is_weak(mode: RelationLockMode) -> bool {
    mode <= RelationLockMode::RowExclusive
}

/// Whether a mode conflicts with one that the fast path serves.
pub(crate) fn is_strong(mode: RelationLockMode) -> bool {
    mode >= RelationLockMode::Share
}

impl OwnLocks {
    /// Notes a weak lock; `false` where the lock manager has to decide.
    pub fn note(&self, counters: &StrongCounters, table: TableId, mode: RelationLockMode) -> bool {
        let bit = Mode::from(mode).bit;
        let mut notes = self.0.lock();
        match notes.weak.iter_mut().find(|note| note.table == table) {
            Some(note) if note.modes & bit != 0 => true,
            Some(note) if !note.moved && !counters.is_closed(table) => {
                note.modes |= bit;
                true
            }
            Some(_) => false,
            None if !counters.is_closed(table) => {
                notes.weak.push(Note { table, modes: bit, moved: false });
                true
            }
            None => false,
        }
    }

    /// Closes the fast path of a table for this transaction's strong lock; `false` if it did so before.
    pub fn close(&self, counters: &StrongCounters, table: TableId) -> bool {
        let mut notes = self.0.lock();
        if notes.strong.contains(&table) {
            return false;
        }
        notes.strong.push(table);
        counters.of(table).fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Moves the note of a table into the lock manager.
    pub fn hand_over(&self, locks: &LockManager, table: TableId, owner: u64) {
        let mut notes = self.0.lock();
        if let Some(note) = notes.weak.iter_mut().find(|note| note.table == table && !note.moved) {
            note.moved = true;
            locks.adopt(Tag::Relation(table), owner, note.modes);
        }
    }

    /// How many notes there are, for a savepoint.
    pub fn len(&self) -> usize {
        self.0.lock().weak.len()
    }

    /// Whether a weak lock on the table is noted.
    pub fn holds(&self, table: TableId) -> bool {
        self.0.lock().weak.iter().any(|note| note.table == table)
    }

    /// Forgets the notes made since there were `kept`; what the lock manager holds of them is let go of there, unless
    /// the transaction holds it by one of `tags` too.
    pub fn truncate(&self, locks: &LockManager, kept: usize, owner: u64, tags: &[Tag]) {
        let mut notes = self.0.lock();
        if notes.weak.len() <= kept {
            return;
        }
        let later = notes.weak.split_off(kept);
        drop(notes);
        for note in later.into_iter().filter(|note| note.moved) {
            let tag = Tag::Relation(note.table);
            if !tags.contains(&tag) {
                locks.release(tag, owner);
            }
        }
    }

    /// Lets go of everything. The lock manager's own locks of the transaction must have been let go of before.
    pub fn release(&self, locks: &LockManager, owner: u64) {
        let notes = std::mem::take(&mut *self.0.lock());
        for note in notes.weak.iter().filter(|note| note.moved) {
            locks.release(Tag::Relation(note.table), owner);
        }
        for table in notes.strong {
            locks.strong.of(table).fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// The locks that are noted here alone.
    pub fn list(&self) -> Vec<(TableId, Modes)> {
        let notes = self.0.lock();
        notes.weak.iter().filter(|note| !note.moved).map(|note| (note.table, note.modes)).collect()
    }
}
