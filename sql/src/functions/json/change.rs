//! Changing jsonb: joining, deleting, setting and inserting at paths, stripping nulls, indenting.

use engine::Value;

use super::raw::{Parts, Raw, parse};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, scalar};
use crate::functions::registry::Scalars;
use crate::types::array::Array;
use crate::types::json::{Json, append_quoted};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn is_scalar(json: &Json) -> bool {
    !matches!(json, Json::Array(_) | Json::Object(_))
}

/// `||`: objects merge, the right one winning; everything else is joined as arrays.
fn concatenate(left: Json, right: Json) -> Json {
    match (left, right) {
        (Json::Object(mut pairs), Json::Object(more)) => {
            pairs.extend(more);
            Json::object(pairs)
        }
        (left, right) => {
            let elements = |json| match json {
                Json::Array(elements) => elements,
                other => vec![other],
            };
            let mut joined = elements(left);
            joined.extend(elements(right));
            Json::Array(joined)
        }
    }
}

/// Without a key, or without the strings of an array that equal it.
fn delete_keys(json: Json, keys: &[&str]) -> Result<Json> {
    match json {
        Json::Object(mut pairs) => {
            pairs.retain(|(key, _)| !keys.contains(&key.as_str()));
            Ok(Json::Object(pairs))
        }
        Json::Array(mut elements) => {
            elements
                .retain(|element| !matches!(element, Json::String(text) if keys.contains(&text.as_str())));
            Ok(Json::Array(elements))
        }
        _ => Err(invalid("cannot delete from scalar")),
    }
}

fn delete_all(json: Json, keys: Array) -> Result<Json> {
    one_dimension(&keys)?;
    let keys: Vec<&str> = keys.elements.iter().filter_map(Value::as_text).collect();
    delete_keys(json, &keys)
}

fn delete_index(json: Json, number: i32) -> Result<Json> {
    match json {
        Json::Array(mut elements) => {
            let length = elements.len() as i64;
            let at = if number < 0 { i64::from(number) + length } else { i64::from(number) };
            if let Ok(at) = usize::try_from(at)
                && at < elements.len()
            {
                elements.remove(at);
            }
            Ok(Json::Array(elements))
        }
        Json::Object(_) => Err(invalid("cannot delete from object using integer index")),
        _ => Err(invalid("cannot delete from scalar")),
    }
}

fn one_dimension(array: &Array) -> Result<()> {
    if array.dimensions.len() > 1 {
        return Err(Error::new(SqlState::ArraySubscriptError, "wrong number of array subscripts"));
    }
    Ok(())
}

/// What happens at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Replaces what is there, or adds it.
    Create,
    /// Replaces what is there.
    Replace,
    Delete,
    InsertBefore,
    InsertAfter,
}

impl Change {
    fn adds(self) -> bool {
        matches!(self, Change::Create | Change::InsertBefore | Change::InsertAfter)
    }
}

/// A change under way: the path, what is put at its end, and how.
struct Edit<'a> {
    path: Vec<Option<&'a str>>,
    new: Option<Json>,
    change: Change,
}

