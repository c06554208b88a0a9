//! Long values: they stand once, are read as if they stood in their rows, and go when nothing refers to them.

mod common;

use arrow_array::{Array, BinaryArray, StringArray};
use common::{KEY, World, begin, configuration, key};
use std::ops::Bound;
use std::sync::Arc;
use strata_engine::io::simulation::Faults;
use strata_engine::{
    ColumnId, ColumnRange, Configuration, Database, Error, IndexSchema, Inserted, Isolation, LockedRow,
    NewRow, Outcome, Past, PhysicalType, ReadView, RowLock, ScanColumn, TableId, TableSchema, Timestamp,
    Transaction, Value, Verified, WaitPolicy, verify_directory,
};

const TABLE: TableId = TableId(100);
/// The table beside.
const BESIDE: TableId = TableId(100 | 1 << 31);
const ID: ColumnId = ColumnId(1);
const COUNTER: ColumnId = ColumnId(2);
const BODY: ColumnId = ColumnId(3);
const FILE: ColumnId = ColumnId(4);

fn schema() -> TableSchema {
    TableSchema {
        columns: vec![
            (ID, PhysicalType::Int64),
            (COUNTER, PhysicalType::Int64),
            (BODY, PhysicalType::Text),
            (FILE, PhysicalType::Bytes),
        ],
        indexes: vec![IndexSchema { id: KEY, unique: true, primary: true }],
        vectors: Vec::new(),
        long: vec![BODY, FILE],
    }
}

/// A text of so many bytes that begins with a word.
fn text(word: &str, length: usize) -> String {
    word.chars().chain("lorem ipsum ".chars().cycle()).take(length).collect()
}

fn row(id: i64, counter: i64, body: &str, file: Value) -> NewRow {
    NewRow {
        values: vec![Value::Int64(id), Value::Int64(counter), Value::from(body), file],
        keys: vec![(KEY, key(id), true)],
    }
}

fn insert(transaction: &mut Transaction, id: i64, body: &str, file: Value) {
    let inserted = transaction.insert(TABLE, &row(id, 0, body, file)).unwrap();
    assert!(matches!(inserted, Outcome::Done(Inserted::Row(_))), "{inserted:?}");
}

