//! The manifest: what was committed holds, whatever a crash takes away; what was damaged is refused by name.

mod support;

use std::sync::Arc;

use strata_engine::{
    FileId, IndexId, TableId,
    io::{
        Random,
        simulation::{Fault, SimulatedDisk, SimulatedRandom},
    },
    log::Lsn,
    manifest::{Edit, FileEntry, Manifest, ManifestError, State},
};
use support::{environment_of, world};

const SECOND: &str = "manifest-0000000000000002";

fn entry(file: u64) -> FileEntry {
    FileEntry {
        file: FileId(file),
        bytes: file * 100,
        rows: file,
        level: 1,
        hash: [file as u8; 32],
        delete_log: None,
    }
}

/// Some edits of every kind.
fn edits(number: u64) -> Vec<Edit> {
    let table = TableId(number as u32 % 5);
    let index = IndexId(number as u32 % 3);
    vec![
        Edit::SetTable { table, schema: vec![number as u8; 20] },
        Edit::AddSegment { table, entry: entry(number * 3 + 1) },
        Edit::AddIndexRun { index, entry: entry(number * 3 + 2) },
        Edit::SetDeleteLog { file: FileId(number * 3 + 1), delete_log: Some(FileId(number * 3 + 3)) },
        Edit::Checkpoint { checkpoint: Lsn(number * 10), durable: Lsn(number * 10 + 5) },
        Edit::Counter { counter: 7, value: number },
        Edit::ClockFloor { micros: number.cast_signed() },
        Edit::Property { name: format!("p{}", number % 4), value: number.to_le_bytes().to_vec() },
        match number % 7 {
            0 => Edit::DropTable { table },
            1 => Edit::DropIndex { index },
            2 => Edit::RemoveSegment { table, file: FileId(number * 3 + 1) },
            3 => Edit::RemoveIndexRun { index, file: FileId(number * 3 + 2) },
            _ => Edit::Property { name: "p0".to_owned(), value: Vec::new() },
        },
    ]
}

/// Eight commits in the second generation; the state after each.
fn story() -> (Arc<SimulatedDisk>, Vec<State>) {
    let (disk, environment) = world(1);
    Manifest::create(&environment).unwrap();
    let mut manifest = Manifest::open(&environment).unwrap().unwrap();
    let mut states = vec![manifest.state().clone()];
    for number in 1..9 {
        manifest.commit(&edits(number)).unwrap();
        states.push(manifest.state().clone());
    }
    (disk, states)
}

fn reopen(disk: &Arc<SimulatedDisk>) -> Result<Option<State>, ManifestError> {
    Ok(Manifest::open(&environment_of(disk, 9))?.map(|manifest| manifest.state().clone()))
}

#[test]
fn commits_hold_over_crashes_and_rotations() {
    let (disk, environment) = world(2);
    assert!(Manifest::open(&environment).unwrap().is_none());
    let mut manifest = Manifest::create(&environment).unwrap();
    let mut files = 0;
    for life in 0..4 {
        for number in 0..700 {
            manifest.commit(&edits(life * 1000 + number)).unwrap();
        }
        let before = manifest.state().clone();
        drop(manifest);
        disk.crash();
        manifest = Manifest::open(&environment_of(&disk, life)).unwrap().unwrap();
        assert_eq!(*manifest.state(), before);
        files = files.max(disk.content(SECOND).map_or(0, |content| content.len()));
    }
    let names = strata_engine::io::Disk::list(&*disk).unwrap();
    assert!(names.len() <= 4, "old generations go: {names:?}");
}

#[test]
fn an_edit_applied_twice_is_applied_once() {
    let (_, environment) = world(3);
    let mut once = Manifest::create(&environment).unwrap();
    for number in [4, 5, 6] {
        once.commit(&edits(number)).unwrap();
        let state = once.state().clone();
        once.commit(&edits(number)).unwrap();
        assert_eq!(*once.state(), state);
    }
}

