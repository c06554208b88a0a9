//! From the fields that `to_timestamp` and `to_date` have read to a moment.

use super::date_input::invalid;
use super::date_output::iso_week_start;
use super::date_template::Convention;
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::Fields;
use crate::types::datetime::calendar::{
    EPOCH_JULIAN, civil_from_days, days_from_civil, days_in_month, is_leap,
};

/// What was read; zero is what was not.
#[derive(Default)]
pub(super) struct Found {
    pub(super) convention: Option<Convention>,
    pub(super) hour: i32,
    pub(super) afternoon: i32,
    pub(super) twelve_hours: bool,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) seconds_of_day: i32,
    pub(super) day_of_week: i32,
    pub(super) day: i32,
    pub(super) day_of_year: i32,
    pub(super) month: i32,
    pub(super) millis: i32,
    pub(super) year: i32,
    pub(super) year_digits: u32,
    pub(super) before_christ: i32,
    pub(super) week: i32,
    pub(super) week_of_month: i32,
    pub(super) century: i32,
    pub(super) julian: i32,
    pub(super) micros: i32,
    /// Digits of the fraction that the template asks for.
    pub(super) precision: u32,
    pub(super) zone_sign: i32,
    pub(super) zone_hour: i32,
    pub(super) zone_minute: i32,
}

/// What the fields amount to.
pub(super) struct Moment {
    pub(super) fields: Fields,
    /// Seconds west, if the text had a zone.
    pub(super) west: Option<i32>,
    pub(super) precision: u32,
}

fn field_overflow(text: &str) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, format!("date/time field value out of range: \"{text}\""))
}

impl Found {
    pub(super) fn moment(mut self, text: &str) -> Result<Moment> {
        let mut fields = Fields { month: 1, day: 1, ..Fields::default() };
        self.time(&mut fields)?;
        let checks = self.date(&mut fields)?;
        if checks.month && !(1..=12).contains(&fields.month)
            || checks.day && !(1..=31).contains(&fields.day)
            || checks.year
                && checks.month
                && checks.day
                && fields.day > days_in_month(fields.year, fields.month)
        {
            return Err(field_overflow(text));
        }
        let micros = i64::from(self.millis) * 1000 + i64::from(self.micros);
        let sane = (0..24).contains(&fields.hour)
            && (0..60).contains(&fields.minute)
            && (0..60).contains(&fields.second)
            && (0..1_000_000).contains(&micros);
        if !sane {
            return Err(field_overflow(text));
        }
        fields.micros = micros as i32;
        if self.zone_sign == 0 {
            return Ok(Moment { fields, west: None, precision: self.precision });
        }
        if !(0..=15).contains(&self.zone_hour) || !(0..60).contains(&self.zone_minute) {
            return Err(Error::new(
                SqlState::InvalidTimeZoneDisplacementValue,
                format!("time zone displacement out of range: \"{text}\""),
            ));
        }
        let west = -self.zone_sign * (self.zone_hour * 60 + self.zone_minute) * 60;
        Ok(Moment { fields, west: Some(west), precision: self.precision })
    }

