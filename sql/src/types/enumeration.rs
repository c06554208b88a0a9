//! Values of enums: the order of their label, which stays when labels are renamed or come between.
//!
//! Stored form: a marker byte and the order, eight bytes big-endian, so that bytes compare as values do.

use std::sync::Arc;

use engine::Value;

use super::settings::{Names, TypeShape};
use super::stored::{ENUM, corrupted};
use crate::error::{Error, Result, SqlState};

/// The distance between the orders of labels made together.
pub const STEP: u64 = 1 << 32;

/// The value of an order.
pub fn value(order: u64) -> Value {
    let mut bytes = vec![ENUM];
    bytes.extend_from_slice(&order.to_be_bytes());
    Value::Bytes(Arc::from(bytes))
}

/// Whether bytes of a user-made type are an enum's.
pub fn is_enum(bytes: &[u8]) -> bool {
    bytes.first() == Some(&ENUM)
}

/// The order that a stored value holds.
pub fn order(bytes: &[u8]) -> Result<u64> {
    match bytes.split_first_chunk::<1>() {
        Some(([ENUM], rest)) => match <[u8; 8]>::try_from(rest) {
            Ok(order) => Ok(u64::from_be_bytes(order)),
            Err(_) => Err(corrupted()),
        },
        _ => Err(corrupted()),
    }
}

/// The label of a value.
pub fn label(type_oid: u32, bytes: &[u8], names: &dyn Names) -> Result<String> {
    let order = order(bytes)?;
    let labels = match names.shape(type_oid) {
        Some(TypeShape::Enum { labels }) => labels,
        Some(_) | None => Vec::new(),
    };
    let found = labels.into_iter().find(|(known, _)| *known == order).map(|(_, label)| label);
    found.ok_or_else(|| {
        Error::new(SqlState::InvalidBinaryRepresentation, format!("invalid internal value for enum: {order}"))
    })
}

/// The value of a label.
pub fn input(labels: &[(u64, String)], type_name: &str, text: &str) -> Result<Value> {
    match labels.iter().find(|(_, label)| label == text) {
        Some((order, _)) => Ok(value(*order)),
        None => Err(Error::new(
            SqlState::InvalidTextRepresentation,
            format!("invalid input value for enum {type_name}: \"{text}\""),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_as_their_orders_and_damage_is_told() {
        let (Value::Bytes(low), Value::Bytes(high)) = (value(STEP), value(STEP + 1)) else {
            panic!("an enum is bytes");
        };
        assert!(low < high);
        assert_eq!(order(&high).unwrap(), STEP + 1);
        assert!(order(&high[..5]).is_err());
        assert!(order(b"").is_err());
    }
}
