//! A row that had to be waited for, looked at anew: the qualifier over its newest version and the other columns saved.

use engine::Value;

use super::model::TableModel;
use super::returning::Frame;
use super::writer::Locked;
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Context};

/// Whether the newest version still qualifies; the frame row then holds it.
pub fn still_qualifies(
    model: &TableModel,
    frame: &Frame,
    qualifier: Option<&CompiledExpression>,
    locked: &Locked,
    context: &Context,
    row: &mut Vec<Value>,
) -> Result<bool> {
    frame.place(model, Some(locked.handle), &locked.row, row);
    match qualifier {
        Some(qualifier) => Ok(qualifier.evaluate_row(context, row)? == Value::Bool(true)),
        None => Ok(true),
    }
}
