//! Whole tables as Arrow batches.
//!
//! A scan takes, under the table's latch, the list of its chunks and segments and a copy of the rows of the growing
//! chunk; it then needs no latch. A chunk or zone of which every row is visible is handed out without copying. (One walk
//! over chunks, zones and own rows with one set of eyes: a little longer than other files.)

use crate::batch::{ScanColumn, Shape, end_micros, write_bytes};
use crate::blocks::Blocks;
use crate::ids::Location;
use crate::long_value::{self, Long};
use crate::table::chunk::{CHUNK_ROWS, Chunk};
use crate::table::column::{Column, ColumnBuilder, SealedColumn};
use crate::table::gather::{gather, repeat};
use crate::table::segments::SegmentPart;
use crate::table::visibility::{ALIVE, visible};
use crate::table::{Dictionary, Generation, Table};
use crate::view::{Eyes, Own, ReadView};
use crate::{ColumnRange, Error, PhysicalType, RowHandle, TableId, Timestamp, Value};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;
use std::collections::VecDeque;
use std::sync::Arc;

/// Which versions a scan shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moments {
    At(u64),
    Between(u64, u64),
}

impl Moments {
    /// The first and the last moment shown.
    fn ends(self) -> (u64, u64) {
        match self {
            Moments::At(at) => (at, at),
            Moments::Between(from, to) => (from, to),
        }
    }
}

/// Rows by number within one chunk or zone.
#[derive(Clone, Copy)]
enum Rows<'a> {
    All(usize),
    Some(&'a [u32]),
}

impl Rows<'_> {
    fn len(self) -> usize {
        match self {
            Rows::All(rows) => rows,
            Rows::Some(rows) => rows.len(),
        }
    }

    fn numbers(self) -> Box<dyn Iterator<Item = usize> + Send> {
        match self {
            Rows::All(rows) => Box::new(0..rows),
            Rows::Some(rows) => Box::new(rows.to_vec().into_iter().map(|row| row as usize)),
        }
    }
}

/// A place that a scan still has to read.
enum Source {
    Chunk {
        chunk: Arc<Chunk>,
        number: u32,
        until: u64,
    },
    /// A zone of a segment.
    Zone {
        part: Arc<SegmentPart>,
        start: usize,
        end: usize,
        until: u64,
    },
    OwnChunk {
        chunk: Arc<Chunk>,
        number: u32,
    },
    Ready(RecordBatch),
}

/// A scan: an iterator of batches. [`ScanCursor::split`] divides it among threads.
pub struct ScanCursor {
    view: ReadView,
    table: TableId,
    shape: Shape,
    moments: Moments,
    batch_rows: usize,
    sources: VecDeque<Source>,
    ready: VecDeque<RecordBatch>,
    /// What the caller will not show anyway.
    ranges: Arc<[ColumnRange]>,
    /// Versions whose times were looked at.
    examined: u64,
    blocks: Arc<Blocks>,
    /// The table beside, and the places of the columns that may refer to it.
    long: Option<Arc<Table>>,
    long_columns: Arc<[usize]>,
}

impl ScanCursor {
    pub(crate) fn new(
        view: &ReadView,
        table: TableId,
        projection: &[ScanColumn],
        batch_rows: usize,
        moments: Moments,
    ) -> Result<ScanCursor, Error> {
        let shape = Shape::new(projection, &view.dictionary(table)?)?;
        let long_columns = shape.columns.iter().enumerate().filter(|(_, (column, physical))| {
            let has_bytes = matches!(physical, PhysicalType::Text | PhysicalType::Bytes);
            has_bytes && matches!(column, ScanColumn::Column(_))
        });
        let long_columns = long_columns.map(|(place, _)| place).collect();
        let mut cursor = ScanCursor {
            view: view.clone(),
            table,
            shape,
            moments,
            batch_rows: batch_rows.max(1),
            sources: VecDeque::new(),
            ready: VecDeque::new(),
            ranges: Arc::default(),
            examined: 0,
            blocks: Arc::default(),
            long: view.table(table).and_then(|table| table.read().long.clone()),
            long_columns,
        };
        let own = view.own.clone().filter(|_| matches!(moments, Moments::At(_)));
        cursor.gather_sources(own.as_ref())?;
        Ok(cursor)
    }

    /// The schema of the batches: columns by number, all nullable.
    pub fn schema(&self) -> Arc<Schema> {
        self.shape.schema.clone()
    }

    /// Passes over places that hold no row within all of these ranges, as far as that can be told without reading
    /// them: what comes still has to be filtered.
    #[must_use]
    pub fn within(mut self, ranges: &[ColumnRange]) -> ScanCursor {
        self.ranges = ranges.into();
        self
    }