/// Counts a row up, its other columns given again as they were.
fn count_up(transaction: &mut Transaction, id: i64) {
    transaction.start_statement();
    let (mut found, mut values) = (None, Vec::new());
    let view = transaction.view();
    view.lookup(TABLE, KEY, &key(id), &mut |handle, row| {
        found = Some(handle);
        values = [ID, COUNTER, BODY, FILE].map(|column| row.value(column).unwrap()).to_vec();
    })
    .unwrap();
    let locked = transaction.lock_row(TABLE, found.unwrap(), RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap();
    assert!(matches!(locked, Outcome::Done(LockedRow::Current)), "{locked:?}");
    let Value::Int64(counter) = values[1] else { panic!("a counter that is no number") };
    values[1] = Value::Int64(counter + 1);
    let row = NewRow { values, keys: vec![(KEY, key(id), true)] };
    let updated = transaction.update(TABLE, found.unwrap(), &row, false).unwrap();
    assert!(matches!(updated, Outcome::Done(Inserted::Row(_))), "{updated:?}");
}

/// (id, counter, body, file) of every row, by a scan and by look-ups, which must agree.
fn rows(view: &ReadView) -> Vec<(i64, i64, String, Option<Vec<u8>>)> {
    let projection = [ID, COUNTER, BODY, FILE].map(ScanColumn::Column);
    let mut rows = Vec::new();
    for batch in view.scan(TABLE, &projection, 1000).unwrap() {
        let batch = batch.unwrap();
        let bodies = batch.column(2).as_any().downcast_ref::<StringArray>().unwrap();
        let files = batch.column(3).as_any().downcast_ref::<BinaryArray>().unwrap();
        let (ids, counters) = (common::int64(&batch, 0), common::int64(&batch, 1));
        for row in 0..batch.num_rows() {
            let file = files.is_valid(row).then(|| files.value(row).to_vec());
            rows.push((ids[row], counters[row], bodies.value(row).to_owned(), file));
        }
    }
    rows.sort();
    for (id, counter, body, file) in &rows {
        view.lookup(TABLE, KEY, &key(*id), &mut |_, row| {
            assert_eq!(row.value(COUNTER).unwrap(), Value::Int64(*counter));
            assert_eq!(row.value(BODY).unwrap(), Value::from(body.as_str()));
            assert_eq!(row.bytes(BODY).unwrap().as_deref(), Some(body.as_bytes()));
            assert_eq!(row.bytes(FILE).unwrap().as_deref(), file.as_deref());
        })
        .unwrap();
    }
    rows
}

fn beside(database: &Database) -> u64 {
    database.statistics(BESIDE).unwrap().rows
}

fn open(world: &World) -> Arc<Database> {
    let configuration = Configuration { segment_rows: 64, ..configuration() };
    Database::open(configuration, world.environment.clone()).expect("the database opens")
}

fn created(world: &World) -> Arc<Database> {
    let database = open(world);
    let mut transaction = begin(&database);
    transaction.create_table(TABLE, schema()).unwrap();
    transaction.commit().wait().unwrap();
    database
}

#[test]
fn a_value_stands_once_and_reads_as_if_it_stood_in_its_rows() {
    for seed in 0..2 {
        let world = World::new(seed);
        let database = created(&world);
        let (long, other) = (text("long", 20_000), text("other", 3_000));
        let mut writer = begin(&database);
        for id in 0..20 {
            insert(&mut writer, id, &long, Value::Null);
        }
        // What begins with U+FDD0 stands beside too, however short; what is short does not.
        insert(&mut writer, 20, "\u{FDD0}", Value::from(other.clone().into_bytes()));
        insert(&mut writer, 21, "short", Value::from(vec![7; 2048]));
        writer.start_statement();
        let seen_before = rows(&writer.view());
        writer.commit().wait().unwrap();
        assert_eq!(beside(&database), 3);
        let after = begin(&database);
        assert_eq!(rows(&after.view()), seen_before);
        assert_eq!(seen_before[7], (7, 0, long.clone(), None));
        assert_eq!(seen_before[20], (20, 0, "\u{FDD0}".into(), Some(other.into_bytes())));
        let at = database.snapshot();
        for _ in 0..3 {
            let mut writer = begin(&database);
            (0..22).for_each(|id| count_up(&mut writer, id));
            writer.commit().wait().unwrap();
            assert_eq!(beside(&database), 3, "nothing is written again");
            database.checkpoint().wait().unwrap();
        }
        database.compact().wait().unwrap();
        drop(after);
        drop(database);
        world.disk.crash();
        let database = open(&world);
        let reader = begin(&database);
        let now = rows(&reader.view());
        assert!(now.iter().all(|(_, counter, _, _)| *counter == 3));
        assert_eq!(now[3].2, long);
        assert!(matches!(database.past(at).unwrap(), Past::Ready(_)));
        assert_eq!(rows(&reader.view_at(at)), seen_before, "and the past is what it was");
    }
}

#[test]
fn what_a_savepoint_takes_back_is_written_again() {
    let world = World::new(0);
    let database = created(&world);
    let long = text("again", 5_000);
    let mut writer = begin(&database);
    let savepoint = writer.savepoint();
    insert(&mut writer, 1, &long, Value::Null);
    writer.rollback_to(savepoint).unwrap();
    insert(&mut writer, 2, &long, Value::Null);
    writer.commit().wait().unwrap();
    assert_eq!(beside(&database), 1);
    assert_eq!(rows(&begin(&database).view()), [(2, 0, long, None)]);
}

#[test]
fn two_that_write_the_same_value_at_once_do_not_wait_for_each_other() {
    let world = World::new(1);
    let database = created(&world);
    let long = text("both", 5_000);
    let (mut one, mut other) = (begin(&database), begin(&database));
    insert(&mut one, 1, &long, Value::Null);
    insert(&mut other, 2, &long, Value::Null);
    other.commit().wait().unwrap();
    one.rollback();
    assert_eq!(rows(&begin(&database).view()), [(2, 0, long, None)]);
}

#[test]
fn a_column_that_becomes_long_does_so_for_a_transaction_that_began_before() {
    let world = World::new(0);
    let database = open(&world);
    let mut transaction = begin(&database);
    transaction.create_table(TABLE, TableSchema { long: Vec::new(), ..schema() }).unwrap();
    transaction.commit().wait().unwrap();
    let mut old = database.begin(Isolation::RepeatableRead, false);
    let mut transaction = begin(&database);
    let long = text("inline", 5_000);
    insert(&mut transaction, 1, &long, Value::Null);
    transaction.alter_table(TABLE, schema(), &[]).unwrap();
    insert(&mut transaction, 2, &long, Value::Null);
    transaction.commit().wait().unwrap();
    assert_eq!(beside(&database), 1, "the one that was there before stays where it is");
    insert(&mut old, 3, &long, Value::Null);
    old.start_statement();
    assert_eq!(rows(&old.view()), [(3, 0, long.clone(), None)]);
    old.commit().wait().unwrap();
    assert_eq!(beside(&database), 1);
    assert_eq!(rows(&begin(&database).view()).len(), 3);
}

#[test]
fn a_table_takes_its_long_values_with_it_and_brings_them_back() {
    let world = World::new(0);
    let database = created(&world);
    let long = text("gone", 5_000);
    let mut writer = begin(&database);
    insert(&mut writer, 1, &long, Value::Null);
    writer.commit().wait().unwrap();
    let mut writer = begin(&database);
    writer.drop_table(TABLE).unwrap();
    writer.commit().wait().unwrap();
    assert!(database.statistics(BESIDE).unwrap().dropped.is_some());
    let mut writer = begin(&database);
    writer.undrop_table(TABLE).unwrap();
    writer.commit().wait().unwrap();
    assert!(database.statistics(BESIDE).unwrap().dropped.is_none());
    assert_eq!(rows(&begin(&database).view()), [(1, 0, long, None)]);
}

#[test]
fn zones_go_by_the_value_and_not_by_what_stands_in_its_place() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    for id in 0..10 {
        insert(&mut writer, id, &text("middle", 4_000), Value::Null);
    }
    writer.commit().wait().unwrap();
    database.checkpoint().wait().unwrap();
    let view = begin(&database).view();
    let found = |lower: &str, upper: &str| {
        let range = ColumnRange {
            column: BODY,
            lower: Bound::Included(Value::from(lower)),
            upper: Bound::Excluded(Value::from(upper)),
        };
        let scan = view.scan(TABLE, &[ScanColumn::Column(ID)], 1000).unwrap().within(&[range]);
        scan.map(|batch| batch.unwrap().num_rows()).sum::<usize>()
    };
    assert_eq!((found("m", "n"), found("a", "b")), (10, 0));
}

