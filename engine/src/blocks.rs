//! What a scan's conditions spared it, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many blocks of segments a scan came to, and passed over because of their values; grows while the scan runs.
#[derive(Debug, Default)]
pub struct Blocks {
    seen: AtomicU64,
    skipped: AtomicU64,
}

impl Blocks {
    pub(crate) fn note(&self, met: bool) {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.skipped.fetch_add(u64::from(!met), Ordering::Relaxed);
    }

    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}
