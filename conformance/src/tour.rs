//! The tour of the README: every line of it is run, and says what the README says.
//!
//! The tour is the code blocks of the section whose heading ends in "tour". In them:
//! - `postgres=# statement` (continued on lines that begin with blanks) runs on the connection at hand; the lines after
//!   it, up to the next prompt, are what psql shows: a header, dashes and rows, or rows alone, or `ERROR:  message`.
//!   Nothing shown, nothing compared. Row counts and command tags may be left out.
//! - `$ psql …` begins a fresh connection; `$ strata …` runs the server's program: `serve` in the background, anything
//!   else to its end, whose output is compared with all figures left out.
//! - `# comment` says something to the reader.
//!
//! What differs from run to run (moments, digests and other long figures) is read with the first output that has it,
//! and from then on stands for what was seen there: in later statements, arguments and outputs. Addresses and folders
//! of the README stand for those of this run.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

/// The port that the README's server listens on unless it says another.
const PORT: u16 = 5432;

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let readme = context.files.join("../README.md");
    let text = std::fs::read_to_string(&readme).map_err(|error| format!("{}: {error}", readme.display()))?;
    let steps = steps(&text);
    if steps.is_empty() {
        return Ok(Outcome::Failed("the README has no tour".into()));
    }
    let folder = Folder::new("tour")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut tour =
        Tour { context, folder: folder.path(), servers: HashMap::new(), client: None, seen: HashMap::new() };
    tour.serve(PORT, &folder.path().join("strata-data"))?;
    for (line, step) in &steps {
        runtime.block_on(tour.take(step)).map_err(|error| format!("README, line {line}: {error}"))?;
    }
    tour.client = None;
    for (_, server) in tour.servers {
        server.stop()?;
    }
    Ok(Outcome::Passed(format!("{} lines of the README", steps.len())))
}

/// One command of the tour and what is shown after it.
#[derive(Debug, PartialEq)]
enum Step {
    Statement { text: String, shown: Vec<String> },
    Connect { port: u16 },
    Program { arguments: Vec<String>, shown: Vec<String> },
}

/// The steps of the tour with the line that each begins on.
fn steps(readme: &str) -> Vec<(usize, Step)> {
    let mut steps: Vec<(usize, Step)> = Vec::new();
    let (mut in_tour, mut in_block, mut continues) = (false, false, false);
    for (number, line) in readme.lines().enumerate() {
        if line.starts_with("## ") {
            in_tour = line.ends_with("tour");
        } else if line.starts_with("```") {
            in_block = !in_block;
            continues = false;
        } else if in_tour && in_block {
            if let Some(text) = line.strip_prefix("postgres=# ") {
                steps.push((number + 1, Step::Statement { text: text.to_owned(), shown: Vec::new() }));
                continues = !text.trim_end().ends_with(';');
            } else if let Some(command) = line.strip_prefix("$ ") {
                steps.extend(command_of(command).map(|step| (number + 1, step)));
            } else if let Some((_, step)) = steps.last_mut().filter(|_| !line.starts_with("# ")) {
                match step {
                    Step::Statement { text, .. } if continues => {
                        text.push('\n');
                        text.push_str(line);
                        continues = !line.trim_end().ends_with(';');
                    }
                    Step::Statement { shown, .. } | Step::Program { shown, .. } => {
                        if !line.trim().is_empty() && !is_count(line) {
                            shown.push(line.to_owned());
                        }
                    }
                    Step::Connect { .. } => {}
                }
            }
        }
    }
    steps
}

/// What psql says under the rows.
fn is_count(line: &str) -> bool {
    line.starts_with('(') && (line.ends_with(" rows)") || line.ends_with(" row)"))
}

fn command_of(command: &str) -> Option<Step> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let after = |option: &str| {
        let place = words.iter().position(|word| *word == option)?;
        words.get(place + 1).copied()
    };
    match words.split_first() {
        Some((&"psql", _)) => {
            Some(Step::Connect { port: after("-p").and_then(|port| port.parse().ok()).unwrap_or(PORT) })
        }
        Some((&"strata", rest)) => {
            // A quoted moment is one argument.
            let mut arguments: Vec<String> = Vec::new();
            let mut open = false;
            for word in rest {
                match arguments.last_mut() {
                    Some(last) if open => {
                        last.push(' ');
                        last.push_str(word);
                    }
                    _ => arguments.push((*word).to_owned()),
                }
                open ^= word.matches('\'').count() % 2 == 1;
            }
            for argument in &mut arguments {
                argument.retain(|letter| letter != '\'');
            }
            Some(Step::Program { arguments, shown: Vec::new() })
        }
        _ => None,
    }
}

