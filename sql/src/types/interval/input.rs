//! Intervals from text: PostgreSQL's units (`1 year 2 mons -3 days 04:05:06 ago`), SQL's fields (`1-2 3 4:05:06`);
//! what is neither may be ISO 8601 (`P1Y2M3DT4H5M6S`).
//!
//! Fields are read from the last to the first, because the unit stands behind its number.

use crate::error;
use crate::evaluate::IntervalStyle;

use super::super::datetime::{Fault, Field, Kind, compared, fraction, leading_number, split};
use super::super::settings::InputSettings;
use super::arithmetic::{field, fields_of};
use super::{
    DAYS_PER_MONTH, Interval, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND,
    MONTHS_PER_YEAR, iso, out_of_range,
};

/// The sums while an interval is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) years: i32,
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) micros: i64,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    Decade,
    Century,
    Millennium,
    /// A word that is a unit elsewhere.
    Other,
}

/// What a word means.
enum Word {
    Unit(Unit),
    Ago,
    Ignored,
}

/// Bits of the units that have been given; a time of day is all its units.
mod given {
    pub(super) const TIME: u32 = 0x1f;
    pub(super) const ALL_SECONDS: u32 = 0x7;
}

impl Unit {
    fn bit(self) -> u32 {
        match self {
            Unit::Microsecond => 1,
            Unit::Millisecond => 1 << 1,
            Unit::Second => 1 << 2,
            Unit::Minute => 1 << 3,
            Unit::Hour => 1 << 4,
            Unit::Day => 1 << 5,
            Unit::Week => 1 << 6,
            Unit::Month => 1 << 7,
            Unit::Year => 1 << 8,
            Unit::Decade => 1 << 9,
            Unit::Century => 1 << 10,
            Unit::Millennium => 1 << 11,
            Unit::Other => 0,
        }
    }
}

fn word(text: &str) -> Option<Word> {
    Some(Word::Unit(match compared(text) {
        "@" => return Some(Word::Ignored),
        "ago" => return Some(Word::Ago),
        "us" | "usec" | "usecond" | "useconds" | "usecs" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecond" | "mseconds" | "msecs" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "second" | "seconds" | "secs" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hour" | "hours" | "hr" | "hrs" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "y" | "year" | "years" | "yr" | "yrs" => Unit::Year,
        "dec" | "decade" | "decades" | "decs" => Unit::Decade,
        "c" | "cent" | "centuries" | "century" => Unit::Century,
        "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
        "qtr" | "quarter" | "timezone" | "timezone_h" | "timezone_m" => Unit::Other,
        _ => return None,
    }))
}

/// The unit of the last number when nothing names it: the last field of the typmod.
fn default_unit(fields: i32) -> Unit {
    use field::{DAY, HOUR, MINUTE, MONTH, YEAR};
    match fields {
        YEAR => Unit::Year,
        f if f == MONTH || f == YEAR | MONTH => Unit::Month,
        DAY => Unit::Day,
        f if f == HOUR || f == DAY | HOUR => Unit::Hour,
        f if f == MINUTE || f == HOUR | MINUTE || f == DAY | HOUR | MINUTE => Unit::Minute,
        _ => Unit::Second,
    }
}

impl Parts {
    /// Adds a fraction of a unit in microseconds, rounding halves to nothing.
    pub(super) fn add_fraction(&mut self, fraction: f64, scale: i64) -> Result<(), Fault> {
        if fraction == 0.0 {
            return Ok(());
        }
        let scaled = fraction * scale as f64;
        let mut micros = scaled as i64;
        let rest = scaled - micros as f64;
        if rest > 0.5 {
            micros += 1;
        } else if rest < -0.5 {
            micros -= 1;
        }
        self.micros = self.micros.checked_add(micros).ok_or(Fault::Field)?;
        Ok(())
    }

    pub(super) fn add_micros(&mut self, value: i64, fraction: f64, scale: i64) -> Result<(), Fault> {
        let product = value.checked_mul(scale).ok_or(Fault::Field)?;
        self.micros = self.micros.checked_add(product).ok_or(Fault::Field)?;
        self.add_fraction(fraction, scale)
    }

    pub(super) fn add_days(&mut self, value: i64, scale: i32) -> Result<(), Fault> {
        self.days = accumulate(self.days, value, scale)?;
        Ok(())
    }

