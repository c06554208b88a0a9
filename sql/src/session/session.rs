//! One connection's state, and the protocol's verbs over it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use catalog::Snapshot;
use engine::Value;
use parking_lot::Mutex;

use super::environment::StatementEnvironment;
use super::names::CatalogNames;
use super::portal::Portals;
use super::prepared::Prepared;
use super::registry::CancelHandle;
use super::shared::Shared;
use super::sink::Sink;
use super::transaction::Block;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::settings::SettingValues;

/// How an Execute ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecuteEnd {
    /// CommandComplete with this tag.
    Complete(String),
    /// PortalSuspended: the row limit was reached.
    Suspended,
    /// EmptyQueryResponse.
    Empty,
}

/// One client's session.
pub struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) block: Option<Block>,
    pub(super) statements: HashMap<String, Arc<Prepared>>,
    /// When each statement was prepared, and whether by SQL.
    pub(super) prepared_at: HashMap<String, (i64, bool)>,
    pub(super) portals: Portals,
    /// The relations that the last analyses met.
    pub(super) met: Mutex<BTreeSet<u32>>,
    /// Those of the EXPLAIN ANALYZE at work.
    pub(super) meters: Option<Arc<crate::execute::Meters>>,
    /// The plan made for an execution that reads materialized views.
    pub(super) ran: Option<Arc<crate::plan::Plan>>,
    /// What the client was last told of reported settings.
    reported: Vec<(&'static str, String)>,
    /// The settings and the user that `reported` was made of.
    reported_of: SettingValues,
    reported_user: Arc<str>,
}

