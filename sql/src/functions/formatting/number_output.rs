//! `to_char` of numbers.

use super::number_template::{Key, Node, Picture, SignPlace, parse};
use super::ordinal;
use crate::error::Result;
use crate::types::numeric::Numeric;

/// The width of a Roman number.
const ROMAN_WIDTH: usize = 15;
/// Decimal digits that a `double precision` and a `real` are good for.
const DOUBLE_DIGITS: usize = 15;
const REAL_DIGITS: usize = 6;

/// A number ready to be put into a template: its sign and digits, and blanks before them.
struct Prepared {
    digits: String,
    negative: bool,
    spaces: usize,
}

/// The digits of a number fitted to a picture: blanks where they are too few, hashes where they are too many.
fn fit(text: &str, picture: &Picture) -> Prepared {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    if whole <= picture.before {
        return Prepared { digits: digits.to_string(), negative, spaces: picture.before - whole };
    }
    let mut hashes = "#".repeat(picture.before);
    hashes.push('.');
    hashes.push_str(&"#".repeat(picture.behind));
    Prepared { digits: hashes, negative, spaces: 0 }
}

/// What stands for NaN and the infinities under `EEEE`.
fn exponent_hashes(picture: &Picture) -> String {
    let mut text = vec![b'#'; picture.before + picture.behind + 6];
    text[0] = b' ';
    text[picture.before + 1] = b'.';
    String::from_utf8_lossy(&text).into_owned()
}

/// C's `%.*e` with a sign and two digits of exponent at least.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if number.is_sign_negative() { "" } else { " " };
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs())
}

/// The same for a numeric, exactly. A mantissa that rounds up to ten stays so, as it does in PostgreSQL.
fn numeric_scientific(number: &Numeric, digits: usize) -> Result<String> {
    let exponent = number.decimal_exponent();
    let mantissa = number.shift_point(-exponent)?.round(digits as i32)?;
    let text = mantissa.to_string();
    let sign = if text.starts_with('-') { "" } else { " " };
    let direction = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{text}e{direction}{:02}", exponent.unsigned_abs()))
}

pub(super) fn numeric_to_char(number: &Numeric, template: &str) -> Result<String> {
    let (nodes, mut picture) = parse(template)?;
    if picture.roman {
        let roman = roman(i64::from(number.round(0)?.to_i32()?));
        return render(&nodes, picture, Prepared { digits: roman, negative: false, spaces: 0 });
    }
    if picture.exponent {
        if number.is_nan() || number.is_infinite() {
            return Ok(exponent_hashes(&picture));
        }
        return numeric_scientific(number, picture.behind);
    }
    let mut shifted = number.clone();
    if picture.has_shift {
        let factor = Numeric::from_i64(10).power(&Numeric::from_i64(picture.shift as i64))?;
        shifted = number.multiply(&factor)?;
        picture.before += picture.shift;
    }
    let text = shifted.round(picture.behind as i32)?.to_string();
    let prepared = fit(&text, &picture);
    render(&nodes, picture, prepared)
}

pub(super) fn integer_to_char(number: i32, template: &str) -> Result<String> {
    whole_to_char(i64::from(number), template, true)
}

pub(super) fn bigint_to_char(number: i64, template: &str) -> Result<String> {
    whole_to_char(number, template, false)
}

fn whole_to_char(number: i64, template: &str, small: bool) -> Result<String> {
    let (nodes, mut picture) = parse(template)?;
    if picture.roman {
        let number = i32::try_from(number).map_err(|_| crate::types::integer::out_of_range("integer"))?;
        let roman = roman(i64::from(number));
        return render(&nodes, picture, Prepared { digits: roman, negative: false, spaces: 0 });
    }
    if picture.exponent {
        if small {
            return Ok(scientific(number as f64, picture.behind));
        }
        return numeric_scientific(&Numeric::from_i64(number), picture.behind);
    }
    let mut text = if picture.has_shift {
        picture.before += picture.shift;
        shifted_whole(number, picture.shift as u32, small)?
    } else {
        number.to_string()
    };
    if picture.behind > 0 {
        text.push('.');
        text.push_str(&"0".repeat(picture.behind));
    }
    let prepared = fit(&text, &picture);
    render(&nodes, picture, prepared)
}

/// The number times a power of ten. An `integer` wraps around, as it does in PostgreSQL; a `bigint` is refused.
fn shifted_whole(number: i64, power: u32, small: bool) -> Result<String> {
    let factor = 10i64.checked_pow(power);
    if small {
        let factor = factor.and_then(|factor| i32::try_from(factor).ok()).unwrap_or(i32::MIN);
        return Ok((number as i32).wrapping_mul(factor).to_string());
    }
    let product = factor.and_then(|factor| number.checked_mul(factor));
    Ok(product.ok_or_else(|| crate::types::integer::out_of_range("bigint"))?.to_string())
}

