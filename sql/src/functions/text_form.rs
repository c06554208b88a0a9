//! Values as text and back, under the settings of an execution.

use engine::Value;

use crate::error::Result;
use crate::evaluate::Context;
use crate::types::{self, InputSettings, OutputSettings};

/// The text of a value, as its type's output function gives it.
pub(super) fn output(context: &Context, type_oid: u32, value: &Value) -> Result<String> {
    // Texts are their own text, and need no settings.
    if let Value::Text(text) = value {
        return Ok(text.to_string());
    }
    let names = context.environment.names();
    types::output(type_oid, value, &OutputSettings::new(&context.settings, &*names))
}

/// The value of a text, as its type's input function reads it.
pub(super) fn input(context: &Context, type_oid: u32, text: &str) -> Result<Value> {
    let names = context.environment.names();
    types::input(
        type_oid,
        -1,
        text,
        &InputSettings::new(&context.settings, context.transaction_micros, &*names),
    )
}
