//! The whole engine under a disk that loses what power cuts lose: 32 logical writers driven by one thread, every choice
//! of theirs and of the disk made by a seed. The database's own threads, those for checkpoints, compaction and graphs,
//! run freely, so what a power cut meets in the middle of a checkpoint differs from run to run; but for quiet worlds, which
//! wait for them at every step, and of which two runs of a seed change the disk in the same way to the byte.
//!
//! A writer holds at most one transaction. Transactions stay open over several steps, so that they meet each other's
//! locks, and commit in groups: the first commit of a group is held in its sync while the others arrive, so the second
//! batch of a group holds all of them. Lives end by power cuts, kills, failed syncs and full disks, in the middle of
//! commits, of checkpoints and of recoveries. (One story, one file: it is a little longer than others.)
//!
//! What must hold at each start: every acknowledged transaction is there, byte for byte; every one whose outcome was
//! unknown is there wholly or not at all; every refused or unfinished one is not there; scan, primary index and
//! secondary index say the same; transfers have kept the sum; and every moment that was noted before reads as it did.
//! At each of them searches through vectors answer as many rows as there are, and nearly always the nearest.

#[path = "support/table.rs"]
mod model;
mod support;

use std::sync::Arc;

use model::{
    AMOUNT, Asked, Effects, Model, PRIMARY, Row, Searches, TABLE, Verdict, apply, differ, insert, key,
    new_row, read, say, schema, search,
};
use strata_engine::{
    Configuration, Database, Error, Inserted, Isolation, LockedRow, Outcome, Past, RowHandle, RowLock,
    Timestamp, Transaction, Value, WaitPolicy,
    io::simulation::{Event, Fault, Faults, SimulatedClock, SimulatedDisk, SimulatedRandom},
};
use support::{environment_of, record};

const WRITERS: usize = 32;
/// Rows between which transfers move amounts.
const ACCOUNTS: i64 = 24;
const OPENING: i64 = 1000;
/// Markers: one row a transaction, which says that it was there.
const MARKERS: i64 = 1_000_000_000;

/// How a commit ended.
type Outcomes = Vec<(i64, Effects, Result<Timestamp, Error>)>;

/// A transaction at work, or one whose commit was asked for.
struct Work {
    number: i64,
    transaction: Transaction,
    effects: Effects,
}

/// One database through all its lives, and what the world outside knows of it.
struct World {
    disk: Arc<SimulatedDisk>,
    random: SimulatedRandom,
    /// Acknowledged, or seen after a recovery.
    model: Model,
    /// Commits whose outcome is not known, in the order in which they were asked for.
    unknown: Vec<(i64, Effects)>,
    /// Moments and what they showed.
    noted: Vec<(Timestamp, Model)>,
    next_transaction: i64,
    next_row: i64,
    /// How often something happened that the test must have seen.
    acknowledged: u64,
    unknown_total: u64,
    resurrected: u64,
    checkpoints: u64,
    refused: u64,
    searches: Searches,
    spills: bool,
    /// Rows of a segment.
    segment_rows: u64,
    /// Nobody is left at work in the background between two steps.
    is_quiet: bool,
}

/// Why a life ended.
enum End {
    /// The log failed.
    Failed,
    /// Enough.
    Done,
}

impl World {
    fn new(seed: u64, faults: Faults) -> World {
        let disk = SimulatedDisk::new(seed ^ 0xDA7A);
        disk.set_faults(faults);
        World {
            disk,
            random: SimulatedRandom::new(seed),
            model: Model::new(),
            unknown: Vec::new(),
            noted: Vec::new(),
            next_transaction: 0,
            next_row: ACCOUNTS,
            acknowledged: 0,
            unknown_total: 0,
            resurrected: 0,
            checkpoints: 0,
            refused: 0,
            searches: Searches::default(),
            spills: seed % 2 == 1,
            segment_rows: if seed % 4 < 2 { 64 } else { 512 },
            is_quiet: false,
        }
    }

    fn configuration(&self) -> Configuration {
        Configuration {
            checkpoint_bytes: 1 << 30,
            log_file_bytes: 64 << 10,
            // Small files, so that compaction has much to do; larger ones have graphs that are worth a walk.
            segment_rows: self.segment_rows,
            graph_rows: 32,
            takes_turns: self.is_quiet,
            // In every other world all that is new is written before its commit.
            spill_bytes: if self.spills { 1 } else { Configuration::default().spill_bytes },
            spill_entries: if self.spills { 1 } else { Configuration::default().spill_entries },
            on_failure: Arc::new(|_| {}),
            ..Configuration::default()
        }
    }

