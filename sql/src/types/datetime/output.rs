//! The text of dates, times and timestamps in the four styles.

use crate::evaluate::{DateOrder, DateStyle};

use super::super::digits::{append_padded, append_two};
use super::super::settings::OutputSettings;
use super::super::timezone::Zone;
use super::calendar::{
    DATE_INFINITY, DATE_NEGATIVE_INFINITY, Fields, TIMESTAMP_INFINITY, TIMESTAMP_NEGATIVE_INFINITY,
    day_of_week, days_from_civil,
};

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];
/// PostgreSQL cuts abbreviations of zones to this many bytes.
const ABBREVIATION_BYTES: usize = 10;

/// Four digits or more; years before Christ count from one backwards.
fn append_year(year: i32, out: &mut Vec<u8>) {
    let shown = if year > 0 { i64::from(year) } else { 1 - i64::from(year) };
    append_padded(shown as u64, 4, out);
}

fn append_era(year: i32, out: &mut Vec<u8>) {
    if year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

/// Two digits of seconds, and the microseconds without trailing zeros.
pub fn append_seconds(second: u32, micros: u32, out: &mut Vec<u8>) {
    append_two(second, out);
    append_fraction(micros, out);
}

/// A point and the microseconds without trailing zeros; nothing for none.
pub(in super::super) fn append_fraction(micros: u32, out: &mut Vec<u8>) {
    if micros == 0 {
        return;
    }
    out.push(b'.');
    append_padded(u64::from(micros), 6, out);
    while out.last() == Some(&b'0') {
        out.pop();
    }
}

/// `hh:mm:ss[.ffffff]`
fn append_clock(fields: &Fields, out: &mut Vec<u8>) {
    append_two(fields.hour as u32, out);
    out.push(b':');
    append_two(fields.minute as u32, out);
    out.push(b':');
    append_seconds(fields.second as u32, fields.micros as u32, out);
}

/// `+hh[:mm[:ss]]` of seconds east of Greenwich.
pub fn append_offset(east: i32, out: &mut Vec<u8>) {
    out.push(if east < 0 { b'-' } else { b'+' });
    let seconds = east.unsigned_abs();
    append_two(seconds / 3600, out);
    if !seconds.is_multiple_of(3600) {
        out.push(b':');
        append_two(seconds / 60 % 60, out);
        if !seconds.is_multiple_of(60) {
            out.push(b':');
            append_two(seconds % 60, out);
        }
    }
}

/// Appends a date.
pub fn append_date(days: i32, settings: &OutputSettings<'_>, out: &mut Vec<u8>) {
    match days {
        DATE_INFINITY => return out.extend_from_slice(b"infinity"),
        DATE_NEGATIVE_INFINITY => return out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    let fields = Fields::from_date(days);
    let (month, day) = (fields.month as u32, fields.day as u32);
    let day_first = settings.date_order == DateOrder::DayMonthYear;
    match settings.date_style {
        DateStyle::Iso => {
            append_year(fields.year, out);
            out.push(b'-');
            append_two(month, out);
            out.push(b'-');
            append_two(day, out);
        }
        DateStyle::German => append_parts(day, month, b'.', fields.year, out),
        DateStyle::Sql if day_first => append_parts(day, month, b'/', fields.year, out),
        DateStyle::Sql => append_parts(month, day, b'/', fields.year, out),
        DateStyle::Postgres if day_first => append_parts(day, month, b'-', fields.year, out),
        DateStyle::Postgres => append_parts(month, day, b'-', fields.year, out),
    }
    append_era(fields.year, out);
}

fn append_parts(first: u32, second: u32, delimiter: u8, year: i32, out: &mut Vec<u8>) {
    append_two(first, out);
    out.push(delimiter);
    append_two(second, out);
    out.push(delimiter);
    append_year(year, out);
}

/// Appends a time of day.
pub fn append_time(micros: i64, out: &mut Vec<u8>) {
    append_clock(&Fields::from_time(micros), out);
}

/// Appends a time of day with its zone in seconds west.
pub fn append_timetz(micros: i64, west: i32, out: &mut Vec<u8>) {
    append_time(micros, out);
    append_offset(-west, out);
}

/// Appends a timestamp without a zone.
pub fn append_timestamp(micros: i64, settings: &OutputSettings<'_>, out: &mut Vec<u8>) {
    append_moment(micros, None, settings, out);
}

/// Appends a timestamp on the clock of the session's zone.
pub fn append_timestamptz(micros: i64, settings: &OutputSettings<'_>, out: &mut Vec<u8>) {
    append_moment(micros, Some(settings.zone), settings, out);
}

fn append_moment(micros: i64, zone: Option<Zone>, settings: &OutputSettings<'_>, out: &mut Vec<u8>) {
    match micros {
        TIMESTAMP_INFINITY => return out.extend_from_slice(b"infinity"),
        TIMESTAMP_NEGATIVE_INFINITY => return out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    let east = zone.map_or(0, |zone| zone.offset_at(micros));
    let fields = Fields::from_timestamp(micros + i64::from(east) * 1_000_000);
    let (month, day) = (fields.month as u32, fields.day as u32);
    let day_first = settings.date_order == DateOrder::DayMonthYear;
    match settings.date_style {
        DateStyle::Iso => {
            append_year(fields.year, out);
            out.push(b'-');
            append_two(month, out);
            out.push(b'-');
            append_two(day, out);
        }
        DateStyle::German => append_parts(day, month, b'.', fields.year, out),
        DateStyle::Sql if day_first => append_parts(day, month, b'/', fields.year, out),
        DateStyle::Sql => append_parts(month, day, b'/', fields.year, out),
        DateStyle::Postgres => {
            append_postgres(&fields, day_first, out);
            if let Some(zone) = zone {
                append_zone(zone, micros, out);
            }
            return append_era(fields.year, out);
        }
    }
    out.push(b' ');
    append_clock(&fields, out);
    if let Some(zone) = zone {
        if settings.date_style == DateStyle::Iso {
            append_offset(east, out);
        } else {
            append_zone(zone, micros, out);
        }
    }
    append_era(fields.year, out);
}

/// `Wed Dec 17 07:37:16 1997`
fn append_postgres(fields: &Fields, day_first: bool, out: &mut Vec<u8>) {
    let weekday = day_of_week(days_from_civil(fields.year, fields.month, fields.day));
    let weekday = DAYS.get(weekday as usize).copied().unwrap_or(DAYS[0]);
    let month = MONTHS.get(fields.month as usize - 1).copied().unwrap_or(MONTHS[0]);
    out.extend_from_slice(weekday);
    out.push(b' ');
    if day_first {
        append_two(fields.day as u32, out);
        out.push(b' ');
        out.extend_from_slice(month);
    } else {
        out.extend_from_slice(month);
        out.push(b' ');
        append_two(fields.day as u32, out);
    }
    out.push(b' ');
    append_clock(fields, out);
    out.push(b' ');
    append_year(fields.year, out);
}

fn append_zone(zone: Zone, micros: i64, out: &mut Vec<u8>) {
    let abbreviation = zone.abbreviation_at(micros);
    out.push(b' ');
    out.extend_from_slice(&abbreviation.as_bytes()[..abbreviation.len().min(ABBREVIATION_BYTES)]);
}
