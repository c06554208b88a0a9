//! Want of room: what the engine does when the disk is full.
//!
//! The disk is full for the engine when no further file of the log can be made. (A checkpoint or compaction that finds no
//! room removes what it has begun and is tried again; that alone stops nobody.) From then on:
//!
//! - commits that write new rows are refused with [`Error::DiskFull`], and nothing of them was written; reads go on;
//! - the reserve for serving is given up, so that what frees room can be logged: deletions, TRUNCATE, DROP, settings of a
//!   table such as its retention, the clock's leases and sequences; and so that checkpoints and compaction have room for
//!   their edits of the manifest. Compaction runs even where the checkpoint before it failed: it unlinks history that
//!   has passed its retention;
//! - log files that were kept for reuse are removed.
//!
//! The state ends when there is room for the reserve twice over, looked at whenever somebody wants to commit: because
//! another program or an operator has made room, or retention has. Then the reserve is made again.
//!
//! It shows as the metric `strata_disk_full` and the setting `strata.disk_full`.

use crate::Error;
use crate::engine::Engine;
use crate::io::{planted, reserve};
use crate::log::{Log, LogError};
use crate::sequencer::{Request, refuse};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Room kept back beside a file of the log: for the manifest and small files.
const RESERVE_BYTES: u64 = 4 << 20;
/// How often a checkpoint is tried while there is no room, in microseconds.
const RETRY_MICROS: u64 = 1_000_000;

/// Whether there is room.
#[derive(Default)]
pub(crate) struct Room {
    is_full: AtomicBool,
    /// When a checkpoint was last asked for, on the steady clock.
    tried: AtomicU64,
}

impl Room {
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Bytes of each reserve.
    pub fn reserve_bytes(&self) -> u64 {
        self.configuration.log_file_bytes.saturating_add(RESERVE_BYTES)
    }

    /// Notes that no log file could be made.
    pub fn ran_out_of_room(&self) {
        if self.room.is_full.swap(true, Ordering::AcqRel) {
            return;
        }
        tracing::error!("the disk is full: what adds data is refused until there is room again");
        metrics::gauge!("strata_disk_full").set(1.0);
        if !reserve_is_kept(self)
            && let Err(error) = reserve::release(&*self.environment.disk, reserve::SERVING)
        {
            tracing::warn!(%error, "the reserve could not be given up");
        }
        self.background.want_checkpoint();
    }

    /// Of the commits that were asked for, those that may go on; the others are refused.
    pub fn admit(&self, log: &mut Log, requests: Vec<Request>) -> Vec<Request> {
        if !self.room.is_full() || self.look_for_room(log) {
            return requests;
        }
        let now = self.environment.clock.steady_micros();
        if now.saturating_sub(self.room.tried.load(Ordering::Acquire)) >= RETRY_MICROS {
            self.room.tried.store(now, Ordering::Release);
            self.background.want_checkpoint();
        }
        let (admitted, refused) = requests.into_iter().partition(|request| request.set.frees_room());
        refuse(self, refused, &Error::DiskFull);
        admitted
    }

    /// Whether there is room again; if so, the reserve is wanted back.
    fn look_for_room(&self, log: &Log) -> bool {
        match log.shed() {
            Ok(()) | Err(LogError::DiskFull(_)) => {}
            Err(error) => self.poison(&error.to_string()),
        }
        let needed = self.reserve_bytes().saturating_mul(2);
        if !self.environment.disk.space().is_ok_and(|space| space.available >= needed) {
            return false;
        }
        self.room.is_full.store(false, Ordering::Release);
        tracing::warn!("there is room on the disk again");
        metrics::gauge!("strata_disk_full").set(0.0);
        self.background.want_reserve();
        true
    }

    /// Makes the reserves, that for a start first. A failure leaves the database as it is, without them.
    pub fn keep_reserves(&self) {
        for name in [reserve::START, reserve::SERVING] {
            if let Err(error) = reserve::keep(&*self.environment.disk, name, self.reserve_bytes()) {
                tracing::warn!(%error, name, "a reserve could not be made");
            }
        }
    }
}

/// Whether a test keeps the reserve from being given up. A server cannot.
fn reserve_is_kept(engine: &Engine) -> bool {
    planted!(engine.environment.disk, keep_reserve)
}
