//! Where new relations go: the session's temporary schema, made when it is first needed, or an ordinary one.

use std::sync::Arc;

use catalog::builtin::BOOTSTRAP_ROLE;
use catalog::{
    Object, ObjectAddress, ObjectKey, Persistence, Privileges, Relation, Schema, TEMPORARY_SCHEMA,
};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Settings;
use crate::parse::syntax::{self, ObjectName, OnCommit};
use crate::session::names::CatalogNames;
use crate::session::temporary::with_temporary;

impl Definer {
    /// The schema that a new relation goes to, and how long it lasts.
    pub(super) async fn creation_place(
        &mut self,
        name: &ObjectName,
        persistence: syntax::Persistence,
    ) -> Result<(Arc<Schema>, Persistence)> {
        let own = self.own_temporary_name();
        let position = self.position(name.at);
        let temporary = match name.schema() {
            Some("pg_temp") => true,
            Some(schema) if schema == own => true,
            Some(schema) if catalog::is_temporary_schema(schema) => {
                let message = "cannot create relations in temporary schemas of other sessions";
                return Err(Error::new(SqlState::InvalidTableDefinition, message).at(position));
            }
            Some(_) if persistence == syntax::Persistence::Temporary => {
                let message = "cannot create temporary relation in non-temporary schema";
                return Err(Error::new(SqlState::InvalidTableDefinition, message).at(position));
            }
            Some(_) => false,
            None => persistence == syntax::Persistence::Temporary,
        };
        if temporary {
            if persistence == syntax::Persistence::Unlogged {
                let message = "only temporary relations may be created in temporary schemas";
                return Err(Error::new(SqlState::InvalidTableDefinition, message).at(position));
            }
            return Ok((self.temporary_schema(&own).await?, Persistence::Temporary));
        }
        let persistence = match persistence {
            syntax::Persistence::Unlogged => Persistence::Unlogged,
            syntax::Persistence::Permanent | syntax::Persistence::Temporary => Persistence::Permanent,
        };
        Ok((self.creation_schema(name)?, persistence))
    }

    fn own_temporary_name(&self) -> String {
        format!("{TEMPORARY_SCHEMA}{}", self.process)
    }

    /// The session's temporary schema, made where it is not there.
    async fn temporary_schema(&mut self, name: &str) -> Result<Arc<Schema>> {
        let snapshot = self.snapshot();
        if let Some(schema) = snapshot.schema_by_name(self.database, name) {
            return Ok(schema.clone());
        }
        self.check_may_create_temporary(&snapshot)?;
        let schema = Schema {
            oid: self.new_oid()?,
            database: self.database,
            name: name.to_string(),
            owner: BOOTSTRAP_ROLE,
            acl: None,
        };
        self.put(Object::Schema(schema.clone())).await?;
        let name: Arc<str> = Arc::from(name);
        self.temporary.lock().schema = Some(name.clone());
        self.made_temporary_schema = true;
        // The rest of the statement finds what it has made.
        let search_path = with_temporary(&self.context.settings.search_path, &name);
        let settings = Settings { search_path: search_path.clone(), ..(*self.context.settings).clone() };
        self.context.settings = Arc::new(settings);
        self.names = CatalogNames::new(self.snapshot(), self.database, search_path);
        Ok(Arc::new(schema))
    }

    fn check_may_create_temporary(&self, snapshot: &catalog::Snapshot) -> Result<()> {
        let Some(database) = snapshot.database(self.database) else { return Ok(()) };
        let roles = snapshot.privileged_roles(self.database, self.role);
        let allowed = match &database.acl {
            None => true,
            Some(acl) => acl.iter().any(|item| {
                (item.grantee == 0 || roles.contains(&item.grantee))
                    && item.privileges.contains(Privileges::TEMPORARY)
            }),
        };
        if self.superuser || roles.contains(&database.owner) || allowed {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InsufficientPrivilege,
            format!("permission denied to create temporary tables in database \"{}\"", database.name),
        ))
    }

    /// How long the relations of a schema last.
    pub(super) fn persistence_in(&self, schema: u32) -> Persistence {
        match self.snapshot().schema(self.database, schema) {
            Some(schema) if catalog::is_temporary_schema(&schema.name) => Persistence::Temporary,
            Some(_) | None => Persistence::Permanent,
        }
    }

    /// Remembers ON COMMIT of a new table.
    pub(super) fn note_on_commit(&mut self, table: &Relation, action: Option<OnCommit>) {
        match action {
            None | Some(OnCommit::PreserveRows) => {}
            Some(action) => self.temporary.lock().on_commit.push((table.oid, action)),
        }
    }

    /// Drops relations with all that stands on them, and tells nobody.
    pub async fn drop_silently(&mut self, relations: Vec<u32>) -> Result<()> {
        let objects = relations.into_iter().map(ObjectAddress::relation).collect();
        self.drop_objects(objects, true).await?;
        self.notices.clear();
        Ok(())
    }

    /// Removes an empty schema.
    pub async fn forget_schema(&mut self, schema: u32) -> Result<()> {
        self.remove(ObjectKey::Schema { database: self.database, oid: schema }).await
    }
}

/// ON COMMIT is for temporary tables.
pub(super) fn check_on_commit(action: Option<OnCommit>, persistence: Persistence) -> Result<()> {
    match (action, persistence) {
        (None, _) | (Some(_), Persistence::Temporary) => Ok(()),
        (Some(_), Persistence::Permanent | Persistence::Unlogged) => {
            let message = "ON COMMIT can only be used on temporary tables";
            Err(Error::new(SqlState::InvalidTableDefinition, message))
        }
    }
}
