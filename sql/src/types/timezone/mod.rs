//! Time zones: names of the bundled tz database, abbreviations, fixed offsets and POSIX-like specifications.
//!
//! The database's table of transitions ends in 2099; later years take the rules of a year before 2090 that has the
//! same calendar, as PostgreSQL's repetition of the last rules has it.

mod abbreviations;

use std::borrow::Cow;

use chrono::{Offset, TimeZone};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use super::datetime::calendar::{civil_from_days, days_from_civil, is_leap};

pub use abbreviations::{ABBREVIATIONS, Abbreviation, Meaning, find_abbreviation};

const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_SECOND: i64 = 1_000_000;
/// 2000-01-01 in Unix time.
const EPOCH_UNIX: i64 = 946_684_800;

/// A resolved time zone; copying it is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Seconds east of Greenwich.
    Fixed(i32),
    Named(Tz),
}

/// The names of all zones of the tz database.
pub fn names() -> impl Iterator<Item = &'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name())
}

/// The moment in the table's range that has the same offset as a moment behind its end.
fn equivalent(tz: Tz, unix_seconds: i64) -> i64 {
    /// 2090-01-01.
    const END: i64 = 3_786_912_000;
    /// 2098-01-15 and 2098-07-15.
    const LAST_WINTER: i64 = 4_040_582_400;
    const LAST_SUMMER: i64 = LAST_WINTER + 181 * SECONDS_PER_DAY;
    if unix_seconds < END {
        return unix_seconds;
    }
    let offset = |seconds| {
        chrono::DateTime::from_timestamp(seconds, 0)
            .map_or(0, |moment| tz.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc())
    };
    if offset(LAST_WINTER) == offset(LAST_SUMMER) {
        // The zone has given up daylight saving time, or will have.
        return LAST_WINTER;
    }
    let days = unix_seconds.div_euclid(SECONDS_PER_DAY);
    let unix_epoch = days_from_civil(1970, 1, 1);
    let (year, _, _) = civil_from_days((days + i64::from(unix_epoch)) as i32);
    let first = i64::from(days_from_civil(year, 1, 1));
    for candidate in 2062..2090 {
        let start = i64::from(days_from_civil(candidate, 1, 1));
        if is_leap(candidate) == is_leap(year) && (first - start) % 7 == 0 {
            return unix_seconds - (first - start) * SECONDS_PER_DAY;
        }
    }
    unix_seconds
}

impl Zone {
    pub const UTC: Zone = Zone::Fixed(0);

    /// The zone that a setting or a timestamp's text names: a name of the tz database in any case, or a POSIX-like
    /// specification such as `<+03>-3` or `FOO5`, whose offsets count westward. `None` when there is no such zone.
    pub fn find(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("etc/utc") {
            return Some(Zone::UTC);
        }
        match Tz::from_str_insensitive(name) {
            Ok(tz) => Some(Zone::Named(tz)),
            Err(_) => posix_offset(name).map(|west| Zone::Fixed(-west)),
        }
    }

    /// The offset that AT TIME ZONE and its like take from an abbreviation or a zone's name for a local time, in
    /// seconds east of Greenwich.
    pub fn offset_named(name: &str, local_micros: i64) -> Option<i32> {
        match find_abbreviation(&name.to_ascii_lowercase()) {
            Some(Meaning::Fixed { east, .. }) => Some(east),
            Some(Meaning::Zone(zone)) => Some(zone.offset_of_abbreviation(name, local_micros)),
            None => Zone::find(name).map(|zone| zone.offset_of_local(local_micros)),
        }
    }

    /// As [`Zone::offset_named`], for a moment in UTC.
    pub fn offset_named_at(name: &str, micros: i64) -> Option<i32> {
        match find_abbreviation(&name.to_ascii_lowercase()) {
            Some(Meaning::Fixed { east, .. }) => Some(east),
            Some(Meaning::Zone(zone)) => {
                let local = micros.saturating_add(i64::from(zone.offset_at(micros)) * MICROS_PER_SECOND);
                Some(zone.offset_of_abbreviation(name, local))
            }
            None => Zone::find(name).map(|zone| zone.offset_at(micros)),
        }
    }

