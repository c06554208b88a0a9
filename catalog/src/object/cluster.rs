//! Objects shared by all databases: databases themselves, roles, memberships, their settings.

use serde::{Deserialize, Serialize};

use super::AclItem;

/// A database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Database {
    pub oid: u32,
    pub name: String,
    pub owner: u32,
    /// PostgreSQL's number; 6 is UTF8, the only one.
    pub encoding: i32,
    pub collate: String,
    pub ctype: String,
    pub is_template: bool,
    pub allow_connections: bool,
    /// -1: no limit.
    pub connection_limit: i32,
    pub tablespace: u32,
    pub acl: Option<Vec<AclItem>>,
}

/// A role, or user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub oid: u32,
    pub name: String,
    pub superuser: bool,
    pub inherit: bool,
    pub create_role: bool,
    pub create_database: bool,
    pub login: bool,
    pub replication: bool,
    pub bypass_row_security: bool,
    /// -1: no limit.
    pub connection_limit: i32,
    /// A SCRAM-SHA-256 verifier in PostgreSQL's text; never a password.
    pub verifier: Option<String>,
    /// Microseconds since 2000-01-01 UTC; `i64::MAX` is infinity.
    pub valid_until: Option<i64>,
}

/// `member` belongs to `role`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleMembership {
    pub role: u32,
    pub member: u32,
    pub grantor: u32,
    pub admin: bool,
}

/// ALTER ROLE or DATABASE ... SET: settings a session starts with. 0 stands for every database or role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    pub database: u32,
    pub role: u32,
    /// Name and value, in the order they were set.
    pub settings: Vec<(String, String)>,
}
