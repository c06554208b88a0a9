//! Scratch: where a transaction puts what is too much for memory, until it commits.
//!
//! **Purpose.** A transaction of any size runs in bounded memory. Its rows, the map of its keys, and the lists of what it
//! has done grow with it; beyond a size they stand in extents (`io::extent`), which the system may write out, and not in
//! memory that only the process's end gives back.
//!
//! **How.** In two forms. What hardly changes any more (columns, lives and keys of a sealed chunk) is written to a file, all
//! at once, and read there ([`Shelf`], [`Stored`]). What grows (tables and lists) takes its larger allocations there
//! ([`ScratchAllocator`]).
//!
//! **Invariants.** Nothing depends on where something stands. Small transactions touch none of this.
//!
//! **Failure.** Where the disk has no room, or cannot have files without names, everything stays in memory, and the bound
//! on memory is what ends a transaction that is too large.
//!
//! One of the engine's files with unsafe code: it hands out parts of mappings.

use crate::io::{Disk, Extent, PAGE, Unnamed};
use allocator_api2::alloc::{AllocError, Allocator, Global};
use arrow_buffer::Buffer;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::alloc::Layout;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where pieces start.
const ALIGNMENT: usize = 64;
/// Room on the disk that is left to others.
const SPARED_BYTES: u64 = 512 << 20;
/// The least and the greatest size of an allocation from which on it is taken from scratch. What is changed all over, as a
/// map is, costs more there.
const LEAST: (usize, usize) = (PAGE, 64 << 20);

/// The scratch of a database.
#[derive(Debug)]
pub(crate) struct Scratch {
    disk: Arc<dyn Disk>,
    /// Allocations of at least so many bytes are taken here.
    least: usize,
    /// The extents of allocations, by where they start.
    taken: Mutex<HashMap<usize, Extent>>,
}

impl Scratch {
    /// `bytes`: how much of one table's rows a transaction may hold in memory.
    pub fn new(disk: Arc<dyn Disk>, bytes: usize) -> Arc<Scratch> {
        Arc::new(Scratch { disk, least: bytes.clamp(LEAST.0, LEAST.1), taken: Mutex::default() })
    }

    /// A file for so many bytes; `None` where there is no room for it.
    fn file(&self, bytes: usize) -> Option<Unnamed> {
        let space = self.disk.space().ok()?;
        if space.available < bytes as u64 + SPARED_BYTES {
            return None;
        }
        self.disk.unnamed().inspect_err(stays).ok()
    }
}

/// Notes why something stays in memory.
fn stays(error: &std::io::Error) {
    tracing::debug!(%error, "no scratch: it stays in memory");
}

/// Where the sealed chunks of one private store go, one behind the other.
#[derive(Debug)]
pub(crate) struct Shelf {
    scratch: Arc<Scratch>,
    file: Option<Unnamed>,
    end: u64,
}

impl Shelf {
    pub fn new(scratch: &Arc<Scratch>) -> Shelf {
        Shelf { scratch: scratch.clone(), file: None, end: 0 }
    }

    /// Puts pieces there, all at once; `None` if there is no room.
    pub fn put(&mut self, pieces: Pieces) -> Option<Placed> {
        let bytes = pieces.0;
        if self.file.is_none() || self.scratch.disk.space().ok()?.available < SPARED_BYTES {
            self.file = self.scratch.file(bytes.len());
            self.end = 0;
        }
        let extent = self.file.as_ref()?.part(&bytes, self.end).inspect_err(stays).ok()?;
        self.end += bytes.len().next_multiple_of(PAGE) as u64;
        Some(Placed { extent: Arc::new(extent), next: 0 })
    }
}

/// Pieces to be put on a shelf, in order.
#[derive(Default)]
pub(crate) struct Pieces(Vec<u8>);

impl Pieces {
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
    }

    pub fn items<T: Plain>(&mut self, items: &[T]) {
        // SAFETY: plain items are their bytes, all of which were written; nobody changes them meanwhile (see `Plain`).
        self.bytes(unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), size_of_val(items)) });
    }
}

/// Pieces that were put on a shelf, to be taken in the same order.
pub(crate) struct Placed {
    extent: Arc<Extent>,
    next: usize,
}

impl Placed {
    /// Where the next piece stands, of so many bytes.
    fn take(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let start = self.next;
        self.next = start.checked_add(bytes.next_multiple_of(ALIGNMENT))?;
        if self.next > self.extent.bytes() {
            return None;
        }
        // SAFETY: the place lies inside the extent.
        Some(unsafe { self.extent.start().add(start) })
    }

    pub fn buffer(&mut self, bytes: usize) -> Option<Buffer> {
        let place = self.take(bytes)?;
        // SAFETY: the place holds so many bytes, which nobody writes again, and the buffer keeps the extent alive.
        Some(unsafe { Buffer::from_custom_allocation(place, bytes, self.extent.clone()) })
    }

    /// A list whose items were put there.
    pub fn items<T: Plain>(&mut self, count: usize) -> Option<Stored<T>> {
        let first = self.take(count.checked_mul(size_of::<T>())?)?.cast();
        Some(Stored::Shelved(Shelved { first, count, _extent: self.extent.clone() }))
    }
}

/// Items that are nothing but their bytes, without gaps: a copy of the bytes is a copy of the item, and nothing is to be
/// done when one goes.
///
/// # Safety
/// That has to be so, and the alignment be at most [`ALIGNMENT`].
pub(crate) unsafe trait Plain {}

