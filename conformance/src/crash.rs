//! kill -9 under load: 32 writers, a random moment, restart, and every promise checked.
//!
//! Each transaction inserts two rows that name each other (a pair) and a place that follows from its number, and adds one
//! to its writer's counter. The writer notes the attempt before COMMIT and the acknowledgement after. After the restart,
//! for every writer:
//! - each acknowledged pair is there, byte for byte, and its counter is at least as high;
//! - a pair that was in flight is wholly there or wholly absent;
//! - nothing that was never attempted is there;
//! - the counter equals the number of pairs;
//! - a count taken before the kill AS OF a noted moment is what AS OF that moment still answers;
//! - a backup that was under way has its list and verifies, or is taken for none;
//! - the places are those of the pairs, and the nearest to one of them is itself, by the index of vectors;
//! - a materialized view answers as its query does, now and AS OF a noted moment;
//! - a feed that was cut off by the kill goes on from where it was, without gap or duplicate, to the same rows.
//! Meanwhile checkpoints, compaction, graph builds and backups come and go, and a second server tries to have the folder.
//! The data folder lives through all rounds, so later rounds recover what earlier rounds left.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::keeping;
use crate::random::Random;
use crate::server::{Folder, Server};
use crate::subscribe::{Subscriber, moment};
use crate::{Context, Failure, Outcome};

const WRITERS: u64 = 32;

/// What one writer knows of its own pairs: number → acknowledged?
#[derive(Default)]
struct Ledger {
    attempted: HashMap<i64, bool>,
    next: i64,
}

/// The materialized view, and what it is of.
const VIEW: &str = "SELECT writer, count(*) AS rows, sum(number) AS numbers, max(number) AS latest FROM pair GROUP BY writer";
/// What the feed follows.
const FEED: &str = "SELECT writer, total FROM counter";
/// Places whose neighbours are searched for after each kill.
const SEARCHES: u64 = 8;

/// A moment and the number of rows at it.
type Noted = Arc<Mutex<Vec<(String, i64)>>>;

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let default = if context.number("long", 0) == 1 { 200 } else { 12 };
    let rounds = context.number("rounds", default);
    let seed = context.number("seed", Random::fresh_seed());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = Folder::new("crash")?;
    let result = runtime.block_on(rounds_of(context, &folder, rounds, seed));
    result.map(Outcome::Passed).map_err(|error| format!("seed={seed}: {error}").into())
}

async fn rounds_of(context: &Context, folder: &Folder, rounds: u64, seed: u64) -> Result<String, Failure> {
    let data = folder.path().join("data");
    let mut random = Random::new(seed);
    let ledgers: Vec<_> = (0..WRITERS).map(|_| Arc::new(Mutex::new(Ledger::default()))).collect();
    let noted: Noted = Arc::default();
    let backup = folder.path().join("backup");
    let (mut acknowledged, mut met, mut feed) = (0, keeping::Met::default(), None);
    for round in 0..=rounds {
        let server =
            Server::start(&context.binary, &data).map_err(|error| format!("round {round}: {error}"))?;
        let subscriber: &mut Subscriber = match &mut feed {
            None => feed.insert(prepare(&server).await?),
            Some(subscriber) => subscriber,
        };
        if round > 0 {
            acknowledged =
                check(&server, &ledgers, &noted).await.map_err(|error| format!("round {round}: {error}"))?;
            check_beside(&server, subscriber, &noted, &mut random)
                .await
                .map_err(|error| format!("round {round}: {error}"))?;
            met.note(&context.binary, &backup)?;
            refuse_second(context, &data)?;
        }
        if round == rounds {
            server.stop()?;
            break;
        }
        let span = Duration::from_millis(30 + random.below(400));
        load(server, &ledgers, &noted, (&backup, random.next()), subscriber, span).await?;
    }
    let followed = feed.map_or(0, |subscriber| subscriber.commits);
    let moments = noted.lock().await.len();
    let (said, is_good) = keeping::verify(&context.binary, &data)?;
    if !is_good {
        return Err(format!("the data folder does not verify: {said}").into());
    }
    Ok(format!(
        "{rounds} kills, {acknowledged} acknowledged transactions, {moments} past moments stable, {met}, a feed resumed over {followed} commits"
    ))
}

/// A second server on the folder is refused by name of the first.
fn refuse_second(context: &Context, data: &Path) -> Result<(), Failure> {
    let folder = data.to_str().ok_or("a path that is no text")?;
    let (said, is_good) =
        keeping::run(&context.binary, &["serve", "--data-dir", folder, "--listen", "127.0.0.1:0"])?;
    if is_good || !said.contains("in use by another server (process") {
        return Err(format!("a second server on the folder: {said}").into());
    }
    Ok(())
}

async fn connect(server: &Server) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
    tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    Ok(client)
}

