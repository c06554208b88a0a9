//! CREATE, ALTER and DROP EXTENSION.
//!
//! What an extension brings is built in and described in the catalog's data; installing it makes the descriptions visible
//! in one schema of one database. Versions: there is the one that is built in.

use std::collections::BTreeSet;

use catalog::builtin::{
    self, ExtensionRow, PG_ATTRDEF_CLASS, PG_CLASS_CLASS, PG_EXTENSION_CLASS, PG_TYPE_CLASS, STRATA_EXTENSION,
};
use catalog::{
    Comment, Dependency, DependencyKind, Extension, Object, ObjectAddress, ObjectKey, Privileges, Snapshot,
};
use engine::RelationLockMode;

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{AlterExtension, AlterExtensionAction, CreateExtension, Drop, ObjectName};

impl Definer {
    pub(super) async fn create_extension(&mut self, create: &CreateExtension) -> Result<String> {
        let tag = "CREATE EXTENSION".to_string();
        let (name, snapshot) = (create.name.text.as_str(), self.snapshot());
        if snapshot.extension_by_name(self.database, name).is_some() {
            let message = format!("extension \"{name}\" already exists");
            if !create.if_not_exists {
                return Err(Error::new(SqlState::DuplicateObject, message));
            }
            self.notice(format!("{message}, skipping"));
            return Ok(tag);
        }
        let row = available(name)?;
        if let Some(version) = create.version.as_deref().filter(|version| *version != row.version) {
            let message = format!(
                "extension \"{name}\" has no installation script nor update path for version \"{version}\""
            );
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
        self.check_may_install(&snapshot, name)?;
        let schema = match &create.schema {
            Some(schema) => self.schema_by_name(&snapshot, &schema.text)?,
            None => {
                self.creation_schema(&ObjectName { parts: vec![name.to_string()], at: create.name.at })?
            }
        };
        self.check_names_free(row, schema.oid)?;
        let oid = self.new_oid()?;
        self.put(Object::Extension(Extension {
            oid,
            database: self.database,
            name: name.to_string(),
            owner: self.role,
            schema: schema.oid,
            relocatable: row.relocatable,
            version: row.version.to_string(),
        }))
        .await?;
        self.put(Object::Comment(Comment {
            database: self.database,
            address: ObjectAddress::new(PG_EXTENSION_CLASS, oid),
            text: row.comment.to_string(),
        }))
        .await?;
        Ok(tag)
    }

    /// A trusted extension is installed by whoever may create in the database.
    fn check_may_install(&self, snapshot: &Snapshot, name: &str) -> Result<()> {
        let database = snapshot.database(self.database);
        let allowed = database.is_some_and(|database| {
            let roles = snapshot.privileged_roles(self.database, self.role);
            self.owns(database.owner)
                || database.acl.iter().flatten().any(|item| {
                    (item.grantee == 0 || roles.contains(&item.grantee))
                        && item.privileges.contains(Privileges::CREATE)
                })
        });
        if allowed {
            return Ok(());
        }
        let message = format!("permission denied to create extension \"{name}\"");
        Err(Error::new(SqlState::InsufficientPrivilege, message)
            .hint("Must have CREATE privilege on current database to create this extension."))
    }

    /// No type of the schema may have a name that the extension's types have.
    fn check_names_free(&self, row: &ExtensionRow, schema: u32) -> Result<()> {
        for made in builtin::types().iter().filter(|made| made.schema == row.schema && made.element == 0) {
            self.check_type_free(schema, &made.name)?;
        }
        Ok(())
    }

    pub(super) async fn alter_extension(&mut self, alter: &AlterExtension) -> Result<String> {
        let name = alter.name.text.as_str();
        let mut changed = self.extension_to_change(name)?.ok_or_else(|| missing(name))?;
        match &alter.action {
            AlterExtensionAction::Update(version) => {
                let row = available(name)?;
                let wanted = version.as_deref().unwrap_or(row.version);
                if wanted == changed.version {
                    let message =
                        format!("version \"{wanted}\" of extension \"{name}\" is already installed");
                    self.notice(message);
                    return Ok("ALTER EXTENSION".to_string());
                }
                if wanted != row.version {
                    let message = format!(
                        "extension \"{name}\" has no update path from version \"{}\" to version \"{wanted}\"",
                        changed.version
                    );
                    return Err(Error::new(SqlState::InvalidParameterValue, message));
                }
                changed.version = wanted.to_string();
            }
            AlterExtensionAction::SetSchema(schema) => {
                let schema = self.schema_by_name(&self.snapshot(), &schema.text)?;
                if !changed.relocatable {
                    let message = format!("extension \"{name}\" does not support SET SCHEMA");
                    return Err(Error::new(SqlState::FeatureNotSupported, message));
                }
                if schema.oid != changed.schema {
                    self.check_names_free(available(name)?, schema.oid)?;
                    changed.schema = schema.oid;
                }
            }
        }
        self.put(Object::Extension(changed)).await?;
        Ok("ALTER EXTENSION".to_string())
    }

    /// An installed extension, which only its owner changes.
    pub(super) fn extension_to_change(&self, name: &str) -> Result<Option<Extension>> {
        let found = self.snapshot().extension_by_name(self.database, name).cloned();
        if let Some(extension) = &found {
            self.check_named_owner(extension.owner, "extension", name)?;
        }
        Ok(found)
    }

    pub(super) async fn drop_extensions(&mut self, drop: &Drop) -> Result<String> {
        for name in &drop.names {
            let Some(extension) = self.extension_to_change(name.name())? else {
                self.missing(drop, "extension", name)?;
                continue;
            };
            self.drop_extension(&extension, drop.cascade).await?;
        }
        Ok("DROP EXTENSION".to_string())
    }

    async fn drop_extension(&mut self, extension: &Extension, cascade: bool) -> Result<()> {
        if extension.oid == STRATA_EXTENSION {
            let message = format!(
                "cannot drop extension {} because it is required by the database system",
                extension.name
            );
            return Err(Error::new(SqlState::DependentObjectsStillExist, message));
        }
        self.drop_dependents(extension, cascade).await?;
        let (snapshot, database) = (self.snapshot(), self.database);
        self.remove_comments(&snapshot, PG_EXTENSION_CLASS, extension.oid).await?;
        self.remove(ObjectKey::Extension { database, oid: extension.oid }).await
    }

    /// The extensions in a schema that goes go with it.
    pub(super) async fn drop_extensions_of(&mut self, schema: u32) -> Result<()> {
        let snapshot = self.snapshot();
        for extension in snapshot.extensions(self.database).filter(|extension| extension.schema == schema) {
            self.drop_extension(extension, true).await?;
        }
        Ok(())
    }

    /// What stands on the members of an extension goes with CASCADE, or refuses the drop.
    async fn drop_dependents(&mut self, extension: &Extension, cascade: bool) -> Result<()> {
        let snapshot = self.snapshot();
        let dependents = dependents(&snapshot, self.database, extension);
        if dependents.is_empty() {
            return Ok(());
        }
        let database = self.database;
        let describe = |address| super::drop::describe(&snapshot, database, address);
        if !cascade {
            let lines: Vec<String> = dependents
                .iter()
                .map(|edge| format!("{} depends on {}", describe(edge.dependent), describe(edge.referenced)))
                .collect();
            let message =
                format!("cannot drop extension {} because other objects depend on it", extension.name);
            return Err(Error::new(SqlState::DependentObjectsStillExist, message)
                .detail(lines.join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        let mut addresses: BTreeSet<ObjectAddress> = dependents.iter().map(|edge| edge.dependent).collect();
        // An index over a column that goes is gone with it.
        let of_columns: Vec<ObjectAddress> = addresses
            .iter()
            .filter(|address| goes_with_column(&snapshot, database, **address, &addresses))
            .copied()
            .collect();
        of_columns.iter().for_each(|address| {
            addresses.remove(address);
        });
        let lines: Vec<String> =
            addresses.iter().map(|address| format!("drop cascades to {}", describe(*address))).collect();
        match lines.as_slice() {
            [one] => self.notice(one.clone()),
            several => {
                let message = format!("drop cascades to {} other objects", several.len());
                let report = Error::new(SqlState::SuccessfulCompletion, message).detail(several.join("\n"));
                self.notices.push((crate::session::Severity::Notice, report.into_report()));
            }
        }
        self.drop_cascading(addresses).await
    }

    /// First what is an object of its own, then columns; what is gone with another is left out.
    async fn drop_cascading(&mut self, addresses: BTreeSet<ObjectAddress>) -> Result<()> {
        let (columns, others): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| address.class == PG_CLASS_CLASS && address.column != 0);
        if let Some(address) = others.iter().find(|address| address.class == PG_TYPE_CLASS) {
            let what = super::drop::describe(&self.snapshot(), self.database, *address);
            return Err(Error::unsupported(format!("DROP EXTENSION ... CASCADE to {what}")));
        }
        for address in others {
            let snapshot = self.snapshot();
            let there = match address.class {
                PG_CLASS_CLASS => snapshot.relation(self.database, address.object).is_some(),
                PG_ATTRDEF_CLASS => true,
                _ => snapshot.dependencies(self.database).iter().any(|edge| edge.dependent == address),
            };
            if there {
                self.drop_objects(vec![address], true).await?;
            }
        }
        for address in columns {
            let Some(relation) = self.snapshot().relation(self.database, address.object).cloned() else {
                continue;
            };
            let Some(column) = relation.column(address.column).filter(|column| !column.dropped) else {
                continue;
            };
            self.lock(relation.oid, RelationLockMode::AccessExclusive).await?;
            self.drop_column(&relation, &column.name, true, true).await?;
        }
        Ok(())
    }
}

/// Whether an object is an index over a column that is among the addresses.
fn goes_with_column(
    snapshot: &Snapshot,
    database: u32,
    address: ObjectAddress,
    addresses: &BTreeSet<ObjectAddress>,
) -> bool {
    let relation = snapshot.relation(database, address.object).filter(|_| address.class == PG_CLASS_CLASS);
    let index = relation.and_then(|relation| relation.as_index());
    index.is_some_and(|index| {
        let mut columns = index.attribute_numbers().into_iter();
        columns.any(|number| addresses.contains(&ObjectAddress::column(index.table, number)))
    })
}

/// The edges from outside an extension to its members.
fn dependents(snapshot: &Snapshot, database: u32, extension: &Extension) -> Vec<Dependency> {
    let members = builtin::available_extension(&extension.name).map(builtin::extension_members);
    let mut inside: BTreeSet<(u32, u32)> = members.unwrap_or_default().iter().copied().collect();
    let arrays = builtin::types().iter().filter(|row| inside.contains(&(PG_TYPE_CLASS, row.element)));
    let arrays: Vec<u32> = arrays.map(|row| row.oid).collect();
    inside.extend(arrays.into_iter().map(|oid| (PG_TYPE_CLASS, oid)));
    let edges = snapshot.dependencies(database).into_iter();
    edges
        .filter(|edge| {
            edge.kind != DependencyKind::Extension
                && inside.contains(&(edge.referenced.class, edge.referenced.object))
                && !inside.contains(&(edge.dependent.class, edge.dependent.object))
        })
        .collect()
}

fn available(name: &str) -> Result<&'static ExtensionRow> {
    builtin::available_extension(name).ok_or_else(|| {
        Error::new(SqlState::FeatureNotSupported, format!("extension \"{name}\" is not available"))
            .hint("The extensions that can be installed are listed in pg_available_extensions.")
    })
}

fn missing(name: &str) -> Error {
    Error::new(SqlState::UndefinedObject, format!("extension \"{name}\" does not exist"))
}
