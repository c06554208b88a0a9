//! Between arrays and texts.

use engine::Value;

use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, scalar};
use crate::functions::pattern::regex::Flags;
use crate::functions::pattern::regexp::{flags_without_global, groups_of_first, pieces};
use crate::functions::registry::Scalars;
use crate::functions::string::quote::parse_identifier;
use crate::functions::text_form::output;
use crate::types::array::Array;
use crate::types::oid;

/// An array of texts.
pub(in crate::functions) fn texts(texts: impl IntoIterator<Item = Option<String>>) -> Value {
    let elements = texts.into_iter().map(|text| text.map_or(Value::Null, Value::from)).collect();
    Array::from_elements(oid::TEXT, elements).to_value()
}

/// The elements joined; those that are NULL left out, unless a text for them is given.
fn to_text(context: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let (Some(array), Some(delimiter)) =
        (at::<Option<Array>>(arguments, 0)?, at::<Option<&str>>(arguments, 1)?)
    else {
        return Ok(Value::Null);
    };
    let null = arguments.get(2).and_then(Value::as_text);
    let mut joined = String::new();
    let mut first = true;
    for element in &array.elements {
        let text = match (element, null) {
            (Value::Null, None) => continue,
            (Value::Null, Some(null)) => null.to_owned(),
            (element, _) => output(context, array.element, element)?,
        };
        if !first {
            joined.push_str(delimiter);
        }
        first = false;
        joined.push_str(&text);
    }
    Ok(Value::from(joined))
}

/// The parts between delimiters; without one, the characters.
pub(in crate::functions) fn split(
    text: &str,
    delimiter: Option<&str>,
    null: Option<&str>,
) -> Vec<Option<String>> {
    let parts: Vec<&str> = match delimiter {
        _ if text.is_empty() => Vec::new(),
        None => text.split_inclusive(|_: char| true).collect(),
        Some("") => vec![text],
        Some(delimiter) => text.split(delimiter).collect(),
    };
    parts.into_iter().map(|part| if Some(part) == null { None } else { Some(part.to_owned()) }).collect()
}

fn from_text(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(text) = at::<Option<&str>>(arguments, 0)? else { return Ok(Value::Null) };
    let delimiter = at::<Option<&str>>(arguments, 1)?;
    Ok(texts(split(text, delimiter, arguments.get(2).and_then(Value::as_text))))
}

fn identifier(text: &str, strict: bool) -> Result<Value> {
    Ok(texts(parse_identifier(text, strict)?.into_iter().map(Some)))
}

fn first_match(text: &str, pattern: &str, letters: &str) -> Result<Option<Value>> {
    let flags = flags_without_global(letters, "regexp_match()").map_err(|error| {
        if error.message().contains("global") {
            error.hint("Use the regexp_matches function instead.")
        } else {
            error
        }
    })?;
    Ok(groups_of_first(text, pattern, flags)?.map(texts))
}

fn split_by_pattern(text: &str, pattern: &str, letters: &str) -> Result<Value> {
    let flags = flags_without_global(letters, "regexp_split_to_array()")?;
    Ok(texts(pieces(text, pattern, flags)?.into_iter().map(Some)))
}

/// `23 25` as type names joined by commas.
fn vector_of_types(context: &Context, types: Array) -> Result<String> {
    let names = context.environment.names();
    let named = types.elements.iter().map(|element| match element {
        Value::UInt32(ty) => crate::types::format_type(*ty, -1, &*names),
        _ => String::new(),
    });
    Ok(named.collect::<Vec<_>>().join(", "))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // array_to_string(anyarray,text)
    (395, to_text),
    // array_to_string(anyarray,text,text)
    (384, to_text),
    // string_to_array(text,text)
    (394, from_text),
    // string_to_array(text,text,text)
    (376, from_text),
    // parse_ident(text,bool)
    (1268, scalar!(identifier, &str, bool)),
    // regexp_match(text,text,text)
    (3397, scalar!(first_match, &str, &str, &str)),
    // regexp_match(text,text)
    (3396, scalar!(|text: &str, pattern: &str| groups_of_first(text, pattern, Flags::default())?.map(texts))),
    // regexp_split_to_array(text,text,text)
    (2768, scalar!(split_by_pattern, &str, &str, &str)),
    // regexp_split_to_array(text,text)
    (2767, scalar!(|text: &str, pattern: &str| split_by_pattern(text, pattern, ""))),
    // oidvectortypes(oidvector)
    (1349, crate::functions::argument::contextual!(vector_of_types, Array)),
];
