//! Reading single fields of a date or time: dates, numbers, run-together digits, times of day, numeric zones.

use crate::evaluate::DateOrder;

use super::calendar::{Fields, civil_from_days, days_from_civil, days_in_month};
use super::keywords::{self, Word};
use super::{Fault, mask};

/// What decoding has found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) fields: Fields,
    pub(super) day_of_year: i32,
    pub(super) two_digit_year: bool,
}

/// What run-together digits turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RunTogether {
    Date,
    Time,
}

/// A number at the beginning of a text, as C's strtol reads it, and the rest. Without digits it is zero.
pub(in super::super) fn leading_number(text: &str) -> (Result<i64, Fault>, &str) {
    let digits_from = usize::from(text.starts_with(['-', '+']));
    let digits = text[digits_from..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (Ok(0), text);
    }
    let (number, rest) = text.split_at(digits_from + digits);
    (number.parse::<i64>().map_err(|_| Fault::Field), rest)
}

/// The same, for numbers of 32 bits.
pub(super) fn leading_int(text: &str) -> (Result<i32, Fault>, &str) {
    let (number, rest) = leading_number(text);
    (number.and_then(|number| i32::try_from(number).map_err(|_| Fault::Field)), rest)
}

/// The fraction in `.ddd`, all the text there is.
pub(in super::super) fn fraction(text: &str) -> Result<f64, Fault> {
    match text.as_bytes() {
        [b'.'] => Ok(0.0),
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            text.parse().map_err(|_| Fault::Format)
        }
        _ => Err(Fault::Format),
    }
}

/// The fraction of a second in microseconds, rounded half to even as C's rint does.
pub(super) fn fractional_micros(text: &str) -> Result<i32, Fault> {
    Ok((fraction(text)? * 1_000_000.0).round_ties_even() as i32)
}

fn two_digits(text: &str) -> i32 {
    text.parse().unwrap_or(0)
}

