//! Index runs beside the segments of a rewrite.
//!
//! Every segment has one run of each further index, whose entries carry the row's position in the segment (four
//! bytes, big-endian) in the place of the clustering key. Entries of all places are merged in the order of their keys
//! once, dealt out to the new segments, and written one run after the other.

use super::order::{self, Key, Place, Sequence};
use super::{Outputs, Rewrite, entry};
use crate::ids::{Location, Timestamp};
use crate::io::planted;
use crate::manifest::Edit;
use crate::segment::{FileKind, IndexEntry, IndexRun, IndexRunWriter};
use crate::{Error, IndexId, IndexSchema};
use hashbrown::HashMap;
use std::ops::Bound;
use std::sync::Arc;

/// Opened runs, by the number of their segment.
pub(super) type Opened = HashMap<u32, Vec<(IndexId, Arc<IndexRun>)>>;

/// Writes the runs of a rewrite.
pub(super) struct Runs<'r, 'a> {
    pub rewrite: &'r Rewrite<'a>,
    pub outputs: &'r mut Outputs,
}

impl<'a> Runs<'_, 'a> {
    /// One run per index and new segment, where it has entries.
    pub fn write(&mut self, primary: Option<IndexId>, segments: &[u32]) -> Result<Opened, Error> {
        let mut opened = Opened::new();
        for index in self.rewrite.schema.indexes.iter().filter(|index| Some(index.id) != primary) {
            let sequences = self.sequences(index.id)?;
            let mut dealt: HashMap<u32, Vec<(Place, u32)>> = HashMap::new();
            let tie = |sequence: &Sequence<'a>, position: usize| {
                Ok((self.moved(sequence.location(position)?).map_or(u64::MAX, |place| place.0), 0))
            };
            order::merge(&sequences, &tie, &mut |place| {
                let Some(sequence) = sequences.get(place.0 as usize) else { return Ok(()) };
                // Rows before the horizon are left out.
                if let Some(new) = self.moved(sequence.location(place.1 as usize)?) {
                    dealt.entry(new.number()).or_default().push((place, new.row() as u32));
                }
                Ok(())
            })?;
            for segment in segments {
                let Some(entries) = dealt.remove(segment) else { continue };
                let is_merge = self.rewrite.stores.is_empty();
                if is_merge && planted!(self.rewrite.engine.environment.disk, skip_merged_runs) {
                    continue;
                }
                let run = self.write_run(index, *segment, &sequences, entries)?;
                opened.entry(*segment).or_default().push((index.id, run));
            }
        }
        Ok(opened)
    }

    /// Where a row lies now; `None` if it was left out.
    fn moved(&self, old: Location) -> Option<Location> {
        let new = self.outputs.moves.get(&(old.0 >> 32)).and_then(|rows| rows.get(old.row()))?;
        Some(Location(*new)).filter(|new| *new != Location::NONE)
    }

    /// The entries of an index, of every place.
    fn sequences(&self, index: IndexId) -> Result<Vec<Sequence<'a>>, Error> {
        let mut sequences = Vec::new();
        let mut list: Vec<(Key<'a>, Location)> = Vec::new();
        for map in self.rewrite.stores.iter().filter_map(|store| store.index(index)) {
            for (key, locations) in map.iter() {
                list.extend(locations.iter().map(|place| (Key::Bytes(key.as_bytes()), *place)));
            }
        }
        for part in self.rewrite.parts {
            let entries = part.range(index, Bound::Unbounded, Bound::Unbounded)?;
            if self.rewrite.is_in_order(part) {
                sequences.push(Sequence::Entries(part, index, entries));
                continue;
            }
            for position in entries {
                let row = part.row_at(index, position)?;
                list.push((Key::Bytes(part.key_at(index, position)?), part.location(row)));
            }
        }
        let new = |place: &Location| self.moved(*place).map_or(u64::MAX, |new| new.0);
        list.sort_unstable_by(|left, right| {
            let order = left.0.as_bytes().cmp(right.0.as_bytes());
            order.then_with(|| new(&left.1).cmp(&new(&right.1)))
        });
        sequences.push(Sequence::List(list));
        Ok(sequences)
    }

    fn write_run(
        &mut self,
        index: &IndexSchema,
        segment: u32,
        sequences: &[Sequence<'a>],
        entries: Vec<(Place, u32)>,
    ) -> Result<Arc<IndexRun>, Error> {
        let file = self.rewrite.engine.allocate_file();
        self.outputs.files.push((FileKind::IndexRun, file));
        let mut writer =
            IndexRunWriter::new(&self.rewrite.engine.environment, file, index.unique).without_times();
        let key = |place: Place| -> Result<Key<'a>, Error> {
            let sequence = sequences.get(place.0 as usize);
            let sequence = sequence.ok_or_else(|| Error::Corrupted("a rewrite has lost its place".into()))?;
            sequence.key(place.1 as usize)
        };
        let mut start = 0;
        while let Some((first, _)) = entries.get(start) {
            let of = key(*first)?;
            let mut end = start + 1;
            while let Some((next, _)) = entries.get(end) {
                if key(*next)?.as_bytes() != of.as_bytes() {
                    break;
                }
                end += 1;
            }
            let mut rows: Vec<u32> =
                entries.get(start..end).unwrap_or(&[]).iter().map(|(_, row)| *row).collect();
            rows.sort_unstable();
            // An entry may have been given twice, by a backfill that overlapped an earlier one.
            rows.dedup();
            for row in rows {
                // Times stand with the row; an entry only leads to it.
                writer.append(&IndexEntry {
                    key: of.as_bytes(),
                    clustering_key: &row.to_be_bytes(),
                    birth: 0,
                    from: Timestamp::ZERO,
                    to: Timestamp::INFINITY,
                })?;
            }
            start = end;
        }
        let written = writer.finish()?;
        self.outputs.edits.push(Edit::AddIndexRun { index: index.id, entry: entry(&written, segment) });
        Ok(IndexRun::open(&self.rewrite.engine.environment, file, Some(&written.hash))?)
    }
}
