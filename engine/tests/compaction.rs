//! Compaction: whatever is rewritten, at whatever moment a crash comes, every version is there once, with its times,
//! and every index says what the table says.

mod common;

use arrow_array::{RecordBatch, StringArray};
use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strata_engine::{
    ColumnRange, Configuration, Database, Error, LockedRow, Outcome, ReadView, RowLock, ScanColumn,
    Timestamp, Value, WaitPolicy,
};

/// Files of sixteen rows: compaction has much to do.
fn open(world: &World) -> Arc<Database> {
    let configuration = Configuration { segment_rows: 64, ..configuration() };
    Database::open(configuration, world.environment.clone()).expect("the database opens")
}

/// A version: id, name, amount, start, end in microseconds.
type Version = (i64, String, i64, i64, i64);

fn texts(batch: &RecordBatch, column: usize) -> Vec<String> {
    let array = batch.column(column).as_any().downcast_ref::<StringArray>().expect("text");
    (0..batch.num_rows()).map(|row| array.value(row).to_owned()).collect()
}

/// Every version that was ever visible.
fn versions(database: &Database) -> Vec<Version> {
    let columns = [ID, NAME, AMOUNT].map(ScanColumn::Column);
    let projection = [columns[0], columns[1], columns[2], ScanColumn::SystemFrom, ScanColumn::SystemTo];
    let mut all = Vec::new();
    let view = begin(database).view();
    for batch in view.versions(TABLE, Timestamp::ZERO, Timestamp::LATEST, &projection, 1000).unwrap() {
        let batch = batch.unwrap();
        let (ids, names, amounts) = (int64(&batch, 0), texts(&batch, 1), int64(&batch, 2));
        let (froms, tos) = (int64(&batch, 3), int64(&batch, 4));
        for row in 0..batch.num_rows() {
            all.push((ids[row], names[row].clone(), amounts[row], froms[row], tos[row]));
        }
    }
    all.sort_unstable();
    all
}

