//! Reading JSON text, with PostgreSQL's errors: their details depend on the token met and their context on its end.

use crate::error::{Error, Result, SqlState};

use super::super::numeric::Numeric;
use super::Json;

/// Levels of nesting beyond which PostgreSQL, too, would run out of stack.
const MAXIMUM_DEPTH: usize = 3000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    String,
    Number,
    True,
    False,
    Null,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    End,
}

/// What a place in the grammar wants; the text of the detail when something else stands there.
#[derive(Clone, Copy)]
enum Wanted {
    Value,
    String,
    ArrayNext,
    ObjectFirst,
    ObjectNext,
    Colon,
    End,
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Whether strings are decoded and values kept, as jsonb needs it.
    build: bool,
    start: usize,
    end: usize,
    line: usize,
    line_start: usize,
    token: Token,
    string: String,
}

/// Checks a text to be JSON.
pub(super) fn check(text: &str) -> Result<()> {
    Scanner::new(text, false).document().map(|_| ())
}

/// Reads a text into a value.
pub(super) fn read(text: &str) -> Result<Json> {
    Scanner::new(text, true).document()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str, build: bool) -> Scanner<'t> {
        Scanner {
            text,
            bytes: text.as_bytes(),
            build,
            start: 0,
            end: 0,
            line: 1,
            line_start: 0,
            token: Token::End,
            string: String::new(),
        }
    }

    fn document(&mut self) -> Result<Json> {
        self.advance()?;
        let value = self.value(0)?;
        self.expect(Token::End, Wanted::End)?;
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Json> {
        if depth > MAXIMUM_DEPTH {
            return Err(Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded"));
        }
        let value = match self.token {
            Token::ObjectStart => return self.object(depth),
            Token::ArrayStart => return self.array(depth),
            Token::String => Json::String(std::mem::take(&mut self.string)),
            Token::Number if self.build => Json::Number(Numeric::parse(&self.text[self.start..self.end])?),
            Token::Number | Token::Null => Json::Null,
            Token::True => Json::Bool(true),
            Token::False => Json::Bool(false),
            Token::ObjectEnd | Token::ArrayEnd | Token::Comma | Token::Colon | Token::End => {
                return Err(self.expected(Wanted::Value));
            }
        };
        self.advance()?;
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Json> {
        let mut pairs = Vec::new();
        self.advance()?;
        if self.token == Token::ObjectEnd {
            self.advance()?;
            return Ok(Json::Object(pairs));
        }
        let mut wanted = Wanted::ObjectFirst;
        loop {
            if self.token != Token::String {
                return Err(self.expected(wanted));
            }
            let key = std::mem::take(&mut self.string);
            self.advance()?;
            self.expect(Token::Colon, Wanted::Colon)?;
            self.advance()?;
            let value = self.value(depth + 1)?;
            if self.build {
                pairs.push((key, value));
            }
            match self.token {
                Token::Comma => self.advance()?,
                Token::ObjectEnd => break,
                _ => return Err(self.expected(Wanted::ObjectNext)),
            }
            wanted = Wanted::String;
        }
        self.advance()?;
        Ok(Json::object(pairs))
    }

    fn array(&mut self, depth: usize) -> Result<Json> {
        let mut elements = Vec::new();
        self.advance()?;
        if self.token == Token::ArrayEnd {
            self.advance()?;
            return Ok(Json::Array(elements));
        }
        loop {
            let element = self.value(depth + 1)?;
            if self.build {
                elements.push(element);
            }
            match self.token {
                Token::Comma => self.advance()?,
                Token::ArrayEnd => break,
                _ => return Err(self.expected(Wanted::ArrayNext)),
            }
        }
        self.advance()?;
        Ok(Json::Array(elements))
    }

    fn expect(&self, token: Token, wanted: Wanted) -> Result<()> {
        if self.token == token { Ok(()) } else { Err(self.expected(wanted)) }
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<()> {
        let mut at = self.end;
        while let Some(byte) = self.bytes.get(at).filter(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        {
            at += 1;
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = at;
            }
        }
        self.start = at;
        let Some(byte) = self.bytes.get(at) else {
            self.end = at;
            self.token = Token::End;
            return Ok(());
        };
        self.end = at + 1;
        self.token = match byte {
            b'{' => Token::ObjectStart,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayStart,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number(),
            _ => return self.word(),
        };
        Ok(())
    }

    fn word(&mut self) -> Result<()> {
        let length = self.bytes[self.start..].iter().take_while(|byte| is_word(**byte)).count();
        self.end = self.start + length.max(1);
        self.token = match &self.text.as_bytes()[self.start..self.end] {
            b"true" => Token::True,
            b"false" => Token::False,
            b"null" => Token::Null,
            _ => return Err(self.invalid_token()),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let bytes = self.bytes;
        let mut at = self.start;
        let mut right = true;
        let digits = |at: &mut usize| {
            let first = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > first
        };
        if bytes[at] == b'-' {
            at += 1;
        }
        if bytes.get(at) == Some(&b'0') {
            at += 1;
        } else if !digits(&mut at) {
            right = false;
        }
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            right &= digits(&mut at);
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            if matches!(bytes.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            right &= digits(&mut at);
        }
        while bytes.get(at).is_some_and(|byte| is_word(*byte)) {
            right = false;
            at += 1;
        }
        self.end = at;
        self.token = Token::Number;
        if right { Ok(()) } else { Err(self.invalid_token()) }
    }

    fn string(&mut self) -> Result<()> {
        self.string.clear();
        let mut at = self.start + 1;
        loop {
            let plain = self.bytes[at..]
                .iter()
                .position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'))
                .unwrap_or(self.bytes.len() - at);
            if self.build {
                self.string.push_str(&self.text[at..at + plain]);
            }
            at += plain;
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at = self.escape(at + 1)?,
                Some(byte) => {
                    self.end = at;
                    return Err(self.syntax(format!("Character with value 0x{byte:02x} must be escaped.")));
                }
                None => {
                    self.end = at;
                    return Err(self.invalid_token());
                }
            }
        }
        self.end = at + 1;
        self.token = Token::String;
        Ok(())
    }

    /// Reads what follows a backslash; returns where the string goes on.
    fn escape(&mut self, at: usize) -> Result<usize> {
        let Some(byte) = self.bytes.get(at) else {
            self.end = at;
            return Err(self.invalid_token());
        };
        let character = match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(at + 1),
            _ => {
                self.start = at;
                self.end = self.character_end(at);
                let shown = &self.text[self.start..self.end];
                return Err(self.syntax(format!("Escape sequence \"\\{shown}\" is invalid.")));
            }
        };
        if self.build {
            self.string.push(character);
        }
        Ok(at + 1)
    }

    /// Reads `XXXX` and, behind a high surrogate, the low one.
    fn unicode_escape(&mut self, at: usize) -> Result<usize> {
        let unit = self.four_digits(at)?;
        let after = at + 4;
        if !self.build {
            return Ok(after);
        }
        let lone = "Unicode low surrogate must follow a high surrogate.";
        match unit {
            0 => {
                self.end = after;
                Err(self.unsupported_escape("\\u0000 cannot be converted to text."))
            }
            0xd800..=0xdbff => {
                if self.bytes.get(after..after + 2) != Some(b"\\u") {
                    // The context goes up to the character that should have been the other half.
                    let escaped = self.bytes.get(after) == Some(&b'\\');
                    let next = after + usize::from(escaped && after + 1 < self.bytes.len());
                    self.end = if next < self.bytes.len() { self.character_end(next) } else { next };
                    return Err(self.syntax(lone.to_string()));
                }
                let low = self.four_digits(after + 2)?;
                self.end = after + 6;
                match low {
                    0xdc00..=0xdfff => {
                        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        self.string.extend(char::from_u32(code));
                        Ok(after + 6)
                    }
                    0xd800..=0xdbff => {
                        Err(self
                            .syntax("Unicode high surrogate must not follow a high surrogate.".to_string()))
                    }
                    _ => Err(self.syntax(lone.to_string())),
                }
            }
            0xdc00..=0xdfff => {
                self.end = after;
                Err(self.syntax(lone.to_string()))
            }
            _ => {
                self.string.extend(char::from_u32(unit));
                Ok(after)
            }
        }
    }

    fn four_digits(&mut self, at: usize) -> Result<u32> {
        let mut unit = 0;
        for place in at..at + 4 {
            let Some(byte) = self.bytes.get(place) else {
                self.end = place;
                return Err(self.invalid_token());
            };
            match char::from(*byte).to_digit(16) {
                Some(digit) => unit = unit << 4 | digit,
                None => {
                    self.end = self.character_end(place);
                    return Err(
                        self.syntax("\"\\u\" must be followed by four hexadecimal digits.".to_string())
                    );
                }
            }
        }
        Ok(unit)
    }

    fn character_end(&self, at: usize) -> usize {
        let mut end = at + 1;
        while end < self.text.len() && !self.text.is_char_boundary(end) {
            end += 1;
        }
        end
    }

    fn shown(&self) -> &str {
        self.text.get(self.start..self.end).unwrap_or("")
    }

    fn invalid_token(&self) -> Error {
        self.syntax(format!("Token \"{}\" is invalid.", self.shown()))
    }

    fn expected(&self, wanted: Wanted) -> Error {
        if self.token == Token::End {
            return self.syntax("The input string ended unexpectedly.".to_string());
        }
        let wanted = match wanted {
            Wanted::Value => "JSON value",
            Wanted::String => "string",
            Wanted::ArrayNext => "\",\" or \"]\"",
            Wanted::ObjectFirst => "string or \"}\"",
            Wanted::ObjectNext => "\",\" or \"}\"",
            Wanted::Colon => "\":\"",
            Wanted::End => "end of input",
        };
        self.syntax(format!("Expected {wanted}, but found \"{}\".", self.shown()))
    }

    fn syntax(&self, detail: String) -> Error {
        Error::new(SqlState::InvalidTextRepresentation, "invalid input syntax for type json")
            .detail(detail)
            .context(self.context())
    }

    fn unsupported_escape(&self, detail: &str) -> Error {
        Error::new(SqlState::UntranslatableCharacter, "unsupported Unicode escape sequence")
            .detail(detail)
            .context(self.context())
    }

    /// The line up to the end of the token, its beginning cut when it is long.
    fn context(&self) -> String {
        let end = self.end;
        let mut start = self.line_start;
        while end.saturating_sub(start) >= 50 {
            start = self.character_end(start);
        }
        if start - self.line_start <= 3 {
            start = self.line_start;
        }
        let prefix = if start > self.line_start { "..." } else { "" };
        let more = self.bytes.get(end).is_some_and(|byte| !matches!(byte, b'\n' | b'\r'));
        let suffix = if self.token_is_not_last() && more { "..." } else { "" };
        let excerpt = String::from_utf8_lossy(&self.bytes[start..end]);
        format!("JSON data, line {}: {prefix}{excerpt}{suffix}", self.line)
    }

    fn token_is_not_last(&self) -> bool {
        self.token != Token::End || self.end < self.bytes.len()
    }
}
