//! The session's side of functions: sequences, settings, live state.

use std::sync::Arc;
use std::time::Duration;

use catalog::{Relation, Snapshot};
use engine::Value;

use super::advisory::AdvisoryKey;
use super::engine_error;
use super::names::CatalogNames;
use super::shared::Shared;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Context, Environment};
use crate::functions::Rows;
use crate::types::Names;
use crate::types::array::Array;

/// The environment of one statement.
pub struct StatementEnvironment {
    pub shared: Arc<Shared>,
    pub catalog: Arc<Snapshot>,
    /// What the statement sees: microseconds since 2000-01-01.
    pub snapshot_micros: i64,
    pub transaction_id: u64,
}

impl StatementEnvironment {
    fn sequence(&self, oid: u32) -> Result<(Arc<catalog::Relation>, catalog::Sequence)> {
        let missing =
            || Error::new(SqlState::UndefinedTable, format!("could not open relation with OID {oid}"));
        let relation = self.catalog.relation(self.database(), oid).ok_or_else(missing)?;
        match relation.as_sequence() {
            Some(sequence) => Ok((relation.clone(), sequence.clone())),
            None => {
                Err(Error::new(SqlState::WrongObjectType, format!("\"{}\" is not a sequence", relation.name)))
            }
        }
    }

    /// Waits on this thread for `ready`, looking at the cancel handle. The runtime is told, so that its other tasks
    /// go on elsewhere.
    pub(super) fn poll(&self, mut ready: impl FnMut() -> bool) -> Result<()> {
        const PAUSE: Duration = Duration::from_millis(2);
        if ready() {
            return Ok(());
        }
        let cancel = self.shared.entry.cancel.clone();
        let mut wait = || loop {
            cancel.check()?;
            if ready() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        };
        match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        }
    }

    fn advisory(&self, call: AdvisoryCall, arguments: &[Value]) -> Result<Value> {
        let database = self.database();
        let key = match arguments {
            [Value::Int64(key)] => AdvisoryKey::single(database, *key),
            [Value::Int32(first), Value::Int32(second)] => AdvisoryKey::double(database, *first, *second),
            _ => return Err(Error::internal("advisory lock with other arguments")),
        };
        let locks = self.shared.instance.advisory();
        let process = self.shared.entry.process;
        let AdvisoryCall { shared, of_transaction, wait } = call;
        if !wait {
            return Ok(Value::Bool(locks.try_lock(key, process, shared, of_transaction)));
        }
        self.poll(|| locks.try_lock(key, process, shared, of_transaction))?;
        Ok(Value::from(""))
    }

    fn advisory_unlock(&self, shared: bool, arguments: &[Value]) -> Result<Value> {
        let database = self.database();
        let key = match arguments {
            [Value::Int64(key)] => AdvisoryKey::single(database, *key),
            [Value::Int32(first), Value::Int32(second)] => AdvisoryKey::double(database, *first, *second),
            _ => return Err(Error::internal("advisory lock with other arguments")),
        };
        let held = self.shared.instance.advisory().unlock(key, self.shared.entry.process, shared);
        if !held {
            let kind = if shared { "ShareLock" } else { "ExclusiveLock" };
            let warning = Error::new(SqlState::Warning, format!("you don't own a lock of type {kind}"));
            self.shared.notify(super::sink::Severity::Warning, warning.into_report());
        }
        Ok(Value::Bool(held))
    }

    fn signal(&self, arguments: &[Value], terminate: bool) -> Result<Value> {
        let [Value::Int32(process), ..] = arguments else {
            return Err(Error::internal("a process number is an integer"));
        };
        let Some(entry) = self.shared.instance.registry().get(*process) else {
            let warning =
                Error::new(SqlState::Warning, format!("PID {process} is not a PostgreSQL backend process"));
            self.shared.notify(super::sink::Severity::Warning, warning.into_report());
            return Ok(Value::Bool(false));
        };
        let own = *entry.user == *self.shared.identity.lock().current_user;
        if !own && !self.shared.identity.lock().superuser {
            let verb = if terminate { "terminate" } else { "cancel query of" };
            return Err(Error::new(
                SqlState::InsufficientPrivilege,
                format!(
                    "must be a member of the role whose process is being {verb}ed or member of pg_signal_backend"
                ),
            ));
        }
        if terminate {
            entry.cancel.terminate()
        } else {
            entry.cancel.cancel()
        }
        Ok(Value::Bool(true))
    }

    fn sleep(&self, arguments: &[Value]) -> Result<Value> {
        let [Value::Float64(seconds)] = arguments else {
            return Err(Error::internal("pg_sleep takes seconds"));
        };
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { f64::from(i32::MAX) };
        let end = std::time::Instant::now() + Duration::from_secs_f64(seconds.min(1e9));
        self.poll(|| std::time::Instant::now() >= end)?;
        Ok(Value::from(""))
    }

    /// The processes of the sessions whose transactions are in the way of another's.
    fn blocking_processes(&self, arguments: &[Value]) -> Value {
        let registry = self.shared.instance.registry();
        let entry = match arguments.first() {
            Some(Value::Int32(process)) => registry.get(*process),
            Some(_) | None => None,
        };
        let transaction = entry.and_then(|entry| entry.activity.lock().transaction);
        let blocking = transaction.map(|id| self.shared.instance.database().blocking(id)).unwrap_or_default();
        let mut processes: Vec<i32> = blocking.into_iter().filter_map(|id| registry.process_of(id)).collect();
        processes.sort_unstable();
        processes.dedup();
        let elements = processes.into_iter().map(Value::Int32).collect();
        Array::from_elements(crate::types::oid::INT4, elements).to_value()
    }

    fn relation_size(&self, arguments: &[Value], extent: Extent) -> Result<Value> {
        let Some(Value::UInt32(oid)) = arguments.first() else { return Ok(Value::Null) };
        let has_no_such_fork = match arguments.get(1) {
            None => false,
            Some(Value::Text(fork)) => match &**fork {
                "main" => false,
                "fsm" | "vm" | "init" => true,
                _ => {
                    let hint = "Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".";
                    let error = Error::new(SqlState::InvalidParameterValue, "invalid fork name");
                    return Err(error.hint(hint));
                }
            },
            Some(_) => return Ok(Value::Null),
        };
        let Some(relation) = self.catalog.relation(self.database(), *oid) else { return Ok(Value::Null) };
        if has_no_such_fork {
            return Ok(Value::Int64(0));
        }
        if let Some(index) = relation.as_index() {
            let is_counted = extent != Extent::Indexes;
            let bytes = self.shared.instance.index_bytes(index.table, relation.oid);
            return Ok(Value::Int64(if is_counted { bytes } else { 0 }));
        }
        Ok(Value::Int64(if relation.has_rows() { self.bytes_of(relation, extent) } else { 0 }))
    }

    fn bytes_of(&self, relation: &Relation, extent: Extent) -> i64 {
        let (rows, long) = self.shared.instance.table_bytes(relation.oid);
        let indexes = || {
            let indexes = self.catalog.indexes_of(relation.database, relation.oid);
            indexes.map(|index| self.shared.instance.index_bytes(relation.oid, index.oid)).sum::<i64>()
        };
        match extent {
            Extent::Rows => rows,
            Extent::Table => rows + long,
            Extent::Indexes => indexes(),
            Extent::Total => rows + long + indexes(),
        }
    }

    fn database_size(&self) -> i64 {
        let relations = self.catalog.relations(self.database()).filter(|relation| relation.has_rows());
        relations.map(|relation| self.bytes_of(relation, Extent::Total)).sum()
    }
}

