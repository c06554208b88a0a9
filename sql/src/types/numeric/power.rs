//! `power()` of numerics.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::error::{Error, Result, SqlState};

use super::arithmetic::{clamp_scale, divide_at, division_by_zero};
use super::exponential::{LOG10_E, logarithm_weight};
use super::{Coefficient, Decimal, MAXIMUM_CHOSEN_SCALE, MINIMUM_SIGNIFICANT_DIGITS, Numeric, overflow};

/// Digits up to which a whole power is computed exactly before it is rounded.
const EXACT_DIGITS: u64 = 20_000;

fn undefined(message: &str) -> Error {
    Error::new(SqlState::InvalidArgumentForPowerFunction, message)
}

impl Numeric {
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        let (base, exponent) = match (self, exponent) {
            (Numeric::Finite(base), Numeric::Finite(exponent)) => (base, exponent),
            _ => return self.power_special(exponent),
        };
        let is_whole = exponent.coefficient.split_by(exponent.scale).1.is_zero();
        if base.coefficient.is_zero() && exponent.coefficient.signum() < 0 {
            return Err(undefined("zero raised to a negative power is undefined"));
        }
        if base.coefficient.signum() < 0 && !is_whole {
            return Err(undefined("a negative number raised to a non-integer power yields a complex result"));
        }
        if is_whole {
            let (whole, _) = exponent.coefficient.split_by(exponent.scale);
            if let Coefficient::Small(number) = whole
                && let Some(number) = number.to_i32()
            {
                return whole_power(base, number);
            }
        }
        real_power(base, exponent)
    }

    /// Powers where one side is not finite.
    fn power_special(&self, exponent: &Numeric) -> Result<Numeric> {
        if self.is_nan() {
            return Ok(if exponent.is_zero() { Numeric::ONE } else { Numeric::NaN });
        }
        if exponent.is_nan() {
            return Ok(if *self == Numeric::ONE { Numeric::ONE } else { Numeric::NaN });
        }
        if exponent.is_zero() {
            return Ok(Numeric::ONE);
        }
        if let Numeric::Finite(power) = exponent {
            // An infinite base.
            let (whole, rest) = power.coefficient.split_by(power.scale);
            if matches!(self, Numeric::NegativeInfinity) && !rest.is_zero() {
                return Err(undefined(
                    "a negative number raised to a non-integer power yields a complex result",
                ));
            }
            if power.coefficient.signum() < 0 {
                return Ok(Numeric::ZERO);
            }
            if matches!(self, Numeric::Infinity) {
                return Ok(Numeric::Infinity);
            }
            let odd = !whole.divide_remainder(&Coefficient::Small(2)).1.is_zero();
            return Ok(if odd { Numeric::NegativeInfinity } else { Numeric::Infinity });
        }
        // An infinite exponent.
        if self.is_zero() {
            if exponent.signum() < 0 {
                return Err(undefined("zero raised to a negative power is undefined"));
            }
            return Ok(Numeric::ZERO);
        }
        if *self == Numeric::ONE {
            return Ok(Numeric::ONE);
        }
        let magnitude = self.absolute();
        if magnitude == Numeric::ONE {
            return Ok(Numeric::ONE);
        }
        let grows = (magnitude > Numeric::ONE) == (exponent.signum() > 0);
        Ok(if grows { Numeric::Infinity } else { Numeric::ZERO })
    }
}

/// A power with a whole exponent: sixteen decimals, or as many as the base has.
fn whole_power(base: &Decimal, exponent: i32) -> Result<Numeric> {
    let scale = clamp_scale(MINIMUM_SIGNIFICANT_DIGITS, &[base.scale]);
    if base.coefficient.is_zero() {
        if exponent < 0 {
            return Err(division_by_zero());
        }
        let coefficient = if exponent == 0 { power_of_scale(scale) } else { Coefficient::Small(0) };
        return Numeric::checked(coefficient, scale);
    }
    let weight = weight_of_power(base, exponent);
    if weight > 3.0 * 32_767.0 * 4.0 {
        return Err(overflow());
    }
    if weight + 1.0 < -f64::from(scale) || weight + 1.0 < -(MAXIMUM_CHOSEN_SCALE as f64) {
        return Ok(Numeric::from_i128(0, scale));
    }
    let magnitude = exponent.unsigned_abs();
    if base.coefficient.digit_count().saturating_mul(u64::from(magnitude)) > EXACT_DIGITS && magnitude > 1 {
        return rounded_whole_power(base, exponent, scale, weight);
    }
    let power: BigInt = base.coefficient.to_big().pow(magnitude);
    let exact = Decimal::new(Coefficient::from(power), base.scale.saturating_mul(magnitude));
    if exponent < 0 {
        let one = Decimal::new(Coefficient::Small(1), 0);
        return Numeric::checked(divide_at(&one, &exact, scale), scale);
    }
    let rounded = exact.round(scale as i32);
    Numeric::checked(rounded.coefficient, scale)
}

