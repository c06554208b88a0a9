//! The fields of a text made into a date with a time and a zone, or into a time alone.
//!
//! Which field may follow which is PostgreSQL's grammar, quirks included: every field claims bits of a mask, and no
//! bit can be claimed twice.

mod finish;

use super::super::settings::InputSettings;
use super::super::timezone::{Meaning, Zone, find_abbreviation};
use super::calendar::{EPOCH_JULIAN, Fields, civil_from_days};
use super::keywords::{self, Unit, Word};
use super::parts::{Found, RunTogether, leading_int, numeric_zone};
use super::split::{Field, Kind};
use super::{Fault, mask};

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Infinity,
    NegativeInfinity,
    Epoch,
    /// Fields on the zone's clock and the zone in seconds west.
    Moment {
        fields: Fields,
        west: i32,
    },
}

/// What is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Moment,
    TimeOfDay,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HalfDay {
    Morning,
    Afternoon,
}

struct Decoder<'a> {
    goal: Goal,
    fields: &'a [Field],
    settings: &'a InputSettings<'a>,
    found: Found,
    claimed: u32,
    /// The unit that the word before the present field named.
    unit: Option<Unit>,
    half_day: Option<HalfDay>,
    text_month: bool,
    julian: bool,
    before_christ: bool,
    west: i32,
    zone: Option<Zone>,
    /// The abbreviation whose offset depends on the date.
    abbreviation: Option<&'a str>,
    special: Option<Decoded>,
}

/// Reads a date, a timestamp, or a timestamp with a zone.
pub(super) fn decode_moment(fields: &[Field], settings: &InputSettings<'_>) -> Result<Decoded, Fault> {
    let mut decoder = Decoder::new(Goal::Moment, fields, settings);
    decoder.run()?;
    decoder.finish_moment()
}

/// Reads a time of day; the zone is in seconds west.
pub(super) fn decode_time(fields: &[Field], settings: &InputSettings<'_>) -> Result<(Fields, i32), Fault> {
    let mut decoder = Decoder::new(Goal::TimeOfDay, fields, settings);
    decoder.run()?;
    decoder.finish_time()
}

