//! The engine clock: one time for commits, `now()` and "the future".
//!
//! Engine time is max(wall clock, floor). A batch of commits gets a microsecond above the floor; reading at a moment
//! raises the floor to it, so that no later commit can fall at or before a moment that was read: **a past moment
//! never changes**. While the batch stamped at or before it is in flight, such a reader waits.
//!
//! The floor survives restarts by a lease in the log: moments up to the lease may be read without writing anything,
//! and recovery raises the floor to it. Moments at or before the last durable batch need no lease.

use crate::io::Clock;
use crate::ticket::{Settlement, Ticket};
use crate::{Error, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How far ahead of a moment being read the lease is written, in microseconds.
pub(crate) const LEASE_MICROS: i64 = 1_000_000;

type Wake = Arc<Settlement<Result<(), Error>>>;

#[derive(Default)]
struct State {
    /// Commits are stamped above this.
    floor: i64,
    /// The microsecond of the batch that is being made durable.
    in_flight: Option<i64>,
    /// The floor that a restart would start from.
    lease: i64,
    /// A lease that somebody waits for.
    wanted: Option<i64>,
    /// Readers of moments that have not settled.
    waiters: Vec<Wake>,
    /// Those who wait for the next batch that is published.
    watchers: Vec<Wake>,
}

/// Whether a past moment may be read now.
#[derive(Debug)]
pub enum Past {
    Ready(Timestamp),
    /// Commits at or before the moment are still in flight: wait, then ask again.
    Wait(Ticket),
}

/// The clock of one database.
pub(crate) struct EngineClock {
    wall: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Copy of the state's floor, read without its mutex.
    floor: AtomicI64,
    published: AtomicU64,
    /// No history from this microsecond on is given up, whatever the tables' retention.
    hold: AtomicI64,
}

impl EngineClock {
    pub fn new(wall: Arc<dyn Clock>) -> EngineClock {
        EngineClock {
            wall,
            state: Mutex::default(),
            floor: AtomicI64::new(0),
            published: AtomicU64::new(0),
            hold: AtomicI64::new(i64::MAX),
        }
    }

    /// Starts from what recovery found: nothing may be stamped at or before `floor`.
    pub fn recover(&self, floor: i64, published: Timestamp) {
        let mut state = self.state.lock();
        state.floor = state.floor.max(floor).max(published.micros());
        state.lease = state.floor;
        self.floor.store(state.floor, Ordering::Release);
        self.published.store(published.0, Ordering::Release);
    }

    /// Microseconds since 2000-01-01 UTC.
    pub fn now_micros(&self) -> i64 {
        self.wall.now_micros().max(self.floor.load(Ordering::Acquire))
    }

    /// Keeps all history from a microsecond on; `i64::MAX` keeps none.
    pub fn hold(&self, micros: i64) {
        self.hold.store(micros, Ordering::Release);
    }

    /// From when on all history is kept.
    pub fn held(&self) -> i64 {
        self.hold.load(Ordering::Acquire)
    }

    /// The newest moment of which everything is durable and visible.
    pub fn published(&self) -> Timestamp {
        Timestamp(self.published.load(Ordering::Acquire))
    }

    /// The microsecond of the next batch, which is then in flight.
    pub fn begin_batch(&self) -> i64 {
        let mut state = self.state.lock();
        let micros = self.wall.now_micros().max(state.floor + 1);
        state.floor = micros;
        state.in_flight = Some(micros);
        self.floor.store(micros, Ordering::Release);
        micros
    }

    /// Has every later batch stamped after the moment that this answers, the present one. Not while one is in flight.
    pub fn pass(&self) -> Timestamp {
        let mut state = self.state.lock();
        state.floor = state.floor.max(self.wall.now_micros());
        self.floor.store(state.floor, Ordering::Release);
        Timestamp::from_micros(state.floor)
    }

    /// The time that a restart would start from.
    pub fn lease(&self) -> i64 {
        self.state.lock().lease
    }

    /// The lease that readers wait for, to be written with the next batch.
    pub fn wanted_lease(&self) -> Option<i64> {
        self.state.lock().wanted
    }

    /// Publishes the batch in flight (or, after a failure, only forgets it) and wakes those who wait for moments.
    pub fn end_batch(&self, publish: bool, lease: Option<i64>) {
        let (waiters, watchers) = {
            let mut state = self.state.lock();
            if let (true, Some(micros)) = (publish, state.in_flight) {
                self.published.store(Timestamp::from_micros(micros).0, Ordering::Release);
                state.lease = state.lease.max(micros);
            }
            if let Some(lease) = lease {
                state.lease = state.lease.max(lease);
                if state.wanted.is_some_and(|wanted| wanted <= state.lease) {
                    state.wanted = None;
                }
            }
            state.in_flight = None;
            let watchers = if publish { std::mem::take(&mut state.watchers) } else { Vec::new() };
            (std::mem::take(&mut state.waiters), watchers)
        };
        for waiter in waiters.into_iter().chain(watchers) {
            waiter.settle(Ok(()));
        }
    }

    /// Has `wake` settled by the next batch that is published; at once if something newer than `after` is.
    pub fn watch(&self, after: Timestamp, wake: &Wake) {
        let mut state = self.state.lock();
        if self.published() > after {
            drop(state);
            wake.settle(Ok(()));
        } else {
            state.watchers.push(wake.clone());
        }
    }

    /// Takes back what [`EngineClock::watch`] was asked.
    pub fn forget(&self, wake: &Wake) {
        self.state.lock().watchers.retain(|known| !Arc::ptr_eq(known, wake));
    }

    /// Makes `at` a moment that never changes again. Says whether the sequencer has to be woken for a lease.
    pub fn read_at(&self, at: Timestamp) -> Result<(Past, bool), Error> {
        let micros = at.micros();
        let mut state = self.state.lock();
        if at > Timestamp::from_micros(self.wall.now_micros().max(state.floor)) {
            return Err(Error::FutureMoment);
        }
        if state.floor < micros {
            state.floor = micros;
            self.floor.store(micros, Ordering::Release);
        }
        let leased = micros <= state.lease;
        if !leased {
            state.wanted = state.wanted.max(Some(micros + LEASE_MICROS));
        }
        if !leased || state.in_flight.is_some_and(|in_flight| in_flight <= micros) {
            let wake = Settlement::new();
            state.waiters.push(wake.clone());
            return Ok((Past::Wait(Ticket::new(wake)), !leased));
        }
        Ok((Past::Ready(at), false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wall(AtomicI64);

    impl Clock for Wall {
        fn now_micros(&self) -> i64 {
            self.0.load(Ordering::Acquire)
        }
        fn steady_micros(&self) -> u64 {
            0
        }
    }

    #[test]
    fn a_watcher_wakes_with_the_next_published_batch_and_can_be_forgotten() {
        let clock = EngineClock::new(Arc::new(Wall(AtomicI64::new(1000))));
        let (first, second) = (Settlement::new(), Settlement::new());
        clock.watch(Timestamp::ZERO, &first);
        clock.watch(Timestamp::ZERO, &second);
        clock.forget(&second);
        clock.begin_batch();
        clock.end_batch(false, None);
        assert!(!first.is_settled(), "a batch that failed published nothing");
        let micros = clock.begin_batch();
        clock.end_batch(true, None);
        assert!(first.is_settled() && !second.is_settled());
        let late = Settlement::new();
        clock.watch(Timestamp::ZERO, &late);
        assert!(late.is_settled(), "what is newer already need not be waited for");
        let next = Settlement::new();
        clock.watch(Timestamp::from_micros(micros), &next);
        assert!(!next.is_settled());
    }

    #[test]
    fn a_moment_read_is_never_committed_into() {
        let wall = Arc::new(Wall(AtomicI64::new(1000)));
        let clock = EngineClock::new(wall.clone());
        assert_eq!(clock.begin_batch(), 1000);
        assert!(matches!(clock.read_at(Timestamp::from_micros(1000)), Ok((Past::Wait(_), true))));
        clock.end_batch(true, Some(1000 + LEASE_MICROS));
        assert!(matches!(clock.read_at(Timestamp::from_micros(1000)), Ok((Past::Ready(_), false))));
        assert!(matches!(clock.read_at(Timestamp::from_micros(1001)), Err(Error::FutureMoment)));
        wall.0.store(2000, Ordering::Release);
        assert!(matches!(clock.read_at(Timestamp::from_micros(2000)), Ok((Past::Ready(_), false))));
        wall.0.store(500, Ordering::Release);
        assert_eq!(clock.now_micros(), 2000, "the clock never goes back");
        assert_eq!(clock.begin_batch(), 2001);
    }
}
