//! How a database is run: sizes at which something is done, and what happens when the log fails.

use crate::log::LogOptions;
use crate::memory::MemoryBound;
use std::sync::Arc;

/// Called when the log has failed and the process has to end; the text says why.
pub type FailureHook = Arc<dyn Fn(&str) + Send + Sync>;

/// How a database is run.
#[derive(Clone)]
pub struct Configuration {
    /// Hot rows and log together may grow by about this many bytes before a checkpoint writes them out.
    pub checkpoint_bytes: u64,
    /// Length of one log file.
    pub log_file_bytes: u64,
    /// Rows of a whole segment.
    pub segment_rows: u64,
    /// Bytes of a whole segment, however few its rows; several times as many where the table has a vector index.
    pub segment_bytes: usize,
    /// Keys that one transaction locks until its end; what it writes beyond them is found in its own map.
    pub locked_keys: usize,
    /// What one transaction holds of a table in memory, about, before the rest goes to files without names.
    pub scratch_bytes: usize,
    /// New rows of one transaction in one table of about this many bytes are written to segments before the commit.
    pub spill_bytes: usize,
    /// A new index of at least so many entries is written to runs before the commit.
    pub spill_entries: usize,
    /// Threads that build a graph over vectors, and bytes of memory that it may take meanwhile.
    pub graph_threads: usize,
    pub graph_memory: u64,
    /// Rows below which a segment has no graph.
    pub graph_rows: usize,
    /// Beyond this, transactions that write more are refused.
    pub memory: MemoryBound,
    /// One thread in the background waits until the one that it follows has nothing to do.
    #[cfg(any(test, feature = "simulation"))]
    pub takes_turns: bool,
    /// Run when what the disk holds is no longer known. The default ends the process; recovery repairs.
    pub on_failure: FailureHook,
}

#[cfg(any(test, feature = "simulation"))]
impl Configuration {
    /// Waits for others to rest, where threads take turns.
    pub(crate) fn take_turns(&self, others_rest: &dyn Fn() -> bool) {
        while self.takes_turns && !others_rest() {
            std::thread::yield_now();
        }
    }
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            checkpoint_bytes: 512 << 20,
            log_file_bytes: LogOptions::default().file_bytes,
            segment_rows: 1 << 20,
            segment_bytes: 128 << 20,
            locked_keys: 1 << 14,
            scratch_bytes: 64 << 20,
            spill_bytes: 16 << 20,
            spill_entries: 1 << 14,
            graph_threads: graph_threads(),
            graph_memory: 2 << 30,
            graph_rows: 2048,
            memory: MemoryBound::none(),
            #[cfg(any(test, feature = "simulation"))]
            takes_turns: false,
            on_failure: Arc::new(|reason| {
                tracing::error!(reason, "the log failed; the process ends and recovery will repair");
                std::process::abort();
            }),
        }
    }
}

/// As many as there are processors: they step back for others. One where a seed decides what happens.
fn graph_threads() -> usize {
    match std::thread::available_parallelism() {
        Ok(threads) if !cfg!(feature = "simulation") => threads.get(),
        Ok(_) | Err(_) => 1,
    }
}
