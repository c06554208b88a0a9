//! Savepoints: positions in a transaction's lists of changes and of locks, and the way back to them.
//!
//! Changes are taken back one by one, the last first. Rows that were inserted stay where they are, never to be seen; rows
//! that were closed are open again, and locked as they were. Locks taken since are let go, but for those held before too.

use super::Transaction;
use super::write_set::{Reshaped, Undo};
use crate::Error;
use crate::lock::Tag;

/// A position to return to: see [`Transaction::savepoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint {
    transaction: u64,
    changes: usize,
    tags: usize,
    /// Relation locks kept with the transaction.
    own: usize,
    rows: usize,
    hooks: usize,
}

impl Transaction {
    /// The position that the transaction has come to.
    pub fn savepoint(&mut self) -> Savepoint {
        self.savepoint_here = true;
        Savepoint {
            transaction: self.shared.id,
            changes: self.undo.len(),
            tags: self.tags.len(),
            own: self.shared.locks.len(),
            rows: self.rows.len(),
            hooks: self.hooks.len(),
        }
    }

    /// Takes back every change, and lets go of every lock, since the savepoint. The savepoint stays usable.
    pub fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), Error> {
        if savepoint.transaction != self.shared.id || savepoint.changes > self.undo.len() {
            return Err(Error::UnknownSavepoint);
        }
        while self.undo.len() > savepoint.changes {
            if let Some(undo) = self.undo.pop() {
                self.take_back(undo);
            }
        }
        self.savepoint_here = true;
        self.hooks.truncate(savepoint.hooks);
        self.release_rows(savepoint.rows);
        let me = self.shared.id;
        let kept = savepoint.tags.min(self.tags.len());
        let later = self.tags.split_off(kept);
        self.shared.locks.truncate(&self.engine.locks, savepoint.own, me, &self.tags);
        for tag in later {
            // A lock taken again since the savepoint was held before it too.
            let noted = matches!(tag, Tag::Relation(table) if self.shared.locks.holds(table));
            if !noted && !self.tags.contains(&tag) {
                self.engine.locks.release(tag, me);
            }
        }
        self.command += 1;
        Ok(())
    }

    fn take_back(&mut self, undo: Undo) {
        let Some(writes) = self.writes.clone() else { return };
        let mut writes = writes.write();
        let table = match &undo {
            Undo::Inserted { table, .. }
            | Undo::ClosedOwn { table, .. }
            | Undo::Closed { table, .. }
            | Undo::Created { table }
            | Undo::Reshaped { table, .. }
            | Undo::Dropped { table }
            | Undo::Undropped { table }
            | Undo::Truncated { table, .. }
            | Undo::Backfilled { table } => *table,
        };
        if let Undo::Created { .. } = undo {
            writes.tables.retain(|writes| writes.table != table);
            return;
        }
        let Some(writes) = writes.table_mut(table) else { return };
        match undo {
            Undo::Inserted { first, count, .. } => {
                let chunk = writes.store.chunk(first.number());
                for row in first.row()..first.row() + count as usize {
                    if let Some(life) = chunk.and_then(|chunk| chunk.life(row)) {
                        life.set_end(0);
                    }
                }
            }
            Undo::ClosedOwn { location, .. } => {
                if let Some(life) = writes.store.life(location) {
                    life.set_end(crate::table::visibility::ALIVE);
                }
            }
            Undo::Closed { handle, .. } => {
                writes.closed.remove(&handle.birth);
                self.mark_closing(table, handle, false);
            }
            Undo::Created { .. } => {}
            Undo::Reshaped { before, .. } => {
                let Reshaped { schema, layout, dictionary, shape } = *before;
                writes.schema = schema;
                writes.layout = layout;
                writes.dictionary = dictionary;
                writes.shape = shape;
            }
            Undo::Dropped { .. } => writes.dropped = None,
            Undo::Undropped { .. } => writes.undropped = false,
            Undo::Truncated { before, .. } => writes.truncated = before,
            Undo::Backfilled { .. } => {
                writes.backfills.pop();
            }
        }
    }
}
