//! The catalog as of one moment: immutable maps of objects, shared between snapshots.
//!
//! [`Snapshot::apply`] is pure: it yields the next snapshot and leaves this one as it was. The maps of a database are
//! shared until a change touches that database. System objects (built-in types, system relations, pg_catalog) are not
//! in the maps: they are the same in every snapshot, and look-ups fall through to them.

mod apply;
mod dependency;
mod extension;
mod lookup;
mod membership;
mod types;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use dependency::{Dependency, DependencyKind};
pub use lookup::{TEMPORARY_SCHEMA, is_temporary_schema};

use crate::object::{
    Comment, Constraint, Database, DefaultAcl, Extension, ObjectAddress, Relation, Role, RoleMembership,
    Schema, Setting, UserType,
};

/// The catalog as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    generation: u64,
    cluster: Arc<Cluster>,
    contents: BTreeMap<u32, Arc<Contents>>,
}

/// Objects shared by all databases.
#[derive(Clone, Debug, Default)]
struct Cluster {
    databases: BTreeMap<u32, Arc<Database>>,
    database_names: HashMap<String, u32>,
    roles: BTreeMap<u32, Arc<Role>>,
    role_names: HashMap<String, u32>,
    memberships: BTreeMap<(u32, u32), RoleMembership>,
    settings: BTreeMap<(u32, u32), Setting>,
    comments: BTreeMap<ObjectAddress, Comment>,
}

/// The objects of one database.
#[derive(Clone, Debug, Default)]
struct Contents {
    schemas: BTreeMap<u32, Arc<Schema>>,
    schema_names: HashMap<String, u32>,
    relations: BTreeMap<u32, Arc<Relation>>,
    relation_names: HashMap<(u32, String), u32>,
    /// Indexes of a table, and sequences owned by one of its columns, by oid.
    indexes: HashMap<u32, BTreeSet<u32>>,
    owned_sequences: HashMap<u32, BTreeSet<u32>>,
    constraints: BTreeMap<u32, Arc<Constraint>>,
    constraints_on: HashMap<u32, BTreeSet<u32>>,
    /// Foreign keys that point at a table.
    references_to: HashMap<u32, BTreeSet<u32>>,
    /// Row types and their arrays: type oid to relation.
    types: HashMap<u32, u32>,
    /// Enums and domains, by oid and by (schema, name); arrays over them: array to type.
    user_types: BTreeMap<u32, Arc<UserType>>,
    user_type_names: HashMap<(u32, String), u32>,
    user_arrays: HashMap<u32, u32>,
    comments: BTreeMap<ObjectAddress, Comment>,
    default_acls: BTreeMap<u32, DefaultAcl>,
    extensions: BTreeMap<u32, Extension>,
}

static GENERATIONS: AtomicU64 = AtomicU64::new(1);

impl Snapshot {
    /// A number no other snapshot of this process has, clones excepted: equal numbers, equal catalogs.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn next_generation() -> u64 {
        GENERATIONS.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
