//! Rows out of json and jsonb: elements, keys, fields.

use engine::Value;

use super::array::column;
use super::{Family, Rows};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::at;
use crate::functions::json::access::to_text;
use crate::functions::json::raw::{Parts, parse};
use crate::types::json::Json;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// Rows of a key and a value.
fn pairs(mut rows: impl Iterator<Item = (String, Value)> + Send + 'static) -> Result<Box<dyn Rows>> {
    Ok(Box::new(move |_: &Context| Ok(rows.next().map(|(key, value)| vec![Value::from(key), value]))))
}

fn raw_elements(values: &[Value], as_text: bool) -> Result<Box<dyn Rows>> {
    let name = if as_text { "json_array_elements_text" } else { "json_array_elements" };
    let elements = match parse(at(values, 0)?)?.parts {
        Parts::Array(elements) => elements,
        Parts::Object(_) => return Err(invalid(format!("cannot call {name} on a non-array"))),
        Parts::Scalar => return Err(invalid(format!("cannot call {name} on a scalar"))),
    };
    let values = elements
        .iter()
        .map(|element| if as_text { element.as_text().map(optional) } else { Ok(Value::from(element.text)) });
    column(values.collect::<Result<Vec<Value>>>()?.into_iter())
}

fn elements(values: &[Value], as_text: bool) -> Result<Box<dyn Rows>> {
    match at::<Json>(values, 0)? {
        Json::Array(elements) => column(elements.into_iter().map(move |element| shown(element, as_text))),
        Json::Object(_) => Err(invalid("cannot extract elements from an object")),
        _ => Err(invalid("cannot extract elements from a scalar")),
    }
}

fn shown(json: Json, as_text: bool) -> Value {
    if as_text { optional(to_text(json)) } else { Value::from(json.to_text()) }
}

fn raw_each(values: &[Value], as_text: bool) -> Result<Box<dyn Rows>> {
    let fields = match parse(at(values, 0)?)?.parts {
        Parts::Object(fields) => fields,
        Parts::Array(_) => return Err(invalid("cannot deconstruct an array as an object")),
        Parts::Scalar => return Err(invalid("cannot deconstruct a scalar")),
    };
    let rows = fields.into_iter().map(|(key, value)| {
        let value = if as_text { optional(value.as_text()?) } else { Value::from(value.text) };
        Ok((key, value))
    });
    pairs(rows.collect::<Result<Vec<_>>>()?.into_iter())
}

fn each(values: &[Value], as_text: bool) -> Result<Box<dyn Rows>> {
    match at::<Json>(values, 0)? {
        Json::Object(fields) => {
            pairs(fields.into_iter().map(move |(key, value)| (key, shown(value, as_text))))
        }
        _ => {
            let name = if as_text { "jsonb_each_text" } else { "jsonb_each" };
            Err(invalid(format!("cannot call {name} on a non-object")))
        }
    }
}

fn raw_keys(values: &[Value]) -> Result<Box<dyn Rows>> {
    match parse(at(values, 0)?)?.parts {
        Parts::Object(fields) => {
            let keys: Vec<Value> = fields.into_iter().map(|(key, _)| Value::from(key)).collect();
            column(keys.into_iter())
        }
        Parts::Array(_) => Err(invalid("cannot call json_object_keys on an array")),
        Parts::Scalar => Err(invalid("cannot call json_object_keys on a scalar")),
    }
}

fn keys(values: &[Value]) -> Result<Box<dyn Rows>> {
    match at::<Json>(values, 0)? {
        Json::Object(fields) => column(fields.into_iter().map(|(key, _)| Value::from(key))),
        Json::Array(_) => Err(invalid("cannot call jsonb_object_keys on an array")),
        _ => Err(invalid("cannot call jsonb_object_keys on a scalar")),
    }
}

pub(super) const FUNCTIONS: Family = &[
    // json_array_elements(json)
    (3955, |_, _, values| raw_elements(values, false)),
    // json_array_elements_text(json)
    (3969, |_, _, values| raw_elements(values, true)),
    // jsonb_array_elements(jsonb)
    (3219, |_, _, values| elements(values, false)),
    // jsonb_array_elements_text(jsonb)
    (3465, |_, _, values| elements(values, true)),
    // json_each(json)
    (3958, |_, _, values| raw_each(values, false)),
    // json_each_text(json)
    (3959, |_, _, values| raw_each(values, true)),
    // jsonb_each(jsonb)
    (3208, |_, _, values| each(values, false)),
    // jsonb_each_text(jsonb)
    (3932, |_, _, values| each(values, true)),
    // json_object_keys(json)
    (3957, |_, _, values| raw_keys(values)),
    // jsonb_object_keys(jsonb)
    (3931, |_, _, values| keys(values)),
];
