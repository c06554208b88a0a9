//! Writing versions anew: frozen stores (a checkpoint) or older segments (compaction) become new segments, each with a
//! run per further index.
//!
//! 1. Rows are brought into the order of (clustering key, from, birth) without copying them; rows without a clustering
//!    key come after, in the order of their births.
//! 2. Living ones stay together; dead ones are dealt out to history slices; those that ended before the horizon are
//!    left out.
//! 3. Each group is cut into segments, and these are written one after the other: memory holds one segment and
//!    sixteen bytes a row.
//!
//! Invariants: every version that goes in comes out once, with its times, unless it ended before the horizon; ends
//! after the moment are not written (they are carried over when the outputs are installed). Nothing here changes what
//! readers see. On an error, or when asked to stop, the files written so far are removed.

pub(crate) mod entries;
pub(crate) mod order;

use crate::compaction::choose::{Level, Limits};
use crate::compaction::slice::{Slice, lift};
use crate::engine::Engine;
use crate::ids::{FileId, Location, Timestamp};
use crate::io::{planted, remove_if_there};
use crate::manifest::{Edit, FileEntry};
use crate::segment::{FileKind, Purpose, RowTimes, Segment, SegmentWriter, Written};
use crate::table::Dictionary;
use crate::table::row::{Columns, Found};
use crate::table::segments::{SegmentPart, segment_number};
use crate::table::store::Store;
use crate::table::visibility::is_live;
use crate::{ColumnId, Error, IndexId, PhysicalType, TableId, TableSchema};
use hashbrown::{HashMap, HashSet};
use order::{Key, Place, Sequence};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A segment's bytes are looked at once in so many rows.
const BETWEEN: usize = 64;
/// So many times as many bytes has a segment of a table with a vector index: two graphs are more work than one over both.
const VECTORS: usize = 4;

/// How many bytes a segment of a table holds at most, about.
pub(crate) fn segment_bytes(engine: &Engine, schema: &TableSchema) -> usize {
    let bytes = engine.configuration.segment_bytes;
    if schema.vectors.is_empty() { bytes } else { bytes.saturating_mul(VECTORS) }
}

/// What is to be rewritten, and how.
pub(crate) struct Rewrite<'a> {
    pub engine: &'a Engine,
    pub table: TableId,
    pub schema: &'a TableSchema,
    pub dictionary: &'a Dictionary,
    pub stores: &'a [Arc<Store>],
    pub parts: &'a [Arc<SegmentPart>],
    /// Ends after this are not written.
    pub moment: u64,
    /// Versions that ended at or before this are left out.
    pub horizon: u64,
    /// The level of living versions.
    pub level: u8,
    /// Keys at which living versions are cut.
    pub boundaries: &'a [Vec<u8>],
    /// The highest class that small slices are lifted to.
    pub ceiling: u8,
    pub limits: Limits,
    /// Asked between files: whether to give up.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// What a rewrite has made.
#[derive(Default)]
pub(crate) struct Outputs {
    pub parts: Vec<Arc<SegmentPart>>,
    /// Segments whose rows are in `parts` now.
    pub removed: HashSet<u32>,
    /// Where the rows of the stores and removed segments went: by the upper half of their location, by row.
    pub moves: HashMap<u64, Vec<u64>>,
    pub edits: Vec<Edit>,
    /// Every file written.
    files: Vec<(FileKind, FileId)>,
}

impl Outputs {
    /// Notes a file that was written beside the segments.
    pub fn note(&mut self, kind: FileKind, file: FileId, edit: Edit) {
        self.files.push((kind, file));
        self.edits.push(edit);
    }

    /// Removes the files again. What stays by a failure is removed by the next start.
    pub fn discard(&self, engine: &Engine) {
        for (kind, file) in &self.files {
            let _ = remove_if_there(&*engine.environment.disk, &kind.name(*file));
        }
    }
}

/// Rows that go to segments of one kind.
struct Group {
    level: Level,
    rows: Vec<Place>,
}

/// A segment that was written, before its runs.
struct Fresh {
    written: Written,
    level: Level,
    primary: Option<IndexId>,
    /// Whether more bytes would not have gone in.
    is_full: bool,
}

