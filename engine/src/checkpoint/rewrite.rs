//! Writing: frozen versions and small older segments become new segments and index runs.
//!
//! Living and dead versions go to different segments, so that a look at the present does not walk through the past.
//! An older segment is merged in when it is not much larger than what is being written (so their number stays
//! logarithmic), and when an index that was built since has entries for it.

use super::freeze::{FrozenGeneration, FrozenTable};
use crate::database::Engine;
use crate::ids::{FileId, Location};
use crate::index::IndexKey;
use crate::manifest::{Edit, FileEntry, Manifest};
use crate::segment::{
    DeleteLog, IndexEntry, IndexRun, IndexRunWriter, Segment, SegmentWriter, VersionRow, Written,
};
use crate::table::row::{Found, RowRef};
use crate::table::segments::{SegmentPart, segment_number};
use crate::table::visibility::is_live;
use crate::{ColumnId, Error, IndexId, PhysicalType, TableId, Timestamp, Value};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// A segment is finished at this many rows or bytes.
const SEGMENT_ROWS: usize = 1 << 20;
const SEGMENT_BYTES: usize = 256 << 20;
/// An older segment joins a rewrite of at least this part of its own rows.
const MERGE_FACTOR: usize = 2;

/// What a rewrite of one generation has made.
#[derive(Default)]
pub(super) struct Outputs {
    pub parts: Vec<Arc<SegmentPart>>,
    /// Segments whose rows are in `parts` now.
    pub removed: HashSet<u32>,
    /// Where the rows of frozen chunks and removed segments went: by the upper half of their location, by row.
    pub moves: HashMap<u64, Vec<u64>>,
    /// Segments whose ends went to a new delete log, and how many it holds.
    pub logged: Vec<(Arc<SegmentPart>, usize)>,
}

/// A version on its way.
struct Input {
    key: IndexKey,
    /// Whether `key` is the clustering key; without one, rows are sorted by birth.
    keyed: bool,
    from: u64,
    to: u64,
    birth: u64,
    place: Location,
}

/// Rewrites all generations of a table, and adds the manifest's edits for it.
pub(super) fn table(
    engine: &Engine,
    manifest: &mut Manifest,
    table: &FrozenTable,
    moment: u64,
    edits: &mut Vec<Edit>,
) -> Result<Vec<Outputs>, Error> {
    let mut all = Vec::with_capacity(table.generations.len());
    for generation in &table.generations {
        let merged = choose(generation);
        let mut rewrite = Rewrite { engine, manifest, table, generation, merged, moment, edits };
        all.push(rewrite.run()?);
    }
    Ok(all)
}

/// Which older segments to merge in: pure, by sizes and by what new indexes refer to.
fn choose(generation: &FrozenGeneration) -> Vec<Arc<SegmentPart>> {
    let mut rows: usize = generation.stores.iter().map(|store| store.rows()).sum();
    let mut wanted: HashSet<u32> = HashSet::new();
    for store in &generation.stores {
        for (_, map) in store.indexes().iter().filter(|(_, map)| map.has_foreign()) {
            wanted.extend(map.locations().filter(|location| location.is_segment()).map(Location::number));
        }
    }
    if rows == 0 && wanted.is_empty() {
        return Vec::new();
    }
    let mut merged = Vec::new();
    let mut by_size: Vec<&Arc<SegmentPart>> = generation.segments.iter().collect();
    by_size.sort_by_key(|part| part.segment.rows());
    for part in by_size {
        let size = part.segment.rows();
        let small = size < SEGMENT_ROWS / 2 && size <= rows.saturating_mul(MERGE_FACTOR);
        if small || wanted.contains(&part.number) {
            rows += size;
            merged.push(part.clone());
        }
    }
    merged
}

struct Rewrite<'a> {
    engine: &'a Engine,
    manifest: &'a mut Manifest,
    table: &'a FrozenTable,
    generation: &'a FrozenGeneration,
    merged: Vec<Arc<SegmentPart>>,
    moment: u64,
    edits: &'a mut Vec<Edit>,
}

/// The entries of one index.
type Entries = Vec<(IndexKey, Location)>;

