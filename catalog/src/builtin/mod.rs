//! What every database has from birth: types, functions, operators, casts, aggregates, operator classes, collations
//! and the shapes of the system relations, with PostgreSQL 15's own oids.
//!
//! Descriptions are data (`catalog/data/*.tsv`, made by `extract.sql`), loaded once; implementations stand in `sql`,
//! keyed by these oids. What the catalog shows works; what does not work is not shown.

mod access_methods;
mod aggregates;
mod casts;
mod extension;
mod functions;
mod miscellany;
mod operators;
mod tsv;
mod types;

pub use access_methods::{
    AccessMethodRow, BTREE, FamilyFunctionRow, FamilyOperatorRow, HASH, HNSW, IVFFLAT, OperatorClassRow,
    OperatorFamilyRow, access_methods, default_operator_class, equality_operator, family_functions,
    family_operators, operator_class, operator_classes, operator_families, operator_family,
    ordering_function,
};
pub use aggregates::{AggregateRow, aggregate, aggregates};
pub use casts::{CastContext, CastMethod, CastRow, cast, casts};
pub use extension::{ExtensionRow, available_extension, available_extensions, extension_members};
pub use functions::{FunctionKind, FunctionRow, Volatility, function_by_oid, functions, functions_by_name};
pub use miscellany::{
    CollationRow, LanguageRow, collation_by_name, collation_by_oid, collations, description, descriptions,
    languages,
};
pub use operators::{OperatorRow, operator, operator_by_oid, operators, operators_by_name};
pub(crate) use tsv::Table;
pub use types::{
    ARRAY_SUBSCRIPT, TypeRow, base_type, extension_type_by_name, type_by_name, type_by_oid, types,
};

/// Oid of schema pg_catalog.
pub const PG_CATALOG: u32 = 11;
/// Oid of schema pg_toast.
pub const PG_TOAST: u32 = 99;
/// Oid of schema public, in every database.
pub const PUBLIC: u32 = 2200;
/// Oid of schema information_schema.
pub const INFORMATION_SCHEMA: u32 = 13207;
/// Oid of schema strata: what PostgreSQL does not have. Its functions have oids from 9000, which PostgreSQL leaves free.
pub const STRATA: u32 = 9002;
/// Oid of extension strata, which every database has and none can lose.
pub const STRATA_EXTENSION: u32 = 9003;
/// Stands, in the descriptions of what the extension vector brings, for the schema that a database has it in.
pub const VECTOR: u32 = 8190;
/// Oid of the superuser postgres.
pub const BOOTSTRAP_ROLE: u32 = 10;
/// Oid of pg_class, as the class of relations in pg_depend and pg_description.
pub const PG_CLASS_CLASS: u32 = 1259;
/// Oid of pg_proc, as the class of functions.
pub const PG_PROC_CLASS: u32 = 1255;
/// Oid of pg_type, as the class of types.
pub const PG_TYPE_CLASS: u32 = 1247;
/// Oid of pg_namespace, as the class of schemas.
pub const PG_NAMESPACE_CLASS: u32 = 2615;
/// Oid of pg_constraint, as the class of constraints.
pub const PG_CONSTRAINT_CLASS: u32 = 2606;
/// Oid of pg_attrdef, as the class of defaults.
pub const PG_ATTRDEF_CLASS: u32 = 2604;
/// Oid of pg_rewrite, as the class of view rules.
pub const PG_REWRITE_CLASS: u32 = 2618;
/// Oid of pg_database, as the class of databases.
pub const PG_DATABASE_CLASS: u32 = 1262;
/// Oid of pg_authid, as the class of roles.
pub const PG_AUTHID_CLASS: u32 = 1260;
/// Oid of pg_extension, as the class of extensions.
pub const PG_EXTENSION_CLASS: u32 = 3079;
/// Oid of pg_am, as the class of access methods.
pub const PG_AM_CLASS: u32 = 2601;
/// Oid of pg_cast, as the class of casts.
pub const PG_CAST_CLASS: u32 = 2605;
/// Oid of pg_opclass, as the class of operator classes.
pub const PG_OPCLASS_CLASS: u32 = 2616;
/// Oid of pg_operator, as the class of operators.
pub const PG_OPERATOR_CLASS: u32 = 2617;
/// Oid of pg_opfamily, as the class of operator families.
pub const PG_OPFAMILY_CLASS: u32 = 2753;
/// Oid of pg_default_acl, as the class of default privileges.
pub const PG_DEFAULT_ACL_CLASS: u32 = 826;
/// Oid of the tablespace pg_default.
pub const DEFAULT_TABLESPACE: u32 = 1663;
/// Oid of the tablespace pg_global.
pub const GLOBAL_TABLESPACE: u32 = 1664;
/// Oid of the collation "default".
pub const DEFAULT_COLLATION: u32 = 100;

pub(crate) const TEXT: u32 = 25;
pub(crate) const OID: u32 = 26;
pub(crate) const VARCHAR: u32 = 1043;
pub(crate) const RECORD: u32 = 2249;
pub(crate) const ANYARRAY: u32 = 2277;

#[cfg(test)]
mod tests;
