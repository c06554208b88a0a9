//! The sessions that exist: what cancel requests, pg_stat_activity and shutdown look at.
//!
//! Cancellation is a flag and a waker list: long loops poll the flag, waits are raced against [`CancelHandle::cancelled`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::startup::ClientAddress;
use crate::error::{Error, Result, SqlState};

/// Why a statement or a session has to stop. Ordered: a stronger reason replaces a weaker one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Reason {
    None = 0,
    StatementTimeout = 1,
    User = 2,
    IdleInTransaction = 3,
    Terminate = 4,
    Shutdown = 5,
}

/// One session's cancellation, shared by everything that works for it.
#[derive(Debug, Default)]
pub struct CancelHandle {
    reason: AtomicU8,
    notify: Notify,
}

impl CancelHandle {
    fn raise(&self, reason: Reason) {
        self.reason.fetch_max(reason as u8, Ordering::AcqRel);
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// A cancel request or pg_cancel_backend.
    pub fn cancel(&self) {
        self.raise(Reason::User);
    }

    /// statement_timeout has passed.
    pub fn time_out(&self) {
        self.raise(Reason::StatementTimeout);
    }

    /// pg_terminate_backend.
    pub fn terminate(&self) {
        self.raise(Reason::Terminate);
    }

    /// The server is going down.
    pub fn shut_down(&self) {
        self.raise(Reason::Shutdown);
    }

    /// Forgets a cancellation of the statement that has ended; termination stays.
    pub fn start_statement(&self) {
        let reason = self.reason.load(Ordering::Acquire);
        if reason == Reason::User as u8 || reason == Reason::StatementTimeout as u8 {
            let _ =
                self.reason.compare_exchange(reason, Reason::None as u8, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Whether anything is raised: cheap, for inner loops.
    #[inline]
    pub fn is_raised(&self) -> bool {
        self.reason.load(Ordering::Relaxed) != Reason::None as u8
    }

    /// Whether the session itself must end, once its statement has.
    pub fn ends_session(&self) -> bool {
        self.reason.load(Ordering::Acquire) >= Reason::IdleInTransaction as u8
    }

    /// The error of what is raised, if anything is.
    pub fn check(&self) -> Result<()> {
        let error = match self.reason.load(Ordering::Acquire) {
            0 => return Ok(()),
            reason if reason == Reason::StatementTimeout as u8 => {
                Error::new(SqlState::QueryCanceled, "canceling statement due to statement timeout")
            }
            reason if reason == Reason::User as u8 => {
                Error::new(SqlState::QueryCanceled, "canceling statement due to user request")
            }
            reason if reason == Reason::IdleInTransaction as u8 => Error::new(
                SqlState::IdleInTransactionSessionTimeout,
                "terminating connection due to idle-in-transaction timeout",
            ),
            _ => Error::new(SqlState::AdminShutdown, "terminating connection due to administrator command"),
        };
        Err(error)
    }

    /// Waits until something is raised, and gives its error.
    pub async fn cancelled(&self) -> Error {
        loop {
            let notified = self.notify.notified();
            if let Err(error) = self.check() {
                return error;
            }
            notified.await;
        }
    }
}

/// What pg_stat_activity shows of a session.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    pub state: &'static str,
    pub query: Arc<str>,
    pub application_name: String,
    /// Microseconds since 2000-01-01 UTC.
    pub transaction_start: Option<i64>,
    /// The engine's number of the transaction at work.
    pub transaction: Option<u64>,
    pub query_start: Option<i64>,
    pub state_change: Option<i64>,
    /// Statements of this session in a row: no other session has begun one meanwhile.
    pub in_a_row: u32,
}

/// A registered session.
#[derive(Debug)]
pub struct Entry {
    pub process: i32,
    pub secret: Vec<u8>,
    pub user: String,
    pub user_oid: u32,
    pub database: String,
    pub database_oid: u32,
    pub address: ClientAddress,
    /// Microseconds since 2000-01-01 UTC.
    pub started: i64,
    pub cancel: Arc<CancelHandle>,
    pub activity: Mutex<Activity>,
}

/// After so many statements in a row a session counts as the only one at work.
const STATEMENTS_ALONE: u32 = 16;

/// All sessions of an instance.
#[derive(Debug, Default)]
pub struct Registry {
    next_process: AtomicI32,
    /// The session that began the last statement.
    latest: AtomicI32,
    entries: Mutex<HashMap<i32, Arc<Entry>>>,
}

impl Registry {
    /// A process number that no live session has.
    pub fn allocate(&self) -> i32 {
        let entries = self.entries.lock();
        loop {
            let process = self.next_process.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            if process > 0 && !entries.contains_key(&process) {
                return process;
            }
            if process <= 0 {
                self.next_process.store(0, Ordering::Relaxed);
            }
        }
    }

    pub fn add(&self, entry: Arc<Entry>) {
        self.entries.lock().insert(entry.process, entry);
        metrics::gauge!("strata_connections").increment(1.0);
    }

    pub fn remove(&self, process: i32) {
        if self.entries.lock().remove(&process).is_some() {
            metrics::gauge!("strata_connections").decrement(1.0);
        }
    }

    /// Notes that a session begins a statement.
    pub fn note_statement(&self, process: i32, activity: &mut Activity) {
        if self.latest.load(Ordering::Relaxed) == process {
            activity.in_a_row = activity.in_a_row.saturating_add(1);
        } else {
            self.latest.store(process, Ordering::Relaxed);
            activity.in_a_row = 0;
        }
    }

    /// Whether a session has been the only one at work for a while: then nobody waits for a thread that it blocks.
    pub fn is_alone(&self, entry: &Entry) -> bool {
        self.latest.load(Ordering::Relaxed) == entry.process
            && entry.activity.lock().in_a_row >= STATEMENTS_ALONE
    }

    pub fn get(&self, process: i32) -> Option<Arc<Entry>> {
        self.entries.lock().get(&process).cloned()
    }

    /// Every session, by process number.
    pub fn list(&self) -> Vec<Arc<Entry>> {
        let mut list: Vec<_> = self.entries.lock().values().cloned().collect();
        list.sort_by_key(|entry| entry.process);
        list
    }

    /// The session that works on a transaction.
    pub fn process_of(&self, transaction: u64) -> Option<i32> {
        let entries = self.entries.lock();
        let found = entries.values().find(|entry| entry.activity.lock().transaction == Some(transaction));
        found.map(|entry| entry.process)
    }

    /// A cancel request of the wire: silently nothing when process or secret are wrong.
    pub fn cancel(&self, process: i32, secret: &[u8]) {
        if let Some(entry) = self.get(process) {
            let equal = entry.secret.len() == secret.len()
                && entry.secret.iter().zip(secret).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0;
            if equal {
                entry.cancel.cancel();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_ends_with_its_statement_and_termination_does_not() {
        let handle = CancelHandle::default();
        handle.cancel();
        assert_eq!(handle.check().unwrap_err().state().code(), "57014");
        handle.start_statement();
        assert!(handle.check().is_ok());
        handle.terminate();
        handle.start_statement();
        assert_eq!(handle.check().unwrap_err().state().code(), "57P01");
    }
}