    /// Adds a fraction of several days: whole days, and the rest as microseconds.
    pub(super) fn add_fraction_of_days(&mut self, fraction: f64, scale: i32) -> Result<(), Fault> {
        let scaled = fraction * f64::from(scale);
        let whole = scaled as i32;
        self.days = self.days.checked_add(whole).ok_or(Fault::Field)?;
        self.add_fraction(scaled - f64::from(whole), MICROS_PER_DAY)
    }

    pub(super) fn add_months(&mut self, value: i64) -> Result<(), Fault> {
        self.months = accumulate(self.months, value, 1)?;
        Ok(())
    }

    pub(super) fn add_years(&mut self, value: i64, fraction: f64, scale: i32) -> Result<(), Fault> {
        self.years = accumulate(self.years, value, scale)?;
        let months = (fraction * f64::from(scale) * f64::from(MONTHS_PER_YEAR)).round_ties_even() as i32;
        self.months = self.months.checked_add(months).ok_or(Fault::Field)?;
        Ok(())
    }

    fn negate(&mut self) -> Result<(), Fault> {
        self.years = self.years.checked_neg().ok_or(Fault::Field)?;
        self.months = self.months.checked_neg().ok_or(Fault::Field)?;
        self.days = self.days.checked_neg().ok_or(Fault::Field)?;
        self.micros = self.micros.checked_neg().ok_or(Fault::Field)?;
        Ok(())
    }

    fn interval(self) -> error::Result<Interval> {
        let months = i64::from(self.years) * i64::from(MONTHS_PER_YEAR) + i64::from(self.months);
        let months = i32::try_from(months).map_err(|_| out_of_range())?;
        Ok(Interval::new(months, self.days, self.micros))
    }
}

fn accumulate(sum: i32, value: i64, scale: i32) -> Result<i32, Fault> {
    i32::try_from(value)
        .ok()
        .and_then(|value| value.checked_mul(scale))
        .and_then(|product| sum.checked_add(product))
        .ok_or(Fault::Field)
}

/// Reads the text of an interval and applies the typmod.
pub fn input(text: &str, typmod: i32, settings: &InputSettings<'_>) -> error::Result<Interval> {
    let fields = fields_of(typmod);
    let parsed = match split(text).and_then(|list| decode(&list, fields, settings.interval_style)) {
        Err(Fault::Format) => iso::parse(text),
        other => other,
    };
    let parts = parsed.map_err(|fault| {
        let fault = if fault == Fault::Field { Fault::Interval } else { fault };
        fault.error(text, "interval")
    })?;
    parts.interval()?.apply_typmod(typmod)
}

fn decode(list: &[Field], fields: i32, style: IntervalStyle) -> Result<Parts, Fault> {
    let mut parts = Parts::default();
    let mut seen = 0;
    let mut unit: Option<Unit> = None;
    let mut ago = false;
    let signed = |field: &Field| field.text.starts_with(['-', '+']);
    // SQL's one leading sign is for all fields, unless there are other signs.
    let force_negative = style == IntervalStyle::SqlStandard
        && list.first().is_some_and(|field| field.text.starts_with('-'))
        && !list.iter().skip(1).any(signed);
    for item in list.iter().rev() {
        let mut bits = 0;
        let text = item.text.as_str();
        let is_clock = item.kind == Kind::Time
            || item.kind == Kind::Zone && text[1..].contains(':') && clock(&text[1..], fields).is_ok();
        match item.kind {
            _ if is_clock => {
                let unsigned = text.trim_start_matches(['-', '+']);
                let micros = clock(unsigned, fields)?;
                let negative = text.starts_with('-') || force_negative;
                parts.micros = if negative { micros.checked_neg().ok_or(Fault::Field)? } else { micros };
                bits = given::TIME;
                unit = Some(Unit::Day);
            }
            Kind::Time | Kind::Zone | Kind::Date | Kind::Number => {
                let present = unit.unwrap_or_else(|| default_unit(fields));
                bits = number(&mut parts, text, present, force_negative)?;
                // A number before hours counts days.
                unit =
                    Some(if present == Unit::Hour && !text[1..].contains('-') { Unit::Day } else { present });
                if text.get(1..).is_some_and(|rest| rest.contains('-')) {
                    unit = Some(Unit::Month);
                }
            }
            Kind::Word | Kind::Special => match word(text).ok_or(Fault::Format)? {
                Word::Unit(named) => unit = Some(named),
                Word::Ago => {
                    ago = true;
                    unit = Some(Unit::Other);
                }
                Word::Ignored => continue,
            },
        }
        if bits & seen != 0 {
            return Err(Fault::Format);
        }
        seen |= bits;
    }
    if seen == 0 {
        return Err(Fault::Format);
    }
    if ago {
        parts.negate()?;
    }
    Ok(parts)
}

