//! Exact sums of floats: the same bits whatever the order of the inputs.
//!
//! A sum is a fixed-point number of as many 32-bit digits as its inputs span, each kept in 64 bits with the carries put
//! off. It is rounded once, when it is read.

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

/// The weight of the lowest bit that a product of two floats can have, rounded down to a digit.
const LOWEST: i32 = -2176;
/// Additions between carries: each adds less than 2^32 to a digit.
const CARRY_AFTER: u32 = 1 << 29;

/// An exact sum of finite floats, or of products of two.
#[derive(Clone, Debug, Default)]
pub(super) struct ExactSum {
    /// Which digit `digits[0]` is, counted from `LOWEST`.
    base: usize,
    digits: Vec<i64>,
    additions: u32,
}

/// A finite float as an integer times a power of two.
fn parts(value: f64) -> (bool, u64, i32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let negative = bits >> 63 == 1;
    if exponent == 0 { (negative, fraction, -1074) } else { (negative, fraction | 1 << 52, exponent - 1075) }
}

impl ExactSum {
    /// Adds (or takes off) a finite float.
    pub(super) fn add(&mut self, value: f64, subtract: bool) {
        let (negative, mantissa, exponent) = parts(value);
        self.add_parts(u128::from(mantissa), exponent, negative != subtract);
    }

    /// Adds (or takes off) the exact product of two finite floats.
    pub(super) fn add_product(&mut self, a: f64, b: f64, subtract: bool) {
        let (a_negative, a, a_exponent) = parts(a);
        let (b_negative, b, b_exponent) = parts(b);
        let negative = (a_negative != b_negative) != subtract;
        self.add_parts(u128::from(a) * u128::from(b), a_exponent + b_exponent, negative);
    }

    fn add_parts(&mut self, mantissa: u128, exponent: i32, negative: bool) {
        if mantissa == 0 {
            return;
        }
        let place = (exponent - LOWEST) as usize;
        let (first, shift) = (place / 32, place % 32);
        let mut low = mantissa << shift;
        // What the shift pushed out at the top: a product has 106 bits, so at most 10 remain.
        let high = if shift == 0 { 0 } else { mantissa >> (128 - shift) };
        let mut digit = first;
        self.span(first, first + 5);
        while low != 0 {
            self.add_digit(digit, low as u32, negative);
            low >>= 32;
            digit += 1;
        }
        if high != 0 {
            self.add_digit(first + 4, high as u32, negative);
        }
        self.additions += 1;
        if self.additions >= CARRY_AFTER {
            self.carry();
        }
    }

    fn add_digit(&mut self, digit: usize, amount: u32, negative: bool) {
        if let Some(place) = self.digits.get_mut(digit - self.base) {
            *place += if negative { -i64::from(amount) } else { i64::from(amount) };
        }
    }

    /// Makes room for the digits from `first` up to `end`.
    fn span(&mut self, first: usize, end: usize) {
        if self.digits.is_empty() {
            self.base = first;
        } else if first < self.base {
            self.digits.splice(0..0, std::iter::repeat_n(0, self.base - first));
            self.base = first;
        }
        if self.base + self.digits.len() < end {
            self.digits.resize(end - self.base, 0);
        }
    }

    fn carry(&mut self) {
        self.additions = 0;
        let mut carry = 0;
        for digit in &mut self.digits {
            let total = *digit + carry;
            *digit = total & 0xFFFF_FFFF;
            carry = total >> 32;
        }
        if carry != 0 {
            self.digits.push(carry);
        }
    }

    /// The sum as an integer; its unit is 2^`ExactSum::UNIT`.
    pub(super) fn integer(&self) -> BigInt {
        let mut total = BigInt::zero();
        for &digit in self.digits.iter().rev() {
            total = (total << 32) + digit;
        }
        total << (32 * self.base)
    }

    pub(super) const UNIT: i32 = LOWEST;

    /// The sum, rounded once.
    pub(super) fn value(&self) -> f64 {
        if self.digits.is_empty() {
            return 0.0;
        }
        ratio(&self.integer(), &BigInt::from(1), LOWEST)
    }

    pub(super) fn size(&self) -> usize {
        self.digits.capacity() * size_of::<i64>()
    }
}

/// `numerator / denominator × 2^exponent`, rounded to the nearest float. The denominator is positive.
pub(super) fn ratio(numerator: &BigInt, denominator: &BigInt, exponent: i32) -> f64 {
    if numerator.is_zero() {
        return 0.0;
    }
    let negative = numerator.sign() == Sign::Minus;
    let numerator = numerator.abs();
    // A quotient of at least 65 bits, its last bit sticky, rounds as the true quotient would.
    let shift = 66 + denominator.bits() as i64 - numerator.bits() as i64;
    let (scaled, divisor) = if shift >= 0 {
        (numerator << shift, denominator.clone())
    } else {
        (numerator, denominator << -shift)
    };
    let mut quotient = &scaled / &divisor;
    if !(&scaled % &divisor).is_zero() {
        quotient |= BigInt::from(1);
    }
    let magnitude = scale(&quotient, i64::from(exponent) - shift);
    if negative { -magnitude } else { magnitude }
}

/// `integer × 2^exponent`, rounded once, to even, subnormal results included.
fn scale(integer: &BigInt, exponent: i64) -> f64 {
    let bits = integer.bits() as i64;
    // The weight of the lowest bit that the result can hold.
    let lowest = (bits + exponent - 53).max(-1074);
    let drop = lowest - exponent;
    let rounded = if drop <= 0 {
        integer.clone()
    } else {
        let floor: BigInt = integer >> drop;
        let rest: BigInt = integer - (&floor << drop);
        let half = BigInt::from(1) << (drop - 1);
        let up = rest > half || (rest == half && floor.bit(0));
        floor + i32::from(up)
    };
    let exponent = if drop <= 0 { exponent } else { lowest };
    let mantissa = rounded.to_f64().unwrap_or(f64::INFINITY);
    // In two steps: a power of two alone may be out of range where the product is not.
    let half = (exponent / 2) as i32;
    mantissa * 2f64.powi(half) * 2f64.powi(exponent as i32 - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_nothing_is_lost() {
        let inputs = [1e308, 1.0, -1e308, 1e-320, 3.5, -2.25e-300, 1e16, 1.0];
        let mut forward = ExactSum::default();
        let mut backward = ExactSum::default();
        inputs.iter().for_each(|&value| forward.add(value, false));
        inputs.iter().rev().for_each(|&value| backward.add(value, false));
        assert_eq!(forward.value().to_bits(), backward.value().to_bits());
        assert_eq!(forward.value(), 1e16 + 5.5);
        inputs.iter().for_each(|&value| forward.add(value, true));
        assert_eq!(forward.value(), 0.0);
    }

    #[test]
    fn single_values_come_back() {
        for value in [5e-324, -2.2e-308, 0.1, 1.7976931348623157e308, -123.456, 2f64.powi(-1022)] {
            let mut sum = ExactSum::default();
            sum.add(value, false);
            assert_eq!(sum.value().to_bits(), value.to_bits(), "{value}");
        }
    }
}