#[test]
fn a_batch_of_very_long_values_comes_in_pieces() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    for id in 0..20 {
        insert(&mut writer, id, &text(&format!("{id} "), 3 << 20), Value::Null);
    }
    writer.commit().wait().unwrap();
    let view = begin(&database).view();
    let sizes: Vec<usize> = view
        .scan(TABLE, &[ScanColumn::Column(BODY)], 1000)
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 20);
    assert!(sizes.iter().all(|rows| *rows <= 6), "{sizes:?}");
    let without = view.scan(TABLE, &[ScanColumn::Column(ID)], 1000).unwrap();
    assert_eq!(without.map(|batch| batch.unwrap().num_rows()).collect::<Vec<_>>(), [20]);
}

#[test]
fn references_are_left_where_they_are_asked_for_and_fetched_later() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    for id in 0..6 {
        insert(&mut writer, id, &text(&format!("{id} "), 4_000), Value::Null);
    }
    writer.start_statement();
    let own = writer.view();
    let projection = [ScanColumn::Column(BODY), ScanColumn::Column(ID)];
    let fetched = |view: &ReadView| {
        let mut found = Vec::new();
        for batch in view.scan(TABLE, &projection, 1000).unwrap().with_references(&[0]) {
            let batch = batch.unwrap();
            let bodies = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap();
            assert!((0..bodies.len()).all(|row| bodies.value(row).starts_with('\u{FDD0}')));
            for batch in view.fetch_long(TABLE, batch, &[0]).unwrap() {
                let bodies = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap();
                found.extend((0..bodies.len()).map(|row| bodies.value(row).to_owned()));
            }
        }
        found.sort();
        found
    };
    let wanted: Vec<String> = (0..6).map(|id| text(&format!("{id} "), 4_000)).collect();
    assert_eq!(fetched(&own), wanted);
    writer.commit().wait().unwrap();
    assert_eq!(fetched(&begin(&database).view()), wanted);
}

