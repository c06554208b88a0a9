//! date_trunc in its forms, and date_bin.

use super::extract::monday;
use super::session_zone;
use super::unit::{Unit, unrecognized, unsupported};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::{contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{
    Fields, MICROS_PER_DAY, days_from_civil, is_infinite_timestamp, timestamp_out_of_range,
};
use crate::types::datetime::{local_to_timestamptz, timestamptz_to_local};
use crate::types::interval::Interval;
use crate::types::oid;
use crate::types::timezone::{Zone, find_abbreviation};

/// The first year of the period that holds a year.
fn period_start(unit: Unit, year: i32) -> i32 {
    match unit {
        Unit::Millennium if year > 0 => (year + 999) / 1000 * 1000 - 999,
        Unit::Millennium => -((999 - (year - 1)) / 1000) * 1000 + 1,
        Unit::Century if year > 0 => (year + 99) / 100 * 100 - 99,
        Unit::Century => -((99 - (year - 1)) / 100) * 100 + 1,
        Unit::Decade if year > 0 => year / 10 * 10,
        Unit::Decade => -((8 - (year - 1)) / 10) * 10,
        _ => year,
    }
}

/// What the clock showed when the unit began; `None` for what is no unit of truncation.
fn start(unit: Unit, clock: i64) -> Option<i64> {
    let step = match unit {
        Unit::Microsecond => return Some(clock),
        Unit::Millisecond => 1_000,
        Unit::Second => 1_000_000,
        Unit::Minute => 60_000_000,
        Unit::Hour => 3_600_000_000,
        Unit::Day => MICROS_PER_DAY,
        Unit::Week => {
            return Some(i64::from(monday(clock.div_euclid(MICROS_PER_DAY) as i32)) * MICROS_PER_DAY);
        }
        Unit::Month | Unit::Quarter | Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium => {
            let fields = Fields::from_timestamp(clock);
            let month = match unit {
                Unit::Month => fields.month,
                Unit::Quarter => (fields.month - 1) / 3 * 3 + 1,
                _ => 1,
            };
            let days = days_from_civil(period_start(unit, fields.year), month, 1);
            return Some(i64::from(days) * MICROS_PER_DAY);
        }
        _ => return None,
    };
    Some(clock.div_euclid(step) * step)
}

/// The unit of a name; extract knows more units than truncation does.
fn unit_of(name: &str, ty: u32) -> Result<Unit> {
    Unit::find(name).filter(|unit| *unit < Unit::Epoch).ok_or_else(|| unrecognized(name, ty))
}

fn checked(micros: i64) -> Result<i64> {
    use crate::types::datetime::calendar::is_valid_timestamp;
    if is_valid_timestamp(micros) { Ok(micros) } else { Err(timestamp_out_of_range()) }
}

fn timestamp(name: &str, moment: i64) -> Result<i64> {
    if is_infinite_timestamp(moment) {
        return Ok(moment);
    }
    let unit = unit_of(name, oid::TIMESTAMP)?;
    checked(start(unit, moment).ok_or_else(|| unsupported(name, oid::TIMESTAMP))?)
}

/// Units of a day and above begin with the zone's midnight; within a day the offset of the moment stays.
fn in_zone(name: &str, moment: i64, zone: Zone) -> Result<i64> {
    if is_infinite_timestamp(moment) {
        return Ok(moment);
    }
    let unit = unit_of(name, oid::TIMESTAMPTZ)?;
    let clock = timestamptz_to_local(moment, zone)?;
    let begun = start(unit, clock).ok_or_else(|| unsupported(name, oid::TIMESTAMPTZ))?;
    if unit >= Unit::Day { local_to_timestamptz(begun, zone) } else { checked(moment - (clock - begun)) }
}

fn timestamptz(context: &Context, name: &str, moment: i64) -> Result<i64> {
    in_zone(name, moment, session_zone(context))
}

fn timestamptz_in_zone(name: &str, moment: i64, zone: &str) -> Result<i64> {
    if is_infinite_timestamp(moment) {
        return Ok(moment);
    }
    // An abbreviation stands for its offset, even where a zone has the same name.
    let zone = match find_abbreviation(&zone.to_ascii_lowercase()) {
        Some(_) => Zone::Fixed(super::zone::offset_at(zone, moment)?),
        None => match Zone::find(zone) {
            Some(zone) => zone,
            None => Zone::Fixed(super::zone::offset_at(zone, moment)?),
        },
    };
    in_zone(name, moment, zone)
}

fn interval(name: &str, interval: Interval) -> Result<Interval> {
    let unit = unit_of(name, oid::INTERVAL)?;
    let micros = |step: i64| Interval { micros: interval.micros / step * step, ..interval };
    let months = |step: i32| Interval::new(interval.months / step * step, 0, 0);
    Ok(match unit {
        Unit::Microsecond => interval,
        Unit::Millisecond => micros(1_000),
        Unit::Second => micros(1_000_000),
        Unit::Minute => micros(60_000_000),
        Unit::Hour => micros(3_600_000_000),
        Unit::Day => Interval { micros: 0, ..interval },
        Unit::Month => months(1),
        Unit::Quarter => months(3),
        Unit::Year => months(12),
        Unit::Decade => months(120),
        Unit::Century => months(1_200),
        Unit::Millennium => months(12_000),
        Unit::Week => {
            return Err(unsupported(name, oid::INTERVAL).detail("Months usually have fractional weeks."));
        }
        _ => return Err(unsupported(name, oid::INTERVAL)),
    })
}

/// The start of the stride that holds a moment, counted from an origin.
fn bin(stride: Interval, moment: i64, origin: i64) -> Result<i64> {
    if is_infinite_timestamp(moment) {
        return Ok(moment);
    }
    if is_infinite_timestamp(origin) {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "origin out of range"));
    }
    if stride.months != 0 {
        return Err(Error::new(
            SqlState::FeatureNotSupported,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let length = i64::from(stride.days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|days| days.checked_add(stride.micros))
        .ok_or_else(crate::types::interval::out_of_range)?;
    if length <= 0 {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "stride must be greater than zero"));
    }
    let distance = moment.checked_sub(origin).ok_or_else(crate::types::interval::out_of_range)?;
    checked(moment.checked_sub(distance.rem_euclid(length)).ok_or_else(timestamp_out_of_range)?)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // date_trunc(text,timestamp)
    (2020, scalar!(timestamp, &str, i64)),
    // date_trunc(text,timestamptz)
    (1217, contextual!(timestamptz, &str, i64)),
    // date_trunc(text,timestamptz,text)
    (1284, scalar!(timestamptz_in_zone, &str, i64, &str)),
    // date_trunc(text,interval)
    (1218, scalar!(interval, &str, Interval)),
    // date_bin(interval,timestamp,timestamp)
    (6177, scalar!(bin, Interval, i64, i64)),
    // date_bin(interval,timestamptz,timestamptz)
    (6178, scalar!(bin, Interval, i64, i64)),
];
