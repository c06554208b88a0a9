//! Walking a graph: from its entry down to the lowest level, and there from the nearest node known to its neighbours,
//! until what is left is farther than what was found.
//!
//! Where there are several graphs, they share what is kept: a candidate counts if it is among the best `ef` of all graphs
//! walked so far, or among the best few of its own, which lead the walk to where its own nearest are (the way of Lucene's
//! search over the graphs of several segments). So the work grows little with the number of graphs.
//!
//! Moments and filters are tested lazily, at nodes that are near enough to be found. The walk goes through nodes that
//! do not qualify, and keeps the best of those that do; so it sees the more nodes the fewer qualify, and a search for few
//! of the rows is an exact one instead (`steer` decides). Walks over nodes that qualify alone, by two hops (the way of
//! ACORN-1), were tried and given up: where vectors lie in clusters, those that pass a filter hang together in pieces, of
//! which such a walk sees one, and comparing a node costs no more here than asking a filter.

use super::exact::Seeker;
use super::graph::{Graph, NONE};
use crate::Error;
use crate::segment::SegmentError;
use crate::table::row::{Columns, Found, RowRef};
use crate::table::segments::SegmentPart;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Of the nodes that a search keeps, the part that each graph may bring: one in so many.
const FEW: usize = 6;

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

/// Of what was found, so many times as many as are wanted, and some more, are compared by the rows themselves.
const COMPARED_AGAIN: usize = 4;
const SPARE: usize = 16;

/// Keeps a cost among the best `most`.
fn keep(heap: &mut BinaryHeap<u32>, cost: u32, most: usize) {
    if heap.len() < most {
        heap.push(cost);
    } else if let Some(mut worst) = heap.peek_mut()
        && cost < *worst
    {
        *worst = cost;
    }
}

/// How far a walk goes.
#[derive(Clone, Copy)]
struct Reach {
    /// Nodes that qualify and are kept.
    ef: usize,
    /// Nodes of this graph that count, however near those of graphs before it are.
    few: usize,
}

/// What a walk needs room for.
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
    /// What costs in this graph lack against those in others.
    base: f32,
    /// Whether a search walks more graphs than one.
    several: bool,
    /// The costs of the best `ef` of all graphs walked by one search, the farthest on top.
    shared: BinaryHeap<u32>,
    /// The costs of the best few of this graph, the farthest on top.
    few: BinaryHeap<u32>,
}

impl Walk {
    /// Forgets the graphs that were walked for another search. `several`: there may be more of them than one.
    pub fn begin_search(&mut self, several: bool) {
        self.several = several;
        self.shared.clear();
    }

    /// The cost from which on a node is of no use, to be found or to be gone to.
    #[inline(always)]
    fn bound(&self, reach: Reach) -> u32 {
        let farthest = |heap: &BinaryHeap<u32>, full: usize| match heap.peek() {
            Some(farthest) if heap.len() >= full => *farthest,
            Some(_) | None => u32::MAX,
        };
        let own = match self.found.peek() {
            Some(worst) if self.found.len() >= reach.ef => order_of(*worst),
            Some(_) | None => u32::MAX,
        };
        if !self.several {
            return own;
        }
        own.min(farthest(&self.shared, reach.ef).max(farthest(&self.few, reach.few)))
    }

    /// Notes a node that qualifies.
    #[inline(always)]
    fn note(&mut self, packed: u64, reach: Reach) {
        if self.found.len() < reach.ef {
            self.found.push(packed);
        } else if let Some(mut worst) = self.found.peek_mut() {
            *worst = packed;
        }
        if self.several {
            keep(&mut self.shared, order_of(packed), reach.ef);
            keep(&mut self.few, order_of(packed), reach.few);
        }
    }

    fn begin(&mut self, graph: &Graph, query: &[f32]) {
        graph.prepare(query, &mut self.prepared);
        self.base = graph.base(query);
        self.seen.clear();
        self.seen.resize(graph.nodes().div_ceil(64), 0);
        self.open.clear();
        self.found.clear();
        self.few.clear();
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
    pub graph: &'a Graph,
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

    /// Walks a graph and considers the best rows that qualify. `false` if it saw `budget` nodes, or all it could
    /// reach, and found fewer than `wanted`: nothing was considered then.
    pub fn walk(
        &mut self,
        ground: &Ground<'_>,
        walk: &mut Walk,
        ef: usize,
        wanted: usize,
        budget: usize,
    ) -> Result<bool, Lost> {
        let graph = ground.graph;
        let reach = Reach { ef, few: wanted.max(ef / FEW) };
        walk.begin(graph, self.measure.query);
        let (first, cost) = walk.descend(graph)?;
        let cost = cost + walk.base;
        Walk::is_new(&mut walk.seen, first);
        walk.open.push(Reverse(pack(cost, first)));
        if self.qualifies(ground, first)? {
            walk.note(pack(cost, first), reach);
        }
        let mut compared = 1;
        while let Some(Reverse(next)) = walk.open.pop() {
            if order_of(next) > walk.bound(reach) {
                break;
            }
            if compared > budget {
                self.report.candidates += compared as u64;
                return Ok(false);
            }
            walk.gather(graph, node_of(next))?;
            compared += walk.batch.len();
            self.compare(ground, walk, reach)?;
        }
        self.report.candidates += compared as u64;
        if walk.found.len() < wanted.min(ef) {
            return Ok(false);
        }
        self.report.graphs += 1;
        // Costs in the graph err by little: the right ones are among the first few times as many.
        while walk.found.len() > wanted * COMPARED_AGAIN + SPARE {
            walk.found.pop();
        }
        while let Some(found) = walk.found.pop() {
            let (number, row) = ground.row(node_of(found))?;
            self.consider_qualified(ground.part.location(number), row)?;
        }
        Ok(true)
    }

    /// Compares what was gathered, and keeps what is near enough.
    fn compare(&mut self, ground: &Ground<'_>, walk: &mut Walk, reach: Reach) -> Result<(), Lost> {
        let mut bound = walk.bound(reach);
        for place in 0..walk.batch.len() {
            let Some(node) = walk.batch.get(place).copied() else { break };
            let packed = pack(ground.graph.cost(&walk.prepared, node)? + walk.base, node);
            if order_of(packed) >= bound {
                continue;
            }
            walk.open.push(Reverse(packed));
            if self.qualifies(ground, node)? {
                walk.note(packed, reach);
                bound = walk.bound(reach);
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
