//! A graph over the vectors of one segment: links between near neighbours, and small copies of the vectors.
//!
//! The graph is HNSW's: every node is on the lowest level, with up to `2m` links, and fewer and fewer nodes on higher
//! ones, with `m`. Nodes are numbered in the order of their rows; a row without a vector has no node. Beside the links
//! lie the vectors as they are compared while the graph is walked, under the cosine of length one: codes of a byte for
//! each dimension where that is fine enough (`codes`), else the numbers themselves. Distances that are shown come from
//! the rows.
//!
//! Format (a container of kind 5, its number the index, its rows the nodes): the head is version (1 byte, 1), element,
//! metric, form of the vectors (1 each: 0 single precision, 1 codes), dimensions, m, ef_construction, column, the node a
//! walk begins at, its place among the nodes on higher levels (4 each), levels (4), content hash of the segment (32).
//! A list of links is as long as there is room for, `u32::MAX` behind the last. On higher levels links are places among
//! the nodes there, so that a walk needs no look-up.
//!
//! Invariant: whatever a file says, nothing is read outside of it; what the checksums cannot vouch for is an error.

use super::kernel::{Absolutes, Products, Single, Squares, sum, sum_codes};
use super::measure::squared_length;
use super::{Metric, VectorIndexSchema};
use crate::FileId;
use crate::io::Environment;
use crate::learned::prefetch;
use crate::segment::{GraphContainer, SegmentError};
use std::sync::atomic::{AtomicBool, Ordering};

const VERSION: u8 = 1;
/// Bytes of the head.
const HEAD: usize = 4 + 7 * 4 + 32;
/// Behind the last link of a list; where a walk begins if no node is on a higher level.
pub(super) const NONE: u32 = u32::MAX;
/// Bytes fetched in advance of one vector: what follows comes by itself.
const AHEAD: usize = 512;
/// Bytes that memory moves at once.
const LINE: usize = 64;

/// Says that a vector of so many bytes will be wanted soon.
#[inline(always)]
pub(super) fn prefetch_vector(bytes: &[u8], start: usize, length: usize) {
    for at in (0..length.min(AHEAD)).step_by(LINE) {
        prefetch(bytes, start + at);
    }
}

/// What the head of a graph says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub index: VectorIndexSchema,
    pub coded: bool,
    /// The node where a walk begins, and its place among those on higher levels.
    pub entry: u32,
    pub entry_place: u32,
    pub levels: u32,
    pub segment: [u8; 32],
}

impl Head {
    pub fn encode(&self) -> Vec<u8> {
        let index = &self.index;
        let mut bytes = vec![VERSION, index.element as u8, index.metric as u8, u8::from(self.coded)];
        let numbers = [
            index.dimensions,
            index.m,
            index.ef_construction,
            index.column.0,
            self.entry,
            self.entry_place,
            self.levels,
        ];
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        bytes.extend_from_slice(&self.segment);
        bytes
    }
}

/// A graph that can be walked.
#[derive(Debug)]
pub(crate) struct Graph {
    container: GraphContainer,
    metric: Metric,
    dimensions: usize,
    /// Links of a list on higher levels.
    m: usize,
    levels: usize,
    entry: u32,
    entry_place: u32,
    /// Offset and scale of each dimension, if vectors are codes.
    codes: Option<(Vec<f32>, Vec<f32>)>,
    /// Bytes of one vector.
    stride: usize,
    damaged: AtomicBool,
}

