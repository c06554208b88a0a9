//! Wire behaviour as message scripts: what a client sends, message by message, and what must come back.
//!
//! A script (`wire/*.script`) is a list of lines:
//! - `# comment`, and `== name`, which begins a fresh connection (started up and ready);
//! - `> Kind fields…` sends one message: `Query text`, `Parse name text [oid…]`, `Bind portal statement [value…]`
//!   (text parameters, `NULL` for null), `Describe S|P name`, `Execute portal rows`, `Close S|P name`, `Sync`, `Flush`,
//!   `CopyData text`, `CopyDone`, `CopyFail text`, `Terminate`, `Raw hex`; `''` is an empty name; `\n` and `\t` work;
//! - `2> Kind fields…` and `2< Kind fields…` are the same on a second connection, made when it is first named;
//! - `< Kind fields…` is one expected message: `ParseComplete`, `RowDescription a:23 b:25`, `DataRow x|y`,
//!   `CommandComplete TAG`, `Error SQLSTATE`, `Ready I`, `Closed` (the server hung up) and so on; `{any}` in it stands for any text.
//!
//! Notices and ParameterStatus are not listed unless a script asks for `Notice SQLSTATE`. The same scripts run on
//! PostgreSQL: `strata-conformance scripts oracle=PORT` runs them there, except those that begin `# Strata's own:`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

/// How a script begins that PostgreSQL cannot answer.
const OWN: &str = "# Strata's own:";

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let oracle = context.number("oracle", 0);
    if oracle != 0 {
        return play_all(&context.files, u16::try_from(oracle)?, true);
    }
    let folder = Folder::new("scripts")?;
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let outcome = play_all(&context.files, server.port, false)?;
    server.stop()?;
    Ok(outcome)
}

fn play_all(files: &Path, port: u16, oracle: bool) -> Result<Outcome, Failure> {
    let (mut sections, mut failures) = (0, Vec::new());
    let folder = files.join("wire");
    let mut scripts: Vec<_> =
        std::fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "script"));
    scripts.sort();
    for script in scripts {
        let text = std::fs::read_to_string(&script)?;
        if oracle && text.starts_with(OWN) {
            continue;
        }
        for section in text.split("\n== ").skip(1) {
            sections += 1;
            let name = section.lines().next().unwrap_or_default();
            if let Err(error) = play(section, port) {
                let file = script.file_name().unwrap_or_default().to_string_lossy().into_owned();
                failures.push(format!("  {file}, {name}: {error}"));
            }
        }
    }
    if failures.is_empty() {
        return Ok(Outcome::Passed(format!("{sections} conversations")));
    }
    Ok(Outcome::Failed(format!(
        "{} of {sections} conversations differ:\n{}",
        failures.len(),
        failures.join("\n")
    )))
}

