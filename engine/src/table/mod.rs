//! A table: its generations of hot stores and segments, behind one latch.
//!
//! Readers hold the latch shared for the time of one look-up; the sequencer holds it alone while it applies a slice
//! of a commit, and the checkpoint while it swaps layouts. Row locks are marks in end slots, set by compare-and-swap
//! under the shared latch.
//!
//! Invariants: every version lies at exactly one place. A truncation starts a new generation; the older one stays,
//! readable as of every moment before. Chunk numbers of a table are never reused, so that a location whose chunk is
//! gone can be followed through `forwards`.

mod births;
pub(crate) mod bits;
pub(crate) mod chunk;
pub(crate) mod column;
mod dictionary;
pub(crate) mod gather;
mod links;
mod retention;
pub(crate) mod row;
pub(crate) mod segments;
pub(crate) mod store;
pub(crate) mod visibility;

pub(crate) use dictionary::Dictionary;

use crate::change::{self, HotChanges};
use crate::checkpoint::Listed;
use crate::ids::{Location, Place};
use crate::long_value::Long;
use crate::scratch::List;
use crate::{ColumnId, Error, IndexId, RowHandle, TableId, TableSchema, Timestamp, Value};
use births::Births;
use chunk::{CHUNK_ROWS, Chunk, Layout, RowKeys};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use row::{Columns, Found, RowRef};
use segments::SegmentPart;
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use store::Store;

/// Rows of one commit that are taken over as whole chunks instead of being copied.
const ADOPTED_ROWS: usize = CHUNK_ROWS / 2;

/// The rows of a table between two truncations.
pub(crate) struct Generation {
    pub active: Store,
    pub frozen: Vec<Arc<Store>>,
    pub segments: Vec<Arc<SegmentPart>>,
}

impl Generation {
    pub fn new(first_chunk: u32) -> Generation {
        Generation { active: Store::new(false, first_chunk), frozen: Vec::new(), segments: Vec::new() }
    }

    /// The stores in memory, newest first.
    pub fn stores(&self) -> impl Iterator<Item = &Store> {
        std::iter::once(&self.active).chain(self.frozen.iter().rev().map(Arc::as_ref))
    }

    pub fn chunk(&self, number: u32) -> Option<&Chunk> {
        self.stores().find_map(|store| store.chunk(number))
    }

    /// Calls `visit` with every version that has this key, newest first within each place, until it says to stop.
    pub fn versions_of<'a>(
        &'a self,
        index: IndexId,
        key: &[u8],
        visit: &mut dyn FnMut(Location, Found<'a>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        for store in self.stores() {
            let Some(map) = store.index(index) else { continue };
            for location in map.get(key).iter().rev() {
                let found = self.locate(*location)?;
                if !visit(*location, found)? {
                    return Ok(());
                }
            }
        }
        for part in self.segments.iter().rev() {
            for position in part.find(index, key)?.rev() {
                let row = part.row_at(index, position)?;
                if !visit(part.location(row), Found::Segment(part, row))? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Calls `visit` with the living versions that have this key. In a unique index the newest version of a key says
    /// everything: a key that is updated a thousand times a second is not walked through.
    pub fn living_of<'a>(
        &'a self,
        index: IndexId,
        key: &[u8],
        unique: bool,
        visit: &mut dyn FnMut(Location, Found<'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for store in self.stores() {
            let versions = store.index(index).map_or(&[][..], |map| map.get(key));
            for location in versions.iter().rev() {
                let found = self.locate(*location)?;
                if visibility::is_live(found.end()) {
                    visit(*location, found)?;
                }
                if unique {
                    return Ok(());
                }
            }
        }
        for part in self.segments.iter().rev().filter(|part| part.may_show(Timestamp::LATEST.0)) {
            for position in part.find(index, key)?.rev() {
                let row = part.row_at(index, position)?;
                let found = Found::Segment(part, row);
                if visibility::is_live(found.end()) {
                    visit(part.location(row), found)?;
                }
            }
        }
        Ok(())
    }

    /// The place of a location that an index of this generation names.
    #[inline]
    pub fn locate(&self, location: Location) -> Result<Found<'_>, Error> {
        self.try_locate(location)
            .ok_or_else(|| Error::Corrupted(format!("an index names {location:?}, where nothing is")))
    }

