//! The anomalies, by their names in the literature, at READ COMMITTED and REPEATABLE READ; and moments that stay.

mod common;

use common::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use strata_engine::{
    Database, Error, Isolation, LockedRow, Outcome, Past, RowLock, Timestamp, Transaction, Value, WaitPolicy,
};

fn statement(transaction: &mut Transaction, id: i64) -> Option<i64> {
    transaction.start_statement();
    amount(&transaction.view(), id)
}

fn try_lock(transaction: &mut Transaction, id: i64) -> Result<Outcome<LockedRow>, Error> {
    transaction.start_statement();
    let (handle, _, _) = find(&transaction.view(), id).expect("the row exists");
    transaction.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT)
}

fn world_of_two() -> (World, std::sync::Arc<Database>) {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    (world, database)
}

#[test]
fn g0_writes_do_not_mix() {
    let (_world, database) = world_of_two();
    let (mut one, mut two) = (begin(&database), begin(&database));
    set_amount(&mut one, 1, 11);
    let Outcome::Wait(ticket) = try_lock(&mut two, 1).unwrap() else { panic!("a dirty write") };
    set_amount(&mut one, 2, 21);
    one.commit().wait().unwrap();
    ticket.wait().unwrap();
    set_amount(&mut two, 1, 12);
    set_amount(&mut two, 2, 22);
    two.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 12), (2, 22)]);
}

#[test]
fn g1_aborted_intermediate_and_circular_reads_do_not_happen() {
    let (_world, database) = world_of_two();
    let (mut one, mut two) = (begin(&database), begin(&database));
    set_amount(&mut one, 1, 101);
    assert_eq!(statement(&mut two, 1), Some(100));
    set_amount(&mut one, 1, 11);
    set_amount(&mut two, 2, 22);
    assert_eq!(statement(&mut one, 2), Some(100));
    assert_eq!(statement(&mut two, 1), Some(100));
    one.rollback();
    assert_eq!(statement(&mut two, 1), Some(100));
    two.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 100), (2, 22)]);
}

#[test]
fn otv_an_observed_transaction_does_not_vanish() {
    let (_world, database) = world_of_two();
    let (mut one, mut two, mut three) = (begin(&database), begin(&database), begin(&database));
    set_amount(&mut one, 1, 11);
    set_amount(&mut one, 2, 19);
    let Outcome::Wait(ticket) = try_lock(&mut two, 1).unwrap() else { panic!("a dirty write") };
    one.commit().wait().unwrap();
    ticket.wait().unwrap();
    assert_eq!(statement(&mut three, 1), Some(11));
    set_amount(&mut two, 1, 12);
    set_amount(&mut two, 2, 18);
    assert_eq!(statement(&mut three, 2), Some(19));
    two.commit().wait().unwrap();
    assert_eq!((statement(&mut three, 2), statement(&mut three, 1)), (Some(18), Some(12)));
}

#[test]
fn p4_and_g_single_lost_updates_and_read_skew_are_refused_at_repeatable_read() {
    let (_world, database) = world_of_two();
    let repeatable = || database.begin(Isolation::RepeatableRead, false);
    let (mut one, mut two, mut reader) = (repeatable(), repeatable(), repeatable());
    assert_eq!(statement(&mut reader, 1), Some(100));
    assert_eq!((statement(&mut one, 1), statement(&mut two, 1)), (Some(100), Some(100)));
    set_amount(&mut one, 1, 11);
    let Outcome::Wait(ticket) = try_lock(&mut two, 1).unwrap() else { panic!("a dirty write") };
    set_amount(&mut one, 2, 21);
    one.commit().wait().unwrap();
    ticket.wait().unwrap();
    assert!(matches!(try_lock(&mut two, 1), Err(Error::SerializationFailure)));
    two.rollback();
    assert_eq!(statement(&mut reader, 2), Some(100), "no read skew");
    // At READ COMMITTED the update is lost, as PostgreSQL's is.
    let (mut one, mut two) = (begin(&database), begin(&database));
    let before = (statement(&mut one, 1).unwrap(), statement(&mut two, 1).unwrap());
    set_amount(&mut one, 1, before.0 + 1);
    one.commit().wait().unwrap();
    set_amount(&mut two, 1, before.1 + 1);
    two.commit().wait().unwrap();
    assert_eq!(amount(&begin(&database).view(), 1), Some(12));
}

