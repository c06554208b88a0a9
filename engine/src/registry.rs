//! The transactions at work, by id.
//!
//! An id is a number that grows. A registered transaction stays registered while it, or any view made from it, is
//! alive: what a checkpoint moved must stay findable for as long.

use crate::Error;
use crate::lock::weak::OwnLocks;
use crate::ticket::Settlement;
use crate::transaction::bulk::BulkWriters;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

const SHARDS: usize = 16;

type Wake = Arc<Settlement<Result<(), Error>>>;

/// What others may know of a transaction.
pub(crate) struct TransactionShared {
    pub id: u64,
    registry: Weak<Registry>,
    /// The relation locks it keeps itself.
    pub locks: OwnLocks,
    /// Those who wait for its end; `None` once it has ended.
    waiters: Mutex<Option<Vec<Wake>>>,
}

impl Drop for TransactionShared {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.shard(self.id).lock().remove(&self.id);
        }
    }
}

impl TransactionShared {
    /// Marks the end and wakes those who wait for it.
    pub fn end(&self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.bulk.remove(self.id);
        }
        let waiters = self.waiters.lock().take();
        for waiter in waiters.into_iter().flatten() {
            waiter.settle(Ok(()));
        }
    }
}

/// The registry of one database.
pub(crate) struct Registry {
    next: AtomicU64,
    shards: Vec<Mutex<HashMap<u64, Weak<TransactionShared>>>>,
    pub bulk: BulkWriters,
}

impl Registry {
    pub fn new() -> Arc<Registry> {
        Arc::new(Registry {
            next: AtomicU64::new(1),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            bulk: BulkWriters::default(),
        })
    }

    fn shard(&self, id: u64) -> &Mutex<HashMap<u64, Weak<TransactionShared>>> {
        &self.shards[id as usize % SHARDS]
    }

    pub fn begin(self: &Arc<Self>) -> Arc<TransactionShared> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(TransactionShared {
            id,
            registry: Arc::downgrade(self),
            locks: OwnLocks::default(),
            waiters: Mutex::new(Some(Vec::new())),
        });
        self.shard(id).lock().insert(id, Arc::downgrade(&shared));
        shared
    }

    /// Every registered transaction. A reference may be the last one: it is dropped outside the registry's mutexes.
    pub fn all(&self) -> Vec<Arc<TransactionShared>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().filter_map(Weak::upgrade));
        }
        all
    }

    /// The id that the next transaction will have.
    pub fn next_id(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// The oldest transaction of which anything is alive; the next id if there is none.
    pub fn oldest(&self) -> u64 {
        let next = self.next_id();
        let oldest = self.shards.iter().filter_map(|shard| shard.lock().keys().min().copied()).min();
        oldest.unwrap_or(next)
    }

    /// Has `wake` settled at the end of a transaction; `false` if it has ended.
    pub fn wait_for(&self, id: u64, wake: &Wake) -> bool {
        let Some(shared) = self.shard(id).lock().get(&id).and_then(Weak::upgrade) else { return false };
        let mut waiters = shared.waiters.lock();
        match waiters.as_mut() {
            Some(waiters) => {
                waiters.push(wake.clone());
                true
            }
            None => false,
        }
    }
}
