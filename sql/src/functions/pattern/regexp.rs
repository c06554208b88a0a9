//! `~` and the regexp functions that answer with a boolean, a number or a text.

use super::regex::{Flags, Match, Regex, Subject, compiled};
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::functions::string::basic::int4;

/// `text ~ pattern`.
pub(in crate::functions) fn matches(text: &str, pattern: &str) -> Result<bool> {
    compiled(pattern, Flags::default())?.is_match(text)
}

/// `text ~* pattern`.
fn matches_any_case(text: &str, pattern: &str) -> Result<bool> {
    compiled(pattern, Flags::any_case())?.is_match(text)
}

/// Every match from a character on (the first alone unless `global`), as regexp_matches finds them. `degenerate`
/// keeps empty matches at the ends and right after another match, which splitting does not want.
pub(in crate::functions) fn find_all(
    regex: &Regex,
    subject: &Subject,
    from: usize,
    global: bool,
    degenerate: bool,
) -> Result<Vec<Match>> {
    let mut found = Vec::new();
    let (mut search, mut previous_end) = (from, 0);
    while search <= subject.len() {
        let Some(next) = regex.find(subject, search)? else { break };
        let whole = next.whole.clone();
        if degenerate || (whole.start < subject.len() && whole.end > previous_end) {
            found.push(next);
        }
        if !global {
            break;
        }
        previous_end = whole.end;
        search = if whole.is_empty() { whole.end + 1 } else { whole.end };
    }
    Ok(found)
}

/// The groups of a match; the match itself where the expression has none.
pub(in crate::functions) fn groups_of(found: &Match, subject: &Subject) -> Vec<Option<String>> {
    if found.groups.is_empty() {
        return vec![Some(subject.slice(found.whole.clone()).to_owned())];
    }
    found.groups.iter().map(|group| group.clone().map(|group| subject.slice(group).to_owned())).collect()
}

/// The groups of the first match.
pub(in crate::functions) fn groups_of_first(
    text: &str,
    pattern: &str,
    flags: Flags,
) -> Result<Option<Vec<Option<String>>>> {
    let regex = compiled(pattern, flags)?;
    let subject = Subject::new(text);
    Ok(regex.find(&subject, 0)?.map(|found| groups_of(&found, &subject)))
}

/// What stands between the matches.
pub(in crate::functions) fn pieces(text: &str, pattern: &str, flags: Flags) -> Result<Vec<String>> {
    let regex = compiled(pattern, flags)?;
    let subject = Subject::new(text);
    let mut pieces = Vec::new();
    let mut start = 0;
    for found in find_all(&regex, &subject, 0, true, false)? {
        pieces.push(subject.slice(start..found.whole.start).to_owned());
        start = found.whole.end;
    }
    pieces.push(subject.slice(start..subject.len()).to_owned());
    Ok(pieces)
}

/// SUBSTRING(text FROM pattern): the first group where there is one, else the match.
fn substring(text: &str, pattern: &str) -> Result<Option<String>> {
    let regex = compiled(pattern, Flags::default())?;
    let subject = Subject::new(text);
    let Some(found) = regex.find(&subject, 0)? else { return Ok(None) };
    let part = match found.groups.first() {
        Some(group) => group.clone(),
        None => Some(found.whole),
    };
    Ok(part.map(|part| subject.slice(part).to_owned()))
}

/// A numeric parameter that must be at least `least`.
fn parameter(name: &str, value: i32, least: i32) -> Result<usize> {
    usize::try_from(value).ok().filter(|_| value >= least).ok_or_else(|| {
        Error::new(
            SqlState::InvalidParameterValue,
            format!("invalid value for parameter \"{name}\": {value}"),
        )
    })
}

/// Flags of a function for which `g` has no meaning.
pub(in crate::functions) fn flags_without_global(letters: &str, function: &str) -> Result<Flags> {
    let flags = Flags::parse(letters)?;
    if flags.global {
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("{function} does not support the \"global\" option"),
        ));
    }
    Ok(flags)
}

/// Replaces the `nth` match from a character on, or with 0 all of them.
fn replace_matches(
    text: &str,
    pattern: &str,
    new: &str,
    from: usize,
    nth: usize,
    flags: Flags,
) -> Result<String> {
    let regex = compiled(pattern, flags)?;
    let subject = Subject::new(text);
    let mut result = String::with_capacity(text.len());
    let (mut search, mut copied, mut count) = (from, 0, 0);
    while search <= subject.len() {
        let Some(found) = regex.find(&subject, search)? else { break };
        count += 1;
        search = if found.whole.is_empty() { found.whole.end + 1 } else { found.whole.end };
        if nth > 0 && count != nth {
            continue;
        }
        result.push_str(subject.slice(copied..found.whole.start.max(copied)));
        append_replacement(&mut result, new, &found, &subject);
        copied = found.whole.end;
        if nth > 0 {
            break;
        }
    }
    result.push_str(subject.slice(copied..subject.len()));
    Ok(result)
}

