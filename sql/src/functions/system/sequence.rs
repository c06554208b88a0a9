//! nextval, currval, lastval, setval, and which sequence feeds a column.

use engine::Value;

use super::name::{find_relation, qualified};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;

fn set_value(context: &Context, sequence: u32, value: i64) -> Result<i64> {
    set_value_called(context, sequence, value, true)
}

fn set_value_called(context: &Context, sequence: u32, value: i64, called: bool) -> Result<i64> {
    context.environment.set_value(sequence, value, called)?;
    Ok(value)
}

/// The sequence that goes down with a column, as text that finds it.
fn serial_sequence(context: &Context, table: &str, column: &str) -> Result<Option<String>> {
    let relation = find_relation(context, table)?;
    let number = relation.column_by_name(column).map(|column| column.number).ok_or_else(|| {
        Error::new(
            SqlState::UndefinedColumn,
            format!("column \"{column}\" of relation \"{}\" does not exist", relation.name),
        )
    })?;
    let catalog = context.environment.catalog();
    let owned = catalog.owned_sequences(context.environment.database(), relation.oid).find(|sequence| {
        sequence.as_sequence().and_then(|sequence| sequence.owned_by) == Some((relation.oid, number))
    });
    Ok(owned.map(|sequence| qualified(context, sequence)))
}

/// last_value of a sequence's parameters: start, minimum, maximum, increment, cycle, cache, type.
fn parameters(context: &Context, sequence: u32) -> Result<Value> {
    let catalog = context.environment.catalog();
    let relation = catalog.relation(context.environment.database(), sequence);
    let Some(sequence) = relation.and_then(|relation| relation.as_sequence()) else { return Ok(Value::Null) };
    use crate::types::oid;
    let fields = vec![
        (oid::INT8, Value::Int64(sequence.start)),
        (oid::INT8, Value::Int64(sequence.minimum)),
        (oid::INT8, Value::Int64(sequence.maximum)),
        (oid::INT8, Value::Int64(sequence.increment)),
        (oid::BOOL, Value::Bool(sequence.cycle)),
        (oid::INT8, Value::Int64(sequence.cache)),
        (oid::OID, Value::UInt32(sequence.type_oid)),
    ];
    Ok(crate::types::record::Record::new(fields).to_value())
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // nextval(regclass)
    (1574, contextual!(|context: &Context, sequence| context.environment.next_value(sequence), u32)),
    // currval(regclass)
    (1575, contextual!(|context: &Context, sequence| context.environment.current_value(sequence), u32)),
    // lastval()
    (2559, contextual!(|context: &Context| context.environment.last_value())),
    // setval(regclass,int8)
    (1576, contextual!(set_value, u32, i64)),
    // setval(regclass,int8,bool)
    (1765, contextual!(set_value_called, u32, i64, bool)),
    // pg_get_serial_sequence(text,text)
    (1665, contextual!(serial_sequence, &str, &str)),
    // pg_sequence_parameters(oid)
    (3078, contextual!(parameters, u32)),
];
