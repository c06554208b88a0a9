//! Dates, times, timestamps and intervals. Reading, printing and the calendar itself belong to `types`.

pub(super) mod age;
pub(super) mod arithmetic;
pub(super) mod clock;
pub(super) mod compare;
pub(super) mod convert;
pub(super) mod extract;
pub(super) mod interval;
pub(super) mod make;
pub(super) mod moment;
pub(super) mod overlaps;
pub(super) mod truncate;
pub(super) mod unit;
pub(super) mod zone;

use crate::evaluate::Context;
use crate::types::timezone::Zone;

/// The zone of the session. SET has checked it; one that is unknown all the same counts as UTC.
pub(super) fn session_zone(context: &Context) -> Zone {
    Zone::find(&context.settings.time_zone).unwrap_or(Zone::UTC)
}
