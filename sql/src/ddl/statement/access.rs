//! Roles and privileges.

use super::QualifiedName;

/// A role as statements name it.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleName {
    Name(String),
    CurrentUser,
    SessionUser,
    Public,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRole {
    pub name: String,
    /// CREATE USER: LOGIN unless said otherwise.
    pub user: bool,
    pub options: Vec<RoleOption>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterRole {
    pub role: RoleName,
    pub change: AlterRoleChange,
}

pub use self::change::AlterRoleChange;

mod change {
    use super::{RoleOption, SettingChange};

    #[derive(Clone, Debug, PartialEq)]
    pub enum AlterRoleChange {
        Options(Vec<RoleOption>),
        /// [IN DATABASE name] SET ...
        Setting {
            database: Option<String>,
            change: SettingChange,
        },
    }
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
    /// `None` for PASSWORD NULL.
    Password(Option<String>),
    ValidUntil(String),
    InRole(Vec<RoleName>),
    Role(Vec<RoleName>),
    Admin(Vec<RoleName>),
}

/// SET name TO value, RESET name, RESET ALL, of a role or a database.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingChange {
    /// `None`: SET name TO DEFAULT, or RESET name.
    Set {
        name: String,
        value: Option<String>,
    },
    ResetAll,
}

/// GRANT role TO role, and REVOKE.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantRole {
    pub revoke: bool,
    pub roles: Vec<String>,
    pub members: Vec<RoleName>,
    /// WITH ADMIN OPTION, or ADMIN OPTION FOR.
    pub admin: bool,
    pub granted_by: Option<RoleName>,
    pub cascade: bool,
}

/// GRANT privileges ON objects TO roles, and REVOKE.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub revoke: bool,
    /// Empty: ALL.
    pub privileges: Vec<PrivilegeName>,
    pub target: GrantTarget,
    pub grantees: Vec<RoleName>,
    /// WITH GRANT OPTION, or GRANT OPTION FOR.
    pub grant_option: bool,
    pub granted_by: Option<RoleName>,
    pub cascade: bool,
}

/// A privilege, on some columns where any are named. `None` is ALL (columns).
#[derive(Clone, Debug, PartialEq)]
pub struct PrivilegeName {
    pub name: Option<String>,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GrantTarget {
    Tables(Vec<QualifiedName>),
    Sequences(Vec<QualifiedName>),
    Databases(Vec<String>),
    Schemas(Vec<String>),
    AllTablesIn(Vec<String>),
    AllSequencesIn(Vec<String>),
    /// There are no functions of users yet: granting on all of none.
    AllFunctionsIn(Vec<String>),
}

/// ALTER DEFAULT PRIVILEGES.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterDefaultPrivileges {
    pub roles: Vec<RoleName>,
    pub schemas: Vec<String>,
    pub revoke: bool,
    /// Empty: ALL.
    pub privileges: Vec<String>,
    /// r tables, S sequences, f functions, T types, n schemas.
    pub object_type: char,
    pub grantees: Vec<RoleName>,
    pub grant_option: bool,
}
