//! Suites that talk to a real server over its sockets: crashes, isolation, clients, wire scripts, garbage, SQL answers.
//!
//! `strata-conformance quick` runs the short tier, `all` adds the long suites, and a suite's name runs it alone:
//! `strata-conformance crash rounds=200`. The server is `STRATA_BINARY`, or `strata` beside this program. A suite whose
//! needs are missing on this machine says so by name and counts as skipped, never as passed.

mod answers;
mod backup;
mod clients;
mod crash;
mod dump;
mod full;
mod garbage;
mod hermitage;
mod keeping;
mod load;
mod pgbench;
mod pgvector;
mod power;
mod random;
mod replay;
mod scripts;
mod server;
mod statements;
mod stranger;
mod subscribe;
mod tour;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// How a suite ended.
pub enum Outcome {
    /// With what it counted.
    Passed(String),
    /// With what was missing.
    Skipped(String),
    Failed(String),
}

/// The error of a suite: a sentence for a reader.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What suites need to know.
pub struct Context {
    /// The server's program.
    pub binary: PathBuf,
    /// Where the suites' own files (scripts, expected answers) stand.
    pub files: PathBuf,
    /// `name=value` words of the command line.
    pub options: Vec<(String, String)>,
}

impl Context {
    /// A numeric option of the command line.
    pub fn number(&self, name: &str, default: u64) -> u64 {
        let given = self.options.iter().rev().find(|(key, _)| key == name);
        given.and_then(|(_, value)| value.parse().ok()).unwrap_or(default)
    }

    /// An option of the command line as it was written.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

type Suite = fn(&Context) -> Result<Outcome, Failure>;

/// Every suite: its name, whether the quick tier runs it, and the suite.
const SUITES: [(&str, bool, Suite); 16] = [
    ("scripts", true, scripts::run),
    ("answers", true, answers::run),
    ("tour", true, tour::run),
    ("hermitage", true, hermitage::run),
    ("crash", true, crash::run),
    ("backup", true, backup::run),
    ("load", true, load::run),
    ("pgbench", true, pgbench::run),
    ("clients", true, clients::run),
    ("dump", true, dump::run),
    ("subscribe", true, subscribe::run),
    ("garbage", true, garbage::run),
    ("power", false, power::run),
    ("full", false, full::run),
    ("pgvector", false, pgvector::run),
    ("replay", false, replay::run),
];

fn main() -> ExitCode {
    let mut names = Vec::new();
    let mut options = Vec::new();
    for word in std::env::args().skip(1) {
        match word.split_once('=') {
            Some((name, value)) => options.push((name.to_owned(), value.to_owned())),
            None => names.push(word),
        }
    }
    let all = names.iter().any(|name| name == "all");
    let quick = all || names.iter().any(|name| name == "quick");
    if all {
        options.insert(0, ("long".to_owned(), "1".to_owned()));
    }
    if let Some(unknown) = names.iter().find(|name| {
        !matches!(name.as_str(), "all" | "quick") && !SUITES.iter().any(|(suite, _, _)| suite == *name)
    }) {
        let known: Vec<_> = SUITES.iter().map(|(name, _, _)| *name).collect();
        eprintln!("no suite {unknown}; there are: quick all {}", known.join(" "));
        return ExitCode::from(2);
    }
    let context = Context { binary: server::binary(), files: files(), options };
    let mut failed = 0;
    for (name, in_quick, suite) in SUITES {
        if !(all || (quick && in_quick) || names.iter().any(|wanted| wanted == name)) {
            continue;
        }
        let started = Instant::now();
        let outcome = suite(&context).unwrap_or_else(|error| Outcome::Failed(error.to_string()));
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Outcome::Passed(counted) => println!("passed  {name}: {counted} ({seconds:.1} s)"),
            Outcome::Skipped(missing) => println!("skipped {name}: {missing}"),
            Outcome::Failed(reason) => {
                failed += 1;
                println!("FAILED  {name}: {reason} ({seconds:.1} s)");
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The folder of this package in the source tree that built it, or the current one.
fn files() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    if built.is_dir() { built } else { PathBuf::from("conformance") }
}