/// The rows of one order: those with a clustering key, or those without.
struct Ordered<'a> {
    sequences: Vec<Sequence<'a>>,
    primary: Option<IndexId>,
}

impl<'a> Rewrite<'a> {
    /// Writes everything; `None` if it was asked to stop.
    pub fn run(&self) -> Result<Option<Outputs>, Error> {
        let mut outputs =
            Outputs { removed: self.parts.iter().map(|part| part.number).collect(), ..Outputs::default() };
        let written = self.write(&mut outputs);
        if !matches!(written, Ok(true)) {
            outputs.discard(self.engine);
        }
        written.map(|whole| whole.then_some(outputs))
    }

    fn write(&self, outputs: &mut Outputs) -> Result<bool, Error> {
        for (place, rows) in self.places() {
            outputs.moves.insert(place, vec![Location::NONE.0; rows]);
        }
        let columns = self.columns();
        let mut fresh = Vec::new();
        for ordered in self.ordered()? {
            for group in self.groups(&ordered)? {
                if !self.write_group(&ordered, group, &columns, outputs, &mut fresh)? {
                    return Ok(false);
                }
            }
        }
        let mut runs = entries::Runs { rewrite: self, outputs };
        let segments: Vec<u32> =
            fresh.iter().map(|fresh| segment_number(fresh.written.file)).collect::<Result<_, _>>()?;
        let mut opened = runs.write(self.primary(), &segments)?;
        for fresh in fresh {
            let segment =
                Segment::open(&self.engine.environment, fresh.written.file, Some(&fresh.written.hash))?;
            let runs = opened.remove(&segment_number(fresh.written.file)?).unwrap_or_default();
            let part = SegmentPart::new(segment, fresh.primary, fresh.level, runs)?;
            if fresh.is_full {
                part.note_full();
            }
            outputs.parts.push(Arc::new(part));
        }
        for part in self.parts {
            outputs.edits.extend(part.removal(self.table));
        }
        Ok(true)
    }

    fn primary(&self) -> Option<IndexId> {
        self.schema.indexes.iter().find(|index| index.primary).map(|index| index.id)
    }

    /// Whether the rows of a segment stand in the order in which they are to be written.
    pub fn is_in_order(&self, part: &SegmentPart) -> bool {
        match (part.primary, self.primary()) {
            (None, Some(primary)) => {
                let known = self.stores.iter().filter_map(|store| store.index(primary));
                part.run(primary).is_none() && !known.into_iter().any(|map| map.has_foreign())
            }
            (sorted_by, primary) => sorted_by == primary,
        }
    }

    /// The upper half of the locations of each place that is rewritten, and its rows.
    fn places(&self) -> Vec<(u64, usize)> {
        let chunks = self.stores.iter().flat_map(|store| {
            store.chunks().map(|(number, chunk)| (Location::hot(number, 0).0 >> 32, chunk.rows()))
        });
        let segments = self.parts.iter().map(|part| (part.location(0).0 >> 32, part.segment.rows()));
        chunks.chain(segments).collect()
    }

