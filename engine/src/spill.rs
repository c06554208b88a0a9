//! Large commits: what they write goes to files before the commit, so that the commit itself is one small record.
//!
//! **Purpose.** A bulk load or a new index must not pass through the log, the sequencer and the hot maps: it would be
//! written twice, keep other commits waiting, and fill memory until the next checkpoint.
//!
//! **How.** A transaction that wants to be committed and holds much comes here first, in a thread of its own:
//!
//! - New rows of a table become segments, in the order of the clustering key (births where there is none), each with a run
//!   per further index. Their starts are left out: all begin with the commit (`Segment::publish`). The rows that they
//!   replace, or that are deleted, are named by the record, in runs (`record::closes`).
//! - Entries of a new index for rows that lie in segments become runs beside these.
//!
//! The record of the commit names the files with their hashes, and applying it puts them into the table. The next
//! checkpoint names them in the manifest.
//!
//! **Invariants.** Files are durable, read back and verified before the record that names them is appended. Until the
//! commit nobody can see them. From before a run is written until its commit is applied nobody rewrites the segment it
//! lies beside: the layout is held. Whatever is not worth a file, or cannot be one, goes through the log as ever.
//!
//! **Failure.** On an error (no room) the transaction is refused and its files are removed; a crash leaves orphans,
//! which the next start removes. A panic here refuses the one transaction.

use crate::checkpoint::Layout;
use crate::configuration::Configuration;
use crate::engine::Engine;
use crate::ids::{Location, Timestamp};
use crate::index::HotIndex;
use crate::record::{Attached, AttachedRun, AttachedSegment, Close, CommitSet, TableCommit};
use crate::rewrite::{entry, segment_bytes};
use crate::scratch::{List, ScratchAllocator};
use crate::segment::{IndexEntry, IndexRun, IndexRunWriter, RowTimes, Segment, SegmentWriter};
use crate::sequencer::{self, Request};
use crate::table::Dictionary;
use crate::table::chunk::Chunk;
use crate::table::row::{Columns, Found};
use crate::table::segments::segment_number;
use crate::transaction::write_set::Backfill;
use crate::{ColumnId, Error, IndexId, PhysicalType, TableId, TableSchema};
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// The way to the thread that writes large commits.
pub(crate) struct Spiller {
    sender: Mutex<Option<Sender<Request>>>,
    receiver: Mutex<Option<Receiver<Request>>>,
}

impl Default for Spiller {
    fn default() -> Spiller {
        let (sender, receiver) = channel();
        Spiller { sender: Mutex::new(Some(sender)), receiver: Mutex::new(Some(receiver)) }
    }
}

impl Spiller {
    /// Asks for the files of a commit and then for the commit.
    pub fn submit(&self, engine: &Engine, request: Request) {
        let refused = match &*self.sender.lock() {
            Some(sender) => sender.send(request).err().map(|refused| refused.0),
            None => Some(request),
        };
        if let Some(request) = refused {
            sequencer::refuse(engine, vec![request], &Error::ShuttingDown);
        }
    }

    /// Lets the thread end once everything asked for is done.
    pub fn close(&self) {
        self.sender.lock().take();
    }
}

/// Whether a commit holds so much that it should come here.
pub(crate) fn is_large(set: &CommitSet, configuration: &Configuration) -> bool {
    set.tables.iter().any(|(_, commit)| {
        let mut backfills = commit.backfills.iter();
        has_large_rows(commit, configuration.spill_bytes)
            || backfills.any(|backfill| backfill.entries.len() >= configuration.spill_entries)
    })
}

/// Whether the rows of a table are many, and no new index names them.
fn has_large_rows(commit: &TableCommit, bytes: usize) -> bool {
    commit.backfills.is_empty()
        && !commit.chunks.is_empty()
        && commit.chunks.iter().map(Chunk::bytes_used).sum::<usize>() >= bytes
}

/// The body of the thread.
pub(crate) fn run(engine: &Engine, layout: &Mutex<Layout>) {
    let Some(receiver) = engine.spiller.receiver.lock().take() else { return };
    while let Ok(mut request) = receiver.recv() {
        let builds_index = request.set.tables.iter().any(|(_, commit)| !commit.backfills.is_empty());
        let held = builds_index.then(|| layout.lock());
        let written = catch_unwind(AssertUnwindSafe(|| write(engine, &mut request.set)));
        let written = written.unwrap_or(Err(Error::Io("a panic while a large commit was written".into())));
        if let Err(error) = written {
            sequencer::refuse(engine, vec![request], &error);
            continue;
        }
        request.record = request.set.encode();
        let (done, ended) = sync_channel(0);
        if held.is_some() {
            // Dropped with the request, whatever becomes of it.
            request.done = Some(done);
        }
        engine.submit(request);
        if held.is_some() {
            let _ = ended.recv();
        }
    }
}

