//! Building graphs in the background, one at a time, in a thread of its own.
//!
//! After every checkpoint and compaction, at the start, and when a graph turned out damaged, the thread looks for
//! segments whose table has a vector index and that have no graph of it, and builds one, the largest first: it reads the
//! segment, has FAISS link the vectors, writes the file, and only then holds the layout, for the edit of the manifest
//! and the exchange of a pointer. Readers, writers, checkpoints and compaction go on meanwhile. A segment that is gone by
//! then takes its graph with it. A compaction builds the graphs of what it merges before it exchanges the segments, so
//! that a search by graphs stays one.
//!
//! A commit that leaves more than `CROWDED` bytes in memory in such a table asks for a checkpoint, and so does a new index
//! over a table that has them: segments, and graphs, come of it.
//!
//! Bounds (`Configuration`): so many threads at once, and a graph that would take more memory than allowed is not built.
//! Segments of few rows have none: comparing all of them is as fast.
//!
//! Failure: a crash leaves an orphan, which the next start removes. Errors are logged, and whoever waits is told; what
//! has no graph is searched exactly.

use super::VectorIndexSchema;
use super::graph::Graph;
use super::train::{self, Vectors};
use crate::checkpoint::{Layout, Wake, commit, remove_freed, settle};
use crate::engine::Engine;
use crate::ids::FileId;
use crate::io::{planted, remove_if_there};
use crate::manifest::{Edit, State as Manifest};
use crate::rewrite::{Outputs, entry};
use crate::segment::{FileKind, GraphContainer, SegmentError, Written};
use crate::table::segments::SegmentPart;
use crate::table::{Table, TableState};
use crate::ticket::{Settlement, Ticket};
use crate::{Error, IndexId, TableSchema};
use hashbrown::HashSet;
#[cfg(any(test, feature = "simulation"))]
use parking_lot::MutexGuard;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of rows in memory from which on a table with vectors wants a checkpoint: what lies in memory is searched
/// exactly.
const CROWDED: usize = 32 << 20;

/// Whether a search through what lies in memory takes too long, or segments wait for a checkpoint to get graphs.
pub(crate) fn is_crowded(state: &TableState) -> bool {
    !state.schema.vectors.is_empty()
        && (state.current.active.bytes_used() > CROWDED
            || state.current.segments.iter().any(|part| !part.is_listed()))
}

#[derive(Default)]
struct State {
    waiting: Vec<Wake>,
    wanted: bool,
    closed: bool,
    /// The thread is at work.
    busy: bool,
}

/// What the thread is asked to do.
#[derive(Default)]
pub(crate) struct Asked {
    state: Mutex<State>,
    changed: Condvar,
}

impl Asked {
    /// Asks for a look at what has no graph.
    pub fn want(&self) {
        self.state.lock().wanted = true;
        self.changed.notify_one();
    }

    /// As [`Asked::want`]; the ticket settles when everything that should have a graph has one.
    pub fn ask(&self) -> Ticket {
        let wake: Wake = Settlement::new();
        let mut state = self.state.lock();
        if state.closed {
            wake.settle(Err(Error::ShuttingDown));
        } else {
            state.waiting.push(wake.clone());
            state.wanted = true;
            self.changed.notify_one();
        }
        Ticket::new(wake)
    }

    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Whether there is nothing to do.
    #[cfg(any(test, feature = "simulation"))]
    pub fn is_resting(&self) -> bool {
        let state = self.state.lock();
        state.closed || !(state.busy || state.wanted)
    }
}

/// The body of the thread.
pub(crate) fn run(engine: &Engine, layout: &Mutex<Layout>) {
    loop {
        let mut state = engine.graphs.state.lock();
        state.busy = false;
        while !state.wanted && !state.closed {
            engine.graphs.changed.wait(&mut state);
        }
        state.busy = true;
        #[cfg(any(test, feature = "simulation"))]
        MutexGuard::unlocked(&mut state, || {
            engine
                .configuration
                .take_turns(&|| engine.background.is_resting() && engine.compactor.is_resting());
        });
        // Whatever was asked for until now is one round.
        state.wanted = false;
        let waiting = std::mem::take(&mut state.waiting);
        if state.closed {
            settle(waiting, &Err(Error::ShuttingDown));
            return;
        }
        drop(state);
        let result = round(engine, layout);
        match &result {
            Ok(()) | Err(Error::ShuttingDown) => {}
            Err(error) => {
                tracing::error!(%error, "a graph could not be built; its segment is searched exactly")
            }
        }
        settle(waiting, &result);
    }
}

