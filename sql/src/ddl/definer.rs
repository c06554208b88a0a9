//! What a definition works with: its transaction, the catalog under it, names, locks, notices.

use std::sync::Arc;
use std::time::Duration;

use catalog::{
    Catalog, Change, Object, ObjectKey, Overlay, Privileges, Relation, RelationKind, Schema, Snapshot,
    Written,
};
use engine::{RelationLockMode, TableId, WaitPolicy};
use parking_lot::Mutex;

use crate::analyze;
use crate::dml::{SharedTransaction, wait};
use crate::error::{Error, Report, Result, SqlState};
use crate::evaluate::Context;
use crate::parse::syntax::{Name, ObjectName};
use crate::session::names::CatalogNames;
use crate::session::temporary::Temporary;
use crate::session::{CancelHandle, Severity, engine_error};
use crate::types::InputSettings;

/// One definition at work.
pub struct Definer {
    pub transaction: SharedTransaction,
    pub cancel: Arc<CancelHandle>,
    pub lock_timeout: Option<Duration>,
    pub catalog: Arc<Catalog>,
    pub engine: Arc<engine::Database>,
    pub overlay: Arc<Mutex<Overlay>>,
    pub database: u32,
    pub role: u32,
    pub superuser: bool,
    /// The text of the statement, for positions and for what is stored of it.
    pub text: Arc<str>,
    pub context: Context,
    /// Names of types and relations, for input and output.
    pub names: CatalogNames,
    pub notices: Vec<(Severity, Report)>,
    /// The session's process number, which names its temporary schema.
    pub process: i32,
    pub temporary: Arc<Mutex<Temporary>>,
    /// The session's search path has changed by this definition.
    pub made_temporary_schema: bool,
}

