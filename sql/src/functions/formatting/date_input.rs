//! `to_timestamp` and `to_date`: a text read by a template.

use super::date_fields::{Found, Moment};
use super::date_output::{DAYS, MONTHS, ROMAN_MONTHS};
use super::date_template::{Convention, Key, Keyword, Modifiers, Node, is_separator, parse};
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::calendar::is_valid_timestamp;
use crate::types::datetime::round_micros;
use crate::types::integer::is_space;
use crate::types::timezone::Zone;

pub(super) fn invalid(message: String) -> Error {
    Error::new(SqlState::InvalidDatetimeFormat, message)
}

pub(super) fn to_timestamp(text: &str, template: &str, zone: Zone) -> Result<i64> {
    let moment = read(text, template)?;
    let out_of_range = || Error::new(SqlState::DatetimeFieldOverflow, "timestamp out of range");
    let local = moment.fields.local_micros().ok_or_else(out_of_range)?;
    let west = moment.west.unwrap_or_else(|| -zone.offset_of_local(local));
    let micros = local
        .checked_add(i64::from(west) * 1_000_000)
        .filter(|micros| is_valid_timestamp(*micros))
        .ok_or_else(out_of_range)?;
    Ok(if moment.precision > 0 { round_micros(micros, moment.precision as i32) } else { micros })
}

/// `to_date`, as days since 2000-01-01.
pub(super) fn to_date(text: &str, template: &str) -> Result<DateDays> {
    let moment = read(text, template)?;
    moment
        .fields
        .date()
        .map(DateDays)
        .ok_or_else(|| Error::new(SqlState::DatetimeFieldOverflow, format!("date out of range: \"{text}\"")))
}

/// A date as a function's result.
pub(super) struct DateDays(i32);

impl crate::functions::argument::Outcome for DateDays {
    fn into_value(self) -> Result<engine::Value> {
        Ok(engine::Value::Int32(self.0))
    }
}

fn read(text: &str, template: &str) -> Result<Moment> {
    let nodes = parse(template);
    let mut reader =
        Reader { text, rest: text, found: Found::default(), exact: false, extra: 0, nodes: &nodes };
    reader.run()?;
    reader.found.moment(text)
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    found: Found,
    /// `FX`: nothing is skipped.
    exact: bool,
    /// Blanks skipped beyond what the template has.
    extra: i32,
    nodes: &'a [Node],
}

impl<'a> Reader<'a> {
    fn skip_spaces(&mut self) {
        let after = self.rest.trim_start_matches(is_space);
        self.extra += (self.rest.len() - after.len()) as i32;
        self.rest = after;
    }

    fn skip_character(&mut self) {
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
    }

    fn run(&mut self) -> Result<()> {
        for (number, node) in self.nodes.iter().enumerate() {
            if self.rest.is_empty() {
                break;
            }
            let turns_exact = matches!(node, Node::Field { keyword, .. } if keyword.key == Key::Exact);
            let is_field = matches!(node, Node::Field { .. });
            if !self.exact && !turns_exact && (is_field || number == 0) {
                self.skip_spaces();
            }
            match node {
                Node::Space(_) | Node::Separator(_) if self.exact => self.skip_character(),
                Node::Space(_) | Node::Separator(_) => {
                    self.extra -= 1;
                    if self.rest.starts_with(|next| is_space(next) || is_separator(next)) {
                        self.skip_character();
                        self.extra += 1;
                    }
                }
                Node::Character(_) if !self.exact && self.extra > 0 => self.extra -= 1,
                Node::Character(_) => self.skip_character(),
                Node::Field { keyword, modifiers } => {
                    self.set_convention(keyword.convention)?;
                    self.field(number, keyword, *modifiers)?;
                    if !self.exact {
                        self.extra = 0;
                        self.skip_spaces();
                    }
                }
            }
        }
        Ok(())
    }

    fn set_convention(&mut self, convention: Convention) -> Result<()> {
        if convention == Convention::None {
            return Ok(());
        }
        match self.found.convention {
            Some(before) if before != convention => {
                Err(invalid("invalid combination of date conventions".to_string())
                    .hint("Do not mix Gregorian and ISO week date conventions in a formatting template."))
            }
            _ => {
                self.found.convention = Some(convention);
                Ok(())
            }
        }
    }

    /// Whether what follows a field in the template cannot be a digit.
    fn ends_in_separator(&self, number: usize, modifiers: Modifiers) -> bool {
        if modifiers.ordinal.is_some() {
            return true;
        }
        match self.nodes.get(number + 1) {
            None => true,
            Some(Node::Field { keyword, .. }) => !keyword.digits,
            Some(Node::Separator(next) | Node::Space(next) | Node::Character(next)) => !next.is_ascii_digit(),
        }
    }

