//! Backups and restores on disks that fail: a writer commits, checkpoints and compactions come and go, and meanwhile
//! backups are taken and restored to moments that a seed chooses, with power cuts, failed syncs, failed reads and full
//! disks on either side.
//!
//! What must hold for each backup that was reported: it restores to every moment it claims, that state is the model's,
//! moments before it read as they did, all that was acknowledged before the backup began is in it, and what it makes
//! verifies. One that was not reported never restores, or restores to the same. (The writer is a thread of its own, so
//! what a backup meets differs from run to run.)

mod common;

use common::{
    BY_NAME, TABLE, begin, by_key, configuration, delete, find, insert, scan, schema, set_amount, with_rows,
};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use strata_engine::backup::{BackupError, BackupReport, check, restore};
use strata_engine::io::Environment;
use strata_engine::io::simulation::{Fault, Faults, SimulatedDisk, SimulatedRandom, environment};
use strata_engine::{Configuration, Database, Error, Timestamp};

type Rows = BTreeMap<i64, i64>;
type Verdict<T> = Result<T, String>;

const ROWS: i64 = 60;

/// What was acknowledged, in the order of time: row, and its amount or that it went.
type History = Vec<(Timestamp, Vec<(i64, Option<i64>)>)>;

fn state_at(history: &History, at: Timestamp) -> Rows {
    let mut rows = Rows::new();
    for (_, effects) in history.iter().filter(|(commit, _)| *commit <= at) {
        for (id, amount) in effects {
            match amount {
                Some(amount) => rows.insert(*id, *amount),
                None => rows.remove(id),
            };
        }
    }
    rows
}

fn say<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> Verdict<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

struct World {
    disk: Arc<SimulatedDisk>,
    environment: Environment,
    random: SimulatedRandom,
    faults: Faults,
    history: History,
    backups: u64,
    failed: u64,
    restores: u64,
    interrupted: u64,
}

impl World {
    fn new(seed: u64, faults: Faults) -> World {
        let (disk, _, environment) = environment(seed);
        disk.set_faults(faults);
        World {
            disk,
            environment,
            random: SimulatedRandom::new(seed ^ 0xBAC0),
            faults,
            history: History::new(),
            backups: 0,
            failed: 0,
            restores: 0,
            interrupted: 0,
        }
    }

    fn configuration() -> Configuration {
        // Small files, and many commits that bring files which the log alone names at first.
        Configuration { log_file_bytes: 32 << 10, segment_rows: 64, spill_bytes: 1 << 10, ..configuration() }
    }

    fn directory(&self) -> (Arc<SimulatedDisk>, Environment) {
        let (disk, _, environment) = environment(self.random.below(u64::MAX));
        disk.set_faults(self.faults);
        (disk, environment)
    }

    fn live(&mut self) -> Verdict<()> {
        let database = say("open", Database::open(World::configuration(), self.environment.clone()))?;
        let created = with_rows(&database, ROWS);
        self.history.push((created, (1..=ROWS).map(|id| (id, Some(100))).collect()));
        for _ in 0..3 {
            let seed = self.random.below(u64::MAX);
            let (stop, progress) = (AtomicBool::new(false), AtomicU64::new(0));
            let target = self.directory();
            let before = self.history.last().map_or(created, |(at, _)| *at);
            let state = state_at(&self.history, Timestamp::LATEST);
            let (written, taken) = std::thread::scope(|scope| {
                let writer = scope.spawn(|| write(&database, seed, state, &stop, &progress));
                let taken = self.back_up(&database, &target, &progress);
                stop.store(true, Ordering::Release);
                (writer.join(), taken)
            });
            self.history.extend(written.map_err(|_| "the writer panicked".to_owned())??);
            match taken? {
                Some(report) => {
                    self.backups += 1;
                    if report.latest < before {
                        return Err("an acknowledged commit is not in the backup".into());
                    }
                    self.try_restores(&target.1, &report)?;
                }
                None => self.failed += 1,
            }
        }
        // The database itself has come to no harm.
        let found: Rows = scan(&begin(&database).view()).into_iter().collect();
        if found != state_at(&self.history, Timestamp::LATEST) {
            return Err("the database differs from the model".into());
        }
        database.close();
        drop(database);
        self.disk.crash();
        let again = say("open again", Database::open(World::configuration(), self.environment.clone()))?;
        self.compare(&again, Timestamp::LATEST)
    }

