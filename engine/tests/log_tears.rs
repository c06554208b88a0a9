//! Every byte of an unsynced batch torn in four ways, every proven byte damaged, every subset of sectors.

mod support;

use std::sync::Arc;

use strata_engine::{
    io::simulation::SimulatedDisk,
    log::{Log, LogError, LogOptions, Lsn, RecoverFrom},
};
use support::{append, environment_of, number_of, record, world};

const ALL: RecoverFrom = RecoverFrom { checkpoint: Lsn(0), durable: Lsn(0) };
const FIRST: &str = "log-0000000000000001";

fn wide() -> LogOptions {
    LogOptions { file_bytes: 96 << 10, instance: [1; 16] }
}

fn recover(disk: &Arc<SimulatedDisk>, seed: u64) -> Result<Vec<u64>, LogError> {
    let mut numbers = Vec::new();
    Log::recover(&environment_of(disk, seed), wide(), ALL, &mut |_, record| {
        numbers.push(number_of(record).ok_or("a record that is not whole")?);
        Ok(())
    })?;
    Ok(numbers)
}

/// A log of five small synced batches and one of 64 KiB that was not; where that one starts and ends in the file.
fn torn_story() -> (Arc<SimulatedDisk>, usize, usize) {
    let (disk, environment) = world(1);
    let mut log = Log::create(&environment, wide()).unwrap();
    for number in 0..5 {
        append(&mut log, number, 200);
        log.sync().unwrap();
    }
    let start = 4096 + (log.end().0 - 64) as usize;
    let records: Vec<Vec<u8>> = (5..21).map(|number| record(number, 4088)).collect();
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    log.append(&records).unwrap();
    let end = 4096 + (log.end().0 - 64) as usize;
    assert!(end - start >= 64 << 10);
    disk.kill();
    (disk, start, end)
}

/// Stale bytes as a recycled file has them: batches of an earlier use, intact but for their place.
fn stale_bytes(length: usize) -> Vec<u8> {
    let (disk, environment) = world(99);
    let mut log = Log::create(&environment, wide()).unwrap();
    for number in 1000..1100 {
        append(&mut log, number, 800);
        log.sync().unwrap();
    }
    let mut bytes = disk.content(FIRST).unwrap();
    bytes.resize(length, 0);
    bytes
}

/// Tears every byte of the batch that was never synced: `tear(image, at, end)` spoils everything from `at` on.
fn tear_everywhere(tear: impl Fn(&mut Vec<u8>, usize, usize)) {
    let (base, start, end) = torn_story();
    let image = base.content(FIRST).unwrap();
    let synced: Vec<u64> = (0..5).collect();
    let whole: Vec<u64> = (0..21).collect();
    let mut kept = 0;
    for at in start..end {
        let mut torn = image.clone();
        tear(&mut torn, at, end);
        let disk = SimulatedDisk::new(at as u64);
        disk.place(FIRST, &torn);
        let is_whole = torn.get(..end) == image.get(..end);
        let found = recover(&disk, 5).unwrap_or_else(|error| panic!("byte {at}: {error}"));
        assert_eq!(found, if is_whole { &whole[..] } else { &synced[..] }, "byte {at}");
        kept += usize::from(is_whole);
    }
    assert!(kept < 16, "only padding can be torn without loss: {kept}");
}

#[test]
fn an_unsynced_batch_cut_at_every_byte_is_a_tear() {
    tear_everywhere(|image, at, _| image.truncate(at));
}

#[test]
fn an_unsynced_batch_zeroed_from_every_byte_is_a_tear() {
    tear_everywhere(|image, at, end| image[at..end].fill(0));
}

#[test]
fn an_unsynced_batch_stale_from_every_byte_is_a_tear() {
    let stale = stale_bytes(96 << 10);
    tear_everywhere(|image, at, end| image[at..end].copy_from_slice(&stale[at..end]));
}

#[test]
fn an_unsynced_batch_random_from_every_byte_is_a_tear() {
    let random = record(4242, 96 << 10);
    tear_everywhere(|image, at, end| image[at..end].copy_from_slice(&random[at..end]));
}

#[test]
fn every_flipped_bit_below_the_durable_mark_is_refused_with_file_and_offset() {
    let (base, start, _) = torn_story();
    let image = base.content(FIRST).unwrap();
    // The unsynced batch says that everything before it was durable. Its own header is the only proof.
    for at in 0..start {
        for bit in 0..8 {
            let mut damaged = image.clone();
            damaged[at] ^= 1 << bit;
            let disk = SimulatedDisk::new(1);
            disk.place(FIRST, &damaged);
            let refused = recover(&disk, 5);
            let Err(LogError::Corrupt { file, offset, .. }) = refused else {
                panic!("byte {at}, bit {bit}: {refused:?}");
            };
            assert_eq!(file, FIRST);
            assert!(offset <= at as u64 && at as u64 - offset < 2048, "byte {at}: said {offset}");
        }
    }
}

#[test]
fn every_subset_of_a_batchs_sectors_is_all_or_nothing() {
    let (base, environment) = world(3);
    let mut log = Log::create(&environment, wide()).unwrap();
    append(&mut log, 0, 300);
    log.sync().unwrap();
    let before = base.content(FIRST).unwrap();
    let records: Vec<Vec<u8>> = (1..6).map(|number| record(number, 1000)).collect();
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    log.append(&records).unwrap();
    let after = base.content(FIRST).unwrap();
    let sectors: Vec<usize> =
        (0..after.len()).step_by(512).filter(|at| before[*at..*at + 512] != after[*at..*at + 512]).collect();
    assert!((10..=12).contains(&sectors.len()));
    for subset in 0..1_u32 << sectors.len() {
        let mut image = before.clone();
        for (bit, at) in sectors.iter().enumerate() {
            if subset & (1 << bit) != 0 {
                image[*at..*at + 512].copy_from_slice(&after[*at..*at + 512]);
            }
        }
        let disk = SimulatedDisk::new(1);
        disk.place(FIRST, &image);
        let found = recover(&disk, 5).unwrap();
        let is_whole = subset + 1 == 1 << sectors.len();
        assert_eq!(found, if is_whole { vec![0, 1, 2, 3, 4, 5] } else { vec![0] }, "subset {subset:b}");
    }
}

#[test]
fn a_payload_that_imitates_a_batch_proves_nothing() {
    let (disk, environment) = world(4);
    let mut log = Log::create(&environment, wide()).unwrap();
    append(&mut log, 0, 300);
    log.sync().unwrap();
    append(&mut log, 1, 300);
    log.sync().unwrap();
    // A copy of a real batch, header and all, as a payload at another place of the same file.
    let copy = disk.content(FIRST).unwrap()[4096..5000].to_vec();
    let torn_at = 4096 + (log.end().0 - 64);
    log.append(&[&record(2, 5000), &copy]).unwrap();
    disk.kill();
    disk.overwrite(FIRST, &[0; 512], torn_at + 512);
    assert_eq!(recover(&disk, 5).unwrap(), [0, 1]);
}
