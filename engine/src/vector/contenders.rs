//! What the walks of a search have found, compared again by the rows themselves.
//!
//! Costs in a graph err by little where its vectors are codes: the right rows are among the first few times as many.

use super::exact::Seeker;
use super::graph::prefetch_vector;
use super::walk::{Ground, Walk};
use crate::Error;
use crate::segment::SegmentError;
use crate::table::row::{Columns, Found};
use crate::table::segments::SegmentPart;
use std::sync::Arc;

/// So many times as many as are wanted, and some more, are compared again.
const COMPARED_AGAIN: usize = 4;
const SPARE: usize = 16;

/// How many are compared again where `k` are wanted.
pub(super) fn compared_again(k: usize) -> usize {
    k * COMPARED_AGAIN + SPARE
}

/// A row that a walk has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Contender {
    /// Of the order of costs.
    cost: u32,
    /// Which of the segments.
    segment: usize,
    row: usize,
}

/// The rows that the walks of one search have found.
#[derive(Debug, Default)]
pub(super) struct Contenders {
    rows: Vec<Contender>,
}

impl Contenders {
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Takes in what a walk has found in a segment. On an error nothing of it.
    pub fn take(&mut self, segment: usize, ground: &Ground<'_>, walk: &Walk) -> Result<(), SegmentError> {
        let before = self.rows.len();
        for (cost, node) in walk.found() {
            match ground.graph.row(node) {
                Ok(row) => self.rows.push(Contender { cost, segment, row }),
                Err(error) => {
                    self.rows.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl Seeker<'_, '_> {
    /// Considers the best of all contenders.
    pub fn settle(
        &mut self,
        contenders: &mut Contenders,
        parts: &[Arc<SegmentPart>],
        columns: Columns<'_>,
        k: usize,
    ) -> Result<(), Error> {
        let rows = &mut contenders.rows;
        let most = compared_again(k);
        if rows.len() > most {
            rows.select_nth_unstable(most);
            rows.truncate(most);
        }
        let row_of = |contender: &Contender| {
            let part = parts.get(contender.segment)?;
            Some((part.location(contender.row), columns.of(Found::Segment(part, contender.row))))
        };
        for row in rows.iter().filter_map(row_of).map(|(_, row)| row) {
            let value = row.stored(self.index.column)?.unwrap_or_default();
            prefetch_vector(value, 0, value.len());
        }
        for (location, row) in rows.iter().filter_map(row_of) {
            self.consider_qualified(location, row)?;
        }
        Ok(())
    }
}
