//! One line of COPY's text format.

use memchr::{memchr, memchr2};

use super::fields::Fields;

/// Splits and unescapes a line. A field that reads `null` before unescaping is NULL.
pub fn read_text(line: &[u8], delimiter: u8, null: &[u8], fields: &mut Fields) {
    fields.clear();
    if memchr(b'\\', line).is_none() {
        // The common line: one copy, then only delimiters to find.
        fields.bytes.extend_from_slice(line);
        let mut start = 0;
        for at in memchr::memchr_iter(delimiter, line) {
            push_plain(fields, line, start, at, null);
            start = at + 1;
        }
        push_plain(fields, line, start, line.len(), null);
        return;
    }
    let mut rest = line;
    loop {
        let raw = raw_field_length(rest, delimiter);
        let (field, more) = rest.split_at(raw);
        if field == null {
            fields.spans.push(None);
        } else {
            let start = fields.bytes.len();
            unescape(field, &mut fields.bytes);
            fields.spans.push(Some((start, fields.bytes.len())));
        }
        match more.split_first() {
            Some((_, more)) => rest = more,
            None => return,
        }
    }
}

#[inline]
fn push_plain(fields: &mut Fields, line: &[u8], start: usize, end: usize, null: &[u8]) {
    let is_null = end - start == null.len() && &line[start..end] == null;
    fields.spans.push(if is_null { None } else { Some((start, end)) });
}

/// Bytes up to the next delimiter that no backslash hides.
fn raw_field_length(line: &[u8], delimiter: u8) -> usize {
    let mut at = 0;
    while let Some(found) = memchr2(delimiter, b'\\', &line[at..]) {
        at += found;
        if line[at] == delimiter {
            return at;
        }
        at = (at + 2).min(line.len());
    }
    line.len()
}

fn unescape(field: &[u8], output: &mut Vec<u8>) {
    let mut rest = field;
    while let Some(at) = memchr(b'\\', rest) {
        output.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((escaped, after)) = rest.split_first() else {
            output.push(b'\\');
            return;
        };
        rest = after;
        match escaped {
            b'b' => output.push(8),
            b'f' => output.push(12),
            b'n' => output.push(b'\n'),
            b'r' => output.push(b'\r'),
            b't' => output.push(b'\t'),
            b'v' => output.push(11),
            b'0'..=b'7' => {
                let mut value = u32::from(escaped - b'0');
                for _ in 0..2 {
                    match rest.split_first() {
                        Some((digit @ b'0'..=b'7', after)) => {
                            value = value * 8 + u32::from(digit - b'0');
                            rest = after;
                        }
                        _ => break,
                    }
                }
                output.push((value & 0xFF) as u8);
            }
            b'x' => {
                let mut value = None;
                for _ in 0..2 {
                    match rest
                        .split_first()
                        .and_then(|(digit, after)| Some(((*digit as char).to_digit(16)?, after)))
                    {
                        Some((digit, after)) => {
                            value = Some(value.unwrap_or(0) * 16 + digit);
                            rest = after;
                        }
                        None => break,
                    }
                }
                output.push(value.map_or(b'x', |value| value as u8));
            }
            other => output.push(*other),
        }
    }
    output.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<Option<String>> {
        let mut fields = Fields::default();
        read_text(line.as_bytes(), b'\t', b"\\N", &mut fields);
        (0..fields.len())
            .map(|index| fields.get(index).map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
            .collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_string())
    }

    #[test]
    fn fields_are_split_and_unescaped() {
        assert_eq!(read("1\t\\N\tx"), [some("1"), None, some("x")]);
        assert_eq!(read("a\\tb\t\\\\N\t"), [some("a\tb"), some("\\N"), some("")]);
        assert_eq!(read("\\x41\\101\\q\t\\\t"), [some("AAq"), some("\t")]);
        assert_eq!(read(""), [some("")]);
    }
}
