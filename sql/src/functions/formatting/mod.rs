//! `to_char`, `to_date`, `to_timestamp` and `to_number`: values through templates.
//!
//! A template is cut into keywords with their modifiers, quoted text and plain characters; output walks it over the
//! fields of a moment or the digits of a number, input walks it over a text and gathers fields. Names are English and
//! signs and separators those of the C locale, which is the database's.

mod date_fields;
mod date_input;
mod date_output;
mod date_template;
mod number_input;
mod number_output;
mod number_template;

use engine::Value;

use super::argument::{contextual, scalar};
use super::registry::Scalars;
use crate::error::Result;
use crate::evaluate::Context;
use crate::types::datetime::calendar::is_infinite_timestamp;
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::timezone::Zone;

pub(super) const FUNCTIONS: Scalars = &[
    (1768, scalar!(interval_to_char, &Value, &str)),
    (1770, contextual!(timestamptz_to_char, i64, &str)),
    (1772, scalar!(numeric_to_char, &Value, &str)),
    (1773, scalar!(number_output::integer_to_char, i32, &str)),
    (1774, scalar!(number_output::bigint_to_char, i64, &str)),
    (1775, scalar!(number_output::real_to_char, f32, &str)),
    (1776, scalar!(number_output::double_to_char, f64, &str)),
    (1777, scalar!(to_number, &str, &str)),
    (1778, contextual!(to_timestamp, &str, &str)),
    (1780, scalar!(date_input::to_date, &str, &str)),
    (2049, scalar!(timestamp_to_char, i64, &str)),
];

fn zone(context: &Context) -> Zone {
    Zone::find(&context.settings.time_zone).unwrap_or(Zone::UTC)
}

fn timestamp_to_char(micros: i64, template: &str) -> Result<Option<String>> {
    if template.is_empty() || is_infinite_timestamp(micros) {
        return Ok(None);
    }
    date_output::moment_to_char(micros, None, template).map(Some)
}

fn timestamptz_to_char(context: &Context, micros: i64, template: &str) -> Result<Option<String>> {
    if template.is_empty() || is_infinite_timestamp(micros) {
        return Ok(None);
    }
    date_output::moment_to_char(micros, Some(zone(context)), template).map(Some)
}

fn interval_to_char(interval: &Value, template: &str) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(None);
    }
    date_output::interval_to_char(Interval::from_value(interval)?, template).map(Some)
}

fn numeric_to_char(number: &Value, template: &str) -> Result<String> {
    number_output::numeric_to_char(&Numeric::from_value(number)?, template)
}

fn to_number(text: &str, template: &str) -> Result<Option<Value>> {
    Ok(number_input::to_number(text, template)?.map(|number| number.to_value()))
}

fn to_timestamp(context: &Context, text: &str, template: &str) -> Result<i64> {
    date_input::to_timestamp(text, template, zone(context))
}

/// `st`, `nd`, `rd` or `th` for the text of a number; `22P02` where it does not end in a digit.
fn ordinal(number: &str, upper: bool) -> Result<&'static str> {
    let bytes = number.as_bytes();
    let last = bytes.last().copied().filter(u8::is_ascii_digit).ok_or_else(|| {
        crate::error::Error::new(
            crate::error::SqlState::InvalidTextRepresentation,
            format!("\"{number}\" is not a number"),
        )
    })?;
    // Eleven to nineteen, whatever stands before them.
    let teen = bytes.len() > 1 && bytes[bytes.len() - 2] == b'1';
    Ok(match (last, teen, upper) {
        (b'1', false, false) => "st",
        (b'1', false, true) => "ST",
        (b'2', false, false) => "nd",
        (b'2', false, true) => "ND",
        (b'3', false, false) => "rd",
        (b'3', false, true) => "RD",
        (_, _, false) => "th",
        (_, _, true) => "TH",
    })
}
