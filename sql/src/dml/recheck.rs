//! A row that had to be waited for, looked at anew: the qualifier over its newest version and the other columns saved.

use engine::{RowHandle, Value};

use super::model::TableModel;
use super::returning::Frame;
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Context};

/// Whether the newest version still qualifies; the frame row then holds it.
pub fn still_qualifies(
    model: &TableModel,
    frame: &Frame,
    qualifier: Option<&CompiledExpression>,
    (handle, newest): (RowHandle, &[Value]),
    context: &Context,
    row: &mut Vec<Value>,
) -> Result<bool> {
    frame.place_target(model, handle, newest, row);
    match qualifier {
        Some(qualifier) => Ok(qualifier.evaluate_row(context, row)? == Value::Bool(true)),
        None => Ok(true),
    }
}