/// `\1` to `\9` stand for groups, `\&` for the match, `\\` for a backslash.
fn append_replacement(result: &mut String, new: &str, found: &Match, subject: &Subject) {
    let mut characters = new.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        match characters.peek().copied() {
            Some(digit @ '1'..='9') => {
                characters.next();
                let number = digit.to_digit(10).unwrap_or(1) as usize;
                if let Some(Some(group)) = found.groups.get(number - 1) {
                    result.push_str(subject.slice(group.clone()));
                }
            }
            Some('&') => {
                characters.next();
                result.push_str(subject.slice(found.whole.clone()));
            }
            Some('\\') => {
                characters.next();
                result.push('\\');
            }
            // A backslash before anything else, or at the end, is itself.
            _ => result.push('\\'),
        }
    }
}

fn replace_with_flags(text: &str, pattern: &str, new: &str, letters: &str) -> Result<String> {
    if letters.starts_with(|first: char| first.is_ascii_digit()) {
        let first = letters.chars().next().unwrap_or('0');
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("invalid regular expression option: \"{first}\""),
        )
        .hint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly."));
    }
    let flags = Flags::parse(letters)?;
    replace_matches(text, pattern, new, 0, usize::from(!flags.global), flags)
}

fn replace_nth(text: &str, pattern: &str, new: &str, start: i32, nth: i32, letters: &str) -> Result<String> {
    let from = parameter("start", start, 1)? - 1;
    let nth = parameter("n", nth, 0)?;
    replace_matches(text, pattern, new, from, nth, Flags::parse(letters)?)
}

/// With a start but no n, the flag `g` decides between one and all.
fn replace_from(text: &str, pattern: &str, new: &str, start: i32) -> Result<String> {
    replace_nth(text, pattern, new, start, 1, "")
}

fn count(text: &str, pattern: &str, start: i32, letters: &str) -> Result<i32> {
    let from = parameter("start", start, 1)? - 1;
    let flags = flags_without_global(letters, "regexp_count()")?;
    let found = find_all(&*compiled(pattern, flags)?, &Subject::new(text), from, true, true)?;
    Ok(int4(found.len()))
}

fn is_like(text: &str, pattern: &str, letters: &str) -> Result<bool> {
    compiled(pattern, flags_without_global(letters, "regexp_like()")?)?.is_match(text)
}

/// Where the caller wants the nth match, or one of its groups.
struct Wanted<'a> {
    pattern: &'a str,
    start: i32,
    nth: i32,
    letters: &'a str,
    group: i32,
}

impl Wanted<'_> {
    fn find(&self, subject: &Subject, function: &str) -> Result<Option<std::ops::Range<usize>>> {
        let from = parameter("start", self.start, 1)? - 1;
        let nth = parameter("n", self.nth, 1)?;
        let group = parameter("subexpr", self.group, 0)?;
        let flags = flags_without_global(self.letters, function)?;
        let regex = compiled(self.pattern, flags)?;
        // An expression without groups counts as one group.
        let group = if group == 1 && regex.groups() == 0 { 0 } else { group };
        if group > regex.groups() {
            return Ok(None);
        }
        let found = find_all(&regex, subject, from, true, true)?;
        let Some(found) = found.into_iter().nth(nth - 1) else { return Ok(None) };
        Ok(if group == 0 { Some(found.whole) } else { found.groups.get(group - 1).cloned().flatten() })
    }
}

fn position(text: &str, wanted: &Wanted, end_option: i32) -> Result<i32> {
    let subject = Subject::new(text);
    parameter("start", wanted.start, 1)?;
    parameter("n", wanted.nth, 1)?;
    if end_option != 0 && end_option != 1 {
        parameter("endoption", end_option, i32::MAX)?;
    }
    let found = wanted.find(&subject, "regexp_instr()")?;
    Ok(found.map_or(0, |found| int4(if end_option == 1 { found.end } else { found.start }) + 1))
}

fn part(text: &str, wanted: &Wanted) -> Result<Option<String>> {
    let subject = Subject::new(text);
    Ok(wanted.find(&subject, "regexp_substr()")?.map(|found| subject.slice(found).to_owned()))
}

fn instr(
    text: &str,
    pattern: &str,
    start: i32,
    nth: i32,
    end: i32,
    letters: &str,
    group: i32,
) -> Result<i32> {
    position(text, &Wanted { pattern, start, nth, letters, group }, end)
}

