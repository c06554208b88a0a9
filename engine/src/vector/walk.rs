//! Walking graphs: from the entry of each down to its lowest level, and there from the nearest node known to its
//! neighbours, until what is left is farther than what was found.
//!
//! The graphs of one search are walked at once, always on from the nearest node that is left in any of them, and share
//! what is kept: a candidate counts if it is among the best `ef` of all graphs, or among the best few of its own, which
//! lead the walk to where its own nearest are (Lucene's search over the graphs of several segments shares the first, one
//! graph after the other; at once none of them goes farther than all together have to). So the work grows little with
//! the number of graphs.
//!
//! Moments and filters are tested lazily, at nodes that are near enough to be found. A walk goes through nodes that
//! do not qualify, and keeps the best of those that do; so it sees the more nodes the fewer qualify, and a search for few
//! of the rows is an exact one instead (`steer` decides). Walks over nodes that qualify alone, by two hops (the way of
//! ACORN-1), were tried and given up: where vectors lie in clusters, those that pass a filter hang together in pieces, of
//! which such a walk sees one, and comparing a node costs no more here than asking a filter.
//!
//! Most of the time goes by in waiting for memory, so it is told early what will be read: the vectors of all neighbours,
//! when a row lived, the links of the node that will be gone to next.

use super::exact::Seeker;
use super::graph::{Graph, NONE};
use crate::Error;
use crate::segment::SegmentError;
use crate::table::row::{Columns, Found, RowRef};
use crate::table::segments::SegmentPart;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Why a walk came to no end.
pub(super) enum Lost {
    /// The graph is damaged.
    Graph(SegmentError),
    /// Anything else.
    Rows(Error),
}

impl From<SegmentError> for Lost {
    fn from(error: SegmentError) -> Lost {
        Lost::Graph(error)
    }
}

impl From<Error> for Lost {
    fn from(error: Error) -> Lost {
        Lost::Rows(error)
    }
}

/// A node and its cost in one number of the same order as the costs.
#[inline(always)]
fn pack(cost: f32, node: u32) -> u64 {
    let bits = cost.to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(node)
}

/// The node of such a number.
#[inline(always)]
fn node_of(packed: u64) -> u32 {
    packed as u32
}

/// The cost of such a number, as its upper half: of the same order.
#[inline(always)]
fn order_of(packed: u64) -> u32 {
    (packed >> 32) as u32
}

/// Keeps a number among the least `most`.
#[inline(always)]
fn keep<T: Ord>(heap: &mut BinaryHeap<T>, number: T, most: usize) {
    if heap.len() < most {
        heap.push(number);
    } else if let Some(mut worst) = heap.peek_mut()
        && number < *worst
    {
        *worst = number;
    }
}

/// What the walks of one search share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The costs of the best `ef` of all graphs, the farthest on top.
    best: BinaryHeap<u32>,
    /// Nodes that qualify and are kept.
    ef: usize,
    /// Nodes of one graph that are remembered.
    remembered: usize,
    /// Whether there are more graphs than one.
    several: bool,
}

impl Shared {
    /// Begins another search.
    pub fn begin(&mut self, ef: usize, remembered: usize, several: bool) {
        self.best.clear();
        (self.ef, self.remembered, self.several) = (ef, remembered, several);
    }
}

/// Why a walk does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// Others have nodes that are nearer.
    Turn,
    /// What is left is too far.
    Over,
    /// It has seen as many nodes as it may, or all that it can reach, and found too few.
    Starved,
}

/// The walk of one graph.
#[derive(Debug, Default)]
pub(super) struct Walk {
    prepared: Vec<f32>,
    /// One bit a node: seen.
    seen: Vec<u64>,
    /// What is still to be gone to, the nearest on top.
    open: BinaryHeap<Reverse<u64>>,
    /// The best that qualify, the farthest on top.
    found: BinaryHeap<u64>,
    /// Nodes about to be compared.
    batch: Vec<u32>,
    /// Those of them that are near enough.
    near: Vec<u64>,
    /// What costs in this graph lack against those in others.
    base: f32,
    /// The costs of the best few of this graph, which count however near those of others are; the farthest on top.
    best: BinaryHeap<u32>,
    few: usize,
    /// Nodes compared.
    pub compared: usize,
}