pub(super) fn double_to_char(number: f64, template: &str) -> Result<String> {
    float_to_char(number, DOUBLE_DIGITS, template)
}

pub(super) fn real_to_char(number: f32, template: &str) -> Result<String> {
    float_to_char(f64::from(number), REAL_DIGITS, template)
}

fn float_to_char(number: f64, digits: usize, template: &str) -> Result<String> {
    let (nodes, mut picture) = parse(template)?;
    if picture.roman {
        let roman = roman(number.round_ties_even() as i64);
        return render(&nodes, picture, Prepared { digits: roman, negative: false, spaces: 0 });
    }
    if picture.exponent {
        if !number.is_finite() {
            return Ok(exponent_hashes(&picture));
        }
        return Ok(scientific(number, picture.behind));
    }
    let mut number = number;
    if picture.has_shift {
        let factor = 10f64.powi(picture.shift as i32);
        // A real is multiplied as a real.
        number =
            if digits == REAL_DIGITS { f64::from(number as f32 * factor as f32) } else { number * factor };
        picture.before += picture.shift;
    }
    let whole = c_fixed(number.abs(), 0).len();
    if whole >= digits {
        picture.behind = 0;
    } else if whole + picture.behind > digits {
        picture.behind = digits - whole;
    }
    let prepared = fit(&c_fixed(number, picture.behind), &picture);
    render(&nodes, picture, prepared)
}

/// C's `%.*f`.
fn c_fixed(number: f64, digits: usize) -> String {
    if number.is_nan() {
        "NaN".to_string()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_string() } else { "-Infinity".to_string() }
    } else {
        format!("{number:.digits$}")
    }
}

/// A Roman number; hashes outside 1 to 3999.
fn roman(number: i64) -> String {
    if !(1..=3999).contains(&number) {
        return "#".repeat(ROMAN_WIDTH);
    }
    const SYMBOLS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut rest = number;
    let mut text = String::new();
    for (value, symbol) in SYMBOLS {
        while rest >= value {
            text.push_str(symbol);
            rest -= value;
        }
    }
    text
}

/// The walk over a template that puts a number into it.
struct Writer<'a> {
    picture: Picture,
    number: &'a [u8],
    /// The next byte of the number.
    at: usize,
    /// Digits of the template that have been passed.
    passed: usize,
    spaces: usize,
    negative: bool,
    sign_written: bool,
    /// Whether a digit of the number has just been written.
    inside: bool,
    count: usize,
    /// The last byte of the number that counts, where trailing zeros do not.
    last: Option<usize>,
    out: Vec<u8>,
}

