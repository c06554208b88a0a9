//! Square root, exponential and logarithms of numerics.

use num_bigint::BigInt;

use crate::error::{Error, Result, SqlState};

use super::arithmetic::{clamp_scale, divide_at, division_by_zero};
use super::coefficient::power_of_ten;
use super::{Coefficient, Decimal, MINIMUM_SIGNIFICANT_DIGITS, Numeric, fixed_point, overflow};

/// PostgreSQL's constant for ln(10), likewise.
#[allow(clippy::approx_constant)]
const LN_10: f64 = 2.302585092994046;
/// Beyond this power of e nothing is representable.
const MAXIMUM_EXPONENT: f64 = 6000.0;
/// PostgreSQL's constant for log10(e); its digits decide result scales.
#[allow(clippy::approx_constant)]
pub(super) const LOG10_E: f64 = 0.434294481903252;

fn logarithm_error(what: &str) -> Error {
    Error::new(SqlState::InvalidArgumentForLogarithm, format!("cannot take logarithm of {what}"))
}

/// Decimal weight of the logarithm of a positive number, estimated as PostgreSQL does.
pub(super) fn logarithm_weight(decimal: &Decimal) -> i64 {
    if decimal.coefficient.signum() <= 0 {
        return 0;
    }
    let nine_tenths = Decimal::new(Coefficient::Small(9), 1);
    let eleven_tenths = Decimal::new(Coefficient::Small(11), 1);
    if decimal.compare(&nine_tenths).is_ge() && decimal.compare(&eleven_tenths).is_le() {
        let one = Coefficient::Small(1).times_power_of_ten(decimal.scale);
        let rest = Decimal::new(decimal.coefficient.subtract(&one), decimal.scale);
        // ln(1 + x) is about x.
        return rest.exponent();
    }
    // The first one or two base-10000 digits.
    let weight = decimal.weight();
    let stripped = Numeric::Finite(decimal.clone()).trim_scale();
    let whole_zeros = match &stripped {
        Numeric::Finite(number) => trailing_group(number),
        Numeric::Infinity | Numeric::NegativeInfinity | Numeric::NaN => 0,
    };
    let digits_wanted = if whole_zeros < weight { 2 } else { 1 };
    let lowest = weight - (digits_wanted - 1);
    let head = match decimal.truncate((-lowest * 4) as i32).coefficient_shifted(lowest * 4) {
        Coefficient::Small(number) => number as f64,
        Coefficient::Big(_) => f64::MAX,
    };
    let logarithm = head.ln() + (lowest * 4) as f64 * LN_10;
    logarithm.abs().log10() as i64
}

/// The power of 10000 of the last base-10000 digit that is not zero.
fn trailing_group(number: &Decimal) -> i64 {
    if number.scale > 0 {
        return -i64::from(number.scale.div_ceil(4));
    }
    let mut digits = Vec::new();
    number.coefficient.append_digits(&mut digits);
    digits.iter().rev().take_while(|digit| **digit == b'0').count() as i64 / 4
}

impl Decimal {
    /// The number over `10^power`, which is known to be whole.
    fn coefficient_shifted(&self, power: i64) -> Coefficient {
        let total = power + i64::from(self.scale);
        if total >= 0 {
            self.coefficient.split_by(total as u32).0
        } else {
            self.coefficient.times_power_of_ten(total.unsigned_abs() as u32)
        }
    }

    /// The natural logarithm of a positive number, rounded at a scale.
    pub(super) fn ln_at(&self, scale: u32) -> Decimal {
        let exponent = self.exponent();
        let bits = fixed_point::bits_for(i64::from(scale) + 12);
        // The number is mantissa * 10^exponent with 1 <= mantissa < 10; digits beyond the precision do not count.
        let digits = self.coefficient.digit_count();
        let kept = digits.min(bits / 3 + 2);
        let (mantissa, _) = self.coefficient.split_by((digits - kept) as u32);
        let mantissa = Decimal::new(mantissa, kept as u32 - 1);
        let mut logarithm = fixed_point::ln(&fixed_point::from_decimal(&mantissa, bits), bits);
        if exponent != 0 {
            logarithm += fixed_point::ln(&(BigInt::from(10) << bits), bits) * exponent;
        }
        Decimal::new(fixed_point::to_coefficient(&logarithm, bits, scale), scale)
    }

