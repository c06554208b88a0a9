//! CREATE, ALTER and DROP DATABASE. A database is a name space of its own in the one engine.

use std::sync::Arc;

use catalog::bootstrap::contents_of_new_database;
use catalog::{Database, Object, ObjectKey, Setting};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{AlterDatabase, CreateDatabase, Drop, OptionValue, UtilityOption};

impl Definer {
    pub(super) fn database_named(&self, name: &str) -> Result<Arc<Database>> {
        self.snapshot().database_by_name(name).cloned().ok_or_else(|| {
            Error::new(SqlState::InvalidCatalogName, format!("database \"{name}\" does not exist"))
        })
    }

    fn may_create(&self) -> bool {
        self.superuser || self.snapshot().role(self.role).is_some_and(|role| role.create_database)
    }

    pub(super) async fn create_database(&mut self, create: &CreateDatabase) -> Result<String> {
        if !self.may_create() {
            return Err(Error::new(SqlState::InsufficientPrivilege, "permission denied to create database"));
        }
        let name = create.name.text.clone();
        if self.snapshot().database_by_name(&name).is_some() {
            let message = format!("database \"{name}\" already exists");
            return Err(Error::new(SqlState::DuplicateDatabase, message));
        }
        let mut database = Database {
            oid: self.new_oid()?,
            name,
            owner: self.role,
            encoding: 6,
            collate: "C".to_string(),
            ctype: "C".to_string(),
            is_template: false,
            allow_connections: true,
            connection_limit: -1,
            tablespace: catalog::builtin::DEFAULT_TABLESPACE,
            acl: None,
        };
        for option in &create.options {
            self.database_option(&mut database, option)?;
        }
        let oid = database.oid;
        self.put(Object::Database(database)).await?;
        for object in contents_of_new_database(oid) {
            self.put(object).await?;
        }
        Ok("CREATE DATABASE".to_string())
    }

    fn database_option(&self, database: &mut Database, option: &UtilityOption) -> Result<()> {
        let text = match &option.value {
            Some(OptionValue::Word(text) | OptionValue::String(text) | OptionValue::Number(text)) => {
                text.clone()
            }
            Some(OptionValue::Star | OptionValue::List(_)) | None => String::new(),
        };
        let invalid = |what: &str| {
            Err(Error::new(SqlState::InvalidParameterValue, format!("invalid {what}: \"{text}\"")))
        };
        match option.name.as_str() {
            "owner" => {
                let name = crate::parse::syntax::Name { text: text.clone(), at: option.at };
                database.owner = self.new_owner(&crate::parse::syntax::RoleName::Named(name))?;
            }
            "template" => match text.as_str() {
                "template0" | "template1" | "default" => {}
                other => return Err(Error::unsupported(format!("template database \"{other}\""))),
            },
            "encoding" => match text.to_ascii_lowercase().as_str() {
                "utf8" | "utf-8" | "unicode" | "6" | "default" => {}
                _ => return Err(Error::unsupported(format!("encoding \"{text}\""))),
            },
            // Text is compared by code point, whatever the locale is called.
            "locale" | "lc_collate" | "lc_ctype" | "icu_locale" | "locale_provider" | "strategy" => {}
            "tablespace" if text == "pg_default" || text == "default" => {}
            "tablespace" => return Err(Error::unsupported(format!("tablespace \"{text}\""))),
            "connection_limit" => match text.parse() {
                Ok(limit) if limit >= -1 => database.connection_limit = limit,
                Ok(_) | Err(_) => return invalid("connection limit"),
            },
            "allow_connections" => database.allow_connections = is_on(&text),
            "is_template" => database.is_template = is_on(&text),
            other => return Err(Error::unsupported(format!("option \"{other}\" of CREATE DATABASE"))),
        }
        Ok(())
    }

