//! Who sees what: snapshots, own writes, commands, savepoints, rollback.

mod common;

use common::*;
use strata_engine::{Inserted, Isolation, Outcome, ScanColumn, Timestamp};

#[test]
fn committed_rows_are_found_by_key_range_and_scan() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 20_000);
    let view = begin(&database).view();
    assert_eq!(amount(&view, 777), Some(100));
    assert_eq!(amount(&view, 20_001), None);
    let expected: Vec<(i64, i64)> = (1..=20_000).map(|id| (id, 100)).collect();
    assert_eq!(scan(&view), expected);
    assert_eq!(by_key(&view, false), expected);
    assert_eq!(by_key(&view, true), expected.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn uncommitted_writes_are_private_and_seen_by_later_commands_only() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 3);
    let mut writer = begin(&database);
    let before = writer.view();
    insert(&mut writer, 4, "four", 400);
    assert_eq!(amount(&writer.view(), 4), None, "the command that writes does not see its writes");
    writer.start_statement();
    assert_eq!(amount(&writer.view(), 4), Some(400));
    set_amount(&mut writer, 1, 111);
    assert_eq!(amount(&writer.view(), 1), Some(100));
    writer.start_statement();
    let after = writer.view();
    assert_eq!(amount(&after, 1), Some(111));
    delete(&mut writer, 2);
    writer.start_statement();
    assert_eq!(amount(&writer.view(), 2), None);
    assert_eq!(amount(&after, 2), Some(100), "an open cursor keeps what it saw");
    assert_eq!(scan(&before), [(1, 100), (2, 100), (3, 100)]);
    assert_eq!(scan(&writer.view()), [(1, 111), (3, 100), (4, 400)]);
    assert_eq!(by_key(&writer.view(), false), [(1, 111), (3, 100), (4, 400)]);
    assert_eq!(scan(&begin(&database).view()), [(1, 100), (2, 100), (3, 100)]);
    writer.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 111), (3, 100), (4, 400)]);
}

#[test]
fn a_row_changed_twice_by_one_transaction_leaves_one_version() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let mut writer = begin(&database);
    set_amount(&mut writer, 1, 1);
    set_amount(&mut writer, 1, 2);
    set_amount(&mut writer, 1, 3);
    delete(&mut writer, 2);
    insert(&mut writer, 2, "again", 5);
    delete(&mut writer, 2);
    let at = writer.commit().wait().unwrap();
    let reader = begin(&database);
    assert_eq!(scan(&reader.view()), [(1, 3)]);
    let versions =
        reader.view().versions(TABLE, Timestamp::ZERO, at, &[ScanColumn::Column(ID)], 100).unwrap();
    assert_eq!(versions.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 3);
}

#[test]
fn rollback_and_drop_leave_nothing() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let mut first = begin(&database);
    set_amount(&mut first, 1, 7);
    insert(&mut first, 9, "nine", 9);
    first.rollback();
    let mut second = begin(&database);
    set_amount(&mut second, 1, 8);
    drop(second);
    let mut third = begin(&database);
    set_amount(&mut third, 1, 9);
    insert(&mut third, 9, "nine", 1);
    third.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 9), (2, 100), (9, 1)]);
}

#[test]
fn a_savepoint_takes_back_rows_locks_and_hooks() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 3);
    let mut writer = begin(&database);
    insert(&mut writer, 10, "ten", 1);
    set_amount(&mut writer, 1, 50);
    let savepoint = writer.savepoint();
    set_amount(&mut writer, 1, 60);
    set_amount(&mut writer, 2, 60);
    delete(&mut writer, 3);
    insert(&mut writer, 11, "eleven", 1);
    insert(&mut writer, 12, "twelve", 1);
    writer.on_publish(Box::new(|_| panic!("taken back")));
    writer.rollback_to(savepoint).unwrap();
    assert_eq!(scan(&writer.view()), [(1, 50), (2, 100), (3, 100), (10, 1)]);
    // The lock of row 2 is free again, that of row 1 is not.
    let mut other = begin(&database);
    set_amount(&mut other, 2, 70);
    other.commit().wait().unwrap();
    insert(&mut writer, 11, "again", 2);
    writer.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 50), (2, 70), (3, 100), (10, 1), (11, 2)]);
}

