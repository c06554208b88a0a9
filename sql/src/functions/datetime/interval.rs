//! Interval arithmetic: months, days and microseconds each for itself, fractions cascading downwards.

use crate::error::Result;
use crate::functions::argument::{Argument, Outcome, scalar};
use crate::functions::arithmetic::integer::division_by_zero;
use crate::functions::registry::Scalars;
use crate::types::interval::{Interval, out_of_range};
use engine::Value;

impl Argument<'_> for Interval {
    fn read(value: &Value) -> Option<Interval> {
        Interval::from_value(value).ok()
    }
}

impl Outcome for Interval {
    fn into_value(self) -> Result<Value> {
        Ok(self.to_value())
    }
}

pub(in crate::functions) const MICROS_PER_DAY: i64 = 86_400_000_000;
pub(in crate::functions) const MICROS_PER_HOUR: i64 = 3_600_000_000;
const SECONDS_PER_DAY: f64 = 86_400.0;
const DAYS_PER_MONTH: f64 = 30.0;

pub(in crate::functions) fn negate(interval: Interval) -> Result<Interval> {
    Ok(Interval {
        months: interval.months.checked_neg().ok_or_else(out_of_range)?,
        days: interval.days.checked_neg().ok_or_else(out_of_range)?,
        micros: interval.micros.checked_neg().ok_or_else(out_of_range)?,
    })
}

pub(in crate::functions) fn add(a: Interval, b: Interval) -> Result<Interval> {
    Ok(Interval {
        months: a.months.checked_add(b.months).ok_or_else(out_of_range)?,
        days: a.days.checked_add(b.days).ok_or_else(out_of_range)?,
        micros: a.micros.checked_add(b.micros).ok_or_else(out_of_range)?,
    })
}

pub(in crate::functions) fn subtract(a: Interval, b: Interval) -> Result<Interval> {
    Ok(Interval {
        months: a.months.checked_sub(b.months).ok_or_else(out_of_range)?,
        days: a.days.checked_sub(b.days).ok_or_else(out_of_range)?,
        micros: a.micros.checked_sub(b.micros).ok_or_else(out_of_range)?,
    })
}

/// Rounded to microseconds, to shed what the float arithmetic leaves behind.
fn to_micros_precision(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

fn whole(value: f64) -> Result<i32> {
    if value > f64::from(i32::MAX) || value < f64::from(i32::MIN) || value.is_nan() {
        return Err(out_of_range());
    }
    Ok(value as i32)
}

/// Puts together what `scale` made of each field: the fractions of months become days, those of days time.
fn cascade(months: f64, days: f64, micros: f64) -> Result<Interval> {
    let (whole_months, mut whole_days) = (whole(months)?, whole(days)?);
    let month_days = to_micros_precision((months - f64::from(whole_months)) * DAYS_PER_MONTH);
    let mut seconds =
        (days - f64::from(whole_days) + month_days - f64::from(month_days as i32)) * SECONDS_PER_DAY;
    seconds = to_micros_precision(seconds);
    if seconds.abs() >= SECONDS_PER_DAY {
        let extra = (seconds / SECONDS_PER_DAY) as i32;
        whole_days = whole_days.checked_add(extra).ok_or_else(out_of_range)?;
        seconds -= f64::from(extra) * SECONDS_PER_DAY;
    }
    whole_days = whole_days.checked_add(month_days as i32).ok_or_else(out_of_range)?;
    let micros = (micros + seconds * 1e6).round_ties_even();
    if micros.is_nan() || !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&micros) {
        return Err(out_of_range());
    }
    Ok(Interval { months: whole_months, days: whole_days, micros: micros as i64 })
}

pub(in crate::functions) fn multiply(interval: Interval, factor: f64) -> Result<Interval> {
    cascade(
        f64::from(interval.months) * factor,
        f64::from(interval.days) * factor,
        interval.micros as f64 * factor,
    )
}

pub(in crate::functions) fn divide(interval: Interval, divisor: f64) -> Result<Interval> {
    if divisor == 0.0 {
        return Err(division_by_zero());
    }
    cascade(
        f64::from(interval.months) / divisor,
        f64::from(interval.days) / divisor,
        interval.micros as f64 / divisor,
    )
}

