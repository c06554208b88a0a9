//! `numeric`: exact decimal numbers of any size with a display scale, NaN and the infinities.
//!
//! A finite number is an integer coefficient and a scale: coefficient / 10^scale. The scale is what is displayed, so
//! 1.0 and 1.00 are equal and differ only in it. The coefficient is an `i128` whenever it fits and a big integer
//! only when it does not, which is an invariant: arithmetic on everyday numbers never allocates. Result scales are
//! chosen as PostgreSQL chooses them; it counts in digits of base 10000, and so do the places here that imitate it.
//!
//! Stored form: two bytes little-endian (the scale, or one of three marks above every scale), then the coefficient
//! as the shortest little-endian two's complement, no byte at all for zero.

mod aggregate;
mod arithmetic;
mod binary;
mod coefficient;
mod convert;
mod exponential;
mod fixed_point;
mod power;
mod rounding;
mod text;

use std::sync::Arc;

use engine::Value;

use crate::error::{Error, Result, SqlState};

pub use aggregate::{Moments, Sum};
pub use coefficient::Coefficient;
pub use rounding::precision_and_scale;

/// Digits behind the point that any number can have.
pub const MAXIMUM_SCALE: u32 = 16_383;
/// Digits before the point that any number can have.
const MAXIMUM_WHOLE_DIGITS: i64 = 131_072;
/// Digits behind the point that division and its like choose at most.
const MAXIMUM_CHOSEN_SCALE: i64 = 1000;
/// Significant digits that division and its like give at least.
const MINIMUM_SIGNIFICANT_DIGITS: i64 = 16;

const MARK_NAN: u16 = 0xc000;
const MARK_INFINITY: u16 = 0xd000;
const MARK_NEGATIVE_INFINITY: u16 = 0xf000;

/// A `numeric`.
#[derive(Clone, Debug)]
pub enum Numeric {
    Finite(Decimal),
    Infinity,
    NegativeInfinity,
    NaN,
}

/// A finite number: `coefficient / 10^scale`.
#[derive(Clone, Debug)]
pub struct Decimal {
    pub(super) coefficient: Coefficient,
    pub(super) scale: u32,
}

impl Decimal {
    pub(super) fn new(coefficient: Coefficient, scale: u32) -> Decimal {
        Decimal { coefficient, scale }
    }

    /// Digits behind the point that are displayed.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    pub fn coefficient(&self) -> &Coefficient {
        &self.coefficient
    }

    /// The power of ten of the first digit that is not zero; zero for zero.
    pub(super) fn exponent(&self) -> i64 {
        if self.coefficient.is_zero() {
            return 0;
        }
        self.coefficient.digit_count() as i64 - 1 - i64::from(self.scale)
    }

    /// PostgreSQL's weight: the power of 10000 of the first base-10000 digit; zero for zero.
    pub(super) fn weight(&self) -> i64 {
        self.exponent().div_euclid(4)
    }

    /// The coefficient at a scale that is not smaller than the number's own.
    pub(super) fn coefficient_at(&self, scale: u32) -> Coefficient {
        self.coefficient.times_power_of_ten(scale.saturating_sub(self.scale))
    }
}

/// `22003`: more digits than the format holds.
pub(super) fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value overflows numeric format")
}

impl Numeric {
    pub const ZERO: Numeric = Numeric::from_i64(0);
    pub const ONE: Numeric = Numeric::from_i64(1);

    /// A whole number.
    pub const fn from_i64(number: i64) -> Numeric {
        Numeric::from_i128(number as i128, 0)
    }

    /// `coefficient / 10^scale`.
    pub const fn from_i128(coefficient: i128, scale: u32) -> Numeric {
        Numeric::Finite(Decimal { coefficient: Coefficient::Small(coefficient), scale })
    }

    /// A result of arithmetic: refused when it has more digits than the format holds.
    pub(super) fn checked(coefficient: Coefficient, scale: u32) -> Result<Numeric> {
        let decimal = Decimal { coefficient, scale };
        if let Coefficient::Big(_) = decimal.coefficient
            && decimal.exponent() >= MAXIMUM_WHOLE_DIGITS
        {
            return Err(overflow());
        }
        if scale > MAXIMUM_SCALE {
            return Err(overflow());
        }
        Ok(Numeric::Finite(decimal))
    }

