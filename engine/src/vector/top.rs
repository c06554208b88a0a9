//! The best rows so far: a heap of at most `k`, the worst on top.

use crate::ids::Location;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row that qualifies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub cost: f64,
    pub birth: u64,
    pub location: Location,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By cost, and among equals by birth: answers do not depend on where rows lie.
impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.cost.total_cmp(&other.cost).then(self.birth.cmp(&other.birth))
    }
}

/// The nearest `k` of what it was shown.
#[derive(Debug, Default)]
pub(super) struct Top {
    k: usize,
    heap: BinaryHeap<Candidate>,
}

impl Top {
    /// Begins anew; the room is kept.
    pub fn reset(&mut self, k: usize) {
        self.k = k;
        self.heap.clear();
    }

    pub fn is_full(&self) -> bool {
        self.heap.len() >= self.k
    }

    /// Whether a row of this cost could still come in.
    #[inline]
    pub fn may_take(&self, cost: f64) -> bool {
        match self.heap.peek() {
            Some(worst) if self.is_full() => cost.total_cmp(&worst.cost) != Ordering::Greater,
            Some(_) | None => self.k > 0,
        }
    }

    pub fn push(&mut self, candidate: Candidate) {
        if !self.is_full() {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut() {
            if candidate < *worst {
                *worst = candidate;
            }
        }
    }

    /// What is in it, nearest first; it is empty then.
    pub fn drain_sorted(&mut self) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = self.heap.drain().collect();
        candidates.sort_unstable();
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_stay_and_equals_go_by_birth() {
        let mut top = Top::default();
        top.reset(3);
        for (cost, birth) in [(5.0, 1), (1.0, 9), (1.0, 2), (4.0, 4), (1.0, 8), (f64::NAN, 3)] {
            if top.may_take(cost) {
                top.push(Candidate { cost, birth, location: Location::NONE });
            }
        }
        let births: Vec<u64> = top.drain_sorted().iter().map(|each| each.birth).collect();
        assert_eq!(births, [2, 8, 9]);
        top.reset(0);
        assert!(!top.may_take(1.0));
    }
}
