//! The maps of one index over the hot rows of one table: by hash for look-ups, ordered for ranges.
//!
//! An entry names the versions that have a key, oldest first. Entries are added and never removed: a hot store is
//! given up as a whole once its rows are in segments. The ordered side of a private store is built when first asked
//! for, because a bulk load mostly never asks.

mod key;

pub(crate) use key::IndexKey;

use crate::ids::Location;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Bound;

/// The versions of one key, in the order in which they were committed.
#[derive(Clone, Debug)]
enum Versions {
    One(Location),
    // Boxed to keep the many entries with one version small.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<Location>>),
}

#[derive(Clone)]
struct Entry {
    key: IndexKey,
    versions: Versions,
}

/// The hot maps of one index.
#[derive(Clone)]
pub(crate) struct HotIndex {
    hasher: DefaultHashBuilder,
    entries: HashTable<Entry>,
    ordered: Option<BTreeSet<IndexKey>>,
    heap_bytes: usize,
    /// Whether entries were added for rows of other places: an index built over rows that were there before.
    foreign: bool,
}

impl HotIndex {
    /// An empty index; `ordered` says whether ranges will surely be asked for.
    pub fn new(ordered: bool) -> HotIndex {
        HotIndex {
            hasher: DefaultHashBuilder::default(),
            entries: HashTable::new(),
            ordered: ordered.then(BTreeSet::new),
            heap_bytes: 0,
            foreign: false,
        }
    }

    /// Makes room ahead of many inserts.
    pub fn reserve(&mut self, more: usize) {
        let hasher = &self.hasher;
        self.entries.reserve(more, |entry| hasher.hash_one(entry.key.as_bytes()));
    }

    pub fn insert(&mut self, key: &[u8], location: Location) {
        let hash = self.hasher.hash_one(key);
        if let Some(entry) = self.entries.find_mut(hash, |entry| entry.key.as_bytes() == key) {
            match &mut entry.versions {
                Versions::One(first) => entry.versions = Versions::Many(Box::new(vec![*first, location])),
                Versions::Many(versions) => versions.push(location),
            }
            self.heap_bytes += 16;
            return;
        }
        let key = IndexKey::new(key);
        self.heap_bytes += 2 * key.heap_bytes();
        if let Some(ordered) = &mut self.ordered {
            ordered.insert(key.clone());
        }
        let hasher = &self.hasher;
        let entry = Entry { key, versions: Versions::One(location) };
        self.entries.insert_unique(hash, entry, |entry| hasher.hash_one(entry.key.as_bytes()));
    }

    /// The versions that have exactly this key, oldest first.
    #[inline]
    pub fn get(&self, key: &[u8]) -> &[Location] {
        let hash = self.hasher.hash_one(key);
        match self.entries.find(hash, |entry| entry.key.as_bytes() == key) {
            Some(Entry { versions: Versions::One(location), .. }) => std::slice::from_ref(location),
            Some(Entry { versions: Versions::Many(locations), .. }) => locations,
            None => &[],
        }
    }

    /// Whether [`HotIndex::range`] can answer.
    pub fn is_ordered(&self) -> bool {
        self.ordered.is_some()
    }

    /// Builds the ordered side.
    pub fn order(&mut self) {
        if self.ordered.is_none() {
            self.ordered = Some(self.entries.iter().map(|entry| entry.key.clone()).collect());
        }
    }

    /// The keys within the bounds in ascending order, from either end. Empty while the ordered side is not built.
    pub fn range(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = &IndexKey> {
        let sensible = is_range(lower, upper);
        self.ordered
            .as_ref()
            .filter(|_| sensible)
            .into_iter()
            .flat_map(move |ordered| ordered.range::<[u8], _>((lower, upper)))
    }

    /// Every key and its versions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&IndexKey, &[Location])> {
        self.entries.iter().map(|entry| match &entry.versions {
            Versions::One(location) => (&entry.key, std::slice::from_ref(location)),
            Versions::Many(locations) => (&entry.key, locations.as_slice()),
        })
    }

    pub fn locations(&self) -> impl Iterator<Item = Location> {
        self.iter().flat_map(|(_, locations)| locations.iter().copied())
    }

    /// As [`HotIndex::insert`], for a row that is not of the same store.
    pub fn insert_foreign(&mut self, key: &[u8], location: Location) {
        self.foreign = true;
        self.insert(key, location);
    }

    pub fn has_foreign(&self) -> bool {
        self.foreign
    }

    /// Follows rows that have moved.
    pub fn relocate(&mut self, moved: &dyn Fn(Location) -> Location) {
        for entry in self.entries.iter_mut() {
            match &mut entry.versions {
                Versions::One(location) => *location = moved(*location),
                Versions::Many(locations) => {
                    locations.iter_mut().for_each(|location| *location = moved(*location));
                }
            }
        }
    }

    /// Bytes of memory, near enough for a bound.
    pub fn bytes_used(&self) -> usize {
        let ordered = self.ordered.as_ref().map_or(0, |ordered| ordered.len() * 44);
        self.entries.capacity() * (size_of::<Entry>() + 1) + ordered + self.heap_bytes
    }
}

/// Whether a pair of bounds can hold anything; the standard maps panic on those that cannot.
pub(crate) fn is_range(lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> bool {
    match (lower, upper) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(lower), Bound::Included(upper)) => lower <= upper,
        (
            Bound::Included(lower) | Bound::Excluded(lower),
            Bound::Included(upper) | Bound::Excluded(upper),
        ) => lower < upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_versions_by_key_and_keys_by_range() {
        let mut index = HotIndex::new(false);
        for row in 0..100u32 {
            index.insert(&(row % 50).to_be_bytes(), Location::hot(0, row));
        }
        assert_eq!(index.get(&7u32.to_be_bytes()), [Location::hot(0, 7), Location::hot(0, 57)]);
        assert!(index.get(b"no").is_empty());
        index.order();
        let (low, high) = (10u32.to_be_bytes(), 13u32.to_be_bytes());
        let keys: Vec<_> = index.range(Bound::Excluded(&low), Bound::Included(&high)).rev().collect();
        assert_eq!(keys.iter().map(|key| key.as_bytes()[3]).collect::<Vec<_>>(), [13, 12, 11]);
        assert_eq!(index.range(Bound::Excluded(&low), Bound::Excluded(&low)).count(), 0);
        assert_eq!(index.range(Bound::Included(&high), Bound::Included(&low)).count(), 0);
    }
}
