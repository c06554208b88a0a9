//! How segments are searched: by their graphs, all of them at once, or exactly.
//!
//! A walk keeps `ef` nodes that qualify, and compares about a dozen for each of them, divided by the part that
//! qualifies. So the fewer rows qualify, the longer the walk: below a line, which is where it would compare a good part
//! of the segment, the search is exact from the start. The part is what a sample of rows says, and where the sample
//! meets too few that qualify, what the caller expects. It may be wrong, and rows that qualify may lie far from the
//! query: a walk that has seen a good part of the segment without finding enough is given up for the exact search.

use super::contenders::{Contenders, compared_again};
use super::exact::Seeker;
use super::walk::{Ground, Lost, Pause, Shared, Walk};
use crate::Error;
use crate::table::row::Columns;
use crate::table::segments::SegmentPart;
use std::sync::Arc;

/// Nodes that a walk compares for each that it keeps.
const COMPARED: f64 = 14.0;
/// The part of a segment's nodes that a walk may compare before the exact search is as good.
const GIVEN_UP: f64 = 0.5;
/// Below this part an exact search asks the filter before it reads the vector.
const FILTER_FIRST: f64 = 0.5;
/// Of the nodes that a search keeps, the part that a graph may bring however near those of others are, times the root of
/// the part of the rows that it has.
const FEW: f64 = 0.85;
/// Rows asked for the part that qualifies, and how many must for the answer to count.
const SAMPLE: usize = 64;
const CREDIBLE: usize = 4;

/// What a search needs room for besides what it has found.
#[derive(Default)]
pub(super) struct Room {
    walks: Vec<Walk>,
    shared: Shared,
    contenders: Contenders,
    ends: Vec<u64>,
}

/// How much is wanted of a search.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub k: usize,
    pub ef: usize,
    pub expected_share: Option<f64>,
}

/// A segment that is searched by its graph.
struct Course<'a> {
    /// Which of the segments.
    segment: usize,
    ground: Ground<'a>,
    /// The part of its rows that qualifies.
    share: f64,
    is_over: bool,
}

impl Course<'_> {
    fn nodes(&self) -> f64 {
        self.ground.graph.nodes() as f64
    }

    /// How many rows qualify.
    fn qualify(&self) -> f64 {
        self.share * self.nodes()
    }
}

/// How one segment is searched.
enum Way<'a> {
    Walk(Course<'a>),
    Exact { filter_first: bool },
}

