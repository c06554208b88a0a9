//! `to_char` of timestamps and intervals.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::date_template::{Case, Key, Modifiers, Node, parse};
use super::ordinal;
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::Fields;
use crate::types::datetime::calendar::{EPOCH_JULIAN, day_of_week, days_from_civil};
use crate::types::interval::{Interval, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use crate::types::timezone::Zone;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Roman months, the last one first.
pub(super) const ROMAN_MONTHS: [&str; 12] =
    ["XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"];

/// What is written: a moment's fields, or an interval's.
struct Source<'a> {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    day_of_year: i64,
    day_of_week: i64,
    /// Seconds east and the abbreviation, of a moment in a zone.
    zone: Option<(i32, Cow<'a, str>)>,
    is_interval: bool,
}

/// A timestamp, on the clock of a zone if there is one.
pub(super) fn moment_to_char(micros: i64, zone: Option<Zone>, template: &str) -> Result<String> {
    let east = zone.map_or(0, |zone| zone.offset_at(micros));
    let fields = Fields::from_timestamp(micros + i64::from(east) * 1_000_000);
    let days = days_from_civil(fields.year, fields.month, fields.day);
    let source = Source {
        year: i64::from(fields.year),
        month: i64::from(fields.month),
        day: i64::from(fields.day),
        hour: i64::from(fields.hour),
        minute: i64::from(fields.minute),
        second: i64::from(fields.second),
        micros: i64::from(fields.micros),
        day_of_year: i64::from(days) - i64::from(days_from_civil(fields.year, 1, 1)) + 1,
        day_of_week: i64::from(day_of_week(days)),
        zone: zone.map(|zone| (east, zone.abbreviation_at(micros))),
        is_interval: false,
    };
    source.write(template)
}

/// An interval; the day of the year is all its days.
pub(super) fn interval_to_char(interval: Interval, template: &str) -> Result<String> {
    let time = interval.micros;
    let (year, month) = (i64::from(interval.months / 12), i64::from(interval.months % 12));
    let source = Source {
        year,
        month,
        day: i64::from(interval.days),
        hour: time / MICROS_PER_HOUR,
        minute: time % MICROS_PER_HOUR / MICROS_PER_MINUTE,
        second: time % MICROS_PER_MINUTE / MICROS_PER_SECOND,
        micros: time % MICROS_PER_SECOND,
        day_of_year: (year * 12 + month) * 30 + i64::from(interval.days),
        day_of_week: 0,
        zone: None,
        is_interval: true,
    };
    source.write(template)
}

fn in_case(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_ascii_uppercase(),
        Case::Capital => text.to_string(),
        Case::Lower => text.to_ascii_lowercase(),
    }
}

/// C's `%0*d`, one wider for numbers below zero.
fn padded(number: i64, width: usize, modifiers: Modifiers) -> String {
    let width = if modifiers.fill { 0 } else { width + usize::from(number < 0) };
    if number < 0 {
        format!("-{:0width$}", number.unsigned_abs(), width = width.saturating_sub(1))
    } else {
        format!("{number:0width$}")
    }
}

/// The days of the Monday that begins a week of an ISO year.
pub(super) fn iso_week_start(year: i32, week: i32) -> i32 {
    let fourth = days_from_civil(year, 1, 4);
    let since_monday = (day_of_week(fourth) + 6) % 7;
    fourth - since_monday + (week - 1) * 7
}

/// Days since 2000-01-01 by PostgreSQL's formula, which gives an interval's months below one days of their own.
fn counted_days(year: i32, month: i32, day: i32) -> i32 {
    let (year, month) = if month > 2 { (year + 4800, month + 1) } else { (year + 4799, month + 13) };
    let century = year / 100;
    year * 365 - 32_167 + year / 4 - century + century / 4 + 7834 * month / 256 + day - EPOCH_JULIAN
}

/// The ISO year and the days since its beginning, from zero.
fn iso_year_and_day(year: i32, month: i32, day: i32) -> (i32, i32) {
    let days = counted_days(year, month, day);
    for candidate in [year + 1, year] {
        let start = iso_week_start(candidate, 1);
        if days >= start {
            return (candidate, days - start);
        }
    }
    (year - 1, days - iso_week_start(year - 1, 1))
}

