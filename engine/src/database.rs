//! The database: what is shared by all transactions, how it is opened, how it ends.
//!
//! Opening: manifest, segments, replay of the log from the last checkpoint, and only then transactions. Whatever
//! cannot be read for certain refuses to open, with the file and the place.

use crate::backup::{self, BackupError, BackupReport};
use crate::checkpoint::{self, BIRTHS, Layout, SEQUENCES};
use crate::clock::Past;
use crate::compaction::{self};
use crate::configuration::Configuration;
use crate::engine::Engine;
use crate::ids::{FileId, Timestamp};
use crate::io::{Disk, Environment, reserve};
use crate::lock::{Modes, Tag};
use crate::log::{Log, LogError, LogOptions, RecoverFrom};
use crate::manifest::{Edit, Manifest, ManifestError};
use crate::sequence::{SequenceDefinition, SequenceState, TableStatistics};
use crate::sequencer::{self, Leader};
use crate::spill::{self};
use crate::table::segments;
use crate::ticket::Settlement;
use crate::transaction::{Isolation, Transaction};
use crate::vector::builder::{self};
use crate::verify::{self, Verified};
use crate::{Error, IndexId, LearnedStatistics, TableId, TableSchema, Ticket};
use parking_lot::Mutex;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// Why a database did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Engine(#[from] Error),
    #[error("the data directory is not one to serve from: {0}")]
    Directory(&'static str),
    #[error("cannot start: {0}")]
    Io(#[from] std::io::Error),
}

impl OpenError {
    fn is_disk_full(&self) -> bool {
        matches!(
            self,
            OpenError::Manifest(ManifestError::DiskFull(_))
                | OpenError::Log(LogError::DiskFull(_))
                | OpenError::Engine(Error::DiskFull)
        )
    }
}

/// A durable database of versioned tables. Shared by all sessions.
pub struct Database {
    engine: Arc<Engine>,
    layout: Arc<Mutex<Layout>>,
    /// The checkpoint thread before the sequencer, which it needs to finish.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The part of the bytes between two checkpoints that a start may find in the log before it asks for one: a server that
/// is killed again and again begins a log file each time, and would never come to its next checkpoint.
const CROWDED: u64 = 4;

impl Database {
    /// Opens the database of the environment's directory, or makes a new one in an empty directory. On a full disk
    /// the room kept back for it is used.
    pub fn open(configuration: Configuration, environment: Environment) -> Result<Arc<Database>, OpenError> {
        let disk = environment.disk.clone();
        match Database::open_once(configuration.clone(), environment.clone()) {
            Err(error) if error.is_disk_full() && reserve::release_any(&*disk)? => {
                tracing::warn!("the disk is full: the room kept back for a start is used");
                Database::open_once(configuration, environment)
            }
            opened => opened,
        }
    }

    /// Backs the database up into an empty directory, while others read and write. Takes as long as copying takes: for a
    /// thread that may block.
    pub fn backup(
        &self,
        target: &Arc<dyn Disk>,
        stop: backup::Stop<'_>,
    ) -> Result<BackupReport, BackupError> {
        backup::backup(&self.engine, &self.layout, target, stop)
    }

    fn open_once(configuration: Configuration, environment: Environment) -> Result<Arc<Database>, OpenError> {
        if let Some(reason) = backup::keeps_servers_away(&*environment.disk)? {
            return Err(OpenError::Directory(reason));
        }
        let engine = Arc::new(Engine::new(configuration, environment));
        let (mut manifest, is_new) = match Manifest::read(&*engine.environment.disk)? {
            Some((state, generation)) => {
                backup::check_is_database(&state)?;
                (Manifest::resume(&engine.environment, state, generation)?, false)
            }
            None => (Manifest::create(&engine.environment)?, true),
        };
        let instance = manifest.state().instance;
        let options = LogOptions { file_bytes: engine.configuration.log_file_bytes, instance };
        let mut floor = manifest.state().clock_floor;
        let mut newest = Timestamp::from_micros(floor);
        let births = manifest.state().counters.get(&BIRTHS).copied().unwrap_or(1).max(1);
        engine.births.store(births, Ordering::Release);
        if let Some(sequences) = manifest.state().properties.get(SEQUENCES) {
            engine.sequences.decode(sequences)?;
        }
        checkpoint::load_tables(&engine, manifest.state())?;
        let log = if is_new {
            Log::create(&engine.environment, options)?
        } else {
            let from =
                RecoverFrom { checkpoint: manifest.state().checkpoint, durable: manifest.state().durable };
            let mut apply = |_, record: &[u8]| {
                let applied = engine.replay(record, &mut newest, &mut floor);
                applied.map_err(|error| Box::new(error) as Box<dyn StdError + Send + Sync>)
            };
            let (log, report) = Log::recover(&engine.environment, options, from, &mut apply)?;
            tracing::info!(records = report.records, torn = report.torn_bytes, "recovered the log");
            log
        };
        engine.clock.recover(floor, Timestamp::from_micros(newest.micros()));
        for table in engine.tables().values() {
            table.latch.write().forget_births();
        }
        manifest.commit(&[Edit::Checkpoint {
            checkpoint: manifest.state().checkpoint,
            durable: log.durable(),
        }])?;
        let logged = engine.unlisted_files();
        manifest.remove_orphans(&|file| logged.contains(&file))?;
        let next = logged.iter().map(|file| file.0 + 1).max().unwrap_or(0);
        engine.files.store(manifest.state().next_file.0.max(next), Ordering::Release);
        let layout = Arc::new(Mutex::new(Layout { manifest, moment: None }));
        if log.bytes() > engine.configuration.checkpoint_bytes / CROWDED {
            engine.background.want_checkpoint();
        }
        let spare = engine.spare.get_or_init(|| log.spare()).clone();
        *engine.leader.lock() = Some(Leader::new(log));
        engine.keep_reserves();
        let (sequencing, checkpointing, compacting) = (engine.clone(), engine.clone(), engine.clone());
        let building = engine.clone();
        let sequencer = std::thread::Builder::new()
            .name("sequencer".into())
            .spawn(move || sequencer::guarded(&sequencing))?;
        let checkpointer = std::thread::Builder::new().name("checkpoint".into()).spawn({
            let layout = layout.clone();
            move || checkpoint::run(&checkpointing, &layout, &spare)
        })?;
        let compactor = std::thread::Builder::new().name("compaction".into()).spawn({
            let layout = layout.clone();
            move || compaction::run(&compacting, &layout)
        })?;
        let spilling = engine.clone();
        let spiller = std::thread::Builder::new().name("spill".into()).spawn({
            let layout = layout.clone();
            move || spill::run(&spilling, &layout)
        })?;
        let builder = std::thread::Builder::new().name("graphs".into()).spawn({
            let layout = layout.clone();
            move || builder::run(&building, &layout)
        })?;
        engine.graphs.want();
        Ok(Arc::new(Database {
            engine,
            layout,
            threads: Mutex::new(vec![builder, spiller, compactor, checkpointer, sequencer]),
        }))
    }

    /// Writes hot rows to segments and lets go of the log before; the ticket settles when that is durable.
    pub fn checkpoint(&self) -> Ticket {
        self.engine.background.checkpoint()
    }

    /// Reads every byte of every data file and compares it with its checksums. Takes as long as that takes: for a
    /// thread that may block.
    pub fn verify(&self) -> Verified {
        verify::verify(&self.engine, &self.layout)
    }

    /// As [`Database::checkpoint`], and then whatever there is to compact.
    pub fn compact(&self) -> Ticket {
        self.engine.background.compact()
    }

    /// Builds the graphs over vectors that are missing for now; the ticket settles when there is no more to build. What
    /// lies in memory has none: a checkpoint before this makes segments of it.
    pub fn build_graphs(&self) -> Ticket {
        self.engine.graphs.ask()
    }

    /// The graphs of a table's vector indexes: index, file of the graph, vectors in it.
    pub fn graphs(&self, table: TableId) -> Result<Vec<(IndexId, FileId, u64)>, Error> {
        let table = self.engine.table(table)?;
        let state = table.read();
        let parts = state.generations().flat_map(|(_, generation)| &generation.segments);
        let graphs = parts.flat_map(|part| part.graphs.all());
        let whole = graphs.filter(|(_, graph)| !graph.is_damaged());
        Ok(whole.map(|(index, graph)| (index, graph.file(), graph.nodes() as u64)).collect())
    }

    /// For how long a table keeps versions after their end, in microseconds; `None`, the default: for ever. Not
    /// remembered over a restart: whoever keeps the setting says it again. What was given up stays given up.
    pub fn set_history_retention(&self, table: TableId, retention: Option<i64>) -> Result<(), Error> {
        self.engine.table(table)?.set_retention(retention, || self.engine.registry.next_id());
        Ok(())
    }

    /// Keeps all history from a microsecond on, whatever the tables' retention; `None` keeps none. What was given up
    /// before stays given up. Not remembered over a restart, as retention is not.
    pub fn hold_history(&self, from: Option<i64>) {
        self.engine.clock.hold(from.unwrap_or(i64::MAX));
    }

    /// The earliest moment of a table that can be read; [`Timestamp::ZERO`] while its history is whole.
    pub fn history_horizon(&self, table: TableId) -> Result<Timestamp, Error> {
        Ok(Timestamp(self.engine.table(table)?.horizon()))
    }

    /// Moves a table's hot rows to segments if a good part of them is dead (an eighth), or if the table gives history up,
    /// and compacts; the ticket settles when that is done, at once if there is nothing to gain.
    pub fn vacuum(&self, table: TableId) -> Result<Ticket, Error> {
        let statistics = self.statistics(table)?;
        let dead = (statistics.hot_rows + statistics.segment_rows).saturating_sub(statistics.rows);
        let gives_up = self.engine.table(table)?.retention().is_some();
        if gives_up || (statistics.hot_rows > 0 && dead.min(statistics.hot_rows) * 8 >= statistics.hot_rows) {
            Ok(self.compact())
        } else {
            Ok(Ticket::ready(Ok(())))
        }
    }

    /// Begins a transaction.
    pub fn begin(&self, isolation: Isolation, read_only: bool) -> Transaction {
        Transaction::begin(self.engine.clone(), isolation, read_only)
    }

    /// Whether what adds data is refused, because the disk is full.
    pub fn is_disk_full(&self) -> bool {
        self.engine.room.is_full()
    }

    /// The newest moment of which everything is durable and visible.
    pub fn snapshot(&self) -> Timestamp {
        self.engine.clock.published()
    }

    /// Waits until something newer than `after` is published, if nothing is yet. Waiting costs nothing until then.
    pub fn published_after(&self, after: Timestamp) -> Ticket {
        let wake = Settlement::new();
        self.engine.clock.watch(after, &wake);
        let (engine, watched) = (self.engine.clone(), wake.clone());
        let abandon = move || {
            if !watched.is_settled() {
                engine.clock.forget(&watched);
            }
        };
        Ticket::with_abandon(wake, Box::new(abandon))
    }

    /// The engine's time: microseconds since 2000-01-01 UTC. Never goes back, not even over a restart.
    pub fn now_micros(&self) -> i64 {
        self.engine.clock.now_micros()
    }

    /// Settles a past moment, so that it can be read and never changes again. A moment in the future is
    /// [`Error::FutureMoment`].
    pub fn past(&self, at: Timestamp) -> Result<Past, Error> {
        let (past, wants_lease) = self.engine.clock.read_at(at)?;
        if matches!(past, Past::Wait(_)) {
            // Without a working log nothing would ever settle the moment.
            self.engine.check_writable()?;
        }
        if wants_lease {
            self.engine.queue.want_lease();
        }
        Ok(past)
    }

    /// The next value of a sequence; `None` at the end of one that does not cycle. Sequences are numbered by the
    /// caller and begin to exist with their first value.
    pub fn sequence_next(
        &self,
        sequence: u32,
        definition: &SequenceDefinition,
    ) -> Result<Option<i64>, Error> {
        self.engine.sequences.next(&self.engine.queue, sequence, definition)
    }

    /// Sets a sequence: the next value is `last` itself if it was not `called`. Not transactional.
    pub fn sequence_set(&self, sequence: u32, state: SequenceState) -> Result<(), Error> {
        self.engine.sequences.set(&self.engine.queue, sequence, state)
    }

    /// Where a sequence stands; `None` before its first value.
    pub fn sequence_state(&self, sequence: u32) -> Option<SequenceState> {
        self.engine.sequences.state(sequence)
    }

    /// What is known of a table without reading it.
    pub fn statistics(&self, table: TableId) -> Result<TableStatistics, Error> {
        let table = self.engine.table(table)?;
        let state = table.read();
        let mut statistics = TableStatistics {
            rows: table.live_rows.load(Ordering::Acquire).max(0) as u64,
            hot_bytes: state.hot_bytes() as u64,
            changes: table.changes.load(Ordering::Acquire),
            dropped: Some(Timestamp(table.dropped())).filter(|at| *at < Timestamp::INFINITY),
            ..TableStatistics::default()
        };
        for (_, generation) in state.generations() {
            statistics.hot_rows += generation.stores().map(|store| store.rows() as u64).sum::<u64>();
            statistics.segments += generation.segments.len() as u64;
            let rows = generation.segments.iter().map(|part| part.segment.rows() as u64);
            statistics.segment_rows += rows.sum::<u64>();
            let bytes = generation.segments.iter().map(|part| part.segment.file_bytes() as u64);
            statistics.segment_bytes += bytes.sum::<u64>();
        }
        Ok(statistics)
    }

    /// Bytes of the files of an index, which has none of its own if it is the clustering key.
    pub fn index_bytes(&self, table: TableId, index: IndexId) -> Result<u64, Error> {
        let table = self.engine.table(table)?;
        let state = table.read();
        let parts = state.generations().flat_map(|(_, generation)| &generation.segments);
        let of_part = |part: &Arc<segments::SegmentPart>| {
            let run = part.run(index).map_or(0, |run| run.file_bytes());
            run + part.graphs.any(index).map_or(0, |graph| graph.file_bytes())
        };
        Ok(parts.map(|part| of_part(part) as u64).sum())
    }

    /// What is known of the table beside a table, where its long values stand; `None` without one.
    pub fn long_statistics(&self, table: TableId) -> Result<Option<TableStatistics>, Error> {
        let beside = self.engine.table(table)?.read().long.as_ref().map(|beside| beside.id);
        beside.map(|beside| self.statistics(beside)).transpose()
    }

    /// What the learned indexes over the keys of a table say of themselves: index, file of the segment, figures.
    pub fn learned(&self, table: TableId) -> Result<Vec<(IndexId, FileId, LearnedStatistics)>, Error> {
        let table = self.engine.table(table)?;
        let state = table.read();
        let mut all = Vec::new();
        for part in state.generations().flat_map(|(_, generation)| &generation.segments) {
            let indexes = part.primary.into_iter().chain(part.runs.iter().map(|(index, _)| *index));
            all.extend(indexes.filter_map(|index| Some((index, part.segment.file(), part.learned(index)?))));
        }
        Ok(all)
    }

    /// The newest schema of a table, as committed.
    pub fn table_schema(&self, table: TableId) -> Result<Arc<TableSchema>, Error> {
        Ok(self.engine.table(table)?.read().schema.clone())
    }

    /// All locks on tables held or waited for: transaction, table, the mask of modes by their place in
    /// [`crate::RelationLockMode::ALL`], whether held.
    pub fn relation_locks(&self) -> Vec<(u64, TableId, u16, bool)> {
        let noted = self.engine.registry.all().into_iter().flat_map(|transaction| {
            let id = transaction.id;
            transaction
                .locks
                .list()
                .into_iter()
                .map(move |(table, modes)| (id, Tag::Relation(table), modes, true))
        });
        let locks = self.engine.locks.list().into_iter().chain(noted);
        locks
            .filter_map(|(owner, tag, modes, held): (u64, Tag, Modes, bool)| match tag {
                Tag::Relation(table) => Some((owner, table, modes, held)),
                Tag::Row(_, _) | Tag::Key(_, _) | Tag::Advisory(_, _) => None,
            })
            .collect()
    }

    /// The transactions that transaction `id` waits for.
    pub fn blocking(&self, id: u64) -> Vec<u64> {
        self.engine.locks.blocking(id)
    }

    /// Waits until the threads in the background have nothing to do, once every commit asked for has its answer: then
    /// what happens next is what is asked for next.
    #[cfg(any(test, feature = "simulation"))]
    pub fn rest(&self) {
        let Engine { background, compactor, graphs, .. } = &*self.engine;
        // In the order in which one hands over to the next.
        let is_resting = || {
            sequencer::is_resting(&self.engine)
                && background.is_resting()
                && compactor.is_resting()
                && graphs.is_resting()
        };
        while !is_resting() {
            std::thread::yield_now();
        }
    }

    /// Finishes the commits that were asked for and stops. Also done when the last reference goes.
    pub fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        self.engine.background.close();
        self.engine.compactor.close();
        self.engine.spiller.close();
        self.engine.graphs.close();
        for thread in threads {
            if thread.thread().name() == Some("sequencer") {
                self.engine.queue.close();
            }
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the engine ended by a panic");
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.close();
    }
}
