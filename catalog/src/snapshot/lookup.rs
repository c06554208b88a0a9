//! Look-ups by name and by oid. System relations answer in every database.

use std::sync::Arc;

use super::{Contents, Snapshot};
use crate::builtin::{self, INFORMATION_SCHEMA, PG_CATALOG, STRATA};
use crate::object::{
    Constraint, Database, DefaultAcl, Extension, ObjectAddress, Relation, Role, RoleMembership, Schema,
    Setting, UserType,
};
use crate::shapes;

/// What the names of temporary schemas begin with; the rest is the process number of their session.
pub const TEMPORARY_SCHEMA: &str = "pg_temp_";

/// Whether a schema holds the temporary relations of a session.
pub fn is_temporary_schema(name: &str) -> bool {
    name.starts_with(TEMPORARY_SCHEMA)
}

impl Snapshot {
    pub(super) fn contents(&self, database: u32) -> Option<&Contents> {
        self.contents.get(&database).map(|contents| &**contents)
    }

    pub fn database(&self, oid: u32) -> Option<&Arc<Database>> {
        self.cluster.databases.get(&oid)
    }

    pub fn database_by_name(&self, name: &str) -> Option<&Arc<Database>> {
        self.cluster.database_names.get(name).and_then(|oid| self.database(*oid))
    }

