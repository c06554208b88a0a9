//! CREATE, rename and drop schemas.

use catalog::bootstrap::FIRST_OBJECT_OID;
use catalog::builtin::{PUBLIC, STRATA};
use catalog::{Object, ObjectKey, Schema};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{CreateSchema, Drop};
use crate::session::Severity;

impl Definer {
    pub(super) async fn create_schema(&mut self, create: &CreateSchema) -> Result<String> {
        let tag = "CREATE SCHEMA".to_string();
        let owner = match &create.authorization {
            Some(role) => self.new_owner(role)?,
            None => self.role,
        };
        let snapshot = self.snapshot();
        let name = match &create.name {
            Some(name) => name.text.clone(),
            None => snapshot.role_name(owner),
        };
        if name.starts_with("pg_") {
            return Err(Error::new(SqlState::ReservedName, format!("unacceptable schema name \"{name}\""))
                .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        if !create.elements.is_empty() {
            return Err(Error::unsupported("CREATE SCHEMA with schema elements"));
        }
        if snapshot.schema_by_name(self.database, &name).is_some() {
            let message = format!("schema \"{name}\" already exists");
            if !create.if_not_exists {
                return Err(Error::new(SqlState::DuplicateSchema, message));
            }
            let report = Error::new(SqlState::DuplicateSchema, format!("{message}, skipping")).into_report();
            self.notices.push((Severity::Notice, report));
            return Ok(tag);
        }
        let oid = self.new_oid()?;
        self.put(Object::Schema(Schema { oid, database: self.database, name, owner, acl: None })).await?;
        Ok(tag)
    }

    pub(super) async fn rename_schema(&mut self, name: &str, to: String) -> Result<String> {
        let schema = self.schema_by_name(&self.snapshot(), name)?;
        self.check_named_owner(schema.owner, "schema", name)?;
        if is_built_in(schema.oid) {
            let message = format!("permission denied: \"{name}\" is a system schema");
            return Err(Error::new(SqlState::InsufficientPrivilege, message));
        }
        self.put(Object::Schema(Schema { name: to, ..(*schema).clone() })).await?;
        Ok("ALTER SCHEMA".to_string())
    }

    pub(super) async fn drop_schemas(&mut self, drop: &Drop) -> Result<String> {
        for name in &drop.names {
            let snapshot = self.snapshot();
            let Some(schema) = snapshot.schema_by_name(self.database, name.name()).cloned() else {
                self.missing(drop, "schema", name)?;
                continue;
            };
            self.check_named_owner(schema.owner, "schema", &schema.name)?;
            if schema.oid == STRATA {
                let message = "cannot drop schema strata because extension strata requires it";
                return Err(Error::new(SqlState::DependentObjectsStillExist, message)
                    .hint("You can drop extension strata instead."));
            }
            if is_built_in(schema.oid) {
                let message = format!(
                    "cannot drop schema {} because it is required by the database system",
                    schema.name
                );
                return Err(Error::new(SqlState::DependentObjectsStillExist, message));
            }
            let members = self.members(&snapshot, schema.oid);
            if !members.is_empty() && !drop.cascade {
                let lines: Vec<String> = members
                    .iter()
                    .map(|member| super::drop::describe(&snapshot, self.database, *member))
                    .map(|member| format!("{member} depends on schema {}", schema.name))
                    .collect();
                let message =
                    format!("cannot drop schema {} because other objects depend on it", schema.name);
                return Err(Error::new(SqlState::DependentObjectsStillExist, message)
                    .detail(lines.join("\n"))
                    .hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
            match members.as_slice() {
                [] => {}
                [one] => {
                    let member = super::drop::describe(&snapshot, self.database, *one);
                    self.notice(format!("drop cascades to {member}"));
                }
                several => self.notice(format!("drop cascades to {} other objects", several.len())),
            }
            self.drop_extensions_of(schema.oid).await?;
            let members = self.members(&self.snapshot(), schema.oid);
            self.drop_objects(members, true).await?;
            self.remove(ObjectKey::Schema { database: self.database, oid: schema.oid }).await?;
        }
        Ok("DROP SCHEMA".to_string())
    }
}

/// The schemas that every database has, public excepted, which may go.
fn is_built_in(schema: u32) -> bool {
    schema < FIRST_OBJECT_OID && schema != PUBLIC
}
