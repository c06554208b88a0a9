//! The text of arrays: `{1,NULL,"a b"}`, `[0:1][1:2]={{1,2},{3,4}}`.
//!
//! Input goes in two passes, as PostgreSQL's does, because its errors depend on it: the first finds the dimensions
//! and every mistake of structure, the second cuts out the elements.

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::super::settings::{InputSettings, OutputSettings};
use super::super::{append_output, input};
use super::{Array, Dimension, MAXIMUM_DIMENSIONS, element_count, too_many_dimensions};

/// The delimiter of every type that is supported.
const DELIMITER: u8 = b',';

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

impl Array {
    /// Appends the text.
    pub fn append_text(&self, settings: &OutputSettings<'_>, out: &mut Vec<u8>) -> Result<()> {
        if self.is_empty() {
            out.extend_from_slice(b"{}");
            return Ok(());
        }
        if self.dimensions.iter().any(|dimension| dimension.lower != 1) {
            for dimension in &self.dimensions {
                out.push(b'[');
                super::super::digits::append_i64(i64::from(dimension.lower), out);
                out.push(b':');
                super::super::digits::append_i64(i64::from(dimension.upper()), out);
                out.push(b']');
            }
            out.push(b'=');
        }
        let mut elements = self.elements.iter();
        self.append_level(0, &mut elements, settings, out)
    }

    fn append_level(
        &self,
        level: usize,
        elements: &mut std::slice::Iter<'_, Value>,
        settings: &OutputSettings<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(dimension) = self.dimensions.get(level) else { return Ok(()) };
        out.push(b'{');
        for number in 0..dimension.length {
            if number > 0 {
                out.push(DELIMITER);
            }
            if level + 1 < self.dimensions.len() {
                self.append_level(level + 1, elements, settings, out)?;
                continue;
            }
            match elements.next() {
                None | Some(Value::Null) => out.extend_from_slice(b"NULL"),
                Some(value) => {
                    let start = out.len();
                    append_output(self.element, value, settings, out)?;
                    quote(start, out);
                }
            }
        }
        out.push(b'}');
        Ok(())
    }

    /// Reads the text of an array of an element type.
    pub fn parse(element: u32, typmod: i32, text: &str, settings: &InputSettings<'_>) -> Result<Array> {
        let (declared, contents) = dimensions_before(text)?;
        let counted = count(text, contents)?;
        let dimensions = match declared {
            None => counted.iter().map(|length| Dimension { length: *length, lower: 1 }).collect(),
            Some(declared) => {
                let lengths: Vec<i32> = declared.iter().map(|dimension| dimension.length).collect();
                if lengths != counted {
                    return Err(malformed(text, "Specified array dimensions do not match array contents."));
                }
                declared
            }
        };
        let total = element_count(&dimensions)?;
        if total == 0 {
            return Ok(Array::empty(element));
        }
        let mut elements = Vec::with_capacity(total.min(contents.len()));
        for item in items(contents) {
            elements.push(match item {
                None => Value::Null,
                Some(item) => input(element, typmod, &item, settings)?,
            });
        }
        if elements.len() != total {
            return Err(malformed(
                text,
                "Multidimensional arrays must have sub-arrays with matching dimensions.",
            ));
        }
        Ok(Array { element, dimensions, elements })
    }
}

/// Puts what was appended since `start` into quotes where the syntax needs it.
fn quote(start: usize, out: &mut Vec<u8>) {
    let text = &out[start..];
    let needs_quotes = text.is_empty()
        || text.eq_ignore_ascii_case(b"null")
        || text.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',') || is_space(*byte));
    if !needs_quotes {
        return;
    }
    let plain = out.split_off(start);
    out.push(b'"');
    for byte in plain {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn malformed(text: &str, detail: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidTextRepresentation, format!("malformed array literal: \"{text}\""))
        .detail(detail)
}

