//! Bytes as text (base64, hex, escape) and texts in other character encodings.
//!
//! The server's encoding is UTF-8. LATIN1 and SQL_ASCII can be converted; other encodings that PostgreSQL knows are
//! refused by name.

use super::digest::hexadecimal;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn unknown_format(format: &str) -> Error {
    invalid(format!("unrecognized encoding: \"{format}\""))
}

fn encode(bytes: &[u8], format: &str) -> Result<String> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => Ok(hexadecimal(bytes)),
        "base64" => Ok(base64(bytes)),
        "escape" => Ok(escape(bytes)),
        _ => Err(unknown_format(format)),
    }
}

fn decode(text: &str, format: &str) -> Result<Vec<u8>> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => from_hexadecimal(text),
        "base64" => from_base64(text),
        "escape" => from_escape(text),
        _ => Err(unknown_format(format)),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lines of 76 characters, as MIME has them.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 57 + 4);
    let mut column = 0;
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |group, &byte| group << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit =
                if place <= chunk.len() { ALPHABET[(group >> (18 - 6 * place) & 63) as usize] } else { b'=' };
            text.push(char::from(digit));
        }
        column += 4;
        if column >= 76 {
            text.push('\n');
            column = 0;
        }
    }
    text
}

fn from_base64(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut place, mut end) = (0u32, 0, 0);
    for character in text.chars() {
        if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        let digit = if character == '=' {
            if end == 0 {
                end = match place {
                    2 => 1,
                    3 => 2,
                    _ => return Err(invalid("unexpected \"=\" while decoding base64 sequence")),
                };
            }
            0
        } else {
            ALPHABET.iter().position(|&candidate| u32::from(candidate) == u32::from(character)).ok_or_else(
                || invalid(format!("invalid symbol \"{character}\" found while decoding base64 sequence")),
            )? as u32
        };
        group = group << 6 | digit;
        place += 1;
        if place == 4 {
            let [_, first, second, third] = group.to_be_bytes();
            bytes.push(first);
            if end == 0 || end > 1 {
                bytes.push(second);
            }
            if end == 0 || end > 2 {
                bytes.push(third);
            }
            (group, place) = (0, 0);
        }
    }
    if place != 0 {
        return Err(invalid("invalid base64 end sequence")
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(bytes)
}

fn from_hexadecimal(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut digits = text.chars().filter(|character| !matches!(character, ' ' | '\n' | '\t' | '\r'));
    let value = |character: char| {
        character.to_digit(16).ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{character}\"")))
    };
    while let Some(first) = digits.next() {
        let high = value(first)?;
        let low = digits.next().ok_or_else(|| invalid("invalid hexadecimal data: odd number of digits"))?;
        bytes.push((high << 4 | value(low)?) as u8);
    }
    Ok(bytes)
}

/// Zero bytes and those above ASCII as octal, backslashes doubled, the rest as it is.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            0 | 128.. => text.push_str(&format!("\\{byte:03o}")),
            b'\\' => text.push_str("\\\\"),
            _ => text.push(char::from(byte)),
        }
    }
    text
}

fn from_escape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return Ok(bytes),
            [b'\\', b'\\', tail @ ..] => {
                bytes.push(b'\\');
                tail
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            [b'\\', ..] => {
                return Err(Error::new(
                    SqlState::InvalidTextRepresentation,
                    "invalid input syntax for type bytea",
                ));
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        };
    }
}

/// A character encoding; texts of the others can be converted where they are plain ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Latin1,
    SqlAscii,
    Other(i32),
}

impl Charset {
    fn name(self) -> &'static str {
        let number = match self {
            Charset::SqlAscii => 0,
            Charset::Utf8 => 6,
            Charset::Latin1 => 8,
            Charset::Other(number) => number,
        };
        usize::try_from(number).ok().and_then(|at| ENCODINGS.get(at).copied()).unwrap_or("")
    }

    fn unsupported(self) -> Error {
        Error::unsupported(format!(
            "conversion of text that is not ASCII from or to the encoding {}",
            self.name()
        ))
    }
}

/// PostgreSQL's encodings: number and name.
pub(in crate::functions) const ENCODINGS: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

