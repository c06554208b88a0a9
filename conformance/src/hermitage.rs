//! Isolation as PostgreSQL has it: scripted sessions, step by step, and what each step gave.
//!
//! A step that has not answered after [`PATIENCE`] is blocked; its answer is reported after the step that freed it. The
//! whole trace is compared with `isolation/hermitage.out`, which PostgreSQL 15 wrote
//! (`strata-conformance hermitage oracle=PORT` writes it anew). Then: a hundred sessions wait for one row, and its
//! holder's COMMIT must still be heard at once.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

const PATIENCE: Duration = Duration::from_millis(200);
const WAITERS: usize = 100;
/// A COMMIT among a hundred waiters may take this long on a busy machine.
const COMMIT_LIMIT: Duration = Duration::from_secs(2);

struct Case {
    name: String,
    level: String,
    steps: Vec<(String, String)>,
}

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = context.files.join("isolation");
    let cases = read(&std::fs::read_to_string(folder.join("hermitage.spec"))?)?;
    let expected_file = folder.join("hermitage.out");
    let oracle = context.number("oracle", 0);
    if oracle != 0 {
        let parameters = format!("host=127.0.0.1 port={oracle} user=postgres dbname=postgres");
        std::fs::write(&expected_file, runtime.block_on(trace(&parameters, &cases))?)?;
        return Ok(Outcome::Passed(format!("{} cases written", cases.len())));
    }
    let data = Folder::new("hermitage")?;
    let server = Server::start(&context.binary, &data.path().join("data"))?;
    let parameters = server.parameters("postgres");
    let actual = runtime.block_on(trace(&parameters, &cases))?;
    let expected = std::fs::read_to_string(expected_file)?;
    let equal = blocks(&expected).iter().zip(blocks(&actual)).filter(|(wanted, got)| *wanted == got).count();
    if actual != expected {
        let differing: Vec<_> = blocks(&expected)
            .into_iter()
            .zip(blocks(&actual))
            .filter(|(wanted, got)| wanted != got)
            .map(|(wanted, got)| format!("expected:\n{wanted}got:\n{got}"))
            .collect();
        return Ok(Outcome::Failed(format!(
            "{equal} of {} cases equal\n{}",
            cases.len(),
            differing.join("\n")
        )));
    }
    let heard = runtime.block_on(crowd(&parameters))?;
    server.stop()?;
    Ok(Outcome::Passed(format!(
        "{} cases as PostgreSQL; COMMIT among {WAITERS} waiters heard in {} ms",
        cases.len(),
        heard.as_millis()
    )))
}

fn blocks(trace: &str) -> Vec<String> {
    trace.split("\n\n").map(|block| format!("{}\n", block.trim_end())).collect()
}

fn read(text: &str) -> Result<Vec<Case>, Failure> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((name, level)) = line.strip_prefix("case ").and_then(|rest| rest.split_once(" / ")) {
            cases.push(Case { name: name.to_owned(), level: level.to_owned(), steps: Vec::new() });
        } else {
            let (session, statement) = line.split_once(' ').ok_or_else(|| format!("not a step: {line}"))?;
            let case = cases.last_mut().ok_or("a step before the first case")?;
            case.steps.push((session.to_owned(), statement.to_owned()));
        }
    }
    Ok(cases)
}

async fn trace(parameters: &str, cases: &[Case]) -> Result<String, Failure> {
    let mut trace = String::new();
    for case in cases {
        let setup = connect(parameters).await?;
        setup
            .batch_execute(
                "DROP TABLE IF EXISTS test; CREATE TABLE test (id int PRIMARY KEY, value int);
                 INSERT INTO test (id, value) VALUES (1, 10), (2, 20);",
            )
            .await?;
        writeln!(trace, "case {} / {}", case.name, case.level)?;
        play(parameters, case, &mut trace).await?;
        trace.push('\n');
    }
    Ok(trace)
}