    /// Leaves references in some columns, by their places, for [`ReadView::fetch_long`]: for a caller who may not need all
    /// of these values.
    #[must_use]
    pub fn with_references(mut self, places: &[usize]) -> ScanCursor {
        let others = self.long_columns.iter().copied().filter(|place| !places.contains(place));
        self.long_columns = others.collect();
        self
    }

    /// Whether a zone may hold rows within the ranges.
    fn may_meet(&self, part: &SegmentPart, zone: usize) -> Result<bool, Error> {
        for range in self.ranges.iter() {
            if !part.segment.zone_may_meet(zone, range)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What it comes to, together with the scans it is split into.
    pub fn blocks(&self) -> Arc<Blocks> {
        self.blocks.clone()
    }

    /// How many versions it has looked at so far, shown or not.
    pub fn examined(&self) -> u64 {
        self.examined
    }

    /// At most `parts` scans that together give what this one would.
    pub fn split(mut self, parts: usize) -> Vec<ScanCursor> {
        let parts = parts.clamp(1, self.sources.len().max(1));
        let mut cursors: Vec<ScanCursor> = (0..parts)
            .map(|_| ScanCursor {
                view: self.view.clone(),
                table: self.table,
                shape: self.shape.clone(),
                moments: self.moments,
                batch_rows: self.batch_rows,
                sources: VecDeque::new(),
                ready: VecDeque::new(),
                ranges: self.ranges.clone(),
                examined: 0,
                blocks: self.blocks.clone(),
                long: self.long.clone(),
                long_columns: self.long_columns.clone(),
            })
            .collect();
        for (position, source) in self.sources.drain(..).enumerate() {
            if let Some(cursor) = cursors.get_mut(position % parts) {
                cursor.sources.push_back(source);
            }
        }
        cursors
    }

    /// Leaves at most `most` of the places, drawn evenly (Knuth, volume 2, 3.4.2, algorithm S); the part of them that is
    /// left. `draw` answers a number below the one it is given.
    pub fn thinned(mut self, most: usize, draw: &mut dyn FnMut(usize) -> usize) -> (ScanCursor, f64) {
        let all = self.sources.len();
        let (mut wanted, mut left) = (most.min(all), all);
        self.sources.retain(|_| {
            let is_drawn = draw(left.max(1)) < wanted;
            wanted -= usize::from(is_drawn);
            left -= 1;
            is_drawn
        });
        let part = if all == 0 { 1.0 } else { self.sources.len() as f64 / all as f64 };
        (self, part)
    }

    fn gather_sources(&mut self, own: Option<&Own>) -> Result<(), Error> {
        let view = self.view.clone();
        let writes = own.map(|own| own.writes.read());
        let own_table = writes.as_ref().and_then(|writes| writes.table(self.table));
        let own_at = own.map_or(0, |own| own.at);
        let eyes = Eyes { at: view.at.0, me: view.shared.id, own_at, own: own_table };
        let hidden = own_table.is_some_and(|own| own.hides_base(own_at));
        if let Some(table) = view.table(self.table).filter(|_| !hidden) {
            let state = table.read();
            match self.moments {
                // What is kept of all of history is no question of a moment.
                Moments::Between(0, _) => {}
                Moments::At(at) | Moments::Between(at, _) => table.check_readable(at)?,
            }
            match self.moments {
                Moments::At(at) => self.collect_generation(state.generation(at), ALIVE, eyes)?,
                Moments::Between(from, to) => {
                    let mut since = 0;
                    for (until, generation) in state.generations() {
                        if since <= to && from < until {
                            self.collect_generation(generation, until, eyes)?;
                        }
                        since = until;
                    }
                }
            }
        }
        let Some(own_table) = own_table else { return Ok(()) };
        for (position, chunk) in own_table.store.sealed().iter().enumerate() {
            self.sources.push_back(Source::OwnChunk { chunk: chunk.clone(), number: position as u32 });
        }
        if let Some(chunk) = own_table.store.open() {
            let number = own_table.store.sealed().len() as u32;
            let rows = own_rows(chunk, own_at);
            self.push_ready(chunk, &rows, ALIVE, |row| Location::own(number, row as u32))?;
        }
        Ok(())
    }

    fn collect_generation(
        &mut self,
        generation: &Generation,
        until: u64,
        eyes: Eyes<'_>,
    ) -> Result<(), Error> {
        let (first, last) = self.moments.ends();
        for part in generation.segments.iter().filter(|part| part.may_show_between(first, last)) {
            let rows = part.segment.rows();
            for start in (0..rows).step_by(CHUNK_ROWS) {
                let end = (start + CHUNK_ROWS).min(rows);
                self.sources.push_back(Source::Zone { part: part.clone(), start, end, until });
            }
        }
        let frozen = generation.frozen.iter().map(Arc::as_ref);
        for store in frozen.chain(std::iter::once(&generation.active)) {
            let first = store.next_chunk() - store.sealed().len() as u32 - u32::from(store.open().is_some());
            for (chunk, number) in store.sealed().iter().zip(first..) {
                self.sources.push_back(Source::Chunk { chunk: chunk.clone(), number, until });
            }
            if let Some(chunk) = store.open() {
                let number = store.next_chunk() - 1;
                let rows = self.chunk_rows(chunk, until, eyes)?;
                self.push_ready(chunk, &rows, until, |row| Location::hot(number, row as u32))?;
            }
        }
        Ok(())
    }

    fn push_ready(
        &mut self,
        chunk: &Chunk,
        rows: &[u32],
        until: u64,
        location: impl Fn(usize) -> Location,
    ) -> Result<(), Error> {
        if !rows.is_empty() {
            let batch = self.chunk_batch(chunk, Rows::Some(rows), until, &location)?;
            self.sources.push_back(Source::Ready(batch));
        }
        Ok(())
    }

    /// The rows of a committed chunk that this scan shows.
    fn chunk_rows(&self, chunk: &Chunk, until: u64, eyes: Eyes<'_>) -> Result<Vec<u32>, Error> {
        let mut rows = Vec::with_capacity(chunk.rows());
        for (row, life) in chunk.lives().iter().enumerate() {
            let end = life.end();
            let shown = match self.moments {
                Moments::At(at) => visible(life.from, end, at),
                Moments::Between(from, to) => life.from <= to && from < end.min(until) && life.from < until,
            };
            if shown && !eyes.closed(end, || Ok(chunk.birth(row)))? {
                rows.push(row as u32);
            }
        }
        Ok(rows)
    }

    fn chunk_batch(
        &self,
        chunk: &Chunk,
        rows: Rows<'_>,
        until: u64,
        location: &dyn Fn(usize) -> Location,
    ) -> Result<RecordBatch, Error> {
        let mut arrays = Vec::with_capacity(self.shape.columns.len());
        for (column, physical) in &self.shape.columns {
            arrays.push(match column {
                ScanColumn::Column(id) => match (chunk.column(*id), rows) {
                    (None, rows) => repeat(self.shape.dictionary.default_value(*id), *physical, rows.len())?,
                    (Some(Column::Sealed(sealed)), Rows::All(_)) => sealed.array(),
                    (Some(values), Rows::Some(rows)) => gather(values, *physical, rows)?,
                    (Some(values), Rows::All(rows)) => {
                        gather(values, *physical, &(0..rows as u32).collect::<Vec<_>>())?
                    }
                },
                ScanColumn::Handle => {
                    let handle = |row| RowHandle { location: location(row).0, birth: chunk.birth(row) };
                    built(*physical, rows, |row| Value::Fixed16(handle(row).to_bytes()))?
                }
                // What is not committed has no moment.
                ScanColumn::SystemFrom | ScanColumn::SystemTo | ScanColumn::Write if location(0).is_own() => {
                    repeat(&Value::Null, *physical, rows.len())?
                }
                ScanColumn::Write => built(*physical, rows, |row| {
                    let from = chunk.life(row).map_or(0, |life| life.from);
                    Value::Fixed16(write_bytes(from, chunk.birth(row)))
                })?,
                ScanColumn::SystemFrom => built(*physical, rows, |row| {
                    Value::Int64(Timestamp(chunk.life(row).map_or(0, |life| life.from)).micros())
                })?,
                ScanColumn::SystemTo => built(*physical, rows, |row| {
                    Value::Int64(end_micros(chunk.life(row).map_or(0, |life| life.end()).min(until)))
                })?,
            });
        }
        self.shape.batch(rows.len(), arrays)
    }

    fn zone_rows(
        &self,
        part: &SegmentPart,
        start: usize,
        end: usize,
        until: u64,
        eyes: Eyes<'_>,
    ) -> Result<Vec<u32>, Error> {
        let froms = part.segment.froms(start..end)?;
        let mut ends = Vec::with_capacity(end - start);
        part.segment.ends().copy(start..end, &mut ends);
        let mut rows = Vec::with_capacity(end - start);
        for (row, (from, end)) in froms.iter().zip(&ends).enumerate() {
            let shown = match self.moments {
                Moments::At(at) => visible(*from, *end, at),
                Moments::Between(since, to) => *from <= to && since < (*end).min(until) && *from < until,
            };
            if shown && !eyes.closed(*end, || Ok(part.segment.birth(start + row)?))? {
                rows.push(row as u32);
            }
        }
        Ok(rows)
    }

    fn zone_batch(
        &self,
        part: &SegmentPart,
        start: usize,
        end: usize,
        rows: Rows<'_>,
        until: u64,
    ) -> Result<RecordBatch, Error> {
        let mut arrays = Vec::with_capacity(self.shape.columns.len());
        for (column, physical) in &self.shape.columns {
            if let (ScanColumn::Column(id), Rows::Some(rows)) = (column, rows) {
                if let Some(array) = part.segment.gathered(*id, start, rows)? {
                    arrays.push(array);
                    continue;
                }
            }
            arrays.push(match column {
                ScanColumn::Column(id) => match (part.segment.column(*id, start..end)?, rows) {
                    (None, rows) => repeat(self.shape.dictionary.default_value(*id), *physical, rows.len())?,
                    (Some(array), Rows::All(_)) => array,
                    (Some(array), Rows::Some(rows)) => {
                        gather(&Column::Sealed(SealedColumn::new(*physical, &array)?), *physical, rows)?
                    }
                },
                ScanColumn::Handle => {
                    let births = part.segment.births(start..end)?;
                    built(*physical, rows, |row| {
                        let birth = births.get(row).copied().unwrap_or(0);
                        let location = part.location(start + row).0;
                        Value::Fixed16(RowHandle { location, birth }.to_bytes())
                    })?
                }
                ScanColumn::Write => {
                    let (froms, births) = (part.segment.froms(start..end)?, part.segment.births(start..end)?);
                    built(*physical, rows, |row| {
                        let from = froms.get(row).copied().unwrap_or(0);
                        Value::Fixed16(write_bytes(from, births.get(row).copied().unwrap_or(0)))
                    })?
                }
                ScanColumn::SystemFrom => {
                    let froms = part.segment.froms(start..end)?;
                    built(*physical, rows, |row| {
                        Value::Int64(Timestamp(froms.get(row).copied().unwrap_or(0)).micros())
                    })?
                }
                ScanColumn::SystemTo => built(*physical, rows, |row| {
                    Value::Int64(end_micros(part.segment.ends().get(start + row).min(until)))
                })?,
            });
        }
        self.shape.batch(rows.len(), arrays)
    }

    /// How many versions a place makes look at.
    fn examines(&self, source: &Source) -> u64 {
        let (first, last) = self.moments.ends();
        let rows = match source {
            Source::Chunk { chunk, .. } if matches!(self.moments, Moments::At(at) if chunk.is_over(at)) => 0,
            Source::Chunk { chunk, .. } | Source::OwnChunk { chunk, .. } => chunk.rows(),
            Source::Zone { part, start, end, .. } => match part.segment.zone(start / CHUNK_ROWS) {
                Ok(zone) if zone.min_from.0 > last || zone.max_to.0 <= first => 0,
                Ok(_) if matches!(self.may_meet(part, start / CHUNK_ROWS), Ok(false)) => 0,
                Ok(_) | Err(_) => end - start,
            },
            Source::Ready(batch) => batch.num_rows(),
        };
        rows as u64
    }

    /// Reads one place; `None` if nothing of it is shown.
    fn read(&self, source: Source) -> Result<Option<RecordBatch>, Error> {
        let own = self.view.own.clone().filter(|_| matches!(self.moments, Moments::At(_)));
        let writes = own.as_ref().map(|own| own.writes.read());
        let own_table = writes.as_ref().and_then(|writes| writes.table(self.table));
        let own_at = own.as_ref().map_or(0, |own| own.at);
        let closes = own_table.is_some_and(|own| !own.closed.is_empty());
        let eyes = Eyes { at: self.view.at.0, me: self.view.shared.id, own_at, own: own_table };
        match source {
            Source::Ready(batch) => Ok(Some(batch)),
            Source::Chunk { chunk, number, until } => {
                let location = |row: usize| Location::hot(number, row as u32);
                if let Moments::At(at) = self.moments {
                    if chunk.is_over(at) {
                        return Ok(None);
                    }
                    if !closes && chunk.is_whole(at) {
                        return self.chunk_batch(&chunk, Rows::All(chunk.rows()), until, &location).map(Some);
                    }
                }
                let rows = self.chunk_rows(&chunk, until, eyes)?;
                self.some(&rows, chunk.rows(), |rows| self.chunk_batch(&chunk, rows, until, &location))
            }
            Source::OwnChunk { chunk, number } => {
                let location = |row: usize| Location::own(number, row as u32);
                let rows = own_rows(&chunk, own_at);
                self.some(&rows, chunk.rows(), |rows| self.chunk_batch(&chunk, rows, ALIVE, &location))
            }
            Source::Zone { part, start, end, until } => {
                let zone = part.segment.zone(start / CHUNK_ROWS)?;
                let (first, last) = self.moments.ends();
                if zone.min_from.0 > last || zone.max_to.0 <= first {
                    return Ok(None);
                }
                let met = self.may_meet(&part, start / CHUNK_ROWS)?;
                self.blocks.note(met);
                if !met {
                    return Ok(None);
                }
                let rows = self.zone_rows(&part, start, end, until, eyes)?;
                self.some(&rows, end - start, |rows| self.zone_batch(&part, start, end, rows, until))
            }
        }
    }

    /// The batches with long values that one with references stands for.
    fn expanded(&self, batch: RecordBatch) -> Result<Vec<RecordBatch>, Error> {
        self.view.expanded(self.table, self.long.as_ref(), batch, &self.long_columns)
    }

    /// Hands a batch out, in pieces of as many rows as were asked for.
    fn make_ready(&mut self, batch: &RecordBatch) {
        for start in (0..batch.num_rows()).step_by(self.batch_rows) {
            let rows = self.batch_rows.min(batch.num_rows() - start);
            self.ready.push_back(batch.slice(start, rows));
        }
    }

    fn some(
        &self,
        rows: &[u32],
        all: usize,
        batch: impl FnOnce(Rows<'_>) -> Result<RecordBatch, Error>,
    ) -> Result<Option<RecordBatch>, Error> {
        match rows.len() {
            0 => Ok(None),
            shown if shown == all => batch(Rows::All(all)).map(Some),
            _ => batch(Rows::Some(rows)).map(Some),
        }
    }
}

fn own_rows(chunk: &Chunk, own_at: u64) -> Vec<u32> {
    let lives = chunk.lives().iter().enumerate();
    lives.filter(|(_, life)| life.visible(own_at)).map(|(row, _)| row as u32).collect()
}

fn built(physical: PhysicalType, rows: Rows<'_>, value: impl Fn(usize) -> Value) -> Result<ArrayRef, Error> {
    let mut builder = ColumnBuilder::new(physical);
    for row in rows.numbers() {
        if !builder.push(&value(row)) {
            return Err(Error::LimitExceeded("a batch holds at most 2 GiB of one column"));
        }
    }
    builder.seal()
}

impl Iterator for ScanCursor {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Some(Ok(batch));
            }
            let source = self.sources.pop_front()?;
            self.examined += self.examines(&source);
            match self.read(source) {
                Err(error) => return Some(Err(error)),
                Ok(None) => {}
                Ok(Some(batch)) => match self.expanded(batch) {
                    Err(error) => return Some(Err(error)),
                    Ok(batches) => batches.into_iter().for_each(|batch| self.make_ready(&batch)),
                },
            }
        }
    }
}

