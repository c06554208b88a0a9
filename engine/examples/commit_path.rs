//! The commit path by itself: the log, one thread that owns it, and committers that wait for their batch.
//!
//! Asks whether a waiting thread should spin or block while a sync is in flight. Run it on the disk in question:
//!
//! ```sh
//! cargo run --release -p strata-engine --example commit_path -- DIRECTORY [seconds]
//! ```
//!
//! It prints commits per second, batches per second and the processor time of a commit for 1 to 64 committers, each
//! with a record of 200 bytes in flight, for each way of waiting.

use std::{
    env, error, fs, hint,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use strata_engine::{
    io::os::OsDisk,
    log::{Log, LogOptions},
};

/// How a thread waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// Sleeps at once.
    Block,
    /// Looks again and again for this long, then sleeps.
    SpinFirst(Duration),
}

/// What committers and the log's thread share.
struct Shared {
    waiting: Waiting,
    queue: Mutex<Vec<u64>>,
    arrived: Condvar,
    /// How many queued records were ever durable; a committer waits until it passes its own ticket.
    durable: AtomicU64,
    next: AtomicU64,
    done: Mutex<()>,
    advanced: Condvar,
    stop: AtomicBool,
}

impl Shared {
    /// One commit: queue a record, wait until it is durable.
    fn commit(&self) {
        let ticket = {
            let mut queue = self.queue.lock();
            let ticket = self.next.fetch_add(1, Ordering::Relaxed);
            queue.push(ticket);
            ticket
        };
        self.arrived.notify_one();
        let is_done = || self.durable.load(Ordering::Acquire) > ticket || self.stop.load(Ordering::Relaxed);
        if let Waiting::SpinFirst(limit) = self.waiting {
            let start = Instant::now();
            while start.elapsed() < limit {
                if is_done() {
                    return;
                }
                hint::spin_loop();
            }
        }
        let mut done = self.done.lock();
        while !is_done() {
            self.advanced.wait(&mut done);
        }
    }

    /// The log's thread: takes what has arrived, appends, syncs, wakes.
    fn serve(&self, log: &mut Log) -> Result<u64, Box<dyn error::Error + Send + Sync>> {
        let record = [7_u8; 200];
        let mut batches = 0;
        loop {
            let taken = {
                let mut queue = self.queue.lock();
                if let Waiting::SpinFirst(limit) = self.waiting {
                    let start = Instant::now();
                    while queue.is_empty() && start.elapsed() < limit {
                        drop(queue);
                        hint::spin_loop();
                        queue = self.queue.lock();
                    }
                }
                while queue.is_empty() {
                    if self.stop.load(Ordering::Relaxed) {
                        return Ok(batches);
                    }
                    self.arrived.wait_for(&mut queue, Duration::from_millis(50));
                }
                std::mem::take(&mut *queue)
            };
            let records = vec![&record[..]; taken.len()];
            log.append(&records)?;
            log.sync()?;
            log.release(log.end())?;
            batches += 1;
            let last = taken.into_iter().max().unwrap_or_default();
            {
                let _done = self.done.lock();
                self.durable.store(last + 1, Ordering::Release);
            }
            self.advanced.notify_all();
            let spare = log.spare();
            if spare.is_needed() {
                spare.prepare()?;
            }
        }
    }
}

/// Processor time of this process so far, in microseconds.
fn processor_micros() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10_000
}

fn measure(
    path: &Path,
    committers: usize,
    waiting: Waiting,
    time: Duration,
) -> Result<(), Box<dyn error::Error>> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    let environment = OsDisk::environment(path)?;
    let mut log = Log::create(&environment, LogOptions::default())?;
    log.spare().prepare()?;
    let shared = Arc::new(Shared {
        waiting,
        queue: Mutex::default(),
        arrived: Condvar::new(),
        durable: AtomicU64::new(0),
        next: AtomicU64::new(0),
        done: Mutex::default(),
        advanced: Condvar::new(),
        stop: AtomicBool::new(false),
    });
    let processor = processor_micros();
    let start = Instant::now();
    let batches = thread::scope(|scope| {
        let server = scope.spawn(|| shared.serve(&mut log));
        for _ in 0..committers {
            scope.spawn(|| {
                while !shared.stop.load(Ordering::Relaxed) {
                    shared.commit();
                }
            });
        }
        thread::sleep(time);
        shared.stop.store(true, Ordering::Relaxed);
        let _done = shared.done.lock();
        shared.advanced.notify_all();
        drop(_done);
        server.join()
    });
    let seconds = start.elapsed().as_secs_f64();
    let batches = batches.map_err(|_| "the log's thread panicked")?.map_err(|error| error.to_string())?;
    let commits = shared.durable.load(Ordering::Relaxed);
    println!(
        "{committers:3} committers, {waiting:?}: {:8.0} commits/s, {:6.0} batches/s, {:6.1} us processor/commit",
        commits as f64 / seconds,
        batches as f64 / seconds,
        (processor_micros() - processor) as f64 / commits.max(1) as f64,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().ok_or("usage: commit_path DIRECTORY [seconds]")?;
    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(2.0);
    let path = Path::new(&directory).join("commit-path");
    let ways = [
        Waiting::Block,
        Waiting::SpinFirst(Duration::from_micros(20)),
        Waiting::SpinFirst(Duration::from_micros(200)),
    ];
    for committers in [1, 2, 4, 8, 16, 32, 64] {
        for waiting in ways {
            measure(&path, committers, waiting, Duration::from_secs_f64(seconds))?;
        }
    }
    fs::remove_dir_all(path)?;
    Ok(())
}
