//! Cells of the catalog as values of their column's type.

use catalog::system::Cell;
use engine::{PhysicalType, Value};

use crate::error::{Error, Result};
use crate::types::array::Array;
use crate::types::{self, InputSettings, NoNames, oid};

/// The value of a cell in a column of a type.
pub fn value(cell: &Cell, type_oid: u32) -> Result<Value> {
    Ok(match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int16(number) => integer(i64::from(*number), type_oid),
        Cell::Int32(number) => integer(i64::from(*number), type_oid),
        Cell::Int64(number) => integer(*number, type_oid),
        Cell::Float32(number) => Value::Float32(*number),
        Cell::Float64(number) => Value::Float64(*number),
        Cell::Oid(number) => match types::physical(type_oid) {
            PhysicalType::UInt32 => Value::UInt32(*number),
            _ => integer(i64::from(*number), type_oid),
        },
        Cell::Char('\0') => Value::from(""),
        Cell::Char(letter) => Value::from(letter.to_string()),
        Cell::Text(text) => text_value(text, type_oid)?,
        Cell::Timestamp(micros) => Value::Int64(*micros),
        Cell::Interval(micros) => {
            let mut bytes = [0; 16];
            if let Some(last) = bytes.get_mut(8..) {
                last.copy_from_slice(&micros.to_le_bytes());
            }
            Value::Fixed16(bytes)
        }
        Cell::Int2Vector(numbers) => {
            let text: Vec<String> = numbers.iter().map(i16::to_string).collect();
            read(oid::INT2VECTOR, &text.join(" "))?
        }
        Cell::OidVector(numbers) => {
            let text: Vec<String> = numbers.iter().map(u32::to_string).collect();
            read(oid::OIDVECTOR, &text.join(" "))?
        }
        Cell::Array(cells) => {
            let element = types::oid::element_of(type_oid)
                .ok_or_else(|| Error::internal(format!("type {type_oid} is no array type")))?;
            let elements = cells.iter().map(|cell| value(cell, element)).collect::<Result<Vec<_>>>()?;
            Array::from_elements(element, elements).to_value()
        }
        Cell::Stored(value) => value.clone(),
        Cell::Expression(text) => Value::from(text.as_str()),
    })
}

fn integer(number: i64, type_oid: u32) -> Value {
    match types::physical(type_oid) {
        PhysicalType::Int16 => Value::Int16(number as i16),
        PhysicalType::Int32 => Value::Int32(number as i32),
        PhysicalType::UInt32 => Value::UInt32(number as u32),
        PhysicalType::Float32 => Value::Float32(number as f32),
        PhysicalType::Float64 => Value::Float64(number as f64),
        _ => Value::Int64(number),
    }
}

/// Text for a column that may hold something else than text.
fn text_value(text: &str, type_oid: u32) -> Result<Value> {
    match types::physical(type_oid) {
        PhysicalType::Text => Ok(Value::from(text)),
        _ => read(type_oid, text),
    }
}

fn read(type_oid: u32, text: &str) -> Result<Value> {
    let settings = InputSettings::new(&Default::default(), 0, &NoNames);
    types::input(type_oid, -1, text, &settings)
}
