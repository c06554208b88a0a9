//! `to_number`: a text read by a template.

use super::number_template::{Key, Node, Picture, SignPlace, parse};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// Reads a number; `None` for an empty template.
pub(super) fn to_number(text: &str, template: &str) -> Result<Option<Numeric>> {
    if template.is_empty() {
        return Ok(None);
    }
    let (nodes, picture) = parse(template)?;
    let unsupported =
        |name: &str| Error::new(SqlState::FeatureNotSupported, format!("\"{name}\" not supported for input"));
    if picture.exponent {
        return Err(unsupported("EEEE"));
    }
    if picture.roman {
        return Err(unsupported("RN"));
    }
    let mut reader = Reader {
        picture: &picture,
        input: text.as_bytes(),
        at: 0,
        sign: b' ',
        digits: String::new(),
        read_before: 0,
        read_behind: 0,
        point_read: false,
        inside: false,
    };
    for node in &nodes {
        if reader.at >= reader.input.len() {
            break;
        }
        match node {
            Node::Character(_) => reader.skip_character(),
            Node::Key(key) => {
                if reader.key(*key) {
                    reader.at += 1;
                }
            }
        }
    }
    let digits = reader.digits.strip_suffix('.').unwrap_or(&reader.digits);
    let number = Numeric::parse(&format!("{}{digits}", char::from(reader.sign)))?;
    let scale = reader.read_behind;
    let precision = picture.before + picture.shift + scale;
    let number = number.apply_typmod(((precision as i32) << 16 | scale as i32) + 4)?;
    if !picture.has_shift {
        return Ok(Some(number));
    }
    let factor = Numeric::from_i64(10).power(&Numeric::from_i64(-(picture.shift as i64)))?;
    number.multiply(&factor).map(Some)
}

struct Reader<'a> {
    picture: &'a Picture,
    input: &'a [u8],
    at: usize,
    /// A blank until a sign has been read.
    sign: u8,
    digits: String,
    read_before: usize,
    read_behind: usize,
    point_read: bool,
    /// Whether a digit of the number has been read: never set on input, as in PostgreSQL.
    inside: bool,
}

impl Reader<'_> {
    fn byte(&self) -> u8 {
        self.input.get(self.at).copied().unwrap_or(0)
    }

    fn ended(&self) -> bool {
        self.at >= self.input.len()
    }

    fn skip_character(&mut self) {
        self.at += 1;
        while self.input.get(self.at).is_some_and(|byte| byte & 0xc0 == 0x80) {
            self.at += 1;
        }
    }

    /// Skips characters that can be no part of a number.
    fn skip_non_data(&mut self, count: usize) {
        for _ in 0..count {
            if self.ended() || b"0123456789.,+-".contains(&self.byte()) {
                return;
            }
            self.skip_character();
        }
    }

    /// Reads what a keyword stands for; whether one more byte is to be passed.
    fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Nine | Key::Zero | Key::Point | Key::LocalPoint => {
                self.digit(key);
                true
            }
            Key::Comma | Key::Group => {
                if !self.inside && self.picture.fill {
                    return false;
                }
                self.byte() == b','
            }
            Key::Currency => {
                self.skip_non_data(1);
                false
            }
            Key::Ordinal { .. } => {
                let without = self.picture.roman || self.sign == b'-' || self.picture.has_point;
                if !without {
                    self.skip_non_data(2);
                }
                false
            }
            Key::Minus => self.sign_byte(b"-"),
            Key::Plus => self.sign_byte(b"+"),
            Key::SignBoth => self.sign_byte(b"-+"),
            Key::Blank
            | Key::Exponent
            | Key::Fill
            | Key::Brackets
            | Key::Roman { .. }
            | Key::Sign
            | Key::Shift
            | Key::Nothing => false,
        }
    }

    fn sign_byte(&mut self, accepted: &[u8]) -> bool {
        if accepted.contains(&self.byte()) {
            self.sign = self.byte();
            return true;
        }
        self.skip_non_data(1);
        false
    }

    fn digit(&mut self, key: Key) {
        if self.byte() == b' ' {
            self.at += 1;
        }
        if self.ended() {
            return;
        }
        let nothing_read = self.read_before + self.read_behind == 0;
        if self.sign == b' ' && matches!(key, Key::Zero | Key::Nine) && nothing_read {
            self.sign_before();
        }
        if self.ended() {
            return;
        }
        let mut read = false;
        let byte = self.byte();
        if byte.is_ascii_digit() {
            if self.point_read && self.read_behind == self.picture.behind {
                return;
            }
            self.digits.push(char::from(byte));
            if self.point_read {
                self.read_behind += 1;
            } else {
                self.read_before += 1;
            }
            read = true;
        } else if self.picture.has_point && !self.point_read && byte == b'.' {
            self.digits.push('.');
            self.point_read = true;
            read = true;
        }
        if self.sign == b' ' && self.read_before + self.read_behind > 0 {
            self.sign_behind(read);
        }
    }

    fn sign_before(&mut self) {
        let byte = self.byte();
        if self.picture.sign && self.picture.sign_place == SignPlace::Before {
            if matches!(byte, b'-' | b'+') {
                self.sign = byte;
                self.at += 1;
            }
        } else if byte == b'-' || self.picture.brackets && byte == b'<' {
            self.sign = b'-';
            self.at += 1;
        } else if byte == b'+' {
            self.sign = b'+';
            self.at += 1;
        }
    }

    /// A sign behind the last digit, whose place in the template is not known exactly.
    fn sign_behind(&mut self, read: bool) {
        if self.picture.sign {
            if !read {
                return;
            }
            let next = self.input.get(self.at + 1).copied();
            if let Some(sign @ (b'-' | b'+')) = next {
                self.at += 1;
                self.sign = sign;
            }
        } else if !read && (self.picture.plus || self.picture.minus) {
            let byte = self.byte();
            if matches!(byte, b'-' | b'+') {
                self.sign = byte;
            }
        }
    }
}
