//! Checkpoints: hot rows go to segments, so that neither memory nor the log grows without bound.
//!
//! 1. **Freeze**, between two batches: the active store of every table becomes a frozen one; the log's end is the
//!    checkpoint position, the newest published moment its moment. Everything before is in frozen stores or segments.
//! 2. **Rewrite**, in the background: frozen versions, with small older segments, go to new segments sorted by
//!    clustering key, with a run per further index; ends that segments were given go to delete logs.
//! 3. **Commit** the manifest's edit. Until here a crash leaves only orphans.
//! 4. **Install**, table by table under its latch: marks, ends and links that came meanwhile are carried over, old
//!    locations lead to the new ones, the frozen stores are let go of.
//! 5. **Release** the log before the checkpoint.
//!
//! Invariant: a checkpoint keeps the multiset of (row, from, to) of every table. What it writes is the state at its
//! moment: an end committed later is written as alive, and comes back from the log.

mod catalog;
mod freeze;
mod install;
mod rewrite;

pub(crate) use catalog::load_tables;

use crate::Error;
use crate::database::Engine;
use crate::ids::Timestamp;
use crate::log::{Log, LogError, Lsn, Spare};
use crate::manifest::{Edit, Manifest, ManifestError};
use crate::ticket::{Settlement, Ticket};
use freeze::FrozenTable;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// The manifest's counter of birth ids.
pub(crate) const BIRTHS: u32 = 0;
/// The manifest's property with the state of all sequences.
pub(crate) const SEQUENCES: &str = "sequences";

type Wake = Arc<Settlement<Result<(), Error>>>;

#[derive(Default)]
struct State {
    waiting: Vec<Wake>,
    wanted: bool,
    spare: bool,
    closed: bool,
}

/// What the background thread is asked to do.
#[derive(Default)]
pub(crate) struct Background {
    state: Mutex<State>,
    asked: Condvar,
}

impl Background {
    /// Asks for a checkpoint; the ticket settles when it is durable.
    pub fn checkpoint(&self) -> Ticket {
        let wake: Wake = Settlement::new();
        let mut state = self.state.lock();
        if state.closed {
            wake.settle(Err(Error::ShuttingDown));
        } else {
            state.waiting.push(wake.clone());
            state.wanted = true;
            self.asked.notify_one();
        }
        Ticket::new(wake)
    }

    /// Asks for a checkpoint that nobody waits for, because a bound was passed.
    pub fn want_checkpoint(&self) {
        let mut state = self.state.lock();
        if !state.wanted {
            state.wanted = true;
            self.asked.notify_one();
        }
    }

    /// Asks for the next log file to be prepared.
    pub fn want_spare(&self) {
        let mut state = self.state.lock();
        if !state.spare {
            state.spare = true;
            self.asked.notify_one();
        }
    }

    pub fn close(&self) {
        self.state.lock().closed = true;
        self.asked.notify_one();
    }
}

/// The body of the background thread.
pub(crate) fn run(engine: &Engine, mut manifest: Manifest, spare: &Spare) {
    loop {
        let (waiting, wanted, spare_wanted, closed) = {
            let mut state = engine.background.state.lock();
            while !state.wanted && !state.spare && !state.closed {
                engine.background.asked.wait(&mut state);
            }
            let waiting = std::mem::take(&mut state.waiting);
            (waiting, std::mem::take(&mut state.wanted), std::mem::take(&mut state.spare), state.closed)
        };
        if spare_wanted {
            if let Err(error) = spare.prepare() {
                tracing::warn!(%error, "no log file could be prepared ahead");
            }
        }
        if closed {
            for wake in waiting {
                wake.settle(Err(Error::ShuttingDown));
            }
            return;
        }
        if wanted {
            let result = checkpoint(engine, &mut manifest);
            if let Err(error) = &result {
                tracing::error!(%error, "the checkpoint failed; what it would have written stays in memory");
            }
            for wake in waiting {
                wake.settle(result.clone());
            }
        }
    }
}

/// The state that a checkpoint writes down.
struct Frozen {
    tables: Vec<FrozenTable>,
    /// The log before this is covered.
    position: Lsn,
    durable: Lsn,
    /// Ends after this moment are not written.
    moment: Timestamp,
    births: u64,
    sequences: Vec<u8>,
    floor: i64,
}

fn freeze(engine: &Engine) -> Result<Frozen, Error> {
    let (sender, receiver) = sync_channel(1);
    let task = move |engine: &Engine, log: &mut Log| {
        let frozen = freeze::tables(engine).map(|tables| Frozen {
            tables,
            // What was appended behind it failed to become durable, and is in no table.
            position: log.durable(),
            durable: log.durable(),
            moment: engine.clock.published(),
            births: engine.births.load(Ordering::Acquire),
            sequences: engine.sequences.encode(),
            floor: engine.clock.lease().max(engine.clock.published().micros()),
        });
        engine.logged.store(0, Ordering::Release);
        // The receiver waits for exactly this.
        let _ = sender.send(frozen);
    };
    if !engine.queue.run(Box::new(task)) {
        return Err(Error::ShuttingDown);
    }
    receiver.recv().map_err(|_| Error::ShuttingDown)?
}

fn checkpoint(engine: &Engine, manifest: &mut Manifest) -> Result<(), Error> {
    engine.check_writable()?;
    let started = Instant::now();
    let frozen = freeze(engine)?;
    install::drop_forwards(engine);
    let mut edits = Vec::new();
    let mut rewritten = Vec::new();
    for table in &frozen.tables {
        let outputs = rewrite::table(engine, manifest, table, frozen.moment.0, &mut edits)?;
        let entry = catalog::encode(table, &outputs);
        let known = manifest.state().tables.get(&table.table.id).map(|known| &known.schema);
        if known != Some(&entry) {
            edits.insert(0, Edit::SetTable { table: table.table.id, schema: entry });
        }
        rewritten.push(outputs);
    }
    edits.push(Edit::Counter { counter: BIRTHS, value: frozen.births });
    edits.push(Edit::ClockFloor { micros: frozen.floor });
    edits.push(Edit::Property { name: SEQUENCES.into(), value: frozen.sequences });
    edits.push(Edit::Checkpoint { checkpoint: frozen.position, durable: frozen.durable });
    match manifest.commit(&edits) {
        Ok(()) => {}
        Err(ManifestError::DiskFull(_)) => return Err(Error::DiskFull),
        Err(error @ ManifestError::Misuse(_)) => return Err(Error::Io(error.to_string())),
        Err(error) => {
            engine.poison(&error.to_string());
            return Err(Error::LogFailed);
        }
    }
    for (table, outputs) in frozen.tables.iter().zip(rewritten) {
        install::table(engine, table, outputs, frozen.moment.0);
    }
    let position = frozen.position;
    engine.queue.run(Box::new(move |engine, log| match log.release(position) {
        Ok(()) | Err(LogError::DiskFull(_)) => {}
        Err(error) => engine.poison(&error.to_string()),
    }));
    if let Err(error) = manifest.remove_orphans() {
        tracing::warn!(%error, "files of no use could not be removed");
    }
    metrics::histogram!("strata_checkpoint_seconds").record(started.elapsed().as_secs_f64());
    tracing::info!(took = ?started.elapsed(), edits = edits.len(), "checkpoint");
    Ok(())
}