    /// Opens the database, with deaths in the middle of it, and compares what is there.
    fn open(&mut self) -> Verdict<Arc<Database>> {
        // Once in a while the disk is still full; a start has room kept back for it, once.
        let is_full = self.random.once_in(8)
            && self.disk.content("reserve").is_some_and(|reserve| reserve.len() > 4 << 20);
        self.disk.set_capacity(is_full.then(|| self.disk.used()));
        let opened = self.open_and_verify(is_full);
        self.disk.set_capacity(None);
        opened
    }

    fn open_and_verify(&mut self, is_full: bool) -> Verdict<Arc<Database>> {
        while !is_full && self.random.once_in(4) {
            self.disk.arm(Fault::PowerOff { after: self.random.below(30) });
            let environment = environment_of(&self.disk, self.random.below(u64::MAX));
            let opened = Database::open(self.configuration(), environment);
            let lived = opened.is_ok();
            if let Ok(opened) = &opened {
                self.rest(opened);
            }
            drop(opened);
            self.disk.crash();
            if lived {
                break;
            }
        }
        let mut environment = environment_of(&self.disk, self.random.below(u64::MAX));
        // The wall clock jumps between lives, backwards too.
        let clock = SimulatedClock::new(830_000_000_000_000 + self.random.below(1_000_000) as i64);
        environment.clock = Arc::new(clock);
        let database = say("open", Database::open(self.configuration(), environment))?;
        self.rest(&database);
        self.verify(&database)?;
        Ok(database)
    }

    fn verify(&mut self, database: &Arc<Database>) -> Verdict<()> {
        let transaction = database.begin(Isolation::ReadCommitted, true);
        let view = transaction.view();
        let found = match database.statistics(TABLE) {
            Ok(_) => read(&view)?,
            Err(Error::UnknownTable(_)) => Model::new(),
            Err(error) => return Err(error.to_string()),
        };
        for (number, effects) in std::mem::take(&mut self.unknown) {
            if found.contains_key(&(MARKERS + number)) {
                apply(&mut self.model, effects);
                self.resurrected += 1;
            }
        }
        differ("after a start", &found, &self.model)?;
        if !found.is_empty() {
            search(&view, &found, 1, &mut self.searches)?;
        }
        let sum: i64 = found.range(..ACCOUNTS).map(|(_, row)| row.amount).sum();
        if !found.is_empty() && sum != ACCOUNTS * OPENING {
            return Err(format!("the accounts hold {sum}"));
        }
        for (at, expected) in &self.noted {
            let view = match say("a past moment", database.past(*at))? {
                Past::Ready(at) => transaction.view_at(at),
                Past::Wait(_) => return Err("a moment of an earlier life is in flight".to_owned()),
            };
            differ(&format!("as of {at}"), &read(&view)?, expected)?;
            search(&view, expected, at.0, &mut self.searches)?;
        }
        transaction.rollback();
        Ok(())
    }

    fn rest(&self, database: &Database) {
        if self.is_quiet {
            database.rest();
        }
    }

    /// The table and its accounts, in one transaction of their own, if they are not there yet.
    fn set_up(&mut self, database: &Arc<Database>) -> Verdict<End> {
        if database.statistics(TABLE).is_ok() {
            return Ok(End::Done);
        }
        let mut transaction = database.begin(Isolation::ReadCommitted, false);
        say("create table", transaction.create_table(TABLE, schema()))?;
        transaction.start_statement();
        let number = self.next_transaction;
        self.next_transaction += 1;
        let mut effects = Effects::new();
        let marker = Row { writer: -1, amount: 0, payload: Vec::new() };
        effects.insert(MARKERS + number, Some(marker));
        for id in 0..ACCOUNTS {
            effects.insert(id, Some(Row { writer: id % 5, amount: OPENING, payload: record(id as u64, 40) }));
        }
        for (id, row) in &effects {
            if let Some(row) = row {
                insert(&mut transaction, *id, row)?;
            }
        }
        let outcome = transaction.commit().wait();
        self.settle(vec![(number, effects, outcome)])
    }

