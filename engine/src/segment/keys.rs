//! A sorted column of encoded keys: built in order, searched by halving, compared as bytes.
//!
//! Keys that all have one width are stored without offsets.

use std::{cmp::Ordering, ops::Bound, ops::Range};

use arrow_buffer::ScalarBuffer;

use super::{
    SegmentError, ZONE_ROWS,
    container::{Container, NewSection, Section, Tag},
};

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

    /// The sections of the column.
    pub(super) fn sections(&mut self, keys: Tag, offsets: Tag) -> Vec<NewSection<'_>> {
        if !self.is_uneven {
            let detail = self.width.unwrap_or(0) as u64 + 1;
            return vec![NewSection { tag: keys, column: 0, detail, bytes: &self.data }];
        }
        self.offsets = vec![0; 4];
        self.offsets.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        vec![
            NewSection { tag: keys, column: 0, detail: 0, bytes: &self.data },
            NewSection { tag: offsets, column: 0, detail: 0, bytes: &self.offsets },
        ]
    }
}

/// An open column of keys.
#[derive(Debug)]
pub(super) struct KeyColumn {
    data: Section,
    offsets: Option<(Section, ScalarBuffer<u32>)>,
    width: usize,
    rows: usize,
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
            return Ok(KeyColumn { data, offsets: None, width, rows });
        }
        let section = container.section_of(offsets, 0, (rows + 1) * 4)?.clone();
        let numbers = ScalarBuffer::new(section.buffer.clone(), 0, rows + 1);
        Ok(KeyColumn { data, offsets: Some((section, numbers)), width: 0, rows })
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

    /// The first row in order that `is_before` does not hold for. Halves over the first keys of zones first, which
    /// stay in the cache, then inside one zone.
    fn position(
        &self,
        container: &Container,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<usize, SegmentError> {
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
    pub(super) fn find(&self, container: &Container, key: &[u8]) -> Result<Range<usize>, SegmentError> {
        let start = self.position(container, |other| other < key)?;
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
            Bound::Included(key) => self.position(container, |other| other < key)?,
            Bound::Excluded(key) => self.position(container, |other| other <= key)?,
        };
        let end = match upper {
            Bound::Unbounded => self.rows,
            Bound::Included(key) => self.position(container, |other| other <= key)?,
            Bound::Excluded(key) => self.position(container, |other| other < key)?,
        };
        Ok(start..end.max(start))
    }
}
