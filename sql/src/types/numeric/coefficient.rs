//! The integer inside a numeric: an `i128` while it fits, a big integer beyond.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

/// The powers of ten that fit.
const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut at = 1;
    while at < 39 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// An integer. Invariant: `Big` never holds what `Small` can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coefficient {
    Small(i128),
    Big(BigInt),
}

/// Bytes of the shortest little-endian two's complement; none for zero.
pub(super) fn stored_length(number: i128) -> usize {
    if number == 0 {
        return 0;
    }
    let significant = 128 - if number < 0 { number.leading_ones() } else { number.leading_zeros() };
    significant as usize / 8 + 1
}

/// Ten to the given power.
pub(super) fn power_of_ten(power: u32) -> BigInt {
    match POWERS.get(power as usize) {
        Some(small) => BigInt::from(*small),
        None => BigInt::from(10).pow(power),
    }
}

impl From<BigInt> for Coefficient {
    fn from(number: BigInt) -> Coefficient {
        match number.to_i128() {
            Some(small) => Coefficient::Small(small),
            None => Coefficient::Big(number),
        }
    }
}

impl Coefficient {
    pub fn to_big(&self) -> Cow<'_, BigInt> {
        match self {
            Coefficient::Small(number) => Cow::Owned(BigInt::from(*number)),
            Coefficient::Big(number) => Cow::Borrowed(number),
        }
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Coefficient::Small(0))
    }

    pub fn signum(&self) -> i32 {
        match self {
            Coefficient::Small(number) => number.signum() as i32,
            Coefficient::Big(number) if number.sign() == Sign::Minus => -1,
            Coefficient::Big(_) => 1,
        }
    }

    pub(super) fn from_stored(bytes: &[u8]) -> Coefficient {
        if bytes.len() <= 16 {
            let fill = if bytes.last().is_some_and(|last| *last >= 0x80) { 0xff } else { 0 };
            let mut whole = [fill; 16];
            whole[..bytes.len()].copy_from_slice(bytes);
            return Coefficient::Small(i128::from_le_bytes(whole));
        }
        Coefficient::from(BigInt::from_signed_bytes_le(bytes))
    }

    pub(super) fn append_stored(&self, out: &mut Vec<u8>) {
        match self {
            Coefficient::Small(number) => {
                out.extend_from_slice(&number.to_le_bytes()[..stored_length(*number)]);
            }
            Coefficient::Big(number) => out.extend_from_slice(&number.to_signed_bytes_le()),
        }
    }

    /// Decimal digits; one for zero.
    pub(super) fn digit_count(&self) -> u64 {
        match self {
            Coefficient::Small(0) => 1,
            Coefficient::Small(number) => u64::from(number.unsigned_abs().ilog10()) + 1,
            Coefficient::Big(number) => {
                // 2^(bits-1) <= number < 2^bits leaves two candidates at most.
                let fewest = ((number.bits() - 1) as f64 * std::f64::consts::LOG10_2) as u64;
                let mut digits = fewest.max(1);
                let magnitude = number.magnitude();
                while *magnitude >= *power_of_ten(digits as u32).magnitude() {
                    digits += 1;
                }
                digits
            }
        }
    }

    pub(super) fn times_power_of_ten(&self, power: u32) -> Coefficient {
        if power == 0 {
            return self.clone();
        }
        if let (Coefficient::Small(number), Some(factor)) = (self, POWERS.get(power as usize))
            && let Some(product) = number.checked_mul(*factor)
        {
            return Coefficient::Small(product);
        }
        Coefficient::from(self.to_big().as_ref() * power_of_ten(power))
    }

    pub(super) fn add(&self, other: &Coefficient) -> Coefficient {
        if let (Coefficient::Small(left), Coefficient::Small(right)) = (self, other)
            && let Some(sum) = left.checked_add(*right)
        {
            return Coefficient::Small(sum);
        }
        Coefficient::from(self.to_big().as_ref() + other.to_big().as_ref())
    }

    pub(super) fn subtract(&self, other: &Coefficient) -> Coefficient {
        if let (Coefficient::Small(left), Coefficient::Small(right)) = (self, other)
            && let Some(difference) = left.checked_sub(*right)
        {
            return Coefficient::Small(difference);
        }
        Coefficient::from(self.to_big().as_ref() - other.to_big().as_ref())
    }

    pub(super) fn multiply(&self, other: &Coefficient) -> Coefficient {
        if let (Coefficient::Small(left), Coefficient::Small(right)) = (self, other)
            && let Some(product) = left.checked_mul(*right)
        {
            return Coefficient::Small(product);
        }
        Coefficient::from(self.to_big().as_ref() * other.to_big().as_ref())
    }

    pub(super) fn negate(&self) -> Coefficient {
        match self {
            Coefficient::Small(number) => match number.checked_neg() {
                Some(negated) => Coefficient::Small(negated),
                None => Coefficient::Big(-BigInt::from(*number)),
            },
            Coefficient::Big(number) => Coefficient::from(-number),
        }
    }

    pub(super) fn absolute(&self) -> Coefficient {
        if self.signum() < 0 { self.negate() } else { self.clone() }
    }

    /// Quotient towards zero and remainder; `divisor` is not zero.
    pub(super) fn divide_remainder(&self, divisor: &Coefficient) -> (Coefficient, Coefficient) {
        if let (Coefficient::Small(left), Coefficient::Small(right)) = (self, divisor)
            && let (Some(quotient), Some(remainder)) = (left.checked_div(*right), left.checked_rem(*right))
        {
            return (Coefficient::Small(quotient), Coefficient::Small(remainder));
        }
        let (left, right) = (self.to_big(), divisor.to_big());
        let quotient = left.as_ref() / right.as_ref();
        let remainder = left.as_ref() - &quotient * right.as_ref();
        (Coefficient::from(quotient), Coefficient::from(remainder))
    }

    /// Quotient rounded half away from zero; `divisor` is not zero.
    pub(super) fn divide_rounded(&self, divisor: &Coefficient) -> Coefficient {
        let (quotient, remainder) = self.divide_remainder(divisor);
        if remainder.is_zero() {
            return quotient;
        }
        let twice = remainder.add(&remainder).absolute();
        if twice.compare(&divisor.absolute()) == Ordering::Less {
            return quotient;
        }
        let away = self.signum() * divisor.signum();
        quotient.add(&Coefficient::Small(i128::from(away)))
    }

    /// Divided by a power of ten, rounded half away from zero.
    pub(super) fn rounded_by(&self, power: u32) -> Coefficient {
        if power == 0 {
            return self.clone();
        }
        if u64::from(power) > self.digit_count() {
            return Coefficient::Small(0);
        }
        self.divide_rounded(&Coefficient::from(power_of_ten(power)))
    }

    /// Divided by a power of ten, cut towards zero, and what was cut off.
    pub(super) fn split_by(&self, power: u32) -> (Coefficient, Coefficient) {
        if power == 0 {
            return (self.clone(), Coefficient::Small(0));
        }
        if u64::from(power) >= self.digit_count() {
            return (Coefficient::Small(0), self.clone());
        }
        self.divide_remainder(&Coefficient::from(power_of_ten(power)))
    }

    pub(super) fn compare(&self, other: &Coefficient) -> Ordering {
        match (self, other) {
            (Coefficient::Small(left), Coefficient::Small(right)) => left.cmp(right),
            (Coefficient::Big(left), Coefficient::Big(right)) => left.cmp(right),
            (Coefficient::Small(_), Coefficient::Big(right)) => {
                if right.is_negative() {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (Coefficient::Big(left), Coefficient::Small(_)) => {
                if left.is_negative() {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }

    /// The decimal digits of the absolute value.
    pub(in super::super) fn append_digits(&self, out: &mut Vec<u8>) {
        match self {
            Coefficient::Small(number) => super::super::digits::append_u128(number.unsigned_abs(), out),
            Coefficient::Big(number) => out.extend_from_slice(number.magnitude().to_str_radix(10).as_bytes()),
        }
    }

    /// Reads decimal digits.
    pub(super) fn from_digits(digits: &[u8], negative: bool) -> Coefficient {
        if digits.len() <= 38 {
            let mut number: i128 = 0;
            for digit in digits {
                number = number * 10 + i128::from(digit - b'0');
            }
            return Coefficient::Small(if negative { -number } else { number });
        }
        let number = BigInt::parse_bytes(digits, 10).unwrap_or_else(BigInt::zero);
        Coefficient::from(if negative { -number } else { number })
    }
}