/// Writes the files of a commit.
fn write(engine: &Engine, set: &mut CommitSet) -> Result<(), Error> {
    for (table, commit) in &mut set.tables {
        if has_large_rows(commit, engine.configuration.spill_bytes) {
            let mut attached = Attached::default();
            let written = write_rows(engine, commit, &mut attached);
            if !matches!(written, Ok(true)) {
                attached.discard(engine);
            }
            if written? {
                commit.attached = Some(attached);
            }
        }
        merge_backfills(&mut commit.backfills);
        let Some((schema, _)) = commit.written.clone() else { continue };
        let least = engine.configuration.spill_entries;
        for backfill in commit.backfills.iter_mut().filter(|backfill| backfill.entries.len() >= least) {
            write_entries(engine, *table, &schema, backfill)?;
        }
        // As when the set was made: a map of committed rows alone is good for the table.
        if let ([backfill], true) =
            (commit.backfills.as_mut_slice(), commit.chunks.is_empty() && !commit.truncated)
            && backfill.runs.is_empty()
            && backfill.map.is_none()
            && backfill.entries.iter().all(|(handle, _, _)| !Location(handle.location).is_own())
        {
            backfill.map = Some(hot_map(backfill));
        }
    }
    Ok(())
}

/// A new row: its chunk, its place in there.
type Place = (u32, u32);

/// The new rows of one table.
struct Rows<'a> {
    engine: &'a Engine,
    chunks: &'a [Chunk],
    schema: &'a TableSchema,
    dictionary: &'a Dictionary,
    primary: Option<IndexId>,
    columns: Vec<(ColumnId, PhysicalType)>,
}

/// Writes the new rows of a table; `false` if they have to go through the log.
fn write_rows(engine: &Engine, commit: &mut TableCommit, attached: &mut Attached) -> Result<bool, Error> {
    let Some((schema, dictionary)) = &commit.written else { return Ok(false) };
    let present: HashSet<ColumnId> =
        commit.chunks.iter().flat_map(|chunk| chunk.layout.iter().map(|(column, _)| *column)).collect();
    let columns = dictionary.columns().iter().filter(|(column, _, _)| present.contains(column));
    let rows = Rows {
        engine,
        chunks: &commit.chunks,
        schema,
        dictionary,
        primary: schema.indexes.iter().find(|index| index.primary).map(|index| index.id),
        columns: columns.map(|(column, physical, _)| (*column, *physical)).collect(),
    };
    let Some(order) = rows.order() else { return Ok(false) };
    rename_successors(engine, &commit.chunks, &order, &mut commit.closes);
    let bytes: usize = commit.chunks.iter().map(Chunk::bytes_used).sum();
    let by_rows = order.len().div_ceil(engine.configuration.segment_rows.max(16) as usize);
    let pieces = by_rows.max(bytes.div_ceil(segment_bytes(engine, schema))).max(1);
    for piece in order.chunks(order.len().div_ceil(pieces).max(1)) {
        rows.write(piece, attached)?;
    }
    for chunk in &commit.chunks {
        for index in &chunk.keys.unchecked {
            if !attached.unchecked.contains(index) {
                attached.unchecked.push(*index);
            }
        }
        let births = (0..chunk.rows()).map(|row| chunk.birth(row));
        attached.highest_birth = attached.highest_birth.max(births.max().unwrap_or(0));
    }
    Ok(true)
}

/// Has the rows that a commit ends name their new versions by the order in which these are written.
fn rename_successors(engine: &Engine, chunks: &[Chunk], order: &[Place], closes: &mut [Close]) {
    if closes.is_empty() {
        return;
    }
    let mut firsts = Vec::with_capacity(chunks.len());
    let mut first = 0;
    for chunk in chunks {
        firsts.push(first);
        first += chunk.rows() as u32;
    }
    let mut written: List<u32> = List::with_capacity_in(order.len(), ScratchAllocator::of(&engine.scratch));
    written.resize(order.len(), 0);
    for ((chunk, row), position) in order.iter().zip(0u32..) {
        let ordinal = firsts.get(*chunk as usize).map_or(0, |first| first + row);
        if let Some(written) = written.get_mut(ordinal as usize) {
            *written = position;
        }
    }
    for close in closes {
        close.successor = close.successor.and_then(|ordinal| written.get(ordinal as usize).copied());
    }
}