    /// e to the number, rounded at a scale.
    pub(super) fn exp_at(&self, scale: u32) -> Result<Decimal> {
        let approximate = Numeric::Finite(self.clone()).to_f64_approximately();
        if approximate.abs() >= MAXIMUM_EXPONENT {
            if approximate > 0.0 {
                return Err(overflow());
            }
            return Ok(Decimal::new(Coefficient::Small(0), scale));
        }
        let weight = (approximate.abs() * LOG10_E) as i64;
        let bits = fixed_point::bits_for(i64::from(scale) + weight * 2 + 4);
        let magnitude =
            fixed_point::from_decimal(&Decimal::new(self.coefficient.absolute(), self.scale), bits);
        let mut power = fixed_point::exp(&magnitude, bits);
        if self.coefficient.signum() < 0 {
            power = fixed_point::reciprocal(&power, bits);
        }
        Ok(Decimal::new(fixed_point::to_coefficient(&power, bits, scale), scale))
    }

    /// The square root of a number that is not negative, rounded at a scale.
    pub(super) fn sqrt_at(&self, scale: u32) -> Coefficient {
        // sqrt(c / 10^s) * 10^scale, one digit more to round by.
        let power = 2 * (i64::from(scale) + 1) - i64::from(self.scale);
        let number = self.coefficient.to_big();
        let scaled: BigInt = if power >= 0 {
            number.as_ref() * power_of_ten(power as u32)
        } else {
            number.as_ref() / power_of_ten(power.unsigned_abs() as u32)
        };
        Coefficient::from(scaled.sqrt()).rounded_by(1)
    }
}

impl Numeric {
    pub fn sqrt(&self) -> Result<Numeric> {
        let decimal = match self {
            Numeric::NaN | Numeric::Infinity => return Ok(self.clone()),
            Numeric::Finite(decimal) if decimal.coefficient.signum() >= 0 => decimal,
            Numeric::Finite(_) | Numeric::NegativeInfinity => {
                return Err(Error::new(
                    SqlState::InvalidArgumentForPowerFunction,
                    "cannot take square root of a negative number",
                ));
            }
        };
        let weight = decimal.weight() * 2 + 1;
        let scale = clamp_scale(MINIMUM_SIGNIFICANT_DIGITS - weight, &[decimal.scale]);
        Numeric::checked(decimal.sqrt_at(scale), scale)
    }

    pub fn exp(&self) -> Result<Numeric> {
        let decimal = match self {
            Numeric::NaN | Numeric::Infinity => return Ok(self.clone()),
            Numeric::NegativeInfinity => return Ok(Numeric::ZERO),
            Numeric::Finite(decimal) => decimal,
        };
        let weight = (self.to_f64_approximately() * LOG10_E).clamp(-2000.0, 2000.0);
        let scale = clamp_scale(MINIMUM_SIGNIFICANT_DIGITS - weight as i64, &[decimal.scale]);
        let power = decimal.exp_at(scale)?;
        Numeric::checked(power.coefficient, power.scale)
    }

    /// The natural logarithm.
    pub fn ln(&self) -> Result<Numeric> {
        let decimal = match self {
            Numeric::NaN | Numeric::Infinity => return Ok(self.clone()),
            Numeric::NegativeInfinity => return Err(logarithm_error("a negative number")),
            Numeric::Finite(decimal) => decimal,
        };
        check_logarithm(self)?;
        let weight = logarithm_weight(decimal);
        let scale = clamp_scale(MINIMUM_SIGNIFICANT_DIGITS - weight, &[decimal.scale]);
        let logarithm = decimal.ln_at(scale);
        Numeric::checked(logarithm.coefficient, scale)
    }

    /// The logarithm of `self` to a base.
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::NaN);
        }
        if (self.is_infinite() || base.is_infinite()) && self.signum().min(base.signum()) < 0 {
            return Err(logarithm_error("a negative number"));
        }
        check_logarithm(base)?;
        check_logarithm(self)?;
        let (number, base) = match (self, base) {
            (Numeric::Finite(number), Numeric::Finite(base)) => (number, base),
            (Numeric::Finite(_), _) => return Ok(Numeric::ZERO),
            (_, Numeric::Finite(_)) => return Ok(Numeric::Infinity),
            _ => return Ok(Numeric::NaN),
        };
        let (base_weight, number_weight) = (logarithm_weight(base), logarithm_weight(number));
        let weight = number_weight - base_weight;
        let scale = clamp_scale(MINIMUM_SIGNIFICANT_DIGITS - weight, &[base.scale, number.scale]);
        let inner = |own: i64| (i64::from(scale) + weight - own + 12).clamp(8, 8000) as u32;
        let numerator = number.ln_at(inner(number_weight).max(scale + 8));
        let denominator = base.ln_at(inner(base_weight).max(scale + 8));
        if denominator.coefficient.is_zero() {
            return Err(division_by_zero());
        }
        Numeric::checked(divide_at(&numerator, &denominator, scale), scale)
    }
}

fn check_logarithm(number: &Numeric) -> Result<()> {
    match number.signum() {
        0 => Err(logarithm_error("zero")),
        1 => Ok(()),
        _ => Err(logarithm_error("a negative number")),
    }
}
