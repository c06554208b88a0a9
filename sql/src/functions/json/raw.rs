//! json as it was written: values as slices of the text, white space, duplicates and order kept.

use crate::error::{Error, Result};
use crate::types::json::Json;

/// A value of a json text, which has been checked when it came in.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Raw<'a> {
    /// The value without white space around it.
    pub(in crate::functions) text: &'a str,
    pub(in crate::functions) parts: Parts<'a>,
}

#[derive(Clone, Debug)]
pub(in crate::functions) enum Parts<'a> {
    Scalar,
    Array(Vec<Raw<'a>>),
    Object(Vec<(String, Raw<'a>)>),
}

/// Takes a json text apart.
pub(in crate::functions) fn parse(text: &str) -> Result<Raw<'_>> {
    let mut reader = Reader { text, at: 0 };
    reader.value().ok_or_else(|| Error::internal("a value of type json is not JSON"))
}

impl Raw<'_> {
    /// What `->>` gives: strings decoded, null as NULL, everything else as written.
    pub(in crate::functions) fn as_text(&self) -> Result<Option<String>> {
        match self.text.as_bytes().first() {
            Some(b'"') => decode(self.text).map(Some),
            Some(b'n') => Ok(None),
            _ => Ok(Some(self.text.to_owned())),
        }
    }

    /// The name that json_typeof gives.
    pub(in crate::functions) fn type_name(&self) -> &'static str {
        match (&self.parts, self.text.as_bytes().first()) {
            (Parts::Array(_), _) => "array",
            (Parts::Object(_), _) => "object",
            (Parts::Scalar, Some(b'"')) => "string",
            (Parts::Scalar, Some(b't' | b'f')) => "boolean",
            (Parts::Scalar, Some(b'n')) => "null",
            (Parts::Scalar, _) => "number",
        }
    }
}

/// The characters of a string literal of JSON.
fn decode(literal: &str) -> Result<String> {
    match Json::parse(literal)? {
        Json::String(text) => Ok(text),
        _ => Err(Error::internal("a json string is none")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Raw<'a>> {
        self.skip_space();
        let start = self.at;
        let parts = match self.peek()? {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => {
                self.string()?;
                Parts::Scalar
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| !matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
                {
                    self.at += 1;
                }
                Parts::Scalar
            }
        };
        Some(Raw { text: self.text.get(start..self.at)?, parts })
    }

    /// Passes a string literal and gives it, quotes included.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at)
    }

    fn array(&mut self) -> Option<Parts<'a>> {
        let mut elements = Vec::new();
        self.at += 1;
        self.skip_space();
        while self.peek()? != b']' {
            elements.push(self.value()?);
            self.skip_space();
            if self.peek()? == b',' {
                self.at += 1;
            }
            self.skip_space();
        }
        self.at += 1;
        Some(Parts::Array(elements))
    }

    fn object(&mut self) -> Option<Parts<'a>> {
        let mut pairs = Vec::new();
        self.at += 1;
        self.skip_space();
        while self.peek()? != b'}' {
            let key = decode(self.string()?).ok()?;
            self.skip_space();
            self.at += 1;
            pairs.push((key, self.value()?));
            self.skip_space();
            if self.peek()? == b',' {
                self.at += 1;
            }
            self.skip_space();
        }
        self.at += 1;
        Some(Parts::Object(pairs))
    }
}
