//! Checkpoints keep every version, every lock, every moment, and let go of memory and log.

mod common;

use common::*;
use std::ops::Bound;
use strata_engine::{
    Database, IndexId, IndexSchema, LockedRow, Outcome, RowLock, ScanColumn, Timestamp, Value, WaitPolicy,
};

/// Every version there ever was: id, amount, from, to.
fn versions(database: &Database) -> Vec<(i64, i64, i64, i64)> {
    let projection =
        [ScanColumn::Column(ID), ScanColumn::Column(AMOUNT), ScanColumn::SystemFrom, ScanColumn::SystemTo];
    let view = begin(database).view();
    let mut all = Vec::new();
    for batch in view.versions(TABLE, Timestamp::ZERO, Timestamp::LATEST, &projection, 1000).unwrap() {
        let batch = batch.unwrap();
        let columns: Vec<Vec<i64>> = (0..4).map(|column| int64(&batch, column)).collect();
        for row in 0..batch.num_rows() {
            all.push((columns[0][row], columns[1][row], columns[2][row], columns[3][row]));
        }
    }
    all.sort_unstable();
    all
}

fn by_name(database: &Database, name: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    begin(database)
        .view()
        .lookup(TABLE, BY_NAME, name.as_bytes(), &mut |_, row| {
            if let Ok(Value::Int64(id)) = row.value(ID) {
                ids.push(id);
            }
        })
        .unwrap();
    ids.sort_unstable();
    ids
}

/// Inserts, updates and deletes, with all of it one commit each.
fn work(database: &Database, round: i64) {
    let base = round * 1000;
    let mut writer = begin(database);
    for id in base + 1..=base + 100 {
        insert(&mut writer, id, if id % 2 == 0 { "even" } else { "odd" }, id);
    }
    writer.commit().wait().unwrap();
    for id in base + 1..=base + 20 {
        commit_amount(database, id, id * 10);
        commit_amount(database, id, id * 100);
    }
    if round > 0 {
        commit_amount(database, (round - 1) * 1000 + 50, round);
        let mut deleter = begin(database);
        delete(&mut deleter, (round - 1) * 1000 + 60);
        deleter.commit().wait().unwrap();
    }
}

#[test]
fn every_version_is_kept_through_checkpoints_and_crashes() {
    let world = World::new(11);
    let mut database = world.open();
    with_rows(&database, 0);
    let mut moments = Vec::new();
    for round in 0..8 {
        work(&database, round);
        moments.push((database.snapshot(), scan(&begin(&database).view())));
        let before = versions(&database);
        let names = by_name(&database, "even");
        database.checkpoint().wait().unwrap();
        assert_eq!(versions(&database), before, "round {round}");
        assert_eq!(by_name(&database, "even"), names);
        assert_eq!(database.statistics(TABLE).unwrap().hot_rows, 0);
        if round % 2 == 1 {
            commit_amount(&database, 1, round);
            let before = versions(&database);
            world.disk.crash();
            drop(database);
            database = world.open();
            assert_eq!(versions(&database), before, "after the crash of round {round}");
        }
        let before_compaction = versions(&database);
        let view = begin(&database).view();
        let expected = scan(&view);
        assert_eq!(by_key(&view, false), expected);
        assert_eq!(by_key(&view, true), expected.iter().rev().copied().collect::<Vec<_>>());
        assert_eq!(database.statistics(TABLE).unwrap().rows, expected.len() as u64);
        for (id, amount_seen) in &expected {
            assert_eq!(amount(&view, *id), Some(*amount_seen));
        }
        database.compact().wait().unwrap();
        let segments = database.statistics(TABLE).unwrap().segments;
        assert!(segments <= 12, "{segments}");
        assert_eq!(versions(&database), before_compaction);
    }
    for (moment, rows) in moments {
        assert_eq!(scan(&begin(&database).view_at(moment)), rows);
        assert_eq!(by_key(&begin(&database).view_at(moment), false), rows);
    }
}

#[test]
fn locks_own_writes_cursors_and_handles_live_through_a_checkpoint() {
    let world = World::new(12);
    let database = world.open();
    with_rows(&database, 100);
    let mut holder = begin(&database);
    set_amount(&mut holder, 1, 1);
    delete(&mut holder, 2);
    holder.start_statement();
    let mut sharer = begin(&database);
    let (three, _, _) = find(&sharer.view(), 3).unwrap();
    assert!(sharer.lock_row(TABLE, three, RowLock::Share, WaitPolicy::WAIT).unwrap().done().is_some());
    let mut cursor = sharer.view().range(TABLE, KEY, Bound::Unbounded, Bound::Unbounded, false);
    let mut seen = Vec::new();
    for _ in 0..20 {
        cursor.next(&mut |_, _, row| seen.push(row.value(AMOUNT).unwrap())).unwrap();
    }
    let early = begin(&database);
    let (ten, _, _) = find(&early.view(), 10).unwrap();
    commit_amount(&database, 10, 1010);
    database.checkpoint().wait().unwrap();
    assert_eq!(database.statistics(TABLE).unwrap().hot_rows, 0);
    while cursor.next(&mut |_, _, row| seen.push(row.value(AMOUNT).unwrap())).unwrap() {}
    assert_eq!(seen, vec![Value::Int64(100); 100], "the cursor keeps its snapshot");
    let mut early = early;
    let LockedRow::Moved(newest) = lock(&mut early, ten) else { panic!("the link survives") };
    assert_eq!(early.view().get(TABLE, newest, &[AMOUNT]).unwrap(), Some(vec![Value::Int64(1010)]));
    let mut other = begin(&database);
    other.start_statement();
    for id in [1, 2, 3] {
        let (handle, _, _) = find(&other.view(), id).unwrap();
        let locked = other.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::Skip).unwrap();
        assert!(matches!(locked, Outcome::Done(LockedRow::Skipped)), "row {id}");
    }
    assert_eq!(amount(&holder.view(), 1), Some(1));
    assert_eq!(amount(&holder.view(), 2), None);
    holder.commit().wait().unwrap();
    sharer.rollback();
    commit_amount(&database, 3, 33);
    database.checkpoint().wait().unwrap();
    world.disk.crash();
    drop((other, early, database));
    let database = world.open();
    let view = begin(&database).view();
    assert_eq!((amount(&view, 1), amount(&view, 2), amount(&view, 3)), (Some(1), None, Some(33)));
    assert_eq!(scan(&view).len(), 99);
}

