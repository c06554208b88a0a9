//! COPY's three formats, written.

use super::options::CopyOptions;

/// Appends a text-format field, escaped.
pub fn write_text_field(field: &[u8], delimiter: u8, output: &mut Vec<u8>) {
    let mut start = 0;
    for (at, byte) in field.iter().enumerate() {
        let escaped = match byte {
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            b'\\' => b'\\',
            other if *other == delimiter => *other,
            _ => continue,
        };
        output.extend_from_slice(&field[start..at]);
        output.extend_from_slice(&[b'\\', escaped]);
        start = at + 1;
    }
    output.extend_from_slice(&field[start..]);
}

/// Appends a CSV field. `forced`: FORCE_QUOTE covers it; `only`: the row has no other column.
pub fn write_csv_field(field: &[u8], options: &CopyOptions, forced: bool, only: bool, output: &mut Vec<u8>) {
    let (quote, escape) = (options.quote, options.escape);
    let special = |byte: &u8| *byte == options.delimiter || *byte == quote || matches!(*byte, b'\n' | b'\r');
    let quoted =
        forced || field == options.null.as_bytes() || (only && field == b"\\.") || field.iter().any(special);
    if !quoted {
        output.extend_from_slice(field);
        return;
    }
    output.push(quote);
    for byte in field {
        if *byte == quote || *byte == escape {
            output.push(escape);
        }
        output.push(*byte);
    }
    output.push(quote);
}

/// Frames binary rows.
pub struct BinaryWriter;

impl BinaryWriter {
    /// The file header.
    pub fn header(output: &mut Vec<u8>) {
        output.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        output.extend_from_slice(&[0; 8]);
    }

    /// The file trailer.
    pub fn trailer(output: &mut Vec<u8>) {
        output.extend_from_slice(&(-1i16).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Argument;
    use super::*;

    #[test]
    fn text_fields_are_escaped() {
        let mut output = Vec::new();
        write_text_field(b"a\tb\\\n|", b'|', &mut output);
        assert_eq!(output, b"a\\tb\\\\\\n\\|");
    }

    #[test]
    fn csv_fields_are_quoted_where_needed() {
        let items = [("format".to_string(), Argument::Text("csv".to_string()))];
        let options = CopyOptions::new(&items, false).unwrap();
        let write = |field: &str| {
            let mut output = Vec::new();
            write_csv_field(field.as_bytes(), &options, false, false, &mut output);
            String::from_utf8(output).unwrap()
        };
        assert_eq!(write("plain"), "plain");
        assert_eq!(write(""), "\"\"");
        assert_eq!(write("a,\"b"), "\"a,\"\"b\"");
    }
}