impl<'a> Rows<'a> {
    fn chunk(&self, place: Place) -> Result<&'a Chunk, Error> {
        let chunk = self.chunks.get(place.0 as usize);
        chunk.ok_or_else(|| Error::Corrupted("a large commit has lost its place".into()))
    }

    /// The key of a row in an index, if the index holds it.
    fn key(&self, place: Place, index: IndexId) -> Option<&'a [u8]> {
        let chunk = self.chunks.get(place.0 as usize)?;
        let mut keys = chunk.keys.of(place.1 as usize);
        keys.find(|(id, _)| *id == index.0).map(|(_, key)| key)
    }

    /// All rows in the order in which they are to be written; `None` if one has no clustering key though the table has.
    fn order(&self) -> Option<List<Place>> {
        let allocator = || ScratchAllocator::of(&self.engine.scratch);
        let places = || {
            self.chunks
                .iter()
                .zip(0u32..)
                .flat_map(|(chunk, number)| (0..chunk.rows() as u32).map(move |row| (number, row)))
        };
        let birth =
            |place: &Place| self.chunks.get(place.0 as usize).map(|chunk| chunk.birth(place.1 as usize));
        let Some(primary) = self.primary else {
            let mut order = List::new_in(allocator());
            order.extend(places());
            if !order.is_sorted_by_key(birth) {
                order.sort_by_key(birth);
            }
            return Some(order);
        };
        let mut keyed: List<(&[u8], u64, Place)> = List::new_in(allocator());
        for place in places() {
            keyed.push((self.key(place, primary)?, birth(&place)?, place));
        }
        if !keyed.is_sorted() {
            keyed.sort_unstable();
        }
        let mut order = List::with_capacity_in(keyed.len(), allocator());
        order.extend(keyed.iter().map(|(_, _, place)| *place));
        Some(order)
    }

    /// Writes one segment and its runs.
    fn write(&self, piece: &[Place], attached: &mut Attached) -> Result<(), Error> {
        let environment = &self.engine.environment;
        let file = self.engine.allocate_file();
        let number = segment_number(file)?;
        let mut writer =
            SegmentWriter::new(environment, file, &self.columns).before_commit().expecting(piece.len());
        for place in piece {
            let birth = self.chunk(*place)?.birth(place.1 as usize);
            let times = RowTimes { birth, from: Timestamp::ZERO, to: Timestamp::INFINITY };
            match self.primary {
                Some(primary) => writer.begin_row(self.key(*place, primary).unwrap_or(&[]), times)?,
                None => writer.begin_row(&birth.to_be_bytes(), times)?,
            }
        }
        for (column, (id, physical)) in self.columns.iter().enumerate() {
            self.write_column(piece, &mut writer, column, *id, *physical)?;
        }
        let written = writer.finish()?;
        attached.segments.push(AttachedSegment {
            entry: entry(&written, 0),
            primary: self.primary,
            runs: Vec::new(),
            opened: None,
        });
        let opened = Segment::open(environment, file, Some(&written.hash))?;
        let Some(segment) = attached.segments.last_mut() else { return Ok(()) };
        segment.opened = Some(opened);
        for index in self.schema.indexes.iter().filter(|index| Some(index.id) != self.primary) {
            let keyed = piece.iter().zip(0u32..);
            let keyed = keyed.filter_map(|(place, row)| Some((self.key(*place, index.id)?, row)));
            let run = write_run(self.engine, index.id, index.unique, number, keyed.collect())?;
            segment.runs.extend(run);
        }
        Ok(())
    }

    fn write_column(
        &self,
        piece: &[Place],
        writer: &mut SegmentWriter,
        column: usize,
        id: ColumnId,
        physical: PhysicalType,
    ) -> Result<(), Error> {
        let by_bytes = matches!(physical, PhysicalType::Text | PhysicalType::Bytes);
        for place in piece {
            let found = Found::Chunk(self.chunk(*place)?, place.1 as usize);
            let row = Columns::as_stored(self.dictionary).of(found);
            if by_bytes {
                writer.push_bytes(column, row.stored(id)?)?;
            } else {
                writer.push_value(column, &row.value(id)?)?;
            }
        }
        Ok(())
    }
}

