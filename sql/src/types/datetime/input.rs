//! Dates, times and timestamps from their text and binary forms.

use crate::error::{Error, Result, SqlState};

use super::super::binary::Reader;
use super::super::settings::InputSettings;
use super::calendar::{
    DATE_INFINITY, DATE_NEGATIVE_INFINITY, Fields, MICROS_PER_DAY, TIMESTAMP_INFINITY,
    TIMESTAMP_NEGATIVE_INFINITY, days_from_civil, is_infinite_date, is_infinite_timestamp, is_valid_date,
    is_valid_timestamp,
};
use super::decode::{Decoded, decode_moment, decode_time};
use super::split::split;
use super::timetz_bytes;

/// The widest zone that a `timetz` can have, in seconds.
const MAXIMUM_ZONE: i32 = 16 * 3600;

fn moment(text: &str, type_name: &str, settings: &InputSettings<'_>) -> Result<Decoded> {
    split(text)
        .and_then(|fields| decode_moment(&fields, settings))
        .map_err(|fault| fault.error(text, type_name))
}

fn out_of_range(kind: &str, text: &str) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, format!("{kind} out of range: \"{text}\""))
}

/// Days since 2000-01-01.
pub fn input_date(text: &str, settings: &InputSettings<'_>) -> Result<i32> {
    if let Some(fields) = plain_date(text.as_bytes()) {
        return Ok(days_from_civil(fields.year, fields.month, fields.day));
    }
    match moment(text, "date", settings)? {
        Decoded::Infinity => Ok(DATE_INFINITY),
        Decoded::NegativeInfinity => Ok(DATE_NEGATIVE_INFINITY),
        Decoded::Epoch => Ok(days_from_civil(1970, 1, 1)),
        Decoded::Moment { fields, .. } => fields.date().ok_or_else(|| out_of_range("date", text)),
    }
}

/// Microseconds since 2000-01-01 on the clock of nowhere; a zone in the text is ignored.
pub fn input_timestamp(text: &str, typmod: i32, settings: &InputSettings<'_>) -> Result<i64> {
    let micros = match plain_timestamp(text.as_bytes()) {
        Some(fields) => fields.timestamp(),
        None => match moment(text, "timestamp", settings)? {
            Decoded::Infinity => return Ok(TIMESTAMP_INFINITY),
            Decoded::NegativeInfinity => return Ok(TIMESTAMP_NEGATIVE_INFINITY),
            Decoded::Epoch => Some(epoch_micros()),
            Decoded::Moment { fields, .. } => fields.timestamp(),
        },
    };
    micros.map(|micros| round_micros(micros, typmod)).ok_or_else(|| out_of_range("timestamp", text))
}

/// Microseconds since 2000-01-01 UTC.
pub fn input_timestamptz(text: &str, typmod: i32, settings: &InputSettings<'_>) -> Result<i64> {
    if let Some((fields, west)) = plain_timestamptz(text.as_bytes()) {
        let local = fields.local_micros();
        let west = west.or_else(|| local.map(|local| -settings.zone.offset_of_local(local)));
        if let (Some(local), Some(west)) = (local, west) {
            return Ok(round_micros(local + i64::from(west) * 1_000_000, typmod));
        }
    }
    let micros = match moment(text, "timestamp with time zone", settings)? {
        Decoded::Infinity => return Ok(TIMESTAMP_INFINITY),
        Decoded::NegativeInfinity => return Ok(TIMESTAMP_NEGATIVE_INFINITY),
        Decoded::Epoch => Some(epoch_micros()),
        Decoded::Moment { fields, west } => fields
            .local_micros()
            .and_then(|local| local.checked_add(i64::from(west) * 1_000_000))
            .filter(|micros| is_valid_timestamp(*micros)),
    };
    micros.map(|micros| round_micros(micros, typmod)).ok_or_else(|| out_of_range("timestamp", text))
}

/// Microseconds since midnight.
pub fn input_time(text: &str, typmod: i32, settings: &InputSettings<'_>) -> Result<i64> {
    let (fields, _) = split(text)
        .and_then(|fields| decode_time(&fields, settings))
        .map_err(|fault| fault.error(text, "time"))?;
    Ok(round_micros(fields.time(), typmod))
}

/// The stored form of a time with its zone.
pub fn input_timetz(text: &str, typmod: i32, settings: &InputSettings<'_>) -> Result<[u8; 16]> {
    let (fields, west) = split(text)
        .and_then(|fields| decode_time(&fields, settings))
        .map_err(|fault| fault.error(text, "time with time zone"))?;
    Ok(timetz_bytes(round_micros(fields.time(), typmod), west))
}

