//! A full disk: the data folder lies on a small ext4 file system, and a rival file takes the rest of it while writers run.
//!
//! Each round: writers insert until every one of them is refused with 53100; the server must live, say so in
//! `strata.disk_full`, answer reads of now and of the past, and take deletions. In some rounds it is then killed, and must
//! start on the full disk. Then the rival's file goes, or (in some rounds) history is given up by its retention instead;
//! within five seconds writes must work again. Everything acknowledged is there at the end of each round.
//!
//! Needs root, loop devices and mkfs.ext4; where any of them is missing the suite says so.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::power::Disk;
use crate::random::Random;
use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

const IMAGE_BYTES: u64 = 400 << 20;
const WRITERS: i64 = 8;
/// The longest that a server may take to find that there is room again.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(Outcome::Skipped("needs root to mount a filesystem".into()));
    }
    let rounds = context.number("rounds", if context.number("long", 0) == 1 { 100 } else { 3 });
    let seed = context.number("seed", Random::fresh_seed());
    let folder = Folder::new("full")?;
    let Some(disk) = Disk::new(folder.path(), IMAGE_BYTES)? else {
        return Ok(Outcome::Skipped("loop-mounted ext4 is impossible here".into()));
    };
    disk.mount_with("data=ordered")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(rounds_of(context, disk.folder(), rounds, seed));
    disk.unmount();
    outcome.map(Outcome::Passed).map_err(|error| format!("seed={seed}: {error}").into())
}

/// Rows that were acknowledged, and those that a refused or lost commit may or may not have left.
#[derive(Default)]
struct Ledger {
    acknowledged: HashSet<i64>,
    next: i64,
}

async fn rounds_of(context: &Context, folder: &Path, rounds: u64, seed: u64) -> Result<String, Failure> {
    let mut random = Random::new(seed);
    let data = folder.join("data");
    let ledger: Arc<Mutex<Ledger>> = Arc::default();
    let refused = Arc::new(AtomicU64::new(0));
    let mut server = Server::start(&context.binary, &data)?;
    connect(&server)
        .await?
        .batch_execute("CREATE TABLE item (id int8 PRIMARY KEY, body text NOT NULL)")
        .await?;
    let (mut kills, mut by_retention) = (0, 0);
    for round in 0..rounds {
        let rival = Rival::fill(folder, random.below(24 << 20))?;
        let named = |error: Failure| format!("round {round}: {error}");
        fill(&server, &ledger, &refused).await.map_err(named)?;
        server = check_full(server, &ledger).await.map_err(named)?;
        if random.below(3) == 0 {
            kills += 1;
            server.kill()?;
            server = Server::start(&context.binary, &data)
                .map_err(|error| format!("round {round}: on a full disk: {error}"))?;
            check_rows(&connect(&server).await?, &ledger).await.map_err(named)?;
        }
        if round % 4 == 3 {
            by_retention += 1;
            give_up_history(&server, &ledger).await.map_err(named)?;
            drop(rival);
        } else {
            drop(rival);
            await_room(&connect(&server).await?, &ledger, Instant::now()).await.map_err(named)?;
        }
        thin_out(&server, &ledger).await.map_err(named)?;
        if !server.is_running() {
            return Err(format!("round {round}: the server has ended").into());
        }
    }
    server.stop()?;
    let total = ledger.lock().await.next;
    Ok(format!(
        "{rounds} full disks, {} commits refused, {total} rows attempted, none lost that was acknowledged, {kills} kills \
         on a full disk, {by_retention} times room by retention",
        refused.load(Ordering::Relaxed)
    ))
}

/// A file that takes all room but a little; gone when it is dropped.
struct Rival(PathBuf);

