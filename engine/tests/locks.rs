//! Waiting: rows, keys, relations, queues, deadlocks, timeouts.

mod common;

use common::*;
use std::time::Duration;
use strata_engine::{
    Error, Inserted, Isolation, KeyLock, LockedRow, Outcome, RelationLockMode, RowLock, Ticket, Transaction,
    WaitPolicy,
};

fn waits<T: std::fmt::Debug>(outcome: Outcome<T>) -> Ticket {
    match outcome {
        Outcome::Wait(ticket) => ticket,
        Outcome::Done(done) => panic!("did not wait: {done:?}"),
    }
}

fn done<T>(outcome: Outcome<T>) -> T {
    outcome.done().expect("nobody is in the way")
}

fn try_lock(transaction: &mut Transaction, id: i64, lock: RowLock) -> Result<Outcome<LockedRow>, Error> {
    let (handle, _, _) = find(&transaction.view(), id).expect("the row exists");
    transaction.lock_row(TABLE, handle, lock, WaitPolicy::WAIT)
}

#[test]
fn a_waiter_follows_the_row_to_its_newest_version() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut holder, mut waiter) = (begin(&database), begin(&database));
    set_amount(&mut holder, 1, 5);
    set_amount(&mut holder, 1, 6);
    let (handle, _, _) = find(&waiter.view(), 1).unwrap();
    let ticket = waits(waiter.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap());
    assert!(!ticket.is_settled());
    assert_eq!(database.blocking(waiter.id()), [holder.id()]);
    holder.commit().wait().unwrap();
    ticket.wait().unwrap();
    let locked = done(waiter.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap());
    let LockedRow::Moved(newest) = locked else { panic!("{locked:?}") };
    assert_eq!(
        waiter.view().get(TABLE, newest, &[AMOUNT]).unwrap(),
        Some(vec![strata_engine::Value::Int64(6)])
    );
    assert!(matches!(
        waiter.update(TABLE, newest, &row(1, "name", 7), false),
        Ok(Outcome::Done(Inserted::Row(_)))
    ));
    waiter.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 7)]);
}

#[test]
fn a_waiter_learns_of_a_deletion_and_of_a_rollback() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let (mut holder, mut waiter) = (begin(&database), begin(&database));
    delete(&mut holder, 1);
    let ticket = waits(try_lock(&mut waiter, 1, RowLock::Update).unwrap());
    holder.commit().wait().unwrap();
    ticket.wait().unwrap();
    assert_eq!(done(try_lock(&mut waiter, 1, RowLock::Update).unwrap()), LockedRow::Deleted);
    let mut holder = begin(&database);
    delete(&mut holder, 2);
    let ticket = waits(try_lock(&mut waiter, 2, RowLock::Update).unwrap());
    holder.rollback();
    ticket.wait().unwrap();
    assert_eq!(done(try_lock(&mut waiter, 2, RowLock::Update).unwrap()), LockedRow::Current);
}

#[test]
fn row_strengths_share_as_postgresql_says() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let strengths = [RowLock::KeyShare, RowLock::Share, RowLock::NoKeyUpdate, RowLock::Update];
    for (held, conflicts) in strengths.iter().zip(["...X", "..XX", ".XXX", "XXXX"]) {
        for (wanted, cell) in strengths.iter().zip(conflicts.chars()) {
            let (mut one, mut two) = (begin(&database), begin(&database));
            assert_eq!(done(try_lock(&mut one, 1, *held).unwrap()), LockedRow::Current);
            let answer = try_lock(&mut two, 1, *wanted).unwrap();
            assert_eq!(matches!(answer, Outcome::Wait(_)), cell == 'X', "{held:?} held, {wanted:?} wanted");
        }
    }
}

