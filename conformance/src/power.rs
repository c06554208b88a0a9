//! Real power cuts: the data folder lies on ext4 over a loop device, and the filesystem is shut down with nothing
//! flushed while writers run, and checkpoints, compaction and backups; then kill, unmount, mount, restart and check what
//! was acknowledged, that a view over it answers as its query does, that the index of vectors finds what lies there, and
//! that a backup which has its list is whole.
//!
//! Needs root, loop devices and mkfs.ext4; where any of them is missing the suite says so.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::NoTls;

use crate::crash::place;
use crate::keeping;
use crate::random::Random;
use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome};

const IMAGE_BYTES: u64 = 1 << 30;
const TABLES: &str = "CREATE EXTENSION vector;
    CREATE TABLE cut (writer int8, number int8, place vector(8), PRIMARY KEY (writer, number));
    CREATE INDEX cut_place ON cut USING hnsw (place vector_l2_ops);
    CREATE MATERIALIZED VIEW summary AS SELECT writer, count(*) AS rows, max(number) AS latest FROM cut GROUP BY writer";
/// Rows whose neighbours are searched for after each cut.
const SEARCHES: usize = 8;
const WRITERS: i64 = 32;
/// EXT4_IOC_SHUTDOWN, and its flags: flush the journal first, or flush nothing.
const SHUTDOWN: libc::c_ulong = 0x8004_587D;
const MODES: [(&str, u32); 4] = [
    ("data=ordered", 2),
    ("data=ordered", 1),
    ("data=ordered,nodelalloc", 1),
    ("data=writeback,nodelalloc", 1),
];

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(Outcome::Skipped("needs root to mount a filesystem".into()));
    }
    let cuts = context.number("cuts", 100);
    let seed = context.number("seed", Random::fresh_seed());
    let folder = Folder::new("power")?;
    let Some(mut disk) = Disk::new(folder.path(), IMAGE_BYTES)? else {
        return Ok(Outcome::Skipped("loop-mounted ext4 is impossible here".into()));
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(cut_often(context, &mut disk, cuts, seed));
    disk.unmount();
    outcome.map(Outcome::Passed).map_err(|error| format!("seed={seed}: {error}").into())
}

/// An ext4 image and where it is mounted.
pub struct Disk {
    image: PathBuf,
    mount: PathBuf,
}

impl Disk {
    /// Makes an image; `None` if that or a mount of it is impossible here.
    pub fn new(folder: &Path, bytes: u64) -> Result<Option<Disk>, Failure> {
        let disk = Disk { image: folder.join("disk.img"), mount: folder.join("mounted") };
        std::fs::create_dir_all(&disk.mount)?;
        std::fs::File::create(&disk.image)?.set_len(bytes)?;
        let made = Command::new("mkfs.ext4").args(["-qF", "-m", "0"]).arg(&disk.image).status();
        if !made.is_ok_and(|status| status.success()) || disk.mount_with("data=ordered").is_err() {
            return Ok(None);
        }
        disk.unmount();
        Ok(Some(disk))
    }

    /// Where it is mounted.
    pub fn folder(&self) -> &Path {
        &self.mount
    }

    pub fn mount_with(&self, options: &str) -> Result<(), Failure> {
        let output = Command::new("mount")
            .args(["-o", &format!("loop,{options}")])
            .arg(&self.image)
            .arg(&self.mount)
            .output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
        }
    }

    pub fn unmount(&self) {
        // A failure shows at the next mount.
        let _ = Command::new("umount").arg(&self.mount).output();
    }

    /// Cuts the power: from now on every operation on the filesystem fails, and what was not flushed is gone.
    fn cut(&self, flag: u32) -> Result<(), Failure> {
        let path = CString::new(self.mount.as_os_str().as_encoded_bytes())?;
        // SAFETY: the path is a valid C string; the descriptor is checked and closed; the ioctl reads one u32.
        let failed = unsafe {
            let descriptor = libc::open(path.as_ptr(), libc::O_RDONLY);
            if descriptor < 0 {
                return Err(std::io::Error::last_os_error().into());
            }
            let result = libc::ioctl(descriptor, SHUTDOWN, &raw const flag);
            libc::close(descriptor);
            result != 0
        };
        if failed { Err(std::io::Error::last_os_error().into()) } else { Ok(()) }
    }
}

