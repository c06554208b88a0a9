//! Binary fixed-point arithmetic for the transcendental functions: integers that stand for `number / 2^bits`.

use num_bigint::{BigInt, Sign};
use num_traits::{One, Signed, Zero};

use super::coefficient::power_of_ten;
use super::{Coefficient, Decimal};

/// Bits that give the wanted decimal digits behind the point, with room for the errors of a long computation.
pub(super) fn bits_for(digits: i64) -> u64 {
    (digits.max(0) as u64) * 3322 / 1000 + 64
}

/// `decimal * 2^bits`, cut.
pub(super) fn from_decimal(decimal: &Decimal, bits: u64) -> BigInt {
    (decimal.coefficient.to_big().as_ref() << bits) / power_of_ten(decimal.scale)
}

/// The nearest decimal of a scale, halves away from zero.
pub(super) fn to_coefficient(number: &BigInt, bits: u64, scale: u32) -> Coefficient {
    let scaled: BigInt = number.abs() * power_of_ten(scale);
    let half = BigInt::one() << (bits - 1);
    let rounded: BigInt = (scaled + half) >> bits;
    Coefficient::from(if number.sign() == Sign::Minus { -rounded } else { rounded })
}

fn multiply(left: &BigInt, right: &BigInt, bits: u64) -> BigInt {
    (left * right) >> bits
}

/// `ln 2`.
fn ln_two(bits: u64) -> BigInt {
    // 2 * atanh(1/3)
    let mut power: BigInt = (BigInt::one() << (bits + 1)) / 3;
    let mut sum = power.clone();
    let mut odd: u32 = 3;
    loop {
        power /= 9;
        let term: BigInt = &power / odd;
        if term.is_zero() {
            return sum;
        }
        sum += term;
        odd += 2;
    }
}

/// The natural logarithm of a positive number.
pub(super) fn ln(number: &BigInt, bits: u64) -> BigInt {
    // number = m * 2^shift with m near one; ln m = 2 * atanh((m - 1) / (m + 1)).
    let one = BigInt::one() << bits;
    let mut shift = number.bits() as i64 - 1 - bits as i64;
    let mut near = if shift >= 0 { number >> shift } else { number << -shift };
    if near.clone() * 5 > one.clone() * 7 {
        // From 1.4 on, half of it is nearer to one.
        near >>= 1;
        shift += 1;
    }
    let ratio = ((&near - &one) << bits) / (&near + &one);
    let square = multiply(&ratio, &ratio, bits);
    let mut power = ratio.clone();
    let mut sum = ratio;
    let mut odd: u32 = 3;
    while !power.is_zero() && power != BigInt::from(-1) {
        power = multiply(&power, &square, bits);
        sum += &power / odd;
        odd += 2;
    }
    let logarithm: BigInt = sum << 1;
    if shift == 0 { logarithm } else { logarithm + ln_two(bits) * shift }
}

/// `e^number` for a number that is not negative.
pub(super) fn exp(number: &BigInt, bits: u64) -> BigInt {
    // e^x = (e^(x / 2^halvings))^(2^halvings); every squaring may double the relative error.
    let magnitude = number.bits() as i64 - bits as i64;
    let halvings = (magnitude + 8).max(0) as u64;
    let working = bits + 2 * halvings + 16;
    let reduced: BigInt = (number << (working - bits)) >> halvings;
    let mut term = BigInt::one() << working;
    let mut sum = term.clone();
    let mut factor: u32 = 1;
    loop {
        term = multiply(&term, &reduced, working) / factor;
        if term.is_zero() {
            break;
        }
        sum += &term;
        factor += 1;
    }
    for _ in 0..halvings {
        sum = multiply(&sum, &sum, working);
    }
    sum >> (working - bits)
}

/// `1 / number`.
pub(super) fn reciprocal(number: &BigInt, bits: u64) -> BigInt {
    (BigInt::one() << (2 * bits)) / number
}
