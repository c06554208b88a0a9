//! The transaction of a session: implicit or a block, its savepoints, its end.
//!
//! Invariants. A block that failed accepts only its end (25P02). An implicit transaction ends with its query string or
//! at Sync. What a transaction set (settings, deferred constraints, its catalog) goes back with its rollback, and to
//! where it stood with a rollback to a savepoint.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::Isolation;
use parking_lot::Mutex;

use super::notifications::ChannelChange;
use super::shared::Modes;
use crate::dml::{Deferral, Event, SharedTransaction};
use crate::settings::SettingValues;

/// What ReadyForQuery says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransactionStatus {
    #[default]
    Idle,
    InTransaction,
    Failed,
}

impl TransactionStatus {
    /// The byte of ReadyForQuery.
    pub fn code(self) -> u8 {
        match self {
            TransactionStatus::Idle => b'I',
            TransactionStatus::InTransaction => b'T',
            TransactionStatus::Failed => b'E',
        }
    }
}

/// A transaction at work.
pub struct Block {
    pub transaction: SharedTransaction,
    pub id: u64,
    /// BEGIN was said; otherwise it ends by itself.
    pub explicit: bool,
    pub failed: bool,
    pub isolation: Isolation,
    pub read_only: bool,
    pub deferrable: bool,
    /// now(): microseconds since 2000-01-01.
    pub started: i64,
    pub settings_before: SettingValues,
    pub savepoints: Vec<Mark>,
    pub deferred: Arc<Mutex<VecDeque<Event>>>,
    pub deferral: Deferral,
    /// This transaction's own definitions.
    pub overlay: Arc<Mutex<catalog::Overlay>>,
    /// LISTEN and UNLISTEN, to take effect at commit.
    pub channels: Vec<ChannelChange>,
    /// Statements run so far: the isolation level is fixed by the first.
    pub statements: u64,
}

/// A savepoint.
pub struct Mark {
    pub name: String,
    pub savepoint: engine::Savepoint,
    pub settings: SettingValues,
    pub deferred: usize,
    pub deferral: Deferral,
    pub overlay: catalog::OverlayMark,
    /// Notifications noted and channels changed by then.
    pub notifications: usize,
    pub channels: usize,
}

impl Block {
    /// The modes as SHOW gives them.
    pub fn modes(&self) -> Modes {
        Modes {
            isolation: isolation_name(self.isolation),
            read_only: self.read_only,
            deferrable: self.deferrable,
        }
    }
}

/// PostgreSQL's name of a level.
pub fn isolation_name(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::ReadCommitted => "read committed",
        Isolation::RepeatableRead => "repeatable read",
        Isolation::Serializable => "serializable",
    }
}

/// The level of a name; READ UNCOMMITTED is READ COMMITTED.
pub fn isolation_of(name: &str) -> Isolation {
    match name {
        "repeatable read" => Isolation::RepeatableRead,
        "serializable" => Isolation::Serializable,
        _ => Isolation::ReadCommitted,
    }
}
