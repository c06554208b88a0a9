//! Containment and existence: `@>`, `<@`, `?`, `?|`, `?&`.

use engine::Value;

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::types::array::Array;
use crate::types::json::Json;

/// Equality of values: numbers by value.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Null, Json::Null) => true,
        (Json::Bool(a), Json::Bool(b)) => a == b,
        (Json::Number(a), Json::Number(b)) => a.compare(b).is_eq(),
        (Json::String(a), Json::String(b)) => a == b,
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && equal(&a.1, &b.1))
        }
        _ => false,
    }
}

fn is_scalar(json: &Json) -> bool {
    !matches!(json, Json::Array(_) | Json::Object(_))
}

/// Whether all of `inner` is somewhere in `outer`, at the same level.
fn contains(outer: &Json, inner: &Json) -> bool {
    match (outer, inner) {
        (Json::Object(_), Json::Object(pairs)) => {
            pairs.iter().all(|(key, wanted)| outer.field(key).is_some_and(|value| contains(value, wanted)))
        }
        (Json::Array(elements), Json::Array(wanted)) => wanted.iter().all(|wanted| {
            elements.iter().any(|element| {
                if is_scalar(wanted) { equal(element, wanted) } else { contains(element, wanted) }
            })
        }),
        _ => equal(outer, inner),
    }
}

/// The top level: there an array contains a scalar that is one of its elements.
fn contains_at_top(outer: &Json, inner: &Json) -> bool {
    match outer {
        Json::Array(elements) if is_scalar(inner) => elements.iter().any(|element| equal(element, inner)),
        _ => contains(outer, inner),
    }
}

/// Whether a text is a key, an element or the value itself.
fn exists(json: &Json, key: &str) -> bool {
    match json {
        Json::Object(_) => json.field(key).is_some(),
        Json::Array(elements) => {
            elements.iter().any(|element| matches!(element, Json::String(text) if text == key))
        }
        Json::String(text) => text == key,
        _ => false,
    }
}

fn keys(array: &Array) -> impl Iterator<Item = &str> {
    array.elements.iter().filter_map(Value::as_text)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // jsonb_contains(jsonb,jsonb)
    (4046, scalar!(|outer: Json, inner: Json| contains_at_top(&outer, &inner))),
    // jsonb_contained(jsonb,jsonb)
    (4050, scalar!(|inner: Json, outer: Json| contains_at_top(&outer, &inner))),
    // jsonb_exists(jsonb,text)
    (4047, scalar!(|json: Json, key: &str| exists(&json, key))),
    // jsonb_exists_any(jsonb,_text)
    (4048, scalar!(|json: Json, array: Array| keys(&array).any(|key| exists(&json, key)))),
    // jsonb_exists_all(jsonb,_text)
    (4049, scalar!(|json: Json, array: Array| keys(&array).all(|key| exists(&json, key)))),
];