/// The tour under way.
struct Tour<'a> {
    context: &'a Context,
    folder: &'a Path,
    /// By the port that the README names.
    servers: HashMap<u16, Server>,
    client: Option<Client>,
    /// What stood in the README, and what was seen in its place.
    seen: HashMap<String, String>,
}

impl Tour<'_> {
    fn serve(&mut self, port: u16, data: &Path) -> Result<(), Failure> {
        let server = Server::start(&self.context.binary, data)?;
        self.servers.insert(port, server);
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Connect { port } => {
                let server = self.servers.get(port).ok_or_else(|| format!("nothing serves port {port}"))?;
                let (client, connection) =
                    tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
                tokio::spawn(connection);
                self.client = Some(client);
                Ok(())
            }
            Step::Program { arguments, shown } => self.run(arguments, shown),
            Step::Statement { text, shown } => {
                let found = self.query(&self.filled(text)).await?;
                self.compare(shown, &found)
            }
        }
    }

    fn run(&mut self, arguments: &[String], shown: &[String]) -> Result<(), Failure> {
        let option = |name: &str| {
            let place = arguments.iter().position(|word| word == name)?;
            arguments.get(place + 1)
        };
        if arguments.first().is_some_and(|word| word == "serve") {
            let data = option("--data-dir").ok_or("serve in the tour names its --data-dir")?;
            let port = option("--listen").and_then(|address| address.rsplit(':').next()?.parse().ok());
            return self.serve(port.ok_or("serve in the tour names its port")?, &self.folder.join(data));
        }
        let mut given: Vec<String> = arguments.iter().map(|word| self.filled(word)).collect();
        if arguments.first().is_some_and(|word| word == "backup") {
            let server = self.servers.get(&PORT).ok_or("nothing serves")?;
            given.extend(["--server".to_owned(), format!("127.0.0.1:{}", server.port)]);
        }
        let output = Command::new(&self.context.binary).args(&given).current_dir(self.folder).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(format!("{given:?}: {said}{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let plain = |line: &str| line.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
        let (wanted, found): (Vec<_>, Vec<_>) =
            (shown.iter().map(|line| plain(line)).collect(), said.lines().map(plain).collect());
        let base = plain(&self.folder.display().to_string());
        let found: Vec<String> = found.iter().map(|line| line.replace(&format!("{base}/"), "")).collect();
        if wanted.is_empty() || wanted == found {
            Ok(())
        } else {
            Err(format!("{given:?} says\n{said}").into())
        }
    }

    /// Runs a statement: rows of cells, the header first; an error is a row of its own.
    async fn query(&self, statement: &str) -> Result<Vec<Vec<String>>, Failure> {
        let client = self.client.as_ref().ok_or("the tour begins with psql")?;
        let messages = match client.simple_query(statement).await {
            Ok(messages) => messages,
            Err(error) => {
                let Some(error) = error.as_db_error() else { return Err(error.into()) };
                return Ok(vec![vec![format!("{}:  {}", error.severity(), error.message())]]);
            }
        };
        let mut rows = Vec::new();
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    rows.push(columns.iter().map(|column| column.name().to_owned()).collect());
                }
                SimpleQueryMessage::Row(row) => {
                    let cells = (0..row.len()).map(|cell| row.get(cell).unwrap_or_default().to_owned());
                    rows.push(cells.collect());
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    fn compare(&mut self, shown: &[String], found: &[Vec<String>]) -> Result<(), Failure> {
        let is_error = |rows: &[Vec<String>]| matches!(rows, [row] if row.first().is_some_and(|cell| cell.starts_with("ERROR:")));
        let wanted: Vec<Vec<String>> = shown
            .iter()
            .filter(|line| !is_rule(line))
            .map(|line| match line.starts_with("ERROR:") {
                true => vec![line.clone()],
                false => line.split('|').map(|cell| cell.trim().to_owned()).collect(),
            })
            .collect();
        if is_error(found) != is_error(&wanted) {
            return Err(format!("{found:?}").into());
        }
        if wanted.is_empty() {
            return Ok(());
        }
        // Without its header where the README leaves that out.
        let found = match found.split_first() {
            Some((_, rows)) if wanted.len() == rows.len() => rows,
            _ => found,
        };
        let agrees = wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| {
                wanted.len() == found.len()
                    && wanted.iter().zip(found).all(|(wanted, found)| self.agrees(wanted, found.trim()))
            });
        if agrees { Ok(()) } else { Err(format!("expected {wanted:?}, found {found:?}").into()) }
    }

    /// Whether a cell is as the README says, but for what differs from run to run.
    fn agrees(&mut self, wanted: &str, found: &str) -> bool {
        let (wanted, found) = (pieces(wanted), pieces(found));
        wanted.len() == found.len()
            && wanted.iter().zip(&found).all(|(wanted, found)| match (wanted, found) {
                (Piece::Text(wanted), Piece::Text(found)) => wanted == found,
                (Piece::Passing(wanted), Piece::Passing(found)) => {
                    let known = self.seen.entry((*wanted).to_owned()).or_insert_with(|| (*found).to_owned());
                    known == found
                }
                _ => false,
            })
    }

    /// The text with what was seen in the place of what the README shows.
    fn filled(&self, text: &str) -> String {
        let filled = pieces(text).into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Passing(text) => self.seen.get(text).map_or(text, String::as_str),
        });
        filled.collect()
    }
}