impl Edit<'_> {
    fn new_value(&self) -> Json {
        self.new.clone().unwrap_or(Json::Null)
    }

    fn apply(&self, json: Json, level: usize) -> Result<Json> {
        let Some(step) = self.path.get(level) else { return Ok(json) };
        let Some(step) = *step else {
            return Err(Error::new(
                SqlState::NullValueNotAllowed,
                format!("path element at position {} is null", level + 1),
            ));
        };
        match json {
            Json::Object(pairs) => self.in_object(pairs, step, level),
            Json::Array(elements) => self.in_array(elements, step, level),
            scalar => Ok(scalar),
        }
    }

    fn is_last(&self, level: usize) -> bool {
        level + 1 == self.path.len()
    }

    fn in_object(&self, pairs: Vec<(String, Json)>, step: &str, level: usize) -> Result<Json> {
        let mut result = Vec::with_capacity(pairs.len() + 1);
        let mut found = false;
        for (key, value) in pairs {
            if key != step {
                result.push((key, value));
                continue;
            }
            found = true;
            if !self.is_last(level) {
                result.push((key, self.apply(value, level + 1)?));
            } else if matches!(self.change, Change::InsertBefore | Change::InsertAfter) {
                return Err(invalid("cannot replace existing key")
                    .hint("Try using the function jsonb_set to replace key value."));
            } else if self.change != Change::Delete {
                result.push((key, self.new_value()));
            }
        }
        if !found && self.is_last(level) && self.change.adds() {
            result.push((step.to_owned(), self.new_value()));
        }
        Ok(Json::object(result))
    }

    fn in_array(&self, elements: Vec<Json>, step: &str, level: usize) -> Result<Json> {
        let number = step.trim_start().parse::<i32>().map_err(|_| {
            Error::new(
                SqlState::InvalidTextRepresentation,
                format!("path element at position {} is not an integer: \"{step}\"", level + 1),
            )
        })?;
        let length = elements.len() as i64;
        let number = i64::from(number);
        // Before the first element: nothing is there, and what is added goes to the front.
        let before = number < 0 && -number > length;
        let place = if number < 0 { number + length } else { number.min(length) };
        let mut result = Vec::with_capacity(elements.len() + 1);
        let mut found = false;
        if (before || elements.is_empty()) && self.is_last(level) && self.change.adds() {
            result.push(self.new_value());
            found = true;
        }
        for (at, element) in elements.into_iter().enumerate() {
            if before || at as i64 != place {
                result.push(element);
                continue;
            }
            found = true;
            if !self.is_last(level) {
                result.push(self.apply(element, level + 1)?);
                continue;
            }
            match self.change {
                Change::Create | Change::Replace => result.push(self.new_value()),
                Change::Delete => {}
                Change::InsertBefore => result.extend([self.new_value(), element]),
                Change::InsertAfter => result.extend([element, self.new_value()]),
            }
        }
        if !found && self.is_last(level) && self.change.adds() {
            result.push(self.new_value());
        }
        Ok(Json::Array(result))
    }
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Array(elements) => elements.is_empty(),
        Json::Object(pairs) => pairs.is_empty(),
        _ => false,
    }
}

fn edit(json: Json, path: &Array, new: Option<Json>, change: Change) -> Result<Json> {
    one_dimension(path)?;
    if is_scalar(&json) {
        let doing = if change == Change::Delete { "delete" } else { "set" };
        return Err(invalid(format!("cannot {doing} path in scalar")));
    }
    if path.elements.is_empty() || (is_empty(&json) && !change.adds()) {
        return Ok(json);
    }
    Edit { path: path.elements.iter().map(Value::as_text).collect(), new, change }.apply(json, 0)
}

fn set(json: Json, path: Array, new: Json, create: bool) -> Result<Json> {
    edit(json, &path, Some(new), if create { Change::Create } else { Change::Replace })
}

fn insert(json: Json, path: Array, new: Json, after: bool) -> Result<Json> {
    edit(json, &path, Some(new), if after { Change::InsertAfter } else { Change::InsertBefore })
}

