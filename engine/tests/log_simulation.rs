//! A log under power cuts, seed by seed; and the proof that this harness notices a durability step left out.

mod support;

use std::sync::Arc;

use strata_engine::{
    io::{
        Random,
        simulation::{Fault, Faults, SimulatedDisk, SimulatedRandom},
    },
    log::{Log, Lsn, RecoverFrom},
};
use support::{environment_of, number_of, options, record};

/// What the world outside knows of one log.
#[derive(Default)]
struct Oracle {
    /// Sizes of all batches that may be there, in order; each record's number is its index.
    batches: Vec<Vec<u64>>,
    /// How many of them were acknowledged.
    acknowledged: usize,
    next: u64,
    /// The last two checkpoints, as a manifest would keep them: position, durable mark, batches before.
    checkpoints: Vec<(Lsn, Lsn, usize)>,
}

/// One seed: lives that end in power cuts, kills, failed syncs and deaths in the middle of recovery.
/// `Err` says what a reader of the log was told wrongly.
fn run(seed: u64, faults: Faults) -> Result<(), String> {
    let random = SimulatedRandom::new(seed);
    let disk = SimulatedDisk::new(seed ^ 0xD15C);
    let mut oracle = Oracle::default();
    Log::create(&environment_of(&disk, seed), options()).map_err(|error| error.to_string())?;
    disk.set_faults(faults);
    for life in 0..6 {
        let mut log = reopen(&disk, &random, &mut oracle, seed * 100 + life)?;
        live(&disk, &random, &mut oracle, &mut log);
        drop(log);
        if random.once_in(4) { disk.kill() } else { disk.crash() }
    }
    reopen(&disk, &random, &mut oracle, seed).map(drop)
}

/// Recovers, some deaths included, and compares.
fn reopen(
    disk: &Arc<SimulatedDisk>,
    random: &SimulatedRandom,
    oracle: &mut Oracle,
    seed: u64,
) -> Result<Log, String> {
    let (checkpoint, durable, skipped) = oracle.checkpoints.last().copied().unwrap_or((Lsn(0), Lsn(0), 0));
    let from = RecoverFrom { checkpoint, durable };
    while random.once_in(3) {
        disk.arm(Fault::PowerOff { after: random.below(12) });
        let died = support::recover(&environment_of(disk, random.next_u64()), from).is_err();
        disk.crash();
        if !died {
            break;
        }
    }
    let environment = environment_of(disk, seed ^ random.next_u64());
    let (log, _, records) = support::recover(&environment, from).map_err(|error| error.to_string())?;
    let mut found = skipped;
    let mut rest = records.iter();
    while let Some(first) = rest.next() {
        let expected = oracle.batches.get(found).ok_or("a batch that nobody wrote")?;
        let mut batch = vec![number_of(first).ok_or("a record that nobody wrote")?];
        for _ in 1..expected.len() {
            let next = rest.next().ok_or("half a batch")?;
            batch.push(number_of(next).ok_or("a record that nobody wrote")?);
        }
        if batch != *expected {
            return Err(format!("batch {found} is {batch:?}, not {expected:?}"));
        }
        found += 1;
    }
    if found < oracle.acknowledged {
        return Err(format!("{} batches acknowledged, {found} found", oracle.acknowledged));
    }
    // What recovery has shown is there for ever.
    oracle.batches.truncate(found);
    oracle.acknowledged = found;
    Ok(log)
}

/// Appends, syncs, checkpoints, until something goes wrong or it is enough.
fn live(disk: &SimulatedDisk, random: &SimulatedRandom, oracle: &mut Oracle, log: &mut Log) {
    if random.once_in(5) {
        disk.arm(Fault::FailSync { after: random.below(8) });
    }
    if random.once_in(5) {
        disk.arm(Fault::PowerOff { after: random.below(60) });
    }
    for _ in 0..random.below(50) {
        let mut batch = Vec::new();
        let mut records = Vec::new();
        for _ in 0..=random.below(3) {
            let length = if random.once_in(20) { 40_000 } else { random.below(3000) as usize };
            records.push(record(oracle.next, length));
            batch.push(oracle.next);
            oracle.next += 1;
        }
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        oracle.batches.push(batch);
        if log.append(&records).is_err() {
            return;
        }
        if random.once_in(4) {
            continue;
        }
        if log.sync().is_err() {
            return;
        }
        oracle.acknowledged = oracle.batches.len();
        if random.once_in(12) && log.spare().prepare().is_err() {
            return;
        }
        if random.once_in(12) {
            oracle.checkpoints.push((log.end(), log.durable(), oracle.batches.len()));
            if log.release(log.end()).is_err() {
                return;
            }
        }
    }
}

#[test]
fn two_thousand_seeds_lose_nothing_and_refuse_nothing() {
    for seed in 0..2000 {
        run(seed, Faults::default()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    let story = |seed| {
        let (disk, environment) = support::world(seed);
        let random = SimulatedRandom::new(seed);
        let mut oracle = Oracle::default();
        let mut log = Log::create(&environment, options()).unwrap();
        live(&disk, &random, &mut oracle, &mut log);
        disk.crash();
        (1..4).map(|number| disk.content(&format!("log-{number:016x}"))).collect::<Vec<_>>()
    };
    assert!((0..20).all(|seed| story(seed) == story(seed)));
}

/// Rounds until a planted fault is noticed.
fn rounds_to_catch(faults: Faults) -> Option<u64> {
    (0..100).find(|seed| run(*seed, faults).is_err())
}

#[test]
fn acknowledging_before_the_sync_is_caught() {
    assert!(rounds_to_catch(Faults { acknowledge_before_sync: true, ..Faults::default() }).is_some());
}

#[test]
fn leaving_out_directory_syncs_is_caught() {
    assert!(rounds_to_catch(Faults { skip_directory_sync: true, ..Faults::default() }).is_some());
}

#[test]
fn leaving_out_checksums_is_caught() {
    assert!(rounds_to_catch(Faults { skip_checksums: true, ..Faults::default() }).is_some());
}