    /// One backup, perhaps onto a disk that fails. `None`: it failed, and no harm was done.
    fn back_up(
        &self,
        database: &Database,
        (disk, target): &(Arc<SimulatedDisk>, Environment),
        progress: &AtomicU64,
    ) -> Verdict<Option<BackupReport>> {
        while progress.load(Ordering::Acquire) < 5 {
            std::thread::yield_now();
        }
        let mut is_faulty = true;
        match self.random.below(6) {
            0 => disk.arm(Fault::PowerOff { after: self.random.below(60) }),
            1 => disk.arm(Fault::FailSync { after: self.random.below(20) }),
            2 => disk.set_capacity(Some(self.random.below(200 << 10))),
            3 => disk.arm(Fault::FailRead { after: self.random.below(40) }),
            _ => is_faulty = false,
        }
        // Backups let the writer go on between two files.
        let pace = || {
            std::thread::yield_now();
            false
        };
        let taken = database.backup(&target.disk, &pace);
        disk.set_capacity(None);
        match taken {
            Ok(report) => {
                disk.crash();
                say("the backup after a power cut", check(target, &|| false))?;
                Ok(Some(report))
            }
            Err(_) if is_faulty => {
                disk.crash();
                // Nothing counts that was not reported; but what is whole after all is as good as if it had been.
                if let Ok(report) = check(target, &|| false) {
                    return Ok(Some(report));
                }
                match Database::open(World::configuration(), target.clone()) {
                    Ok(served) if served.table_schema(TABLE).is_ok() => Err("half a backup is served".into()),
                    Ok(_) | Err(_) => Ok(None),
                }
            }
            Err(error) => Err(format!("a backup failed on a sound disk: {error}")),
        }
    }

    /// Restores to the ends of the reach and to moments within, some of them with a power cut in the middle.
    fn try_restores(&mut self, backup: &Environment, report: &BackupReport) -> Verdict<()> {
        let within: Vec<Timestamp> = self
            .history
            .iter()
            .map(|(at, _)| Timestamp::from_micros(at.micros()))
            .filter(|at| (report.earliest..=report.latest).contains(at))
            .collect();
        let mut moments = vec![report.earliest, report.latest];
        for _ in 0..2 {
            if !within.is_empty() {
                moments.push(within[self.random.below(within.len() as u64) as usize]);
            }
        }
        for at in moments {
            let (disk, target) = self.directory();
            if self.random.once_in(4) {
                disk.arm(Fault::PowerOff { after: self.random.below(60) });
                let done = restore(backup, &target.disk, Some(at), &|| false).is_ok();
                disk.crash();
                if !done {
                    self.interrupted += 1;
                    // A start makes nothing of it, or an empty database, or all of it: never a part.
                    if let Ok(database) = Database::open(World::configuration(), target)
                        && database.table_schema(TABLE).is_ok()
                    {
                        self.compare(&database, at)?;
                    }
                    continue;
                }
            } else {
                say("restore", restore(backup, &target.disk, Some(at), &|| false))?;
            }
            let database = say("open a restored one", Database::open(World::configuration(), target))?;
            self.compare(&database, at)?;
            self.restores += 1;
        }
        Ok(())
    }

    /// Whether a database shows what the model has at a moment, and at moments before it.
    fn compare(&self, database: &Database, at: Timestamp) -> Verdict<()> {
        let expected = state_at(&self.history, at);
        if expected.is_empty() && database.table_schema(TABLE).is_err() {
            return Ok(());
        }
        let view = begin(database).view();
        let found: Rows = scan(&view).into_iter().collect();
        if found != expected {
            return Err(format!("at {at}: {} rows, the model has {}", found.len(), expected.len()));
        }
        let ordered: Rows = by_key(&view, false).into_iter().collect();
        let mut named = 0;
        let mut cursor = view.range(TABLE, BY_NAME, Bound::Unbounded, Bound::Unbounded, false);
        while say("by name", cursor.next(&mut |_, _, _| named += 1))? {}
        if ordered != expected || named != expected.len() {
            return Err(format!("at {at}: the indexes do not agree with the table"));
        }
        for (earlier, _) in
            self.history.iter().filter(|(earlier, _)| *earlier <= at).rev().take(40).step_by(9)
        {
            let past: Rows = scan(&begin(database).view_at(*earlier)).into_iter().collect();
            if past != state_at(&self.history, *earlier) {
                return Err(format!("AS OF {earlier} differs after a restore to {at}"));
            }
        }
        match database.verify().damaged.first() {
            Some(damage) => Err(format!("damage after a restore: {}", damage.reason)),
            None => Ok(()),
        }
    }
}

/// Commits until told to stop; answers what was acknowledged.
fn write(
    database: &Database,
    seed: u64,
    mut state: Rows,
    stop: &AtomicBool,
    progress: &AtomicU64,
) -> Verdict<History> {
    let random = SimulatedRandom::new(seed);
    let mut history = History::new();
    let mut next = state.keys().next_back().map_or(1, |last| last + 1);
    for round in 0.. {
        if stop.load(Ordering::Acquire) && round > 20 || round > 400 {
            break;
        }
        let mut transaction = begin(database);
        let mut effects = Vec::new();
        let is_bulk = random.once_in(15);
        for _ in 0..=if is_bulk { 30 } else { random.below(4) } {
            let some = state.range(random.below(next as u64) as i64..).next().map(|(id, _)| *id);
            match (if is_bulk { 1 } else { random.below(5) }, some) {
                (0, Some(id)) if state.len() > 20 => {
                    delete(&mut transaction, id);
                    state.remove(&id);
                    effects.push((id, None));
                }
                (1 | 2, _) | (_, None) => {
                    insert(&mut transaction, next, &format!("row {}", next % 7), round);
                    state.insert(next, round);
                    effects.push((next, Some(round)));
                    next += 1;
                    transaction.start_statement();
                }
                (_, Some(id)) => {
                    set_amount(&mut transaction, id, round);
                    state.insert(id, round);
                    effects.push((id, Some(round)));
                }
            }
        }
        match transaction.commit().wait() {
            Ok(at) => history.push((at, effects)),
            Err(error) => return Err(format!("a commit failed: {error}")),
        }
        progress.store(round as u64 + 1, Ordering::Release);
        if random.once_in(9) {
            let ticket = if random.once_in(2) { database.compact() } else { database.checkpoint() };
            if random.once_in(2) {
                match ticket.wait() {
                    Ok(()) | Err(Error::ShuttingDown) => {}
                    Err(error) => return Err(format!("a checkpoint failed: {error}")),
                }
            }
        }
    }
    Ok(history)
}

