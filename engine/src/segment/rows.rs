//! What segments and index runs have in common: birth ids, times, zones, filter, ends.
//!
//! A segment that was written before its commit (`spill`) has no starts: all its rows begin with the commit, which
//! whoever names the file knows and says once, by [`Rows::publish`]; until then they begin never. An index run beside
//! a segment has neither births nor starts, because both stand with the row that an entry leads to.

use std::{mem, ops::Range, sync::OnceLock};

use arrow_buffer::ScalarBuffer;

use super::{
    EndTimes, SegmentError, ZONE_ROWS,
    container::{Container, NewSection, Section, Tag},
    filter::{self, FilterBuilder},
};
use crate::ids::Timestamp;
use crate::learned::prefetch;

/// What of births and starts a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Holds {
    #[default]
    BirthsAndStarts,
    /// The rows begin with a commit that is still to come.
    Births,
    Nothing,
}

/// Collects birth ids and times.
#[derive(Debug, Default)]
pub(super) struct RowBuilder {
    pub holds: Holds,
    rows: usize,
    births: Vec<u8>,
    froms: Vec<u8>,
    tos: Vec<u8>,
    has_ends: bool,
    zones: Vec<u8>,
    zone: Option<Times>,
    pub filter: Option<FilterBuilder>,
    built_filter: Vec<u8>,
    /// From and birth id of the last row.
    pub last: (u64, u64),
}

/// The least and greatest times of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub min_from: Timestamp,
    pub max_from: Timestamp,
    /// By the ends written in the file: [`EndTimes`] can only make them smaller.
    pub min_to: Timestamp,
    pub max_to: Timestamp,
}

impl Times {
    fn of(from: Timestamp, to: Timestamp) -> Times {
        Times { min_from: from, max_from: from, min_to: to, max_to: to }
    }

    fn and(self, other: Times) -> Times {
        Times {
            min_from: self.min_from.min(other.min_from),
            max_from: self.max_from.max(other.max_from),
            min_to: self.min_to.min(other.min_to),
            max_to: self.max_to.max(other.max_to),
        }
    }
}

impl RowBuilder {
    /// `filter`: whether to collect keys for a filter.
    pub(super) fn new(filter: bool) -> RowBuilder {
        RowBuilder { filter: filter.then(FilterBuilder::default), ..RowBuilder::default() }
    }

    pub(super) fn push(&mut self, birth: u64, from: Timestamp, to: Timestamp) {
        if self.holds != Holds::Nothing {
            self.births.extend_from_slice(&birth.to_le_bytes());
        }
        if self.holds == Holds::BirthsAndStarts {
            self.froms.extend_from_slice(&from.0.to_le_bytes());
        }
        if to != Timestamp::INFINITY && !self.has_ends {
            // All before were alive.
            self.has_ends = true;
            self.tos = vec![u8::MAX; self.rows * 8];
        }
        if self.has_ends {
            self.tos.extend_from_slice(&to.0.to_le_bytes());
        }
        let times = Times::of(from, to);
        self.zone = Some(self.zone.map_or(times, |zone| zone.and(times)));
        self.last = (from.0, birth);
        self.rows += 1;
        if self.rows.is_multiple_of(ZONE_ROWS) {
            self.close_zone();
        }
    }

    fn close_zone(&mut self) {
        if let Some(zone) = self.zone.take() {
            for time in [zone.min_from, zone.max_from, zone.min_to, zone.max_to] {
                self.zones.extend_from_slice(&time.0.to_le_bytes());
            }
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        self.rows * 24 + self.filter.as_ref().map_or(0, FilterBuilder::bytes)
    }

    pub(super) fn sections(&mut self) -> Vec<NewSection<'_>> {
        self.close_zone();
        if let Some(filter) = mem::take(&mut self.filter) {
            self.built_filter = filter.build();
        }
        let section = |tag, bytes| NewSection { tag, column: 0, detail: 0, bytes };
        let mut sections = Vec::new();
        if self.holds != Holds::Nothing {
            sections.push(section(Tag::Births, &self.births));
        }
        if self.holds == Holds::BirthsAndStarts {
            sections.push(section(Tag::Froms, &self.froms));
        }
        sections.push(section(Tag::Zones, &self.zones));
        if self.has_ends {
            sections.push(section(Tag::Tos, &self.tos));
        }
        if !self.built_filter.is_empty() {
            sections.push(section(Tag::Filter, &self.built_filter));
        }
        sections
    }
}

/// An array of `u64`, one a row.
#[derive(Debug)]
struct Numbers {
    section: Section,
    numbers: ScalarBuffer<u64>,
}

impl Numbers {
    fn open(container: &Container, tag: Tag, count: usize) -> Result<Numbers, SegmentError> {
        let section = container.section_of(tag, 0, count * 8)?.clone();
        let numbers = ScalarBuffer::new(section.buffer.clone(), 0, count);
        Ok(Numbers { section, numbers })
    }

    /// As [`Numbers::open`] where the file may do without.
    fn find(container: &Container, tag: Tag, count: usize) -> Result<Option<Numbers>, SegmentError> {
        match container.section(tag, 0) {
            None => Ok(None),
            Some(_) => Numbers::open(container, tag, count).map(Some),
        }
    }

    fn get(&self, container: &Container, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        let start = rows.start;
        let numbers = self.numbers.get(rows);
        let numbers = numbers.ok_or_else(|| container.misuse("rows behind the last one were asked for"))?;
        container.touch(&self.section, start * 8, numbers.len() * 8)?;
        Ok(numbers)
    }

