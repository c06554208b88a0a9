//! Reaching into json and jsonb: `->`, `->>`, `#>`, `#>>`, lengths and types.

use engine::Value;

use super::raw::{Parts, Raw, parse};
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::functions::string::basic::int4;
use crate::types::array::Array;
use crate::types::json::Json;

/// An index from the front, or from the end where negative.
fn index(number: i64, length: usize) -> Option<usize> {
    usize::try_from(if number < 0 { number + length as i64 } else { number }).ok().filter(|&at| at < length)
}

fn raw_field<'a>(raw: Raw<'a>, key: &str) -> Option<Raw<'a>> {
    match raw.parts {
        // Of equal keys the last counts.
        Parts::Object(pairs) => pairs.into_iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
        Parts::Array(_) | Parts::Scalar => None,
    }
}

fn raw_element(raw: Raw<'_>, number: i64) -> Option<Raw<'_>> {
    match raw.parts {
        Parts::Array(mut elements) => {
            let at = index(number, elements.len())?;
            Some(elements.swap_remove(at))
        }
        Parts::Object(_) | Parts::Scalar => None,
    }
}

/// A step of a path into an array: an integer in its plain form.
fn step(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches([' ', '\t', '\n']);
    digits.parse::<i32>().ok().map(i64::from)
}

/// The texts of a path; `None` where one of them is NULL.
fn path(path: &Array) -> Option<Vec<&str>> {
    path.elements.iter().map(Value::as_text).collect()
}

fn raw_path<'a>(text: &'a str, steps: &Array) -> Result<Option<Raw<'a>>> {
    let Some(steps) = path(steps) else { return Ok(None) };
    let mut found = parse(text)?;
    for key in steps {
        let next = match found.parts {
            Parts::Object(_) => raw_field(found, key),
            Parts::Array(_) => step(key).and_then(|number| raw_element(found, number)),
            Parts::Scalar => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn shown(raw: Option<Raw<'_>>) -> Option<String> {
    raw.map(|raw| raw.text.to_owned())
}

fn as_text(raw: Option<Raw<'_>>) -> Result<Option<String>> {
    raw.map_or(Ok(None), |raw| raw.as_text())
}

/// A scalar counts as an array of itself where it is indexed.
fn element(json: &Json, number: i64) -> Option<Json> {
    match json {
        Json::Array(elements) => index(number, elements.len()).and_then(|at| elements.get(at)).cloned(),
        Json::Object(_) => None,
        scalar => index(number, 1).map(|_| scalar.clone()),
    }
}

fn follow(json: Json, steps: &Array) -> Option<Json> {
    let steps = path(steps)?;
    let mut found = json;
    for key in steps {
        found = match &found {
            Json::Object(_) => found.field(key)?.clone(),
            Json::Array(_) => found.element(step(key)?)?.clone(),
            _ => return None,
        };
    }
    Some(found)
}

/// What `->>` gives of a jsonb.
pub(in crate::functions) fn to_text(json: Json) -> Option<String> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text),
        other => Some(other.to_text()),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn raw_length(text: &str) -> Result<i32> {
    match parse(text)?.parts {
        Parts::Array(elements) => Ok(int4(elements.len())),
        Parts::Object(_) => Err(invalid("cannot get array length of a non-array")),
        Parts::Scalar => Err(invalid("cannot get array length of a scalar")),
    }
}

fn length(json: Json) -> Result<i32> {
    match json {
        Json::Array(elements) => Ok(int4(elements.len())),
        Json::Object(_) => Err(invalid("cannot get array length of a non-array")),
        _ => Err(invalid("cannot get array length of a scalar")),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // json_object_field(json,text)
    (3947, scalar!(|text: &str, key: &str| shown(raw_field(parse(text)?, key)))),
    // json_object_field_text(json,text)
    (3948, scalar!(|text: &str, key: &str| as_text(raw_field(parse(text)?, key)))),
    // json_array_element(json,int4)
    (3949, scalar!(|text: &str, number: i32| shown(raw_element(parse(text)?, number.into())))),
    // json_array_element_text(json,int4)
    (3950, scalar!(|text: &str, number: i32| as_text(raw_element(parse(text)?, number.into())))),
    // json_extract_path(json,_text)
    (3951, scalar!(|text: &str, steps: Array| shown(raw_path(text, &steps)?))),
    // json_extract_path_text(json,_text)
    (3953, scalar!(|text: &str, steps: Array| as_text(raw_path(text, &steps)?))),
    // json_typeof(json)
    (3968, scalar!(|text: &str| parse(text)?.type_name())),
    // json_array_length(json)
    (3956, scalar!(raw_length, &str)),
    // jsonb_object_field(jsonb,text)
    (3478, scalar!(|json: Json, key: &str| json.field(key).cloned())),
    // jsonb_object_field_text(jsonb,text)
    (3214, scalar!(|json: Json, key: &str| json.field(key).cloned().and_then(to_text))),
    // jsonb_array_element(jsonb,int4)
    (3215, scalar!(|json: Json, number: i32| element(&json, number.into()))),
    // jsonb_array_element_text(jsonb,int4)
    (3216, scalar!(|json: Json, number: i32| element(&json, number.into()).and_then(to_text))),
    // jsonb_extract_path(jsonb,_text)
    (3217, scalar!(|json: Json, steps: Array| follow(json, &steps))),
    // jsonb_extract_path_text(jsonb,_text)
    (3940, scalar!(|json: Json, steps: Array| follow(json, &steps).and_then(to_text))),
    // jsonb_typeof(jsonb)
    (3210, scalar!(|json: Json| json.type_name())),
    // jsonb_array_length(jsonb)
    (3207, scalar!(length, Json)),
];
