//! Arithmetic of intervals, justification, and the typmod of a column.

use crate::error::{Error, Result, SqlState};

use super::{
    DAYS_PER_MONTH, Interval, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MONTHS_PER_YEAR,
    out_of_range,
};

/// Fields of a typmod: bits numbered as PostgreSQL numbers fields.
pub mod field {
    pub const MONTH: i32 = 1 << 1;
    pub const YEAR: i32 = 1 << 2;
    pub const DAY: i32 = 1 << 3;
    pub const HOUR: i32 = 1 << 10;
    pub const MINUTE: i32 = 1 << 11;
    pub const SECOND: i32 = 1 << 12;
    /// No fields named: all of them.
    pub const ALL: i32 = 0x7fff;
}

/// The precision of a typmod that names none.
const FULL_PRECISION: i32 = 0xffff;

/// The fields of a typmod.
pub(super) fn fields_of(typmod: i32) -> i32 {
    if typmod < 0 { field::ALL } else { (typmod >> 16) & 0x7fff }
}

// `add` may fail, so it cannot be the operator's trait.
#[allow(clippy::should_implement_trait)]
impl Interval {
    pub fn negate(self) -> Result<Interval> {
        let negated = (|| {
            Some(Interval {
                months: self.months.checked_neg()?,
                days: self.days.checked_neg()?,
                micros: self.micros.checked_neg()?,
            })
        })();
        negated.ok_or_else(out_of_range)
    }

    pub fn add(self, other: Interval) -> Result<Interval> {
        let sum = (|| {
            Some(Interval {
                months: self.months.checked_add(other.months)?,
                days: self.days.checked_add(other.days)?,
                micros: self.micros.checked_add(other.micros)?,
            })
        })();
        sum.ok_or_else(out_of_range)
    }

    pub fn subtract(self, other: Interval) -> Result<Interval> {
        let difference = (|| {
            Some(Interval {
                months: self.months.checked_sub(other.months)?,
                days: self.days.checked_sub(other.days)?,
                micros: self.micros.checked_sub(other.micros)?,
            })
        })();
        difference.ok_or_else(out_of_range)
    }

    /// Times a number; fractions of months go down to days and those of days to microseconds.
    pub fn multiply(self, factor: f64) -> Result<Interval> {
        self.scaled(|number| number * factor)
    }