    pub fn try_locate(&self, location: Location) -> Option<Found<'_>> {
        match location.place()? {
            Place::Hot => {
                let chunk = self.chunk(location.number())?;
                (location.row() < chunk.rows()).then_some(Found::Chunk(chunk, location.row()))
            }
            Place::Segment => {
                let part = self.segments.iter().find(|part| part.number == location.number())?;
                (location.row() < part.segment.rows()).then_some(Found::Segment(part, location.row()))
            }
            Place::Own => None,
        }
    }
}

/// Where the rows of a chunk or segment that was rewritten lie now, by row.
pub(crate) struct Forward {
    pub rows: Arc<[u64]>,
    /// Transactions that began before this may still hold old locations.
    pub since: u64,
}

/// What the latch of a table guards.
pub(crate) struct TableState {
    pub schema: Arc<TableSchema>,
    pub layout: Layout,
    pub dictionary: Arc<Dictionary>,
    /// From when on an index holds every version; absent for indexes that always did.
    pub index_since: HashMap<IndexId, Timestamp>,
    /// Unique indexes in which a key may stand more than once, because it holds a NULL: they are not looked up as if
    /// the first row found were the only one.
    pub repeating: Vec<IndexId>,
    pub current: Generation,
    /// Older generations with the moment at which each ended, oldest first.
    pub older: Vec<(u64, Generation)>,
    pub forwards: HashMap<u64, Forward>,
    /// What happened to the table since the last checkpoint, and before it.
    pub hot_changes: HotChanges,
    pub change_runs: change::Runs,
    /// The table beside, where long values stand.
    pub long: Option<Arc<Table>>,
    /// Segments that are damaged: the manifest keeps them.
    pub quarantined: Vec<Listed>,
    /// Live versions by birth: made while the log is replayed, when a location does not lead to its row.
    births: Option<Births>,
}

impl TableState {
    /// Whether a key of this index has one visible row at most.
    pub fn is_unique(&self, index: IndexId) -> bool {
        self.schema.index(index).is_some_and(|schema| schema.unique) && !self.repeating.contains(&index)
    }

    pub fn note_repeating(&mut self, index: IndexId) {
        if !self.repeating.contains(&index) {
            self.repeating.push(index);
        }
    }

    /// What the manifest says of the table.
    pub fn describe(&mut self, schema: TableSchema, dictionary: Dictionary) {
        self.layout = schema.columns.clone().into();
        self.schema = Arc::new(schema);
        self.dictionary = Arc::new(dictionary);
    }

    /// The generation of this number: older ones first, then the current one.
    pub fn generation_at(&self, number: usize) -> Option<&Generation> {
        if number == self.older.len() {
            return Some(&self.current);
        }
        self.older.get(number).map(|(_, generation)| generation)
    }

    /// Every version by the name that survives moves: birth and start.
    pub fn versions_by_name(&self) -> Result<HashMap<(u64, u64), Location>, Error> {
        let mut versions = HashMap::new();
        for (_, generation) in self.generations() {
            for store in generation.stores() {
                for (number, chunk) in store.chunks() {
                    for (row, life) in chunk.lives().iter().enumerate() {
                        versions.insert((chunk.birth(row), life.from), store.location(number, row));
                    }
                }
            }
            for part in &generation.segments {
                for row in 0..part.segment.rows() {
                    let name = (part.segment.birth(row)?, part.segment.from(row)?.0);
                    versions.insert(name, part.location(row));
                }
            }
        }
        Ok(versions)
    }

    /// All generations, to be changed.
    pub fn generations_mut(&mut self) -> impl Iterator<Item = &mut Generation> {
        let older = self.older.iter_mut().map(|(_, generation)| generation);
        older.chain(std::iter::once(&mut self.current))
    }

    /// The generation that holds everything visible at `at`.
    #[inline]
    pub fn generation(&self, at: u64) -> &Generation {
        self.older.iter().find(|(until, _)| at < *until).map_or(&self.current, |(_, generation)| generation)
    }

    /// All generations with the moment each ended, oldest first.
    pub fn generations(&self) -> impl Iterator<Item = (u64, &Generation)> {
        let older = self.older.iter().map(|(until, generation)| (*until, generation));
        older.chain(std::iter::once((visibility::ALIVE, &self.current)))
    }