    /// A number of at most `length` digits, or as long as it is where the template allows; and its length.
    fn integer(
        &mut self,
        number: usize,
        keyword: &Keyword,
        modifiers: Modifiers,
        length: usize,
    ) -> Result<(i32, usize)> {
        let begin = self.rest;
        let trimmed = self.rest.trim_start_matches(is_space);
        let copy = {
            let mut end = length.min(trimmed.len());
            while !trimmed.is_char_boundary(end) {
                end -= 1;
            }
            &trimmed[..end]
        };
        let (value, after) = if modifiers.fill || self.ends_in_separator(number, modifiers) {
            let (value, used) = leading_integer(trimmed);
            (value, if used == 0 { begin } else { &trimmed[used..] })
        } else {
            if trimmed.len() < length {
                return Err(invalid(format!(
                    "source string too short for \"{}\" formatting field",
                    keyword.name
                ))
                .detail(format!("Field requires {length} characters, but only {} remain.", trimmed.len()))
                .hint("If your source string is not fixed-width, try using the \"FM\" modifier."));
            }
            let (value, used) = leading_integer(copy);
            if used > 0 && used < length {
                return Err(invalid(format!("invalid value \"{copy}\" for \"{}\"", keyword.name))
                    .detail(format!("Field requires {length} characters, but only {used} could be parsed."))
                    .hint("If your source string is not fixed-width, try using the \"FM\" modifier."));
            }
            (value, &trimmed[used..])
        };
        if after.len() == begin.len() || after.len() == trimmed.len() && trimmed.len() == begin.len() {
            return Err(invalid(format!("invalid value \"{copy}\" for \"{}\"", keyword.name))
                .detail("Value must be an integer."));
        }
        let value = value.and_then(|value| i32::try_from(value).ok()).ok_or_else(|| {
            Error::new(
                SqlState::DatetimeFieldOverflow,
                format!("value for \"{}\" in source string is out of range", keyword.name),
            )
            .detail(format!("Value must be in the range {} to {}.", i32::MIN, i32::MAX))
        })?;
        self.rest = after;
        Ok((value, begin.len() - after.len()))
    }

    /// The number of the name that the text begins with.
    fn name(&mut self, keyword: &Keyword, names: &[&str]) -> Result<i32> {
        for (number, name) in names.iter().enumerate() {
            let begins = self.rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
            if begins {
                self.rest = &self.rest[name.len()..];
                return Ok(number as i32);
            }
        }
        let shown = self.rest.split([' ', '\t', '\n', '\r', '\u{c}']).next().unwrap_or("");
        Err(invalid(format!("invalid value \"{shown}\" for \"{}\"", keyword.name))
            .detail("The given value did not match any of the allowed values for this field."))
    }

