//! What all sessions share: the database, the catalog, the pools, the registry.

use std::path::PathBuf;
use std::sync::Arc;

use catalog::Snapshot;
use engine::{Database, MemoryBound, Timestamp};
use parking_lot::Mutex;

use super::advisory::AdvisoryLocks;
use super::cache::StatementCache;
use super::engine_error;
use super::notifications::Notifications;
use super::registry::{Activity, CancelHandle, Entry, Registry};
use super::session::Session;
use super::shared::{Identity, Shared};
use super::startup::{Authentication, Startup};
use crate::dml::ModelCache;
use crate::error::{Error, Result, SqlState};
use crate::execute::Resources;
use crate::settings::{SettingSource, SettingValues};
use crate::statistics::{Automatic, Upkeep};
use crate::view::{Maintenance, Parts};

/// How an instance is opened.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub data_directory: PathBuf,
    /// The first superuser's password, applied when the data directory is made.
    pub password: Option<String>,
    /// Threads that run queries, apart from the network's.
    pub query_threads: usize,
}

/// Memory for sorts, joins and aggregations of all sessions together.
const QUERY_MEMORY: usize = 1 << 30;

/// A running server without its sockets.
pub struct Instance {
    database: Arc<Database>,
    catalog: Arc<catalog::Catalog>,
    registry: Registry,
    advisory: AdvisoryLocks,
    notifications: Notifications,
    models: Arc<ModelCache>,
    statements: StatementCache,
    resources: Arc<Resources>,
    queries: tokio::runtime::Handle,
    runtime: Mutex<Option<tokio::runtime::Runtime>>,
    started: i64,
    data_directory: PathBuf,
    maintenance: Arc<Maintenance>,
    /// What the thread of views works with: it ends when this goes.
    view_parts: Mutex<Option<Arc<Parts>>>,
    automatic: Arc<Automatic>,
    upkeep: Arc<Upkeep>,
}

impl Instance {
    /// Opens (or makes) the data directory, recovering as needed.
    pub fn open(configuration: Configuration) -> Result<Arc<Instance>> {
        let environment = engine::io::os::OsDisk::environment(&configuration.data_directory)
            .map_err(|error| cannot("open the data directory", &error))?;
        let bounded =
            engine::Configuration { memory: MemoryBound::of_machine(), ..engine::Configuration::default() };
        let instance = Instance::open_in(environment, bounded, configuration)?;
        if let Some(parts) = &*instance.view_parts.lock() {
            crate::view::start(&instance.maintenance, parts)?;
        }
        instance.automatic.start(&instance.upkeep)?;
        Ok(instance)
    }

    /// Opens an instance on a simulated disk and clock. Its views take steps when they are told to.
    #[cfg(feature = "simulation")]
    pub fn open_simulated(
        environment: engine::io::Environment,
        bounded: engine::Configuration,
    ) -> Result<Arc<Instance>> {
        let configuration =
            Configuration { data_directory: PathBuf::new(), password: None, query_threads: 1 };
        Instance::open_in(environment, bounded, configuration)
    }

    /// Takes the step of every view that needs one, on this thread; how many were taken.
    #[cfg(feature = "simulation")]
    pub fn step_views(&self) -> Result<u64> {
        let parts = self.view_parts.lock().clone();
        parts.map_or(Ok(0), |parts| crate::view::step_all(&parts))
    }

