//! The rows of pg_catalog and information_schema, computed from a snapshot.
//!
//! A system relation without rows of its own here is typed and empty: the server has no such objects. Relations of
//! live state (pg_settings, pg_stat_activity, pg_locks and the statistics views) come through [`Live::rows`].
//! Values leave as [`Cell`]s, because the stored form of arrays and the text of expressions belong to `sql`.

mod access_methods;
mod attribute;
mod cell;
mod class;
mod constraint;
mod dependency;
mod extension;
mod index;
mod information_columns;
mod information_constraints;
mod information_privileges;
mod information_relations;
mod initial_privileges;
mod names;
mod procedure;
mod role;
mod sequence;
mod statistics;
mod types;
mod user_types;
mod views;

use std::sync::Arc;

pub use cell::{Cell, Row};

use crate::object::{AclItem, ObjectAddress, Persistence, Relation, StoredExpression};
use crate::snapshot::Snapshot;
use cell::row;

/// What only the layer above can tell.
pub trait Live {
    /// pg_get_expr: an expression over the columns of `relation`, in PostgreSQL's text.
    fn expression(&self, expression: &StoredExpression, relation: Option<&Relation>) -> String;
    /// pg_get_viewdef.
    fn view_definition(&self, view: &Relation) -> String;
    /// pg_get_indexdef.
    fn index_definition(&self, index: &Relation) -> String;
    /// format_type; typmod -1 for none.
    fn format_type(&self, type_oid: u32, typmod: i32) -> String;
    /// Pages and rows of a table as last analyzed; rows -1 when never.
    fn statistics(&self, table: u32) -> (i32, f32);
    /// The last value a sequence handed out, and whether it has handed out any.
    fn sequence_state(&self, sequence: u32) -> Option<(i64, bool)>;
    /// The schema of the reader's own temporary relations, 0 where it has none.
    fn temporary_schema(&self) -> u32;
    /// The rows of a relation of live state, by name, in the order of its columns; `None` where there is none.
    fn rows(&self, relation: &str) -> Option<Vec<Row>>;
}

/// One reading of the system relations: whose eyes, and as of which snapshot.
pub struct Scan<'a> {
    pub snapshot: &'a Snapshot,
    pub database: u32,
    /// The role whose privileges information_schema goes by.
    pub user: u32,
    pub live: &'a dyn Live,
}

/// The rows of a system relation, or the one row of a sequence; every row as wide as the relation's columns.
pub fn rows(relation: &Relation, scan: &Scan<'_>) -> Vec<Row> {
    if relation.as_sequence().is_some() {
        return sequence::state(relation, scan);
    }
    let rows = match relation.schema {
        crate::builtin::PG_CATALOG => catalog_rows(&relation.name, scan),
        crate::builtin::INFORMATION_SCHEMA => information_rows(&relation.name, scan),
        _ => None,
    };
    rows.or_else(|| scan.live.rows(&relation.name)).unwrap_or_default()
}

fn catalog_rows(name: &str, scan: &Scan<'_>) -> Option<Vec<Row>> {
    Some(match name {
        "pg_class" => class::pg_class(scan),
        "pg_namespace" => class::pg_namespace(scan),
        "pg_inherits" | "pg_partitioned_table" => Vec::new(),
        "pg_attribute" => attribute::pg_attribute(scan),
        "pg_attrdef" => attribute::pg_attrdef(scan),
        "pg_type" => types::pg_type(scan),
        "pg_cast" => types::pg_cast(scan),
        "pg_enum" => user_types::pg_enum(scan),
        "pg_collation" => types::pg_collation(),
        "pg_proc" => procedure::pg_proc(scan),
        "pg_operator" => procedure::pg_operator(scan),
        "pg_aggregate" => procedure::pg_aggregate(scan),
        "pg_language" => procedure::pg_language(),
        "pg_am" => access_methods::pg_am(scan),
        "pg_opclass" => access_methods::pg_opclass(scan),
        "pg_opfamily" => access_methods::pg_opfamily(scan),
        "pg_amop" => access_methods::pg_amop(scan),
        "pg_amproc" => access_methods::pg_amproc(scan),
        "pg_index" => index::pg_index(scan),
        "pg_indexes" => index::pg_indexes(scan),
        "pg_constraint" => constraint::pg_constraint(scan),
        "pg_sequence" => sequence::pg_sequence(scan),
        "pg_sequences" => sequence::pg_sequences(scan),
        "pg_tables" => views::pg_tables(scan),
        "pg_views" => views::pg_views(scan),
        "pg_matviews" => views::pg_matviews(scan),
        "pg_rewrite" => views::pg_rewrite(scan),
        "pg_stat_all_tables" | "pg_stat_user_tables" => statistics::pg_stat_tables(scan),
        "pg_stat_all_indexes" | "pg_stat_user_indexes" => statistics::pg_stat_indexes(scan),
        "pg_depend" => dependency::pg_depend(scan),
        "pg_description" => dependency::pg_description(scan),
        "pg_shdescription" => dependency::pg_shdescription(scan),
        "pg_shdepend" => dependency::pg_shdepend(scan),
        "pg_init_privs" => initial_privileges::pg_init_privs(scan),
        "pg_extension" => extension::pg_extension(scan),
        "pg_available_extensions" => extension::pg_available_extensions(scan),
        "pg_available_extension_versions" => extension::pg_available_extension_versions(scan),
        "pg_default_acl" => dependency::pg_default_acl(scan),
        "pg_database" => role::pg_database(scan),
        "pg_authid" => role::pg_authid(scan),
        "pg_roles" => role::pg_roles(scan),
        "pg_user" => role::pg_user(scan),
        "pg_shadow" => role::pg_shadow(scan),
        "pg_group" => role::pg_group(scan),
        "pg_auth_members" => role::pg_auth_members(scan),
        "pg_db_role_setting" => role::pg_db_role_setting(scan),
        "pg_tablespace" => role::pg_tablespace(),
        _ => return None,
    })
}

