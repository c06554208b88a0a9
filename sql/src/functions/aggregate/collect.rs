//! string_agg and array_agg.

use engine::Value;

use super::sum::only;
use super::{Accumulator, Aggregates};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::types::array::{Array, Dimension};
use crate::types::oid;

/// Texts joined, each but the first after its own delimiter.
#[derive(Default)]
struct Texts(Option<String>);

impl Accumulator for Texts {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        let [Value::Text(text), delimiter] = arguments else { return Ok(()) };
        match &mut self.0 {
            None => self.0 = Some(text.to_string()),
            Some(joined) => {
                joined.push_str(delimiter.as_text().unwrap_or_default());
                joined.push_str(text);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        Ok(self.0.as_deref().map_or(Value::Null, Value::from))
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, String::capacity)
    }
}

#[derive(Default)]
struct Bytes(Option<Vec<u8>>);

impl Accumulator for Bytes {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        let [Value::Bytes(bytes), delimiter] = arguments else { return Ok(()) };
        match &mut self.0 {
            None => self.0 = Some(bytes.to_vec()),
            Some(joined) => {
                joined.extend_from_slice(delimiter.as_bytes().unwrap_or_default());
                joined.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        Ok(self.0.clone().map_or(Value::Null, Value::from))
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::capacity)
    }
}

/// Values, NULLs among them, as an array.
struct Elements {
    element: u32,
    elements: Vec<Value>,
}

impl Accumulator for Elements {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        self.elements.push(only(arguments).clone());
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.elements.is_empty() {
            return Ok(Value::Null);
        }
        Ok(Array::from_elements(self.element, self.elements.clone()).to_value())
    }

    fn size(&self) -> usize {
        self.elements.iter().map(size_of_value).sum::<usize>()
    }
}

/// What a value takes, its place included.
pub(super) fn size_of_value(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len() + 16,
            Value::Bytes(bytes) => bytes.len() + 16,
            _ => 0,
        }
}

/// Arrays of one shape, as an array with one dimension more.
struct Arrays {
    joined: Option<Array>,
    count: i32,
}

fn unfit(message: &str) -> Error {
    Error::new(SqlState::ArraySubscriptError, message)
}

impl Accumulator for Arrays {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        let value = only(arguments);
        if value.is_null() {
            return Err(Error::new(SqlState::NullValueNotAllowed, "cannot accumulate null arrays"));
        }
        let array = Array::from_value(value)?;
        match &mut self.joined {
            None if array.dimensions.is_empty() => return Err(unfit("cannot accumulate empty arrays")),
            None => self.joined = Some(array),
            Some(joined) if joined.dimensions != array.dimensions => {
                return Err(unfit("cannot accumulate arrays of different dimensionality"));
            }
            Some(joined) => joined.elements.extend(array.elements),
        }
        self.count += 1;
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        let Some(joined) = &self.joined else { return Ok(Value::Null) };
        let mut dimensions = vec![Dimension { length: self.count, lower: 1 }];
        dimensions.extend_from_slice(&joined.dimensions);
        Ok(Array::with_dimensions(joined.element, dimensions, joined.elements.clone())?.to_value())
    }

    fn size(&self) -> usize {
        self.joined.as_ref().map_or(0, |joined| joined.elements.iter().map(size_of_value).sum())
    }
}

fn elements(call: &Call) -> Result<Box<dyn Accumulator>> {
    // A literal of unknown type is collected as text.
    let element = match call.argument(0) {
        oid::UNKNOWN => oid::TEXT,
        other => other,
    };
    Ok(Box::new(Elements { element, elements: Vec::new() }))
}

pub(super) const AGGREGATES: Aggregates = &[
    // string_agg(text,text)
    (3538, |_| Ok(Box::<Texts>::default())),
    // string_agg(bytea,bytea)
    (3545, |_| Ok(Box::<Bytes>::default())),
    // array_agg(anynonarray)
    (2335, elements),
    // array_agg(anyarray)
    (4053, |_| Ok(Box::new(Arrays { joined: None, count: 0 }))),
];
