//! content_hash(any): BLAKE3 over a value's canonical form.
//!
//! Values that are equal by their type's equality have one hash (numeric 1.0 and 1.00), values of different types have
//! different ones (1 and 1::bigint), and so have values that are not equal. text and varchar are one type here, as they
//! have one equality. The hash of a row is over its fields in order, with their types; a NULL in it counts.
//!
//! Format: a NULL is the byte 0. Anything else is the byte 1, the name of its type, and its comparison key; the last two
//! with their lengths in eight bytes, little-endian. A record has instead of a key the number of its fields, in eight
//! bytes, and then each field in this format; json, which has no equality, its text; a type that a user made the text of
//! its value, because its keys are those of this database alone.

use engine::Value;

use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::registry::Scalars;
use crate::types::record::Record;
use crate::types::{self, OutputSettings, format_type, key, oid};

/// Oids below this are built in, the same in every database.
const FIRST_MADE: u32 = 16_384;

fn content_hash(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(value) = arguments.first() else { return Ok(Value::Null) };
    let mut hasher = blake3::Hasher::new();
    feed(context, call.argument(0), value, &mut hasher)?;
    Ok(Value::from(hasher.finalize().as_bytes().to_vec()))
}

fn feed(context: &Context, ty: u32, value: &Value, hasher: &mut blake3::Hasher) -> Result<()> {
    if value.is_null() {
        hasher.update(&[0]);
        return Ok(());
    }
    hasher.update(&[1]);
    let names = context.environment.names();
    let is_record = matches!(value, Value::Bytes(_)) && is_record(context, ty);
    let name = match ty {
        oid::VARCHAR | oid::UNKNOWN => "text".to_string(),
        _ if is_record => "record".to_string(),
        _ => format_type(ty, -1, &*names),
    };
    feed_bytes(name.as_bytes(), hasher);
    if is_record {
        let columns = Record::from_value(value)?.columns;
        hasher.update(&(columns.len() as u64).to_le_bytes());
        return columns.iter().try_for_each(|(ty, value)| feed(context, *ty, value, hasher));
    }
    let mut bytes = Vec::new();
    match (ty, value) {
        (oid::JSON, Value::Text(text)) => bytes.extend_from_slice(text.as_bytes()),
        _ if ty >= FIRST_MADE => {
            let settings = OutputSettings::new(&context.settings, &*names);
            bytes.extend_from_slice(types::output(ty, value, &settings)?.as_bytes());
        }
        _ => key::append(ty, value, &mut bytes)?,
    }
    feed_bytes(&bytes, hasher);
    Ok(())
}

/// Whether the values of a type are rows.
fn is_record(context: &Context, ty: u32) -> bool {
    let (catalog, database) = (context.environment.catalog(), context.environment.database());
    ty == oid::RECORD
        || ty >= FIRST_MADE && catalog.type_by_oid(database, ty).is_some_and(|row| row.relation != 0)
}

fn feed_bytes(bytes: &[u8], hasher: &mut blake3::Hasher) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // content_hash("any")
    (9506, content_hash),
];
