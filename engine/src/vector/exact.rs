//! Searching exactly: the distance of every visible row, in chunks and in segments.

use super::measure::Measure;
use super::top::{Candidate, Top};
use super::{Filter, NearestReport, VectorIndexSchema};
use crate::Error;
use crate::ids::Location;
use crate::segment::ZONE_ROWS;
use crate::table::chunk::Chunk;
use crate::table::row::{Columns, Found, RowRef};
use crate::table::segments::SegmentPart;
use crate::table::visibility::visible;
use crate::view::Eyes;
use std::ops::Range;

/// One search at work: what is looked for, and the best of what was seen.
pub(super) struct Seeker<'s, 'f> {
    pub index: VectorIndexSchema,
    pub measure: Measure<'s>,
    pub filter: Option<&'s mut Filter<'f>>,
    pub eyes: Eyes<'s>,
    pub best: &'s mut Top,
    pub report: NearestReport,
}

impl Seeker<'_, '_> {
    /// Looks at a visible row.
    #[inline]
    pub fn consider(&mut self, location: Location, row: RowRef<'_>) -> Result<(), Error> {
        let Some(value) = row.stored(self.index.column)? else { return Ok(()) };
        let Some(cost) = self.measure.cost(value) else { return Ok(()) };
        if self.best.may_take(cost) && self.passes(location, row)? {
            self.best.push(Candidate { cost, birth: row.birth()?, location });
        }
        Ok(())
    }

    /// Looks at a row that is known to qualify.
    pub fn consider_qualified(&mut self, location: Location, row: RowRef<'_>) -> Result<(), Error> {
        let value = row.stored(self.index.column)?;
        if let Some(cost) = value.and_then(|value| self.measure.cost(value)) {
            if self.best.may_take(cost) {
                self.best.push(Candidate { cost, birth: row.birth()?, location });
            }
        }
        Ok(())
    }

    /// Whether a visible row passes the filter.
    #[inline]
    pub fn passes(&mut self, location: Location, row: RowRef<'_>) -> Result<bool, Error> {
        let Some(filter) = &mut self.filter else { return Ok(true) };
        self.report.filtered += 1;
        Ok(filter(row.handle(location)?, row))
    }

    /// Looks at the committed rows of a chunk.
    pub fn chunk(&mut self, chunk: &Chunk, number: u32, columns: Columns<'_>) -> Result<(), Error> {
        if chunk.is_over(self.eyes.at) {
            return Ok(());
        }
        for (row, life) in chunk.lives().iter().enumerate() {
            let end = life.end();
            if visible(life.from, end, self.eyes.at) && !self.eyes.closed(end, || Ok(life.birth))? {
                self.report.hot_rows += 1;
                let found = Found::Chunk(chunk, row);
                self.consider(Location::hot(number, row as u32), columns.of(found))?;
            }
        }
        Ok(())
    }

    /// Looks at the transaction's own rows of a chunk.
    pub fn own_chunk(&mut self, chunk: &Chunk, number: u32, columns: Columns<'_>) -> Result<(), Error> {
        for (row, life) in chunk.lives().iter().enumerate() {
            if life.visible(self.eyes.own_at) {
                self.report.hot_rows += 1;
                let found = Found::Chunk(chunk, row);
                self.consider(Location::own(number, row as u32), columns.of(found))?;
            }
        }
        Ok(())
    }

    /// Looks at all rows of a segment; `filter_first` where few are expected to pass, so that the vectors of the others
    /// need not be read.
    pub fn exact(
        &mut self,
        part: &SegmentPart,
        columns: Columns<'_>,
        filter_first: bool,
        ends: &mut Vec<u64>,
    ) -> Result<(), Error> {
        self.report.exact_segments += 1;
        for number in 0..part.segment.zones() {
            let zone = part.segment.zone(number)?;
            if zone.min_from.0 <= self.eyes.at && self.eyes.at < zone.max_to.0 {
                self.zone(part, part.segment.zone_rows(number), columns, filter_first, ends)?;
            }
        }
        Ok(())
    }

    fn zone(
        &mut self,
        part: &SegmentPart,
        rows: Range<usize>,
        columns: Columns<'_>,
        filter_first: bool,
        ends: &mut Vec<u64>,
    ) -> Result<(), Error> {
        debug_assert!(rows.len() <= ZONE_ROWS);
        ends.clear();
        part.segment.ends().copy(rows.clone(), ends);
        let froms = part.segment.froms(rows.clone())?;
        for ((row, from), end) in rows.zip(froms).zip(ends.iter()) {
            if visible(*from, *end, self.eyes.at)
                && !self.eyes.closed(*end, || Ok(part.segment.birth(row)?))?
            {
                self.report.exact_rows += 1;
                let location = part.location(row);
                let row = columns.of(Found::Segment(part, row));
                if !filter_first {
                    self.consider(location, row)?;
                } else if self.passes(location, row)? {
                    self.consider_qualified(location, row)?;
                }
            }
        }
        Ok(())
    }
}
