//! Statements that clients sent to PostgreSQL, recorded, and now sent to Strata and to PostgreSQL side by side.
//!
//! `statements=FILE` holds one JSON object a line (`client`, `sql`), `rival=PORT` is a PostgreSQL 15. The statements of
//! each client run in the order of their recording, in a fresh database with the schema of `replay/schema.sql`, on both.
//! One with parameters is prepared and described, not run; COPY is left out. Rows are compared without regard to their
//! order. What differs is told by statement: those that fail here alone make the suite fail, other differences (numbers
//! of objects, versions, errors of other words) are counted and shown.
//!
//! `client=NAME` replays one client alone.

use std::collections::BTreeMap;

use crate::server::{Folder, Server};
use crate::statements::{Answering, split};
use crate::{Context, Failure, Outcome};

const DATABASE: &str = "replayed";
/// The beginning of statements that need a client to go on.
const LEFT_OUT: &str = "copy";

/// How an answer stands beside the rival's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Same,
    /// Refused here, done there.
    FailsHere,
    /// Done here, refused there.
    FailsThere,
    /// Refused by both, in other words.
    OtherError,
    OtherRows,
}

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let rival = u16::try_from(context.number("rival", 0))?;
    let Some(statements) = context.text("statements").filter(|_| rival != 0) else {
        let needs = "needs statements=FILE (recorded, a JSON object a line) and rival=PORT (PostgreSQL 15)";
        return Ok(Outcome::Skipped(needs.into()));
    };
    let clients = recorded(&std::fs::read_to_string(statements)?)?;
    let schema = std::fs::read_to_string(context.files.join("replay/schema.sql"))?;
    let folder = Folder::new("replay")?;
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    // Each difference once, with the clients that meet it.
    let mut differences: BTreeMap<(Verdict, String), Vec<&str>> = BTreeMap::new();
    for (client, statements) in &clients {
        if context.text("client").is_some_and(|only| only != client) {
            continue;
        }
        let mut peers = [fresh(server.port, &schema)?, fresh(rival, &schema)?];
        for sql in statements.iter().filter(|sql| !sql.trim_start().to_lowercase().starts_with(LEFT_OUT)) {
            let [ours, theirs] = &mut peers;
            let (ours, theirs) = (ask(ours, sql)?, ask(theirs, sql)?);
            let verdict = judge(&ours, &theirs);
            *counts.entry(verdict).or_default() += 1;
            if verdict != Verdict::Same {
                let told = format!("{}\n    there {}\n    here  {}", cut(sql), cut(&theirs), cut(&ours));
                let known = differences.entry((verdict, told)).or_default();
                if !known.contains(&client.as_str()) {
                    known.push(client);
                }
            }
        }
    }
    server.stop()?;
    for ((verdict, told), clients) in &differences {
        println!("  {verdict:?} ({}): {told}", clients.join(" "));
    }
    let said: Vec<String> = counts.iter().map(|(verdict, count)| format!("{verdict:?} {count}")).collect();
    let said = format!("{} clients: {}", clients.len(), said.join(", "));
    match counts.get(&Verdict::FailsHere) {
        None => Ok(Outcome::Passed(said)),
        Some(_) => Ok(Outcome::Failed(said)),
    }
}

/// The statements of each client, in order.
fn recorded(text: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut clients: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let record: serde_json::Value = serde_json::from_str(line)?;
        let field = |name: &str| record.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let (Some(client), Some(sql)) = (field("client"), field("sql")) else {
            return Err(format!("a record without client or sql: {line}").into());
        };
        clients.entry(client).or_default().push(sql);
    }
    Ok(clients)
}

fn fresh(port: u16, schema: &str) -> Result<Answering, Failure> {
    let mut maintenance = Answering::connect(port, "postgres")?;
    for text in [format!("DROP DATABASE IF EXISTS {DATABASE}"), format!("CREATE DATABASE {DATABASE}")] {
        no_error(port, &text, &maintenance.answer(&text)?)?;
    }
    let mut peer = Answering::connect(port, DATABASE)?;
    for statement in split(schema) {
        no_error(port, &statement.text, &peer.answer(&statement.text)?)?;
    }
    Answering::connect(port, DATABASE)
}

fn no_error(port: u16, text: &str, said: &str) -> Result<(), Failure> {
    if is_error(said) { Err(format!("port {port}: {text}: {said}").into()) } else { Ok(()) }
}

fn ask(peer: &mut Answering, sql: &str) -> Result<String, Failure> {
    if sql.contains("$1") { peer.describe(sql) } else { peer.answer(sql) }
}

fn is_error(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("ERROR ") || line.starts_with("FATAL "))
}

fn judge(ours: &str, theirs: &str) -> Verdict {
    let sorted = |said: &str| -> Vec<String> {
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    match (is_error(ours), is_error(theirs)) {
        _ if ours == theirs || sorted(ours) == sorted(theirs) => Verdict::Same,
        (true, false) => Verdict::FailsHere,
        (false, true) => Verdict::FailsThere,
        (true, true) => Verdict::OtherError,
        (false, false) => Verdict::OtherRows,
    }
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(240) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_without_the_order_of_their_rows() {
        assert_eq!(judge("a\nDataRow 1\nDataRow 2", "a\nDataRow 2\nDataRow 1"), Verdict::Same);
        assert_eq!(judge("a\nDataRow 1", "a\nDataRow 1\nDataRow 1"), Verdict::OtherRows);
        assert_eq!(judge("ERROR 0A000 no", "a\nDataRow 1"), Verdict::FailsHere);
        assert_eq!(judge("a", "ERROR 42P01 no"), Verdict::FailsThere);
        assert_eq!(judge("ERROR 42703 no", "ERROR 42P01 no"), Verdict::OtherError);
    }

    #[test]
    fn records_are_dealt_out_to_their_clients() {
        let text = "{\"client\": \"a\", \"sql\": \"x\"}\n\n{\"client\": \"b\", \"sql\": \"y\"}\n{\"client\": \"a\", \"sql\": \"z\"}";
        let clients = recorded(text).unwrap();
        assert_eq!(clients["a"], ["x", "z"]);
        assert!(recorded("{\"client\": \"a\"}").is_err());
    }
}
