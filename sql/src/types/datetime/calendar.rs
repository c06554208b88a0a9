//! The proleptic Gregorian calendar, and the fields of a moment.

use crate::error::{Error, Result, SqlState};

/// The Julian day of 2000-01-01.
pub const EPOCH_JULIAN: i32 = 2_451_545;
pub const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Dates lie from here ...
const FIRST_DATE: i32 = -EPOCH_JULIAN;
/// ... to before here.
const END_DATE: i64 = 2_147_483_494 - EPOCH_JULIAN as i64;
/// Timestamps lie from here ...
const FIRST_TIMESTAMP: i64 = -211_813_488_000_000_000;
/// ... to before here.
const END_TIMESTAMP: i64 = 9_223_371_331_200_000_000;

/// `infinity` and `-infinity` of dates.
pub const DATE_INFINITY: i32 = i32::MAX;
pub const DATE_NEGATIVE_INFINITY: i32 = i32::MIN;
/// `infinity` and `-infinity` of timestamps.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
pub const TIMESTAMP_NEGATIVE_INFINITY: i64 = i64::MIN;

/// A moment taken apart. Years count astronomically: 1 BC is the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fields {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub micros: i32,
}

pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 2000-01-01 of a date; months beyond a year and days beyond a month count on.
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let months = i64::from(year) * 12 + i64::from(month) - 1;
    let (mut year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    if month <= 2 {
        year -= 1;
    }
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    // Day zero of this count is 0000-03-01.
    (era * 146_097 + day_of_era - 730_425 + i64::from(day) - 1) as i32
}

/// Year, month and day of a number of days since 2000-01-01.
pub fn civil_from_days(days: i32) -> (i32, i32, i32) {
    let days = i64::from(days) + 730_425;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as i32, day as i32)
}

/// The Julian day of a date.
pub fn julian_day(year: i32, month: i32, day: i32) -> i32 {
    days_from_civil(year, month, day).wrapping_add(EPOCH_JULIAN)
}

/// 0 for Sunday to 6 for Saturday.
pub fn day_of_week(days: i32) -> i32 {
    // 2000-01-01 was a Saturday.
    (i64::from(days) + 6).rem_euclid(7) as i32
}

/// Whether Julian days can count this year and month.
pub fn is_countable(year: i32, month: i32) -> bool {
    (year > -4713 || year == -4713 && month >= 11) && (year < 5_874_898 || year == 5_874_898 && month < 6)
}

pub fn is_valid_date(days: i64) -> bool {
    days >= i64::from(FIRST_DATE) && days < END_DATE
}

pub fn is_valid_timestamp(micros: i64) -> bool {
    (FIRST_TIMESTAMP..END_TIMESTAMP).contains(&micros)
}

/// Whether a date is one of the infinities.
pub fn is_infinite_date(days: i32) -> bool {
    days == DATE_INFINITY || days == DATE_NEGATIVE_INFINITY
}

/// Whether a timestamp is one of the infinities.
pub fn is_infinite_timestamp(micros: i64) -> bool {
    micros == TIMESTAMP_INFINITY || micros == TIMESTAMP_NEGATIVE_INFINITY
}

/// `22008`.
pub fn timestamp_out_of_range() -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, "timestamp out of range")
}

/// `22008`.
pub fn date_out_of_range() -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, "date out of range")
}

impl Fields {
    /// The fields of a timestamp that is not infinite.
    pub fn from_timestamp(micros: i64) -> Fields {
        let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY) as i32);
        Fields { year, month, day, ..Fields::from_time(micros.rem_euclid(MICROS_PER_DAY)) }
    }

    /// The fields of a date that is not infinite.
    pub fn from_date(days: i32) -> Fields {
        let (year, month, day) = civil_from_days(days);
        Fields { year, month, day, ..Fields::default() }
    }

    /// The fields of a time of day.
    pub fn from_time(micros: i64) -> Fields {
        let seconds = micros / 1_000_000;
        Fields {
            hour: (seconds / 3600) as i32,
            minute: (seconds / 60 % 60) as i32,
            second: (seconds % 60) as i32,
            micros: (micros % 1_000_000) as i32,
            ..Fields::default()
        }
    }

    /// Microseconds since midnight.
    pub fn time(&self) -> i64 {
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        (minutes * 60 + i64::from(self.second)) * 1_000_000 + i64::from(self.micros)
    }

    /// Days since 2000-01-01, if that is a date.
    pub fn date(&self) -> Option<i32> {
        if !is_countable(self.year, self.month) {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day);
        is_valid_date(i64::from(days)).then_some(days)
    }

    /// Microseconds since 2000-01-01 00:00 of the same clock; may lie outside the range of timestamps.
    pub fn local_micros(&self) -> Option<i64> {
        if !is_countable(self.year, self.month) {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day);
        i64::from(days).checked_mul(MICROS_PER_DAY)?.checked_add(self.time())
    }

    /// The timestamp, if it is one.
    pub fn timestamp(&self) -> Option<i64> {
        self.local_micros().filter(|micros| is_valid_timestamp(*micros))
    }
}

/// The date of a valid year, month and day, or `22008`.
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    Fields { year, month, day, ..Fields::default() }.date().ok_or_else(date_out_of_range)
}
