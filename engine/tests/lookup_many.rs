//! Many keys at once give what each gives alone: from memory, from segments, of the past, under one's own writes.

mod common;

use common::*;
use strata_engine::{IndexId, ReadView, RowHandle};

/// Each key's rows by `lookup_many` and by `lookup`: place of the key, handle, id.
fn check(view: &ReadView, index: IndexId, keys: &[Vec<u8>]) -> usize {
    let mut expected: Vec<(usize, RowHandle, i64)> = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        view.lookup(TABLE, index, key, &mut |handle, row| {
            let strata_engine::Value::Int64(id) = row.value(ID).unwrap() else { panic!("id is not int8") };
            expected.push((place, handle, id));
        })
        .unwrap();
    }
    let mut found = Vec::new();
    let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    view.lookup_many(TABLE, index, &borrowed, &mut |place, handle, row| {
        let strata_engine::Value::Int64(id) = row.value(ID).unwrap() else { panic!("id is not int8") };
        found.push((place, handle, id));
    })
    .unwrap();
    assert_eq!(found, expected);
    found.len()
}

#[test]
fn many_keys_at_once_give_what_each_gives_alone() {
    let world = World::new(31);
    let database = world.open();
    let keys: Vec<Vec<u8>> =
        (0..5300).step_by(3).chain([7, 7, 9_000_000]).map(key).chain([vec![], vec![255; 12]]).collect();
    let names: Vec<Vec<u8>> = [&b"name"[..], b"odd", b"", b"name", b"even"].map(<[u8]>::to_vec).into();
    let started = with_rows(&database, 5000);
    let mut views = vec![begin(&database).view_at(started)];
    for round in 0..3 {
        for id in 1..=60 {
            commit_amount(&database, id * 40, round);
        }
        let mut writer = begin(&database);
        insert(&mut writer, 5100 + round, "odd", 3);
        delete(&mut writer, 2001 + round * 3);
        writer.commit().wait().unwrap();
        views.push(begin(&database).view());
        // The first rows go to segments, the next ones stay in memory beside them.
        if round < 2 {
            database.checkpoint().wait().unwrap();
        }
    }
    // One row of many versions.
    for version in 0..40 {
        commit_amount(&database, 300, version);
    }
    let mut own = begin(&database);
    insert(&mut own, 5200, "even", 4);
    delete(&mut own, 99);
    own.start_statement();
    views.extend([begin(&database).view(), own.view()]);
    for (number, view) in views.iter().enumerate() {
        let rows = check(view, KEY, &keys);
        assert!(rows > 1600, "view {number}: {rows}");
        assert!(check(view, BY_NAME, &names) > 9000, "view {number}");
        assert_eq!(check(view, KEY, &[]), 0);
    }
    let learned = database.learned(TABLE).unwrap();
    assert!(learned.iter().any(|(index, _, figures)| *index == KEY && figures.keys > 4000), "{learned:?}");
    assert!(learned.iter().all(|(_, _, figures)| figures.fallbacks == 0 && !figures.rebuilt), "{learned:?}");
}
