//! Cuts a script into statements, as psql does.

/// A statement with the data lines that follow it.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    pub statement: String,
    pub data: String,
}

/// The statements of a script.
pub fn pieces(script: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = script;
    while let Some(end) = statement_end(rest) {
        let (statement, after) = rest.split_at(end);
        rest = after.strip_prefix(';').unwrap_or(after);
        let text = without_leading_comments(statement);
        if text.is_empty() {
            continue;
        }
        let mut data = String::new();
        let upper = text.to_ascii_uppercase();
        if upper.starts_with("COPY") && upper.contains("FROM STDIN") {
            rest = rest.split_once('\n').map_or("", |(_, lines)| lines);
            while let Some((line, lines)) = rest.split_once('\n') {
                rest = lines;
                if line == "\\." {
                    break;
                }
                data.push_str(line);
                data.push('\n');
            }
        }
        pieces.push(Piece { statement: format!("{text};"), data });
    }
    pieces
}

fn without_leading_comments(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(comment) = text.strip_prefix("--") {
        text = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    text
}

/// Where the first statement ends: at its semicolon, or at the end of a text that has more than blanks.
fn statement_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut depth = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\'' | b'"' => {
                let quote = bytes[at];
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += 1;
                }
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            b';' if depth <= 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (!text.trim().is_empty()).then_some(text.len())
}
