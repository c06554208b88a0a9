//! AT TIME ZONE: timezone(zone, moment).

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::{contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{MICROS_PER_DAY, is_infinite_timestamp};
use crate::types::datetime::{local_to_timestamptz, timestamptz_to_local, timetz_bytes, timetz_parts};
use crate::types::interval::Interval;
use crate::types::timezone::Zone;

pub(super) fn unrecognized(name: &str) -> Error {
    Error::new(SqlState::InvalidParameterValue, format!("time zone \"{name}\" not recognized"))
}

/// `+03` and the like: a POSIX offset without a name, which counts westward. In seconds east.
fn plain_offset(zone: &str) -> Option<i32> {
    let (sign, digits) = match zone.strip_prefix('-') {
        Some(digits) => (1, digits),
        None => (-1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    super::make::offset_of_digits(digits).map(|offset| sign * offset)
}

/// The offset of a zone for a time on its clock.
fn offset_on_clock(zone: &str, clock: i64) -> Result<i32> {
    Zone::offset_named(zone, clock).or_else(|| plain_offset(zone)).ok_or_else(|| unrecognized(zone))
}

/// The offset of a zone at a moment.
pub(super) fn offset_at(zone: &str, moment: i64) -> Result<i32> {
    Zone::offset_named_at(zone, moment).or_else(|| plain_offset(zone)).ok_or_else(|| unrecognized(zone))
}

/// The moment when the clock of a zone shows a time.
fn to_moment(zone: &str, clock: i64) -> Result<i64> {
    if is_infinite_timestamp(clock) {
        return Ok(clock);
    }
    local_to_timestamptz(clock, Zone::Fixed(offset_on_clock(zone, clock)?))
}

/// What the clock of a zone shows at a moment.
fn to_clock(zone: &str, moment: i64) -> Result<i64> {
    if is_infinite_timestamp(moment) {
        return Ok(moment);
    }
    timestamptz_to_local(moment, Zone::Fixed(offset_at(zone, moment)?))
}

/// A zone given as an interval east of Greenwich.
fn interval_zone(interval: Interval) -> Result<Zone> {
    if interval.months != 0 || interval.days != 0 {
        let mut text = Vec::new();
        interval.append_text(crate::evaluate::IntervalStyle::Postgres, &mut text);
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!(
                "interval time zone \"{}\" must not include months or days",
                String::from_utf8_lossy(&text)
            ),
        ));
    }
    Ok(Zone::Fixed((interval.micros / 1_000_000) as i32))
}

fn to_moment_by(zone: Interval, clock: i64) -> Result<i64> {
    if is_infinite_timestamp(clock) { Ok(clock) } else { local_to_timestamptz(clock, interval_zone(zone)?) }
}

fn to_clock_by(zone: Interval, moment: i64) -> Result<i64> {
    if is_infinite_timestamp(moment) {
        Ok(moment)
    } else {
        timestamptz_to_local(moment, interval_zone(zone)?)
    }
}

/// The same time of day in another zone.
fn turn(timetz: [u8; 16], east: i32) -> [u8; 16] {
    let (time, west) = timetz_parts(&timetz);
    let turned = time + (i64::from(west) + i64::from(east)) * 1_000_000;
    timetz_bytes(turned.rem_euclid(MICROS_PER_DAY), -east)
}

/// The zone's offset is the one in force at the start of the transaction.
fn turn_to(context: &Context, zone: &str, timetz: [u8; 16]) -> Result<[u8; 16]> {
    Ok(turn(timetz, offset_at(zone, context.transaction_micros)?))
}

fn turn_by(interval: Interval, timetz: [u8; 16]) -> Result<[u8; 16]> {
    match interval_zone(interval)? {
        Zone::Fixed(east) => Ok(turn(timetz, east)),
        Zone::Named(_) => Ok(timetz),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // timezone(text,timestamp)
    (2069, scalar!(to_moment, &str, i64)),
    // timezone(text,timestamptz)
    (1159, scalar!(to_clock, &str, i64)),
    // timezone(interval,timestamp)
    (2070, scalar!(to_moment_by, Interval, i64)),
    // timezone(interval,timestamptz)
    (1026, scalar!(to_clock_by, Interval, i64)),
    // timezone(text,timetz)
    (2037, contextual!(turn_to, &str, [u8; 16])),
    // timezone(interval,timetz)
    (2038, scalar!(turn_by, Interval, [u8; 16])),
];