    /// All databases, by oid.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        self.cluster.databases.values()
    }

    pub fn role(&self, oid: u32) -> Option<&Arc<Role>> {
        self.cluster.roles.get(&oid)
    }

    pub fn role_by_name(&self, name: &str) -> Option<&Arc<Role>> {
        self.cluster.role_names.get(name).and_then(|oid| self.role(*oid))
    }

    /// The name of a role, or what PostgreSQL shows for one that is gone.
    pub fn role_name(&self, oid: u32) -> String {
        self.role(oid).map_or_else(|| format!("unknown (OID={oid})"), |role| role.name.clone())
    }

    /// All roles, by oid.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.cluster.roles.values()
    }

    /// All memberships, by (role, member).
    pub fn memberships(&self) -> impl Iterator<Item = &RoleMembership> {
        self.cluster.memberships.values()
    }

    pub fn membership(&self, role: u32, member: u32) -> Option<&RoleMembership> {
        self.cluster.memberships.get(&(role, member))
    }

    /// ALTER DATABASE/ROLE SET; 0 stands for every one.
    pub fn setting(&self, database: u32, role: u32) -> Option<&Setting> {
        self.cluster.settings.get(&(database, role))
    }

    /// All stored settings.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.cluster.settings.values()
    }

    pub fn schema(&self, database: u32, oid: u32) -> Option<&Arc<Schema>> {
        self.contents(database)?.schemas.get(&oid)
    }

    pub fn schema_by_name(&self, database: u32, name: &str) -> Option<&Arc<Schema>> {
        let contents = self.contents(database)?;
        contents.schemas.get(contents.schema_names.get(name)?)
    }

    /// All schemas of a database, by oid; the built-in ones first.
    pub fn schemas(&self, database: u32) -> impl Iterator<Item = &Arc<Schema>> {
        self.contents(database).into_iter().flat_map(|contents| contents.schemas.values())
    }

    /// The relation of that oid, a system relation among them.
    pub fn relation(&self, database: u32, oid: u32) -> Option<&Arc<Relation>> {
        if oid < crate::bootstrap::FIRST_OBJECT_OID {
            return shapes::system_relation_by_oid(oid);
        }
        self.contents(database)?.relations.get(&oid)
    }

    /// The relation of that name in that schema (by oid).
    pub fn relation_by_name(&self, database: u32, schema: u32, name: &str) -> Option<&Arc<Relation>> {
        if matches!(schema, PG_CATALOG | INFORMATION_SCHEMA | STRATA)
            && let Some(found) = shapes::system_relation_by_name(schema, name)
        {
            return Some(found);
        }
        let contents = self.contents(database)?;
        contents.relations.get(contents.relation_names.get(&(schema, name.to_string()))?)
    }

    /// The relation an unqualified name means: pg_catalog first unless the path names it, then the path in order.
    pub fn find_relation(
        &self,
        database: u32,
        search_path: &[Arc<str>],
        name: &str,
    ) -> Option<&Arc<Relation>> {
        self.search_schemas(database, search_path)
            .into_iter()
            .find_map(|schema| self.relation_by_name(database, schema, name))
    }

    /// The schemas searched, by oid, in order; names without a schema are skipped, pg_catalog is implied first.
    pub fn search_schemas(&self, database: u32, search_path: &[Arc<str>]) -> Vec<u32> {
        let mut schemas: Vec<u32> = Vec::with_capacity(search_path.len() + 1);
        let mut path = search_path.iter().peekable();
        // A session's temporary relations come before everything else.
        if let Some(first) = path.next_if(|name| is_temporary_schema(name))
            && let Some(schema) = self.schema_by_name(database, first)
        {
            schemas.push(schema.oid);
        }
        if !search_path.iter().any(|name| &**name == "pg_catalog") {
            schemas.push(PG_CATALOG);
        }
        for name in path {
            if let Some(schema) = self.schema_by_name(database, name)
                && !schemas.contains(&schema.oid)
            {
                schemas.push(schema.oid);
            }
        }
        schemas
    }

    /// The schema of a name as a session writes it: `pg_temp` is its own temporary schema.
    pub fn named_schema(&self, database: u32, search_path: &[Arc<str>], name: &str) -> Option<&Arc<Schema>> {
        match name {
            "pg_temp" => {
                let own = search_path.iter().find(|name| is_temporary_schema(name))?;
                self.schema_by_name(database, own)
            }
            _ => self.schema_by_name(database, name),
        }
    }

    /// Whether an unqualified name finds this relation: pg_table_is_visible.
    pub fn is_visible(&self, database: u32, search_path: &[Arc<str>], relation: &Relation) -> bool {
        self.find_relation(database, search_path, &relation.name)
            .is_some_and(|found| found.oid == relation.oid)
    }

    /// The relations of a database that were created in it, by oid; without the system relations.
    pub fn relations(&self, database: u32) -> impl Iterator<Item = &Arc<Relation>> {
        self.contents(database).into_iter().flat_map(|contents| contents.relations.values())
    }

    /// The indexes of a table, by oid.
    pub fn indexes_of(&self, database: u32, table: u32) -> impl Iterator<Item = &Arc<Relation>> {
        let contents = self.contents(database);
        let oids = contents.and_then(|contents| contents.indexes.get(&table));
        oids.into_iter().flatten().filter_map(move |oid| contents.and_then(|c| c.relations.get(oid)))
    }

    /// The sequences that go down with a table's columns, by oid.
    pub fn owned_sequences(&self, database: u32, table: u32) -> impl Iterator<Item = &Arc<Relation>> {
        let contents = self.contents(database);
        let oids = contents.and_then(|contents| contents.owned_sequences.get(&table));
        oids.into_iter().flatten().filter_map(move |oid| contents.and_then(|c| c.relations.get(oid)))
    }

    pub fn constraint(&self, database: u32, oid: u32) -> Option<&Arc<Constraint>> {
        self.contents(database)?.constraints.get(&oid)
    }

    /// All constraints of a database, by oid.
    pub fn constraints(&self, database: u32) -> impl Iterator<Item = &Arc<Constraint>> {
        self.contents(database).into_iter().flat_map(|contents| contents.constraints.values())
    }

    /// The constraints of a table, by oid.
    pub fn constraints_of(&self, database: u32, table: u32) -> impl Iterator<Item = &Arc<Constraint>> {
        let contents = self.contents(database);
        let oids = contents.and_then(|contents| contents.constraints_on.get(&table));
        oids.into_iter().flatten().filter_map(move |oid| contents.and_then(|c| c.constraints.get(oid)))
    }

    /// The foreign keys, of any table, that point at this one, by oid.
    pub fn references_to(&self, database: u32, table: u32) -> impl Iterator<Item = &Arc<Constraint>> {
        let contents = self.contents(database);
        let oids = contents.and_then(|contents| contents.references_to.get(&table));
        oids.into_iter().flatten().filter_map(move |oid| contents.and_then(|c| c.constraints.get(oid)))
    }

    /// The comment on an object of a database (0: one shared by all), the built-in ones among them.
    pub fn comment(&self, database: u32, address: ObjectAddress) -> Option<&str> {
        let comments = match database {
            0 => Some(&self.cluster.comments),
            _ => self.contents(database).map(|contents| &contents.comments),
        };
        let stored = comments.and_then(|comments| comments.get(&address));
        match stored {
            Some(comment) => Some(&comment.text),
            None if address.column == 0 && address.object != builtin::PUBLIC => {
                builtin::description(address.class, address.object)
            }
            None => None,
        }
    }

    /// The comments made in a database (0: on shared objects), without the built-in ones.
    pub fn comments(&self, database: u32) -> impl Iterator<Item = &crate::object::Comment> {
        let comments = match database {
            0 => Some(&self.cluster.comments),
            _ => self.contents(database).map(|contents| &contents.comments),
        };
        comments.into_iter().flat_map(|comments| comments.values())
    }

    /// The enum or domain of that oid.
    pub fn user_type(&self, database: u32, oid: u32) -> Option<&Arc<UserType>> {
        self.contents(database)?.user_types.get(&oid)
    }

    /// The enum or domain of that name in that schema (by oid).
    pub fn user_type_by_name(&self, database: u32, schema: u32, name: &str) -> Option<&Arc<UserType>> {
        let contents = self.contents(database)?;
        contents.user_types.get(contents.user_type_names.get(&(schema, name.to_string()))?)
    }

    /// The enums and domains of a database, by oid.
    pub fn user_types(&self, database: u32) -> impl Iterator<Item = &Arc<UserType>> {
        self.contents(database).into_iter().flat_map(|contents| contents.user_types.values())
    }

    /// ALTER DEFAULT PRIVILEGES entries of a database.
    pub fn default_acls(&self, database: u32) -> impl Iterator<Item = &DefaultAcl> {
        self.contents(database).into_iter().flat_map(|contents| contents.default_acls.values())
    }

    /// The extensions installed in a database.
    pub fn extensions(&self, database: u32) -> impl Iterator<Item = &Extension> {
        self.contents(database).into_iter().flat_map(|contents| contents.extensions.values())
    }

    /// The primary key of a table: its index.
    pub fn primary_key(&self, database: u32, table: u32) -> Option<&Arc<Relation>> {
        self.indexes_of(database, table).find(|index| index.as_index().is_some_and(|index| index.primary))
    }
}
