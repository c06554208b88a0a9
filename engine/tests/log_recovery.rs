//! Each start-up case of the log, by itself.

mod support;

use strata_engine::{
    io::{Disk, simulation::Fault},
    log::{Log, LogError, Lsn, RecoverFrom},
};
use support::{append, environment_of, numbers, options, record, recover, world};

/// Everything from the beginning, with no help from a manifest.
const ALL: RecoverFrom = RecoverFrom { checkpoint: Lsn(0), durable: Lsn(0) };

#[test]
fn what_was_synced_comes_back_in_order_across_files_and_lives() {
    let (disk, environment) = world(1);
    let mut log = Log::create(&environment, options()).unwrap();
    let mut expected = Vec::new();
    for life in 0..5 {
        for number in 0..40 {
            let number = life * 100 + number;
            append(&mut log, number, 3000);
            expected.push(number);
        }
        log.sync().unwrap();
        drop(log);
        disk.crash();
        let (again, report, records) = recover(&environment_of(&disk, life), ALL).unwrap();
        assert_eq!(numbers(&records), expected);
        assert_eq!(report.records as usize, expected.len());
        log = again;
    }
}

#[test]
fn a_batch_longer_than_a_file_gets_one_of_its_own() {
    let (disk, environment) = world(2);
    let mut log = Log::create(&environment, options()).unwrap();
    log.spare().prepare().unwrap();
    append(&mut log, 1, 100);
    append(&mut log, 2, 300_000);
    append(&mut log, 3, 100);
    log.sync().unwrap();
    disk.crash();
    let (_, _, records) = recover(&environment, ALL).unwrap();
    assert_eq!(numbers(&records), [1, 2, 3]);
    assert_eq!(records[1], record(2, 300_000));
}

#[test]
fn a_batch_written_in_pieces_comes_back_whole_or_not_at_all() {
    for seed in 0..8 {
        let (disk, environment) = world(seed);
        let mut log = Log::create(&environment, options()).unwrap();
        append(&mut log, 1, 100);
        log.sync().unwrap();
        let records = [record(2, 9_000_000), record(3, 1000), record(4, 600_000)];
        log.append(&records.each_ref().map(Vec::as_slice)).unwrap();
        if seed % 2 == 0 {
            log.sync().unwrap();
        }
        disk.crash();
        let (_, _, found) = recover(&environment_of(&disk, seed), ALL).unwrap();
        if seed % 2 == 0 {
            assert_eq!(found[1..], records);
        } else {
            assert!(numbers(&found) == [1] || found[1..] == records, "a part of a batch came back");
        }
    }
}

#[test]
fn an_empty_record_or_batch_is_refused_and_harmless() {
    let (_, environment) = world(3);
    let mut log = Log::create(&environment, options()).unwrap();
    assert!(matches!(log.append(&[]), Err(LogError::Misuse(_))));
    assert!(matches!(log.append(&[b"a", b""]), Err(LogError::Misuse(_))));
    append(&mut log, 1, 10);
}

#[test]
fn a_failed_sync_poisons_and_the_next_start_believes_the_device() {
    for seed in 0..50 {
        let (disk, environment) = world(seed);
        let mut log = Log::create(&environment, options()).unwrap();
        append(&mut log, 1, 700);
        log.sync().unwrap();
        append(&mut log, 2, 3000);
        disk.arm(Fault::FailSync { after: 0 });
        assert!(matches!(log.sync(), Err(LogError::Io { .. })));
        assert!(matches!(log.sync(), Err(LogError::Poisoned)));
        assert!(matches!(log.append(&[b"x"]), Err(LogError::Poisoned)));
        // The cache shows record 2 whole; the device may not hold it. What the start shows must survive a power cut.
        disk.kill();
        let (_, _, shown) = recover(&environment_of(&disk, seed), ALL).unwrap();
        disk.crash();
        let (_, _, after) = recover(&environment_of(&disk, seed + 1), ALL).unwrap();
        assert_eq!(numbers(&shown), numbers(&after));
        assert_eq!(numbers(&after)[0], 1);
    }
}