/// jsonb_set that says what a NULL does.
fn set_lax(_: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    use crate::functions::argument::Outcome;
    let (Some(json), Some(path), Some(create)) = (
        at::<Option<Json>>(arguments, 0)?,
        at::<Option<Array>>(arguments, 1)?,
        at::<Option<bool>>(arguments, 3)?,
    ) else {
        return Ok(Value::Null);
    };
    let Some(treatment) = at::<Option<&str>>(arguments, 4)? else {
        return Err(invalid(
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
        ));
    };
    if let Some(new) = at::<Option<Json>>(arguments, 2)? {
        return set(json, path, new, create).into_value();
    }
    match treatment {
        "raise_exception" => Err(Error::new(SqlState::NullValueNotAllowed, "JSON value must not be null")
            .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .hint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.")),
        "use_json_null" => set(json, path, Json::Null, create).into_value(),
        "delete_key" => edit(json, &path, None, Change::Delete).into_value(),
        "return_target" => json.into_value(),
        _ => Err(invalid(
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
        )),
    }
}

/// Without the fields that are null, at every level.
fn strip_nulls(json: Json) -> Json {
    match json {
        Json::Object(pairs) => Json::Object(
            pairs
                .into_iter()
                .filter(|(_, value)| !matches!(value, Json::Null))
                .map(|(key, value)| (key, strip_nulls(value)))
                .collect(),
        ),
        Json::Array(elements) => Json::Array(elements.into_iter().map(strip_nulls).collect()),
        scalar => scalar,
    }
}

/// The same for json, written without white space.
fn strip_raw(raw: &Raw<'_>, out: &mut Vec<u8>) {
    match &raw.parts {
        Parts::Scalar => out.extend_from_slice(raw.text.as_bytes()),
        Parts::Array(elements) => {
            out.push(b'[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                strip_raw(element, out);
            }
            out.push(b']');
        }
        Parts::Object(pairs) => {
            out.push(b'{');
            for (at, (key, value)) in pairs.iter().filter(|(_, value)| value.text != "null").enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                append_quoted(key, out);
                out.push(b':');
                strip_raw(value, out);
            }
            out.push(b'}');
        }
    }
}

fn strip_text(text: &str) -> Result<String> {
    let mut out = Vec::new();
    strip_raw(&parse(text)?, &mut out);
    String::from_utf8(out).map_err(|_| Error::internal("a json text is not UTF-8"))
}

/// Indented by four blanks a level.
fn indented(json: &Json, level: usize, out: &mut Vec<u8>) {
    let line = |out: &mut Vec<u8>, level: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', level * 4));
    };
    match json {
        Json::Object(pairs) => {
            out.push(b'{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                line(out, level + 1);
                append_quoted(key, out);
                out.extend_from_slice(b": ");
                indented(value, level + 1, out);
            }
            line(out, level);
            out.push(b'}');
        }
        Json::Array(elements) => {
            out.push(b'[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                line(out, level + 1);
                indented(element, level + 1, out);
            }
            line(out, level);
            out.push(b']');
        }
        scalar => scalar.append_text(out),
    }
}

fn pretty(json: Json) -> Result<String> {
    let mut out = Vec::new();
    indented(&json, 0, &mut out);
    String::from_utf8(out).map_err(|_| Error::internal("a json text is not UTF-8"))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // jsonb_diff(jsonb,jsonb)
    (9503, scalar!(super::diff::diff, Json, Json)),
    // jsonb_concat(jsonb,jsonb)
    (3301, scalar!(concatenate, Json, Json)),
    // jsonb_delete(jsonb,text)
    (3302, scalar!(|json: Json, key: &str| delete_keys(json, &[key]))),
    // jsonb_delete(jsonb,_text)
    (3343, scalar!(delete_all, Json, Array)),
    // jsonb_delete(jsonb,int4)
    (3303, scalar!(delete_index, Json, i32)),
    // jsonb_delete_path(jsonb,_text)
    (3304, scalar!(|json: Json, path: Array| edit(json, &path, None, Change::Delete))),
    // jsonb_set(jsonb,_text,jsonb,bool)
    (3305, scalar!(set, Json, Array, Json, bool)),
    // jsonb_set_lax(jsonb,_text,jsonb,bool,text)
    (5054, set_lax),
    // jsonb_insert(jsonb,_text,jsonb,bool)
    (3579, scalar!(insert, Json, Array, Json, bool)),
    // jsonb_strip_nulls(jsonb)
    (3262, scalar!(strip_nulls, Json)),
    // json_strip_nulls(json)
    (3261, scalar!(strip_text, &str)),
    // jsonb_pretty(jsonb)
    (3306, scalar!(pretty, Json)),
];
