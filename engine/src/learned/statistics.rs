//! What a learned index says of itself.

use super::line::{Group, Line};
use super::search::SPAN;
use super::{LEAF_BITS, LearnedIndex};
use std::sync::atomic::Ordering;

/// The figures of one learned index.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LearnedStatistics {
    pub keys: u64,
    pub leaves: u64,
    /// Leaves whose error is so large that a window of rows may need halving.
    pub wide_leaves: u64,
    /// The greatest distance between a number's place and where its leaf's line says.
    pub max_error: u64,
    /// The mean of the leaves' greatest errors.
    pub mean_error: f64,
    /// The mean of the greatest errors of the root's lines, in leaves.
    pub mean_root_error: f64,
    /// Bytes that the index takes, those in the file included.
    pub bytes: u64,
    /// Searches that found their rows far from where the index said, since the file was opened: none in a sound file.
    pub fallbacks: u64,
    /// Whether the one in the file could not be used.
    pub rebuilt: bool,
}

impl LearnedIndex {
    /// The figures of this index; reads all leaves.
    pub fn statistics(&self) -> LearnedStatistics {
        let mut statistics = LearnedStatistics {
            keys: self.rows as u64,
            leaves: self.leaves.len() as u64,
            bytes: (size_of_val(&*self.leaves) + size_of_val(&*self.anchors) + self.root.bytes()) as u64,
            fallbacks: self.fallbacks.load(Ordering::Relaxed),
            rebuilt: self.rebuilt,
            ..LearnedStatistics::default()
        };
        let mut sum = 0;
        for (leaf, line) in self.leaves.iter().enumerate() {
            let error = Line(*line).error(Group::of(leaf, LEAF_BITS, self.rows));
            statistics.wide_leaves += u64::from(2 * error > SPAN as u64);
            statistics.max_error = statistics.max_error.max(error);
            sum += error;
        }
        statistics.mean_error = sum as f64 / self.leaves.len().max(1) as f64;
        let lines = self.root.lines();
        let root_error =
            |(at, line): (usize, &Line)| line.error(Group::of(at, self.root.bits(), self.leaves.len()));
        let sum: u64 = lines.iter().enumerate().map(root_error).sum();
        statistics.mean_root_error = sum as f64 / lines.len().max(1) as f64;
        statistics
    }
}
