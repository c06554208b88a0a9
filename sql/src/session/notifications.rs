//! LISTEN, UNLISTEN, NOTIFY, pg_notify, pg_listening_channels.
//!
//! What a transaction notifies is kept with its session, without duplicates, until it commits. The commit's hook puts it
//! into the line of all sessions, in the order of commits; once the commits are visible, whoever comes first moves what
//! is in line to the inboxes of the sessions that listen. So a client that is told of a commit sees its effects, and all
//! clients hear of commits in one order.
//!
//! A session listens from just before its LISTEN commits, so that nothing committed after it is missed. A session's
//! inbox is emptied by `wire` whenever the session is in no transaction.
//!
//! Failure. Notifications live in memory only, as in PostgreSQL: a restart forgets them with the sessions. When clients
//! do not fetch what they listen to, NOTIFY is refused (54000) rather than memory used without bound.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::session::Session;
use super::shared::Shared;
use super::sink::Notification;
use crate::error::{Error, Result, SqlState};

/// Bytes that all inboxes together may hold.
const MOST_BYTES: usize = 256 << 20;
/// A payload is shorter than this, a channel's name shorter than that, as in PostgreSQL.
const PAYLOAD_BOUND: usize = 8000;
const CHANNEL_BOUND: usize = 64;

/// What one session has been sent and not yet fetched.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<VecDeque<Notification>>,
    arrived: Notify,
}

impl Inbox {
    /// Waits until there is something.
    async fn filled(&self) {
        loop {
            let arrived = self.arrived.notified();
            if !self.waiting.lock().is_empty() {
                return;
            }
            arrived.await;
        }
    }
}

/// The notifications of one commit.
struct Batch {
    at: Timestamp,
    database: u32,
    process: i32,
    /// Channel and payload, in order.
    notices: Vec<(String, String)>,
}

#[derive(Default)]
struct State {
    /// Committed, in order, not yet delivered.
    line: VecDeque<Batch>,
    /// Who listens, by database and channel.
    listeners: HashMap<(u32, String), BTreeSet<i32>>,
    inboxes: HashMap<i32, Arc<Inbox>>,
    bytes: usize,
}

/// The channels of an instance.
#[derive(Default)]
pub struct Notifications {
    state: Mutex<State>,
    /// Batches in line: looked at by every commit, so that most leave the state alone.
    in_line: AtomicUsize,
}

impl Notifications {
    fn listen(&self, database: u32, channel: &str, process: i32, inbox: &Arc<Inbox>) {
        let mut state = self.state.lock();
        state.listeners.entry((database, channel.to_string())).or_default().insert(process);
        state.inboxes.insert(process, inbox.clone());
    }

    fn unlisten(&self, database: u32, channel: &str, process: i32) {
        let mut state = self.state.lock();
        let key = (database, channel.to_string());
        if let Some(listeners) = state.listeners.get_mut(&key) {
            listeners.remove(&process);
            if listeners.is_empty() {
                state.listeners.remove(&key);
            }
        }
    }

    /// Forgets a session that has ended.
    pub fn remove(&self, process: i32) {
        let mut state = self.state.lock();
        if let Some(inbox) = state.inboxes.remove(&process) {
            let dropped: usize = inbox.waiting.lock().drain(..).map(|notice| size(&notice)).sum();
            state.bytes = state.bytes.saturating_sub(dropped);
            state.listeners.retain(|_, listeners| {
                listeners.remove(&process);
                !listeners.is_empty()
            });
        }
    }

    fn check_room(&self) -> Result<()> {
        match self.state.lock().bytes < MOST_BYTES {
            true => Ok(()),
            false => {
                let message = "too many notifications in the NOTIFY queue";
                Err(Error::new(SqlState::ProgramLimitExceeded, message))
            }
        }
    }

    /// Puts a commit's notifications in line. Run by its hook, in commit order.
    pub fn put_in_line(&self, at: Timestamp, database: u32, process: i32, notices: Vec<(String, String)>) {
        self.state.lock().line.push_back(Batch { at, database, process, notices });
        self.in_line.fetch_add(1, Ordering::Release);
    }

    /// Delivers what commits visible by now have notified.
    pub fn deliver(&self, visible: impl FnOnce() -> Timestamp) {
        if self.in_line.load(Ordering::Acquire) == 0 {
            return;
        }
        let visible = visible();
        let mut state = self.state.lock();
        let State { line, listeners, inboxes, bytes } = &mut *state;
        while line.front().is_some_and(|batch| batch.at <= visible) {
            let Some(batch) = line.pop_front() else { break };
            self.in_line.fetch_sub(1, Ordering::Release);
            for (channel, payload) in batch.notices {
                let key = (batch.database, channel);
                for process in listeners.get(&key).into_iter().flatten() {
                    let Some(inbox) = inboxes.get(process) else { continue };
                    let notice = Notification {
                        process: batch.process,
                        channel: key.1.clone(),
                        payload: payload.clone(),
                    };
                    *bytes += size(&notice);
                    inbox.waiting.lock().push_back(notice);
                    inbox.arrived.notify_one();
                }
            }
        }
    }

