//! A sorted column of encoded keys: built in order, searched by its learned index or by halving, compared as bytes.
//!
//! Keys that all have one width are stored without offsets. A column that is searched has a learned index beside it
//! once it is large enough; what that says is settled by comparing bytes here.

use std::{
    cmp::Ordering,
    ops::{Bound, Range},
    sync::OnceLock,
};

use arrow_buffer::ScalarBuffer;

use super::{
    SegmentError, ZONE_ROWS,
    container::{Container, NewSection, Section, Tag},
};
use crate::learned::{LearnedIndex, LearnedStatistics, MINIMUM_KEYS, SortedKeys, Verify};

/// Bytes that the keys of one file may take.
const LIMIT: usize = 1 << 30;

/// Collects keys.
#[derive(Debug, Default)]
pub(super) struct KeyBuilder {
    data: Vec<u8>,
    /// Where each key ends.
    ends: Vec<u32>,
    /// The width of every key so far.
    width: Option<usize>,
    is_uneven: bool,
    offsets: Vec<u8>,
    learned: Vec<u8>,
}

impl KeyBuilder {
    /// Adds a key; false if there is no room.
    pub(super) fn push(&mut self, key: &[u8]) -> bool {
        if self.data.len() + key.len() > LIMIT {
            return false;
        }
        self.data.extend_from_slice(key);
        self.ends.push(self.data.len() as u32);
        self.is_uneven |= *self.width.get_or_insert(key.len()) != key.len();
        true
    }

    /// The key added last.
    pub(super) fn last(&self) -> Option<&[u8]> {
        let [.., start, end] = self.ends[..] else {
            return self.ends.first().map(|end| &self.data[..*end as usize]);
        };
        Some(&self.data[start as usize..end as usize])
    }

    pub(super) fn bytes(&self) -> usize {
        self.data.len() + self.ends.len() * 4
    }

    /// Learns the keys: the column will be searched. See [`KeyBuilder::learned_section`].
    pub(super) fn learn(&mut self) {
        let mut starts = Vec::new();
        if self.is_uneven {
            starts.reserve(self.ends.len() + 1);
            starts.push(0);
            starts.extend_from_slice(&self.ends);
        }
        let keys = SortedKeys {
            data: &self.data,
            offsets: self.is_uneven.then_some(&starts),
            width: self.width.unwrap_or(0),
            rows: self.ends.len(),
        };
        if let Some(index) = LearnedIndex::train(&keys, false) {
            self.learned = index.encode(&keys);
        }
    }

    /// Makes what [`KeyBuilder::sections`] hands out.
    pub(super) fn close(&mut self) {
        if self.is_uneven {
            self.offsets = vec![0; 4];
            self.offsets.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        }
    }

    /// The sections of the column, once it is closed.
    pub(super) fn sections(&self, keys: Tag, offsets: Tag) -> Vec<NewSection<'_>> {
        let section = |tag, detail, bytes| NewSection { tag, column: 0, detail, bytes };
        let mut sections = Vec::new();
        if self.is_uneven {
            sections.push(section(keys, 0, &self.data[..]));
            sections.push(section(offsets, 0, &self.offsets));
        } else {
            sections.push(section(keys, self.width.unwrap_or(0) as u64 + 1, &self.data));
        }
        sections
    }

    /// The section of what was learned. It stands last in a file, so that damage to it harms no block of keys.
    pub(super) fn learned_section(&self) -> Option<NewSection<'_>> {
        let section = NewSection { tag: Tag::Learned, column: 0, detail: 0, bytes: &self.learned };
        (!self.learned.is_empty()).then_some(section)
    }
}

/// An open column of keys.
#[derive(Debug)]
pub(super) struct KeyColumn {
    data: Section,
    offsets: Option<(Section, ScalarBuffer<u32>)>,
    width: usize,
    rows: usize,
    /// Made at the first search: from its section, or from the keys if that does not verify.
    learned: OnceLock<Option<LearnedIndex>>,
}

impl KeyColumn {
    pub(super) fn open(container: &Container, keys: Tag, offsets: Tag) -> Result<KeyColumn, SegmentError> {
        let rows = container.rows;
        let data = container
            .section(keys, 0)
            .ok_or_else(|| container.corrupt(0, "the section of the keys is missing"))?
            .clone();
        let width = usize::try_from(data.detail).unwrap_or(usize::MAX);
        if let Some(width) = width.checked_sub(1) {
            if rows.checked_mul(width) != Some(data.buffer.len()) {
                return Err(container.corrupt(data.offset, "the keys have another length than their rows"));
            }
            return Ok(KeyColumn { data, offsets: None, width, rows, learned: OnceLock::new() });
        }
        let section = container.section_of(offsets, 0, (rows + 1) * 4)?.clone();
        let numbers = ScalarBuffer::new(section.buffer.clone(), 0, rows + 1);
        Ok(KeyColumn { data, offsets: Some((section, numbers)), width: 0, rows, learned: OnceLock::new() })
    }