/// A graph to be built.
struct Job {
    table: Arc<Table>,
    part: Arc<SegmentPart>,
    index: VectorIndexSchema,
}

/// Builds what is missing until nothing is.
fn round(engine: &Engine, layout: &Mutex<Layout>) -> Result<(), Error> {
    remove_unused(engine, layout)?;
    // A graph that failed is not tried again before the next round.
    let mut tried: HashSet<(u32, IndexId)> = HashSet::new();
    let mut result = Ok(());
    while let Some(job) = next(engine, &tried) {
        if engine.graphs.is_closed() {
            return Err(Error::ShuttingDown);
        }
        engine.check_writable()?;
        tried.insert((job.part.number, job.index.id));
        if let Err(error) = build(engine, layout, &job) {
            result = Err(error);
        }
    }
    result
}

/// Takes graphs of indexes that are no more out of the manifest.
fn remove_unused(engine: &Engine, layout: &Mutex<Layout>) -> Result<(), Error> {
    let tables = engine.tables();
    let is_used = |index: IndexId| tables.values().any(|table| table.read().schema.vector(index).is_some());
    let mut layout = layout.lock();
    let edits = unused(layout.manifest.state(), &is_used);
    if edits.is_empty() {
        return Ok(());
    }
    commit(engine, &mut layout.manifest, &edits)?;
    for part in tables.values().flat_map(|table| parts(table)) {
        for (index, _) in part.graphs.all().into_iter().filter(|(index, _)| !is_used(*index)) {
            part.graphs.remove(index);
        }
    }
    remove_freed(&mut layout.manifest);
    Ok(())
}

fn unused(manifest: &Manifest, is_used: &dyn Fn(IndexId) -> bool) -> Vec<Edit> {
    let unused = manifest.graphs.iter().filter(|(index, _)| !is_used(**index));
    unused
        .flat_map(|(index, graphs)| {
            graphs.keys().map(|file| Edit::RemoveGraph { index: *index, file: *file })
        })
        .collect()
}

/// All segments of a table.
fn parts(table: &Table) -> Vec<Arc<SegmentPart>> {
    let state = table.read();
    state.generations().flat_map(|(_, generation)| generation.segments.iter().cloned()).collect()
}

/// Whether a segment should have a graph that it does not have.
fn is_missing(engine: &Engine, part: &SegmentPart, index: &VectorIndexSchema) -> bool {
    let is_there = match planted!(engine.environment.disk, keep_damaged_graph) {
        true => part.graphs.any(index.id).is_some(),
        false => part.graphs.get(index.id).is_some(),
    };
    // The manifest names a graph beside its segment.
    part.is_listed()
        && part.segment.rows() >= engine.configuration.graph_rows
        && !is_there
        && !part.graphs.is_refused(index.id)
}

/// The largest segment without a graph that was not tried.
fn next(engine: &Engine, tried: &HashSet<(u32, IndexId)>) -> Option<Job> {
    let mut jobs = Vec::new();
    for table in engine.tables().values().filter(|table| table.check_sound().is_ok()) {
        let schema = table.read().schema.clone();
        for index in &schema.vectors {
            let missing = parts(table).into_iter().filter(|part| is_missing(engine, part, index));
            let fresh = missing.filter(|part| !tried.contains(&(part.number, index.id)));
            jobs.extend(fresh.map(|part| Job { table: table.clone(), part, index: *index }));
        }
    }
    // What is living before what is over, the largest first.
    jobs.into_iter()
        .max_by_key(|job| (!job.part.level().is_history(), job.part.segment.rows(), job.part.number))
}

fn build(engine: &Engine, layout: &Mutex<Layout>, job: &Job) -> Result<(), Error> {
    let started = Instant::now();
    let stop = || engine.graphs.is_closed();
    let Some(made) = make(engine, &job.part, &job.index, &stop)? else { return Ok(()) };
    let (nodes, file) = (made.graph.nodes(), made.written.file);
    let part = match planted!(engine.environment.disk, misplace_graph) {
        true => parts(&job.table).into_iter().find(|part| part.number != job.part.number),
        false => None,
    };
    let part = part.as_ref().unwrap_or(&job.part);
    let mut layout = layout.lock();
    let is_there = parts(&job.table).iter().any(|part| part.number == job.part.number)
        && job.table.read().schema.vector(job.index.id) == Some(&job.index);
    if !is_there {
        discard(engine, file);
        return Ok(());
    }
    let mut edits = vec![made.edit(part, job.index.id)];
    if let Some(before) = listed(layout.manifest.state(), part, job.index.id) {
        edits.push(Edit::RemoveGraph { index: job.index.id, file: before });
    }
    if let Err(error) = commit(engine, &mut layout.manifest, &edits) {
        // Where the outcome is unknown, a restart may find the file named.
        if error != Error::LogFailed {
            discard(engine, file);
        }
        return Err(error);
    }
    part.graphs.set(job.index.id, Arc::new(made.graph), &engine.graphs);
    remove_freed(&mut layout.manifest);
    let took = started.elapsed();
    metrics::histogram!("strata_graph_build_seconds").record(took.as_secs_f64());
    tracing::info!(table = job.table.id.0, segment = job.part.number, nodes, ?took, "graph");
    Ok(())
}

