//! now() and its family.

use super::session_zone;
use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{Fields, day_of_week, days_from_civil};
use crate::types::datetime::timestamptz_to_local;

/// The clock in words: `Sat Nov 21 03:38:44.123456 2026 UTC`.
fn time_of_day(context: &Context) -> Result<String> {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let now = context.environment.clock_micros();
    let zone = session_zone(context);
    let fields = Fields::from_timestamp(timestamptz_to_local(now, zone)?);
    let day = day_of_week(days_from_civil(fields.year, fields.month, fields.day));
    let name = |names: &[&'static str], at: i32| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or("")
    };
    Ok(format!(
        "{} {} {:02} {:02}:{:02}:{:02}.{:06} {:04} {}",
        name(&DAYS, day),
        name(&MONTHS, fields.month - 1),
        fields.day,
        fields.hour,
        fields.minute,
        fields.second,
        fields.micros,
        fields.year,
        zone.abbreviation_at(now)
    ))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // now()
    (1299, contextual!(|context: &Context| context.transaction_micros)),
    // transaction_timestamp()
    (2647, contextual!(|context: &Context| context.transaction_micros)),
    // statement_timestamp()
    (2648, contextual!(|context: &Context| context.statement_micros)),
    // clock_timestamp()
    (2649, contextual!(|context: &Context| context.environment.clock_micros())),
    // timeofday()
    (274, contextual!(time_of_day)),
];
