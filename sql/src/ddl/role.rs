//! CREATE, ALTER and DROP ROLE; memberships.

use catalog::{Object, ObjectKey, Role, RoleMembership};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::parse::syntax::{
    AlterRole, CreateRole, Drop, GrantRole, RoleKind, RoleName, RoleOption, SettingItem, SettingValue,
};
use crate::password::Verifier;

/// What a list of options asks for beside the role's own attributes.
#[derive(Default)]
struct Memberships<'a> {
    of: &'a [RoleName],
    members: &'a [RoleName],
    admins: &'a [RoleName],
}

impl Definer {
    fn check_role_creator(&self, superuser_needed: bool) -> Result<()> {
        let may = self.snapshot().role(self.role).is_some_and(|role| role.create_role);
        if self.superuser || (may && !superuser_needed) {
            return Ok(());
        }
        Err(Error::new(SqlState::InsufficientPrivilege, "permission denied to create role"))
    }

    pub(super) async fn create_role(&mut self, create: &CreateRole) -> Result<String> {
        let RoleName::Named(name) = &create.name else {
            let message = "CURRENT_USER cannot be used as a role name here";
            return Err(Error::new(SqlState::ReservedName, message));
        };
        if name.text.starts_with("pg_") || matches!(name.text.as_str(), "public" | "none") {
            let message = format!("role name \"{}\" is reserved", name.text);
            return Err(Error::new(SqlState::ReservedName, message));
        }
        let mut role = Role {
            oid: self.new_oid()?,
            name: name.text.clone(),
            superuser: false,
            inherit: true,
            create_role: false,
            create_database: false,
            login: create.kind == RoleKind::User,
            replication: false,
            bypass_row_security: false,
            connection_limit: -1,
            verifier: None,
            valid_until: None,
        };
        let memberships = self.role_options(&mut role, &create.options)?;
        self.check_role_creator(role.superuser || role.replication || role.bypass_row_security)?;
        if self.snapshot().role_by_name(&role.name).is_some() {
            let message = format!("role \"{}\" already exists", role.name);
            return Err(Error::new(SqlState::DuplicateObject, message));
        }
        let oid = role.oid;
        self.put(Object::Role(role)).await?;
        for group in memberships.of {
            let group = self.role_named(group)?.oid;
            self.put_membership(group, oid, false).await?;
        }
        for (members, admin) in [(memberships.members, false), (memberships.admins, true)] {
            for member in members {
                let member = self.role_named(member)?.oid;
                self.put_membership(oid, member, admin).await?;
            }
        }
        Ok("CREATE ROLE".to_string())
    }

