//! Roles and databases.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    AlterDatabase, AlterOwner, AlterRole, CreateDatabase, CreateRole, Name, ObjectKind, ObjectName,
    OptionValue, Rename, RoleKind, RoleName, RoleOption, SettingValue, Statement, UtilityOption,
};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    /// A role, by name or as CURRENT_USER and its kin.
    pub(super) fn role_name(&mut self) -> Result<RoleName> {
        if let TokenKind::Word { .. } = self.peek().kind {
            match self.accept_one(&["current_user", "current_role", "session_user", "public"]) {
                Some("current_user") => return Ok(RoleName::CurrentUser),
                Some("current_role") => return Ok(RoleName::CurrentRole),
                Some("session_user") => return Ok(RoleName::SessionUser),
                Some(_) => return Ok(RoleName::Public),
                None => {}
            }
        }
        Ok(RoleName::Named(self.non_reserved()?))
    }

    fn role_kind(&mut self) -> RoleKind {
        match self.accept_one(&["role", "user", "group"]) {
            Some("user") => RoleKind::User,
            Some("group") => RoleKind::Group,
            Some(_) | None => RoleKind::Role,
        }
    }

    pub(super) fn create_role(&mut self) -> Result<Statement> {
        if self.are(&["user", "mapping"]) {
            return self.unsupported("CREATE USER MAPPING");
        }
        let kind = self.role_kind();
        let name = self.role_name()?;
        self.accept("with");
        let options = self.role_options()?;
        Ok(Statement::CreateRole(CreateRole { kind, name, options }))
    }

    fn role_options(&mut self) -> Result<Vec<RoleOption>> {
        let mut options = Vec::new();
        while let Some(option) = self.role_option()? {
            options.push(option);
        }
        Ok(options)
    }

    fn role_option(&mut self) -> Result<Option<RoleOption>> {
        if let Some(flag) = role_flag(&self.word_lower()) {
            self.advance();
            return Ok(Some(flag));
        }
        let words = [
            "encrypted",
            "unencrypted",
            "password",
            "connection",
            "valid",
            "in",
            "role",
            "user",
            "admin",
            "sysid",
        ];
        Ok(Some(match self.accept_one(&words) {
            Some("encrypted") => {
                self.expect("password")?;
                RoleOption::Password(Some(self.string()?))
            }
            Some("unencrypted") => return self.unsupported("UNENCRYPTED PASSWORD"),
            Some("password") => {
                RoleOption::Password(if self.accept("null") { None } else { Some(self.string()?) })
            }
            Some("connection") => {
                self.expect("limit")?;
                let limit = self.signed_integer()?;
                RoleOption::ConnectionLimit(i32::try_from(limit).unwrap_or(i32::MAX))
            }
            Some("valid") => {
                self.expect("until")?;
                RoleOption::ValidUntil(self.string()?)
            }
            Some("in") => {
                if self.accept_one(&["role", "group"]).is_none() {
                    return self.unexpected();
                }
                RoleOption::InRole(self.list(Self::role_name)?)
            }
            Some("role" | "user") => RoleOption::Role(self.list(Self::role_name)?),
            Some("admin") => RoleOption::Admin(self.list(Self::role_name)?),
            Some(_) => RoleOption::SystemId(self.signed_integer()?),
            None => return Ok(None),
        }))
    }

    pub(super) fn alter_role(&mut self) -> Result<Statement> {
        let kind = self.role_kind();
        let all = self.accept("all");
        let name = if all { None } else { Some(self.role_name()?) };
        if let Some(RoleName::Named(named)) = &name
            && self.are(&["rename", "to"])
        {
            let name = ObjectName { parts: vec![named.text.clone()], at: named.at };
            return self.rename_to(ObjectKind::Role, name);
        }
        let mut database = None;
        if self.accept_all(&["in", "database"]) {
            database = Some(self.name()?);
        }
        if let Some(setting) = self.object_setting()? {
            return Ok(Statement::AlterRole(AlterRole::Setting { role: name, database, setting }));
        }
        let Some(name) = name.filter(|_| database.is_none()) else { return self.unexpected() };
        if kind == RoleKind::Group && (self.is("add") || self.is("drop")) {
            let add = self.is("add");
            self.advance();
            self.expect("user")?;
            let members = self.list(Self::role_name)?;
            return Ok(Statement::AlterRole(AlterRole::Members { name, add, members }));
        }
        self.accept("with");
        let options = self.role_options()?;
        Ok(Statement::AlterRole(AlterRole::Options { name, options }))
    }

    fn rename_to(&mut self, kind: ObjectKind, name: ObjectName) -> Result<Statement> {
        self.expect_all(&["rename", "to"])?;
        let to = self.non_reserved()?;
        Ok(Statement::Rename(Rename { kind, if_exists: false, name, part: None, to }))
    }

    /// `SET name TO value` or `RESET name` of a role or database; the inner None resets all.
    fn object_setting(&mut self) -> Result<Option<Option<(String, SettingValue)>>> {
        if self.accept("reset") {
            let name = self.setting_or_all()?;
            return Ok(Some(name.map(|name| (name, SettingValue::Default))));
        }
        if self.is("set") && !self.is_at(1, "tablespace") {
            self.advance();
            return Ok(Some(Some(self.setting_and_value()?)));
        }
        Ok(None)
    }

    pub(super) fn create_database(&mut self) -> Result<Statement> {
        self.expect("database")?;
        let name = self.name()?;
        self.accept("with");
        let options = self.database_options()?;
        Ok(Statement::CreateDatabase(CreateDatabase { name, options }))
    }

    fn database_options(&mut self) -> Result<Vec<UtilityOption>> {
        let mut options = Vec::new();
        while matches!(self.peek().kind, TokenKind::Word { .. }) {
            let at = self.at();
            let mut name = self.label()?.text;
            if name == "connection" {
                self.expect("limit")?;
                name.push_str(" limit");
            }
            self.accept_operator("=");
            let value = if self.accept("default") {
                OptionValue::Word("default".to_string())
            } else {
                self.option_value()?
            };
            options.push(UtilityOption { name, value: Some(value), at });
        }
        Ok(options)
    }

    pub(super) fn alter_database(&mut self) -> Result<Statement> {
        self.expect("database")?;
        let name: Name = self.name()?;
        let object = ObjectName { parts: vec![name.text.clone()], at: name.at };
        if self.are(&["rename", "to"]) {
            return self.rename_to(ObjectKind::Database, object);
        }
        if self.accept_all(&["owner", "to"]) {
            let owner = self.role_name()?;
            return Ok(Statement::AlterOwner(AlterOwner { kind: ObjectKind::Database, name: object, owner }));
        }
        if self.accept_all(&["set", "tablespace"]) {
            let tablespace = self.name()?;
            return Ok(Statement::AlterDatabase(AlterDatabase::Tablespace { name, tablespace }));
        }
        if self.accept_all(&["refresh", "collation", "version"]) {
            return Ok(Statement::AlterDatabase(AlterDatabase::RefreshCollation { name }));
        }
        if let Some(setting) = self.object_setting()? {
            return Ok(Statement::AlterDatabase(AlterDatabase::Setting { name, setting }));
        }
        self.accept("with");
        let options = self.database_options()?;
        Ok(Statement::AlterDatabase(AlterDatabase::Options { name, options }))
    }
}

/// SUPERUSER, NOLOGIN and the like.
fn role_flag(word: &str) -> Option<RoleOption> {
    let (positive, name) = match word.strip_prefix("no") {
        Some(name) => (false, name),
        None => (true, word),
    };
    Some(match name {
        "superuser" => RoleOption::Superuser(positive),
        "createdb" => RoleOption::CreateDatabase(positive),
        "createrole" => RoleOption::CreateRole(positive),
        "inherit" => RoleOption::Inherit(positive),
        "login" => RoleOption::Login(positive),
        "replication" => RoleOption::Replication(positive),
        "bypassrls" => RoleOption::BypassRowSecurity(positive),
        _ => return None,
    })
}
