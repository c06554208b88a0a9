//! Segments, index runs and delete logs: what goes in comes out, and damage is named. (Long, because the golden bytes of
//! the format and the values of every type that all cases share stand with them.)

mod support;

use std::{ops::Bound, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Int64Array, StringArray,
};
use strata_engine::{
    ColumnId, ColumnRange, FileId, PhysicalType, Timestamp, Value,
    io::{
        Disk, Random,
        simulation::{Fault, SimulatedRandom},
    },
    segment::{
        DeleteLog, EndTimes, IndexEntry, IndexRun, IndexRunWriter, Purpose, Segment, SegmentError,
        SegmentWriter, VersionRow, Written, ZONE_ROWS,
    },
};
use support::{environment_of, world};

const TYPES: [PhysicalType; 10] = [
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

fn columns() -> Vec<(ColumnId, PhysicalType)> {
    TYPES.into_iter().enumerate().map(|(number, kind)| (ColumnId(number as u32 * 3 + 1), kind)).collect()
}

struct Row {
    key: Vec<u8>,
    birth: u64,
    from: u64,
    to: u64,
    values: Vec<Value>,
}

fn value(kind: PhysicalType, random: &SimulatedRandom) -> Value {
    let number = random.next_u64();
    if number.is_multiple_of(7) {
        return Value::Null;
    }
    match kind {
        PhysicalType::Bool => Value::Bool(number & 16 == 0),
        PhysicalType::Int16 => Value::Int16(number as i16),
        PhysicalType::Int32 => Value::Int32(number as i32),
        PhysicalType::Int64 => Value::Int64(number as i64),
        PhysicalType::UInt32 => Value::UInt32(number as u32),
        PhysicalType::Float32 => Value::Float32(number as f32),
        PhysicalType::Float64 => Value::Float64(number as f64),
        PhysicalType::Fixed16 => Value::Fixed16([number as u8; 16]),
        PhysicalType::Text => Value::from("é".repeat(number as usize % 20)),
        PhysicalType::Bytes => Value::from(vec![number as u8; number as usize % 40]),
    }
}

/// Rows in order: some keys with several versions, all of one width or not.
fn rows(count: usize, is_even: bool, with_ends: bool, seed: u64) -> Vec<Row> {
    let random = SimulatedRandom::new(seed);
    let mut rows = Vec::new();
    let mut key = 0_u64;
    let mut from = 1000;
    while rows.len() < count {
        if random.once_in(4) {
            from += 1 + random.below(50);
        } else {
            key += 2 + random.below(5) * 2;
            from = 1000 + random.below(1000);
        }
        let mut bytes = key.to_be_bytes().to_vec();
        if !is_even {
            bytes.extend(vec![7; key as usize % 5]);
        }
        let to = if with_ends && random.once_in(3) { from + random.below(5000) } else { u64::MAX };
        let values = TYPES.iter().map(|kind| value(*kind, &random)).collect();
        rows.push(Row { key: bytes, birth: key * 10, from, to, values });
    }
    rows
}

fn write(
    environment: &strata_engine::io::Environment,
    file: u64,
    rows: &[Row],
) -> Result<Written, SegmentError> {
    let mut writer = SegmentWriter::new(environment, FileId(file), &columns());
    for row in rows {
        writer.append(&VersionRow {
            key: &row.key,
            birth: row.birth,
            from: Timestamp(row.from),
            to: Timestamp(row.to),
            values: &row.values,
        })?;
    }
    assert_eq!(writer.rows(), rows.len());
    writer.finish()
}

fn from_array(array: &ArrayRef, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return Some(Value::Null);
    }
    let any = array.as_any();
    if let Some(array) = any.downcast_ref::<StringArray>() {
        return Some(Value::from(array.value(row)));
    }
    if let Some(array) = any.downcast_ref::<BinaryArray>() {
        return Some(Value::from(array.value(row).to_vec()));
    }
    if let Some(array) = any.downcast_ref::<Int64Array>() {
        return Some(Value::Int64(array.value(row)));
    }
    if let Some(array) = any.downcast_ref::<BooleanArray>() {
        return Some(Value::Bool(array.value(row)));
    }
    if let Some(array) = any.downcast_ref::<FixedSizeBinaryArray>() {
        return Some(Value::Fixed16(array.value(row).try_into().unwrap()));
    }
    None
}

