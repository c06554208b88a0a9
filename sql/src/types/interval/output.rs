//! The text of intervals in the four styles.

use crate::evaluate::IntervalStyle;

use super::super::datetime::append_seconds;
use super::super::digits::{append_i64, append_padded, append_two, append_u64};
use super::{Interval, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, MONTHS_PER_YEAR};

/// An interval taken apart; every part has its sign.
#[derive(Clone, Copy, Debug)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Parts {
    fn of(interval: Interval) -> Parts {
        let time = interval.micros;
        Parts {
            year: i64::from(interval.months / MONTHS_PER_YEAR),
            month: i64::from(interval.months % MONTHS_PER_YEAR),
            day: i64::from(interval.days),
            hour: time / MICROS_PER_HOUR,
            minute: time % MICROS_PER_HOUR / MICROS_PER_MINUTE,
            second: time % MICROS_PER_MINUTE / MICROS_PER_SECOND,
            micros: time % MICROS_PER_SECOND,
        }
    }

    fn time(&self) -> [i64; 4] {
        [self.hour, self.minute, self.second, self.micros]
    }

    fn has_time(&self) -> bool {
        self.time() != [0; 4]
    }

    fn time_is_negative(&self) -> bool {
        self.time().iter().any(|part| *part < 0)
    }

    fn all(&self) -> [i64; 7] {
        [self.year, self.month, self.day, self.hour, self.minute, self.second, self.micros]
    }

    fn negated(&self) -> Parts {
        Parts {
            year: -self.year,
            month: -self.month,
            day: -self.day,
            hour: -self.hour,
            minute: -self.minute,
            second: -self.second,
            micros: -self.micros,
        }
    }
}

impl Interval {
    /// Appends the text.
    pub fn append_text(self, style: IntervalStyle, out: &mut Vec<u8>) {
        let parts = Parts::of(self);
        match style {
            IntervalStyle::Postgres => append_postgres(&parts, out),
            IntervalStyle::PostgresVerbose => append_verbose(&parts, out),
            IntervalStyle::SqlStandard => append_sql(&parts, out),
            IntervalStyle::Iso8601 => append_iso(&parts, out),
        }
    }
}

/// Seconds of any sign as digits, without padding.
fn append_plain_seconds(second: i64, micros: i64, out: &mut Vec<u8>) {
    append_u64(second.unsigned_abs(), out);
    super::super::datetime::append_fraction(micros.unsigned_abs() as u32, out);
}

/// `1 year 2 mons -3 days +04:05:06`
fn append_postgres(parts: &Parts, out: &mut Vec<u8>) {
    let start = out.len();
    let mut before = false;
    for (value, unit) in [(parts.year, "year"), (parts.month, "mon"), (parts.day, "day")] {
        if value == 0 {
            continue;
        }
        if out.len() > start {
            out.push(b' ');
        }
        if before && value > 0 {
            out.push(b'+');
        }
        append_i64(value, out);
        out.push(b' ');
        out.extend_from_slice(unit.as_bytes());
        if value != 1 {
            out.push(b's');
        }
        before = value < 0;
    }
    if out.len() > start && !parts.has_time() {
        return;
    }
    if out.len() > start {
        out.push(b' ');
    }
    if parts.time_is_negative() {
        out.push(b'-');
    } else if before {
        out.push(b'+');
    }
    append_padded(parts.hour.unsigned_abs(), 2, out);
    append_clock_tail(parts, out);
}

/// `:mm:ss.fff`
fn append_clock_tail(parts: &Parts, out: &mut Vec<u8>) {
    out.push(b':');
    append_two(parts.minute.unsigned_abs() as u32, out);
    out.push(b':');
    append_seconds(parts.second.unsigned_abs() as u32, parts.micros.unsigned_abs() as u32, out);
}

