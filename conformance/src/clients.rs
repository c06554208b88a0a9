//! Real clients, unchanged: psycopg 3, node pg, pgjdbc and tokio-postgres each connect, prepare, bind binary
//! parameters, COPY, cancel, meet an error inside a transaction and stream a million rows while the server's memory
//! stays flat.
//!
//! The clients are installed into `target`-side folders on first use (`STRATA_CLIENTS` names another place). A client
//! whose runtime or package cannot be had is skipped by name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures::{SinkExt, StreamExt, TryStreamExt};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use crate::server::{Folder, Server, has_program};
use crate::{Context, Failure, Outcome};

const ROWS: i64 = 1_000_000;
const GROWTH_LIMIT: u64 = 64 * 1024 * 1024;
const JDBC_JAR: &str = "/usr/share/java/postgresql.jar";

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let folder = Folder::new("clients")?;
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let scripts = context.files.join("clients");
    let installed = installation()?;
    let (mut passed, mut skipped, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match runtime.block_on(tokio_postgres_check(&server)) {
        Ok(()) => passed.push("tokio-postgres".to_owned()),
        Err(error) => failed.push(format!("tokio-postgres: {error}")),
    }
    let checks: [(&str, fn(&Path, &Path) -> Result<Option<Command>, Failure>); 3] =
        [("psycopg", psycopg), ("node pg", node), ("pgjdbc", jdbc)];
    for (name, prepare) in checks {
        match prepare(&scripts, &installed)? {
            None => skipped.push(name),
            Some(mut command) => {
                let output =
                    command.arg(server.port.to_string()).arg(server.process().to_string()).output()?;
                if output.status.success() {
                    passed.push(name.to_owned());
                } else {
                    let said = String::from_utf8_lossy(&output.stdout);
                    let complained = String::from_utf8_lossy(&output.stderr);
                    failed.push(format!("{name}:\n{said}{complained}"));
                }
            }
        }
    }
    server.stop()?;
    if !failed.is_empty() {
        return Ok(Outcome::Failed(format!("passed: {}; failed: {}", passed.join(", "), failed.join("\n"))));
    }
    let note = if skipped.is_empty() {
        String::new()
    } else {
        format!("; skipped, not installable here: {}", skipped.join(", "))
    };
    Ok(Outcome::Passed(format!("{}{note}", passed.join(", "))))
}

/// Where clients are installed, kept between runs.
fn installation() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("STRATA_CLIENTS").map(PathBuf::from);
    let beside = std::env::current_exe()?.parent().map(|folder| folder.join("clients"));
    let path = named.or(beside).ok_or("no place for clients")?;
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn psycopg(scripts: &Path, installed: &Path) -> Result<Option<Command>, Failure> {
    let environment = installed.join("python");
    let python = environment.join("bin/python");
    let ready = |python: &Path| succeeds(Command::new(python).args(["-c", "import psycopg"]));
    if !ready(&python) {
        if !has_program("python3")
            || !succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment))
        {
            return Ok(None);
        }
        succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet", "psycopg[binary]==3.3.*"]));
        if !ready(&python) {
            return Ok(None);
        }
    }
    let mut command = Command::new(python);
    command.arg(scripts.join("check_psycopg.py"));
    Ok(Some(command))
}

fn node(scripts: &Path, installed: &Path) -> Result<Option<Command>, Failure> {
    let folder = installed.join("node");
    if !has_program("node") || !has_program("npm") {
        return Ok(None);
    }
    if !folder.join("node_modules/pg-copy-streams").is_dir() {
        std::fs::create_dir_all(&folder)?;
        let packages = ["pg@8", "pg-cursor@2", "pg-copy-streams@7"];
        let mut install = Command::new("npm");
        install
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&folder)
            .args(packages);
        if !succeeds(&mut install) {
            return Ok(None);
        }
    }
    let mut command = Command::new("node");
    command.arg(scripts.join("check_node.js")).env("NODE_PATH", folder.join("node_modules"));
    Ok(Some(command))
}

