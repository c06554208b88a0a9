//! OWNER TO, and names of roles.

use catalog::{Database, Object, Relation, Role, Schema};
use std::sync::Arc;

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{AlterOwner, ObjectKind, RoleName};

impl Definer {
    /// The role that a name means; PUBLIC is none.
    pub(super) fn role_named(&self, name: &RoleName) -> Result<Arc<Role>> {
        let snapshot = self.snapshot();
        let found = match name {
            RoleName::Named(name) => {
                return snapshot.role_by_name(&name.text).cloned().ok_or_else(|| {
                    let message = format!("role \"{}\" does not exist", name.text);
                    Error::new(SqlState::UndefinedObject, message)
                });
            }
            RoleName::Public => {
                return Err(Error::new(SqlState::UndefinedObject, "role \"public\" does not exist"));
            }
            RoleName::CurrentUser | RoleName::CurrentRole => snapshot.role(self.role).cloned(),
            RoleName::SessionUser => snapshot.role_by_name(&self.context.environment.session_user()).cloned(),
        };
        found.ok_or_else(|| Error::internal("the session's role is gone"))
    }

    /// A new owner must be a role that the present one may act as.
    pub(super) fn new_owner(&self, name: &RoleName) -> Result<u32> {
        let role = self.role_named(name)?;
        if self.superuser || self.snapshot().is_member(self.database, self.role, role.oid) {
            return Ok(role.oid);
        }
        Err(Error::new(SqlState::InsufficientPrivilege, format!("must be member of role \"{}\"", role.name)))
    }

    pub(super) async fn alter_owner(&mut self, alter: &AlterOwner) -> Result<String> {
        let owner = self.new_owner(&alter.owner)?;
        let name = alter.name.name();
        let snapshot = self.snapshot();
        match alter.kind {
            ObjectKind::Schema => {
                let schema = self.schema_by_name(&snapshot, name)?;
                self.check_named_owner(schema.owner, "schema", name)?;
                self.put(Object::Schema(Schema { owner, ..(*schema).clone() })).await?;
                Ok("ALTER SCHEMA".to_string())
            }
            ObjectKind::Database => {
                let database = self.database_named(name)?;
                self.check_named_owner(database.owner, "database", name)?;
                self.put(Object::Database(Database { owner, ..(*database).clone() })).await?;
                Ok("ALTER DATABASE".to_string())
            }
            other => Err(Error::unsupported(format!("ALTER {} OWNER", format!("{other:?}").to_uppercase()))),
        }
    }

    pub(super) fn check_named_owner(&self, owner: u32, kind: &str, name: &str) -> Result<()> {
        if self.owns(owner) {
            return Ok(());
        }
        Err(Error::new(SqlState::InsufficientPrivilege, format!("must be owner of {kind} {name}")))
    }

    /// A relation's owner, with its indexes and the sequences of its columns.
    pub(super) async fn give_relation(&mut self, relation: &Relation, owner: u32) -> Result<()> {
        let snapshot = self.snapshot();
        let parts = snapshot
            .indexes_of(self.database, relation.oid)
            .chain(snapshot.owned_sequences(self.database, relation.oid))
            .cloned()
            .collect::<Vec<_>>();
        self.put_relation(Relation { owner, ..relation.clone() }).await?;
        for part in parts {
            self.put_relation(Relation { owner, ..(*part).clone() }).await?;
        }
        Ok(())
    }
}
