//! Making json and jsonb: to_json, row_to_json, json_build_array, json_build_object, json_object.

use engine::Value;

use super::convert::{Writer, key};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, scalar};
use crate::functions::registry::Scalars;
use crate::types::array::Array;
use crate::types::json::{Json, append_quoted, canonical};
use crate::types::oid;

/// The JSON text in the form of json or of jsonb.
fn finished(text: String, binary: bool) -> Result<Value> {
    Ok(Value::from(if binary { canonical(&text)? } else { text }))
}

fn to_json(context: &Context, call: &Call, arguments: &[Value], binary: bool, pretty: bool) -> Result<Value> {
    let text = Writer::new(context)
        .pretty(pretty)
        .fields(call.field_names(0))
        .text(call.argument(0), at(arguments, 0)?)?;
    finished(text, binary)
}

/// The variadic arguments: their types and values. `None` for a NULL array after VARIADIC.
fn variadic(call: &Call, arguments: &[Value]) -> Result<Option<Vec<(u32, Value)>>> {
    if call.variadic_array {
        let Some(array) = at::<Option<Array>>(arguments, 0)? else { return Ok(None) };
        let element = array.element;
        return Ok(Some(array.elements.into_iter().map(|value| (element, value)).collect()));
    }
    Ok(Some(arguments.iter().enumerate().map(|(at, value)| (call.argument(at), value.clone())).collect()))
}

fn build_array(context: &Context, call: &Call, arguments: &[Value], binary: bool) -> Result<Value> {
    let Some(values) = variadic(call, arguments)? else { return Ok(Value::Null) };
    let text = |(at, (ty, value)): (usize, &(u32, Value))| {
        Writer::new(context).fields(call.field_names(at)).text(*ty, value)
    };
    let parts = values.iter().enumerate().map(text).collect::<Result<Vec<String>>>()?;
    finished(format!("[{}]", parts.join(", ")), binary)
}

fn argument_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn build_object(context: &Context, call: &Call, arguments: &[Value], binary: bool) -> Result<Value> {
    let Some(values) = variadic(call, arguments)? else { return Ok(Value::Null) };
    if values.len() % 2 != 0 {
        let function = if binary { "jsonb_build_object()" } else { "json_build_object()" };
        return Err(argument_error("argument list must have even number of elements")
            .hint(format!("The arguments of {function} must consist of alternating keys and values.")));
    }
    let mut text = String::from("{");
    for (number, pair) in values.chunks(2).enumerate() {
        let [(key_type, key_value), (ty, value)] = pair else { continue };
        if number > 0 {
            text.push_str(", ");
        }
        if key_value.is_null() {
            return Err(if binary {
                argument_error(format!("argument {}: key must not be null", number * 2 + 1))
            } else {
                Error::new(
                    SqlState::InvalidParameterValue,
                    format!("argument {} cannot be null", number * 2 + 1),
                )
                .hint("Object keys should be text.")
            });
        }
        push_key(context, *key_type, key_value, &mut text)?;
        text.push_str(" : ");
        text.push_str(&Writer::new(context).fields(call.field_names(number * 2 + 1)).text(*ty, value)?);
    }
    text.push('}');
    finished(text, binary)
}

/// Appends a key; containers cannot be keys.
pub(in crate::functions) fn push_key(
    context: &Context,
    ty: u32,
    value: &Value,
    text: &mut String,
) -> Result<()> {
    let composite = matches!(ty, oid::JSON | oid::JSONB | oid::RECORD) || oid::element_of(ty).is_some();
    if composite {
        return Err(argument_error("key value must be scalar, not array, composite, or json"));
    }
    let mut out = Vec::new();
    append_quoted(&key(context, ty, value)?, &mut out);
    text.push_str(&String::from_utf8_lossy(&out));
    Ok(())
}

fn row_to_json(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let pretty = matches!(arguments.get(1), Some(Value::Bool(true)));
    to_json(context, call, arguments, false, pretty)
}

fn array_error(message: &str) -> Error {
    Error::new(SqlState::ArraySubscriptError, message)
}