    pub(super) async fn alter_database(&mut self, alter: &AlterDatabase) -> Result<String> {
        let tag = "ALTER DATABASE".to_string();
        match alter {
            AlterDatabase::Options { name, options } => {
                let found = self.database_named(&name.text)?;
                self.check_named_owner(found.owner, "database", &name.text)?;
                let mut database = (*found).clone();
                for option in options {
                    self.database_option(&mut database, option)?;
                }
                self.put(Object::Database(database)).await?;
                Ok(tag)
            }
            AlterDatabase::Setting { name, setting } => {
                let found = self.database_named(&name.text)?;
                self.check_named_owner(found.owner, "database", &name.text)?;
                self.put_setting(found.oid, 0, setting.as_ref()).await?;
                Ok(tag)
            }
            AlterDatabase::Tablespace { name: _, tablespace } => {
                super::options::check_tablespace(Some(tablespace)).map(|()| tag)
            }
            AlterDatabase::RefreshCollation { name } => self.database_named(&name.text).map(|_| tag),
        }
    }

    /// ALTER ROLE or DATABASE ... SET name TO value; `None` resets all.
    pub(super) async fn put_setting(
        &mut self,
        database: u32,
        role: u32,
        setting: Option<&(String, crate::parse::syntax::SettingValue)>,
    ) -> Result<()> {
        let mut settings =
            self.snapshot().setting(database, role).map(|found| found.settings.clone()).unwrap_or_default();
        match setting {
            None => settings.clear(),
            Some((name, value)) => {
                settings.retain(|(known, _)| known != name);
                if let Some(value) = super::role::setting_text(name, value, &self.context)? {
                    settings.push((name.clone(), value));
                }
            }
        }
        if settings.is_empty() {
            return self.remove(ObjectKey::Setting { database, role }).await;
        }
        self.put(Object::Setting(Setting { database, role, settings })).await
    }

    pub(super) async fn rename_database(&mut self, name: &str, to: String) -> Result<String> {
        let found = self.database_named(name)?;
        self.check_named_owner(found.owner, "database", name)?;
        if found.oid == self.database {
            return Err(Error::new(SqlState::FeatureNotSupported, "current database cannot be renamed"));
        }
        self.put(Object::Database(Database { name: to, ..(*found).clone() })).await?;
        Ok("ALTER DATABASE".to_string())
    }

    pub(super) async fn drop_databases(&mut self, drop: &Drop) -> Result<String> {
        for name in &drop.names {
            let Some(found) = self.snapshot().database_by_name(name.name()).cloned() else {
                self.missing(drop, "database", name)?;
                continue;
            };
            self.check_named_owner(found.owner, "database", &found.name)?;
            if found.oid == self.database {
                return Err(Error::new(SqlState::ObjectInUse, "cannot drop the currently open database"));
            }
            if found.is_template {
                return Err(Error::new(SqlState::WrongObjectType, "cannot drop a template database"));
            }
            self.drop_contents(found.oid).await?;
            self.remove(ObjectKey::Database(found.oid)).await?;
        }
        Ok("DROP DATABASE".to_string())
    }

    /// Everything in a database goes with it, in the same transaction; its past stays readable by none.
    async fn drop_contents(&mut self, database: u32) -> Result<()> {
        let snapshot = self.snapshot();
        let mut keys = Vec::new();
        for constraint in snapshot.constraints(database) {
            keys.push(ObjectKey::Constraint { database, oid: constraint.oid });
        }
        for comment in snapshot.comments(database).filter(|comment| comment.database == database) {
            keys.push(ObjectKey::Comment { database, address: comment.address });
        }
        let mut tables = Vec::new();
        for relation in snapshot.relations(database) {
            keys.push(ObjectKey::Relation { database, oid: relation.oid });
            if relation.as_table().is_some() {
                tables.push(relation.oid);
            }
        }
        for schema in snapshot.schemas(database).filter(|schema| schema.database == database) {
            keys.push(ObjectKey::Schema { database, oid: schema.oid });
        }
        for key in keys {
            self.remove(key).await?;
        }
        for table in tables {
            self.lock(table, engine::RelationLockMode::AccessExclusive).await?;
            self.engine(|transaction| transaction.drop_table(engine::TableId(table)))?;
        }
        Ok(())
    }
}

fn is_on(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "on" | "yes" | "1")
}
