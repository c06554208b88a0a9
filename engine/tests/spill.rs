//! Large commits: rows and index entries that are written to files before the commit.

mod common;

use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use strata_engine::{
    ColumnId, Configuration, Database, Environment, Error, IndexId, IndexSchema, Inserted, Isolation,
    MemoryBound, NewRow, Outcome, PhysicalType, RowLock, ScanColumn, TableSchema, Timestamp, Value,
    WaitPolicy,
};

const CODE: IndexId = IndexId(210);

/// A configuration in which all that is new is written before its commit.
fn spilling() -> Configuration {
    Configuration { spill_bytes: 1, spill_entries: 1, segment_rows: 1000, ..configuration() }
}

fn open(environment: &Environment) -> Arc<Database> {
    Database::open(spilling(), environment.clone()).expect("the database opens")
}

fn segments(database: &Database) -> (u64, u64) {
    let statistics = database.statistics(TABLE).unwrap();
    (statistics.segment_rows, statistics.hot_rows)
}

/// Rows in no order of their keys.
fn load(database: &Database, rows: i64) -> Timestamp {
    let mut transaction = begin(database);
    transaction.create_table(TABLE, schema()).unwrap();
    for number in 0..rows {
        let id = number * 7919 % rows;
        insert(&mut transaction, id, &format!("name{}", id % 10), id);
    }
    transaction.commit().wait().unwrap()
}

fn expected(rows: i64) -> Vec<(i64, i64)> {
    (0..rows).map(|id| (id, id)).collect()
}

fn named(database: &Database, name: &str) -> usize {
    let mut found = 0;
    let view = begin(database).view();
    view.lookup(TABLE, BY_NAME, name.as_bytes(), &mut |_, _| found += 1).unwrap();
    found
}

#[test]
fn a_large_load_goes_to_segments_and_is_found_by_every_road() {
    let world = World::new(41);
    let database = open(&world.environment);
    let at = load(&database, 2500);
    assert_eq!(segments(&database), (2500, 0));
    let view = begin(&database).view();
    assert_eq!(scan(&view), expected(2500));
    assert_eq!(by_key(&view, false), expected(2500));
    assert_eq!(amount(&view, 1234), Some(1234));
    assert_eq!(named(&database, "name3"), 250);
    // Before the commit there was nothing.
    let before = Timestamp(at.0 - 1);
    assert_eq!(scan(&begin(&database).view_at(before)), []);
    assert_eq!(amount(&begin(&database).view_at(before), 5), None);
    // A key that is there is refused.
    let mut again = begin(&database);
    assert!(matches!(
        again.insert(TABLE, &row(7, "x", 1)).unwrap(),
        Outcome::Done(Inserted::Conflict { index: KEY, .. })
    ));
    drop(again);
    // Rows of a segment live on as others do.
    commit_amount(&database, 7, -7);
    let mut deleter = begin(&database);
    delete(&mut deleter, 8);
    deleter.commit().wait().unwrap();
    assert_eq!(amount(&begin(&database).view(), 7), Some(-7));
    assert_eq!(amount(&begin(&database).view(), 8), None);
    assert_eq!(scan(&begin(&database).view_at(at)), expected(2500));
}

#[test]
fn what_was_spilled_survives_crashes_before_and_after_checkpoints() {
    let world = World::new(42);
    let mut database = open(&world.environment);
    let at = load(&database, 1500);
    commit_amount(&database, 3, -3);
    for round in 0..4 {
        let now = scan(&begin(&database).view());
        if round == 1 {
            database.checkpoint().wait().unwrap();
        }
        if round == 2 {
            database.compact().wait().unwrap();
        }
        if round == 3 {
            database.close();
        }
        world.disk.crash();
        drop(database);
        database = open(&world.environment);
        let view = begin(&database).view();
        assert_eq!(scan(&view), now, "round {round}");
        assert_eq!(by_key(&view, false), now);
        assert_eq!(amount(&view, 3), Some(-3 - round));
        assert_eq!(named(&database, "name3"), 150);
        assert_eq!(scan(&begin(&database).view_at(at)), expected(1500));
        assert_eq!(scan(&begin(&database).view_at(Timestamp(at.0 - 1))), []);
        commit_amount(&database, 3, -4 - round);
        assert!(database.verify().damaged.is_empty());
    }
}

