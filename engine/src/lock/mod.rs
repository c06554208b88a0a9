//! The lock manager: queues, grants, and the one graph of who waits for whom.
//!
//! Locks on relations, keys and advisory numbers always live here. The exclusive row lock is a mark in the row's end
//! slot; it comes here only once somebody else wants the row, and then the entry here is the whole truth about it.
//!
//! Queues are first come, first served: a newcomer that conflicts with a waiter goes behind it. A release grants to
//! the front of the queue and wakes only whom it granted, so that a hundred waiters cost the holder's commit no more
//! than one. A wait that would close a circle is refused at once with `40P01`.
//!
//! The weak locks on relations that every statement takes are kept with their transaction until somebody wants a
//! conflicting one: see `weak`.
//!
//! Invariant: a transaction waits for at most one thing at a time, because it has one owner that makes one call.

mod mode;
mod timer;
pub(crate) mod weak;

pub use mode::{KeyLock, RelationLockMode, RowLock, WaitPolicy};
pub(crate) use mode::{Mode, Modes, Tag};

use crate::Error;
use crate::ticket::{Settlement, Ticket};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;
use timer::Timer;

const SHARDS: usize = 64;

type Wake = Arc<Settlement<Result<(), Error>>>;

/// Who has a lock, in which modes.
#[derive(Clone, Copy)]
struct Holder {
    owner: u64,
    modes: Modes,
}

struct Waiter {
    owner: u64,
    mode: Mode,
    wake: Wake,
}

/// Mostly one: then nothing is allocated.
#[derive(Default)]
struct Holders {
    first: Option<Holder>,
    more: Vec<Holder>,
}

impl Holders {
    fn iter(&self) -> impl Iterator<Item = &Holder> {
        self.first.iter().chain(&self.more)
    }

    fn add(&mut self, owner: u64, modes: Modes) {
        let holders = self.first.iter_mut().chain(&mut self.more);
        for holder in holders {
            if holder.owner == owner {
                holder.modes |= modes;
                return;
            }
        }
        let holder = Holder { owner, modes };
        if self.first.is_none() {
            self.first = Some(holder);
        } else {
            self.more.push(holder);
        }
    }

