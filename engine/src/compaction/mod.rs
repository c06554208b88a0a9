//! Compaction: files are written anew so that a look at any moment meets few of them.
//!
//! `choose` says what to do, purely, from what files there are; `slice` says where dead versions belong. What is chosen
//! is executed here, in a thread of its own:
//!
//! 1. **Describe** a generation's files under the table's latch, and choose.
//! 2. **Write** the new files, holding nothing. Readers, writers and checkpoints go on.
//! 3. **Commit**, holding the layout: if the files read are still those of the table (a checkpoint may have rewritten
//!    one), ends that a checkpoint wrote down meanwhile go to delete logs of the new files, and the manifest's edit is
//!    made. Until here a crash leaves only orphans.
//! 4. **Install** under the table's latch, as a checkpoint does, and unlink the old files: mappings of them live on as
//!    long as somebody reads.
//!
//! Invariants: per table and generation the multiset of (row, from, to) stays, but for versions that ended before the
//! horizon of the table. Executing a plan twice is impossible: its inputs are gone after the first time. A failure
//! leaves everything as it was.
//!
//! Throttled: after each plan the thread rests for a quarter of the time the plan took, unless somebody waits.
//!
//! Retention: a table may say for how long versions are kept after their end. Its horizon then follows the clock, and
//! is written down before, or with, the first file that it costs. Reading before it is an error that names it.

pub(crate) mod choose;
pub(crate) mod slice;

use crate::change::run::{self as run, ChangeRun, RunWriter};
use crate::checkpoint::install::{self, Installation};
use crate::checkpoint::{Entry, Layout, Listed, Wake, commit, remove_freed, settle, write_delete_log};
use crate::engine::Engine;
use crate::ids::{FileId, Location, Timestamp};
use crate::long_value;
use crate::manifest::{Edit, Manifest};
use crate::rewrite::{Outputs, Rewrite, entry, segment_bytes};
use crate::table::segments::SegmentPart;
use crate::table::{Generation, Table};
use crate::vector::builder;
use crate::{Error, TableId};
use choose::{FileState, LayoutState, Level, Limits, Plan};
use hashbrown::HashMap;
#[cfg(any(test, feature = "simulation"))]
use parking_lot::MutexGuard;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Plans for one generation before others get their turn.
const PLANS_AT_ONCE: usize = 64;
/// Changes that one file may come to hold.
const MERGED_CHANGES: u64 = 4 << 20;
/// The longest rest between two plans.
const LONGEST_REST: Duration = Duration::from_millis(500);

#[derive(Default)]
struct State {
    waiting: Vec<Wake>,
    wanted: bool,
    closed: bool,
    /// The thread is at work.
    busy: bool,
}

/// What the compaction thread is asked to do.
#[derive(Default)]
pub(crate) struct Compactor {
    state: Mutex<State>,
    asked: Condvar,
}

impl Compactor {
    /// Asks for a round; those who wait learn when it is over.
    pub fn want(&self, waiting: Vec<Wake>) {
        let mut state = self.state.lock();
        if state.closed {
            settle(waiting, &Err(Error::ShuttingDown));
            return;
        }
        state.waiting.extend(waiting);
        state.wanted = true;
        self.asked.notify_one();
    }

