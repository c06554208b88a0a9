//! A disk that fills up under a database at work, and has room again: by itself, or because retention gives history up.
//!
//! What must hold: a commit that finds no room is refused and leaves nothing; everything acknowledged stays, through
//! power cuts and restarts on the full disk, too; reads of now and of the past go on; what deletes goes on; and with room
//! the next commit works.

mod common;

use common::{
    TABLE, amount, begin, commit_amount, configuration, delete, insert, scan, set_amount, with_rows,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use strata_engine::io::simulation::{Faults, SimulatedClock, SimulatedDisk, SimulatedRandom, environment};
use strata_engine::io::{Disk, Environment};
use strata_engine::{Configuration, Database, Error, OpenError, Timestamp};

type Verdict<T> = Result<T, String>;

const LOG_FILE: u64 = 32 << 10;

fn small() -> Configuration {
    Configuration { log_file_bytes: LOG_FILE, segment_rows: 64, ..configuration() }
}

struct World {
    disk: Arc<SimulatedDisk>,
    clock: Arc<SimulatedClock>,
    environment: Environment,
    random: SimulatedRandom,
    /// What was acknowledged.
    rows: BTreeMap<i64, i64>,
    noted: Vec<(Timestamp, BTreeMap<i64, i64>)>,
    next: i64,
    refused: u64,
}

impl World {
    fn new(seed: u64, faults: Faults) -> World {
        let (disk, clock, environment) = environment(seed);
        disk.set_faults(faults);
        let random = SimulatedRandom::new(seed ^ 0xF011);
        World {
            disk,
            clock,
            environment,
            random,
            rows: BTreeMap::new(),
            noted: Vec::new(),
            next: 0,
            refused: 0,
        }
    }

    fn open(&self) -> Verdict<Arc<Database>> {
        Database::open(small(), self.environment.clone()).map_err(|error| format!("open: {error}"))
    }

    /// Leaves this much room.
    fn leave(&self, room: u64) {
        self.disk.set_capacity(Some(self.disk.used() + room));
    }

    /// Inserts some rows and changes one. False if there was no room.
    fn grow(&mut self, database: &Database) -> Verdict<bool> {
        let mut transaction = begin(database);
        let mut after = self.rows.clone();
        for _ in 0..=self.random.below(6) {
            self.next += 1;
            let name = "n".repeat(self.random.below(900) as usize);
            insert(&mut transaction, self.next, &name, self.next);
            after.insert(self.next, self.next);
        }
        if let Some(id) = self.rows.keys().nth(self.random.below(self.rows.len() as u64) as usize) {
            set_amount(&mut transaction, *id, self.next);
            after.insert(*id, self.next);
        }
        match transaction.commit().wait() {
            Ok(at) => {
                self.rows = after;
                if self.random.once_in(6) {
                    self.noted.push((at, self.rows.clone()));
                }
                Ok(true)
            }
            Err(Error::DiskFull) => {
                self.refused += 1;
                Ok(false)
            }
            Err(error) => Err(format!("a commit failed: {error}")),
        }
    }

    fn compare(&self, database: &Database) -> Verdict<()> {
        let found: BTreeMap<i64, i64> = scan(&begin(database).view()).into_iter().collect();
        if found != self.rows {
            return Err(format!("{} rows instead of {}", found.len(), self.rows.len()));
        }
        for (at, rows) in &self.noted {
            let past: BTreeMap<i64, i64> = scan(&begin(database).view_at(*at)).into_iter().collect();
            if past != *rows {
                return Err(format!("AS OF {at} has changed"));
            }
        }
        Ok(())
    }

    fn live(&mut self) -> Verdict<()> {
        let mut database = self.open()?;
        with_rows(&database, 30);
        self.rows = (1..=30).map(|id| (id, 100)).collect();
        self.next = 30;
        for _ in 0..3 {
            self.leave(self.random.below(400 << 10));
            let mut commits = 0;
            while self.grow(&database)? {
                commits += 1;
                if self.random.once_in(20) {
                    // It may find no room itself, which stops nobody.
                    let _ = database.checkpoint().wait();
                }
                if commits > 4000 {
                    return Err("a full disk refuses nothing".into());
                }
            }
            if !database.is_disk_full() {
                return Err("a full disk does not show".into());
            }
            self.compare(&database)?;
            self.delete_some(&database)?;
            self.compare(&database)?;
            if self.random.once_in(2) {
                // The power goes while the disk is full; the start has room kept back for it.
                self.disk.crash();
                drop(database);
                database = self.open()?;
                self.compare(&database)?;
                self.delete_some(&database)?;
            }
            self.disk.set_capacity(None);
            if !self.grow(&database)? || database.is_disk_full() {
                return Err("there is room again, and commits are refused".into());
            }
            self.compare(&database)?;
            database.checkpoint().wait().map_err(|error| format!("a checkpoint: {error}"))?;
            self.await_reserves()?;
        }
        self.disk.crash();
        drop(database);
        self.compare(&*self.open()?)
    }

    /// Deletes must go on.
    fn delete_some(&mut self, database: &Database) -> Verdict<()> {
        for _ in 0..3 {
            let Some(id) = self.rows.keys().nth(self.random.below(self.rows.len() as u64) as usize).copied()
            else {
                return Ok(());
            };
            let mut transaction = begin(database);
            delete(&mut transaction, id);
            transaction.commit().wait().map_err(|error| format!("a deletion on a full disk: {error}"))?;
            self.rows.remove(&id);
        }
        Ok(())
    }

    fn await_reserves(&self) -> Verdict<()> {
        for _ in 0..500 {
            let names = self.disk.list().unwrap_or_default();
            if ["reserve", "reserve.serving"].iter().all(|wanted| names.iter().any(|name| name == wanted)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("the reserves were not made again".into())
    }
}

fn run(seed: u64, faults: Faults) -> Verdict<World> {
    let mut world = World::new(seed, faults);
    world.live()?;
    Ok(world)
}

/// `STRATA_SEEDS` asks for another number of seeds, `STRATA_FIRST_SEED` for others.
#[test]
fn forty_seeds_of_full_disks_lose_nothing_and_come_back() {
    let number = |name| std::env::var(name).ok().and_then(|seeds| seeds.parse::<u64>().ok());
    let first = number("STRATA_FIRST_SEED").unwrap_or(0);
    let mut refused = 0;
    for seed in first..first + number("STRATA_SEEDS").unwrap_or(40) {
        let world = run(seed, Faults::default()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        refused += world.refused;
    }
    println!("{refused} commits refused");
    assert!(refused > 0);
}

#[test]
fn keeping_the_reserve_is_caught() {
    let faults = Faults { keep_reserve: true, ..Faults::default() };
    assert!((0..100).any(|seed| run(seed, faults).is_err()));
}

#[test]
fn retention_makes_room() {
    let mut world = World::new(77, Faults::default());
    let database = world.open().unwrap();
    with_rows(&database, 20);
    let wide = "w".repeat(100 << 10);
    for round in 0..6 {
        let mut transaction = begin(&database);
        for id in 1..=20 {
            transaction.start_statement();
            if round > 0 {
                delete(&mut transaction, 1000 + id);
                transaction.start_statement();
            }
            insert(&mut transaction, 1000 + id, &wide, round);
        }
        transaction.commit().wait().unwrap();
        database.compact().wait().unwrap();
    }
    world.leave(50 << 10);
    world.rows = scan(&begin(&database).view()).into_iter().collect();
    world.next = 2000;
    while world.grow(&database).unwrap() {}
    assert!(database.is_disk_full());
    database.set_history_retention(TABLE, Some(1)).unwrap();
    // Whoever writes is refused until room was found by itself, without anybody's asking for a checkpoint.
    let mut tries = 0;
    while !world.grow(&database).unwrap() {
        tries += 1;
        assert!(tries < 400, "retention made no room");
        world.clock.advance(2_000_000);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!database.is_disk_full());
    world.noted.clear();
    world.compare(&database).unwrap();
}

#[test]
fn a_commit_longer_than_the_room_is_refused_alone() {
    let world = World::new(78, Faults::default());
    let database = world.open().unwrap();
    with_rows(&database, 5);
    world.leave(60 << 10);
    let mut transaction = begin(&database);
    insert(&mut transaction, 9, &"x".repeat(500 << 10), 1);
    assert_eq!(transaction.commit().wait(), Err(Error::DiskFull));
    assert!(!database.is_disk_full());
    commit_amount(&database, 1, 7);
    assert_eq!(amount(&begin(&database).view(), 1), Some(7));
}

#[test]
fn a_damaged_file_that_the_log_ends_rows_of_is_refused_by_name() {
    let world = World::new(79, Faults::default());
    let database = world.open().unwrap();
    with_rows(&database, 50);
    database.checkpoint().wait().unwrap();
    commit_amount(&database, 3, 7);
    database.close();
    drop(database);
    let names = world.disk.list().unwrap();
    let segment = names.iter().find(|name| name.starts_with("segment-")).unwrap();
    let length = world.disk.content(segment).unwrap().len() as u64;
    let sound = world.disk.fork(1);
    world.disk.flip(segment, length - 20, 2);
    let refused = match Database::open(small(), world.environment.clone()) {
        Err(OpenError::Log(error)) => error.to_string(),
        Err(other) => other.to_string(),
        Ok(_) => panic!("it opens and forgets that a row has ended"),
    };
    assert!(refused.contains(segment) && refused.contains("offset"), "{refused}");
    // With the file put back it starts as if nothing had been.
    world.disk.overwrite(segment, &sound.content(segment).unwrap(), 0);
    let database = world.open().unwrap();
    assert_eq!(amount(&begin(&database).view(), 3), Some(7));
}