/// Keys and values out of text arrays.
fn object_of_pairs(pairs: Vec<(&Value, &Value)>, binary: bool) -> Result<Value> {
    let mut fields = Vec::new();
    for (name, value) in pairs {
        let name = name.as_text().ok_or_else(|| {
            Error::new(SqlState::NullValueNotAllowed, "null value not allowed for object key")
        })?;
        let value = value.as_text().map_or(Json::Null, |text| Json::String(text.to_owned()));
        fields.push((name.to_owned(), value));
    }
    if binary {
        return Ok(Value::from(Json::object(fields).to_text()));
    }
    let mut out = Vec::from(b"{");
    for (number, (name, value)) in fields.iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(b", ");
        }
        append_quoted(name, &mut out);
        out.extend_from_slice(b" : ");
        value.append_text(&mut out);
    }
    out.push(b'}');
    String::from_utf8(out).map(Value::from).map_err(|_| Error::internal("a json text is not UTF-8"))
}

fn object(array: Array, binary: bool) -> Result<Value> {
    match array.dimensions.as_slice() {
        [] => {}
        [outer] if outer.length % 2 == 1 => {
            return Err(array_error("array must have even number of elements"));
        }
        [_] => {}
        [_, inner] if inner.length != 2 => return Err(array_error("array must have two columns")),
        [_, _] => {}
        _ => return Err(array_error("wrong number of array subscripts")),
    }
    let pairs = array.elements.chunks(2).filter_map(|pair| match pair {
        [key, value] => Some((key, value)),
        _ => None,
    });
    object_of_pairs(pairs.collect(), binary)
}

fn object_of_two(keys: Array, values: Array, binary: bool) -> Result<Value> {
    if keys.dimensions.len() > 1 || keys.dimensions.len() != values.dimensions.len() {
        return Err(array_error("wrong number of array subscripts"));
    }
    if keys.elements.len() != values.elements.len() {
        return Err(array_error("mismatched array dimensions"));
    }
    object_of_pairs(keys.elements.iter().zip(&values.elements).collect(), binary)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // to_json(anyelement)
    (3176, |context, call, arguments| to_json(context, call, arguments, false, false)),
    // array_to_json(anyarray)
    (3153, |context, call, arguments| to_json(context, call, arguments, false, false)),
    // to_jsonb(anyelement)
    (3787, |context, call, arguments| to_json(context, call, arguments, true, false)),
    // array_to_json(anyarray,bool)
    (3154, |context, call, arguments| {
        to_json(context, call, arguments, false, arguments.get(1) == Some(&Value::Bool(true)))
    }),
    // row_to_json(record)
    (3155, row_to_json),
    // row_to_json(record,bool)
    (3156, row_to_json),
    // json_build_array(any)
    (3198, |context, call, arguments| build_array(context, call, arguments, false)),
    // json_build_array()
    (3199, |context, call, arguments| build_array(context, call, arguments, false)),
    // jsonb_build_array(any)
    (3271, |context, call, arguments| build_array(context, call, arguments, true)),
    // jsonb_build_array()
    (3272, |context, call, arguments| build_array(context, call, arguments, true)),
    // json_build_object(any)
    (3200, |context, call, arguments| build_object(context, call, arguments, false)),
    // json_build_object()
    (3201, |context, call, arguments| build_object(context, call, arguments, false)),
    // jsonb_build_object(any)
    (3273, |context, call, arguments| build_object(context, call, arguments, true)),
    // jsonb_build_object()
    (3274, |context, call, arguments| build_object(context, call, arguments, true)),
    // json_object(_text)
    (3202, scalar!(|array: Array| object(array, false))),
    // jsonb_object(_text)
    (3263, scalar!(|array: Array| object(array, true))),
    // json_object(_text,_text)
    (3203, scalar!(|keys: Array, values: Array| object_of_two(keys, values, false))),
    // jsonb_object(_text,_text)
    (3264, scalar!(|keys: Array, values: Array| object_of_two(keys, values, true))),
];
