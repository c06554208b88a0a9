//! Intervals in ISO 8601: with designators (`P1Y2M3W4DT5H6M7S`) and in the alternative format (`P0001-02-03T04:05:06`,
//! `P00010203T040506`).

use super::super::datetime::Fault;
use super::input::Parts;
use super::{DAYS_PER_MONTH, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    /// A decimal number: its whole part and its fraction, both with its sign, and how many digits the whole part has.
    fn number(&mut self) -> Result<(i64, f64, usize), Fault> {
        let bytes = self.rest.as_bytes();
        if !bytes.first().is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) {
            return Err(Fault::Format);
        }
        let digits = |from: usize| {
            bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
        };
        let sign = usize::from(bytes.first() == Some(&b'-'));
        let width = digits(sign);
        let mut end = sign + width;
        let mut has_digits = width > 0;
        if bytes.get(end) == Some(&b'.') {
            let more = digits(end + 1);
            has_digits |= more > 0;
            end += 1 + more;
        }
        if !has_digits {
            return Err(Fault::Format);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        let (text, rest) = self.rest.split_at(end);
        let value: f64 = text.parse().map_err(|_| Fault::Format)?;
        if !(-1.0e15..=1.0e15).contains(&value) {
            return Err(Fault::Field);
        }
        self.rest = rest;
        Ok((value.trunc() as i64, value - value.trunc(), width))
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.rest.as_bytes().first().copied()?;
        self.rest = self.rest.get(1..).unwrap_or("");
        Some(byte)
    }
}

/// Reads an interval that begins with `P`.
pub(super) fn parse(text: &str) -> Result<Parts, Fault> {
    let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(Fault::Format)?;
    let mut reader = Reader { rest };
    let mut parts = Parts::default();
    let mut in_date = true;
    let mut have_field = false;
    while !reader.rest.is_empty() {
        if reader.rest.starts_with('T') {
            reader.next();
            (in_date, have_field) = (false, false);
            continue;
        }
        if in_date {
            match date_part(&mut reader, &mut parts, have_field)? {
                Step::Field => have_field = true,
                Step::Time => (in_date, have_field) = (false, false),
                Step::End => return Ok(parts),
            }
        } else {
            match time_part(&mut reader, &mut parts, have_field)? {
                Step::Field | Step::Time => have_field = true,
                Step::End => return Ok(parts),
            }
        }
    }
    Ok(parts)
}

/// What follows a part.
enum Step {
    Field,
    Time,
    End,
}

fn date_part(reader: &mut Reader<'_>, parts: &mut Parts, have_field: bool) -> Result<Step, Fault> {
    let (value, fraction, width) = reader.number()?;
    let unit = reader.next();
    match unit {
        Some(b'Y') => parts.add_years(value, fraction, 1)?,
        Some(b'M') => {
            parts.add_months(value)?;
            parts.add_fraction_of_days(fraction, DAYS_PER_MONTH)?;
        }
        Some(b'W') => {
            parts.add_days(value, 7)?;
            parts.add_fraction_of_days(fraction, 7)?;
        }
        Some(b'D') => {
            parts.add_days(value, 1)?;
            parts.add_fraction(fraction, MICROS_PER_DAY)?;
        }
        None | Some(b'T') if width == 8 && !have_field => {
            parts.add_years(value / 10_000, 0.0, 1)?;
            parts.add_months(value / 100 % 100)?;
            parts.add_days(value % 100, 1)?;
            parts.add_fraction(fraction, MICROS_PER_DAY)?;
            return Ok(if unit.is_none() { Step::End } else { Step::Time });
        }
        None | Some(b'T' | b'-') => {
            if have_field {
                return Err(Fault::Format);
            }
            parts.add_years(value, fraction, 1)?;
            match unit {
                None => return Ok(Step::End),
                Some(b'T') => return Ok(Step::Time),
                Some(_) => return year_month_day(reader, parts),
            }
        }
        Some(_) => return Err(Fault::Format),
    }
    Ok(Step::Field)
}

/// What follows the year of `P0001-02-03`.
fn year_month_day(reader: &mut Reader<'_>, parts: &mut Parts) -> Result<Step, Fault> {
    let (value, fraction, _) = reader.number()?;
    parts.add_months(value)?;
    parts.add_fraction_of_days(fraction, DAYS_PER_MONTH)?;
    match reader.next() {
        None => return Ok(Step::End),
        Some(b'T') => return Ok(Step::Time),
        Some(b'-') => {}
        Some(_) => return Err(Fault::Format),
    }
    let (value, fraction, _) = reader.number()?;
    parts.add_days(value, 1)?;
    parts.add_fraction(fraction, MICROS_PER_DAY)?;
    match reader.next() {
        None => Ok(Step::End),
        Some(b'T') => Ok(Step::Time),
        Some(_) => Err(Fault::Format),
    }
}

fn time_part(reader: &mut Reader<'_>, parts: &mut Parts, have_field: bool) -> Result<Step, Fault> {
    let (value, fraction, width) = reader.number()?;
    match reader.next() {
        Some(b'H') => parts.add_micros(value, fraction, MICROS_PER_HOUR)?,
        Some(b'M') => parts.add_micros(value, fraction, MICROS_PER_MINUTE)?,
        Some(b'S') => parts.add_micros(value, fraction, MICROS_PER_SECOND)?,
        None if width == 6 && !have_field => {
            parts.add_micros(value / 10_000, 0.0, MICROS_PER_HOUR)?;
            parts.add_micros(value / 100 % 100, 0.0, MICROS_PER_MINUTE)?;
            parts.add_micros(value % 100, 0.0, MICROS_PER_SECOND)?;
            parts.add_fraction(fraction, MICROS_PER_SECOND)?;
            return Ok(Step::End);
        }
        unit @ (None | Some(b':')) => {
            if have_field {
                return Err(Fault::Format);
            }
            parts.add_micros(value, fraction, MICROS_PER_HOUR)?;
            if unit.is_none() {
                return Ok(Step::End);
            }
            let (value, fraction, _) = reader.number()?;
            parts.add_micros(value, fraction, MICROS_PER_MINUTE)?;
            match reader.next() {
                None => return Ok(Step::End),
                Some(b':') => {}
                Some(_) => return Err(Fault::Format),
            }
            let (value, fraction, _) = reader.number()?;
            parts.add_micros(value, fraction, MICROS_PER_SECOND)?;
            return if reader.rest.is_empty() { Ok(Step::End) } else { Err(Fault::Format) };
        }
        Some(_) => return Err(Fault::Format),
    }
    Ok(Step::Field)
}