impl ReadView {
    /// Fetches the long values of some columns of a batch whose references [`ScanCursor::with_references`] left; many of
    /// them make it several batches.
    pub fn fetch_long(
        &self,
        table: TableId,
        batch: RecordBatch,
        places: &[usize],
    ) -> Result<Vec<RecordBatch>, Error> {
        let long = self.table(table).and_then(|table| table.read().long.clone());
        self.expanded(table, long.as_ref(), batch, places)
    }

    fn expanded(
        &self,
        table: TableId,
        base: Option<&Arc<Table>>,
        batch: RecordBatch,
        places: &[usize],
    ) -> Result<Vec<RecordBatch>, Error> {
        if places.is_empty() {
            return Ok(vec![batch]);
        }
        let writes = self.own.as_ref().map(|own| own.writes.read());
        let beside = long_value::beside(table);
        let own = writes.as_ref().zip(beside).and_then(|(writes, beside)| writes.table(beside));
        let long = Long { base, own };
        if long.is_empty() { Ok(vec![batch]) } else { long.expanded(batch, places) }
    }

    /// The columns a table ever had, as this view may ask for them.
    pub(crate) fn dictionary(&self, table: TableId) -> Result<Arc<Dictionary>, Error> {
        if let Some(own) = &self.own {
            if let Some(writes) = own.writes.read().table(table) {
                return Ok(writes.dictionary.clone());
            }
        }
        let base = self.table(table).ok_or(Error::UnknownTable(table))?;
        Ok(base.read().dictionary.clone())
    }
}