/// What of a relation is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Its rows, or the entries of an index.
    Rows,
    /// With its long values.
    Table,
    Indexes,
    Total,
}

#[derive(Clone, Copy)]
struct AdvisoryCall {
    shared: bool,
    of_transaction: bool,
    wait: bool,
}

/// Which advisory lock function an oid is.
fn advisory_call(function: u32) -> Option<AdvisoryCall> {
    let call = |shared, of_transaction, wait| Some(AdvisoryCall { shared, of_transaction, wait });
    match function {
        2880 | 2886 => call(false, false, true),
        2881 | 2887 => call(true, false, true),
        2882 | 2888 => call(false, false, false),
        2883 | 2889 => call(true, false, false),
        3089 | 3093 => call(false, true, true),
        3090 | 3094 => call(true, true, true),
        3091 | 3095 => call(false, true, false),
        3092 | 3096 => call(true, true, false),
        _ => None,
    }
}

impl Environment for StatementEnvironment {
    fn catalog(&self) -> Arc<Snapshot> {
        self.catalog.clone()
    }

    fn database(&self) -> u32 {
        self.shared.entry.database_oid
    }

    fn names(&self) -> Arc<dyn Names> {
        let path = self.shared.evaluated().search_path.clone();
        Arc::new(CatalogNames::new(self.catalog.clone(), self.database(), path))
    }

    fn current_user(&self) -> Arc<str> {
        self.shared.identity.lock().current_user.clone()
    }

    fn session_user(&self) -> Arc<str> {
        self.shared.identity.lock().session_user.clone()
    }

    fn backend_pid(&self) -> i32 {
        self.shared.entry.process
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.shared.show(name).ok().map(|(_, value)| value)
    }

    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<()> {
        self.shared.set(name, Some(value), local)
    }

    fn next_value(&self, sequence: u32) -> Result<i64> {
        let (relation, definition) = self.sequence(sequence)?;
        let next = self.shared.instance.database().sequence_next(sequence, &engine_definition(&definition));
        let Some(value) = next.map_err(engine_error)? else {
            let (which, bound) = if definition.increment > 0 {
                ("maximum", definition.maximum)
            } else {
                ("minimum", definition.minimum)
            };
            return Err(Error::new(
                SqlState::SequenceGeneratorLimitExceeded,
                format!("nextval: reached {which} value of sequence \"{}\" ({bound})", relation.name),
            ));
        };
        let mut memory = self.shared.sequences.lock();
        memory.values.insert(sequence, value);
        memory.last = Some(sequence);
        Ok(value)
    }

