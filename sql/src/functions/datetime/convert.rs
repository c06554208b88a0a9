//! Casts between dates, times, timestamps and intervals, and rounding to a precision.

use engine::Value;

use super::session_zone;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{
    DATE_INFINITY, DATE_NEGATIVE_INFINITY, MICROS_PER_DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEGATIVE_INFINITY,
    is_infinite_timestamp, is_valid_timestamp, timestamp_out_of_range,
};
use crate::types::datetime::{local_to_timestamptz, timestamptz_to_local, timetz_bytes, timetz_parts};
use crate::types::interval::Interval;
use crate::types::{apply_typmod, oid};

/// The midnight that a date begins with.
pub(in crate::functions) fn date_to_timestamp(days: i32) -> Result<i64> {
    match days {
        DATE_INFINITY => Ok(TIMESTAMP_INFINITY),
        DATE_NEGATIVE_INFINITY => Ok(TIMESTAMP_NEGATIVE_INFINITY),
        days => i64::from(days)
            .checked_mul(MICROS_PER_DAY)
            .filter(|&micros| is_valid_timestamp(micros))
            .ok_or_else(|| Error::new(SqlState::DatetimeFieldOverflow, "date out of range for timestamp")),
    }
}

pub(in crate::functions) fn date_to_timestamptz(context: &Context, days: i32) -> Result<i64> {
    local_to_timestamptz(date_to_timestamp(days)?, session_zone(context))
        .map_err(|_| Error::new(SqlState::DatetimeFieldOverflow, "date out of range for timestamp"))
}

pub(in crate::functions) fn timestamp_to_date(micros: i64) -> i32 {
    match micros {
        TIMESTAMP_INFINITY => DATE_INFINITY,
        TIMESTAMP_NEGATIVE_INFINITY => DATE_NEGATIVE_INFINITY,
        micros => micros.div_euclid(MICROS_PER_DAY) as i32,
    }
}

/// The clock of the session at a moment.
pub(in crate::functions) fn local(context: &Context, moment: i64) -> Result<i64> {
    timestamptz_to_local(moment, session_zone(context))
}

fn timestamptz_to_date(context: &Context, moment: i64) -> Result<i32> {
    Ok(timestamp_to_date(local(context, moment)?))
}

fn timestamp_to_time(micros: i64) -> Option<i64> {
    if is_infinite_timestamp(micros) { None } else { Some(micros.rem_euclid(MICROS_PER_DAY)) }
}

fn timestamptz_to_time(context: &Context, moment: i64) -> Result<Option<i64>> {
    Ok(timestamp_to_time(local(context, moment)?))
}

fn timestamptz_to_timetz(context: &Context, moment: i64) -> Result<Option<[u8; 16]>> {
    let west = -session_zone(context).offset_at(moment);
    Ok(timestamp_to_time(local(context, moment)?).map(|time| timetz_bytes(time, west)))
}

fn timestamp_to_timestamptz(context: &Context, timestamp: i64) -> Result<i64> {
    local_to_timestamptz(timestamp, session_zone(context))
}

/// A time on today's clock of the session: its zone is the one in force now.
fn time_to_timetz(context: &Context, time: i64) -> [u8; 16] {
    timetz_bytes(time, -session_zone(context).offset_at(context.transaction_micros))
}

pub(super) fn date_and_time(days: i32, time: i64) -> Result<i64> {
    let midnight = date_to_timestamp(days)?;
    if is_infinite_timestamp(midnight) {
        return Ok(midnight);
    }
    midnight.checked_add(time).filter(|&micros| is_valid_timestamp(micros)).ok_or_else(timestamp_out_of_range)
}

/// A date and a time on the session's clock.
fn date_and_time_here(context: &Context, days: i32, time: i64) -> Result<i64> {
    timestamp_to_timestamptz(context, date_and_time(days, time)?)
}

pub(super) fn date_and_timetz(days: i32, timetz: [u8; 16]) -> Result<i64> {
    let (time, west) = timetz_parts(&timetz);
    date_and_time(days, time + i64::from(west) * 1_000_000)
}

