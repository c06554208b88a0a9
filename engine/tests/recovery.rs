//! What a restart finds: after a close, after a crash, in the middle of anything.

mod common;

use common::*;
use strata_engine::{
    ColumnId, IndexId, IndexSchema, Isolation, NewRow, Past, PhysicalType, SequenceDefinition, Timestamp,
    Value,
};

const UP: SequenceDefinition =
    SequenceDefinition { start: 1, increment: 1, minimum: 1, maximum: i64::MAX, cycle: false };

#[test]
fn everything_acknowledged_is_there_after_a_crash_and_nothing_else() {
    let world = World::new(3);
    let database = world.open();
    with_rows(&database, 100);
    let early = database.snapshot();
    for id in 1..=50 {
        commit_amount(&database, id, id);
    }
    let mut deleter = begin(&database);
    delete(&mut deleter, 100);
    deleter.commit().wait().unwrap();
    let mut unfinished = begin(&database);
    insert(&mut unfinished, 500, "never", 1);
    let expected = scan(&begin(&database).view());
    world.disk.crash();
    drop(unfinished);
    drop(database);
    let database = world.open();
    assert_eq!(scan(&begin(&database).view()), expected);
    assert_eq!(by_key(&begin(&database).view(), false), expected);
    assert_eq!(database.statistics(TABLE).unwrap().rows, 99);
    let past = begin(&database).view_at(early);
    assert_eq!(scan(&past), (1..=100).map(|id| (id, 100)).collect::<Vec<_>>());
    // Births go on behind those that were given out.
    commit_amount(&database, 1, 77);
    let mut more = begin(&database);
    insert(&mut more, 600, "more", 1);
    more.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()).len(), 100);
}

#[test]
fn a_clean_close_and_several_restarts_keep_everything() {
    let world = World::new(4);
    for round in 0..5 {
        let database = world.open();
        if round == 0 {
            with_rows(&database, 10);
        }
        commit_amount(&database, 1, round);
        assert_eq!(amount(&begin(&database).view(), 1), Some(round));
        database.close();
    }
    let database = world.open();
    let mut expected = vec![(1, 4)];
    expected.extend((2..=10).map(|id| (id, 100)));
    assert_eq!(scan(&begin(&database).view()), expected);
}

#[test]
fn shapes_truncations_drops_and_new_indexes_are_recovered() {
    let world = World::new(5);
    let database = world.open();
    with_rows(&database, 20);
    let before = database.snapshot();
    const EXTRA: ColumnId = ColumnId(13);
    const BY_AMOUNT: IndexId = IndexId(202);
    commit_amount(&database, 7, 700);
    let mut shape = begin(&database);
    let mut wider = schema();
    wider.columns.push((EXTRA, PhysicalType::Text));
    wider.indexes.push(IndexSchema { id: BY_AMOUNT, unique: false, primary: false });
    shape.alter_table(TABLE, wider, &[(EXTRA, Value::from("default"))]).unwrap();
    shape.start_statement();
    let mut entries = Vec::new();
    let view = shape.view();
    for id in 1..=20 {
        let (handle, _, amount) = find(&view, id).unwrap();
        entries.push((handle, key(amount)));
    }
    shape.add_index_entries(TABLE, BY_AMOUNT, entries, false).unwrap();
    shape.commit().wait().unwrap();
    let check = |database: &strata_engine::Database| {
        let view = begin(database).view();
        let mut found = Vec::new();
        view.lookup(TABLE, BY_AMOUNT, &key(700), &mut |_, row| {
            found.push((row.value(ID).unwrap(), row.value(EXTRA).unwrap()));
        })
        .unwrap();
        assert_eq!(found, [(Value::Int64(7), Value::from("default"))]);
        assert!(view.index_usable(TABLE, BY_AMOUNT));
        assert!(!begin(database).view_at(before).index_usable(TABLE, BY_AMOUNT));
    };
    check(&database);
    world.disk.crash();
    drop(database);
    let database = world.open();
    check(&database);
    let full = database.snapshot();
    let mut emptier = begin(&database);
    emptier.truncate(TABLE).unwrap();
    emptier.start_statement();
    assert_eq!(scan(&emptier.view()), []);
    let mut values = row(1, "only", 1).values;
    values.push(Value::Null);
    emptier.insert(TABLE, &NewRow { values, keys: vec![(KEY, key(1), true)] }).unwrap().done().unwrap();
    emptier.commit().wait().unwrap();
    let empty = database.snapshot();
    let mut dropper = begin(&database);
    dropper.drop_table(TABLE).unwrap();
    dropper.commit().wait().unwrap();
    world.disk.crash();
    drop(database);
    let database = world.open();
    assert!(database.statistics(TABLE).unwrap().dropped.is_some());
    let reader = begin(&database);
    assert_eq!(scan(&reader.view_at(full)).len(), 20);
    assert_eq!(amount(&reader.view_at(full), 7), Some(700));
    assert_eq!(scan(&reader.view_at(empty)), [(1, 1)]);
    assert_eq!(amount(&reader.view_at(before), 7), Some(100));
}

