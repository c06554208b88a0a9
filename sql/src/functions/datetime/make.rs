//! make_date, make_time, make_timestamp, make_timestamptz, make_interval, isfinite.

use super::session_zone;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::{contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{
    Fields, MICROS_PER_DAY, days_in_month, is_infinite_date, is_infinite_timestamp, is_valid_timestamp,
};
use crate::types::datetime::local_to_timestamptz;
use crate::types::interval::{Interval, out_of_range};
use crate::types::timezone::Zone;

fn overflow(message: String) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, message)
}

/// A date of fields that must be right; a negative year counts before Christ.
fn date(year: i32, month: i32, day: i32) -> Result<i32> {
    // make_date alone names the year as it is counted inside.
    date_named(year, if year < 0 { year + 1 } else { year }, month, day)
}

fn date_named(year: i32, shown: i32, month: i32, day: i32) -> Result<i32> {
    let counted = if year < 0 { year + 1 } else { year };
    let wrong = || overflow(format!("date field value out of range: {shown}-{month:02}-{day:02}"));
    if year == 0 {
        return Err(wrong());
    }
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(counted, month) {
        return Err(wrong());
    }
    Fields { year: counted, month, day, ..Fields::default() }
        .date()
        .ok_or_else(|| overflow(format!("date out of range: {shown}-{month:02}-{day:02}")))
}

/// Seconds as C prints them with `%02g`: up to six significant digits.
fn seconds_text(seconds: f64) -> String {
    if !seconds.is_finite() {
        return if seconds.is_nan() {
            "NaN"
        } else if seconds > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    if seconds.abs() >= 1e6 {
        return format!("{seconds:e}").replace('e', "e+");
    }
    let rounded = format!("{seconds:.5e}").parse::<f64>().unwrap_or(seconds);
    let text = format!("{rounded}");
    if text.len() < 2 { format!("0{text}") } else { text }
}

fn time(hour: i32, minute: i32, seconds: f64) -> Result<i64> {
    let wrong =
        || overflow(format!("time field value out of range: {hour}:{minute:02}:{}", seconds_text(seconds)));
    let in_range = (0..=24).contains(&hour) && (0..=59).contains(&minute) && (0.0..=60.0).contains(&seconds);
    if !in_range {
        return Err(wrong());
    }
    let micros =
        (i64::from(hour) * 60 + i64::from(minute)) * 60_000_000 + (seconds * 1e6).round_ties_even() as i64;
    if micros > MICROS_PER_DAY { Err(wrong()) } else { Ok(micros) }
}

fn timestamp(year: i32, month: i32, day: i32, hour: i32, minute: i32, seconds: f64) -> Result<i64> {
    let days = date_named(year, year, month, day)?;
    let time = time(hour, minute, seconds)?;
    i64::from(days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|days| days.checked_add(time))
        .filter(|&micros| is_valid_timestamp(micros))
        .ok_or_else(|| {
            overflow(format!(
                "timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{}",
                seconds_text(seconds)
            ))
        })
}

fn moment(
    context: &Context,
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    seconds: f64,
) -> Result<i64> {
    local_to_timestamptz(timestamp(year, month, day, hour, minute, seconds)?, session_zone(context))
}

/// A zone as make_timestamptz takes it: a name, an abbreviation, or an offset with a sign.
fn zone_offset(zone: &str, clock: i64) -> Result<i32> {
    if zone.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("invalid input syntax for type numeric time zone: \"{zone}\""),
        )
        .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    let numeric =
        zone.strip_prefix('+').map(|rest| (1, rest)).or(zone.strip_prefix('-').map(|rest| (-1, rest)));
    if let Some((sign, digits)) = numeric {
        return offset_of_digits(digits).map(|east| sign * east).ok_or_else(|| {
            Error::new(SqlState::InvalidParameterValue, format!("numeric time zone \"{zone}\" out of range"))
        });
    }
    Zone::offset_named(zone, clock).ok_or_else(|| super::zone::unrecognized(zone))
}

/// `H`, `HH`, `HHMM`, `HH:MM` or `HH:MM:SS` in seconds.
pub(super) fn offset_of_digits(text: &str) -> Option<i32> {
    let fields: Vec<&str> = text.split(':').collect();
    let number =
        |text: &str| text.parse::<i32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (hours, minutes, seconds) = match fields.as_slice() {
        [plain] if plain.len() > 2 => {
            let number = number(plain)?;
            (number / 100, number % 100, 0)
        }
        [hours] => (number(hours)?, 0, 0),
        [hours, minutes] => (number(hours)?, number(minutes)?, 0),
        [hours, minutes, seconds] => (number(hours)?, number(minutes)?, number(seconds)?),
        _ => return None,
    };
    if hours > 15 || minutes > 59 || seconds > 59 {
        None
    } else {
        Some(hours * 3600 + minutes * 60 + seconds)
    }
}

/// Fields of a timestamp and a zone: too many arguments for a function of its own type, so read one by one.
fn moment_in_zone(
    _: &Context,
    _: &crate::functions::Call,
    arguments: &[engine::Value],
) -> Result<engine::Value> {
    use crate::functions::argument::at;
    let clock = timestamp(
        at(arguments, 0)?,
        at(arguments, 1)?,
        at(arguments, 2)?,
        at(arguments, 3)?,
        at(arguments, 4)?,
        at(arguments, 5)?,
    )?;
    let east = zone_offset(at(arguments, 6)?, clock)?;
    local_to_timestamptz(clock, Zone::Fixed(east)).map(engine::Value::Int64)
}

fn interval(
    years: i32,
    months: i32,
    weeks: i32,
    days: i32,
    hours: i32,
    minutes: i32,
    seconds: f64,
) -> Result<Interval> {
    if !seconds.is_finite() {
        return Err(out_of_range());
    }
    let months =
        years.checked_mul(12).and_then(|years| years.checked_add(months)).ok_or_else(out_of_range)?;
    let days = weeks.checked_mul(7).and_then(|weeks| weeks.checked_add(days)).ok_or_else(out_of_range)?;
    let seconds = (seconds * 1e6).round_ties_even();
    if seconds.abs() >= 9.2e18 {
        return Err(out_of_range());
    }
    let time = i64::from(hours) * 3_600_000_000 + i64::from(minutes) * 60_000_000;
    let micros = time.checked_add(seconds as i64).ok_or_else(out_of_range)?;
    Ok(Interval::new(months, days, micros))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // make_date(int4,int4,int4)
    (3846, scalar!(date, i32, i32, i32)),
    // make_time(int4,int4,float8)
    (3847, scalar!(time, i32, i32, f64)),
    // make_timestamp(int4,int4,int4,int4,int4,float8)
    (3461, scalar!(timestamp, i32, i32, i32, i32, i32, f64)),
    // make_timestamptz(int4,int4,int4,int4,int4,float8)
    (3462, contextual!(moment, i32, i32, i32, i32, i32, f64)),
    // make_timestamptz(int4,int4,int4,int4,int4,float8,text)
    (3463, moment_in_zone),
    // make_interval(int4,int4,int4,int4,int4,int4,float8)
    (3464, scalar!(interval, i32, i32, i32, i32, i32, i32, f64)),
    // isfinite(date)
    (1373, scalar!(|date: i32| !is_infinite_date(date))),
    // isfinite(timestamptz)
    (1389, scalar!(|moment: i64| !is_infinite_timestamp(moment))),
    // isfinite(timestamp)
    (2048, scalar!(|moment: i64| !is_infinite_timestamp(moment))),
];