#[test]
fn file_ids_are_never_given_out_again_once_named() {
    let (disk, environment) = world(4);
    let mut manifest = Manifest::create(&environment).unwrap();
    manifest.allocate_file();
    let file = manifest.allocate_file();
    manifest.commit(&[Edit::AddIndexRun { index: IndexId(1), entry: entry(file.0) }]).unwrap();
    manifest.commit(&[Edit::DropIndex { index: IndexId(1) }]).unwrap();
    disk.crash();
    let mut manifest = Manifest::open(&environment).unwrap().unwrap();
    assert!(manifest.allocate_file() > file);
}

#[test]
fn an_edit_that_contradicts_is_refused_whole() {
    let (_, environment) = world(5);
    let mut manifest = Manifest::create(&environment).unwrap();
    let before = manifest.state().clone();
    let refused = manifest.commit(&[
        Edit::Counter { counter: 1, value: 5 },
        Edit::AddSegment { table: TableId(77), entry: entry(1) },
    ]);
    assert!(matches!(refused, Err(ManifestError::Misuse(_))));
    assert_eq!(*manifest.state(), before);
    manifest.commit(&edits(5)).unwrap();
}

#[test]
fn every_tear_of_the_last_record_gives_the_state_before_or_after() {
    let (base, states) = story();
    let image = base.content(SECOND).unwrap();
    let [.., before, after] = &states[..] else { panic!() };
    // The last record is somewhere in the last 700 bytes; a tear takes the seal along.
    for at in image.len() - 700..image.len() {
        for way in 0..3 {
            let mut torn = image.clone();
            match way {
                0 => torn.truncate(at),
                1 => torn[at..].fill(0),
                _ => torn[at..].fill(0x5A),
            }
            let disk = base.fork(at as u64);
            disk.place(SECOND, &torn);
            let found = reopen(&disk).unwrap_or_else(|error| panic!("byte {at}, way {way}: {error}"));
            let found = found.unwrap();
            assert!(found == *after || found == *before || states.contains(&found), "byte {at}, way {way}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_sealed_manifest_is_refused_or_harmless() {
    let (base, states) = story();
    let last = states.last().unwrap();
    for name in [SECOND, "CURRENT"] {
        let image = base.content(name).unwrap();
        for at in 0..image.len() {
            let mut damaged = image.clone();
            damaged[at] ^= 1 << (at % 8);
            let disk = base.fork(1);
            disk.place(name, &damaged);
            match reopen(&disk) {
                Err(ManifestError::Corrupt { file, offset, .. }) => {
                    assert_eq!(file, name);
                    assert!(offset <= at as u64);
                }
                // Padding, and the seal itself.
                Ok(Some(state)) => assert_eq!(state, *last, "{name}, byte {at}"),
                other => panic!("{name}, byte {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_empty_a_zero_and_a_missing_manifest_are_refused() {
    let (base, _) = story();
    for name in [SECOND, "CURRENT"] {
        let length = base.content(name).unwrap().len();
        for image in [Vec::new(), vec![0; length]] {
            let disk = base.fork(1);
            disk.place(name, &image);
            assert!(matches!(reopen(&disk), Err(ManifestError::Corrupt { file, .. }) if file == name));
        }
        let disk = base.fork(1);
        disk.lose(name);
        assert!(matches!(reopen(&disk), Err(ManifestError::Corrupt { file, .. }) if file == name));
    }
}

#[test]
fn a_crash_at_any_step_gives_a_state_that_was_committed_or_being_committed() {
    for seed in 0..400 {
        let random = SimulatedRandom::new(seed);
        let disk = SimulatedDisk::new(seed);
        let mut acknowledged: Option<State> = None;
        let mut maybe: Option<State> = None;
        for life in 0..5 {
            disk.arm(Fault::PowerOff { after: random.below(25) });
            if random.once_in(4) {
                disk.arm(Fault::FailSync { after: random.below(6) });
            }
            let environment = environment_of(&disk, seed * 10 + life);
            let opened = match Manifest::open(&environment) {
                Ok(Some(manifest)) => {
                    let state = Some(manifest.state().clone());
                    assert!(state == acknowledged || state == maybe, "seed {seed}, life {life}");
                    acknowledged = state;
                    Some(manifest)
                }
                Ok(None) => {
                    assert!(acknowledged.is_none(), "seed {seed}, life {life}: the database is gone");
                    let created = Manifest::create(&environment).ok();
                    acknowledged = created.as_ref().map(|manifest| manifest.state().clone());
                    // A creation that failed may be there all the same, empty.
                    maybe = None;
                    if created.is_none() {
                        disk.crash();
                        if let Some(manifest) = Manifest::open(&environment_of(&disk, seed)).unwrap() {
                            acknowledged = Some(manifest.state().clone());
                        }
                        continue;
                    }
                    created
                }
                Err(error) => {
                    assert!(matches!(error, ManifestError::Io { .. }), "seed {seed}, life {life}: {error}");
                    None
                }
            };
            if let Some(mut manifest) = opened {
                for _ in 0..random.below(8) {
                    let edits = edits(random.next_u64() % 1000);
                    let mut twin = twin(manifest.state());
                    twin.commit(&edits).unwrap();
                    maybe = Some(State { instance: manifest.state().instance, ..twin.state().clone() });
                    if manifest.commit(&edits).is_err() {
                        break;
                    }
                    acknowledged = Some(manifest.state().clone());
                    assert_eq!(acknowledged, maybe);
                }
            }
            if random.once_in(4) { disk.kill() } else { disk.crash() }
        }
        let state = reopen(&disk).unwrap();
        assert!(state == acknowledged || state == maybe, "seed {seed}");
    }
}

/// A manifest in a world of its own that holds the same.
fn twin(state: &State) -> Manifest {
    let (_, environment) = world(1);
    let mut manifest = Manifest::create(&environment).unwrap();
    let mut edits = Vec::new();
    for (table, entry) in &state.tables {
        edits.push(Edit::SetTable { table: *table, schema: entry.schema.clone() });
        edits.extend(
            entry.segments.values().map(|segment| Edit::AddSegment { table: *table, entry: segment.clone() }),
        );
    }
    for (index, runs) in &state.index_runs {
        edits.extend(runs.values().map(|run| Edit::AddIndexRun { index: *index, entry: run.clone() }));
    }
    edits.push(Edit::Checkpoint { checkpoint: state.checkpoint, durable: state.durable });
    edits.extend(
        state.counters.iter().map(|(counter, value)| Edit::Counter { counter: *counter, value: *value }),
    );
    edits.push(Edit::ClockFloor { micros: state.clock_floor });
    edits.extend(
        state
            .properties
            .iter()
            .map(|(name, value)| Edit::Property { name: name.clone(), value: value.clone() }),
    );
    manifest.commit(&edits).unwrap();
    while manifest.state().next_file < state.next_file {
        manifest.allocate_file();
    }
    manifest
}

#[test]
fn orphans_are_removed_and_named_files_stay() {
    let (disk, environment) = world(6);
    let mut manifest = Manifest::create(&environment).unwrap();
    manifest.commit(&edits(4)).unwrap();
    for name in ["segment-000000000000000d", "index-000000000000000e", "ends-000000000000000f"] {
        disk.place(name, b"named");
    }
    for name in ["segment-00000000000000aa", "ends-000000000000000f.tmp", "log-0000000000000001", "other"] {
        disk.place(name, b"not named");
    }
    assert_eq!(
        manifest.remove_orphans(&|_| false).unwrap(),
        ["ends-000000000000000f.tmp", "segment-00000000000000aa"]
    );
}

#[test]
fn a_full_disk_is_no_poison() {
    let (disk, environment) = world(7);
    let mut manifest = Manifest::create(&environment).unwrap();
    disk.set_capacity(Some(300));
    let refused = manifest.commit(&edits(4));
    assert!(matches!(refused, Err(ManifestError::DiskFull(_))));
    disk.set_capacity(None);
    manifest.commit(&edits(5)).unwrap();
    let state = manifest.state().clone();
    disk.crash();
    assert_eq!(reopen(&disk).unwrap(), Some(state));
}
