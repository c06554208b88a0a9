//! SERIALIZABLE: what snapshot isolation lets through and validation does not.

mod common;

use common::*;
use std::ops::Bound;
use std::sync::Arc;
use strata_engine::{Database, Error, Inserted, Isolation, Outcome, ReadRecord, Transaction, Value};

fn serializable(database: &Database) -> Transaction {
    database.begin(Isolation::Serializable, false)
}

fn read_key(transaction: &mut Transaction, id: i64) -> Option<i64> {
    amount(&transaction.view(), id)
}

/// Writes one new row and commits: a SERIALIZABLE transaction learns of what it missed at its first write or at its end.
fn decide(mut reader: Transaction) -> Result<(), Error> {
    let id = 100 + reader.id() as i64;
    match reader.insert(TABLE, &row(id, "decided on what was read", 1))? {
        Outcome::Done(Inserted::Row(_)) => reader.commit().wait().map(|_| ()),
        other => panic!("insert of {id}: {other:?}"),
    }
}

fn outcomes(commits: [Transaction; 2]) -> [Result<(), Error>; 2] {
    commits.map(|transaction| transaction.commit().wait().map(|_| ()))
}

#[test]
fn write_skew_over_two_keys_is_refused() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let (mut one, mut two) = (serializable(&database), serializable(&database));
    assert_eq!((read_key(&mut one, 1), read_key(&mut one, 2)), (Some(100), Some(100)));
    assert_eq!((read_key(&mut two, 1), read_key(&mut two, 2)), (Some(100), Some(100)));
    set_amount(&mut one, 1, -50);
    set_amount(&mut two, 2, -50);
    assert_eq!(outcomes([one, two]), [Ok(()), Err(Error::ReadWriteDependency)]);
    assert_eq!(scan(&begin(&database).view()), [(1, -50), (2, 100)]);
    // Snapshot isolation alone lets it through.
    let mut weak: Vec<_> = (0..2).map(|_| database.begin(Isolation::RepeatableRead, false)).collect();
    set_amount(&mut weak[0], 1, 0);
    set_amount(&mut weak[1], 2, 0);
    for transaction in weak {
        transaction.commit().wait().unwrap();
    }
}

#[test]
fn a_phantom_in_a_range_or_under_an_absent_key_is_refused() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 5);
    let by_range = serializable(&database);
    let (ten, twenty) = (key(10), key(20));
    let mut cursor =
        by_range.view().range(TABLE, KEY, Bound::Included(&ten), Bound::Excluded(&twenty), false);
    assert!(!cursor.next(&mut |_, _, _| {}).unwrap());
    let mut by_key = serializable(&database);
    assert_eq!(read_key(&mut by_key, 15), None);
    let mut elsewhere = serializable(&database);
    assert_eq!(read_key(&mut elsewhere, 25), None);
    let mut writer = begin(&database);
    insert(&mut writer, 15, "phantom", 1);
    writer.commit().wait().unwrap();
    for (reader, expected) in [
        (by_range, Err(Error::ReadWriteDependency)),
        (by_key, Err(Error::ReadWriteDependency)),
        (elsewhere, Ok(())),
    ] {
        assert_eq!(decide(reader), expected);
    }
}

#[test]
fn a_scan_is_refused_for_rows_that_satisfy_its_predicate_only() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 5);
    let rich = |row: &strata_engine::RowRef<'_>| !matches!(row.value(AMOUNT), Ok(Value::Int64(amount)) if amount < 1000);
    let reader = || {
        let mut reader = serializable(&database);
        reader.note_read(ReadRecord::Table { table: TABLE, predicate: Some(Arc::new(rich)) });
        let id = 100 + reader.id() as i64;
        insert(&mut reader, id, "sum of the rich", 1);
        reader
    };
    let (poor, becomes) = (reader(), reader());
    commit_amount(&database, 1, 999);
    poor.commit().wait().unwrap();
    commit_amount(&database, 1, 5000);
    assert_eq!(becomes.commit().wait(), Err(Error::ReadWriteDependency));
    let was = reader();
    commit_amount(&database, 1, 3);
    assert_eq!(was.commit().wait(), Err(Error::ReadWriteDependency), "an old image counts too");
}

#[test]
fn a_scan_without_a_predicate_covers_the_whole_table() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 5);
    let reader = serializable(&database);
    assert_eq!(scan(&reader.view()).len(), 5);
    let blind = serializable(&database);
    assert_eq!(scan(&blind.view().untracked()).len(), 5);
    commit_amount(&database, 1, 7);
    assert_eq!(decide(reader), Err(Error::ReadWriteDependency));
    assert_eq!(decide(blind), Ok(()));
}

#[test]
fn readers_never_fail_and_disjoint_work_goes_through() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 4);
    let mut reader = serializable(&database);
    assert_eq!(read_key(&mut reader, 1), Some(100));
    let (mut one, mut two) = (serializable(&database), serializable(&database));
    read_key(&mut one, 1);
    set_amount(&mut one, 1, 1);
    read_key(&mut two, 2);
    set_amount(&mut two, 2, 2);
    assert_eq!(outcomes([one, two]), [Ok(()), Ok(())]);
    assert_eq!(read_key(&mut reader, 2), Some(100));
    reader.commit().wait().unwrap();
}

#[test]
fn concurrent_increments_of_a_sum_are_never_lost() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    // Each adds to one row what it read from both: any serial order doubles and adds, and never loses one.
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let database = database.clone();
            std::thread::spawn(move || {
                let mut committed = 0;
                for _ in 0..50 {
                    let mut session = serializable(&database);
                    let sum = read_key(&mut session, 1).unwrap() + read_key(&mut session, 2).unwrap();
                    let id = 1 + thread % 2;
                    let (handle, _, before) = find(&session.view(), id).unwrap();
                    let locked = session.lock_row(
                        TABLE,
                        handle,
                        strata_engine::RowLock::NoKeyUpdate,
                        strata_engine::WaitPolicy::NoWait,
                    );
                    if locked.is_err() {
                        continue;
                    }
                    if session.update(TABLE, handle, &row(id, "name", before + 1), false).is_err() {
                        continue;
                    }
                    let log = 1000 + sum;
                    match session.insert(TABLE, &row(log, "log", sum)) {
                        Ok(strata_engine::Outcome::Done(strata_engine::Inserted::Row(_))) => {}
                        _ => continue,
                    }
                    committed += i64::from(session.commit().wait().is_ok());
                }
                committed
            })
        })
        .collect();
    let committed: i64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let view = begin(&database).view();
    assert_eq!(amount(&view, 1).unwrap() + amount(&view, 2).unwrap(), 200 + committed);
    // In a serial order each saw another sum: 200, 201, and so on without a gap.
    let logged: Vec<i64> =
        scan(&view).into_iter().filter(|(id, _)| *id >= 1000).map(|(_, sum)| sum).collect();
    assert_eq!(logged, (200..200 + committed).collect::<Vec<_>>());
    assert!(committed > 0);
}