// SAFETY: a number.
unsafe impl Plain for u8 {}
// SAFETY: a number.
unsafe impl Plain for u32 {}
// SAFETY: four numbers of eight bytes in thirty-two; two of them are atomic, which are their bytes where nobody changes
// them meanwhile: whoever seals a chunk has it alone.
unsafe impl Plain for crate::table::chunk::Life {}

/// Items in memory, growing, or on a shelf.
#[derive(Debug)]
pub(crate) enum Stored<T> {
    Held(Vec<T>),
    Shelved(Shelved<T>),
}

/// Items on a shelf.
#[derive(Debug)]
pub(crate) struct Shelved<T> {
    first: NonNull<T>,
    count: usize,
    _extent: Arc<Extent>,
}

// SAFETY: a shelved list is a shared slice of `T` that it keeps alive itself.
unsafe impl<T: Sync> Send for Shelved<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Shelved<T> {}

impl<T> Default for Stored<T> {
    fn default() -> Stored<T> {
        Stored::Held(Vec::new())
    }
}

impl<T> Deref for Stored<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            Stored::Held(items) => items,
            // SAFETY: the items were written there when the list was made, stand at their alignment, and live as long as
            // the extent, which the list keeps; they change through atomics alone.
            Stored::Shelved(shelved) => unsafe {
                std::slice::from_raw_parts(shelved.first.as_ptr(), shelved.count)
            },
        }
    }
}

impl<T: Clone> Stored<T> {
    /// The list as one that can grow: what stands on a shelf is copied.
    pub fn held(&mut self) -> &mut Vec<T> {
        let copied = match self {
            Stored::Held(_) => None,
            Stored::Shelved(_) => Some(self.to_vec()),
        };
        if let Some(copied) = copied {
            *self = Stored::Held(copied);
        }
        match self {
            Stored::Held(items) => items,
            Stored::Shelved(_) => unreachable!("it was copied just now"),
        }
    }
}

impl<T: Clone> Clone for Stored<T> {
    fn clone(&self) -> Stored<T> {
        Stored::Held(self.to_vec())
    }
}

/// Takes larger allocations from scratch where there is one, and all others from memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScratchAllocator(Option<Arc<Scratch>>);

impl ScratchAllocator {
    pub fn of(scratch: &Arc<Scratch>) -> ScratchAllocator {
        ScratchAllocator(Some(scratch.clone()))
    }
}

// SAFETY: an allocation lies in memory, or in an extent of its own, which is kept under its address until it is given
// back; all clones have the same scratch, and so give back what another has taken. Extents start at a page, which is
// more than any alignment asked for here, or memory is used.
unsafe impl Allocator for ScratchAllocator {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if let Some(scratch) = &self.0
            && layout.size() >= scratch.least
            && layout.align() <= PAGE
            && let Some(file) = scratch.file(layout.size())
            && let Ok(extent) = file.whole(layout.size()).inspect_err(stays)
        {
            let start = extent.start();
            scratch.taken.lock().insert(start.as_ptr() as usize, extent);
            return Ok(NonNull::slice_from_raw_parts(start, layout.size()));
        }
        Global.allocate(layout)
    }

    unsafe fn deallocate(&self, place: NonNull<u8>, layout: Layout) {
        if let Some(scratch) = &self.0
            && layout.size() >= scratch.least
            && scratch.taken.lock().remove(&(place.as_ptr() as usize)).is_some()
        {
            return;
        }
        // SAFETY: what no extent was taken for comes from `Global`, with this layout.
        unsafe { Global.deallocate(place, layout) }
    }
}

/// A list that may grow into scratch.
pub(crate) type List<T> = allocator_api2::vec::Vec<T, ScratchAllocator>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::simulation::SimulatedDisk;

    fn scratch() -> Arc<Scratch> {
        Scratch::new(SimulatedDisk::new(1), 1)
    }

    #[test]
    fn what_is_put_on_a_shelf_stands_there_until_the_last_reader_goes() {
        let mut shelf = Shelf::new(&scratch());
        let numbers: Vec<u32> = (0..3000).collect();
        let lists: Vec<Stored<u32>> = (0..3)
            .map(|_| {
                let mut pieces = Pieces::default();
                pieces.items(&numbers);
                pieces.bytes(b"abc");
                let mut placed = shelf.put(pieces).unwrap();
                let list = placed.items(3000).unwrap();
                assert_eq!(placed.buffer(3).unwrap().as_slice(), b"abc");
                assert!(placed.buffer(1).is_none(), "there is no more");
                list
            })
            .collect();
        drop(shelf);
        for mut list in lists {
            assert_eq!(&*list, &*numbers);
            list.held().push(3000);
            assert_eq!(list.len(), 3001);
        }
    }

    #[test]
    fn lists_and_tables_grow_out_of_memory_and_give_everything_back() {
        let scratch = scratch();
        let mut list = List::new_in(ScratchAllocator::of(&scratch));
        let mut table: HashMap<u64, u64, hashbrown::DefaultHashBuilder, ScratchAllocator> =
            HashMap::with_hasher_in(Default::default(), ScratchAllocator::of(&scratch));
        for number in 0..100_000u64 {
            list.push(number);
            table.insert(number, number * 2);
        }
        assert_eq!(scratch.taken.lock().len(), 2, "the newest allocation of each");
        assert!(list.iter().all(|number| table[number] == number * 2));
        drop((list, table));
        assert!(scratch.taken.lock().is_empty());
    }
}