    fn one(&self, container: &Container, row: usize) -> Result<u64, SegmentError> {
        Ok(self.get(container, row..row + 1)?.first().copied().unwrap_or_default())
    }
}

/// Birth ids, times, zones, filter and ends of an open file.
#[derive(Debug)]
pub(super) struct Rows {
    births: Option<Numbers>,
    froms: Option<Numbers>,
    /// When all rows began, as often as a zone has rows: for a file without starts.
    published: OnceLock<Box<[u64]>>,
    /// The section of the ends, verified together with the starts: who reads an end reads its start, too.
    tos: Option<Numbers>,
    zones: Numbers,
    filter: Option<Section>,
    pub ends: EndTimes,
}

impl Rows {
    pub(super) fn open(container: &Container) -> Result<Rows, SegmentError> {
        let rows = container.rows;
        let tos = Numbers::find(container, Tag::Tos, rows)?;
        let initial = tos.as_ref().map(|tos| tos.numbers.clone());
        let filter = container.section(Tag::Filter, 0).cloned();
        if let Some(filter) = &filter
            && (filter.buffer.is_empty() || filter.buffer.len() % 64 != 0)
        {
            return Err(container.corrupt(filter.offset, "the key filter has no whole blocks"));
        }
        Ok(Rows {
            births: Numbers::find(container, Tag::Births, rows)?,
            froms: Numbers::find(container, Tag::Froms, rows)?,
            published: OnceLock::new(),
            zones: Numbers::open(container, Tag::Zones, rows.div_ceil(ZONE_ROWS) * 4)?,
            filter,
            ends: EndTimes::with_initial(rows, initial),
            tos,
        })
    }

    /// Whether the file says when its rows began.
    pub(super) fn has_starts(&self) -> bool {
        self.froms.is_some()
    }

    /// Says when the rows of a file without starts began; the first word counts.
    pub(super) fn publish(&self, container: &Container, at: Timestamp) {
        if self.froms.is_none() {
            self.published.get_or_init(|| vec![at.0; container.rows.min(ZONE_ROWS)].into());
        }
    }

    /// When the rows of a file without starts began.
    pub(super) fn published(&self) -> Option<Timestamp> {
        self.published.get()?.first().copied().map(Timestamp)
    }

    pub(super) fn births(&self, container: &Container, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        match &self.births {
            Some(births) => births.get(container, rows),
            None => Err(container.misuse("births of a file that has none")),
        }
    }

    /// Starts; the ends of the same rows are verified on the way.
    pub(super) fn froms(&self, container: &Container, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        if let Some(tos) = &self.tos {
            tos.get(container, rows.clone())?;
        }
        match &self.froms {
            Some(froms) => froms.get(container, rows),
            None => self
                .published
                .get()
                .and_then(|published| published.get(..rows.len()))
                .ok_or_else(|| container.misuse("starts of a file that has none")),
        }
    }

    pub(super) fn birth(&self, container: &Container, row: usize) -> Result<u64, SegmentError> {
        self.births.as_ref().map_or(Ok(0), |births| births.one(container, row))
    }

    pub(super) fn from(&self, container: &Container, row: usize) -> Result<Timestamp, SegmentError> {
        if let Some(tos) = &self.tos {
            tos.one(container, row)?;
        }
        match &self.froms {
            Some(froms) => froms.one(container, row).map(Timestamp),
            None => Ok(self.published().unwrap_or(Timestamp::INFINITY)),
        }
    }

    /// Says that the times of a row will be wanted soon.
    #[inline]
    pub(super) fn prefetch_times(&self, row: usize) {
        if let Some(froms) = &self.froms {
            prefetch(&froms.numbers, row);
        }
        self.ends.prefetch(row);
    }

    /// The times of a zone.
    pub(super) fn zone(&self, container: &Container, zone: usize) -> Result<Times, SegmentError> {
        match self.zones.get(container, zone * 4..zone * 4 + 4)? {
            [min_from, max_from, min_to, max_to] => {
                let mut times = Times {
                    min_from: Timestamp(*min_from),
                    max_from: Timestamp(*max_from),
                    min_to: Timestamp(*min_to),
                    max_to: Timestamp(*max_to),
                };
                if self.froms.is_none() {
                    let at = self.published().unwrap_or(Timestamp::INFINITY);
                    (times.min_from, times.max_from) = (at, at);
                }
                Ok(times)
            }
            _ => Err(container.misuse("a zone behind the last one was asked for")),
        }
    }

    /// The times of all rows; `None` if there are none.
    pub(super) fn times(&self, container: &Container) -> Result<Option<Times>, SegmentError> {
        let mut times = None;
        for zone in 0..container.rows.div_ceil(ZONE_ROWS) {
            let zone = self.zone(container, zone)?;
            times = Some(times.map_or(zone, |times: Times| times.and(zone)));
        }
        Ok(times)
    }

    /// Whether the filter lets a key pass.
    pub(super) fn may_hold(&self, container: &Container, key: &[u8]) -> Result<bool, SegmentError> {
        let Some(section) = &self.filter else { return Ok(true) };
        let hash = filter::hash(key);
        let (start, length) = filter::block_place(hash, section.buffer.len());
        container.touch(section, start, length)?;
        Ok(filter::may_hold(hash, &section.buffer))
    }
}
