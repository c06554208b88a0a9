//! Sums and differences of dates, times, timestamps and intervals.

use super::convert::date_to_timestamp;
use super::session_zone;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::{contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{
    MICROS_PER_DAY, date_out_of_range, is_infinite_date, is_infinite_timestamp, is_valid_date,
};
use crate::types::datetime::{
    add_to_timestamp, add_to_timestamptz, subtract_from_timestamp, subtract_from_timestamptz, timetz_bytes,
    timetz_parts,
};
use crate::types::interval::Interval;

/// A date some days later; the infinities stay.
fn add_days(date: i32, days: i64) -> Result<i32> {
    if is_infinite_date(date) {
        return Ok(date);
    }
    let sum = i64::from(date) + days;
    if is_valid_date(sum) {
        i32::try_from(sum).map_err(|_| date_out_of_range())
    } else {
        Err(date_out_of_range())
    }
}

fn days_between(later: i32, earlier: i32) -> Result<i32> {
    if is_infinite_date(later) || is_infinite_date(earlier) {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "cannot subtract infinite dates"));
    }
    Ok(later.wrapping_sub(earlier))
}

/// A time of day later on, around the clock.
fn turn(time: i64, micros: i64) -> i64 {
    (time + micros % MICROS_PER_DAY).rem_euclid(MICROS_PER_DAY)
}

fn turn_timetz(timetz: [u8; 16], micros: i64) -> [u8; 16] {
    let (time, west) = timetz_parts(&timetz);
    timetz_bytes(turn(time, micros), west)
}

/// The difference of two timestamps; its hours are those of one day at most, the rest counts as days.
fn timestamps_between(later: i64, earlier: i64) -> Result<Interval> {
    if is_infinite_timestamp(later) || is_infinite_timestamp(earlier) {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "cannot subtract infinite timestamps"));
    }
    Interval::between(later, earlier)
}

pub(super) fn moment_plus(context: &Context, moment: i64, interval: Interval) -> Result<i64> {
    add_to_timestamptz(moment, interval, session_zone(context))
}

fn moment_minus(context: &Context, moment: i64, interval: Interval) -> Result<i64> {
    subtract_from_timestamptz(moment, interval, session_zone(context))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // date_pli(date,int4)
    (1141, scalar!(|date: i32, days: i32| add_days(date, i64::from(days)))),
    // date_mii(date,int4)
    (1142, scalar!(|date: i32, days: i32| add_days(date, -i64::from(days)))),
    // integer_pl_date(int4,date)
    (2550, scalar!(|days: i32, date: i32| add_days(date, i64::from(days)))),
    // date_mi(date,date)
    (1140, scalar!(days_between, i32, i32)),
    // date_pl_interval(date,interval)
    (2071, scalar!(|date: i32, interval: Interval| add_to_timestamp(date_to_timestamp(date)?, interval))),
    // date_mi_interval(date,interval)
    (
        2072,
        scalar!(|date: i32, interval: Interval| subtract_from_timestamp(date_to_timestamp(date)?, interval)),
    ),
    // interval_pl_date(interval,date)
    (2546, scalar!(|interval: Interval, date: i32| add_to_timestamp(date_to_timestamp(date)?, interval))),
    // time_pl_interval(time,interval)
    (1747, scalar!(|time: i64, interval: Interval| turn(time, interval.micros))),
    // time_mi_interval(time,interval)
    (1748, scalar!(|time: i64, interval: Interval| turn(time, -(interval.micros % MICROS_PER_DAY)))),
    // interval_pl_time(interval,time)
    (1848, scalar!(|interval: Interval, time: i64| turn(time, interval.micros))),
    // time_mi_time(time,time)
    (1690, scalar!(|later: i64, earlier: i64| Interval::new(0, 0, later - earlier))),
    // timetz_pl_interval(timetz,interval)
    (1749, scalar!(|time: [u8; 16], interval: Interval| turn_timetz(time, interval.micros))),
    // timetz_mi_interval(timetz,interval)
    (
        1750,
        scalar!(|time: [u8; 16], interval: Interval| turn_timetz(time, -(interval.micros % MICROS_PER_DAY))),
    ),
    // interval_pl_timetz(interval,timetz)
    (2547, scalar!(|interval: Interval, time: [u8; 16]| turn_timetz(time, interval.micros))),
    // timestamptz_mi(timestamptz,timestamptz)
    (1188, scalar!(timestamps_between, i64, i64)),
    // timestamp_mi(timestamp,timestamp)
    (2031, scalar!(timestamps_between, i64, i64)),
    // timestamp_pl_interval(timestamp,interval)
    (2032, scalar!(add_to_timestamp, i64, Interval)),
    // timestamp_mi_interval(timestamp,interval)
    (2033, scalar!(subtract_from_timestamp, i64, Interval)),
    // interval_pl_timestamp(interval,timestamp)
    (2548, scalar!(|interval: Interval, moment: i64| add_to_timestamp(moment, interval))),
    // timestamptz_pl_interval(timestamptz,interval)
    (1189, contextual!(moment_plus, i64, Interval)),
    // timestamptz_mi_interval(timestamptz,interval)
    (1190, contextual!(moment_minus, i64, Interval)),
    // interval_pl_timestamptz(interval,timestamptz)
    (2549, contextual!(|context, interval, moment| moment_plus(context, moment, interval), Interval, i64)),
    // timedate_pl(time,date)
    (1296, scalar!(|time: i64, date: i32| super::convert::date_and_time(date, time))),
    // timetzdate_pl(timetz,date)
    (1298, scalar!(|time: [u8; 16], date: i32| super::convert::date_and_timetz(date, time))),
];