#[test]
fn what_nothing_refers_to_goes_where_history_is_given_up() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    for id in 0..40 {
        insert(&mut writer, id, &text(&format!("value {id} "), 3_000), Value::Null);
    }
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    let mut writer = begin(&database);
    for id in 10..40 {
        writer.start_statement();
        let mut found = None;
        writer.view().lookup(TABLE, KEY, &key(id), &mut |handle, _| found = Some(handle)).unwrap();
        let handle = found.unwrap();
        let locked = writer.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT).unwrap();
        assert!(matches!(locked, Outcome::Done(LockedRow::Current)));
        writer.delete(TABLE, handle).unwrap();
    }
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    assert_eq!(beside(&database), 40, "the past refers to all of them");
    database.set_history_retention(TABLE, Some(0)).unwrap();
    world.clock.advance(1_000_000);
    // Somebody is about to refer to a value that was there before.
    let mut slow = begin(&database);
    insert(&mut slow, 100, &text("value 39 ", 3_000), Value::Null);
    commit_something(&database, 200);
    // Somebody began before, and may have references in hand.
    let early = begin(&database).view();
    database.compact().wait().unwrap();
    database.compact().wait().unwrap();
    assert_eq!(beside(&database), 11, "those of ten rows, and the one that is locked");
    slow.commit().wait().unwrap();
    let view = begin(&database).view();
    let left = rows(&view);
    assert_eq!(left.len(), 12);
    assert_eq!(left[10].2, text("value 39 ", 3_000));
    // A value that has ended is written again.
    let mut writer = begin(&database);
    insert(&mut writer, 101, &text("value 38 ", 3_000), Value::Null);
    writer.commit().wait().unwrap();
    assert_eq!(beside(&database), 12);
    // Their room comes back once nobody is left who may be reading them.
    commit_something(&database, 201);
    world.clock.advance(1_000_000);
    database.compact().wait().unwrap();
    database.compact().wait().unwrap();
    assert!(database.statistics(BESIDE).unwrap().segment_rows > 40, "the view is alive");
    drop(early);
    commit_something(&database, 202);
    world.clock.advance(1_000_000);
    database.compact().wait().unwrap();
    database.compact().wait().unwrap();
    assert!(database.statistics(BESIDE).unwrap().segment_rows < 20);
    drop(database);
    world.disk.crash();
    let database = open(&world);
    assert_eq!(rows(&begin(&database).view()).len(), 15);
}

/// The name and length of the largest segment.
fn largest_segment(world: &World) -> (String, usize) {
    let names = world.environment.disk.list().unwrap().into_iter();
    let segments = names.filter(|name| name.starts_with("segment"));
    let sized = segments.map(|name| (world.disk.content(&name).unwrap().len(), name));
    sized.max().map(|(length, name)| (name, length)).unwrap()
}

/// A commit, so that time goes on.
fn commit_something(database: &Database, id: i64) {
    let mut writer = begin(database);
    insert(&mut writer, id, "short", Value::Null);
    writer.commit().wait().unwrap();
}

