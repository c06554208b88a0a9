//! The metrics that every batch of commits touches, looked up once, when the database is opened: whoever wants them
//! installs a recorder before.

use metrics::{Counter, Histogram};
use std::time::Duration;

/// Handles of the metrics of batches.
pub(crate) struct BatchMeters {
    commits: Counter,
    syncs: Counter,
    bytes: Counter,
    batch: Histogram,
    seconds: Histogram,
}

impl BatchMeters {
    pub fn new() -> BatchMeters {
        BatchMeters {
            commits: metrics::counter!("strata_commits_total"),
            syncs: metrics::counter!("strata_log_syncs_total"),
            bytes: metrics::counter!("strata_log_bytes_total"),
            batch: metrics::histogram!("strata_batch_commits"),
            seconds: metrics::histogram!("strata_log_sync_seconds"),
        }
    }

    /// A batch of so many commits and bytes was made durable.
    pub fn note(&self, commits: usize, bytes: usize, took: Duration) {
        self.commits.increment(commits as u64);
        self.syncs.increment(1);
        self.bytes.increment(bytes as u64);
        self.batch.record(commits as f64);
        self.seconds.record(took.as_secs_f64());
    }
}
