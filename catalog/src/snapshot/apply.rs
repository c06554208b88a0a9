//! From one snapshot to the next.

use std::sync::Arc;

use super::{Cluster, Contents, Snapshot};
use crate::bootstrap::readable_schema_acl;
use crate::builtin::{
    self, BOOTSTRAP_ROLE, INFORMATION_SCHEMA, PG_CATALOG, PG_TOAST, STRATA, STRATA_EXTENSION,
};
use crate::object::{
    Change, Constraint, ConstraintKind, Extension, Object, ObjectKey, Relation, RelationKind, Schema,
    UserType,
};

impl Snapshot {
    /// The snapshot after these changes, in order. Removing what is not there changes nothing; removing a database
    /// removes all that is in it.
    pub fn apply(&self, changes: &[Change]) -> Snapshot {
        let mut next = self.clone();
        next.generation = Snapshot::next_generation();
        for change in changes {
            match change {
                Change::Put(object) => next.put(object),
                Change::Remove(key) => next.remove(key),
            }
        }
        next
    }

    fn contents_mut(&mut self, database: u32) -> &mut Contents {
        let contents =
            self.contents.entry(database).or_insert_with(|| Arc::new(Contents::of_new_database(database)));
        Arc::make_mut(contents)
    }

    fn put(&mut self, object: &Object) {
        self.remove_names(&object.key());
        let cluster = Arc::make_mut(&mut self.cluster);
        match object {
            Object::Database(database) => {
                cluster.database_names.insert(database.name.clone(), database.oid);
                cluster.databases.insert(database.oid, Arc::new(database.clone()));
                self.contents_mut(database.oid);
            }
            Object::Role(role) => {
                cluster.role_names.insert(role.name.clone(), role.oid);
                cluster.roles.insert(role.oid, Arc::new(role.clone()));
            }
            Object::Membership(membership) => {
                cluster.memberships.insert((membership.role, membership.member), membership.clone());
            }
            Object::Setting(setting) => {
                cluster.settings.insert((setting.database, setting.role), setting.clone());
            }
            Object::Comment(comment) if comment.database == 0 => {
                cluster.comments.insert(comment.address, comment.clone());
            }
            Object::Comment(comment) => {
                self.contents_mut(comment.database).comments.insert(comment.address, comment.clone());
            }
            Object::Schema(schema) => self.contents_mut(schema.database).put_schema(schema.clone()),
            Object::Relation(relation) => {
                self.contents_mut(relation.database).put_relation((**relation).clone());
            }
            Object::Constraint(constraint) => {
                self.contents_mut(constraint.database).put_constraint((**constraint).clone());
            }
            Object::DefaultAcl(acl) => {
                self.contents_mut(acl.database).default_acls.insert(acl.oid, acl.clone());
            }
            Object::Extension(extension) => {
                self.contents_mut(extension.database).extensions.insert(extension.oid, extension.clone());
            }
            Object::Type(user_type) => {
                self.contents_mut(user_type.database).put_user_type((**user_type).clone());
            }
        }
    }

    /// Forgets the names and back references of the object that a new version replaces.
    fn remove_names(&mut self, key: &ObjectKey) {
        match key {
            ObjectKey::Database(oid) => {
                if let Some(old) = self.cluster.databases.get(oid).cloned() {
                    Arc::make_mut(&mut self.cluster).database_names.remove(&old.name);
                }
            }
            ObjectKey::Role(oid) => {
                if let Some(old) = self.cluster.roles.get(oid).cloned() {
                    Arc::make_mut(&mut self.cluster).role_names.remove(&old.name);
                }
            }
            ObjectKey::Schema { database, oid } => self.contents_mut(*database).remove_schema(*oid),
            ObjectKey::Relation { database, oid } => self.contents_mut(*database).remove_relation(*oid),
            ObjectKey::Constraint { database, oid } => self.contents_mut(*database).remove_constraint(*oid),
            ObjectKey::Type { database, oid } => self.contents_mut(*database).remove_user_type(*oid),
            ObjectKey::Membership { .. }
            | ObjectKey::Setting { .. }
            | ObjectKey::Comment { .. }
            | ObjectKey::DefaultAcl { .. }
            | ObjectKey::Extension { .. } => {}
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        self.remove_names(key);
        let cluster: &mut Cluster = Arc::make_mut(&mut self.cluster);
        match key {
            ObjectKey::Database(oid) => {
                cluster.databases.remove(oid);
                self.contents.remove(oid);
            }
            ObjectKey::Role(oid) => {
                cluster.roles.remove(oid);
            }
            ObjectKey::Membership { role, member } => {
                cluster.memberships.remove(&(*role, *member));
            }
            ObjectKey::Setting { database, role } => {
                cluster.settings.remove(&(*database, *role));
            }
            ObjectKey::Comment { database: 0, address } => {
                cluster.comments.remove(address);
            }
            ObjectKey::Comment { database, address } => {
                self.contents_mut(*database).comments.remove(address);
            }
            ObjectKey::DefaultAcl { database, oid } => {
                self.contents_mut(*database).default_acls.remove(oid);
            }
            ObjectKey::Extension { database, oid } => {
                self.contents_mut(*database).extensions.remove(oid);
            }
            // Gone with their names.
            ObjectKey::Schema { .. }
            | ObjectKey::Relation { .. }
            | ObjectKey::Constraint { .. }
            | ObjectKey::Type { .. } => {}
        }
    }
}

impl Contents {
    /// A database as it is before anything is created in it: the built-in schemas and the built-in extension.
    fn of_new_database(database: u32) -> Contents {
        let mut contents = Contents::default();
        let readable = Some(readable_schema_acl());
        let builtin = [
            (PG_CATALOG, "pg_catalog", readable.clone()),
            (PG_TOAST, "pg_toast", None),
            (INFORMATION_SCHEMA, "information_schema", readable.clone()),
            (STRATA, "strata", readable),
        ];
        for (oid, name, acl) in builtin {
            contents.put_schema(Schema { oid, database, name: name.to_string(), owner: BOOTSTRAP_ROLE, acl });
        }
        let strata = builtin::available_extension("strata").map(|row| Extension {
            oid: STRATA_EXTENSION,
            database,
            name: row.name.to_string(),
            owner: BOOTSTRAP_ROLE,
            schema: PG_CATALOG,
            relocatable: row.relocatable,
            version: row.version.to_string(),
        });
        contents.extensions.extend(strata.map(|extension| (extension.oid, extension)));
        contents
    }

