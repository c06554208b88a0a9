//! One line of COPY's CSV format.

use super::fields::Fields;
use super::options::CopyOptions;

/// Splits and unquotes a line. An unquoted field that reads as the null string is NULL; so is a quoted one where
/// `force_null` holds for its position; none where `force_not_null` does.
pub fn read_csv(
    line: &[u8],
    options: &CopyOptions,
    force_null: &[bool],
    force_not_null: &[bool],
    fields: &mut Fields,
) {
    fields.clear();
    let mut at = 0;
    loop {
        let start = fields.bytes.len();
        let (next, quoted) = read_field(line, at, options, &mut fields.bytes);
        let position = fields.spans.len();
        let is_null_text = fields.bytes.get(start..) == Some(options.null.as_bytes());
        let forced = force_null.get(position).copied().unwrap_or(false);
        let kept = force_not_null.get(position).copied().unwrap_or(false);
        let null = is_null_text && if quoted { forced } else { !kept };
        fields.spans.push(if null { None } else { Some((start, fields.bytes.len())) });
        match next {
            Some(next) => at = next,
            None => return,
        }
    }
}

/// Reads one field; gives where the next one starts (`None` at the end of the line) and whether a quote was met.
fn read_field(
    line: &[u8],
    mut at: usize,
    options: &CopyOptions,
    output: &mut Vec<u8>,
) -> (Option<usize>, bool) {
    let (quote, escape) = (options.quote, options.escape);
    let mut quoted = false;
    let mut inside = false;
    while let Some(byte) = line.get(at).copied() {
        at += 1;
        if inside {
            let next = line.get(at).copied();
            if byte == escape && (next == Some(quote) || next == Some(escape)) {
                output.extend(next);
                at += 1;
            } else if byte == quote {
                inside = false;
            } else {
                output.push(byte);
            }
        } else if byte == options.delimiter {
            return (Some(at), quoted);
        } else if byte == quote {
            quoted = true;
            inside = true;
        } else {
            output.push(byte);
        }
    }
    (None, quoted)
}

#[cfg(test)]
mod tests {
    use super::super::options::{Argument, CopyOptions};
    use super::*;

    fn read(line: &str, escape: &str) -> Vec<Option<String>> {
        let items = [
            ("format".to_string(), Argument::Text("csv".to_string())),
            ("escape".to_string(), Argument::Text(escape.to_string())),
        ];
        let options = CopyOptions::new(&items, true).unwrap();
        let mut fields = Fields::default();
        read_csv(line.as_bytes(), &options, &[], &[], &mut fields);
        (0..fields.len())
            .map(|index| fields.get(index).map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
            .collect()
    }

    #[test]
    fn quotes_and_nulls() {
        let some = |text: &str| Some(text.to_string());
        assert_eq!(read("1,,\"\",\"a\"\"b\",c", "\""), [some("1"), None, some(""), some("a\"b"), some("c")]);
        assert_eq!(read("\"a\\\"b\"", "\\"), [some("a\"b")]);
        assert_eq!(read("\"a\nb\",", "\""), [some("a\nb"), None]);
    }
}
