//! Casts through the text forms of types.

use std::sync::Arc;

use engine::Value;

use super::context::Context;
use crate::error::Result;
use crate::tree::Type;
use crate::types::{self, InputSettings, OutputSettings};

/// The value as text of its type, read again as another type.
pub(super) fn via_text(context: &Context, from: Type, to: Type, value: &Value) -> Result<Value> {
    let names = context.environment.names();
    let output = OutputSettings::new(&context.settings, names.as_ref());
    let text = types::output(from.oid, value, &output)?;
    if matches!(to.oid, types::oid::TEXT | types::oid::VARCHAR) && to.typmod < 0 {
        return Ok(Value::Text(Arc::from(text)));
    }
    let input = InputSettings::new(&context.settings, context.transaction_micros, names.as_ref());
    types::input(to.oid, to.typmod, &text, &input)
}