/// The rows of a view by a scan; both indexes must agree with it, by range and by look-up.
fn rows(view: &ReadView) -> Vec<(i64, i64)> {
    let scanned = scan(view);
    assert_eq!(by_key(view, false), scanned);
    for (id, amount_seen) in scanned.iter().step_by(7) {
        assert_eq!(amount(view, *id), Some(*amount_seen), "row {id}");
    }
    let mut named = 0;
    for name in ["even", "odd", "name", "moved"] {
        view.lookup(TABLE, BY_NAME, name.as_bytes(), &mut |_, row| {
            assert_eq!(row.bytes(NAME).unwrap().as_deref(), Some(name.as_bytes()));
            named += 1;
        })
        .unwrap();
    }
    assert_eq!(named, scanned.len(), "the second index agrees with the table");
    scanned
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Some transactions of inserts, updates (of other columns, and of the indexed one) and deletes.
fn work(database: &Database, state: &mut u64, transactions: u64) {
    for _ in 0..transactions {
        let mut writer = begin(database);
        for _ in 0..1 + next(state) % 12 {
            let id = (next(state) % 400) as i64;
            writer.start_statement();
            match find(&writer.view(), id) {
                None => {
                    insert(&mut writer, id, if id % 2 == 0 { "even" } else { "odd" }, id);
                }
                Some(_) if next(state) % 5 == 0 => delete(&mut writer, id),
                Some((handle, _, amount)) => {
                    let locked =
                        writer.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap();
                    assert!(
                        matches!(locked, Outcome::Done(LockedRow::Current)) || handle.location >> 62 == 2
                    );
                    let name = if next(state) % 4 == 0 { "moved" } else { "even" };
                    let done = writer.update(TABLE, handle, &row(id, name, amount + 1), false).unwrap();
                    assert!(done.done().is_some());
                }
            }
        }
        writer.commit().wait().unwrap();
    }
}

#[test]
fn the_versions_of_a_table_are_the_same_before_and_after() {
    for seed in 1..6 {
        let world = World::new(seed);
        let mut database = open(&world);
        with_rows(&database, 0);
        let mut state = 0x9E37_79B9_7F4A_7C15 ^ seed;
        let mut noted: Vec<(Timestamp, Vec<(i64, i64)>)> = Vec::new();
        for round in 0..12 {
            work(&database, &mut state, 40);
            world.clock.advance(1 << (round + 4));
            noted.push((database.snapshot(), rows(&begin(&database).view())));
            let before = versions(&database);
            database.compact().wait().unwrap();
            assert_eq!(versions(&database), before, "seed {seed}, round {round}");
            if next(&mut state) % 2 == 0 {
                work(&database, &mut state, 5);
                let before = versions(&database);
                world.disk.crash();
                drop(database);
                database = open(&world);
                assert_eq!(versions(&database), before, "seed {seed}, after the crash of round {round}");
            }
            for (moment, expected) in &noted {
                assert_eq!(&rows(&begin(&database).view_at(*moment)), expected, "as of {moment}");
            }
        }
    }
}

#[test]
fn writers_and_readers_go_on_under_compaction_and_crashes() {
    for seed in 30..34 {
        let world = World::new(seed);
        let mut database = open(&world);
        with_rows(&database, 300);
        let opening = database.snapshot();
        for life in 0..3 {
            let stopped = Arc::new(AtomicBool::new(false));
            let threads: Vec<_> = (0..3)
                .map(|thread| {
                    let (database, stopped) = (database.clone(), stopped.clone());
                    std::thread::spawn(move || {
                        let mut state = 77 + seed * 100 + life * 10 + thread;
                        // Not for ever: where compaction gets little of the processor, they would outrun it.
                        for _ in 0..20_000 {
                            if stopped.load(Ordering::Acquire) {
                                break;
                            }
                            transfer(&database, &mut state);
                        }
                    })
                })
                .collect();
            for _ in 0..6 {
                database.compact().wait().unwrap();
                let reader = begin(&database);
                let (view, past) = (reader.view(), reader.view_at(opening));
                assert_eq!(scan(&view).iter().map(|(_, amount)| amount).sum::<i64>(), 300 * 100);
                assert_eq!(scan(&past), (1..=300).map(|id| (id, 100)).collect::<Vec<_>>());
                assert_eq!(scan(&view), by_key(&view, false));
            }
            stopped.store(true, Ordering::Release);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let before = versions(&database);
            // What is asked for now meets the crash at some point of its way.
            let ticket = database.compact();
            std::thread::sleep(std::time::Duration::from_micros(seed * 700));
            world.disk.crash();
            drop(ticket);
            drop(database);
            database = open(&world);
            assert_eq!(versions(&database), before, "seed {seed}, life {life}");
            rows(&begin(&database).view());
        }
    }
}

/// Moves an amount from one row to another; gives up where somebody is in the way for good.
fn transfer(database: &Database, state: &mut u64) {
    let mut session = begin(database);
    let (first, second) = (1 + next(state) % 300, 1 + next(state) % 300);
    if first == second {
        return;
    }
    // In one order, so that nobody waits in a circle.
    for (id, by) in [(first.min(second), -1), (first.max(second), 1)] {
        session.start_statement();
        let (mut newest, _, _) = find(&session.view(), id as i64).expect("the row exists");
        loop {
            match session.lock_row(TABLE, newest, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap() {
                Outcome::Wait(ticket) => ticket.wait().unwrap(),
                Outcome::Done(LockedRow::Current) => break,
                Outcome::Done(LockedRow::Moved(other)) => newest = other,
                Outcome::Done(other) => panic!("{other:?}"),
            }
        }
        let before = session.view().get(TABLE, newest, &[AMOUNT]).unwrap().unwrap();
        let Value::Int64(before) = before[0] else { panic!("no amount") };
        let done = session.update(TABLE, newest, &row(id as i64, "name", before + by), false).unwrap();
        assert!(done.done().is_some());
    }
    session.commit().wait().unwrap();
}

#[test]
fn a_look_at_any_moment_examines_few_versions() {
    let world = World::new(50);
    let database = open(&world);
    with_rows(&database, 400);
    let mut moments = vec![database.snapshot()];
    let mut state = 50;
    for round in 0..60 {
        let mut writer = begin(&database);
        for _ in 0..200 {
            let id = 1 + (next(&mut state) % 400) as i64;
            set_amount(&mut writer, id, round);
        }
        moments.push(writer.commit().wait().unwrap());
        world.clock.advance(500_000 + next(&mut state) % 1_000_000);
        if round % 5 == 0 {
            database.compact().wait().unwrap();
        }
    }
    database.compact().wait().unwrap();
    let examined = |at: Timestamp| {
        let view = begin(&database).view_at(at);
        let mut scan = view.scan(TABLE, &[ScanColumn::Column(ID)], 1000).unwrap();
        let shown: usize = scan.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(shown, 400);
        scan.examined()
    };
    assert!(examined(database.snapshot()) <= 400 * 5 / 4, "the present: {}", examined(database.snapshot()));
    for moment in moments {
        assert!(examined(moment) <= 400 * 8, "as of {moment}: {}", examined(moment));
    }
}

#[test]
fn a_key_of_many_versions_is_found_at_every_moment() {
    let world = World::new(51);
    let mut database = open(&world);
    with_rows(&database, 20);
    let mut moments = Vec::new();
    for version in 0..600 {
        moments.push((commit_amount(&database, 7, version), version));
        world.clock.advance(1 + version as u64 % 17 * 300);
        if version % 50 == 49 {
            database.compact().wait().unwrap();
        }
    }
    for life in 0..2 {
        for (moment, version) in &moments {
            assert_eq!(amount(&begin(&database).view_at(*moment), 7), Some(*version), "life {life}");
        }
        world.disk.crash();
        drop(database);
        database = open(&world);
    }
}

#[test]
fn a_locked_row_is_found_however_often_it_was_moved() {
    let world = World::new(57);
    let database = open(&world);
    with_rows(&database, 40);
    database.compact().wait().unwrap();
    let mut holder = begin(&database);
    set_amount(&mut holder, 7, 7);
    let files = |database: &Database| database.statistics(TABLE).unwrap().segments;
    for round in 0..150 {
        // A third of the rows: enough for the file of row 7 to be written anew.
        let mut writer = begin(&database);
        for id in (20..40).filter(|id| id % 3 == round % 3) {
            set_amount(&mut writer, id, round);
        }
        writer.commit().wait().unwrap();
        database.compact().wait().unwrap();
    }
    assert!(files(&database) < 40, "{}", files(&database));
    holder.commit().wait().unwrap();
    let rows = scan(&begin(&database).view());
    assert_eq!(rows.len(), 40);
    assert_eq!(amount(&begin(&database).view(), 7), Some(7));
}

#[test]
fn history_before_the_horizon_is_given_up_and_said_so() {
    const HOUR: i64 = 3_600_000_000;
    let world = World::new(52);
    let mut database = open(&world);
    with_rows(&database, 100);
    let first = database.snapshot();
    world.clock.advance(HOUR as u64);
    for id in 1..=100 {
        commit_amount(&database, id, 1);
    }
    world.clock.advance(HOUR as u64);
    let second = Timestamp::from_micros(database.now_micros());
    world.clock.advance(HOUR as u64);
    for id in 1..=100 {
        commit_amount(&database, id, 2);
    }
    database.compact().wait().unwrap();
    let files = |database: &Database| database.statistics(TABLE).unwrap().segment_rows;
    assert_eq!(files(&database), 300);
    let reader = begin(&database);
    let mut open_scan = reader.view_at(first).scan(TABLE, &[ScanColumn::Column(ID)], 10).unwrap();
    assert_eq!(open_scan.next().unwrap().unwrap().num_rows(), 10);
    database.set_history_retention(TABLE, Some(HOUR + HOUR / 2)).unwrap();
    database.compact().wait().unwrap();
    // Files are unlinked whole, and who reads them goes on.
    assert_eq!(open_scan.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 90);
    assert_eq!(files(&database), 200);
    for life in 0..2 {
        assert!(database.history_horizon(TABLE).unwrap() > first);
        let view = begin(&database).view_at(first);
        let refused = |result: Result<(), Error>| {
            assert!(matches!(result, Err(Error::BeforeHorizon { .. })), "life {life}: {result:?}");
        };
        refused(view.scan(TABLE, &[ScanColumn::Column(ID)], 10).map(|_| ()));
        refused(view.lookup(TABLE, KEY, &key(1), &mut |_, _| {}));
        let mut cursor =
            view.range(TABLE, KEY, std::ops::Bound::Unbounded, std::ops::Bound::Unbounded, false);
        refused(cursor.next(&mut |_, _, _| {}).map(|_| ()));
        assert_eq!(scan(&begin(&database).view_at(second)), (1..=100).map(|id| (id, 1)).collect::<Vec<_>>());
        assert_eq!(versions(&database).len(), 200);
        world.disk.crash();
        drop(database);
        database = open(&world);
    }
}

#[test]
fn a_scan_within_ranges_passes_over_what_cannot_be_meant() {
    let world = World::new(53);
    let database = Database::open(configuration(), world.environment.clone()).unwrap();
    with_rows(&database, 40_000);
    let full = database.snapshot();
    let mut writer = begin(&database);
    for id in (1..=40_000).step_by(9) {
        set_amount(&mut writer, id, id);
    }
    writer.commit().wait().unwrap();
    database.compact().wait().unwrap();
    let range = |lower, upper| ColumnRange {
        column: ID,
        lower: std::ops::Bound::Included(Value::Int64(lower)),
        upper: std::ops::Bound::Excluded(Value::Int64(upper)),
    };
    let projection = [ScanColumn::Column(ID), ScanColumn::Column(AMOUNT)];
    for at in [full, database.snapshot()] {
        let view = begin(&database).view_at(at);
        let expected: Vec<(i64, i64)> =
            scan(&view).into_iter().filter(|(id, _)| (20_000..20_100).contains(id)).collect();
        let mut cursor = view.scan(TABLE, &projection, 1000).unwrap().within(&[range(20_000, 20_100)]);
        let mut found = Vec::new();
        for batch in cursor.by_ref() {
            let batch = batch.unwrap();
            let rows = int64(&batch, 0).into_iter().zip(int64(&batch, 1));
            found.extend(rows.filter(|(id, _)| (20_000..20_100).contains(id)));
        }
        found.sort_unstable();
        assert_eq!(found, expected);
        assert!(cursor.examined() <= 8192 * 3, "{} versions", cursor.examined());
    }
}
