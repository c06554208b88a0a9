//! Templates of dates and times.

/// Which calendar a keyword belongs to; the two cannot be mixed on input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Convention {
    None,
    Gregorian,
    IsoWeek,
}

/// How letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Capital,
    Lower,
}

/// What a keyword stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    HalfDay { dots: bool, case: Case },
    Era { dots: bool, case: Case },
    Century,
    DayName { short: bool, case: Case },
    DayOfYear,
    IsoDayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    Fraction(u32),
    Exact,
    Hour24,
    Hour12,
    Week,
    IsoWeek,
    IsoYear(u32),
    Julian,
    Minute,
    Month,
    MonthName { short: bool, case: Case },
    Milliseconds,
    Offset,
    Quarter,
    Roman { case: Case },
    SecondsOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    Zone { case: Case },
    Microseconds,
    WeekOfMonth,
    YearWithComma,
    Year(u32),
}

/// A keyword: its spelling, its meaning, whether it is written in digits.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) key: Key,
    pub(super) digits: bool,
    pub(super) convention: Convention,
}

/// A part of a template.
pub(super) enum Node {
    Field { keyword: &'static Keyword, modifiers: Modifiers },
    Separator(char),
    Space(char),
    Character(char),
}

/// What stands before and behind a keyword.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    /// `FM`: no padding.
    pub(super) fill: bool,
    /// `TM`: names of the locale, without padding.
    pub(super) translate: bool,
    /// `TH` (true) or `th` (false).
    pub(super) ordinal: Option<bool>,
}

const fn keyword(name: &'static str, key: Key, digits: bool, convention: Convention) -> Keyword {
    Keyword { name, key, digits, convention }
}

use Case::{Capital, Lower, Upper};
use Convention::{Gregorian, IsoWeek, None as Either};

