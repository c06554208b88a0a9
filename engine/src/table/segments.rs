//! A segment of a table as the transaction layer uses it: the mapped file, its index runs, links to successors.
//!
//! Each secondary index has one run per segment, whose entries carry the row's position within the segment (four
//! bytes, big-endian) in the place of the clustering key. The clustering key itself is the order of the segment.

use super::links::Links;
use crate::compaction::choose::Level;
use crate::ids::{FileId, Location};
use crate::manifest::Edit;
use crate::segment::{IndexRun, Segment};
use crate::vector::graphs::Graphs;
use crate::{ColumnId, Error, IndexId, LearnedStatistics, TableId, Timestamp};
use parking_lot::Mutex;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A segment and what belongs to it.
pub(crate) struct SegmentPart {
    /// The file id, which fits the bits of a location.
    pub number: u32,
    pub segment: Arc<Segment>,
    /// The index by whose keys the segment is sorted, if the table has a clustering key.
    pub primary: Option<IndexId>,
    level: Mutex<Level>,
    pub runs: Vec<(IndexId, Arc<IndexRun>)>,
    /// Whether it was finished because of its bytes, or came of a merge that made as many files as it read.
    full: AtomicBool,
    /// Over the vectors of its rows.
    pub graphs: Arc<Graphs>,
    /// The first and last clustering key; both empty without rows.
    pub first_key: Box<[u8]>,
    pub last_key: Box<[u8]>,
    /// The earliest start and the latest end that any version may have.
    pub min_from: u64,
    pub max_to: u64,
    /// The latest start, and the latest end committed since the segment was written.
    pub max_from: u64,
    latest_end: AtomicU64,
    /// Ends that the newest delete log holds.
    logged_ends: AtomicUsize,
    successors: Mutex<Links>,
    /// The edits that name files which the manifest does not name yet, with the commits that brought them.
    unlisted: Mutex<Vec<(u64, Edit)>>,
}

impl SegmentPart {
    pub fn new(
        segment: Arc<Segment>,
        primary: Option<IndexId>,
        level: Level,
        runs: Vec<(IndexId, Arc<IndexRun>)>,
    ) -> Result<SegmentPart, Error> {
        let number = segment_number(segment.file())?;
        let (mut min_from, mut max_from, mut max_to) = (u64::MAX, 0, 0);
        for zone in 0..segment.zones() {
            let zone = segment.zone(zone)?;
            min_from = min_from.min(zone.min_from.0);
            max_from = max_from.max(zone.max_from.0);
            max_to = max_to.max(zone.max_to.0);
        }
        let logged = segment.ends().changed().len();
        let key = |row: Option<usize>| -> Result<Box<[u8]>, Error> {
            Ok(row.map_or(Ok(&[][..]), |row| segment.key(row))?.into())
        };
        let last = segment.rows().checked_sub(1);
        Ok(SegmentPart {
            number,
            primary,
            level: Mutex::new(level),
            runs,
            full: AtomicBool::new(false),
            graphs: Arc::default(),
            first_key: key(last.map(|_| 0))?,
            last_key: key(last)?,
            min_from,
            max_to,
            max_from,
            latest_end: AtomicU64::new(if max_to <= Timestamp::LATEST.0 { max_to } else { 0 }),
            segment,
            logged_ends: AtomicUsize::new(logged),
            successors: Mutex::default(),
            unlisted: Mutex::new(Vec::new()),
        })
    }

    /// Notes that the log alone names the files that these edits list, since the commit `at`.
    pub fn set_unlisted(&self, at: u64, edits: Vec<Edit>) {
        *self.unlisted.lock() = edits.into_iter().map(|edit| (at, edit)).collect();
    }

    /// The edits by which the manifest comes to name what commits up to `moment` brought.
    pub fn unlisted(&self, moment: u64) -> Vec<Edit> {
        let unlisted = self.unlisted.lock();
        unlisted.iter().filter(|(at, _)| *at <= moment).map(|(_, edit)| edit.clone()).collect()
    }

    /// Notes that the manifest names what commits up to `moment` brought.
    pub fn note_listed(&self, moment: u64) {
        self.unlisted.lock().retain(|(at, _)| *at > moment);
    }

    /// Whether the manifest names all files: only then may they be rewritten, because the log speaks of them else.
    pub fn is_listed(&self) -> bool {
        self.unlisted.lock().is_empty()
    }

