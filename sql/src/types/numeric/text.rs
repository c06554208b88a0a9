//! The text of a numeric.

use crate::error::Result;

use super::super::integer::{invalid_syntax, is_space};
use super::{Coefficient, Decimal, MAXIMUM_SCALE, MAXIMUM_WHOLE_DIGITS, Numeric, overflow};

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::new();
        self.append_text(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl Numeric {
    /// Appends the text: as many digits behind the point as the scale says.
    pub fn append_text(&self, out: &mut Vec<u8>) {
        match self {
            Numeric::Finite(decimal) => decimal.append_text(out),
            Numeric::Infinity => out.extend_from_slice(b"Infinity"),
            Numeric::NegativeInfinity => out.extend_from_slice(b"-Infinity"),
            Numeric::NaN => out.extend_from_slice(b"NaN"),
        }
    }

    /// Reads PostgreSQL's input syntax.
    pub fn parse(text: &str) -> Result<Numeric> {
        if let Some(plain) = plain(text.as_bytes()) {
            return Ok(plain);
        }
        let trimmed = text.trim_matches(is_space);
        if let Some(special) = special(trimmed) {
            return Ok(special);
        }
        let parts = Parts::split(trimmed.as_bytes()).ok_or_else(|| invalid_syntax("numeric", text))?;
        parts.number()
    }
}

impl Decimal {
    fn append_text(&self, out: &mut Vec<u8>) {
        if self.coefficient.signum() < 0 {
            out.push(b'-');
        }
        let start = out.len();
        self.coefficient.append_digits(out);
        let scale = self.scale as usize;
        if scale == 0 {
            return;
        }
        let length = out.len() - start;
        if length <= scale {
            // Zeros up to and including one before the point.
            let missing = scale + 1 - length;
            out.resize(start + length + missing, b'0');
            out.copy_within(start..start + length, start + missing);
            out[start..start + missing].fill(b'0');
        }
        let point = out.len() - scale;
        out.push(0);
        let end = out.len();
        out.copy_within(point..end - 1, point + 1);
        out[point] = b'.';
    }
}

/// A sign, up to eighteen digits and a point among them: what loading data is made of.
fn plain(text: &[u8]) -> Option<Numeric> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 19 {
        return None;
    }
    let mut number: i64 = 0;
    let mut count = 0;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' if count == 18 => return None,
            b'0'..=b'9' => {
                number = number * 10 + i64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if count == 0 {
        return None;
    }
    let scale = point.map_or(0, |at| digits.len() - at - 1) as u32;
    Some(Numeric::from_i128(i128::from(if negative { -number } else { number }), scale))
}

fn special(text: &str) -> Option<Numeric> {
    if text.eq_ignore_ascii_case("nan") {
        return Some(Numeric::NaN);
    }
    let (negative, word) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if word.eq_ignore_ascii_case("infinity") || word.eq_ignore_ascii_case("inf") {
        return Some(if negative { Numeric::NegativeInfinity } else { Numeric::Infinity });
    }
    None
}

/// A decimal literal taken apart.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn split(text: &'a [u8]) -> Option<Parts<'a>> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (whole, rest) = digits_of(text);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => digits_of(rest),
            rest => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent_of(rest)?,
            _ => return None,
        };
        Some(Parts { negative, whole, fraction, exponent })
    }

    fn number(&self) -> Result<Numeric> {
        if self.exponent.abs() >= i64::from(i32::MAX / 2) {
            return Err(overflow());
        }
        let scale = (self.fraction.len() as i64 - self.exponent).max(0);
        let whole = strip_zeros(self.whole);
        if scale > i64::from(MAXIMUM_SCALE) {
            return Err(overflow());
        }
        let joined;
        let digits = if self.fraction.is_empty() {
            whole
        } else {
            joined = [whole, self.fraction].concat();
            strip_zeros(&joined)
        };
        let zeros = self.exponent - self.fraction.len() as i64;
        if digits.is_empty() {
            return Ok(Numeric::from_i128(0, scale as u32));
        }
        if digits.len() as i64 + zeros > MAXIMUM_WHOLE_DIGITS {
            return Err(overflow());
        }
        let coefficient = Coefficient::from_digits(digits, self.negative);
        Numeric::checked(coefficient.times_power_of_ten(zeros.max(0) as u32), scale as u32)
    }
}

fn digits_of(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

fn strip_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|digit| **digit == b'0').count()..]
}

fn exponent_of(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // What is beyond ten digits overflows all the same.
    let number = digits.iter().fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(1 << 40));
    Some(if negative { -number } else { number })
}