#[test]
fn values_that_have_all_ended_are_still_read_by_who_began_before() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    insert(&mut writer, 1, &text("ended", 5_000), Value::Null);
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    let mut writer = begin(&database);
    let mut found = None;
    writer.start_statement();
    writer.view().lookup(TABLE, KEY, &key(1), &mut |handle, _| found = Some(handle)).unwrap();
    let handle = found.unwrap();
    let locked = writer.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT).unwrap();
    assert!(matches!(locked, Outcome::Done(LockedRow::Current)));
    writer.delete(TABLE, handle).unwrap();
    database.set_history_retention(TABLE, Some(0)).unwrap();
    // The scan has what it reads in hand before all of it is given up.
    let early = database.begin(Isolation::RepeatableRead, true);
    let scan = early.view().scan(TABLE, &[ScanColumn::Column(BODY)], 10).unwrap();
    writer.commit().wait().unwrap();
    for id in 2..5 {
        world.clock.advance(1_000_000);
        commit_something(&database, id);
        database.compact().wait().unwrap();
    }
    assert_eq!(beside(&database), 0);
    let batches: Vec<_> = scan.map(|batch| batch.unwrap()).collect();
    let bodies = batches[0].column(0).as_any().downcast_ref::<StringArray>().unwrap();
    assert_eq!(bodies.value(0), text("ended", 5_000));
}

#[test]
fn long_values_in_a_file_that_was_set_aside_are_errors_and_not_references() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    insert(&mut writer, 1, &text("aside", 300_000), Value::Null);
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    drop(database);
    let (largest, length) = largest_segment(&world);
    assert!(world.disk.flip(&largest, length as u64 - 10, 3));
    let database = open(&world);
    let view = begin(&database).view();
    let batches = view.scan(TABLE, &[ScanColumn::Column(BODY)], 10).unwrap();
    let failed: Vec<_> = batches.map(|batch| batch.map(|batch| batch.num_rows())).collect();
    assert!(matches!(failed.as_slice(), [Err(Error::Corrupted(_))]), "{failed:?}");
}

#[test]
fn verify_finds_references_without_their_values() {
    let lost = Faults { lose_long_value: true, ..Faults::default() };
    let altered = Faults { alter_long_value: true, ..Faults::default() };
    for (faults, is_right) in [(Faults::default(), true), (lost, false), (altered, false)] {
        let world = World::new(0);
        let database = created(&world);
        let mut writer = begin(&database);
        insert(&mut writer, 1, &text("right", 5000), Value::Null);
        insert(&mut writer, 2, "short", Value::Null);
        writer.commit().wait().unwrap();
        world.disk.set_faults(faults);
        let mut writer = begin(&database);
        insert(&mut writer, 3, &text("lost", 5000), Value::from(vec![7; 3000]));
        writer.commit().wait().unwrap();
        database.compact().wait().unwrap();
        let reasons = |verified: Verified| -> Vec<String> {
            verified
                .damaged
                .into_iter()
                .map(|damage| format!("{:?} {}", damage.table, damage.reason))
                .collect()
        };
        let wrong = "TableId(100) 2 long values that it refers to are missing or others".to_owned();
        let expected = if is_right { vec![] } else { vec![wrong] };
        assert_eq!(reasons(database.verify()), expected, "{faults:?}");
        database.close();
        let offline = verify_directory(configuration(), world.environment.clone()).unwrap();
        assert_eq!(reasons(offline), expected, "{faults:?}");
    }
}

#[test]
fn a_long_value_in_a_damaged_file_is_an_error_and_not_another_value() {
    let world = World::new(0);
    let database = created(&world);
    let mut writer = begin(&database);
    insert(&mut writer, 1, &text("damaged", 300_000), Value::Null);
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    drop(database);
    let (largest, _) = largest_segment(&world);
    assert!(world.disk.flip(&largest, 150_000, 3));
    let database = open(&world);
    let view = begin(&database).view();
    let mut value = Ok(Value::Null);
    view.lookup(TABLE, KEY, &key(1), &mut |_, row| value = row.value(BODY)).unwrap();
    let Err(Error::Corrupted(reason)) = value else { panic!("{value:?}") };
    assert!(reason.contains(&largest), "{reason}");
    let counters = view.scan(TABLE, &[ScanColumn::Column(COUNTER)], 10).unwrap();
    assert_eq!(counters.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1, "other columns are there");
    assert_ne!(database.snapshot(), Timestamp::ZERO);
}
