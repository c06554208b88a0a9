//! Keys of `jsonb`: PostgreSQL's order of JSON values.
//!
//! Object > array > boolean > number > string > null; more pairs or elements before fewer, then pair by pair, element
//! by element. An empty array that is the whole value sorts below everything, as it does in PostgreSQL.

use crate::error::Result;

use super::super::json::Json;

const EMPTY_DOCUMENT: u8 = 0;
const NULL: u8 = 1;
const STRING: u8 = 2;
const NUMBER: u8 = 3;
const BOOLEAN: u8 = 4;
const ARRAY: u8 = 5;
const OBJECT: u8 = 6;

pub(super) fn append(text: &str, out: &mut Vec<u8>) -> Result<()> {
    let document = Json::parse(text)?;
    if matches!(&document, Json::Array(elements) if elements.is_empty()) {
        out.push(EMPTY_DOCUMENT);
        return Ok(());
    }
    append_value(&document, out);
    Ok(())
}

fn append_value(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.push(NULL),
        Json::String(text) => {
            out.push(STRING);
            super::append_escaped(text.as_bytes(), out);
        }
        Json::Number(number) => {
            out.push(NUMBER);
            super::number::append_numeric(number, out);
        }
        Json::Bool(value) => out.extend_from_slice(&[BOOLEAN, u8::from(*value)]),
        Json::Array(elements) => {
            out.push(ARRAY);
            out.extend_from_slice(&(elements.len() as u32).to_be_bytes());
            for element in elements {
                append_value(element, out);
            }
        }
        Json::Object(pairs) => {
            out.push(OBJECT);
            out.extend_from_slice(&(pairs.len() as u32).to_be_bytes());
            for (key, value) in pairs {
                super::append_escaped(key.as_bytes(), out);
                append_value(value, out);
            }
        }
    }
}