impl Definer {
    /// The catalog with this transaction's own definitions.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.overlay.lock().snapshot(&self.catalog)
    }

    /// An oid never given out before.
    pub(super) fn new_oid(&self) -> Result<u32> {
        self.catalog.allocate_oid().map_err(catalog_error)
    }

    /// Writes an object: creates it, or replaces it.
    pub(super) async fn put(&mut self, object: Object) -> Result<()> {
        self.change(Change::Put(object)).await
    }

    pub(super) async fn put_relation(&mut self, relation: Relation) -> Result<()> {
        self.put(Object::Relation(Box::new(relation))).await
    }

    pub(super) async fn remove(&mut self, key: ObjectKey) -> Result<()> {
        self.change(Change::Remove(key)).await
    }

    async fn change(&mut self, change: Change) -> Result<()> {
        loop {
            let catalog = &self.catalog;
            match self
                .transaction
                .with(|transaction| catalog.write(transaction, &change))?
                .map_err(catalog_error)?
            {
                Written::Done => break,
                Written::Wait(ticket) => wait(ticket, &self.cancel).await?,
                Written::NameTaken => return Err(name_taken(&change)),
                Written::Concurrently => {
                    return Err(Error::new(SqlState::InternalError, "tuple concurrently updated"));
                }
            }
        }
        let (catalog, published) = (self.catalog.clone(), vec![change.clone()]);
        // The engine runs the hook, and would never end if the hook kept it.
        let engine = Arc::downgrade(&self.engine);
        self.transaction.with(|transaction| {
            transaction.on_publish(Box::new(move |at| {
                catalog.publish(at, &published);
                if let (Some(engine), [Change::Put(Object::Relation(relation))]) =
                    (engine.upgrade(), published.as_slice())
                {
                    super::retention::tell(&engine, relation);
                }
            }))
        })?;
        self.overlay.lock().push([change]);
        // What is written now is read by the next step of the same statement.
        self.transaction.with(|transaction| transaction.advance_command())
    }

    /// Locks a relation as a whole.
    pub(super) async fn lock(&self, relation: u32, mode: RelationLockMode) -> Result<()> {
        let policy = WaitPolicy::Wait { timeout: self.lock_timeout };
        self.transaction
            .settle(&self.cancel, |transaction| transaction.lock_relation(TableId(relation), mode, policy))
            .await
    }

    /// Calls into the engine where nothing has to be waited for.
    pub(super) fn engine<T>(
        &self,
        call: impl FnOnce(&mut engine::Transaction) -> std::result::Result<T, engine::Error>,
    ) -> Result<T> {
        self.transaction.with(call)?.map_err(engine_error)
    }

    pub(super) fn notice(&mut self, message: impl Into<String>) {
        let report = Error::new(SqlState::SuccessfulCompletion, message).into_report();
        self.notices.push((Severity::Notice, report));
    }

    /// What analysis may look at, over a snapshot that the caller keeps.
    pub(super) fn environment<'a>(&'a self, snapshot: &'a Snapshot) -> analyze::Environment<'a> {
        analyze::Environment {
            catalog: snapshot,
            database: self.database,
            search_path: &self.context.settings.search_path,
            input: self.input_settings(),
            past: None,
            versions: None,
            met: None,
            default_moment: None,
        }
    }

    /// How literals are read.
    pub(super) fn input_settings(&self) -> InputSettings<'_> {
        InputSettings::new(&self.context.settings, self.context.statement_micros, &self.names)
    }

    /// The piece of the statement's text between two bytes.
    pub(super) fn source(&self, text: crate::parse::syntax::SourceText) -> String {
        self.text.get(text.start as usize..text.end as usize).unwrap_or_default().trim().to_string()
    }

    /// The character position of a byte offset.
    pub(super) fn position(&self, at: u32) -> Option<u32> {
        let before = self.text.get(..at as usize)?;
        u32::try_from(before.chars().count()).ok()?.checked_add(1)
    }

    /// The schema that a new object goes to.
    pub(super) fn creation_schema(&self, name: &ObjectName) -> Result<Arc<Schema>> {
        let snapshot = self.snapshot();
        match name.schema() {
            Some(schema) => self.schema_by_name(&snapshot, schema),
            None => {
                let path = &self.context.settings.search_path;
                let path = path.iter().filter(|schema| !catalog::is_temporary_schema(schema));
                let found = path.clone().find_map(|schema| snapshot.schema_by_name(self.database, schema));
                found.cloned().ok_or_else(|| {
                    Error::new(SqlState::InvalidSchemaName, "no schema has been selected to create in")
                })
            }
        }
        .and_then(|schema| {
            if schema.oid == catalog::builtin::PG_CATALOG
                || schema.oid == catalog::builtin::INFORMATION_SCHEMA
            {
                let message = format!("permission denied to create \"{}.{}\"", schema.name, name.name());
                return Err(Error::new(SqlState::InsufficientPrivilege, message)
                    .detail("System catalog modifications are currently disallowed."));
            }
            self.check_schema_privilege(&snapshot, &schema)?;
            Ok(schema)
        })
    }

    fn check_schema_privilege(&self, snapshot: &Snapshot, schema: &Schema) -> Result<()> {
        let roles = snapshot.privileged_roles(self.database, self.role);
        let granted = schema.acl.iter().flatten().any(|item| {
            (item.grantee == 0 || roles.contains(&item.grantee))
                && item.privileges.contains(Privileges::CREATE)
        });
        if self.superuser || roles.contains(&schema.owner) || granted {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InsufficientPrivilege,
            format!("permission denied for schema {}", schema.name),
        ))
    }

    pub(super) fn schema_by_name(&self, snapshot: &Snapshot, name: &str) -> Result<Arc<Schema>> {
        let path = &self.context.settings.search_path;
        snapshot.named_schema(self.database, path, name).cloned().ok_or_else(|| {
            Error::new(SqlState::InvalidSchemaName, format!("schema \"{name}\" does not exist"))
        })
    }

    /// The relation of a name, if there is one.
    pub(super) fn find(&self, name: &ObjectName) -> Option<Arc<Relation>> {
        let snapshot = self.snapshot();
        match name.schema() {
            Some(schema) => {
                let path = &self.context.settings.search_path;
                let schema = snapshot.named_schema(self.database, path, schema)?.oid;
                snapshot.relation_by_name(self.database, schema, name.name()).cloned()
            }
            None => snapshot
                .find_relation(self.database, &self.context.settings.search_path, name.name())
                .cloned(),
        }
    }

    /// The relation of a name.
    pub(super) fn relation(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        if let Some(schema) = name.schema() {
            self.schema_by_name(&self.snapshot(), schema)?;
        }
        self.find(name).ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"))
                .at(self.position(name.at))
        })
    }

    /// The relation of a name, locked by its owner; looked up again after the lock, until the name means what is locked.
    pub(super) async fn find_locked(
        &self,
        name: &ObjectName,
        mode: RelationLockMode,
    ) -> Result<Option<Arc<Relation>>> {
        let mut locked = None;
        loop {
            let Some(found) = self.find(name) else { return Ok(None) };
            if locked == Some(found.oid) {
                return Ok(Some(found));
            }
            self.check_owner(&found)?;
            // Who reads a table may read it through any of its indexes.
            if let Some(index) = found.as_index() {
                self.lock(index.table, mode).await?;
            }
            self.lock(found.oid, mode).await?;
            locked = Some(found.oid);
        }
    }

    /// The table of a name, locked; read again after the wait, since it may have changed meanwhile.
    pub(super) async fn table_to_change(
        &mut self,
        name: &ObjectName,
        mode: RelationLockMode,
    ) -> Result<Arc<Relation>> {
        let Some(relation) = self.find_locked(name, mode).await? else { return self.relation(name) };
        match relation.kind {
            RelationKind::Table(_) => Ok(relation),
            RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Index(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => {
                Err(Error::new(SqlState::WrongObjectType, format!("\"{}\" is not a table", relation.name)))
            }
        }
    }

    /// As [`Definer::table_to_change`], where a materialized view will do.
    pub(super) async fn rows_to_change(
        &mut self,
        name: &ObjectName,
        mode: RelationLockMode,
    ) -> Result<Arc<Relation>> {
        match self.find(name).filter(|found| found.as_materialized_view().is_some()) {
            Some(_) => match self.find_locked(name, mode).await? {
                Some(found) if found.has_rows() => Ok(found),
                Some(_) | None => self.table_to_change(name, mode).await,
            },
            None => self.table_to_change(name, mode).await,
        }
    }

    /// Writes a relation that has changed.
    pub async fn replace_relation(&mut self, relation: Relation) -> Result<()> {
        self.put_relation(relation).await
    }

    /// Only its owner refreshes a materialized view.
    pub fn check_refresher(&self, relation: &Relation) -> Result<()> {
        self.check_owner(relation)
    }

    /// The relation of an oid as it stands now.
    pub(super) fn current(&self, oid: u32) -> Result<Arc<Relation>> {
        self.snapshot()
            .relation(self.database, oid)
            .cloned()
            .ok_or_else(|| Error::internal(format!("relation {oid} went away")))
    }

    /// Only its owner changes an object.
    pub(super) fn check_owner(&self, relation: &Relation) -> Result<()> {
        if relation.is_system() {
            return Err(Error::new(
                SqlState::InsufficientPrivilege,
                format!("permission denied: \"{}\" is a system catalog", relation.name),
            ));
        }
        if self.owns(relation.owner) {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InsufficientPrivilege,
            format!("must be owner of {} {}", relation.kind_name(), relation.name),
        ))
    }

    /// Whether the role acts for an owner.
    pub(super) fn owns(&self, owner: u32) -> bool {
        self.superuser || self.snapshot().has_privileges_of(self.database, self.role, owner)
    }

    /// A name for an object that was not given one: the parts joined, made to fit 63 bytes and to be free.
    pub(super) fn free_name(&self, schema: u32, parts: &[&str], label: &str) -> String {
        let snapshot = self.snapshot();
        let taken = |name: &str| {
            snapshot.relation_by_name(self.database, schema, name).is_some()
                || snapshot
                    .constraints(self.database)
                    .any(|constraint| constraint.schema == schema && constraint.name == name)
        };
        let mut name = generated_name(parts, label);
        let mut counter = 0;
        while taken(&name) {
            counter += 1;
            name = generated_name(parts, &format!("{label}{counter}"));
        }
        name
    }

    /// `relation "x" already exists`, unless the statement says IF NOT EXISTS.
    pub(super) fn check_free(&mut self, schema: u32, name: &str, if_not_exists: bool) -> Result<bool> {
        if self.snapshot().relation_by_name(self.database, schema, name).is_none() {
            return Ok(true);
        }
        if if_not_exists {
            let message = format!("relation \"{name}\" already exists, skipping");
            let report = Error::new(SqlState::DuplicateTable, message).into_report();
            self.notices.push((Severity::Notice, report));
            return Ok(false);
        }
        Err(Error::new(SqlState::DuplicateTable, format!("relation \"{name}\" already exists")))
    }

    /// The attribute numbers of named columns.
    pub(super) fn attributes(&self, relation: &Relation, names: &[Name]) -> Result<Vec<i16>> {
        names
            .iter()
            .map(|name| {
                relation.column_by_name(&name.text).map(|column| column.number).ok_or_else(|| {
                    Error::new(
                        SqlState::UndefinedColumn,
                        format!("column \"{}\" named in key does not exist", name.text),
                    )
                    .at(self.position(name.at))
                })
            })
            .collect()
    }
}

