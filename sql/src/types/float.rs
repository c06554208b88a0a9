//! Text of `real` and `double precision`.
//!
//! With `extra_float_digits` of 1 and above, the shortest digits that read back to the same number and lie strictly
//! between its neighbours' midpoints (PostgreSQL does not accept a midpoint, even where reading would round it
//! back); at 0 and below, C's `%.*g` with 15 (6) digits and fewer.

use num_bigint::BigUint;

use crate::error::{Error, Result, SqlState};

use super::digits::append_padded;
use super::integer::{invalid_syntax, is_space};

/// Significant digits and the decimal exponent of the first of them.
struct Decimal {
    digits: Vec<u8>,
    exponent: i32,
}

/// Appends a `double precision`.
pub fn append_float8(value: f64, extra_digits: i32, out: &mut Vec<u8>) {
    if append_special(value, out) {
        return;
    }
    if extra_digits > 0 {
        let mut buffer = ryu::Buffer::new();
        let mut decimal = Decimal::parse(buffer.format_finite(value.abs()));
        // Beneath 2^49 the midpoint beside a normal number has more digits than the shortest text.
        if !(f64::MIN_POSITIVE..562_949_953_421_312.0).contains(&value.abs()) {
            decimal = strictly_inside(value.abs(), decimal);
        }
        append_decimal(value.is_sign_negative(), &decimal, 15, out);
    } else {
        let digits = (15 + extra_digits).max(1) as usize;
        append_significant(value, digits, out);
    }
}

/// Appends a `real`.
pub fn append_float4(value: f32, extra_digits: i32, out: &mut Vec<u8>) {
    if append_special(f64::from(value), out) {
        return;
    }
    if extra_digits > 0 {
        let mut buffer = ryu::Buffer::new();
        let mut decimal = Decimal::parse(buffer.format_finite(value.abs()));
        if !(f32::MIN_POSITIVE..1_048_576.0).contains(&value.abs()) {
            decimal = strictly_inside_single(value.abs(), decimal);
        }
        append_decimal(value.is_sign_negative(), &decimal, 6, out);
    } else {
        let digits = (6 + extra_digits).max(1) as usize;
        append_significant(f64::from(value), digits, out);
    }
}

fn append_special(value: f64, out: &mut Vec<u8>) -> bool {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value == f64::INFINITY {
        out.extend_from_slice(b"Infinity");
    } else if value == f64::NEG_INFINITY {
        out.extend_from_slice(b"-Infinity");
    } else if value == 0.0 {
        out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else {
        return false;
    }
    true
}

impl Decimal {
    /// Reads a finite positive number as ryu or Rust print it.
    fn parse(text: &str) -> Decimal {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().unwrap_or(0)),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Decimal { digits: vec![b'0'], exponent: 0 };
        }
        Decimal { digits, exponent: exponent + whole.len() as i32 - 1 - leading as i32 }
    }

    /// The number as `numerator / denominator`, both multiplied by a power of two that makes `scale` whole.
    fn fraction(&self) -> (BigUint, BigUint) {
        let numerator = BigUint::parse_bytes(&self.digits, 10).unwrap_or_default();
        let power = self.exponent + 1 - self.digits.len() as i32;
        let ten = BigUint::from(10u32);
        if power >= 0 {
            (numerator * ten.pow(power as u32), BigUint::from(1u32))
        } else {
            (numerator, ten.pow(power.unsigned_abs()))
        }
    }
}

/// Whether the decimal is the exact middle between `mantissa * 2^exponent` and one of its neighbours.
fn on_midpoint(decimal: &Decimal, mantissa: u64, exponent: i32, smallest_of_its_power: bool) -> bool {
    let (numerator, denominator) = decimal.fraction();
    let equals = |mantissa: u64, exponent: i32| {
        let mantissa = BigUint::from(mantissa) * &denominator;
        if exponent >= 0 {
            numerator == mantissa << exponent
        } else {
            numerator.clone() << exponent.unsigned_abs() == mantissa
        }
    };
    equals(2 * mantissa + 1, exponent - 1)
        || equals(2 * mantissa - 1, exponent - 1)
        || smallest_of_its_power && equals(4 * mantissa - 1, exponent - 2)
}

