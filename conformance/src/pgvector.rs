//! pgvector's own tests, statement by statement: what Strata answers beside what PostgreSQL with pgvector answers.
//!
//! `tests=FOLDER` names pgvector's `test/sql` (of the release that the other server has), `rival=PORT` a PostgreSQL 18
//! with pgvector. Each file runs in a fresh database on both. A statement is equal if names and text of all rows, the
//! command tag, data of COPY, and severity, SQLSTATE, message, detail, hint and place of every error and notice are.
//! EXPLAIN is left out.
//!
//! What needs a part of pgvector that Strata does not have (ivfflat, indexes over sparsevec, distances of bits) is counted
//! apart: the files about it, statements that name it, and those over a table that such a statement made. `show=1` prints
//! these differences, too, and leaves the other server's databases.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::server::{Folder, Server};
use crate::statements::{Answering, Statement, split};
use crate::{Context, Failure, Outcome};

/// What Strata does not have.
const ABSENT: [&str; 3] = ["ivfflat", "hamming", "jaccard"];
/// Files about absent things alone.
const ABSENT_FILES: [&str; 6] =
    ["bit", "hnsw_bit", "hnsw_sparsevec", "ivfflat_bit", "ivfflat_halfvec", "ivfflat_vector"];

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let rival = u16::try_from(context.number("rival", 0))?;
    let Some(tests) = context.text("tests").filter(|_| rival != 0) else {
        let needs = "needs tests=FOLDER (pgvector's test/sql) and rival=PORT (PostgreSQL with pgvector)";
        return Ok(Outcome::Skipped(needs.into()));
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(tests)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    let folder = Folder::new("pgvector")?;
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let mut counts = Counts::default();
    let mut lines = Vec::new();
    for path in &files {
        let of_file = compare(path, server.port, rival, context.number("show", 0) == 1)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        println!("  {name}: {of_file}");
        lines.extend(of_file.differences.iter().map(|each| format!("  {name}.sql:{each}")));
        counts.add(&of_file);
    }
    server.stop()?;
    if files.is_empty() {
        return Err(format!("{tests} holds no tests").into());
    }
    match lines.is_empty() {
        true => Ok(Outcome::Passed(counts.to_string())),
        false => Ok(Outcome::Failed(format!("{counts}:\n{}", lines.join("\n")))),
    }
}

/// What was counted, of what Strata has and of what it does not have.
#[derive(Default)]
struct Counts {
    equal: u64,
    all: u64,
    absent_equal: u64,
    absent: u64,
    differences: Vec<String>,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.equal += other.equal;
        self.all += other.all;
        self.absent_equal += other.absent_equal;
        self.absent += other.absent;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { equal, all, absent_equal, absent, differences: _ } = self;
        write!(formatter, "{equal} of {all} statements equal; of what is absent, {absent_equal} of {absent}")
    }
}

fn compare(path: &Path, own: u16, rival: u16, shows_absent: bool) -> Result<Counts, Failure> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let database = format!("pgvector_{name}");
    let mut peers = [fresh(own, &database)?, fresh(rival, &database)?];
    let script = std::fs::read_to_string(path)?;
    let mut scope = Scope { is_absent: ABSENT_FILES.contains(&name.as_str()), tables: BTreeSet::new() };
    let mut counts = Counts::default();
    for Statement { line, text } in split(&script) {
        if text.to_lowercase().starts_with("explain") {
            continue;
        }
        let is_absent = scope.takes(&text);
        let [ours, theirs] = &mut peers;
        let (ours, theirs) = (ours.answer(&text)?, theirs.answer(&text)?);
        let is_equal = ours == theirs;
        let (all, equal) = match is_absent {
            true => (&mut counts.absent, &mut counts.absent_equal),
            false => (&mut counts.all, &mut counts.equal),
        };
        *all += 1;
        *equal += u64::from(is_equal);
        if !is_equal && (!is_absent || shows_absent) {
            let (ours, theirs) = (cut(&ours), cut(&theirs));
            counts
                .differences
                .push(format!("{line}: {}\n    expected {theirs}\n    got      {ours}", cut(&text)));
        }
    }
    if !shows_absent {
        drop(peers);
        let mut maintenance = Answering::connect(rival, "postgres")?;
        maintenance.answer(&format!("DROP DATABASE {database}"))?;
    }
    Ok(counts)
}

fn fresh(port: u16, database: &str) -> Result<Answering, Failure> {
    let mut maintenance = Answering::connect(port, "postgres")?;
    for text in [format!("DROP DATABASE IF EXISTS {database}"), format!("CREATE DATABASE {database}")] {
        let said = maintenance.answer(&text)?;
        if said.contains("ERROR") {
            return Err(format!("port {port}: {text}: {said}").into());
        }
    }
    let mut peer = Answering::connect(port, database)?;
    let said = peer.answer("CREATE EXTENSION vector")?;
    match said.contains("ERROR") {
        true => Err(format!("port {port}: {said}").into()),
        false => Ok(peer),
    }
}

/// Which statements are about what Strata does not have.
struct Scope {
    is_absent: bool,
    /// Tables that statements about it made.
    tables: BTreeSet<String>,
}

impl Scope {
    fn takes(&mut self, text: &str) -> bool {
        let text = text.to_lowercase();
        let words: Vec<&str> = text
            .split(|each: char| !each.is_alphanumeric() && each != '_')
            .filter(|word| !word.is_empty())
            .collect();
        let names = |what: &str| words.iter().any(|word| word.contains(what));
        let own = self.is_absent || ABSENT.iter().any(|what| names(what));
        let table = words.iter().position(|word| *word == "table").and_then(|at| words.get(at + 1));
        match (words.first(), table) {
            (Some(&"create"), Some(table)) if own => {
                self.tables.insert((*table).to_owned());
            }
            (Some(&"create"), Some(table)) => {
                self.tables.remove(*table);
            }
            _ => {}
        }
        let is_absent = own || words.iter().any(|word| self.tables.contains(*word));
        if let (Some(&"drop"), Some(table)) = (words.first(), table) {
            self.tables.remove(*table);
        }
        is_absent
    }
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let line = text.replace('\n', " / ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_with_something_absent_is_absent_until_it_is_dropped() {
        let mut scope = Scope { is_absent: false, tables: BTreeSet::new() };
        let statements = [
            ("CREATE TABLE t (v vector(3))", false),
            ("CREATE INDEX ON t USING ivfflat (v)", true),
            ("SELECT * FROM t", false),
            ("CREATE TABLE u AS SELECT hamming_distance('1', '0')", true),
            ("SELECT count(*) FROM u", true),
            ("DROP TABLE u", true),
            ("CREATE TABLE u (v halfvec)", false),
            ("SELECT * FROM u", false),
        ];
        for (text, is_absent) in statements {
            assert_eq!(scope.takes(text), is_absent, "{text}");
        }
    }
}
