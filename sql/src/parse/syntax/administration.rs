//! Schemas, roles, databases, extensions and privileges, as written.

use super::{Name, ObjectKind, ObjectName, SettingValue, UtilityOption};

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchema {
    pub if_not_exists: bool,
    pub name: Option<Name>,
    pub authorization: Option<RoleName>,
    pub elements: Vec<super::Statement>,
}

/// A role where one is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleName {
    Named(Name),
    Public,
    CurrentUser,
    CurrentRole,
    SessionUser,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRole {
    pub kind: RoleKind,
    pub name: RoleName,
    pub options: Vec<RoleOption>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleKind {
    Role,
    User,
    Group,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RoleOption {
    Superuser(bool),
    CreateDatabase(bool),
    CreateRole(bool),
    Inherit(bool),
    Login(bool),
    Replication(bool),
    BypassRowSecurity(bool),
    ConnectionLimit(i32),
    /// None for PASSWORD NULL.
    Password(Option<String>),
    ValidUntil(String),
    InRole(Vec<RoleName>),
    Role(Vec<RoleName>),
    Admin(Vec<RoleName>),
    SystemId(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterRole {
    Options {
        name: RoleName,
        options: Vec<RoleOption>,
    },
    /// A setting of a role (None: of all roles), in one database or in all; `None` resets all settings.
    Setting {
        role: Option<RoleName>,
        database: Option<Name>,
        setting: Option<(String, SettingValue)>,
    },
    /// ALTER GROUP name ADD/DROP USER members.
    Members {
        name: RoleName,
        add: bool,
        members: Vec<RoleName>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDatabase {
    pub name: Name,
    pub options: Vec<UtilityOption>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterDatabase {
    Options { name: Name, options: Vec<UtilityOption> },
    Setting { name: Name, setting: Option<(String, SettingValue)> },
    Tablespace { name: Name, tablespace: Name },
    RefreshCollation { name: Name },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateExtension {
    pub if_not_exists: bool,
    pub name: Name,
    pub schema: Option<Name>,
    pub version: Option<String>,
    pub cascade: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterExtension {
    pub name: Name,
    pub action: AlterExtensionAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterExtensionAction {
    /// UPDATE [TO version].
    Update(Option<String>),
    SetSchema(Name),
}

/// ALTER kind name OWNER TO role, for kinds that are not relations.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterOwner {
    pub kind: ObjectKind,
    pub name: ObjectName,
    pub owner: RoleName,
}

/// GRANT and REVOKE of privileges on objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub revoke: bool,
    /// Empty for ALL PRIVILEGES.
    pub privileges: Vec<Privilege>,
    pub target: GrantTarget,
    pub grantees: Vec<RoleName>,
    /// WITH GRANT OPTION, or REVOKE GRANT OPTION FOR.
    pub grant_option: bool,
    pub granted_by: Option<RoleName>,
    pub cascade: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Privilege {
    pub name: String,
    pub columns: Vec<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GrantTarget {
    Objects {
        kind: ObjectKind,
        names: Vec<ObjectName>,
    },
    /// ALL TABLES IN SCHEMA ...
    AllInSchema {
        kind: ObjectKind,
        schemas: Vec<Name>,
    },
}

/// GRANT and REVOKE of membership.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantRole {
    pub revoke: bool,
    pub roles: Vec<Name>,
    pub members: Vec<RoleName>,
    pub admin_option: bool,
    pub granted_by: Option<RoleName>,
    pub cascade: bool,
}