    pub fn close(&self) {
        self.state.lock().closed = true;
        self.asked.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Whether there is nothing to do.
    #[cfg(any(test, feature = "simulation"))]
    pub fn is_resting(&self) -> bool {
        let state = self.state.lock();
        state.closed || !(state.busy || state.wanted)
    }

    fn is_waited_for(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }
}

/// What became of a plan.
enum Outcome {
    Done,
    /// Its files are not those of the table any more, or the thread has to end.
    Given,
}

/// The body of the compaction thread.
pub(crate) fn run(engine: &Arc<Engine>, layout: &Mutex<Layout>) {
    loop {
        let mut state = engine.compactor.state.lock();
        state.busy = false;
        while !state.wanted && !state.closed {
            engine.compactor.asked.wait(&mut state);
        }
        state.busy = true;
        #[cfg(any(test, feature = "simulation"))]
        MutexGuard::unlocked(&mut state, || {
            engine.configuration.take_turns(&|| engine.background.is_resting());
        });
        // Whatever was asked for until now is one round.
        state.wanted = false;
        if state.closed {
            settle(std::mem::take(&mut state.waiting), &Err(Error::ShuttingDown));
            return;
        }
        let waiting = state.waiting.len();
        drop(state);
        let result = round(engine, layout);
        engine.graphs.want();
        if let Err(error) = &result {
            tracing::error!(%error, "compaction failed; everything stays as it was");
        }
        let done: Vec<Wake> = engine.compactor.state.lock().waiting.drain(..waiting).collect();
        settle(done, &result);
    }
}

/// Sizes for one table.
pub(crate) fn limits(engine: &Engine, table: &Table) -> Limits {
    let segment_rows = engine.configuration.segment_rows.max(16);
    let living = table.live_rows.load(Ordering::Acquire).max(0) as u64;
    let small_rows = (living / 4).clamp(4096, 16384).min(segment_rows / 8);
    Limits { segment_rows, small_rows, plan_rows: segment_rows * 8 }
}

/// Compacts every table. One whose files are damaged does not keep the others from it.
fn round(engine: &Arc<Engine>, layout: &Mutex<Layout>) -> Result<(), Error> {
    let mut tables: Vec<Arc<Table>> = engine.tables().values().cloned().collect();
    tables.sort_by_key(|table| table.id);
    let mut result = Ok(());
    for table in tables {
        engine.check_writable()?;
        if engine.compactor.is_closed() {
            return Ok(());
        }
        let compacted = compact(engine, layout, &table);
        if let Err(error) = compacted.and_then(|()| long_value::collect(engine, &table)) {
            tracing::error!(%error, table = table.id.0, "the table cannot be compacted");
            result = Err(error);
        }
    }
    install::drop_forwards(engine);
    result
}

fn compact(engine: &Engine, layout: &Mutex<Layout>, table: &Arc<Table>) -> Result<(), Error> {
    if table.check_sound().is_err() {
        // It stays as it is, for whoever repairs it.
        return Ok(());
    }
    retire(engine, table);
    write_horizon(engine, layout, table)?;
    while merge_changes(engine, layout, table)? {}
    let generations = table.read().generations().count();
    for number in 0..generations {
        for _ in 0..PLANS_AT_ONCE {
            let Some(moment) = layout.lock().moment else { return Ok(()) };
            let work = Work { engine, table, number, moment };
            match work.next(layout)? {
                Some(Outcome::Done) => {}
                Some(Outcome::Given) | None => break,
            }
        }
    }
    Ok(())
}

/// Moves the horizon of a table that keeps its history for a while only, not beyond what is held.
fn retire(engine: &Engine, table: &Table) {
    if let Some(retention) = table.retention() {
        let oldest = engine.clock.published().micros().saturating_sub(retention).min(engine.clock.held());
        if oldest > 0 {
            table.raise_horizon(Timestamp::before_micros(oldest).0);
        }
    }
}

/// Writes the horizon down where it has moved, and unlinks the files of changes that all come before it.
fn write_horizon(engine: &Engine, layout: &Mutex<Layout>, table: &Table) -> Result<(), Error> {
    let horizon = table.horizon();
    if horizon == 0 {
        return Ok(());
    }
    let over = |run: &Arc<ChangeRun>| run.last <= horizon;
    let mut layout = layout.lock();
    let Some(known) = layout.manifest.state().tables.get(&table.id) else { return Ok(()) };
    let Some(mut entry) = Entry::parse(&known.schema)? else { return Ok(()) };
    let runs = table.read().change_runs.clone();
    if entry.horizon >= horizon && !runs.iter().any(over) {
        return Ok(());
    }
    entry.horizon = entry.horizon.max(horizon);
    let mut edits = vec![Edit::SetTable { table: table.id, schema: entry.encode() }];
    let files = runs.iter().filter(|run| over(run)).map(|run| run.file());
    edits.extend(files.map(|file| Edit::RemoveChanges { table: table.id, file }));
    commit(engine, &mut layout.manifest, &edits)?;
    table.latch.write().change_runs.retain(|run| !over(run));
    remove_freed(&mut layout.manifest);
    Ok(())
}

/// Makes one file of some files of changes, if there are many. Says whether there may be more to do. Nobody else takes
/// such files away, and checkpoints add theirs at the end.
fn merge_changes(engine: &Engine, layout: &Mutex<Layout>, table: &Table) -> Result<bool, Error> {
    let runs = table.read().change_runs.clone();
    let sizes: Vec<u64> = runs.iter().map(|run| run.changes()).collect();
    let Some(chosen) = run::choose(&sizes, MERGED_CHANGES).and_then(|range| runs.get(range)) else {
        return Ok(false);
    };
    if engine.compactor.is_closed() {
        return Ok(false);
    }
    let mut writer = RunWriter::default();
    for run in chosen {
        for block in 0..run.blocks() {
            run.block(block)?.iter().for_each(|(_, change)| writer.push(change));
        }
    }
    let file = engine.allocate_file();
    let written = writer.finish(&engine.environment, file, table.id)?;
    let merged = ChangeRun::open(&engine.environment, file, table.id, &written.hash)?;
    let removed: Vec<FileId> = chosen.iter().map(|run| run.file()).collect();
    let mut edits = vec![Edit::AddChanges { table: table.id, entry: entry(&written, 0) }];
    edits.extend(removed.iter().map(|file| Edit::RemoveChanges { table: table.id, file: *file }));
    let mut layout = layout.lock();
    commit(engine, &mut layout.manifest, &edits)?;
    let mut state = table.latch.write();
    state.change_runs.retain(|run| !removed.contains(&run.file()));
    state.change_runs.push(merged);
    state.change_runs.sort_by_key(|run| run.first);
    drop(state);
    remove_freed(&mut layout.manifest);
    Ok(true)
}

/// One generation of one table.
struct Work<'a> {
    engine: &'a Engine,
    table: &'a Arc<Table>,
    number: usize,
    moment: u64,
}

