//! The search itself: one number, or many in lanes.
//!
//! 1. The root gives a window of leaves. 2. It is halved as often as the root's longest window needs, without a branch
//! on what is read; the first numbers of sixteen leaves around what is left, one beyond it on each side, are compared
//! at once, and the count names the leaf. 3. The leaf's line gives a window of rows. 4. It is halved if it is long, and
//! sixteen keys are compared at once; the counts are where the number's keys begin and end. That a smaller number
//! stands before them and a greater one behind is seen in the same comparison, which is why nobody has to believe the
//! index.
//!
//! Many numbers go through these steps in rounds of [`LANES`]: while one round does its last step, the three rounds
//! behind it do the steps before, and what each will read next is asked of the memory. A processor waits for a dozen
//! lines in the time that it waits for one.

use super::number::Numbers;
use super::simd::{BLOCK, Kernel, Work, prefetch};
use super::{LearnedIndex, Verify};
use std::ops::Range;

/// A window is halved down to so many rows: with one more at each side it fits into a block wherever its middle is.
pub(super) const SPAN: usize = BLOCK - 2;
/// A window of rows up to so long is not halved: lines are mostly much nearer than at their worst, so that sixteen
/// rows around its middle mostly do; if not, the next ones do.
const HOPEFUL: usize = 2 * SPAN;
/// Numbers searched in step.
const LANES: usize = 16;
/// Bytes of a cache line.
const LINE: usize = 64;

/// The rows of one number.
pub(super) struct One<'a, V> {
    pub index: &'a LearnedIndex,
    pub keys: Numbers<'a>,
    pub number: u64,
    pub verify: &'a V,
}

impl<V: Verify> Work for One<'_, V> {
    type Answer = Result<Range<usize>, V::Error>;

    #[inline(always)]
    fn run<K: Kernel>(&mut self, kernel: K) -> Result<Range<usize>, V::Error> {
        let (index, keys, number, verify) = (self.index, &self.keys, self.number, self.verify);
        let mut lane = Lane::of(index.root.window(kernel, &index.anchors, number));
        prefetch(&index.leaves, lane.low);
        narrow_leaves(index, number, &mut lane);
        let mut lane = Lane::of_rows(index.window(leaf_of(kernel, index, number, lane), number));
        while lane.length > SPAN {
            halve(keys, number, &mut lane, verify)?;
        }
        finish(kernel, index, keys, number, lane, verify)
    }
}

/// The rows of many numbers.
pub(super) struct Many<'a, V> {
    pub index: &'a LearnedIndex,
    pub keys: Numbers<'a>,
    pub numbers: &'a [u64],
    /// As many as numbers.
    pub found: &'a mut [Range<usize>],
    pub verify: &'a V,
}

impl<V: Verify> Work for Many<'_, V> {
    type Answer = Result<(), V::Error>;

    #[inline(always)]
    fn run<K: Kernel>(&mut self, kernel: K) -> Result<(), V::Error> {
        let (index, keys, numbers, verify) = (self.index, &self.keys, self.numbers, self.verify);
        let mut near = [Lane::default(); LANES];
        let mut leaves = [0; LANES];
        let mut lanes = [Lane::default(); LANES];
        for round in 0..numbers.len().div_ceil(LANES).wrapping_add(3) {
            let first = round.wrapping_mul(LANES);
            let steps = near.iter_mut().zip(&mut leaves).zip(&mut lanes);
            for (at, ((near, leaf), lane)) in steps.enumerate() {
                // The rounds before this one, by how long ago they began.
                let at = [0, 1, 2, 3].map(|ago: usize| first.wrapping_add(at).wrapping_sub(ago * LANES));
                if let (Some(found), Some(number)) = (self.found.get_mut(at[3]), numbers.get(at[3])) {
                    *found = finish(kernel, index, keys, *number, *lane, verify)?;
                }
                if let Some(number) = numbers.get(at[2]) {
                    *lane = Lane::of_rows(index.window(*leaf, *number));
                    ask(keys, *lane);
                }
                if let Some(number) = numbers.get(at[1]) {
                    narrow_leaves(index, *number, near);
                    *leaf = leaf_of(kernel, index, *number, *near);
                    prefetch(&index.leaves, *leaf);
                }
                if let Some(number) = numbers.get(at[0]) {
                    *near = Lane::of(index.root.window(kernel, &index.anchors, *number));
                    let block = near.block(index.anchors.len());
                    prefetch(&index.anchors, block);
                    prefetch(&index.anchors, block.wrapping_add(BLOCK / 2));
                    prefetch(&index.anchors, block.wrapping_add(BLOCK - 1));
                }
            }
            let windowed = numbers.get(first.wrapping_sub(2 * LANES)..).unwrap_or_default();
            narrow(keys, windowed, &mut lanes, verify)?;
        }
        Ok(())
    }
}