impl Source<'_> {
    fn write(&self, template: &str) -> Result<String> {
        let mut out = String::new();
        for node in parse(template) {
            match node {
                Node::Field { keyword, modifiers } => self.field(keyword.key, modifiers, &mut out)?,
                Node::Separator(character) | Node::Space(character) | Node::Character(character) => {
                    out.push(character);
                }
            }
        }
        Ok(out)
    }

    fn not_of_interval(&self) -> Result<()> {
        if self.is_interval {
            return Err(Error::new(
                SqlState::InvalidDatetimeFormat,
                "invalid format specification for an interval value",
            )
            .hint("Intervals are not tied to specific calendar dates."));
        }
        Ok(())
    }

    /// The year as it is shown: before Christ without a sign.
    fn shown_year(&self, year: i64) -> i64 {
        if self.is_interval || year > 0 { year } else { 1 - year }
    }

    fn iso(&self) -> (i32, i32) {
        iso_year_and_day(self.year as i32, self.month as i32, self.day as i32)
    }

    /// Writes a field. Longer than most functions: one arm for every keyword.
    fn field(&self, key: Key, modifiers: Modifiers, out: &mut String) -> Result<()> {
        let number = match key {
            Key::HalfDay { .. }
            | Key::Era { .. }
            | Key::DayName { .. }
            | Key::MonthName { .. }
            | Key::Roman { .. }
            | Key::Zone { .. }
            | Key::ZoneHour
            | Key::ZoneMinute
            | Key::Offset
            | Key::Exact => return self.word(key, modifiers, out),
            Key::Hour12 => {
                let hour = self.hour % 12;
                padded(
                    if hour == 0 { 12 } else { hour },
                    2 + usize::from(self.hour < 0 && hour == 0),
                    modifiers,
                )
            }
            Key::Hour24 => padded(self.hour, 2, modifiers),
            Key::Minute => padded(self.minute, 2, modifiers),
            Key::Second => padded(self.second, 2, modifiers),
            Key::Fraction(digits) => fraction(self.micros / 10i64.pow(6 - digits), digits),
            Key::Milliseconds => fraction(self.micros / 1000, 3),
            Key::Microseconds => fraction(self.micros, 6),
            Key::SecondsOfDay => ((self.hour * 60 + self.minute) * 60 + self.second).to_string(),
            Key::Month => padded(self.month, 2, modifiers),
            Key::Day => plainly_padded(self.day, 2, modifiers),
            Key::DayOfYear => plainly_padded(self.day_of_year, 3, modifiers),
            Key::IsoDayOfYear => plainly_padded(i64::from(self.iso().1) + 1, 3, modifiers),
            Key::DayOfWeek => {
                self.not_of_interval()?;
                (self.day_of_week + 1).to_string()
            }
            Key::IsoDayOfWeek => {
                self.not_of_interval()?;
                if self.day_of_week == 0 { "7".to_string() } else { self.day_of_week.to_string() }
            }
            Key::Week => plainly_padded((self.day_of_year - 1) / 7 + 1, 2, modifiers),
            Key::IsoWeek => plainly_padded(i64::from(self.iso().1 / 7) + 1, 2, modifiers),
            Key::Quarter if self.month == 0 => return Ok(()),
            Key::Quarter => ((self.month - 1) / 3 + 1).to_string(),
            Key::Century => self.century(modifiers),
            Key::YearWithComma => {
                let year = self.shown_year(self.year);
                format!("{},{:03}", year / 1000, year - year / 1000 * 1000)
            }
            Key::Year(digits) => self.year_digits(self.year, digits, modifiers),
            Key::IsoYear(digits) => self.year_digits(i64::from(self.iso().0), digits, modifiers),
            Key::WeekOfMonth => ((self.day - 1) / 7 + 1).to_string(),
            Key::Julian => {
                let days = counted_days(self.year as i32, self.month as i32, self.day as i32);
                (i64::from(days) + i64::from(EPOCH_JULIAN)).to_string()
            }
        };
        out.push_str(&number);
        if let Some(upper) = modifiers.ordinal {
            // The suffix is that of everything written so far, whose last digits are the number's.
            out.push_str(ordinal(&number, upper)?);
        }
        Ok(())
    }

    fn century(&self, modifiers: Modifiers) -> String {
        let century = if self.is_interval {
            self.year / 100
        } else if self.year > 0 {
            (self.year - 1) / 100 + 1
        } else {
            self.year / 100 - 1
        };
        if century.abs() <= 99 { padded(century, 2, modifiers) } else { century.to_string() }
    }

    fn year_digits(&self, year: i64, digits: u32, modifiers: Modifiers) -> String {
        let shown = self.shown_year(year);
        match digits {
            1 => (shown % 10).to_string(),
            _ => {
                let rest = if digits == 4 { shown } else { shown % 10i64.pow(digits) };
                // The width follows the sign of the calendar's year, even for an ISO year.
                let width = digits as usize + usize::from(self.shown_year(self.year) < 0);
                plainly_padded(rest, width, modifiers)
            }
        }
    }

    fn word(&self, key: Key, modifiers: Modifiers, out: &mut String) -> Result<()> {
        let unpadded = modifiers.fill || modifiers.translate;
        match key {
            Key::HalfDay { dots, case } => {
                let text = match (self.hour % 24 >= 12, dots) {
                    (true, true) => "P.M.",
                    (true, false) => "PM",
                    (false, true) => "A.M.",
                    (false, false) => "AM",
                };
                out.push_str(&in_case(text, case));
            }
            Key::Era { dots, case } => {
                self.not_of_interval()?;
                let text = match (self.year <= 0, dots) {
                    (true, true) => "B.C.",
                    (true, false) => "BC",
                    (false, true) => "A.D.",
                    (false, false) => "AD",
                };
                out.push_str(&in_case(text, case));
            }
            Key::MonthName { short, case } => {
                self.not_of_interval()?;
                if let Some(name) = usize::try_from(self.month - 1).ok().and_then(|at| MONTHS.get(at)) {
                    append_name(name, short, case, unpadded, out);
                }
            }
            Key::DayName { short, case } => {
                self.not_of_interval()?;
                if let Some(name) = usize::try_from(self.day_of_week).ok().and_then(|at| DAYS.get(at)) {
                    append_name(name, short, case, unpadded, out);
                }
            }
            Key::Roman { case } => {
                if self.month == 0 && self.year == 0 {
                    return Ok(());
                }
                let at = match self.month {
                    0 if self.year >= 0 => 0,
                    0 => 11,
                    month if month < 0 => -(month + 1),
                    month => 12 - month,
                };
                let name = ROMAN_MONTHS.get(at as usize).copied().unwrap_or("");
                let name = in_case(name, case);
                let width = if modifiers.fill { 0 } else { 4 };
                let _ = write!(out, "{name:<width$}");
            }
            _ => self.zone_field(key, modifiers, out)?,
        }
        Ok(())
    }

    fn zone_field(&self, key: Key, modifiers: Modifiers, out: &mut String) -> Result<()> {
        if key == Key::Exact {
            return Ok(());
        }
        self.not_of_interval()?;
        let east = self.zone.as_ref().map_or(0, |(east, _)| *east);
        let sign = if east < 0 { '-' } else { '+' };
        let seconds = east.unsigned_abs();
        match key {
            Key::Zone { case } => {
                if let Some((_, abbreviation)) = &self.zone {
                    let lower = case == Case::Lower;
                    out.push_str(&if lower {
                        abbreviation.to_ascii_lowercase()
                    } else {
                        abbreviation.to_string()
                    });
                }
            }
            Key::ZoneHour => {
                let _ = write!(out, "{sign}{:02}", seconds / 3600);
            }
            Key::ZoneMinute => {
                let _ = write!(out, "{:02}", seconds % 3600 / 60);
            }
            _ => {
                let width = if modifiers.fill { 0 } else { 2 };
                let _ = write!(out, "{sign}{:0width$}", seconds / 3600);
                if !seconds.is_multiple_of(3600) {
                    let _ = write!(out, ":{:02}", seconds % 3600 / 60);
                }
            }
        }
        Ok(())
    }
}

/// C's `%0*d` without care for the sign.
fn plainly_padded(number: i64, width: usize, modifiers: Modifiers) -> String {
    let width = if modifiers.fill { 0 } else { width };
    format!("{number:0width$}")
}

/// Digits of a fraction of a second; its sign counts as one of them.
fn fraction(number: i64, digits: u32) -> String {
    format!("{number:0width$}", width = digits as usize)
}

fn append_name(name: &str, short: bool, case: Case, unpadded: bool, out: &mut String) {
    if short {
        out.push_str(&in_case(&name[..3], case));
        return;
    }
    let width = if unpadded { 0 } else { 9 };
    let _ = write!(out, "{:<width$}", in_case(name, case));
}