    fn field(&mut self, number: usize, keyword: &Keyword, modifiers: Modifiers) -> Result<()> {
        let conflict = || conflicting(keyword);
        match keyword.key {
            Key::Exact => self.exact = true,
            Key::HalfDay { dots, .. } => {
                let names = if dots { ["a.m.", "p.m."] } else { ["am", "pm"] };
                let value = self.name(keyword, &names)?;
                set(&mut self.found.afternoon, value, conflict)?;
                self.found.twelve_hours = true;
            }
            Key::Era { dots, .. } => {
                let names = if dots { ["a.d.", "b.c."] } else { ["ad", "bc"] };
                let value = self.name(keyword, &names)?;
                set(&mut self.found.before_christ, value, conflict)?;
            }
            Key::MonthName { short, .. } => {
                let value = self.name(keyword, &names_of(&MONTHS, short))? + 1;
                set(&mut self.found.month, value, conflict)?;
            }
            Key::DayName { short, .. } => {
                let value = self.name(keyword, &names_of(&DAYS, short))?;
                set(&mut self.found.day_of_week, value, conflict)?;
                self.found.day_of_week += 1;
            }
            Key::Roman { .. } => {
                let value = 12 - self.name(keyword, &ROMAN_MONTHS)?;
                set(&mut self.found.month, value, conflict)?;
            }
            Key::Zone { .. } | Key::Offset => {
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    format!("formatting field \"{}\" is only supported in to_char", keyword.name),
                ));
            }
            Key::ZoneHour => self.zone_hour(number, keyword, modifiers)?,
            Key::ZoneMinute => {
                if self.found.zone_sign == 0 {
                    self.found.zone_sign = 1;
                }
                let (value, _) = self.integer(number, keyword, modifiers, 2)?;
                set(&mut self.found.zone_minute, value, conflict)?;
            }
            Key::YearWithComma => self.year_with_comma(keyword)?,
            _ => self.number_field(number, keyword, modifiers)?,
        }
        let has_suffix = keyword.digits && !matches!(keyword.key, Key::ZoneMinute);
        if has_suffix && modifiers.ordinal.is_some() {
            self.skip_character();
            self.skip_character();
        }
        Ok(())
    }

    fn zone_hour(&mut self, number: usize, keyword: &Keyword, modifiers: Modifiers) -> Result<()> {
        let before = self.text.len() - self.rest.len();
        let minus_was_skipped = self.extra > 0 && self.text[..before].ends_with('-');
        match self.rest.as_bytes().first() {
            Some(sign @ (b'+' | b'-' | b' ')) => {
                self.found.zone_sign = if *sign == b'-' { -1 } else { 1 };
                self.rest = &self.rest[1..];
            }
            _ => self.found.zone_sign = if minus_was_skipped { -1 } else { 1 },
        }
        let (value, _) = self.integer(number, keyword, modifiers, 2)?;
        set(&mut self.found.zone_hour, value, || conflicting(keyword))
    }

    fn year_with_comma(&mut self, keyword: &Keyword) -> Result<()> {
        let wrong = || invalid("invalid input string for \"Y,YYY\"".to_string());
        let (thousands, used) = leading_integer(self.rest.trim_start_matches(is_space));
        let start = self.rest.len() - self.rest.trim_start_matches(is_space).len();
        let rest = &self.rest[start + used..];
        let thousands = thousands.filter(|_| used > 0).ok_or_else(wrong)?;
        let rest = rest.strip_prefix(',').ok_or_else(wrong)?;
        // Three characters, a sign among them, blanks before them.
        let rest = rest.trim_start_matches(is_space);
        let sign = usize::from(rest.starts_with(['-', '+']));
        let digits = rest.bytes().skip(sign).take(3 - sign).take_while(u8::is_ascii_digit).count();
        let years: i64 = rest[..sign + digits].parse().map_err(|_| wrong())?;
        self.rest = &rest[sign + digits..];
        let year = i32::try_from(thousands * 1000 + years).map_err(|_| wrong())?;
        set(&mut self.found.year, year, || conflicting(keyword))?;
        self.found.year_digits = 4;
        Ok(())
    }

    /// The fields that are plain numbers.
    fn number_field(&mut self, number: usize, keyword: &Keyword, modifiers: Modifiers) -> Result<()> {
        let length = match keyword.key {
            Key::Hour24 | Key::Hour12 => 2,
            Key::Milliseconds | Key::IsoDayOfYear => 3,
            Key::Microseconds => 6,
            Key::Fraction(digits) => digits as usize,
            Key::IsoDayOfWeek => 1,
            _ => keyword.name.len(),
        };
        let (value, used) = self.integer(number, keyword, modifiers, length)?;
        let found = &mut self.found;
        let place = match keyword.key {
            Key::Hour24 => &mut found.hour,
            Key::Hour12 => {
                found.twelve_hours = true;
                &mut found.hour
            }
            Key::Minute => &mut found.minute,
            Key::Second => &mut found.second,
            Key::Milliseconds => &mut found.millis,
            Key::Fraction(digits) => {
                found.precision = digits;
                &mut found.micros
            }
            Key::Microseconds => &mut found.micros,
            Key::SecondsOfDay => &mut found.seconds_of_day,
            Key::Month => &mut found.month,
            Key::DayOfYear | Key::IsoDayOfYear => &mut found.day_of_year,
            Key::Day => &mut found.day,
            Key::DayOfWeek | Key::IsoDayOfWeek => &mut found.day_of_week,
            Key::Week | Key::IsoWeek => &mut found.week,
            Key::WeekOfMonth => &mut found.week_of_month,
            Key::Century => &mut found.century,
            Key::Julian => &mut found.julian,
            Key::Year(digits) | Key::IsoYear(digits) => {
                found.year_digits = digits;
                &mut found.year
            }
            // Which day of a quarter would be meant is not known: it is read and forgotten.
            _ => return Ok(()),
        };
        set(place, value, || conflicting(keyword))?;
        match keyword.key {
            // A fraction is padded behind: 25 is 250 thousandths.
            Key::Milliseconds => *place *= 10i32.pow(3 - used.min(3) as u32),
            Key::Microseconds | Key::Fraction(_) => *place *= 10i32.pow(6 - used.clamp(1, 6) as u32),
            Key::IsoDayOfWeek => *place = if *place + 1 > 7 { 1 } else { *place + 1 },
            Key::Year(digits) | Key::IsoYear(digits) if digits < 4 && used < 4 => *place = full_year(*place),
            _ => {}
        }
        Ok(())
    }
}

fn names_of<const N: usize>(names: &[&'static str; N], short: bool) -> [&'static str; N] {
    names.map(|name| if short { &name[..3] } else { name })
}

fn conflicting(keyword: &Keyword) -> Error {
    invalid(format!("conflicting values for \"{}\" field in formatting string", keyword.name))
        .detail("This value contradicts a previous setting for the same field type.")
}

fn set(place: &mut i32, value: i32, conflict: impl Fn() -> Error) -> Result<()> {
    if *place != 0 && *place != value {
        return Err(conflict());
    }
    *place = value;
    Ok(())
}

/// A number as C's strtol reads it and how long it is; `None` where it does not fit.
fn leading_integer(text: &str) -> (Option<i64>, usize) {
    let spaces = text.len() - text.trim_start_matches(is_space).len();
    let rest = &text[spaces..];
    let sign = usize::from(rest.starts_with(['-', '+']));
    let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (Some(0), 0);
    }
    (rest[..sign + digits].parse().ok(), spaces + sign + digits)
}

/// A year of fewer than four digits: the one nearest to 2020.
fn full_year(year: i32) -> i32 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}