#[test]
fn every_value_of_every_type_comes_back_alone_and_in_arrays() {
    for (count, is_even, with_ends) in
        [(0, true, false), (1, true, true), (9000, true, false), (20_000, false, true)]
    {
        let (disk, environment) = world(count as u64);
        let rows = rows(count, is_even, with_ends, 5);
        let written = write(&environment, 7, &rows).unwrap();
        disk.crash();
        let environment = environment_of(&disk, 1);
        let segment = Segment::open(&environment, FileId(7), Some(&written.hash)).unwrap();
        segment.verify().unwrap();
        assert_eq!((segment.rows(), segment.columns()), (count, &columns()[..]));
        for (at, row) in rows.iter().enumerate().step_by(37) {
            assert_eq!(segment.key(at).unwrap(), row.key);
            assert_eq!(segment.birth(at).unwrap(), row.birth);
            assert_eq!(segment.from(at).unwrap().0, row.from);
            assert_eq!(segment.ends().get(at), row.to);
        }
        for (place, (column, kind)) in columns().into_iter().enumerate() {
            for range in [0..count, count / 3..count / 2, count..count] {
                let array = segment.column(column, range.clone()).unwrap().unwrap();
                assert_eq!((array.len(), array.data_type()), (range.len(), &kind.arrow()));
                array.to_data().validate_full().unwrap();
                for (at, row) in range.enumerate().step_by(23) {
                    let expected = &rows[row].values[place];
                    assert_eq!(segment.value(column, row).unwrap().as_ref(), Some(expected));
                    if let Some(found) = from_array(&array, at) {
                        assert_eq!(&found, expected);
                    }
                }
            }
        }
        assert!(segment.column(ColumnId(2), 0..count).unwrap().is_none());
        assert!(matches!(segment.value(ColumnId(1), count), Err(SegmentError::Misuse { .. })));
    }
}

#[test]
fn a_key_finds_its_rows_and_a_range_its_own() {
    for is_even in [true, false] {
        let (_, environment) = world(1);
        let rows = rows(30_000, is_even, false, 6);
        write(&environment, 1, &rows).unwrap();
        let segment = Segment::open(&environment, FileId(1), None).unwrap();
        let random = SimulatedRandom::new(3);
        let model = |is_before: &dyn Fn(&[u8]) -> bool| rows.partition_point(|row| is_before(&row.key));
        let mut absent_and_passed = 0;
        for _ in 0..3000 {
            let mut key = rows[random.below(30_000) as usize].key.clone();
            if random.once_in(3) {
                key[7] ^= 1;
            }
            let expected = model(&|other| other < &key[..])..model(&|other| other <= &key[..]);
            assert_eq!(segment.find(&key).unwrap(), expected);
            let may_hold = segment.may_hold(&key).unwrap();
            assert!(may_hold || expected.is_empty());
            absent_and_passed += usize::from(may_hold && expected.is_empty());
            let mut upper = key.clone();
            upper[6] = upper[6].wrapping_add(random.below(3) as u8);
            let found = segment.range(Bound::Excluded(&key), Bound::Included(&upper)).unwrap();
            let start = model(&|other| other <= &key[..]);
            assert_eq!(found, start..model(&|other| other <= &upper[..]).max(start));
            let found = segment.range(Bound::Included(&key), Bound::Excluded(&upper)).unwrap();
            let start = model(&|other| other < &key[..]);
            assert_eq!(found, start..model(&|other| other < &upper[..]).max(start));
        }
        assert!(absent_and_passed < 40, "the filter lets {absent_and_passed} of about 1000 pass");
        assert_eq!(segment.range(Bound::Unbounded, Bound::Unbounded).unwrap(), 0..30_000);
        assert!(segment.find(&[]).unwrap().is_empty() && segment.find(&[255; 20]).unwrap().is_empty());
    }
}