#[test]
fn repeatable_read_keeps_its_snapshot() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let mut reader = database.begin(Isolation::RepeatableRead, true);
    assert_eq!(amount(&reader.view(), 1), Some(100));
    commit_amount(&database, 1, 5);
    reader.start_statement();
    assert_eq!(amount(&reader.view(), 1), Some(100));
    let mut fresh = begin(&database);
    fresh.start_statement();
    assert_eq!(amount(&fresh.view(), 1), Some(5));
}

#[test]
fn a_unique_key_conflicts_with_committed_and_own_rows() {
    let world = World::new(1);
    let database = world.open();
    with_rows(&database, 2);
    let mut writer = begin(&database);
    let existing = find(&writer.view(), 1).unwrap().0;
    let answer = writer.insert(TABLE, &row(1, "again", 1)).unwrap();
    assert!(
        matches!(answer, Outcome::Done(Inserted::Conflict { index: KEY, existing: found }) if found == existing)
    );
    let own = insert(&mut writer, 5, "five", 1);
    let answer = writer.insert(TABLE, &row(5, "again", 1)).unwrap();
    assert!(matches!(answer, Outcome::Done(Inserted::Conflict { existing: found, .. }) if found == own));
    delete(&mut writer, 1);
    insert(&mut writer, 1, "new one", 2);
    writer.commit().wait().unwrap();
    assert_eq!(scan(&begin(&database).view()), [(1, 2), (2, 100), (5, 1)]);
}

#[test]
fn keys_with_nulls_may_repeat_in_a_unique_index_and_are_all_found() {
    let world = World::new(1);
    let mut database = world.open();
    with_rows(&database, 1);
    for id in 10..13 {
        let mut writer = begin(&database);
        let mut new = row(id, "null", 1);
        new.keys[0] = (KEY, b"null".to_vec(), false);
        assert!(matches!(writer.insert(TABLE, &new), Ok(Outcome::Done(Inserted::Row(_)))));
        writer.commit().wait().unwrap();
    }
    for _ in 0..3 {
        let mut found = 0;
        begin(&database).view().lookup(TABLE, KEY, b"null", &mut |_, _| found += 1).unwrap();
        assert_eq!(found, 3);
        database.checkpoint().wait().unwrap();
        world.disk.crash();
        drop(database);
        database = world.open();
    }
}

#[test]
fn a_thinned_scan_reads_some_of_the_places_and_says_which_part() {
    let world = World::new(19);
    let database = world.open();
    with_rows(&database, 40_000);
    let view = begin(&database).view();
    let mut state = 5;
    let mut draw = move |below: usize| {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        (state >> 8) % below
    };
    let mut rows_of = |most: usize| {
        let scan = view.scan(TABLE, &[ScanColumn::Column(ID)], 8192).unwrap();
        let (scan, part) = scan.thinned(most, &mut draw);
        let rows: usize = scan.map(|batch| batch.unwrap().num_rows()).sum();
        (rows, part)
    };
    assert_eq!(rows_of(1000), (40_000, 1.0));
    assert_eq!(rows_of(0), (0, 0.0));
    // Places have 8192 rows, but for the last.
    let drawn: Vec<(usize, f64)> = (0..20).map(|_| rows_of(2)).collect();
    assert!(drawn.iter().all(|(rows, part)| *rows <= 2 * 8192 && *rows > 8192 && *part == 0.4), "{drawn:?}");
    assert!(drawn.iter().any(|found| *found != drawn[0]), "not always the same places");
}