/// A duration of milliseconds; none for 0.
pub(super) fn duration_of(milliseconds: i64) -> Option<Duration> {
    u64::try_from(milliseconds).ok().filter(|value| *value > 0).map(Duration::from_millis)
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Session {
        let mut session = Session {
            shared,
            block: None,
            statements: HashMap::new(),
            prepared_at: HashMap::new(),
            portals: Portals::default(),
            met: Mutex::default(),
            meters: None,
            ran: None,
            reported: Vec::new(),
            reported_of: SettingValues::default(),
            reported_user: Arc::from(""),
        };
        session.reported_of = session.shared.settings.lock().clone();
        session.reported_user = session.shared.identity.lock().session_user.clone();
        session.reported = session.parameters();
        session
    }

    /// Process number and secret, for BackendKeyData.
    pub fn key(&self) -> (i32, &[u8]) {
        (self.shared.entry.process, &self.shared.entry.secret)
    }

    /// The ParameterStatus messages to send after authentication, in order.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let reported = self.shared.settings.lock().reported();
        reported
            .into_iter()
            .map(|(name, value)| (name, self.shared.show(name).map_or(value, |(_, shown)| shown)))
            .collect()
    }

    /// Cancellation of this session, to be raced against socket reads: when it `ends_session`, `wire` sends the
    /// error of `check` as FATAL and closes.
    pub fn cancel_handle(&self) -> Arc<CancelHandle> {
        self.shared.entry.cancel.clone()
    }

    /// How long the client may stay silent in the present state, and the error it gets then.
    pub fn idle_limit(&self) -> Option<(Duration, Error)> {
        let derived = self.shared.derived();
        if self.block.as_ref().is_some_and(|block| block.explicit) {
            let limit = derived.idle_in_transaction?;
            let message = "terminating connection due to idle-in-transaction timeout";
            return Some((limit, Error::new(SqlState::IdleInTransactionSessionTimeout, message)));
        }
        let limit = derived.idle?;
        let message = "terminating connection due to idle-session timeout";
        Some((limit, Error::new(SqlState::IdleSessionTimeout, message)))
    }

    /// The catalog as this session sees it: with its own definitions, else the newest.
    pub(super) fn catalog(&self) -> Arc<Snapshot> {
        match &self.block {
            Some(block) => block.overlay.lock().snapshot(self.shared.instance.store()),
            None => self.shared.instance.catalog(),
        }
    }

    /// Names as the session sees them.
    pub(super) fn names(&self) -> CatalogNames {
        self.names_in(self.catalog())
    }

    /// Names of a catalog.
    pub(super) fn names_in(&self, catalog: Arc<Snapshot>) -> CatalogNames {
        let search_path = self.shared.evaluated().search_path.clone();
        CatalogNames::new(catalog, self.shared.entry.database_oid, search_path)
    }

    /// What 'now' means in a literal.
    pub(super) fn now_for_input(&self) -> i64 {
        self.block.as_ref().map_or_else(|| self.shared.instance.now_micros(), |block| block.started)
    }

    /// The context of a statement in the transaction at work.
    pub(super) fn context(&mut self, parameters: Arc<[Value]>) -> Result<Context> {
        self.context_of(parameters)
    }

    /// As `context`, for analysis, which changes nothing.
    pub(super) fn context_of(&self, parameters: Arc<[Value]>) -> Result<Context> {
        let catalog = match self.shared.derived().as_of.is_some() {
            true => self.shown_catalog(self.default_moment()?)?,
            false => self.catalog(),
        };
        self.context_in(catalog, parameters)
    }

    /// A context over a given catalog.
    pub(super) fn context_in(&self, catalog: Arc<Snapshot>, parameters: Arc<[Value]>) -> Result<Context> {
        let now = self.shared.instance.now_micros();
        let shared = self.shared.clone();
        let settings = shared.evaluated();
        let (transaction_micros, transaction_id, snapshot_micros) = match &self.block {
            Some(block) => {
                let snapshot = block.transaction.with(|transaction| transaction.snapshot().micros())?;
                (block.started, block.id, snapshot)
            }
            None => (now, 0, now),
        };
        Ok(Context {
            settings,
            parameters,
            transaction_micros,
            statement_micros: now,
            environment: Arc::new(StatementEnvironment { shared, catalog, snapshot_micros, transaction_id }),
        })
    }

    /// Sends queued notices, and settings that changed.
    pub(super) fn send_asides(&mut self, sink: &mut dyn Sink) {
        let notices = std::mem::take(&mut *self.shared.notices.lock());
        if !notices.is_empty() {
            let least = self.shared.derived().least_severity;
            for (severity, report) in notices {
                if severity >= least || severity == super::sink::Severity::Info {
                    sink.notice(severity, &report);
                }
            }
        }
        if self.shared.settings.lock().same(&self.reported_of) && self.identity_reported() {
            return;
        }
        self.reported_of = self.shared.settings.lock().clone();
        self.reported_user = self.shared.identity.lock().session_user.clone();
        let now = self.parameters();
        if now != self.reported {
            for (name, value) in &now {
                if !self.reported.iter().any(|(known, told)| known == name && told == value) {
                    sink.parameter_status(name, value);
                }
            }
            let application_name = self.shared.settings.lock().get("application_name").unwrap_or_default();
            self.shared.entry.activity.lock().application_name = application_name;
            self.reported = now;
        }
    }

    fn identity_reported(&self) -> bool {
        Arc::ptr_eq(&self.shared.identity.lock().session_user, &self.reported_user)
    }

    /// Marks the session as running a statement; its time limit runs from here.
    pub(super) fn start_work(&self, text: Arc<str>) -> StatementTimer {
        let now = self.shared.instance.now_micros();
        {
            let mut activity = self.shared.entry.activity.lock();
            self.shared.instance.registry().note_statement(self.shared.entry.process, &mut activity);
            activity.state = "active";
            activity.query = text;
            activity.query_start = Some(now);
            activity.state_change = Some(now);
        }
        self.shared.entry.cancel.start_statement();
        let limit = self.shared.derived().statement_timeout;
        StatementTimer::new(limit, self.shared.entry.cancel.clone())
    }

    /// Marks the session as idle.
    pub(super) fn end_work(&self) {
        let now = self.shared.instance.now_micros();
        let mut activity = self.shared.entry.activity.lock();
        activity.state = match &self.block {
            Some(block) if block.failed => "idle in transaction (aborted)",
            Some(block) if block.explicit => "idle in transaction",
            Some(_) | None => "idle",
        };
        activity.state_change = Some(now);
    }

    /// The client said Terminate, or vanished: rolls back and forgets.
    pub async fn terminate(mut self) {
        self.portals.clear();
        self.rollback_block();
        self.leave_no_temporary().await;
    }
}

/// statement_timeout of one statement: raised in the cancel handle when the time is over, called off when dropped.
pub(super) struct StatementTimer(Option<tokio::task::JoinHandle<()>>);

impl StatementTimer {
    fn new(limit: Option<Duration>, cancel: Arc<CancelHandle>) -> StatementTimer {
        StatementTimer(limit.map(|limit| {
            tokio::spawn(async move {
                tokio::time::sleep(limit).await;
                cancel.time_out();
            })
        }))
    }
}

impl Drop for StatementTimer {
    fn drop(&mut self) {
        if let Some(timer) = self.0.take() {
            timer.abort();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.portals.clear();
        self.rollback_block();
        let temporary = self.shared.temporary.lock().schema.take();
        if let Some(temporary) = temporary {
            // Gone without a goodbye: what is left to do waits for the engine, and so is done elsewhere.
            let mut rest = Session::new(self.shared.clone());
            self.shared.instance.queries().spawn(async move {
                rest.shared.temporary.lock().schema = Some(temporary);
                rest.leave_no_temporary().await;
            });
            return;
        }
        let process = self.shared.entry.process;
        self.shared.instance.advisory().release(process, false);
        self.shared.instance.notifications().remove(process);
        self.shared.instance.registry().remove(process);
        crate::functions::forget_session(process);
    }
}