impl<'a> Decoder<'a> {
    fn new(goal: Goal, fields: &'a [Field], settings: &'a InputSettings<'a>) -> Decoder<'a> {
        Decoder {
            goal,
            fields,
            settings,
            found: Found::default(),
            claimed: 0,
            unit: None,
            half_day: None,
            text_month: false,
            julian: false,
            before_christ: false,
            west: 0,
            zone: None,
            abbreviation: None,
            special: None,
        }
    }

    fn run(&mut self) -> Result<(), Fault> {
        let fields = self.fields;
        for (number, field) in fields.iter().enumerate() {
            let text = field.text.as_str();
            let bits = match field.kind {
                Kind::Date if self.goal == Goal::Moment => self.date_field(text)?,
                Kind::Date => self.date_field_of_time(number, text)?,
                Kind::Time => self.time_field(text)?,
                Kind::Zone => {
                    self.west = numeric_zone(text)?;
                    mask::ZONE
                }
                Kind::Number if self.unit.is_some() => self.labelled_number(text)?,
                Kind::Number if self.goal == Goal::Moment => self.number_field(text)?,
                Kind::Number => self.number_field_of_time(number, text)?,
                Kind::Word | Kind::Special => match self.word_field(number, text)? {
                    Some(bits) => bits,
                    None => continue,
                },
            };
            if bits & self.claimed != 0 {
                return Err(Fault::Format);
            }
            self.claimed |= bits;
        }
        Ok(())
    }

    fn has(&self, bits: u32) -> bool {
        self.claimed & bits == bits
    }

    /// The number of the claim that a time field has; the date bits count as claimed where a date cannot stand.
    fn claimed_for_time(&self) -> u32 {
        self.claimed | mask::DATE
    }

    fn date_field(&mut self, text: &str) -> Result<u32, Fault> {
        if self.unit == Some(Unit::Julian) {
            let (day, rest) = leading_int(text);
            let day = day?;
            if day < 0 {
                return Err(Fault::Field);
            }
            self.set_julian_day(day);
            self.west = numeric_zone(rest)?;
            self.unit = None;
            return Ok(mask::DATE | mask::TIME | mask::ZONE);
        }
        if self.unit.is_none() && !self.has(mask::MONTH | mask::DAY) {
            return self.found.date(text, self.claimed, self.settings.date_order);
        }
        if self.unit.is_none() && !text.starts_with(|first: char| first.is_ascii_digit()) {
            return self.named_zone(text);
        }
        if self.unit.take().is_some_and(|unit| unit != Unit::Time) || self.has(mask::TIME) {
            return Err(Fault::Format);
        }
        self.time_with_zone(text, self.claimed)
    }

    /// Run-together digits of a time with a numeric zone behind a hyphen.
    fn time_with_zone(&mut self, text: &str, claimed: u32) -> Result<u32, Fault> {
        let at = text.find('-').ok_or(Fault::Format)?;
        self.west = numeric_zone(&text[at..])?;
        let (bits, _) = self.found.run_together(&text[..at], claimed)?;
        Ok(bits | mask::ZONE)
    }

    fn named_zone(&mut self, text: &str) -> Result<u32, Fault> {
        self.zone = Some(Zone::find(text).ok_or_else(|| Fault::UnknownZone(text.to_string()))?);
        Ok(mask::ZONE)
    }

    fn date_field_of_time(&mut self, number: usize, text: &str) -> Result<u32, Fault> {
        let last_is_date = self.fields.last().is_some_and(|field| field.kind == Kind::Date);
        let second_is_time = self.fields.get(1).is_some_and(|field| field.kind == Kind::Time);
        if number == 0 && self.fields.len() >= 2 && (last_is_date || second_is_time) {
            return self.found.date(text, self.claimed, self.settings.date_order);
        }
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return self.named_zone(text);
        }
        if self.has(mask::TIME) {
            return Err(Fault::Format);
        }
        self.time_with_zone(text, self.claimed_for_time())
    }

    fn time_field(&mut self, text: &str) -> Result<u32, Fault> {
        if self.unit.take().is_some_and(|unit| unit != Unit::Time) {
            return Err(Fault::Format);
        }
        let bits = self.found.time(text)?;
        if self.goal == Goal::Moment && self.found.time_overflows() {
            return Err(Fault::Field);
        }
        Ok(bits)
    }

    fn set_julian_day(&mut self, day: i32) {
        let (year, month, day) = civil_from_days(day.wrapping_sub(EPOCH_JULIAN));
        let fields = &mut self.found.fields;
        (fields.year, fields.month, fields.day) = (year, month, day);
        self.julian = true;
    }