    /// The same segment with a run more, which the commit `at` brought.
    pub fn with_run(&self, at: u64, index: IndexId, run: Arc<IndexRun>, edit: Edit) -> SegmentPart {
        let mut unlisted = self.unlisted.lock().clone();
        unlisted.push((at, edit));
        SegmentPart {
            number: self.number,
            segment: self.segment.clone(),
            primary: self.primary,
            level: Mutex::new(self.level()),
            runs: self.runs.iter().cloned().chain([(index, run)]).collect(),
            full: AtomicBool::new(self.full.load(Ordering::Acquire)),
            graphs: self.graphs.clone(),
            first_key: self.first_key.clone(),
            last_key: self.last_key.clone(),
            min_from: self.min_from,
            max_to: self.max_to,
            max_from: self.max_from,
            latest_end: AtomicU64::new(self.latest_end.load(Ordering::Acquire)),
            logged_ends: AtomicUsize::new(self.logged_ends()),
            successors: Mutex::new(self.successors.lock().clone()),
            unlisted: Mutex::new(unlisted),
        }
    }

    /// Notes that the segment is as large as segments become, however few its rows.
    pub fn note_full(&self) {
        self.full.store(true, Ordering::Release);
    }

    /// Whether it has the bytes of a whole segment, which holds `bytes`: it was seen to be full when it was written, or its
    /// file says so.
    pub fn is_full(&self, bytes: usize) -> bool {
        self.full.load(Ordering::Acquire) || self.segment.file_bytes() * 2 >= bytes
    }

    pub fn location(&self, row: usize) -> Location {
        Location::segment(self.number, row as u32)
    }

    pub fn holds(&self, column: ColumnId) -> bool {
        crate::schema::position(self.segment.columns(), column).is_some()
    }

    /// Whether a clustering key lies between the first and the last one.
    pub fn spans(&self, key: &[u8]) -> bool {
        &*self.first_key <= key && key <= &*self.last_key
    }

    /// Where the file belongs.
    pub fn level(&self) -> Level {
        *self.level.lock()
    }

    pub fn set_level(&self, level: Level) {
        *self.level.lock() = level;
    }

    /// The edits that take the segment and its runs out of the manifest.
    pub fn removal(&self, table: TableId) -> Vec<Edit> {
        // What was never named is named first, so that the manifest knows which files to remove.
        let mut edits = self.unlisted(u64::MAX);
        edits.push(Edit::RemoveSegment { table, file: FileId(u64::from(self.number)) });
        let runs = self.runs.iter();
        edits.extend(runs.map(|(index, run)| Edit::RemoveIndexRun { index: *index, file: run.file() }));
        edits
    }

    /// Whether some version may be visible at a moment from `from` to `to`.
    pub fn may_show_between(&self, from: u64, to: u64) -> bool {
        self.min_from <= to && from < self.max_to
    }

    /// Whether some version may be visible at `at`.
    pub fn may_show(&self, at: u64) -> bool {
        self.min_from <= at && at < self.max_to
    }

    /// The latest start of a version, and the latest end that was committed since the file was written.
    pub fn latest_change(&self) -> u64 {
        self.max_from.max(self.latest_end.load(Ordering::Acquire))
    }

    pub fn close(&self, row: usize, end: u64) {
        self.segment.ends().set(row, end);
        self.latest_end.fetch_max(end, Ordering::AcqRel);
    }

    pub fn successor(&self, row: usize) -> Location {
        self.successors.lock().get(row)
    }

    /// Every row with a successor.
    pub fn successors(&self) -> Vec<(u32, Location)> {
        self.successors.lock().all()
    }

    pub fn set_successor(&self, row: usize, successor: Location) {
        self.successors.lock().set(row, self.segment.rows(), successor);
    }

    /// Whether the segment knows this index at all; rows written before an index are in later runs.
    pub fn run(&self, index: IndexId) -> Option<&Arc<IndexRun>> {
        self.runs.iter().find(|(id, _)| *id == index).map(|(_, run)| run)
    }

    /// The positions in the order of `index` of the entries within the bounds; each is turned into a row by
    /// [`SegmentPart::row_at`].
    pub fn range(
        &self,
        index: IndexId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
    ) -> Result<Range<usize>, Error> {
        if self.primary == Some(index) {
            Ok(self.segment.range(lower, upper)?)
        } else if let Some(run) = self.run(index) {
            Ok(run.range(lower, upper)?)
        } else {
            Ok(0..0)
        }
    }

