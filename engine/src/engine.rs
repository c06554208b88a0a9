//! What all transactions, threads and views of one database share: its tables, locks, clock, counters and queues.

use crate::checkpoint::Background;
use crate::clock::EngineClock;
use crate::compaction::Compactor;
use crate::configuration::Configuration;
use crate::ids::{FileId, Timestamp};
use crate::io::Environment;
use crate::lock::LockManager;
use crate::log::Spare;
use crate::long_value;
use crate::manifest::Edit;
use crate::meters::BatchMeters;
use crate::record::{CommitSet, KIND_COMMIT, KIND_LEASE, KIND_SEQUENCE, Reader};
use crate::registry::Registry;
use crate::room::Room;
use crate::scratch::Scratch;
use crate::sequence::{Sequences, decode_state};
use crate::sequencer::{self, Leader, Queue, Request, apply};
use crate::spill::Spiller;
use crate::table::{Table, Tables};
use crate::vector::builder::Asked;
use crate::{Error, TableId};
use hashbrown::HashSet;
use parking_lot::{Mutex, RwLock};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What all transactions share.
pub(crate) struct Engine {
    pub environment: Environment,
    /// Where transactions put what is too much for memory.
    pub scratch: Arc<Scratch>,
    pub configuration: Configuration,
    tables: RwLock<Arc<Tables>>,
    pub locks: Arc<LockManager>,
    pub clock: EngineClock,
    pub registry: Arc<Registry>,
    /// The next birth id.
    pub births: AtomicU64,
    pub sequences: Sequences,
    pub queue: Queue,
    /// The log while the database is open.
    pub leader: Mutex<Option<Leader>>,
    pub background: Background,
    pub compactor: Compactor,
    pub spiller: Spiller,
    /// Who builds graphs over vectors.
    pub graphs: Arc<Asked>,
    /// The next file id.
    pub files: AtomicU64,
    /// Bytes logged since the last checkpoint.
    pub logged: AtomicU64,
    pub spare: OnceLock<Arc<Spare>>,
    pub room: Room,
    meters: BatchMeters,
    poisoned: AtomicBool,
}

impl Engine {
    pub fn new(configuration: Configuration, environment: Environment) -> Engine {
        Engine {
            clock: EngineClock::new(environment.clock.clone()),
            scratch: Scratch::new(environment.disk.clone(), configuration.scratch_bytes),
            environment,
            configuration,
            tables: RwLock::default(),
            locks: LockManager::new(),
            registry: Registry::new(),
            births: AtomicU64::new(1),
            sequences: Sequences::default(),
            queue: Queue::default(),
            leader: Mutex::default(),
            background: Background::default(),
            compactor: Compactor::default(),
            spiller: Spiller::default(),
            graphs: Arc::default(),
            files: AtomicU64::new(0),
            logged: AtomicU64::new(0),
            spare: OnceLock::new(),
            room: Room::default(),
            meters: BatchMeters::new(),
            poisoned: AtomicBool::new(false),
        }
    }

    pub fn tables(&self) -> Arc<Tables> {
        self.tables.read().clone()
    }

    pub fn table(&self, table: TableId) -> Result<Arc<Table>, Error> {
        self.tables.read().get(&table).cloned().ok_or(Error::UnknownTable(table))
    }

    pub fn add_table(&self, table: Arc<Table>) {
        {
            let mut tables = self.tables.write();
            let mut more = Tables::clone(&tables);
            more.insert(table.id, table.clone());
            *tables = Arc::new(more);
        }
        let owner = long_value::owner(table.id).map_or(Ok(table.clone()), |owner| self.table(owner));
        let beside = long_value::beside(table.id).map_or(Ok(table.clone()), |beside| self.table(beside));
        if let (Ok(owner), Ok(beside)) = (owner, beside) {
            owner.latch.write().long = Some(beside);
        }
    }

    /// A file id that no durable edit has named. After a crash before one does, the file is an orphan and its id may
    /// be used again.
    pub fn allocate_file(&self) -> FileId {
        FileId(self.files.fetch_add(1, Ordering::AcqRel))
    }

    /// The files that the log alone names: commits since the last checkpoint brought them.
    pub fn unlisted_files(&self) -> HashSet<FileId> {
        let mut files = HashSet::new();
        for table in self.tables().values() {
            let state = table.read();
            for part in state.generations().flat_map(|(_, generation)| &generation.segments) {
                files.extend(part.unlisted(u64::MAX).iter().filter_map(|edit| match edit {
                    Edit::AddSegment { entry, .. } | Edit::AddIndexRun { entry, .. } => Some(entry.file),
                    Edit::SetTable { .. }
                    | Edit::DropTable { .. }
                    | Edit::RemoveSegment { .. }
                    | Edit::AddChanges { .. }
                    | Edit::RemoveChanges { .. }
                    | Edit::RemoveIndexRun { .. }
                    | Edit::AddGraph { .. }
                    | Edit::RemoveGraph { .. }
                    | Edit::DropIndex { .. }
                    | Edit::SetDeleteLog { .. }
                    | Edit::Checkpoint { .. }
                    | Edit::Counter { .. }
                    | Edit::ClockFloor { .. }
                    | Edit::Property { .. } => None,
                }));
            }
        }
        files
    }

    /// Refuses once the log has failed.
    pub fn check_writable(&self) -> Result<(), Error> {
        if self.poisoned.load(Ordering::Acquire) { Err(Error::LogFailed) } else { Ok(()) }
    }

    /// What is on the disk is not known any more.
    pub fn poison(&self, reason: &str) {
        self.poisoned.store(true, Ordering::Release);
        (self.configuration.on_failure)(reason);
    }

    /// Has a commit led here, or hands it to the sequencer.
    pub fn submit(&self, request: Request) {
        let Err(request) = sequencer::lead(self, request) else { return };
        if let Err(refused) = self.queue.submit(*request) {
            sequencer::refuse(self, vec![*refused], &Error::ShuttingDown);
        }
    }

    pub fn note_logged(&self, bytes: usize, commits: usize, took: Duration) {
        let logged = self.logged.fetch_add(bytes as u64, Ordering::AcqRel) + bytes as u64;
        if logged >= self.configuration.checkpoint_bytes {
            self.background.want_checkpoint();
        }
        if self.spare.get().is_some_and(|spare| spare.is_needed()) {
            self.background.want_spare();
        }
        self.meters.note(commits, bytes, took);
    }

    /// Applies one record of the log while the database is being opened.
    pub fn replay(&self, record: &[u8], newest: &mut Timestamp, floor: &mut i64) -> Result<(), Error> {
        match record.first().copied() {
            Some(KIND_COMMIT) => {
                let (at, set) = CommitSet::decode(record)?;
                self.births.fetch_max(set.highest_birth() + 1, Ordering::AcqRel);
                apply::apply(self, at, set, None)?;
                *newest = (*newest).max(at);
                Ok(())
            }
            Some(KIND_LEASE) => {
                let mut reader = Reader::new(record.get(1..).unwrap_or(&[]));
                *floor = (*floor).max(reader.u64()? as i64);
                reader.end()
            }
            Some(KIND_SEQUENCE) => {
                let mut reader = Reader::new(record.get(1..).unwrap_or(&[]));
                let (number, state) = decode_state(&mut reader)?;
                self.sequences.restore(number, state);
                reader.end()
            }
            _ => Err(Error::Corrupted("a log record of an unknown kind".into())),
        }
    }
}
