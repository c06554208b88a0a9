//! Text to tokens, by PostgreSQL's lexical rules.
//!
//! A token knows its bytes in the text. Words keep no copy of themselves; only quoted identifiers and strings, which
//! have escapes to resolve, own their value. Literal concatenation over a newline happens here, and so does the rule
//! that cuts `+` and `-` off the end of an operator, which leaves `<+>`, `<->` and `<=>` whole.

use super::keyword::{WordClass, classify};
use super::position::{at_or_near, position};
use super::strings;
use crate::error::{Error, Result, SqlState};

#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// An unquoted word; `bare`: may be a column label without AS.
    Word {
        class: WordClass,
        bare: bool,
    },
    /// A quoted identifier.
    Identifier(String),
    Integer,
    Decimal,
    String(String),
    BitString(String),
    HexString(String),
    Parameter(u32),
    /// One of `, ( ) [ ] ; : .`
    Symbol(u8),
    /// Any operator, the mathematical ones included.
    Operator,
    /// `::`
    Cast,
    /// `..`
    DotDot,
    /// `:=`
    ColonEquals,
    /// `=>`
    Arrow,
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
}

/// Reads tokens off a text, one at a time.
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// All tokens of a text, `End` last.
pub fn tokens(text: &str) -> Result<Vec<Token>> {
    if u32::try_from(text.len()).is_err() {
        return Err(Error::new(SqlState::ProgramLimitExceeded, "statement is too long"));
    }
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::with_capacity(text.len() / 5 + 2);
    loop {
        let token = lexer.next_token()?;
        let done = token.kind == TokenKind::End;
        tokens.push(token);
        if done {
            return Ok(tokens);
        }
    }
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn error(&self, message: &str, start: usize) -> Error {
        let near = at_or_near(self.text, start, self.at.min(self.text.len()));
        Error::new(SqlState::SyntaxError, format!("{message} {near}")).at(position(self.text, start as u32))
    }

    /// The next token; `End` for ever at the end.
    pub fn next_token(&mut self) -> Result<Token> {
        self.skip_blanks()?;
        let start = self.at;
        let kind = if start >= self.text.len() { TokenKind::End } else { self.scan(start)? };
        Ok(Token { kind, start: start as u32, end: self.at as u32 })
    }

    fn scan(&mut self, start: usize) -> Result<TokenKind> {
        let (first, second) = (self.byte(0), self.byte(1));
        match (first, second) {
            (b'\'', _) => self.string(start, 0, strings::Form::Plain),
            (b'e' | b'E', b'\'') => self.string(start, 1, strings::Form::Escaped),
            // N'...' is the type nchar and its literal: the letter is a word of its own.
            (b'n' | b'N', b'\'') => {
                self.at += 1;
                Ok(TokenKind::Word { class: WordClass::Unreserved, bare: true })
            }
            (b'b' | b'B', b'\'') => self.string(start, 1, strings::Form::Bits),
            (b'x' | b'X', b'\'') => self.string(start, 1, strings::Form::Hex),
            (b'u' | b'U', b'&') if matches!(self.byte(2), b'\'' | b'"') => self.unicode(start),
            (b'"', _) => {
                self.at += 1;
                let name = self.quoted_identifier(start)?;
                Ok(TokenKind::Identifier(truncate(name)))
            }
            (b'$', b'0'..=b'9') => self.parameter(start),
            (b'$', _) => self.dollar_quoted(start),
            (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => self.number(start),
            (b'A'..=b'Z' | b'a'..=b'z' | b'_' | 0x80..=0xff, _) => Ok(self.word(start)),
            _ => self.punctuation(start),
        }
    }

    /// Skips white space and comments; whether a newline was among them.
    fn skip_blanks(&mut self) -> Result<bool> {
        let mut newline = false;
        loop {
            match self.byte(0) {
                b'\n' | b'\r' => {
                    newline = true;
                    self.at += 1;
                }
                b' ' | b'\t' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.byte(1) == b'-' => {
                    let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
                    let line = rest.iter().position(|&b| b == b'\n' || b == b'\r').unwrap_or(rest.len());
                    self.at += line;
                }
                b'/' if self.byte(1) == b'*' => self.skip_comment()?,
                _ => return Ok(newline),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ if self.at >= self.text.len() => return Err(self.error("unterminated /* comment", start)),
                _ => self.at += 1,
            }
        }
    }

    fn word(&mut self, start: usize) -> TokenKind {
        self.skip_word();
        let word = self.text.get(start..self.at).unwrap_or_default();
        let mut lower = [0u8; 24];
        let class = match lower.get_mut(..word.len()) {
            Some(buffer) => {
                buffer.copy_from_slice(word.as_bytes());
                buffer.make_ascii_lowercase();
                std::str::from_utf8(buffer).map_or((WordClass::Unreserved, true), classify)
            }
            None => (WordClass::Unreserved, true),
        };
        TokenKind::Word { class: class.0, bare: class.1 }
    }

    fn parameter(&mut self, start: usize) -> Result<TokenKind> {
        self.at += 1;
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
        if is_word_start(self.byte(0)) {
            self.skip_word();
            return Err(self.error("trailing junk after parameter", start));
        }
        let digits = self.text.get(start + 1..self.at).unwrap_or_default();
        match digits.parse::<u32>() {
            Ok(number) if number <= i32::MAX as u32 => Ok(TokenKind::Parameter(number)),
            _ => Err(self.error("parameter number too large", start)),
        }
    }

    fn number(&mut self, start: usize) -> Result<TokenKind> {
        let mut kind = TokenKind::Integer;
        self.digits();
        if self.byte(0) == b'.' && !(self.byte(1) == b'.' && kind == TokenKind::Integer) {
            kind = TokenKind::Decimal;
            self.at += 1;
            self.digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                kind = TokenKind::Decimal;
                self.at += 1 + sign;
                self.digits();
            }
        }
        if is_word_start(self.byte(0)) {
            self.skip_word();
            return Err(self.error("trailing junk after numeric literal", start));
        }
        Ok(kind)
    }

    fn skip_word(&mut self) {
        while is_word_byte(self.byte(0)) {
            self.at += 1;
        }
    }

    fn digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn punctuation(&mut self, start: usize) -> Result<TokenKind> {
        let (first, second) = (self.byte(0), self.byte(1));
        let two = match (first, second) {
            (b':', b':') => Some(TokenKind::Cast),
            (b':', b'=') => Some(TokenKind::ColonEquals),
            (b'.', b'.') => Some(TokenKind::DotDot),
            _ => None,
        };
        if let Some(kind) = two {
            self.at += 2;
            return Ok(kind);
        }
        if matches!(first, b',' | b'(' | b')' | b'[' | b']' | b';' | b':' | b'.') {
            self.at += 1;
            return Ok(TokenKind::Symbol(first));
        }
        if !is_operator_byte(first) {
            let width = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            self.at += width;
            return Err(self.error("syntax error", start));
        }
        self.operator(start);
        Ok(if self.text.get(start..self.at) == Some("=>") { TokenKind::Arrow } else { TokenKind::Operator })
    }

    /// The longest run of operator characters, up to a comment, less trailing `+` and `-` unless the operator has
    /// a character that standard SQL's operators have not.
    fn operator(&mut self, start: usize) {
        let bytes = self.text.as_bytes();
        let mut end = start;
        while bytes.get(end).is_some_and(|b| is_operator_byte(*b)) {
            let pair = (bytes.get(end), bytes.get(end + 1));
            if end > start && matches!(pair, (Some(b'-'), Some(b'-')) | (Some(b'/'), Some(b'*'))) {
                break;
            }
            end += 1;
        }
        let special =
            |b: &u8| matches!(b, b'~' | b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'|' | b'`' | b'?');
        let run = bytes.get(start..end).unwrap_or_default();
        if !run.iter().any(special) {
            while end > start + 1 && matches!(bytes.get(end - 1), Some(b'+' | b'-')) {
                end -= 1;
            }
        }
        self.at = end;
    }

    fn quoted_identifier(&mut self, start: usize) -> Result<String> {
        let mut name = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(quote) = rest.find('"') else {
                self.at = self.text.len();
                return Err(self.error("unterminated quoted identifier", start));
            };
            name.push_str(rest.get(..quote).unwrap_or_default());
            self.at += quote + 1;
            if self.byte(0) != b'"' {
                break;
            }
            name.push('"');
            self.at += 1;
        }
        if name.is_empty() {
            return Err(self.error("zero-length delimited identifier", start));
        }
        Ok(name)
    }

    /// A quoted string whose opening quote is `prefix` bytes on, with its continuations on later lines.
    fn string(&mut self, start: usize, prefix: usize, form: strings::Form) -> Result<TokenKind> {
        self.at += prefix;
        let mut raw = String::new();
        loop {
            self.at += 1;
            self.string_segment(start, form, &mut raw)?;
            let resume = self.at;
            if !(self.skip_blanks()? && self.byte(0) == b'\'') {
                self.at = resume;
                break;
            }
        }
        match form {
            strings::Form::Plain => Ok(TokenKind::String(raw)),
            strings::Form::Bits => Ok(TokenKind::BitString(raw)),
            strings::Form::Hex => Ok(TokenKind::HexString(raw)),
            strings::Form::Escaped => match strings::unescape(&raw) {
                Ok(value) => Ok(TokenKind::String(value)),
                Err(error) => Err(error.at(position(self.text, start as u32))),
            },
        }
    }

    /// One segment up to its closing quote, doubled quotes halved, escapes kept for later.
    fn string_segment(&mut self, start: usize, form: strings::Form, raw: &mut String) -> Result<()> {
        let stop: &[char] = if form == strings::Form::Escaped { &['\'', '\\'] } else { &['\''] };
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(quote) = rest.find(stop) else {
                self.at = self.text.len();
                return Err(self.error(form.unterminated(), start));
            };
            raw.push_str(rest.get(..quote).unwrap_or_default());
            self.at += quote;
            if self.byte(0) == b'\\' {
                let escaped = self.text.get(self.at + 1..).and_then(|rest| rest.chars().next());
                raw.push('\\');
                raw.extend(escaped);
                self.at += 1 + escaped.map_or(0, char::len_utf8);
            } else if self.byte(1) == b'\'' {
                raw.push('\'');
                self.at += 2;
            } else {
                self.at += 1;
                return Ok(());
            }
        }
    }

    /// U&'...' and U&"...", with UESCAPE.
    fn unicode(&mut self, start: usize) -> Result<TokenKind> {
        self.at += 2;
        let identifier = self.byte(0) == b'"';
        let raw = if identifier {
            self.at += 1;
            self.quoted_identifier(start)?
        } else {
            match self.string(start, 0, strings::Form::Plain)? {
                TokenKind::String(raw) => raw,
                _ => return Err(Error::internal("a plain string scanned as something else")),
            }
        };
        let escape = self.unicode_escape()?;
        match strings::unescape_unicode(&raw, escape) {
            Ok(value) if identifier => Ok(TokenKind::Identifier(truncate(value))),
            Ok(value) => Ok(TokenKind::String(value)),
            Err(error) => Err(error.at(position(self.text, start as u32))),
        }
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let resume = self.at;
        self.skip_blanks()?;
        let word = self.text.get(self.at..self.at + 7).unwrap_or_default();
        if !word.eq_ignore_ascii_case("uescape") || is_word_byte(self.byte(7)) {
            self.at = resume;
            return Ok('\\');
        }
        self.at += 7;
        self.skip_blanks()?;
        let start = self.at;
        let TokenKind::String(escape) = self.next_token()?.kind else {
            return Err(self.error("UESCAPE must be followed by a simple string literal", start));
        };
        let mut characters = escape.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None)
                if !(c.is_ascii_hexdigit() || c.is_whitespace() || matches!(c, '+' | '\'' | '"')) =>
            {
                Ok(c)
            }
            _ => Err(self.error("invalid Unicode escape character", start)),
        }
    }

    fn dollar_quoted(&mut self, start: usize) -> Result<TokenKind> {
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let tag_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()));
        let tag = tag_end.filter(|&end| rest.as_bytes().get(end) == Some(&b'$'));
        let Some(tag) = tag else {
            self.at += 1;
            return Err(self.error("syntax error", start));
        };
        let delimiter = self.text.get(start..start + tag + 2).unwrap_or_default();
        let body_start = start + delimiter.len();
        let body = self.text.get(body_start..).unwrap_or_default();
        match body.find(delimiter) {
            Some(end) => {
                self.at = body_start + end + delimiter.len();
                Ok(TokenKind::String(body.get(..end).unwrap_or_default().to_string()))
            }
            None => {
                self.at = self.text.len();
                Err(self.error("unterminated dollar-quoted string", start))
            }
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word_byte(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-'
            | b'*'
            | b'/'
            | b'<'
            | b'>'
            | b'='
            | b'~'
            | b'!'
            | b'@'
            | b'#'
            | b'%'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
    )
}

/// A name cut to PostgreSQL's 63 bytes, at a character.
pub fn truncate(mut name: String) -> String {
    let mut end = 63;
    if name.len() > end {
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}