    /// The name as the tz database spells it, or a POSIX-like one for a fixed offset.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Zone::Fixed(0) => Cow::Borrowed("UTC"),
            Zone::Fixed(east) => Cow::Owned(format!("<{}>{}", offset_text(east), offset_text(-east))),
            Zone::Named(tz) => Cow::Borrowed(tz.name()),
        }
    }

    /// Seconds east of Greenwich at a moment given in microseconds since 2000-01-01 UTC.
    pub fn offset_at(self, micros: i64) -> i32 {
        match self {
            Zone::Fixed(seconds) => seconds,
            Zone::Named(_) => self.offset_at_unix(micros.div_euclid(MICROS_PER_SECOND) + EPOCH_UNIX),
        }
    }

    fn offset_at_unix(self, seconds: i64) -> i32 {
        match self {
            Zone::Fixed(seconds) => seconds,
            Zone::Named(tz) => span_at(tz, seconds).map_or(0, |span| span.fix().local_minus_utc()),
        }
    }

    /// Whether daylight saving time is in force at a moment.
    pub fn is_daylight_at(self, micros: i64) -> bool {
        match self {
            Zone::Fixed(_) => false,
            Zone::Named(tz) => span_at(tz, micros.div_euclid(MICROS_PER_SECOND) + EPOCH_UNIX)
                .is_some_and(|span| !span.dst_offset().is_zero()),
        }
    }

    /// The abbreviation in force at a moment, as `PST`, or `+0330` in zones that have no other.
    pub fn abbreviation_at(self, micros: i64) -> Cow<'static, str> {
        let tz = match self {
            Zone::Fixed(0) => return Cow::Borrowed("UTC"),
            Zone::Fixed(east) => return Cow::Owned(offset_text(east)),
            Zone::Named(tz) => tz,
        };
        let Some(span) = span_at(tz, micros.div_euclid(MICROS_PER_SECOND) + EPOCH_UNIX) else {
            return Cow::Borrowed("UTC");
        };
        match span.abbreviation() {
            Some(name) => Cow::Owned(name.to_string()),
            None => Cow::Owned(offset_text(span.fix().local_minus_utc()).replace(':', "")),
        }
    }

    /// The offset in force at a local time (microseconds since 2000-01-01 00:00 local). A time that a change of
    /// clocks skips is read with the offset before it, one that it repeats with the offset after it.
    pub fn offset_of_local(self, local_micros: i64) -> i32 {
        if let Zone::Fixed(seconds) = self {
            return seconds;
        }
        let local = local_micros.div_euclid(MICROS_PER_SECOND) + EPOCH_UNIX;
        let before = self.offset_at_unix(local - SECONDS_PER_DAY);
        let after = self.offset_at_unix(local + SECONDS_PER_DAY);
        if before == after {
            return before;
        }
        let with_before = local - i64::from(before);
        let with_after = local - i64::from(after);
        let before_holds = self.offset_at_unix(with_before) == before;
        let after_holds = self.offset_at_unix(with_after) == after;
        match (before_holds, after_holds) {
            (true, false) => before,
            (false, true) => after,
            _ if with_before > with_after => before,
            _ => after,
        }
    }

    /// The offset that an abbreviation means in this zone at a local time: the one that bore it then, before, or
    /// after; the zone's own where none ever did.
    pub fn offset_of_abbreviation(self, abbreviation: &str, local_micros: i64) -> i32 {
        /// 1880 and 2038: between them every abbreviation has been in use.
        const FROM: i64 = -2_840_140_800;
        const TO: i64 = 2_145_916_800;
        const STEP: i64 = 60 * SECONDS_PER_DAY;
        let own = self.offset_of_local(local_micros);
        let Zone::Named(tz) = self else { return own };
        let moment = local_micros.div_euclid(MICROS_PER_SECOND) + EPOCH_UNIX - i64::from(own);
        let bears = |seconds: i64| {
            span_at(tz, seconds)
                .filter(|span| {
                    span.abbreviation().is_some_and(|name| name.eq_ignore_ascii_case(abbreviation))
                })
                .map(|span| span.fix().local_minus_utc())
        };
        let start = moment.clamp(FROM, TO);
        let back = (0..).map(|step| start - step * STEP).take_while(|seconds| *seconds >= FROM);
        let forth = (0..).map(|step| start + step * STEP).take_while(|seconds| *seconds <= TO);
        bears(moment).or_else(|| back.chain(forth).find_map(bears)).unwrap_or(own)
    }

    /// Whether the zone has the same offset all the time, and which.
    pub fn fixed_offset(self) -> Option<i32> {
        match self {
            Zone::Fixed(seconds) => Some(seconds),
            Zone::Named(_) => {
                let year = 365 * SECONDS_PER_DAY / 4;
                let first = self.offset_at_unix(-60 * 365 * SECONDS_PER_DAY);
                let steady = (-240..480).all(|quarter| self.offset_at_unix(quarter * year) == first);
                steady.then_some(first)
            }
        }
    }
}

/// What is in force in a zone at a moment in Unix time.
fn span_at(tz: Tz, seconds: i64) -> Option<<Tz as TimeZone>::Offset> {
    let moment = chrono::DateTime::from_timestamp(equivalent(tz, seconds), 0)?;
    Some(tz.offset_from_utc_datetime(&moment.naive_utc()))
}

/// `+03`, `-04:30`.
fn offset_text(east: i32) -> String {
    let sign = if east < 0 { '-' } else { '+' };
    let seconds = east.unsigned_abs();
    let mut text = format!("{sign}{:02}", seconds / 3600);
    if !seconds.is_multiple_of(3600) {
        text.push_str(&format!(":{:02}", seconds / 60 % 60));
    }
    if !seconds.is_multiple_of(60) {
        text.push_str(&format!(":{:02}", seconds % 60));
    }
    text
}

/// Seconds west of a POSIX-like zone without daylight saving time: an abbreviation, or any text in angle brackets,
/// then an offset.
fn posix_offset(name: &str) -> Option<i32> {
    let rest = match name.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => {
            let length = name.find(|c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | '+'))?;
            if length == 0 {
                return None;
            }
            &name[length..]
        }
    };
    let (negative, digits) = match rest.as_bytes().first()? {
        b'-' => (true, &rest[1..]),
        b'+' => (false, &rest[1..]),
        _ => (false, rest),
    };
    let mut seconds = 0;
    let mut parts = digits.split(':');
    for (unit, limit) in [(3600, 167), (60, 59), (1, 59)] {
        let Some(part) = parts.next() else { break };
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i32 = part.parse().ok().filter(|number| *number <= limit)?;
        seconds += number * unit;
    }
    if parts.next().is_some() {
        return None;
    }
    Some(if negative { -seconds } else { seconds })
}