fn render(nodes: &[Node], mut picture: Picture, prepared: Prepared) -> Result<String> {
    if picture.zero_start > 0 {
        picture.zero_start -= 1;
    }
    if picture.roman {
        picture = Picture { fill: picture.fill, roman: true, ..Picture::default() };
    }
    let mut writer = Writer::new(picture, &prepared);
    for node in nodes {
        match node {
            Node::Character(character) => {
                writer.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Node::Key(key) => writer.key(*key, &prepared.digits)?,
        }
    }
    // Where the number was shorter than the template, PostgreSQL's string ends.
    let end = writer.out.iter().position(|byte| *byte == 0).unwrap_or(writer.out.len());
    writer.out.truncate(end);
    Ok(String::from_utf8_lossy(&writer.out).into_owned())
}

impl<'a> Writer<'a> {
    fn new(mut picture: Picture, prepared: &'a Prepared) -> Writer<'a> {
        let number = prepared.digits.as_bytes();
        let positive = !prepared.negative && !picture.roman;
        let sign_written;
        if picture.plus || picture.minus {
            sign_written = !picture.plus || picture.minus;
        } else {
            if !prepared.negative && picture.fill {
                picture.brackets = false;
            }
            sign_written = positive && picture.fill && !picture.sign;
            if picture.sign_place == SignPlace::Before && picture.before == picture.before_sign {
                picture.sign_place = SignPlace::Behind;
            }
        }
        let mut count = (picture.before + picture.behind).wrapping_sub(1);
        let mut last = None;
        if picture.fill && picture.has_point {
            last = last_relevant(number);
            if let Some(relevant) = last.filter(|_| picture.zero_end > prepared.spaces) {
                let zero = (number.len() - 1).min(picture.zero_end - prepared.spaces);
                last = Some(relevant.max(zero));
            }
        }
        if !sign_written && prepared.spaces == 0 {
            count = count.wrapping_add(1);
        }
        Writer {
            picture,
            number,
            at: 0,
            passed: 0,
            spaces: prepared.spaces,
            negative: prepared.negative,
            sign_written,
            inside: false,
            count,
            last,
            out: Vec::new(),
        }
    }

    fn byte(&self) -> u8 {
        self.number.get(self.at).copied().unwrap_or(0)
    }

    /// Where only the point of the number counts.
    fn last_is_point(&self) -> bool {
        self.last.is_some_and(|last| self.number.get(last) == Some(&b'.'))
    }

    /// `.1` rather than `0.1`.
    fn hides_zero(&self) -> bool {
        !self.picture.has_zero
            && self.at == 0
            && self.number.first() == Some(&b'0')
            && self.picture.behind != 0
    }

    fn key(&mut self, key: Key, digits: &str) -> Result<()> {
        let fill = self.picture.fill;
        match key {
            Key::Nine | Key::Zero | Key::Point | Key::LocalPoint => self.digit(key),
            Key::Comma | Key::Group => match (self.inside, fill) {
                (true, _) => self.out.push(b','),
                (false, true) => {}
                (false, false) => self.out.push(b' '),
            },
            Key::Currency => self.out.push(b' '),
            Key::Roman { upper } => {
                let text = if upper { digits.to_string() } else { digits.to_ascii_lowercase() };
                let width = if fill { 0 } else { ROMAN_WIDTH };
                self.out.extend_from_slice(format!("{text:>width$}").as_bytes());
            }
            Key::Ordinal { upper } => {
                let without =
                    self.picture.roman || digits.starts_with('#') || self.negative || self.picture.has_point;
                if !without {
                    self.out.extend_from_slice(ordinal(digits, upper)?.as_bytes());
                }
            }
            Key::Minus if self.negative => self.out.push(b'-'),
            Key::Plus if !self.negative && !self.picture.roman => self.out.push(b'+'),
            Key::Minus | Key::Plus if fill => {}
            Key::Minus | Key::Plus => self.out.push(b' '),
            Key::SignBoth if self.picture.roman => self.out.push(0),
            Key::SignBoth => self.out.push(if self.negative { b'-' } else { b'+' }),
            Key::Blank
            | Key::Exponent
            | Key::Fill
            | Key::Brackets
            | Key::Sign
            | Key::Shift
            | Key::Nothing => {}
        }
        Ok(())
    }

    fn write_sign(&mut self) {
        let digits_begin =
            self.passed >= self.spaces || self.picture.has_zero && self.picture.zero_start == self.passed;
        if self.sign_written || !digits_begin || self.hides_zero() && !self.last_is_point() {
            return;
        }
        if self.picture.sign {
            if self.picture.sign_place == SignPlace::Before {
                self.out.push(if self.negative { b'-' } else { b'+' });
                self.sign_written = true;
            }
        } else if self.picture.brackets {
            self.out.push(if self.negative { b'<' } else { b' ' });
            self.sign_written = true;
        } else {
            if self.negative {
                self.out.push(b'-');
            } else if !self.picture.fill {
                self.out.push(b' ');
            }
            self.sign_written = true;
        }
    }

    fn digit(&mut self, key: Key) {
        if self.picture.roman {
            return;
        }
        self.inside = false;
        self.write_sign();
        let before_number = self.passed < self.spaces;
        if before_number && (self.picture.zero_start > self.passed || !self.picture.has_zero) {
            if !self.picture.fill {
                self.out.push(b' ');
            }
        } else if before_number {
            self.out.push(b'0');
            self.inside = true;
        } else {
            self.number_byte(key);
            if self.at < self.number.len() {
                self.at += 1;
            }
        }
        let mut end = self
            .count
            .wrapping_add(usize::from(self.spaces > 0))
            .wrapping_add(usize::from(self.picture.has_point));
        if self.last == Some(self.at) {
            end = self.passed;
        }
        if self.passed + 1 == end {
            if self.sign_written && self.picture.brackets {
                self.out.push(if self.negative { b'>' } else { b' ' });
            } else if self.picture.sign && self.picture.sign_place == SignPlace::Behind {
                self.out.push(if self.negative { b'-' } else { b'+' });
            }
        }
        self.passed += 1;
    }

    fn number_byte(&mut self, key: Key) {
        if self.byte() == b'.' {
            if !self.last_is_point() || self.picture.fill {
                self.out.push(b'.');
            }
        } else if self.last.is_some_and(|last| self.at > last) && key != Key::Zero {
            // A trailing zero that does not count.
        } else if self.hides_zero() {
            if !self.picture.fill {
                self.out.push(b' ');
            } else if self.last_is_point() {
                self.out.push(b'0');
            }
        } else {
            self.out.push(self.byte());
            self.inside = true;
        }
    }
}

/// The last digit behind the point that is not zero, or the point.
fn last_relevant(number: &[u8]) -> Option<usize> {
    let point = number.iter().position(|byte| *byte == b'.')?;
    let behind = number[point + 1..].iter().rposition(|byte| *byte != b'0');
    Some(behind.map_or(point, |at| point + 1 + at))
}
