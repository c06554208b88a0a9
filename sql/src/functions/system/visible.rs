//! Whether an object is found by its name alone: the pg_*_is_visible family.

use catalog::builtin;

use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;

/// NULL for an oid of no object, as PostgreSQL answers since its catalogs may change under a query.
fn table(context: &Context, oid: u32) -> Option<bool> {
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let relation = catalog.relation(database, oid)?;
    Some(catalog.is_visible(database, &context.settings.search_path, relation))
}

fn type_(context: &Context, oid: u32) -> Option<bool> {
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let row = catalog.type_by_oid(database, oid)?;
    let mut schemas = catalog.search_schemas(database, &context.settings.search_path).into_iter();
    let first = schemas.find_map(|schema| catalog.type_by_name(database, schema, &row.name));
    Some(first.is_some_and(|first| first.oid == oid))
}

/// A described object is visible where its schema is searched.
fn in_searched_schema(context: &Context, schema: Option<u32>) -> Option<bool> {
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let schemas = catalog.search_schemas(database, &context.settings.search_path);
    schema.and_then(|schema| catalog.placed(database, schema)).map(|schema| schemas.contains(&schema))
}

fn function(context: &Context, oid: u32) -> Option<bool> {
    in_searched_schema(context, builtin::function_by_oid(oid).map(|row| row.schema))
}

fn operator(context: &Context, oid: u32) -> Option<bool> {
    in_searched_schema(context, builtin::operator_by_oid(oid).map(|row| row.schema))
}

fn operator_class(context: &Context, oid: u32) -> Option<bool> {
    in_searched_schema(context, builtin::operator_class(oid).map(|row| row.schema))
}

fn operator_family(context: &Context, oid: u32) -> Option<bool> {
    in_searched_schema(context, builtin::operator_family(oid).map(|row| row.schema))
}

fn collation(context: &Context, oid: u32) -> Option<bool> {
    in_searched_schema(context, builtin::collation_by_oid(oid).map(|_| builtin::PG_CATALOG))
}

/// Kinds of object of which there are none.
fn none(_: &Context, _: u32) -> Option<bool> {
    None
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // pg_table_is_visible(oid)
    (2079, contextual!(table, u32)),
    // pg_type_is_visible(oid)
    (2080, contextual!(type_, u32)),
    // pg_function_is_visible(oid)
    (2081, contextual!(function, u32)),
    // pg_operator_is_visible(oid)
    (2082, contextual!(operator, u32)),
    // pg_opclass_is_visible(oid)
    (2083, contextual!(operator_class, u32)),
    // pg_opfamily_is_visible(oid)
    (3829, contextual!(operator_family, u32)),
    // pg_collation_is_visible(oid)
    (3815, contextual!(collation, u32)),
    // pg_conversion_is_visible(oid)
    (2093, contextual!(none, u32)),
    // pg_ts_parser_is_visible(oid)
    (3756, contextual!(none, u32)),
    // pg_ts_dict_is_visible(oid)
    (3757, contextual!(none, u32)),
    // pg_ts_template_is_visible(oid)
    (3768, contextual!(none, u32)),
    // pg_ts_config_is_visible(oid)
    (3758, contextual!(none, u32)),
    // pg_statistics_obj_is_visible(oid)
    (3403, contextual!(none, u32)),
];
