//! The extensions that a database can have, and what each brings.
//!
//! `strata` is there in every database from the beginning, as plpgsql is in PostgreSQL: schema strata and what is in it
//! are its members, so that a dump of a database does not hold them.
//!
//! What an extension brings is described in the data files like everything built in, under a schema that stands for the
//! extension; `Snapshot::placed` says which schema a database has it in, and that it is not there before it is installed.

use std::sync::OnceLock;

use super::{
    PG_AM_CLASS, PG_CAST_CLASS, PG_CLASS_CLASS, PG_NAMESPACE_CLASS, PG_OPCLASS_CLASS, PG_OPERATOR_CLASS,
    PG_OPFAMILY_CLASS, PG_PROC_CLASS, PG_TYPE_CLASS, STRATA, VECTOR,
};

/// An extension that can be installed: a row of pg_available_extensions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExtensionRow {
    pub name: &'static str,
    /// The schema that its descriptions are written under.
    pub schema: u32,
    pub version: &'static str,
    /// Whether ALTER EXTENSION may move it to another schema.
    pub relocatable: bool,
    pub comment: &'static str,
}

const AVAILABLE: &[ExtensionRow] = &[
    ExtensionRow {
        name: "strata",
        schema: STRATA,
        version: "1.0",
        relocatable: false,
        comment: "past moments, changes and the state of the server",
    },
    ExtensionRow {
        name: "vector",
        schema: VECTOR,
        version: "0.8.5",
        relocatable: true,
        comment: "vector data type and ivfflat and hnsw access methods",
    },
];

/// The extensions that can be installed, by name.
pub fn available_extensions() -> &'static [ExtensionRow] {
    AVAILABLE
}

/// The extension of that name.
pub fn available_extension(name: &str) -> Option<&'static ExtensionRow> {
    AVAILABLE.iter().find(|row| row.name == name)
}

/// What an extension brings, as (class, oid) of pg_depend.
pub fn extension_members(extension: &ExtensionRow) -> &'static [(u32, u32)] {
    static OF_STRATA: OnceLock<Vec<(u32, u32)>> = OnceLock::new();
    static OF_VECTOR: OnceLock<Vec<(u32, u32)>> = OnceLock::new();
    match extension.schema {
        STRATA => OF_STRATA.get_or_init(members_of_strata),
        VECTOR => OF_VECTOR.get_or_init(members_of_vector),
        _ => &[],
    }
}

fn functions_of(schema: u32) -> impl Iterator<Item = (u32, u32)> {
    let functions = super::functions().iter().filter(move |row| row.schema == schema);
    functions.map(|row| (PG_PROC_CLASS, row.oid))
}

fn members_of_strata() -> Vec<(u32, u32)> {
    let mut members = vec![(PG_NAMESPACE_CLASS, STRATA)];
    let relations = crate::shapes::system_relations().iter().filter(|relation| relation.schema == STRATA);
    members.extend(relations.map(|relation| (PG_CLASS_CLASS, relation.oid)));
    members.extend(functions_of(STRATA));
    members
}

fn members_of_vector() -> Vec<(u32, u32)> {
    let types = super::types().iter().filter(|row| row.schema == VECTOR && !row.is_array());
    let mut members: Vec<(u32, u32)> = types.map(|row| (PG_TYPE_CLASS, row.oid)).collect();
    members.extend(functions_of(VECTOR));
    let operators = super::operators().iter().filter(|row| row.schema == VECTOR);
    members.extend(operators.map(|row| (PG_OPERATOR_CLASS, row.oid)));
    let of_extension = |oid: u32| super::type_by_oid(oid).is_some_and(|row| row.schema == VECTOR);
    let casts = super::casts().iter().filter(|row| of_extension(row.source) || of_extension(row.target));
    members.extend(casts.map(|row| (PG_CAST_CLASS, row.oid)));
    let methods = super::access_methods().iter().filter(|row| row.schema() == VECTOR);
    members.extend(methods.map(|row| (PG_AM_CLASS, row.oid)));
    let families = super::operator_families().iter().filter(|row| row.schema == VECTOR);
    members.extend(families.map(|row| (PG_OPFAMILY_CLASS, row.oid)));
    let classes = super::operator_classes().iter().filter(|row| row.schema == VECTOR);
    members.extend(classes.map(|row| (PG_OPCLASS_CLASS, row.oid)));
    members
}
