//! SUBSCRIBE over the socket: feeds resumed after disconnects and kills under load, and a client that stops reading.
//!
//! Writers change a table in transactions, rolled-back ones among them. Two subscribers, one to the table and one to an
//! aggregation over it, follow by `COPY (SUBSCRIBE … WITH (progress))`; each keeps what was told whole, throws the rest
//! away, is cut off after a moment (with and without a goodbye; in some rounds the server is killed), and goes on from
//! the last progress told. At the end, and from the beginning of history, what was given must sum up to the table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio_postgres::{Client, NoTls};

use crate::random::Random;
use crate::scripts::Peer;
use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

const WRITERS: u64 = 4;
const QUERIES: [&str; 2] = [
    "SELECT k, v FROM feed",
    "SELECT v % 7 AS g, count(*) AS n, sum(v) AS s, min(k) AS least FROM feed GROUP BY 1",
];
/// What a client that stops reading may cost.
const STOPPED_LIMIT: u64 = 16 << 20;
/// Rounds between two kills of the server.
const KILL_EVERY: u64 = 10;

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let default = if context.number("long", 0) == 1 { 200 } else { 50 };
    let rounds = context.number("rounds", default);
    let seed = context.number("seed", Random::fresh_seed());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = Folder::new("subscribe")?;
    let result = runtime.block_on(async {
        let resumed = resume_often(context, &folder, rounds, seed).await?;
        let stopped = stop_reading(context, &folder).await?;
        Ok::<_, Failure>(format!("{resumed}; {stopped}"))
    });
    result.map(Outcome::Passed).map_err(|error| format!("seed={seed}: {error}").into())
}

async fn connect(server: &Server) -> Result<(Client, tokio::task::JoinHandle<()>), Failure> {
    let (client, connection) = tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
    let connection = tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    Ok((client, connection))
}

/// Rows with how often each is there.
type Rows = BTreeMap<String, i64>;

/// What one subscriber knows.
pub struct Subscriber {
    query: &'static str,
    rows: Rows,
    position: u64,
    pub commits: u64,
}

impl Subscriber {
    /// One that follows a query from a moment at which it had no rows.
    pub fn new(query: &'static str, position: u64) -> Subscriber {
        Subscriber { query, rows: Rows::new(), position, commits: 0 }
    }

    /// Follows for a while (for ever without a limit), keeping what progress says is whole.
    pub async fn follow(
        &mut self,
        client: &Client,
        clauses: &str,
        limit: Option<Duration>,
    ) -> Result<(), Failure> {
        let text = format!(
            "COPY (SUBSCRIBE ({}) AS OF {} {clauses} WITH (snapshot = false, progress)) TO STDOUT",
            self.query, self.position
        );
        let end = limit.map(|limit| tokio::time::Instant::now() + limit);
        let stream = client.copy_out(&text).await?;
        tokio::pin!(stream);
        let (mut waiting, mut last) = (Vec::new(), self.position);
        loop {
            let next = match end {
                Some(end) => match tokio::time::timeout_at(end, stream.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(()),
                },
                None => stream.next().await,
            };
            let Some(data) = next else { return Ok(()) };
            // A server that was killed ends the stream with an error.
            let Ok(data) = data else { return Ok(()) };
            for line in String::from_utf8_lossy(&data).lines() {
                let mut parts = line.splitn(4, '\t');
                let at: u64 = parts.next().ok_or("a timestamp")?.parse()?;
                let told = parts.next() == Some("t");
                let times = parts.next().ok_or("a count")?;
                if at < last || at <= self.position && !told {
                    return Err(format!("commit {at} after {last}, resumed at {}", self.position).into());
                }
                last = at;
                if !told {
                    waiting.push((at, times.parse::<i64>()?, parts.next().unwrap_or_default().to_owned()));
                    continue;
                }
                self.keep(std::mem::take(&mut waiting), at)?;
            }
        }
    }

    /// Takes over everything up to a moment.
    fn keep(&mut self, rows: Vec<(u64, i64, String)>, at: u64) -> Result<(), Failure> {
        let mut commit = 0;
        for (when, times, row) in rows {
            self.commits += u64::from(when != commit);
            commit = when;
            let count = self.rows.entry(row.clone()).or_default();
            *count += times;
            match *count {
                0 => {
                    self.rows.remove(&row);
                }
                1.. => {}
                _ => return Err(format!("{row} went before it came, in commit {when}").into()),
            }
        }
        self.position = at;
        Ok(())
    }

