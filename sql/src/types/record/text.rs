//! The text of records: `(1,"a b",)`.

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::super::settings::{InputSettings, OutputSettings};
use super::super::{append_output, input, integer};
use super::Record;

impl Record {
    /// Appends the text.
    pub fn append_text(&self, settings: &OutputSettings<'_>, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'(');
        for (number, (type_oid, value)) in self.columns.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            if !value.is_null() {
                let start = out.len();
                append_output(*type_oid, value, settings, out)?;
                quote(start, out);
            }
        }
        out.push(b')');
        Ok(())
    }

    /// Reads the text of a row with the given columns (type and typmod).
    pub fn parse(columns: &[(u32, i32)], text: &str, settings: &InputSettings<'_>) -> Result<Record> {
        let malformed = |detail: &str| {
            Error::new(SqlState::InvalidTextRepresentation, format!("malformed record literal: \"{text}\""))
                .detail(detail)
        };
        let rest = text.trim_start_matches(integer::is_space);
        let mut rest =
            rest.strip_prefix('(').ok_or_else(|| malformed("Missing left parenthesis."))?.as_bytes();
        let mut values = Vec::with_capacity(columns.len());
        for (number, (type_oid, typmod)) in columns.iter().enumerate() {
            if number > 0 {
                rest = match rest {
                    [b',', tail @ ..] => tail,
                    _ => return Err(malformed("Too few columns.")),
                };
            }
            let (item, tail) = next_item(rest).ok_or_else(|| malformed("Unexpected end of input."))?;
            rest = tail;
            values.push((
                *type_oid,
                match item {
                    None => Value::Null,
                    Some(item) => input(*type_oid, *typmod, &item, settings)?,
                },
            ));
        }
        // A row type without columns still has nothing but its parentheses.
        let tail = match rest {
            [b')', tail @ ..] => tail,
            _ => return Err(malformed("Too many columns.")),
        };
        if tail.iter().any(|byte| !integer::is_space(char::from(*byte))) {
            return Err(malformed("Junk after right parenthesis."));
        }
        Ok(Record::new(values))
    }
}

/// The next column's text (`None` for NULL) and what follows it; `None` when the text ends inside.
fn next_item(text: &[u8]) -> Option<(Option<String>, &[u8])> {
    if matches!(text.first()?, b',' | b')') {
        return Some((None, text));
    }
    let mut item = Vec::new();
    let mut quoted = false;
    let mut at = 0;
    loop {
        let byte = *text.get(at)?;
        if !quoted && matches!(byte, b',' | b')') {
            return Some((Some(String::from_utf8_lossy(&item).into_owned()), &text[at..]));
        }
        at += 1;
        match byte {
            b'\\' => {
                item.push(*text.get(at)?);
                at += 1;
            }
            b'"' if quoted && text.get(at) == Some(&b'"') => {
                item.push(b'"');
                at += 1;
            }
            b'"' => quoted = !quoted,
            byte => item.push(byte),
        }
    }
}

/// Puts what was appended since `start` into quotes where the syntax needs it.
fn quote(start: usize, out: &mut Vec<u8>) {
    let text = &out[start..];
    let needs_quotes = text.is_empty()
        || text.iter().any(|byte| {
            matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || integer::is_space(char::from(*byte))
        });
    if !needs_quotes {
        return;
    }
    let plain = out.split_off(start);
    out.push(b'"');
    for byte in plain {
        if matches!(byte, b'"' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
}