/// The walk whose nearest node left is the nearest of all, and how near those of the others are.
fn next(courses: &[Course<'_>], walks: &[Walk]) -> Option<(usize, u32)> {
    let going = courses.iter().zip(walks).enumerate().filter(|(_, (course, _))| !course.is_over);
    let (mut turn, mut nearest, mut limit) = (None, u32::MAX, u32::MAX);
    for (place, own) in going.map(|(place, (_, walk))| (place, walk.nearest())) {
        if turn.is_none() || own < nearest {
            (turn, limit, nearest) = (Some(place), nearest, own);
        } else {
            limit = limit.min(own);
        }
    }
    turn.map(|turn| (turn, limit))
}

impl Seeker<'_, '_> {
    /// Searches segments.
    pub fn segments(
        &mut self,
        parts: &[Arc<SegmentPart>],
        columns: Columns<'_>,
        wanted: Wanted,
        room: &mut Room,
    ) -> Result<(), Error> {
        let mut courses = Vec::with_capacity(parts.len());
        for (segment, part) in parts.iter().enumerate() {
            match self.way(segment, part, columns, wanted)? {
                Way::Walk(course) => courses.push(course),
                Way::Exact { filter_first } => self.exact(part, columns, filter_first, &mut room.ends)?,
            }
        }
        if courses.is_empty() {
            return Ok(());
        }
        room.contenders.clear();
        self.walk_all(&mut courses, wanted, room)?;
        self.settle(&mut room.contenders, parts, columns, wanted.k)
    }

    /// Chooses how a segment is searched.
    fn way<'a>(
        &mut self,
        segment: usize,
        part: &'a SegmentPart,
        columns: Columns<'a>,
        wanted: Wanted,
    ) -> Result<Way<'a>, Error> {
        let filter_first = wanted.expected_share.is_some_and(|share| share < FILTER_FIRST);
        let graph = part.graphs.get(self.index.id).filter(|_| self.measure.has_direction());
        let Some(graph) = graph else { return Ok(Way::Exact { filter_first }) };
        let is_whole = part.max_from <= self.eyes.at
            && part.segment.ends().is_initially_alive()
            && part.segment.ends().is_initial(0..part.segment.rows());
        let ground = Ground { graph, part, columns, is_whole };
        let share = match self.share(&ground, wanted.expected_share) {
            Ok(share) => share,
            Err(Lost::Rows(error)) => return Err(error),
            Err(Lost::Graph(error)) => {
                part.graphs.damage(&ground.graph, &error);
                return Ok(Way::Exact { filter_first });
            }
        };
        if self.reach(wanted, share) as f64 * COMPARED > ground.graph.nodes() as f64 * share * GIVEN_UP {
            return Ok(Way::Exact { filter_first: share < FILTER_FIRST });
        }
        Ok(Way::Walk(Course { segment, ground, share, is_over: false }))
    }

    /// Walks the graphs at once; a segment whose walk comes to nothing is searched exactly.
    fn walk_all(&mut self, courses: &mut [Course<'_>], wanted: Wanted, room: &mut Room) -> Result<(), Error> {
        let nodes: f64 = courses.iter().map(Course::nodes).sum();
        let qualify: f64 = courses.iter().map(Course::qualify).sum();
        let ef = self.reach(wanted, qualify / nodes.max(1.0));
        let Room { walks, shared, contenders, ends } = room;
        if walks.len() < courses.len() {
            walks.resize_with(courses.len(), Walk::default);
        }
        shared.begin(ef, compared_again(wanted.k), courses.len() > 1);
        for (course, walk) in courses.iter_mut().zip(walks.iter_mut()) {
            let few = ef as f64 * FEW * (course.qualify() / qualify.max(1.0)).sqrt();
            if let Err(lost) = self.begin_walk(&course.ground, walk, shared, wanted.k.max(few as usize)) {
                self.give_up(course, lost, ends)?;
            }
        }
        while let Some((turn, limit)) = next(courses, walks) {
            let (Some(course), Some(walk)) = (courses.get_mut(turn), walks.get_mut(turn)) else { break };
            let budget = (course.nodes() * GIVEN_UP) as usize;
            let outcome = match self.go_on(&course.ground, walk, shared, limit, wanted.k, budget) {
                Ok(Pause::Turn) => continue,
                Ok(Pause::Over) => {
                    self.report.graphs += 1;
                    contenders.take(course.segment, &course.ground, walk).map_err(Lost::Graph)
                }
                Ok(Pause::Starved) => {
                    self.report.starved += 1;
                    let Course { ground, share, .. } = &*course;
                    self.exact(ground.part, ground.columns, *share < FILTER_FIRST, ends).map_err(Lost::Rows)
                }
                Err(lost) => Err(lost),
            };
            course.is_over = true;
            self.report.candidates += walk.compared as u64;
            if let Err(lost) = outcome {
                self.give_up(course, lost, ends)?;
            }
        }
        Ok(())
    }

    /// Searches a segment exactly whose graph is damaged, and has it built anew.
    fn give_up(&mut self, course: &mut Course<'_>, lost: Lost, ends: &mut Vec<u64>) -> Result<(), Error> {
        let ground = &course.ground;
        match lost {
            Lost::Rows(error) => return Err(error),
            Lost::Graph(error) => ground.part.graphs.damage(&ground.graph, &error),
        }
        course.is_over = true;
        self.exact(ground.part, ground.columns, course.share < FILTER_FIRST, ends)
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
        // Strewn, so that they follow no pattern of the rows.
        let sample = (1..=SAMPLE as u64)
            .map(|turn| (((turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) * nodes) >> 31) as u32);
        for node in sample.clone() {
            ground.part.segment.prefetch_times(ground.graph.row(node)?);
        }
        let mut qualify = 0;
        for node in sample {
            qualify += usize::from(self.qualifies(ground, node)?);
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
