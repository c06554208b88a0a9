//! A segment of a table as the transaction layer uses it: the mapped file, its index runs, links to successors.
//!
//! Each secondary index has one run per segment, whose entries carry the row's position within the segment (four
//! bytes, big-endian) in the place of the clustering key. The clustering key itself is the order of the segment.

use crate::ids::{FileId, Location};
use crate::segment::{IndexRun, Segment};
use crate::{ColumnId, Error, IndexId, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A segment and what belongs to it.
pub(crate) struct SegmentPart {
    /// The file id, which fits the bits of a location.
    pub number: u32,
    pub segment: Arc<Segment>,
    /// The index by whose keys the segment is sorted, if the table has a clustering key.
    pub primary: Option<IndexId>,
    pub runs: Vec<(IndexId, Arc<IndexRun>)>,
    /// The earliest start and the latest end that any version may have.
    pub min_from: u64,
    pub max_to: u64,
    /// The latest start, and the latest end committed since the segment was written.
    pub max_from: u64,
    latest_end: AtomicU64,
    /// Ends that the newest delete log holds.
    logged_ends: AtomicUsize,
    successors: Mutex<HashMap<u32, u64>>,
}

impl SegmentPart {
    pub fn new(
        segment: Arc<Segment>,
        primary: Option<IndexId>,
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
        Ok(SegmentPart {
            number,
            segment,
            primary,
            runs,
            min_from,
            max_to,
            max_from,
            latest_end: AtomicU64::new(0),
            logged_ends: AtomicUsize::new(logged),
            successors: Mutex::new(HashMap::new()),
        })
    }

    pub fn location(&self, row: usize) -> Location {
        Location::segment(self.number, row as u32)
    }

    pub fn holds(&self, column: ColumnId) -> bool {
        crate::schema::position(self.segment.columns(), column).is_some()
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
        self.successors.lock().get(&(row as u32)).map_or(Location::NONE, |link| Location(*link))
    }

    /// Every row with a successor.
    pub fn successors(&self) -> Vec<(u32, u64)> {
        self.successors.lock().iter().map(|(row, link)| (*row, *link)).collect()
    }

    pub fn set_successor(&self, row: usize, successor: Location) {
        self.successors.lock().insert(row as u32, successor.0);
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
            if self.segment.may_hold(key)? { Ok(self.segment.find(key)?) } else { Ok(0..0) }
        } else if let Some(run) = self.run(index) {
            if run.may_hold(key)? { Ok(run.find(key)?) } else { Ok(0..0) }
        } else {
            Ok(0..0)
        }
    }

    /// The row of a position in the order of `index`.
    pub fn row_at(&self, index: IndexId, position: usize) -> Result<usize, Error> {
        if self.primary == Some(index) {
            return Ok(position);
        }
        let Some(run) = self.run(index) else {
            return Err(Error::Corrupted(format!("segment {} has no run of index {}", self.number, index.0)));
        };
        let entry = run.entry(position)?;
        match <[u8; 4]>::try_from(entry.clustering_key) {
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
            Some(run) => Ok(run.entry(position)?.key),
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
