//! Backup and restore under load, over the wire and with the server's own commands.
//!
//! One server lives through all rounds, with writers, checkpoints and VACUUM at work. A chronicler commits one seeded
//! change after the other to a table of its own and notes the moment after each, so that this program knows by itself
//! what the table held at any of these moments: the model. Each round:
//! - backs the server up while everybody goes on;
//! - restores it to the end of the backup or to one of the chronicler's moments, and serves the result;
//! - compares the chronicle with the model, row by row, and every other table by checksum with what the living server
//!   answers AS OF the same moment; and again at an earlier moment, in both;
//! - adds a row and a table to the restored database, and restarts it;
//! - changes one byte of the backup, cuts a file of it short or takes one away: `verify` and `restore` must name it.
//!
//! `rounds=N` asks for so many rounds, `moments=N` for as many more as it takes to restore to so many of the
//! chronicler's moments (a few rounds restore to the end instead).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::keeping;
use crate::random::Random;
use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

const WRITERS: i64 = 6;
/// Every table but the chronicle, and how its rows are put in order.
const TABLES: [(&str, &str); 4] =
    [("entry", "writer, number"), ("counter", "writer"), ("note", "id"), ("bulk", "number")];

/// The chronicle's rows.
type Rows = BTreeMap<i64, String>;

/// What the chronicler has done: the moment after each commit, and the change that it was.
#[derive(Default)]
struct Chronicle {
    moments: Vec<String>,
    changes: Vec<(i64, Option<String>)>,
}

impl Chronicle {
    /// The rows after the first `count` commits.
    fn rows(&self, count: usize) -> Rows {
        let mut rows = Rows::new();
        for (id, body) in self.changes.iter().take(count) {
            match body {
                Some(body) => rows.insert(*id, body.clone()),
                None => rows.remove(id),
            };
        }
        rows
    }

    /// The commits whose moments lie between two others.
    fn between(&self, earliest: &str, latest: &str) -> Vec<usize> {
        let inside = |moment: &str| earliest <= moment && moment <= latest;
        let counts = self.moments.iter().enumerate().filter(|(_, moment)| inside(moment));
        counts.map(|(number, _)| number + 1).collect()
    }
}

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let rounds = context.number("rounds", if context.number("long", 0) == 1 { 50 } else { 4 });
    let moments = context.number("moments", rounds / 2);
    let seed = context.number("seed", Random::fresh_seed());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = Folder::new("backup")?;
    let result = runtime.block_on(rounds_of(context, &folder, (rounds, moments), seed));
    result.map(Outcome::Passed).map_err(|error| format!("seed={seed}: {error}").into())
}

/// What was counted.
#[derive(Default)]
struct Counts {
    moments: u64,
    refused: u64,
    compared: u64,
}