/// The line between header and rows.
fn is_rule(line: &str) -> bool {
    line.contains('-') && line.chars().all(|letter| matches!(letter, '-' | '+' | ' '))
}

/// A part of a text: one that stays, or one that differs from run to run.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    /// A moment (`2026-11-21 05:02:05.39156+00`), or at least twelve hexadecimal digits in a row.
    Passing(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let length = moment(rest).or_else(|| figure(rest)).unwrap_or(0);
        if length > 0 {
            if start < at {
                pieces.push(Piece::Text(&text[start..at]));
            }
            pieces.push(Piece::Passing(&text[at..at + length]));
            at += length;
            start = at;
        } else {
            // A run of letters and digits is looked at from its beginning alone.
            let word = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            at += if word > 0 { word } else { rest.chars().next().map_or(1, char::len_utf8) };
        }
    }
    if start < text.len() {
        pieces.push(Piece::Text(&text[start..]));
    }
    pieces
}

/// The length of a moment at the beginning of a text.
fn moment(text: &str) -> Option<usize> {
    let shape = "dddd-dd-dd dd:dd:dd";
    let fits = text.len() >= shape.len()
        && shape.bytes().zip(text.bytes()).all(|(wanted, found)| match wanted {
            b'd' => found.is_ascii_digit(),
            other => other == found,
        });
    if !fits {
        return None;
    }
    let after = &text[shape.len()..];
    let fraction =
        after.strip_prefix('.').map_or(0, |digits| 1 + leading(digits, |byte| byte.is_ascii_digit()));
    let zone = after[fraction..]
        .strip_prefix('+')
        .map_or(0, |digits| 1 + leading(digits, |byte| byte.is_ascii_digit()));
    Some(shape.len() + fraction + zone)
}

/// The length of a long figure at the beginning of a text.
fn figure(text: &str) -> Option<usize> {
    Some(leading(text, |byte| byte.is_ascii_hexdigit())).filter(|length| *length >= 12)
}

fn leading(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is_part(*byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_is_read_line_by_line() {
        let readme = "# x\n```\npostgres=# no;\n```\n## A short tour\n```\n$ psql -h 127.0.0.1 -p 5433\n\
            postgres=# SELECT a,\n           b;\n a | b\n---+---\n 1 | 2\n(1 row)\n\npostgres=# SET x;\n```\n\
            ```\n$ strata restore --to-time '2026-11-21 05:02:05+00'\ndone\n```\n## Limits\n```\npostgres=# no;\n```\n";
        let found: Vec<Step> = steps(readme).into_iter().map(|(_, step)| step).collect();
        let shown = vec![" a | b".to_owned(), "---+---".to_owned(), " 1 | 2".to_owned()];
        let arguments = ["restore", "--to-time", "2026-11-21 05:02:05+00"].map(str::to_owned).to_vec();
        assert_eq!(
            found,
            [
                Step::Connect { port: 5433 },
                Step::Statement { text: "SELECT a,\n           b;".into(), shown },
                Step::Statement { text: "SET x;".into(), shown: vec![] },
                Step::Program { arguments, shown: vec!["done".into()] },
            ]
        );
    }

    #[test]
    fn what_differs_from_run_to_run_is_told_from_what_stays() {
        assert_eq!(
            pieces("as of '2026-11-21 05:02:05.39156+00' x, id 12, deadbeefdeadbeef"),
            [
                Piece::Text("as of '"),
                Piece::Passing("2026-11-21 05:02:05.39156+00"),
                Piece::Text("' x, id 12, "),
                Piece::Passing("deadbeefdeadbeef"),
            ]
        );
    }
}
