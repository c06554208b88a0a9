//! The maps of one index over the hot rows of one table: by hash for look-ups, ordered for ranges.
//!
//! An entry names the versions that have a key, oldest first. Entries are added and never removed: a hot store is
//! given up as a whole once its rows are in segments. The ordered side of a private store is built when first asked
//! for, because a bulk load mostly never asks.

mod key;
mod table;

pub(crate) use key::IndexKey;

use crate::ids::Location;
use crate::scratch::ScratchAllocator;
use std::collections::BTreeSet;
use std::ops::Bound;
use table::HashSide;

/// The hot maps of one index.
#[derive(Clone)]
pub(crate) struct HotIndex {
    hashed: HashSide,
    ordered: Option<BTreeSet<IndexKey>>,
    heap_bytes: usize,
    /// Whether entries were added for rows of other places: an index built over rows that were there before.
    foreign: bool,
}

impl HotIndex {
    /// An empty index; `ordered` says whether ranges will surely be asked for.
    pub fn new(ordered: bool) -> HotIndex {
        HotIndex {
            hashed: HashSide::default(),
            ordered: ordered.then(BTreeSet::new),
            heap_bytes: 0,
            foreign: false,
        }
    }

    /// Has the entries stand in scratch from now on; long keys stay in memory.
    pub fn outgrow(&mut self, allocator: ScratchAllocator) {
        self.hashed.outgrow(allocator);
    }

    /// Makes room ahead of many inserts.
    pub fn reserve(&mut self, more: usize) {
        self.hashed.reserve(more);
    }

    pub fn insert(&mut self, key: &[u8], location: Location) {
        if let Some(key) = self.hashed.insert(key, location) {
            self.heap_bytes += 2 * key.heap_bytes();
            if let Some(ordered) = &mut self.ordered {
                ordered.insert(key);
            }
        }
    }

    /// As [`HotIndex::insert`] for the hash side alone; a new key is handed back for [`HotIndex::merge`].
    pub fn insert_hashed(&mut self, key: &[u8], location: Location) -> Option<IndexKey> {
        let new = self.hashed.insert(key, location)?;
        self.heap_bytes += 2 * new.heap_bytes();
        Some(new)
    }

    /// Adds many new keys to the ordered side: many at once are merged, which costs a fraction of inserting each.
    pub fn merge(&mut self, mut keys: Vec<IndexKey>) {
        let Some(ordered) = &mut self.ordered else { return };
        if keys.len() * 4 < ordered.len() {
            ordered.extend(keys);
        } else {
            keys.sort_unstable();
            ordered.append(&mut keys.into_iter().collect());
        }
    }

    /// Says that entries name rows of other stores: an index built over rows that were there before.
    pub fn note_foreign(&mut self) {
        self.foreign = true;
    }

    /// A private map as that of a table, all of whose entries name rows of other stores. `keys`: its keys in order.
    pub fn adopted(mut self, keys: impl Iterator<Item = IndexKey>) -> HotIndex {
        self.ordered = Some(keys.collect());
        self.foreign = true;
        self
    }

    /// The number of different keys.
    pub fn keys(&self) -> usize {
        self.hashed.len()
    }

    /// The versions that have exactly this key, oldest first.
    #[inline]
    pub fn get(&self, key: &[u8]) -> &[Location] {
        self.hashed.get(key)
    }

    /// Whether [`HotIndex::range`] can answer.
    pub fn is_ordered(&self) -> bool {
        self.ordered.is_some()
    }

    /// Builds the ordered side.
    pub fn order(&mut self) {
        if self.ordered.is_none() {
            self.ordered = Some(self.hashed.iter().map(|(key, _)| key.clone()).collect());
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
        self.hashed.iter()
    }

    pub fn locations(&self) -> impl Iterator<Item = Location> {
        self.iter().flat_map(|(_, locations)| locations.iter().copied())
    }

    pub fn has_foreign(&self) -> bool {
        self.foreign
    }

    /// Follows rows that have moved.
    pub fn relocate(&mut self, moved: &dyn Fn(Location) -> Location) {
        self.hashed.relocate(moved);
    }

    /// Bytes of memory, near enough for a bound.
    pub fn bytes_used(&self) -> usize {
        let ordered = self.ordered.as_ref().map_or(0, |_| self.hashed.len() * 44);
        self.hashed.bytes_used() + ordered + self.heap_bytes
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

    #[test]
    fn a_growing_index_finds_every_key_it_was_given_and_no_other() {
        let mut index = HotIndex::new(true);
        let key = |number: u32| {
            if number % 3 == 0 { vec![b'k'; number as usize % 60] } else { number.to_be_bytes().to_vec() }
        };
        let mut expected: std::collections::BTreeMap<Vec<u8>, Vec<Location>> = Default::default();
        for number in 0..20_000 {
            index.insert(&key(number), Location::hot(1, number));
            expected.entry(key(number)).or_default().push(Location::hot(1, number));
        }
        for (key, locations) in &expected {
            assert_eq!(index.get(key), locations.as_slice());
        }
        assert!(index.get(&30_001u32.to_be_bytes()).is_empty());
        let all = index.range(Bound::Unbounded, Bound::Unbounded).map(IndexKey::as_bytes);
        assert!(all.eq(expected.keys().map(Vec::as_slice)));
        index.relocate(&|location| Location::segment(1, location.row() as u32));
        assert_eq!(index.get(&1u32.to_be_bytes()), [Location::segment(1, 1)]);
    }
}