fn information_rows(name: &str, scan: &Scan<'_>) -> Option<Vec<Row>> {
    Some(match name {
        "information_schema_catalog_name" => vec![row![scan.database_name()]],
        "tables" => information_relations::tables(scan),
        "views" => information_relations::views(scan),
        "sequences" => information_relations::sequences(scan),
        "schemata" => information_relations::schemata(scan),
        "routines" | "parameters" | "triggers" | "domains" => Vec::new(),
        "columns" => information_columns::columns(scan),
        "table_constraints" => information_constraints::table_constraints(scan),
        "key_column_usage" => information_constraints::key_column_usage(scan),
        "referential_constraints" => information_constraints::referential_constraints(scan),
        "constraint_column_usage" => information_constraints::constraint_column_usage(scan),
        "constraint_table_usage" => information_constraints::constraint_table_usage(scan),
        "check_constraints" => information_constraints::check_constraints(scan),
        "view_table_usage" => information_constraints::view_table_usage(scan),
        "table_privileges" | "role_table_grants" => information_privileges::table_privileges(scan),
        "column_privileges" | "role_column_grants" => information_privileges::column_privileges(scan),
        "enabled_roles" => information_privileges::enabled_roles(scan),
        "applicable_roles" => information_privileges::applicable_roles(scan),
        "character_sets" => information_privileges::character_sets(scan),
        "collations" => information_privileges::collations(scan),
        _ => return None,
    })
}

impl<'a> Scan<'a> {
    fn database_name(&self) -> Cell {
        Cell::from(self.snapshot.database(self.database).map(|database| database.name.clone()))
    }

    fn schema_name(&self, oid: u32) -> Cell {
        Cell::from(self.snapshot.schema(self.database, oid).map(|schema| schema.name.clone()))
    }

    /// The schema of a described object in this database, `None` where it is not there: see `Snapshot::placed`.
    fn place(&self, schema: u32) -> Option<u32> {
        self.snapshot.placed(self.database, schema)
    }

    fn has_family(&self, oid: u32) -> bool {
        self.snapshot.has_operator_family(self.database, oid)
    }

    /// The relations of the database, system relations first.
    fn all_relations(&self) -> impl Iterator<Item = &'a Arc<Relation>> {
        let created = self.snapshot.relations(self.database);
        crate::shapes::system_relations().iter().chain(created)
    }

    /// An acl as an array of aclitem, each as its text.
    fn acl(&self, acl: &Option<Vec<AclItem>>) -> Cell {
        let Some(items) = acl else { return Cell::Null };
        let role = |oid| self.snapshot.role_name(oid);
        Cell::Array(items.iter().map(|item| Cell::from(crate::object::acl_text(item, &role))).collect())
    }

    /// Whether the reader may see a relation in information_schema: it owns it, or has a privilege on it, and it is not
    /// another session's temporary one.
    fn may_see(&self, relation: &Relation) -> bool {
        let temporary = relation.persistence == Persistence::Temporary;
        if temporary && relation.schema != self.live.temporary_schema() {
            return false;
        }
        if self.snapshot.has_privileges_of(self.database, self.user, relation.owner) {
            return true;
        }
        let roles = self.snapshot.privileged_roles(self.database, self.user);
        let columns = relation.live_columns().filter_map(|column| column.acl.as_ref());
        columns
            .chain(relation.acl.as_ref())
            .flatten()
            .any(|item| item.grantee == 0 || roles.contains(&item.grantee))
    }

    /// The names pg_depend's dependents have: used by views over dependencies.
    fn referenced_relations(&self, expression: &StoredExpression) -> Vec<u32> {
        let relations = expression
            .dependencies
            .iter()
            .filter(|address: &&ObjectAddress| address.class == crate::builtin::PG_CLASS_CLASS);
        let mut oids: Vec<u32> = relations.map(|address| address.object).collect();
        oids.sort_unstable();
        oids.dedup();
        oids
    }
}

#[cfg(test)]
mod tests;