fn run(seed: u64, faults: Faults) -> Verdict<World> {
    let mut world = World::new(seed, faults);
    world.live()?;
    Ok(world)
}

/// `STRATA_SEEDS` asks for another number of seeds, `STRATA_FIRST_SEED` for others.
#[test]
fn twenty_seeds_of_backups_restore_to_every_moment_chosen() {
    let number = |name| std::env::var(name).ok().and_then(|seeds| seeds.parse::<u64>().ok());
    let first = number("STRATA_FIRST_SEED").unwrap_or(0);
    let seeds = first..first + number("STRATA_SEEDS").unwrap_or(20);
    let (mut backups, mut failed, mut restores, mut interrupted) = (0, 0, 0, 0);
    for seed in seeds {
        let world = run(seed, Faults::default()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        backups += world.backups;
        failed += world.failed;
        restores += world.restores;
        interrupted += world.interrupted;
    }
    println!(
        "{backups} backups, {failed} that failed, {restores} restores, {interrupted} restores interrupted"
    );
    assert!(backups > 10 && failed > 0 && restores > backups && interrupted > 0);
}

/// Whether a planted fault is noticed within a hundred rounds.
fn is_caught(faults: Faults) -> bool {
    (0..100).any(|seed| match run(seed, faults) {
        Ok(_) => false,
        Err(error) => {
            println!("round {seed}: {error}");
            true
        }
    })
}

#[test]
fn letting_files_go_under_a_backup_is_caught() {
    assert!(is_caught(Faults { skip_backup_holds: true, ..Faults::default() }));
}

#[test]
fn copying_a_file_before_its_last_write_is_caught() {
    assert!(is_caught(Faults { copy_before_last_write: true, ..Faults::default() }));
}

#[test]
fn leaving_the_tail_of_the_log_out_is_caught() {
    assert!(is_caught(Faults { cut_backup_log: true, ..Faults::default() }));
}

#[test]
fn not_cutting_the_log_at_the_moment_is_caught() {
    assert!(is_caught(Faults { skip_restore_cut: true, ..Faults::default() }));
}

/// Damage anywhere in a backup is refused; with the comparison left out, some is not.
#[test]
fn leaving_out_the_hashes_of_a_backup_is_caught() {
    let accepts = |faults: Faults| -> bool {
        let (_, _, environment) = environment(5);
        let database = Database::open(World::configuration(), environment).unwrap();
        with_rows(&database, 200);
        database.checkpoint().wait().unwrap();
        let (disk, _, target) = strata_engine::io::simulation::environment(6);
        database.backup(&target.disk, &|| false).unwrap();
        let mut accepted = false;
        for name in target.disk.list().unwrap() {
            let length = disk.content(&name).map_or(0, |content| content.len() as u64);
            for place in 0..24 {
                let damaged = disk.fork(place);
                damaged.set_faults(faults);
                damaged.flip(&name, place * length / 24, 5);
                let from = Environment { disk: damaged, ..target.clone() };
                let (_, _, into) = strata_engine::io::simulation::environment(7 + place);
                match restore(&from, &into.disk, None, &|| false) {
                    Ok(_) => accepted = true,
                    Err(BackupError::OutOfRange { .. } | BackupError::NotEmpty | BackupError::Stopped) => {
                        panic!("another reason than damage")
                    }
                    Err(_) => {}
                }
            }
        }
        accepted
    };
    assert!(!accepts(Faults::default()));
    assert!(accepts(Faults { skip_backup_hashes: true, ..Faults::default() }));
}

#[test]
fn a_restored_row_is_found_by_its_key() {
    let (_, _, environment) = environment(9);
    let database = Database::open(World::configuration(), environment).unwrap();
    with_rows(&database, 10);
    let (_, _, target) = strata_engine::io::simulation::environment(10);
    database.backup(&target.disk, &|| false).unwrap();
    let (_, _, into) = strata_engine::io::simulation::environment(11);
    restore(&target, &into.disk, None, &|| false).unwrap();
    let again = Database::open(World::configuration(), into).unwrap();
    assert_eq!(find(&begin(&again).view(), 7).map(|(_, _, amount)| amount), Some(100));
    assert_eq!(*again.table_schema(TABLE).unwrap(), schema());
}
