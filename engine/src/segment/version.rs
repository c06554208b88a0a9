//! Segments: versions of the rows of one table.

use std::{
    ops::{Bound, Range},
    sync::Arc,
};

use arrow_array::ArrayRef;

use super::{
    EndTimes, FileKind, SegmentError, Times, Written, ZONE_ROWS,
    column::{Column, ColumnBuilder},
    container::{self, Container, NewFile, Tag},
    keys::{KeyBuilder, KeyColumn},
    rows::{Holds, RowBuilder, Rows},
    zones::ColumnRange,
};
use crate::{
    ids::{ColumnId, FileId, Timestamp},
    io::{Disk, Environment},
    learned::LearnedStatistics,
    value::{PhysicalType, Value},
};

/// One version of one row, on its way into a segment.
#[derive(Clone, Copy, Debug)]
pub struct VersionRow<'a> {
    pub key: &'a [u8],
    pub birth: u64,
    pub from: Timestamp,
    /// [`Timestamp::INFINITY`] while the version is alive.
    pub to: Timestamp,
    /// In the order of the writer's columns.
    pub values: &'a [Value],
}

/// Whose a version is, and when it lived.
#[derive(Clone, Copy, Debug)]
pub struct RowTimes {
    pub birth: u64,
    pub from: Timestamp,
    /// [`Timestamp::INFINITY`] while the version is alive.
    pub to: Timestamp,
}

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Living versions: columns are used where they lie.
    Current,
    /// Dead ones: columns are made small.
    History,
}

/// Writes one segment. Rows come in the order (clustering key, from, birth id).
#[derive(Debug)]
pub struct SegmentWriter {
    disk: Arc<dyn Disk>,
    file: FileId,
    purpose: Purpose,
    columns: Vec<ColumnBuilder>,
    keys: KeyBuilder,
    rows: RowBuilder,
    /// How many rows will come, if that is known.
    expected: usize,
}

/// Rows after which the room for all expected ones is made, in their likeness: columns that grow by doubling touch
/// twice the memory, and fresh memory costs more than filling it.
const SAMPLE: usize = 1024;

const NO_COLUMN: &str = "a column that is not written here";

impl SegmentWriter {
    pub fn new(
        environment: &Environment,
        file: FileId,
        columns: &[(ColumnId, PhysicalType)],
    ) -> SegmentWriter {
        SegmentWriter {
            disk: environment.disk.clone(),
            file,
            purpose: Purpose::Current,
            columns: columns.iter().map(|(column, kind)| ColumnBuilder::new(*column, *kind)).collect(),
            keys: KeyBuilder::default(),
            rows: RowBuilder::new(true),
            expected: 0,
        }
    }

    /// Says how many rows will come, so that room for them is made at once.
    #[must_use]
    pub fn expecting(mut self, rows: usize) -> SegmentWriter {
        self.expected = rows;
        self
    }

    /// Says what the segment is for, which decides how columns are encoded.
    #[must_use]
    pub fn with_purpose(mut self, purpose: Purpose) -> SegmentWriter {
        self.purpose = purpose;
        self
    }

    /// Leaves out when the rows began, because their commit is still to come: see [`Segment::publish`].
    #[must_use]
    pub fn before_commit(mut self) -> SegmentWriter {
        self.rows.holds = Holds::Births;
        self
    }

    /// Adds a version. After an error the writer is of no more use.
    pub fn append(&mut self, row: &VersionRow<'_>) -> Result<(), SegmentError> {
        if row.values.len() != self.columns.len() {
            return Err(self.misuse("a row with another number of values than there are columns"));
        }
        self.begin_row(row.key, RowTimes { birth: row.birth, from: row.from, to: row.to })?;
        row.values.iter().enumerate().try_for_each(|(column, value)| self.push_value(column, value))
    }

    /// Begins a version: each column is to be given one value after it.
    pub fn begin_row(&mut self, key: &[u8], times: RowTimes) -> Result<(), SegmentError> {
        if let Some(last) = self.keys.last()
            && (last, self.rows.last) > (key, (times.from.0, times.birth))
        {
            return Err(self.misuse("a row that belongs before the one before it"));
        }
        if self.rows.rows() == u32::MAX as usize || !self.keys.push(key) {
            return Err(self.misuse("more rows than a segment can hold"));
        }
        if self.rows.rows() == SAMPLE && self.expected > SAMPLE {
            // A sixteenth more than by the sample, for columns whose values grow.
            let times = (self.expected + self.expected / 16) / SAMPLE;
            self.columns.iter_mut().for_each(|column| column.reserve(times));
        }
        if let Some(filter) = &mut self.rows.filter {
            filter.add(key);
        }
        self.rows.push(times.birth, times.from, times.to);
        Ok(())
    }

    /// The value of a column, by its place among the writer's columns.
    pub fn push_value(&mut self, column: usize, value: &Value) -> Result<(), SegmentError> {
        let pushed = self.columns.get_mut(column).map_or(Err(NO_COLUMN), |column| column.push(value));
        pushed.map_err(|reason| self.misuse(reason))
    }