/// Whole days out of the time, so that time and days have one sign.
fn justify_hours(interval: Interval) -> Result<Interval> {
    let mut days = interval.days.checked_add(day_part(interval.micros)?).ok_or_else(out_of_range)?;
    let mut micros = interval.micros % MICROS_PER_DAY;
    if days > 0 && micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= MICROS_PER_DAY;
        days += 1;
    }
    Ok(Interval { days, micros, ..interval })
}

fn day_part(micros: i64) -> Result<i32> {
    i32::try_from(micros / MICROS_PER_DAY).map_err(|_| out_of_range())
}

/// Whole months of thirty days out of the days.
fn justify_days(interval: Interval) -> Result<Interval> {
    let mut months = interval.months.checked_add(interval.days / 30).ok_or_else(out_of_range)?;
    let mut days = interval.days % 30;
    if months > 0 && days < 0 {
        days += 30;
        months -= 1;
    } else if months < 0 && days > 0 {
        days -= 30;
        months += 1;
    }
    Ok(Interval { months, days, ..interval })
}

/// Both at once, with one sign over all three fields.
fn justify_interval(interval: Interval) -> Result<Interval> {
    let Interval { mut months, mut days, mut micros } = interval;
    // Days first where they would otherwise overflow together with the time's.
    if (days > 0 && micros > 0) || (days < 0 && micros < 0) {
        months = months.checked_add(days / 30).ok_or_else(out_of_range)?;
        days %= 30;
    }
    days = days.checked_add(day_part(micros)?).ok_or_else(out_of_range)?;
    micros %= MICROS_PER_DAY;
    months = months.checked_add(days / 30).ok_or_else(out_of_range)?;
    days %= 30;
    if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
        days += 30;
        months -= 1;
    } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
        days -= 30;
        months += 1;
    }
    if days > 0 && micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= MICROS_PER_DAY;
        days += 1;
    }
    Ok(Interval { months, days, micros })
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // interval_um(interval)
    (1168, scalar!(negate, Interval)),
    // interval_pl(interval,interval)
    (1169, scalar!(add, Interval, Interval)),
    // interval_mi(interval,interval)
    (1170, scalar!(subtract, Interval, Interval)),
    // interval_mul(interval,float8)
    (1618, scalar!(multiply, Interval, f64)),
    // mul_d_interval(float8,interval)
    (1624, scalar!(|factor: f64, interval: Interval| multiply(interval, factor))),
    // interval_div(interval,float8)
    (1326, scalar!(divide, Interval, f64)),
    // justify_hours(interval)
    (1175, scalar!(justify_hours, Interval)),
    // justify_days(interval)
    (1295, scalar!(justify_days, Interval)),
    // justify_interval(interval)
    (2711, scalar!(justify_interval, Interval)),
    // interval_eq(interval,interval)
    (1162, scalar!(|a: Interval, b: Interval| a.span() == b.span())),
    // interval_ne(interval,interval)
    (1163, scalar!(|a: Interval, b: Interval| a.span() != b.span())),
    // interval_lt(interval,interval)
    (1164, scalar!(|a: Interval, b: Interval| a.span() < b.span())),
    // interval_le(interval,interval)
    (1165, scalar!(|a: Interval, b: Interval| a.span() <= b.span())),
    // interval_gt(interval,interval)
    (1167, scalar!(|a: Interval, b: Interval| a.span() > b.span())),
    // interval_ge(interval,interval)
    (1166, scalar!(|a: Interval, b: Interval| a.span() >= b.span())),
    // interval_cmp(interval,interval)
    (1315, scalar!(|a: Interval, b: Interval| a.span().cmp(&b.span()) as i32)),
    // interval_larger(interval,interval)
    (1198, scalar!(|a: Interval, b: Interval| if a.span() > b.span() { a } else { b })),
    // interval_smaller(interval,interval)
    (1197, scalar!(|a: Interval, b: Interval| if a.span() < b.span() { a } else { b })),
    // Intervals are always finite.
    // isfinite(interval)
    (1390, scalar!(|_interval: Interval| true)),
];