impl Walk {
    /// The cost of the nearest node that is still to be gone to.
    #[inline(always)]
    pub fn nearest(&self) -> u32 {
        self.open.peek().map_or(u32::MAX, |Reverse(packed)| order_of(*packed))
    }

    /// What was found, each its cost and its node, in no order.
    pub fn found(&self) -> impl Iterator<Item = (u32, u32)> {
        self.found.iter().map(|packed| (order_of(*packed), node_of(*packed)))
    }

    /// The cost from which on a node is of no use, to be found or to be gone to.
    #[inline(always)]
    fn bound(&self, shared: &Shared) -> u32 {
        let farthest = |heap: &BinaryHeap<u32>, full: usize| match heap.peek() {
            Some(farthest) if heap.len() >= full => *farthest,
            Some(_) | None => u32::MAX,
        };
        let all = farthest(&shared.best, shared.ef);
        if shared.several { all.max(farthest(&self.best, self.few)) } else { all }
    }

    /// Notes a node that qualifies.
    #[inline(always)]
    fn note(&mut self, packed: u64, shared: &mut Shared) {
        keep(&mut self.found, packed, shared.remembered);
        keep(&mut shared.best, order_of(packed), shared.ef);
        if shared.several {
            keep(&mut self.best, order_of(packed), self.few);
        }
    }

    fn begin(&mut self, graph: &Graph, query: &[f32], few: usize) {
        graph.prepare(query, &mut self.prepared);
        self.base = graph.base(query);
        self.seen.clear();
        self.seen.resize(graph.nodes().div_ceil(64), 0);
        self.open.clear();
        self.found.clear();
        self.best.clear();
        self.few = few;
        self.compared = 0;
    }

    /// Whether a node is seen for the first time.
    #[inline(always)]
    fn is_new(seen: &mut [u64], node: u32) -> bool {
        match seen.get_mut(node as usize / 64) {
            Some(word) => {
                let bit = 1 << (node % 64);
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            }
            None => false,
        }
    }

    /// Goes down from the entry to the lowest level; answers the nearest node met and its cost.
    fn descend(&mut self, graph: &Graph) -> Result<(u32, f32), SegmentError> {
        let (entry, place) = graph.entry();
        let mut cost = graph.cost(&self.prepared, entry)?;
        let Some(mut place) = place else { return Ok((entry, cost)) };
        for level in (1..=graph.highest()).rev() {
            loop {
                let mut nearer = None;
                let links = graph.upper_links(place, level)?;
                self.batch.clear();
                for link in links.iter().take_while(|link| **link != NONE) {
                    let node = graph.upper(*link as usize)?;
                    graph.prefetch(node);
                    self.batch.push(node);
                }
                for (node, link) in self.batch.iter().zip(links) {
                    let other = graph.cost(&self.prepared, *node)?;
                    if other < cost {
                        (nearer, cost) = (Some(*link as usize), other);
                    }
                }
                match nearer {
                    Some(link) => place = link,
                    None => break,
                }
            }
        }
        Ok((graph.upper(place)?, cost))
    }

    /// The neighbours of a node that are new.
    fn gather(&mut self, graph: &Graph, node: u32) -> Result<(), SegmentError> {
        self.batch.clear();
        for link in graph.links(node)?.iter().take_while(|link| **link != NONE) {
            if Walk::is_new(&mut self.seen, *link) {
                graph.prefetch(*link);
                self.batch.push(*link);
            }
        }
        Ok(())
    }
}

/// A graph with its rows, as a walk sees them.
pub(super) struct Ground<'a> {
    pub graph: Arc<Graph>,
    pub part: &'a SegmentPart,
    pub columns: Columns<'a>,
    /// Whether every row is visible, so that none has to be asked.
    pub is_whole: bool,
}

impl<'a> Ground<'a> {
    fn row(&self, node: u32) -> Result<(usize, RowRef<'a>), SegmentError> {
        let row = self.graph.row(node)?;
        Ok((row, self.columns.of(Found::Segment(self.part, row))))
    }
}

