//! How much memory transactions may take.
//!
//! What a transaction writes stands in memory until its commit. One that would take more than there is ends with an
//! error of its own, before the system ends the server and with it everybody's work. The measure is what the process
//! has, not what the transaction is thought to hold: indexes, undo and the encoding of the commit are in it.
//!
//! It is asked once a full chunk of new rows, and once as many ended rows: small transactions are never refused.

use crate::Error;
use std::sync::Arc;

/// What the process may have before transactions that write more are refused.
#[derive(Clone)]
pub struct MemoryBound {
    /// Bytes.
    pub limit: u64,
    /// Bytes that are taken now, those of files mapped not counted.
    pub used: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl MemoryBound {
    /// No bound.
    pub fn none() -> MemoryBound {
        MemoryBound { limit: u64::MAX, used: Arc::new(|| 0) }
    }

    /// Half of the memory that the machine, or the process's control group, has: a commit of what is in memory may take
    /// as much again. None where the system does not say.
    pub fn of_machine() -> MemoryBound {
        let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
        let group = group.and_then(|text| text.trim().parse::<u64>().ok());
        let machine =
            std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| bytes_of(&text, "MemTotal:"));
        match group.into_iter().chain(machine).min() {
            Some(bytes) => MemoryBound { limit: bytes / 2, used: Arc::new(resident) },
            None => MemoryBound::none(),
        }
    }

    /// # Errors
    /// [`Error::OutOfMemory`] beyond the bound.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.limit != u64::MAX && (self.used)() > self.limit { Err(Error::OutOfMemory) } else { Ok(()) }
    }
}

/// The bytes that a line of `/proc/meminfo` or `/proc/self/status` says, which counts in kB.
fn bytes_of(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The process's resident memory that no file stands behind, in bytes; zero if the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    bytes_of(&status, "RssAnon:").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_how_much_it_has_and_the_process_how_much_it_takes() {
        assert_eq!(bytes_of("MemFree: 1 kB\nMemTotal:       16 kB\n", "MemTotal:"), Some(16 << 10));
        assert_eq!(bytes_of("MemFree: 1 kB\n", "MemTotal:"), None);
        let before = resident();
        let taken = vec![1u8; 64 << 20];
        assert!(resident() >= before + (60 << 20), "{} bytes", taken.len());
        assert!(MemoryBound::of_machine().check().is_ok());
        assert_eq!(MemoryBound { limit: 1, ..MemoryBound::of_machine() }.check(), Err(Error::OutOfMemory));
    }
}