    pub fn find(&self, place: Location) -> Result<Found<'a>, Error> {
        let found = if place.is_segment() {
            let part = self.parts.iter().find(|part| part.number == place.number());
            part.map(|part| Found::Segment(part, place.row()))
        } else {
            let mut chunks = self.stores.iter().filter_map(|store| store.chunk(place.number()));
            chunks.next().map(|chunk| Found::Chunk(chunk, place.row()))
        };
        found.ok_or_else(|| Error::Corrupted(format!("a rewrite misses {place:?}")))
    }

    /// The columns that any of the places stores.
    fn columns(&self) -> Vec<(ColumnId, PhysicalType)> {
        let mut present: HashSet<ColumnId> = HashSet::new();
        for (_, chunk) in self.stores.iter().flat_map(|store| store.chunks()) {
            present.extend(chunk.layout.iter().map(|(column, _)| *column));
        }
        for part in self.parts {
            present.extend(part.segment.columns().iter().map(|(column, _)| *column));
        }
        let known = self.dictionary.columns().iter();
        known
            .filter(|(column, _, _)| present.contains(column))
            .map(|(column, physical, _)| (*column, *physical))
            .collect()
    }

    /// All rows as sorted sequences: by clustering key where they have one, by birth where not.
    fn ordered(&self) -> Result<Vec<Ordered<'a>>, Error> {
        let find = |place: Location| self.find(place);
        let mut keyed = Vec::new();
        let mut plain = Vec::new();
        let primary = self.primary();
        let mut list: Vec<(Key<'a>, Location)> = Vec::new();
        // In the order of places, so that rows without a key come nearly sorted.
        let mut seen: BTreeMap<u64, Vec<bool>> = BTreeMap::new();
        for (place, rows) in self.places() {
            if !self.parts.iter().any(|part| part.location(0).0 >> 32 == place && self.is_in_order(part)) {
                seen.insert(place, vec![false; rows]);
            }
        }
        for part in self.parts.iter().filter(|part| self.is_in_order(part)) {
            let sequences = if part.primary.is_some() { &mut keyed } else { &mut plain };
            sequences.push(Sequence::Rows(part));
        }
        if let Some(index) = primary {
            for map in self.stores.iter().filter_map(|store| store.index(index)) {
                for (key, locations) in map.iter() {
                    list.extend(locations.iter().map(|place| (Key::Bytes(key.as_bytes()), *place)));
                }
            }
            for part in self.parts.iter().filter(|part| !self.is_in_order(part)) {
                for position in part.range(index, std::ops::Bound::Unbounded, std::ops::Bound::Unbounded)? {
                    let row = part.row_at(index, position)?;
                    list.push((Key::Bytes(part.key_at(index, position)?), part.location(row)));
                }
            }
            // A key may have been given twice, by a backfill that overlapped an earlier one.
            list.retain(|(_, place)| match seen.get_mut(&(place.0 >> 32)) {
                Some(rows) => rows.get_mut(place.row()).is_some_and(|row| !std::mem::replace(row, true)),
                None => false,
            });
            keyed.push(Sequence::List(order::sort(list, &find)?));
        }
        let mut rest = Vec::new();
        for (place, rows) in seen {
            for (row, _) in rows.into_iter().enumerate().filter(|(_, seen)| !seen) {
                let place = Location(place << 32 | row as u64);
                rest.push((Key::Birth(self.find(place)?.birth()?.to_be_bytes()), place));
            }
        }
        plain.push(Sequence::List(order::sort(rest, &find)?));
        Ok(vec![Ordered { sequences: keyed, primary }, Ordered { sequences: plain, primary: None }])
    }

    /// Deals rows out: the living ones, and the dead by slice.
    fn groups(&self, ordered: &Ordered<'a>) -> Result<Vec<Group>, Error> {
        let tie = |sequence: &Sequence<'a>, position: usize| {
            let found = self.find(sequence.location(position)?)?;
            Ok((found.from()?, found.birth()?))
        };
        let mut living: Vec<Place> = Vec::new();
        let mut dead: Vec<(Place, Slice)> = Vec::new();
        let mut counts: BTreeMap<Slice, u64> = BTreeMap::new();
        order::merge(&ordered.sequences, &tie, &mut |place| {
            let found = self.find(location_of(&ordered.sequences, place)?)?;
            let (from, end) = (found.from()?, found.end());
            if is_live(end) || end > self.moment {
                living.push(place);
            } else if end > self.horizon {
                let slice = Slice::of(from, end);
                *counts.entry(slice).or_default() += 1;
                dead.push((place, slice));
            }
            Ok(())
        })?;
        if self.stores.is_empty() && planted!(self.engine.environment.disk, lose_merged_version) {
            dead.pop();
        }
        let goes = lift(&counts, self.limits.small_rows, self.ceiling);
        let mut slices: BTreeMap<Slice, Vec<Place>> = BTreeMap::new();
        for (place, slice) in dead {
            slices.entry(goes.get(&slice).copied().unwrap_or(slice)).or_default().push(place);
        }
        let mut groups: Vec<Group> =
            slices.into_iter().map(|(slice, rows)| Group { level: Level::History(slice), rows }).collect();
        groups.push(Group { level: Level::Current(self.level), rows: living });
        Ok(groups)
    }

    /// Writes the segments of one group. Says whether to go on.
    fn write_group(
        &self,
        ordered: &Ordered<'a>,
        group: Group,
        columns: &[(ColumnId, PhysicalType)],
        outputs: &mut Outputs,
        fresh: &mut Vec<Fresh>,
    ) -> Result<bool, Error> {
        let total = group.rows.len();
        let most_bytes = segment_bytes(self.engine, self.schema);
        let pieces = total.div_ceil(self.limits.segment_rows.max(1) as usize).max(1);
        let even = total.div_ceil(pieces);
        let mut boundaries = self.boundaries.iter().filter(|_| !group.level.is_history()).peekable();
        let mut rest = group.rows.as_slice();
        while !rest.is_empty() {
            if (self.stop)() {
                return Ok(false);
            }
            let file = self.engine.allocate_file();
            outputs.files.push((FileKind::Segment, file));
            let number = segment_number(file)?;
            let purpose = if group.level.is_history() { Purpose::History } else { Purpose::Current };
            let mut writer =
                SegmentWriter::new(&self.engine.environment, file, columns).with_purpose(purpose);
            let (mut rows, mut is_full) = (0, false);
            for place in rest {
                let (sequence, position) = (ordered.sequences.get(place.0 as usize), place.1 as usize);
                let Some(sequence) = sequence else { break };
                let key = sequence.key(position)?;
                let crossed = boundaries.next_if(|boundary| boundary.as_slice() <= key.as_bytes()).is_some();
                while boundaries.next_if(|boundary| boundary.as_slice() <= key.as_bytes()).is_some() {}
                is_full = rows % BETWEEN == 0 && writer.bytes() >= most_bytes;
                if rows > 0 && (rows >= even || is_full || (crossed && rows as u64 >= self.limits.small_rows))
                {
                    break;
                }
                let place = sequence.location(position)?;
                self.append(&mut writer, key.as_bytes(), place, columns)?;
                if let Some(to) =
                    outputs.moves.get_mut(&(place.0 >> 32)).and_then(|rows| rows.get_mut(place.row()))
                {
                    *to = Location::segment(number, rows as u32).0;
                }
                rows += 1;
            }
            rest = rest.get(rows.max(1)..).unwrap_or(&[]);
            let written = writer.finish()?;
            outputs.edits.push(Edit::AddSegment { table: self.table, entry: entry(&written, 0) });
            fresh.push(Fresh { written, level: group.level, primary: ordered.primary, is_full });
        }
        Ok(true)
    }

    fn append(
        &self,
        writer: &mut SegmentWriter,
        key: &[u8],
        place: Location,
        columns: &[(ColumnId, PhysicalType)],
    ) -> Result<(), Error> {
        let found = self.find(place)?;
        let row = Columns::as_stored(self.dictionary).of(found);
        let end = found.end();
        let forgets = self.stores.is_empty() && planted!(self.engine.environment.disk, drop_merged_ends);
        let to = if end > self.moment || forgets { Timestamp::INFINITY } else { Timestamp(end) };
        let times = RowTimes { birth: found.birth()?, from: Timestamp(found.from()?), to };
        writer.begin_row(key, times)?;
        for (number, (column, physical)) in columns.iter().enumerate() {
            match physical {
                PhysicalType::Text | PhysicalType::Bytes => {
                    writer.push_bytes(number, row.stored(*column)?)?;
                }
                PhysicalType::Bool
                | PhysicalType::Int16
                | PhysicalType::Int32
                | PhysicalType::Int64
                | PhysicalType::UInt32
                | PhysicalType::Float32
                | PhysicalType::Float64
                | PhysicalType::Fixed16 => writer.push_value(number, &row.value(*column)?)?,
            }
        }
        Ok(())
    }
}

/// The place that an item of a merge names.
fn location_of(sequences: &[Sequence<'_>], place: Place) -> Result<Location, Error> {
    let sequence = sequences.get(place.0 as usize);
    let sequence = sequence.ok_or_else(|| Error::Corrupted("a rewrite has lost its place".into()))?;
    sequence.location(place.1 as usize)
}

/// The manifest's entry of a file.
pub(crate) fn entry(written: &Written, level: u32) -> FileEntry {
    FileEntry {
        file: written.file,
        bytes: written.bytes,
        rows: written.rows,
        level,
        hash: written.hash,
        delete_log: None,
    }
}