fn jdbc(scripts: &Path, installed: &Path) -> Result<Option<Command>, Failure> {
    if !has_program("javac") || !Path::new(JDBC_JAR).is_file() {
        return Ok(None);
    }
    let classes = installed.join("java");
    std::fs::create_dir_all(&classes)?;
    let mut compile = Command::new("javac");
    compile.args(["-encoding", "UTF-8", "-cp", JDBC_JAR, "-d"]).arg(&classes).arg(scripts.join("Check.java"));
    let output = compile.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let mut command = Command::new("java");
    command
        .args(["-Dfile.encoding=UTF-8", "-cp"])
        .arg(format!("{}:{JDBC_JAR}", classes.display()))
        .arg("Check");
    Ok(Some(command))
}

async fn tokio_postgres_check(server: &Server) -> Result<(), Failure> {
    let (mut client, connection) = tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
    tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    let statement =
        client.prepare_typed("SELECT $1 + 1, $2 || '!', $3", &[Type::INT4, Type::TEXT, Type::BYTEA]).await?;
    for number in 0..5_i32 {
        let row = client.query_one(&statement, &[&number, &"žluť", &&b"\x00\xff"[..]]).await?;
        let (sum, text, bytes): (i32, String, Vec<u8>) = (row.get(0), row.get(1), row.get(2));
        ensure(sum == number + 1 && text == "žluť!" && bytes == [0, 255], "prepared statements")?;
    }
    copy(&client).await?;
    cancel(&client).await?;
    failed_transaction(&mut client).await?;
    stream(&client, server).await?;
    client.batch_execute("DROP TABLE rust_copy").await?;
    Ok(())
}

fn ensure(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(what.to_owned().into()) }
}

async fn copy(client: &Client) -> Result<(), Failure> {
    client.batch_execute("CREATE TABLE rust_copy (id int PRIMARY KEY, name text)").await?;
    let lines: String = (0..5000).map(|number| format!("{number}\tname {number}\n")).collect();
    let sink = client.copy_in("COPY rust_copy FROM STDIN").await?;
    tokio::pin!(sink);
    sink.send(bytes::Bytes::from(lines.clone())).await?;
    ensure(sink.finish().await? == 5000, "COPY in")?;
    let chunks: Vec<bytes::Bytes> = client.copy_out("COPY rust_copy TO STDOUT").await?.try_collect().await?;
    ensure(chunks.concat() == lines.as_bytes(), "COPY out")
}

async fn cancel(client: &Client) -> Result<(), Failure> {
    let token = client.cancel_token();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await
    });
    let error = client.batch_execute("SELECT pg_sleep(30)").await.err();
    let code = error.and_then(|error| error.code().map(|code| code.code().to_owned()));
    ensure(code.as_deref() == Some("57014"), "cancel")
}

async fn failed_transaction(client: &mut Client) -> Result<(), Failure> {
    let transaction = client.transaction().await?;
    transaction.execute("INSERT INTO rust_copy VALUES (9000, 'x')", &[]).await?;
    let code = |error: Option<tokio_postgres::Error>| {
        error.and_then(|error| error.code().map(|code| code.code().to_owned()))
    };
    let twice = code(transaction.execute("INSERT INTO rust_copy VALUES (9000, 'y')", &[]).await.err());
    let after = code(transaction.execute("SELECT 1", &[]).await.err());
    transaction.rollback().await?;
    ensure(
        twice.as_deref() == Some("23505") && after.as_deref() == Some("25P02"),
        "an error inside a transaction",
    )
}

async fn stream(client: &Client, server: &Server) -> Result<(), Failure> {
    let before = server.resident()?;
    let parameters: [&i64; 1] = [&ROWS];
    let rows =
        client.query_raw("SELECT i, 'row ' || i FROM generate_series(1::int8, $1) i", parameters).await?;
    tokio::pin!(rows);
    let mut total = 0;
    while let Some(row) = rows.next().await {
        total += row?.get::<_, i64>(0);
    }
    let growth = server.resident()?.saturating_sub(before);
    ensure(total == ROWS * (ROWS + 1) / 2, "1 M rows streamed")?;
    ensure(growth < GROWTH_LIMIT, &format!("server memory grew by {growth} bytes while streaming"))
}