impl Work<'_> {
    /// Does what is to be done next; `None` if there is nothing.
    fn next(&self, layout: &Mutex<Layout>) -> Result<Option<Outcome>, Error> {
        let limits = limits(self.engine, self.table);
        let Some(state) = self.describe() else { return Ok(None) };
        match choose::choose(&state, &limits) {
            None => Ok(None),
            Some(Plan::Unlink(files)) => self.unlink(layout, &files).map(Some),
            Some(Plan::Promote(file)) => self.promote(layout, file).map(Some),
            Some(Plan::Merge { inputs, level, boundaries, ceiling }) => {
                let started = Instant::now();
                let merged = self.merge(layout, &inputs, level, &boundaries, ceiling, limits)?;
                let took = started.elapsed();
                metrics::histogram!("strata_compaction_seconds").record(took.as_secs_f64());
                tracing::debug!(table = self.table.id.0, ?inputs, ?took, "compaction");
                install::drop_forwards(self.engine);
                if took > Duration::from_millis(20) && !self.engine.compactor.is_waited_for() {
                    std::thread::sleep((took / 4).min(LONGEST_REST));
                }
                Ok(Some(merged))
            }
        }
    }

    /// The files, as the choice wants to know them; `None` while an index over older rows is on its way to them.
    fn describe(&self) -> Option<LayoutState> {
        let state = self.table.read();
        let generation = state.generation_at(self.number)?;
        if has_foreign(generation) {
            return None;
        }
        let bytes = segment_bytes(self.engine, &state.schema);
        let files = generation.segments.iter().filter(|part| part.is_listed()).map(|part| FileState {
            number: part.number,
            rows: part.segment.rows() as u64,
            full: part.is_full(bytes),
            dead: if part.level().is_history() { 0 } else { part.logged_ends() as u64 },
            level: part.level(),
            sorted_by: part.primary,
            first_key: part.first_key.to_vec(),
            last_key: part.last_key.to_vec(),
            max_to: part.max_to,
        });
        Some(LayoutState {
            files: files.collect(),
            primary: state.schema.indexes.iter().find(|index| index.primary).map(|index| index.id),
            moment: self.moment,
            horizon: self.horizon(),
        })
    }

    /// What ended at or before this may go: never something that the log may still speak of.
    fn horizon(&self) -> u64 {
        self.table.horizon().min(self.moment)
    }

    /// The parts of these numbers, if all of them are still there and no index over older rows is on its way.
    fn parts(&self, numbers: &[u32]) -> Option<Vec<Arc<SegmentPart>>> {
        let state = self.table.read();
        let generation = state.generation_at(self.number)?;
        if has_foreign(generation) {
            return None;
        }
        let find = |number: &u32| {
            let part = generation.segments.iter().find(|part| part.number == *number)?;
            part.is_listed().then(|| part.clone())
        };
        numbers.iter().map(find).collect()
    }

    fn unlink(&self, layout: &Mutex<Layout>, files: &[u32]) -> Result<Outcome, Error> {
        let mut layout = layout.lock();
        let Some(parts) = self.parts(files) else { return Ok(Outcome::Given) };
        let mut edits: Vec<Edit> = parts.iter().flat_map(|part| part.removal(self.table.id)).collect();
        let Some(entry) = self.entry(&layout.manifest, files, &[])? else { return Ok(Outcome::Given) };
        edits.push(entry);
        commit(self.engine, &mut layout.manifest, &edits)?;
        let mut outputs = Outputs::default();
        outputs.removed.extend(files);
        let installation = Installation { generation: self.number, stores: Vec::new(), outputs };
        install::table(self.engine, self.table, &[installation], self.moment, None);
        remove_freed(&mut layout.manifest);
        Ok(Outcome::Done)
    }

    fn promote(&self, layout: &Mutex<Layout>, file: u32) -> Result<Outcome, Error> {
        let mut layout = layout.lock();
        let Some(parts) = self.parts(&[file]) else { return Ok(Outcome::Given) };
        let [part] = parts.as_slice() else { return Ok(Outcome::Given) };
        let before = part.level();
        part.set_level(Level::Current(1));
        let entry = self.entry(&layout.manifest, &[file], &parts);
        let committed = match entry {
            Ok(Some(entry)) => commit(self.engine, &mut layout.manifest, &[entry]).map(|()| Outcome::Done),
            Ok(None) => Ok(Outcome::Given),
            Err(error) => Err(error),
        };
        if !matches!(committed, Ok(Outcome::Done)) {
            part.set_level(before);
        }
        committed
    }

    fn merge(
        &self,
        layout: &Mutex<Layout>,
        inputs: &[u32],
        level: u8,
        boundaries: &[Vec<u8>],
        ceiling: u8,
        limits: Limits,
    ) -> Result<Outcome, Error> {
        let Some(parts) = self.parts(inputs) else { return Ok(Outcome::Given) };
        let (schema, dictionary) = {
            let state = self.table.read();
            (state.schema.clone(), state.dictionary.clone())
        };
        let rewrite = Rewrite {
            engine: self.engine,
            table: self.table.id,
            schema: &schema,
            dictionary: &dictionary,
            stores: &[],
            parts: &parts,
            moment: self.moment,
            horizon: self.horizon(),
            level,
            boundaries,
            ceiling,
            limits,
            stop: &|| self.engine.compactor.is_closed(),
        };
        let Some(mut outputs) = rewrite.run()? else { return Ok(Outcome::Given) };
        builder::prepare(self.engine, &schema, &parts, &mut outputs, rewrite.stop);
        let mut layout = layout.lock();
        let known = self.table.read().schema.indexes == schema.indexes;
        // A part that was given a run meanwhile is another one.
        let same =
            |now: &Vec<Arc<SegmentPart>>| now.iter().zip(&parts).all(|(now, then)| Arc::ptr_eq(now, then));
        if !self.parts(inputs).is_some_and(|now| same(&now)) || !known {
            outputs.discard(self.engine);
            return Ok(Outcome::Given);
        }
        match self.commit(&mut layout, inputs, &parts, &outputs) {
            Ok(logged) => {
                let living = outputs.parts.iter().filter(|part| !part.level().is_history());
                let living: Vec<Arc<SegmentPart>> = living.cloned().collect();
                let installation = Installation { generation: self.number, stores: Vec::new(), outputs };
                install::table(self.engine, self.table, &[installation], self.moment, None);
                logged.iter().for_each(|(part, ends)| part.note_logged_ends(*ends));
                remove_freed(&mut layout.manifest);
                if inputs.len() > 1 && living.len() >= inputs.len() {
                    living.iter().for_each(|part| part.note_full());
                }
                Ok(Outcome::Done)
            }
            Err(error) => {
                // Where the outcome is unknown, a restart may find the files named.
                if error != Error::LogFailed {
                    outputs.discard(self.engine);
                }
                Err(error)
            }
        }
    }

    /// Makes the manifest's edit; answers which new files have delete logs.
    fn commit(
        &self,
        layout: &mut Layout,
        inputs: &[u32],
        parts: &[Arc<SegmentPart>],
        outputs: &Outputs,
    ) -> Result<Vec<(Arc<SegmentPart>, usize)>, Error> {
        let mut edits = outputs.edits.clone();
        let mut ends: HashMap<u32, Vec<(u32, Timestamp)>> = HashMap::new();
        for part in parts {
            for (row, end) in part.committed_ends().into_iter().filter(|(_, end)| end.0 > self.moment) {
                let place = part.location(row as usize);
                let moved = outputs.moves.get(&(place.0 >> 32)).and_then(|rows| rows.get(place.row()));
                if let Some(new) = moved.map(|new| Location(*new)) {
                    ends.entry(new.number()).or_default().push((new.row() as u32, end));
                }
            }
        }
        let mut logged = Vec::new();
        let written_down = layout.moment.unwrap_or(self.moment);
        for part in &outputs.parts {
            let Some(mut ends) = ends.remove(&part.number) else { continue };
            ends.sort_unstable_by_key(|(row, _)| *row);
            logged.extend(write_delete_log(self.engine, part, &ends, written_down, &mut edits)?);
        }
        let Some(entry) = self.entry(&layout.manifest, inputs, &outputs.parts)? else {
            return Err(Error::Corrupted(format!("the manifest has lost table {}", self.table.id.0)));
        };
        edits.push(entry);
        commit(self.engine, &mut layout.manifest, &edits)?;
        Ok(logged)
    }

    /// The table's entry without some segments and with others: what else it says is of the last checkpoint, and
    /// stays so. `None` if there is no entry of the present version yet.
    fn entry(
        &self,
        manifest: &Manifest,
        removed: &[u32],
        added: &[Arc<SegmentPart>],
    ) -> Result<Option<Edit>, Error> {
        let table: TableId = self.table.id;
        let Some(known) = manifest.state().tables.get(&table) else { return Ok(None) };
        let Some(mut entry) = Entry::parse(&known.schema)? else { return Ok(None) };
        entry.segments.retain(|listed| !removed.iter().any(|number| u64::from(*number) == listed.file.0));
        entry.segments.extend(added.iter().map(|part| Listed::of(part, self.number)));
        entry.horizon = entry.horizon.max(self.table.horizon());
        Ok(Some(Edit::SetTable { table, schema: entry.encode() }))
    }
}

fn has_foreign(generation: &Generation) -> bool {
    generation.stores().any(|store| store.indexes().iter().any(|(_, map)| map.has_foreign()))
}