async fn cut_often(context: &Context, disk: &mut Disk, cuts: u64, seed: u64) -> Result<String, Failure> {
    let mut random = Random::new(seed);
    let acknowledged: Arc<Mutex<Vec<(i64, i64)>>> = Arc::default();
    let next: Arc<Mutex<i64>> = Arc::new(Mutex::new(0));
    let mut met = keeping::Met::default();
    for cut in 0..=cuts {
        let (options, flag) = MODES[random.below(MODES.len() as u64) as usize];
        disk.mount_with(options)?;
        let backup = disk.mount.join("backup");
        met.note(&context.binary, &backup)
            .map_err(|error| format!("cut {cut} ({options}, flag {flag}): {error}"))?;
        let server = Server::start(&context.binary, &disk.mount.join("data"))
            .map_err(|error| format!("cut {cut} ({options}, flag {flag}): {error}"))?;
        let (client, connection) = tokio_postgres::connect(&server.parameters("postgres"), NoTls).await?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        if cut == 0 {
            client.batch_execute(TABLES).await?;
        }
        check(&client, &acknowledged)
            .await
            .map_err(|error| format!("cut {cut} ({options}, flag {flag}): {error}"))?;
        if cut == cuts {
            server.stop()?;
            break;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let (parameters, stop) = (server.parameters("postgres"), Arc::clone(&stop));
            let (acknowledged, next) = (Arc::clone(&acknowledged), Arc::clone(&next));
            writers.push(tokio::spawn(async move {
                let Ok((client, connection)) = tokio_postgres::connect(&parameters, NoTls).await else {
                    return;
                };
                tokio::spawn(async move {
                    let _ = connection.await;
                });
                while !stop.load(Ordering::Relaxed) {
                    let number = {
                        let mut next = next.lock().await;
                        *next += 1;
                        *next
                    };
                    let inserted = client
                        .execute(
                            "INSERT INTO cut VALUES ($1, $2, $3::text::vector)",
                            &[&writer, &number, &place(writer, number)],
                        )
                        .await;
                    match inserted {
                        Ok(_) => acknowledged.lock().await.push((writer, number)),
                        Err(_) => return,
                    }
                }
            }));
        }
        let first = random.next();
        // It ends with the power, in the middle of something; what the filesystem says then is no refusal.
        let maintaining =
            tokio::spawn(async move { keeping::keep_up(&client, &backup, first).await.is_ok() });
        tokio::time::sleep(Duration::from_millis(20 + random.below(400))).await;
        disk.cut(flag)?;
        stop.store(true, Ordering::Relaxed);
        server.kill()?;
        for writer in writers {
            writer.await?;
        }
        maintaining.await?;
        disk.unmount();
    }
    let total = acknowledged.lock().await.len();
    Ok(format!("{cuts} power cuts, {total} acknowledged rows, none lost, {met}"))
}

async fn check(
    client: &tokio_postgres::Client,
    acknowledged: &Mutex<Vec<(i64, i64)>>,
) -> Result<(), Failure> {
    let rows = client.query("SELECT writer, number FROM cut", &[]).await?;
    let found: std::collections::HashSet<(i64, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for pair in acknowledged.lock().await.iter() {
        if !found.contains(pair) {
            return Err(format!("acknowledged row {pair:?} is lost").into());
        }
    }
    let differing = "SELECT count(*) FROM (SELECT writer, count(*) AS rows, max(number) AS latest FROM cut GROUP BY writer) q
                     FULL JOIN summary s ON q.writer = s.writer AND q.rows = s.rows AND q.latest = s.latest
                     WHERE q.writer IS NULL OR s.writer IS NULL";
    if client.query_one(differing, &[]).await?.get::<_, i64>(0) != 0 {
        return Err("the view differs from its query".into());
    }
    for pair in found.iter().take(SEARCHES) {
        let wanted = place(pair.0, pair.1);
        let text = format!("SELECT writer, number FROM cut ORDER BY place <-> '{wanted}' LIMIT 3");
        let nearest = client.query(text.as_str(), &[]).await?;
        if !nearest.first().is_some_and(|row| (row.get(0), row.get(1)) == *pair) {
            return Err(format!("{pair:?} at {wanted} is not the nearest to itself").into());
        }
    }
    Ok(())
}
