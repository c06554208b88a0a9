//! Checkpoints: hot rows go to segments, so that neither memory nor the log grows without bound.
//!
//! 1. **Freeze**, between two batches: the active store of every table becomes a frozen one; the log's end is the
//!    checkpoint position, the newest published moment its moment. Everything before is in frozen stores or segments.
//! 2. **Rewrite**, in the background: frozen versions, with segments that a new index has entries for, go to new
//!    segments sorted by clustering key, with a run per further index.
//! 3. **Commit** the manifest's edit, with delete logs of the ends that segments were given. Until here a crash leaves
//!    only orphans.
//! 4. **Install**, table by table under its latch: marks, ends and links that came meanwhile are carried over, old
//!    locations lead to the new ones, the frozen stores are let go of.
//! 5. **Release** the log before the checkpoint.
//!
//! Invariant: a checkpoint keeps the multiset of (row, from, to) of every table. What it writes is the state at its
//! moment: an end committed later is written as alive, and comes back from the log.
//!
//! Checkpoints and compaction write files at the same time; whoever freezes, commits or installs holds the [`Layout`].
//! Compaction writes the state at the moment of the last checkpoint and never a later one, because the log is replayed
//! from there over whatever the manifest names.

mod catalog;
mod freeze;
pub(crate) mod install;

pub(crate) use catalog::{Entry, Listed, load_tables};

use crate::Error;
use crate::change::run::ChangeRun;
use crate::compaction;
use crate::compaction::choose::boundaries;
use crate::compaction::slice::HIGHEST;
use crate::engine::Engine;
use crate::ids::{FileId, Location, Timestamp};
use crate::log::{Log, LogError, Lsn, Spare};
use crate::manifest::{Edit, Manifest, ManifestError};
use crate::rewrite::{Rewrite, entry};
use crate::segment::{DeleteLog, SegmentError};
#[cfg(any(test, feature = "simulation"))]
use crate::sequencer;
use crate::table::Table;
use crate::table::segments::SegmentPart;
use crate::ticket::{Settlement, Ticket};
use freeze::{FrozenGeneration, FrozenTable};
use hashbrown::HashSet;
use install::Installation;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// The manifest's counter of birth ids.
pub(crate) const BIRTHS: u32 = 0;
/// The manifest's property with the state of all sequences.
pub(crate) const SEQUENCES: &str = "sequences";
/// The manifest's property with the moment of the last checkpoint (8 bytes): what the files it names say.
pub(crate) const MOMENT: &str = "moment";

pub(crate) type Wake = Arc<Settlement<Result<(), Error>>>;

