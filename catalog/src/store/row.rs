//! An object as a row of the catalog's table.
//!
//! Format: column 1 the object's key as text, 2 its unique name or NULL, 3 the format number, 4 the object as JSON.
//! Index 1 is the clustering key over column 1, index 2 is unique over column 2.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use engine::{ColumnId, IndexId, IndexSchema, NewRow, PhysicalType, TableSchema, Value};

use super::Error;
use crate::object::{FORMAT, Object, ObjectKey};

pub const KEY: ColumnId = ColumnId(1);
pub const NAME: ColumnId = ColumnId(2);
pub const FORMAT_COLUMN: ColumnId = ColumnId(3);
pub const BODY: ColumnId = ColumnId(4);
pub const KEY_INDEX: IndexId = IndexId(1);
pub const NAME_INDEX: IndexId = IndexId(2);

/// The table's shape.
pub fn schema() -> TableSchema {
    TableSchema {
        columns: vec![
            (KEY, PhysicalType::Text),
            (NAME, PhysicalType::Text),
            (FORMAT_COLUMN, PhysicalType::Int32),
            (BODY, PhysicalType::Text),
        ],
        indexes: vec![
            IndexSchema { id: KEY_INDEX, unique: true, primary: true },
            IndexSchema { id: NAME_INDEX, unique: true, primary: false },
        ],
        ..TableSchema::default()
    }
}

/// The key's bytes in index 1.
pub fn key_bytes(key: &ObjectKey) -> Vec<u8> {
    key.text().into_bytes()
}

/// The row of an object.
pub fn encode(object: &Object) -> Result<NewRow, Error> {
    let key = object.key();
    let body = serde_json::to_string(object)
        .map_err(|error| Error::Corrupted { key: key.text(), reason: error.to_string() })?;
    let name = object.unique_name();
    let format = i32::try_from(FORMAT).unwrap_or(i32::MAX);
    let mut keys = vec![(KEY_INDEX, key_bytes(&key), true)];
    if let Some(name) = &name {
        keys.push((NAME_INDEX, name.clone().into_bytes(), true));
    }
    let values = vec![
        Value::from(key.text()),
        name.map_or(Value::Null, Value::from),
        Value::Int32(format),
        Value::Text(Arc::from(body)),
    ];
    Ok(NewRow { values, keys })
}

/// Reads the objects of a batch of key, format and body.
pub fn decode(batch: &RecordBatch, objects: &mut Vec<Object>) -> Result<(), Error> {
    let damaged = |key: &str, reason: String| Error::Corrupted { key: key.to_string(), reason };
    let [keys, formats, bodies] = batch.columns() else {
        return Err(damaged("", "a batch of another width".to_string()));
    };
    let (Some(keys), Some(formats), Some(bodies)) =
        (keys.as_string_opt::<i32>(), formats.as_primitive_opt::<Int32Type>(), bodies.as_string_opt::<i32>())
    else {
        return Err(damaged("", "columns of other types".to_string()));
    };
    for row in 0..batch.num_rows() {
        let key = keys.value(row);
        if formats.is_null(row) || formats.value(row) != i32::try_from(FORMAT).unwrap_or(i32::MAX) {
            return Err(damaged(key, format!("format {}, not {FORMAT}", formats.value(row))));
        }
        let object: Object =
            serde_json::from_str(bodies.value(row)).map_err(|error| damaged(key, error.to_string()))?;
        if object.key().text() != key {
            return Err(damaged(key, "the row holds another object".to_string()));
        }
        objects.push(object);
    }
    Ok(())
}
