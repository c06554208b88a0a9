//! Rows that commits leave of themselves, and commits led by the thread that asks for them.

mod common;

use common::*;
use std::sync::atomic::{AtomicI64, Ordering};
use strata_engine::{
    ColumnId, Database, Error, Isolation, PhysicalType, ReadView, ScanColumn, TableId, TableSchema,
    Timestamp, Transaction, Value,
};

const SIGNED: TableId = TableId(300);
const NUMBER: ColumnId = ColumnId(30);

/// The table of rows, empty, and that of signatures: one column, no index.
fn with_signatures(database: &Database) {
    with_rows(database, 0);
    let mut transaction = begin(database);
    let schema = TableSchema {
        columns: vec![(NUMBER, PhysicalType::Int64)],
        indexes: Vec::new(),
        ..TableSchema::default()
    };
    transaction.create_table(SIGNED, schema).unwrap();
    transaction.commit().wait().unwrap();
}

fn signed(database: &Database, number: i64) -> Transaction {
    let mut transaction = begin(database);
    transaction.sign(SIGNED, vec![Value::Int64(number)]).unwrap();
    transaction
}

fn signatures(view: &ReadView) -> Vec<i64> {
    let mut numbers = Vec::new();
    for batch in view.scan(SIGNED, &[ScanColumn::Column(NUMBER)], 100).unwrap() {
        numbers.extend(int64(&batch.unwrap(), 0));
    }
    numbers.sort_unstable();
    numbers
}

fn commit_signed(database: &Database, number: i64) -> Timestamp {
    let mut transaction = signed(database, number);
    insert(&mut transaction, number, "name", number);
    transaction.commit().wait().unwrap()
}

#[test]
fn a_signature_appears_with_its_commit_and_stays() {
    let world = World::new(3);
    let database = world.open();
    with_signatures(&database);
    let first = commit_signed(&database, 1);
    let mut rolled_back = signed(&database, 2);
    insert(&mut rolled_back, 2, "name", 2);
    rolled_back.rollback();
    signed(&database, 3).commit().wait().unwrap();
    commit_signed(&database, 4);
    database.checkpoint().wait().unwrap();
    commit_signed(&database, 5);
    let check = |database: &Database| {
        assert_eq!(signatures(&begin(database).view()), [1, 4, 5]);
        assert_eq!(signatures(&begin(database).view_at(first)), [1]);
        assert_eq!(database.statistics(SIGNED).unwrap().rows, 3);
    };
    check(&database);
    world.disk.crash();
    drop(database);
    let database = world.open();
    check(&database);
    // Births go on behind that of the last signature.
    commit_signed(&database, 6);
    assert_eq!(scan(&begin(&database).view()).len(), 4);
}

#[test]
fn what_is_no_row_of_the_table_signs_nothing() {
    let world = World::new(5);
    let database = world.open();
    with_signatures(&database);
    let mut transaction = begin(&database);
    for values in [vec![], vec![Value::from("text")], vec![Value::Int64(1), Value::Null]] {
        let refused = transaction.sign(SIGNED, values).unwrap_err();
        assert!(matches!(refused, Error::MalformedRow { table: SIGNED, .. }), "{refused}");
    }
    // A table with indexes wants keys.
    let values = vec![Value::Int64(1), Value::from("name"), Value::Int64(1)];
    assert!(matches!(transaction.sign(TABLE, values), Err(Error::MalformedRow { .. })));
}

#[test]
fn who_reads_signatures_at_serializable_is_refused_for_newer_ones() {
    let world = World::new(7);
    let database = world.open();
    with_signatures(&database);
    let readers = [10, 11].map(|number| {
        let mut reader = database.begin(Isolation::Serializable, false);
        reader.sign(SIGNED, vec![Value::Int64(number)]).unwrap();
        assert!(signatures(&reader.view()).is_empty());
        insert(&mut reader, number, "name", number);
        reader
    });
    // Both wait while another commit is being made durable, and so meet in one batch.
    world.disk.hold_syncs();
    let mut first = begin(&database);
    insert(&mut first, 12, "name", 12);
    let first = first.commit();
    while world.disk.syncs_held() == 0 {
        std::thread::yield_now();
    }
    let tickets = readers.map(Transaction::commit);
    world.disk.release_syncs();
    first.wait().unwrap();
    let outcomes = tickets.map(|ticket| ticket.wait().map(|_| ()));
    assert_eq!(outcomes, [Ok(()), Err(Error::ReadWriteDependency)]);
}

#[test]
fn commits_led_by_their_own_threads_and_by_the_sequencer_are_one_history() {
    const EACH: i64 = 200;
    let world = World::new(9);
    let database = world.open();
    with_signatures(&database);
    let acknowledged = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for writer in 0..4i64 {
            let (database, acknowledged) = (&database, &acknowledged);
            scope.spawn(move || {
                for number in 0..EACH {
                    let id = writer * EACH + number;
                    let mut transaction = signed(database, id);
                    insert(&mut transaction, id, "name", id);
                    if writer % 2 == 0 {
                        transaction.may_block();
                    }
                    let at = transaction.commit().wait().unwrap();
                    assert_eq!(amount(&begin(database).view_at(at), id), Some(id));
                    acknowledged.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
    });
    assert_eq!(acknowledged.load(Ordering::Acquire), 4 * EACH);
    world.disk.crash();
    drop(database);
    let database = world.open();
    let expected: Vec<i64> = (0..4 * EACH).collect();
    assert_eq!(signatures(&begin(&database).view()), expected);
    // A database that is closing leads nothing.
    let mut late = signed(&database, -1);
    insert(&mut late, -1, "name", -1);
    late.may_block();
    database.close();
    assert_eq!(late.commit().wait(), Err(Error::ShuttingDown));
}