    /// Opens the database of an environment, and everything above it but its threads.
    fn open_in(
        environment: engine::io::Environment,
        bounded: engine::Configuration,
        configuration: Configuration,
    ) -> Result<Arc<Instance>> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(configuration.query_threads.max(1))
            .thread_name("strata-query")
            .enable_all()
            .build()
            .map_err(|error| cannot("start threads", &error))?;
        let database =
            Database::open(bounded, environment).map_err(|error| cannot("open the database", &error))?;
        let catalog =
            catalog::Catalog::open(database.clone()).map_err(|error| cannot("read the catalog", &error))?;
        super::temporary::remove_leftovers(&database, &catalog)?;
        crate::ddl::retention::tell_all(&database, &catalog.current());
        super::snapshots::hold_history(&database, None)?;
        if let Some(password) = &configuration.password {
            set_first_password(&database, &catalog, password)?;
        }
        crate::view::create_steps(&database)?;
        crate::statistics::create(&database)?;
        let started = database.now_micros();
        let resources = Resources::new(QUERY_MEMORY)?;
        let maintenance = Arc::<Maintenance>::default();
        let view_parts = Arc::new(Parts {
            engine: database.clone(),
            store: catalog.clone(),
            resources: resources.clone(),
            runtime: runtime.handle().clone(),
        });
        let upkeep = Arc::new(Upkeep {
            engine: database.clone(),
            store: catalog.clone(),
            cache: Arc::default(),
            analyzed: Mutex::default(),
        });
        Ok(Arc::new(Instance {
            database,
            catalog,
            registry: Registry::default(),
            advisory: AdvisoryLocks::default(),
            notifications: Notifications::default(),
            models: Arc::new(ModelCache::default()),
            statements: StatementCache::default(),
            resources,
            queries: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            started,
            data_directory: configuration.data_directory,
            maintenance,
            view_parts: Mutex::new(Some(view_parts)),
            automatic: Arc::default(),
            upkeep,
        }))
    }

    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// The newest catalog.
    pub fn catalog(&self) -> Arc<Snapshot> {
        self.catalog.current()
    }

    /// The catalog's store.
    pub fn store(&self) -> &Arc<catalog::Catalog> {
        &self.catalog
    }

    pub fn advisory(&self) -> &AdvisoryLocks {
        &self.advisory
    }

    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    pub fn models(&self) -> &Arc<ModelCache> {
        &self.models
    }

    pub fn statements(&self) -> &StatementCache {
        &self.statements
    }

    pub fn resources(&self) -> &Arc<Resources> {
        &self.resources
    }

    /// The thread of materialized views.
    pub(crate) fn maintenance(&self) -> &Arc<Maintenance> {
        &self.maintenance
    }

    /// The statistics of columns, and who has been analyzed.
    pub(crate) fn upkeep(&self) -> &Arc<Upkeep> {
        &self.upkeep
    }

    /// The pool of queries.
    pub fn queries(&self) -> &tokio::runtime::Handle {
        &self.queries
    }

    /// The engine clock: microseconds since 2000-01-01 UTC.
    pub fn now_micros(&self) -> i64 {
        self.database.now_micros()
    }

    /// When the server started.
    pub fn started_micros(&self) -> i64 {
        self.started
    }

    /// About how many bytes the rows of a table take, in memory and in files; and its long values.
    pub fn table_bytes(&self, table: u32) -> (i64, i64) {
        let bytes = |of: engine::TableStatistics| (of.hot_bytes + of.segment_bytes) as i64;
        let table = engine::TableId(table);
        let rows = self.database.statistics(table).map_or(0, bytes);
        (rows, self.database.long_statistics(table).ok().flatten().map_or(0, bytes))
    }

    /// How many bytes the files of an index take.
    pub fn index_bytes(&self, table: u32, index: u32) -> i64 {
        self.database
            .index_bytes(engine::TableId(table), engine::IndexId(index))
            .map_or(0, |bytes| bytes as i64)
    }

    /// Writes out what is hot, and waits until that is durable.
    pub async fn checkpoint(&self) -> Result<()> {
        self.database.checkpoint().await.map_err(engine_error)
    }

    /// Where everything is kept.
    pub fn data_directory(&self) -> &std::path::Path {
        &self.data_directory
    }

    /// What a role must prove before `connect`.
    pub fn authenticate(&self, role: &str) -> Authentication {
        let catalog = self.catalog();
        let passwords = self.has_passwords();
        match catalog.role_by_name(role) {
            Some(role) if !role.login => Authentication::Reject(Error::new(
                SqlState::InvalidAuthorizationSpecification,
                format!("role \"{}\" is not permitted to log in", role.name),
            )),
            Some(role) => match &role.verifier {
                Some(verifier) if passwords => {
                    let expired = role.valid_until.is_some_and(|until| until <= self.now_micros());
                    if expired {
                        Authentication::Reject(refused(&role.name))
                    } else {
                        Authentication::Scram(verifier.clone())
                    }
                }
                Some(_) | None if !passwords => Authentication::Trust,
                Some(_) | None => Authentication::Reject(refused(&role.name)),
            },
            None if passwords => Authentication::Reject(refused(role)),
            None => Authentication::Reject(Error::new(
                SqlState::InvalidAuthorizationSpecification,
                format!("role \"{role}\" does not exist"),
            )),
        }
    }

    /// Whether the first superuser has a password yet: without one this machine is trusted.
    pub fn has_passwords(&self) -> bool {
        let catalog = self.catalog();
        catalog.role(catalog::builtin::BOOTSTRAP_ROLE).is_some_and(|role| role.verifier.is_some())
    }

    /// A session for an authenticated client.
    pub async fn connect(self: &Arc<Self>, startup: Startup) -> Result<Session> {
        let catalog = self.catalog();
        let role = catalog.role_by_name(&startup.user).ok_or_else(|| {
            Error::new(
                SqlState::InvalidAuthorizationSpecification,
                format!("role \"{}\" does not exist", startup.user),
            )
        })?;
        let database = catalog.database_by_name(&startup.database).ok_or_else(|| {
            Error::new(
                SqlState::InvalidCatalogName,
                format!("database \"{}\" does not exist", startup.database),
            )
        })?;
        if !database.allow_connections {
            return Err(Error::new(
                SqlState::ObjectNotInPrerequisiteState,
                format!("database \"{}\" is not currently accepting connections", database.name),
            ));
        }
        let mut settings = SettingValues::default();
        let stored = [(0, 0), (0, role.oid), (database.oid, 0), (database.oid, role.oid)];
        for (database, role) in stored {
            for (name, value) in catalog.setting(database, role).iter().flat_map(|setting| &setting.settings)
            {
                settings.set(name, Some(value), false, SettingSource::Startup)?;
            }
        }
        for (name, value) in &startup.options {
            settings.set(name, Some(value), false, SettingSource::Startup)?;
        }
        let length = if startup.protocol >= (3, 2) { 32 } else { 4 };
        let mut secret = vec![0; length];
        getrandom::fill(&mut secret).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        let now = self.now_micros();
        let activity = Activity {
            state: "idle",
            application_name: settings.get("application_name").unwrap_or_default(),
            state_change: Some(now),
            ..Activity::default()
        };
        let entry = Arc::new(Entry {
            process: self.registry.allocate(),
            secret,
            user: role.name.clone(),
            user_oid: role.oid,
            database: database.name.clone(),
            database_oid: database.oid,
            address: startup.address.clone(),
            started: now,
            cancel: Arc::new(CancelHandle::default()),
            activity: Mutex::new(activity),
        });
        let identity = Identity {
            session_user: role.name.as_str().into(),
            session_oid: role.oid,
            current_user: role.name.as_str().into(),
            current_oid: role.oid,
            superuser: role.superuser,
        };
        self.registry.add(entry.clone());
        Ok(Session::new(Arc::new(Shared::new(self.clone(), entry, settings, identity))))
    }

    /// A cancel request of the wire.
    pub fn cancel(&self, process: i32, secret: &[u8]) {
        self.registry.cancel(process, secret);
    }

    /// The sessions that exist.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The newest moment of which everything is durable and visible.
    pub fn snapshot(&self) -> Timestamp {
        self.database.snapshot()
    }

    /// Ends every session's work and closes the database.
    pub async fn shutdown(&self) {
        for entry in self.registry.list() {
            entry.cancel.shut_down();
        }
        let (database, maintenance) = (self.database.clone(), self.maintenance.clone());
        let automatic = self.automatic.clone();
        *self.view_parts.lock() = None;
        // Closing waits for the commits in flight.
        if tokio::task::spawn_blocking(move || {
            maintenance.stop();
            automatic.stop();
            database.close();
        })
        .await
        .is_err()
        {
            tracing::error!("closing the database failed");
        }
        if let Some(runtime) = self.runtime.lock().take() {
            runtime.shutdown_background();
        }
    }
}