    /// Reads a stored value.
    pub fn from_value(value: &Value) -> Result<Numeric> {
        match value {
            Value::Bytes(bytes) => Numeric::from_bytes(bytes),
            _ => Err(Error::internal(format!("a numeric cannot be {:?}", value.physical_type()))),
        }
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Numeric> {
        let [low, high, coefficient @ ..] = bytes else {
            return Err(Error::new(SqlState::DataCorrupted, "a stored numeric is too short"));
        };
        let head = u16::from_le_bytes([*low, *high]);
        Ok(match head {
            MARK_NAN => Numeric::NaN,
            MARK_INFINITY => Numeric::Infinity,
            MARK_NEGATIVE_INFINITY => Numeric::NegativeInfinity,
            scale => Numeric::Finite(Decimal {
                coefficient: Coefficient::from_stored(coefficient),
                scale: u32::from(scale),
            }),
        })
    }

    /// Appends the stored form.
    pub fn append_bytes(&self, out: &mut Vec<u8>) {
        match self {
            Numeric::Finite(decimal) => {
                out.extend_from_slice(&(decimal.scale as u16).to_le_bytes());
                decimal.coefficient.append_stored(out);
            }
            Numeric::NaN => out.extend_from_slice(&MARK_NAN.to_le_bytes()),
            Numeric::Infinity => out.extend_from_slice(&MARK_INFINITY.to_le_bytes()),
            Numeric::NegativeInfinity => out.extend_from_slice(&MARK_NEGATIVE_INFINITY.to_le_bytes()),
        }
    }

    /// The stored value.
    pub fn to_value(&self) -> Value {
        if let Numeric::Finite(Decimal { coefficient: Coefficient::Small(number), scale }) = self {
            let mut buffer = [0; 18];
            buffer[..2].copy_from_slice(&(*scale as u16).to_le_bytes());
            buffer[2..].copy_from_slice(&number.to_le_bytes());
            let length = 2 + coefficient::stored_length(*number);
            return Value::Bytes(Arc::from(&buffer[..length]));
        }
        let mut out = Vec::new();
        self.append_bytes(&mut out);
        Value::from(out)
    }

    pub fn is_nan(&self) -> bool {
        matches!(self, Numeric::NaN)
    }

    pub fn is_infinite(&self) -> bool {
        matches!(self, Numeric::Infinity | Numeric::NegativeInfinity)
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Numeric::Finite(decimal) if decimal.coefficient.is_zero())
    }

    /// -1, 0 or 1; NaN counts as 1.
    pub fn signum(&self) -> i32 {
        match self {
            Numeric::Finite(decimal) => decimal.coefficient.signum(),
            Numeric::Infinity | Numeric::NaN => 1,
            Numeric::NegativeInfinity => -1,
        }
    }

    /// The power of ten of the first digit; zero for zero and what is not finite.
    pub fn decimal_exponent(&self) -> i64 {
        match self {
            Numeric::Finite(decimal) => decimal.exponent(),
            Numeric::Infinity | Numeric::NegativeInfinity | Numeric::NaN => 0,
        }
    }

    /// The number times a power of ten, exactly.
    pub fn shift_point(&self, power: i64) -> Result<Numeric> {
        let Numeric::Finite(decimal) = self else { return Ok(self.clone()) };
        let scale = i64::from(decimal.scale) - power;
        if scale >= 0 {
            let scale = u32::try_from(scale).map_err(|_| overflow())?;
            // A first digit may stand further behind the point than any number may go; it is rounded at once.
            return Ok(Numeric::Finite(Decimal::new(decimal.coefficient.clone(), scale)));
        }
        let zeros = u32::try_from(-scale).map_err(|_| overflow())?;
        Numeric::checked(decimal.coefficient.times_power_of_ten(zeros), 0)
    }

    /// The displayed scale; `None` for NaN and the infinities.
    pub fn scale(&self) -> Option<u32> {
        match self {
            Numeric::Finite(decimal) => Some(decimal.scale),
            Numeric::Infinity | Numeric::NegativeInfinity | Numeric::NaN => None,
        }
    }
}