fn strictly_inside(value: f64, shortest: Decimal) -> Decimal {
    let bits = value.to_bits();
    let (fraction, power) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    let (mantissa, exponent) =
        if power == 0 { (fraction, -1074) } else { (fraction | 1 << 52, power - 1075) };
    if mantissa % 2 == 1 || !on_midpoint(&shortest, mantissa, exponent, fraction == 0) {
        return shortest;
    }
    (shortest.digits.len()..17)
        .map(|digits| Decimal::parse(&format!("{value:.digits$e}")))
        .find(|decimal| {
            let text = decimal.to_scientific();
            text.parse::<f64>() == Ok(value) && !on_midpoint(decimal, mantissa, exponent, fraction == 0)
        })
        .unwrap_or(shortest)
}

fn strictly_inside_single(value: f32, shortest: Decimal) -> Decimal {
    let bits = value.to_bits();
    let (fraction, power) = (bits & ((1 << 23) - 1), (bits >> 23) as i32);
    let (mantissa, exponent) = if power == 0 { (fraction, -149) } else { (fraction | 1 << 23, power - 150) };
    let mantissa = u64::from(mantissa);
    if mantissa % 2 == 1 || !on_midpoint(&shortest, mantissa, exponent, fraction == 0) {
        return shortest;
    }
    (shortest.digits.len()..9)
        .map(|digits| Decimal::parse(&format!("{value:.digits$e}")))
        .find(|decimal| {
            let text = decimal.to_scientific();
            text.parse::<f32>() == Ok(value) && !on_midpoint(decimal, mantissa, exponent, fraction == 0)
        })
        .unwrap_or(shortest)
}

impl Decimal {
    fn to_scientific(&self) -> String {
        let digits = String::from_utf8_lossy(&self.digits);
        format!("{digits}e{}", self.exponent + 1 - self.digits.len() as i32)
    }
}

/// C's `%.{digits}g`.
pub(super) fn append_significant(value: f64, digits: usize, out: &mut Vec<u8>) {
    let text = format!("{:.*e}", digits - 1, value.abs());
    append_decimal(value.is_sign_negative(), &Decimal::parse(&text), digits as i32, out);
}

/// Plain notation for exponents from -4 up to `limit`, else scientific with two digits of exponent or more.
fn append_decimal(negative: bool, decimal: &Decimal, limit: i32, out: &mut Vec<u8>) {
    if negative {
        out.push(b'-');
    }
    let digits = &decimal.digits;
    let exponent = decimal.exponent;
    if exponent < -4 || exponent >= limit {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        append_padded(u64::from(exponent.unsigned_abs()), 2, out);
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', exponent.unsigned_abs() as usize - 1));
        out.extend_from_slice(digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.extend_from_slice(digits);
            out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
        } else {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

pub fn input_float8(text: &str) -> Result<f64> {
    let trimmed = text.trim_matches(is_space);
    if let Some(special) = special(trimmed) {
        return Ok(special);
    }
    if !is_decimal(trimmed) {
        return Err(invalid_syntax("double precision", text));
    }
    let value = trimmed.parse::<f64>().map_err(|_| invalid_syntax("double precision", text))?;
    if value.is_infinite() || value == 0.0 && has_value(trimmed) {
        return Err(out_of_range(trimmed, "double precision"));
    }
    Ok(value)
}

pub fn input_float4(text: &str) -> Result<f32> {
    let trimmed = text.trim_matches(is_space);
    if let Some(special) = special(trimmed) {
        return Ok(special as f32);
    }
    if !is_decimal(trimmed) {
        return Err(invalid_syntax("real", text));
    }
    let value = trimmed.parse::<f32>().map_err(|_| invalid_syntax("real", text))?;
    if value.is_infinite() || value == 0.0 && has_value(trimmed) {
        return Err(out_of_range(text, "real"));
    }
    Ok(value)
}

fn out_of_range(text: &str, type_name: &str) -> Error {
    Error::new(SqlState::NumericValueOutOfRange, format!("\"{text}\" is out of range for type {type_name}"))
}

fn special(text: &str) -> Option<f64> {
    let (negative, word) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if word.eq_ignore_ascii_case("infinity") || word.eq_ignore_ascii_case("inf") {
        Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY })
    } else if word.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

/// Sign, digits with at most one point among them, exponent: what C's strtod takes in base ten.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_stands = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_stands
}

/// Whether a decimal has a digit other than zero before its exponent.
fn has_value(text: &str) -> bool {
    text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).any(|byte| matches!(byte, b'1'..=b'9'))
}