#[test]
fn what_a_start_after_a_kill_shows_survives_a_power_cut() {
    for seed in 0..50 {
        let (disk, environment) = world(seed);
        let mut log = Log::create(&environment, options()).unwrap();
        append(&mut log, 1, 2000);
        log.sync().unwrap();
        append(&mut log, 2, 2000);
        append(&mut log, 3, 2000);
        disk.kill();
        let (_, report, shown) = recover(&environment_of(&disk, seed), ALL).unwrap();
        assert_eq!(numbers(&shown), [1, 2, 3]);
        assert!(report.rewritten_bytes > 4000);
        disk.crash();
        let (_, _, after) = recover(&environment_of(&disk, seed + 1), ALL).unwrap();
        assert_eq!(numbers(&after), [1, 2, 3]);
    }
}

#[test]
fn a_later_write_that_survives_without_the_earlier_one_is_a_tear() {
    let (disk, environment) = world(4);
    let mut log = Log::create(&environment, options()).unwrap();
    append(&mut log, 1, 4000);
    log.sync().unwrap();
    let start = log.end();
    append(&mut log, 2, 4000);
    append(&mut log, 3, 4000);
    // Record 2's sectors are lost, record 3's are kept: reordered writeback.
    let first_kept = (4096 + start.0 - 64 + 4000 + 64).div_ceil(512);
    let mut sector = (4096 + start.0 - 64) / 512;
    disk.crash_choosing(&mut |possibilities| {
        sector += 1;
        if sector > first_kept { possibilities - 1 } else { 0 }
    });
    let (_, _, records) = recover(&environment, ALL).unwrap();
    assert_eq!(numbers(&records), [1]);
}

#[test]
fn truncated_and_zero_tails_are_tears() {
    for length in [4096 + 4100_u64, 4096 + 5000, 6000] {
        let (disk, environment) = world(5);
        let mut log = Log::create(&environment, options()).unwrap();
        append(&mut log, 1, 1000);
        log.sync().unwrap();
        append(&mut log, 2, 8000);
        disk.kill();
        let name = "log-0000000000000001";
        let zero = disk.fork(9);
        disk.cut(name, length);
        zero.overwrite(name, &vec![0; 20_000 - length as usize], length);
        for disk in [disk, zero] {
            let (_, _, records) = recover(&environment_of(&disk, 1), ALL).unwrap();
            assert_eq!(numbers(&records), [1]);
        }
    }
}

#[test]
fn damage_that_the_manifest_passes_is_refused() {
    let (disk, environment) = world(6);
    let mut log = Log::create(&environment, options()).unwrap();
    append(&mut log, 1, 1000);
    append(&mut log, 2, 1000);
    log.sync().unwrap();
    let durable = log.durable();
    disk.kill();
    // The last batch: nothing in the log itself says that it was durable.
    disk.flip("log-0000000000000001", 4096 + 1072 + 500, 3);
    let fork = disk.fork(1);
    let (_, _, records) = recover(&environment_of(&fork, 1), ALL).unwrap();
    assert_eq!(numbers(&records), [1], "without the manifest this is a tear");
    let refused = recover(&environment, RecoverFrom { checkpoint: Lsn(0), durable });
    let Err(LogError::Corrupt { file, offset, .. }) = refused else { panic!("not refused") };
    assert_eq!((file.as_str(), offset), ("log-0000000000000001", 4096 + 1072));
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let (disk, environment) = world(7);
    let mut log = Log::create(&environment, options()).unwrap();
    for number in 0..60 {
        append(&mut log, number, 3000);
    }
    log.sync().unwrap();
    disk.kill();
    let second = disk.fork(1);
    second.lose("log-0000000000000002");
    let refused = recover(&environment_of(&second, 1), ALL);
    assert!(matches!(refused, Err(LogError::Missing { file, .. }) if file == "log-0000000000000002"));
    let first = disk.fork(1);
    first.lose("log-0000000000000001");
    let refused = recover(&environment_of(&first, 1), ALL);
    assert!(matches!(refused, Err(LogError::Missing { file, .. }) if file == "log-0000000000000001"));
    for name in disk.list().unwrap() {
        disk.lose(&name);
    }
    let from = RecoverFrom { checkpoint: Lsn(64), durable: Lsn(64) };
    assert!(matches!(recover(&environment_of(&disk, 1), from), Err(LogError::Missing { .. })));
}