    fn put_schema(&mut self, schema: Schema) {
        self.schema_names.insert(schema.name.clone(), schema.oid);
        self.schemas.insert(schema.oid, Arc::new(schema));
    }

    fn remove_schema(&mut self, oid: u32) {
        if let Some(old) = self.schemas.remove(&oid) {
            self.schema_names.remove(&old.name);
        }
    }

    fn put_relation(&mut self, relation: Relation) {
        let oid = relation.oid;
        self.relation_names.insert((relation.schema, relation.name.clone()), oid);
        for type_oid in [relation.row_type, relation.array_type] {
            if type_oid != 0 {
                self.types.insert(type_oid, oid);
            }
        }
        match &relation.kind {
            RelationKind::Index(index) => {
                self.indexes.entry(index.table).or_default().insert(oid);
            }
            RelationKind::Sequence(sequence) => {
                if let Some((table, _)) = sequence.owned_by {
                    self.owned_sequences.entry(table).or_default().insert(oid);
                }
            }
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::System { .. } => {}
        }
        self.relations.insert(oid, Arc::new(relation));
    }

    fn remove_relation(&mut self, oid: u32) {
        let Some(old) = self.relations.remove(&oid) else { return };
        self.relation_names.remove(&(old.schema, old.name.clone()));
        self.types.remove(&old.row_type);
        self.types.remove(&old.array_type);
        match &old.kind {
            RelationKind::Index(index) => forget(&mut self.indexes, index.table, oid),
            RelationKind::Sequence(sequence) => {
                if let Some((table, _)) = sequence.owned_by {
                    forget(&mut self.owned_sequences, table, oid);
                }
            }
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::System { .. } => {}
        }
    }

    fn put_user_type(&mut self, user_type: UserType) {
        let oid = user_type.oid;
        self.user_type_names.insert((user_type.schema, user_type.name.clone()), oid);
        if user_type.array_type != 0 {
            self.user_arrays.insert(user_type.array_type, oid);
        }
        self.user_types.insert(oid, Arc::new(user_type));
    }

    fn remove_user_type(&mut self, oid: u32) {
        let Some(old) = self.user_types.remove(&oid) else { return };
        self.user_type_names.remove(&(old.schema, old.name.clone()));
        self.user_arrays.remove(&old.array_type);
    }

    fn put_constraint(&mut self, constraint: Constraint) {
        let oid = constraint.oid;
        self.constraints_on.entry(constraint.relation).or_default().insert(oid);
        if let ConstraintKind::ForeignKey(key) = &constraint.kind {
            self.references_to.entry(key.referenced).or_default().insert(oid);
        }
        self.constraints.insert(oid, Arc::new(constraint));
    }

    fn remove_constraint(&mut self, oid: u32) {
        let Some(old) = self.constraints.remove(&oid) else { return };
        forget(&mut self.constraints_on, old.relation, oid);
        if let ConstraintKind::ForeignKey(key) = &old.kind {
            forget(&mut self.references_to, key.referenced, oid);
        }
    }
}

fn forget(map: &mut std::collections::HashMap<u32, std::collections::BTreeSet<u32>>, parent: u32, oid: u32) {
    if let Some(set) = map.get_mut(&parent) {
        set.remove(&oid);
        if set.is_empty() {
            map.remove(&parent);
        }
    }
}