    /// Finds the version a handle names, wherever it has moved to.
    pub fn resolve(&self, handle: RowHandle) -> Option<(Location, Found<'_>)> {
        let mut location = Location(handle.location);
        // A location may be forwarded by every checkpoint and compaction since the handle was made; never in a circle.
        for _ in 0..=self.forwards.len() {
            let found = self.current.try_locate(location).or_else(|| {
                self.older.iter().rev().find_map(|(_, generation)| generation.try_locate(location))
            });
            if let Some(found) = found {
                return (found.birth().ok()? == handle.birth).then_some((location, found));
            }
            let forward = self.forwards.get(&(location.0 >> 32))?;
            location = Location(*forward.rows.get(location.row())?);
        }
        None
    }

    /// Whether an index may be used to look for what was visible at `at`.
    pub fn index_covers(&self, index: IndexId, at: u64) -> bool {
        self.index_since.get(&index).is_none_or(|since| since.0 <= at)
    }

    /// Whether no version is or was here, as far as files go: what lies in a damaged one is not known.
    pub fn is_empty(&self) -> bool {
        let is_empty = |generation: &Generation| {
            generation.segments.is_empty() && generation.stores().all(Store::is_empty)
        };
        self.quarantined.is_empty() && self.generations().all(|(_, generation)| is_empty(generation))
    }

    /// What it takes to read a row.
    pub fn columns(&self) -> Columns<'_> {
        Columns { dictionary: &self.dictionary, long: Long::committed(self.long.as_ref()) }
    }

    /// A row of this table at a place of it.
    pub fn row<'a>(&'a self, found: Found<'a>) -> RowRef<'a> {
        self.columns().of(found)
    }

    /// Takes over the schema of a committed ALTER TABLE.
    pub fn alter(&mut self, schema: TableSchema, defaults: &[(ColumnId, Value)]) -> Result<(), Error> {
        self.dictionary = Arc::new(self.dictionary.extended(&schema, defaults));
        self.current.active.seal_open()?;
        // Nobody reads through an index that is dropped: that takes the strongest lock.
        self.current.active.keep_indexes(|index| schema.index(index).is_some());
        self.layout = schema.columns.clone().into();
        self.schema = Arc::new(schema);
        Ok(())
    }

    /// Starts a new, empty generation: what was there stays readable before `at`.
    pub fn truncate(&mut self, at: u64) -> Result<(), Error> {
        self.current.active.seal_open()?;
        let next = Generation::new(self.current.active.next_chunk());
        let ended = std::mem::replace(&mut self.current, next);
        self.older.push((at, ended));
        Ok(())
    }

    /// Adds committed rows and says where each lies now: by copying them into the active store or, when they are many,
    /// by taking the chunk over. Answers their keys, which are still to be put into the indexes.
    pub fn append(
        &mut self,
        mut chunk: Chunk,
        from: u64,
        locations: &mut List<Location>,
    ) -> Result<RowKeys, Error> {
        let rows = chunk.rows();
        let keys = std::mem::take(&mut chunk.keys);
        keys.unchecked.iter().for_each(|index| self.note_repeating(IndexId(*index)));
        let first = locations.len();
        if rows >= ADOPTED_ROWS {
            chunk.seal()?;
            chunk.adopt(from);
            let number = self.current.active.adopt(chunk)?;
            locations.extend((0..rows).map(|row| Location::hot(number, row as u32)));
        } else {
            for row in 0..rows {
                let (number, growing) = self.current.active.growing(&chunk.layout)?;
                let added = growing.push_from(&chunk, row, from)?;
                locations.push(Location::hot(number, added as u32));
            }
        }
        if let Some(births) = &mut self.births {
            for location in locations.iter().skip(first) {
                if let Some(chunk) = self.current.active.chunk(location.number()) {
                    births.hot.insert(chunk.birth(location.row()), *location);
                }
            }
        }
        Ok(keys)
    }

    /// Adds one committed row of a table without indexes, and says where it lies.
    pub fn append_row(&mut self, values: &[Value], birth: u64, from: u64) -> Result<Location, Error> {
        if values.len() != self.layout.len() {
            return Err(Error::Corrupted("a row of another number of columns".into()));
        }
        let (number, growing) = self.current.active.growing(&self.layout)?;
        let location = Location::hot(number, growing.push(values, birth, from)? as u32);
        if let Some(births) = &mut self.births {
            births.hot.insert(birth, location);
        }
        Ok(location)
    }

    /// Puts the rows of one chunk into the indexes.
    pub fn index(&mut self, keys: &RowKeys, locations: &[Location]) {
        for (row, location) in locations.iter().enumerate() {
            for (index, key) in keys.of(row) {
                self.current.active.index_mut(IndexId(index)).insert(key, *location);
            }
        }
    }

    /// Bytes of memory of the hot stores, near enough for a bound.
    pub fn hot_bytes(&self) -> usize {
        self.generations()
            .map(|(_, generation)| generation.stores().map(Store::bytes_used).sum::<usize>())
            .sum::<usize>()
            + self.hot_changes.bytes()
    }
}