    /// A number behind a word that says what it is. Longer than most functions: one arm for every unit.
    fn labelled_number(&mut self, text: &str) -> Result<u32, Fault> {
        let Some(unit) = self.unit.take() else { return Err(Fault::Format) };
        let (value, rest) = leading_int(text);
        let value = value?;
        let may_have_fraction = matches!(unit, Unit::Julian | Unit::Time | Unit::Second);
        if rest.starts_with('.') && !may_have_fraction || !rest.is_empty() && !rest.starts_with('.') {
            return Err(Fault::Format);
        }
        let minutes_after_hours = self.has(mask::MONTH | mask::HOUR);
        let fields = &mut self.found.fields;
        let bits = match unit {
            Unit::Year => {
                fields.year = value;
                mask::YEAR
            }
            Unit::Month if minutes_after_hours => {
                fields.minute = value;
                mask::MINUTE
            }
            Unit::Month => {
                fields.month = value;
                mask::MONTH
            }
            Unit::Day => {
                fields.day = value;
                mask::DAY
            }
            Unit::Hour => {
                fields.hour = value;
                mask::HOUR
            }
            Unit::Minute => {
                fields.minute = value;
                mask::MINUTE
            }
            Unit::Second => {
                fields.second = value;
                if rest.is_empty() {
                    mask::SECOND
                } else {
                    fields.micros = super::parts::fractional_micros(rest)?;
                    mask::ALL_SECONDS
                }
            }
            Unit::Julian => {
                if value < 0 {
                    return Err(Fault::Field);
                }
                self.set_julian_day(value);
                if rest.is_empty() {
                    mask::DATE
                } else {
                    let micros = super::parts::fraction(rest)? * super::calendar::MICROS_PER_DAY as f64;
                    let time = Fields::from_time(micros as i64);
                    let date = self.found.fields;
                    self.found.fields = Fields { year: date.year, month: date.month, day: date.day, ..time };
                    mask::DATE | mask::TIME
                }
            }
            Unit::Time => {
                let (bits, _) = self.found.run_together(text, self.claimed_for_time())?;
                if bits != mask::TIME {
                    return Err(Fault::Format);
                }
                bits
            }
            Unit::Other => return Err(Fault::Format),
        };
        // A field by field moment is no special one, whatever was said before.
        self.special = None;
        Ok(bits)
    }

    fn number_field(&mut self, text: &str) -> Result<u32, Fault> {
        let order = self.settings.date_order;
        let has_any_date = self.claimed & mask::DATE != 0;
        let has_any_time = self.claimed & mask::TIME != 0;
        match text.find('.') {
            Some(_) if !has_any_date => self.found.date(text, self.claimed, order),
            Some(point) if point > 2 => self.found.run_together(text, self.claimed).map(|(bits, _)| bits),
            _ if text.len() >= 6 && (!has_any_date || !has_any_time) => {
                self.found.run_together(text, self.claimed).map(|(bits, _)| bits)
            }
            _ => self.found.number(text, self.text_month, self.claimed, order),
        }
    }

    fn number_field_of_time(&mut self, number: usize, text: &str) -> Result<u32, Fault> {
        let order = self.settings.date_order;
        let last_is_date = self.fields.last().is_some_and(|field| field.kind == Kind::Date);
        let claimed = self.claimed_for_time();
        match text.find('.') {
            Some(_) if number == 0 && self.fields.len() >= 2 && last_is_date => {
                self.found.date(text, self.claimed, order)
            }
            Some(point) if point > 2 => self.run_together_time(text, claimed),
            Some(_) => Err(Fault::Format),
            None if text.len() > 4 => self.run_together_time(text, claimed),
            None => self.found.number(text, false, claimed, order),
        }
    }

    fn run_together_time(&mut self, text: &str, claimed: u32) -> Result<u32, Fault> {
        match self.found.run_together(text, claimed)? {
            (bits, RunTogether::Time) => Ok(bits),
            (_, RunTogether::Date) => Err(Fault::Format),
        }
    }

    /// A word: an abbreviation of a zone before all else. `None` for a word that is ignored.
    fn word_field(&mut self, number: usize, text: &'a str) -> Result<Option<u32>, Fault> {
        match find_abbreviation(keywords::compared(text)) {
            Some(Meaning::Fixed { east, daylight }) => {
                self.west = -east;
                return Ok(Some(mask::ZONE | if daylight { mask::DAYLIGHT_ZONE } else { 0 }));
            }
            Some(Meaning::Zone(zone)) => {
                self.zone = Some(zone);
                self.abbreviation = Some(text);
                return Ok(Some(mask::ZONE | mask::DYNAMIC_ZONE));
            }
            None => {}
        }
        let Some(word) = keywords::find(text) else {
            // Before giving up: a zone's name that is all letters.
            self.zone = Some(Zone::find(text).ok_or(Fault::Format)?);
            return Ok(Some(mask::ZONE));
        };
        self.apply_word(number, word)
    }

