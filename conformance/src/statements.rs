//! A script's text as single statements, and what a server said to one of them.
//!
//! Quotes, dollar quotes and comments are understood; psql's own commands are lines that begin with a backslash.

use std::collections::HashMap;
use std::time::Duration;

use crate::Failure;
use crate::scripts::{Peer, field, shown};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One statement of a script, without its semicolon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it begins in its file, from 1.
    pub line: usize,
    pub text: String,
}

/// The statements of a script.
pub fn split(script: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < script.len() {
        let rest = &script[at..];
        let is_blank = script[start..at].trim().is_empty();
        at += if rest.starts_with('\\') && is_blank {
            let end = rest.find('\n').unwrap_or(rest.len());
            push(&mut statements, script, at, at + end);
            start = at + end;
            end
        } else if rest.starts_with(';') {
            push(&mut statements, script, start, at);
            start = at + 1;
            1
        } else {
            let length = token(rest);
            if rest.starts_with("--") && is_blank {
                start = at + length;
            }
            length
        };
    }
    push(&mut statements, script, start, script.len());
    statements
}

fn push(statements: &mut Vec<Statement>, script: &str, start: usize, end: usize) {
    let text = script[start..end].trim();
    if !text.is_empty() {
        let begin = end - script[start..end].trim_start().len();
        let line = script[..begin].matches('\n').count() + 1;
        statements.push(Statement { line, text: text.to_owned() });
    }
}

/// The length of what must stay together: a quoted text, a comment, or one character.
fn token(rest: &str) -> usize {
    let through = |from: usize, end: &str| {
        rest.get(from..).and_then(|tail| tail.find(end)).map_or(rest.len(), |place| from + place + end.len())
    };
    if rest.starts_with("--") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return through(2, "*/");
    }
    match rest.chars().next() {
        Some('\'') => through(1, "'"),
        Some('"') => through(1, "\""),
        Some('$') => {
            let name = rest[1..].find('$').map(|end| &rest[..end + 2]);
            let is_tag =
                |name: &&str| name.chars().all(|each| each == '$' || each == '_' || each.is_alphabetic());
            name.filter(is_tag).map_or(1, |name| through(name.len(), name))
        }
        Some(character) => character.len_utf8(),
        None => 1,
    }
}

/// A server that statements are sent to, and the files that psql's `\copy` would have written.
pub struct Answering {
    peer: Peer,
    files: HashMap<String, Vec<u8>>,
}

impl Answering {
    pub fn connect(port: u16, database: &str) -> Result<Answering, Failure> {
        let mut peer = Peer::connect_to(port, database)?;
        peer.wait_for(PATIENCE)?;
        Ok(Answering { peer, files: HashMap::new() })
    }

    /// Everything that a client is told of a statement: names and rows, tags, errors and notices in all that they say.
    pub fn answer(&mut self, text: &str) -> Result<String, Failure> {
        let Some(command) = text.strip_prefix("\\copy ") else {
            return self.run(text, &[]).map(|done| done.0);
        };
        let quoted: Vec<&str> = command.splitn(3, '\'').collect();
        let [before, file, after] = quoted[..] else { return Err(format!("not understood: {text}").into()) };
        if before.trim_end().to_lowercase().ends_with(" to") {
            let (said, data) = self.run(&format!("COPY {before} STDOUT {after}"), &[])?;
            let said = format!("{said}\n{} bytes, {data:02x?}", data.len());
            self.files.insert(file.to_owned(), data);
            return Ok(said);
        }
        let data = self.files.get(file).cloned().unwrap_or_default();
        Ok(self.run(&format!("COPY {before} STDIN {after}"), &data)?.0)
    }

    /// Prepares a statement; gives the types of its parameters and what its rows are.
    pub fn describe(&mut self, text: &str) -> Result<String, Failure> {
        self.peer.send_bytes(b'P', &[b"\0", text.as_bytes(), b"\0\0\0"].concat())?;
        self.peer.send_bytes(b'D', b"S\0")?;
        self.peer.send_bytes(b'S', &[])?;
        Ok(self.hear(text, &[])?.0)
    }

    /// Runs a statement; gives what was said and the data that a COPY gave.
    fn run(&mut self, text: &str, data: &[u8]) -> Result<(String, Vec<u8>), Failure> {
        self.peer.send_bytes(b'Q', &[text.as_bytes(), b"\0"].concat())?;
        self.hear(text, data)
    }

    /// Everything up to the server's being ready again; a COPY that asks for data is given it.
    fn hear(&mut self, text: &str, data: &[u8]) -> Result<(String, Vec<u8>), Failure> {
        let (mut said, mut copied) = (Vec::new(), Vec::new());
        loop {
            let (kind, body) = self.peer.receive_bytes().map_err(|error| format!("{text}: {error}"))?;
            match kind {
                b'Z' => return Ok((said.join("\n"), copied)),
                b'S' | b'K' | b'A' => {}
                b'd' => copied.extend_from_slice(&body),
                b'G' => {
                    self.peer.send_bytes(b'd', data)?;
                    self.peer.send_bytes(b'c', &[])?;
                }
                b'E' | b'N' => said.push(report(&body)),
                b'T' => {
                    // The types of an extension have other numbers on every server.
                    let columns = shown(kind, &body)?;
                    let names: Vec<&str> = columns
                        .split(' ')
                        .map(|each| each.rsplit_once(':').map_or(each, |(name, _)| name))
                        .collect();
                    said.push(names.join(" "));
                }
                _ => said.push(shown(kind, &body)?),
            }
        }
    }
}

fn report(body: &[u8]) -> String {
    let parts = [(b'S', ""), (b'C', ""), (b'M', ""), (b'D', "DETAIL: "), (b'H', "HINT: "), (b'P', "at ")];
    let texts = parts.map(|(code, before)| (before, field(body, code)));
    let said: Vec<String> = texts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(before, text)| format!("{before}{text}"))
        .collect();
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_falls_apart_at_its_semicolons_alone() {
        let script = "-- one; two\nSELECT 'a;b' -- c;\n, \"d;\";\n\\copy t TO 'f;g'\nSELECT $x$;$x$ /* ; */;;\n\nSELECT 3";
        let found: Vec<(usize, String)> =
            split(script).into_iter().map(|each| (each.line, each.text)).collect();
        let expected = [
            (2, "SELECT 'a;b' -- c;\n, \"d;\""),
            (4, "\\copy t TO 'f;g'"),
            (5, "SELECT $x$;$x$ /* ; */"),
            (7, "SELECT 3"),
        ];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    }
}