/// Parts joined by underscores, the longest cut first so that the whole fits PostgreSQL's 63 bytes (makeObjectName).
fn generated_name(parts: &[&str], label: &str) -> String {
    const LONGEST: usize = 63;
    let mut kept: Vec<String> = parts.iter().map(|part| (*part).to_string()).collect();
    let length = |kept: &[String]| kept.iter().map(|part| part.len() + 1).sum::<usize>() + label.len();
    while length(&kept) > LONGEST {
        let Some(longest) = kept.iter_mut().max_by_key(|part| part.len()) else { break };
        if longest.pop().is_none() {
            break;
        }
    }
    kept.push(label.to_string());
    kept.join("_")
}

/// The error for a name that another transaction, or an earlier object, has.
fn name_taken(change: &Change) -> Error {
    let Change::Put(object) = change else { return Error::internal("a removal collided with a name") };
    let (state, message) = match object {
        Object::Database(object) => {
            (SqlState::DuplicateDatabase, format!("database \"{}\" already exists", object.name))
        }
        Object::Role(object) => {
            (SqlState::DuplicateObject, format!("role \"{}\" already exists", object.name))
        }
        Object::Schema(object) => {
            (SqlState::DuplicateSchema, format!("schema \"{}\" already exists", object.name))
        }
        Object::Relation(object) => {
            (SqlState::DuplicateTable, format!("relation \"{}\" already exists", object.name))
        }
        Object::Constraint(object) => {
            (SqlState::DuplicateObject, format!("constraint \"{}\" already exists", object.name))
        }
        Object::Type(object) => {
            (SqlState::DuplicateObject, format!("type \"{}\" already exists", object.name))
        }
        Object::Extension(object) => {
            (SqlState::DuplicateObject, format!("extension \"{}\" already exists", object.name))
        }
        Object::Membership(_) | Object::Setting(_) | Object::Comment(_) | Object::DefaultAcl(_) => {
            (SqlState::InternalError, "an object without a name collided".to_string())
        }
    };
    Error::new(state, message)
}

/// The catalog's errors as users see them.
pub(crate) fn catalog_error(error: catalog::store::Error) -> Error {
    match error {
        catalog::store::Error::Engine(error) => engine_error(error),
        catalog::store::Error::Corrupted { key, reason } => {
            Error::new(SqlState::DataCorrupted, format!("catalog row {key}: {reason}"))
        }
        catalog::store::Error::OutOfIdentifiers => {
            Error::new(SqlState::ProgramLimitExceeded, "the counter of object identifiers is exhausted")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::generated_name;

    #[test]
    fn generated_names_fit_and_keep_their_label() {
        assert_eq!(generated_name(&["track", "name"], "idx"), "track_name_idx");
        let long = "x".repeat(80);
        let name = generated_name(&[&long, "id"], "fkey");
        assert_eq!(name.len(), 63);
        assert!(name.ends_with("_id_fkey"));
    }
}