    /// What a word does. Longer than most functions: one arm for every word.
    fn apply_word(&mut self, number: usize, word: Word) -> Result<Option<u32>, Fault> {
        match word {
            Word::Ignored => return Ok(None),
            Word::Infinity
            | Word::NegativeInfinity
            | Word::Epoch
            | Word::Today
            | Word::Tomorrow
            | Word::Yesterday
                if self.goal == Goal::TimeOfDay =>
            {
                return Err(Fault::Format);
            }
            Word::Month(_) | Word::DayOfWeek if self.goal == Goal::TimeOfDay => return Err(Fault::Format),
            Word::Infinity => self.special = Some(Decoded::Infinity),
            Word::NegativeInfinity => self.special = Some(Decoded::NegativeInfinity),
            Word::Epoch => self.special = Some(Decoded::Epoch),
            Word::Now => {
                self.special = None;
                self.set_now();
                if self.goal == Goal::TimeOfDay {
                    return Ok(Some(mask::TIME));
                }
            }
            Word::Today | Word::Tomorrow | Word::Yesterday | Word::Midnight if self.special.is_some() => {
                // What comes later decides what is read.
                self.special = None;
                return self.apply_word(number, word);
            }
            Word::Today => self.set_today(0),
            Word::Tomorrow => self.set_today(1),
            Word::Yesterday => self.set_today(-1),
            Word::Midnight => {
                let date = self.found.fields;
                self.found.fields =
                    Fields { year: date.year, month: date.month, day: date.day, ..Fields::default() };
                self.west = 0;
            }
            Word::Month(month) => return Ok(Some(self.month_word(month))),
            Word::DayOfWeek => {}
            Word::BeforeChrist(before) => self.before_christ = before,
            Word::Afternoon(after) => {
                self.half_day = Some(if after { HalfDay::Afternoon } else { HalfDay::Morning });
            }
            Word::Daylight => self.west -= 3600,
            Word::Unit(unit) => {
                if self.goal == Goal::Moment && self.unit.is_some() {
                    return Err(Fault::Format);
                }
                self.unit = Some(unit);
            }
            Word::IsoTime => {
                let next = self.fields.get(number + 1).map(|field| field.kind);
                let date_stands = self.goal == Goal::TimeOfDay || self.has(mask::DATE);
                if !date_stands || !matches!(next, Some(Kind::Number | Kind::Time | Kind::Date)) {
                    return Err(Fault::Format);
                }
                self.unit = Some(Unit::Time);
            }
        }
        Ok(Some(word.mask()))
    }

    /// A month's name. A number that was taken for the month may have been the day.
    fn month_word(&mut self, month: i32) -> u32 {
        let mut bits = mask::MONTH;
        let number_was_month = self.claimed & mask::MONTH != 0 && !self.text_month;
        let fields = &mut self.found.fields;
        if number_was_month && self.claimed & mask::DAY == 0 && (1..=31).contains(&fields.month) {
            fields.day = fields.month;
            bits = mask::DAY;
        }
        self.text_month = true;
        fields.month = month;
        bits
    }

    fn local_now(&self) -> (i64, i32) {
        let now = self.settings.now_micros;
        let east = self.settings.zone.offset_at(now);
        (now + i64::from(east) * 1_000_000, -east)
    }

    fn set_now(&mut self) {
        let (local, west) = self.local_now();
        self.found.fields = Fields::from_timestamp(local);
        self.west = west;
    }

    fn set_today(&mut self, days: i32) {
        let (local, _) = self.local_now();
        let today = local.div_euclid(super::calendar::MICROS_PER_DAY) as i32;
        let (year, month, day) = civil_from_days(today + days);
        let fields = &mut self.found.fields;
        (fields.year, fields.month, fields.day) = (year, month, day);
    }
}
