//! Index runs: sorted entries of one index.

use std::{
    ops::{Bound, Range},
    sync::Arc,
};

use super::{
    EndTimes, FileKind, SegmentError, Times, Written,
    container::{self, Container, NewFile, Tag},
    keys::{KeyBuilder, KeyColumn},
    rows::{Holds, RowBuilder, Rows},
};
use crate::{
    ids::{FileId, Timestamp},
    io::{Disk, Environment},
    learned::LearnedStatistics,
};

/// One entry of an index: this key belonged to this row from then until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    pub key: &'a [u8],
    pub clustering_key: &'a [u8],
    pub birth: u64,
    pub from: Timestamp,
    /// In an entry read from a run: its end by [`IndexRun::ends`], raw.
    pub to: Timestamp,
}

/// Writes one index run. Entries come in the order (index key, clustering key, from, birth id).
#[derive(Debug)]
pub struct IndexRunWriter {
    disk: Arc<dyn Disk>,
    file: FileId,
    keys: KeyBuilder,
    clustering_keys: KeyBuilder,
    rows: RowBuilder,
}

impl IndexRunWriter {
    /// `filter`: whether to add a key filter (unique indexes want one).
    pub fn new(environment: &Environment, file: FileId, filter: bool) -> IndexRunWriter {
        IndexRunWriter {
            disk: environment.disk.clone(),
            file,
            keys: KeyBuilder::default(),
            clustering_keys: KeyBuilder::default(),
            rows: RowBuilder::new(filter),
        }
    }

    /// Leaves out births and starts, for a run whose entries lead to rows that have both.
    #[must_use]
    pub fn without_times(mut self) -> IndexRunWriter {
        self.rows.holds = Holds::Nothing;
        self
    }

    /// Adds an entry. After an error the writer is of no more use.
    pub fn append(&mut self, entry: &IndexEntry<'_>) -> Result<(), SegmentError> {
        if let (Some(key), Some(clustering_key)) = (self.keys.last(), self.clustering_keys.last())
            && (key, clustering_key, self.rows.last)
                > (entry.key, entry.clustering_key, (entry.from.0, entry.birth))
        {
            return Err(self.misuse("an entry that belongs before the one before it"));
        }
        let has_room = self.rows.rows() < u32::MAX as usize
            && self.keys.push(entry.key)
            && self.clustering_keys.push(entry.clustering_key);
        if !has_room {
            return Err(self.misuse("more entries than an index run can hold"));
        }
        if let Some(filter) = &mut self.rows.filter {
            filter.add(entry.key);
        }
        self.rows.push(entry.birth, entry.from, entry.to);
        Ok(())
    }

    fn misuse(&self, reason: &str) -> SegmentError {
        SegmentError::Misuse { file: FileKind::IndexRun.name(self.file), reason: reason.to_owned() }
    }

    /// Entries so far.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// As [`super::SegmentWriter::bytes`].
    pub fn bytes(&self) -> usize {
        self.keys.bytes() + self.clustering_keys.bytes() + self.rows.bytes()
    }

    /// As [`super::SegmentWriter::finish`].
    pub fn finish(mut self) -> Result<Written, SegmentError> {
        let rows = self.rows.rows();
        self.keys.close();
        self.clustering_keys.close();
        self.keys.learn();
        let mut sections = self.keys.sections(Tag::Keys, Tag::KeyOffsets);
        sections.extend(self.clustering_keys.sections(Tag::ClusteringKeys, Tag::ClusteringKeyOffsets));
        sections.extend(self.rows.sections());
        sections.extend(self.keys.learned_section());
        let new = NewFile {
            kind: FileKind::IndexRun,
            file: self.file,
            rows,
            number: 0,
            columns: &[],
            sections: &sections,
        };
        container::write(&*self.disk, &new)
    }
}

/// An open index run. Find a range of positions, walk it forward or backward, and ask [`IndexRun::entry`].
#[derive(Debug)]
pub struct IndexRun {
    container: Container,
    keys: KeyColumn,
    clustering_keys: KeyColumn,
    rows: Rows,
}

impl IndexRun {
    /// As [`super::Segment::open`].
    pub fn open(
        environment: &Environment,
        file: FileId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Arc<IndexRun>, SegmentError> {
        let container = Container::open(&*environment.disk, FileKind::IndexRun, file, hash)?;
        let run = IndexRun {
            keys: KeyColumn::open(&container, Tag::Keys, Tag::KeyOffsets)?,
            clustering_keys: KeyColumn::open(&container, Tag::ClusteringKeys, Tag::ClusteringKeyOffsets)?,
            rows: Rows::open(&container)?,
            container,
        };
        run.rows.publish(&run.container, Timestamp::ZERO);
        Ok(Arc::new(run))
    }

    pub fn file(&self) -> FileId {
        self.container.file
    }

    /// The length of the file.
    pub fn file_bytes(&self) -> usize {
        self.container.bytes()
    }

    pub fn rows(&self) -> usize {
        self.container.rows
    }

    /// Least and greatest times of all entries; `None` without entries.
    pub fn times(&self) -> Result<Option<Times>, SegmentError> {
        self.rows.times(&self.container)
    }

    /// Whether entries with this key may be here; `false` is certain.
    pub fn may_hold(&self, key: &[u8]) -> Result<bool, SegmentError> {
        Ok(self.keys.spans(&self.container, key) && self.rows.may_hold(&self.container, key)?)
    }

    /// The entries with exactly this key.
    pub fn find(&self, key: &[u8]) -> Result<Range<usize>, SegmentError> {
        self.keys.find(&self.container, key)
    }

    /// As [`IndexRun::find`] for many keys at once, in any order; appends the positions of each.
    pub fn find_many(&self, keys: &[&[u8]], found: &mut Vec<Range<usize>>) -> Result<(), SegmentError> {
        self.keys.find_many(&self.container, keys, found)
    }

    /// What the learned index of the keys says of itself; `None` without one.
    pub fn learned(&self) -> Option<LearnedStatistics> {
        self.keys.learned_statistics(&self.container)
    }

    /// The entries whose key lies between the bounds.
    pub fn range(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Result<Range<usize>, SegmentError> {
        self.keys.range(&self.container, lower, upper)
    }

    /// The index key of an entry.
    pub fn key(&self, position: usize) -> Result<&[u8], SegmentError> {
        self.keys.get(&self.container, position)
    }

    /// What an entry leads to.
    pub fn clustering_key(&self, position: usize) -> Result<&[u8], SegmentError> {
        self.clustering_keys.get(&self.container, position)
    }

    /// One entry, with its current end from [`IndexRun::ends`].
    pub fn entry(&self, position: usize) -> Result<IndexEntry<'_>, SegmentError> {
        Ok(IndexEntry {
            key: self.keys.get(&self.container, position)?,
            clustering_key: self.clustering_keys.get(&self.container, position)?,
            birth: self.rows.birth(&self.container, position)?,
            from: self.rows.from(&self.container, position)?,
            to: Timestamp(self.rows.ends.get(position)),
        })
    }

    /// The end times of the entries, raw.
    pub fn ends(&self) -> &EndTimes {
        &self.rows.ends
    }

    /// Reads everything and checks every checksum and the content hash.
    pub fn verify(&self) -> Result<(), SegmentError> {
        self.container.verify_all()
    }
}
