//! Functions and operators over arrays, and what compares like them.

pub(super) mod change;
pub(super) mod compare;
pub(super) mod enumeration;
pub(super) mod facts;
pub(super) mod search;
pub(super) mod text;

use engine::Value;

use super::argument::{Argument, Outcome};
use crate::error::Result;
use crate::types::array::Array;

impl Argument<'_> for Array {
    fn read(value: &Value) -> Option<Array> {
        Array::from_value(value).ok()
    }
}

impl Outcome for Array {
    fn into_value(self) -> Result<Value> {
        Ok(self.to_value())
    }
}