#[test]
fn a_refused_commit_leaves_no_files() {
    let world = World::new(43);
    let database = open(&world.environment);
    load(&database, 10);
    let files = || {
        let mut names = world.environment.disk.list().unwrap();
        names.retain(|name| !name.starts_with("log"));
        names.sort();
        names
    };
    let before = files();
    let mut reader = database.begin(Isolation::Serializable, false);
    assert_eq!(amount(&reader.view(), 1), Some(1));
    insert(&mut reader, 1000, "late", 1);
    // The version that was read ends, without a file of its own.
    let mut deleter = begin(&database);
    delete(&mut deleter, 1);
    deleter.commit().wait().unwrap();
    assert_eq!(reader.commit().wait(), Err(Error::ReadWriteDependency));
    assert_eq!(files(), before);
    assert_eq!(amount(&begin(&database).view(), 1000), None);
}

#[test]
fn rows_that_a_savepoint_took_back_are_not_written() {
    let world = World::new(44);
    let database = open(&world.environment);
    let mut transaction = begin(&database);
    transaction.create_table(TABLE, schema()).unwrap();
    insert(&mut transaction, 1, "kept", 1);
    let savepoint = transaction.savepoint();
    for id in 2..50 {
        insert(&mut transaction, id, "undone", id);
    }
    transaction.rollback_to(savepoint).unwrap();
    insert(&mut transaction, 2, "kept", 2);
    transaction.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 1), (2, 2)]);
    assert_eq!(segments(&database), (2, 0));
    assert_eq!(named(&database, "undone"), 0);
}

fn indexed() -> TableSchema {
    let mut schema = schema();
    schema.indexes.push(IndexSchema { id: CODE, unique: true, primary: false });
    schema
}

/// Builds the unique index over all living rows: the amount turned round.
fn build_index(database: &Database) {
    let mut builder = begin(database);
    builder.alter_table(TABLE, indexed(), &[]).unwrap();
    let mut entries = Vec::new();
    builder.start_statement();
    for batch in builder.view().scan(TABLE, &[ScanColumn::Column(AMOUNT), ScanColumn::Handle], 100).unwrap() {
        entries.extend(entries_of(&batch.unwrap()));
    }
    builder.add_index_entries(TABLE, CODE, entries, false).unwrap();
    // It answers its own transaction at once, and knows what is there.
    assert_eq!(coded(&builder.view(), 900), Some(900));
    let mut twice = row(90_000, "twice", 900);
    twice.keys.push((CODE, key(-900), true));
    assert!(matches!(
        builder.insert(TABLE, &twice).unwrap(),
        Outcome::Done(Inserted::Conflict { index: CODE, .. })
    ));
    builder.commit().wait().unwrap();
}

fn entries_of(batch: &arrow_array::RecordBatch) -> Vec<(strata_engine::RowHandle, Vec<u8>)> {
    use arrow_array::{Array, FixedSizeBinaryArray, Int64Array};
    let amounts = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
    let handles = batch.column(1).as_any().downcast_ref::<FixedSizeBinaryArray>().unwrap();
    let pairs = (0..amounts.len()).map(|row| {
        let handle = strata_engine::RowHandle::from_bytes(handles.value(row).try_into().unwrap());
        (handle, key(-amounts.value(row)))
    });
    pairs.collect()
}

fn coded(view: &strata_engine::ReadView, amount: i64) -> Option<i64> {
    let mut found = None;
    view.lookup(TABLE, CODE, &key(-amount), &mut |_, row| {
        let Value::Int64(id) = row.value(ID).unwrap() else { panic!("id is not int8") };
        assert!(found.replace(id).is_none());
    })
    .unwrap();
    found
}

