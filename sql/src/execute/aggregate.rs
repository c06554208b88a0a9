//! Aggregation by hash, with grouping sets, FILTER, DISTINCT, ORDER BY and ordered sets.
//!
//! Groups come out in the order in which they first appeared. Equality of groups is that of comparison keys; a
//! group shows the values of its first row. Memory is accounted for with the pool; there is no spill.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch, new_null_array};
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::StreamExt;
use hashbrown::HashMap;

use super::accumulate::Accumulation;
use super::execution::Execution;
use super::keys::RowKeys;
use super::stream::{Batches, batch_of, from_datafusion, pieces};
use crate::error::{Error, Result};
use crate::evaluate::column::{ColumnBuilder, value_at};
use crate::plan::Node;
use crate::plan::node::{Aggregate, KeyExpression, KeyForm, Operator};
use crate::types::key;

/// One grouping set at work.
struct GroupingSet {
    members: Vec<usize>,
    keys: Vec<KeyExpression>,
    converter: RowKeys,
    groups: HashMap<Vec<u8>, usize>,
    /// The shown values of each group column, in the order of the groups.
    shown: Vec<ColumnBuilder>,
    count: usize,
    calls: Vec<Accumulation>,
    key_bytes: usize,
}

pub(super) fn aggregate(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    futures::stream::once(async move {
        let mut input = input;
        let Operator::Aggregate(plan) = &node.operator else {
            return Err(Error::internal("not an aggregation"));
        };
        let reservation = MemoryConsumer::new("Aggregate").register(execution.shared.tasks.memory_pool());
        let mut sets = plan.sets.iter().map(|set| GroupingSet::new(plan, set)).collect::<Result<Vec<_>>>()?;
        while let Some(batch) = input.next().await {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            let mut size = 0;
            for set in &mut sets {
                set.update(plan, &execution, &batch)?;
                size += set.size();
            }
            reserve(&reservation, size)?;
        }
        let mut batches = VecDeque::new();
        for set in sets {
            batches.extend(pieces(&set.finish(plan, &node, &execution)?));
        }
        Ok(futures::stream::iter(batches.into_iter().map(Ok)))
    })
    .map(|outcome| match outcome {
        Ok(batches) => batches.boxed(),
        Err(error) => futures::stream::once(std::future::ready(Err(error))).boxed(),
    })
    .flatten()
    .boxed()
}

fn reserve(reservation: &MemoryReservation, size: usize) -> Result<()> {
    reservation.try_resize(size).map_err(from_datafusion)
}

/// The form in which a group column is compared.
fn group_form(oid: u32) -> KeyForm {
    if key::native_is_key(oid) { KeyForm::Native } else { KeyForm::Encoded(oid) }
}

impl GroupingSet {
    fn new(plan: &Aggregate, members: &[usize]) -> Result<GroupingSet> {
        let keys: Vec<KeyExpression> = members
            .iter()
            .filter_map(|member| plan.groups.get(*member))
            .map(|group| KeyExpression { expression: group.expression.clone(), form: group_form(group.oid) })
            .collect();
        let shown = keys.iter().map(|key| ColumnBuilder::new(key.expression.physical(), 64)).collect();
        let calls = plan.calls.iter().map(Accumulation::new).collect::<Result<_>>()?;
        Ok(GroupingSet {
            members: members.to_vec(),
            converter: RowKeys::new(&keys)?,
            keys,
            groups: HashMap::new(),
            shown,
            count: 0,
            calls,
            key_bytes: 0,
        })
    }

    fn update(&mut self, plan: &Aggregate, execution: &Execution, batch: &RecordBatch) -> Result<()> {
        let scope = execution.scope();
        let groups = self.assign(execution, batch)?;
        for (call, accumulation) in plan.calls.iter().zip(&mut self.calls) {
            accumulation.update(call, &scope, batch, &groups, self.count)?;
        }
        Ok(())
    }

    /// The group of each row; new groups are opened.
    fn assign(&mut self, execution: &Execution, batch: &RecordBatch) -> Result<Vec<usize>> {
        let scope = execution.scope();
        if self.keys.is_empty() {
            self.count = 1;
            return Ok(vec![0; batch.num_rows()]);
        }
        let keys = self.converter.of(&self.keys, &scope, batch)?;
        let mut groups = Vec::with_capacity(batch.num_rows());
        let mut opened = Vec::new();
        for row in 0..batch.num_rows() {
            let key = keys.get(row);
            let group = match self.groups.get(key) {
                Some(group) => *group,
                None => {
                    let group = self.count;
                    self.groups.insert(key.to_vec(), group);
                    self.key_bytes += key.len() + 64;
                    self.count += 1;
                    opened.push(row);
                    group
                }
            };
            groups.push(group);
        }
        if !opened.is_empty() {
            for (key, builder) in self.keys.iter().zip(&mut self.shown) {
                let column = key.expression.evaluate_batch(&scope, batch)?;
                for row in &opened {
                    builder.append(&value_at(column.as_ref(), *row)?)?;
                }
            }
        }
        Ok(groups)
    }

    fn size(&self) -> usize {
        self.key_bytes * 2 + self.calls.iter().map(Accumulation::size).sum::<usize>()
    }

    /// The groups' rows.
    fn finish(mut self, plan: &Aggregate, node: &Node, execution: &Execution) -> Result<RecordBatch> {
        // Without group columns there is one group, even of no rows.
        if self.keys.is_empty() {
            self.count = 1;
        }
        let rows = self.count;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(node.columns.len());
        for (index, group) in plan.groups.iter().enumerate() {
            let place = self.members.iter().position(|member| *member == index);
            columns.push(match place.and_then(|place| self.shown.get_mut(place)) {
                Some(builder) => builder.finish(),
                None => new_null_array(&group.expression.physical().arrow(), rows),
            });
        }
        for (call, accumulation) in plan.calls.iter().zip(self.calls) {
            columns.push(accumulation.finish(call, &execution.scope(), rows)?);
        }
        for list in &plan.grouping {
            let bits =
                list.iter().fold(0, |bits, member| bits << 1 | i32::from(!self.members.contains(member)));
            columns.push(Arc::new(Int32Array::from(vec![bits; rows])));
        }
        batch_of(&node.schema, columns, rows)
    }
}