impl Seeker<'_, '_> {
    /// Whether the row of a node is visible and passes the filter.
    #[inline]
    pub(super) fn qualifies(&mut self, ground: &Ground<'_>, node: u32) -> Result<bool, Lost> {
        if ground.is_whole && self.filter.is_none() {
            return Ok(true);
        }
        let (number, row) = ground.row(node)?;
        if !ground.is_whole && !self.eyes.sees(row.found)? {
            return Ok(false);
        }
        Ok(self.passes(ground.part.location(number), row)?)
    }

    /// Begins to walk a graph: goes down to its lowest level. `few`: nodes of it that count, however near those of other
    /// graphs are.
    pub fn begin_walk(
        &mut self,
        ground: &Ground<'_>,
        walk: &mut Walk,
        shared: &mut Shared,
        few: usize,
    ) -> Result<(), Lost> {
        walk.begin(&ground.graph, self.measure.query, few);
        let (first, cost) = walk.descend(&ground.graph)?;
        let first = pack(cost + walk.base, first);
        Walk::is_new(&mut walk.seen, node_of(first));
        walk.open.push(Reverse(first));
        walk.compared = 1;
        if self.qualifies(ground, node_of(first))? {
            walk.note(first, shared);
        }
        Ok(())
    }

    /// Goes on with a walk for as long as it has nodes that are not farther than `limit`. `wanted`: fewer found are too
    /// few; `budget`: nodes that it may compare.
    pub fn go_on(
        &mut self,
        ground: &Ground<'_>,
        walk: &mut Walk,
        shared: &mut Shared,
        limit: u32,
        wanted: usize,
        budget: usize,
    ) -> Result<Pause, Lost> {
        loop {
            let nearest = walk.open.peek().map(|Reverse(packed)| *packed);
            let Some(next) = nearest.filter(|next| order_of(*next) <= walk.bound(shared)) else {
                return Ok(if walk.found.len() < wanted { Pause::Starved } else { Pause::Over });
            };
            if order_of(next) > limit {
                return Ok(Pause::Turn);
            }
            if walk.compared > budget {
                return Ok(Pause::Starved);
            }
            walk.open.pop();
            if let Some(Reverse(after)) = walk.open.peek() {
                ground.graph.prefetch_links(node_of(*after));
            }
            walk.gather(&ground.graph, node_of(next))?;
            walk.compared += walk.batch.len();
            self.compare(ground, walk, shared)?;
        }
    }

    /// Compares what was gathered, and keeps what is near enough.
    fn compare(&mut self, ground: &Ground<'_>, walk: &mut Walk, shared: &mut Shared) -> Result<(), Lost> {
        let bound = walk.bound(shared);
        let mut nearest = walk.nearest();
        walk.near.clear();
        for node in &walk.batch {
            let packed = pack(ground.graph.cost(&walk.prepared, *node)? + walk.base, *node);
            if order_of(packed) >= bound {
                continue;
            }
            walk.near.push(packed);
            if !ground.is_whole {
                ground.part.segment.prefetch_times(ground.graph.row(*node)?);
            }
            if order_of(packed) < nearest {
                nearest = order_of(packed);
                ground.graph.prefetch_links(*node);
            }
        }
        for place in 0..walk.near.len() {
            let Some(packed) = walk.near.get(place).copied() else { break };
            // What was noted since may have made it too far.
            if order_of(packed) >= walk.bound(shared) {
                continue;
            }
            walk.open.push(Reverse(packed));
            if self.qualifies(ground, node_of(packed))? {
                walk.note(packed, shared);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_costs_keep_their_order() {
        let costs = [f32::NEG_INFINITY, -3.5, -0.0, 0.0, 1.0e-40, 2.0, 3.0e38, f32::INFINITY];
        for pair in costs.windows(2) {
            assert!(pack(pair[0], 9) <= pack(pair[1], 9), "{pair:?}");
            assert!(order_of(pack(pair[0], 9)) <= order_of(pack(pair[1], 1)));
        }
        assert_eq!(node_of(pack(1.5, 77)), 77);
    }
}