    /// As [`SegmentWriter::push_value`] for a Text or Bytes column, without a copy in between; text is UTF-8.
    pub fn push_bytes(&mut self, column: usize, bytes: Option<&[u8]>) -> Result<(), SegmentError> {
        let pushed = self.columns.get_mut(column).map_or(Err(NO_COLUMN), |column| column.push_bytes(bytes));
        pushed.map_err(|reason| self.misuse(reason))
    }

    fn misuse(&self, reason: &str) -> SegmentError {
        SegmentError::Misuse { file: FileKind::Segment.name(self.file), reason: reason.to_owned() }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// Bytes of memory held, near the size of the file to be. A segment should be finished at 256 MiB or a million
    /// rows; beyond 1 GiB in one column `append` refuses.
    pub fn bytes(&self) -> usize {
        self.keys.bytes() + self.rows.bytes() + self.columns.iter().map(ColumnBuilder::bytes).sum::<usize>()
    }

    /// Writes, syncs, reads back past the page cache, verifies, renames, syncs the directory. The file is durable on
    /// return, and still needs an edit of the manifest.
    pub fn finish(mut self) -> Result<Written, SegmentError> {
        let rows = self.rows.rows();
        if self.columns.iter().any(|column| column.rows() != rows) {
            return Err(self.misuse("a row with another number of values than there are columns"));
        }
        let columns: Vec<_> =
            self.columns.iter().map(|column| (column.column, column.physical_type)).collect();
        self.keys.close();
        self.keys.learn();
        let mut sections = self.keys.sections(Tag::Keys, Tag::KeyOffsets);
        sections.extend(self.rows.sections());
        let purpose = self.purpose;
        sections.extend(self.columns.iter_mut().flat_map(|column| column.sections(purpose)));
        sections.extend(self.keys.learned_section());
        let new = NewFile {
            kind: FileKind::Segment,
            file: self.file,
            rows,
            number: 0,
            columns: &columns,
            sections: &sections,
        };
        container::write(&*self.disk, &new)
    }
}

/// An open segment: cheap to share, nothing is copied out of it but single values.
#[derive(Debug)]
pub struct Segment {
    container: Container,
    keys: KeyColumn,
    rows: Rows,
    columns: Vec<Column>,
}

impl Segment {
    /// Maps the file, checks header, footer, length and (if given) the content hash that the manifest names.
    pub fn open(
        environment: &Environment,
        file: FileId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Arc<Segment>, SegmentError> {
        let container = Container::open(&*environment.disk, FileKind::Segment, file, hash)?;
        let keys = KeyColumn::open(&container, Tag::Keys, Tag::KeyOffsets)?;
        let rows = Rows::open(&container)?;
        let mut columns = Vec::with_capacity(container.columns.len());
        for (column, physical_type) in &container.columns {
            columns.push(Column::open(&container, *column, *physical_type)?);
        }
        Ok(Arc::new(Segment { container, keys, rows, columns }))
    }

    pub fn file(&self) -> FileId {
        self.container.file
    }

    /// The length of the file.
    pub fn file_bytes(&self) -> usize {
        self.container.bytes()
    }

    /// Says when the rows of a segment began that was written before its commit.
    pub fn publish(&self, at: Timestamp) {
        self.rows.publish(&self.container, at);
    }

    /// When all rows began, for a segment that was written before its commit.
    pub fn published(&self) -> Option<Timestamp> {
        self.rows.published()
    }

    /// Whether the file itself says when its rows began.
    pub fn has_starts(&self) -> bool {
        self.rows.has_starts()
    }

    /// The hash of its content.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.container.hash
    }

    pub fn rows(&self) -> usize {
        self.container.rows
    }

    /// The columns stored, in the writer's order.
    pub fn columns(&self) -> &[(ColumnId, PhysicalType)] {
        &self.container.columns
    }

    /// How many zones; zone `n` holds rows `n * ZONE_ROWS ..`.
    pub fn zones(&self) -> usize {
        self.rows().div_ceil(ZONE_ROWS)
    }

    /// The rows of a zone.
    pub fn zone_rows(&self, zone: usize) -> Range<usize> {
        (zone * ZONE_ROWS).min(self.rows())..((zone + 1) * ZONE_ROWS).min(self.rows())
    }

    /// Least and greatest times, and first and last key of a zone.
    pub fn zone(&self, zone: usize) -> Result<Zone<'_>, SegmentError> {
        let times = self.rows.zone(&self.container, zone)?;
        let rows = self.zone_rows(zone);
        Ok(Zone {
            min_from: times.min_from,
            max_from: times.max_from,
            min_to: times.min_to,
            max_to: times.max_to,
            first_key: self.keys.get(&self.container, rows.start)?,
            last_key: self.keys.get(&self.container, rows.end.saturating_sub(1))?,
        })
    }

    /// Least and greatest times of all rows; `None` without rows.
    pub fn times(&self) -> Result<Option<Times>, SegmentError> {
        self.rows.times(&self.container)
    }

    /// Whether rows with this clustering key may be here; `false` is certain.
    pub fn may_hold(&self, key: &[u8]) -> Result<bool, SegmentError> {
        self.rows.may_hold(&self.container, key)
    }