/// The dimensions written before the contents, if there are any, and the contents from their first brace on. Longer
/// than most functions: every step has an error of its own.
fn dimensions_before(text: &str) -> Result<(Option<Vec<Dimension>>, &[u8])> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut dimensions = Vec::new();
    let skip = |at: &mut usize| {
        while bytes.get(*at).is_some_and(|byte| is_space(*byte)) {
            *at += 1;
        }
    };
    let number = |at: &mut usize| {
        let start = *at;
        while bytes.get(*at).is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+')) {
            *at += 1;
        }
        (*at > start).then(|| text[start..*at].parse::<i32>().unwrap_or(0))
    };
    loop {
        skip(&mut at);
        if bytes.get(at) != Some(&b'[') {
            break;
        }
        at += 1;
        if dimensions.len() >= MAXIMUM_DIMENSIONS {
            return Err(too_many_dimensions(dimensions.len() + 1));
        }
        let first = number(&mut at)
            .ok_or_else(|| malformed(text, "\"[\" must introduce explicitly-specified array dimensions."))?;
        let (lower, upper) = if bytes.get(at) == Some(&b':') {
            at += 1;
            (first, number(&mut at).ok_or_else(|| malformed(text, "Missing array dimension value."))?)
        } else {
            (1, first)
        };
        if bytes.get(at) != Some(&b']') {
            return Err(malformed(text, "Missing \"]\" after array dimensions."));
        }
        at += 1;
        if upper < lower {
            return Err(Error::new(
                SqlState::ArraySubscriptError,
                "upper bound cannot be less than lower bound",
            ));
        }
        let length =
            upper.checked_sub(lower).and_then(|length| length.checked_add(1)).ok_or_else(super::too_large)?;
        dimensions.push(Dimension { length, lower });
    }
    if dimensions.is_empty() {
        if bytes.get(at) != Some(&b'{') {
            return Err(malformed(text, "Array value must start with \"{\" or dimension information."));
        }
        return Ok((None, &bytes[at..]));
    }
    if bytes.get(at) != Some(&b'=') {
        return Err(malformed(text, "Missing \"=\" after array dimensions."));
    }
    at += 1;
    skip(&mut at);
    if bytes.get(at) != Some(&b'{') {
        return Err(malformed(text, "Array contents must start with \"{\"."));
    }
    Ok((Some(dimensions), &bytes[at..]))
}

/// Where the first pass stands.
#[derive(Clone, Copy, PartialEq)]
enum State {
    NoLevel,
    LevelStarted,
    ElementStarted,
    QuotedStarted,
    QuotedCompleted,
    ElementDelimited,
    LevelCompleted,
    LevelDelimited,
}

/// The first pass: what has been opened and counted so far.
struct Counter<'t> {
    text: &'t str,
    state: State,
    level: usize,
    depth: usize,
    empty: bool,
    lengths: [i32; MAXIMUM_DIMENSIONS],
    elements: [i32; MAXIMUM_DIMENSIONS],
    elements_before: [i32; MAXIMUM_DIMENSIONS],
}

/// The lengths of the dimensions of the contents; none for an empty array.
fn count(text: &str, contents: &[u8]) -> Result<Vec<i32>> {
    // PostgreSQL's errors here quote the contents alone.
    let text = &text[text.len() - contents.len()..];
    let mut counter = Counter {
        text,
        state: State::NoLevel,
        level: 0,
        depth: 0,
        empty: true,
        lengths: [0; MAXIMUM_DIMENSIONS],
        elements: [1; MAXIMUM_DIMENSIONS],
        elements_before: [0; MAXIMUM_DIMENSIONS],
    };
    let mut at = 0;
    loop {
        if matches!(counter.state, State::ElementStarted | State::QuotedStarted) {
            counter.empty = false;
        }
        let Some(byte) = contents.get(at) else {
            return Err(malformed(text, "Unexpected end of input."));
        };
        let quoted = counter.state == State::QuotedStarted;
        match byte {
            b'\\' => {
                counter.escape()?;
                if at + 1 >= contents.len() {
                    return Err(malformed(text, "Unexpected end of input."));
                }
                at += 1;
            }
            b'"' => counter.quote()?,
            b'{' if !quoted => counter.open()?,
            b'}' if !quoted && counter.close()? => break,
            b'}' if !quoted => {}
            &DELIMITER if !quoted => counter.delimit()?,
            byte if !quoted && !is_space(*byte) => counter.character()?,
            _ => {}
        }
        at += 1;
    }
    if contents[at + 1..].iter().any(|byte| !is_space(*byte)) {
        return Err(malformed(text, "Junk after closing right brace."));
    }
    if counter.empty {
        return Ok(Vec::new());
    }
    Ok(counter.lengths[..counter.depth].to_vec())
}

