//! pg_init_privs: the privileges that built-in objects have from the beginning, for whoever tells them from those that
//! were granted since.

use super::Scan;
use super::cell::{Row, row};
use crate::bootstrap;
use crate::builtin::{INFORMATION_SCHEMA, PG_CATALOG, PG_CLASS_CLASS, PG_NAMESPACE_CLASS, PUBLIC, STRATA};
use crate::object::AclItem;

/// i: from the making of the cluster; e: from an extension's.
fn origin(schema: u32) -> char {
    if schema == STRATA { 'e' } else { 'i' }
}

pub fn pg_init_privs(scan: &Scan<'_>) -> Vec<Row> {
    let row = |class: u32, object: u32, schema: u32, acl: Vec<AclItem>| {
        row![object, class, 0_i32, origin(schema), scan.acl(&Some(acl))]
    };
    let readable = bootstrap::readable_schema_acl;
    let mut rows = vec![
        row(PG_NAMESPACE_CLASS, PG_CATALOG, PG_CATALOG, readable()),
        row(PG_NAMESPACE_CLASS, PUBLIC, PUBLIC, bootstrap::public_schema_acl()),
        row(PG_NAMESPACE_CLASS, STRATA, STRATA, readable()),
    ];
    // What a built-in relation is described with is never changed. PostgreSQL records nothing of information_schema.
    let relations = crate::shapes::system_relations().iter();
    let relations = relations.filter(|relation| relation.schema != INFORMATION_SCHEMA);
    rows.extend(relations.filter_map(|relation| {
        let acl = relation.acl.clone()?;
        Some(row(PG_CLASS_CLASS, relation.oid, relation.schema, acl))
    }));
    rows
}