/// A table that exists, or existed.
pub(crate) struct Table {
    pub id: TableId,
    pub latch: RwLock<TableState>,
    /// Rows alive by the latest commit.
    pub live_rows: AtomicI64,
    /// Rows changed since statistics were last taken.
    pub changes: AtomicU64,
    /// When the table was dropped; [`visibility::ALIVE`] while it exists.
    dropped: AtomicU64,
    /// Moments before this cannot be read any more.
    horizon: AtomicU64,
    /// How long versions are kept after their end, in microseconds; `i64::MAX`: for ever.
    retention: AtomicI64,
    /// The first transaction that may have known that history is given up.
    retained_since: AtomicU64,
    /// The horizon when long values were last looked at, in microseconds.
    collected: AtomicI64,
    /// Of a table beside: values that ended up to a moment are given up once every transaction before one of this number
    /// is gone.
    ended: Mutex<Option<(u64, u64)>>,
    /// What is wrong with a file of the table.
    damage: OnceLock<String>,
}

thread_local! {
    /// How many latches of tables this thread holds shared: a callback of a look-up may itself look up.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A table's latch, held shared.
pub(crate) struct Latched<'a> {
    guard: RwLockReadGuard<'a, TableState>,
}

impl std::ops::Deref for Latched<'_> {
    type Target = TableState;

    fn deref(&self) -> &TableState {
        &self.guard
    }
}

impl Drop for Latched<'_> {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl Table {
    pub fn new(id: TableId, schema: TableSchema, defaults: &[(ColumnId, Value)]) -> Table {
        let dictionary = Dictionary::default().extended(&schema, defaults);
        Table::with_dictionary(id, schema, dictionary)
    }

    fn with_dictionary(id: TableId, schema: TableSchema, dictionary: Dictionary) -> Table {
        let state = TableState {
            layout: schema.columns.clone().into(),
            schema: Arc::new(schema),
            dictionary: Arc::new(dictionary),
            index_since: HashMap::new(),
            repeating: Vec::new(),
            current: Generation::new(0),
            older: Vec::new(),
            forwards: HashMap::new(),
            hot_changes: HotChanges::default(),
            change_runs: change::Runs::new(),
            long: None,
            quarantined: Vec::new(),
            births: None,
        };
        Table {
            id,
            latch: RwLock::new(state),
            live_rows: AtomicI64::new(0),
            changes: AtomicU64::new(0),
            dropped: AtomicU64::new(visibility::ALIVE),
            horizon: AtomicU64::new(0),
            retention: AtomicI64::new(i64::MAX),
            retained_since: AtomicU64::new(0),
            collected: AtomicI64::new(i64::MIN),
            ended: Mutex::new(None),
            damage: OnceLock::new(),
        }
    }

    /// Refuses a table of which a file is damaged: what is missing in it cannot be known.
    #[inline]
    pub fn check_sound(&self) -> Result<(), Error> {
        match self.damage.get() {
            None => Ok(()),
            Some(reason) => Err(Error::Corrupted(reason.clone())),
        }
    }

    /// Sets a damaged file aside: it stays as it is, and the table is not served.
    pub fn quarantine(&self, reason: String) {
        // The first reason is as good as any other.
        let _ = self.damage.set(reason);
    }

    /// Holds the latch shared. A thread that holds one already passes waiting writers: it would wait for itself.
    #[inline]
    pub fn read(&self) -> Latched<'_> {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        let guard = if depth == 0 { self.latch.read() } else { self.latch.read_recursive() };
        Latched { guard }
    }

    pub fn drop_at(&self, at: u64) {
        self.dropped.store(at, Ordering::Release);
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Acquire)
    }
}

/// All tables, dropped ones included. Replaced as a whole when a table is created.
pub(crate) type Tables = HashMap<TableId, Arc<Table>>;
