//! Text of vectors: `[1,2,3]`, blanks allowed between the parts, numbers as the C library's strtof reads them.

use engine::Value;

use super::{Element, MOST_DIMENSIONS, check_expected};
use crate::error::{Error, Result, SqlState};
use crate::types::float::append_float4;

/// Appends the text of a stored vector.
pub fn append_text(element: Element, stored: &[u8], out: &mut Vec<u8>) {
    out.push(b'[');
    for (number, value) in element.read(stored).into_iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        // The shortest digits, whatever extra_float_digits says.
        append_float4(value, 1, out);
    }
    out.push(b']');
}

/// The value of a text.
pub fn input(element: Element, typmod: i32, text: &str) -> Result<Value> {
    let values = parse(element, text)?;
    check_expected(typmod, values.len())?;
    Ok(Value::from(element.write(&values)))
}

fn invalid(element: Element, text: &str) -> Error {
    let message = format!("invalid input syntax for type {}: \"{text}\"", element.type_name());
    Error::new(SqlState::InvalidTextRepresentation, message)
}

/// The elements of a text, each in the range of its type.
fn parse(element: Element, text: &str) -> Result<Vec<f32>> {
    let Some(mut rest) = blanks(text).strip_prefix('[') else {
        return Err(invalid(element, text).detail("Vector contents must start with \"[\"."));
    };
    rest = blanks(rest);
    if rest.starts_with(']') {
        element.check_dimensions(0)?;
    }
    let mut values = Vec::with_capacity(rest.len() / 8);
    loop {
        if values.len() == MOST_DIMENSIONS {
            element.check_dimensions(MOST_DIMENSIONS + 1)?;
        }
        rest = blanks(rest);
        let Some((value, length)) = number(rest) else { return Err(invalid(element, text)) };
        let (token, behind) = rest.split_at(length);
        let spelled = token.ends_with(['y', 'Y', 'f', 'F']);
        if element.overflows(value) && !spelled {
            return Err(element.out_of_range(token));
        }
        element.check_element(value)?;
        values.push(value);
        rest = blanks(behind);
        if let Some(behind) = rest.strip_prefix(',') {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix(']') {
            rest = behind;
            break;
        } else {
            return Err(invalid(element, text));
        }
    }
    if !blanks(rest).is_empty() {
        return Err(invalid(element, text).detail("Junk after closing right brace."));
    }
    Ok(values)
}

pub(super) fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// The longest number at the beginning of a text, and how many bytes it takes.
pub(super) fn number(text: &str) -> Option<(f32, usize)> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let unsigned = bytes.get(sign..)?;
    if let [b'0', b'x' | b'X', hexadecimal @ ..] = unsigned
        && let Some((magnitude, length)) = hexadecimal_number(hexadecimal)
    {
        let value = if bytes.first() == Some(&b'-') { -magnitude } else { magnitude };
        return Some((value, sign + 2 + length));
    }
    let digits = |from: usize| -> usize {
        unsigned.get(from..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
    };
    let whole = digits(0);
    let mut length = whole;
    let mut fraction = 0;
    if unsigned.get(length) == Some(&b'.') {
        fraction = digits(length + 1);
        length += 1 + fraction;
    }
    if whole + fraction == 0 {
        length = ["infinity", "inf", "nan"].into_iter().map(str::as_bytes).find_map(|word| {
            let start = unsigned.get(..word.len())?;
            start.eq_ignore_ascii_case(word).then_some(word.len())
        })?;
    } else if matches!(unsigned.get(length), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(unsigned.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + signed);
        if exponent > 0 {
            length += 1 + signed + exponent;
        }
    }
    let length = sign + length;
    Some((text.get(..length)?.parse().ok()?, length))
}

/// Hexadecimal digits with an optional point and binary exponent, after their 0x.
fn hexadecimal_number(bytes: &[u8]) -> Option<(f32, usize)> {
    let (mut value, mut length, mut digits, mut scale) = (0.0_f64, 0, 0, 0_i32);
    let mut behind_point = false;
    while let Some(byte) = bytes.get(length) {
        if let Some(digit) = char::from(*byte).to_digit(16) {
            value = value * 16.0 + f64::from(digit);
            digits += 1;
            scale -= if behind_point { 4 } else { 0 };
        } else if *byte == b'.' && !behind_point {
            behind_point = true;
        } else {
            break;
        }
        length += 1;
    }
    if digits == 0 {
        return None;
    }
    if let Some([b'p' | b'P', rest @ ..]) = bytes.get(length..) {
        let signed = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
        let count =
            rest.get(signed..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
        let text = std::str::from_utf8(rest.get(..signed + count)?).ok()?;
        if count > 0 {
            scale = scale.saturating_add(text.parse().unwrap_or(if text.starts_with('-') {
                -9999
            } else {
                9999
            }));
            length += 1 + signed + count;
        }
    }
    Some(((value * 2.0_f64.powi(scale)) as f32, length))
}
