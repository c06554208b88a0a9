//! extract and date_part: fields of moments, times and intervals, as numeric or as float8.

use engine::Value;

use super::convert::{date_to_timestamp, local};
use super::session_zone;
use super::unit::{Unit, unrecognized, unsupported};
use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::at;
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{
    DATE_INFINITY, EPOCH_JULIAN, Fields, MICROS_PER_DAY, TIMESTAMP_INFINITY, day_of_week, days_from_civil,
    is_infinite_date, is_infinite_timestamp,
};
use crate::types::datetime::timetz_parts;
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::oid;

/// Microseconds between 1970 and 2000.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A field of a moment, before it becomes numeric or float8.
enum Part {
    Whole(i64),
    /// An integer over a power of ten.
    Decimal(i128, u32),
    /// A sum of seconds, whole and in microseconds, which float8 adds up after dividing.
    Seconds(i128, i64),
    /// Days of the Julian calendar, and microseconds of the day.
    Julian(i64, i64),
    Infinity(bool),
    None,
}

impl Part {
    fn finish(self, call: &Call) -> Result<Value> {
        if call.result.oid == oid::FLOAT8 {
            return Ok(match self {
                Part::Whole(value) => Value::Float64(value as f64),
                Part::Decimal(value, scale) => Value::Float64(value as f64 / 10f64.powi(scale as i32)),
                Part::Seconds(seconds, micros) => Value::Float64(micros as f64 / 1e6 + seconds as f64),
                Part::Julian(days, micros) => {
                    Value::Float64(days as f64 + micros as f64 / MICROS_PER_DAY as f64)
                }
                Part::Infinity(positive) => {
                    Value::Float64(if positive { f64::INFINITY } else { f64::NEG_INFINITY })
                }
                Part::None => Value::Null,
            });
        }
        Ok(match self {
            Part::Whole(value) => Numeric::from_i64(value).to_value(),
            Part::Decimal(value, scale) => Numeric::from_i128(value, scale).to_value(),
            Part::Seconds(seconds, micros) => {
                Numeric::from_i128(seconds * 1_000_000 + i128::from(micros), 6).to_value()
            }
            Part::Julian(days, micros) => {
                let fraction = Numeric::from_i64(micros).divide(&Numeric::from_i64(MICROS_PER_DAY))?;
                Numeric::from_i64(days).add(&fraction)?.to_value()
            }
            Part::Infinity(true) => Numeric::Infinity.to_value(),
            Part::Infinity(false) => Numeric::NegativeInfinity.to_value(),
            Part::None => Value::Null,
        })
    }
}

/// The Monday of the week that holds a day.
pub(super) fn monday(days: i32) -> i32 {
    days - (day_of_week(days) + 6) % 7
}

