//! Names of objects: resolving them as SQL does, and writing them so that they find their object.

use std::sync::Arc;

use catalog::Relation;
use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;
use crate::functions::string::quote::{parse_identifier, quote_identifier};
use crate::functions::text_form::input;
use crate::types::{format_type, oid};

/// The relation of a name, qualified or found by the search path.
pub(super) fn find_relation(context: &Context, name: &str) -> Result<Arc<Relation>> {
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let parts =
        parse_identifier(name, true).map_err(|_| Error::new(SqlState::InvalidName, "invalid name syntax"))?;
    let found = match parts.as_slice() {
        [relation] => catalog.find_relation(database, &context.settings.search_path, relation),
        [schema, relation] | [_, schema, relation] => catalog
            .schema_by_name(database, schema)
            .and_then(|schema| catalog.relation_by_name(database, schema.oid, relation)),
        _ => None,
    };
    found
        .cloned()
        .ok_or_else(|| Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist")))
}

/// `schema.name` of a relation, quoted where needed.
pub(super) fn qualified(context: &Context, relation: &Relation) -> String {
    let catalog = context.environment.catalog();
    let schema = catalog.schema(context.environment.database(), relation.schema);
    let schema = schema.map_or_else(|| "pg_catalog".to_owned(), |schema| schema.name.to_string());
    format!("{}.{}", quote_identifier(&schema), quote_identifier(&relation.name))
}

/// What the input function of a `reg…` type gives, or NULL where there is no such object.
fn lookup(context: &Context, ty: u32, name: &str) -> Result<Option<u32>> {
    // A number is no name here, though the input functions take one.
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match input(context, ty, name) {
        Ok(Value::UInt32(0)) if name == "-" => Ok(None),
        Ok(Value::UInt32(found)) => Ok(Some(found)),
        Ok(_) => Ok(None),
        Err(error) => match error.state() {
            SqlState::UndefinedTable
            | SqlState::UndefinedObject
            | SqlState::UndefinedFunction
            | SqlState::InvalidSchemaName
            | SqlState::AmbiguousFunction => Ok(None),
            _ => Err(error),
        },
    }
}

fn to_class(context: &Context, name: &str) -> Result<u32> {
    match input(context, oid::REGCLASS, name)? {
        Value::UInt32(found) => Ok(found),
        _ => Err(Error::internal("a regclass is no oid")),
    }
}

/// format_type: not strict, a NULL typmod means none.
fn type_name(context: &Context, ty: Option<u32>, typmod: Option<i32>) -> Option<String> {
    let ty = ty?;
    if ty == 0 {
        return Some("-".to_owned());
    }
    let names = context.environment.names();
    Some(match typmod {
        Some(typmod) => format_type(ty, typmod, &*names),
        None => crate::types::type_name(ty, &*names),
    })
}

fn role_name(context: &Context, role: u32) -> String {
    let catalog = context.environment.catalog();
    catalog.role(role).map_or_else(|| format!("unknown (OID={role})"), |role| role.name.to_string())
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // to_regclass(text)
    (3495, contextual!(|context, name| lookup(context, oid::REGCLASS, name), &str)),
    // to_regtype(text)
    (3493, contextual!(|context, name| lookup(context, oid::REGTYPE, name), &str)),
    // to_regnamespace(text)
    (4086, contextual!(|context, name| lookup(context, oid::REGNAMESPACE, name), &str)),
    // to_regrole(text)
    (4093, contextual!(|context, name| lookup(context, oid::REGROLE, name), &str)),
    // to_regproc(text)
    (3494, contextual!(|context, name| lookup(context, oid::REGPROC, name), &str)),
    // to_regprocedure(text)
    (3479, contextual!(|context, name| lookup(context, oid::REGPROCEDURE, name), &str)),
    // to_regoper(text)
    (3492, contextual!(|context, name| lookup(context, oid::REGOPER, name), &str)),
    // to_regoperator(text)
    (3476, contextual!(|context, name| lookup(context, oid::REGOPERATOR, name), &str)),
    // to_regcollation(text)
    (4195, contextual!(|context, name| lookup(context, oid::REGCOLLATION, name), &str)),
    // regclass(text)
    (1079, contextual!(to_class, &str)),
    // format_type(oid,int4)
    (1081, contextual!(type_name, Option<u32>, Option<i32>)),
    // pg_get_userbyid(oid)
    (1642, contextual!(role_name, u32)),
];
