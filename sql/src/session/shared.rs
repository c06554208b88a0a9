//! What a session shares with the functions that its statements call, on whatever thread they run.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use engine::Isolation;
use parking_lot::Mutex;

use super::instance::Instance;
use super::notifications::Inbox;
use super::registry::Entry;
use super::sink::Severity;
use super::temporary::{Temporary, with_temporary};
use super::transaction::isolation_of;
use crate::error::{Report, Result};
use crate::evaluate::Settings;
use crate::settings::{SettingSource, SettingValues, settings_of};
use crate::types::timezone::Zone;
use crate::types::{Names, OutputSettings};

/// Who a session is, and acts as.
#[derive(Clone, Debug)]
pub struct Identity {
    pub session_user: Arc<str>,
    pub session_oid: u32,
    pub current_user: Arc<str>,
    pub current_oid: u32,
    pub superuser: bool,
}

/// currval and lastval.
#[derive(Debug, Default)]
pub struct SequenceMemory {
    pub values: HashMap<u32, i64>,
    pub last: Option<u32>,
}

/// The settings that statements read, in the form they are used in.
#[derive(Debug)]
pub struct Derived {
    pub settings: Arc<Settings>,
    /// What analysis depends on besides the catalog: the key of shared statements.
    pub signature: Arc<str>,
    pub zone: Zone,
    /// idle_in_transaction_session_timeout and idle_session_timeout.
    pub idle_in_transaction: Option<Duration>,
    pub idle: Option<Duration>,
    pub statement_timeout: Option<Duration>,
    pub lock_timeout: Option<Duration>,
    /// strata.as_of, where it is set.
    pub as_of: Option<String>,
    /// What strata.commits shows of a commit: application_name and strata.commit_message.
    pub application: Arc<str>,
    pub commit_message: Option<Arc<str>>,
    pub point_tier: bool,
    pub view_changes: bool,
    pub isolation: Isolation,
    pub read_only: bool,
    pub deferrable: bool,
    pub least_severity: Severity,
}

impl Derived {
    /// What output functions look at, without looking the time zone up again.
    pub fn output<'a>(&self, names: &'a dyn Names) -> OutputSettings<'a> {
        let settings = &self.settings;
        OutputSettings {
            date_style: settings.date_style,
            date_order: settings.date_order,
            interval_style: settings.interval_style,
            extra_float_digits: settings.extra_float_digits,
            bytea_hex: settings.bytea_hex,
            zone: self.zone,
            names,
        }
    }

    fn new(values: &SettingValues, user: &str, temporary: Option<Arc<str>>) -> Derived {
        let duration = |name: &str| super::session::duration_of(values.integer(name));
        let mut settings = settings_of(values, user);
        if let Some(temporary) = temporary {
            settings.search_path = with_temporary(&settings.search_path, &temporary);
        }
        Derived {
            zone: Zone::find(&settings.time_zone).unwrap_or(Zone::UTC),
            signature: signature_of(&settings, values.get("strata.as_of").unwrap_or_default()),
            settings: Arc::new(settings),
            idle_in_transaction: duration("idle_in_transaction_session_timeout"),
            idle: duration("idle_session_timeout"),
            statement_timeout: duration("statement_timeout"),
            lock_timeout: duration("lock_timeout"),
            as_of: values.get("strata.as_of").filter(|moment| !moment.is_empty()),
            application: Arc::from(values.get("application_name").unwrap_or_default()),
            commit_message: values
                .get("strata.commit_message")
                .filter(|message| !message.is_empty())
                .map(Arc::from),
            point_tier: values.is_on("strata.point_tier"),
            view_changes: values.is_on("strata.view_changes"),
            isolation: isolation_of(&values.get("default_transaction_isolation").unwrap_or_default()),
            read_only: values.is_on("default_transaction_read_only"),
            deferrable: values.is_on("default_transaction_deferrable"),
            least_severity: least_severity(&values.get("client_min_messages").unwrap_or_default()),
        }
    }
}

/// The settings by which names and literals are read, strata.as_of among them, as one text.
fn signature_of(settings: &Settings, as_of: String) -> Arc<str> {
    let path: Vec<&str> = settings.search_path.iter().map(|name| &**name).collect();
    Arc::from(format!(
        "{as_of}\u{1}{}\u{1}{:?}\u{1}{:?}\u{1}{:?}\u{1}{}\u{1}{}",
        settings.time_zone,
        settings.date_style,
        settings.date_order,
        settings.interval_style,
        settings.standard_conforming_strings,
        path.join("\u{1}")
    ))
}