#[test]
fn many_versions_of_one_key_are_found() {
    for count in [1_u64, 2, 17, 40, 9000, 20_000] {
        let (_, environment) = world(2);
        let mut writer = SegmentWriter::new(&environment, FileId(1), &[]);
        for (key, versions) in [(b"a", 3), (b"b", count), (b"c", 5)] {
            for from in 0..versions {
                let (from, to) = (Timestamp(from), Timestamp::INFINITY);
                writer.append(&VersionRow { key, birth: 1, from, to, values: &[] }).unwrap();
            }
        }
        writer.finish().unwrap();
        let segment = Segment::open(&environment, FileId(1), None).unwrap();
        assert_eq!(segment.find(b"b").unwrap(), 3..3 + count as usize);
    }
}

#[test]
fn zones_bound_the_times_of_their_rows() {
    let (_, environment) = world(3);
    let rows = rows(20_000, true, true, 8);
    write(&environment, 1, &rows).unwrap();
    let segment = Segment::open(&environment, FileId(1), None).unwrap();
    assert_eq!(segment.zones(), 3);
    for zone in 0..3 {
        let range = segment.zone_rows(zone);
        let inside = &rows[range.clone()];
        let found = segment.zone(zone).unwrap();
        assert_eq!(found.min_from.0, inside.iter().map(|row| row.from).min().unwrap());
        assert_eq!(found.max_from.0, inside.iter().map(|row| row.from).max().unwrap());
        assert_eq!(found.min_to.0, inside.iter().map(|row| row.to).min().unwrap());
        assert_eq!(found.max_to.0, inside.iter().map(|row| row.to).max().unwrap());
        assert_eq!(
            (found.first_key, found.last_key),
            (&inside[0].key[..], &inside[inside.len() - 1].key[..])
        );
        assert_eq!(segment.froms(range.clone()).unwrap().len(), range.len());
    }
    let times = segment.times().unwrap().unwrap();
    assert_eq!(times.max_from.0, rows.iter().map(|row| row.from).max().unwrap());
}

#[test]
fn rows_out_of_order_and_values_of_other_types_are_refused() {
    let (_, environment) = world(4);
    let row =
        |key, from| VersionRow { key, birth: 1, from: Timestamp(from), to: Timestamp::INFINITY, values: &[] };
    let mut writer = SegmentWriter::new(&environment, FileId(1), &[]);
    writer.append(&row(b"b", 5)).unwrap();
    assert!(matches!(writer.append(&row(b"a", 5)), Err(SegmentError::Misuse { .. })));
    let mut writer = SegmentWriter::new(&environment, FileId(1), &[]);
    writer.append(&row(b"b", 5)).unwrap();
    assert!(matches!(writer.append(&row(b"b", 4)), Err(SegmentError::Misuse { .. })));
    let mut writer = SegmentWriter::new(&environment, FileId(1), &[(ColumnId(1), PhysicalType::Int32)]);
    assert!(writer.append(&row(b"b", 5)).is_err());
    assert!(writer.append(&VersionRow { values: &[Value::Int64(1)], ..row(b"b", 5) }).is_err());
}

/// Key, clustering key, from, birth id, to.
type Entry = (Vec<u8>, Vec<u8>, u64, u64, u64);

#[test]
fn an_index_run_gives_back_its_entries_both_ways() {
    let (disk, environment) = world(5);
    let random = SimulatedRandom::new(5);
    let mut entries: Vec<Entry> = (0..20_000)
        .map(|birth| {
            let key = random.below(5000).to_string().into_bytes();
            (key, random.below(1 << 40).to_be_bytes().to_vec(), random.below(100), birth, u64::MAX)
        })
        .collect();
    entries.sort();
    let mut writer = IndexRunWriter::new(&environment, FileId(9), true);
    for (key, clustering_key, from, birth, to) in &entries {
        let (from, to) = (Timestamp(*from), Timestamp(*to));
        writer.append(&IndexEntry { key, clustering_key, birth: *birth, from, to }).unwrap();
    }
    let written = writer.finish().unwrap();
    disk.crash();
    let run = IndexRun::open(&environment_of(&disk, 1), FileId(9), Some(&written.hash)).unwrap();
    run.verify().unwrap();
    run.ends().set(3, 77);
    entries[3].4 = 77;
    let read = |position| {
        let entry = run.entry(position).unwrap();
        (entry.key.to_vec(), entry.clustering_key.to_vec(), entry.from.0, entry.birth, entry.to.0)
    };
    assert!((0..20_000).all(|position| read(position) == entries[position]));
    for key in ["17", "4999", "nothing", "1"] {
        let key = key.as_bytes();
        let expected = entries.partition_point(|entry| &entry.0[..] < key)
            ..entries.partition_point(|entry| &entry.0[..] <= key);
        assert_eq!(run.find(key).unwrap(), expected);
        assert!(run.may_hold(key).unwrap() || expected.is_empty());
        let backward: Vec<_> =
            run.range(Bound::Included(key), Bound::Unbounded).unwrap().rev().map(read).collect();
        assert!(backward.iter().rev().eq(&entries[expected.start..]));
    }
}

