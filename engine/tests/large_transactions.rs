//! Transactions that outgrow memory: rows in scratch, updates through segments, keys that are not locked one by one.

mod common;

use common::*;
use std::sync::Arc;
use std::time::Duration;
use strata_engine::{
    Configuration, Database, Inserted, KeyLock, LockedRow, Outcome, RowLock, Ticket, Timestamp, Transaction,
    WaitPolicy,
};

const ROWS: i64 = 30_000;

/// A configuration in which little stays in memory.
fn open(world: &World) -> Arc<Database> {
    let configuration = Configuration {
        spill_bytes: 1 << 16,
        segment_rows: 7000,
        scratch_bytes: 1,
        locked_keys: 4,
        ..configuration()
    };
    Database::open(configuration, world.environment.clone()).expect("the database opens")
}

fn load(database: &Database) -> Timestamp {
    let mut transaction = begin(database);
    transaction.create_table(TABLE, schema()).unwrap();
    for number in 0..ROWS {
        let id = number * 7919 % ROWS;
        insert(&mut transaction, id, &format!("name{}", id % 100), id);
    }
    transaction.commit().wait().unwrap()
}

fn all(database: &Database) -> Vec<(i64, i64)> {
    let view = begin(database).view();
    let rows = scan(&view);
    assert_eq!(by_key(&view, false), rows);
    rows
}

/// Updates rows by key, without looking each up in a statement of its own.
fn update(transaction: &mut Transaction, ids: impl Iterator<Item = i64>, change: impl Fn(i64) -> i64) {
    transaction.start_statement();
    let view = transaction.view();
    for id in ids {
        let (handle, name, amount) = find(&view, id).expect("the row exists");
        assert!(matches!(lock(transaction, handle), LockedRow::Current));
        let row = row(id, &name, change(amount));
        assert!(matches!(transaction.update(TABLE, handle, &row, false), Ok(Outcome::Done(_))));
    }
}

#[test]
fn a_large_update_is_one_small_record_and_all_of_its_rows_at_once() {
    let world = World::new(61);
    let mut database = open(&world);
    let loaded = load(&database);
    let mut writer = begin(&database);
    update(&mut writer, 0..ROWS, |amount| amount + 1);
    // A row twice, rows of its own deleted, one inserted and deleted, and what is taken back.
    update(&mut writer, (0..ROWS).step_by(3), |amount| amount + 1);
    for id in 0..50 {
        delete(&mut writer, id);
    }
    writer.start_statement();
    insert(&mut writer, ROWS, "new", 1);
    delete(&mut writer, ROWS);
    let savepoint = writer.savepoint();
    update(&mut writer, 10_000..29_000, |_| -5);
    writer.rollback_to(savepoint).unwrap();
    let expected: Vec<(i64, i64)> = (50..ROWS).map(|id| (id, id + 1 + i64::from(id % 3 == 0))).collect();
    writer.start_statement();
    assert_eq!(scan(&writer.view()), expected);
    assert_eq!(by_key(&writer.view(), false), expected);
    let before: Vec<(i64, i64)> = (0..ROWS).map(|id| (id, id)).collect();
    assert_eq!(all(&database), before);
    let at = writer.commit().wait().unwrap();
    let statistics = database.statistics(TABLE).unwrap();
    assert_eq!((statistics.hot_rows, statistics.rows), (0, ROWS as u64 - 50));
    for life in 0..4 {
        assert_eq!(all(&database), expected, "life {life}");
        assert_eq!(scan(&begin(&database).view_at(loaded)), before);
        assert_eq!(scan(&begin(&database).view_at(Timestamp(at.0 - 1))), before);
        let mut seen = (0, 0);
        let mut cursor = begin(&database).view().changes(TABLE, loaded, at).unwrap();
        let mut count = |change: strata_engine::Change<'_>| match (&change.old, &change.new) {
            (Some(old), Some(new)) => {
                assert_eq!(old.birth().unwrap(), new.birth().unwrap());
                seen.0 += 1;
            }
            (Some(_), None) => seen.1 += 1,
            other => panic!("{:?}", (other.0.is_some(), other.1.is_some())),
        };
        while cursor.next(1000, &mut count).unwrap() {}
        assert_eq!(seen, (ROWS - 50, 50), "life {life}");
        match life {
            1 => database.checkpoint().wait().unwrap(),
            2 => database.compact().wait().unwrap(),
            _ => {}
        }
        if life != 1 {
            world.disk.crash();
            drop(database);
            database = open(&world);
        }
    }
}