/// In the order in which they are tried.
const KEYWORDS: &[Keyword] = &[
    keyword("A.D.", Key::Era { dots: true, case: Upper }, false, Either),
    keyword("A.M.", Key::HalfDay { dots: true, case: Upper }, false, Either),
    keyword("AD", Key::Era { dots: false, case: Upper }, false, Either),
    keyword("AM", Key::HalfDay { dots: false, case: Upper }, false, Either),
    keyword("B.C.", Key::Era { dots: true, case: Upper }, false, Either),
    keyword("BC", Key::Era { dots: false, case: Upper }, false, Either),
    keyword("CC", Key::Century, true, Either),
    keyword("DAY", Key::DayName { short: false, case: Upper }, false, Either),
    keyword("DDD", Key::DayOfYear, true, Gregorian),
    keyword("DD", Key::Day, true, Gregorian),
    keyword("DY", Key::DayName { short: true, case: Upper }, false, Either),
    keyword("Day", Key::DayName { short: false, case: Capital }, false, Either),
    keyword("Dy", Key::DayName { short: true, case: Capital }, false, Either),
    keyword("D", Key::DayOfWeek, true, Gregorian),
    keyword("FF1", Key::Fraction(1), true, Either),
    keyword("FF2", Key::Fraction(2), true, Either),
    keyword("FF3", Key::Fraction(3), true, Either),
    keyword("FF4", Key::Fraction(4), true, Either),
    keyword("FF5", Key::Fraction(5), true, Either),
    keyword("FF6", Key::Fraction(6), true, Either),
    keyword("FX", Key::Exact, false, Either),
    keyword("HH24", Key::Hour24, true, Either),
    keyword("HH12", Key::Hour12, true, Either),
    keyword("HH", Key::Hour12, true, Either),
    keyword("IDDD", Key::IsoDayOfYear, true, IsoWeek),
    keyword("ID", Key::IsoDayOfWeek, true, IsoWeek),
    keyword("IW", Key::IsoWeek, true, IsoWeek),
    keyword("IYYY", Key::IsoYear(4), true, IsoWeek),
    keyword("IYY", Key::IsoYear(3), true, IsoWeek),
    keyword("IY", Key::IsoYear(2), true, IsoWeek),
    keyword("I", Key::IsoYear(1), true, IsoWeek),
    keyword("J", Key::Julian, true, Either),
    keyword("MI", Key::Minute, true, Either),
    keyword("MM", Key::Month, true, Gregorian),
    keyword("MONTH", Key::MonthName { short: false, case: Upper }, false, Gregorian),
    keyword("MON", Key::MonthName { short: true, case: Upper }, false, Gregorian),
    keyword("MS", Key::Milliseconds, true, Either),
    keyword("Month", Key::MonthName { short: false, case: Capital }, false, Gregorian),
    keyword("Mon", Key::MonthName { short: true, case: Capital }, false, Gregorian),
    keyword("OF", Key::Offset, false, Either),
    keyword("P.M.", Key::HalfDay { dots: true, case: Upper }, false, Either),
    keyword("PM", Key::HalfDay { dots: false, case: Upper }, false, Either),
    keyword("Q", Key::Quarter, true, Either),
    keyword("RM", Key::Roman { case: Upper }, false, Gregorian),
    keyword("SSSSS", Key::SecondsOfDay, true, Either),
    keyword("SSSS", Key::SecondsOfDay, true, Either),
    keyword("SS", Key::Second, true, Either),
    keyword("TZH", Key::ZoneHour, false, Either),
    keyword("TZM", Key::ZoneMinute, true, Either),
    keyword("TZ", Key::Zone { case: Upper }, false, Either),
    keyword("US", Key::Microseconds, true, Either),
    keyword("WW", Key::Week, true, Gregorian),
    keyword("W", Key::WeekOfMonth, true, Gregorian),
    keyword("Y,YYY", Key::YearWithComma, true, Gregorian),
    keyword("YYYY", Key::Year(4), true, Gregorian),
    keyword("YYY", Key::Year(3), true, Gregorian),
    keyword("YY", Key::Year(2), true, Gregorian),
    keyword("Y", Key::Year(1), true, Gregorian),
    keyword("a.d.", Key::Era { dots: true, case: Lower }, false, Either),
    keyword("a.m.", Key::HalfDay { dots: true, case: Lower }, false, Either),
    keyword("ad", Key::Era { dots: false, case: Lower }, false, Either),
    keyword("am", Key::HalfDay { dots: false, case: Lower }, false, Either),
    keyword("b.c.", Key::Era { dots: true, case: Lower }, false, Either),
    keyword("bc", Key::Era { dots: false, case: Lower }, false, Either),
    keyword("cc", Key::Century, true, Either),
    keyword("day", Key::DayName { short: false, case: Lower }, false, Either),
    keyword("ddd", Key::DayOfYear, true, Gregorian),
    keyword("dd", Key::Day, true, Gregorian),
    keyword("dy", Key::DayName { short: true, case: Lower }, false, Either),
    keyword("d", Key::DayOfWeek, true, Gregorian),
    keyword("ff1", Key::Fraction(1), true, Either),
    keyword("ff2", Key::Fraction(2), true, Either),
    keyword("ff3", Key::Fraction(3), true, Either),
    keyword("ff4", Key::Fraction(4), true, Either),
    keyword("ff5", Key::Fraction(5), true, Either),
    keyword("ff6", Key::Fraction(6), true, Either),
    keyword("fx", Key::Exact, false, Either),
    keyword("hh24", Key::Hour24, true, Either),
    keyword("hh12", Key::Hour12, true, Either),
    keyword("hh", Key::Hour12, true, Either),
    keyword("iddd", Key::IsoDayOfYear, true, IsoWeek),
    keyword("id", Key::IsoDayOfWeek, true, IsoWeek),
    keyword("iw", Key::IsoWeek, true, IsoWeek),
    keyword("iyyy", Key::IsoYear(4), true, IsoWeek),
    keyword("iyy", Key::IsoYear(3), true, IsoWeek),
    keyword("iy", Key::IsoYear(2), true, IsoWeek),
    keyword("i", Key::IsoYear(1), true, IsoWeek),
    keyword("j", Key::Julian, true, Either),
    keyword("mi", Key::Minute, true, Either),
    keyword("mm", Key::Month, true, Gregorian),
    keyword("month", Key::MonthName { short: false, case: Lower }, false, Gregorian),
    keyword("mon", Key::MonthName { short: true, case: Lower }, false, Gregorian),
    keyword("ms", Key::Milliseconds, true, Either),
    keyword("of", Key::Offset, false, Either),
    keyword("p.m.", Key::HalfDay { dots: true, case: Lower }, false, Either),
    keyword("pm", Key::HalfDay { dots: false, case: Lower }, false, Either),
    keyword("q", Key::Quarter, true, Either),
    keyword("rm", Key::Roman { case: Lower }, false, Gregorian),
    keyword("sssss", Key::SecondsOfDay, true, Either),
    keyword("ssss", Key::SecondsOfDay, true, Either),
    keyword("ss", Key::Second, true, Either),
    keyword("tzh", Key::ZoneHour, false, Either),
    keyword("tzm", Key::ZoneMinute, true, Either),
    keyword("tz", Key::Zone { case: Lower }, false, Either),
    keyword("us", Key::Microseconds, true, Either),
    keyword("ww", Key::Week, true, Gregorian),
    keyword("w", Key::WeekOfMonth, true, Gregorian),
    keyword("y,yyy", Key::YearWithComma, true, Gregorian),
    keyword("yyyy", Key::Year(4), true, Gregorian),
    keyword("yyy", Key::Year(3), true, Gregorian),
    keyword("yy", Key::Year(2), true, Gregorian),
    keyword("y", Key::Year(1), true, Gregorian),
];