fn cannot(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(SqlState::SystemError, format!("could not {what}: {error}"))
}

/// Gives the first superuser a password, where it has none.
fn set_first_password(database: &Database, catalog: &Arc<catalog::Catalog>, password: &str) -> Result<()> {
    let snapshot = catalog.current();
    let Some(role) = snapshot.role(catalog::builtin::BOOTSTRAP_ROLE) else { return Ok(()) };
    if role.verifier.is_some() {
        return Ok(());
    }
    let mut role = (**role).clone();
    role.verifier = Some(crate::password::Verifier::from_password(password)?.to_string());
    let change = catalog::Change::Put(catalog::Object::Role(role));
    let mut transaction = database.begin(engine::Isolation::ReadCommitted, false);
    match catalog.write(&mut transaction, &change).map_err(|error| Error::internal(error.to_string()))? {
        catalog::Written::Done => {}
        other => return Err(Error::internal(format!("the first password could not be written: {other:?}"))),
    }
    let store = catalog.clone();
    transaction.on_publish(Box::new(move |at| store.publish(at, &[change])));
    transaction.commit().wait().map(|_| ()).map_err(engine_error)
}

fn refused(role: &str) -> Error {
    Error::new(SqlState::InvalidPassword, format!("password authentication failed for user \"{role}\""))
}