#[test]
fn another_database_and_a_log_without_a_manifest_are_refused() {
    let (disk, environment) = world(8);
    let mut log = Log::create(&environment, options()).unwrap();
    append(&mut log, 1, 100);
    log.sync().unwrap();
    disk.kill();
    assert!(matches!(Log::create(&environment, options()), Err(LogError::Leftover { .. })));
    let mut other = options();
    other.instance = [7; 16];
    let refused = Log::recover(&environment, other, ALL, &mut |_, _| Ok(()));
    assert!(matches!(refused, Err(LogError::Corrupt { .. })));
}

#[test]
fn released_files_are_recycled_one_checkpoint_late() {
    let (disk, environment) = world(9);
    let mut log = Log::create(&environment, options()).unwrap();
    let mut checkpoints = Vec::new();
    let mut number = 0;
    for _ in 0..6 {
        for _ in 0..40 {
            append(&mut log, number, 3000);
            number += 1;
        }
        log.sync().unwrap();
        checkpoints.push(log.end());
        log.release(log.end()).unwrap();
        log.spare().prepare().unwrap();
    }
    assert!(disk.list().unwrap().len() < 18, "the log does not grow without bound: {:?}", disk.list());
    disk.crash();
    let [.., previous, last] = checkpoints[..] else { panic!() };
    for (checkpoint, expected) in [(last, 0), (previous, 40)] {
        let disk = disk.fork(2);
        let from = RecoverFrom { checkpoint, durable: last };
        let (mut log, _, records) = recover(&environment_of(&disk, 3), from).unwrap();
        assert_eq!(records.len(), expected);
        append(&mut log, 9999, 100);
        log.sync().unwrap();
        disk.crash();
        let (_, _, records) = recover(&environment_of(&disk, 4), from).unwrap();
        assert_eq!(records.len(), expected + 1);
    }
}

#[test]
fn no_room_for_a_new_file_leaves_the_log_as_it_was() {
    let (disk, environment) = world(10);
    let mut log = Log::create(&environment, options()).unwrap();
    disk.set_capacity(Some(40 << 10));
    let mut written = 0;
    let error = loop {
        match log.append(&[&record(written, 3000)]) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::DiskFull(_)), "{error}");
    log.sync().unwrap();
    disk.set_capacity(None);
    append(&mut log, written, 3000);
    log.sync().unwrap();
    disk.crash();
    let (_, _, records) = recover(&environment, ALL).unwrap();
    assert_eq!(numbers(&records), (0..=written).collect::<Vec<_>>());
}

#[test]
fn a_crash_at_any_step_of_recovery_changes_nothing() {
    let (disk, environment) = world(11);
    let mut log = Log::create(&environment, options()).unwrap();
    log.spare().prepare().unwrap();
    for number in 0..20 {
        append(&mut log, number, 3000);
    }
    log.sync().unwrap();
    append(&mut log, 20, 3000);
    append(&mut log, 21, 3000);
    log.spare().prepare().unwrap();
    disk.kill();
    let expected: Vec<u64> = (0..22).collect();
    let mut steps = 0;
    loop {
        let story = disk.fork(steps);
        // Up to three recoveries in a row die at this step, then one lives.
        let mut died = false;
        for life in 0..3 {
            story.arm(Fault::PowerOff { after: steps });
            died |= recover(&environment_of(&story, life), ALL).is_err();
            story.crash();
        }
        let (_, _, records) = recover(&environment_of(&story, 77), ALL).unwrap();
        assert_eq!(numbers(&records), expected, "after deaths at step {steps}");
        if !died {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 6, "recovery has that many steps: {steps}");
}

#[test]
fn a_read_error_refuses_to_start() {
    let (disk, environment) = world(12);
    let mut log = Log::create(&environment, options()).unwrap();
    append(&mut log, 1, 3000);
    log.sync().unwrap();
    disk.kill();
    for after in 0..2 {
        disk.arm(Fault::FailRead { after });
        assert!(matches!(recover(&environment, ALL), Err(LogError::Io { .. })));
    }
    assert_eq!(numbers(&recover(&environment, ALL).unwrap().2), [1]);
}
