//! Text of `smallint`, `integer`, `bigint` and `oid`.

use crate::error::{Error, Result, SqlState};

/// C's isspace, which PostgreSQL's input functions skip around a number.
pub fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// `22P02` in PostgreSQL's words.
pub fn invalid_syntax(type_name: &str, text: &str) -> Error {
    Error::new(
        SqlState::InvalidTextRepresentation,
        format!("invalid input syntax for type {type_name}: \"{text}\""),
    )
}

/// `22003` in PostgreSQL's words, for a text.
pub fn text_out_of_range(type_name: &str, text: &str) -> Error {
    Error::new(
        SqlState::NumericValueOutOfRange,
        format!("value \"{text}\" is out of range for type {type_name}"),
    )
}

/// `22003` in PostgreSQL's words, for the result of an operation: "integer out of range".
pub fn out_of_range(type_name: &str) -> Error {
    Error::new(SqlState::NumericValueOutOfRange, format!("{type_name} out of range"))
}

/// Digits with an optional sign, blanks around; the number must lie within the bounds.
fn parse(text: &str, type_name: &str, minimum: i64, maximum: i64) -> Result<i64> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at).is_some_and(|byte| is_space(*byte as char)) {
        at += 1;
    }
    let negative = match bytes.get(at) {
        Some(b'-') => {
            at += 1;
            true
        }
        Some(b'+') => {
            at += 1;
            false
        }
        _ => false,
    };
    let first = at;
    let mut number: i64 = 0;
    let mut overflow = false;
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        let next = number.checked_mul(10).and_then(|tens| {
            if negative { tens.checked_sub(i64::from(digit)) } else { tens.checked_add(i64::from(digit)) }
        });
        match next {
            Some(next) => number = next,
            None => overflow = true,
        }
        at += 1;
    }
    if at == first {
        return Err(invalid_syntax(type_name, text));
    }
    while bytes.get(at).is_some_and(|byte| is_space(*byte as char)) {
        at += 1;
    }
    if at < bytes.len() {
        // PostgreSQL meets the overflow before it meets what follows the digits.
        if overflow || number < minimum || number > maximum {
            let digits_end = first + bytes[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits_end < bytes.len() {
                return Err(text_out_of_range(type_name, text));
            }
        }
        return Err(invalid_syntax(type_name, text));
    }
    if overflow || number < minimum || number > maximum {
        return Err(text_out_of_range(type_name, text));
    }
    Ok(number)
}

pub fn input_int2(text: &str) -> Result<i16> {
    parse(text, "smallint", i64::from(i16::MIN), i64::from(i16::MAX)).map(|number| number as i16)
}

pub fn input_int4(text: &str) -> Result<i32> {
    parse(text, "integer", i64::from(i32::MIN), i64::from(i32::MAX)).map(|number| number as i32)
}

pub fn input_int8(text: &str) -> Result<i64> {
    parse(text, "bigint", i64::MIN, i64::MAX)
}

/// An unsigned number as C's strtoul reads it: a minus sign counts down from 2^32.
pub fn input_oid(text: &str) -> Result<u32> {
    let trimmed = text.trim_matches(is_space);
    let (negative, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length < digits.len() || length == 0 {
        // The overflow of the digits is met before what follows them.
        if length > 0 && digits[..length].parse::<u64>().is_err() {
            return Err(text_out_of_range("oid", text));
        }
        return Err(invalid_syntax("oid", text));
    }
    let number = digits.parse::<u64>().map_err(|_| text_out_of_range("oid", text))?;
    let signed = if negative { number.wrapping_neg() as i64 } else { number as i64 };
    match u32::try_from(signed) {
        Ok(oid) => Ok(oid),
        Err(_) => i32::try_from(signed).map(|oid| oid as u32).map_err(|_| text_out_of_range("oid", text)),
    }
}
