//! Dates, times and timestamps.
//!
//! A date counts days, a timestamp microseconds from 2000-01-01; the least and the greatest number are the
//! infinities. A time is microseconds since midnight, 24:00 included. `timetz` is stored as its microseconds (i64)
//! and its zone in seconds west of Greenwich (i32), little-endian, and four zero bytes.

mod arithmetic;
pub mod calendar;
mod decode;
mod input;
mod keywords;
mod output;
mod parts;
mod split;

use crate::error::{Error, SqlState};

pub use arithmetic::{
    add_to_timestamp, add_to_timestamptz, local_to_timestamptz, subtract_from_timestamp,
    subtract_from_timestamptz, timestamptz_to_local,
};
pub use calendar::Fields;
pub use input::{
    input_date, input_time, input_timestamp, input_timestamptz, input_timetz, receive_date, receive_time,
    receive_timestamp, receive_timetz, round_micros,
};
pub(super) use keywords::compared;
pub(super) use output::append_fraction;
pub use output::{
    append_date, append_offset, append_seconds, append_time, append_timestamp, append_timestamptz,
    append_timetz,
};
pub(super) use parts::{fraction, leading_number};
pub(super) use split::{Field, Kind, split};

/// The bits that fields claim while a text is decoded.
mod mask {
    pub(super) const SPECIAL: u32 = 1;
    pub(super) const MONTH: u32 = 1 << 1;
    pub(super) const YEAR: u32 = 1 << 2;
    pub(super) const DAY: u32 = 1 << 3;
    pub(super) const ZONE: u32 = 1 << 5;
    pub(super) const DAYLIGHT_ZONE: u32 = 1 << 6;
    pub(super) const DYNAMIC_ZONE: u32 = 1 << 7;
    pub(super) const AFTERNOON: u32 = 1 << 9;
    pub(super) const HOUR: u32 = 1 << 10;
    pub(super) const MINUTE: u32 = 1 << 11;
    pub(super) const SECOND: u32 = 1 << 12;
    const MILLISECOND: u32 = 1 << 13;
    const MICROSECOND: u32 = 1 << 14;
    pub(super) const DAY_OF_YEAR: u32 = 1 << 15;
    pub(super) const DAY_OF_WEEK: u32 = 1 << 16;
    pub(super) const ERA: u32 = 1 << 18;
    pub(super) const DAYLIGHT: u32 = 1 << 28;
    pub(super) const ALL_SECONDS: u32 = SECOND | MILLISECOND | MICROSECOND;
    pub(super) const DATE: u32 = YEAR | MONTH | DAY;
    pub(super) const TIME: u32 = HOUR | MINUTE | ALL_SECONDS;
}

/// What is wrong with the text of a date, time or interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not look like one.
    Format,
    /// A field is out of range.
    Field,
    /// A month or a day is out of range, perhaps because the order is another.
    MonthOrDay,
    /// A field of an interval is out of range.
    Interval,
    /// A numeric zone is out of range.
    Zone,
    UnknownZone(String),
}

impl Fault {
    /// The error in PostgreSQL's words.
    pub(super) fn error(self, text: &str, type_name: &str) -> Error {
        let overflow = |message: String| Error::new(SqlState::DatetimeFieldOverflow, message);
        match self {
            Fault::Format => Error::new(
                SqlState::InvalidDatetimeFormat,
                format!("invalid input syntax for type {type_name}: \"{text}\""),
            ),
            Fault::Field => overflow(format!("date/time field value out of range: \"{text}\"")),
            Fault::MonthOrDay => overflow(format!("date/time field value out of range: \"{text}\""))
                .hint("Perhaps you need a different \"datestyle\" setting."),
            Fault::Interval => Error::new(
                SqlState::IntervalFieldOverflow,
                format!("interval field value out of range: \"{text}\""),
            ),
            Fault::Zone => Error::new(
                SqlState::InvalidTimeZoneDisplacementValue,
                format!("time zone displacement out of range: \"{text}\""),
            ),
            Fault::UnknownZone(zone) => {
                Error::new(SqlState::InvalidParameterValue, format!("time zone \"{zone}\" not recognized"))
            }
        }
    }
}

/// Microseconds since midnight and seconds west of Greenwich of a stored `timetz`.
pub fn timetz_parts(bytes: &[u8; 16]) -> (i64, i32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *bytes;
    (i64::from_le_bytes([a, b, c, d, e, f, g, h]), i32::from_le_bytes([i, j, k, l]))
}

/// The stored form of a `timetz`.
pub fn timetz_bytes(micros: i64, west: i32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_le_bytes());
    bytes[8..12].copy_from_slice(&west.to_le_bytes());
    bytes
}