impl Graph {
    /// Opens the graph of an index over the segment with this content.
    pub fn open(
        environment: &Environment,
        file: FileId,
        hash: &[u8; 32],
        index: &VectorIndexSchema,
        segment: [u8; 32],
    ) -> Result<Graph, SegmentError> {
        let container = GraphContainer::open(environment, file, u64::from(index.id.0), hash)?;
        let head = container.head.as_slice();
        if head.first() != Some(&VERSION) {
            return Err(container.unknown("the version of the graph"));
        }
        let number = |place: usize| {
            let bytes = head.get(4 + place * 4..8 + place * 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let coded = head.get(3) == Some(&1);
        let known = Head {
            index: *index,
            coded,
            entry: number(4),
            entry_place: number(5),
            levels: number(6),
            segment,
        };
        if head.len() != HEAD || head != known.encode() {
            return Err(container.corrupt("the graph is of other vectors"));
        }
        let dimensions = index.dimensions as usize;
        let stride = if coded { dimensions } else { dimensions * 4 };
        let codes = coded.then(|| {
            let (offsets, scales) = container.scales.split_at(dimensions.min(container.scales.len()));
            (offsets.to_vec(), scales.to_vec())
        });
        let fits = container.vector_bytes() == container.nodes() * stride
            && codes
                .as_ref()
                .is_none_or(|(offsets, scales)| offsets.len() == dimensions && scales.len() == dimensions)
            && (known.entry as usize) < container.nodes()
            && (known.levels > 1) == ((known.entry_place as usize) < container.upper_count());
        if !fits {
            return Err(container.corrupt("the parts of the graph do not fit each other"));
        }
        Ok(Graph {
            container,
            metric: index.metric,
            dimensions,
            m: index.m as usize,
            levels: known.levels as usize,
            entry: known.entry,
            entry_place: known.entry_place,
            codes,
            stride,
            damaged: AtomicBool::new(false),
        })
    }

    pub fn file(&self) -> FileId {
        self.container.file()
    }

    /// The length of the file.
    pub fn file_bytes(&self) -> usize {
        self.container.file_bytes()
    }

    pub fn nodes(&self) -> usize {
        self.container.nodes()
    }

    /// Whether a walk met damage: the graph is not used any more.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// Sets the graph aside; says whether it was in use until now.
    pub fn damage(&self) -> bool {
        !self.damaged.swap(true, Ordering::AcqRel)
    }

    /// Reads every byte and compares it with its checksum.
    pub fn verify(&self) -> Result<(), SegmentError> {
        self.container.verify()
    }

    /// The row of a node.
    #[inline(always)]
    pub fn row(&self, node: u32) -> Result<usize, SegmentError> {
        self.container.row(node as usize)
    }

    /// The node where a walk begins, and its place among those on higher levels if there are such.
    pub fn entry(&self) -> (u32, Option<usize>) {
        (self.entry, (self.levels > 1).then_some(self.entry_place as usize))
    }

    /// The highest level, the lowest being zero.
    pub fn highest(&self) -> usize {
        self.levels.saturating_sub(1)
    }

    /// The node at a place among those on higher levels.
    #[inline(always)]
    pub fn upper(&self, place: usize) -> Result<u32, SegmentError> {
        Ok(self.container.upper(place)? as u32)
    }

    /// Links on a higher level, of a place to places.
    #[inline(always)]
    pub fn upper_links(&self, place: usize, level: usize) -> Result<&[u32], SegmentError> {
        let (first, end) = self.container.upper_lists(place)?;
        let list = first + level - 1;
        if list >= end {
            return Ok(&[]);
        }
        self.container.upper_links(list * self.m, self.m)
    }

    /// Links on the lowest level.
    #[inline(always)]
    pub fn links(&self, node: u32) -> Result<&[u32], SegmentError> {
        self.container.links(node as usize * self.m * 2, self.m * 2)
    }

    /// Says that the links of a node will be wanted soon.
    #[inline(always)]
    pub fn prefetch_links(&self, node: u32) {
        let start = node as usize * self.m * 2;
        for at in (0..self.m * 2).step_by(LINE / size_of::<u32>()) {
            prefetch(self.container.all_links(), start + at);
        }
    }

    /// Turns a query into what costs are computed from.
    pub fn prepare(&self, query: &[f32], prepared: &mut Vec<f32>) {
        prepared.clear();
        let length = if self.metric == Metric::Cosine { squared_length(query).sqrt() } else { 1.0 };
        match (&self.codes, self.metric) {
            (None, _) => prepared.extend(query.iter().map(|number| number / length)),
            (Some((_, scales)), Metric::InnerProduct | Metric::Cosine) => {
                prepared.extend(query.iter().zip(scales).map(|(number, scale)| number / length * scale));
            }
            (Some((offsets, _)), Metric::L2 | Metric::L1) => {
                prepared.extend(query.iter().zip(offsets).map(|(number, offset)| number - offset));
            }
        }
    }

    /// What every cost lacks against that of the whole vector: codes leave out what is the same for all nodes.
    pub fn base(&self, query: &[f32]) -> f32 {
        match (&self.codes, self.metric) {
            (Some((offsets, _)), Metric::InnerProduct | Metric::Cosine) => {
                let length = if self.metric == Metric::Cosine { squared_length(query).sqrt() } else { 1.0 };
                -query.iter().zip(offsets).map(|(number, offset)| number / length * offset).sum::<f32>()
            }
            (Some(_), Metric::L2 | Metric::L1) | (None, _) => 0.0,
        }
    }

    /// A number of the same order as the distance of a node from the query.
    #[inline]
    pub fn cost(&self, prepared: &[f32], node: u32) -> Result<f32, SegmentError> {
        let vector = self.container.vector(node as usize * self.stride, self.stride)?;
        debug_assert_eq!(prepared.len(), self.dimensions);
        Ok(match (&self.codes, self.metric) {
            (Some((_, scales)), Metric::L2) => sum_codes::<Squares>(prepared, scales, vector),
            // Both are of length one: the greater the product, the smaller the angle.
            (Some((_, scales)), Metric::InnerProduct | Metric::Cosine) => {
                -sum_codes::<Products>(prepared, scales, vector)
            }
            (Some((_, scales)), Metric::L1) => sum_codes::<Absolutes>(prepared, scales, vector),
            (None, Metric::L2) => sum::<Single, 4, Squares>(prepared, vector),
            (None, Metric::InnerProduct | Metric::Cosine) => -sum::<Single, 4, Products>(prepared, vector),
            (None, Metric::L1) => sum::<Single, 4, Absolutes>(prepared, vector),
        })
    }

    /// Says that the vector of a node will be wanted soon.
    #[inline(always)]
    pub fn prefetch(&self, node: u32) {
        prefetch_vector(self.container.vectors(), node as usize * self.stride, self.stride);
    }
}