#[test]
fn a_key_share_lock_outlives_an_update_of_other_columns() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let mut sharer = begin(&database);
    assert_eq!(done(try_lock(&mut sharer, 1, RowLock::KeyShare).unwrap()), LockedRow::Current);
    commit_amount(&database, 1, 5);
    let mut deleter = begin(&database);
    let ticket = waits(try_lock(&mut deleter, 1, RowLock::Update).unwrap());
    sharer.rollback();
    ticket.wait().unwrap();
    assert_eq!(done(try_lock(&mut deleter, 1, RowLock::Update).unwrap()), LockedRow::Current);
}

#[test]
fn nowait_skip_locked_and_timeout() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut holder, mut other) = (begin(&database), begin(&database));
    set_amount(&mut holder, 1, 5);
    let (handle, _, _) = find(&other.view(), 1).unwrap();
    let nowait = other.lock_row(TABLE, handle, RowLock::Share, WaitPolicy::NoWait);
    assert!(matches!(nowait, Err(Error::LockNotAvailable)));
    let skip = other.lock_row(TABLE, handle, RowLock::Share, WaitPolicy::Skip).unwrap();
    assert_eq!(done(skip), LockedRow::Skipped);
    let policy = WaitPolicy::Wait { timeout: Some(Duration::from_millis(20)) };
    let ticket = waits(other.lock_row(TABLE, handle, RowLock::Share, policy).unwrap());
    assert_eq!(ticket.wait(), Err(Error::LockTimeout));
    holder.rollback();
    assert_eq!(
        done(other.lock_row(TABLE, handle, RowLock::Share, WaitPolicy::NoWait).unwrap()),
        LockedRow::Current
    );
}

#[test]
fn a_deadlock_is_refused_to_the_one_who_closes_the_circle() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 3);
    let mut sessions: Vec<Transaction> = (0..3).map(|_| begin(&database)).collect();
    for (session, id) in sessions.iter_mut().zip(1..) {
        set_amount(session, id, 1);
    }
    let first = waits(try_lock(&mut sessions[0], 2, RowLock::NoKeyUpdate).unwrap());
    let _second = waits(try_lock(&mut sessions[1], 3, RowLock::NoKeyUpdate).unwrap());
    let refused = try_lock(&mut sessions[2], 1, RowLock::NoKeyUpdate);
    assert!(matches!(refused, Err(Error::DeadlockDetected)));
    assert_eq!(Error::DeadlockDetected.sqlstate(), "40P01");
    sessions.pop().unwrap().rollback();
    _second.wait().unwrap();
    sessions.pop().unwrap().rollback();
    first.wait().unwrap();
}

#[test]
fn deadlocks_run_through_relations_rows_and_keys_alike() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut one, mut two) = (begin(&database), begin(&database));
    done(one.lock_relation(TABLE, RelationLockMode::RowExclusive, WaitPolicy::WAIT).unwrap());
    done(two.lock_key(KEY, b"parent", KeyLock::Share).unwrap());
    let _wait = waits(two.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::WAIT).unwrap());
    assert!(matches!(one.lock_key(KEY, b"parent", KeyLock::Exclusive), Err(Error::DeadlockDetected)));
}

#[test]
fn an_insert_of_a_taken_key_waits_for_the_other_transaction() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut first, mut second) = (begin(&database), begin(&database));
    insert(&mut first, 7, "first", 1);
    let ticket = waits(second.insert(TABLE, &row(7, "second", 2)).unwrap());
    first.commit().wait().unwrap();
    ticket.wait().unwrap();
    let answer = done(second.insert(TABLE, &row(7, "second", 2)).unwrap());
    assert!(matches!(answer, Inserted::Conflict { index: KEY, .. }));
    // And the other way round: after a rollback the key is free.
    let mut first = begin(&database);
    insert(&mut first, 8, "first", 1);
    let ticket = waits(second.insert(TABLE, &row(8, "second", 2)).unwrap());
    first.rollback();
    ticket.wait().unwrap();
    assert!(matches!(done(second.insert(TABLE, &row(8, "second", 2)).unwrap()), Inserted::Row(_)));
}