impl Rewrite<'_> {
    fn id(&self) -> TableId {
        self.table.table.id
    }

    fn run(&mut self) -> Result<Outputs, Error> {
        let mut outputs = Outputs::default();
        outputs.logged = self.write_delete_logs()?;
        if self.merged.is_empty() && self.generation.stores.iter().all(|store| store.is_empty()) {
            return Ok(outputs);
        }
        outputs.removed = self.merged.iter().map(|part| part.number).collect();
        let primary = self.table.schema.indexes.iter().find(|index| index.primary).map(|index| index.id);
        let keys = match primary {
            Some(index) => self.entries(index)?.into_iter().map(|(key, place)| (place, key)).collect(),
            None => HashMap::new(),
        };
        let inputs = self.inputs(keys)?;
        for (chunk, rows) in self.places() {
            outputs.moves.insert(chunk, vec![Location::NONE.0; rows]);
        }
        let mut written = Vec::new();
        let (living, dead): (Vec<_>, Vec<_>) = inputs.into_iter().partition(|input| is_live(input.to));
        for group in [dead, living] {
            let (keyed, plain): (Vec<_>, Vec<_>) = group.into_iter().partition(|input| input.keyed);
            for (inputs, primary) in [(plain, None), (keyed, primary)] {
                for segment in self.write_segments(inputs, &mut outputs)? {
                    written.push((segment, primary));
                }
            }
        }
        let mut runs = self.write_runs(primary, &written, &outputs)?;
        for (segment, primary) in written {
            let opened = Segment::open(&self.engine.environment, segment.file, Some(&segment.hash))?;
            let number = segment_number(segment.file)?;
            let part = SegmentPart::new(opened, primary, runs.remove(&number).unwrap_or_default())?;
            outputs.parts.push(Arc::new(part));
        }
        for part in &self.merged {
            self.edits.push(Edit::RemoveSegment { table: self.id(), file: FileId(u64::from(part.number)) });
            for (index, run) in &part.runs {
                self.edits.push(Edit::RemoveIndexRun { index: *index, file: run.file() });
            }
        }
        Ok(outputs)
    }

    /// Writes down the ends that kept segments were given up to the moment.
    fn write_delete_logs(&mut self) -> Result<Vec<(Arc<SegmentPart>, usize)>, Error> {
        let mut logged = Vec::new();
        let merged: HashSet<u32> = self.merged.iter().map(|part| part.number).collect();
        for part in self.generation.segments.iter().filter(|part| !merged.contains(&part.number)) {
            let ends: Vec<(u32, Timestamp)> =
                part.committed_ends().into_iter().filter(|(_, end)| end.0 <= self.moment).collect();
            if ends.is_empty() || part.logged_ends() == ends.len() {
                continue;
            }
            let file = self.manifest.allocate_file();
            let of = FileId(u64::from(part.number));
            DeleteLog::write(&self.engine.environment, file, of, part.segment.rows(), &ends)?;
            self.edits.push(Edit::SetDeleteLog { file: of, delete_log: Some(file) });
            logged.push((part.clone(), ends.len()));
        }
        Ok(logged)
    }

    /// The upper half of the locations of each place that is rewritten, and its rows.
    fn places(&self) -> Vec<(u64, usize)> {
        let stores = self.generation.stores.iter();
        let chunks = stores.flat_map(|store| {
            store.chunks().map(|(number, chunk)| (Location::hot(number, 0).0 >> 32, chunk.rows()))
        });
        let segments = self.merged.iter().map(|part| (part.location(0).0 >> 32, part.segment.rows()));
        chunks.chain(segments).collect()
    }

    fn find(&self, place: Location) -> Result<Found<'_>, Error> {
        let found = if place.is_segment() {
            let part = self.merged.iter().find(|part| part.number == place.number());
            part.map(|part| Found::Segment(part, place.row()))
        } else {
            let stores = self.generation.stores.iter();
            let mut chunks = stores.filter_map(|store| store.chunk(place.number()));
            chunks.next().map(|chunk| Found::Chunk(chunk, place.row()))
        };
        found.ok_or_else(|| Error::Corrupted(format!("a checkpoint misses {place:?}")))
    }

    /// Every entry of an index for the rows that are rewritten.
    fn entries(&self, index: IndexId) -> Result<Entries, Error> {
        let mut entries = Vec::new();
        for map in self.generation.stores.iter().filter_map(|store| store.index(index)) {
            for (key, locations) in map.iter() {
                entries.extend(locations.iter().map(|location| (key.clone(), *location)));
            }
        }
        for part in &self.merged {
            let all = part.range(index, std::ops::Bound::Unbounded, std::ops::Bound::Unbounded)?;
            for position in all {
                let row = part.row_at(index, position)?;
                entries.push((IndexKey::new(part.key_at(index, position)?), part.location(row)));
            }
        }
        Ok(entries)
    }

    fn inputs(&self, mut keys: HashMap<Location, IndexKey>) -> Result<Vec<Input>, Error> {
        let mut inputs = Vec::new();
        let mut add = |place: Location, found: Found<'_>| -> Result<(), Error> {
            let birth = found.birth()?;
            let (key, keyed) = match keys.remove(&place) {
                Some(key) => (key, true),
                None => (IndexKey::new(&birth.to_be_bytes()), false),
            };
            let end = found.end();
            let to = if end > self.moment { Timestamp::INFINITY.0 } else { end };
            inputs.push(Input { key, keyed, from: found.from()?, to, birth, place });
            Ok(())
        };
        for (number, chunk) in self.generation.stores.iter().flat_map(|store| store.chunks()) {
            for row in 0..chunk.rows() {
                add(Location::hot(number, row as u32), Found::Chunk(chunk, row))?;
            }
        }
        for part in &self.merged {
            for row in 0..part.segment.rows() {
                add(part.location(row), Found::Segment(part, row))?;
            }
        }
        inputs.sort_unstable_by(|left, right| {
            (&left.key, left.from, left.birth).cmp(&(&right.key, right.from, right.birth))
        });
        Ok(inputs)
    }

    /// The columns that any of the rewritten places stores.
    fn columns(&self) -> Vec<(ColumnId, PhysicalType)> {
        let mut present: HashSet<ColumnId> = HashSet::new();
        for (_, chunk) in self.generation.stores.iter().flat_map(|store| store.chunks()) {
            present.extend(chunk.layout.iter().map(|(column, _)| *column));
        }
        for part in &self.merged {
            present.extend(part.segment.columns().iter().map(|(column, _)| *column));
        }
        let known = self.table.dictionary.columns().iter();
        known
            .filter(|(column, _, _)| present.contains(column))
            .map(|(column, physical, _)| (*column, *physical))
            .collect()
    }

    fn write_segments(&mut self, inputs: Vec<Input>, outputs: &mut Outputs) -> Result<Vec<Written>, Error> {
        let columns = self.columns();
        let mut written = Vec::new();
        let mut rest = inputs.as_slice();
        while !rest.is_empty() {
            let file = self.manifest.allocate_file();
            let number = segment_number(file)?;
            let mut writer = SegmentWriter::new(&self.engine.environment, file, &columns);
            let mut rows = 0;
            let mut values: Vec<Value> = Vec::with_capacity(columns.len());
            for input in rest {
                if rows > 0 && (rows >= SEGMENT_ROWS || (rows % 1024 == 0 && writer.bytes() >= SEGMENT_BYTES))
                {
                    break;
                }
                let row = RowRef { found: self.find(input.place)?, dictionary: &self.table.dictionary };
                values.clear();
                for (column, _) in &columns {
                    values.push(row.value(*column)?);
                }
                writer.append(&VersionRow {
                    key: input.key.as_bytes(),
                    birth: input.birth,
                    from: Timestamp(input.from),
                    to: Timestamp(input.to),
                    values: &values,
                })?;
                if let Some(place) = outputs
                    .moves
                    .get_mut(&(input.place.0 >> 32))
                    .and_then(|rows| rows.get_mut(input.place.row()))
                {
                    *place = Location::segment(number, rows as u32).0;
                }
                rows += 1;
            }
            rest = rest.get(rows..).unwrap_or(&[]);
            let finished = writer.finish()?;
            self.edits.push(Edit::AddSegment { table: self.id(), entry: entry(&finished, 0) });
            written.push(finished);
        }
        Ok(written)
    }

    /// Writes one run per index and new segment; answers the opened runs by segment.
    fn write_runs(
        &mut self,
        primary: Option<IndexId>,
        written: &[(Written, Option<IndexId>)],
        outputs: &Outputs,
    ) -> Result<HashMap<u32, Vec<(IndexId, Arc<IndexRun>)>>, Error> {
        let mut runs: HashMap<u32, Vec<(IndexId, Arc<IndexRun>)>> = HashMap::new();
        let schema = self.table.schema.clone();
        for index in schema.indexes.iter().filter(|index| Some(index.id) != primary) {
            let mut by_segment: HashMap<u32, Vec<(IndexKey, u32)>> = HashMap::new();
            for (key, old) in self.entries(index.id)? {
                let new = outputs.moves.get(&(old.0 >> 32)).and_then(|rows| rows.get(old.row()));
                let Some(new) = new.map(|new| Location(*new)).filter(|new| *new != Location::NONE) else {
                    return Err(Error::Corrupted(format!(
                        "index {} names {old:?}, which is gone",
                        index.id.0
                    )));
                };
                by_segment.entry(new.number()).or_default().push((key, new.row() as u32));
            }
            for (segment, _) in written {
                let number = segment_number(segment.file)?;
                let Some(mut entries) = by_segment.remove(&number) else { continue };
                entries.sort_unstable();
                // An entry may have been given twice, by a backfill that overlapped an earlier one.
                entries.dedup();
                let run = self.write_run(index.id, index.unique, number, &entries)?;
                runs.entry(number).or_default().push((index.id, run));
            }
        }
        Ok(runs)
    }

    fn write_run(
        &mut self,
        index: IndexId,
        unique: bool,
        segment: u32,
        entries: &[(IndexKey, u32)],
    ) -> Result<Arc<IndexRun>, Error> {
        let file = self.manifest.allocate_file();
        let mut writer = IndexRunWriter::new(&self.engine.environment, file, unique);
        for (key, row) in entries {
            // Times stand with the row; an entry only leads to it.
            writer.append(&IndexEntry {
                key: key.as_bytes(),
                clustering_key: &row.to_be_bytes(),
                birth: 0,
                from: Timestamp::ZERO,
                to: Timestamp::INFINITY,
            })?;
        }
        let written = writer.finish()?;
        self.edits.push(Edit::AddIndexRun { index, entry: entry(&written, segment) });
        Ok(IndexRun::open(&self.engine.environment, file, Some(&written.hash))?)
    }
}

fn entry(written: &Written, level: u32) -> FileEntry {
    FileEntry {
        file: written.file,
        bytes: written.bytes,
        rows: written.rows,
        level,
        hash: written.hash,
        delete_log: None,
    }
}