/// The number of an encoding by any of its common names: case, `-` and `_` do not count.
pub(in crate::functions) fn encoding_number(name: &str) -> Option<i32> {
    let plain = |name: &str| {
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let plain_name = plain(name);
    let numbered = plain_name.strip_prefix("windows").map(|number| format!("win{number}"));
    let wanted = match numbered.as_deref().unwrap_or(&plain_name) {
        "unicode" => "utf8",
        "iso88591" => "latin1",
        "iso88592" => "latin2",
        "iso88593" => "latin3",
        "iso88594" => "latin4",
        "iso88599" => "latin5",
        "iso885910" => "latin6",
        "iso885913" => "latin7",
        "iso885914" => "latin8",
        "iso885915" => "latin9",
        "iso885916" => "latin10",
        "abc" | "tcvn" | "tcvn5712" | "vscii" => "win1258",
        "alt" => "win866",
        "koi8" => "koi8r",
        "mskanji" | "shiftjis" | "win932" => "sjis",
        "win" => "win1251",
        "win936" => "gbk",
        "win949" => "uhc",
        "win950" => "big5",
        other => other,
    };
    ENCODINGS.iter().position(|known| plain(known) == wanted).map(|at| at as i32)
}

fn charset(name: &str, role: &str) -> Result<Charset> {
    match encoding_number(name) {
        Some(0) => Ok(Charset::SqlAscii),
        Some(6) => Ok(Charset::Utf8),
        Some(8) => Ok(Charset::Latin1),
        Some(number) => Ok(Charset::Other(number)),
        None => Err(invalid(format!("invalid {role}encoding name \"{name}\""))),
    }
}

/// Bytes of `from` as text of the server.
fn to_text(bytes: &[u8], from: Charset) -> Result<String> {
    if bytes.contains(&0) {
        return Err(Error::new(
            SqlState::CharacterNotInRepertoire,
            format!("invalid byte sequence for encoding \"{}\": 0x00", from.name()),
        ));
    }
    match from {
        Charset::Latin1 => Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
        Charset::Other(_) if !bytes.is_ascii() => Err(from.unsupported()),
        Charset::Utf8 | Charset::SqlAscii | Charset::Other(_) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(invalid_bytes(bytes, error.valid_up_to())),
        },
    }
}

/// The error for bytes that are no UTF-8, showing the offending ones.
pub(in crate::functions) fn invalid_bytes(bytes: &[u8], at: usize) -> Error {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = match rest.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF7) => 4,
        _ => 1,
    };
    let shown: Vec<String> = rest.iter().take(length).map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        SqlState::CharacterNotInRepertoire,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

fn from_text(text: &str, to: Charset) -> Result<Vec<u8>> {
    match to {
        Charset::Other(_) if !text.is_ascii() => Err(to.unsupported()),
        Charset::Utf8 | Charset::SqlAscii | Charset::Other(_) => Ok(text.as_bytes().to_vec()),
        Charset::Latin1 => text
            .chars()
            .map(|character| {
                u8::try_from(u32::from(character)).map_err(|_| {
                    let mut buffer = [0; 4];
                    let bytes = character.encode_utf8(&mut buffer).as_bytes();
                    let shown: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
                    Error::new(
                        SqlState::UntranslatableCharacter,
                        format!(
                            "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                            shown.join(" ")
                        ),
                    )
                })
            })
            .collect(),
    }
}

fn convert(bytes: &[u8], from: &str, to: &str) -> Result<Vec<u8>> {
    let (from, to) = (charset(from, "source ")?, charset(to, "destination ")?);
    from_text(&to_text(bytes, from)?, to)
}

fn length_in(bytes: &[u8], encoding: &str) -> Result<i32> {
    Ok(super::basic::characters(&to_text(bytes, charset(encoding, "")?)?))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // encode(bytea,text)
    (1946, scalar!(encode, &[u8], &str)),
    // decode(text,text)
    (1947, scalar!(decode, &str, &str)),
    // convert_from(bytea,name)
    (1714, scalar!(|bytes: &[u8], from: &str| to_text(bytes, charset(from, "source ")?))),
    // convert_to(text,name)
    (1717, scalar!(|text: &str, to: &str| from_text(text, charset(to, "destination ")?))),
    // convert(bytea,name,name)
    (1813, scalar!(convert, &[u8], &str, &str)),
    // length(bytea,name)
    (1713, scalar!(length_in, &[u8], &str)),
    // pg_encoding_to_char(int4)
    (
        1597,
        scalar!(|number: i32| usize::try_from(number)
            .ok()
            .and_then(|at| ENCODINGS.get(at).copied())
            .unwrap_or("")),
    ),
    // pg_char_to_encoding(name)
    (1264, scalar!(|name: &str| encoding_number(name).unwrap_or(-1))),
    // getdatabaseencoding()
    (1039, scalar!(|| "UTF8")),
    // pg_client_encoding()
    (810, scalar!(|| "UTF8")),
];