async fn rounds_of(
    context: &Context,
    folder: &Folder,
    (rounds, wanted): (u64, u64),
    seed: u64,
) -> Result<String, Failure> {
    let server = Server::start(&context.binary, &folder.path().join("data"))?;
    let client = connect(&server).await?;
    client
        .batch_execute(
            "CREATE TABLE chronicle (id int8 PRIMARY KEY, body text NOT NULL);
             CREATE INDEX chronicle_body ON chronicle (body);
             CREATE TABLE entry (writer int8, number int8, body text, PRIMARY KEY (writer, number));
             CREATE INDEX entry_body ON entry (body);
             CREATE TABLE counter (writer int8 PRIMARY KEY, total int8 NOT NULL);
             CREATE TABLE note (id serial PRIMARY KEY, at timestamptz DEFAULT now());
             CREATE TABLE bulk (number int8, body text);
             INSERT INTO counter SELECT g, 0 FROM generate_series(0, 5) g;",
        )
        .await?;
    let stop = Arc::new(AtomicBool::new(false));
    let chronicle: Arc<Mutex<Chronicle>> = Arc::default();
    let mut tasks =
        vec![tokio::spawn(chronicle_of(connect(&server).await?, chronicle.clone(), stop.clone(), seed))];
    for writer in 0..WRITERS {
        tasks.push(tokio::spawn(write(connect(&server).await?, writer, stop.clone())));
    }
    tasks.push(tokio::spawn(maintain(connect(&server).await?, stop.clone(), seed)));
    let mut random = Random::new(seed);
    let mut counts = Counts::default();
    let mut round = 0;
    while round < rounds || counts.moments < wanted {
        round += 1;
        tokio::time::sleep(Duration::from_millis(50 + random.below(500))).await;
        let round_of = Round { context, folder: folder.path(), server: &server, chronicle: &chronicle };
        round_of
            .run(round, &mut random, &mut counts)
            .await
            .map_err(|error| format!("round {round}: {error}"))?;
        if let Some(ended) = tasks.iter().find(|task| task.is_finished()) {
            return Err(format!("round {round}: a client ended: {ended:?}").into());
        }
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    server.stop()?;
    let (said, is_good) = keeping::verify(&context.binary, &folder.path().join("data"))?;
    if !is_good {
        return Err(format!("the data folder does not verify: {said}").into());
    }
    let commits = chronicle.lock().await.moments.len();
    let Counts { moments, refused, compared } = counts;
    Ok(format!(
        "{round} backups under load restored, {moments} of them to moments equal to the model of {commits} commits, \
         {compared} tables equal by checksum, {refused} damaged backups refused"
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

/// Commits one change after the other and notes the moment after each.
async fn chronicle_of(
    client: Client,
    chronicle: Arc<Mutex<Chronicle>>,
    stop: Arc<AtomicBool>,
    seed: u64,
) -> Result<(), Failure> {
    let mut random = Random::new(seed ^ 0xC4);
    let mut rows = Rows::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let some = rows.range(random.below(number) as i64..).next().map(|(id, _)| *id);
        let (id, body) = match (random.below(4), some) {
            (0, Some(id)) if rows.len() > 50 => (id, None),
            (1, Some(id)) => (id, Some(format!("changed by {number}"))),
            _ => (number as i64, Some(format!("made {}", "y".repeat(random.below(200) as usize)))),
        };
        match &body {
            None => client.execute("DELETE FROM chronicle WHERE id = $1", &[&id]).await?,
            Some(body) => {
                let upsert = "INSERT INTO chronicle VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = $2";
                client.execute(upsert, &[&id, body]).await?
            }
        };
        match &body {
            None => rows.remove(&id),
            Some(body) => rows.insert(id, body.clone()),
        };
        let moment: String = client.query_one("SELECT strata.snapshot_time()::text", &[]).await?.get(0);
        let mut chronicle = chronicle.lock().await;
        chronicle.moments.push(full_precision(&moment));
        chronicle.changes.push((id, body));
    }
    Ok(())
}

/// A moment with six digits behind the point, so that moments compare as texts.
fn full_precision(moment: &str) -> String {
    let plain = moment.strip_suffix("+00").unwrap_or(moment);
    let (seconds, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    format!("{seconds}.{fraction:0<6}+00")
}

/// Transactions that insert, change and delete.
async fn write(mut client: Client, writer: i64, stop: Arc<AtomicBool>) -> Result<(), Failure> {
    let mut number = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let transaction = client.transaction().await?;
        let body = format!("{writer}/{number}/{}", "z".repeat((number % 300) as usize));
        transaction.execute("INSERT INTO entry VALUES ($1, $2, $3)", &[&writer, &number, &body]).await?;
        transaction
            .execute(
                "UPDATE entry SET body = body || '!' WHERE writer = $1 AND number = $2",
                &[&writer, &(number - 7)],
            )
            .await?;
        transaction
            .execute("DELETE FROM entry WHERE writer = $1 AND number = $2", &[&writer, &(number - 900)])
            .await?;
        transaction.execute("UPDATE counter SET total = total + 1 WHERE writer = $1", &[&writer]).await?;
        if number % 50 == 0 {
            transaction.execute("INSERT INTO note DEFAULT VALUES", &[]).await?;
        }
        transaction.commit().await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Checkpoints, compaction and changes of the schema.
async fn maintain(client: Client, stop: Arc<AtomicBool>, seed: u64) -> Result<(), Failure> {
    let mut random = Random::new(seed ^ 0x4A11);
    let (mut number, mut bulks) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(100 + random.below(1200))).await;
        number += 1;
        let text = match random.below(5) {
            0 => "VACUUM".to_owned(),
            // A commit that brings files.
            2 if bulks < 3 => {
                bulks += 1;
                "INSERT INTO bulk SELECT g, repeat('w', 2000) FROM generate_series(1, 9000) g".to_owned()
            }
            1 => format!("CREATE TABLE extra_{number} AS SELECT * FROM note"),
            _ => "CHECKPOINT".to_owned(),
        };
        client.batch_execute(&text).await?;
    }
    Ok(())
}

struct Round<'a> {
    context: &'a Context,
    folder: &'a Path,
    server: &'a Server,
    chronicle: &'a Mutex<Chronicle>,
}

impl Round<'_> {
    async fn run(&self, round: u64, random: &mut Random, counts: &mut Counts) -> Result<(), Failure> {
        let binary = &self.context.binary;
        let (backup, data) = (self.folder.join(format!("backup-{round}")), self.folder.join("restored"));
        let client = connect(self.server).await?;
        let (earliest, latest) = keeping::back_up(&client, &backup).await?;
        let within = self.chronicle.lock().await.between(&earliest, &latest);
        let chosen = match within.len() {
            0 => None,
            _ if random.below(8) == 0 => None,
            several => within.get(random.below(several as u64) as usize).copied(),
        };
        let moment = match chosen {
            Some(count) => self.chronicle.lock().await.moments[count - 1].clone(),
            None => latest.clone(),
        };
        let to = chosen.map(|_| moment.as_str());
        let (said, is_good) = keeping::restore(binary, &backup, &data, to)?;
        if !is_good {
            return Err(format!("restore to {to:?} (of {earliest} to {latest}): {said}").into());
        }
        let restored = Server::start(binary, &data)?;
        let again = connect(&restored).await?;
        if let Some(count) = chosen {
            counts.moments += 1;
            self.compare_chronicle(&again, count).await?;
        }
        counts.compared += self.compare_tables(&client, &again, &moment).await?;
        self.live_on(restored, &data, &again).await?;
        self.damage(&backup, random, counts)?;
        std::fs::remove_dir_all(&data)?;
        std::fs::remove_dir_all(&backup)?;
        Ok(())
    }

    async fn compare_chronicle(&self, again: &Client, count: usize) -> Result<(), Failure> {
        let wanted = self.chronicle.lock().await.rows(count);
        let rows = again.query("SELECT id, body FROM chronicle ORDER BY id", &[]).await?;
        let found: Rows = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        if found != wanted {
            return Err(format!(
                "after {count} commits the chronicle has {} rows, the model {}",
                found.len(),
                wanted.len()
            )
            .into());
        }
        for (id, body) in wanted.iter().step_by(17) {
            let by_body = "SELECT count(*) FROM chronicle WHERE body = $1 AND id = $2";
            if again.query_one(by_body, &[body, id]).await?.get::<_, i64>(0) != 1 {
                return Err(format!("the index on body has lost row {id}").into());
            }
        }
        Ok(())
    }

    /// Compares every table now with the living server AS OF the moment, and both at an earlier moment.
    async fn compare_tables(&self, source: &Client, again: &Client, moment: &str) -> Result<u64, Failure> {
        let earlier = {
            let chronicle = self.chronicle.lock().await;
            let before: Vec<_> = chronicle.moments.iter().filter(|noted| noted.as_str() < moment).collect();
            before.get(before.len() / 2).map(|noted| noted.to_string())
        };
        let as_of = |moment: &str| format!("FOR SYSTEM_TIME AS OF '{moment}'");
        let mut compared = 0;
        for (table, order) in TABLES.into_iter().chain([("chronicle", "id")]) {
            let mut pairs = vec![(as_of(moment), String::new())];
            pairs.extend(earlier.iter().map(|moment| (as_of(moment), as_of(moment))));
            for (there, here) in pairs {
                let sum = |past: &str| {
                    format!(
                        "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY {order})) FROM {table} {past} t"
                    )
                };
                let wanted = source.query_one(&sum(&there), &[]).await?;
                let found = again.query_one(&sum(&here), &[]).await?;
                let facts =
                    |row: &tokio_postgres::Row| (row.get::<_, i64>(0), row.get::<_, Option<String>>(1));
                if facts(&wanted) != facts(&found) {
                    let difference = format!("{:?} instead of {:?}", facts(&found), facts(&wanted));
                    return Err(format!("{table} {there}: {difference} (here: \"{here}\")").into());
                }
                compared += 1;
            }
        }
        Ok(compared)
    }

    /// The restored database takes writes and restarts.
    async fn live_on(&self, restored: Server, data: &PathBuf, again: &Client) -> Result<(), Failure> {
        again
            .batch_execute(
                "CREATE TABLE after_all (id serial PRIMARY KEY); INSERT INTO after_all DEFAULT VALUES",
            )
            .await?;
        let count = "SELECT count(*) FROM chronicle, after_all";
        let before: i64 = again.query_one(count, &[]).await?.get(0);
        restored.kill()?;
        let restored = Server::start(&self.context.binary, data)?;
        let after: i64 = connect(&restored).await?.query_one(count, &[]).await?.get(0);
        restored.stop()?;
        if before == after {
            Ok(())
        } else {
            Err(format!("{before} rows became {after} by a restart").into())
        }
    }

    /// Damages a backup: it must be refused, by name.
    fn damage(&self, backup: &Path, random: &mut Random, counts: &mut Counts) -> Result<(), Failure> {
        let mut names: Vec<PathBuf> = std::fs::read_dir(backup)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_, std::io::Error>>()?;
        names.sort();
        let path = &names[random.below(names.len() as u64) as usize];
        let mut bytes = std::fs::read(path)?;
        let what = match random.below(4) {
            0 => {
                bytes.truncate(random.below(bytes.len() as u64) as usize);
                "cut short"
            }
            1 => {
                std::fs::remove_file(path)?;
                "missing"
            }
            _ => {
                let place = random.below(bytes.len() as u64) as usize;
                bytes[place] ^= 1 << random.below(8);
                "changed"
            }
        };
        if what != "missing" {
            std::fs::write(path, bytes)?;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let refused = self.folder.join("refused");
        for (command, (said, is_good)) in [
            ("verify", keeping::verify(&self.context.binary, backup)?),
            ("restore", keeping::restore(&self.context.binary, backup, &refused, None)?),
        ] {
            // Without its list a directory is no backup at all, which is an answer, too.
            let is_named = said.contains(name) || (name == "BACKUP" && command == "verify");
            if is_good || !is_named {
                return Err(format!("{command} of a backup whose {name} is {what}: {said}").into());
            }
        }
        std::fs::remove_dir_all(&refused)?;
        counts.refused += 1;
        Ok(())
    }
}
