//! unnest, generate_subscripts, and texts split into rows.

use engine::Value;

use super::{Family, Rows};
use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::argument::at;
use crate::functions::array::text::{split, texts};
use crate::functions::pattern::regex::{Flags, Subject, compiled};
use crate::functions::pattern::regexp::{find_all, flags_without_global, groups_of, pieces};
use crate::types::array::Array;

/// Rows of one column out of an iterator.
pub(super) fn column(mut values: impl Iterator<Item = Value> + Send + 'static) -> Result<Box<dyn Rows>> {
    Ok(Box::new(move |_: &Context| Ok(values.next().map(|value| vec![value]))))
}

fn unnest(values: &[Value]) -> Result<Box<dyn Rows>> {
    column(at::<Array>(values, 0)?.elements.into_iter())
}

/// The subscripts of a dimension, in either direction.
fn subscripts(values: &[Value]) -> Result<Box<dyn Rows>> {
    let array: Array = at(values, 0)?;
    let number: i32 = at(values, 1)?;
    let reverse = matches!(values.get(2), Some(Value::Bool(true)));
    let dimension =
        usize::try_from(number).ok().and_then(|number| array.dimensions.get(number.checked_sub(1)?));
    let range = dimension.map_or(1..=0, |dimension| dimension.lower..=dimension.upper());
    if reverse { column(range.rev().map(Value::Int32)) } else { column(range.map(Value::Int32)) }
}

/// information_schema._pg_expandarray: each element with its place, from 1.
fn expand(values: &[Value]) -> Result<Box<dyn Rows>> {
    let array: Array = at(values, 0)?;
    let mut elements = array.elements.into_iter();
    let mut place = 0;
    Ok(Box::new(move |_: &Context| {
        place += 1;
        Ok(elements.next().map(|element| vec![element, Value::Int32(place)]))
    }))
}

fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// string_to_table: not strict, NULL as a delimiter splits into characters.
fn to_table(values: &[Value]) -> Result<Box<dyn Rows>> {
    let Some(text) = at::<Option<&str>>(values, 0)? else { return column(std::iter::empty()) };
    let parts = split(text, at(values, 1)?, values.get(2).and_then(Value::as_text));
    column(parts.into_iter().map(optional))
}

fn split_by_pattern(values: &[Value], letters: &str) -> Result<Box<dyn Rows>> {
    let flags = flags_without_global(letters, "regexp_split_to_table()")?;
    let parts = pieces(at(values, 0)?, at(values, 1)?, flags)?;
    column(parts.into_iter().map(Value::from))
}

fn matches(values: &[Value], letters: &str) -> Result<Box<dyn Rows>> {
    let flags = Flags::parse(letters)?;
    let regex = compiled(at(values, 1)?, flags)?;
    let subject = Subject::new(at(values, 0)?);
    let found = find_all(&regex, &subject, 0, flags.global, true)?;
    let rows: Vec<Value> = found.iter().map(|found| texts(groups_of(found, &subject))).collect();
    column(rows.into_iter())
}

pub(super) const FUNCTIONS: Family = &[
    // unnest(anyarray)
    (2331, |_, _, values| unnest(values)),
    // generate_subscripts(anyarray,int4,bool)
    (1191, |_, _, values| subscripts(values)),
    // generate_subscripts(anyarray,int4)
    (1192, |_, _, values| subscripts(values)),
    // _pg_expandarray(anyarray)
    (13208, |_, _, values| expand(values)),
    // string_to_table(text,text)
    (6160, |_, _, values| to_table(values)),
    // string_to_table(text,text,text)
    (6161, |_, _, values| to_table(values)),
    // regexp_split_to_table(text,text,text)
    (2766, |_, _, values| split_by_pattern(values, at(values, 2)?)),
    // regexp_split_to_table(text,text)
    (2765, |_, _, values| split_by_pattern(values, "")),
    // regexp_matches(text,text,text)
    (2764, |_, _, values| matches(values, at(values, 2)?)),
    // regexp_matches(text,text)
    (2763, |_, _, values| matches(values, "")),
];