#[test]
fn truncations_and_late_indexes_go_through_checkpoints() {
    const BY_AMOUNT: IndexId = IndexId(202);
    let world = World::new(13);
    let mut database = world.open();
    with_rows(&database, 50);
    let full = database.snapshot();
    database.checkpoint().wait().unwrap();
    let mut emptier = begin(&database);
    emptier.truncate(TABLE).unwrap();
    emptier.commit().wait().unwrap();
    let empty = database.snapshot();
    work(&database, 0);
    database.checkpoint().wait().unwrap();
    commit_amount(&database, 1, 5);
    let mut shape = begin(&database);
    let mut more = schema();
    more.indexes.push(IndexSchema { id: BY_AMOUNT, unique: false, primary: false });
    shape.alter_table(TABLE, more, &[]).unwrap();
    let projection = [ScanColumn::Handle, ScanColumn::Column(AMOUNT)];
    let mut entries = Vec::new();
    for batch in shape.view().versions(TABLE, Timestamp::ZERO, Timestamp::LATEST, &projection, 100).unwrap() {
        let batch = batch.unwrap();
        let handles = batch.column(0).as_any().downcast_ref::<arrow_array::FixedSizeBinaryArray>().unwrap();
        for (row, amount) in int64(&batch, 1).into_iter().enumerate() {
            let handle = strata_engine::RowHandle::from_bytes(handles.value(row).try_into().unwrap());
            entries.push((handle, key(amount)));
        }
    }
    shape.add_index_entries(TABLE, BY_AMOUNT, entries, true).unwrap();
    shape.commit().wait().unwrap();
    let count = |database: &Database, at: Timestamp, amount: i64| {
        let view = begin(database).view_at(at);
        assert!(view.index_usable(TABLE, BY_AMOUNT));
        let mut count = 0;
        view.lookup(TABLE, BY_AMOUNT, &key(amount), &mut |_, _| count += 1).unwrap();
        count
    };
    for step in 0..3 {
        let now = database.snapshot();
        assert_eq!(count(&database, now, 5), 1, "step {step}");
        assert_eq!(count(&database, now, 50), 1);
        assert_eq!(count(&database, full, 100), 50);
        assert_eq!(count(&database, empty, 100), 0);
        if step < 2 {
            database.checkpoint().wait().unwrap();
        }
        world.disk.crash();
        drop(database);
        database = world.open();
    }
    assert_eq!(scan(&begin(&database).view_at(full)), (1..=50).map(|id| (id, 100)).collect::<Vec<_>>());
    assert_eq!(scan(&begin(&database).view_at(empty)), []);
}

#[test]
fn writers_go_on_while_checkpoints_run() {
    let world = World::new(14);
    let database = world.open();
    with_rows(&database, 200);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let database = database.clone();
            std::thread::spawn(move || {
                for round in 0..100 {
                    let id = 1 + (thread * 50 + round) % 200;
                    let mut session = begin(&database);
                    session.start_statement();
                    let (handle, _, _) = find(&session.view(), id).unwrap();
                    let newest = loop {
                        match session.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap()
                        {
                            Outcome::Wait(ticket) => ticket.wait().unwrap(),
                            Outcome::Done(LockedRow::Current) => break handle,
                            Outcome::Done(LockedRow::Moved(newest)) => break newest,
                            Outcome::Done(other) => panic!("{other:?}"),
                        }
                    };
                    let before = session.view().get(TABLE, newest, &[AMOUNT]).unwrap().unwrap();
                    let Value::Int64(before) = before[0] else { panic!("no amount") };
                    let done = session.update(TABLE, newest, &row(id, "name", before + 1), false).unwrap();
                    assert!(done.done().is_some());
                    session.commit().wait().unwrap();
                }
            })
        })
        .collect();
    for _ in 0..10 {
        database.checkpoint().wait().unwrap();
        let seen: Vec<i64> = scan(&begin(&database).view()).into_iter().map(|(id, _)| id).collect();
        assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let total = |database: &Database| -> i64 {
        scan(&begin(database).view()).into_iter().map(|(_, amount)| amount).sum()
    };
    assert_eq!(total(&database), 200 * 100 + 400);
    database.checkpoint().wait().unwrap();
    assert_eq!(total(&database), 200 * 100 + 400);
    world.disk.crash();
    drop(database);
    assert_eq!(total(&world.open()), 200 * 100 + 400);
}
