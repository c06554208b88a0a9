//! How a constant is stored, and walks over trees.

/// Serde form of an engine value: a tag and a payload, so that stored expressions outlive changes of this code.
pub mod stored_value {
    use engine::Value;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    enum Stored {
        Null,
        Bool(bool),
        Int16(i16),
        Int32(i32),
        Int64(i64),
        UInt32(u32),
        /// Floats by their bits: NaN and the infinities have no JSON.
        Float32(u32),
        Float64(u64),
        Fixed16([u8; 16]),
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Value::Null => Stored::Null,
            Value::Bool(v) => Stored::Bool(*v),
            Value::Int16(v) => Stored::Int16(*v),
            Value::Int32(v) => Stored::Int32(*v),
            Value::Int64(v) => Stored::Int64(*v),
            Value::UInt32(v) => Stored::UInt32(*v),
            Value::Float32(v) => Stored::Float32(v.to_bits()),
            Value::Float64(v) => Stored::Float64(v.to_bits()),
            Value::Fixed16(v) => Stored::Fixed16(*v),
            Value::Text(v) => Stored::Text(v.to_string()),
            Value::Bytes(v) => Stored::Bytes(v.to_vec()),
        }
        .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Null => Value::Null,
            Stored::Bool(v) => Value::Bool(v),
            Stored::Int16(v) => Value::Int16(v),
            Stored::Int32(v) => Value::Int32(v),
            Stored::Int64(v) => Value::Int64(v),
            Stored::UInt32(v) => Value::UInt32(v),
            Stored::Float32(v) => Value::Float32(f32::from_bits(v)),
            Stored::Float64(v) => Value::Float64(f64::from_bits(v)),
            Stored::Fixed16(v) => Value::Fixed16(v),
            Stored::Text(v) => Value::from(v),
            Stored::Bytes(v) => Value::from(v),
        })
    }
}
