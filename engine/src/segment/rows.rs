//! What segments and index runs have in common: birth ids, times, zones, filter, ends.

use std::{mem, ops::Range};

use arrow_buffer::ScalarBuffer;

use super::{
    EndTimes, SegmentError, ZONE_ROWS,
    container::{Container, NewSection, Section, Tag},
    filter::{self, FilterBuilder},
};
use crate::ids::Timestamp;

/// Collects birth ids and times.
#[derive(Debug, Default)]
pub(super) struct RowBuilder {
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
        self.births.extend_from_slice(&birth.to_le_bytes());
        self.froms.extend_from_slice(&from.0.to_le_bytes());
        self.tos.extend_from_slice(&to.0.to_le_bytes());
        self.has_ends |= to != Timestamp::INFINITY;
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
        let mut sections = vec![
            section(Tag::Births, &self.births),
            section(Tag::Froms, &self.froms),
            section(Tag::Zones, &self.zones),
        ];
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
    births: Numbers,
    froms: Numbers,
    /// The section of the ends, verified together with the starts: who reads an end reads its start, too.
    tos: Option<Numbers>,
    zones: Numbers,
    filter: Option<Section>,
    pub ends: EndTimes,
}

impl Rows {
    pub(super) fn open(container: &Container) -> Result<Rows, SegmentError> {
        let rows = container.rows;
        let tos = match container.section(Tag::Tos, 0) {
            None => None,
            Some(_) => Some(Numbers::open(container, Tag::Tos, rows)?),
        };
        let initial = tos.as_ref().map(|tos| tos.numbers.clone());
        let filter = container.section(Tag::Filter, 0).cloned();
        if let Some(filter) = &filter
            && (filter.buffer.is_empty() || filter.buffer.len() % 64 != 0)
        {
            return Err(container.corrupt(filter.offset, "the key filter has no whole blocks"));
        }
        Ok(Rows {
            births: Numbers::open(container, Tag::Births, rows)?,
            froms: Numbers::open(container, Tag::Froms, rows)?,
            zones: Numbers::open(container, Tag::Zones, rows.div_ceil(ZONE_ROWS) * 4)?,
            filter,
            ends: EndTimes::with_initial(rows, initial),
            tos,
        })
    }

    pub(super) fn births(&self, container: &Container, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        self.births.get(container, rows)
    }

    /// Starts; the ends of the same rows are verified on the way.
    pub(super) fn froms(&self, container: &Container, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        if let Some(tos) = &self.tos {
            tos.get(container, rows.clone())?;
        }
        self.froms.get(container, rows)
    }

    pub(super) fn birth(&self, container: &Container, row: usize) -> Result<u64, SegmentError> {
        self.births.one(container, row)
    }

    pub(super) fn from(&self, container: &Container, row: usize) -> Result<Timestamp, SegmentError> {
        if let Some(tos) = &self.tos {
            tos.one(container, row)?;
        }
        self.froms.one(container, row).map(Timestamp)
    }

    /// The times of a zone.
    pub(super) fn zone(&self, container: &Container, zone: usize) -> Result<Times, SegmentError> {
        match self.zones.get(container, zone * 4..zone * 4 + 4)? {
            [min_from, max_from, min_to, max_to] => Ok(Times {
                min_from: Timestamp(*min_from),
                max_from: Timestamp(*max_from),
                min_to: Timestamp(*min_to),
                max_to: Timestamp(*max_to),
            }),
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
