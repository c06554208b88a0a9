//! Arithmetic and order of numerics, with the result scales that PostgreSQL chooses.
//!
//! NaN meets everything with NaN and is the greatest of all numbers; the infinities behave as IEEE 754 has it,
//! except that dividing an infinity or anything by zero is an error.

use std::cmp::Ordering;

use num_bigint::BigInt;

use crate::error::{Error, Result, SqlState};

use super::{
    Coefficient, Decimal, MAXIMUM_CHOSEN_SCALE, MAXIMUM_SCALE, MINIMUM_SIGNIFICANT_DIGITS, Numeric, overflow,
};

/// `22012`.
pub(super) fn division_by_zero() -> Error {
    Error::new(SqlState::DivisionByZero, "division by zero")
}

/// A scale that a function chooses: at least the given scales, at most a thousand.
pub(super) fn clamp_scale(scale: i64, at_least: &[u32]) -> u32 {
    let least = at_least.iter().copied().max().unwrap_or(0);
    scale.max(i64::from(least)).clamp(0, MAXIMUM_CHOSEN_SCALE) as u32
}

/// The first base-10000 digit of a number that is not zero.
fn first_digit(decimal: &Decimal) -> i64 {
    let digits_wanted = decimal.exponent().rem_euclid(4) as u64 + 1;
    let count = decimal.coefficient.digit_count();
    if count >= digits_wanted {
        let (head, _) = decimal.coefficient.split_by((count - digits_wanted) as u32);
        head.to_i64().abs()
    } else {
        let head = decimal.coefficient.times_power_of_ten((digits_wanted - count) as u32);
        head.to_i64().abs()
    }
}

/// The scale of a quotient: sixteen significant digits at least, and no fewer decimals than either side has.
pub(super) fn quotient_scale(left: &Decimal, right: &Decimal) -> u32 {
    let (left_weight, left_digit) = weight_and_digit(left);
    let (right_weight, right_digit) = weight_and_digit(right);
    let mut weight = left_weight - right_weight;
    if left_digit <= right_digit {
        weight -= 1;
    }
    clamp_scale(MINIMUM_SIGNIFICANT_DIGITS - weight * 4, &[left.scale, right.scale])
}

fn weight_and_digit(decimal: &Decimal) -> (i64, i64) {
    if decimal.coefficient.is_zero() { (0, 0) } else { (decimal.weight(), first_digit(decimal)) }
}

/// `left / right` at a scale, rounded half away from zero; `right` is not zero.
pub(super) fn divide_at(left: &Decimal, right: &Decimal, scale: u32) -> Coefficient {
    // left.c / 10^ls / (right.c / 10^rs) * 10^scale
    let power = i64::from(scale) + i64::from(right.scale) - i64::from(left.scale);
    if power >= 0 {
        left.coefficient.times_power_of_ten(power as u32).divide_rounded(&right.coefficient)
    } else {
        let divisor = right.coefficient.times_power_of_ten(power.unsigned_abs() as u32);
        left.coefficient.divide_rounded(&divisor)
    }
}

impl Coefficient {
    /// The number of a coefficient known to be small.
    fn to_i64(&self) -> i64 {
        match self {
            Coefficient::Small(number) => *number as i64,
            Coefficient::Big(_) => i64::MAX,
        }
    }
}

