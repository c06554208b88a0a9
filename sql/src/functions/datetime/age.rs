//! age: the difference of two moments in years, months, days and time.

use super::session_zone;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::{contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{Fields, MICROS_PER_DAY, days_in_month, is_infinite_timestamp};
use crate::types::datetime::timestamptz_to_local;
use crate::types::interval::Interval;

/// Field by field, borrowing from the next larger field; a borrowed month has the days of the earlier moment's month.
fn age(later: i64, earlier: i64) -> Result<Interval> {
    if is_infinite_timestamp(later) || is_infinite_timestamp(earlier) {
        return Err(Error::new(SqlState::DatetimeFieldOverflow, "timestamp out of range"));
    }
    let (negative, first, last) =
        if later < earlier { (true, later, earlier) } else { (false, earlier, later) };
    let (from, to) = (Fields::from_timestamp(first), Fields::from_timestamp(last));
    let mut micros = to.time() - from.time();
    let mut days = to.day - from.day;
    let mut months = to.month - from.month;
    let mut years = to.year - from.year;
    if micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    }
    while days < 0 {
        days += days_in_month(from.year, from.month);
        months -= 1;
    }
    while months < 0 {
        months += 12;
        years -= 1;
    }
    let interval = Interval::new(years * 12 + months, days, micros);
    if negative { interval.negate() } else { Ok(interval) }
}

fn between_moments(context: &Context, later: i64, earlier: i64) -> Result<Interval> {
    let zone = session_zone(context);
    age(timestamptz_to_local(later, zone)?, timestamptz_to_local(earlier, zone)?)
}

/// Today's midnight on the session's clock.
fn midnight(context: &Context) -> Result<i64> {
    let clock = timestamptz_to_local(context.transaction_micros, session_zone(context))?;
    Ok(clock.div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY)
}

fn until_today(context: &Context, earlier: i64) -> Result<Interval> {
    age(midnight(context)?, earlier)
}

fn moment_until_today(context: &Context, earlier: i64) -> Result<Interval> {
    age(midnight(context)?, timestamptz_to_local(earlier, session_zone(context))?)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // age(timestamp,timestamp)
    (2058, scalar!(age, i64, i64)),
    // age(timestamptz,timestamptz)
    (1199, contextual!(between_moments, i64, i64)),
    // age(timestamp)
    (2059, contextual!(until_today, i64)),
    // age(timestamptz)
    (1386, contextual!(moment_until_today, i64)),
];