#[test]
fn an_index_over_segments_is_laid_beside_them_and_lives_through_everything() {
    let world = World::new(45);
    let mut database = open(&world.environment);
    load(&database, 2500);
    // Some rows are hot when the index is built, some entries of segments are dead.
    commit_amount(&database, 5, 10_005);
    build_index(&database);
    for round in 0..5 {
        let view = begin(&database).view();
        for id in [0, 1, 999, 1000, 2499] {
            assert_eq!(coded(&view, id), Some(id), "round {round}");
        }
        assert_eq!(coded(&view, 5), None);
        assert_eq!(coded(&view, 10_005), Some(5));
        match round {
            0 => {}
            1 => database.checkpoint().wait().unwrap(),
            2 => database.compact().wait().unwrap(),
            _ => database.close(),
        }
        if round != 1 {
            world.disk.crash();
            drop(database);
            database = open(&world.environment);
        }
        assert!(database.verify().damaged.is_empty());
    }
}

#[test]
fn columns_added_on_the_way_read_as_their_default_in_spilled_rows() {
    let world = World::new(46);
    let database = open(&world.environment);
    const MORE: ColumnId = ColumnId(20);
    let mut transaction = begin(&database);
    transaction.create_table(TABLE, schema()).unwrap();
    insert(&mut transaction, 1, "a", 1);
    let mut wider = schema();
    wider.columns.push((MORE, PhysicalType::Text));
    transaction.alter_table(TABLE, wider, &[(MORE, Value::from("default"))]).unwrap();
    let row = NewRow {
        values: vec![Value::Int64(2), Value::from("b"), Value::Int64(2), Value::Null],
        keys: vec![(KEY, key(2), true), (BY_NAME, b"b".to_vec(), false)],
    };
    assert!(matches!(transaction.insert(TABLE, &row).unwrap(), Outcome::Done(Inserted::Row(_))));
    transaction.commit().wait().unwrap();
    assert_eq!(segments(&database), (2, 0));
    let mut seen = Vec::new();
    for id in [1, 2] {
        let view = begin(&database).view();
        view.lookup(TABLE, KEY, &key(id), &mut |_, row| seen.push(row.value(MORE).unwrap())).unwrap();
    }
    assert_eq!(seen, [Value::from("default"), Value::Null]);
}

#[test]
fn a_transaction_that_outgrows_memory_is_refused_and_others_go_on() {
    // A chunk has 8192 rows: the bound is asked about before the first row of each.
    const ROWS: i64 = 20_000;
    let world = World::new(40);
    let used = Arc::new(AtomicU64::new(0));
    let gauge = used.clone();
    let memory = MemoryBound { limit: 1000, used: Arc::new(move || gauge.load(Ordering::Acquire)) };
    let database =
        Database::open(Configuration { memory, ..configuration() }, world.environment.clone()).unwrap();
    with_rows(&database, ROWS);
    used.store(1001, Ordering::Release);
    commit_amount(&database, 1, 5);
    let mut large = begin(&database);
    let refused = (1..=ROWS).find_map(|more| large.insert(TABLE, &row(ROWS + more, "name", 1)).err());
    assert_eq!(refused, Some(Error::OutOfMemory));
    large.rollback();
    let mut deleter = begin(&database);
    let refused = (1..=ROWS).find_map(|id| {
        let (handle, _, _) = find(&deleter.view(), id).expect("the row exists");
        let locked = deleter.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT).unwrap();
        assert!(matches!(locked, Outcome::Done(_)));
        deleter.delete(TABLE, handle).err()
    });
    assert_eq!(refused, Some(Error::OutOfMemory));
    deleter.rollback();
    commit_amount(&database, 1, 6);
    assert_eq!(scan(&begin(&database).view()).len(), ROWS as usize);
}