    fn current_value(&self, sequence: u32) -> Result<i64> {
        let (relation, _) = self.sequence(sequence)?;
        self.shared.sequences.lock().values.get(&sequence).copied().ok_or_else(|| {
            Error::new(
                SqlState::ObjectNotInPrerequisiteState,
                format!("currval of sequence \"{}\" is not yet defined in this session", relation.name),
            )
        })
    }

    fn last_value(&self) -> Result<i64> {
        let memory = self.shared.sequences.lock();
        memory.last.and_then(|sequence| memory.values.get(&sequence).copied()).ok_or_else(|| {
            Error::new(SqlState::ObjectNotInPrerequisiteState, "lastval is not yet defined in this session")
        })
    }

    fn set_value(&self, sequence: u32, value: i64, called: bool) -> Result<()> {
        let (relation, definition) = self.sequence(sequence)?;
        if value < definition.minimum || value > definition.maximum {
            return Err(Error::new(
                SqlState::NumericValueOutOfRange,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                    relation.name, definition.minimum, definition.maximum
                ),
            ));
        }
        let state = engine::SequenceState { last: value, called };
        self.shared.instance.database().sequence_set(sequence, state).map_err(engine_error)?;
        let mut memory = self.shared.sequences.lock();
        if called {
            memory.values.insert(sequence, value);
            memory.last = Some(sequence);
        }
        Ok(())
    }

    fn clock_micros(&self) -> i64 {
        self.shared.instance.now_micros()
    }

    fn rows_call(&self, function: u32, context: &Context, arguments: &[Value]) -> Result<Box<dyn Rows>> {
        match (function, arguments) {
            // strata.table_changes
            (9502, [Value::UInt32(table), Value::Int64(from), Value::Int64(to)]) => {
                self.table_changes(context, *table, (*from, *to))
            }
            _ => Err(Error::unsupported(format!("function with OID {function}"))),
        }
    }

    fn system_call(&self, function: u32, arguments: &[Value]) -> Result<Value> {
        if let Some(call) = advisory_call(function) {
            return self.advisory(call, arguments);
        }
        if let Some(text) = self.definition_call(function, arguments) {
            return text;
        }
        match function {
            2171 => self.signal(arguments, false),
            2096 => self.signal(arguments, true),
            2626 => self.sleep(arguments),
            // pg_notify
            3036 => {
                let text = |index: usize| arguments.get(index).and_then(Value::as_text).unwrap_or_default();
                self.shared.note_notification(text(0), text(1))?;
                Ok(Value::from(""))
            }
            // pg_listening_channels
            3035 => {
                let channels: Vec<Value> =
                    self.shared.channels.lock().iter().map(|channel| Value::from(channel.as_str())).collect();
                Ok(Array::from_elements(crate::types::oid::TEXT, channels).to_value())
            }
            // pg_blocking_pids
            2561 => Ok(self.blocking_processes(arguments)),
            2884 | 2890 => self.advisory_unlock(false, arguments),
            2885 | 2891 => self.advisory_unlock(true, arguments),
            2892 => {
                self.shared.instance.advisory().release_session(self.shared.entry.process);
                Ok(Value::from(""))
            }
            // pg_relation_size, pg_table_size, pg_total_relation_size, pg_indexes_size
            2325 | 2332 => self.relation_size(arguments, Extent::Rows),
            2997 => self.relation_size(arguments, Extent::Table),
            2286 => self.relation_size(arguments, Extent::Total),
            2998 => self.relation_size(arguments, Extent::Indexes),
            // pg_database_size
            2168 | 2324 => Ok(Value::Int64(self.database_size())),
            // pg_tablespace_size: everything is in the one there is.
            2322 | 2323 => Ok(Value::Int64(self.database_size())),
            // txid_current, pg_current_xact_id
            2943 | 5059 => Ok(Value::Int64(self.transaction_id as i64)),
            // txid_current_if_assigned, pg_current_xact_id_if_assigned
            3348 | 5060 => Ok(Value::Null),
            // pg_postmaster_start_time, pg_conf_load_time
            2560 | 2034 => Ok(Value::Int64(self.shared.instance.started_micros())),
            // pg_is_in_recovery
            3810 => Ok(Value::Bool(false)),
            // strata.moment(text), of what is no timestamp
            9504 => {
                let name = arguments.first().and_then(Value::as_text).unwrap_or_default();
                let moment = super::snapshots::moment_of(self.shared.instance.database(), name)?;
                Ok(moment.map_or(Value::Null, Value::Int64))
            }
            // strata.snapshot_time()
            SNAPSHOT_TIME => Ok(Value::Int64(self.snapshot_micros)),
            _ => Err(Error::unsupported(format!("function with OID {function}"))),
        }
    }
}

/// A sequence's parameters as the engine needs them.
fn engine_definition(sequence: &catalog::Sequence) -> engine::SequenceDefinition {
    engine::SequenceDefinition {
        start: sequence.start,
        increment: sequence.increment,
        minimum: sequence.minimum,
        maximum: sequence.maximum,
        cycle: sequence.cycle,
    }
}

/// Oid of strata.snapshot_time().
pub const SNAPSHOT_TIME: u32 = 9000;
