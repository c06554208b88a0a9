//! Making a graph of a segment's vectors: FAISS links them, and what it has linked is laid out for the walk.
//!
//! Vectors go to FAISS in an order without meaning, a few thousand at a time, so that a build can be given up. What
//! comes out is the same for the same segment as long as one thread builds it.

use super::codes::{self, Ranges};
use super::faiss::Building;
use super::graph::{Head, NONE};
use super::kernel::{Half, Number, Single, Squares, sum};
use super::measure::squared_length;
use super::{Element, Metric, VectorIndexSchema};
use crate::Error;
use crate::io::system::step_back;
use crate::segment::{GraphSections, Segment};
use crate::table::segments::SegmentPart;

/// Candidates that FAISS looks at for the links of a vector, whatever an index asks for: of 64, which is the default of an
/// index, it makes links by which a walk compares twice as many nodes for the same recall.
const FEWEST_CANDIDATES: u32 = 160;
/// How far threads that build a graph step back: to a quarter of a processor that somebody else wants, too.
const NICE: i32 = 5;
/// Vectors handed over at once.
const STEP: usize = 2048;
/// Nodes whose neighbours say whether codes are fine enough.
const SAMPLE: usize = 256;

/// The vectors of a segment that an index holds.
pub(super) struct Vectors<'a> {
    index: VectorIndexSchema,
    segment: &'a Segment,
    /// The rows with a vector, ascending.
    rows: Vec<u32>,
}

/// Bytes of memory that a graph over so many rows takes while it is built.
pub(super) fn memory(index: &VectorIndexSchema, rows: usize) -> u64 {
    let vectors = u64::from(index.dimensions) * 5;
    let links = u64::from(index.m) * 20;
    rows as u64 * (vectors + links + 64)
}