/// The graph of a segment that the manifest names.
fn listed(manifest: &Manifest, part: &SegmentPart, index: IndexId) -> Option<FileId> {
    let graphs = manifest.graphs.get(&index)?;
    graphs.values().find(|entry| entry.level == part.number).map(|entry| entry.file)
}

fn discard(engine: &Engine, file: FileId) {
    // What stays by a failure is removed by the next start.
    let _ = remove_if_there(&*engine.environment.disk, &FileKind::Graph.name(file));
}

/// A graph that was written.
struct Made {
    graph: Graph,
    written: Written,
}

impl Made {
    fn edit(&self, part: &SegmentPart, index: IndexId) -> Edit {
        Edit::AddGraph { index, entry: entry(&self.written, part.number) }
    }
}

/// Builds and writes a graph; `None` if it would be too small or too large, or if it was asked to stop.
fn make(
    engine: &Engine,
    part: &SegmentPart,
    index: &VectorIndexSchema,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Made>, Error> {
    let vectors = Vectors::of(part, index)?;
    if vectors.len() < engine.configuration.graph_rows {
        part.graphs.refuse(index.id);
        return Ok(None);
    }
    let memory = train::memory(index, vectors.len());
    if memory > engine.configuration.graph_memory {
        tracing::warn!(segment = part.number, memory, "a graph would take more memory than it may");
        part.graphs.refuse(index.id);
        return Ok(None);
    }
    let Some(sections) = vectors.train(engine.configuration.graph_threads, stop)? else { return Ok(None) };
    let file = engine.allocate_file();
    let number = u64::from(index.id.0);
    let written = GraphContainer::write(&engine.environment, file, number, vectors.len(), &sections)?;
    drop(sections);
    let graph = Graph::open(&engine.environment, file, &written.hash, index, part.segment.hash())?;
    Ok(Some(Made { graph, written }))
}

/// Builds the graphs of what a compaction has written, before it takes the place of what it was made of. What fails is
/// built later.
pub(crate) fn prepare(
    engine: &Engine,
    schema: &TableSchema,
    inputs: &[Arc<SegmentPart>],
    outputs: &mut Outputs,
    stop: &(dyn Fn() -> bool + Sync),
) {
    for part in outputs.parts.clone() {
        for index in schema.vectors.iter().filter(|index| is_missing(engine, &part, index)) {
            if planted!(engine.environment.disk, keep_stale_graph)
                && let Some(stale) = inputs.iter().find_map(|input| input.graphs.get(index.id))
            {
                part.graphs.set(index.id, stale, &engine.graphs);
                continue;
            }
            match make(engine, &part, index, stop) {
                Ok(Some(made)) => {
                    outputs.note(FileKind::Graph, made.written.file, made.edit(&part, index.id));
                    part.graphs.set(index.id, Arc::new(made.graph), &engine.graphs);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a segment is compacted without its graph"),
            }
        }
    }
}

/// Opens the graphs of a segment that the manifest names. One that is damaged is left out, to be built anew.
pub(crate) fn load(engine: &Engine, manifest: &Manifest, part: &SegmentPart, schema: &TableSchema) {
    for index in &schema.vectors {
        let entries = manifest.graphs.get(&index.id).into_iter().flat_map(|graphs| graphs.values());
        for entry in entries.filter(|entry| entry.level == part.number) {
            let opened: Result<Graph, SegmentError> =
                Graph::open(&engine.environment, entry.file, &entry.hash, index, part.segment.hash());
            match opened {
                Ok(graph) => part.graphs.set(index.id, Arc::new(graph), &engine.graphs),
                Err(error) => tracing::error!(%error, "a graph is damaged and will be built anew"),
            }
        }
    }
}
