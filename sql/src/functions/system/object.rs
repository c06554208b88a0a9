//! Facts about relations and values that clients ask for, most of them constant here.

use engine::Value;

use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, contextual};
use crate::functions::registry::{ScalarFunction, Scalars};
use crate::functions::string::basic::int4;

/// NULL: there are no objects of the kind asked about.
const NOTHING: ScalarFunction = |_, _, _| Ok(Value::Null);

/// The file of a relation is named by its oid.
fn file_node(context: &Context, oid: u32) -> Option<u32> {
    let catalog = context.environment.catalog();
    let relation = catalog.relation(context.environment.database(), oid)?;
    relation.as_view().is_none().then_some(relation.oid)
}

/// The events that a table takes: insert, update and delete, or none for what is no table.
fn updatable_events(context: &Context, oid: u32, _triggers: bool) -> i32 {
    let catalog = context.environment.catalog();
    let relation = catalog.relation(context.environment.database(), oid);
    let is_table = relation.is_some_and(|relation| relation.as_table().is_some() && !relation.is_system());
    if is_table { 1 << 2 | 1 << 3 | 1 << 4 } else { 0 }
}

fn column_updatable(context: &Context, oid: u32, number: i16, triggers: bool) -> bool {
    number > 0 && updatable_events(context, oid, triggers) != 0
}

fn is_publishable(context: &Context, oid: u32) -> Option<bool> {
    let catalog = context.environment.catalog();
    let relation = catalog.relation(context.environment.database(), oid)?;
    Some(relation.as_table().is_some() && !relation.is_system())
}

fn replica_identity_index(context: &Context, oid: u32) -> Option<u32> {
    let catalog = context.environment.catalog();
    catalog.primary_key(context.environment.database(), oid).map(|index| index.oid)
}

/// The bytes that a value takes, with the header that PostgreSQL would give it.
fn size(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let bytes = match at::<&Value>(arguments, 0)? {
        Value::Null => return Ok(Value::Null),
        Value::Bool(_) => 1,
        Value::Int16(_) => 2,
        Value::Int32(_) | Value::UInt32(_) | Value::Float32(_) => 4,
        Value::Int64(_) | Value::Float64(_) => 8,
        Value::Fixed16(_) => 16,
        Value::Text(text) => text.len() + if text.len() < 127 { 1 } else { 4 },
        Value::Bytes(bytes) => bytes.len() + if bytes.len() < 127 { 1 } else { 4 },
    };
    Ok(Value::Int32(int4(bytes)))
}

/// The collation that the argument's expression has.
fn collation(_: &Context, call: &Call, _: &[Value]) -> Result<Value> {
    Ok(match call.collation {
        0 => Value::Null,
        100 => Value::from("\"default\""),
        oid => match catalog::builtin::collation_by_oid(oid) {
            Some(row) => Value::from(format!("\"{}\"", row.name)),
            None => Value::Null,
        },
    })
}

/// A property of a column of an index, from 1; NULL for what is no property.
fn index_column_property(context: &Context, index: u32, number: i32, property: &str) -> Option<bool> {
    let catalog = context.environment.catalog();
    let relation = catalog.relation(context.environment.database(), index)?;
    let index = relation.as_index()?;
    let key = index.keys.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
    Some(match property.to_ascii_lowercase().as_str() {
        "asc" => !key.descending,
        "desc" => key.descending,
        "nulls_first" => key.nulls_first,
        "nulls_last" => !key.nulls_first,
        "orderable" | "returnable" | "search_array" | "search_nulls" => true,
        "distance_orderable" => false,
        _ => return None,
    })
}

/// A property of an index as a whole.
fn index_property(context: &Context, index: u32, property: &str) -> Option<bool> {
    let catalog = context.environment.catalog();
    catalog.relation(context.environment.database(), index)?.as_index()?;
    Some(match property.to_ascii_lowercase().as_str() {
        "clusterable" | "index_scan" | "backward_scan" => true,
        "bitmap_scan" => false,
        _ => return None,
    })
}

/// A property of an index access method: of btree, the only one.
fn method_property(_: &Context, method: u32, property: &str) -> Option<bool> {
    if method != 403 {
        return None;
    }
    Some(match property.to_ascii_lowercase().as_str() {
        "can_order" | "can_unique" | "can_multi_col" | "can_include" => true,
        "can_exclude" => false,
        _ => return None,
    })
}

/// Bytes of the longest character of an encoding.
fn longest_character(encoding: i32) -> Option<i32> {
    match encoding {
        6 => Some(4),
        0 | 8..=34 => Some(1),
        _ => None,
    }
}

/// Where a relation would lie, as a path.
fn file_path(context: &Context, oid: u32) -> Option<String> {
    let node = file_node(context, oid)?;
    Some(format!("base/{}/{node}", context.environment.database()))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // pg_get_triggerdef(oid)
    (1662, NOTHING),
    // pg_get_triggerdef(oid,bool)
    (2730, NOTHING),
    // pg_get_partkeydef(oid)
    (3352, NOTHING),
    // pg_get_partition_constraintdef(oid)
    (3408, NOTHING),
    // pg_partition_root(regclass)
    (3424, NOTHING),
    // pg_get_statisticsobjdef(oid)
    (3415, NOTHING),
    // pg_get_statisticsobjdef_columns(oid)
    (6174, NOTHING),
    // pg_get_statisticsobjdef_expressions(oid)
    (6173, NOTHING),
    // pg_get_functiondef(oid)
    (2098, NOTHING),
    // pg_get_function_sqlbody(oid)
    (6197, NOTHING),
    // pg_get_function_arg_default(oid,int4)
    (3808, NOTHING),
    // pg_column_compression(any)
    (2121, NOTHING),
    // pg_collation_actual_version(oid)
    (3448, NOTHING),
    // pg_database_collation_actual_version(oid)
    (6249, NOTHING),
    // pg_tablespace_location(oid)
    (3778, |_, _, _| Ok(Value::from(""))),
    // pg_relation_filenode(regclass)
    (2999, contextual!(file_node, u32)),
    // pg_relation_is_updatable(regclass,bool)
    (3842, contextual!(updatable_events, u32, bool)),
    // pg_column_is_updatable(regclass,int2,bool)
    (3843, contextual!(column_updatable, u32, i16, bool)),
    // pg_relation_is_publishable(regclass)
    (6121, contextual!(is_publishable, u32)),
    // pg_get_replica_identity_index(regclass)
    (6120, contextual!(replica_identity_index, u32)),
    // row_security_active(oid)
    (3298, |_, _, _| Ok(Value::Bool(false))),
    // row_security_active(text)
    (3299, |_, _, _| Ok(Value::Bool(false))),
    // pg_column_size(any)
    (1269, size),
    // pg_collation_for(any)
    (3162, collation),
    // pg_index_column_has_property(regclass,int4,text)
    (638, contextual!(index_column_property, u32, i32, &str)),
    // pg_index_has_property(regclass,text)
    (637, contextual!(index_property, u32, &str)),
    // pg_indexam_has_property(oid,text)
    (636, contextual!(method_property, u32, &str)),
    // pg_relation_filepath(regclass)
    (3034, contextual!(file_path, u32)),
    // pg_encoding_max_length(int4)
    (2319, contextual!(|_: &Context, encoding: i32| longest_character(encoding), i32)),
];