    /// Goes on to the present, and compares with the query.
    pub async fn compare(&mut self, client: &Client) -> Result<(), Failure> {
        self.follow(client, "UP TO now()", None).await?;
        let mut expected = Rows::new();
        let data = client.copy_out(&format!("COPY ({}) TO STDOUT", self.query)).await?;
        tokio::pin!(data);
        while let Some(data) = data.next().await {
            for line in String::from_utf8_lossy(&data?).lines() {
                *expected.entry(line.to_owned()).or_default() += 1;
            }
        }
        match self.rows == expected {
            true => Ok(()),
            false => Err(format!("the feed of {} does not sum up to its rows", self.query).into()),
        }
    }
}

/// Random transactions until told to stop, or until the server goes.
async fn write(client: Client, seed: u64, stop: Arc<AtomicBool>, written: Arc<AtomicU64>) {
    let mut random = Random::new(seed);
    while !stop.load(Ordering::Relaxed) {
        let mut text = String::from("BEGIN;");
        for _ in 0..1 + random.below(4) {
            let (key, value) = (random.below(60), random.below(1000));
            text.push_str(&match random.below(4) {
                0 => format!("DELETE FROM feed WHERE k = {key};"),
                1 => format!("UPDATE feed SET v = v + 1 WHERE k = {key};"),
                _ => format!(
                    "INSERT INTO feed VALUES ({key}, {value}) ON CONFLICT (k) DO UPDATE SET v = excluded.v;"
                ),
            });
        }
        text.push_str(if random.below(5) == 0 { "ROLLBACK" } else { "COMMIT" });
        if client.batch_execute(&text).await.is_ok() {
            written.fetch_add(1, Ordering::Relaxed);
        } else if client.is_closed() || client.batch_execute("ROLLBACK").await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(random.below(4))).await;
    }
}

async fn resume_often(context: &Context, folder: &Folder, rounds: u64, seed: u64) -> Result<String, Failure> {
    let data = folder.path().join("data");
    let mut random = Random::new(seed);
    let mut server = Server::start(&context.binary, &data)?;
    let (client, _connection) = connect(&server).await?;
    let begin = moment(&client).await?;
    client.batch_execute("CREATE TABLE feed (k int PRIMARY KEY, v int8)").await?;
    drop(client);
    let mut subscribers = QUERIES.map(|query| Subscriber::new(query, begin));
    let written = Arc::new(AtomicU64::new(0));
    let (mut stop, mut kills) = (Arc::new(AtomicBool::new(false)), 0);
    start_writers(&server, &mut random, &stop, &written).await?;
    for round in 1..=rounds {
        // Not in the last round, behind which no feed may be left.
        let killed = round % KILL_EVERY == KILL_EVERY / 2;
        let span = Duration::from_millis(20 + random.below(150));
        let [first, second] = &mut subscribers;
        let goodbye = random.below(2) == 0;
        tokio::try_join!(cut_off(&server, first, span, goodbye), cut_off(&server, second, span, !goodbye))
            .map_err(|error| format!("round {round}: {error}"))?;
        if killed {
            kills += 1;
            stop.store(true, Ordering::Relaxed);
            stop = Arc::default();
            server.kill()?;
            server = Server::start(&context.binary, &data)?;
            start_writers(&server, &mut random, &stop, &written).await?;
        }
    }
    stop.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (client, _connection) = connect(&server).await?;
    ended(&client).await?;
    for subscriber in &mut subscribers {
        subscriber.compare(&client).await?;
        let mut whole = Subscriber::new(subscriber.query, begin);
        whole.compare(&client).await.map_err(|error| format!("from the beginning: {error}"))?;
        if whole.commits != subscriber.commits {
            return Err(format!("{} commits given, {} in one go", subscriber.commits, whole.commits).into());
        }
    }
    let commits = subscribers.iter().map(|subscriber| subscriber.commits).max().unwrap_or_default();
    drop(client);
    server.stop()?;
    Ok(format!("{rounds} disconnects and {kills} kills, {commits} commits followed without gap or duplicate"))
}