#[test]
fn delete_logs_keep_ends_in_every_state() {
    let (disk, environment) = world(6);
    for (file, count) in [(10_u64, 0_u32), (11, 1), (12, 700), (13, 20_000)] {
        let ends = EndTimes::new(20_000);
        for row in 0..count {
            ends.set(row as usize * 7 % 20_000, u64::from(row) + 1);
        }
        let changed: Vec<_> = ends.changed().into_iter().map(|(row, to)| (row, Timestamp(to))).collect();
        DeleteLog::write(&environment, FileId(file), FileId(5), 20_000, &changed).unwrap();
        disk.crash();
        let loaded = EndTimes::new(20_000);
        DeleteLog::load(&environment, FileId(file), FileId(5), &loaded).unwrap();
        assert_eq!(loaded.changed(), ends.changed());
        assert!(DeleteLog::load(&environment, FileId(file), FileId(6), &loaded).is_err());
        assert!(DeleteLog::load(&environment, FileId(file), FileId(5), &EndTimes::new(3)).is_err());
    }
    let backwards = [(2, Timestamp(5)), (1, Timestamp(5))];
    assert!(DeleteLog::write(&environment, FileId(20), FileId(5), 10, &backwards).is_err());
}

#[test]
fn every_flipped_bit_is_refused_or_changes_nothing() {
    let (base, environment) = world(7);
    let rows = rows(60, false, true, 9);
    let written = write(&environment, 1, &rows).unwrap();
    let name = "segment-0000000000000001";
    let image = base.content(name).unwrap();
    assert_eq!(image.len() as u64, written.bytes);
    for at in 0..image.len() {
        let disk = base.fork(1);
        let mut damaged = image.clone();
        damaged[at] ^= 1 << (at % 8);
        disk.place(name, &damaged);
        let error = match Segment::open(&environment_of(&disk, 1), FileId(1), Some(&written.hash)) {
            Err(error) => error,
            Ok(segment) => segment.key(0).map(drop).and_then(|()| segment.verify()).unwrap_err(),
        };
        let SegmentError::Corrupt { file, offset, .. } = error else { panic!("byte {at}: {error}") };
        assert_eq!(file, name);
        assert!(offset <= at as u64 || offset + 64 >= image.len() as u64, "byte {at}: said {offset}");
    }
}