/// The year that the ISO week of a day belongs to, and the week's number.
pub(super) fn iso_week(days: i32) -> (i32, i32) {
    // A week belongs to the year of its Thursday.
    let thursday = monday(days) + 3;
    let year = Fields::from_date(thursday).year;
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

/// A year as it is counted: there is no year 0.
fn counted(year: i32) -> i64 {
    i64::from(if year > 0 { year } else { year - 1 })
}

fn century(year: i32) -> i64 {
    let year = i64::from(year);
    if year > 0 { (year + 99) / 100 } else { -((99 - (year - 1)) / 100) }
}

fn millennium(year: i32) -> i64 {
    let year = i64::from(year);
    if year > 0 { (year + 999) / 1000 } else { -((999 - (year - 1)) / 1000) }
}

fn decade(year: i32) -> i64 {
    let year = i64::from(year);
    if year >= 0 { year / 10 } else { -((8 - (year - 1)) / 10) }
}

/// A unit of the calendar.
fn date_part(unit: Unit, fields: &Fields) -> Option<i64> {
    let days = days_from_civil(fields.year, fields.month, fields.day);
    Some(match unit {
        Unit::Day => i64::from(fields.day),
        Unit::Month => i64::from(fields.month),
        Unit::Quarter => i64::from((fields.month - 1) / 3 + 1),
        Unit::Week => i64::from(iso_week(days).1),
        Unit::Year => counted(fields.year),
        Unit::Decade => decade(fields.year),
        Unit::Century => century(fields.year),
        Unit::Millennium => millennium(fields.year),
        Unit::IsoYear => counted(iso_week(days).0),
        Unit::DayOfWeek => i64::from(day_of_week(days)),
        Unit::IsoDayOfWeek => i64::from((day_of_week(days) + 6) % 7 + 1),
        Unit::DayOfYear => i64::from(days - days_from_civil(fields.year, 1, 1) + 1),
        _ => return None,
    })
}

/// A unit of the clock.
fn time_part(unit: Unit, fields: &Fields) -> Option<Part> {
    let micros = i64::from(fields.second) * 1_000_000 + i64::from(fields.micros);
    Some(match unit {
        Unit::Microsecond => Part::Whole(micros),
        Unit::Millisecond => Part::Decimal(i128::from(micros), 3),
        Unit::Second => Part::Decimal(i128::from(micros), 6),
        Unit::Minute => Part::Whole(i64::from(fields.minute)),
        Unit::Hour => Part::Whole(i64::from(fields.hour)),
        _ => return None,
    })
}

fn zone_part(unit: Unit, east: i32) -> Option<Part> {
    Some(Part::Whole(i64::from(match unit {
        Unit::Timezone => east,
        Unit::TimezoneHour => east / 3600,
        Unit::TimezoneMinute => east / 60 % 60,
        _ => return None,
    })))
}

/// Of an infinite moment: infinity for what only grows, NULL for what comes around.
fn of_infinity(unit: Unit, positive: bool) -> Part {
    if unit.grows() { Part::Infinity(positive) } else { Part::None }
}

/// A unit of a moment: `clock` is what the clock shows, `east` its zone where it has one.
fn moment_part(name: &str, ty: u32, clock: i64, moment: i64, east: Option<i32>) -> Result<Part> {
    let unit = Unit::find(name).ok_or_else(|| unrecognized(name, ty))?;
    if is_infinite_timestamp(moment) {
        return Ok(of_infinity(unit, moment == TIMESTAMP_INFINITY));
    }
    let fields = Fields::from_timestamp(clock);
    let calendar = || date_part(unit, &fields).map(Part::Whole);
    let whole = || match unit {
        Unit::Epoch => Some(Part::Decimal(i128::from(moment) + i128::from(EPOCH_MICROS), 6)),
        Unit::Julian => {
            let days =
                i64::from(days_from_civil(fields.year, fields.month, fields.day)) + i64::from(EPOCH_JULIAN);
            Some(Part::Julian(days, fields.time()))
        }
        _ => None,
    };
    time_part(unit, &fields)
        .or_else(calendar)
        .or_else(|| east.and_then(|east| zone_part(unit, east)))
        .or_else(whole)
        .ok_or_else(|| unsupported(name, ty))
}

fn timestamp(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let moment = at(arguments, 1)?;
    moment_part(at(arguments, 0)?, oid::TIMESTAMP, moment, moment, None)?.finish(call)
}

fn timestamptz(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let moment = at(arguments, 1)?;
    let east = session_zone(context).offset_at(moment);
    let clock = local(context, moment)?;
    moment_part(at(arguments, 0)?, oid::TIMESTAMPTZ, clock, moment, Some(east))?.finish(call)
}

/// extract from a date has the units of the calendar alone.
fn date(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let (name, days): (&str, i32) = (at(arguments, 0)?, at(arguments, 1)?);
    let unit = Unit::find(name).ok_or_else(|| unrecognized(name, oid::DATE))?;
    let of_clock =
        unit < Unit::Day || matches!(unit, Unit::Timezone | Unit::TimezoneHour | Unit::TimezoneMinute);
    if of_clock {
        return Err(unsupported(name, oid::DATE));
    }
    if is_infinite_date(days) {
        return of_infinity(unit, days == DATE_INFINITY).finish(call);
    }
    let part = match unit {
        Unit::Julian => Part::Whole(i64::from(days) + i64::from(EPOCH_JULIAN)),
        Unit::Epoch => Part::Whole(i64::from(days) * 86_400 + EPOCH_MICROS / 1_000_000),
        unit => Part::Whole(
            date_part(unit, &Fields::from_date(days)).ok_or_else(|| unsupported(name, oid::DATE))?,
        ),
    };
    part.finish(call)
}

/// date_part of a date is that of its midnight.
fn date_as_timestamp(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let moment = date_to_timestamp(at(arguments, 1)?)?;
    moment_part(at(arguments, 0)?, oid::TIMESTAMP, moment, moment, None)?.finish(call)
}

fn clock_part(name: &str, ty: u32, time: i64, east: Option<i32>) -> Result<Part> {
    let unit = Unit::find(name).ok_or_else(|| unrecognized(name, ty))?;
    time_part(unit, &Fields::from_time(time))
        .or_else(|| east.and_then(|east| zone_part(unit, east)))
        .or_else(|| (unit == Unit::Epoch).then_some(Part::Seconds(-i128::from(east.unwrap_or(0)), time)))
        .ok_or_else(|| unsupported(name, ty))
}

fn time(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    clock_part(at(arguments, 0)?, oid::TIME, at(arguments, 1)?, None)?.finish(call)
}

fn timetz(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let (time, west) = timetz_parts(&at(arguments, 1)?);
    clock_part(at(arguments, 0)?, oid::TIMETZ, time, Some(-west))?.finish(call)
}

/// Seconds of an interval: a year has 365.25 days, a month of what is left thirty.
fn interval_epoch(interval: Interval) -> Part {
    let (years, months) = (i128::from(interval.months / 12), i128::from(interval.months % 12));
    let quarter_days = years * 1461 + months * 120 + i128::from(interval.days) * 4;
    Part::Seconds(quarter_days * 21_600, interval.micros)
}

fn interval(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let (name, interval): (&str, Interval) = (at(arguments, 0)?, at(arguments, 1)?);
    let unit = Unit::find(name).ok_or_else(|| unrecognized(name, oid::INTERVAL))?;
    let (years, months) = (interval.months / 12, interval.months % 12);
    let seconds = interval.micros % 60_000_000;
    if unit == Unit::Epoch && call.result.oid == oid::FLOAT8 {
        // Added up in this order, since every step rounds.
        let time = interval.micros as f64 / 1e6 + 31_557_600.0 * f64::from(years);
        return Ok(Value::Float64(
            time + 2_592_000.0 * f64::from(months) + 86_400.0 * f64::from(interval.days),
        ));
    }
    let part = match unit {
        Unit::Microsecond => Part::Whole(seconds),
        Unit::Millisecond => Part::Decimal(i128::from(seconds), 3),
        Unit::Second => Part::Decimal(i128::from(seconds), 6),
        Unit::Minute => Part::Whole(interval.micros / 60_000_000 % 60),
        Unit::Hour => Part::Whole(interval.micros / 3_600_000_000),
        Unit::Day => Part::Whole(i64::from(interval.days)),
        Unit::Month => Part::Whole(i64::from(months)),
        Unit::Quarter => Part::Whole(i64::from(months / 3 + 1)),
        Unit::Year => Part::Whole(i64::from(years)),
        Unit::Decade => Part::Whole(i64::from(years / 10)),
        Unit::Century => Part::Whole(i64::from(years / 100)),
        Unit::Millennium => Part::Whole(i64::from(years / 1000)),
        Unit::Epoch => interval_epoch(interval),
        _ => return Err(unsupported(name, oid::INTERVAL)),
    };
    part.finish(call)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // date_part(text,timestamp)
    (2021, timestamp),
    // extract(text,timestamp)
    (6202, timestamp),
    // date_part(text,timestamptz)
    (1171, timestamptz),
    // extract(text,timestamptz)
    (6203, timestamptz),
    // extract(text,date)
    (6199, date),
    // date_part(text,date)
    (1384, date_as_timestamp),
    // date_part(text,time)
    (1385, time),
    // extract(text,time)
    (6200, time),
    // date_part(text,timetz)
    (1273, timetz),
    // extract(text,timetz)
    (6201, timetz),
    // date_part(text,interval)
    (1172, interval),
    // extract(text,interval)
    (6204, interval),
];
