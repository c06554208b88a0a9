//! Timeouts of lock waits: one thread, started by the first wait that has one.

use crate::Error;
use crate::ticket::Settlement;
use parking_lot::{Condvar, Mutex};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Takes a wait that is over out of what is waited for.
type GiveUp = Box<dyn FnOnce(&Arc<Settlement<Result<(), Error>>>) + Send>;

struct Deadline {
    at: Instant,
    wake: Weak<Settlement<Result<(), Error>>>,
    give_up: GiveUp,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Deadline) -> bool {
        self.at == other.at
    }
}
impl Eq for Deadline {}
impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Deadline) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Deadline {
    fn cmp(&self, other: &Deadline) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[derive(Default)]
struct Queue {
    deadlines: BinaryHeap<Reverse<Deadline>>,
    running: bool,
    closed: bool,
}

/// Fails tickets whose time has passed.
pub(crate) struct Timer {
    shared: Arc<(Mutex<Queue>, Condvar)>,
}

impl Timer {
    pub fn new() -> Timer {
        Timer { shared: Arc::default() }
    }

    /// After `timeout`, unless the ticket was settled before: `give_up`, then fail the ticket.
    pub fn after(&self, timeout: Duration, wake: Weak<Settlement<Result<(), Error>>>, give_up: GiveUp) {
        let (queue, changed) = &*self.shared;
        let mut state = queue.lock();
        state.deadlines.push(Reverse(Deadline { at: Instant::now() + timeout, wake, give_up }));
        if state.running {
            changed.notify_one();
        } else {
            let shared = self.shared.clone();
            state.running =
                thread::Builder::new().name("lock-timeouts".into()).spawn(move || run(&shared)).is_ok();
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let (queue, changed) = &*self.shared;
        queue.lock().closed = true;
        changed.notify_one();
    }
}

fn run(shared: &(Mutex<Queue>, Condvar)) {
    let (queue, changed) = shared;
    let mut state = queue.lock();
    while !state.closed {
        match state.deadlines.peek().map(|Reverse(deadline)| deadline.at) {
            None => changed.wait(&mut state),
            Some(at) if at > Instant::now() => {
                changed.wait_until(&mut state, at);
            }
            Some(_) => {
                if let Some(Reverse(deadline)) = state.deadlines.pop() {
                    parking_lot::MutexGuard::unlocked(&mut state, || expire(deadline));
                }
            }
        }
    }
}

fn expire(deadline: Deadline) {
    if let Some(wake) = deadline.wake.upgrade().filter(|wake| !wake.is_settled()) {
        // Give up first: whoever is told that its time is over waits for nothing any more, and may wait anew. A grant
        // that was on its way meanwhile finds the ticket settled, and the lock is held to the end of the transaction,
        // which the failed statement aborts.
        (deadline.give_up)(&wake);
        wake.settle(Err(Error::LockTimeout));
    }
}
