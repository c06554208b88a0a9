//! Backups and restores of a small database, file by file and moment by moment.

mod common;

use common::{
    World, amount, begin, by_key, commit_amount, configuration, delete, insert, scan, schema, set_amount,
    with_rows,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use strata_engine::backup::{BackupError, BackupReport, check, restore};
use strata_engine::io::simulation::{Fault, SimulatedDisk, environment};
use strata_engine::io::{Disk, Environment};
use strata_engine::{Database, Timestamp, verify_directory};

/// A directory of its own.
fn directory(seed: u64) -> (Arc<SimulatedDisk>, Environment) {
    let (disk, _, environment) = environment(seed);
    (disk, environment)
}

fn never() -> bool {
    false
}

fn back_up(database: &Database, seed: u64) -> (Arc<SimulatedDisk>, Environment, BackupReport) {
    let (disk, environment) = directory(seed);
    let report = database.backup(&environment.disk, &never).expect("a backup");
    (disk, environment, report)
}

/// Opens what a backup makes as of a moment.
fn restored(backup: &Environment, to: Option<Timestamp>, seed: u64) -> (Environment, Arc<Database>) {
    let (_, environment) = directory(seed);
    restore(backup, &environment.disk, to, &never).expect("a restore");
    let database = Database::open(configuration(), environment.clone()).expect("a restored database opens");
    (environment, database)
}

/// What a database shows now, by a scan and by the primary index.
fn now(database: &Database) -> Vec<(i64, i64)> {
    let view = begin(database).view();
    let rows = scan(&view);
    assert_eq!(rows, by_key(&view, false));
    rows
}

#[test]
fn a_backup_restores_to_every_moment_that_it_reaches() {
    let world = World::new(1);
    let database = world.open();
    let mut states: BTreeMap<Timestamp, Vec<(i64, i64)>> = BTreeMap::new();
    let created = with_rows(&database, 50);
    states.insert(created, now(&database));
    for round in 0..3 {
        for id in 1..=20 {
            let at = commit_amount(&database, id, round * 1000 + id);
            states.insert(at, now(&database));
        }
        let mut transaction = begin(&database);
        delete(&mut transaction, 30 + round);
        insert(&mut transaction, 100 + round, "more", round);
        let at = transaction.commit().wait().unwrap();
        states.insert(at, now(&database));
        if round < 2 {
            database.checkpoint().wait().unwrap();
        }
    }
    let (_, backup, report) = back_up(&database, 2);
    let within: Vec<_> = states.range(report.earliest..=report.latest).collect();
    assert_eq!(within.len(), 21, "every commit behind the last checkpoint");
    for (seed, (at, rows)) in (10..).zip(within) {
        let (_, again) = restored(&backup, Some(Timestamp::from_micros(at.micros())), seed);
        assert_eq!(now(&again), *rows, "at {at}");
        // The past before the checkpoint has come along.
        let view = begin(&again).view_at(created);
        assert_eq!(scan(&view), states[&created]);
        assert!(again.verify().damaged.is_empty());
        // And life goes on.
        assert!(commit_amount(&again, 1, 5) > *at);
        assert_eq!(amount(&begin(&again).view(), 1), Some(5));
    }
    let (environment, again) = restored(&backup, None, 90);
    assert_eq!(now(&again), now(&database));
    again.checkpoint().wait().unwrap();
    again.close();
    let verified = verify_directory(configuration(), environment).unwrap();
    assert!(verified.files > 0 && verified.damaged.is_empty());
    for outside in [report.earliest.micros() - 1, report.latest.micros() + 1] {
        let (_, target) = directory(91);
        let refused = restore(&backup, &target.disk, Some(Timestamp::from_micros(outside)), &never);
        assert!(matches!(refused, Err(BackupError::OutOfRange { .. })));
    }
}

#[test]
fn a_backup_of_a_database_that_never_made_a_checkpoint_restores() {
    let world = World::new(3);
    let database = world.open();
    with_rows(&database, 5);
    let (_, backup, _) = back_up(&database, 4);
    let (_, again) = restored(&backup, None, 5);
    assert_eq!(now(&again), now(&database));
    // An empty one, too.
    let empty = World::new(6).open();
    let (_, backup, _) = back_up(&empty, 7);
    restored(&backup, None, 8);
}

#[test]
fn files_stay_while_they_are_copied_and_go_afterwards() {
    let world = World::new(11);
    let database = world.open();
    with_rows(&database, 500);
    database.checkpoint().wait().unwrap();
    let (_, target) = directory(12);
    let turns = std::sync::atomic::AtomicU64::new(0);
    let expected = now(&database);
    // Whenever the backup asks whether to stop, another checkpoint and compaction takes away what it is copying.
    let meddle = || {
        let turn = turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as i64;
        if turn < 6 {
            for id in 1..=500 {
                commit_amount(&database, id, turn);
            }
            database.compact().wait().unwrap();
        }
        false
    };
    let report = database.backup(&target.disk, &meddle).unwrap();
    assert!(turns.into_inner() > 6);
    let (_, again) = restored(&target, Some(report.earliest), 13);
    assert_eq!(now(&again), expected);
    let (_, latest) = restored(&target, None, 14);
    assert_eq!(now(&latest).len(), 500);
    database.checkpoint().wait().unwrap();
    database.close();
    let names = world.environment.disk.list().unwrap();
    let verified = verify_directory(configuration(), world.environment.clone()).unwrap();
    let files = names.iter().filter(|name| name.contains('-') && !name.starts_with("manifest")).count();
    let logs = names.iter().filter(|name| name.starts_with("log-")).count();
    assert_eq!((files - logs) as u64, verified.files, "what was held is gone: {names:?}");
}

#[test]
fn a_damaged_backup_is_refused_by_name() {
    let world = World::new(21);
    let database = world.open();
    with_rows(&database, 40);
    database.checkpoint().wait().unwrap();
    commit_amount(&database, 3, 7);
    let (disk, backup, _) = back_up(&database, 22);
    for name in disk.list().unwrap() {
        let length = disk.content(&name).unwrap().len() as u64;
        for offset in [0, length / 3, length - 1] {
            let damaged = disk.fork(23);
            assert!(damaged.flip(&name, offset, 3));
            refuses(&backup, &damaged, &name);
        }
        for length in [0, length / 2, length - 1] {
            let damaged = disk.fork(24);
            damaged.cut(&name, length);
            refuses(&backup, &damaged, &name);
        }
        let damaged = disk.fork(25);
        damaged.lose(&name);
        refuses(&backup, &damaged, &name);
    }
    // Without its list it has all the files of a data directory, and is none.
    let listless = disk.fork(28);
    listless.lose("BACKUP");
    let contents = |disk: &SimulatedDisk| {
        let names = disk.list().unwrap().into_iter();
        names.map(|name| (disk.content(&name), name)).collect::<Vec<_>>()
    };
    let before = contents(&listless);
    let environment = Environment { disk: listless.clone(), ..backup.clone() };
    let refused = Database::open(configuration(), environment.clone()).err().expect("opened").to_string();
    assert!(refused.contains("\"BACKUP\", is missing"), "{refused}");
    let refused = verify_directory(configuration(), environment).expect_err("sound").to_string();
    assert!(refused.contains("\"BACKUP\", is missing"), "{refused}");
    assert!(contents(&listless) == before, "and nothing of it is changed");
    // A file that belongs to nothing is no harm.
    let more = disk.fork(26);
    more.place("notes", b"kept on a shelf");
    let environment = Environment { disk: more, ..backup.clone() };
    check(&environment, &never).unwrap();
}

fn refuses(backup: &Environment, disk: &Arc<SimulatedDisk>, name: &str) {
    let environment = Environment { disk: disk.clone(), ..backup.clone() };
    let (target, into) = directory(27);
    let refused = restore(&environment, &into.disk, None, &never).expect_err(name).to_string();
    assert!(refused.contains(name), "{name}: {refused}");
    assert!(target.list().unwrap().is_empty(), "nothing was begun");
    assert!(check(&environment, &never).is_err());
}

#[test]
fn targets_with_anything_in_them_are_refused() {
    let world = World::new(31);
    let database = world.open();
    with_rows(&database, 4);
    let (disk, backup, _) = back_up(&database, 32);
    assert!(matches!(database.backup(&backup.disk, &never), Err(BackupError::NotEmpty)));
    assert!(matches!(restore(&backup, &world.environment.disk, None, &never), Err(BackupError::NotEmpty)));
    // A server does not run on a backup, or on a restore that did not finish.
    assert!(Database::open(configuration(), backup.clone()).is_err());
    check(&backup, &never).expect("and has not touched it");
    for after in 0..40 {
        let (target, into) = directory(33 + after);
        target.arm(Fault::PowerOff { after });
        let done = restore(&backup, &into.disk, None, &never).is_ok();
        target.crash();
        // Nothing, everything, or a refusal.
        match Database::open(configuration(), into.clone()) {
            Ok(opened) => {
                let rows = if done { 4 } else { now_or_nothing(&opened) };
                assert_eq!(now_or_nothing(&opened), rows);
                assert!(rows == 4 || !done);
            }
            Err(error) => assert!(!done, "{error}"),
        }
    }
    drop(disk);
}

/// The number of rows, zero in a database without the table.
fn now_or_nothing(database: &Database) -> usize {
    match database.table_schema(common::TABLE) {
        Ok(found) => {
            assert_eq!(*found, schema());
            now(database).len()
        }
        Err(_) => 0,
    }
}

#[test]
fn a_full_target_fails_the_backup_and_nothing_else() {
    let world = World::new(41);
    let database = world.open();
    with_rows(&database, 100);
    database.checkpoint().wait().unwrap();
    let (disk, target) = directory(42);
    disk.set_capacity(Some(3000));
    let error = database.backup(&target.disk, &never).unwrap_err();
    assert!(error.is_disk_full(), "{error}");
    assert!(target.disk.list().unwrap().is_empty(), "what was begun is removed");
    disk.set_capacity(None);
    let mut transaction = begin(&database);
    set_amount(&mut transaction, 1, 2);
    transaction.commit().wait().unwrap();
    database.backup(&target.disk, &never).unwrap();
    let stopped = database.backup(&directory(43).1.disk, &|| true);
    assert!(matches!(stopped, Err(BackupError::Stopped)));
}

#[test]
fn verifying_a_directory_names_what_is_wrong_and_changes_nothing() {
    let world = World::new(51);
    let database = world.open();
    with_rows(&database, 300);
    database.checkpoint().wait().unwrap();
    commit_amount(&database, 3, 7);
    database.close();
    let names = world.disk.list().unwrap();
    let contents: Vec<_> = names.iter().map(|name| world.disk.content(name)).collect();
    let verify = |disk: &Arc<SimulatedDisk>| {
        let environment = Environment { disk: disk.clone(), ..world.environment.clone() };
        match verify_directory(configuration(), environment) {
            Ok(verified) => verified.damaged.iter().map(|damage| damage.reason.clone()).collect::<Vec<_>>(),
            Err(error) => vec![error.to_string()],
        }
    };
    assert_eq!(verify(&world.disk), Vec::<String>::new());
    assert_eq!(names, world.disk.list().unwrap());
    assert_eq!(contents, names.iter().map(|name| world.disk.content(name)).collect::<Vec<_>>());
    for name in names.iter().filter(|name| name.contains('-') && !name.starts_with("manifest")) {
        let damaged = world.disk.fork(52);
        let offset = if name.starts_with("log-") { 4096 + 200 } else { 100 };
        damaged.flip(name, offset, 1);
        let found = verify(&damaged);
        // The log files that were left behind are not looked at, nor is what may be a torn tail.
        assert!(
            found.iter().any(|reason| reason.contains(name)) || name.starts_with("log-"),
            "{name}: {found:?}"
        );
    }
}
