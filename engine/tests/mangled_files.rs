//! Files mangled at random: bytes overwritten, pieces copied to other places, ends cut or lengthened, neighbours
//! exchanged. Whatever is read is either right or refused; nothing panics, hangs, or asks for absurd memory.

mod common;
mod support;

use std::sync::Arc;

use strata_engine::{
    ColumnId, FileId, PhysicalType, TableId, Timestamp, Value,
    io::{
        Disk, Random,
        simulation::{SimulatedDisk, SimulatedRandom},
    },
    log::{Log, Lsn, RecoverFrom},
    manifest::{Edit, Manifest},
    segment::{DeleteLog, EndTimes, Segment, SegmentWriter, VersionRow},
};
use support::{append, environment_of, number_of, options, recover, world};

const ROUNDS: u64 = 3000;

/// Spoils a file in one to three ways.
fn mangle(disk: &Arc<SimulatedDisk>, name: &str, random: &SimulatedRandom) {
    let mut bytes = disk.content(name).unwrap();
    for _ in 0..=random.below(3) {
        let length = bytes.len().max(1) as u64;
        let at = random.below(length) as usize;
        let count = (1 + random.below(700)).min(bytes.len() as u64 - at as u64) as usize;
        match random.below(6) {
            0 => bytes[at..at + count].iter_mut().for_each(|byte| *byte = random.next_u64() as u8),
            1 => bytes[at..at + count].fill(0),
            2 => bytes[at..at + count].fill(0xFF),
            3 => {
                let from = random.below(length - count as u64 + 1) as usize;
                bytes.copy_within(from..from + count, at);
            }
            4 => bytes.truncate(at),
            _ => bytes.extend_from_within(at..at + count),
        }
        if bytes.is_empty() {
            break;
        }
    }
    disk.place(name, &bytes);
}

#[test]
fn a_mangled_log_gives_a_beginning_of_the_truth_or_an_error() {
    let (base, environment) = world(1);
    let mut log = Log::create(&environment, options()).unwrap();
    for number in 0..40 {
        append(&mut log, number, 50 + number as usize * 41);
        log.sync().unwrap();
    }
    let durable = log.durable();
    base.kill();
    let names: Vec<String> = base.list().unwrap();
    let (mut refused, mut read) = (0, 0);
    for round in 0..ROUNDS {
        let random = SimulatedRandom::new(round);
        let disk = base.fork(round);
        let name = &names[random.below(names.len() as u64) as usize];
        mangle(&disk, name, &random);
        if random.once_in(4) && names.len() > 1 {
            // A file in the place of its neighbour.
            disk.place(&names[0], &disk.content(&names[1]).unwrap());
        }
        let knows = random.once_in(2);
        let from = RecoverFrom { checkpoint: Lsn(0), durable: if knows { durable } else { Lsn(0) } };
        match recover(&environment_of(&disk, round), from) {
            Err(_) => refused += 1,
            Ok((_, _, records)) => {
                read += 1;
                assert!(!knows || records.len() == 40, "round {round}: acknowledged records are gone");
                for (place, record) in records.iter().enumerate() {
                    assert_eq!(number_of(record), Some(place as u64), "round {round}");
                }
            }
        }
    }
    assert!(refused > ROUNDS / 4 && read > ROUNDS / 100, "{refused} refused, {read} read");
}

#[test]
fn a_mangled_manifest_gives_a_state_that_was_or_an_error() {
    let (base, environment) = world(2);
    let mut manifest = Manifest::create(&environment).unwrap();
    let mut states = vec![manifest.state().clone()];
    for number in 0..20_u32 {
        let schema = vec![number as u8; number as usize * 3];
        manifest.commit(&[Edit::SetTable { table: TableId(number % 4), schema }]).unwrap();
        states.push(manifest.state().clone());
    }
    base.kill();
    let mut refused = 0;
    for round in 0..ROUNDS {
        let random = SimulatedRandom::new(round);
        let disk = base.fork(round);
        mangle(&disk, if random.once_in(5) { "CURRENT" } else { "manifest-0000000000000001" }, &random);
        match Manifest::open(&environment_of(&disk, round)) {
            Err(_) => refused += 1,
            Ok(manifest) => assert!(states.contains(manifest.unwrap().state()), "round {round}"),
        }
    }
    assert!(refused > ROUNDS / 4, "{refused}");
}

