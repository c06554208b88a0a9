//! The values of CURRENT_DATE, CURRENT_USER and their family.

use engine::Value;

use super::context::Context;
use crate::error::{Error, Result};
use crate::functions::{Call, implementation};
use crate::tree::{SpecialValue, Type};
use crate::types;
use crate::types::oid::TIMESTAMPTZ;

/// pg_proc oids of the casts from timestamptz.
const DATE_OF_TIMESTAMPTZ: u32 = 1178;
const TIMETZ_OF_TIMESTAMPTZ: u32 = 1388;
const TIME_OF_TIMESTAMPTZ: u32 = 2019;
const TIMESTAMP_OF_TIMESTAMPTZ: u32 = 2027;
/// pg_proc oids of current_database() and current_schema().
const CURRENT_DATABASE: u32 = 861;
const CURRENT_SCHEMA: u32 = 1402;

/// The value in this execution, with the typmod of `ty` applied.
pub(super) fn value(special: SpecialValue, ty: Type, context: &Context) -> Result<Value> {
    let moment = Value::Int64(context.transaction_micros);
    let value = match special {
        SpecialValue::CurrentUser | SpecialValue::CurrentRole => {
            return Ok(Value::Text(context.environment.current_user()));
        }
        SpecialValue::SessionUser => return Ok(Value::Text(context.environment.session_user())),
        SpecialValue::CurrentCatalog => return call(CURRENT_DATABASE, &[], ty, context),
        SpecialValue::CurrentSchema => return call(CURRENT_SCHEMA, &[], ty, context),
        SpecialValue::CurrentTimestamp => moment,
        SpecialValue::CurrentDate => call(DATE_OF_TIMESTAMPTZ, &[moment], ty, context)?,
        SpecialValue::CurrentTime => call(TIMETZ_OF_TIMESTAMPTZ, &[moment], ty, context)?,
        SpecialValue::LocalTime => call(TIME_OF_TIMESTAMPTZ, &[moment], ty, context)?,
        SpecialValue::LocalTimestamp => call(TIMESTAMP_OF_TIMESTAMPTZ, &[moment], ty, context)?,
    };
    if ty.typmod < 0 { Ok(value) } else { types::apply_typmod(ty.oid, ty.typmod, value, false) }
}

fn call(function: u32, arguments: &[Value], ty: Type, context: &Context) -> Result<Value> {
    let implementation = implementation(function)
        .ok_or_else(|| Error::unsupported(format!("the function of oid {function}")))?;
    let types = arguments.iter().map(|_| Type::new(TIMESTAMPTZ)).collect();
    (implementation.scalar)(context, &Call::new(function, types, Type::new(ty.oid)), arguments)
}
