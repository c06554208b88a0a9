//! Rounding: `round`, `trunc`, `ceil`, `floor`, the typmod of a column.

use crate::error::{Error, Result, SqlState};

use super::{Coefficient, Decimal, Numeric};

/// Digits on either side of the point to which anything can be rounded.
const MAXIMUM_ROUND: i32 = 2000;

/// Precision and scale of a typmod; `None` for a numeric without limits.
pub fn precision_and_scale(typmod: i32) -> Option<(i32, i32)> {
    if typmod < 4 {
        return None;
    }
    let packed = typmod - 4;
    Some(((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}

impl Decimal {
    /// Rounded half away from zero to `digits` behind the point; fewer than none round to tens, hundreds ...
    pub(super) fn round(&self, digits: i32) -> Decimal {
        let scale = digits.max(0) as u32;
        let cut = i64::from(self.scale) - i64::from(digits);
        if cut <= 0 {
            return Decimal::new(self.coefficient_at(scale), scale);
        }
        let rounded = self.coefficient.rounded_by(cut as u32);
        Decimal::new(rounded.times_power_of_ten((-digits).max(0) as u32), scale)
    }

    /// Cut towards zero.
    pub(super) fn truncate(&self, digits: i32) -> Decimal {
        let scale = digits.max(0) as u32;
        let cut = i64::from(self.scale) - i64::from(digits);
        if cut <= 0 {
            return Decimal::new(self.coefficient_at(scale), scale);
        }
        let (kept, _) = self.coefficient.split_by(cut as u32);
        Decimal::new(kept.times_power_of_ten((-digits).max(0) as u32), scale)
    }
}

impl Numeric {
    /// `round(numeric, digits)`: half away from zero.
    pub fn round(&self, digits: i32) -> Result<Numeric> {
        let Numeric::Finite(decimal) = self else { return Ok(self.clone()) };
        let rounded = decimal.round(digits.clamp(-MAXIMUM_ROUND, MAXIMUM_ROUND));
        Numeric::checked(rounded.coefficient, rounded.scale)
    }

    /// `trunc(numeric, digits)`.
    pub fn truncate(&self, digits: i32) -> Result<Numeric> {
        let Numeric::Finite(decimal) = self else { return Ok(self.clone()) };
        let cut = decimal.truncate(digits.clamp(-MAXIMUM_ROUND, MAXIMUM_ROUND));
        Numeric::checked(cut.coefficient, cut.scale)
    }

    pub fn ceil(&self) -> Result<Numeric> {
        self.to_whole(1)
    }

    pub fn floor(&self) -> Result<Numeric> {
        self.to_whole(-1)
    }

    /// The next whole number in the direction of a sign.
    fn to_whole(&self, direction: i32) -> Result<Numeric> {
        let Numeric::Finite(decimal) = self else { return Ok(self.clone()) };
        let (whole, rest) = decimal.coefficient.split_by(decimal.scale);
        if rest.signum() == direction {
            return Numeric::checked(whole.add(&Coefficient::Small(i128::from(direction))), 0);
        }
        Numeric::checked(whole, 0)
    }

    /// The same number with trailing zeros behind the point taken away: `trim_scale()`.
    pub fn trim_scale(&self) -> Numeric {
        let Numeric::Finite(decimal) = self else { return self.clone() };
        let scale = self.minimum_scale().unwrap_or(0);
        let (kept, _) = decimal.coefficient.split_by(decimal.scale - scale);
        Numeric::Finite(Decimal::new(kept, scale))
    }

    /// The smallest scale that loses nothing: `min_scale()`; `None` for NaN and the infinities.
    pub fn minimum_scale(&self) -> Option<u32> {
        let Numeric::Finite(decimal) = self else { return None };
        if decimal.coefficient.is_zero() {
            return Some(0);
        }
        let mut digits = Vec::new();
        decimal.coefficient.append_digits(&mut digits);
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count() as u32;
        Some(decimal.scale.saturating_sub(zeros))
    }

    /// Rounds to the scale of a typmod and refuses what exceeds its precision.
    pub fn apply_typmod(self, typmod: i32) -> Result<Numeric> {
        let Some((precision, scale)) = precision_and_scale(typmod) else { return Ok(self) };
        let decimal = match self {
            Numeric::NaN => return Ok(Numeric::NaN),
            Numeric::Infinity | Numeric::NegativeInfinity => {
                return Err(field_overflow(format!(
                    "A field with precision {precision}, scale {scale} cannot hold an infinite value."
                )));
            }
            Numeric::Finite(decimal) => decimal,
        };
        let rounded =
            if i64::from(decimal.scale) == i64::from(scale) { decimal } else { decimal.round(scale) };
        let whole_digits = precision - scale;
        if !rounded.coefficient.is_zero() && rounded.exponent() >= i64::from(whole_digits) {
            let limit = if whole_digits == 0 { "1".to_string() } else { format!("10^{whole_digits}") };
            return Err(field_overflow(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {limit}."
            )));
        }
        Ok(Numeric::Finite(rounded))
    }
}

fn field_overflow(detail: String) -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "numeric field overflow").detail(detail)
}