/// Punctuation that separates fields.
pub(super) fn is_separator(character: char) -> bool {
    character.is_ascii_punctuation()
}

fn take_prefix(rest: &mut &str, modifiers: &mut Modifiers) {
    for (spelling, fill) in [("FM", true), ("fm", true), ("TM", false), ("tm", false)] {
        if let Some(after) = rest.strip_prefix(spelling) {
            if fill {
                modifiers.fill = true;
            } else {
                modifiers.translate = true;
            }
            *rest = after;
            return;
        }
    }
}

fn take_suffix(rest: &mut &str, modifiers: &mut Modifiers) {
    for (spelling, ordinal) in [("TH", Some(true)), ("th", Some(false)), ("SP", None)] {
        if let Some(after) = rest.strip_prefix(spelling) {
            modifiers.ordinal = ordinal;
            *rest = after;
            return;
        }
    }
}

/// Cuts a template into its parts.
pub(super) fn parse(template: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let mut modifiers = Modifiers::default();
        take_prefix(&mut rest, &mut modifiers);
        if let Some(keyword) = KEYWORDS.iter().find(|keyword| rest.starts_with(keyword.name)) {
            rest = &rest[keyword.name.len()..];
            take_suffix(&mut rest, &mut modifiers);
            nodes.push(Node::Field { keyword, modifiers });
            continue;
        }
        let (text, after) = super::number_template::literal(rest);
        match text {
            super::number_template::Literal::Quoted(text) => nodes.extend(text.chars().map(Node::Character)),
            super::number_template::Literal::Plain(character) if is_separator(character) => {
                nodes.push(Node::Separator(character));
            }
            super::number_template::Literal::Plain(character)
                if crate::types::integer::is_space(character) =>
            {
                nodes.push(Node::Space(character));
            }
            super::number_template::Literal::Plain(character) => nodes.push(Node::Character(character)),
            super::number_template::Literal::Nothing => {}
        }
        rest = after;
    }
    nodes
}