/// The time of an interval, wrapped into a day.
fn interval_to_time(interval: Interval) -> i64 {
    interval.micros.rem_euclid(MICROS_PER_DAY)
}

/// The largest typmod of bpchar: padding beyond it would take any amount of memory.
const LONGEST_PADDED: i32 = 10_485_760 + 4;

/// The cast of a type to itself that applies a typmod: the second argument, and whether the cast is explicit.
fn with_typmod(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let typmod: i32 = at(arguments, 1)?;
    let explicit = matches!(arguments.get(2), Some(Value::Bool(true)));
    if call.argument(0) == oid::BPCHAR && typmod > LONGEST_PADDED {
        return Err(Error::new(SqlState::ProgramLimitExceeded, "requested length too large"));
    }
    apply_typmod(call.argument(0), typmod, at::<&Value>(arguments, 0)?.clone(), explicit)
}

/// A moment in seconds since 1970.
fn from_epoch(seconds: f64) -> Result<i64> {
    const EPOCH: f64 = 946_684_800.0;
    if seconds.is_nan() {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(if seconds > 0.0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEGATIVE_INFINITY });
    }
    let micros = ((seconds - EPOCH) * 1e6).round_ties_even();
    if micros.abs() < 9.3e18 && is_valid_timestamp(micros as i64) {
        return Ok(micros as i64);
    }
    let shown =
        crate::types::output(oid::FLOAT8, &Value::Float64(seconds), &crate::types::OutputSettings::plain())?;
    Err(Error::new(SqlState::DatetimeFieldOverflow, format!("timestamp out of range: \"{shown}\"")))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // timestamp(date)
    (2024, scalar!(date_to_timestamp, i32)),
    // timestamptz(date)
    (1174, contextual!(date_to_timestamptz, i32)),
    // date(timestamp)
    (2029, scalar!(timestamp_to_date, i64)),
    // date(timestamptz)
    (1178, contextual!(timestamptz_to_date, i64)),
    // time(timestamp)
    (1316, scalar!(timestamp_to_time, i64)),
    // time(timestamptz)
    (2019, contextual!(timestamptz_to_time, i64)),
    // timetz(timestamptz)
    (1388, contextual!(timestamptz_to_timetz, i64)),
    // timestamptz(timestamp)
    (2028, contextual!(timestamp_to_timestamptz, i64)),
    // timestamp(timestamptz)
    (2027, contextual!(local, i64)),
    // timetz(time)
    (2047, contextual!(time_to_timetz, i64)),
    // time(timetz)
    (2046, scalar!(|timetz: [u8; 16]| timetz_parts(&timetz).0)),
    // interval(time)
    (1370, scalar!(|time: i64| Interval::new(0, 0, time))),
    // time(interval)
    (1419, scalar!(interval_to_time, Interval)),
    // datetime_pl(date,time)
    (1272, scalar!(date_and_time, i32, i64)),
    // timestamp(date,time)
    (2025, scalar!(date_and_time, i32, i64)),
    // datetimetz_pl(date,timetz)
    (1297, scalar!(date_and_timetz, i32, [u8; 16])),
    // timestamptz(date,timetz)
    (1359, scalar!(date_and_timetz, i32, [u8; 16])),
    // to_timestamp(float8)
    (1158, scalar!(from_epoch, f64)),
    // timestamp(timestamp,int4)
    (1961, with_typmod),
    // timestamptz(timestamptz,int4)
    (1967, with_typmod),
    // time(time,int4)
    (1968, with_typmod),
    // timetz(timetz,int4)
    (1969, with_typmod),
    // interval(interval,int4)
    (1200, with_typmod),
    // bpchar(bpchar,int4,bool)
    (668, with_typmod),
    // varchar(varchar,int4,bool)
    (669, with_typmod),
    // bit(bit,int4,bool)
    (1685, with_typmod),
    // varbit(varbit,int4,bool)
    (1687, with_typmod),
    // timestamptz(date,time)
    (1176, contextual!(date_and_time_here, i32, i64)),
];