    fn remove(&mut self, owner: u64) {
        if self.first.is_some_and(|holder| holder.owner == owner) {
            self.first = self.more.pop();
        } else {
            self.more.retain(|holder| holder.owner != owner);
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

#[derive(Default)]
struct Entry {
    holders: Holders,
    waiters: VecDeque<Waiter>,
}

impl Entry {
    fn held(&self, owner: u64) -> Modes {
        self.holders.iter().find(|holder| holder.owner == owner).map_or(0, |holder| holder.modes)
    }

    fn held_by_others(&self, owner: u64) -> Modes {
        let others = self.holders.iter().filter(|holder| holder.owner != owner);
        others.fold(0, |modes, holder| modes | holder.modes)
    }

    fn add(&mut self, owner: u64, modes: Modes) {
        self.holders.add(owner, modes);
    }

    /// Grants to the front of the queue whatever now can be granted; says whom to wake.
    fn grant(&mut self, granted: &mut Vec<(u64, Wake)>) {
        let mut blocked: Modes = 0;
        let mut waiting = VecDeque::with_capacity(self.waiters.len().min(4));
        while let Some(waiter) = self.waiters.pop_front() {
            let free = waiter.mode.conflicts & (self.held_by_others(waiter.owner) | blocked) == 0;
            if free {
                self.add(waiter.owner, waiter.mode.bit);
                granted.push((waiter.owner, waiter.wake));
            } else {
                blocked |= waiter.mode.bit;
                waiting.push_back(waiter);
                // An exclusive mode at the front blocks everything behind it, mostly: stop looking early.
                if blocked.count_ones() >= 1
                    && self.waiters.iter().all(|next| next.mode.conflicts & blocked != 0)
                {
                    break;
                }
            }
        }
        waiting.append(&mut self.waiters);
        self.waiters = waiting;
    }

    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiters.is_empty()
    }
}

/// What a waiting transaction waits for.
#[derive(Clone, Copy)]
enum WaitsFor {
    Lock(Tag, Mode),
    /// The end of a transaction, whatever it holds.
    End(u64),
}

/// The answer to a request for a lock.
pub(crate) enum Answer {
    /// Granted; nothing of it was held before.
    Granted,
    /// Granted, and held in another mode before: whoever lets go of it lets go of both.
    Strengthened,
    /// It was held in this mode before.
    Held,
    /// Somebody is in the way and the policy is not to wait.
    Busy,
    Wait(Ticket),
}

/// Whether a row's end slot agrees with what the manager is about to record; see [`LockManager::request_row`].
pub(crate) enum Slot {
    /// The slot is now marked as managed; the exclusive holder by the slot, if there is one, and its mode.
    Managed(Option<(u64, Mode)>),
    /// The slot has changed since: look again.
    Changed,
}

/// All locks of a database.
pub(crate) struct LockManager {
    shards: Vec<Mutex<HashMap<Tag, Entry>>>,
    waiting: Mutex<HashMap<u64, WaitsFor>>,
    hasher: DefaultHashBuilder,
    timer: Timer,
    /// What closes the fast path of weak locks.
    pub strong: weak::StrongCounters,
}

impl LockManager {
    pub fn new() -> Arc<LockManager> {
        Arc::new(LockManager {
            shards: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect(),
            waiting: Mutex::new(HashMap::new()),
            hasher: DefaultHashBuilder::default(),
            timer: Timer::new(),
            strong: weak::StrongCounters::new(),
        })
    }

    fn shard(&self, tag: &Tag) -> &Mutex<HashMap<Tag, Entry>> {
        &self.shards[self.hasher.hash_one(tag) as usize % SHARDS]
    }

    /// The hash by which a key is locked.
    pub fn key_hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Records a lock that was granted on the fast path.
    pub fn adopt(&self, tag: Tag, owner: u64, modes: Modes) {
        self.shard(&tag).lock().entry(tag).or_default().add(owner, modes);
    }

    /// Asks for a lock.
    pub fn request(
        self: &Arc<Self>,
        tag: Tag,
        owner: u64,
        mode: Mode,
        policy: WaitPolicy,
    ) -> Result<Answer, Error> {
        let mut shard = self.shard(&tag).lock();
        let entry = shard.entry(tag).or_default();
        match self.enqueue(entry, tag, owner, mode, policy) {
            Some(Answer::Wait(ticket)) => {
                drop(shard);
                self.refuse_circle(owner)?;
                Ok(Answer::Wait(ticket))
            }
            Some(answer) => Ok(answer),
            None => Ok(Answer::Busy),
        }
    }

    /// Asks for a row lock that the row's end slot alone cannot settle. Under the shard's mutex, `slot` marks the end
    /// slot as managed and says who holds the row by its mark, so that no release can pass unseen.
    pub fn request_row(
        self: &Arc<Self>,
        tag: Tag,
        owner: u64,
        mode: Mode,
        policy: WaitPolicy,
        slot: &mut dyn FnMut() -> Slot,
    ) -> Result<Option<Answer>, Error> {
        let mut shard = self.shard(&tag).lock();
        let holder = match slot() {
            Slot::Managed(holder) => holder,
            Slot::Changed => return Ok(None),
        };
        let entry = shard.entry(tag).or_default();
        if let Some((holder, held)) = holder {
            entry.add(holder, held.bit);
        }
        match self.enqueue(entry, tag, owner, mode, policy) {
            Some(Answer::Wait(ticket)) => {
                drop(shard);
                self.refuse_circle(owner)?;
                Ok(Some(Answer::Wait(ticket)))
            }
            Some(answer) => Ok(Some(answer)),
            None => Ok(Some(Answer::Busy)),
        }
    }

    /// Grants, or queues, or (`None`) finds the lock busy under a policy that does not wait.
    fn enqueue(
        self: &Arc<Self>,
        entry: &mut Entry,
        tag: Tag,
        owner: u64,
        mode: Mode,
        policy: WaitPolicy,
    ) -> Option<Answer> {
        let held = entry.held(owner);
        if held & mode.bit != 0 {
            return Some(Answer::Held);
        }
        let ahead = entry.waiters.iter().filter(|waiter| waiter.owner != owner);
        let queued = ahead.fold(0, |modes, waiter| modes | waiter.mode.bit);
        let others = entry.held_by_others(owner);
        // Who holds the lock already in another mode does not queue behind those who wait for it.
        let free = mode.conflicts & others == 0 && (held != 0 || mode.conflicts & queued == 0);
        if free {
            entry.add(owner, mode.bit);
            return Some(if held == 0 { Answer::Granted } else { Answer::Strengthened });
        }
        let WaitPolicy::Wait { timeout } = policy else { return None };
        let wake: Wake = Settlement::new();
        let waiter = Waiter { owner, mode, wake: wake.clone() };
        if held != 0 {
            entry.waiters.push_front(waiter)
        } else {
            entry.waiters.push_back(waiter)
        }
        self.waiting.lock().insert(owner, WaitsFor::Lock(tag, mode));
        if let Some(timeout) = timeout {
            let manager = Arc::downgrade(self);
            self.timer.after(
                timeout,
                Arc::downgrade(&wake),
                Box::new(move |wake| {
                    if let Some(manager) = manager.upgrade() {
                        manager.give_up(tag, owner, wake);
                    }
                }),
            );
        }
        let manager = self.clone();
        let abandoned = wake.clone();
        let abandon = move || {
            if !abandoned.is_settled() {
                manager.give_up(tag, owner, &abandoned);
            }
        };
        Some(Answer::Wait(Ticket::with_abandon(wake, Box::new(abandon))))
    }

    /// Removes one waiter from a queue, if it still stands there: not another wait of the same transaction, which may
    /// have begun since.
    fn give_up(&self, tag: Tag, owner: u64, wake: &Wake) {
        let mut granted = Vec::new();
        {
            let mut shard = self.shard(&tag).lock();
            let Some(entry) = shard.get_mut(&tag) else { return };
            let place = entry.waiters.iter().position(|waiter| Arc::ptr_eq(&waiter.wake, wake));
            let Some(place) = place else { return };
            entry.waiters.remove(place);
            self.waiting.lock().remove(&owner);
            entry.grant(&mut granted);
            if entry.is_empty() {
                shard.remove(&tag);
            }
        }
        self.wake(granted);
    }

    fn wake(&self, granted: Vec<(u64, Wake)>) {
        if granted.is_empty() {
            return;
        }
        {
            let mut waiting = self.waiting.lock();
            for (owner, _) in &granted {
                waiting.remove(owner);
            }
        }
        for (_, wake) in granted {
            wake.settle(Ok(()));
        }
    }

    /// Lets go of a lock in all its modes, and of a place in its queue.
    pub fn release(&self, tag: Tag, owner: u64) {
        let mut granted = Vec::new();
        {
            let mut shard = self.shard(&tag).lock();
            if let Some(entry) = shard.get_mut(&tag) {
                entry.holders.remove(owner);
                if !entry.waiters.is_empty() {
                    entry.waiters.retain(|waiter| waiter.owner != owner);
                    entry.grant(&mut granted);
                }
                if entry.is_empty() {
                    shard.remove(&tag);
                }
            }
        }
        self.wake(granted);
    }

    /// Records that a transaction is about to wait for the end of another; refuses a circle.
    pub fn wait_for_end(&self, owner: u64, other: u64) -> Result<(), Error> {
        self.waiting.lock().insert(owner, WaitsFor::End(other));
        if self.is_circle(owner) && self.is_circle(owner) {
            self.waiting.lock().remove(&owner);
            return Err(Error::DeadlockDetected);
        }
        Ok(())
    }

    /// Fails a wait for the end of a transaction after `timeout`.
    pub fn time_out(self: &Arc<Self>, timeout: Duration, wake: &Wake, owner: u64, other: u64) {
        let manager = Arc::downgrade(self);
        let give_up = move |_: &Wake| {
            if let Some(manager) = manager.upgrade() {
                manager.waits_no_more(owner, other);
            }
        };
        self.timer.after(timeout, Arc::downgrade(wake), Box::new(give_up));
    }

    /// Forgets that a transaction waits for the end of another, if that is what it waits for.
    pub fn waits_no_more(&self, owner: u64, other: u64) {
        let mut waiting = self.waiting.lock();
        if matches!(waiting.get(&owner), Some(WaitsFor::End(known)) if *known == other) {
            waiting.remove(&owner);
        }
    }

    /// Fails the wait that has just begun if it closes a circle. The walk is not atomic: it is done twice, and a
    /// circle must be seen both times (a true one cannot vanish by itself). The caller drops the ticket, which gives up
    /// the place; granted meanwhile, there was no circle, and the lock is held until the transaction ends.
    fn refuse_circle(&self, owner: u64) -> Result<(), Error> {
        if self.is_circle(owner) && self.is_circle(owner) {
            return Err(Error::DeadlockDetected);
        }
        Ok(())
    }

    fn is_circle(&self, start: u64) -> bool {
        let mut seen = HashSet::new();
        let mut stack = vec![start];
        let mut blockers = Vec::new();
        while let Some(owner) = stack.pop() {
            blockers.clear();
            self.blockers(owner, &mut blockers);
            for &blocker in &blockers {
                if blocker == start {
                    return true;
                }
                if seen.insert(blocker) {
                    stack.push(blocker);
                }
            }
        }
        false
    }

    /// Who is in the way of a waiting transaction: conflicting holders, and conflicting waiters ahead of it.
    fn blockers(&self, owner: u64, blockers: &mut Vec<u64>) {
        let waits_for = self.waiting.lock().get(&owner).copied();
        match waits_for {
            None => {}
            Some(WaitsFor::End(other)) => blockers.push(other),
            Some(WaitsFor::Lock(tag, mode)) => {
                let shard = self.shard(&tag).lock();
                let Some(entry) = shard.get(&tag) else { return };
                let holders = entry.holders.iter();
                blockers.extend(
                    holders
                        .filter(|holder| holder.owner != owner && holder.modes & mode.conflicts != 0)
                        .map(|holder| holder.owner),
                );
                let ahead = entry.waiters.iter().take_while(|waiter| waiter.owner != owner);
                blockers.extend(
                    ahead.filter(|waiter| waiter.mode.bit & mode.conflicts != 0).map(|waiter| waiter.owner),
                );
            }
        }
    }

    /// The transactions in the way of `owner`, if it waits.
    pub fn blocking(&self, owner: u64) -> Vec<u64> {
        let mut blockers = Vec::new();
        self.blockers(owner, &mut blockers);
        blockers
    }

    /// Every lock held or waited for: owner, what, mode bits, whether held. For display.
    pub fn list(&self) -> Vec<(u64, Tag, Modes, bool)> {
        let mut list = Vec::new();
        for shard in &self.shards {
            for (tag, entry) in shard.lock().iter() {
                list.extend(entry.holders.iter().map(|holder| (holder.owner, *tag, holder.modes, true)));
                list.extend(entry.waiters.iter().map(|waiter| (waiter.owner, *tag, waiter.mode.bit, false)));
            }
        }
        list
    }
}
