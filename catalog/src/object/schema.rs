//! Schemas and extensions.

use serde::{Deserialize, Serialize};

use super::AclItem;

/// A schema. The built-in ones have the same oids in every database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub oid: u32,
    pub database: u32,
    pub name: String,
    pub owner: u32,
    pub acl: Option<Vec<AclItem>>,
}

/// An installed extension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    pub oid: u32,
    pub database: u32,
    pub name: String,
    pub owner: u32,
    pub schema: u32,
    pub relocatable: bool,
    pub version: String,
}