    fn time(&self, fields: &mut Fields) -> Result<()> {
        if self.seconds_of_day != 0 {
            fields.hour = self.seconds_of_day / 3600;
            fields.minute = self.seconds_of_day % 3600 / 60;
            fields.second = self.seconds_of_day % 60;
        }
        for (read, place) in [
            (self.second, &mut fields.second),
            (self.minute, &mut fields.minute),
            (self.hour, &mut fields.hour),
        ] {
            if read != 0 {
                *place = read;
            }
        }
        if self.twelve_hours {
            if !(1..=12).contains(&fields.hour) {
                return Err(invalid(format!("hour \"{}\" is invalid for the 12-hour clock", fields.hour))
                    .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            if self.afternoon != 0 && fields.hour < 12 {
                fields.hour += 12;
            } else if self.afternoon == 0 && fields.hour == 12 {
                fields.hour = 0;
            }
        }
        Ok(())
    }

    /// The year, from digits, a century, or both.
    fn year_of(&mut self) -> Option<i32> {
        if self.year != 0 {
            if self.century != 0 && self.year_digits <= 2 {
                if self.before_christ != 0 {
                    self.century = -self.century;
                }
                let within = self.year % 100;
                return Some(match (within, self.century >= 0) {
                    (0, true) => self.century.saturating_mul(100),
                    (0, false) => self.century.saturating_mul(100) + 1,
                    (_, true) => within + (self.century - 1).saturating_mul(100),
                    (_, false) => (self.century + 1).saturating_mul(100) - within + 1,
                });
            }
            let year = if self.before_christ != 0 { self.year.wrapping_neg() } else { self.year };
            return Some(if year < 0 { year + 1 } else { year });
        }
        if self.century != 0 {
            if self.before_christ != 0 {
                self.century = -self.century;
            }
            let first = if self.century >= 0 { self.century - 1 } else { self.century };
            return Some(first.saturating_mul(100).saturating_add(1));
        }
        None
    }

    fn date(&mut self, fields: &mut Fields) -> Result<Checks> {
        let mut checks = Checks::default();
        if let Some(year) = self.year_of() {
            fields.year = year;
            checks.year = true;
        }
        if self.julian != 0 {
            let date = civil_from_days(self.julian.wrapping_sub(EPOCH_JULIAN));
            (fields.year, fields.month, fields.day) = date;
            checks = Checks::ALL;
        }
        if self.week != 0 {
            if self.convention == Some(Convention::IsoWeek) {
                let monday = iso_week_start(fields.year, self.week);
                let days = match self.day_of_week {
                    0 => 0,
                    1 => 6,
                    day => day - 2,
                };
                (fields.year, fields.month, fields.day) = civil_from_days(monday.saturating_add(days));
                checks = Checks::ALL;
            } else {
                self.day_of_year = (self.week.saturating_sub(1)).saturating_mul(7).saturating_add(1);
            }
        }
        if self.week_of_month != 0 {
            self.day = self.week_of_month.saturating_sub(1).saturating_mul(7).saturating_add(1);
        }
        if self.day != 0 {
            fields.day = self.day;
            checks.day = true;
        }
        if self.month != 0 {
            fields.month = self.month;
            checks.month = true;
        }
        if self.day_of_year != 0 && (fields.month <= 1 || fields.day <= 1) {
            self.apply_day_of_year(fields, &mut checks)?;
        }
        Ok(checks)
    }

    fn apply_day_of_year(&self, fields: &mut Fields, checks: &mut Checks) -> Result<()> {
        if fields.year == 0 && self.before_christ == 0 {
            return Err(invalid("cannot calculate day of year without year information".to_string()));
        }
        if self.convention == Some(Convention::IsoWeek) {
            let days = iso_week_start(fields.year, 1).saturating_add(self.day_of_year).saturating_sub(1);
            (fields.year, fields.month, fields.day) = civil_from_days(days);
            *checks = Checks::ALL;
            return Ok(());
        }
        // Days before each month; a day beyond the year stays in a thirteenth month, which is then refused.
        let before = |month: i32| {
            if month > 12 {
                365 + i32::from(is_leap(fields.year))
            } else {
                days_from_civil(fields.year, month, 1) - days_from_civil(fields.year, 1, 1)
            }
        };
        let month = (1..=12).find(|month| self.day_of_year <= before(month + 1)).unwrap_or(13);
        let day = self.day_of_year - before(month);
        if fields.month <= 1 {
            fields.month = month;
        }
        if fields.day <= 1 {
            fields.day = day;
        }
        checks.month = true;
        checks.day = true;
        Ok(())
    }
}

/// Which parts of a date were given and must be right.
#[derive(Clone, Copy, Default)]
struct Checks {
    year: bool,
    month: bool,
    day: bool,
}

impl Checks {
    const ALL: Checks = Checks { year: true, month: true, day: true };
}