/// `hh:mm`, `hh:mm:ss.fff`; `mm:ss` where the typmod says minutes to seconds.
fn clock(text: &str, fields: i32) -> Result<i64, Fault> {
    let (hour, rest) = leading_number(text);
    let mut hour = hour?;
    let rest = rest.strip_prefix(':').ok_or(Fault::Format)?;
    let (minute, rest) = leading_number(rest);
    let mut minute = minute?;
    let mut second = 0;
    let mut part = 0.0;
    if rest.is_empty() {
        if fields == field::MINUTE | field::SECOND {
            (hour, minute, second) = (0, hour, minute);
        }
    } else if rest.starts_with('.') {
        part = fraction(rest)?;
        (hour, minute, second) = (0, hour, minute);
    } else if let Some(rest) = rest.strip_prefix(':') {
        let (number, rest) = leading_number(rest);
        second = number?;
        if !rest.is_empty() {
            part = fraction(rest)?;
        }
    } else {
        return Err(Fault::Format);
    }
    let micros = (part * 1_000_000.0).round_ties_even() as i64;
    if hour < 0
        || !(0..60).contains(&minute)
        || !(0..=60).contains(&second)
        || !(0..=1_000_000).contains(&micros)
    {
        return Err(Fault::Field);
    }
    let rest = minute * MICROS_PER_MINUTE + second * MICROS_PER_SECOND + micros;
    hour.checked_mul(MICROS_PER_HOUR).and_then(|hours| hours.checked_add(rest)).ok_or(Fault::Field)
}

/// Adds a number of a unit; `years-months` has its own. Longer than most functions: one arm for every unit.
fn number(parts: &mut Parts, text: &str, unit: Unit, force_negative: bool) -> Result<u32, Fault> {
    let negative = text.starts_with('-');
    let (value, rest) = leading_number(text);
    let mut value = value?;
    let mut unit = unit;
    let mut part = 0.0;
    if let Some(months) = rest.strip_prefix('-') {
        let (number, rest) = leading_number(months);
        let number = number?;
        if !(0..i64::from(MONTHS_PER_YEAR)).contains(&number) {
            return Err(Fault::Field);
        }
        if !rest.is_empty() {
            return Err(Fault::Format);
        }
        unit = Unit::Month;
        let number = if negative { -number } else { number };
        value = value
            .checked_mul(i64::from(MONTHS_PER_YEAR))
            .and_then(|months| months.checked_add(number))
            .ok_or(Fault::Field)?;
    } else if rest.starts_with('.') {
        part = fraction(rest)?;
        if negative {
            part = -part;
        }
    } else if !rest.is_empty() {
        return Err(Fault::Format);
    }
    if force_negative {
        value = if value > 0 { -value } else { value };
        part = if part > 0.0 { -part } else { part };
    }
    let mut bits = unit.bit();
    match unit {
        Unit::Microsecond => parts.add_micros(value, part, 1)?,
        Unit::Millisecond => parts.add_micros(value, part, 1000)?,
        Unit::Second => {
            parts.add_micros(value, part, MICROS_PER_SECOND)?;
            if part != 0.0 {
                bits = given::ALL_SECONDS;
            }
        }
        Unit::Minute => parts.add_micros(value, part, MICROS_PER_MINUTE)?,
        Unit::Hour => parts.add_micros(value, part, MICROS_PER_HOUR)?,
        Unit::Day => {
            parts.add_days(value, 1)?;
            parts.add_fraction(part, MICROS_PER_DAY)?;
        }
        Unit::Week => {
            parts.add_days(value, 7)?;
            parts.add_fraction_of_days(part, 7)?;
        }
        Unit::Month => {
            parts.add_months(value)?;
            parts.add_fraction_of_days(part, DAYS_PER_MONTH)?;
        }
        Unit::Year => parts.add_years(value, part, 1)?,
        Unit::Decade => parts.add_years(value, part, 10)?,
        Unit::Century => parts.add_years(value, part, 100)?,
        Unit::Millennium => parts.add_years(value, part, 1000)?,
        Unit::Other => return Err(Fault::Format),
    }
    Ok(bits)
}
