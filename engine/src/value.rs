//! One value of one column, as the engine stores it and as the layers above compute with it.
//!
//! The engine knows physical types only. What a PostgreSQL type means (numeric inside `Bytes`, an interval inside
//! `Fixed16`) is the business of `sql`; the engine stores, logs, and returns exactly what it was given.

use std::sync::Arc;

/// The physical type of a column: fixed for the life of its column id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PhysicalType {
    Bool = 1,
    Int16 = 2,
    Int32 = 3,
    Int64 = 4,
    UInt32 = 5,
    Float32 = 6,
    Float64 = 7,
    /// Sixteen opaque bytes: uuid, interval.
    Fixed16 = 8,
    /// UTF-8 text.
    Text = 9,
    /// Bytes of any length.
    Bytes = 10,
}

impl PhysicalType {
    /// The type named by its stored tag, or `None` for a tag of no known version.
    pub fn from_tag(tag: u8) -> Option<PhysicalType> {
        Some(match tag {
            1 => PhysicalType::Bool,
            2 => PhysicalType::Int16,
            3 => PhysicalType::Int32,
            4 => PhysicalType::Int64,
            5 => PhysicalType::UInt32,
            6 => PhysicalType::Float32,
            7 => PhysicalType::Float64,
            8 => PhysicalType::Fixed16,
            9 => PhysicalType::Text,
            10 => PhysicalType::Bytes,
            _ => return None,
        })
    }

    /// The Arrow type of a column of this type.
    pub fn arrow(self) -> arrow_schema::DataType {
        use arrow_schema::DataType;
        match self {
            PhysicalType::Bool => DataType::Boolean,
            PhysicalType::Int16 => DataType::Int16,
            PhysicalType::Int32 => DataType::Int32,
            PhysicalType::Int64 => DataType::Int64,
            PhysicalType::UInt32 => DataType::UInt32,
            PhysicalType::Float32 => DataType::Float32,
            PhysicalType::Float64 => DataType::Float64,
            PhysicalType::Fixed16 => DataType::FixedSizeBinary(16),
            PhysicalType::Text => DataType::Utf8,
            PhysicalType::Bytes => DataType::Binary,
        }
    }
}

/// A value. Cloning never copies text or bytes.
///
/// Equality is of representation, not of SQL: two numerics that SQL holds equal may differ here.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    UInt32(u32),
    Float32(f32),
    Float64(f64),
    Fixed16([u8; 16]),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
}

impl Value {
    /// Whether this is SQL's NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The physical type of the value; `None` for NULL, which has every type.
    pub fn physical_type(&self) -> Option<PhysicalType> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => PhysicalType::Bool,
            Value::Int16(_) => PhysicalType::Int16,
            Value::Int32(_) => PhysicalType::Int32,
            Value::Int64(_) => PhysicalType::Int64,
            Value::UInt32(_) => PhysicalType::UInt32,
            Value::Float32(_) => PhysicalType::Float32,
            Value::Float64(_) => PhysicalType::Float64,
            Value::Fixed16(_) => PhysicalType::Fixed16,
            Value::Text(_) => PhysicalType::Text,
            Value::Bytes(_) => PhysicalType::Bytes,
        })
    }

    /// The text, for `Text` alone.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, for `Bytes` alone.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Arc::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Arc::from(text))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Value {
        Value::Bytes(Arc::from(bytes))
    }
}
