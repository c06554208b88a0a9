//! Objects as one type, their keys, and the changes that lead from one snapshot to the next.

use serde::{Deserialize, Serialize};

use super::{
    Comment, Constraint, Database, DefaultAcl, Extension, ObjectAddress, Relation, Role, RoleMembership,
    Schema, Setting, UserType,
};

/// Version of the stored form of objects; a row of another version is refused at start.
pub const FORMAT: u32 = 1;

/// Any object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Object {
    Database(Database),
    Role(Role),
    Membership(RoleMembership),
    Setting(Setting),
    Schema(Schema),
    Relation(Box<Relation>),
    Constraint(Box<Constraint>),
    Comment(Comment),
    DefaultAcl(DefaultAcl),
    Extension(Extension),
    Type(Box<UserType>),
}

/// What names an object for ever: no two live objects share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ObjectKey {
    Database(u32),
    Role(u32),
    Membership { role: u32, member: u32 },
    Setting { database: u32, role: u32 },
    Schema { database: u32, oid: u32 },
    Relation { database: u32, oid: u32 },
    Constraint { database: u32, oid: u32 },
    Comment { database: u32, address: ObjectAddress },
    DefaultAcl { database: u32, oid: u32 },
    Extension { database: u32, oid: u32 },
    Type { database: u32, oid: u32 },
}

/// One step from a snapshot to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Creates the object, or replaces the one of the same key.
    Put(Object),
    Remove(ObjectKey),
}

impl Change {
    /// The object concerned.
    pub fn key(&self) -> ObjectKey {
        match self {
            Change::Put(object) => object.key(),
            Change::Remove(key) => key.clone(),
        }
    }
}

impl Object {
    /// The object's key.
    pub fn key(&self) -> ObjectKey {
        match self {
            Object::Database(database) => ObjectKey::Database(database.oid),
            Object::Role(role) => ObjectKey::Role(role.oid),
            Object::Membership(m) => ObjectKey::Membership { role: m.role, member: m.member },
            Object::Setting(s) => ObjectKey::Setting { database: s.database, role: s.role },
            Object::Schema(s) => ObjectKey::Schema { database: s.database, oid: s.oid },
            Object::Relation(r) => ObjectKey::Relation { database: r.database, oid: r.oid },
            Object::Constraint(c) => ObjectKey::Constraint { database: c.database, oid: c.oid },
            Object::Comment(c) => ObjectKey::Comment { database: c.database, address: c.address },
            Object::DefaultAcl(d) => ObjectKey::DefaultAcl { database: d.database, oid: d.oid },
            Object::Extension(e) => ObjectKey::Extension { database: e.database, oid: e.oid },
            Object::Type(t) => ObjectKey::Type { database: t.database, oid: t.oid },
        }
    }

    /// The name no other object of its class and parent may have: what makes two concurrent creators collide.
    /// Constraints share names only across relations; unnamed objects have none.
    pub fn unique_name(&self) -> Option<String> {
        match self {
            Object::Database(database) => Some(format!("database {}", database.name)),
            Object::Role(role) => Some(format!("role {}", role.name)),
            Object::Schema(schema) => Some(format!("schema {} {}", schema.database, schema.name)),
            Object::Relation(r) => Some(format!("relation {} {} {}", r.database, r.schema, r.name)),
            Object::Constraint(c) => Some(format!("constraint {} {} {}", c.database, c.relation, c.name)),
            Object::Extension(e) => Some(format!("extension {} {}", e.database, e.name)),
            Object::Type(t) => Some(format!("type {} {} {}", t.database, t.schema, t.name)),
            Object::Membership(_) | Object::Setting(_) | Object::Comment(_) | Object::DefaultAcl(_) => None,
        }
    }
}

impl ObjectKey {
    /// The database the object lives in, 0 for one shared by all.
    pub fn database(&self) -> u32 {
        match self {
            ObjectKey::Database(_)
            | ObjectKey::Role(_)
            | ObjectKey::Membership { .. }
            | ObjectKey::Setting { .. } => 0,
            ObjectKey::Schema { database, .. }
            | ObjectKey::Relation { database, .. }
            | ObjectKey::Constraint { database, .. }
            | ObjectKey::Comment { database, .. }
            | ObjectKey::DefaultAcl { database, .. }
            | ObjectKey::Extension { database, .. }
            | ObjectKey::Type { database, .. } => *database,
        }
    }

    /// The text that is its key in the engine; one to one.
    pub fn text(&self) -> String {
        match self {
            ObjectKey::Database(oid) => format!("database {oid}"),
            ObjectKey::Role(oid) => format!("role {oid}"),
            ObjectKey::Membership { role, member } => format!("membership {role} {member}"),
            ObjectKey::Setting { database, role } => format!("setting {database} {role}"),
            ObjectKey::Schema { database, oid } => format!("schema {database} {oid}"),
            ObjectKey::Relation { database, oid } => format!("relation {database} {oid}"),
            ObjectKey::Constraint { database, oid } => format!("constraint {database} {oid}"),
            ObjectKey::Comment { database, address } => {
                format!("comment {database} {} {} {}", address.class, address.object, address.column)
            }
            ObjectKey::DefaultAcl { database, oid } => format!("defaultacl {database} {oid}"),
            ObjectKey::Extension { database, oid } => format!("extension {database} {oid}"),
            ObjectKey::Type { database, oid } => format!("type {database} {oid}"),
        }
    }
}
