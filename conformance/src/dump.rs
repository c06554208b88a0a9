//! pg_dump and pg_restore, unchanged: a dump of a schema with every kind of object is PostgreSQL 15's own dump of it, and
//! restores to a database that dumps the same, whole, by sections, as INSERTs and from an archive.
//!
//! `conformance/dump/schema.sql` makes the objects; `schema.out` is what PostgreSQL 15 and its pg_dump made of them, but
//! for the lines that name versions and keys (`conformance/dump/regenerate`). Another version of pg_dump writes other
//! text: with it only the restored databases are compared. Without pg_dump, psql or pg_restore the suite is skipped.

use std::path::Path;
use std::process::Command;

use crate::server::{Folder, Server, has_program, psql};
use crate::{Context, Failure, Outcome};

const ORIGINAL: &str = "dumped";

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    for program in ["psql", "pg_dump", "pg_restore"] {
        if !has_program(program) {
            return Ok(Outcome::Skipped(format!("{program} is not installed")));
        }
    }
    let files = context.files.join("dump");
    let folder = Folder::new("dump")?;
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let dumps = Dumps { server: &server, folder: folder.path() };
    create(&server, ORIGINAL)?;
    script(&server, ORIGINAL, &files.join("schema.sql"))?;
    let original = dumps.text(ORIGINAL, &[])?;
    let mut done = Vec::new();
    if version("pg_dump")?.contains(" 15.") {
        let expected = std::fs::read_to_string(files.join("schema.out"))?;
        same("PostgreSQL's dump", &expected, &original)?;
        done.push("PostgreSQL's text");
    }
    dumps.restored("plain", &[&[]], &original)?;
    dumps.restored("inserts", &[&["--inserts"]], &original)?;
    dumps.restored(
        "sections",
        &[&["--section=pre-data"], &["--section=data"], &["--section=post-data"]],
        &original,
    )?;
    dumps.from_archive(&original)?;
    dumps.one_table()?;
    done.extend(["restored", "by INSERT", "by sections", "from an archive", "one table"]);
    server.stop()?;
    Ok(Outcome::Passed(done.join(", ")))
}

struct Dumps<'a> {
    server: &'a Server,
    folder: &'a Path,
}

impl Dumps<'_> {
    fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(program);
        command.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-d",
            database,
            "-p",
            &self.server.port.to_string(),
        ]);
        command
    }

    /// The dump of a database, without what differs from one run to the next.
    fn text(&self, database: &str, arguments: &[&str]) -> Result<String, Failure> {
        let text = output(self.client("pg_dump", database).args(arguments))?;
        Ok(text.lines().filter(|line| !varies(line)).map(|line| format!("{line}\n")).collect())
    }

    /// Restores dumps made with these arguments, in order, into a new database, which then dumps the same.
    fn restored(&self, database: &str, each: &[&[&str]], original: &str) -> Result<(), Failure> {
        create(self.server, database)?;
        for (number, arguments) in each.iter().enumerate() {
            let path = self.folder.join(format!("{database}.{number}.sql"));
            std::fs::write(&path, output(self.client("pg_dump", ORIGINAL).args(*arguments))?)?;
            script(self.server, database, &path)?;
        }
        same(database, original, &self.text(database, &[])?)
    }

    fn from_archive(&self, original: &str) -> Result<(), Failure> {
        let path = self.folder.join("archive");
        output(self.client("pg_dump", ORIGINAL).args(["--format=custom", "--file"]).arg(&path))?;
        create(self.server, "archive")?;
        output(self.client("pg_restore", "archive").arg("--exit-on-error").arg(&path))?;
        same("archive", original, &self.text("archive", &[])?)
    }

    fn one_table(&self) -> Result<(), Failure> {
        let text = self.text(ORIGINAL, &["-t", "shop.product"])?;
        let tables = text.lines().filter(|line| line.starts_with("CREATE TABLE ")).collect::<Vec<_>>();
        same("the tables of -t", "CREATE TABLE shop.product (", &tables.join("\n"))
    }
}

/// Lines that name versions, or a key of this run.
fn varies(line: &str) -> bool {
    ["\\restrict ", "\\unrestrict ", "-- Dumped from ", "-- Dumped by "]
        .iter()
        .any(|start| line.starts_with(start))
}

fn create(server: &Server, database: &str) -> Result<(), Failure> {
    let (_, complaint, succeeded) =
        psql(server.port, "postgres", &["-q", "-c", &format!("CREATE DATABASE {database}")], None)?;
    if succeeded { Ok(()) } else { Err(complaint.into()) }
}

fn script(server: &Server, database: &str, path: &Path) -> Result<(), Failure> {
    let (_, complaint, succeeded) =
        psql(server.port, database, &["-q", "-v", "ON_ERROR_STOP=1"], Some(path))?;
    if succeeded { Ok(()) } else { Err(complaint.into()) }
}

fn version(program: &str) -> Result<String, Failure> {
    output(Command::new(program).arg("--version"))
}

/// The standard output of a command, which has to succeed.
fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Fails at the first line in which two texts differ.
fn same(what: &str, expected: &str, found: &str) -> Result<(), Failure> {
    let (mut left, mut right) = (expected.lines(), found.lines());
    for number in 1.. {
        match (left.next(), right.next()) {
            (None, None) => return Ok(()),
            (one, other) if one == other => {}
            (one, other) => {
                return Err(format!(
                    "{what}, line {number}: expected {:?}, found {:?}",
                    one.unwrap_or("the end"),
                    other.unwrap_or("the end")
                )
                .into());
            }
        }
    }
    Ok(())
}
