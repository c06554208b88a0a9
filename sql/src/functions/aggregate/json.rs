//! json_agg, jsonb_agg, json_object_agg, jsonb_object_agg.

use engine::Value;

use super::{Accumulator, Aggregates};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::json::build::push_key;
use crate::functions::json::convert::Writer;
use crate::types::json::canonical;

/// A JSON text that grows by one element or field a row.
struct Document {
    types: Vec<u32>,
    /// Names of the fields of each argument that is a record.
    fields: Vec<Vec<String>>,
    binary: bool,
    object: bool,
    text: Option<String>,
}

fn document(call: &Call, binary: bool, object: bool) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Document {
        types: call.arguments.iter().map(|ty| ty.oid).collect(),
        fields: call.fields.clone(),
        binary,
        object,
        text: None,
    }))
}

impl Document {
    fn append(&mut self, context: &Context, arguments: &[Value]) -> Result<()> {
        let ty = |at: usize| self.types.get(at).copied().unwrap_or(0);
        let fields = |at: usize| self.fields.get(at).map_or(&[][..], Vec::as_slice);
        let part = match arguments {
            [value] if !self.object => Writer::new(context).fields(fields(0)).text(ty(0), value)?,
            [Value::Null, _] => {
                return Err(Error::new(SqlState::InvalidParameterValue, "field name must not be null"));
            }
            [key, value] => {
                let mut part = String::new();
                push_key(context, ty(0), key, &mut part)?;
                part.push_str(" : ");
                part.push_str(&Writer::new(context).fields(fields(1)).text(ty(1), value)?);
                part
            }
            _ => return Err(Error::internal("an aggregate of json was given the wrong number of arguments")),
        };
        // Composite values each begin a line of json_agg, as PostgreSQL prints them.
        let nested = !self.object && matches!(arguments, [Value::Bytes(_)]) && part.starts_with(['{', '[']);
        match &mut self.text {
            None => self.text = Some(format!("{}{part}", if self.object { "{ " } else { "[" })),
            Some(text) => {
                text.push_str(if nested { ", \n " } else { ", " });
                text.push_str(&part);
            }
        }
        Ok(())
    }
}

impl Accumulator for Document {
    fn update(&mut self, context: &Context, arguments: &[Value]) -> Result<()> {
        self.append(context, arguments)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        let Some(text) = &self.text else { return Ok(Value::Null) };
        let text = format!("{text}{}", if self.object { " }" } else { "]" });
        Ok(Value::from(if self.binary { canonical(&text)? } else { text }))
    }

    fn size(&self) -> usize {
        self.text.as_ref().map_or(0, String::capacity)
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // json_agg(anyelement)
    (3175, |call| document(call, false, false)),
    // jsonb_agg(anyelement)
    (3267, |call| document(call, true, false)),
    // json_object_agg(any,any)
    (3197, |call| document(call, false, true)),
    // jsonb_object_agg(any,any)
    (3270, |call| document(call, true, true)),
];