/// `@ 1 year 2 mons -3 days 4 hours 5 mins 6 secs ago`
fn append_verbose(parts: &Parts, out: &mut Vec<u8>) {
    out.push(b'@');
    let mut zero = true;
    let mut before = false;
    let units = [
        (parts.year, "year"),
        (parts.month, "mon"),
        (parts.day, "day"),
        (parts.hour, "hour"),
        (parts.minute, "min"),
    ];
    for (value, unit) in units {
        if value == 0 {
            continue;
        }
        let mut shown = value;
        if zero {
            before = value < 0;
            shown = value.abs();
        } else if before {
            shown = -value;
        }
        out.push(b' ');
        append_i64(shown, out);
        out.push(b' ');
        out.extend_from_slice(unit.as_bytes());
        if shown != 1 {
            out.push(b's');
        }
        zero = false;
    }
    if parts.second != 0 || parts.micros != 0 {
        out.push(b' ');
        if parts.second < 0 || parts.micros < 0 {
            if zero {
                before = true;
            } else if !before {
                out.push(b'-');
            }
        } else if before {
            out.push(b'-');
        }
        append_plain_seconds(parts.second, parts.micros, out);
        out.extend_from_slice(b" sec");
        if parts.second.abs() != 1 || parts.micros != 0 {
            out.push(b's');
        }
        zero = false;
    }
    if zero {
        out.extend_from_slice(b" 0");
    }
    if before {
        out.extend_from_slice(b" ago");
    }
}

/// `P1Y2M-3DT4H5M6S`
fn append_iso(parts: &Parts, out: &mut Vec<u8>) {
    if parts.all() == [0; 7] {
        out.extend_from_slice(b"PT0S");
        return;
    }
    let part = |value: i64, unit: u8, out: &mut Vec<u8>| {
        if value != 0 {
            append_i64(value, out);
            out.push(unit);
        }
    };
    out.push(b'P');
    part(parts.year, b'Y', out);
    part(parts.month, b'M', out);
    part(parts.day, b'D', out);
    if parts.has_time() {
        out.push(b'T');
    }
    part(parts.hour, b'H', out);
    part(parts.minute, b'M', out);
    if parts.second != 0 || parts.micros != 0 {
        if parts.second < 0 || parts.micros < 0 {
            out.push(b'-');
        }
        append_plain_seconds(parts.second, parts.micros, out);
        out.push(b'S');
    }
}

/// `1-2`, `3 4:05:06`; all signs written out where SQL has no form for the interval.
fn append_sql(parts: &Parts, out: &mut Vec<u8>) {
    let has_negative = parts.all().iter().any(|part| *part < 0);
    let has_positive = parts.all().iter().any(|part| *part > 0);
    let has_year_month = parts.year != 0 || parts.month != 0;
    let has_day = parts.day != 0;
    let has_day_time = has_day || parts.has_time();
    if !has_negative && !has_positive {
        out.push(b'0');
        return;
    }
    if has_negative && has_positive || has_year_month && has_day_time {
        let sign = |negative: bool| if negative { b'-' } else { b'+' };
        out.push(sign(parts.year < 0 || parts.month < 0));
        append_u64(parts.year.unsigned_abs(), out);
        out.push(b'-');
        append_u64(parts.month.unsigned_abs(), out);
        out.extend_from_slice(&[b' ', sign(parts.day < 0)]);
        append_u64(parts.day.unsigned_abs(), out);
        out.extend_from_slice(&[b' ', sign(parts.time_is_negative())]);
        append_u64(parts.hour.unsigned_abs(), out);
        return append_clock_tail(parts, out);
    }
    let mut parts = *parts;
    if has_negative {
        out.push(b'-');
        parts = parts.negated();
    }
    if has_year_month {
        append_i64(parts.year, out);
        out.push(b'-');
        append_i64(parts.month, out);
        return;
    }
    if has_day {
        append_i64(parts.day, out);
        out.push(b' ');
    }
    append_i64(parts.hour, out);
    append_clock_tail(&parts, out);
}