fn least_severity(name: &str) -> Severity {
    match name {
        "debug5" | "debug4" | "debug3" | "debug2" | "debug1" => Severity::Debug,
        "log" => Severity::Log,
        "warning" | "error" => Severity::Warning,
        _ => Severity::Notice,
    }
}

/// The modes of the transaction at work, as SHOW gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    pub isolation: &'static str,
    pub read_only: bool,
    pub deferrable: bool,
}

/// The shared part of a session.
pub struct Shared {
    pub instance: Arc<Instance>,
    pub entry: Arc<Entry>,
    pub settings: Mutex<SettingValues>,
    /// What is read of `settings` at every statement, made anew when they change.
    derived: Mutex<Option<(SettingValues, Arc<Derived>)>>,
    pub identity: Mutex<Identity>,
    pub sequences: Mutex<SequenceMemory>,
    pub notices: Mutex<Vec<(Severity, Report)>>,
    pub modes: Mutex<Option<Modes>>,
    /// What the transaction has notified so far: in order, and as a set.
    pub outgoing: Mutex<(Vec<(String, String)>, HashSet<(String, String)>)>,
    /// The channels listened to.
    pub channels: Mutex<BTreeSet<String>>,
    pub inbox: Arc<Inbox>,
    /// The session's temporary relations.
    pub temporary: Arc<Mutex<Temporary>>,
}

impl Shared {
    pub fn new(
        instance: Arc<Instance>,
        entry: Arc<Entry>,
        settings: SettingValues,
        identity: Identity,
    ) -> Shared {
        Shared {
            instance,
            entry,
            settings: Mutex::new(settings),
            derived: Mutex::new(None),
            identity: Mutex::new(identity),
            sequences: Mutex::new(SequenceMemory::default()),
            notices: Mutex::new(Vec::new()),
            modes: Mutex::new(None),
            outgoing: Mutex::default(),
            channels: Mutex::default(),
            inbox: Arc::default(),
            temporary: Arc::default(),
        }
    }

    /// The settings as functions use them.
    pub fn evaluated(&self) -> Arc<Settings> {
        self.derived().settings.clone()
    }

    /// What statements read of the settings.
    pub fn derived(&self) -> Arc<Derived> {
        let values = self.settings.lock();
        let mut derived = self.derived.lock();
        if let Some((known, found)) = derived.as_ref()
            && known.same(&values)
        {
            return found.clone();
        }
        let user = self.identity.lock().current_user.clone();
        let temporary = self.temporary.lock().schema.clone();
        let found = Arc::new(Derived::new(&values, &user, temporary));
        *derived = Some((values.clone(), found.clone()));
        found
    }

    /// Forgets what depended on the role (`"$user"` in search_path) or on the temporary schema.
    pub fn forget_evaluated(&self) {
        *self.derived.lock() = None;
    }

    /// The value of a setting as SHOW prints it.
    pub fn show(&self, name: &str) -> Result<(String, String)> {
        if let Some(value) = self.special(name) {
            return Ok((name.to_ascii_lowercase(), value));
        }
        crate::settings::show(&self.settings.lock(), name)
    }

    /// Settings whose value follows the transaction or the role.
    fn special(&self, name: &str) -> Option<String> {
        let on = |value: bool| if value { "on" } else { "off" }.to_string();
        let values = |name: &str| self.settings.lock().get(name).unwrap_or_default();
        let modes = *self.modes.lock();
        Some(match name.to_ascii_lowercase().as_str() {
            "transaction_isolation" => match modes {
                Some(modes) => modes.isolation.to_string(),
                None => values("default_transaction_isolation"),
            },
            "transaction_read_only" => match modes {
                Some(modes) => on(modes.read_only),
                None => values("default_transaction_read_only"),
            },
            "transaction_deferrable" => match modes {
                Some(modes) => on(modes.deferrable),
                None => values("default_transaction_deferrable"),
            },
            "strata.disk_full" => on(self.instance.database().is_disk_full()),
            "is_superuser" => on(self.identity.lock().superuser),
            "session_authorization" => self.identity.lock().session_user.to_string(),
            _ => return None,
        })
    }

    /// SET.
    pub fn set(&self, name: &str, value: Option<&str>, local: bool) -> Result<()> {
        let superuser = self.identity.lock().superuser;
        self.settings.lock().set(name, value, local, SettingSource::Session { superuser })?;
        Ok(())
    }

    /// Queues a notice for the client.
    pub fn notify(&self, severity: Severity, report: Report) {
        self.notices.lock().push((severity, report));
    }
}