#[test]
fn who_waits_for_a_row_of_a_large_update_goes_on_to_its_new_version() {
    let world = World::new(63);
    let database = open(&world);
    load(&database);
    let mut writer = begin(&database);
    update(&mut writer, 0..ROWS, |amount| amount + 1);
    let mut waiting = begin(&database);
    let (handle, _, _) = find(&waiting.view(), 77).unwrap();
    let policy = WaitPolicy::WAIT;
    let Outcome::Wait(ticket) = waiting.lock_row(TABLE, handle, RowLock::NoKeyUpdate, policy).unwrap() else {
        panic!("the row is locked")
    };
    writer.commit().wait().unwrap();
    ticket.wait().unwrap();
    let Outcome::Done(LockedRow::Moved(newer)) =
        waiting.lock_row(TABLE, handle, RowLock::NoKeyUpdate, policy).unwrap()
    else {
        panic!("the row has a newer version")
    };
    assert!(matches!(waiting.update(TABLE, newer, &row(77, "name77", 1000), false), Ok(Outcome::Done(_))));
    waiting.commit().wait().unwrap();
    assert_eq!(amount(&begin(&database).view(), 77), Some(1000));
}

/// What an insert is answered: the ticket, if it has to wait.
fn try_insert(transaction: &mut Transaction, id: i64) -> Result<bool, Ticket> {
    match transaction.insert(TABLE, &row(id, "name", 0)).unwrap() {
        Outcome::Done(Inserted::Row(_)) => Ok(true),
        Outcome::Done(Inserted::Conflict { .. }) => Ok(false),
        Outcome::Wait(ticket) => Err(ticket),
    }
}

#[test]
fn a_key_of_a_bulk_writer_is_waited_for_and_others_are_not() {
    for commits in [true, false] {
        let world = World::new(64);
        let database = open(&world);
        with_rows(&database, 0);
        let mut bulk = begin(&database);
        for id in 0..100 {
            insert(&mut bulk, id, "name", id);
        }
        let mut other = begin(&database);
        assert!(try_insert(&mut other, 500).unwrap(), "a key that the bulk writer has not");
        for id in [1, 99] {
            let mut third = begin(&database);
            let ticket = try_insert(&mut third, id).expect_err("the key is undecided");
            assert!(!ticket.is_settled());
        }
        let ticket = try_insert(&mut other, 98).expect_err("the key is undecided");
        // The other way round, the holder of the lock is waited for; here that is a circle.
        assert!(bulk.insert(TABLE, &row(500, "name", 0)).is_err());
        if commits {
            bulk.commit().wait().unwrap();
        } else {
            bulk.rollback();
        }
        ticket.wait().unwrap();
        assert_eq!(try_insert(&mut other, 98).unwrap(), !commits);
        other.commit().wait().unwrap();
        assert_eq!(all(&database).len(), if commits { 101 } else { 2 });
    }
}

/// A key that a foreign key's check has locked is checked again by an insert that finds it taken.
#[test]
fn a_bulk_writer_keeps_the_lock_of_a_key_that_it_has_referred_to() {
    let world = World::new(68);
    let database = open(&world);
    with_rows(&database, 1);
    let mut bulk = begin(&database);
    for id in 100..200 {
        insert(&mut bulk, id, "name", id);
    }
    let referred = key(1);
    assert!(matches!(bulk.lock_key(KEY, &referred, KeyLock::Share), Ok(Outcome::Done(()))));
    assert!(!try_insert(&mut bulk, 1).unwrap(), "the key has a row");
    let mut other = begin(&database);
    let Ok(Outcome::Wait(ticket)) = other.lock_key(KEY, &referred, KeyLock::Exclusive) else {
        panic!("the key is free before its reader has ended")
    };
    bulk.commit().wait().unwrap();
    ticket.wait().unwrap();
}

#[test]
fn bulk_writers_side_by_side_never_write_a_key_twice() {
    let world = World::new(66);
    let database = open(&world);
    with_rows(&database, 0);
    let inserted: usize = std::thread::scope(|scope| {
        let run = |thread: u64| {
            let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(thread + 1);
            let mut next = move |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 20) % below
            };
            let mut committed = 0;
            for _ in 0..300 {
                let mut transaction = begin(&database);
                transaction.set_lock_timeout(Some(Duration::from_millis(20)));
                let mut count = 0;
                // In ascending order: fewer circles.
                let mut ids: Vec<i64> = (0..next(30)).map(|_| next(4000) as i64).collect();
                ids.sort_unstable();
                ids.dedup();
                let mut failed = false;
                for id in ids {
                    match transaction.insert(TABLE, &row(id, "name", 0)) {
                        Ok(Outcome::Done(Inserted::Row(_))) => count += 1,
                        Ok(Outcome::Done(Inserted::Conflict { .. })) => {}
                        Ok(Outcome::Wait(ticket)) => failed = ticket.wait().is_err(),
                        Err(_) => failed = true,
                    }
                    if failed {
                        break;
                    }
                }
                if failed || next(4) == 0 {
                    transaction.rollback();
                } else {
                    transaction.commit().wait().unwrap();
                    committed += count;
                }
            }
            committed
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let rows = all(&database);
    assert_eq!(rows.len(), inserted);
    assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "no key stands twice");
}