#[test]
fn a_mangled_segment_or_delete_log_is_right_or_refused() {
    let (base, environment) = world(3);
    let columns = [(ColumnId(1), PhysicalType::Int64), (ColumnId(2), PhysicalType::Text)];
    let mut writer = SegmentWriter::new(&environment, FileId(1), &columns);
    let text = |number: u64| "ü".repeat(number as usize % 30);
    for number in 0..9000_u64 {
        let values = [Value::Int64(number as i64), Value::from(text(number))];
        let key = number.to_be_bytes();
        let (from, to) = (Timestamp(number), Timestamp::INFINITY);
        writer.append(&VersionRow { key: &key, birth: number, from, to, values: &values }).unwrap();
    }
    let written = writer.finish().unwrap();
    let ends: Vec<(u32, Timestamp)> = (0..900).map(|row| (row * 7, Timestamp(u64::from(row) + 5))).collect();
    DeleteLog::write(&environment, FileId(2), FileId(1), 9000, &ends).unwrap();
    let mut refused = 0;
    for round in 0..ROUNDS / 4 {
        let random = SimulatedRandom::new(round);
        let disk = base.fork(round);
        mangle(&disk, "segment-0000000000000001", &random);
        mangle(&disk, "ends-0000000000000002", &random);
        let environment = environment_of(&disk, round);
        let loaded = EndTimes::new(9000);
        if DeleteLog::load(&environment, FileId(2), FileId(1), &loaded).is_ok() {
            let changed: Vec<_> =
                loaded.changed().into_iter().map(|(row, to)| (row, Timestamp(to))).collect();
            assert_eq!(changed, ends, "round {round}");
        }
        let Ok(segment) = Segment::open(&environment, FileId(1), Some(&written.hash)) else {
            refused += 1;
            continue;
        };
        for row in (0..9000_u64).step_by(97) {
            if let Ok(range) = segment.find(&row.to_be_bytes()) {
                assert_eq!(range, row as usize..row as usize + 1, "round {round}");
            }
            if let Ok(value) = segment.value(ColumnId(2), row as usize) {
                assert_eq!(value, Some(Value::from(text(row))), "round {round}");
            }
            if let Ok(array) = segment.column(ColumnId(2), row as usize..9000) {
                array.unwrap().to_data().validate_full().unwrap();
            }
        }
        refused += u64::from(segment.verify().is_err());
    }
    assert!(refused > ROUNDS / 4 * 9 / 10, "{refused}");
}

#[test]
fn verifying_names_the_damaged_file_and_other_tables_are_served() {
    use common::*;
    let world = World::new(71);
    let database = world.open();
    with_rows(&database, 500);
    let other = strata_engine::TableId(101);
    let mut writer = begin(&database);
    let mut shape = schema();
    shape.indexes.clear();
    writer.create_table(other, shape).unwrap();
    let plain = strata_engine::NewRow { keys: Vec::new(), ..row(1, "other", 1) };
    assert!(writer.insert(other, &plain).unwrap().done().is_some());
    writer.commit().wait().unwrap();
    for id in (1..=500).step_by(3) {
        commit_amount(&database, id, 7);
    }
    database.compact().wait().unwrap();
    let sound = database.verify();
    assert!(sound.files >= 6 && sound.damaged.is_empty(), "{sound:?}");
    database.close();
    drop(database);
    let names = world.environment.disk.list().unwrap();
    let segments: Vec<&String> = names.iter().filter(|name| name.starts_with("segment-")).collect();
    let largest = segments.into_iter().max_by_key(|name| world.disk.content(name).unwrap().len()).unwrap();
    assert!(world.disk.flip(largest, 1000, 1));
    let database = world.open();
    let found = database.verify();
    let [damage] = found.damaged.as_slice() else { panic!("{found:?}") };
    assert_eq!(damage.table, TABLE);
    assert!(damage.reason.contains(largest.as_str()), "{damage:?}");
    let view = begin(&database).view();
    let mut rows = 0;
    for batch in view.scan(other, &[strata_engine::ScanColumn::Handle], 10).unwrap() {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 1);
    let projection = [ID, NAME, AMOUNT].map(strata_engine::ScanColumn::Column);
    let failed = view.scan(TABLE, &projection, 1000).map_or_else(Some, |mut scan| scan.find_map(Result::err));
    assert!(
        matches!(failed, Some(strata_engine::Error::Corrupted(reason)) if reason.contains(largest.as_str()))
    );
    // Work and checkpoints go on.
    let mut writer = begin(&database);
    assert!(writer.insert(other, &plain).unwrap().done().is_some());
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    drop((view, database));
    // The file is still there for whoever repairs it, and its table is served again then.
    assert!(world.disk.flip(largest, 1000, 1));
    let database = world.open();
    assert_eq!(scan(&begin(&database).view()).len(), 500);
}
