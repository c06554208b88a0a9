//! Advisory locks: of sessions and of transactions, shared and exclusive.
//!
//! They outlive transactions, so they live here and not in the engine. A waiter polls with its session's cancel
//! handle; a lock is held as often as it was taken.

use std::collections::HashMap;

use parking_lot::Mutex;

/// What is locked: (database, high half or whole key, low half, whether the key has two halves).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AdvisoryKey {
    pub database: u32,
    pub high: u32,
    pub low: u32,
    /// 1 for a single 64-bit key, 2 for two 32-bit keys: `objsubid` of pg_locks.
    pub halves: u8,
}

impl AdvisoryKey {
    pub fn single(database: u32, key: i64) -> AdvisoryKey {
        let key = key as u64;
        AdvisoryKey { database, high: (key >> 32) as u32, low: key as u32, halves: 1 }
    }

    pub fn double(database: u32, first: i32, second: i32) -> AdvisoryKey {
        AdvisoryKey { database, high: first as u32, low: second as u32, halves: 2 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holding {
    process: i32,
    shared: bool,
    of_transaction: bool,
    count: u32,
}

/// All advisory locks of an instance.
#[derive(Debug, Default)]
pub struct AdvisoryLocks {
    held: Mutex<HashMap<AdvisoryKey, Vec<Holding>>>,
}

impl AdvisoryLocks {
    /// Takes the lock if nobody else is in the way.
    pub fn try_lock(&self, key: AdvisoryKey, process: i32, shared: bool, of_transaction: bool) -> bool {
        let mut held = self.held.lock();
        let holdings = held.entry(key).or_default();
        let conflict =
            holdings.iter().any(|holding| holding.process != process && !(shared && holding.shared));
        if conflict {
            return false;
        }
        let same = holdings.iter_mut().find(|holding| {
            holding.process == process && holding.shared == shared && holding.of_transaction == of_transaction
        });
        match same {
            Some(holding) => holding.count += 1,
            None => holdings.push(Holding { process, shared, of_transaction, count: 1 }),
        }
        true
    }

    /// Gives back one hold of a session's lock; false when it is not held.
    pub fn unlock(&self, key: AdvisoryKey, process: i32, shared: bool) -> bool {
        let mut held = self.held.lock();
        let Some(holdings) = held.get_mut(&key) else { return false };
        let Some(at) = holdings.iter().position(|holding| {
            holding.process == process && holding.shared == shared && !holding.of_transaction
        }) else {
            return false;
        };
        if let Some(holding) = holdings.get_mut(at) {
            holding.count -= 1;
            if holding.count == 0 {
                holdings.swap_remove(at);
            }
        }
        if holdings.is_empty() {
            held.remove(&key);
        }
        true
    }

    /// Gives back everything a session holds, or only what its transaction holds.
    pub fn release(&self, process: i32, only_transaction: bool) {
        self.held.lock().retain(|_, holdings| {
            holdings.retain(|holding| {
                holding.process != process || (only_transaction && !holding.of_transaction)
            });
            !holdings.is_empty()
        });
    }

    /// Gives back what a session itself holds, not its transaction: pg_advisory_unlock_all.
    pub fn release_session(&self, process: i32) {
        self.held.lock().retain(|_, holdings| {
            holdings.retain(|holding| holding.process != process || holding.of_transaction);
            !holdings.is_empty()
        });
    }

    /// (key, process, shared) of every lock, for pg_locks.
    pub fn list(&self) -> Vec<(AdvisoryKey, i32, bool)> {
        let held = self.held.lock();
        let mut list: Vec<_> = held
            .iter()
            .flat_map(|(key, holdings)| {
                holdings.iter().map(|holding| (*key, holding.process, holding.shared))
            })
            .collect();
        list.sort_unstable();
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_locks_share_and_exclusive_ones_do_not() {
        let locks = AdvisoryLocks::default();
        let key = AdvisoryKey::single(5, 42);
        assert!(locks.try_lock(key, 1, true, false));
        assert!(locks.try_lock(key, 2, true, false));
        assert!(!locks.try_lock(key, 2, false, false));
        assert!(locks.unlock(key, 1, true));
        assert!(!locks.unlock(key, 1, true));
        assert!(locks.try_lock(key, 2, false, true));
        locks.release(2, true);
        assert!(!locks.try_lock(key, 1, false, false));
        locks.release(2, false);
        assert!(locks.try_lock(key, 1, false, false));
    }
}
