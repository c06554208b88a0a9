//! Compaction, checkpoints and index builds under full write load, and reads of the past all along.
//!
//! Writers change three tables (one has no key, all have indexes: unique, secondary, of vectors), each its own rows, with
//! rollbacks and refused duplicates among the transactions; CHECKPOINT, VACUUM, ANALYZE, CREATE INDEX and DROP INDEX come
//! as fast as they go; readers note what moments show and ask again later. Each transaction leaves a row in `act`, so that
//! its moment can be asked for, and each version names its transaction: the writers' ledgers of acknowledged
//! transactions are then a model of every version with its times.
//!
//! What must hold, on the loaded server, after it has written everything out, and after kill -9 and a restart:
//! - the multiset of (row, from, to) of each table, by FOR SYSTEM_TIME ALL, is the model's;
//! - now and at five moments each table is the model's, and every index, walked whole in its order, gives the table's
//!   rows, as look-ups by single keys and by lists do (EXPLAIN names the index, unless the moment is older than it);
//! - at these moments the neighbours found by the index of vectors are those of the model, all of them if all are asked;
//! - no statement failed but the duplicates, and no answer about the past changed.

mod check;
mod model;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::keeping;
use crate::random::Random;
use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};
use model::{Ledger, Model};

const WRITERS: u32 = 8;
const READERS: u64 = 2;
/// Groups and amounts that rows have.
const GROUPS: u64 = 40;
const AMOUNTS: u64 = 500;

/// The tables, and how each is made.
const TABLES: [(&str, &str); 3] =
    [("account", "id int8 PRIMARY KEY"), ("line", "id int8, PRIMARY KEY (id, code)"), ("heap", "id int8")];
/// Each index with what it is made of: those that are there from the beginning.
const INDEXES: [(usize, &str, &str); 8] = [
    (0, "account_code", "UNIQUE INDEX account_code ON account (code)"),
    (0, "account_grp", "INDEX account_grp ON account (grp)"),
    (0, "account_place", "INDEX account_place ON account USING hnsw (place vector_l2_ops)"),
    (1, "line_code", "UNIQUE INDEX line_code ON line (code)"),
    (1, "line_place", "INDEX line_place ON line USING hnsw (place vector_cosine_ops)"),
    (1, "line_grp", "INDEX line_grp ON line (grp, amount DESC)"),
    (2, "heap_code", "UNIQUE INDEX heap_code ON heap (code)"),
    (2, "heap_id", "INDEX heap_id ON heap (id)"),
];
/// Those that are built, and dropped and built again, under load.
const BUILT: [(usize, &str, &str); 4] = [
    (0, "account_amount", "INDEX account_amount ON account (amount)"),
    (1, "line_amount", "INDEX line_amount ON line (amount)"),
    (2, "heap_grp", "INDEX heap_grp ON heap (grp)"),
    (2, "heap_place", "INDEX heap_place ON heap USING hnsw (place vector_l2_ops)"),
];
/// The columns after the key, in every table.
const COLUMNS: &str =
    "code text NOT NULL, grp int8, amount int8 NOT NULL, place vector(3), act text NOT NULL";
/// A row's text, as the model writes it.
const TEXT: &str = "id || '|' || code || '|' || coalesce(grp::text, '-') || '|' || amount || '|' || \
                    coalesce(place::text, '-') || '|' || act";

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let seconds = context.number("seconds", if context.number("long", 0) == 1 { 60 } else { 5 });
    let seed = context.number("seed", Random::fresh_seed());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = Folder::new("load")?;
    let result = runtime.block_on(all(context, &folder, seconds, seed));
    result.map(Outcome::Passed).map_err(|error| format!("seed={seed}: {error}").into())
}

/// What was counted under load.
#[derive(Default)]
struct Counts {
    acknowledged: AtomicU64,
    refused: AtomicU64,
    rolled_back: AtomicU64,
    checkpoints: AtomicU64,
    built: AtomicU64,
    reads: AtomicU64,
}

async fn all(context: &Context, folder: &Folder, seconds: u64, seed: u64) -> Result<String, Failure> {
    let data = folder.path().join("data");
    let server = Server::start(&context.binary, &data)?;
    let client = connect(&server).await?;
    client.batch_execute("CREATE EXTENSION vector; CREATE TABLE act (act text PRIMARY KEY)").await?;
    for (name, key) in TABLES {
        let (column, constraint) = key.split_at(key.find(", ").unwrap_or(key.len()));
        client.batch_execute(&format!("CREATE TABLE {name} ({column}, {COLUMNS}{constraint})")).await?;
    }
    for (_, _, definition) in INDEXES {
        client.batch_execute(&format!("CREATE {definition}")).await?;
    }
    let counts = Arc::new(Counts::default());
    let model = load(&server, seconds, seed, &counts).await?;
    for (_, name, definition) in BUILT {
        let text = format!("DROP INDEX IF EXISTS {name}; CREATE {definition}");
        client.batch_execute(&text).await.map_err(|error| format!("{text}: {error:?}"))?;
    }
    let mut random = Random::new(seed ^ 0xC4EC);
    let moments = check::moments(&client).await?;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    if moments.len() as u64 != count(&counts.acknowledged) {
        let acknowledged = count(&counts.acknowledged);
        return Err(format!("{acknowledged} transactions acknowledged, {} there", moments.len()).into());
    }
    let chosen = check::choose(&moments, &mut random)?;
    let mut checked =
        check::Checked { client: &client, model: &model, moments: &moments, random: &mut random };
    checked.everything(&chosen).await.map_err(|error| format!("under load: {error}"))?;
    for statement in ["CHECKPOINT", "VACUUM", "ANALYZE", "CHECKPOINT", "VACUUM"] {
        client.batch_execute(statement).await.map_err(|error| format!("{statement}: {error:?}"))?;
    }
    checked.everything(&chosen).await.map_err(|error| format!("written out: {error}"))?;
    drop(client);
    server.kill()?;
    let server = Server::start(&context.binary, &data)?;
    let client = connect(&server).await?;
    let mut checked =
        check::Checked { client: &client, model: &model, moments: &moments, random: &mut random };
    checked.everything(&chosen).await.map_err(|error| format!("after a restart: {error}"))?;
    drop(client);
    server.stop()?;
    let (said, is_good) = keeping::verify(&context.binary, &data)?;
    if !is_good {
        return Err(format!("the data folder does not verify: {said}").into());
    }
    Ok(format!(
        "{} transactions, {} rolled back, {} duplicates refused; versions: {}; {} checkpoints and compactions, {} index \
         builds, {} reads of the past; three times all versions and {} indexes at {} moments equal the model",
        moments.len(),
        count(&counts.rolled_back),
        count(&counts.refused),
        model.counts(),
        count(&counts.checkpoints),
        count(&counts.built),
        count(&counts.reads),
        INDEXES.len() + BUILT.len() + check::PRIMARY.len(),
        chosen.len() + 1,
    ))
}