fn play(section: &str, port: u16) -> Result<(), Failure> {
    let mut first = Peer::connect(port)?;
    let mut second = None;
    for line in section.lines().skip(1) {
        let line = line.trim_end();
        let (peer, line) = match line.strip_prefix('2') {
            Some(rest) => {
                if second.is_none() {
                    second = Some(Peer::connect(port)?);
                }
                (second.as_mut().unwrap_or(&mut first), rest)
            }
            None => (&mut first, line),
        };
        if let Some(message) = line.strip_prefix("> ") {
            peer.send(message)?;
        } else if let Some(expected) = line.strip_prefix("< ") {
            let got = peer.receive(expected.starts_with("Notice"))?;
            let got = got.trim_end();
            if !fits(got, expected) {
                return Err(format!("expected {expected:?}, got {got:?}").into());
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            return Err(format!("not a line of a script: {line}").into());
        }
    }
    Ok(())
}

/// Whether a message is what a script expects: `{any}` stands for any text.
fn fits(got: &str, expected: &str) -> bool {
    let Some((before, mut rest)) = expected.split_once("{any}") else { return got == expected };
    let Some(mut got) = got.strip_prefix(before) else { return false };
    while let Some((between, after)) = rest.split_once("{any}") {
        let Some(place) = got.find(between) else { return false };
        got = &got[place + between.len()..];
        rest = after;
    }
    got.ends_with(rest)
}

/// A connection that speaks in the scripts' words.
pub struct Peer {
    stream: TcpStream,
}

impl Peer {
    pub fn connect(port: u16) -> Result<Peer, Failure> {
        Peer::connect_to(port, "postgres")
    }

    pub fn connect_to(port: u16, database: &str) -> Result<Peer, Failure> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut body = vec![0, 3, 0, 0];
        body.extend_from_slice(b"user\0postgres\0database\0");
        body.extend_from_slice(database.as_bytes());
        body.extend_from_slice(b"\0\0");
        stream.write_all(&(body.len() as u32 + 4).to_be_bytes())?;
        stream.write_all(&body)?;
        let mut peer = Peer { stream };
        loop {
            match peer.receive(false)?.as_str() {
                "Ready I" => return Ok(peer),
                other if other.starts_with("Error") => return Err(other.to_owned().into()),
                _ => {}
            }
        }
    }

    pub fn send(&mut self, message: &str) -> Result<(), Failure> {
        let (kind, rest) = message.split_once(' ').unwrap_or((message, ""));
        let bytes = match kind {
            "Query" => framed(b'Q', &[text(rest).as_bytes(), b"\0"]),
            "Parse" => parse(rest)?,
            "Bind" => bind(rest)?,
            "Describe" => named(b'D', rest)?,
            "Close" => named(b'C', rest)?,
            "Execute" => {
                let (portal, rows) = rest.rsplit_once(' ').ok_or("Execute portal rows")?;
                framed(b'E', &[name(portal).as_bytes(), b"\0", &rows.parse::<i32>()?.to_be_bytes()])
            }
            "Sync" => framed(b'S', &[]),
            "Flush" => framed(b'H', &[]),
            "CopyData" => framed(b'd', &[text(rest).as_bytes()]),
            "CopyDone" => framed(b'c', &[]),
            "CopyFail" => framed(b'f', &[text(rest).as_bytes(), b"\0"]),
            "Terminate" => framed(b'X', &[]),
            "Raw" => hex(rest)?,
            other => return Err(format!("no message {other}").into()),
        };
        Ok(self.stream.write_all(&bytes)?)
    }

    /// How long an answer may take.
    pub fn wait_for(&mut self, longest: Duration) -> Result<(), Failure> {
        Ok(self.stream.set_read_timeout(Some(longest))?)
    }

    /// Sends a message as it is.
    pub fn send_bytes(&mut self, kind: u8, body: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(&framed(kind, &[body]))?)
    }

    /// The next message as it came.
    pub fn receive_bytes(&mut self) -> Result<(u8, Vec<u8>), std::io::Error> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
        self.stream.read_exact(&mut body)?;
        Ok((kind, body))
    }

    /// The next message in the scripts' words.
    pub fn receive(&mut self, want_notice: bool) -> Result<String, Failure> {
        loop {
            let (kind, body) = match self.receive_bytes() {
                Ok(message) => message,
                Err(error) => {
                    return match error.kind() {
                        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => {
                            Ok("Closed".to_owned())
                        }
                        std::io::ErrorKind::WouldBlock => Ok("(nothing)".to_owned()),
                        _ => Err(error.into()),
                    };
                }
            };
            if matches!(kind, b'S' | b'K') || (kind == b'N' && !want_notice) {
                continue;
            }
            return shown(kind, &body);
        }
    }
}

fn framed(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut message = vec![kind];
    message.extend_from_slice(&(length as u32 + 4).to_be_bytes());
    for part in parts {
        message.extend_from_slice(part);
    }
    message
}

fn text(escaped: &str) -> String {
    escaped.replace("\\n", "\n").replace("\\t", "\t")
}

fn name(word: &str) -> &str {
    if word == "''" { "" } else { word }
}

fn named(kind: u8, rest: &str) -> Result<Vec<u8>, Failure> {
    let (target, word) = rest.split_once(' ').ok_or("a target and a name")?;
    Ok(framed(kind, &[target.as_bytes(), name(word).as_bytes(), b"\0"]))
}

/// `name text [:: oid…]`
fn parse(rest: &str) -> Result<Vec<u8>, Failure> {
    // A statement may be empty; the trailing blank before it is then gone.
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (statement, oids) = rest.split_once(" :: ").unwrap_or((rest, ""));
    let oids: Vec<u32> = oids.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let mut tail = (oids.len() as u16).to_be_bytes().to_vec();
    oids.iter().for_each(|oid| tail.extend_from_slice(&oid.to_be_bytes()));
    Ok(framed(b'P', &[name(word).as_bytes(), b"\0", text(statement).as_bytes(), b"\0", &tail]))
}

