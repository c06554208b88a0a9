//! What a session shares with the functions that its statements call, on whatever thread they run.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::instance::Instance;
use super::registry::Entry;
use super::sink::Severity;
use crate::error::{Report, Result};
use crate::evaluate::Settings;
use crate::settings::{SettingSource, SettingValues, settings_of};

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
    /// The evaluator's view of `settings`, made anew when they change.
    evaluated: Mutex<Option<(SettingValues, Arc<Settings>)>>,
    pub identity: Mutex<Identity>,
    pub sequences: Mutex<SequenceMemory>,
    pub notices: Mutex<Vec<(Severity, Report)>>,
    pub modes: Mutex<Option<Modes>>,
}

impl Shared {
    pub fn new(instance: Arc<Instance>, entry: Arc<Entry>, settings: SettingValues, identity: Identity) -> Shared {
        Shared {
            instance,
            entry,
            settings: Mutex::new(settings),
            evaluated: Mutex::new(None),
            identity: Mutex::new(identity),
            sequences: Mutex::new(SequenceMemory::default()),
            notices: Mutex::new(Vec::new()),
            modes: Mutex::new(None),
        }
    }

    /// The settings as functions use them.
    pub fn evaluated(&self) -> Arc<Settings> {
        let values = self.settings.lock().clone();
        let mut evaluated = self.evaluated.lock();
        if let Some((known, settings)) = evaluated.as_ref()
            && known.same(&values)
        {
            return settings.clone();
        }
        let user = self.identity.lock().current_user.clone();
        let settings = Arc::new(settings_of(&values, &user));
        *evaluated = Some((values, settings.clone()));
        settings
    }

    /// Forgets what depended on the role: `"$user"` in search_path.
    pub fn forget_evaluated(&self) {
        *self.evaluated.lock() = None;
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
