//! What a commit record says is what was written, of every type; damage is refused.

use super::*;
use crate::{IndexSchema, NewRow};

const ALL: [PhysicalType; 10] = [
    PhysicalType::Bool,
    PhysicalType::Int16,
    PhysicalType::Int32,
    PhysicalType::Int64,
    PhysicalType::UInt32,
    PhysicalType::Float32,
    PhysicalType::Float64,
    PhysicalType::Fixed16,
    PhysicalType::Text,
    PhysicalType::Bytes,
];

fn value(physical: PhysicalType, number: i16) -> Value {
    let wide = i64::from(number) * 1_000_003;
    match physical {
        _ if number % 5 == 0 => Value::Null,
        PhysicalType::Bool => Value::Bool(number % 2 == 0),
        PhysicalType::Int16 => Value::Int16(number),
        PhysicalType::Int32 => Value::Int32(-i32::from(number) * 7),
        PhysicalType::Int64 => Value::Int64(wide),
        PhysicalType::UInt32 => Value::UInt32(number as u32),
        PhysicalType::Float32 => Value::Float32(f32::from(number) / 3.0),
        PhysicalType::Float64 => Value::Float64(f64::from(number) / -3.0),
        PhysicalType::Fixed16 => Value::Fixed16(i128::from(wide).to_le_bytes()),
        PhysicalType::Text => Value::from("ä€".repeat(number as usize % 7)),
        PhysicalType::Bytes => Value::from(vec![number as u8; number as usize % 9]),
    }
}

fn commit(sealed: bool, signed: bool) -> CommitSet {
    let layout: Vec<_> = ALL.iter().zip(1..).map(|(physical, id)| (ColumnId(id), *physical)).collect();
    let mut chunk = Chunk::new(layout.into());
    for number in 1..=50 {
        let values: Vec<Value> = ALL.iter().map(|physical| value(*physical, number)).collect();
        chunk.push(&values, 1000 + number as u64, 0).unwrap();
        let row = NewRow { values, keys: vec![(IndexId(3), vec![number as u8; 4], true)] };
        chunk.keys.push(row.keys.iter().map(|(index, key, _)| (index.0, key.as_slice())));
    }
    if sealed {
        chunk.seal().unwrap();
    }
    let handle = RowHandle { location: Location::hot(1, 2).0, birth: 9 };
    let schema = TableSchema {
        columns: vec![(ColumnId(1), PhysicalType::Bool)],
        indexes: vec![IndexSchema { id: IndexId(3), unique: true, primary: false }],
        ..TableSchema::default()
    };
    let table = TableCommit {
        created: true,
        truncated: true,
        shape: Some(Shape { schema, defaults: vec![(ColumnId(1), Value::Bool(true))] }),
        chunks: vec![chunk],
        closes: {
            let mut closes = List::new_in(ScratchAllocator::default());
            closes.extend([Close { handle, successor: Some(4) }, Close { handle, successor: None }]);
            closes
        },
        backfills: vec![Backfill {
            index: IndexId(3),
            entries: vec![(handle, 77, b"key".to_vec())],
            covers_history: true,
            is_mapped: false,
            map: None,
            runs: Vec::new(),
            repeats: false,
        }],
        ..TableCommit::default()
    };
    let values = vec![Value::from("who"), Value::Null, Value::Int64(-7)];
    let signature = signed.then(|| Signature { table: TableId(6), birth: 1060, values });
    CommitSet { tables: vec![(TableId(5), table)], signature }
}

#[test]
fn a_record_says_every_type_and_null_again() {
    for (sealed, signed) in [(false, false), (true, false), (false, true)] {
        let mut record = commit(sealed, signed).encode();
        CommitSet::stamp(&mut record, Timestamp(42));
        let (at, set) = CommitSet::decode(&record).unwrap();
        assert_eq!(at, Timestamp(42));
        assert_eq!(set.highest_birth(), if signed { 1060 } else { 1050 });
        assert_eq!(set.signature, commit(sealed, signed).signature);
        let chunk = &set.tables[0].1.chunks[0];
        for number in 1..=50i16 {
            let row = number as usize - 1;
            for (physical, id) in ALL.iter().zip(1..) {
                let read = chunk.column(ColumnId(id)).unwrap().value(row);
                assert_eq!(read, value(*physical, number), "{physical:?} {number}");
            }
            let keys: Vec<_> = chunk.keys.of(row).collect();
            assert_eq!(keys, [(3, [number as u8; 4].as_slice())]);
        }
        let mut again = set.encode();
        CommitSet::stamp(&mut again, at);
        assert_eq!(again, record, "sealed: {sealed}");
    }
}

#[test]
fn the_format_of_a_commit_stays() {
    let mut record = commit(true, false).encode();
    CommitSet::stamp(&mut record, Timestamp(42));
    assert_eq!((record.len(), crc32c::crc32c(&record)), (5380, 1_230_626_608));
    let mut signed = commit(true, true).encode();
    CommitSet::stamp(&mut signed, Timestamp(42));
    assert_eq!(signed[..5380], record[..]);
    assert_eq!(crc32c::crc32c(&signed[5380..]), 4_112_626_468);
}

#[test]
fn a_damaged_record_is_refused_and_never_panics() {
    let record = commit(false, true).encode();
    let unsigned = commit(false, false).encode().len();
    for length in (0..record.len()).filter(|length| *length != unsigned) {
        assert!(CommitSet::decode(&record[..length]).is_err(), "cut at {length}");
    }
    for position in 0..record.len() {
        let mut damaged = record.clone();
        damaged[position] ^= 0x41;
        // It may still say something; that is what checksums are for.
        let _ = CommitSet::decode(&damaged);
    }
}
