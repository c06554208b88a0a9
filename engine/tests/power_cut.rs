//! The engine on a real ext4 whose power is cut: a loop device and the shutdown request of the file system.
//!
//! A child process (this test binary again) opens the database on the mount and lets eight writers commit pairs of
//! rows, telling each acknowledged one on its standard output. In the middle the file system is shut down, without or
//! with its journal flushed, the child is killed, the file system mounted again, and the database opened here: every
//! pair that was told is there, no pair that nobody asked for, no half of one. The ways of ext4 (data=ordered, with and
//! without delayed allocation, data=writeback) take turns, and so do the two kinds of cut.
//!
//! It needs root, loop devices and mkfs.ext4; where one is missing the test says so and passes.

mod support;

use std::{
    env, error, fs,
    io::{BufRead, BufReader, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use arrow_array::{BinaryArray, Int64Array};
use strata_engine::{
    ColumnId, Configuration, Database, IndexId, IndexSchema, Inserted, Isolation, NewRow, Outcome,
    PhysicalType, ScanColumn, TableId, TableSchema, Value,
    io::{Random, os::OsDisk, simulation::SimulatedRandom},
};
use support::{number_of, record};

type Failure = Box<dyn error::Error>;

const CHILD: &str = "STRATA_POWER_CUT_CHILD";
const TABLE: TableId = TableId(9);
const PRIMARY: IndexId = IndexId(90);
const ID: ColumnId = ColumnId(1);
const PAYLOAD: ColumnId = ColumnId(2);
const WRITERS: i64 = 8;
/// Pairs of one writer.
const SPACE: i64 = 1_000_000_000;
const WAYS: [&str; 3] = ["data=ordered", "data=ordered,nodelalloc", "data=writeback,nodelalloc"];

fn open(directory: &Path) -> Result<Arc<Database>, Failure> {
    let environment = OsDisk::environment(directory)?;
    // Small files and frequent checkpoints: every step is met by some cut.
    let configuration =
        Configuration { checkpoint_bytes: 3 << 20, log_file_bytes: 1 << 20, ..Configuration::default() };
    Ok(Database::open(configuration, environment)?)
}

/// The life of the child: commits until it is killed.
#[test]
fn child() {
    let Some(directory) = env::var_os(CHILD) else { return };
    let database = open(Path::new(&directory)).unwrap();
    if database.statistics(TABLE).is_err() {
        let mut transaction = database.begin(Isolation::ReadCommitted, false);
        let columns = vec![(ID, PhysicalType::Int64), (PAYLOAD, PhysicalType::Bytes)];
        let indexes = vec![IndexSchema { id: PRIMARY, unique: true, primary: true }];
        transaction.create_table(TABLE, TableSchema { columns, indexes, ..TableSchema::default() }).unwrap();
        transaction.commit().wait().unwrap();
    }
    let next: Vec<i64> =
        pairs(&database).unwrap().iter().map(|pairs| pairs.last().map_or(0, |last| last + 1)).collect();
    tell("ready");
    thread::scope(|scope| {
        for (writer, first) in next.into_iter().enumerate() {
            let database = &database;
            scope.spawn(move || {
                for pair in first.. {
                    commit_pair(database, writer as i64, pair);
                    tell(&format!("{writer} {pair}"));
                }
            });
        }
    });
}

fn tell(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "@{line}").unwrap();
    output.flush().unwrap();
}

fn commit_pair(database: &Database, writer: i64, pair: i64) {
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    for half in 0..2 {
        let id = writer * SPACE + pair * 2 + half;
        let payload = record(id as u64, 100 + (id % 1700) as usize);
        let row = NewRow {
            values: vec![Value::Int64(id), Value::from(payload)],
            keys: vec![(PRIMARY, id.to_be_bytes().to_vec(), true)],
        };
        match transaction.insert(TABLE, &row).unwrap() {
            Outcome::Done(Inserted::Row(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    transaction.commit().wait().unwrap();
}

/// The pairs of each writer, in order; `Err` for half a pair or a row that nobody wrote.
fn pairs(database: &Arc<Database>) -> Result<Vec<Vec<i64>>, Failure> {
    let transaction = database.begin(Isolation::RepeatableRead, true);
    let columns = [ScanColumn::Column(ID), ScanColumn::Column(PAYLOAD)];
    let mut ids = Vec::new();
    for batch in transaction.view().scan(TABLE, &columns, 4096)? {
        let batch = batch?;
        let numbers = batch.column(0).as_any().downcast_ref::<Int64Array>().ok_or("no ids")?;
        let payloads = batch.column(1).as_any().downcast_ref::<BinaryArray>().ok_or("no payloads")?;
        for (id, payload) in numbers.values().iter().zip(payloads) {
            if payload.and_then(number_of) != Some(*id as u64) {
                return Err(format!("row {id} is not whole").into());
            }
            ids.push(*id);
        }
    }
    ids.sort_unstable();
    let mut pairs = vec![Vec::new(); WRITERS as usize];
    for couple in ids.chunks(2) {
        let [first, second] = couple else { return Err("half a pair at the end".into()) };
        if first % 2 != 0 || *second != first + 1 {
            return Err(format!("half a pair: {first}, {second}").into());
        }
        let writer = usize::try_from(first / SPACE)?;
        pairs.get_mut(writer).ok_or("a row of no writer")?.push(first % SPACE / 2);
    }
    Ok(pairs)
}

/// A file with an ext4 in it, mounted while the value lives.
struct Device {
    image: PathBuf,
    mount: PathBuf,
}

impl Device {
    fn new(directory: &Path) -> Result<Device, Failure> {
        let device = Device { image: directory.join("image"), mount: directory.join("mount") };
        fs::create_dir_all(&device.mount)?;
        fs::File::create(&device.image)?.set_len(512 << 20)?;
        run("mkfs.ext4", &["-qF", &device.image.to_string_lossy()])?;
        Ok(device)
    }

    fn mount(&self, way: &str) -> Result<(), Failure> {
        let options = format!("loop,{way}");
        run("mount", &["-o", &options, &self.image.to_string_lossy(), &self.mount.to_string_lossy()])
    }

    fn unmount(&self) -> Result<(), Failure> {
        let start = Instant::now();
        loop {
            match run("umount", &[&self.mount.to_string_lossy()]) {
                Err(_) if start.elapsed() < Duration::from_secs(10) => {
                    thread::sleep(Duration::from_millis(20))
                }
                other => return other,
            }
        }
    }

    /// Cuts the power: 1 flushes the journal first, 2 flushes nothing.
    fn cut(&self, kind: u32) -> Result<(), Failure> {
        const SHUTDOWN: libc::c_ulong = 0x8004_587D;
        let directory = fs::File::open(&self.mount)?;
        // SAFETY: the descriptor is open, and the request reads one `u32` at the address given.
        let result = unsafe { libc::ioctl(directory.as_raw_fd(), SHUTDOWN, &raw const kind) };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().into()) }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.mount).stderr(Stdio::null()).status();
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Lets a child write for a while, cuts the power, kills it. Answers the last pair told by each writer.
fn cut_in_the_middle(device: &Device, kind: u32, after: Duration) -> Result<Vec<Option<i64>>, Failure> {
    let mut child = Command::new(env::current_exe()?)
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, device.mount.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(output).lines();
    let mut told = vec![None; WRITERS as usize];
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.ends_with("@ready"));
    if !ready {
        child.wait()?;
        return Err("the child could not open the database".into());
    }
    let reader = thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let Some((writer, pair)) = line.split_once('@').and_then(|(_, line)| line.split_once(' ')) else {
                continue;
            };
            if let (Ok(writer), Ok(pair)) = (writer.parse::<usize>(), pair.parse::<i64>())
                && let Some(last) = told.get_mut(writer)
            {
                *last = Some(pair);
            }
        }
        told
    });
    thread::sleep(after);
    let cut = device.cut(kind);
    kill(&mut child)?;
    cut?;
    reader.join().map_err(|_| "the reader panicked".into())
}

