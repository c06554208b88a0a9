//! Moments and intervals together.

use crate::error::Result;

use super::super::interval::Interval;
use super::super::timezone::Zone;
use super::calendar::{
    Fields, MICROS_PER_DAY, civil_from_days, days_from_civil, days_in_month, is_countable,
    is_infinite_timestamp, is_valid_timestamp, timestamp_out_of_range,
};

/// Adds months to a local timestamp; a day that the month does not have becomes its last.
fn add_months(micros: i64, months: i32) -> Result<i64> {
    if months == 0 {
        return Ok(micros);
    }
    let mut fields = Fields::from_timestamp(micros);
    let total = i64::from(fields.year) * 12 + i64::from(fields.month) - 1 + i64::from(months);
    fields.year = i32::try_from(total.div_euclid(12)).map_err(|_| timestamp_out_of_range())?;
    fields.month = total.rem_euclid(12) as i32 + 1;
    if !is_countable(fields.year, fields.month) {
        return Err(timestamp_out_of_range());
    }
    fields.day = fields.day.min(days_in_month(fields.year, fields.month));
    fields.timestamp().ok_or_else(timestamp_out_of_range)
}

fn add_days(micros: i64, days: i32) -> Result<i64> {
    if days == 0 {
        return Ok(micros);
    }
    let fields = Fields::from_timestamp(micros);
    let date = i64::from(days_from_civil(fields.year, fields.month, fields.day)) + i64::from(days);
    let date = i32::try_from(date).map_err(|_| timestamp_out_of_range())?;
    let (year, month, day) = civil_from_days(date);
    Fields { year, month, day, ..fields }.timestamp().ok_or_else(timestamp_out_of_range)
}

fn add_micros(micros: i64, more: i64) -> Result<i64> {
    micros.checked_add(more).filter(|sum| is_valid_timestamp(*sum)).ok_or_else(timestamp_out_of_range)
}

/// A timestamp without a zone plus an interval: months first, then days, then the time.
pub fn add_to_timestamp(micros: i64, interval: Interval) -> Result<i64> {
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    add_micros(add_days(add_months(micros, interval.months)?, interval.days)?, interval.micros)
}

/// A timestamp without a zone minus an interval.
pub fn subtract_from_timestamp(micros: i64, interval: Interval) -> Result<i64> {
    add_to_timestamp(micros, interval.negate().map_err(|_| timestamp_out_of_range())?)
}

/// A timestamp plus an interval; months and days are counted on the zone's clock.
pub fn add_to_timestamptz(micros: i64, interval: Interval, zone: Zone) -> Result<i64> {
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    let mut moment = micros;
    if interval.months != 0 {
        let local = timestamptz_to_local(moment, zone)?;
        moment = local_to_timestamptz(add_months(local, interval.months)?, zone)?;
    }
    if interval.days != 0 {
        let local = timestamptz_to_local(moment, zone)?;
        moment = local_to_timestamptz(add_days(local, interval.days)?, zone)?;
    }
    add_micros(moment, interval.micros)
}

/// A timestamp minus an interval.
pub fn subtract_from_timestamptz(micros: i64, interval: Interval, zone: Zone) -> Result<i64> {
    add_to_timestamptz(micros, interval.negate().map_err(|_| timestamp_out_of_range())?, zone)
}

/// The clock of a zone at a moment.
pub fn timestamptz_to_local(micros: i64, zone: Zone) -> Result<i64> {
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    let local = micros.checked_add(i64::from(zone.offset_at(micros)) * 1_000_000);
    local.filter(|local| is_valid_timestamp(*local)).ok_or_else(timestamp_out_of_range)
}

/// The moment at which the clock of a zone shows a time.
pub fn local_to_timestamptz(local: i64, zone: Zone) -> Result<i64> {
    if is_infinite_timestamp(local) {
        return Ok(local);
    }
    let moment = local.checked_sub(i64::from(zone.offset_of_local(local)) * 1_000_000);
    moment.filter(|moment| is_valid_timestamp(*moment)).ok_or_else(timestamp_out_of_range)
}

impl Interval {
    /// The interval between two timestamps: days and the rest, never months.
    pub fn between(later: i64, earlier: i64) -> Result<Interval> {
        if is_infinite_timestamp(later) || is_infinite_timestamp(earlier) {
            return Err(crate::error::Error::new(
                crate::error::SqlState::DatetimeFieldOverflow,
                "cannot subtract infinite timestamps",
            ));
        }
        let micros = later.checked_sub(earlier).ok_or_else(super::super::interval::out_of_range)?;
        Ok(Interval::new(0, (micros / MICROS_PER_DAY) as i32, micros % MICROS_PER_DAY))
    }
}