#[test]
fn an_insert_waits_for_the_transaction_that_deletes_its_key() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut deleter, mut inserter) = (begin(&database), begin(&database));
    delete(&mut deleter, 1);
    let ticket = waits(inserter.insert(TABLE, &row(1, "new", 2)).unwrap());
    assert_eq!(database.blocking(inserter.id()), [deleter.id()]);
    deleter.commit().wait().unwrap();
    ticket.wait().unwrap();
    assert!(matches!(done(inserter.insert(TABLE, &row(1, "new", 2)).unwrap()), Inserted::Row(_)));
    inserter.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 2)]);
}

#[test]
fn waits_for_keys_and_for_deleters_end_by_the_lock_timeout() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut holder, mut waiter) = (begin(&database), begin(&database));
    delete(&mut holder, 1);
    insert(&mut holder, 5, "taken", 1);
    waiter.set_lock_timeout(Some(Duration::from_millis(20)));
    for id in [1, 5] {
        let ticket = waits(waiter.insert(TABLE, &row(id, "late", 2)).unwrap());
        assert_eq!(ticket.wait(), Err(Error::LockTimeout));
        assert!(database.blocking(waiter.id()).is_empty());
    }
    holder.rollback();
    assert!(matches!(done(waiter.insert(TABLE, &row(5, "now", 2)).unwrap()), Inserted::Row(_)));
}

#[test]
fn queues_are_first_come_first_served() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let mut holder = begin(&database);
    done(holder.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    let (mut strong, mut weak) = (begin(&database), begin(&database));
    let strong_ticket =
        waits(strong.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::WAIT).unwrap());
    let weak_ticket =
        waits(weak.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    holder.rollback();
    strong_ticket.wait().unwrap();
    assert!(!weak_ticket.is_settled());
    strong.rollback();
    weak_ticket.wait().unwrap();
}

#[test]
fn a_dropped_ticket_leaves_the_queue() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut holder, mut leaver, mut last) = (begin(&database), begin(&database), begin(&database));
    set_amount(&mut holder, 1, 2);
    let leaving = waits(try_lock(&mut leaver, 1, RowLock::Update).unwrap());
    let staying = waits(try_lock(&mut last, 1, RowLock::Update).unwrap());
    drop(leaving);
    holder.commit().wait().unwrap();
    staying.wait().unwrap();
    assert!(matches!(done(try_lock(&mut last, 1, RowLock::Update).unwrap()), LockedRow::Moved(_)));
}

#[test]
fn a_hundred_waiters_for_one_row_each_get_their_turn() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let database = database.clone();
            std::thread::spawn(move || {
                let mut session = begin(&database);
                session.start_statement();
                let (handle, _, _) = find(&session.view(), 1).unwrap();
                let newest = loop {
                    match session.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap() {
                        Outcome::Wait(ticket) => ticket.wait().unwrap(),
                        Outcome::Done(LockedRow::Current) => break handle,
                        Outcome::Done(LockedRow::Moved(newest)) => break newest,
                        Outcome::Done(other) => panic!("{other:?}"),
                    }
                };
                let values = session.view().get(TABLE, newest, &[AMOUNT]).unwrap().unwrap();
                let strata_engine::Value::Int64(amount) = values[0] else { panic!() };
                done(session.update(TABLE, newest, &row(1, "name", amount + 1), false).unwrap());
                session.commit().wait().unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(scan(&begin(&database).view()), [(1, 200)]);
}

#[test]
fn repeatable_read_refuses_rows_changed_since_its_snapshot() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let mut late = database.begin(Isolation::RepeatableRead, false);
    let (one, _, _) = find(&late.view(), 1).unwrap();
    let (two, _, _) = find(&late.view(), 2).unwrap();
    commit_amount(&database, 1, 5);
    let mut deleter = begin(&database);
    delete(&mut deleter, 2);
    deleter.commit().wait().unwrap();
    let update = late.lock_row(TABLE, one, RowLock::NoKeyUpdate, WaitPolicy::WAIT);
    assert!(matches!(update, Err(Error::SerializationFailure)));
    let delete = late.lock_row(TABLE, two, RowLock::Update, WaitPolicy::WAIT);
    assert!(matches!(delete, Err(Error::ConcurrentDelete)));
}