impl Found {
    /// A date with delimiters: numbers in the session's order, or a month's name among numbers.
    pub(super) fn date(&mut self, text: &str, claimed: u32, order: DateOrder) -> Result<u32, Fault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.trim_start_matches(|character: char| !character.is_ascii_alphanumeric());
            if rest.is_empty() {
                return Err(Fault::Format);
            }
            let digits = rest.as_bytes()[0].is_ascii_digit();
            let length = rest
                .bytes()
                .take_while(|byte| if digits { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() })
                .count();
            let (part, tail) = rest.split_at(length);
            parts.push(part);
            // One delimiter goes with the part before it, whatever it is.
            rest = tail.get(1..).unwrap_or("");
        }
        let mut all = claimed;
        let mut found = 0;
        let mut text_month = false;
        let is_word = |part: &&str| part.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
        for part in parts.iter().filter(|part| is_word(part)) {
            match keywords::find(part) {
                Some(Word::Month(month)) => self.fields.month = month,
                _ => return Err(Fault::Format),
            }
            text_month = true;
            if all & mask::MONTH != 0 {
                return Err(Fault::Format);
            }
            all |= mask::MONTH;
            found |= mask::MONTH;
        }
        for part in parts.iter().filter(|part| !is_word(part)) {
            let bits = self.number(part, text_month, all, order)?;
            if all & bits != 0 {
                return Err(Fault::Format);
            }
            all |= bits;
            found |= bits;
        }
        if all & !(mask::DAY_OF_YEAR | mask::ZONE) != mask::DATE {
            return Err(Fault::Format);
        }
        Ok(found)
    }

    /// A number by itself; what it is depends on what has been found before.
    pub(super) fn number(
        &mut self,
        text: &str,
        text_month: bool,
        claimed: u32,
        order: DateOrder,
    ) -> Result<u32, Fault> {
        let (value, rest) = leading_int(text);
        let value = value?;
        if rest.len() == text.len() {
            return Err(Fault::Format);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, claimed | mask::DATE).map(|(bits, _)| bits);
            }
            self.fields.micros = fractional_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Fault::Format);
        }
        let length = text.len();
        let year_first = length >= 3 || order == DateOrder::YearMonthDay;
        if length == 3 && claimed & mask::DATE == mask::YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(mask::DAY_OF_YEAR | mask::MONTH | mask::DAY);
        }
        let bits = match claimed & mask::DATE {
            0 if year_first => mask::YEAR,
            0 if order == DateOrder::DayMonthYear => mask::DAY,
            0 => mask::MONTH,
            bits if bits == mask::YEAR => mask::MONTH,
            bits if bits == mask::MONTH && text_month && year_first => mask::YEAR,
            bits if bits == mask::MONTH => mask::DAY,
            bits if bits == mask::YEAR | mask::MONTH => {
                if text_month && length >= 3 && self.two_digit_year {
                    // What was taken for the year was the day.
                    self.fields.day = self.fields.year;
                    self.fields.year = value;
                    self.two_digit_year = false;
                    return Ok(mask::DAY);
                }
                mask::DAY
            }
            bits if bits == mask::DAY => mask::MONTH,
            bits if bits == mask::MONTH | mask::DAY => mask::YEAR,
            bits if bits == mask::DATE => return self.run_together(text, claimed).map(|(bits, _)| bits),
            _ => return Err(Fault::Format),
        };
        match bits {
            mask::YEAR => {
                self.fields.year = value;
                self.two_digit_year = length <= 2;
            }
            mask::MONTH => self.fields.month = value,
            _ => self.fields.day = value,
        }
        Ok(bits)
    }

    /// Digits without delimiters: `yyyymmdd`, `hhmmss` or `hhmm`, perhaps with a fraction of a second.
    pub(super) fn run_together(&mut self, text: &str, claimed: u32) -> Result<(u32, RunTogether), Fault> {
        let mut digits = text;
        if let Some((before, _)) = text.split_once('.') {
            self.fields.micros = if text.len() == before.len() + 1 {
                0
            } else {
                // What follows the digits of the fraction does not count.
                let tail = &text[before.len()..];
                let end = 1 + tail[1..].bytes().take_while(u8::is_ascii_digit).count();
                fractional_micros(&tail[..end])?
            };
            digits = before;
        } else if claimed & mask::DATE != mask::DATE && digits.len() >= 6 {
            let (rest, day) = digits.split_at(digits.len() - 2);
            let (year, month) = rest.split_at(rest.len() - 2);
            self.fields.day = two_digits(day);
            self.fields.month = two_digits(month);
            self.fields.year = leading_int(year).0.unwrap_or(i32::MAX);
            if year.len() == 2 {
                self.two_digit_year = true;
            }
            return Ok((mask::DATE, RunTogether::Date));
        }
        if claimed & mask::TIME != mask::TIME && matches!(digits.len(), 4 | 6) && digits.is_ascii() {
            self.fields.hour = two_digits(&digits[..2]);
            self.fields.minute = two_digits(&digits[2..4]);
            self.fields.second = two_digits(&digits[4..]);
            return Ok((mask::TIME, RunTogether::Time));
        }
        Err(Fault::Format)
    }

    /// `hh:mm`, `hh:mm:ss` with a fraction, `mm:ss.fff`.
    pub(super) fn time(&mut self, text: &str) -> Result<u32, Fault> {
        let (hour, rest) = leading_int(text);
        let mut hour = hour?;
        let rest = rest.strip_prefix(':').ok_or(Fault::Format)?;
        let (minute, rest) = leading_int(rest);
        let mut minute = minute?;
        let mut second = 0;
        let mut micros = 0;
        if rest.starts_with('.') {
            micros = fractional_micros(rest)?;
            (hour, minute, second) = (0, hour, minute);
        } else if let Some(rest) = rest.strip_prefix(':') {
            let (number, rest) = leading_int(rest);
            second = number?;
            if !rest.is_empty() {
                micros = fractional_micros(rest)?;
            }
        } else if !rest.is_empty() {
            return Err(Fault::Format);
        }
        let sane = hour >= 0 && (0..60).contains(&minute) && (0..=60).contains(&second);
        if !sane || !(0..=1_000_000).contains(&micros) {
            return Err(Fault::Field);
        }
        self.fields = Fields { hour, minute, second, micros, ..self.fields };
        Ok(mask::TIME)
    }

    /// Whether the time of day is more than 24:00:00.
    pub(super) fn time_overflows(&self) -> bool {
        let fields = &self.fields;
        !(0..=24).contains(&fields.hour)
            || !(0..60).contains(&fields.minute)
            || !(0..=60).contains(&fields.second)
            || fields.time() > super::calendar::MICROS_PER_DAY
    }

    /// Checks year, month and day and turns the year into the astronomical one.
    pub(super) fn validate(&mut self, claimed: u32, julian: bool, before_christ: bool) -> Result<(), Fault> {
        let fields = &mut self.fields;
        if claimed & mask::YEAR != 0 && !julian {
            if before_christ {
                if fields.year <= 0 {
                    return Err(Fault::Field);
                }
                fields.year = 1 - fields.year;
            } else if self.two_digit_year {
                if fields.year < 0 {
                    return Err(Fault::Field);
                }
                if fields.year < 70 {
                    fields.year += 2000;
                } else if fields.year < 100 {
                    fields.year += 1900;
                }
            } else if fields.year <= 0 {
                return Err(Fault::Field);
            }
        }
        if claimed & mask::DAY_OF_YEAR != 0 {
            let first = days_from_civil(fields.year, 1, 1);
            let (year, month, day) = civil_from_days(first.wrapping_add(self.day_of_year - 1));
            (fields.year, fields.month, fields.day) = (year, month, day);
        }
        if claimed & mask::MONTH != 0 && !(1..=12).contains(&fields.month)
            || claimed & mask::DAY != 0 && !(1..=31).contains(&fields.day)
        {
            return Err(Fault::MonthOrDay);
        }
        if claimed & mask::DATE == mask::DATE && fields.day > days_in_month(fields.year, fields.month) {
            return Err(Fault::Field);
        }
        Ok(())
    }
}

/// Seconds west of Greenwich of `+hh`, `+hhmm`, `+hh:mm` or `+hh:mm:ss`.
pub(super) fn numeric_zone(text: &str) -> Result<i32, Fault> {
    let negative = match text.as_bytes().first() {
        Some(b'-') => true,
        Some(b'+') => false,
        _ => return Err(Fault::Format),
    };
    let number = |text: &str| -> (Result<i32, Fault>, usize) {
        let (number, rest) = leading_int(text);
        (number.map_err(|_| Fault::Zone), rest.len())
    };
    let (hour, left) = number(&text[1..]);
    let mut hour = hour?;
    let mut rest = &text[text.len() - left..];
    let (mut minute, mut second) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        let (value, left) = number(after);
        minute = value?;
        rest = &text[text.len() - left..];
        if let Some(after) = rest.strip_prefix(':') {
            let (value, left) = number(after);
            second = value?;
            rest = &text[text.len() - left..];
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hour, minute) = (hour / 100, hour % 100);
    }
    if !(0..=15).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(Fault::Zone);
    }
    if !rest.is_empty() {
        return Err(Fault::Format);
    }
    let east = (hour * 60 + minute) * 60 + second;
    Ok(if negative { east } else { -east })
}
