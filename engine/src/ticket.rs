//! Tickets: how a call that would have to wait answers at once.
//!
//! A ticket is a future without a runtime: whoever settles it wakes the task that polled it last. Dropping a ticket
//! gives up the wait (its place in a lock queue is freed). Each ticket settles at most once.

use crate::{Error, Timestamp};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// The answer of a call that may have to wait.
#[derive(Debug)]
#[must_use]
pub enum Outcome<T> {
    Done(T),
    /// Wait for the ticket, then repeat the same call.
    Wait(Ticket),
}

impl<T> Outcome<T> {
    /// The result, for callers that know that nobody can be in their way.
    pub fn done(self) -> Option<T> {
        match self {
            Outcome::Done(value) => Some(value),
            Outcome::Wait(_) => None,
        }
    }
}

/// The settling side of a future: shared between the one who waits and the one who wakes.
pub(crate) struct Settlement<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    result: Option<T>,
    settled: bool,
    waker: Option<Waker>,
}

impl<T> Settlement<T> {
    pub fn new() -> Arc<Settlement<T>> {
        Arc::new(Settlement { state: Mutex::new(State { result: None, settled: false, waker: None }) })
    }

    /// Settles and wakes; the first caller wins. Says whether this call settled it.
    pub fn settle(&self, result: T) -> bool {
        let waker = {
            let mut state = self.state.lock();
            if state.settled {
                return false;
            }
            state.settled = true;
            state.result = Some(result);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    pub fn is_settled(&self) -> bool {
        self.state.lock().settled
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.state.lock();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                match &mut state.waker {
                    Some(waker) if waker.will_wake(context.waker()) => {}
                    other => *other = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// Waits for a lock, for a transaction to end, or for a moment to settle.
pub struct Ticket {
    settlement: Arc<Settlement<Result<(), Error>>>,
    /// Run when the ticket is dropped, settled or not.
    abandon: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Ticket {
    pub(crate) fn new(settlement: Arc<Settlement<Result<(), Error>>>) -> Ticket {
        Ticket { settlement, abandon: None }
    }

    pub(crate) fn with_abandon(
        settlement: Arc<Settlement<Result<(), Error>>>,
        abandon: Box<dyn FnOnce() + Send + Sync>,
    ) -> Ticket {
        Ticket { settlement, abandon: Some(abandon) }
    }

    /// A ticket that is settled already.
    pub(crate) fn ready(result: Result<(), Error>) -> Ticket {
        let settlement = Settlement::new();
        settlement.settle(result);
        Ticket::new(settlement)
    }

    /// Blocks the thread until the ticket settles: for tests and tools, never for a server's threads.
    pub fn wait(self) -> Result<(), Error> {
        block_on(self)
    }

    /// Whether the wait is over (the result is then ready without waiting).
    pub fn is_settled(&self) -> bool {
        self.settlement.is_settled()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(abandon) = self.abandon.take() {
            abandon();
        }
    }
}

impl Future for Ticket {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.settlement.poll(context)
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Ticket(settled: {})", self.is_settled())
    }
}

/// Waits for a commit: ready once the transaction is durable and visible, or has failed. Dropping it changes
/// nothing about the commit.
pub struct CommitTicket {
    settlement: Arc<Settlement<Result<Timestamp, Error>>>,
}

impl CommitTicket {
    pub(crate) fn new(settlement: Arc<Settlement<Result<Timestamp, Error>>>) -> CommitTicket {
        CommitTicket { settlement }
    }

    /// A ticket that is settled already.
    pub(crate) fn ready(result: Result<Timestamp, Error>) -> CommitTicket {
        let settlement = Settlement::new();
        settlement.settle(result);
        CommitTicket { settlement }
    }

    /// Blocks the thread until the commit settles: for tests and tools, never for a server's threads.
    pub fn wait(self) -> Result<Timestamp, Error> {
        block_on(self)
    }
}

impl Future for CommitTicket {
    type Output = Result<Timestamp, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.settlement.poll(context)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_settles_once_and_wakes_its_waiter() {
        let settlement = Settlement::new();
        let ticket = Ticket::new(settlement.clone());
        let waiter = thread::spawn(move || ticket.wait());
        assert!(settlement.settle(Err(Error::DeadlockDetected)));
        assert!(!settlement.settle(Ok(())));
        assert_eq!(waiter.join().unwrap(), Err(Error::DeadlockDetected));
    }

    #[test]
    fn dropping_a_ticket_gives_up_the_wait() {
        let gone = Arc::new(Mutex::new(false));
        let seen = gone.clone();
        drop(Ticket::with_abandon(Settlement::new(), Box::new(move || *seen.lock() = true)));
        assert!(*gone.lock());
    }
}
