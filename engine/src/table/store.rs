//! A store: numbered chunks and the index maps over their rows.
//!
//! A table has one active store, grown by commits, and for the time of a checkpoint the frozen ones that are being
//! written out. A transaction's private rows of one table are a store too, with command numbers for times.

use super::chunk::{Chunk, Layout, Life};
use crate::ids::Location;
use crate::index::HotIndex;
use crate::scratch::{Scratch, ScratchAllocator, Shelf};
use crate::{Error, IndexId};
use std::sync::Arc;

/// Chunks in the order of their numbers, and their indexes.
pub(crate) struct Store {
    /// Whether this is a transaction's.
    private: bool,
    first_chunk: u32,
    sealed: Vec<Arc<Chunk>>,
    open: Option<Chunk>,
    indexes: Vec<(IndexId, HotIndex)>,
    sealed_bytes: usize,
    /// Where sealed chunks go, and maps grow, once a transaction has outgrown memory.
    outgrown: Option<(Arc<Scratch>, Shelf)>,
}

impl Store {
    pub fn new(private: bool, first_chunk: u32) -> Store {
        Store {
            private,
            first_chunk,
            sealed: Vec::new(),
            open: None,
            indexes: Vec::new(),
            sealed_bytes: 0,
            outgrown: None,
        }
    }

    /// The number that the next chunk will have.
    pub fn next_chunk(&self) -> u32 {
        self.first_chunk + self.sealed.len() as u32 + u32::from(self.open.is_some())
    }

    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_none()
    }

    /// The chunk with this number, if it is here.
    #[inline]
    pub fn chunk(&self, number: u32) -> Option<&Chunk> {
        let position = number.checked_sub(self.first_chunk)? as usize;
        match self.sealed.get(position) {
            Some(chunk) => Some(chunk),
            None if position == self.sealed.len() => self.open.as_ref(),
            None => None,
        }
    }

    pub fn life(&self, location: Location) -> Option<&Life> {
        self.chunk(location.number())?.life(location.row())
    }

    pub fn sealed(&self) -> &[Arc<Chunk>] {
        &self.sealed
    }

    pub fn open(&self) -> Option<&Chunk> {
        self.open.as_ref()
    }

    /// All chunks with their numbers.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, &Chunk)> {
        self.sealed
            .iter()
            .map(Arc::as_ref)
            .chain(self.open.as_ref())
            .zip(self.first_chunk..)
            .map(|(chunk, number)| (number, chunk))
    }

    pub fn location(&self, chunk: u32, row: usize) -> Location {
        if self.private { Location::own(chunk, row as u32) } else { Location::hot(chunk, row as u32) }
    }

    /// The chunk that takes the next row of this layout, and its number.
    pub fn growing(&mut self, layout: &Layout) -> Result<(u32, &mut Chunk), Error> {
        if self.open.as_ref().is_some_and(|chunk| chunk.is_full() || !same_layout(&chunk.layout, layout)) {
            self.seal_open()?;
        }
        let number = self.first_chunk + self.sealed.len() as u32;
        Ok((number, self.open.get_or_insert_with(|| Chunk::new(layout.clone()))))
    }

    /// Seals the growing chunk, if there is one.
    pub fn seal_open(&mut self) -> Result<(), Error> {
        if let Some(mut chunk) = self.open.take() {
            chunk.seal()?;
            if let Some((_, shelf)) = &mut self.outgrown {
                chunk.shelve(shelf)?;
            }
            self.push_sealed(chunk);
        }
        Ok(())
    }

    fn push_sealed(&mut self, chunk: Chunk) -> u32 {
        let number = self.first_chunk + self.sealed.len() as u32;
        self.sealed_bytes += chunk.bytes_used();
        self.sealed.push(Arc::new(chunk));
        number
    }

    /// Has the chunks that are sealed from now on, and the maps, stand in scratch.
    pub fn outgrow(&mut self, scratch: &Arc<Scratch>) {
        self.outgrown = Some((scratch.clone(), Shelf::new(scratch)));
        for (_, map) in &mut self.indexes {
            map.outgrow(ScratchAllocator::of(scratch));
        }
    }

    /// Whether it does.
    pub fn is_outgrown(&self) -> bool {
        self.outgrown.is_some()
    }

    /// Takes a whole sealed chunk; says its number.
    pub fn adopt(&mut self, chunk: Chunk) -> Result<u32, Error> {
        self.seal_open()?;
        Ok(self.push_sealed(chunk))
    }

    /// Gives up all chunks: those of a private store about to be committed. The growing one stays as it is, since a
    /// few rows are copied into the table's own chunk.
    pub fn take_chunks(&mut self) -> Vec<Chunk> {
        self.sealed_bytes = 0;
        std::mem::take(&mut self.sealed)
            .into_iter()
            .map(|chunk| Arc::try_unwrap(chunk).unwrap_or_else(|shared| Chunk::clone(&shared)))
            .chain(self.open.take())
            .collect()
    }

    /// Gives up the map of an index.
    pub fn take_index(&mut self, index: IndexId) -> Option<HotIndex> {
        let position = self.indexes.iter().position(|(id, _)| *id == index)?;
        Some(self.indexes.swap_remove(position).1)
    }

    /// Gives up the maps of all indexes.
    pub fn take_indexes(&mut self) -> Vec<(IndexId, HotIndex)> {
        std::mem::take(&mut self.indexes)
    }

    /// Takes a map as that of an index that has none here.
    pub fn adopt_index(&mut self, index: IndexId, map: HotIndex) {
        self.indexes.retain(|(id, _)| *id != index);
        self.indexes.push((index, map));
    }

    pub fn index(&self, index: IndexId) -> Option<&HotIndex> {
        self.indexes.iter().find(|(id, _)| *id == index).map(|(_, map)| map)
    }

    /// The map of an index, made where it does not exist yet.
    pub fn index_mut(&mut self, index: IndexId) -> &mut HotIndex {
        let found = self.indexes.iter().position(|(id, _)| *id == index);
        let position = found.unwrap_or_else(|| {
            let mut map = HotIndex::new(!self.private);
            if let Some((scratch, _)) = &self.outgrown {
                map.outgrow(ScratchAllocator::of(scratch));
            }
            self.indexes.push((index, map));
            self.indexes.len() - 1
        });
        &mut self.indexes[position].1
    }

    /// Forgets the maps of indexes that are no more.
    pub fn keep_indexes(&mut self, keep: impl Fn(IndexId) -> bool) {
        self.indexes.retain(|(index, _)| keep(*index));
    }

    pub fn indexes(&self) -> &[(IndexId, HotIndex)] {
        &self.indexes
    }

    /// Follows rows of other places that have moved, in the indexes that name such rows.
    pub fn relocate_foreign(&mut self, moved: &dyn Fn(Location) -> Location) {
        for (_, index) in self.indexes.iter_mut().filter(|(_, index)| index.has_foreign()) {
            index.relocate(moved);
        }
    }

    /// Bytes of memory, near enough for a bound.
    pub fn bytes_used(&self) -> usize {
        let indexes: usize = self.indexes.iter().map(|(_, index)| index.bytes_used()).sum();
        self.sealed_bytes + self.open.as_ref().map_or(0, Chunk::bytes_used) + indexes
    }

    pub fn rows(&self) -> usize {
        self.chunks().map(|(_, chunk)| chunk.rows()).sum()
    }
}

fn same_layout(left: &Layout, right: &Layout) -> bool {
    Arc::ptr_eq(left, right) || left == right
}
