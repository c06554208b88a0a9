//! The root: near which leaf a number lies.
//!
//! Its lines count leaves by their first numbers. The groups of a root are found by comparing sixteen of their first
//! numbers at once on each of at most three levels.

use super::line::{Group, Line};
use super::search::SPAN;
use super::simd::{BLOCK, Block, Kernel};

const LEVELS: usize = 3;
/// Groups of the largest root: what the levels of blocks tell apart.
pub(super) const MAXIMUM_GROUPS: usize = BLOCK.pow(LEVELS as u32);

/// How often the windows of a line must be halved.
fn halvings(line: Line, group: Group) -> u32 {
    let mut length = (2 * line.error(group) as usize).min(group.end - group.start);
    let mut halvings = 0;
    while length > SPAN {
        length -= length / 2;
        halvings += 1;
    }
    halvings
}

#[derive(Debug)]
pub(super) struct Root {
    lines: Box<[Line]>,
    /// Leaves of a group: two to the power of this.
    bits: u32,
    leaves: usize,
    /// The first numbers of the groups in blocks; a level's blocks hold the first numbers of the next level's. Free
    /// places hold the greatest number.
    blocks: Box<[Block]>,
    /// Where each level starts in `blocks`, topmost first.
    levels: [usize; LEVELS],
    depth: usize,
    /// How often the longest window must be halved. All are halved so often: a branch less to foretell.
    halvings: u32,
}

impl Root {
    /// `anchors` are the first numbers of the leaves; there is one line for each group of two to the power of `bits`.
    pub fn new(lines: Vec<Line>, bits: u32, anchors: &[u64]) -> Root {
        let mut lists: Vec<Vec<u64>> = vec![anchors.iter().copied().step_by(1 << bits).collect()];
        while let Some(last) = lists.last()
            && last.len() > BLOCK
        {
            lists.push(last.iter().copied().step_by(BLOCK).collect());
        }
        let depth = lists.len().min(LEVELS);
        let (mut blocks, mut levels) = (Vec::new(), [0; LEVELS]);
        for (list, start) in lists.iter().rev().zip(&mut levels) {
            *start = blocks.len();
            blocks.extend(list.chunks(BLOCK).map(Block::of));
        }
        let leaves = anchors.len();
        let halvings =
            lines.iter().enumerate().map(|(at, line)| halvings(*line, Group::of(at, bits, leaves)));
        let halvings = halvings.max().unwrap_or(0);
        Root { lines: lines.into(), bits, leaves, blocks: blocks.into(), levels, depth, halvings }
    }

    pub fn halvings(&self) -> u32 {
        self.halvings
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The group that a number lies in: behind its first number, and not behind the next one's.
    #[inline(always)]
    fn group<K: Kernel>(&self, kernel: K, number: u64) -> usize {
        let mut at = 0_usize;
        for start in self.levels.iter().take(self.depth) {
            let Some(block) = self.blocks.get(start.wrapping_add(at)) else { break };
            at = at.wrapping_mul(BLOCK).wrapping_add(kernel.below(block.numbers(), number).saturating_sub(1));
        }
        at
    }

    /// The window in which the number of leaves that begin below a number lies.
    #[inline(always)]
    pub fn window<K: Kernel>(&self, kernel: K, anchors: &[u64], number: u64) -> (usize, usize) {
        let at = self.group(kernel, number);
        let group = Group::of(at, self.bits, self.leaves);
        let line = self.lines.get(at).copied().unwrap_or_default();
        let first = anchors.get(group.start).copied().unwrap_or_default();
        line.window(number.saturating_sub(first), group)
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&*self.lines) + size_of_val(&*self.blocks)
    }
}