    /// Takes note of the outcomes of commits.
    fn settle(&mut self, outcomes: Outcomes) -> Verdict<End> {
        let mut end = End::Done;
        for (number, effects, outcome) in outcomes {
            match outcome {
                Ok(_) => {
                    apply(&mut self.model, effects);
                    self.acknowledged += 1;
                }
                Err(Error::LogFailed) => {
                    self.unknown.push((number, effects));
                    self.unknown_total += 1;
                    end = End::Failed;
                }
                // Refused, and surely not there.
                // A file of a large commit that could not be written: nothing of it was logged.
                Err(Error::Io(_)) if self.spills => self.refused += 1,
                Err(Error::DiskFull) => self.refused += 1,
                Err(error) => return Err(format!("a commit failed: {error}")),
            }
        }
        Ok(end)
    }

    /// One life, which may end with the log failing under a checkpoint: then any call may say so.
    fn live(&mut self, database: &Arc<Database>) -> Verdict<()> {
        match self.steps(database) {
            Err(error) if error.ends_with(&Error::LogFailed.to_string()) => Ok(()),
            other => other,
        }
    }

    /// Steps until something goes wrong or it is enough.
    fn steps(&mut self, database: &Arc<Database>) -> Verdict<()> {
        if let End::Failed = self.set_up(database)? {
            return Ok(());
        }
        self.rest(database);
        if self.random.once_in(3) {
            self.disk.arm(Fault::FailSync { after: self.random.below(60) });
        }
        if self.random.once_in(3) {
            self.disk.arm(Fault::PowerOff { after: self.random.below(250) });
        }
        let mut writers: Vec<Option<Work>> = (0..WRITERS).map(|_| None).collect();
        for _ in 0..100 + self.random.below(700) {
            let writer = self.random.below(WRITERS as u64) as usize;
            match writers[writer].take() {
                None => writers[writer] = self.begin(database, writer as i64)?,
                Some(mut work) if self.random.once_in(2) => {
                    if self.work(&mut work, writer as i64)? {
                        writers[writer] = Some(work);
                    }
                }
                Some(work) if self.random.once_in(12) => work.transaction.rollback(),
                Some(work) => {
                    let mut group = vec![work];
                    for _ in 0..self.random.below(8) {
                        let other = self.random.below(WRITERS as u64) as usize;
                        group.extend(writers[other].take());
                    }
                    if let End::Failed = self.commit_group(database, group)? {
                        return Ok(());
                    }
                }
            }
            self.rest(database);
            if self.random.once_in(25) {
                self.note(database)?;
            }
            if self.random.once_in(100) {
                // The disk becomes full, or has room again.
                let is_full = self.random.once_in(4);
                self.disk.set_capacity(is_full.then(|| self.disk.used()));
            }
            if self.random.once_in(120)
                && let End::Failed = self.checkpoint(database)?
            {
                return Ok(());
            }
            if self.random.once_in(400) && self.end_in_flight(database, &mut writers) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks for the commits of a group: the sync of the first that is written is held until the others have arrived.
    fn ask(&self, database: &Database, group: Vec<Work>) -> Vec<(i64, Effects, Asked)> {
        self.disk.hold_syncs();
        let mut commits = Vec::new();
        for work in group {
            let mut asked = Asked::Waiting(work.transaction.commit());
            while self.disk.syncs_held() == 0 && !asked.is_settled() {
                std::thread::yield_now();
            }
            if asked.is_settled() {
                // It was refused, and the next one is the first. (What holds a sync then is a checkpoint.)
                self.disk.release_syncs();
                self.rest(database);
                self.disk.hold_syncs();
            }
            commits.push((work.number, work.effects, asked));
        }
        commits
    }

    /// A commit led by this very thread.
    fn commit_here(&mut self, mut work: Work) -> Verdict<End> {
        work.transaction.may_block();
        let outcome = work.transaction.commit().wait();
        self.settle(vec![(work.number, work.effects, outcome)])
    }

    fn commit_group(&mut self, database: &Database, mut group: Vec<Work>) -> Verdict<End> {
        if group.len() == 1 && self.random.once_in(2) {
            return self.commit_here(group.remove(0));
        }
        let commits = self.ask(database, group);
        self.disk.release_syncs();
        let commits = commits.into_iter();
        self.settle(commits.map(|(number, effects, asked)| (number, effects, asked.wait())).collect())
    }

    /// A crash, or the death of the process, while a batch is written and not synced.
    fn end_in_flight(&mut self, database: &Database, writers: &mut [Option<Work>]) -> bool {
        let group: Vec<Work> = writers.iter_mut().filter_map(Option::take).take(6).collect();
        if group.is_empty() {
            return false;
        }
        let commits = self.ask(database, group);
        if self.random.once_in(3) {
            self.disk.kill()
        } else {
            self.disk.crash()
        }
        for (number, effects, asked) in commits {
            // Whatever it says, it says it to nobody: the process is dead.
            let _ = asked.wait();
            self.unknown.push((number, effects));
            self.unknown_total += 1;
        }
        true
    }

    /// Asks for a checkpoint, and waits for it or goes on meanwhile.
    fn checkpoint(&mut self, database: &Arc<Database>) -> Verdict<End> {
        let ticket = if self.random.once_in(2) { database.compact() } else { database.checkpoint() };
        if self.random.once_in(3) && !self.is_quiet {
            return Ok(End::Done);
        }
        let done = ticket.wait();
        self.rest(database);
        match done {
            Ok(()) => {
                self.checkpoints += 1;
                Ok(End::Done)
            }
            // A file that could not be written, or the manifest: then the engine says so at the next commit.
            Err(Error::Io(_) | Error::DiskFull) => Ok(End::Done),
            Err(Error::LogFailed) => Ok(End::Failed),
            Err(error) => Err(format!("a checkpoint failed: {error}")),
        }
    }

    fn begin(&mut self, database: &Arc<Database>, writer: i64) -> Verdict<Option<Work>> {
        let isolation =
            if self.random.once_in(3) { Isolation::RepeatableRead } else { Isolation::ReadCommitted };
        let number = self.next_transaction;
        self.next_transaction += 1;
        let mut work =
            Work { number, transaction: database.begin(isolation, false), effects: Effects::new() };
        let marker = Row { writer: -1, amount: number, payload: record(number as u64, 16) };
        insert(&mut work.transaction, MARKERS + number, &marker)?;
        work.effects.insert(MARKERS + number, Some(marker));
        Ok(self.work(&mut work, writer)?.then_some(work))
    }

    /// Does something more in a transaction; false if it has met somebody's lock, or a newer version, and is to be
    /// rolled back.
    fn work(&mut self, work: &mut Work, writer: i64) -> Verdict<bool> {
        work.transaction.start_statement();
        match self.random.below(6) {
            0..=2 => {
                for _ in 0..=self.random.below(3) {
                    let id = self.next_row;
                    self.next_row += 1;
                    let row = Row { writer, amount: id * 3, payload: self.payload(id as u64, 1500) };
                    insert(&mut work.transaction, id, &row)?;
                    work.effects.insert(id, Some(row));
                }
                Ok(true)
            }
            3 => {
                let (from, to) =
                    (self.random.below(ACCOUNTS as u64) as i64, self.random.below(ACCOUNTS as u64) as i64);
                let amount = self.random.below(50) as i64;
                if from == to {
                    return Ok(true);
                }
                for (id, amount) in [(from, -amount), (to, amount)] {
                    let Some((handle, mut row)) = self.lock(work, id)? else { return Ok(false) };
                    row.amount += amount;
                    row.payload = record((work.number * 100 + id) as u64, self.random.below(400) as usize);
                    update(work, id, handle, row)?;
                }
                Ok(true)
            }
            4 => {
                let Some(id) = self.some_row() else { return Ok(true) };
                let Some((handle, mut row)) = self.lock(work, id)? else { return Ok(false) };
                row.writer = writer;
                // A long payload often stays what it is.
                if !self.random.once_in(2) {
                    row.payload = self.payload((work.number * 100 + id) as u64, 900);
                }
                update(work, id, handle, row)?;
                Ok(true)
            }
            _ => {
                let Some(id) = self.some_row() else { return Ok(true) };
                let Some((handle, _)) = self.lock(work, id)? else { return Ok(false) };
                say("delete", work.transaction.delete(TABLE, handle))?;
                work.effects.insert(id, None);
                Ok(true)
            }
        }
    }

    /// Content for a row; now and then it is long, and then one that other rows have, too.
    fn payload(&self, number: u64, most: u64) -> Vec<u8> {
        if self.random.once_in(6) {
            return record(number % 40, 2049 + (number % 40 * 97) as usize);
        }
        record(number, self.random.below(most) as usize)
    }

    /// A committed row that is no account and no marker.
    fn some_row(&self) -> Option<i64> {
        let from = ACCOUNTS + self.random.below((self.next_row - ACCOUNTS).max(1) as u64) as i64;
        self.model.range(from..MARKERS).next().map(|(id, _)| *id)
    }

    /// Locks the newest version of a row and answers it as the transaction's own writes or the model have it. `None`:
    /// somebody is in the way.
    fn lock(&self, work: &mut Work, id: i64) -> Verdict<Option<(RowHandle, Row)>> {
        work.transaction.start_statement();
        let mut seen = None;
        let view = work.transaction.view();
        say("lookup", view.lookup(TABLE, PRIMARY, &key(id), &mut |handle, _| seen = Some(handle)))?;
        let Some(mut handle) = seen else { return Ok(None) };
        match work.transaction.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::NoWait) {
            Ok(Outcome::Done(LockedRow::Current)) => {}
            Ok(Outcome::Done(LockedRow::Moved(newer))) => handle = newer,
            Ok(Outcome::Done(_)) => return Ok(None),
            Ok(Outcome::Wait(_)) => return Err("NOWAIT waits".to_owned()),
            Err(Error::LockNotAvailable | Error::SerializationFailure | Error::ConcurrentDelete) => {
                return Ok(None);
            }
            Err(error) => return Err(format!("lock: {error}")),
        }
        let expected = match work.effects.get(&id) {
            Some(row) => row.clone(),
            None => self.model.get(&id).cloned(),
        };
        let Some(expected) = expected else { return Err(format!("row {id} was locked and is not there")) };
        let values = say("get", view.get(TABLE, handle, &[AMOUNT]))?;
        if let Some(values) = values
            && values != [Value::Int64(expected.amount)]
        {
            return Err(format!("row {id} has {values:?}, not {}", expected.amount));
        }
        Ok(Some((handle, expected)))
    }

    /// Notes what the newest moment shows.
    fn note(&mut self, database: &Arc<Database>) -> Verdict<()> {
        let at = database.snapshot();
        let transaction = database.begin(Isolation::RepeatableRead, true);
        let found = read(&transaction.view())?;
        differ("now", &found, &self.model)?;
        search(&transaction.view(), &found, at.0, &mut self.searches)?;
        if self.noted.len() == 20 {
            self.noted.remove(self.random.below(20) as usize);
        }
        self.noted.push((at, found));
        Ok(())
    }
}

fn update(work: &mut Work, id: i64, handle: RowHandle, row: Row) -> Verdict<()> {
    match say("update", work.transaction.update(TABLE, handle, &new_row(id, &row), false))? {
        Outcome::Done(Inserted::Row(_)) => {
            work.effects.insert(id, Some(row));
            Ok(())
        }
        Outcome::Done(Inserted::Conflict { .. }) => Err(format!("row {id} conflicts with itself")),
        Outcome::Wait(_) => Err(format!("row {id} is locked and waits")),
    }
}

/// All lives of one seed.
fn run(seed: u64, faults: Faults) -> Verdict<World> {
    tell(World::new(seed, faults))
}

fn tell(mut world: World) -> Verdict<World> {
    for _ in 0..4 {
        let database = world.open()?;
        world.live(&database)?;
        world.rest(&database);
        if world.random.once_in(5) {
            database.close();
        }
        match world.random.below(4) {
            0 => world.disk.kill(),
            _ => world.disk.crash(),
        }
        drop(database);
    }
    world.open()?;
    let Searches { right, wanted, graphs: _ } = world.searches;
    if right * 10 < wanted * 9 {
        return Err(format!("{right} neighbours of {wanted} are the nearest"));
    }
    Ok(world)
}

/// `STRATA_SEEDS` asks for another number of seeds, `STRATA_FIRST_SEED` for others.
#[test]
fn two_hundred_seeds_of_32_writers_lose_nothing_and_invent_nothing() {
    let (mut acknowledged, mut unknown, mut resurrected) = (0, 0, 0);
    let (mut checkpoints, mut refused, mut searches) = (0, 0, Searches::default());
    let seeds = std::env::var("STRATA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200);
    let first = std::env::var("STRATA_FIRST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds {
        let world = run(seed, Faults::default()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        acknowledged += world.acknowledged;
        unknown += world.unknown_total;
        resurrected += world.resurrected;
        checkpoints += world.checkpoints;
        refused += world.refused;
        searches.right += world.searches.right;
        searches.wanted += world.searches.wanted;
        searches.graphs += world.searches.graphs;
    }
    let Searches { right, wanted, graphs } = searches;
    println!(
        "{acknowledged} commits acknowledged, {unknown} unknown, {resurrected} of them found, \
         {checkpoints} checkpoints, {refused} commits refused for want of room; \
         {right} of {wanted} neighbours are the nearest, {graphs} graphs walked"
    );
    assert!(acknowledged > 30_000 && unknown > 500 && resurrected > 30 && resurrected < unknown);
    assert!(checkpoints > 300 && refused > 100);
    assert!(right * 100 >= wanted * 97 && graphs > 500);
}

/// Compares what happened to the disk in two runs, and says where they part.
fn assert_same(seed: u64, once: &[Event], again: &[Event]) {
    let Some(parted) = once.iter().zip(again).position(|(one, other)| one != other) else { return };
    for (one, other) in once.iter().zip(again).skip(parted.saturating_sub(12)).take(24) {
        println!("{}: {}", one.thread, one.what);
        if one != other {
            println!("        or {}: {}", other.thread, other.what);
        }
    }
    panic!("seed {seed}: the runs part after {parted} events");
}

/// `STRATA_TWICE` asks for another number of seeds, `STRATA_FIRST_SEED` for others.
#[test]
fn a_seed_changes_the_disk_in_the_same_way_twice() {
    let number = |name| std::env::var(name).ok().and_then(|seeds| seeds.parse::<u64>().ok());
    let first = number("STRATA_FIRST_SEED").unwrap_or(0);
    let (mut acknowledged, mut syncs) = (0, 0);
    for seed in first..first + number("STRATA_TWICE").unwrap_or(30) {
        let story = || {
            // The files of one commit are written beside the batch of another.
            let world = World { is_quiet: true, spills: false, ..World::new(seed, Faults::default()) };
            world.disk.keep_journal();
            let world = tell(world);
            let world = world.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let counts = (world.disk.trace(), world.disk.syncs(), world.acknowledged, world.searches.graphs);
            (counts, world.disk.journal())
        };
        let ((once, journal), (again, other)) = (story(), story());
        assert_same(seed, &journal, &other);
        assert_eq!(once, again, "seed {seed}");
        acknowledged += once.2;
        syncs += once.1;
    }
    println!("{acknowledged} commits acknowledged, {syncs} syncs, each the same twice");
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
fn acknowledging_before_the_sync_is_caught() {
    assert!(is_caught(Faults { acknowledge_before_sync: true, ..Faults::default() }));
}

#[test]
fn leaving_out_directory_syncs_is_caught() {
    assert!(is_caught(Faults { skip_directory_sync: true, ..Faults::default() }));
}

#[test]
fn leaving_out_checksums_is_caught() {
    assert!(is_caught(Faults { skip_checksums: true, ..Faults::default() }));
}

#[test]
fn losing_a_version_in_a_merge_is_caught() {
    assert!(is_caught(Faults { lose_merged_version: true, ..Faults::default() }));
}

#[test]
fn forgetting_ends_in_a_merge_is_caught() {
    assert!(is_caught(Faults { drop_merged_ends: true, ..Faults::default() }));
}

#[test]
fn merging_without_index_runs_is_caught() {
    assert!(is_caught(Faults { skip_merged_runs: true, ..Faults::default() }));
}

#[test]
fn altering_a_long_value_is_caught() {
    assert!(is_caught(Faults { alter_long_value: true, ..Faults::default() }));
}

#[test]
fn a_graph_beside_another_segment_is_caught() {
    assert!(is_caught(Faults { misplace_graph: true, ..Faults::default() }));
}

#[test]
fn a_graph_that_outlives_its_segment_is_caught() {
    assert!(is_caught(Faults { keep_stale_graph: true, ..Faults::default() }));
}
