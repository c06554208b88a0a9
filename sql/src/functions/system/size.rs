//! Sizes in words: pg_size_pretty, pg_size_bytes.

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::types::numeric::Numeric;

/// The units, each 1024 of the one before; a size moves on to the next from 10 * 1024 on.
const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/// Half a unit more, away from zero, then cut: PostgreSQL halves rather than dividing in one step.
fn pretty(size: i64) -> String {
    let mut size = i128::from(size);
    let last = UNITS.len() - 1;
    for (at, unit) in UNITS.iter().enumerate() {
        let limit: i128 = if at == 0 { 10 * 1024 } else { 20 * 1024 - 1 };
        if at == last || size.abs() < limit {
            // From kB on, the number carries one bit more, for rounding.
            let shown = if at == 0 { size } else { (size + size.signum()) / 2 };
            return format!("{shown} {unit}");
        }
        // One bit is kept for rounding: the first step divides by 512, the others by 1024.
        size /= if at == 0 { 512 } else { 1024 };
    }
    String::new()
}

fn pretty_numeric(size: Numeric) -> Result<String> {
    if size.is_nan() || size.is_infinite() {
        return Err(Error::new(SqlState::FeatureNotSupported, "cannot convert a size that is not finite"));
    }
    let mut size = size;
    let last = UNITS.len() - 1;
    for (at, unit) in UNITS.iter().enumerate() {
        let limit = Numeric::from_i64(if at == 0 { 10 * 1024 } else { 20 * 1024 - 1 });
        if at == last || size.absolute().compare(&limit).is_lt() {
            if at > 0 {
                let half = Numeric::from_i64(i64::from(size.signum()));
                size = size.add(&half)?.divide_truncated(&Numeric::from_i64(2))?;
            }
            let mut text = Vec::new();
            size.append_text(&mut text);
            return Ok(format!("{} {unit}", String::from_utf8_lossy(&text)));
        }
        size = size.divide_truncated(&Numeric::from_i64(if at == 0 { 512 } else { 1024 }))?;
    }
    Ok(String::new())
}

/// `10 MB` and the like as bytes.
fn bytes(text: &str) -> Result<i64> {
    let trimmed = text.trim();
    let invalid = || Error::new(SqlState::InvalidParameterValue, format!("invalid size: \"{text}\""));
    let end = trimmed
        .char_indices()
        .find(|&(at, character)| {
            let exponent = matches!(character, 'e' | 'E')
                && trimmed.get(at + 1..).is_some_and(|rest| {
                    rest.trim_start_matches(['+', '-']).starts_with(|digit: char| digit.is_ascii_digit())
                });
            !(character.is_ascii_digit() || matches!(character, '.' | '+' | '-') || exponent)
        })
        .map_or(trimmed.len(), |(at, _)| at);
    let (number, unit) = trimmed.split_at(end);
    if !number.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let number = Numeric::parse(number).map_err(|_| invalid())?;
    let unit = unit.trim();
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "kb" => 10,
        "mb" => 20,
        "gb" => 30,
        "tb" => 40,
        "pb" => 50,
        _ => {
            return Err(invalid()
                .detail(format!("Invalid size unit: \"{unit}\"."))
                .hint("Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."));
        }
    };
    number.multiply(&Numeric::from_i64(1 << power))?.to_i64()
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // pg_size_pretty(int8)
    (2288, scalar!(pretty, i64)),
    // pg_size_pretty(numeric)
    (3166, scalar!(pretty_numeric, Numeric)),
    // pg_size_bytes(text)
    (3334, scalar!(bytes, &str)),
];