    fn fetch(&self, inbox: &Inbox) -> Vec<Notification> {
        let taken: Vec<Notification> = inbox.waiting.lock().drain(..).collect();
        if !taken.is_empty() {
            let mut state = self.state.lock();
            state.bytes = state.bytes.saturating_sub(taken.iter().map(size).sum());
        }
        taken
    }
}

fn size(notice: &Notification) -> usize {
    notice.channel.len() + notice.payload.len() + std::mem::size_of::<Notification>()
}

/// LISTEN or UNLISTEN, to take effect at commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelChange {
    Listen(String),
    Unlisten(String),
    UnlistenAll,
}

impl Shared {
    /// NOTIFY and pg_notify: noted until the commit; the same message twice is one.
    pub fn note_notification(&self, channel: &str, payload: &str) -> Result<()> {
        let invalid = |message: &str| Err(Error::new(SqlState::InvalidParameterValue, message));
        if channel.is_empty() {
            return invalid("channel name cannot be empty");
        }
        if channel.len() >= CHANNEL_BOUND {
            return invalid("channel name too long");
        }
        if payload.len() >= PAYLOAD_BOUND {
            return invalid("payload string too long");
        }
        let notice = (channel.to_string(), payload.to_string());
        let mut notices = self.outgoing.lock();
        if !notices.1.contains(&notice) {
            notices.1.insert(notice.clone());
            notices.0.push(notice);
        }
        Ok(())
    }

    /// How many notifications the transaction has noted, for a savepoint.
    pub fn noted_notifications(&self) -> usize {
        self.outgoing.lock().0.len()
    }

    /// Forgets the notifications noted since there were `kept`.
    pub fn forget_notifications(&self, kept: usize) {
        let mut notices = self.outgoing.lock();
        let (list, known) = &mut *notices;
        for notice in list.drain(kept.min(list.len())..) {
            known.remove(&notice);
        }
    }
}

impl Session {
    /// LISTEN and UNLISTEN (`None`: every channel).
    pub(super) fn change_channel(&mut self, channel: Option<&str>, listen: bool) -> Result<String> {
        let change = match channel {
            Some(channel) if listen => ChannelChange::Listen(channel.to_string()),
            Some(channel) => ChannelChange::Unlisten(channel.to_string()),
            None => ChannelChange::UnlistenAll,
        };
        self.ensure_block()?.channels.push(change);
        Ok(if listen { "LISTEN" } else { "UNLISTEN" }.to_string())
    }

    /// Before a commit: listens to new channels, and has the commit's hook put its notifications in line. The channels
    /// that are new.
    pub(super) fn begin_notifying(&mut self) -> Result<Vec<String>> {
        let Some(block) = self.block.as_ref() else { return Ok(Vec::new()) };
        let notices = std::mem::take(&mut *self.shared.outgoing.lock()).0;
        let (database, process) = (self.shared.entry.database_oid, self.shared.entry.process);
        if !notices.is_empty() {
            self.shared.instance.notifications().check_room()?;
            let instance = self.shared.instance.clone();
            block.transaction.with(|transaction| {
                transaction.on_publish(Box::new(move |at| {
                    instance.notifications().put_in_line(at, database, process, notices);
                }));
            })?;
        }
        let mut fresh = Vec::new();
        for change in &block.channels {
            if let ChannelChange::Listen(channel) = change
                && !self.shared.channels.lock().contains(channel)
            {
                self.shared.instance.notifications().listen(database, channel, process, &self.shared.inbox);
                fresh.push(channel.clone());
            }
        }
        Ok(fresh)
    }

    /// After a commit that failed: the channels that were new are not listened to.
    pub(super) fn stop_notifying(&self, fresh: &[String]) {
        let (database, process) = (self.shared.entry.database_oid, self.shared.entry.process);
        for channel in fresh {
            self.shared.instance.notifications().unlisten(database, channel, process);
        }
    }

    /// After a commit: its LISTEN and UNLISTEN hold, and what is visible by now is delivered.
    pub(super) fn end_notifying(&self, changes: &[ChannelChange]) {
        let notifications = self.shared.instance.notifications();
        let (database, process) = (self.shared.entry.database_oid, self.shared.entry.process);
        for change in changes {
            let mut channels = self.shared.channels.lock();
            match change {
                ChannelChange::Listen(channel) => {
                    // An earlier UNLISTEN of the same transaction may have undone what was prepared.
                    notifications.listen(database, channel, process, &self.shared.inbox);
                    channels.insert(channel.clone());
                }
                ChannelChange::Unlisten(channel) => {
                    notifications.unlisten(database, channel, process);
                    channels.remove(channel);
                }
                ChannelChange::UnlistenAll => {
                    for channel in std::mem::take(&mut *channels) {
                        notifications.unlisten(database, &channel, process);
                    }
                }
            }
        }
        notifications.deliver(|| self.shared.instance.snapshot());
    }

    /// What has been sent to this session and may be told now: nothing while it is in a transaction.
    pub fn notifications(&self) -> Vec<Notification> {
        match self.block {
            Some(_) => Vec::new(),
            None => self.shared.instance.notifications().fetch(&self.shared.inbox),
        }
    }

    /// Waits until [`Session::notifications`] has something to tell; for ever while the session is in a transaction.
    pub async fn notified(&self) {
        match self.block {
            Some(_) => std::future::pending().await,
            None => self.shared.inbox.filled().await,
        }
    }
}