#[test]
fn damage_is_met_at_first_touch_and_nowhere_else() {
    let (disk, environment) = world(8);
    let rows = rows(60_000, true, false, 10);
    write(&environment, 1, &rows).unwrap();
    let name = "segment-0000000000000001";
    let length = disk.content(name).unwrap().len() as u64;
    disk.flip(name, length / 2, 1);
    let segment = Segment::open(&environment, FileId(1), None).unwrap();
    let damaged = length / 2 / 65_536;
    let mut refused = 0;
    let mut fine = 0;
    for (column, _) in columns() {
        for start in (0..rows.len()).step_by(ZONE_ROWS) {
            match segment.column(column, start..rows.len().min(start + ZONE_ROWS)) {
                Ok(_) => fine += 1,
                Err(SegmentError::Corrupt { block, .. }) => {
                    assert_eq!(block, damaged);
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(refused > 0 && fine > refused);
    assert!(segment.verify().is_err());
}

#[test]
fn a_file_of_another_name_kind_or_length_is_refused() {
    let (disk, environment) = world(9);
    let written = write(&environment, 1, &rows(100, true, false, 11)).unwrap();
    let image = disk.content("segment-0000000000000001").unwrap();
    disk.place("segment-0000000000000002", &image);
    disk.place("index-0000000000000001", &image);
    disk.place("segment-0000000000000003", &image[..image.len() - 1]);
    disk.place("segment-0000000000000004", &[]);
    assert!(matches!(Segment::open(&environment, FileId(2), None), Err(SegmentError::Corrupt { .. })));
    assert!(matches!(IndexRun::open(&environment, FileId(1), None), Err(SegmentError::Corrupt { .. })));
    assert!(matches!(Segment::open(&environment, FileId(3), None), Err(SegmentError::Corrupt { .. })));
    assert!(matches!(Segment::open(&environment, FileId(4), None), Err(SegmentError::Corrupt { .. })));
    assert!(matches!(Segment::open(&environment, FileId(5), None), Err(SegmentError::Io { .. })));
    let mut other = written.hash;
    other[0] ^= 1;
    assert!(matches!(
        Segment::open(&environment, FileId(1), Some(&other)),
        Err(SegmentError::Corrupt { .. })
    ));
}

#[test]
fn what_finish_has_answered_survives_and_what_failed_is_not_there() {
    let rows = rows(3000, false, true, 12);
    let mut steps = 0;
    loop {
        let (disk, environment) = world(steps);
        disk.arm(Fault::PowerOff { after: steps });
        let written = write(&environment, 1, &rows);
        disk.crash();
        let environment = environment_of(&disk, 1);
        match &written {
            Ok(written) => {
                let segment = Segment::open(&environment, FileId(1), Some(&written.hash)).unwrap();
                segment.verify().unwrap();
                break;
            }
            // A file that is there under its name is whole, whoever was told that it failed.
            Err(_) => {
                if let Ok(segment) = Segment::open(&environment, FileId(1), None) {
                    segment.verify().unwrap();
                }
            }
        }
        steps += 1;
    }
    assert!(steps >= 6);
}

#[test]
fn a_sync_that_fails_or_a_full_disk_fails_the_file_and_leaves_no_rest() {
    let rows = rows(3000, false, true, 13);
    let (disk, environment) = world(10);
    disk.arm(Fault::FailSync { after: 0 });
    assert!(matches!(write(&environment, 1, &rows), Err(SegmentError::Io { .. })));
    disk.set_capacity(Some(100_000));
    assert!(matches!(write(&environment, 1, &rows), Err(SegmentError::Io { .. })));
    disk.set_capacity(None);
    assert_eq!(disk.list().unwrap(), Vec::<String>::new());
    write(&environment, 1, &rows).unwrap();
}

#[test]
fn readers_and_writers_of_ends_do_not_see_halves() {
    let ends = Arc::new(EndTimes::new(10_000));
    std::thread::scope(|scope| {
        for half in 0..2 {
            let ends = ends.clone();
            scope.spawn(move || {
                for step in 0..20_000_usize {
                    ends.set((step % 5000) * 2 + half, 7);
                }
            });
        }
        for _ in 0..200 {
            let mut copied = Vec::new();
            ends.copy(0..10_000, &mut copied);
            assert!(copied.iter().all(|end| *end == 7 || *end == u64::MAX));
        }
    });
    assert_eq!(ends.changed().len(), 10_000);
}

/// Values of every type, with repetitions as the versions of a row have them, and NULL.
fn history_values(row: usize) -> Vec<Value> {
    let text = ["", "eins", "zwei", "ein längerer Text, der oft vorkommt"][row / 9 % 4];
    let wide = row as i64 % 100 - 50 + if row >= ZONE_ROWS { i64::MAX / 2 } else { i64::MIN / 2 };
    let mut values = vec![
        Value::Bool(row % 3 == 0),
        Value::Int16(row as i16 % 100),
        Value::Int32(-1_000_000 + row as i32 % 60_000),
        Value::Int64(wide),
        Value::UInt32(u32::MAX - row as u32 % 200),
        Value::Float64(row as f64 / 3.0),
        Value::Fixed16([row as u8; 16]),
        Value::from(text),
        Value::from(text.as_bytes().to_vec()),
        Value::from(format!("each its own {row}")),
    ];
    if row % 7 == 0 {
        values.iter_mut().for_each(|value| *value = Value::Null);
    }
    values
}

#[test]
fn history_reads_as_it_was_written_and_takes_less_room() {
    let (_, environment) = world(12);
    let kinds = [
        PhysicalType::Bool,
        PhysicalType::Int16,
        PhysicalType::Int32,
        PhysicalType::Int64,
        PhysicalType::UInt32,
        PhysicalType::Float64,
        PhysicalType::Fixed16,
        PhysicalType::Text,
        PhysicalType::Bytes,
        PhysicalType::Text,
    ];
    let columns: Vec<_> = (1..).map(ColumnId).zip(kinds).collect();
    let rows = ZONE_ROWS + 1000;
    let mut sizes = Vec::new();
    for (file, purpose) in [(1, Purpose::Current), (2, Purpose::History)] {
        let mut writer = SegmentWriter::new(&environment, FileId(file), &columns).with_purpose(purpose);
        for row in 0..rows {
            let key = (row as u64).to_be_bytes();
            let (from, to) = (Timestamp(1), Timestamp(2));
            let values = history_values(row);
            writer.append(&VersionRow { key: &key, birth: 7, from, to, values: &values }).unwrap();
        }
        let written = writer.finish().unwrap();
        sizes.push(written.bytes);
        let segment = Segment::open(&environment, FileId(file), Some(&written.hash)).unwrap();
        segment.verify().unwrap();
        let ranges = [0..rows, 5..ZONE_ROWS, ZONE_ROWS - 3..ZONE_ROWS + 3, rows - 1..rows];
        for (place, (column, physical)) in columns.iter().enumerate() {
            let expected: Vec<Value> = (0..rows).map(|row| history_values(row).swap_remove(place)).collect();
            for row in (0..rows).step_by(13) {
                assert_eq!(
                    segment.value(*column, row).unwrap().as_ref(),
                    Some(&expected[row]),
                    "{physical:?}"
                );
                if let Value::Text(text) = &expected[row] {
                    assert_eq!(segment.value_bytes(*column, row).unwrap(), Some(text.as_bytes()));
                }
            }
            for range in &ranges {
                let array = segment.column(*column, range.clone()).unwrap().unwrap();
                let read: Vec<Value> = (0..array.len()).map(|place| value_of(&array, place)).collect();
                assert!(read == expected[range.clone()], "{physical:?} of {range:?}, {purpose:?}");
            }
            for start in [0, ZONE_ROWS] {
                let some: Vec<u32> = (0..900).filter(|row| row % 3 != 1).collect();
                let Some(array) = segment.gathered(*column, start, &some).unwrap() else { continue };
                // Living versions keep text that repeats in a dictionary, and nothing else.
                let is_text = matches!(physical, PhysicalType::Text | PhysicalType::Bytes);
                assert!(purpose == Purpose::History || is_text);
                let read: Vec<Value> = (0..array.len()).map(|place| value_of(&array, place)).collect();
                let wanted = some.iter().map(|row| expected[start + *row as usize].clone());
                assert!(read.into_iter().eq(wanted), "{physical:?} behind {start}");
            }
        }
    }
    // Text that repeats is small in both.
    assert!(sizes[1] * 8 < sizes[0] * 7, "{sizes:?}");
}

/// A value of an array.
fn value_of(array: &ArrayRef, row: usize) -> Value {
    use arrow_array::cast::AsArray;
    use arrow_array::types::*;
    use arrow_schema::DataType;
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int16 => Value::Int16(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => Value::Int32(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Value::Int64(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt32 => Value::UInt32(array.as_primitive::<UInt32Type>().value(row)),
        DataType::Float64 => Value::Float64(array.as_primitive::<Float64Type>().value(row)),
        DataType::FixedSizeBinary(16) => {
            Value::Fixed16(array.as_fixed_size_binary().value(row).try_into().unwrap())
        }
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::Binary => Value::from(array.as_binary::<i32>().value(row).to_vec()),
        other => panic!("{other}"),
    }
}

#[test]
fn zones_say_which_of_them_may_hold_a_range() {
    let (_, environment) = world(13);
    let columns = [(ColumnId(1), PhysicalType::Int32), (ColumnId(2), PhysicalType::Text)];
    let mut writer = SegmentWriter::new(&environment, FileId(3), &columns);
    for row in 0..3 * ZONE_ROWS {
        let zone = row / ZONE_ROWS;
        let number = if zone == 2 { Value::Null } else { Value::Int32(row as i32) };
        let values = [number, Value::from(["alpha", "beta", "gamma"][zone])];
        let key = (row as u64).to_be_bytes();
        let (from, to) = (Timestamp(1), Timestamp::INFINITY);
        writer.append(&VersionRow { key: &key, birth: 7, from, to, values: &values }).unwrap();
    }
    let written = writer.finish().unwrap();
    let segment = Segment::open(&environment, FileId(3), Some(&written.hash)).unwrap();
    let met = |column, lower, upper| -> Vec<usize> {
        let range = ColumnRange { column: ColumnId(column), lower, upper };
        (0..3).filter(|zone| segment.zone_may_meet(*zone, &range).unwrap()).collect()
    };
    let end = Value::Int32(ZONE_ROWS as i32);
    assert_eq!(met(1, Bound::Included(end.clone()), Bound::Unbounded), [1]);
    assert_eq!(met(1, Bound::Unbounded, Bound::Included(Value::Int32(5))), [0]);
    assert_eq!(met(1, Bound::Unbounded, Bound::Unbounded), [0, 1]);
    assert_eq!(met(1, Bound::Included(Value::Int64(-5)), Bound::Unbounded), [0, 1, 2], "another type");
    assert_eq!(met(2, Bound::Included(Value::from("b")), Bound::Excluded(Value::from("c"))), [1]);
    assert_eq!(met(9, Bound::Included(end), Bound::Unbounded), [0, 1, 2], "not stored here");
}

#[test]
fn the_format_of_a_segment_stays() {
    let (disk, environment) = world(11);
    let columns = [(ColumnId(3), PhysicalType::Int32), (ColumnId(4), PhysicalType::Text)];
    let mut writer = SegmentWriter::new(&environment, FileId(0x1234), &columns);
    for (key, to, values) in [
        (b"k1", u64::MAX, [Value::Int32(-2), Value::from("zwei")]),
        (b"k2", 99, [Value::Null, Value::from("")]),
    ] {
        let (from, to) = (Timestamp(42), Timestamp(to));
        writer.append(&VersionRow { key, birth: 7, from, to, values: &values }).unwrap();
    }
    let written = writer.finish().unwrap();
    let bytes = disk.content("segment-0000000000001234").unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        hex(&bytes[..24]),
        "53545241545345470100000001000000\
                                   3412000000000000"
    );
    let footer = u64::from_le_bytes(bytes[bytes.len() - 32..bytes.len() - 24].try_into().unwrap()) as usize;
    assert_eq!(
        hex(&bytes[footer..footer + 64]),
        "5354524154465452010000000100000034120000000000000200000000000000\
         0000000000000000020000000c00000003000000030000000400000009000000"
    );
    assert_eq!(hex(&bytes[bytes.len() - 64..bytes.len() - 32]), hex(&written.hash));
    assert_eq!(blake3::hash(&bytes[..bytes.len() - 64]).as_bytes(), &written.hash);
    assert_eq!((bytes.len(), hex(&written.hash).as_str()), GOLDEN_SEGMENT);
    let mut writer =
        SegmentWriter::new(&environment, FileId(0x1235), &columns).with_purpose(Purpose::History);
    for row in 0..20u8 {
        let values = [Value::Int32(-70_000 + i32::from(row)), Value::from("ein Wort")];
        let (from, to) = (Timestamp(42), Timestamp(99));
        writer.append(&VersionRow { key: &[row], birth: 7, from, to, values: &values }).unwrap();
    }
    let written = writer.finish().unwrap();
    assert_eq!((written.bytes, hex(&written.hash).as_str()), GOLDEN_HISTORY);
}

/// Length and content hash of the segment above: a change of either is a change of the format.
const GOLDEN_SEGMENT: (usize, &str) =
    (1348, "c3574d80a75acf92bdd750c328932550e4715497f8247bfc4ed33e1d6cd47949");
/// The same of a segment with a dictionary and deltas.
const GOLDEN_HISTORY: (u64, &str) =
    (1732, "d09817d1eb75fc9f3dee9a10107a945510a38dee703bd3acb75a5dcd9eb4640e");