#[test]
fn a_moment_that_was_read_stays_as_it_was_over_a_restart_with_a_clock_set_back() {
    let world = World::new(6);
    let database = world.open();
    with_rows(&database, 1);
    world.clock.advance(5_000_000);
    let now = database.now_micros();
    let moment = Timestamp::from_micros(now);
    match database.past(moment).unwrap() {
        Past::Wait(ticket) => ticket.wait().unwrap(),
        Past::Ready(_) => panic!("a moment past the lease is ready only after one was written"),
    }
    assert!(matches!(database.past(moment), Ok(Past::Ready(ready)) if ready == moment));
    let before = scan(&begin(&database).view_at(moment));
    world.disk.crash();
    drop(database);
    world.clock.set(now - 4_000_000);
    let database = world.open();
    assert!(database.now_micros() >= now);
    let at = commit_amount(&database, 1, 9);
    assert!(at > moment, "a commit after the moment that was read");
    assert_eq!(scan(&begin(&database).view_at(moment)), before);
    assert!(matches!(
        database.past(Timestamp::from_micros(database.now_micros() + 60_000_000)),
        Err(strata_engine::Error::FutureMoment)
    ));
}

#[test]
fn sequences_never_hand_out_a_committed_value_again() {
    let world = World::new(7);
    let database = world.open();
    with_rows(&database, 0);
    let mut highest = 0;
    let mut database = database;
    for _ in 0..5 {
        for _ in 0..40 {
            let value = database.sequence_next(1, &UP).unwrap().unwrap();
            assert!(value > highest, "{value} after {highest}");
            highest = value;
            let mut writer = begin(&database);
            insert(&mut writer, value, "from the sequence", 1);
            writer.commit().wait().unwrap();
        }
        world.disk.crash();
        drop(database);
        database = world.open();
    }
    assert!(highest <= 200 + 5 * 32);
}

#[test]
fn a_large_transaction_is_recovered_whole() {
    let world = World::new(8);
    let database = world.open();
    with_rows(&database, 10);
    let mut loader = begin(&database);
    for id in 1000..41_000 {
        insert(&mut loader, id, "bulk", id);
    }
    loader.commit().wait().unwrap();
    let expected = scan(&begin(&database).view());
    assert_eq!(expected.len(), 40_010);
    world.disk.crash();
    drop(database);
    let database = world.open();
    assert_eq!(scan(&begin(&database).view()), expected);
    assert_eq!(amount(&begin(&database).view(), 40_999), Some(40_999));
}

#[test]
fn a_failed_sync_answers_unknown_and_refuses_further_writes() {
    let world = World::new(9);
    let failed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = failed.clone();
    let configuration = strata_engine::Configuration {
        on_failure: std::sync::Arc::new(move |_| seen.store(true, std::sync::atomic::Ordering::SeqCst)),
        ..configuration()
    };
    let database = strata_engine::Database::open(configuration, world.environment.clone()).unwrap();
    with_rows(&database, 1);
    // After this the background thread has prepared the next log file, and syncs nothing more.
    database.checkpoint().wait().unwrap();
    world.disk.arm(strata_engine::io::simulation::Fault::FailSync { after: 0 });
    let mut writer = begin(&database);
    set_amount(&mut writer, 1, 5);
    assert_eq!(writer.commit().wait(), Err(strata_engine::Error::LogFailed));
    assert!(failed.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(amount(&begin(&database).view(), 1), Some(100), "nothing unknown is shown");
    let mut writer = database.begin(Isolation::ReadCommitted, false);
    assert!(writer.insert(TABLE, &row(2, "no", 1)).is_err());
}

#[test]
fn a_server_killed_again_and_again_does_not_keep_every_log_file() {
    let world = World::new(11);
    let small = || strata_engine::Configuration {
        log_file_bytes: 64 << 10,
        checkpoint_bytes: 1 << 20,
        ..configuration()
    };
    let open = || strata_engine::Database::open(small(), world.environment.clone()).unwrap();
    let database = open();
    with_rows(&database, 1);
    drop(database);
    for life in 0..60 {
        world.disk.crash();
        let database = open();
        commit_amount(&database, 1, life);
        // The checkpoint that a crowded log asks for is made in the background.
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(database);
    }
    let names = strata_engine::io::Disk::list(&*world.disk).unwrap();
    let files = names.iter().filter(|name| name.starts_with("log-")).count();
    assert!(files <= 20, "{files} log files");
    assert_eq!(amount(&begin(&open()).view(), 1), Some(59));
}