async fn connect(server: &Server) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
    tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    client.batch_execute("SET TIME ZONE 'UTC'").await?;
    Ok(client)
}

/// Everybody at work for so many seconds; gives what the writers know.
async fn load(server: &Server, seconds: u64, seed: u64, counts: &Arc<Counts>) -> Result<Model, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let ledgers: Vec<_> = (0..WRITERS).map(|_| Arc::new(Mutex::new(Ledger::default()))).collect();
    let mut random = Random::new(seed);
    let mut tasks = Vec::new();
    for (writer, ledger) in (0..WRITERS).zip(&ledgers) {
        let client = connect(server).await?;
        let (counts, stop) = (counts.clone(), stop.clone());
        tasks.push(tokio::spawn(writers::write(client, writer, random.next(), ledger.clone(), counts, stop)));
    }
    for _ in 0..READERS {
        let client = connect(server).await?;
        tasks.push(tokio::spawn(look_back(client, random.next(), counts.clone(), stop.clone())));
    }
    let client = connect(server).await?;
    tasks.push(tokio::spawn(maintain(client, counts.clone(), stop.clone())));
    let client = connect(server).await?;
    tasks.push(tokio::spawn(build(client, random.next(), counts.clone(), stop.clone())));
    for _ in 0..seconds * 10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if tasks.iter().any(|task| task.is_finished()) {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    let mut model = Model { versions: Vec::new() };
    for ledger in ledgers {
        model.versions.append(&mut ledger.lock().await.versions);
    }
    Ok(model)
}

/// Notes what moments show, and asks again for some that were noted before.
async fn look_back(
    client: Client,
    seed: u64,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
) -> Result<(), Failure> {
    let mut random = Random::new(seed);
    let mut noted: Vec<(String, usize, i64, Option<String>)> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let table = random.below(TABLES.len() as u64) as usize;
        let moment: String = client.query_one("SELECT strata.snapshot_time()::text", &[]).await?.get(0);
        let (count, sum) = shown(&client, table, &moment).await?;
        noted.push((moment, table, count, sum));
        let place = random.below(noted.len() as u64) as usize;
        if let Some((moment, table, count, sum)) = noted.get(place) {
            let again = shown(&client, *table, moment).await?;
            if again != (*count, sum.clone()) {
                let name = TABLES[*table].0;
                return Err(format!("{name} AS OF {moment} was {count} rows, {sum:?}; now {again:?}").into());
            }
        }
        counts.reads.fetch_add(2, Ordering::Relaxed);
    }
    Ok(())
}

/// What a table shows at a moment: how many rows, and a sum over them.
async fn shown(client: &Client, table: usize, moment: &str) -> Result<(i64, Option<String>), Failure> {
    let name = TABLES[table].0;
    let text = format!(
        "SELECT count(*), md5(string_agg(md5({TEXT}), '' ORDER BY code)) FROM {name} FOR SYSTEM_TIME AS OF '{moment}'"
    );
    let row = client.query_one(&text, &[]).await.map_err(|error| format!("{text}: {error:?}"))?;
    Ok((row.get(0), row.get(1)))
}

/// Checkpoints and compaction without a pause.
async fn maintain(client: Client, counts: Arc<Counts>, stop: Arc<AtomicBool>) -> Result<(), Failure> {
    for statement in ["CHECKPOINT", "CHECKPOINT", "VACUUM", "ANALYZE"].iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        client.batch_execute(statement).await.map_err(|error| format!("{statement}: {error:?}"))?;
        counts.checkpoints.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Index after index, dropped and built.
async fn build(client: Client, seed: u64, counts: Arc<Counts>, stop: Arc<AtomicBool>) -> Result<(), Failure> {
    let mut random = Random::new(seed);
    while !stop.load(Ordering::Relaxed) {
        let (_, name, definition) = BUILT[random.below(BUILT.len() as u64) as usize];
        for text in [format!("DROP INDEX IF EXISTS {name}"), format!("CREATE {definition}")] {
            client.batch_execute(&text).await.map_err(|error| format!("{text}: {error:?}"))?;
        }
        counts.built.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
    }
    Ok(())
}