/// What lies on the disk: held by whoever changes it.
pub(crate) struct Layout {
    pub manifest: Manifest,
    /// The moment of the last checkpoint of this process; nothing is compacted before there is one.
    pub moment: Option<u64>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Wake>,
    /// Those who wait for the compaction after the checkpoint.
    compacting: Vec<Wake>,
    wanted: bool,
    spare: bool,
    reserve: bool,
    closed: bool,
    /// The thread is at work.
    busy: bool,
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
        self.ask(|state| &mut state.waiting)
    }

    /// Asks for a checkpoint and what compaction finds to do after it.
    pub fn compact(&self) -> Ticket {
        self.ask(|state| &mut state.compacting)
    }

    fn ask(&self, list: impl Fn(&mut State) -> &mut Vec<Wake>) -> Ticket {
        let wake: Wake = Settlement::new();
        let mut state = self.state.lock();
        if state.closed {
            wake.settle(Err(Error::ShuttingDown));
        } else {
            list(&mut state).push(wake.clone());
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

    /// Asks for the reserve to be made again.
    pub fn want_reserve(&self) {
        self.state.lock().reserve = true;
        self.asked.notify_one();
    }

    pub fn close(&self) {
        self.state.lock().closed = true;
        self.asked.notify_one();
    }

    /// Whether there is nothing to do.
    #[cfg(any(test, feature = "simulation"))]
    pub fn is_resting(&self) -> bool {
        let state = self.state.lock();
        state.closed || !(state.busy || state.wanted || state.spare || state.reserve)
    }
}

/// The body of the background thread.
pub(crate) fn run(engine: &Engine, layout: &Mutex<Layout>, spare: &Spare) {
    loop {
        let (waiting, compacting, wanted, spare_wanted, reserve_wanted, closed) = {
            let mut state = engine.background.state.lock();
            state.busy = false;
            while !state.wanted && !state.spare && !state.reserve && !state.closed {
                engine.background.asked.wait(&mut state);
            }
            state.busy = true;
            MutexGuard::unlocked(&mut state, || wait_for_commits(engine));
            let waiting = std::mem::take(&mut state.waiting);
            let compacting = std::mem::take(&mut state.compacting);
            let (wanted, spare) = (std::mem::take(&mut state.wanted), std::mem::take(&mut state.spare));
            (waiting, compacting, wanted, spare, std::mem::take(&mut state.reserve), state.closed)
        };
        if spare_wanted {
            match spare.prepare() {
                Ok(()) => {}
                // Asked for again with every batch; what comes of it is said once (`room`).
                Err(error @ LogError::DiskFull(_)) => tracing::debug!(%error, "no room for a log file ahead"),
                Err(error) => tracing::warn!(%error, "no log file could be prepared ahead"),
            }
        }
        if reserve_wanted {
            engine.keep_reserves();
        }
        if closed {
            settle(waiting, &Err(Error::ShuttingDown));
            settle(compacting, &Err(Error::ShuttingDown));
            return;
        }
        if wanted {
            let result = checkpoint(engine, layout);
            match &result {
                Ok(()) => {
                    engine.compactor.want(compacting);
                    if !engine.room.is_full() {
                        // A start on a full disk may have used one.
                        engine.keep_reserves();
                    }
                    engine.graphs.want();
                }
                Err(error) => {
                    tracing::error!(%error, "the checkpoint failed; what it would have written stays in memory");
                    settle(compacting, &result);
                    if *error == Error::DiskFull {
                        // What retention gives up can be unlinked without a checkpoint.
                        engine.compactor.want(Vec::new());
                    }
                }
            }
            settle(waiting, &result);
        }
    }
}

/// Where threads take turns: waits until no commit is under way.
fn wait_for_commits(_engine: &Engine) {
    #[cfg(any(test, feature = "simulation"))]
    _engine.configuration.take_turns(&|| sequencer::is_resting(_engine));
}

/// Tells those who wait how it went.
pub(crate) fn settle(waiting: Vec<Wake>, result: &Result<(), Error>) {
    for wake in waiting {
        wake.settle(result.clone());
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
        // What a batch could not apply must not be taken for the state of its moment.
        let tables = engine.check_writable().and_then(|()| freeze::tables(engine));
        let frozen = tables.map(|tables| Frozen {
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

fn checkpoint(engine: &Engine, layout: &Mutex<Layout>) -> Result<(), Error> {
    engine.check_writable()?;
    let started = Instant::now();
    let held = layout.lock();
    let frozen = freeze(engine)?;
    install::drop_forwards(engine);
    // Segments that are written anew must not be compacted meanwhile.
    let all = |frozen: &Frozen| frozen.tables.iter().any(|table| table.generations.iter().any(is_wanting));
    let held = all(&frozen).then_some(held);
    let mut rewritten = Vec::new();
    for table in &frozen.tables {
        rewritten.push(rewrite(engine, table, frozen.moment.0).inspect_err(|_| discard(engine, &rewritten))?);
    }
    let mut layout = held.unwrap_or_else(|| layout.lock());
    let finished = finish(engine, &mut layout, &frozen, rewritten);
    drop(layout);
    let edits = finished?;
    let position = frozen.position;
    engine.queue.run(Box::new(move |engine, log| match log.release(position) {
        Ok(()) | Err(LogError::DiskFull(_)) => {}
        Err(error) => engine.poison(&error.to_string()),
    }));
    wait_for_commits(engine);
    metrics::histogram!("strata_checkpoint_seconds").record(started.elapsed().as_secs_f64());
    tracing::info!(took = ?started.elapsed(), edits, "checkpoint");
    Ok(())
}

fn is_wanting(generation: &FrozenGeneration) -> bool {
    !generation.wanted().is_empty()
}

/// Removes what earlier tables have written when a later one fails.
fn discard(engine: &Engine, rewritten: &[Vec<Installation>]) {
    for installation in rewritten.iter().flatten() {
        installation.outputs.discard(engine);
    }
}

/// Writes the frozen stores of one table to segments.
fn rewrite(engine: &Engine, table: &FrozenTable, moment: u64) -> Result<Vec<Installation>, Error> {
    let mut installations = Vec::new();
    for (number, generation) in table.generations.iter().enumerate().filter(|(_, each)| !each.is_empty()) {
        let wanted = generation.wanted();
        let (parts, boundaries) = {
            let state = table.table.read();
            let segments = state.generation_at(number).map_or(&[][..], |found| found.segments.as_slice());
            let primary = table.schema.indexes.iter().find(|index| index.primary).map(|index| index.id);
            let keys = segments.iter().map(|part| (part.level(), part.primary, &*part.first_key));
            let parts: Vec<Arc<SegmentPart>> =
                segments.iter().filter(|part| wanted.contains(&part.number)).cloned().collect();
            (parts, boundaries(keys, primary))
        };
        let rewrite = Rewrite {
            engine,
            table: table.table.id,
            schema: &table.schema,
            dictionary: &table.dictionary,
            stores: &generation.stores,
            parts: &parts,
            moment,
            horizon: 0,
            level: 0,
            boundaries: &boundaries,
            ceiling: HIGHEST,
            limits: compaction::limits(engine, &table.table),
            stop: &|| false,
        };
        let outputs = rewrite.run().inspect_err(|_| {
            installations.iter().for_each(|each: &Installation| each.outputs.discard(engine));
        })?;
        if let Some(outputs) = outputs {
            installations.push(Installation {
                generation: number,
                stores: generation.stores.clone(),
                outputs,
            });
        }
    }
    Ok(installations)
}

/// Commits and installs what was written. Answers how many edits that took.
fn finish(
    engine: &Engine,
    layout: &mut Layout,
    frozen: &Frozen,
    rewritten: Vec<Vec<Installation>>,
) -> Result<usize, Error> {
    let mut edits = Vec::new();
    let mut logged = Vec::new();
    let mut changes = Vec::new();
    for (table, installations) in frozen.tables.iter().zip(&rewritten) {
        let removed: HashSet<u32> =
            installations.iter().flat_map(|each| each.outputs.removed.iter().copied()).collect();
        let mut segments = Vec::new();
        let mut kept = Vec::new();
        {
            let state = table.table.read();
            for number in 0..table.generations.len() {
                let Some(generation) = state.generation_at(number) else { continue };
                // What commits after the freeze brought is still the log's.
                let is_later =
                    |part: &SegmentPart| part.segment.published().is_some_and(|at| at > frozen.moment);
                let parts = generation.segments.iter();
                let parts = parts.filter(|part| !removed.contains(&part.number) && !is_later(part));
                kept.extend(parts.clone().cloned());
                segments.extend(parts.map(|part| Listed::of(part, number)));
            }
        }
        segments.extend(table.table.read().quarantined.iter().cloned());
        for Installation { generation, outputs, .. } in installations {
            segments.extend(outputs.parts.iter().map(|part| Listed::of(part, *generation)));
        }
        let entry = Entry::new(table, segments).encode();
        let known = layout.manifest.state().tables.get(&table.table.id).map(|known| &known.schema);
        if known != Some(&entry) {
            edits.push(Edit::SetTable { table: table.table.id, schema: entry });
        }
        edits.extend(installations.iter().flat_map(|each| each.outputs.edits.iter().cloned()));
        edits.extend(kept.iter().flat_map(|part| part.unlisted(frozen.moment.0)));
        for part in kept {
            let ends = part.committed_ends();
            logged.extend(write_delete_log(engine, &part, &ends, frozen.moment.0, &mut edits)?);
        }
        changes.push(write_changes(engine, &table.table, installations, frozen.moment.0, &mut edits)?);
    }
    edits.push(Edit::Counter { counter: BIRTHS, value: frozen.births });
    edits.push(Edit::ClockFloor { micros: frozen.floor });
    edits.push(Edit::Property { name: SEQUENCES.into(), value: frozen.sequences.clone() });
    edits.push(Edit::Property { name: MOMENT.into(), value: frozen.moment.0.to_le_bytes().to_vec() });
    edits.push(Edit::Checkpoint { checkpoint: frozen.position, durable: frozen.durable });
    commit(engine, &mut layout.manifest, &edits).inspect_err(|error| {
        // Where the outcome is unknown, a restart may find the files named.
        if *error != Error::LogFailed {
            discard(engine, &rewritten);
        }
    })?;
    layout.moment = Some(frozen.moment.0);
    logged.iter().for_each(|(part, ends)| part.note_logged_ends(*ends));
    for table in &frozen.tables {
        let state = table.table.read();
        let parts = state.generations().flat_map(|(_, generation)| &generation.segments);
        parts.for_each(|part| part.note_listed(frozen.moment.0));
    }
    for ((table, installations), changes) in frozen.tables.iter().zip(rewritten).zip(changes) {
        if !installations.is_empty() || changes.is_some() {
            install::table(engine, &table.table, &installations, frozen.moment.0, changes);
        }
    }
    remove_freed(&mut layout.manifest);
    Ok(edits.len())
}

/// Writes the changes of a table up to the moment into a run, if there are any. Every row lies in a segment by now, or
/// in one that is about to be installed.
fn write_changes(
    engine: &Engine,
    table: &Table,
    installations: &[Installation],
    moment: u64,
    edits: &mut Vec<Edit>,
) -> Result<Option<Arc<ChangeRun>>, Error> {
    let state = table.read();
    let place = |location: Location| -> Result<Option<(Vec<u8>, u64)>, Error> {
        let outputs = installations.iter().map(|installation| &installation.outputs);
        let moved = outputs.clone().find_map(|outputs| {
            let rows = outputs.moves.get(&(location.0 >> 32))?;
            rows.get(location.row()).map(|new| Location(*new))
        });
        let location = moved.unwrap_or(location);
        let number = location.number();
        let fresh = outputs.clone().flat_map(|outputs| &outputs.parts).find(|part| part.number == number);
        let part = fresh.or_else(|| {
            let kept = state.generations().flat_map(|(_, generation)| &generation.segments);
            kept.into_iter().find(|part| part.number == number)
        });
        let Some(part) = part.filter(|_| location.is_segment()) else { return Ok(None) };
        let named = part.segment.key(location.row());
        let named = named.and_then(|key| Ok((key.to_vec(), part.segment.birth(location.row())?)));
        match named {
            Ok(named) => Ok(Some(named)),
            // The image cannot be read any more either; the log must not grow for ever for its sake.
            Err(error @ SegmentError::Corrupt { .. }) => {
                tracing::error!(%error, "a change has lost its row");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    };
    let writer = state.hot_changes.record(moment, &place)?;
    if writer.is_empty() {
        return Ok(None);
    }
    let file = engine.allocate_file();
    let written = writer.finish(&engine.environment, file, table.id)?;
    edits.push(Edit::AddChanges { table: table.id, entry: entry(&written, 0) });
    Ok(Some(ChangeRun::open(&engine.environment, file, table.id, &written.hash)?))
}

/// Writes down the ends up to the moment that a segment was given, if there are more than its delete log has.
pub(crate) fn write_delete_log(
    engine: &Engine,
    part: &Arc<SegmentPart>,
    ends: &[(u32, Timestamp)],
    moment: u64,
    edits: &mut Vec<Edit>,
) -> Result<Option<(Arc<SegmentPart>, usize)>, Error> {
    let ends: Vec<(u32, Timestamp)> = ends.iter().filter(|(_, end)| end.0 <= moment).copied().collect();
    if ends.is_empty() || part.logged_ends() == ends.len() {
        return Ok(None);
    }
    let file = engine.allocate_file();
    let of = FileId(u64::from(part.number));
    DeleteLog::write(&engine.environment, file, of, part.segment.rows(), &ends)?;
    edits.push(Edit::SetDeleteLog { file: of, delete_log: Some(file) });
    Ok(Some((part.clone(), ends.len())))
}

/// Commits edits. What is on the disk is unknown after a failure that is not for want of room.
pub(crate) fn commit(engine: &Engine, manifest: &mut Manifest, edits: &[Edit]) -> Result<(), Error> {
    match manifest.commit(edits) {
        Ok(()) => Ok(()),
        Err(ManifestError::DiskFull(_)) => Err(Error::DiskFull),
        Err(error @ ManifestError::Misuse(_)) => Err(Error::Io(error.to_string())),
        Err(error) => {
            engine.poison(&error.to_string());
            Err(Error::LogFailed)
        }
    }
}

/// Gives back the room of files that are no more.
pub(crate) fn remove_freed(manifest: &mut Manifest) {
    if let Err(error) = manifest.remove_freed() {
        tracing::warn!(%error, "files of no use could not be removed");
    }
}
