//! pgbench unchanged: initialise, run in three modes, kill in the middle, restart; the sums must agree, and past
//! totals noted during the run must be what AS OF still answers.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::server::{Folder, Server, has_program};
use crate::{Context, Failure, Outcome};

const READERS: usize = 20;

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    if !has_program("pgbench") {
        return Ok(Outcome::Skipped("pgbench is not installed".into()));
    }
    let long = context.number("long", 0) == 1;
    let scale = context.number("scale", if long { 10 } else { 1 });
    let seconds = context.number("seconds", if long { 30 } else { 3 });
    let folder = Folder::new("pgbench")?;
    let data = folder.path().join("data");
    let server = Server::start(&context.binary, &data)?;
    pgbench(&server, &["-i", "-q", "-s", &scale.to_string()])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let seconds_text = seconds.to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let readers = runtime.spawn(note_totals(server.parameters("postgres"), Arc::clone(&stop)));
    for mode in ["simple", "extended", "prepared"] {
        pgbench(&server, &["-n", "-c", "8", "-j", "2", "-T", &seconds_text, "-M", mode])?;
        pgbench(&server, &["-n", "-S", "-c", "8", "-j", "2", "-T", &seconds_text, "-M", mode])?;
    }
    stop.store(true, Ordering::Relaxed);
    let noted = runtime.block_on(readers)??;
    runtime.block_on(check(&server, &noted))?;

    let mut load = Command::new("pgbench");
    load.args(["-n", "-c", "8", "-j", "2", "-T", "60", "-h", "127.0.0.1", "-U", "postgres", "-p"]);
    load.arg(server.port.to_string()).arg("postgres");
    let mut load = load.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    std::thread::sleep(Duration::from_millis(1500));
    server.kill()?;
    load.wait()?;
    let server = Server::start(&context.binary, &data)?;
    runtime.block_on(check(&server, &noted))?;
    server.stop()?;
    Ok(Outcome::Passed(format!(
        "scale {scale}, three modes of {seconds} s, sums agree, {} past totals stable across kill -9",
        noted.len()
    )))
}

fn pgbench(server: &Server, arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new("pgbench")
        .args(arguments)
        .args(["-h", "127.0.0.1", "-U", "postgres", "-p", &server.port.to_string(), "postgres"])
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !errors.contains("ERROR") && !errors.contains("aborted") {
        return Ok(());
    }
    Err(format!("pgbench {}: {errors}", arguments.join(" ")).into())
}

async fn connect(parameters: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(parameters, NoTls).await?;
    tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    Ok(client)
}

/// REPEATABLE READ readers note their snapshot's moment and the total they see at it.
async fn note_totals(parameters: String, stop: Arc<AtomicBool>) -> Result<Vec<(String, i64)>, Failure> {
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let (parameters, stop) = (parameters.clone(), Arc::clone(&stop));
        readers.push(tokio::spawn(async move {
            let mut client = connect(&parameters).await?;
            let mut noted = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let transaction = client
                    .build_transaction()
                    .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
                    .start()
                    .await?;
                let moment: String =
                    transaction.query_one("SELECT strata.snapshot_time()::text", &[]).await?.get(0);
                let total = transaction
                    .query_one("SELECT sum(abalance)::int8 FROM pgbench_accounts", &[])
                    .await?
                    .get(0);
                transaction.commit().await?;
                noted.push((moment, total));
                tokio::time::sleep(Duration::from_millis(1500)).await;
            }
            Ok::<_, Failure>(noted)
        }));
    }
    let mut noted = Vec::new();
    for reader in readers {
        noted.extend(reader.await??);
    }
    Ok(noted)
}

async fn check(server: &Server, noted: &[(String, i64)]) -> Result<(), Failure> {
    let client = connect(&server.parameters("postgres")).await?;
    let row = client
        .query_one(
            "SELECT (SELECT sum(abalance)::int8 FROM pgbench_accounts), (SELECT sum(bbalance)::int8 FROM pgbench_branches),
                    (SELECT sum(tbalance)::int8 FROM pgbench_tellers), (SELECT coalesce(sum(delta), 0)::int8 FROM pgbench_history)",
            &[],
        )
        .await?;
    let sums: Vec<i64> = (0..4).map(|column| row.get(column)).collect();
    if sums.iter().any(|sum| *sum != sums[0]) {
        return Err(format!("the balances do not agree: {sums:?}").into());
    }
    // Every reader's moment is checked once, the most recent forty in full.
    for (moment, total) in noted.iter().rev().take(40) {
        let text =
            format!("SELECT sum(abalance)::int8 FROM pgbench_accounts FOR SYSTEM_TIME AS OF '{moment}'");
        let past: i64 = client.query_one(text.as_str(), &[]).await?.get(0);
        if past != *total {
            return Err(format!("AS OF {moment}: total {past}, was {total}").into());
        }
    }
    Ok(())
}