/// 1970-01-01.
fn epoch_micros() -> i64 {
    i64::from(days_from_civil(1970, 1, 1)) * MICROS_PER_DAY
}

/// Rounds to the number of decimals of a typmod, half away from zero; the infinities stay.
pub fn round_micros(micros: i64, typmod: i32) -> i64 {
    if !(0..6).contains(&typmod) || is_infinite_timestamp(micros) {
        return micros;
    }
    let scale = 10i64.pow(6 - typmod as u32);
    let half = scale / 2;
    if micros >= 0 { (micros + half) / scale * scale } else { (micros - half) / scale * scale }
}

fn digits(bytes: &[u8]) -> Option<i32> {
    let mut number = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i32::from(digit);
    }
    Some(number)
}

/// The plain form `yyyy-mm-dd`, without the general grammar: what loading data is made of.
fn plain_date(text: &[u8]) -> Option<Fields> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = digits(&[*y1, *y2, *y3, *y4])?;
    let month = digits(&[*m1, *m2])?;
    let day = digits(&[*d1, *d2])?;
    let valid = year > 0
        && (1..=12).contains(&month)
        && (1..=super::calendar::days_in_month(year, month)).contains(&day);
    valid.then_some(Fields { year, month, day, ..Fields::default() })
}

/// The plain form `yyyy-mm-dd hh:mm:ss[.ffffff]`.
fn plain_timestamp(text: &[u8]) -> Option<Fields> {
    let (date, time) = text.split_at_checked(10)?;
    let date = plain_date(date)?;
    let [b' ' | b'T', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = time else { return None };
    let hour = digits(&[*h1, *h2])?;
    let minute = digits(&[*m1, *m2])?;
    let second = digits(&[*s1, *s2])?;
    let micros = match rest {
        [] => 0,
        [b'.', fraction @ ..] if (1..=6).contains(&fraction.len()) => {
            digits(fraction)? * 10i32.pow(6 - fraction.len() as u32)
        }
        _ => return None,
    };
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then_some(Fields { hour, minute, second, micros, ..date })
}

/// The plain form with `+hh`, `+hh:mm`, `Z` or nothing behind it; the zone in seconds west.
fn plain_timestamptz(text: &[u8]) -> Option<(Fields, Option<i32>)> {
    let sign = text.iter().skip(19).position(|byte| matches!(byte, b'+' | b'-' | b'Z'));
    let Some(at) = sign.map(|sign| sign + 19) else { return Some((plain_timestamp(text)?, None)) };
    let (clock, zone) = text.split_at_checked(at)?;
    let fields = plain_timestamp(clock)?;
    let (negative, hours, minutes) = match zone {
        [b'Z'] => return Some((fields, Some(0))),
        [sign, h1, h2] => (*sign == b'-', digits(&[*h1, *h2])?, 0),
        [sign, h1, h2, b':', m1, m2] => (*sign == b'-', digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    if hours > 15 || minutes > 59 {
        return None;
    }
    let east = (hours * 60 + minutes) * 60;
    Some((fields, Some(if negative { east } else { -east })))
}

pub fn receive_date(reader: &mut Reader<'_>) -> Result<i32> {
    let days = reader.i32()?;
    if is_infinite_date(days) || is_valid_date(i64::from(days)) {
        return Ok(days);
    }
    Err(super::calendar::date_out_of_range())
}

pub fn receive_timestamp(reader: &mut Reader<'_>, typmod: i32) -> Result<i64> {
    let micros = reader.i64()?;
    if is_infinite_timestamp(micros) || is_valid_timestamp(micros) {
        return Ok(round_micros(micros, typmod));
    }
    Err(super::calendar::timestamp_out_of_range())
}

pub fn receive_time(reader: &mut Reader<'_>, typmod: i32) -> Result<i64> {
    let micros = reader.i64()?;
    if !(0..=MICROS_PER_DAY).contains(&micros) {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "time out of range"));
    }
    Ok(round_micros(micros, typmod))
}

pub fn receive_timetz(reader: &mut Reader<'_>, typmod: i32) -> Result<[u8; 16]> {
    let micros = receive_time(reader, typmod)?;
    let west = reader.i32()?;
    if west <= -MAXIMUM_ZONE || west >= MAXIMUM_ZONE {
        return Err(Error::new(
            SqlState::InvalidTimeZoneDisplacementValue,
            "time zone displacement out of range",
        ));
    }
    Ok(timetz_bytes(micros, west))
}
