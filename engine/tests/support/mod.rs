//! What the tests of the log share: records that name themselves, and a log opened and read in one call.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Arc;

use strata_engine::{
    io::{
        Environment,
        simulation::{SimulatedDisk, SimulatedRandom, environment},
    },
    log::{Log, LogError, LogOptions, RecoverFrom, RecoveryReport},
};

/// Small files, so that changes of file are common.
pub const FILE_BYTES: u64 = 32 << 10;

pub fn options() -> LogOptions {
    LogOptions { file_bytes: FILE_BYTES, instance: *b"one database onl" }
}

/// A record that says its number and fills up with bytes that only it has.
pub fn record(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    let mut word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while bytes.len() < length.max(8) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.truncate(length.max(8));
    bytes
}

/// The number of a record; panics if it is not whole.
pub fn number_of(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    (record(number, bytes.len()) == bytes).then_some(number)
}

/// A disk of one seed that outlives its environments.
pub fn world(seed: u64) -> (Arc<SimulatedDisk>, Environment) {
    let (disk, _, environment) = environment(seed);
    (disk, environment)
}

/// The same disk as another process sees it: with other randomness.
pub fn environment_of(disk: &Arc<SimulatedDisk>, seed: u64) -> Environment {
    let (_, _, mut environment) = environment(seed);
    environment.disk = disk.mount();
    environment.random = Arc::new(SimulatedRandom::new(seed ^ 0x1234_5678));
    environment
}

/// Appends one record as a batch of its own.
pub fn append(log: &mut Log, number: u64, length: usize) {
    log.append(&[&record(number, length)]).expect("an append on a healthy disk");
}

/// Everything a recovery hands out, as record bytes.
pub fn recover(
    environment: &Environment,
    from: RecoverFrom,
) -> Result<(Log, RecoveryReport, Vec<Vec<u8>>), LogError> {
    let mut records = Vec::new();
    let (log, report) = Log::recover(environment, options(), from, &mut |_, record| {
        records.push(record.to_vec());
        Ok(())
    })?;
    Ok((log, report, records))
}

/// The numbers of recovered records; panics on one that is not whole.
pub fn numbers(records: &[Vec<u8>]) -> Vec<u64> {
    records.iter().map(|record| number_of(record).expect("a whole record")).collect()
}
