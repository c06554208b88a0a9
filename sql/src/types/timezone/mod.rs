//! Time zones: names of the tz database, abbreviations, fixed offsets.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

/// A resolved time zone; copying it is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Seconds east of Greenwich.
    Fixed(i32),
    Named(Tz),
}

impl Zone {
    pub const UTC: Zone = Zone::Fixed(0);

    /// The zone that a setting or AT TIME ZONE names; `None` when there is no such zone.
    pub fn find(name: &str) -> Option<Zone> {
        Tz::from_str_insensitive(name).ok().map(Zone::Named)
    }

    /// Seconds east of Greenwich at a moment given in microseconds since 2000-01-01 UTC.
    pub fn offset_at(self, micros: i64) -> i32 {
        match self {
            Zone::Fixed(seconds) => seconds,
            Zone::Named(tz) => {
                let seconds = micros.div_euclid(1_000_000) + 946_684_800;
                match chrono::DateTime::from_timestamp(seconds, 0) {
                    Some(moment) => tz.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc(),
                    None => 0,
                }
            }
        }
    }
}
