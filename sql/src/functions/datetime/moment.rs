//! Moments by what names them: texts that are a timestamp, an interval from now on, or the name of a snapshot; places in
//! the log of commits.

use engine::{Timestamp, Value};

use super::arithmetic::moment_plus;
use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::at;
use crate::functions::registry::Scalars;
use crate::types::interval::Interval;
use crate::types::{self, InputSettings, oid};

/// strata.moment(text): read in this order, so that a name never hides a timestamp; snapshots are not called like one.
fn moment_of_text(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let text: &str = at(arguments, 0)?;
    let names = context.environment.names();
    let settings = InputSettings::new(&context.settings, context.statement_micros, &*names);
    let read = types::input(oid::TIMESTAMPTZ, -1, text, &settings);
    let Err(error) = read else { return read };
    if let Ok(interval) = types::input(oid::INTERVAL, -1, text, &settings) {
        let moment = moment_plus(context, context.transaction_micros, Interval::from_value(&interval)?)?;
        return Ok(Value::Int64(moment));
    }
    match context.environment.system_call(call.function, arguments)? {
        Value::Null => Err(error),
        moment => Ok(moment),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // strata.moment(text)
    (9504, moment_of_text),
    // strata.moment(pg_lsn)
    (9505, |_, _, arguments| {
        let commit: i64 = at(arguments, 0)?;
        Ok(Value::Int64(Timestamp(commit as u64).micros()))
    }),
];
