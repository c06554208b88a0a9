//! The learned index of a file of sorted keys: from a key to the few rows among which it must stand.
//!
//! # What it is
//!
//! Two levels of lines over *numbers*. The number of a key is the first eight bytes behind the prefix that all keys
//! of the file have, big-endian, zeros where the key ends before (`number`); so numbers ascend with the keys, of
//! whatever type the keys were encoded. A leaf is a line over 128 neighbouring keys, from a number to a row, with the
//! greatest error that it makes for any number, key or not (`line`, `train`). The root has lines of the same kind over
//! the first numbers of the leaves (`root`): what it says about a number is settled by comparing the first numbers of
//! sixteen leaves at once. So a number leads to a *window* of rows that holds its place, and the last mile is a halving
//! without branches, where the window is longer, down to sixteen rows that are compared at once (`search`, `simd`).
//! Many keys are searched in lanes: every step is done for all of them before the next one, and what the next step
//! will read is asked of the memory meanwhile.
//!
//! That leaves have as many keys each, not as much room, is what keeps hostile keys harmless: where a root of lines
//! alone would throw a cluster into one leaf, here a bad root costs some halving among leaves, a bad leaf some among
//! 128 rows.
//!
//! # Invariants
//!
//! - An accelerator, never a semantic. The rows that come out have been compared with the keys at both their sides;
//!   if those do not agree, the search goes on from there in ever longer steps. A file answers the same with, without, and with any other index.
//! - O(log n), whatever the keys: no window is longer than what it was cut from.
//! - What a line yields is computed in integers, so that each processor comes to the same window.
//! - Keys whose numbers are equal are told apart by the caller, by their bytes.
//!
//! # Format and failure
//!
//! A section of the segment container with a version and a checksum of its own (`format`), made when the file is
//! written, from [`MINIMUM_KEYS`] keys. It is checked when it is first used. One that is missing, damaged or of another
//! version is made anew from the keys, in memory; the file says so in its statistics.
//!
//! `unsafe` stands in `simd` alone.

mod format;
mod line;
mod number;
mod root;
mod search;
mod simd;
mod statistics;
#[cfg(test)]
mod tests;
mod train;

pub(crate) use number::SortedKeys;
pub(crate) use simd::prefetch;
pub use statistics::LearnedStatistics;

use arrow_buffer::ScalarBuffer;
use line::{Group, Line};
use number::{NumberLayout, Place};
use root::Root;
use simd::Level;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files of fewer keys have no learned index: what halves them stays in the cache.
pub(crate) const MINIMUM_KEYS: usize = 1024;

/// Keys of a leaf: two to the power of this.
const LEAF_BITS: u32 = 7;

/// Looks after the bytes of keys before they are believed.
pub(crate) trait Verify {
    type Error;
    /// Whether the bytes of these rows, which exist, are known to be whole. `false` may be wrong.
    fn is_verified(&self, rows: Range<usize>) -> bool;
    fn verify(&self, rows: Range<usize>) -> Result<(), Self::Error>;
}

/// A learned index, ready to be asked.
#[derive(Debug)]
pub(crate) struct LearnedIndex {
    layout: NumberLayout,
    rows: usize,
    root: Root,
    /// The first number of each leaf, and sixteen times the greatest number there is. Over the mapping, or made.
    anchors: ScalarBuffer<u64>,
    /// The line of each leaf.
    leaves: ScalarBuffer<u64>,
    greatest: u64,
    level: Level,
    rebuilt: bool,
    /// Searches that found their rows far from where the index said.
    fallbacks: AtomicU64,
}

impl LearnedIndex {
    /// The window in which the place of a number of this leaf lies.
    #[inline(always)]
    fn window(&self, leaf: usize, number: u64) -> (usize, usize) {
        let line = Line(self.leaves.get(leaf).copied().unwrap_or_default());
        let first = self.anchors.get(leaf).copied().unwrap_or_default();
        line.window(number.saturating_sub(first), Group::of(leaf, LEAF_BITS, self.rows))
    }

    /// Whether keys of so many bytes have the same number only if they are the same key.
    #[inline]
    pub fn tells_apart(&self, keys: &SortedKeys<'_>, bytes: usize) -> bool {
        keys.offsets.is_none() && keys.width == bytes && bytes <= self.layout.prefix.len() + 8
    }

    /// The rows whose number is that of the key: all rows before them hold smaller keys, all behind them greater ones.
    #[inline]
    pub fn rows<V: Verify>(
        &self,
        keys: &SortedKeys<'_>,
        key: &[u8],
        verify: &V,
    ) -> Result<Range<usize>, V::Error> {
        match self.layout.place(key) {
            Place::Before => Ok(0..0),
            Place::Behind => Ok(self.rows..self.rows),
            Place::Number(number) => {
                let keys = self.layout.numbers(keys);
                self.level.run(&mut search::One { index: self, keys, number, verify })
            }
        }
    }

    /// As [`LearnedIndex::rows`], of many keys, which need no order; appends the rows of each.
    pub fn rows_of_many<'k, V: Verify>(
        &self,
        keys: &SortedKeys<'_>,
        wanted: impl ExactSizeIterator<Item = &'k [u8]>,
        found: &mut Vec<Range<usize>>,
        verify: &V,
    ) -> Result<(), V::Error> {
        let first = found.len();
        // A key outside the file takes a lane with number zero, and no branch.
        let mut outside = Vec::new();
        let mut numbers = Vec::with_capacity(wanted.len());
        for key in wanted {
            numbers.push(match self.layout.place(key) {
                Place::Number(number) => number,
                Place::Before => {
                    outside.push((first + numbers.len(), 0));
                    0
                }
                Place::Behind => {
                    outside.push((first + numbers.len(), self.rows));
                    0
                }
            });
        }
        found.resize(first + numbers.len(), 0..0);
        let lanes = found.get_mut(first..).unwrap_or_default();
        let keys = self.layout.numbers(keys);
        self.level.run(&mut search::Many { index: self, keys, numbers: &numbers, found: lanes, verify })?;
        for (at, place) in outside {
            if let Some(found) = found.get_mut(at) {
                *found = place..place;
            }
        }
        Ok(())
    }

    /// Whether the smallest and greatest number leave room for a key. `false` is certain.
    #[inline]
    pub fn spans(&self, key: &[u8]) -> bool {
        match (self.layout.place(key), self.anchors.first()) {
            (Place::Number(number), Some(least)) => *least <= number && number <= self.greatest,
            _ => false,
        }
    }

    #[cold]
    fn note_fallback(&self) {
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
    }
}
