//! The names of units of time, as extract and date_trunc take them.

use crate::error::{Error, SqlState};
use crate::types::{NoNames, format_type};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
    Epoch,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Julian,
}

impl Unit {
    /// The unit of a name in any case; names longer than ten characters are told apart by their first ten.
    pub(super) fn find(name: &str) -> Option<Unit> {
        let lower = name.to_ascii_lowercase();
        let end = lower.char_indices().nth(10).map_or(lower.len(), |(at, _)| at);
        Some(match lower.get(..end)? {
            "us" | "usec" | "usecs" | "useconds" | "microsecon" => Unit::Microsecond,
            "ms" | "msec" | "msecs" | "mseconds" | "millisecon" => Unit::Millisecond,
            "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
            "d" | "day" | "days" => Unit::Day,
            "w" | "week" | "weeks" => Unit::Week,
            "mon" | "mons" | "month" | "months" => Unit::Month,
            "qtr" | "quarter" => Unit::Quarter,
            "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
            "dec" | "decs" | "decade" | "decades" => Unit::Decade,
            "c" | "cent" | "century" | "centuries" => Unit::Century,
            "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
            "timezone" => Unit::Timezone,
            "timezone_h" => Unit::TimezoneHour,
            "timezone_m" => Unit::TimezoneMinute,
            "epoch" => Unit::Epoch,
            "dow" => Unit::DayOfWeek,
            "isodow" => Unit::IsoDayOfWeek,
            "doy" => Unit::DayOfYear,
            "isoyear" => Unit::IsoYear,
            "j" | "jd" | "julian" => Unit::Julian,
            _ => return None,
        })
    }

    /// Whether the field only ever grows: of an infinite moment it is infinite, where others are NULL.
    pub(super) fn grows(self) -> bool {
        matches!(
            self,
            Unit::Year
                | Unit::Decade
                | Unit::Century
                | Unit::Millennium
                | Unit::Julian
                | Unit::IsoYear
                | Unit::Epoch
        )
    }
}

/// The error for a name that is no unit.
pub(super) fn unrecognized(name: &str, type_oid: u32) -> Error {
    Error::new(
        SqlState::InvalidParameterValue,
        format!(
            "unit \"{}\" not recognized for type {}",
            name.to_ascii_lowercase(),
            format_type(type_oid, -1, &NoNames)
        ),
    )
}

/// The error for a unit that a type does not have.
pub(super) fn unsupported(name: &str, type_oid: u32) -> Error {
    Error::new(
        SqlState::FeatureNotSupported,
        format!(
            "unit \"{}\" not supported for type {}",
            name.to_ascii_lowercase(),
            format_type(type_oid, -1, &NoNames)
        ),
    )
}
