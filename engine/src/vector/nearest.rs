//! A search through all places of a table: own rows, hot chunks, segments.

use super::exact::Seeker;
use super::measure::Measure;
use super::steer::{Room, Wanted};
use super::top::Top;
use super::{Nearest, NearestReport, Search, VectorIndexSchema};
use crate::ids::Location;
use crate::long_value::Long;
use crate::table::chunk::Chunk;
use crate::table::row::Columns;
use crate::table::segments::SegmentPart;
use crate::transaction::ReadRecord;
use crate::view::{Eyes, ReadView};
use crate::{Error, IndexId, RowHandle, TableId};
use std::cell::Cell;
use std::sync::Arc;

/// What a search needs room for, kept by its thread for the next one.
#[derive(Default)]
struct Scratch {
    best: Top,
    chunks: Vec<(u32, Arc<Chunk>)>,
    parts: Vec<Arc<SegmentPart>>,
    room: Room,
}

thread_local! {
    /// Taken out for the time of a search: its filter may search, too.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl ReadView {
    /// The `k` rows nearest to `query` by a vector index, nearest first, of those that this view shows and that pass the
    /// filter; among rows of the same distance the older ones come first.
    pub fn nearest(
        &self,
        table: TableId,
        index: IndexId,
        query: &[f32],
        search: &mut Search<'_>,
    ) -> Result<Nearest, Error> {
        if let Some(reads) = &self.reads {
            reads.note(ReadRecord::Table { table, predicate: None });
        }
        let index = self.vector_index(table, index)?;
        if query.len() != index.dimensions as usize {
            return Err(Error::MalformedRow { table, reason: "a query of another number of dimensions" });
        }
        let mut scratch = SCRATCH.take().unwrap_or_default();
        let found = self.nearest_with(table, index, query, search, &mut scratch);
        // What was cloned must not outlive the search; after an error it may be there still.
        scratch.chunks.clear();
        scratch.parts.clear();
        SCRATCH.set(Some(scratch));
        found
    }

    /// The index as this view knows it: by its transaction's own writes, or as committed last.
    fn vector_index(&self, table: TableId, index: IndexId) -> Result<VectorIndexSchema, Error> {
        let own = self.own.as_ref().map(|own| own.writes.read());
        let found = match own.as_ref().and_then(|writes| writes.table(table)) {
            Some(writes) => writes.schema.vector(index).copied(),
            None => {
                let table = self.table(table).ok_or(Error::UnknownTable(table))?;
                table.read().schema.vector(index).copied()
            }
        };
        found.ok_or(Error::UnknownIndex(table, index))
    }

    fn nearest_with(
        &self,
        table: TableId,
        index: VectorIndexSchema,
        query: &[f32],
        search: &mut Search<'_>,
        scratch: &mut Scratch,
    ) -> Result<Nearest, Error> {
        let Scratch { best, chunks, parts, room } = scratch;
        let wanted = Wanted { k: search.k, ef: search.ef, expected_share: search.expected_share };
        best.reset(search.k);
        let own = self.own.as_ref().map(|own| own.writes.read());
        let own_table = own.as_ref().and_then(|writes| writes.table(table));
        let own_at = self.own.as_ref().map_or(0, |own| own.at);
        let eyes = Eyes { at: self.at.0, me: self.shared.id, own_at, own: own_table };
        let mut seeker = Seeker {
            index,
            measure: Measure::new(index.metric, index.element, query),
            filter: search.filter.as_deref_mut(),
            eyes,
            best,
            report: NearestReport::default(),
        };
        if let (Some(all), Some(writes)) = (&own, own_table) {
            for (number, chunk) in writes.store.chunks() {
                seeker.own_chunk(chunk, number, all.columns(writes))?;
            }
        }
        let hidden = own_table.is_some_and(|own| own.hides_base(own_at));
        if let Some(base) = self.table(table).filter(|_| !hidden) {
            let (dictionary, long) = {
                let state = base.read();
                base.check_readable(eyes.at)?;
                let generation = state.generation(eyes.at);
                for store in generation.stores() {
                    let first =
                        store.next_chunk() - store.sealed().len() as u32 - u32::from(store.open().is_some());
                    chunks.extend((first..).zip(store.sealed().iter().cloned()));
                    if let Some(open) = store.open() {
                        seeker.chunk(open, store.next_chunk() - 1, state.columns())?;
                    }
                }
                parts.extend(generation.segments.iter().filter(|part| part.may_show(eyes.at)).cloned());
                (state.dictionary.clone(), state.long.clone())
            };
            let columns = Columns { dictionary: &dictionary, long: Long::committed(long.as_ref()) };
            for (number, chunk) in chunks.iter() {
                seeker.chunk(chunk, *number, columns)?;
            }
            seeker.segments(parts, columns, wanted, room)?;
        }
        let measure = seeker.measure;
        let rows = seeker.best.drain_sorted().into_iter().map(|row| {
            let Location(location) = row.location;
            (RowHandle { location, birth: row.birth }, measure.distance(row.cost))
        });
        Ok(Nearest { rows: rows.collect(), report: seeker.report })
    }
}