impl Counter<'_> {
    fn unexpected(&self, character: char) -> Error {
        malformed(self.text, format!("Unexpected \"{character}\" character."))
    }

    fn escape(&mut self) -> Result<()> {
        match self.state {
            State::LevelStarted | State::ElementStarted | State::ElementDelimited => {
                self.state = State::ElementStarted;
            }
            State::QuotedStarted => {}
            _ => return Err(self.unexpected('\\')),
        }
        Ok(())
    }

    fn quote(&mut self) -> Result<()> {
        self.state = match self.state {
            State::LevelStarted | State::ElementDelimited => State::QuotedStarted,
            State::QuotedStarted => State::QuotedCompleted,
            _ => return Err(malformed(self.text, "Unexpected array element.")),
        };
        Ok(())
    }

    fn open(&mut self) -> Result<()> {
        if !matches!(self.state, State::NoLevel | State::LevelStarted | State::LevelDelimited) {
            return Err(self.unexpected('{'));
        }
        self.state = State::LevelStarted;
        if self.level >= MAXIMUM_DIMENSIONS {
            return Err(too_many_dimensions(self.level + 1));
        }
        self.lengths[self.level] = 0;
        self.level += 1;
        self.depth = self.depth.max(self.level);
        Ok(())
    }

    /// Whether this closes the outermost brace.
    fn close(&mut self) -> Result<bool> {
        let empty_array = self.level == 1 && self.state == State::LevelStarted;
        let expected =
            matches!(self.state, State::ElementStarted | State::QuotedCompleted | State::LevelCompleted);
        if !expected && !empty_array {
            return Err(self.unexpected('}'));
        }
        self.state = State::LevelCompleted;
        if self.level == 0 {
            return Err(malformed(self.text, "Unmatched \"}\" character."));
        }
        self.level -= 1;
        let level = self.level;
        if self.elements_before[level] != 0 && self.elements[level] != self.elements_before[level] {
            return Err(malformed(
                self.text,
                "Multidimensional arrays must have sub-arrays with matching dimensions.",
            ));
        }
        self.elements_before[level] = self.elements[level];
        self.elements[level] = 1;
        if level == 0 {
            self.lengths[self.depth - 1] += 1;
            return Ok(true);
        }
        self.lengths[level - 1] += 1;
        Ok(false)
    }

    fn delimit(&mut self) -> Result<()> {
        self.state = match self.state {
            State::ElementStarted | State::QuotedCompleted => State::ElementDelimited,
            State::LevelCompleted => State::LevelDelimited,
            _ => return Err(self.unexpected(char::from(DELIMITER))),
        };
        if let Some(elements) = self.level.checked_sub(1).and_then(|level| self.elements.get_mut(level)) {
            *elements += 1;
        }
        if self.depth > 0 {
            self.lengths[self.depth - 1] += 1;
        }
        Ok(())
    }

    fn character(&mut self) -> Result<()> {
        if !matches!(self.state, State::LevelStarted | State::ElementStarted | State::ElementDelimited) {
            return Err(malformed(self.text, "Unexpected array element."));
        }
        self.state = State::ElementStarted;
        Ok(())
    }
}

/// The second pass: the elements of contents whose structure is right, NULL as `None`.
fn items(contents: &[u8]) -> Vec<Option<String>> {
    let mut items = Vec::new();
    let mut item = Vec::new();
    let mut begun = false;
    let mut plain = true;
    let mut quoted = false;
    // Trailing blanks of an element that is not quoted do not count.
    let mut kept = 0;
    let mut bytes = contents.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                item.extend(bytes.next());
                kept = item.len();
                (begun, plain) = (true, false);
            }
            b'"' => {
                quoted = !quoted;
                kept = item.len();
                (begun, plain) = (true, false);
            }
            byte if quoted => item.push(*byte),
            b'{' => {}
            b',' | b'}' => {
                if begun {
                    item.truncate(kept);
                    let is_null = plain && item.eq_ignore_ascii_case(b"null");
                    items.push((!is_null).then(|| String::from_utf8_lossy(&item).into_owned()));
                }
                item.clear();
                kept = 0;
                (begun, plain) = (false, true);
            }
            byte if is_space(*byte) => {
                if begun {
                    item.push(*byte);
                }
            }
            byte => {
                item.push(*byte);
                kept = item.len();
                begun = true;
            }
        }
    }
    items
}