    /// The key of a row that exists.
    pub(super) fn get(&self, container: &Container, row: usize) -> Result<&[u8], SegmentError> {
        if row >= self.rows {
            return Err(container.misuse("a row behind the last one was asked for"));
        }
        let (start, end) = match &self.offsets {
            None => (row * self.width, (row + 1) * self.width),
            Some((section, numbers)) => {
                container.touch(section, row * 4, 8)?;
                (numbers[row] as usize, numbers[row + 1] as usize)
            }
        };
        let key = self.data.buffer.get(start..end);
        let key = key.ok_or_else(|| container.corrupt(self.data.offset, "a key lies outside its section"))?;
        container.touch(&self.data, start, key.len())?;
        Ok(key)
    }

    /// The first row in `rows` that `is_before` does not hold for; it holds for a beginning of them.
    fn partition(
        &self,
        container: &Container,
        rows: Range<usize>,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<usize, SegmentError> {
        let Range { mut start, mut end } = rows;
        while start < end {
            let middle = start + (end - start) / 2;
            if is_before(self.get(container, middle)?) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        Ok(start)
    }

    fn keys(&self) -> SortedKeys<'_> {
        SortedKeys {
            data: &self.data.buffer,
            offsets: self.offsets.as_ref().map(|(_, offsets)| &offsets[..]),
            width: self.width,
            rows: self.rows,
        }
    }

    /// The learned index; `None` for few keys, and for keys that cannot be read.
    fn learned(&self, container: &Container) -> Option<&LearnedIndex> {
        self.learned
            .get_or_init(|| {
                if self.rows < MINIMUM_KEYS {
                    return None;
                }
                let keys = self.keys();
                let section = container.section(Tag::Learned, 0);
                section.and_then(|section| LearnedIndex::decode(&section.buffer, &keys)).or_else(|| {
                    tracing::warn!(
                        file = container.name,
                        "the learned index is missing or damaged and is made anew"
                    );
                    // Damage of the keys themselves is named by who reads them.
                    self.blocks(container).verify(0..self.rows).ok()?;
                    LearnedIndex::train(&keys, true)
                })
            })
            .as_ref()
    }

    fn blocks<'a>(&'a self, container: &'a Container) -> Blocks<'a> {
        Blocks { container, column: self }
    }

    /// What the learned index says of itself.
    pub(super) fn learned_statistics(&self, container: &Container) -> Option<LearnedStatistics> {
        self.learned(container).map(LearnedIndex::statistics)
    }

    /// Whether a key may be here, by the smallest and the greatest. `false` is certain.
    pub(super) fn spans(&self, container: &Container, key: &[u8]) -> bool {
        self.learned(container).is_none_or(|learned| learned.spans(key))
    }

    /// The first row in order that `is_before` does not hold for; it holds for all keys before `key`, for none behind
    /// it, and perhaps for `key` itself.
    fn position(
        &self,
        container: &Container,
        key: &[u8],
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<usize, SegmentError> {
        let Some(learned) = self.learned(container) else {
            return self.halve(container, is_before);
        };
        let rows = learned.rows(&self.keys(), key, &self.blocks(container))?;
        self.gallop(container, rows.start, is_before)
    }

    /// As [`KeyColumn::position`], of the rows from `start` on: mostly it is the first.
    fn gallop(
        &self,
        container: &Container,
        start: usize,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<usize, SegmentError> {
        let (mut start, mut step) = (start, 1);
        while start < self.rows && is_before(self.get(container, start)?) {
            let ahead = (start + step).min(self.rows - 1);
            if !is_before(self.get(container, ahead)?) {
                return self.partition(container, start + 1..ahead, is_before);
            }
            start = ahead + 1;
            step *= 2;
        }
        Ok(start)
    }

    /// Halves over the first keys of zones first, which stay in the cache, then inside one zone.
    fn halve(&self, container: &Container, is_before: impl Fn(&[u8]) -> bool) -> Result<usize, SegmentError> {
        let (mut start, mut end) = (0, self.rows.div_ceil(ZONE_ROWS));
        while start < end {
            let middle = start + (end - start) / 2;
            if is_before(self.get(container, middle * ZONE_ROWS)?) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        let Some(zone) = start.checked_sub(1) else { return Ok(0) };
        let rows = zone * ZONE_ROWS..self.rows.min((zone + 1) * ZONE_ROWS);
        self.partition(container, rows, is_before)
    }

    /// The rows with exactly this key.
    #[inline]
    pub(super) fn find(&self, container: &Container, key: &[u8]) -> Result<Range<usize>, SegmentError> {
        let Some(learned) = self.learned(container) else {
            let start = self.halve(container, |other| other < key)?;
            return self.run_from(container, start, key);
        };
        let keys = self.keys();
        let rows = learned.rows(&keys, key, &self.blocks(container))?;
        if learned.tells_apart(&keys, key.len()) {
            return Ok(rows);
        }
        self.run_in(container, rows, key)
    }

    /// As [`KeyColumn::find`] for many keys, in any order; appends the rows of each.
    pub(super) fn find_many(
        &self,
        container: &Container,
        wanted: &[&[u8]],
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), SegmentError> {
        let Some(learned) = self.learned(container) else {
            for key in wanted {
                found.push(self.find(container, key)?);
            }
            return Ok(());
        };
        let (first, keys) = (found.len(), self.keys());
        learned.rows_of_many(&keys, wanted.iter().copied(), found, &self.blocks(container))?;
        for (key, rows) in wanted.iter().zip(found.iter_mut().skip(first)) {
            if !learned.tells_apart(&keys, key.len()) {
                *rows = self.run_in(container, rows.clone(), key)?;
            }
        }
        Ok(())
    }

    /// The rows with exactly this key, of those with its number.
    fn run_in(
        &self,
        container: &Container,
        rows: Range<usize>,
        key: &[u8],
    ) -> Result<Range<usize>, SegmentError> {
        let start = self.gallop(container, rows.start, |other| other < key)?;
        self.run_from(container, start, key)
    }

    /// The rows from `start` on that have exactly this key.
    fn run_from(
        &self,
        container: &Container,
        start: usize,
        key: &[u8],
    ) -> Result<Range<usize>, SegmentError> {
        // Most keys have few rows: look ahead before halving.
        let mut step = 1;
        let mut end = start;
        while end < self.rows && self.get(container, end)?.cmp(key) == Ordering::Equal {
            let ahead = (end + step).min(self.rows);
            if step < 16 {
                end += 1;
                step += 1;
                continue;
            }
            if self.get(container, ahead - 1)? == key {
                end = ahead;
                step *= 2;
            } else {
                return Ok(start..self.partition(container, end..ahead, |other| other <= key)?);
            }
        }
        Ok(start..end)
    }

    /// The rows whose key lies between the bounds.
    pub(super) fn range(
        &self,
        container: &Container,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
    ) -> Result<Range<usize>, SegmentError> {
        let start = match lower {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.position(container, key, |other| other < key)?,
            Bound::Excluded(key) => self.position(container, key, |other| other <= key)?,
        };
        let end = match upper {
            Bound::Unbounded => self.rows,
            Bound::Included(key) => self.position(container, key, |other| other <= key)?,
            Bound::Excluded(key) => self.position(container, key, |other| other < key)?,
        };
        Ok(start..end.max(start))
    }
}

/// The blocks under a column of keys, as the learned index has them verified.
struct Blocks<'a> {
    container: &'a Container,
    column: &'a KeyColumn,
}

impl Blocks<'_> {
    /// Where the bytes of some rows begin and end.
    #[inline(always)]
    fn place(&self, rows: &Range<usize>) -> Option<(usize, usize)> {
        match &self.column.offsets {
            None => {
                Some((rows.start.wrapping_mul(self.column.width), rows.end.wrapping_mul(self.column.width)))
            }
            Some((_, numbers)) => {
                Some((*numbers.get(rows.start)? as usize, *numbers.get(rows.end)? as usize))
            }
        }
    }
}

impl Verify for Blocks<'_> {
    type Error = SegmentError;

    #[inline(always)]
    fn is_verified(&self, rows: Range<usize>) -> bool {
        if let Some((section, _)) = &self.column.offsets
            && !self.container.is_verified(section, rows.start * 4, rows.end * 4 + 3)
        {
            return false;
        }
        let place = self.place(&rows);
        place.is_some_and(|(start, end)| self.container.is_verified(&self.column.data, start, end))
    }

    #[inline(never)]
    fn verify(&self, rows: Range<usize>) -> Result<(), SegmentError> {
        let (container, data) = (self.container, &self.column.data);
        if let Some((section, _)) = &self.column.offsets {
            container.touch(section, rows.start * 4, (rows.len() + 1) * 4)?;
        }
        match self.place(&rows) {
            None => Err(container.misuse("rows behind the last one were asked for")),
            Some((start, end)) if start > end || end > data.buffer.len() => {
                Err(container.corrupt(data.offset, "a key lies outside its section"))
            }
            Some((start, end)) => container.touch(data, start, end - start),
        }
    }
}