    fn role_options<'a>(&self, role: &mut Role, options: &'a [RoleOption]) -> Result<Memberships<'a>> {
        let mut memberships = Memberships::default();
        for option in options {
            match option {
                RoleOption::Superuser(on) => role.superuser = *on,
                RoleOption::CreateDatabase(on) => role.create_database = *on,
                RoleOption::CreateRole(on) => role.create_role = *on,
                RoleOption::Inherit(on) => role.inherit = *on,
                RoleOption::Login(on) => role.login = *on,
                RoleOption::Replication(on) => role.replication = *on,
                RoleOption::BypassRowSecurity(on) => role.bypass_row_security = *on,
                RoleOption::ConnectionLimit(limit) => role.connection_limit = *limit,
                RoleOption::Password(password) => role.verifier = self.verifier(password.as_deref())?,
                RoleOption::ValidUntil(text) => {
                    let settings = self.input_settings();
                    let value = crate::types::input(crate::types::oid::TIMESTAMPTZ, -1, text, &settings)?;
                    role.valid_until = match value {
                        engine::Value::Int64(micros) => Some(micros),
                        _ => None,
                    };
                }
                RoleOption::InRole(roles) => memberships.of = roles,
                RoleOption::Role(roles) => memberships.members = roles,
                RoleOption::Admin(roles) => memberships.admins = roles,
                RoleOption::SystemId(_) => {}
            }
        }
        Ok(memberships)
    }

    /// A verifier is stored as it is, a password as its verifier; an empty one is none.
    fn verifier(&self, password: Option<&str>) -> Result<Option<String>> {
        match password {
            None | Some("") => Ok(None),
            Some(text) if Verifier::parse(text).is_some() => Ok(Some(text.to_string())),
            Some(text) => Ok(Some(Verifier::from_password(text)?.to_string())),
        }
    }

    pub(super) async fn alter_role(&mut self, alter: &AlterRole) -> Result<String> {
        let tag = "ALTER ROLE".to_string();
        match alter {
            AlterRole::Options { name, options } => {
                let found = self.role_named(name)?;
                let own_password = found.oid == self.role
                    && options.iter().all(|option| matches!(option, RoleOption::Password(_)));
                let mut role = (*found).clone();
                let memberships = self.role_options(&mut role, options)?;
                if !own_password {
                    self.check_role_creator(found.superuser || role.superuser)?;
                }
                self.put(Object::Role(role)).await?;
                for (members, admin) in [(memberships.members, false), (memberships.admins, true)] {
                    for member in members {
                        let member = self.role_named(member)?.oid;
                        self.put_membership(found.oid, member, admin).await?;
                    }
                }
                Ok(tag)
            }
            AlterRole::Setting { role, database, setting } => {
                let role = match role {
                    Some(role) => self.role_named(role)?.oid,
                    None => 0,
                };
                if role != self.role {
                    self.check_role_creator(role == 0)?;
                }
                let database = match database {
                    Some(name) => self.database_named(&name.text)?.oid,
                    None => 0,
                };
                self.put_setting(database, role, setting.as_ref()).await?;
                Ok(tag)
            }
            AlterRole::Members { name, add, members } => {
                self.check_role_creator(false)?;
                let group = self.role_named(name)?.oid;
                for member in members {
                    let member = self.role_named(member)?.oid;
                    match add {
                        true => self.put_membership(group, member, false).await?,
                        false => self.remove(ObjectKey::Membership { role: group, member }).await?,
                    }
                }
                Ok(tag)
            }
        }
    }

    pub(super) async fn rename_role(&mut self, name: &str, to: String) -> Result<String> {
        let found = self.snapshot().role_by_name(name).cloned().ok_or_else(|| {
            Error::new(SqlState::UndefinedObject, format!("role \"{name}\" does not exist"))
        })?;
        self.check_role_creator(found.superuser)?;
        self.put(Object::Role(Role { name: to, ..(*found).clone() })).await?;
        Ok("ALTER ROLE".to_string())
    }

    pub(super) async fn drop_roles(&mut self, drop: &Drop) -> Result<String> {
        for name in &drop.names {
            let snapshot = self.snapshot();
            let Some(found) = snapshot.role_by_name(name.name()).cloned() else {
                self.missing(drop, "role", name)?;
                continue;
            };
            self.check_role_creator(found.superuser)?;
            if found.oid == self.role {
                return Err(Error::new(SqlState::ObjectInUse, "current user cannot be dropped"));
            }
            let owned = owned_objects(&snapshot, self.database, found.oid);
            if !owned.is_empty() {
                let message =
                    format!("role \"{}\" cannot be dropped because some objects depend on it", found.name);
                return Err(
                    Error::new(SqlState::DependentObjectsStillExist, message).detail(owned.join("\n"))
                );
            }
            let memberships: Vec<ObjectKey> = snapshot
                .memberships()
                .filter(|membership| membership.role == found.oid || membership.member == found.oid)
                .map(|membership| ObjectKey::Membership { role: membership.role, member: membership.member })
                .collect();
            for key in memberships {
                self.remove(key).await?;
            }
            self.remove(ObjectKey::Role(found.oid)).await?;
        }
        Ok("DROP ROLE".to_string())
    }

    async fn put_membership(&mut self, role: u32, member: u32, admin: bool) -> Result<()> {
        let snapshot = self.snapshot();
        if snapshot.would_circle(role, member) {
            let message = format!(
                "role \"{}\" is a member of role \"{}\"",
                snapshot.role_name(role),
                snapshot.role_name(member)
            );
            return Err(Error::new(SqlState::InvalidGrantOperation, message));
        }
        self.put(Object::Membership(RoleMembership { role, member, grantor: self.role, admin })).await
    }

    pub(super) async fn grant_role(&mut self, grant: &GrantRole) -> Result<String> {
        if grant.granted_by.is_some() {
            return Err(Error::unsupported("GRANTED BY"));
        }
        let tag = if grant.revoke { "REVOKE ROLE" } else { "GRANT ROLE" }.to_string();
        for name in &grant.roles {
            let role = self.role_named(&RoleName::Named(name.clone()))?;
            let admin =
                self.snapshot().membership(role.oid, self.role).is_some_and(|membership| membership.admin);
            if !admin {
                self.check_role_creator(role.superuser).map_err(|_| {
                    let message = format!("must have admin option on role \"{}\"", role.name);
                    Error::new(SqlState::InsufficientPrivilege, message)
                })?;
            }
            for member in &grant.members {
                let member = self.role_named(member)?.oid;
                let existing =
                    self.snapshot().membership(role.oid, member).map(|membership| membership.admin);
                match (grant.revoke, existing) {
                    (false, known) => {
                        let admin = grant.admin_option || known.unwrap_or(false);
                        self.put_membership(role.oid, member, admin).await?;
                    }
                    (true, Some(_)) if grant.admin_option => {
                        self.put_membership(role.oid, member, false).await?;
                    }
                    (true, Some(_)) => self.remove(ObjectKey::Membership { role: role.oid, member }).await?,
                    (true, None) => {}
                }
            }
        }
        Ok(tag)
    }
}

/// What a role owns, as the detail of a refused DROP ROLE lists it.
fn owned_objects(snapshot: &catalog::Snapshot, database: u32, role: u32) -> Vec<String> {
    let databases = snapshot
        .databases()
        .filter(|found| found.owner == role)
        .map(|found| format!("owner of database {}", found.name));
    let schemas = snapshot
        .schemas(database)
        .filter(|found| found.owner == role)
        .map(|found| format!("owner of schema {}", found.name));
    let relations = snapshot
        .relations(database)
        .filter(|found| found.owner == role && found.as_index().is_none())
        .map(|found| format!("owner of {} {}", found.kind_name(), found.name));
    databases.chain(schemas).chain(relations).collect()
}

/// A setting's value as it is stored; `None` for DEFAULT.
pub(super) fn setting_text(name: &str, value: &SettingValue, context: &Context) -> Result<Option<String>> {
    match value {
        SettingValue::Default => Ok(None),
        SettingValue::FromCurrent => Ok(context.environment.setting(name)),
        SettingValue::Values(items) => {
            let items: Vec<&str> = items
                .iter()
                .map(|item| match item {
                    SettingItem::Word(text)
                    | SettingItem::String(text)
                    | SettingItem::Number(text)
                    | SettingItem::Interval(text) => text.as_str(),
                })
                .collect();
            Ok(Some(items.join(", ")))
        }
    }
}
