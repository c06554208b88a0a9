//! How a segment is searched: by its graph, and how, or exactly.
//!
//! A walk keeps `ef` nodes that qualify, and compares about a dozen for each of them, divided by the part that
//! qualifies. So the fewer rows qualify, the longer the walk: below a line, which is where it would compare a good part
//! of the segment, the search is exact from the start. The part is what a sample of rows says, and where the sample
//! meets too few that qualify, what the caller expects. It may be wrong, and rows that qualify may lie far from the
//! query: a walk that has seen a good part of the segment without finding enough is given up for the exact search.

use super::exact::Seeker;
use super::graph::Graph;
use super::walk::{Ground, Lost, Walk};
use crate::Error;
use crate::table::row::Columns;
use crate::table::segments::SegmentPart;

/// Nodes that a walk compares for each that it keeps.
const COMPARED: f64 = 14.0;
/// The part of a segment's nodes that a walk may compare before the exact search is as good.
const GIVEN_UP: f64 = 0.5;
/// Below this part an exact search asks the filter before it reads the vector.
const FILTER_FIRST: f64 = 0.5;
/// Rows asked for the part that qualifies, and how many must for the answer to count.
const SAMPLE: usize = 64;
const CREDIBLE: usize = 4;

/// What a search needs room for besides what it has found.
#[derive(Default)]
pub(super) struct Room {
    pub walk: Walk,
    pub ends: Vec<u64>,
}

/// How much is wanted of a search.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub k: usize,
    pub ef: usize,
    pub expected_share: Option<f64>,
}

impl Seeker<'_, '_> {
    /// Searches a segment.
    pub fn segment(
        &mut self,
        part: &SegmentPart,
        columns: Columns<'_>,
        wanted: Wanted,
        room: &mut Room,
    ) -> Result<(), Error> {
        let graph = part.graphs.get(self.index.id).filter(|_| self.measure.has_direction());
        let mut filter_first = wanted.expected_share.is_some_and(|share| share < FILTER_FIRST);
        if let Some(graph) = graph {
            match self.by_graph(part, columns, &graph, wanted, room) {
                Ok(Found::Enough) => return Ok(()),
                Ok(Found::Few(share)) => filter_first = share < FILTER_FIRST,
                Err(Lost::Rows(error)) => return Err(error),
                Err(Lost::Graph(error)) => part.graphs.damage(&graph, &error),
            }
        }
        self.exact(part, columns, filter_first, &mut room.ends)
    }

    fn by_graph(
        &mut self,
        part: &SegmentPart,
        columns: Columns<'_>,
        graph: &Graph,
        wanted: Wanted,
        room: &mut Room,
    ) -> Result<Found, Lost> {
        let is_whole = part.max_from <= self.eyes.at
            && part.segment.ends().is_initially_alive()
            && part.segment.ends().is_initial(0..part.segment.rows());
        let ground = Ground { graph, part, columns, is_whole };
        let share = self.share(&ground, wanted.expected_share)?;
        let nodes = graph.nodes() as f64;
        let ef = self.reach(wanted, share);
        if ef as f64 * COMPARED > nodes * share * GIVEN_UP {
            return Ok(Found::Few(share));
        }
        let budget = (nodes * GIVEN_UP) as usize;
        if self.walk(&ground, &mut room.walk, ef, wanted.k, budget)? {
            return Ok(Found::Enough);
        }
        self.report.starved += 1;
        Ok(Found::Few(share))
    }

    /// How many nodes that qualify a walk keeps. Of a moment it keeps fewer where fewer rows are visible: to keep as many it
    /// would compare `1 / share` times as many. By the root it compares more than a walk of a whole graph, and finds nearly as
    /// much (`docs/decisions/2026-11-21-vectors.md`). Not where there is a filter: what passes it may lie apart.
    fn reach(&self, wanted: Wanted, share: f64) -> usize {
        let part = if self.filter.is_none() { share.clamp(0.0, 1.0).sqrt() } else { 1.0 };
        ((wanted.ef as f64 * part) as usize).max(wanted.k)
    }

    /// The part of a segment's rows that are visible and pass the filter.
    fn share(&mut self, ground: &Ground<'_>, expected: Option<f64>) -> Result<f64, Lost> {
        if ground.is_whole && self.filter.is_none() {
            return Ok(1.0);
        }
        let nodes = ground.graph.nodes() as u64;
        let mut qualify = 0;
        for turn in 1..=SAMPLE as u64 {
            // Strewn, so that they follow no pattern of the rows.
            let node = ((turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) * nodes) >> 31;
            qualify += usize::from(self.qualifies(ground, node as u32)?);
        }
        let sampled = qualify as f64 / SAMPLE as f64;
        Ok(match expected {
            Some(expected) if qualify < CREDIBLE => {
                expected.clamp(0.0, 1.0).min(CREDIBLE as f64 / SAMPLE as f64)
            }
            Some(_) | None => sampled,
        })
    }
}

/// What a graph gave.
enum Found {
    Enough,
    /// Too little, or it was not tried: so large a part of the rows seems to qualify.
    Few(f64),
}
