//! (start, end) OVERLAPS (start, end): half-open periods, given in either order of their ends.

use std::cmp::Ordering;

use engine::Value;

use super::session_zone;
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::registry::Scalars;
use crate::types::datetime::{add_to_timestamp, add_to_timestamptz, calendar::MICROS_PER_DAY};
use crate::types::interval::Interval;
use crate::types::{compare, oid};

/// A period with its earlier end first; NULL ends last.
fn ordered<'a>(ty: u32, start: &'a Value, end: &'a Value) -> (&'a Value, &'a Value) {
    if start.is_null() || (!end.is_null() && compare(ty, start, end) == Ordering::Greater) {
        (end, start)
    } else {
        (start, end)
    }
}

/// NULL where the answer hangs on an end that is not known.
fn overlap(ty: u32, first: (&Value, &Value), second: (&Value, &Value)) -> Value {
    let (start, end) = ordered(ty, first.0, first.1);
    let (other_start, other_end) = ordered(ty, second.0, second.1);
    if start.is_null() || other_start.is_null() {
        return Value::Null;
    }
    // The period that starts later overlaps the other if that one is not over yet.
    let (earlier_end, later_start, both_known) = match compare(ty, start, other_start) {
        Ordering::Greater => (other_end, start, !end.is_null()),
        Ordering::Less => (end, other_start, !other_end.is_null()),
        // Periods with one start overlap always, for an empty period is its start.
        Ordering::Equal if end.is_null() || other_end.is_null() => return Value::Null,
        Ordering::Equal => return Value::Bool(true),
    };
    if earlier_end.is_null() {
        return Value::Null;
    }
    if compare(ty, later_start, earlier_end) == Ordering::Less {
        return Value::Bool(true);
    }
    // Whatever the unknown end is, the later period lies after the other.
    if both_known { Value::Bool(false) } else { Value::Null }
}

/// The end of a period, given as such or as a length.
fn end(context: &Context, ty: u32, start: &Value, given: &Value, given_type: u32) -> Result<Value> {
    if given_type != oid::INTERVAL {
        return Ok(given.clone());
    }
    if given.is_null() || start.is_null() {
        return Ok(Value::Null);
    }
    let length = Interval::from_value(given)?;
    let Value::Int64(start) = start else { return Err(Error::internal("a period without a start")) };
    Ok(Value::Int64(match ty {
        oid::TIMESTAMPTZ => add_to_timestamptz(*start, length, session_zone(context))?,
        oid::TIMESTAMP => add_to_timestamp(*start, length)?,
        _ => (start + length.micros % MICROS_PER_DAY).rem_euclid(MICROS_PER_DAY),
    }))
}

fn overlaps(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let [start, first, other_start, second] = arguments else {
        return Err(Error::internal("overlaps wants four arguments"));
    };
    let ty = call.argument(0);
    let first = end(context, ty, start, first, call.argument(1))?;
    let second = end(context, ty, other_start, second, call.argument(3))?;
    Ok(overlap(ty, (start, &first), (other_start, &second)))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // overlaps(timestamptz,timestamptz,timestamptz,timestamptz)
    (1304, overlaps),
    // overlaps(timestamp,timestamp,timestamp,timestamp)
    (2041, overlaps),
    // overlaps(timetz,timetz,timetz,timetz)
    (1271, overlaps),
    // overlaps(time,time,time,time)
    (1308, overlaps),
    // overlaps(timestamptz,interval,timestamptz,interval)
    (1305, overlaps),
    // overlaps(timestamptz,timestamptz,timestamptz,interval)
    (1306, overlaps),
    // overlaps(timestamptz,interval,timestamptz,timestamptz)
    (1307, overlaps),
    // overlaps(timestamp,interval,timestamp,interval)
    (2042, overlaps),
    // overlaps(timestamp,timestamp,timestamp,interval)
    (2043, overlaps),
    // overlaps(timestamp,interval,timestamp,timestamp)
    (2044, overlaps),
    // overlaps(time,interval,time,interval)
    (1309, overlaps),
    // overlaps(time,time,time,interval)
    (1310, overlaps),
    // overlaps(time,interval,time,time)
    (1311, overlaps),
];
