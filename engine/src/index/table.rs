//! The hash side of an index: one flat table of keys and where their versions lie.
//!
//! A look-up is one miss of the cache: an entry is half a cache line, short keys stand in it, and a collision goes on
//! in the next entry. Entries are never removed. The table is kept at most 70 % full.

use super::key::IndexKey;
use crate::ids::Location;
use crate::scratch::{List, ScratchAllocator};
use hashbrown::DefaultHashBuilder;
use std::hash::BuildHasher;

/// A free entry.
const FREE: Location = Location::NONE;
/// Set in an entry with several versions; the rest is their place in the table's lists.
const LISTED: u64 = 0b11 << 62;
/// Entries of the smallest table: that of a transaction with one new row.
const SMALLEST: usize = 4;
/// Tables of at least this size ask for huge pages.
const HUGE_BYTES: usize = 8 << 20;

#[derive(Clone)]
#[repr(align(32))]
struct Entry {
    key: IndexKey,
    /// A location, or [`FREE`], or [`LISTED`] and a number.
    versions: Location,
}

/// Keys and the versions that have them, oldest first.
#[derive(Clone)]
pub(super) struct HashSide {
    hasher: DefaultHashBuilder,
    /// As many as a power of two, or none.
    entries: List<Entry>,
    /// `64 - log2(entries)`: the upper bits of a hash choose an entry.
    shift: u32,
    length: usize,
    lists: Vec<Vec<Location>>,
}

impl Default for HashSide {
    fn default() -> HashSide {
        HashSide {
            hasher: DefaultHashBuilder::default(),
            entries: List::new_in(ScratchAllocator::default()),
            shift: 0,
            length: 0,
            lists: Vec::new(),
        }
    }
}

impl HashSide {
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn bytes_used(&self) -> usize {
        let lists: usize = self.lists.iter().take(1024).map(|list| 24 + list.capacity() * 8).sum();
        let sampled = self.lists.len().clamp(1, 1024);
        self.entries.len() * size_of::<Entry>() + lists / sampled * self.lists.len()
    }

    fn position(&self, key: &IndexKey) -> usize {
        (self.hasher.hash_one(key.as_bytes()) >> self.shift) as usize
    }

    /// The position of the key, or of the free entry where it would go. The table is not empty.
    #[inline]
    fn find(&self, key: &IndexKey) -> usize {
        let mask = self.entries.len() - 1;
        let mut position = self.position(key);
        while let Some(entry) = self.entries.get(position) {
            if entry.versions == FREE || entry.key == *key {
                break;
            }
            position = (position + 1) & mask;
        }
        position
    }

    #[inline]
    pub fn get(&self, key: &[u8]) -> &[Location] {
        if self.entries.is_empty() {
            return &[];
        }
        let position = self.find(&IndexKey::new(key));
        self.entries.get(position).map_or(&[], |entry| self.versions(entry))
    }

    fn versions<'a>(&'a self, entry: &'a Entry) -> &'a [Location] {
        match entry.versions {
            FREE => &[],
            Location(list) if list & LISTED == LISTED => {
                self.lists.get((list & !LISTED) as usize).map_or(&[], Vec::as_slice)
            }
            _ => std::slice::from_ref(&entry.versions),
        }
    }

    /// Adds a version; says whether the key is new.
    pub fn insert(&mut self, key: &[u8], location: Location) -> Option<IndexKey> {
        self.reserve(1);
        let key = IndexKey::new(key);
        let position = self.find(&key);
        let lists = &mut self.lists;
        let entry = self.entries.get_mut(position)?;
        match entry.versions {
            FREE => {
                *entry = Entry { key: key.clone(), versions: location };
                self.length += 1;
                return Some(key);
            }
            Location(list) if list & LISTED == LISTED => {
                if let Some(list) = lists.get_mut((list & !LISTED) as usize) {
                    list.push(location);
                }
            }
            first => {
                entry.versions = Location(LISTED | lists.len() as u64);
                lists.push(vec![first, location]);
            }
        }
        None
    }

    /// Has the entries stand in scratch from now on.
    pub fn outgrow(&mut self, allocator: ScratchAllocator) {
        let mut entries = List::with_capacity_in(self.entries.len(), allocator);
        entries.append(&mut self.entries);
        self.entries = entries;
    }

    /// Makes room for more keys.
    pub fn reserve(&mut self, more: usize) {
        let wanted = self.length + more;
        if wanted * 10 <= self.entries.len() * 7 {
            return;
        }
        let size = (wanted * 10).div_ceil(7).next_power_of_two().max(SMALLEST).max(self.entries.len() * 2);
        let old = {
            let vacant = vacant(size, self.entries.allocator());
            std::mem::replace(&mut self.entries, vacant)
        };
        self.shift = 64 - size.trailing_zeros();
        for entry in old.into_iter().filter(|entry| entry.versions != FREE) {
            let position = self.find(&entry.key);
            if let Some(place) = self.entries.get_mut(position) {
                *place = entry;
            }
        }
    }

    /// Every key and its versions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&IndexKey, &[Location])> {
        let taken = self.entries.iter().filter(|entry| entry.versions != FREE);
        taken.map(|entry| (&entry.key, self.versions(entry)))
    }

    /// Changes every location.
    pub fn relocate(&mut self, moved: &dyn Fn(Location) -> Location) {
        for entry in &mut self.entries {
            if entry.versions.0 & LISTED != LISTED {
                entry.versions = moved(entry.versions);
            }
        }
        for location in self.lists.iter_mut().flatten() {
            *location = moved(*location);
        }
    }
}

/// Free entries, in huge pages where the system gives them: random look-ups miss the TLB otherwise.
fn vacant(size: usize, allocator: &ScratchAllocator) -> List<Entry> {
    let mut entries: List<Entry> = List::with_capacity_in(size, allocator.clone());
    let bytes = size * size_of::<Entry>();
    if bytes >= HUGE_BYTES {
        let place = entries.as_mut_ptr() as usize;
        let start = place.next_multiple_of(4096);
        let length = (place + bytes).saturating_sub(start) & !4095;
        // SAFETY: the range lies within the allocation just made; the advice changes no content, and whether it is
        // taken does not matter.
        unsafe {
            libc::madvise(start as *mut libc::c_void, length, libc::MADV_HUGEPAGE);
        }
    }
    entries.resize(size, Entry { key: IndexKey::new(&[]), versions: FREE });
    entries
}