impl Numeric {
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::Finite(left), Numeric::Finite(right)) => {
                let scale = left.scale.max(right.scale);
                if left.scale == right.scale {
                    return Numeric::checked(left.coefficient.add(&right.coefficient), scale);
                }
                Numeric::checked(left.coefficient_at(scale).add(&right.coefficient_at(scale)), scale)
            }
            (Numeric::NaN, _)
            | (_, Numeric::NaN)
            | (Numeric::Infinity, Numeric::NegativeInfinity)
            | (Numeric::NegativeInfinity, Numeric::Infinity) => Ok(Numeric::NaN),
            (Numeric::Infinity, _) | (_, Numeric::Infinity) => Ok(Numeric::Infinity),
            (Numeric::NegativeInfinity, _) | (_, Numeric::NegativeInfinity) => Ok(Numeric::NegativeInfinity),
        }
    }

    pub fn subtract(&self, other: &Numeric) -> Result<Numeric> {
        if let (Numeric::Finite(left), Numeric::Finite(right)) = (self, other) {
            let scale = left.scale.max(right.scale);
            if left.scale == right.scale {
                return Numeric::checked(left.coefficient.subtract(&right.coefficient), scale);
            }
            return Numeric::checked(
                left.coefficient_at(scale).subtract(&right.coefficient_at(scale)),
                scale,
            );
        }
        self.add(&other.negate())
    }

    pub fn multiply(&self, other: &Numeric) -> Result<Numeric> {
        if let (Numeric::Finite(left), Numeric::Finite(right)) = (self, other) {
            let scale = left.scale + right.scale;
            let product = left.coefficient.multiply(&right.coefficient);
            if scale > MAXIMUM_SCALE {
                return Numeric::checked(product.rounded_by(scale - MAXIMUM_SCALE), MAXIMUM_SCALE);
            }
            return Numeric::checked(product, scale);
        }
        if self.is_nan() || other.is_nan() {
            return Ok(Numeric::NaN);
        }
        Ok(match self.signum() * other.signum() {
            0 => Numeric::NaN,
            1 => Numeric::Infinity,
            _ => Numeric::NegativeInfinity,
        })
    }

    pub fn divide(&self, other: &Numeric) -> Result<Numeric> {
        if let (Numeric::Finite(left), Numeric::Finite(right)) = (self, other) {
            if right.coefficient.is_zero() {
                return Err(division_by_zero());
            }
            let scale = quotient_scale(left, right);
            return Numeric::checked(divide_at(left, right, scale), scale);
        }
        self.divide_special(other)
    }

    /// Division where one side is not finite.
    fn divide_special(&self, other: &Numeric) -> Result<Numeric> {
        if self.is_nan() || other.is_nan() {
            return Ok(Numeric::NaN);
        }
        if self.is_infinite() {
            if other.is_infinite() {
                return Ok(Numeric::NaN);
            }
            return match self.signum() * other.signum() {
                0 => Err(division_by_zero()),
                1 => Ok(Numeric::Infinity),
                _ => Ok(Numeric::NegativeInfinity),
            };
        }
        Ok(Numeric::ZERO)
    }

    /// The whole part of the quotient: `div()`.
    pub fn divide_truncated(&self, other: &Numeric) -> Result<Numeric> {
        if let (Numeric::Finite(left), Numeric::Finite(right)) = (self, other) {
            if right.coefficient.is_zero() {
                return Err(division_by_zero());
            }
            let scale = left.scale.max(right.scale);
            let (quotient, _) = left.coefficient_at(scale).divide_remainder(&right.coefficient_at(scale));
            return Numeric::checked(quotient, 0);
        }
        self.divide_special(other)
    }

    /// The remainder with the sign of the dividend: `%`.
    pub fn remainder(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::NaN, _) | (_, Numeric::NaN) => Ok(Numeric::NaN),
            (Numeric::Finite(left), Numeric::Finite(right)) => {
                if right.coefficient.is_zero() {
                    return Err(division_by_zero());
                }
                let scale = left.scale.max(right.scale);
                let (_, rest) = left.coefficient_at(scale).divide_remainder(&right.coefficient_at(scale));
                Numeric::checked(rest, scale)
            }
            (Numeric::Finite(_), _) => Ok(self.clone()),
            (_, Numeric::Finite(right)) if right.coefficient.is_zero() => Err(division_by_zero()),
            _ => Ok(Numeric::NaN),
        }
    }

    pub fn negate(&self) -> Numeric {
        match self {
            Numeric::Finite(decimal) => {
                Numeric::Finite(Decimal::new(decimal.coefficient.negate(), decimal.scale))
            }
            Numeric::Infinity => Numeric::NegativeInfinity,
            Numeric::NegativeInfinity => Numeric::Infinity,
            Numeric::NaN => Numeric::NaN,
        }
    }

    pub fn absolute(&self) -> Numeric {
        if self.signum() < 0 { self.negate() } else { self.clone() }
    }

    /// `sign()`: -1, 0, 1 or NaN.
    pub fn sign(&self) -> Numeric {
        if self.is_nan() { Numeric::NaN } else { Numeric::from_i64(i64::from(self.signum())) }
    }

    pub fn compare(&self, other: &Numeric) -> Ordering {
        let rank = |number: &Numeric| match number {
            Numeric::NegativeInfinity => 0,
            Numeric::Finite(_) => 1,
            Numeric::Infinity => 2,
            Numeric::NaN => 3,
        };
        match (self, other) {
            (Numeric::Finite(left), Numeric::Finite(right)) => left.compare(right),
            _ => rank(self).cmp(&rank(other)),
        }
    }

    /// The greatest common divisor at the greater scale.
    pub fn gcd(&self, other: &Numeric) -> Result<Numeric> {
        let (Numeric::Finite(left), Numeric::Finite(right)) = (self, other) else {
            return Ok(Numeric::NaN);
        };
        let scale = left.scale.max(right.scale);
        let divisor = greatest_common_divisor(left.coefficient_at(scale), right.coefficient_at(scale));
        Numeric::checked(divisor, scale)
    }

    /// The least common multiple at the greater scale.
    pub fn lcm(&self, other: &Numeric) -> Result<Numeric> {
        let (Numeric::Finite(left), Numeric::Finite(right)) = (self, other) else {
            return Ok(Numeric::NaN);
        };
        let scale = left.scale.max(right.scale);
        if left.coefficient.is_zero() || right.coefficient.is_zero() {
            return Ok(Numeric::from_i128(0, scale));
        }
        let (a, b) = (left.coefficient_at(scale), right.coefficient_at(scale));
        let divisor = greatest_common_divisor(a.clone(), b.clone());
        let (quotient, _) = a.divide_remainder(&divisor);
        Numeric::checked(quotient.multiply(&b).absolute(), scale)
    }

    /// `factorial()`.
    pub fn factorial(number: i64) -> Result<Numeric> {
        if number < 0 {
            return Err(Error::new(
                SqlState::NumericValueOutOfRange,
                "factorial of a negative number is undefined",
            ));
        }
        if number > 32_177 {
            return Err(overflow());
        }
        let mut product = BigInt::from(1);
        for factor in 2..=number {
            product *= factor;
        }
        Numeric::checked(Coefficient::from(product), 0)
    }
}

impl Decimal {
    pub(super) fn compare(&self, other: &Decimal) -> Ordering {
        if self.scale == other.scale {
            return self.coefficient.compare(&other.coefficient);
        }
        let scale = self.scale.max(other.scale);
        self.coefficient_at(scale).compare(&other.coefficient_at(scale))
    }
}

fn greatest_common_divisor(left: Coefficient, right: Coefficient) -> Coefficient {
    let (mut a, mut b) = (left.absolute(), right.absolute());
    while !b.is_zero() {
        let (_, rest) = a.divide_remainder(&b);
        a = b;
        b = rest;
    }
    a
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Numeric) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Numeric) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Numeric) -> Ordering {
        self.compare(other)
    }
}
