//! What all sessions share: the database, the catalog, the pools, the registry.

use std::path::PathBuf;
use std::sync::Arc;

use super::registry::{Activity, CancelHandle, Entry, Registry};
use super::session::Session;
use super::startup::{Authentication, Startup};
use crate::error::{Error, Result, SqlState};
use crate::settings::{SettingSource, SettingValues};

/// How an instance is opened.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub data_directory: PathBuf,
    /// The first superuser's password, applied when the data directory is made.
    pub password: Option<String>,
    /// Threads that run queries, apart from the network's.
    pub query_threads: usize,
}

/// A running server without its sockets.
pub struct Instance {
    registry: Registry,
    queries: parking_lot::Mutex<Option<tokio::runtime::Runtime>>,
}

impl Instance {
    /// Opens (or makes) the data directory, recovering as needed.
    pub fn open(configuration: Configuration) -> Result<Arc<Instance>> {
        let queries = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(configuration.query_threads.max(1))
            .thread_name("strata-query")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(SqlState::SystemError, format!("could not start threads: {error}"))
            })?;
        Ok(Arc::new(Instance {
            registry: Registry::default(),
            queries: parking_lot::Mutex::new(Some(queries)),
        }))
    }

    /// What a role must prove before `connect`.
    pub fn authenticate(&self, _role: &str) -> Authentication {
        Authentication::Trust
    }

    /// Whether the first superuser has a password yet: without one only this machine is trusted.
    pub fn has_passwords(&self) -> bool {
        false
    }

    /// A session for an authenticated client.
    pub async fn connect(self: &Arc<Self>, startup: Startup) -> Result<Session> {
        let mut settings = SettingValues::default();
        for (name, value) in &startup.options {
            settings.set(name, Some(value), false, SettingSource::Startup)?;
        }
        let length = if startup.protocol >= (3, 2) { 32 } else { 4 };
        let mut secret = vec![0; length];
        getrandom::fill(&mut secret).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        let entry = Arc::new(Entry {
            process: self.registry.allocate(),
            secret,
            user: startup.user.clone(),
            user_oid: 10,
            database: startup.database.clone(),
            database_oid: 5,
            address: startup.address.clone(),
            started: 0,
            cancel: Arc::new(CancelHandle::default()),
            activity: parking_lot::Mutex::new(Activity::default()),
        });
        self.registry.add(entry.clone());
        Ok(Session::new(self.clone(), entry, settings))
    }

    /// A cancel request of the wire.
    pub fn cancel(&self, process: i32, secret: &[u8]) {
        self.registry.cancel(process, secret);
    }

    /// The sessions that exist.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Ends every session's work and waits for what is in flight.
    pub async fn shutdown(&self) {
        for entry in self.registry.list() {
            entry.cancel.shut_down();
        }
        if let Some(queries) = self.queries.lock().take() {
            queries.shutdown_background();
        }
    }
}
