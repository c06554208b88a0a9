//! Whether the references in files lead to the values that they mean.

use super::read::Long;
use super::{Reference, has_bytes};
use crate::table::Table;
use crate::table::segments::SegmentPart;
use crate::{ColumnId, Error};
use hashbrown::HashSet;
use std::sync::Arc;

/// The long values of a table, looked up by what refers to them.
pub(crate) struct References<'a> {
    values: &'a Arc<Table>,
    /// The columns in which references may stand.
    long: &'a [ColumnId],
    /// Hashes of values that were there and right.
    right: HashSet<[u8; 16]>,
}

impl<'a> References<'a> {
    pub fn new(values: &'a Arc<Table>, long: &'a [ColumnId]) -> References<'a> {
        References { values, long, right: HashSet::new() }
    }

    /// How many references of a segment lead to no value that can be read, or to another one. Reads every value that no
    /// call before has read.
    pub fn wrong(&mut self, part: &SegmentPart) -> Result<usize, Error> {
        let mut wrong = 0;
        let columns = part.segment.columns().iter();
        for (column, _) in columns.filter(|(column, kind)| has_bytes(*kind) && self.long.contains(column)) {
            for row in 0..part.segment.rows() {
                let stored = part.segment.value_bytes(*column, row)?;
                let reference = stored.and_then(Reference::parse);
                wrong += usize::from(reference.is_some_and(|reference| !self.is_right(&reference)));
            }
        }
        Ok(wrong)
    }

    fn is_right(&mut self, reference: &Reference) -> bool {
        if self.right.contains(&reference.hash) {
            return true;
        }
        let mut is_right = false;
        let read = Long::committed(Some(self.values))
            .visit(reference, &mut |bytes| is_right = Reference::to(bytes) == *reference);
        if read.is_ok() && is_right {
            self.right.insert(reference.hash);
        }
        read.is_ok() && is_right
    }
}