/// Makes the tables, and the feed that begins before them.
async fn prepare(server: &Server) -> Result<Subscriber, Failure> {
    let client = connect(server).await?;
    let begin = moment(&client).await?;
    client
        .batch_execute(
            "CREATE TABLE pair (writer int8, number int8, side int8, body text NOT NULL, document text,
                                PRIMARY KEY (writer, number, side));
             CREATE INDEX pair_body ON pair (body);
             CREATE TABLE counter (writer int8 PRIMARY KEY, total int8 NOT NULL, note text NOT NULL);
             INSERT INTO counter SELECT g, 0, repeat(g || ' ', 2000) FROM generate_series(0, 31) g;
             CREATE EXTENSION vector;
             CREATE TABLE place (writer int8, number int8, place vector(8), PRIMARY KEY (writer, number));
             CREATE INDEX place_near ON place USING hnsw (place vector_l2_ops);",
        )
        .await?;
    client.batch_execute(&format!("CREATE MATERIALIZED VIEW summary AS {VIEW}")).await?;
    Ok(Subscriber::new(FEED, begin))
}

/// The place of a pair, as a vector's text: far from all others.
pub fn place(writer: i64, number: i64) -> String {
    let mut random = Random::new((writer << 32 | number) as u64);
    let numbers: Vec<String> = (0..8).map(|_| (random.below(20_000) as i64 - 10_000).to_string()).collect();
    format!("[{}]", numbers.join(","))
}

fn body(writer: i64, number: i64, side: i64) -> String {
    format!("{writer}/{number}/{side}/{}", "x".repeat((number % 50) as usize))
}

/// A long text for one pair in seven, of which there are forty.
fn document(number: i64) -> Option<String> {
    (number % 7 == 0).then(|| format!("{} ", number % 40).repeat(1500))
}

/// The same in SQL: what differs from it.
const DIFFERENT: &str = "SELECT (SELECT count(*) FROM pair WHERE document IS DISTINCT FROM
                                     CASE WHEN number % 7 = 0 THEN repeat(number % 40 || ' ', 1500) END)
                              + (SELECT count(*) FROM counter WHERE note <> repeat(writer || ' ', 2000))";

/// Runs the writers until the kill.
async fn load(
    server: Server,
    ledgers: &[Arc<Mutex<Ledger>>],
    noted: &Noted,
    (backup, first): (&Path, u64),
    subscriber: &mut Subscriber,
    span: Duration,
) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for (writer, ledger) in ledgers.iter().enumerate() {
        let client = connect(&server).await?;
        tasks.push(tokio::spawn(write(client, writer as i64, Arc::clone(ledger), Arc::clone(&stop))));
    }
    let observer = connect(&server).await?;
    let noted = Arc::clone(noted);
    let watching = tokio::spawn(async move {
        // Only a moment whose answer arrived is held against the server.
        let row =
            observer.query_one("SELECT strata.snapshot_time()::text, count(*) FROM pair", &[]).await.ok()?;
        noted.lock().await.push((row.get(0), row.get(1)));
        Some(())
    });
    let (client, backup) = (connect(&server).await?, backup.to_path_buf());
    tasks.push(tokio::spawn(async move { keeping::keep_up(&client, &backup, first).await }));
    // Its stream ends with the server, or a little before it.
    let follower = connect(&server).await?;
    let (followed, killed) = tokio::join!(subscriber.follow(&follower, "", Some(2 * span)), async {
        tokio::time::sleep(span).await;
        server.kill()
    });
    killed?;
    followed?;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    watching.await?;
    Ok(())
}

async fn write(
    mut client: Client,
    writer: i64,
    ledger: Arc<Mutex<Ledger>>,
    stop: Arc<AtomicBool>,
) -> Result<(), Failure> {
    while !stop.load(Ordering::Relaxed) {
        let number = {
            let mut ledger = ledger.lock().await;
            let number = ledger.next;
            ledger.next += 1;
            ledger.attempted.insert(number, false);
            number
        };
        match pair(&mut client, writer, number).await {
            Ok(()) => {
                ledger.lock().await.attempted.insert(number, true);
            }
            // A refusal by a live server is a failure of the suite; a lost connection is the kill.
            Err(error) => match error.as_db_error() {
                Some(refusal) if refusal.code().code() != "57P01" => {
                    return Err(format!("writer {writer}: {refusal}").into());
                }
                _ => return Ok(()),
            },
        }
    }
    Ok(())
}

async fn pair(client: &mut Client, writer: i64, number: i64) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    for side in 0..2_i64 {
        transaction
            .execute(
                "INSERT INTO pair VALUES ($1, $2, $3, $4, $5)",
                &[&writer, &number, &side, &body(writer, number, side), &document(number)],
            )
            .await?;
    }
    transaction
        .execute(
            "INSERT INTO place VALUES ($1, $2, $3::text::vector)",
            &[&writer, &number, &place(writer, number)],
        )
        .await?;
    transaction.execute("UPDATE counter SET total = total + 1 WHERE writer = $1", &[&writer]).await?;
    transaction.commit().await
}