/// `portal statement [value…]`, all text.
fn bind(rest: &str) -> Result<Vec<u8>, Failure> {
    let mut words = rest.split(' ');
    let portal = name(words.next().ok_or("Bind portal statement")?);
    let statement = name(words.next().ok_or("Bind portal statement")?);
    let values: Vec<&str> = words.collect();
    let mut tail = 0_u16.to_be_bytes().to_vec();
    tail.extend_from_slice(&(values.len() as u16).to_be_bytes());
    for value in values {
        if value == "NULL" {
            tail.extend_from_slice(&(-1_i32).to_be_bytes());
        } else {
            tail.extend_from_slice(&(value.len() as u32).to_be_bytes());
            tail.extend_from_slice(value.as_bytes());
        }
    }
    tail.extend_from_slice(&0_u16.to_be_bytes());
    Ok(framed(b'B', &[portal.as_bytes(), b"\0", statement.as_bytes(), b"\0", &tail]))
}

fn hex(text: &str) -> Result<Vec<u8>, Failure> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(digits.get(at..at + 2).ok_or("odd hex")?, 16)?))
        .collect()
}

/// A message in the scripts' words.
pub fn shown(kind: u8, body: &[u8]) -> Result<String, Failure> {
    let string = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
    };
    Ok(match kind {
        b'1' => "ParseComplete".into(),
        b'2' => "BindComplete".into(),
        b'3' => "CloseComplete".into(),
        b'n' => "NoData".into(),
        b's' => "PortalSuspended".into(),
        b'I' => "EmptyQuery".into(),
        b'c' => "CopyDone".into(),
        b'A' => {
            let mut texts = body.get(4..).unwrap_or_default().split(|byte| *byte == 0);
            let mut next = || texts.next().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            format!("Notification {} {}", next(), next()).trim_end().to_owned()
        }
        b'C' => format!("CommandComplete {}", string(body)),
        b'Z' => format!("Ready {}", string(body)),
        b'E' => format!("Error {}", field(body, b'C')),
        b'N' => format!("Notice {}", field(body, b'C')),
        b'G' => format!("CopyIn {}", copy(body)),
        b'H' => format!("CopyOut {}", copy(body)),
        b'd' => {
            format!("CopyData {}", String::from_utf8_lossy(body).replace('\n', "\\n").replace('\t', "\\t"))
        }
        b't' => {
            let oids: Vec<_> = body.get(2..).unwrap_or_default().chunks_exact(4).map(oid).collect();
            format!("ParameterDescription {}", oids.join(" ")).trim_end().to_owned()
        }
        b'T' => format!("RowDescription {}", columns(body)),
        b'D' => format!("DataRow {}", values(body)),
        b'R' => "Authentication".into(),
        other => format!("message {}", char::from(other)),
    })
}

fn oid(bytes: &[u8]) -> String {
    bytes.iter().fold(0_u32, |oid, byte| oid << 8 | u32::from(*byte)).to_string()
}

fn copy(body: &[u8]) -> String {
    let overall = body.first().copied().unwrap_or(9);
    format!("{overall} {}", body.get(1..3).map(oid).unwrap_or_default())
}

/// A field of an error or a notice; empty if it has none.
pub fn field(body: &[u8], wanted: u8) -> String {
    let mut fields = body.split(|byte| *byte == 0);
    fields
        .find_map(|field| field.split_first().filter(|(code, _)| **code == wanted))
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .unwrap_or_default()
}

fn columns(body: &[u8]) -> String {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut columns = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let fixed = rest.get(end + 1..end + 19).unwrap_or_default();
        columns.push(format!("{name}:{}", fixed.get(6..10).map(oid).unwrap_or_default()));
        rest = rest.get(end + 19..).unwrap_or_default();
    }
    columns.join(" ")
}

fn values(body: &[u8]) -> String {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut values = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => {
                values.push(String::from_utf8_lossy(tail.get(..length).unwrap_or_default()).into_owned());
                rest = tail.get(length..).unwrap_or_default();
            }
            Err(_) => {
                values.push("NULL".to_owned());
                rest = tail;
            }
        }
    }
    values.join("|")
}