    /// The rows with exactly this clustering key, oldest first.
    pub fn find(&self, key: &[u8]) -> Result<Range<usize>, SegmentError> {
        self.keys.find(&self.container, key)
    }

    /// As [`Segment::find`] for many keys at once, in any order; appends the rows of each.
    pub fn find_many(&self, keys: &[&[u8]], found: &mut Vec<Range<usize>>) -> Result<(), SegmentError> {
        self.keys.find_many(&self.container, keys, found)
    }

    /// What the learned index of the keys says of itself; `None` without one.
    pub fn learned(&self) -> Option<LearnedStatistics> {
        self.keys.learned_statistics(&self.container)
    }

    /// The rows whose clustering key lies between the bounds.
    pub fn range(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Result<Range<usize>, SegmentError> {
        self.keys.range(&self.container, lower, upper)
    }

    pub fn key(&self, row: usize) -> Result<&[u8], SegmentError> {
        self.keys.get(&self.container, row)
    }

    pub fn birth(&self, row: usize) -> Result<u64, SegmentError> {
        self.rows.birth(&self.container, row)
    }

    pub fn from(&self, row: usize) -> Result<Timestamp, SegmentError> {
        self.rows.from(&self.container, row)
    }

    /// Says that the start and the end of a row will be wanted soon.
    #[inline]
    pub fn prefetch_times(&self, row: usize) {
        self.rows.prefetch_times(row);
    }

    /// Birth ids of a range of rows, in place.
    pub fn births(&self, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        self.rows.births(&self.container, rows)
    }

    /// Start times of a range of rows, in place.
    pub fn froms(&self, rows: Range<usize>) -> Result<&[u64], SegmentError> {
        self.rows.froms(&self.container, rows)
    }

    /// The end times of this segment's rows, initial ones included: raw `u64`, whose meaning above the timestamps is
    /// the caller's.
    pub fn ends(&self) -> &EndTimes {
        &self.rows.ends
    }

    fn column_of(&self, column: ColumnId) -> Option<&Column> {
        let place = self.container.columns.iter().position(|(stored, _)| *stored == column)?;
        self.columns.get(place)
    }

    fn check_rows(&self, rows: &Range<usize>) -> Result<(), SegmentError> {
        if rows.start <= rows.end && rows.end <= self.rows() {
            Ok(())
        } else {
            Err(self.container.misuse("rows behind the last one were asked for"))
        }
    }

    /// A range of a column as an Arrow array over the mapping; `None` if the column is not stored here.
    pub fn column(&self, column: ColumnId, rows: Range<usize>) -> Result<Option<ArrayRef>, SegmentError> {
        self.check_rows(&rows)?;
        self.column_of(column).map(|column| column.array(&self.container, rows)).transpose()
    }

    /// Some rows, ascending, behind `start`, the first of a zone, and of that zone: for a column that is encoded, so
    /// that the others need not be decoded. `None` for one that is plain or not here.
    pub fn gathered(
        &self,
        column: ColumnId,
        start: usize,
        rows: &[u32],
    ) -> Result<Option<ArrayRef>, SegmentError> {
        if let Some(last) = rows.last() {
            self.check_rows(&(start..start + *last as usize + 1))?;
        }
        match self.column_of(column) {
            Some(column) => column.gathered(&self.container, start, rows),
            None => Ok(None),
        }
    }

    /// One value; `None` if the column is not stored here.
    pub fn value(&self, column: ColumnId, row: usize) -> Result<Option<Value>, SegmentError> {
        self.check_rows(&(row..row + 1))?;
        self.column_of(column).map(|column| column.value(&self.container, row)).transpose()
    }

    /// The bytes of one `Text`, `Bytes` or `Fixed16` value in place; `None` if it is NULL or the column is not here.
    pub fn value_bytes(&self, column: ColumnId, row: usize) -> Result<Option<&[u8]>, SegmentError> {
        self.check_rows(&(row..row + 1))?;
        match self.column_of(column) {
            Some(column) => column.value_bytes(&self.container, row),
            None => Ok(None),
        }
    }

    /// Whether a zone may hold rows of a range: `false` is certain.
    pub fn zone_may_meet(&self, zone: usize, range: &ColumnRange) -> Result<bool, SegmentError> {
        let stored = self.columns().iter().find(|(column, _)| *column == range.column);
        let fits = stored.is_some_and(|(_, physical)| range.fits(*physical));
        match self.column_of(range.column).and_then(|column| column.zones.as_ref()) {
            Some(zones) if fits => Ok(range.may_meet(zones.get(&self.container, zone)?)),
            Some(_) | None => Ok(true),
        }
    }

    /// Reads everything and checks every checksum and the content hash.
    pub fn verify(&self) -> Result<(), SegmentError> {
        self.container.verify_all()
    }
}

/// The times and the first and last key of the rows of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone<'a> {
    pub min_from: Timestamp,
    pub max_from: Timestamp,
    /// By the ends written in the file: [`EndTimes`] can only make them smaller.
    pub min_to: Timestamp,
    pub max_to: Timestamp,
    pub first_key: &'a [u8],
    pub last_key: &'a [u8],
}