/// Compares what follows from the pairs with them: places, the view, the feed.
async fn check_beside(
    server: &Server,
    subscriber: &mut Subscriber,
    noted: &Noted,
    random: &mut Random,
) -> Result<(), Failure> {
    let client = connect(server).await?;
    subscriber.compare(&client).await?;
    let mut moments = vec![String::new()];
    {
        let noted = noted.lock().await;
        if !noted.is_empty() {
            let (moment, _) = &noted[random.below(noted.len() as u64) as usize];
            moments.push(format!("FOR SYSTEM_TIME AS OF '{moment}'"));
        }
    }
    for past in &moments {
        let query = VIEW.replace("FROM pair", &format!("FROM pair {past}"));
        let view = format!("SELECT writer, rows, numbers, latest FROM summary {past}");
        for (left, right) in [(&query, &view), (&view, &query)] {
            let text = format!("SELECT count(*) FROM ({left} EXCEPT ALL {right}) difference");
            let differing: i64 = client.query_one(text.as_str(), &[]).await?.get(0);
            if differing != 0 {
                return Err(format!("the view {past} differs in {differing} rows").into());
            }
        }
    }
    let places = "SELECT count(*) FROM (SELECT writer, number FROM pair WHERE side = 0) p
                  FULL JOIN place q ON p.writer = q.writer AND p.number = q.number
                  WHERE p.writer IS NULL OR q.writer IS NULL";
    if client.query_one(places, &[]).await?.get::<_, i64>(0) != 0 {
        return Err("the places are not those of the pairs".into());
    }
    let some = format!("SELECT writer, number FROM place ORDER BY number % 13, writer LIMIT {SEARCHES}");
    for row in client.query(some.as_str(), &[]).await? {
        let (writer, number): (i64, i64) = (row.get(0), row.get(1));
        let wanted = place(writer, number);
        let text = format!("SELECT writer, number FROM place ORDER BY place <-> '{wanted}' LIMIT 3");
        let found = client.query(text.as_str(), &[]).await?;
        if !found.first().is_some_and(|row| (row.get(0), row.get(1)) == (writer, number)) {
            return Err(format!("{writer}/{number} at {wanted} is not the nearest to itself").into());
        }
    }
    Ok(())
}

/// Compares what the server has with what the writers know; gives the number of acknowledged transactions.
async fn check(server: &Server, ledgers: &[Arc<Mutex<Ledger>>], noted: &Noted) -> Result<u64, Failure> {
    let client = connect(server).await?;
    let mut found: HashMap<(i64, i64), Vec<(i64, String)>> = HashMap::new();
    for row in client.query("SELECT writer, number, side, body FROM pair", &[]).await? {
        found.entry((row.get(0), row.get(1))).or_default().push((row.get(2), row.get(3)));
    }
    let different: i64 = client.query_one(DIFFERENT, &[]).await?.get(0);
    if different > 0 {
        return Err(format!("{different} long texts are not what they were").into());
    }
    let mut acknowledged = 0;
    for (writer, ledger) in ledgers.iter().enumerate() {
        let writer = writer as i64;
        let mut ledger = ledger.lock().await;
        let mut total = 0;
        for (number, is_acknowledged) in &mut ledger.attempted {
            match found.remove(&(writer, *number)) {
                Some(rows) => {
                    let mut rows = rows;
                    rows.sort();
                    let wanted: Vec<_> = (0..2).map(|side| (side, body(writer, *number, side))).collect();
                    if rows != wanted {
                        return Err(format!("pair {writer}/{number} is half there: {rows:?}").into());
                    }
                    total += 1;
                    // Once seen it must stay.
                    *is_acknowledged = true;
                    acknowledged += 1;
                }
                None if *is_acknowledged => {
                    return Err(format!("acknowledged pair {writer}/{number} is lost").into());
                }
                None => {}
            }
        }
        ledger.attempted.retain(|_, is_acknowledged| *is_acknowledged);
        let row = client.query_one("SELECT total FROM counter WHERE writer = $1", &[&writer]).await?;
        if row.get::<_, i64>(0) != total {
            return Err(format!("writer {writer}: counter {} but {total} pairs", row.get::<_, i64>(0)).into());
        }
    }
    if let Some((writer, number)) = found.keys().next() {
        return Err(format!("pair {writer}/{number} was never attempted").into());
    }
    for (moment, count) in noted.lock().await.iter() {
        let text = format!("SELECT count(*) FROM pair FOR SYSTEM_TIME AS OF '{moment}'");
        let row = client.query_one(text.as_str(), &[]).await?;
        if row.get::<_, i64>(0) != *count {
            return Err(format!("AS OF {moment}: {} rows, were {count}", row.get::<_, i64>(0)).into());
        }
    }
    Ok(acknowledged)
}
