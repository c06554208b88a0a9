//! The words of date and time input.

use super::mask;

/// What a word of a date or a time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Infinity,
    NegativeInfinity,
    Epoch,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    /// `allballs`: midnight UTC.
    Midnight,
    Month(i32),
    DayOfWeek,
    BeforeChrist(bool),
    Afternoon(bool),
    /// `dst`, behind a zone's abbreviation.
    Daylight,
    Unit(Unit),
    /// `t`, before a time.
    IsoTime,
    Ignored,
}

/// What the number behind a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Julian,
    Time,
    /// A unit that no number can follow here.
    Other,
}

/// PostgreSQL compares this many bytes of a word.
const COMPARED: usize = 10;

/// The part of a word that is compared.
pub(in super::super) fn compared(word: &str) -> &str {
    word.get(..COMPARED).unwrap_or(word)
}

/// The meaning of a word in lower case.
pub(super) fn find(word: &str) -> Option<Word> {
    Some(match compared(word) {
        "-infinity" => Word::NegativeInfinity,
        "infinity" => Word::Infinity,
        "epoch" => Word::Epoch,
        "now" => Word::Now,
        "today" => Word::Today,
        "tomorrow" => Word::Tomorrow,
        "yesterday" => Word::Yesterday,
        "allballs" => Word::Midnight,
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "wednesday" | "weds"
        | "thu" | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" => Word::DayOfWeek,
        "ad" => Word::BeforeChrist(false),
        "bc" => Word::BeforeChrist(true),
        "am" => Word::Afternoon(false),
        "pm" => Word::Afternoon(true),
        "dst" => Word::Daylight,
        "at" | "on" => Word::Ignored,
        "t" => Word::IsoTime,
        "y" => Word::Unit(Unit::Year),
        "m" => Word::Unit(Unit::Month),
        "d" => Word::Unit(Unit::Day),
        "h" => Word::Unit(Unit::Hour),
        "mm" => Word::Unit(Unit::Minute),
        "s" => Word::Unit(Unit::Second),
        "j" | "jd" | "julian" => Word::Unit(Unit::Julian),
        "dow" | "doy" | "isodow" | "isoyear" => Word::Unit(Unit::Other),
        _ => return None,
    })
}

impl Word {
    /// The bits of the fields that the word claims.
    pub(super) fn mask(self) -> u32 {
        match self {
            Word::Infinity | Word::NegativeInfinity | Word::Epoch => mask::SPECIAL,
            Word::Now => mask::DATE | mask::TIME | mask::ZONE,
            Word::Today | Word::Tomorrow | Word::Yesterday => mask::DATE,
            Word::Midnight => mask::TIME | mask::ZONE,
            Word::Month(_) => mask::MONTH,
            Word::DayOfWeek => mask::DAY_OF_WEEK,
            Word::BeforeChrist(_) => mask::ERA,
            Word::Afternoon(_) => mask::AFTERNOON,
            Word::Daylight => mask::DAYLIGHT | mask::DAYLIGHT_ZONE,
            Word::Unit(_) | Word::IsoTime | Word::Ignored => 0,
        }
    }
}