async fn start_writers(
    server: &Server,
    random: &mut Random,
    stop: &Arc<AtomicBool>,
    written: &Arc<AtomicU64>,
) -> Result<(), Failure> {
    for _ in 0..WRITERS {
        let (client, _connection) = connect(server).await?;
        tokio::spawn(write(client, random.next(), stop.clone(), written.clone()));
    }
    Ok(())
}

/// Follows for a while on a connection of its own, which then ends with a cancel and a goodbye, or without either.
async fn cut_off(
    server: &Server,
    subscriber: &mut Subscriber,
    span: Duration,
    goodbye: bool,
) -> Result<(), Failure> {
    let (client, connection) = connect(server).await?;
    subscriber.follow(&client, "", Some(span)).await?;
    if !goodbye {
        connection.abort();
        return Ok(());
    }
    // This client reads what is under way to its end before it says goodbye.
    client.cancel_token().cancel_query(NoTls).await?;
    drop(client);
    tokio::time::timeout(Duration::from_secs(10), connection)
        .await
        .map_err(|_| "a feed that was cancelled goes on")??;
    Ok(())
}

/// The commit timestamp of now.
pub async fn moment(client: &Client) -> Result<u64, Failure> {
    let text = "COPY (SUBSCRIBE (SELECT 1 WHERE false) WITH (progress) UP TO now()) TO STDOUT";
    let stream = client.copy_out(text).await?;
    tokio::pin!(stream);
    let mut last = None;
    while let Some(data) = stream.next().await {
        let data = data?;
        last = String::from_utf8_lossy(&data).split('\t').next().and_then(|at| at.parse().ok());
    }
    last.ok_or_else(|| "no progress told".into())
}

/// Waits until no feed is left on the server: every one was cut off.
async fn ended(client: &Client) -> Result<(), Failure> {
    let text =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SUBSCRIBE%' AND state = 'active'";
    let started = Instant::now();
    loop {
        let left: i64 = client.query_one(text, &[]).await?.get(0);
        if left == 0 {
            return Ok(());
        }
        if started.elapsed() > Duration::from_secs(5) {
            return Err(format!("{left} feeds outlive their clients").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A client that stops reading, and what it costs; it is told why it ended, and its connection goes on.
async fn stop_reading(context: &Context, folder: &Folder) -> Result<String, Failure> {
    let server = Server::start(&context.binary, &folder.path().join("stopped"))?;
    let (client, _connection) = connect(&server).await?;
    let begin = moment(&client).await?;
    client
        .batch_execute(
            "CREATE TABLE feed (k int, body text);
             INSERT INTO feed SELECT i, repeat(md5(i::text), 40) FROM generate_series(1, 10000) i;
             UPDATE feed SET k = k + 1;
             UPDATE feed SET k = k + 1;",
        )
        .await?;
    let mut costs = Vec::new();
    for clauses in ["", &format!("AS OF {begin}")] {
        let mut peer = Peer::connect(server.port)?;
        peer.send("Query SET strata.subscribe_patience = '1s'")?;
        while peer.receive(false)? != "Ready I" {}
        let before = anonymous(&server)?;
        peer.send(&format!("Query SUBSCRIBE feed {clauses}"))?;
        let mut most = 0;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(3500) {
            most = most.max(anonymous(&server)?.saturating_sub(before));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if most > STOPPED_LIMIT {
            return Err(format!("a client that stopped reading costs {most} bytes").into());
        }
        costs.push(most >> 10);
        let ending = loop {
            let message = peer.receive(false)?;
            if !message.starts_with("RowDescription") && !message.starts_with("DataRow") {
                break message;
            }
        };
        if ending != "Error 53400" {
            return Err(format!("a client that stopped reading was told {ending:?}").into());
        }
        peer.send("Query SELECT 1")?;
        let mut answered = false;
        for _ in 0..4 {
            answered |= peer.receive(false)? == "DataRow 1";
        }
        if !answered {
            return Err("a client that stopped reading cannot go on".into());
        }
    }
    drop(client);
    server.stop()?;
    Ok(format!("clients that stop reading cost {costs:?} KiB and are told so"))
}

/// Bytes of anonymous memory of a server.
fn anonymous(server: &Server) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process()))?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).ok_or("no RssAnon")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes << 10)
}
