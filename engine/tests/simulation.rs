//! The whole engine under power cuts: 200 seeds, 32 writers, checkpoints at random, and three planted faults.
//!
//! Every transaction writes two new rows of its writer and the writer's own counter row. Outside the database an
//! oracle knows what was acknowledged and what was only attempted. After each crash: all that was acknowledged is
//! there, all that is there was attempted, no half of a transaction, and moments read earlier read the same.

mod common;

use common::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use strata_engine::io::Random;
use strata_engine::io::simulation::{Fault, Faults, SimulatedRandom};
use strata_engine::{Database, Inserted, LockedRow, Outcome, RowLock, Timestamp, WaitPolicy};

const WRITERS: i64 = 32;
/// Keys of writer `w` start at `(w + 1) * SPACE`; key `w` itself is its counter.
const SPACE: i64 = 1_000_000;

/// What the world outside knows.
struct Oracle {
    acknowledged: Vec<AtomicI64>,
    attempted: Vec<AtomicI64>,
    /// Moments and what they showed.
    moments: Vec<(Timestamp, Vec<(i64, i64)>)>,
}

impl Oracle {
    fn new() -> Oracle {
        let zeros = || (0..WRITERS).map(|_| AtomicI64::new(0)).collect();
        Oracle { acknowledged: zeros(), attempted: zeros(), moments: Vec::new() }
    }
}

/// One transaction of a writer; whether it was acknowledged.
fn write(database: &Database, writer: i64, number: i64, oracle: &Oracle) -> Result<(), strata_engine::Error> {
    let mut session = begin(database);
    session.start_statement();
    for half in 0..2 {
        let id = (writer + 1) * SPACE + number * 2 + half;
        let _ = session.insert(TABLE, &row(id, "a pair", number))?;
    }
    let Some((handle, _, _)) = find(&session.view(), writer) else { return Ok(()) };
    match session.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT)? {
        Outcome::Done(LockedRow::Current) => {}
        other => panic!("the counter belongs to one writer: {other:?}"),
    }
    match session.update(TABLE, handle, &row(writer, "counter", number), false)? {
        Outcome::Done(Inserted::Row(_)) => {}
        other => panic!("{other:?}"),
    }
    oracle.attempted[writer as usize].store(number, Ordering::SeqCst);
    session.commit().wait()?;
    oracle.acknowledged[writer as usize].store(number, Ordering::SeqCst);
    Ok(())
}

/// Compares a database that has just been opened with what the oracle knows, and goes on from what is there.
fn check(database: &Database, oracle: &Oracle) -> Result<(), String> {
    let rows: BTreeMap<i64, i64> = scan(&begin(database).view()).into_iter().collect();
    let keys: Vec<(i64, i64)> = by_key(&begin(database).view(), false);
    if !keys.iter().copied().eq(rows.iter().map(|(id, amount)| (*id, *amount))) {
        return Err("the index and the table differ".into());
    }
    for writer in 0..WRITERS {
        let counter = *rows.get(&writer).ok_or_else(|| format!("counter {writer} is gone"))?;
        let acknowledged = oracle.acknowledged[writer as usize].load(Ordering::SeqCst);
        let attempted = oracle.attempted[writer as usize].load(Ordering::SeqCst);
        if counter < acknowledged || counter > attempted {
            return Err(format!(
                "writer {writer}: {counter}, acknowledged {acknowledged}, attempted {attempted}"
            ));
        }
        let first = (writer + 1) * SPACE;
        let mut seen: HashMap<i64, u32> = HashMap::new();
        for (id, number) in rows.range(first..first + SPACE) {
            if (id - first) / 2 != *number {
                return Err(format!("row {id} holds {number}"));
            }
            *seen.entry(*number).or_default() += 1;
        }
        let whole = seen.len() as i64 == counter && seen.values().all(|halves| *halves == 2);
        if !whole {
            return Err(format!("writer {writer} counts {counter} and has {} pairs", seen.len()));
        }
        // What was unknown is decided now, and stays so.
        oracle.acknowledged[writer as usize].store(counter, Ordering::SeqCst);
        oracle.attempted[writer as usize].store(counter, Ordering::SeqCst);
    }
    for (moment, expected) in &oracle.moments {
        if scan(&begin(database).view_at(*moment)) != *expected {
            return Err(format!("the moment {moment} reads differently"));
        }
    }
    Ok(())
}

fn open(world: &World) -> Result<Arc<Database>, String> {
    let configuration = strata_engine::Configuration { log_file_bytes: 64 << 10, ..configuration() };
    Database::open(configuration, world.environment.clone()).map_err(|error| error.to_string())
}

/// Runs 32 writers until the power goes or they have done their part.
fn live(world: &World, database: &Arc<Database>, oracle: &mut Oracle, random: &SimulatedRandom) {
    let stopped = AtomicBool::new(false);
    let shared = &*oracle;
    let (database, stopped) = (&**database, &stopped);
    world.disk.arm(Fault::PowerOff { after: random.below(60) });
    let moment = thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let next = shared.acknowledged[writer as usize].load(Ordering::SeqCst) + 1;
                for number in next..next + 10 {
                    if write(database, writer, number, shared).is_err() || stopped.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        if random.once_in(2) {
            // It fails where the power goes meanwhile.
            let _ = database.checkpoint().wait();
        }
        let moment = database.snapshot();
        let rows = scan(&begin(database).view_at(moment));
        stopped.store(random.once_in(2), Ordering::SeqCst);
        (moment, rows)
    });
    oracle.moments.push(moment);
}

fn run(seed: u64, faults: Faults) -> Result<(), String> {
    let world = World::new(seed);
    let random = SimulatedRandom::new(seed ^ 0x51_0000);
    let mut oracle = Oracle::new();
    {
        let database = open(&world)?;
        let mut maker = begin(&database);
        maker.create_table(TABLE, schema()).map_err(|error| error.to_string())?;
        for writer in 0..WRITERS {
            insert(&mut maker, writer, "counter", 0);
        }
        maker.commit().wait().map_err(|error| error.to_string())?;
    }
    world.disk.set_faults(faults);
    for _ in 0..3 {
        let database = open(&world)?;
        check(&database, &oracle)?;
        live(&world, &database, &mut oracle, &random);
        drop(database);
        if random.next_u64() % 4 == 0 {
            world.disk.kill()
        } else {
            world.disk.crash()
        }
        // The clock goes on while the power is off, or is set back.
        world.clock.advance(random.below(3_000_000));
    }
    let database = open(&world)?;
    check(&database, &oracle)
}

#[test]
fn two_hundred_seeds_of_power_cuts_lose_nothing() {
    for seed in 0..200 {
        if let Err(error) = run(seed, Faults::default()) {
            panic!("seed {seed}: {error}");
        }
    }
}

fn caught(faults: Faults) -> bool {
    (1000..1100).any(|seed| run(seed, faults).is_err())
}

#[test]
fn acknowledging_before_the_sync_is_caught() {
    assert!(caught(Faults { acknowledge_before_sync: true, ..Faults::default() }));
}

#[test]
fn leaving_out_the_sync_of_the_directory_is_caught() {
    assert!(caught(Faults { skip_directory_sync: true, ..Faults::default() }));
}

#[test]
fn believing_every_checksum_is_caught() {
    assert!(caught(Faults { skip_checksums: true, ..Faults::default() }));
}
