//! The system relations' shapes: pg_catalog and information_schema, with PostgreSQL 15's oids, columns and types; and
//! those of strata, with oids from 9600.
//!
//! They are the same in every database and never change, so they are loaded once and shared by all snapshots.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use crate::builtin::{self, BOOTSTRAP_ROLE, Table};
use crate::object::{AclItem, Column, Persistence, Privileges, Relation, RelationKind};

struct Shapes {
    relations: Vec<Arc<Relation>>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<(u32, String), usize>,
}

fn load() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let mut columns = read_columns();
        let table = Table::parse("relations.tsv", include_str!("../data/relations.tsv"));
        let mut shapes = Shapes { relations: Vec::new(), by_oid: HashMap::new(), by_name: HashMap::new() };
        for row in table.rows() {
            let oid: u32 = row.number("oid");
            let row_type: u32 = row.number("reltype");
            let kind = RelationKind::System {
                view: row.character("relkind") == 'v',
                shared: row.flag("relisshared"),
            };
            let relation = Relation {
                oid,
                database: 0,
                schema: row.number("relnamespace"),
                name: row.text("relname").to_string(),
                owner: BOOTSTRAP_ROLE,
                persistence: Persistence::Permanent,
                acl: row.get("relacl").map(acl),
                options: BTreeMap::new(),
                columns: columns.remove(&oid).unwrap_or_default(),
                row_type,
                array_type: builtin::type_by_oid(row_type).map_or(0, |row| row.array),
                kind,
            };
            let index = shapes.relations.len();
            shapes.by_oid.insert(oid, index);
            shapes.by_name.insert((relation.schema, relation.name.clone()), index);
            shapes.relations.push(Arc::new(relation));
        }
        shapes
    })
}

fn read_columns() -> HashMap<u32, Vec<Column>> {
    let table = Table::parse("columns.tsv", include_str!("../data/columns.tsv"));
    let mut columns: HashMap<u32, Vec<Column>> = HashMap::new();
    for row in table.rows() {
        let declared: u32 = row.number("atttypid");
        let base = builtin::base_type(declared);
        let mut column =
            Column::new(row.number("attnum"), 0, row.text("attname"), base, row.number("atttypmod"));
        column.domain = (base != declared).then_some(declared);
        column.not_null = row.flag("attnotnull");
        column.dimensions = row.number("attndims");
        column.collation = row.number("attcollation");
        columns.entry(row.number("attrelid")).or_default().push(column);
    }
    columns
}

/// The two forms that built-in acls have: everything for the superuser, and reading for PUBLIC where it says so.
fn acl(text: &'static str) -> Vec<AclItem> {
    let item = |grantee, privileges| AclItem {
        grantee,
        grantor: BOOTSTRAP_ROLE,
        privileges,
        grantable: Privileges::NONE,
    };
    let mut items = vec![item(BOOTSTRAP_ROLE, Privileges(0x7f))];
    for entry in text.trim_matches(['{', '}']).split(',') {
        // pg_settings says =rw, but its rows are not to be updated here.
        if matches!(entry, "=r/postgres" | "=rw/postgres") {
            items.push(item(0, Privileges::SELECT));
        }
        if let Some((name, "r/postgres")) = entry.split_once('=') {
            let role = crate::bootstrap::PREDEFINED_ROLES.iter().find(|(_, known)| *known == name);
            items.extend(role.map(|(oid, _)| item(*oid, Privileges::SELECT)));
        }
    }
    items
}

/// All system relations, by oid.
pub fn system_relations() -> &'static [Arc<Relation>] {
    &load().relations
}

/// The system relation of that oid.
pub fn system_relation_by_oid(oid: u32) -> Option<&'static Arc<Relation>> {
    let shapes = load();
    shapes.by_oid.get(&oid).map(|&index| &shapes.relations[index])
}

/// The system relation of that name in pg_catalog, information_schema or strata (by schema oid).
pub fn system_relation_by_name(schema: u32, name: &str) -> Option<&'static Arc<Relation>> {
    let shapes = load();
    shapes.by_name.get(&(schema, name.to_string())).map(|&index| &shapes.relations[index])
}

/// A system relation of pg_catalog.
pub fn system_relation(name: &str) -> Option<&'static Arc<Relation>> {
    system_relation_by_name(builtin::PG_CATALOG, name)
}