impl Rival {
    fn fill(folder: &Path, leave: u64) -> Result<Rival, Failure> {
        let path = folder.join("rival");
        let file = std::fs::File::create(&path)?;
        let available = available(folder)?.saturating_sub(leave + (256 << 10));
        // SAFETY: the descriptor is open for as long as `file` lives; no memory is passed.
        let result = unsafe {
            libc::fallocate(std::os::fd::AsRawFd::as_raw_fd(&file), 0, 0, available.max(4096) as libc::off_t)
        };
        if result != 0 {
            return Err(format!("the rival: {}", std::io::Error::last_os_error()).into());
        }
        Ok(Rival(path))
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        // What cannot be removed shows as a disk that stays full.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn available(folder: &Path) -> Result<u64, Failure> {
    let path = std::ffi::CString::new(folder.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path is a valid C string, all-zero is a valid `statfs`, and the structure is written by the call.
    let (result, answer) = unsafe {
        let mut answer: libc::statfs = std::mem::zeroed();
        (libc::statfs(path.as_ptr(), &raw mut answer), answer)
    };
    if result != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(answer.f_bavail.saturating_mul(answer.f_bsize as u64))
}

async fn connect(server: &Server) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
    tokio::spawn(async move {
        // The connection's error reaches the client's own calls.
        let _ = connection.await;
    });
    Ok(client)
}

/// Inserts one row. False if there was no room.
async fn insert(client: &Client, ledger: &Mutex<Ledger>, length: usize) -> Result<bool, Failure> {
    let id = {
        let mut ledger = ledger.lock().await;
        ledger.next += 1;
        ledger.next
    };
    match client.execute("INSERT INTO item VALUES ($1, $2)", &[&id, &"b".repeat(length)]).await {
        Ok(_) => {
            ledger.lock().await.acknowledged.insert(id);
            Ok(true)
        }
        Err(error) if error.code().is_some_and(|code| code.code() == "53100") => Ok(false),
        Err(error) => Err(format!("insert: {error:?}").into()),
    }
}

/// Writers, until each was refused three times in a row.
async fn fill(server: &Server, ledger: &Arc<Mutex<Ledger>>, refused: &Arc<AtomicU64>) -> Result<(), Failure> {
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (client, ledger, refused) = (connect(server).await?, ledger.clone(), refused.clone());
        writers.push(tokio::spawn(async move {
            let mut in_a_row = 0;
            while in_a_row < 3 {
                if insert(&client, &ledger, 2000 + writer as usize * 900).await? {
                    in_a_row = 0;
                } else {
                    in_a_row += 1;
                    refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Ok::<(), Failure>(())
        }));
    }
    for writer in writers {
        writer.await??;
    }
    Ok(())
}

async fn check_rows(client: &Client, ledger: &Mutex<Ledger>) -> Result<(), Failure> {
    let rows = client.query("SELECT id FROM item", &[]).await?;
    let found: HashSet<i64> = rows.iter().map(|row| row.get(0)).collect();
    let acknowledged = &ledger.lock().await.acknowledged;
    if found != *acknowledged {
        let lost = acknowledged.difference(&found).count();
        let more = found.difference(acknowledged).count();
        return Err(format!("{lost} acknowledged rows are lost, {more} refused ones are there").into());
    }
    Ok(())
}

/// What must work while the disk is full.
async fn check_full(mut server: Server, ledger: &Arc<Mutex<Ledger>>) -> Result<Server, Failure> {
    if !server.is_running() {
        return Err("the server has ended".into());
    }
    let client = connect(&server).await?;
    let shown: String = client.query_one("SHOW strata.disk_full", &[]).await?.get(0);
    if shown != "on" {
        return Err(format!("strata.disk_full is {shown}").into());
    }
    check_rows(&client, ledger).await?;
    let moment: String = client.query_one("SELECT strata.snapshot_time()::text", &[]).await?.get(0);
    let count = "SELECT count(*) FROM item";
    let now: i64 = client.query_one(count, &[]).await?.get(0);
    let past = format!("{count} FOR SYSTEM_TIME AS OF '{moment}'");
    let past: i64 = client.query_one(past.as_str(), &[]).await?.get(0);
    if now != past {
        return Err(format!("{past} rows AS OF now, {now} now").into());
    }
    let some = ledger.lock().await.acknowledged.iter().next().copied();
    if let Some(id) = some {
        client
            .execute("DELETE FROM item WHERE id = $1", &[&id])
            .await
            .map_err(|error| format!("DELETE: {error:?}"))?;
        ledger.lock().await.acknowledged.remove(&id);
    }
    check_rows(&client, ledger).await?;
    Ok(server)
}

/// Waits until a row can be inserted.
async fn await_room(client: &Client, ledger: &Mutex<Ledger>, since: Instant) -> Result<(), Failure> {
    while !insert(client, ledger, 100).await? {
        if since.elapsed() > PATIENCE {
            return Err("there is room, and writes are refused".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown: String = client.query_one("SHOW strata.disk_full", &[]).await?.get(0);
    if shown != "off" {
        return Err(format!("rows are inserted, and strata.disk_full is {shown}").into());
    }
    check_rows(client, ledger).await
}

/// Gives history up; the room that this makes must do.
async fn give_up_history(server: &Server, ledger: &Arc<Mutex<Ledger>>) -> Result<(), Failure> {
    let client = connect(server).await?;
    client
        .batch_execute("ALTER TABLE item SET (history_retention = '1 millisecond')")
        .await
        .map_err(|error| format!("ALTER TABLE on a full disk: {error:?}"))?;
    // Compaction is tried once a second, and may need several steps.
    await_room(&client, ledger, Instant::now() + Duration::from_secs(15)).await?;
    client.batch_execute("ALTER TABLE item RESET (history_retention)").await?;
    Ok(())
}

/// Deletes most rows, and lets history keep them.
async fn thin_out(server: &Server, ledger: &Arc<Mutex<Ledger>>) -> Result<(), Failure> {
    let client = connect(server).await?;
    client.batch_execute("DELETE FROM item WHERE id % 10 <> 0").await?;
    ledger.lock().await.acknowledged.retain(|id| id % 10 == 0);
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}