impl<'a> Vectors<'a> {
    /// Looks through a segment.
    pub fn of(part: &'a SegmentPart, index: &VectorIndexSchema) -> Result<Vectors<'a>, Error> {
        let mut vectors = Vectors { index: *index, segment: &part.segment, rows: Vec::new() };
        if !part.holds(index.column) {
            return Ok(vectors);
        }
        let mut read = Vec::new();
        for row in 0..part.segment.rows() {
            let Some(value) = part.segment.value_bytes(index.column, row)? else { continue };
            if value.len() == index.value_bytes()
                && (index.metric != Metric::Cosine || {
                    decode(index.element, value, &mut read);
                    squared_length(&read) > 0.0
                })
            {
                vectors.rows.push(row as u32);
            }
        }
        Ok(vectors)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Reads the vector of a node as it is compared.
    fn read(&self, node: u32, vector: &mut Vec<f32>) -> Result<(), Error> {
        let row = self.rows.get(node as usize).copied().unwrap_or(NONE);
        let value = self.segment.value_bytes(self.index.column, row as usize)?.unwrap_or(&[]);
        decode(self.index.element, value, vector);
        if self.index.metric == Metric::Cosine {
            let length = squared_length(vector).sqrt();
            vector.iter_mut().for_each(|number| *number /= length);
        }
        Ok(())
    }

    /// Builds the graph; `None` if it was asked to stop. Several threads step back for all others: searches without a graph
    /// cost far more than the graph does, but nobody waits for it.
    pub fn train(
        &self,
        threads: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<GraphSections>, Error> {
        if threads == 1 {
            return self.train_here(threads, stop);
        }
        std::thread::scope(|scope| {
            let trained =
                std::thread::Builder::new().name("strata-train".to_string()).spawn_scoped(scope, || {
                    if let Err(error) = step_back(NICE) {
                        tracing::debug!(%error, "a graph is built at the usual priority");
                    }
                    self.train_here(threads, stop)
                });
            let trained = trained.map_err(|error| failed(error.to_string()))?;
            trained.join().unwrap_or_else(|_| Err(failed("the thread has panicked".to_string())))
        })
    }

    fn train_here(
        &self,
        threads: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<GraphSections>, Error> {
        let index = &self.index;
        let order = shuffled(self.rows.len());
        let candidates = index.ef_construction.max(FEWEST_CANDIDATES);
        let mut building =
            Building::new(index.dimensions as usize, index.m, candidates, index.metric).map_err(failed)?;
        let (mut step, mut vector) = (Vec::new(), Vec::new());
        for nodes in order.chunks(STEP) {
            if stop() {
                return Ok(None);
            }
            step.clear();
            for node in nodes {
                self.read(*node, &mut vector)?;
                step.extend_from_slice(&vector);
            }
            building.add(&step, threads).map_err(failed)?;
        }
        let linked = Linked { building, order };
        let mut sections = GraphSections::default();
        let (entry, levels) = linked.lay_out(index.m as usize, &mut sections).map_err(failed)?;
        let coded = self.write_vectors(&mut sections)?;
        if self.rows.len() != self.segment.rows() {
            self.rows.iter().for_each(|row| sections.rows.extend_from_slice(&row.to_le_bytes()));
        }
        let (uppers, _) = sections.uppers.as_chunks::<4>();
        let place = uppers.iter().position(|upper| *upper == entry.to_le_bytes());
        let head = Head {
            index: *index,
            coded,
            entry,
            entry_place: place.map_or(NONE, |place| place as u32),
            levels,
            segment: self.segment.hash(),
        };
        sections.head = head.encode();
        Ok(Some(sections))
    }

    /// Writes the vectors, as codes if they are fine enough, and says whether they were.
    fn write_vectors(&self, sections: &mut GraphSections) -> Result<bool, Error> {
        let mut vector = Vec::new();
        let mut ranges = Ranges::new(self.index.dimensions as usize);
        for node in 0..self.rows.len() as u32 {
            self.read(node, &mut vector)?;
            ranges.note(&vector);
        }
        let scales = ranges.scales();
        let coded = codes::are_fine(&scales, &mut self.neighbours(&sections.links)?);
        for node in 0..self.rows.len() as u32 {
            self.read(node, &mut vector)?;
            if coded {
                codes::encode(&vector, ranges.offsets(), &scales, &mut sections.vectors);
            } else {
                vector.iter().for_each(|number| sections.vectors.extend_from_slice(&number.to_le_bytes()));
            }
        }
        if coded {
            let numbers = ranges.offsets().iter().chain(&scales);
            numbers.for_each(|number| sections.scales.extend_from_slice(&number.to_le_bytes()));
        }
        Ok(coded)
    }

    /// The squared distances of some nodes to the nearest of those they are linked to, but for nodes of the same vector,
    /// whose codes are the same as well.
    fn neighbours(&self, links: &[u8]) -> Result<Vec<f32>, Error> {
        let (links, _) = links.as_chunks::<4>();
        let (mut from, mut to, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        let mut nearest = Vec::new();
        for node in (0..self.rows.len()).step_by(self.rows.len().div_ceil(SAMPLE).max(1)) {
            self.read(node as u32, &mut from)?;
            let width = self.index.m as usize * 2;
            let mut least = f32::INFINITY;
            let list = links.get(node * width..(node + 1) * width).unwrap_or(&[]);
            for link in list.iter().map(|link| u32::from_le_bytes(*link)).filter(|link| *link != NONE) {
                self.read(link, &mut to)?;
                bytes.clear();
                to.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
                let distance = sum::<Single, 4, Squares>(&from, &bytes);
                if distance > 0.0 {
                    least = least.min(distance);
                }
            }
            if least < f32::INFINITY {
                nearest.push(least);
            }
        }
        Ok(nearest)
    }
}

/// Reads the numbers of a value.
fn decode(element: Element, value: &[u8], vector: &mut Vec<f32>) {
    vector.clear();
    match element {
        Element::F32 => vector.extend(value.as_chunks::<4>().0.iter().map(|bytes| Single::read(*bytes))),
        Element::F16 => vector.extend(value.as_chunks::<2>().0.iter().map(|bytes| Half::read(*bytes))),
    }
}

/// The numbers below `count` in an order without meaning, the same each time.
fn shuffled(count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for place in (1..count).rev() {
        // A generator of xorshift's family: nothing depends on its quality.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(place, (state % (place as u64 + 1)) as usize);
    }
    order
}

fn failed(reason: String) -> Error {
    Error::Io(format!("FAISS: {reason}"))
}

/// What FAISS has linked, and which node each of its numbers stands for.
struct Linked {
    building: Building,
    order: Vec<u32>,
}

impl Linked {
    /// Writes links and the nodes on higher levels; answers where a walk begins, and the levels.
    fn lay_out(&self, m: usize, sections: &mut GraphSections) -> Result<(u32, u32), String> {
        let nodes = self.building.nodes();
        // FAISS's number of each node, and the place of each on higher levels.
        let mut numbers = vec![0_usize; nodes];
        for (number, node) in self.order.iter().enumerate() {
            numbers[*node as usize] = number;
        }
        let mut places = vec![NONE; nodes];
        let mut lists = 0_u32;
        for (node, number) in numbers.iter().enumerate() {
            let levels = self.building.levels(*number);
            if levels > 1 {
                places[node] = sections.uppers.len() as u32 / 4;
                sections.uppers.extend_from_slice(&(node as u32).to_le_bytes());
                sections.upper_starts.extend_from_slice(&lists.to_le_bytes());
                lists += levels as u32 - 1;
            }
        }
        sections.upper_starts.extend_from_slice(&lists.to_le_bytes());
        let mut links = vec![-1; m * 2];
        sections.links.reserve(nodes * m * 8);
        for number in &numbers {
            self.building.links(*number, 0, &mut links)?;
            let named = |node: u32| node;
            self.write_list(&links, &mut sections.links, &named);
            for level in 1..self.building.levels(*number) {
                let links = links.get_mut(..m).unwrap_or_default();
                self.building.links(*number, level, links)?;
                let place = |node: u32| places.get(node as usize).copied().unwrap_or(NONE);
                self.write_list(links, &mut sections.upper_links, &place);
            }
        }
        let (entry, highest) = self.building.entry()?.ok_or("a graph without a beginning")?;
        let entry = self.order.get(entry).copied().ok_or("a graph that begins nowhere")?;
        Ok((entry, highest as u32 + 1))
    }

    /// Writes a list, the links first and what is empty behind them.
    fn write_list(&self, links: &[i32], output: &mut Vec<u8>, name: &dyn Fn(u32) -> u32) {
        let known = links.iter().filter_map(|link| self.order.get(usize::try_from(*link).ok()?));
        let mut written = 0;
        for name in known.map(|node| name(*node)).filter(|name| *name != NONE) {
            output.extend_from_slice(&name.to_le_bytes());
            written += 1;
        }
        for _ in written..links.len() {
            output.extend_from_slice(&NONE.to_le_bytes());
        }
    }
}
