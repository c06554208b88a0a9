//! COMMENT ON.

use catalog::builtin::{
    PG_AUTHID_CLASS, PG_CONSTRAINT_CLASS, PG_DATABASE_CLASS, PG_EXTENSION_CLASS, PG_NAMESPACE_CLASS,
};
use catalog::{Object, ObjectAddress, ObjectKey};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Comment, ObjectKind};

impl Definer {
    pub(super) async fn comment(&mut self, comment: &Comment) -> Result<String> {
        let (database, address) = self.address_of(comment)?;
        match comment.text.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => {
                let text = text.to_string();
                self.put_object(Object::Comment(catalog::Comment { database, address, text })).await?;
            }
            None => self.remove(ObjectKey::Comment { database, address }).await?,
        }
        Ok("COMMENT".to_string())
    }

    /// The object commented on, and the database it is in (0: shared by all).
    fn address_of(&self, comment: &Comment) -> Result<(u32, ObjectAddress)> {
        let snapshot = self.snapshot();
        let name = comment.name.name();
        match comment.kind {
            ObjectKind::Table
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Index
            | ObjectKind::Sequence => {
                let relation = self.relation(&comment.name)?;
                self.check_owner(&relation)?;
                Ok((self.database, ObjectAddress::relation(relation.oid)))
            }
            ObjectKind::Column => {
                let table = comment
                    .table
                    .as_ref()
                    .ok_or_else(|| Error::new(SqlState::SyntaxError, "column name must be qualified"))?;
                let relation = self.relation(table)?;
                self.check_owner(&relation)?;
                let found = relation.column_by_name(name).ok_or_else(|| {
                    let message =
                        format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
                    Error::new(SqlState::UndefinedColumn, message)
                })?;
                Ok((self.database, ObjectAddress::column(relation.oid, found.number)))
            }
            ObjectKind::Constraint => {
                let table = comment
                    .table
                    .as_ref()
                    .ok_or_else(|| Error::unsupported("COMMENT ON a domain's constraint"))?;
                let relation = self.relation(table)?;
                self.check_owner(&relation)?;
                let found = snapshot
                    .constraints_of(self.database, relation.oid)
                    .find(|constraint| constraint.name == name)
                    .ok_or_else(|| {
                        let message =
                            format!("constraint \"{name}\" for table \"{}\" does not exist", relation.name);
                        Error::new(SqlState::UndefinedObject, message)
                    })?;
                Ok((self.database, ObjectAddress::new(PG_CONSTRAINT_CLASS, found.oid)))
            }
            ObjectKind::Type => Ok((self.database, self.type_address(&comment.name)?)),
            ObjectKind::Domain => Ok((self.database, self.domain_address(&comment.name)?)),
            ObjectKind::Schema => {
                let schema = self.schema_by_name(&snapshot, name)?;
                self.check_named_owner(schema.owner, "schema", name)?;
                Ok((self.database, ObjectAddress::new(PG_NAMESPACE_CLASS, schema.oid)))
            }
            ObjectKind::Extension => {
                let extension = self.extension_to_change(name)?.ok_or_else(|| {
                    Error::new(SqlState::UndefinedObject, format!("extension \"{name}\" does not exist"))
                })?;
                Ok((self.database, ObjectAddress::new(PG_EXTENSION_CLASS, extension.oid)))
            }
            ObjectKind::Database => {
                let database = self.database_named(name)?;
                self.check_named_owner(database.owner, "database", name)?;
                Ok((0, ObjectAddress::new(PG_DATABASE_CLASS, database.oid)))
            }
            ObjectKind::Role => {
                let named = syntax::Name { text: name.to_string(), at: comment.name.at };
                let role = self.role_named(&syntax::RoleName::Named(named))?;
                Ok((0, ObjectAddress::new(PG_AUTHID_CLASS, role.oid)))
            }
            other => Err(Error::unsupported(format!("COMMENT ON {}", format!("{other:?}").to_uppercase()))),
        }
    }
}
