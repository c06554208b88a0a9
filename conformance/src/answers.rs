//! SQL answers equal to PostgreSQL's, to the byte, as psql prints them.
//!
//! `answers/<set>/*.sql` are scripts, `*.out` what psql printed when PostgreSQL 15 ran them. The set `chinook` needs the
//! Chinook database, loaded from the script named by `STRATA_CHINOOK` (or found beside the repository); without it that
//! set is skipped by name. `strata-conformance answers oracle=PORT` writes the expected files anew from a PostgreSQL
//! that already has the sets' databases.

use std::path::{Path, PathBuf};

use crate::server::{Folder, Server, has_program, psql};
use crate::{Context, Failure, Outcome};

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    if !has_program("psql") {
        return Ok(Outcome::Skipped("psql is not installed".into()));
    }
    let oracle = context.number("oracle", 0);
    if oracle != 0 {
        return rewrite(context, u16::try_from(oracle)?);
    }
    let folder = Folder::new("answers")?;
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let (mut passed, mut failures, mut skipped) = (0, Vec::new(), Vec::new());
    for set in sets(context)? {
        let name = set.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match prepare(&server, &name)? {
            Prepared::Database(database) => {
                for script in scripts(&set)? {
                    match compare(server.port, &database, &script)? {
                        None => passed += 1,
                        Some(difference) => failures.push(difference),
                    }
                }
            }
            Prepared::Missing(what) => skipped.push(format!("{name} ({what})")),
        }
    }
    server.stop()?;
    if !failures.is_empty() {
        let shown = failures.join("\n");
        return Ok(Outcome::Failed(format!("{passed} equal, {} differ:\n{shown}", failures.len())));
    }
    let note = if skipped.is_empty() { String::new() } else { format!("; skipped: {}", skipped.join(", ")) };
    Ok(Outcome::Passed(format!("{passed} scripts equal PostgreSQL's output{note}")))
}

enum Prepared {
    Database(String),
    Missing(String),
}

/// Makes the database that a set runs in.
fn prepare(server: &Server, set: &str) -> Result<Prepared, Failure> {
    if set != "chinook" {
        let statement = format!("CREATE DATABASE {set}");
        let (_, errors, fine) = psql(server.port, "postgres", &["-q", "-c", &statement], None)?;
        return if fine { Ok(Prepared::Database(set.to_owned())) } else { Err(errors.into()) };
    }
    let Some(script) = chinook() else {
        return Ok(Prepared::Missing("STRATA_CHINOOK names no script".into()));
    };
    let (_, errors, fine) = psql(server.port, "postgres", &["-q", "-v", "ON_ERROR_STOP=1"], Some(&script))?;
    if fine {
        Ok(Prepared::Database(set.to_owned()))
    } else {
        Err(format!("chinook did not load: {errors}").into())
    }
}

fn chinook() -> Option<PathBuf> {
    let named = std::env::var_os("STRATA_CHINOOK").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/chinook.sql");
    named.into_iter().chain([beside]).find(|path| path.is_file())
}

fn sets(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    entries(&context.files.join("answers"), |path| path.is_dir())
}

fn scripts(set: &Path) -> Result<Vec<PathBuf>, Failure> {
    entries(set, |path| path.extension().is_some_and(|extension| extension == "sql"))
}

fn entries(folder: &Path, keep: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        found.push(entry?.path());
    }
    found.retain(|path| keep(path));
    found.sort();
    Ok(found)
}

/// What psql prints for a script, errors included in their place.
fn output(port: u16, database: &str, script: &Path) -> Result<String, Failure> {
    // Errors go to standard error; a script that expects them shows them by \echo :ERROR or by its output's absence.
    let (output, errors, _) = psql(port, database, &["-P", "pager=off"], Some(script))?;
    Ok(if errors.is_empty() { output } else { format!("{output}{}", without_paths(&errors)) })
}

/// psql prefixes errors with the script's path, which differs between machines.
fn without_paths(errors: &str) -> String {
    errors
        .lines()
        .map(|line| match line.strip_prefix("psql:").and_then(|rest| rest.split_once(": ")) {
            Some((_, message)) => format!("{message}\n"),
            None => format!("{line}\n"),
        })
        .collect()
}

fn compare(port: u16, database: &str, script: &Path) -> Result<Option<String>, Failure> {
    let expected = std::fs::read_to_string(script.with_extension("out"))?;
    let actual = output(port, database, script)?;
    if actual == expected {
        return Ok(None);
    }
    let line = expected.lines().zip(actual.lines()).position(|(wanted, got)| wanted != got);
    let line = line.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    let name = script.file_name().unwrap_or_default().to_string_lossy();
    let shown = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
    Ok(Some(format!(
        "  {name} line {}:\n    expected {}\n    got      {}",
        line + 1,
        shown(&expected),
        shown(&actual)
    )))
}

fn rewrite(context: &Context, port: u16) -> Result<Outcome, Failure> {
    let mut written = 0;
    for set in sets(context)? {
        let name = set.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for script in scripts(&set)? {
            std::fs::write(script.with_extension("out"), output(port, &name, &script)?)?;
            written += 1;
        }
    }
    Ok(Outcome::Passed(format!("{written} expected files written from the server on port {port}")))
}