/// Halves a window of leaves as often as the longest one needs. Leaves are few: they stay in the cache.
#[inline(always)]
fn narrow_leaves(index: &LearnedIndex, number: u64, lane: &mut Lane) {
    for _ in 0..index.root.halvings() {
        let half = lane.length / 2;
        let is_below = index.anchors.get(lane.middle()).is_some_and(|anchor| *anchor < number);
        lane.low = lane.low.wrapping_add(if is_below { half } else { 0 });
        lane.length = lane.length.wrapping_sub(half);
    }
}

/// The leaf of a number: the last one that begins below it, or the first.
#[inline(always)]
fn leaf_of<K: Kernel>(kernel: K, index: &LearnedIndex, number: u64, lane: Lane) -> usize {
    let block = lane.block(index.anchors.len());
    let anchors = index.anchors.get(block..).and_then(<[u64]>::first_chunk);
    let below = anchors.map_or(0, |anchors| kernel.below(anchors, number));
    block.wrapping_add(below).saturating_sub(1)
}

/// A window under way.
#[derive(Clone, Copy, Default)]
struct Lane {
    low: usize,
    length: usize,
}

impl Lane {
    #[inline(always)]
    fn of((low, high): (usize, usize)) -> Lane {
        Lane { low, length: high.wrapping_sub(low) }
    }

    /// A window of rows; of one that is hopeful, the middle.
    #[inline(always)]
    fn of_rows(window: (usize, usize)) -> Lane {
        let Lane { low, length } = Lane::of(window);
        let cut = if length <= HOPEFUL { length.saturating_sub(SPAN) } else { 0 };
        Lane { low: low.wrapping_add(cut / 2), length: length.wrapping_sub(cut) }
    }

    /// The row where the comparison of a window that is short enough begins.
    #[inline(always)]
    fn block(self, rows: usize) -> usize {
        let middle = self.low.wrapping_add(self.length / 2);
        middle.saturating_sub(BLOCK / 2).min(rows.saturating_sub(BLOCK))
    }

    /// The row that a long window is halved at.
    #[inline(always)]
    fn middle(self) -> usize {
        self.low.wrapping_add(self.length / 2).wrapping_sub(1)
    }
}

/// Halves windows of rows until all are short enough.
#[inline(always)]
fn narrow<V: Verify>(
    keys: &Numbers<'_>,
    numbers: &[u64],
    lanes: &mut [Lane],
    verify: &V,
) -> Result<(), V::Error> {
    ask_bytes(keys, lanes);
    while lanes.iter().any(|lane| lane.length > SPAN) {
        for (lane, number) in lanes.iter_mut().zip(numbers) {
            if lane.length > SPAN {
                halve(keys, *number, lane, verify)?;
                ask(keys, *lane);
            }
        }
        ask_bytes(keys, lanes);
    }
    Ok(())
}

/// Asks the memory for what the next step reads of a window.
#[inline(always)]
fn ask(keys: &Numbers<'_>, lane: Lane) {
    let is_long = lane.length > SPAN;
    let row = if is_long { lane.middle() } else { lane.block(keys.keys.rows) };
    if let Some(offsets) = keys.keys.offsets {
        prefetch(offsets, row);
        prefetch(offsets, row.wrapping_add(if is_long { 0 } else { BLOCK }));
        return;
    }
    let start = keys.keys.start(row);
    let bytes = if is_long { 0 } else { keys.keys.width.wrapping_mul(BLOCK).wrapping_sub(1) };
    prefetch(keys.keys.data, start);
    let mut ahead = LINE;
    while ahead < bytes {
        prefetch(keys.keys.data, start.wrapping_add(ahead));
        ahead = ahead.wrapping_add(LINE);
    }
    prefetch(keys.keys.data, start.wrapping_add(bytes));
}

/// Asks the memory for the bytes of keys whose offsets have arrived.
#[inline(always)]
fn ask_bytes(keys: &Numbers<'_>, lanes: &[Lane]) {
    if keys.keys.offsets.is_none() {
        return;
    }
    for lane in lanes {
        if lane.length > SPAN {
            prefetch(keys.keys.data, keys.keys.start(lane.middle()));
            continue;
        }
        let first = lane.block(keys.keys.rows);
        let (start, end) = (keys.keys.start(first), keys.keys.start(first.wrapping_add(BLOCK - 1)));
        // Long keys lie far apart: what is not near the beginning is waited for.
        let mut at = start;
        while at <= end && at < start.wrapping_add(8 * LINE) {
            prefetch(keys.keys.data, at);
            at = at.wrapping_add(LINE);
        }
    }
}

