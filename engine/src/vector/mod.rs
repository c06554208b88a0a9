//! Vectors: the rows nearest to a point, at any moment that can be read.
//!
//! A vector index names a column of bytes, each value an array of numbers, and a measure of distance. It has two tiers.
//! What lies in hot chunks, or is a transaction's own, is searched exactly (`exact`). A segment may have a graph of
//! links between near neighbours (`graph`), built by FAISS in the background (`faiss`, `builder`) and walked here
//! (`walk`); a segment without one, because it is small, young, or its graph is damaged, is searched exactly too.
//!
//! Invariants: an answer holds `k` rows whenever `k` rows qualify; every row in it is visible to the view and passes the
//! filter; its distance is computed from the row's own value. A graph is an accelerator, never a semantic: without any
//! of them answers are exact. NULL, a value of another length than the index says, and under the cosine a vector
//! without direction are in no answer.
//!
//! Failure: a graph that is damaged is set aside and built anew; its segment is searched exactly until then.

pub(crate) mod builder;
mod codes;
mod contenders;
mod exact;
mod faiss;
pub(crate) mod graph;
pub(crate) mod graphs;
mod kernel;
mod measure;
mod nearest;
#[cfg(test)]
mod oracle;
mod steer;
mod top;
mod train;
mod walk;

pub use measure::distance;

use crate::table::row::RowRef;
use crate::{ColumnId, IndexId, RowHandle};

/// How the numbers of a value are written, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Element {
    /// IEEE single precision.
    F32 = 0,
    /// IEEE half precision.
    F16 = 1,
}

impl Element {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Element::F32 => 4,
            Element::F16 => 2,
        }
    }

    pub(crate) fn from_tag(tag: u8) -> Option<Element> {
        match tag {
            0 => Some(Element::F32),
            1 => Some(Element::F16),
            _ => None,
        }
    }
}

/// What "near" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Metric {
    /// Euclidean distance.
    L2 = 0,
    /// The negative inner product.
    InnerProduct = 1,
    /// One minus the cosine of the angle.
    Cosine = 2,
    /// The sum of the absolute differences.
    L1 = 3,
}

impl Metric {
    pub(crate) fn from_tag(tag: u8) -> Option<Metric> {
        match tag {
            0 => Some(Metric::L2),
            1 => Some(Metric::InnerProduct),
            2 => Some(Metric::Cosine),
            3 => Some(Metric::L1),
            _ => None,
        }
    }
}

/// An index over a column of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorIndexSchema {
    pub id: IndexId,
    /// A column of [`crate::PhysicalType::Bytes`].
    pub column: ColumnId,
    pub element: Element,
    pub metric: Metric,
    pub dimensions: u32,
    /// Links of a node on the upper levels of a graph; twice as many on the lowest.
    pub m: u32,
    /// How many near nodes are looked at for the links of a new one.
    pub ef_construction: u32,
}

impl VectorIndexSchema {
    /// Bytes of a value that the index holds.
    pub(crate) fn value_bytes(&self) -> usize {
        self.dimensions as usize * self.element.bytes()
    }
}

/// A test of a row that qualifies by its moment.
pub type Filter<'a> = dyn FnMut(RowHandle, RowRef<'_>) -> bool + 'a;

/// What is searched for.
pub struct Search<'a> {
    /// How many rows are wanted.
    pub k: usize,
    /// How many near nodes of a graph are kept while it is walked; never fewer than `k`.
    pub ef: usize,
    /// Rows that do not pass are not wanted. Run under the table's latch: it may read, but neither write nor wait.
    pub filter: Option<&'a mut Filter<'a>>,
    /// The part of the rows that is expected to pass the filter, from 0 to 1, if the caller has an idea of it.
    pub expected_share: Option<f64>,
}

/// How an answer was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearestReport {
    /// Rows in memory, own ones included, whose distance was looked at.
    pub hot_rows: u64,
    /// Graphs walked.
    pub graphs: u64,
    /// Nodes of graphs whose distance was looked at.
    pub candidates: u64,
    /// Segments searched exactly, and how many of their rows were looked at.
    pub exact_segments: u64,
    pub exact_rows: u64,
    /// Of those: segments whose walk had come to too few rows that qualify.
    pub starved: u64,
    /// How often the filter was asked.
    pub filtered: u64,
}

/// The nearest rows, nearest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nearest {
    pub rows: Vec<(RowHandle, f64)>,
    pub report: NearestReport,
}
