//! `interval`: months, days and microseconds, each with a sign of its own.
//!
//! Stored form: months (i32), days (i32), microseconds (i64), little-endian. Order and equality take a month for
//! thirty days and a day for twenty-four hours.

mod arithmetic;
mod input;
mod iso;
mod output;

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::binary::Reader;

pub use input::input;

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
pub const DAYS_PER_MONTH: i32 = 30;
pub const MONTHS_PER_YEAR: i32 = 12;

/// An interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

/// `22008`.
pub fn out_of_range() -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, "interval out of range")
}

impl Interval {
    pub const fn new(months: i32, days: i32, micros: i64) -> Interval {
        Interval { months, days, micros }
    }

    pub fn from_bytes(bytes: &[u8; 16]) -> Interval {
        let [a, b, c, d, e, f, g, h, micros @ ..] = *bytes;
        Interval {
            months: i32::from_le_bytes([a, b, c, d]),
            days: i32::from_le_bytes([e, f, g, h]),
            micros: i64::from_le_bytes(micros),
        }
    }

    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.months.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.days.to_le_bytes());
        bytes[8..].copy_from_slice(&self.micros.to_le_bytes());
        bytes
    }

    pub fn from_value(value: &Value) -> Result<Interval> {
        match value {
            Value::Fixed16(bytes) => Ok(Interval::from_bytes(bytes)),
            _ => Err(Error::internal(format!("an interval cannot be {:?}", value.physical_type()))),
        }
    }

    pub fn to_value(self) -> Value {
        Value::Fixed16(self.to_bytes())
    }

    /// What decides order and equality: microseconds, a month counting thirty days.
    pub fn span(self) -> i128 {
        let days = i128::from(self.months) * i128::from(DAYS_PER_MONTH) + i128::from(self.days);
        days * i128::from(MICROS_PER_DAY) + i128::from(self.micros)
    }

    /// Appends the binary form.
    pub fn send(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.micros.to_be_bytes());
        out.extend_from_slice(&self.days.to_be_bytes());
        out.extend_from_slice(&self.months.to_be_bytes());
    }

    /// Reads the binary form.
    pub fn receive(reader: &mut Reader<'_>) -> Result<Interval> {
        let micros = reader.i64()?;
        let days = reader.i32()?;
        Ok(Interval { months: reader.i32()?, days, micros })
    }
}
