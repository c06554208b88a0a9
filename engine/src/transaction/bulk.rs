//! Transactions that write very many keys, whose keys are not locked one by one.
//!
//! **Purpose.** A key lock is an entry of the lock manager, held until the end: ten million of them take gigabytes. A
//! transaction that has taken many of them becomes a bulk writer. From then on it locks a key only while it checks and
//! writes it, and what it has written itself, which it has in a map, stands for the lock.
//!
//! **How.** Whoever wants a key locks it first, and then asks the bulk writers whether one of them has written it; if so,
//! the end of that transaction is waited for, as for the holder of the lock. A bulk writer registers itself before it
//! lets go of the first key, and writes a key only while it has it locked: so whoever gets the lock afterwards sees the
//! key. When a bulk writer is about to commit, its maps are kept here until its end; only where it has made an index over
//! rows that were there before does it count as having written every key of the table.
//!
//! **Invariant.** Two transactions never have written the same key of a unique index, both undecided.

use super::rows::own_with_key;
use super::write_set::{TableWrites, WriteSet};
use crate::index::HotIndex;
use crate::{IndexId, TableId};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a bulk writer has written.
enum Keys {
    Written(Arc<RwLock<WriteSet>>),
    /// It is about to commit: the maps of its tables, or anything where there are none.
    Kept(Vec<(TableId, Option<Maps>)>),
}

/// The maps of one table's keys. What a savepoint took back is in them still.
type Maps = Vec<(IndexId, HotIndex)>;

/// The bulk writers at work.
#[derive(Default)]
pub(crate) struct BulkWriters {
    count: AtomicUsize,
    writers: RwLock<Vec<(u64, Keys)>>,
}

impl BulkWriters {
    /// Makes a transaction a bulk writer. To be called while all the keys that it has written are locked.
    pub fn register(&self, transaction: u64, writes: Arc<RwLock<WriteSet>>) {
        let mut writers = self.writers.write();
        writers.push((transaction, Keys::Written(writes)));
        self.count.store(writers.len(), Ordering::Release);
    }

    /// Keeps the maps of a transaction that is about to commit, if it is a bulk writer: they would go away.
    pub fn close(&self, transaction: u64) {
        if self.is_empty() {
            return;
        }
        let mut writers = self.writers.write();
        for (_, keys) in writers.iter_mut().filter(|(writer, _)| *writer == transaction) {
            if let Keys::Written(writes) = keys {
                let maps = |writes: &mut TableWrites| {
                    let is_plain = writes.backfills.is_empty();
                    (writes.table, is_plain.then(|| writes.store.take_indexes()))
                };
                let kept = writes.write().tables.iter_mut().map(maps).collect();
                *keys = Keys::Kept(kept);
            }
        }
    }

    /// Forgets a transaction that has ended.
    pub fn remove(&self, transaction: u64) {
        if self.is_empty() {
            return;
        }
        let mut writers = self.writers.write();
        writers.retain(|(writer, _)| *writer != transaction);
        self.count.store(writers.len(), Ordering::Release);
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// The other bulk writer that has written a key, undecided, if there is one. The caller has the key locked.
    pub fn writer_of(&self, me: u64, table: TableId, index: IndexId, key: &[u8]) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let writers = self.writers.read();
        let mut others = writers.iter().filter(|(writer, _)| *writer != me);
        let has_written = |keys: &Keys| match keys {
            Keys::Kept(tables) => tables.iter().any(|(written, maps)| {
                let has = |maps: &Maps| maps.iter().any(|(id, map)| *id == index && !map.get(key).is_empty());
                *written == table && maps.as_ref().is_none_or(has)
            }),
            Keys::Written(writes) => {
                writes.read().table(table).is_some_and(|writes| own_with_key(writes, index, key).is_some())
            }
        };
        others.find(|(_, keys)| has_written(keys)).map(|(writer, _)| *writer)
    }
}
