//! Types that users make by themselves: enums and domains. Row types belong to their relations.

use serde::{Deserialize, Serialize};

use super::{AclItem, StoredExpression};

/// A type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserType {
    pub oid: u32,
    pub database: u32,
    pub schema: u32,
    pub name: String,
    pub owner: u32,
    pub acl: Option<Vec<AclItem>>,
    /// The array type over it; 0 for a domain.
    pub array_type: u32,
    pub kind: UserTypeKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UserTypeKind {
    /// In the order of the labels.
    Enum(Vec<EnumLabel>),
    Domain(Domain),
}

/// One value of an enum. A stored value is `order`, which no change of the type alters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnumLabel {
    /// Oid in pg_enum.
    pub oid: u32,
    pub order: u64,
    pub label: String,
}

/// A type with conditions of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// The type it stands on, which may be a domain.
    pub base: u32,
    /// Typmod of the base type.
    pub typmod: i32,
    pub collation: u32,
    pub not_null: bool,
    pub default: Option<StoredExpression>,
    pub checks: Vec<DomainCheck>,
}

/// CHECK of a domain, over VALUE, which is the column of number 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// Oid in pg_constraint.
    pub oid: u32,
    pub name: String,
    pub expression: StoredExpression,
    pub validated: bool,
}

impl UserType {
    /// The labels of an enum.
    pub fn labels(&self) -> Option<&[EnumLabel]> {
        match &self.kind {
            UserTypeKind::Enum(labels) => Some(labels),
            UserTypeKind::Domain(_) => None,
        }
    }

    pub fn domain(&self) -> Option<&Domain> {
        match &self.kind {
            UserTypeKind::Domain(domain) => Some(domain),
            UserTypeKind::Enum(_) => None,
        }
    }
}