fn power_of_scale(scale: u32) -> Coefficient {
    Coefficient::Small(1).times_power_of_ten(scale)
}

/// The decimal weight of a power, by floats.
fn weight_of_power(base: &Decimal, exponent: i32) -> f64 {
    let first = base.exponent();
    let count = base.coefficient.digit_count();
    let (head, _) = base.coefficient.absolute().split_by(count.saturating_sub(17) as u32);
    let head = match head {
        Coefficient::Small(number) => number as f64,
        Coefficient::Big(_) => 1.0,
    };
    let kept = count.min(17) as i32;
    (head / 10f64.powi(kept - 1)).log10() * f64::from(exponent) + first as f64 * f64::from(exponent)
}

/// A whole power too long to be computed exactly, through the logarithm.
fn rounded_whole_power(base: &Decimal, exponent: i32, scale: u32, weight: f64) -> Result<Numeric> {
    let magnitude = Decimal::new(base.coefficient.absolute(), base.scale);
    if weight >= 131_073.0 {
        return Err(overflow());
    }
    let digits = i64::from(scale) + weight.max(0.0) as i64 + 12 + 10;
    let logarithm = magnitude.ln_at(digits as u32);
    let product = logarithm.coefficient.multiply(&Coefficient::Small(i128::from(exponent)));
    let bits = super::fixed_point::bits_for(digits + weight.abs() as i64);
    let argument = Decimal::new(product.absolute(), logarithm.scale);
    let mut power = super::fixed_point::exp(&super::fixed_point::from_decimal(&argument, bits), bits);
    if product.signum() < 0 {
        power = super::fixed_point::reciprocal(&power, bits);
    }
    let coefficient = super::fixed_point::to_coefficient(&power, bits, scale);
    let negative = base.coefficient.signum() < 0 && exponent % 2 != 0;
    Numeric::checked(if negative { coefficient.negate() } else { coefficient }, scale)
}

/// A power with an exponent that is no whole number of 32 bits: e^(exponent * ln base).
fn real_power(base: &Decimal, exponent: &Decimal) -> Result<Numeric> {
    if base.coefficient.is_zero() {
        return Ok(Numeric::from_i128(0, MINIMUM_SIGNIFICANT_DIGITS as u32));
    }
    let magnitude = Decimal::new(base.coefficient.absolute(), base.scale);
    let (whole, _) = exponent.coefficient.split_by(exponent.scale);
    let odd = !whole.divide_remainder(&Coefficient::Small(2)).1.is_zero();
    let negative = base.coefficient.signum() < 0 && odd;
    let weight = logarithm_weight(&magnitude);
    // A first look at the result's size decides its scale.
    let rough_scale = (8 - weight).max(0) as u32;
    let rough = product_at(&magnitude.ln_at(rough_scale), exponent, rough_scale);
    let mut size = Numeric::Finite(rough).to_f64_approximately();
    if size.abs() > 6020.0 {
        if size > 0.0 {
            return Err(overflow());
        }
        return Ok(Numeric::from_i128(0, MAXIMUM_CHOSEN_SCALE as u32));
    }
    size *= LOG10_E;
    let scale = clamp_scale(MINIMUM_SIGNIFICANT_DIGITS - size as i64, &[base.scale, exponent.scale]);
    let significant = (i64::from(scale) + size as i64).max(0);
    let exponent_size = exponent.exponent().max(0);
    let inner = (significant - weight + 12 + exponent_size).max(0) as u32;
    let product = product_at(&magnitude.ln_at(inner), exponent, inner);
    let power = product.exp_at(scale)?;
    Numeric::checked(if negative { power.coefficient.negate() } else { power.coefficient }, scale)
}

fn product_at(left: &Decimal, right: &Decimal, scale: u32) -> Decimal {
    Decimal::new(left.coefficient.multiply(&right.coefficient), left.scale + right.scale).round(scale as i32)
}