/// Verifies the bytes of rows that were not verified before.
#[inline(always)]
fn touch<V: Verify>(verify: &V, rows: Range<usize>) -> Result<(), V::Error> {
    if verify.is_verified(rows.clone()) { Ok(()) } else { verify.verify(rows) }
}

/// Halves a window of at least two rows.
#[inline(always)]
fn halve<V: Verify>(keys: &Numbers<'_>, number: u64, lane: &mut Lane, verify: &V) -> Result<(), V::Error> {
    let half = lane.length / 2;
    let row = lane.middle();
    touch(verify, row..row.wrapping_add(1))?;
    lane.low = lane.low.wrapping_add(if keys.get(row) < number { half } else { 0 });
    lane.length = lane.length.wrapping_sub(half);
    Ok(())
}

/// The rows of a number whose place lies in a window of at most [`SPAN`] rows.
#[inline(always)]
fn finish<K: Kernel, V: Verify>(
    kernel: K,
    index: &LearnedIndex,
    keys: &Numbers<'_>,
    number: u64,
    lane: Lane,
    verify: &V,
) -> Result<Range<usize>, V::Error> {
    let rows = keys.keys.rows;
    let first = lane.block(rows);
    let behind = first.wrapping_add(BLOCK);
    touch(verify, first..behind)?;
    let (below, not_above) = kernel.compare(keys, first, number);
    let is_proven = (below > 0 || first == 0) && (below < BLOCK || behind == rows);
    let is_whole = not_above < BLOCK || behind == rows;
    if is_proven && is_whole {
        return Ok(first.wrapping_add(below)..first.wrapping_add(not_above));
    }
    let start = if is_proven {
        first.wrapping_add(below)
    } else {
        settle(index, keys, number, first, below, verify)?
    };
    Ok(start..run_end(keys, number, start, verify)?)
}

/// The place of a number that does not lie among the sixteen rows from `first` on, of which `below` have a smaller
/// number, all or none: ever longer steps away from them, then halving.
#[cold]
fn settle<V: Verify>(
    index: &LearnedIndex,
    keys: &Numbers<'_>,
    number: u64,
    first: usize,
    below: usize,
    verify: &V,
) -> Result<usize, V::Error> {
    let rows = keys.keys.rows;
    let mut step = BLOCK;
    let (mut low, mut high) = if below == 0 {
        (first.saturating_sub(step), first)
    } else {
        (first + BLOCK, (first + BLOCK + step).min(rows))
    };
    loop {
        let edge = if below == 0 { low } else { high - 1 };
        touch(verify, edge..edge + 1)?;
        let is_within = if below == 0 {
            low == 0 || keys.get(edge) < number
        } else {
            high == rows || keys.get(edge) >= number
        };
        if is_within {
            break;
        }
        if step == BLOCK {
            index.note_fallback();
        }
        step *= 2;
        (low, high) =
            if below == 0 { (low.saturating_sub(step), low) } else { (high, (high + step).min(rows)) };
    }
    let mut lane = Lane { low, length: high - low };
    while lane.length > 1 {
        halve(keys, number, &mut lane, verify)?;
    }
    touch(verify, lane.low..lane.low + lane.length)?;
    Ok(lane.low + usize::from(lane.length == 1 && keys.get(lane.low) < number))
}

/// Where the rows with a number end: ever longer steps ahead, then halving.
#[cold]
fn run_end<V: Verify>(keys: &Numbers<'_>, number: u64, start: usize, verify: &V) -> Result<usize, V::Error> {
    let rows = keys.keys.rows;
    let (mut low, mut step) = (start, 1);
    while low < rows {
        let ahead = (low + step).min(rows);
        touch(verify, ahead - 1..ahead)?;
        if keys.get(ahead - 1) > number {
            let mut length = ahead - 1 - low;
            while length > 0 {
                let half = length.div_ceil(2);
                touch(verify, low + half - 1..low + half)?;
                low += if keys.get(low + half - 1) <= number { half } else { 0 };
                length -= half;
            }
            return Ok(low);
        }
        low = ahead;
        step *= 2;
    }
    Ok(low)
}