fn substr(
    text: &str,
    pattern: &str,
    start: i32,
    nth: i32,
    letters: &str,
    group: i32,
) -> Result<Option<String>> {
    part(text, &Wanted { pattern, start, nth, letters, group })
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // textregexeq(text,text)
    (1254, scalar!(matches, &str, &str)),
    // bpcharregexeq(bpchar,text)
    (1658, scalar!(matches, &str, &str)),
    // nameregexeq(name,text)
    (79, scalar!(matches, &str, &str)),
    // textregexne(text,text)
    (1256, scalar!(|text: &str, pattern: &str| !matches(text, pattern)?)),
    // bpcharregexne(bpchar,text)
    (1659, scalar!(|text: &str, pattern: &str| !matches(text, pattern)?)),
    // nameregexne(name,text)
    (1252, scalar!(|text: &str, pattern: &str| !matches(text, pattern)?)),
    // texticregexeq(text,text)
    (1238, scalar!(matches_any_case, &str, &str)),
    // bpcharicregexeq(bpchar,text)
    (1656, scalar!(matches_any_case, &str, &str)),
    // nameicregexeq(name,text)
    (1240, scalar!(matches_any_case, &str, &str)),
    // texticregexne(text,text)
    (1239, scalar!(|text: &str, pattern: &str| !matches_any_case(text, pattern)?)),
    // bpcharicregexne(bpchar,text)
    (1657, scalar!(|text: &str, pattern: &str| !matches_any_case(text, pattern)?)),
    // nameicregexne(name,text)
    (1241, scalar!(|text: &str, pattern: &str| !matches_any_case(text, pattern)?)),
    // substring(text,text)
    (2073, scalar!(substring, &str, &str)),
    // regexp_replace(text,text,text)
    (
        2284,
        scalar!(|text: &str, pattern: &str, new: &str| replace_matches(
            text,
            pattern,
            new,
            0,
            1,
            Flags::default()
        )),
    ),
    // regexp_replace(text,text,text,text)
    (2285, scalar!(replace_with_flags, &str, &str, &str, &str)),
    // regexp_replace(text,text,text,int4,int4,text)
    (6251, scalar!(replace_nth, &str, &str, &str, i32, i32, &str)),
    // regexp_replace(text,text,text,int4,int4)
    (
        6252,
        scalar!(|text: &str, pattern: &str, new: &str, start: i32, nth: i32| replace_nth(
            text, pattern, new, start, nth, ""
        )),
    ),
    // regexp_replace(text,text,text,int4)
    (6253, scalar!(replace_from, &str, &str, &str, i32)),
    // regexp_count(text,text,int4,text)
    (6256, scalar!(count, &str, &str, i32, &str)),
    // regexp_count(text,text,int4)
    (6255, scalar!(|text: &str, pattern: &str, start: i32| count(text, pattern, start, ""))),
    // regexp_count(text,text)
    (6254, scalar!(|text: &str, pattern: &str| count(text, pattern, 1, ""))),
    // regexp_like(text,text,text)
    (6264, scalar!(is_like, &str, &str, &str)),
    // regexp_like(text,text)
    (6263, scalar!(|text: &str, pattern: &str| is_like(text, pattern, ""))),
    // regexp_instr(text,text,int4,int4,int4,text,int4)
    (6262, scalar!(instr, &str, &str, i32, i32, i32, &str, i32)),
    // regexp_instr(text,text,int4,int4,int4,text)
    (
        6261,
        scalar!(|text: &str, pattern: &str, start: i32, nth: i32, end: i32, letters: &str| instr(
            text, pattern, start, nth, end, letters, 0
        )),
    ),
    // regexp_instr(text,text,int4,int4,int4)
    (
        6260,
        scalar!(|text: &str, pattern: &str, start: i32, nth: i32, end: i32| instr(
            text, pattern, start, nth, end, "", 0
        )),
    ),
    // regexp_instr(text,text,int4,int4)
    (
        6259,
        scalar!(|text: &str, pattern: &str, start: i32, nth: i32| instr(text, pattern, start, nth, 0, "", 0)),
    ),
    // regexp_instr(text,text,int4)
    (6258, scalar!(|text: &str, pattern: &str, start: i32| instr(text, pattern, start, 1, 0, "", 0))),
    // regexp_instr(text,text)
    (6257, scalar!(|text: &str, pattern: &str| instr(text, pattern, 1, 1, 0, "", 0))),
    // regexp_substr(text,text,int4,int4,text,int4)
    (6269, scalar!(substr, &str, &str, i32, i32, &str, i32)),
    // regexp_substr(text,text,int4,int4,text)
    (
        6268,
        scalar!(|text: &str, pattern: &str, start: i32, nth: i32, letters: &str| substr(
            text, pattern, start, nth, letters, 0
        )),
    ),
    // regexp_substr(text,text,int4,int4)
    (
        6267,
        scalar!(|text: &str, pattern: &str, start: i32, nth: i32| substr(text, pattern, start, nth, "", 0)),
    ),
    // regexp_substr(text,text,int4)
    (6266, scalar!(|text: &str, pattern: &str, start: i32| substr(text, pattern, start, 1, "", 0))),
    // regexp_substr(text,text)
    (6265, scalar!(|text: &str, pattern: &str| substr(text, pattern, 1, 1, "", 0))),
    // The SQL forms SUBSTRING(text SIMILAR pattern ESCAPE escape).
    // substring(text,text,text)
    (
        2074,
        scalar!(|text: &str, pattern: &str, escape: &str| substring(
            text,
            &super::similar::with_escape(pattern, escape)?
        )),
    ),
];
