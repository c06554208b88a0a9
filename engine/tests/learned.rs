//! The learned index in its file: used, made anew when it is damaged, no cover for damaged keys.

mod support;

use std::sync::Arc;

use strata_engine::{
    ColumnId, FileId, PhysicalType, Timestamp, Value,
    io::simulation::{SimulatedDisk, SimulatedRandom},
    segment::{Segment, SegmentError, SegmentWriter, VersionRow},
};
use support::{environment_of, world};

struct Row {
    key: Vec<u8>,
}

/// A segment that is large enough to have a learned index: some keys with several versions.
fn learned_world(seed: u64) -> (Arc<SimulatedDisk>, Vec<Row>) {
    let (disk, environment) = world(seed);
    let random = SimulatedRandom::new(seed);
    let columns = [(ColumnId(1), PhysicalType::Int64), (ColumnId(2), PhysicalType::Text)];
    let mut writer = SegmentWriter::new(&environment, FileId(1), &columns);
    let (mut key, mut rows) = (0_u64, Vec::new());
    for row in 0..20_000 {
        key += if random.once_in(4) { 0 } else { 2 + random.below(5) * 2 };
        let bytes = key.to_be_bytes().to_vec();
        let values = [Value::Int64(row), Value::from("a text beside the key")];
        let (from, to) = (Timestamp(1000 + row as u64), Timestamp::INFINITY);
        writer.append(&VersionRow { key: &bytes, birth: key, from, to, values: &values }).unwrap();
        rows.push(Row { key: bytes });
    }
    writer.finish().unwrap();
    (disk, rows)
}

/// Every key, and one beside it, is found as the rows say, alone and with others.
fn check_finds(segment: &Segment, rows: &[Row]) {
    let keys: Vec<Vec<u8>> = rows
        .iter()
        .step_by(7)
        .flat_map(|row| {
            let mut beside = row.key.clone();
            beside[7] ^= 1;
            [row.key.clone(), beside]
        })
        .collect();
    let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let mut found = Vec::new();
    segment.find_many(&borrowed, &mut found).unwrap();
    assert_eq!(found.len(), keys.len());
    for (key, found) in keys.iter().zip(found) {
        let expected =
            rows.partition_point(|row| row.key < *key)..rows.partition_point(|row| row.key <= *key);
        assert_eq!((&segment.find(key).unwrap(), &found), (&expected, &expected));
    }
}

#[test]
fn a_damaged_learned_index_is_made_anew_and_named_by_verify() {
    let (disk, rows) = learned_world(21);
    let name = "segment-0000000000000001";
    let image = disk.content(name).unwrap();
    let start = image.windows(8).position(|bytes| bytes == b"STRATLRN").expect("it has a learned index");
    let whole = Segment::open(&environment_of(&disk, 1), FileId(1), None).unwrap();
    let statistics = whole.learned().unwrap();
    assert!(!statistics.rebuilt && statistics.keys == 20_000, "{statistics:?}");
    check_finds(&whole, &rows);
    for at in [0, 9, 13, 20, 36, 60, 1000, 2600].map(|ahead| start + ahead) {
        let disk = disk.fork(1);
        let mut damaged = image.clone();
        damaged[at] ^= 4;
        disk.place(name, &damaged);
        let segment = Segment::open(&environment_of(&disk, 1), FileId(1), None).unwrap();
        assert_eq!(segment.learned().map(|learned| learned.rebuilt), Some(true), "byte {at} of {start}");
        check_finds(&segment, &rows);
        assert!(matches!(segment.verify(), Err(SegmentError::Corrupt { .. })));
    }
}

#[test]
fn damaged_keys_are_refused_with_and_without_a_learned_index() {
    let (disk, rows) = learned_world(22);
    let name = "segment-0000000000000001";
    // The keys are the first section.
    disk.flip(name, 70_000, 1);
    let segment = Segment::open(&environment_of(&disk, 1), FileId(1), None).unwrap();
    let outcomes: Vec<bool> = rows.iter().map(|row| segment.find(&row.key).is_ok()).collect();
    assert!(outcomes[..8000].iter().all(|fine| *fine) && outcomes[8300..16_000].iter().all(|fine| !fine));
    let keys: Vec<&[u8]> = rows.iter().map(|row| &row.key[..]).collect();
    assert!(segment.find_many(&keys[..100], &mut Vec::new()).is_ok());
    assert!(matches!(segment.find_many(&keys, &mut Vec::new()), Err(SegmentError::Corrupt { .. })));
}