    /// Divided by a number.
    pub fn divide(self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DivisionByZero, "division by zero"));
        }
        self.scaled(|number| number / divisor)
    }

    fn scaled(self, scale: impl Fn(f64) -> f64) -> Result<Interval> {
        let to_i32 = |number: f64| {
            let fits = number >= f64::from(i32::MIN) && number <= f64::from(i32::MAX);
            fits.then_some(number as i32).ok_or_else(out_of_range)
        };
        let months = to_i32(scale(f64::from(self.months)))?;
        let days = to_i32(scale(f64::from(self.days)))?;
        // Rounding to a millionth of a day's part undoes what binary fractions lose.
        let round = |number: f64| (number * 1_000_000.0).round_ties_even() / 1_000_000.0;
        let month_rest =
            round((scale(f64::from(self.months)) - f64::from(months)) * f64::from(DAYS_PER_MONTH));
        let mut seconds = (scale(f64::from(self.days)) - f64::from(days) + month_rest
            - (month_rest as i32) as f64)
            * 86_400.0;
        seconds = round(seconds);
        let mut days = days;
        // A rest that rounds to a day is one.
        if seconds.abs() >= 86_400.0 {
            let whole = (seconds / 86_400.0) as i32;
            days = days.checked_add(whole).ok_or_else(out_of_range)?;
            seconds -= f64::from(whole) * 86_400.0;
        }
        let days = days.checked_add(month_rest as i32).ok_or_else(out_of_range)?;
        let micros = (scale(self.micros as f64) + seconds * 1_000_000.0).round_ties_even();
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&micros) {
            return Err(out_of_range());
        }
        Ok(Interval { months, days, micros: micros as i64 })
    }

    /// Thirty days to a month.
    pub fn justify_days(self) -> Result<Interval> {
        let whole = self.days / DAYS_PER_MONTH;
        let mut result = Interval {
            months: self.months.checked_add(whole).ok_or_else(out_of_range)?,
            days: self.days - whole * DAYS_PER_MONTH,
            micros: self.micros,
        };
        if result.months > 0 && result.days < 0 {
            result.days += DAYS_PER_MONTH;
            result.months -= 1;
        } else if result.months < 0 && result.days > 0 {
            result.days -= DAYS_PER_MONTH;
            result.months += 1;
        }
        Ok(result)
    }

    /// Twenty-four hours to a day.
    pub fn justify_hours(self) -> Result<Interval> {
        let whole = (self.micros / MICROS_PER_DAY) as i32;
        let mut result = Interval {
            months: self.months,
            days: self.days.checked_add(whole).ok_or_else(out_of_range)?,
            micros: self.micros % MICROS_PER_DAY,
        };
        if result.days > 0 && result.micros < 0 {
            result.micros += MICROS_PER_DAY;
            result.days -= 1;
        } else if result.days < 0 && result.micros > 0 {
            result.micros -= MICROS_PER_DAY;
            result.days += 1;
        }
        Ok(result)
    }

    /// Both, with one sign for all parts.
    pub fn justify(self) -> Result<Interval> {
        let mut result = self;
        // Days first when they and the time agree in sign, lest the sum overflows.
        if self.days > 0 && self.micros > 0 || self.days < 0 && self.micros < 0 {
            let whole = result.days / DAYS_PER_MONTH;
            result.days -= whole * DAYS_PER_MONTH;
            result.months = result.months.checked_add(whole).ok_or_else(out_of_range)?;
        }
        let whole = (result.micros / MICROS_PER_DAY) as i32;
        result.micros %= MICROS_PER_DAY;
        result.days = result.days.checked_add(whole).ok_or_else(out_of_range)?;
        let whole = result.days / DAYS_PER_MONTH;
        result.days -= whole * DAYS_PER_MONTH;
        result.months = result.months.checked_add(whole).ok_or_else(out_of_range)?;
        if result.months > 0 && (result.days < 0 || result.days == 0 && result.micros < 0) {
            result.days += DAYS_PER_MONTH;
            result.months -= 1;
        } else if result.months < 0 && (result.days > 0 || result.days == 0 && result.micros > 0) {
            result.days -= DAYS_PER_MONTH;
            result.months += 1;
        }
        if result.days > 0 && result.micros < 0 {
            result.micros += MICROS_PER_DAY;
            result.days -= 1;
        } else if result.days < 0 && result.micros > 0 {
            result.micros -= MICROS_PER_DAY;
            result.days += 1;
        }
        Ok(result)
    }

    /// Cuts to the fields of a typmod and rounds to its precision.
    pub fn apply_typmod(mut self, typmod: i32) -> Result<Interval> {
        if typmod < 0 {
            return Ok(self);
        }
        let cut = |micros: i64, unit: i64| micros / unit * unit;
        let fields = fields_of(typmod);
        let to_hour = field::HOUR;
        let to_minute = field::MINUTE;
        if fields == field::YEAR {
            self = Interval::new(self.months / MONTHS_PER_YEAR * MONTHS_PER_YEAR, 0, 0);
        } else if fields == field::MONTH || fields == field::YEAR | field::MONTH {
            self = Interval::new(self.months, 0, 0);
        } else if fields == field::DAY {
            self.micros = 0;
        } else if fields == to_hour || fields == field::DAY | to_hour {
            self.micros = cut(self.micros, MICROS_PER_HOUR);
        } else if fields == to_minute
            || fields == to_hour | to_minute
            || fields == field::DAY | to_hour | to_minute
        {
            self.micros = cut(self.micros, MICROS_PER_MINUTE);
        }
        let precision = typmod & 0xffff;
        if precision != FULL_PRECISION && precision < 6 {
            let scale = 10i64.pow(6 - precision as u32);
            let half = if self.micros >= 0 { scale / 2 } else { -(scale / 2) };
            self.micros = self.micros.checked_add(half).ok_or_else(out_of_range)? / scale * scale;
        }
        Ok(self)
    }
}