/// A session that runs statements one after another and reports each answer.
struct Player {
    name: String,
    statements: mpsc::UnboundedSender<String>,
    answers: mpsc::UnboundedReceiver<String>,
    /// The statement that has not answered yet.
    blocked: Option<String>,
}

async fn play(parameters: &str, case: &Case, trace: &mut String) -> Result<(), Failure> {
    let mut players: Vec<Player> = Vec::new();
    for (session, statement) in &case.steps {
        let index = match players.iter().position(|player| player.name == *session) {
            Some(index) => index,
            None => {
                let client = connect(parameters).await?;
                client
                    .batch_execute(&format!("begin; set transaction isolation level {}", case.level))
                    .await?;
                players.push(player(session, client));
                players.len() - 1
            }
        };
        let player = players.get_mut(index).ok_or("no such session")?;
        if let Some(blocked) = player.blocked.take() {
            let answer = player.answers.recv().await.ok_or("a session ended")?;
            writeln!(trace, "{session} {blocked}: then {answer}")?;
        }
        player.statements.send(statement.clone())?;
        match tokio::time::timeout(PATIENCE, player.answers.recv()).await {
            Ok(answer) => writeln!(trace, "{session} {statement}: {}", answer.ok_or("a session ended")?)?,
            Err(_) => {
                writeln!(trace, "{session} {statement}: blocks")?;
                player.blocked = Some(statement.clone());
            }
        }
        for player in &mut players {
            if player.blocked.is_none() || player.name == *session {
                continue;
            }
            if let Ok(Some(answer)) = tokio::time::timeout(PATIENCE, player.answers.recv()).await {
                let statement = player.blocked.take().unwrap_or_default();
                writeln!(trace, "{} {statement}: then {answer}", player.name)?;
            }
        }
    }
    Ok(())
}

fn player(name: &str, client: Client) -> Player {
    let (statements, mut incoming) = mpsc::unbounded_channel::<String>();
    let (outgoing, answers) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(statement) = incoming.recv().await {
            let answer = answer(&client, &statement).await;
            if outgoing.send(answer).is_err() {
                break;
            }
        }
    });
    Player { name: name.to_owned(), statements, answers, blocked: None }
}

/// The rows as `id=>value`, the count of what changed, or the SQLSTATE.
async fn answer(client: &Client, statement: &str) -> String {
    match client.simple_query(statement).await {
        Err(error) => match error.as_db_error() {
            Some(refusal) => format!("error {}", refusal.code().code()),
            None => format!("lost: {error}"),
        },
        Ok(messages) => {
            let mut shown: Vec<String> = Vec::new();
            for message in messages {
                match message {
                    SimpleQueryMessage::Row(row) => {
                        let fields: Vec<_> =
                            (0..row.len()).map(|index| row.get(index).unwrap_or("null")).collect();
                        shown.push(fields.join("=>"));
                    }
                    SimpleQueryMessage::CommandComplete(count) => shown.push(format!("({count})")),
                    _ => {}
                }
            }
            shown.join(" ")
        }
    }
}

async fn connect(parameters: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(parameters, NoTls).await?;
    tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    Ok(client)
}

/// A hundred sessions wait for one row; how long does its holder's COMMIT take to be heard?
async fn crowd(parameters: &str) -> Result<Duration, Failure> {
    let holder = connect(parameters).await?;
    holder.batch_execute("begin; update test set value = value + 1 where id = 1").await?;
    let mut waiters = Vec::new();
    for _ in 0..WAITERS {
        let client = connect(parameters).await?;
        waiters.push(tokio::spawn(async move {
            client.batch_execute("update test set value = value + 1 where id = 1").await
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    holder.batch_execute("commit").await?;
    let heard = started.elapsed();
    for waiter in waiters {
        waiter.await??;
    }
    let row = holder.query_one("select value from test where id = 1", &[]).await?;
    let value: i32 = row.get(0);
    let base = value - 1 - WAITERS as i32;
    if heard > COMMIT_LIMIT || base < 0 {
        return Err(format!("COMMIT heard after {heard:?}; the row holds {value}").into());
    }
    Ok(heard)
}