/// Writes the run of an index beside a segment: keys and rows. `None` without entries.
fn write_run(
    engine: &Engine,
    index: IndexId,
    unique: bool,
    segment: u32,
    mut keyed: Vec<(&[u8], u32)>,
) -> Result<Option<AttachedRun>, Error> {
    if keyed.is_empty() {
        return Ok(None);
    }
    if !keyed.is_sorted() {
        keyed.sort_unstable();
    }
    let file = engine.allocate_file();
    let mut writer = IndexRunWriter::new(&engine.environment, file, unique).without_times();
    for (key, row) in keyed {
        writer.append(&IndexEntry {
            key,
            clustering_key: &row.to_be_bytes(),
            birth: 0,
            from: Timestamp::ZERO,
            to: Timestamp::INFINITY,
        })?;
    }
    let written = writer.finish()?;
    let opened = Some(IndexRun::open(&engine.environment, file, Some(&written.hash))?);
    Ok(Some(AttachedRun { index, entry: entry(&written, segment), opened }))
}

/// The entries of one index that are worth files, brought together: a segment has one run of each index.
fn merge_backfills(backfills: &mut Vec<Backfill>) {
    let mut merged: Vec<Backfill> = Vec::with_capacity(backfills.len());
    for backfill in backfills.drain(..) {
        let same = |other: &&mut Backfill| {
            other.index == backfill.index && other.covers_history == backfill.covers_history
        };
        match merged.iter_mut().find(same) {
            Some(other) => {
                other.entries.extend(backfill.entries);
                other.is_mapped = false;
                other.map = None;
            }
            None => merged.push(backfill),
        }
    }
    *backfills = merged;
}

/// Writes the entries of a new index for rows in segments as runs beside these. The layout is held.
fn write_entries(
    engine: &Engine,
    table: TableId,
    schema: &TableSchema,
    backfill: &mut Backfill,
) -> Result<(), Error> {
    let unique = schema.index(backfill.index).is_some_and(|index| index.unique);
    let Ok(base) = engine.table(table) else { return Ok(()) };
    let mut in_runs = vec![false; backfill.entries.len()];
    let mut keyed: HashMap<u32, Vec<(&[u8], u32)>> = HashMap::new();
    {
        let state = base.read();
        let parts = || state.generations().flat_map(|(_, generation)| &generation.segments);
        let has_run =
            |number: u32| parts().any(|part| part.number == number && part.run(backfill.index).is_some());
        let mut last = None;
        for ((handle, from, key), in_run) in backfill.entries.iter().zip(&mut in_runs) {
            let found = if Location(handle.location).is_own() { None } else { state.resolve(*handle) };
            let Some((location, found)) = found.filter(|(location, _)| location.is_segment()) else {
                continue;
            };
            let number = location.number();
            if found.from()? != *from || (last != Some(number) && has_run(number)) {
                continue;
            }
            last = Some(number);
            keyed.entry(number).or_default().push((key, location.row() as u32));
            *in_run = true;
        }
    }
    let mut keys: Vec<&[u8]> = backfill
        .entries
        .iter()
        .zip(&in_runs)
        .filter(|(_, in_run)| **in_run)
        .map(|(entry, _)| &*entry.2)
        .collect();
    if !keys.is_sorted() {
        keys.sort_unstable();
    }
    let repeats = keys.windows(2).any(|pair| matches!(pair, [left, right] if left == right));
    let mut runs: Vec<AttachedRun> = Vec::new();
    for (segment, keyed) in keyed {
        match write_run(engine, backfill.index, unique, segment, keyed) {
            Ok(run) => runs.extend(run),
            Err(error) => {
                runs.iter().for_each(|run| run.discard(engine));
                return Err(error);
            }
        }
    }
    let mut in_runs = in_runs.into_iter();
    backfill.entries.retain(|_| !in_runs.next().unwrap_or(false));
    backfill.runs = runs;
    backfill.repeats = repeats;
    if !backfill.runs.is_empty() {
        backfill.map = None;
    }
    Ok(())
}

/// A map of entries as a table wants to have it, made where nobody waits for it.
fn hot_map(backfill: &Backfill) -> HotIndex {
    let mut map = HotIndex::new(false);
    map.reserve(backfill.entries.len());
    for (handle, _, key) in &backfill.entries {
        map.insert(key, Location(handle.location));
    }
    map
}