    /// The positions of exactly this key.
    pub fn find(&self, index: IndexId, key: &[u8]) -> Result<Range<usize>, Error> {
        if self.primary == Some(index) {
            if self.spans(key) && self.segment.may_hold(key)? {
                Ok(self.segment.find(key)?)
            } else {
                Ok(0..0)
            }
        } else if let Some(run) = self.run(index) {
            if run.may_hold(key)? { Ok(run.find(key)?) } else { Ok(0..0) }
        } else {
            Ok(0..0)
        }
    }

    /// Of the positions of one key of a unique index, those to look at for the moment `at`: if they are versions of
    /// one row after the other, only the last that had begun by then.
    pub fn started(&self, index: IndexId, positions: Range<usize>, at: u64) -> Result<Range<usize>, Error> {
        let (Some(first), Some(last)) = (positions.clone().next(), positions.clone().next_back()) else {
            return Ok(positions);
        };
        let (first, last) = (self.row_at(index, first)?, self.row_at(index, last)?);
        if self.segment.key(first)? != self.segment.key(last)? {
            return Ok(positions);
        }
        let (mut low, mut high) = (positions.start, positions.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.segment.from(self.row_at(index, middle)?)?.0 <= at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.saturating_sub(1).max(positions.start)..low)
    }

    /// As [`SegmentPart::find`] for those of `keys` whose places are `open`; appends the places that have positions and
    /// the positions of each.
    pub fn find_many(
        &self,
        index: IndexId,
        keys: &[&[u8]],
        open: &[usize],
        places: &mut Vec<usize>,
        positions: &mut Vec<Range<usize>>,
    ) -> Result<(), Error> {
        let run = self.run(index);
        let mut wanted = Vec::with_capacity(open.len());
        for place in open {
            let Some(key) = keys.get(*place) else { continue };
            let may_hold = match run {
                _ if self.primary == Some(index) => self.spans(key) && self.segment.may_hold(key)?,
                Some(run) => run.may_hold(key)?,
                None => false,
            };
            if may_hold {
                places.push(*place);
                wanted.push(*key);
            }
        }
        match run {
            _ if self.primary == Some(index) => self.segment.find_many(&wanted, positions)?,
            Some(run) => run.find_many(&wanted, positions)?,
            None => {}
        }
        Ok(())
    }

    /// What the learned index over the keys of `index` says of itself; `None` without one.
    pub fn learned(&self, index: IndexId) -> Option<LearnedStatistics> {
        if self.primary == Some(index) { self.segment.learned() } else { self.run(index)?.learned() }
    }

    /// The row of a position in the order of `index`.
    pub fn row_at(&self, index: IndexId, position: usize) -> Result<usize, Error> {
        if self.primary == Some(index) {
            return Ok(position);
        }
        let Some(run) = self.run(index) else {
            return Err(Error::Corrupted(format!("segment {} has no run of index {}", self.number, index.0)));
        };
        match <[u8; 4]>::try_from(run.clustering_key(position)?) {
            Ok(bytes) => Ok(u32::from_be_bytes(bytes) as usize),
            Err(_) => Err(Error::Corrupted(format!("an entry of index {} names no row", index.0))),
        }
    }

    /// The key of a position in the order of `index`.
    pub fn key_at(&self, index: IndexId, position: usize) -> Result<&[u8], Error> {
        if self.primary == Some(index) {
            return Ok(self.segment.key(position)?);
        }
        match self.run(index) {
            Some(run) => Ok(run.key(position)?),
            None => Ok(&[]),
        }
    }

    pub fn logged_ends(&self) -> usize {
        self.logged_ends.load(Ordering::Acquire)
    }

    pub fn note_logged_ends(&self, ends: usize) {
        self.logged_ends.store(ends, Ordering::Release);
    }

    /// Ends that differ from those in the file and are committed: what a delete log has to hold.
    pub fn committed_ends(&self) -> Vec<(u32, Timestamp)> {
        let changed = self.segment.ends().changed().into_iter();
        changed
            .filter(|(_, end)| *end <= Timestamp::LATEST.0)
            .map(|(row, end)| (row, Timestamp(end)))
            .collect()
    }
}

/// The number by which locations name a segment.
pub(crate) fn segment_number(file: FileId) -> Result<u32, Error> {
    u32::try_from(file.0)
        .ok()
        .filter(|number| *number < 1 << 30)
        .ok_or(Error::LimitExceeded("more than a thousand million files were written"))
}