fn kill(child: &mut Child) -> Result<(), Failure> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Everything told is there, and at most one pair more of each writer.
fn check(found: &[Vec<i64>], told: &[Option<i64>]) -> Result<(), Failure> {
    for (writer, (found, told)) in found.iter().zip(told).enumerate() {
        let has_gap = found.iter().enumerate().any(|(place, pair)| place as i64 != *pair);
        if has_gap {
            return Err(format!("writer {writer} has a gap").into());
        }
        let told = told.map_or(0, |told| told + 1);
        let found = found.len() as i64;
        if found < told {
            return Err(format!("writer {writer} was told of {told} pairs and has {found}").into());
        }
    }
    Ok(())
}

fn rounds(device: &Device, count: u64) -> Result<u64, Failure> {
    let random = SimulatedRandom::new(7);
    let mut acknowledged = 0;
    for round in 0..count {
        let way = WAYS[round as usize % WAYS.len()];
        let kind = 1 + (round / 3 % 2) as u32;
        device.mount(way)?;
        let after = Duration::from_millis(10 + random.next_u64() % 120);
        let told =
            cut_in_the_middle(device, kind, after).map_err(|error| format!("round {round}: {error}"))?;
        device.unmount()?;
        device.mount(way)?;
        let data = device.mount.join("data");
        let database = open(&data).map_err(|error| format!("round {round}, {way}, cut {kind}: {error}"))?;
        let found = pairs(&database)?;
        check(&found, &told).map_err(|error| format!("round {round}, {way}, cut {kind}: {error}"))?;
        acknowledged = told.iter().flatten().map(|last| *last as u64 + 1).sum::<u64>().max(acknowledged);
        database.close();
        drop(database);
        // Every tenth round begins with an empty directory, so that creation is cut, too.
        if round % 10 == 9 {
            fs::remove_dir_all(&data)?;
        }
        device.unmount()?;
    }
    Ok(acknowledged)
}

/// `STRATA_POWER_CUTS` asks for another number of cuts.
#[test]
fn power_cuts_on_ext4_lose_nothing_and_invent_nothing() {
    let directory = env::temp_dir().join(format!("strata-power-cut-{}", std::process::id()));
    let count = env::var("STRATA_POWER_CUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(20);
    fs::create_dir_all(&directory).unwrap();
    let usable = Device::new(&directory).and_then(|device| {
        device.mount(WAYS[0])?;
        device.unmount()?;
        Ok(device)
    });
    let result = match usable {
        Err(error) => {
            println!("SKIPPED power_cuts_on_ext4_lose_nothing_and_invent_nothing: {error}");
            Ok(())
        }
        Ok(device) => {
            rounds(&device, count).map(|most| println!("{count} cuts, up to {most} pairs in one directory"))
        }
    };
    fs::remove_dir_all(&directory).unwrap_or_default();
    result.unwrap();
}
