//! DISTINCT and DISTINCT ON: the first row of each set of equal keys, in input order.
//!
//! The keys met are kept. When memory runs out no more are: rows of other keys are put aside in files, parted by their
//! keys, and each part is gone through afterwards in the same way. The order of rows is then no longer that of the
//! input, so where somebody relies on it (the node says so) there is 53200 instead.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::StreamExt;
use hashbrown::HashSet;

use super::execution::Execution;
use super::keys::RowKeys;
use super::spill::{Parts, taken};
use super::stream::{Batches, from_datafusion};
use crate::error::{Error, Result};
use crate::plan::Node;
use crate::plan::node::{KeyExpression, Operator};

/// What a key takes beside its bytes.
const KEY_SIZE: usize = 48;

/// A distinct at work.
struct Distinct {
    node: Arc<Node>,
    execution: Execution,
    converter: RowKeys,
    reservation: MemoryReservation,
    seen: HashSet<Vec<u8>>,
    /// Memory has run out: no new keys.
    full: bool,
    level: u32,
    aside: Option<Parts>,
    /// What is read at present, and what was put aside: level and rows.
    input: Batches,
    parts: VecDeque<(u32, Batches)>,
}

fn keys_of(node: &Node) -> Result<&[KeyExpression]> {
    match &node.operator {
        Operator::Distinct { keys, .. } => Ok(keys),
        _ => Err(Error::internal("not a distinct")),
    }
}

pub(super) fn distinct(node: &Arc<Node>, execution: &Execution, input: Batches) -> Result<Batches> {
    let pool = execution.shared.tasks.memory_pool();
    let spills = node.order.is_empty();
    let distinct = Distinct {
        node: node.clone(),
        execution: execution.clone(),
        converter: RowKeys::new(keys_of(node)?)?,
        reservation: MemoryConsumer::new("Distinct").with_can_spill(spills).register(pool),
        seen: HashSet::new(),
        full: false,
        level: 0,
        aside: None,
        input,
        parts: VecDeque::new(),
    };
    let batches = futures::stream::try_unfold(distinct, |mut distinct| async move {
        Ok(distinct.next().await?.map(|batch| (batch, distinct)))
    });
    Ok(batches.boxed())
}

impl Distinct {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match self.input.next().await {
                Some(batch) => {
                    let batch = self.first(&batch?)?;
                    if batch.num_rows() > 0 {
                        return Ok(Some(batch));
                    }
                }
                None => {
                    let (level, parts) =
                        self.aside.take().map(Parts::finish).transpose()?.unwrap_or_default();
                    for part in parts.into_iter().rev() {
                        self.parts.push_front((level + 1, part));
                    }
                    let Some((level, part)) = self.parts.pop_front() else { return Ok(None) };
                    self.seen = HashSet::new();
                    self.reservation.free();
                    (self.level, self.input, self.full) = (level, part, false);
                }
            }
        }
    }

    /// The rows of a batch whose keys have not been met.
    fn first(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let node = self.node.clone();
        let keys = self.converter.of(keys_of(&node)?, &self.execution.scope(), batch)?;
        let (mut first, mut aside, mut added) = (Vec::new(), Vec::new(), 0);
        for row in 0..batch.num_rows() {
            let key = keys.get(row);
            if self.seen.contains(key) {
                continue;
            }
            if self.full {
                aside.push(row as u32);
            } else {
                added += key.len() + KEY_SIZE;
                self.seen.insert(key.to_vec());
                first.push(row as u32);
            }
        }
        if let Err(error) = self.reservation.try_grow(added) {
            if !self.node.order.is_empty() || batch.num_columns() == 0 {
                return Err(from_datafusion(error));
            }
            self.reservation.grow(added);
            self.full = true;
        }
        if !aside.is_empty() {
            let level = self.level;
            let parts = self.aside.get_or_insert_with(|| Parts::new(&self.execution, &batch.schema(), level));
            parts.put(batch, &aside, &keys)?;
        }
        taken(batch, first, &batch.schema())
    }
}
