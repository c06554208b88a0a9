//! `int2vector` and `oidvector`: arrays of one dimension that counts from zero, written with blanks between.

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::super::binary::Reader;
use super::super::digits::{append_i64, append_u64};
use super::super::{integer, oid};
use super::{Array, Dimension};

/// An array of the kind that a vector is.
pub fn from_elements(element: u32, elements: Vec<Value>) -> Array {
    let dimension = Dimension { length: elements.len() as i32, lower: 0 };
    Array { element, dimensions: vec![dimension], elements }
}

/// Reads numbers with blanks between them.
pub fn input(type_oid: u32, text: &str) -> Result<Value> {
    let element = if type_oid == oid::INT2VECTOR { oid::INT2 } else { oid::OID };
    let numbers = text
        .split(integer::is_space)
        .filter(|word| !word.is_empty())
        .map(|word| {
            Ok(if element == oid::INT2 {
                Value::Int16(integer::input_int2(word)?)
            } else {
                Value::UInt32(integer::input_oid(word)?)
            })
        })
        .collect::<Result<Vec<Value>>>()?;
    Ok(from_elements(element, numbers).to_value())
}

/// Reads the binary form, which is that of an array.
pub fn receive(element: u32, reader: &mut Reader<'_>) -> Result<Value> {
    let array = Array::receive(element, -1, reader)?;
    let right = array.dimensions.len() <= 1 && !array.has_nulls();
    if !right || array.dimensions.iter().any(|dimension| dimension.lower != 0) {
        let name = if element == oid::INT2 { "int2vector" } else { "oidvector" };
        return Err(Error::new(SqlState::InvalidBinaryRepresentation, format!("invalid {name} data")));
    }
    Ok(from_elements(element, array.elements).to_value())
}

/// Appends numbers with blanks between them.
pub fn append_text(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let array = Array::from_bytes(bytes)?;
    for (number, element) in array.elements.iter().enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        match element {
            Value::Int16(number) => append_i64(i64::from(*number), out),
            Value::UInt32(number) => append_u64(u64::from(*number), out),
            _ => return Err(Error::internal("a vector holds something else than numbers")),
        }
    }
    Ok(())
}