#[test]
fn pmp_a_predicate_keeps_its_answer_at_repeatable_read_only() {
    let (_world, database) = world_of_two();
    let mut repeatable = database.begin(Isolation::RepeatableRead, true);
    let mut committed = begin(&database);
    let before = scan(&repeatable.view());
    let mut writer = begin(&database);
    insert(&mut writer, 3, "phantom", 30);
    writer.commit().wait().unwrap();
    repeatable.start_statement();
    committed.start_statement();
    assert_eq!(scan(&repeatable.view()), before);
    assert_eq!(scan(&committed.view()).len(), 3);
}

#[test]
fn an_insert_that_meets_a_row_newer_than_its_snapshot_is_refused_at_repeatable_read() {
    let (_world, database) = world_of_two();
    let mut late = database.begin(Isolation::RepeatableRead, false);
    let mut early = begin(&database);
    insert(&mut early, 7, "first", 1);
    early.commit().wait().unwrap();
    let Outcome::Done(strata_engine::Inserted::Conflict { existing, .. }) =
        late.insert(TABLE, &row(7, "second", 2)).unwrap()
    else {
        panic!("the key is taken")
    };
    let update = late.lock_row(TABLE, existing, RowLock::Update, WaitPolicy::WAIT);
    assert!(matches!(update, Err(Error::SerializationFailure)));
}

/// Moves money between two rows; the sum never changes.
fn transfer(database: &Database, from: i64, to: i64, thread: i64) {
    let mut session = begin(database);
    // Always in the same order: no deadlocks here.
    let mut ids = [(from, -thread - 1), (to, thread + 1)];
    ids.sort_unstable();
    for (id, change) in ids {
        session.start_statement();
        let (handle, _, _) = find(&session.view(), id).unwrap();
        let newest = loop {
            match session.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap() {
                Outcome::Wait(ticket) => ticket.wait().unwrap(),
                Outcome::Done(LockedRow::Current) => break handle,
                Outcome::Done(LockedRow::Moved(newest)) => break newest,
                Outcome::Done(other) => panic!("{other:?}"),
            }
        };
        let values = session.view().get(TABLE, newest, &[AMOUNT]).unwrap().unwrap();
        let Value::Int64(before) = values[0] else { panic!("no amount") };
        let done = session.update(TABLE, newest, &row(id, "name", before + change), false).unwrap();
        assert!(done.done().is_some());
    }
    session.commit().wait().unwrap();
}

#[test]
fn moments_read_during_a_storm_of_transfers_read_the_same_for_ever() {
    let world = World::new(21);
    let database = world.open();
    with_rows(&database, 20);
    let stop = AtomicBool::new(false);
    let mut moments: Vec<(Timestamp, Vec<(i64, i64)>)> = Vec::new();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (database, stop) = (&database, &stop);
            scope.spawn(move || {
                let mut round = thread;
                while !stop.load(Ordering::Relaxed) {
                    transfer(database, 1 + round % 20, 1 + (round * 7 + 3) % 20, thread);
                    round += 5;
                }
            });
        }
        for round in 0..200 {
            world.clock.advance(1 + round % 3);
            if round % 50 == 20 {
                database.checkpoint().wait().unwrap();
            }
            let moment = Timestamp::from_micros(database.now_micros());
            loop {
                match database.past(moment).unwrap() {
                    Past::Wait(ticket) => ticket.wait().unwrap(),
                    Past::Ready(_) => break,
                }
            }
            let rows = scan(&begin(&database).view_at(moment));
            assert_eq!(rows.iter().map(|(_, amount)| amount).sum::<i64>(), 2000);
            moments.push((moment, rows));
            let repeatable = database.begin(Isolation::RepeatableRead, true);
            moments.push((repeatable.snapshot(), scan(&repeatable.view())));
        }
        stop.store(true, Ordering::Relaxed);
    });
    for (moment, rows) in &moments {
        assert_eq!(&scan(&begin(&database).view_at(*moment)), rows, "{moment}");
    }
    world.disk.crash();
    drop(database);
    let database = world.open();
    for (moment, rows) in &moments {
        assert_eq!(&scan(&begin(&database).view_at(*moment)), rows, "{moment} after the restart");
        assert_eq!(&by_key(&begin(&database).view_at(*moment), false), rows);
    }
}
