//! Functions and operators over json and jsonb.

pub(super) mod access;
pub(super) mod build;
pub(super) mod cast;
pub(super) mod change;
pub(super) mod contain;
pub(super) mod convert;
mod diff;
pub(super) mod raw;

use engine::Value;

use super::argument::{Argument, Outcome};
use crate::error::Result;
use crate::types::json::Json;

/// A jsonb argument. Its stored text is canonical, so reading it fails for damaged data only.
impl Argument<'_> for Json {
    fn read(value: &Value) -> Option<Json> {
        Json::parse(value.as_text()?).ok()
    }
}

impl Outcome for Json {
    fn into_value(self) -> Result<Value> {
        Ok(Value::from(self.to_text()))
    }
}