#[test]
fn a_row_closed_by_its_own_transaction_says_so() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let mut writer = begin(&database);
    let (handle, _, _) = find(&writer.view(), 1).unwrap();
    let own = set_amount(&mut writer, 1, 3);
    let command = writer.command();
    let answer = done(writer.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT).unwrap());
    assert_eq!(answer, LockedRow::ModifiedBySelf { command });
    assert_eq!(
        done(writer.lock_row(TABLE, own, RowLock::Update, WaitPolicy::WAIT).unwrap()),
        LockedRow::Current
    );
}

/// The modes that a transaction holds on the table, as a mask.
fn held(database: &strata_engine::Database, owner: &Transaction) -> u16 {
    let locks = database.relation_locks().into_iter();
    locks
        .filter(|(id, table, _, held)| *id == owner.id() && *table == TABLE && *held)
        .map(|lock| lock.2)
        .sum()
}

#[test]
fn weak_locks_kept_with_their_transactions_stand_in_the_way_of_strong_ones() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut reader, mut writer, mut strong) = (begin(&database), begin(&database), begin(&database));
    done(reader.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    done(writer.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    done(writer.lock_relation(TABLE, RelationLockMode::RowExclusive, WaitPolicy::WAIT).unwrap());
    assert_eq!((held(&database, &reader), held(&database, &writer)), (0b1, 0b101));
    let refused = strong.lock_relation(TABLE, RelationLockMode::Share, WaitPolicy::NoWait);
    assert_eq!(refused.err(), Some(Error::LockNotAvailable));
    let ticket =
        waits(strong.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::WAIT).unwrap());
    assert_eq!(database.blocking(strong.id()).len(), 2);
    // Moved meanwhile, and still what they were.
    assert_eq!((held(&database, &reader), held(&database, &writer)), (0b1, 0b101));
    reader.rollback();
    assert!(!ticket.is_settled());
    writer.commit().wait().unwrap();
    ticket.wait().unwrap();
    // The fast path is closed while the strong lock is held, and open again afterwards.
    let mut late = begin(&database);
    let refused = late.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::NoWait);
    assert_eq!(refused.err(), Some(Error::LockNotAvailable));
    strong.rollback();
    done(late.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::NoWait).unwrap());
}

#[test]
fn a_savepoint_takes_weak_locks_back_and_keeps_those_before_it() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let (mut one, mut two) = (begin(&database), begin(&database));
    let savepoint = one.savepoint();
    done(one.lock_relation(TABLE, RelationLockMode::RowExclusive, WaitPolicy::WAIT).unwrap());
    let ticket =
        waits(two.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::WAIT).unwrap());
    one.rollback_to(savepoint).unwrap();
    ticket.wait().unwrap();
    two.rollback();
    done(one.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    let savepoint = one.savepoint();
    done(one.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::WAIT).unwrap());
    one.rollback_to(savepoint).unwrap();
    let mut two = begin(&database);
    let refused = two.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::NoWait);
    assert_eq!(refused.err(), Some(Error::LockNotAvailable));
}

#[test]
fn a_circle_of_weak_and_strong_locks_is_refused() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 1);
    let other = strata_engine::TableId(TABLE.0 + 1);
    let (mut one, mut two) = (begin(&database), begin(&database));
    done(one.lock_relation(TABLE, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    done(two.lock_relation(other, RelationLockMode::AccessShare, WaitPolicy::WAIT).unwrap());
    let _wait = waits(one.lock_relation(other, RelationLockMode::AccessExclusive, WaitPolicy::WAIT).unwrap());
    let refused = two.lock_relation(TABLE, RelationLockMode::AccessExclusive, WaitPolicy::WAIT);
    assert_eq!(refused.err(), Some(Error::DeadlockDetected));
}
