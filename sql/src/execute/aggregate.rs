//! Aggregation by hash, with grouping sets, FILTER, DISTINCT, ORDER BY and ordered sets.
//!
//! Groups come out in the order in which they first appeared, as far as memory reaches. Equality of groups is that of
//! comparison keys; a group shows the values of its first row.
//!
//! Memory is accounted for with the pool. When there is no more, the groups that there are stay and go on to the end;
//! rows of groups not met yet are put aside in files, parted by their keys, and each part is grouped afterwards in the
//! same way. So memory is bounded but for what single groups keep (array_agg, DISTINCT and ORDER BY inside a call): for
//! these there is 53200.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch, new_null_array};
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::StreamExt;
use hashbrown::HashMap;

use super::accumulate::Accumulation;
use super::execution::Execution;
use super::keys::RowKeys;
use super::spill::{Parts, taken};
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
    /// How often the rows were parted before.
    level: u32,
    /// Memory has run out: no new groups.
    full: bool,
    /// The rows of groups that were not opened.
    aside: Option<Parts>,
}

/// Memory beyond that at which new groups were put aside, for the groups that stay to grow into.
const GROWTH: usize = 16 << 20;

/// An aggregation at work: what it still has to do, and what is ready.
struct Aggregation {
    node: Arc<Node>,
    execution: Execution,
    reservation: MemoryReservation,
    work: VecDeque<Step>,
    ready: VecDeque<RecordBatch>,
}

/// One thing to do after the input has been read.
enum Step {
    /// Gives the groups of a set, then those of what it has put aside.
    Give(Box<GroupingSet>),
    /// Groups a part of what a set has put aside.
    Read { members: Vec<usize>, level: u32, part: Batches },
}

pub(super) fn aggregate(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let pool = execution.shared.tasks.memory_pool();
    let reservation = MemoryConsumer::new("Aggregate").with_can_spill(true).register(pool);
    let aggregation = Aggregation {
        node: node.clone(),
        execution: execution.clone(),
        reservation,
        work: VecDeque::new(),
        ready: VecDeque::new(),
    };
    futures::stream::try_unfold((aggregation, Some(input)), |(mut aggregation, input)| async move {
        if let Some(input) = input {
            let plan = plan_of(&aggregation.node)?;
            let sets = plan.sets.iter().map(|set| GroupingSet::new(plan, set, 0)).collect::<Result<_>>()?;
            let sets = aggregation.read(sets, input).await?;
            aggregation.work.extend(sets.into_iter().map(|set| Step::Give(Box::new(set))));
        }
        Ok(aggregation.next().await?.map(|batch| (batch, (aggregation, None))))
    })
    .boxed()
}

fn plan_of(node: &Node) -> Result<&Aggregate> {
    match &node.operator {
        Operator::Aggregate(plan) => Ok(plan),
        _ => Err(Error::internal("not an aggregation")),
    }
}

impl Aggregation {
    /// Groups an input by several sets at once.
    async fn read(&mut self, mut sets: Vec<GroupingSet>, mut input: Batches) -> Result<Vec<GroupingSet>> {
        let node = self.node.clone();
        let plan = plan_of(&node)?;
        let waiting: usize = self.work.iter().map(Step::size).sum();
        // Where memory ran out.
        let mut full = None;
        while let Some(batch) = input.next().await {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            let mut size = waiting;
            for set in &mut sets {
                set.update(plan, &self.execution, &batch)?;
                size += set.size();
            }
            let Err(error) = self.reservation.try_resize(size) else { continue };
            let can_spill = batch.num_columns() > 0 && sets.iter().any(|set| !set.keys.is_empty());
            match full {
                None if can_spill => {
                    self.reservation.resize(size);
                    full = Some(size);
                    sets.iter_mut().for_each(|set| set.full = true);
                }
                Some(least) if size <= least + GROWTH => self.reservation.resize(size),
                None | Some(_) => return Err(from_datafusion(error)),
            }
        }
        Ok(sets)
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            let node = self.node.clone();
            let plan = plan_of(&node)?;
            match self.work.pop_front() {
                None => return Ok(None),
                Some(Step::Give(mut set)) => {
                    let members = set.members.clone();
                    let aside = set.aside.take().map(Parts::finish).transpose()?;
                    self.ready.extend(pieces(&set.finish(plan, &node, &self.execution)?));
                    self.reservation.resize(self.work.iter().map(Step::size).sum());
                    let (level, parts) = aside.unwrap_or_default();
                    for part in parts.into_iter().rev() {
                        self.work.push_front(Step::Read { members: members.clone(), level, part });
                    }
                }
                Some(Step::Read { members, level, part }) => {
                    let set = GroupingSet::new(plan, &members, level + 1)?;
                    for set in self.read(vec![set], part).await? {
                        self.work.push_front(Step::Give(Box::new(set)));
                    }
                }
            }
        }
    }
}

impl Step {
    fn size(&self) -> usize {
        match self {
            Step::Give(set) => set.size(),
            Step::Read { .. } => 0,
        }
    }
}

/// The form in which a group column is compared.
fn group_form(oid: u32) -> KeyForm {
    if key::native_is_key(oid) { KeyForm::Native } else { KeyForm::Encoded(oid) }
}

impl GroupingSet {
    fn new(plan: &Aggregate, members: &[usize], level: u32) -> Result<GroupingSet> {
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
            level,
            full: false,
            aside: None,
        })
    }

    fn update(&mut self, plan: &Aggregate, execution: &Execution, batch: &RecordBatch) -> Result<()> {
        let scope = execution.scope();
        let (groups, left) = self.assign(execution, batch)?;
        let batch = left.as_ref().unwrap_or(batch);
        for (call, accumulation) in plan.calls.iter().zip(&mut self.calls) {
            accumulation.update(call, &scope, batch, &groups, self.count)?;
        }
        Ok(())
    }

    /// The group of each row; new groups are opened. Where memory has run out, rows of new groups are put aside, and the
    /// groups are those of the rows left, which come with them.
    fn assign(
        &mut self,
        execution: &Execution,
        batch: &RecordBatch,
    ) -> Result<(Vec<usize>, Option<RecordBatch>)> {
        let scope = execution.scope();
        if self.keys.is_empty() {
            self.count = 1;
            return Ok((vec![0; batch.num_rows()], None));
        }
        let keys = self.converter.of(&self.keys, &scope, batch)?;
        let mut groups = Vec::with_capacity(batch.num_rows());
        let (mut opened, mut left, mut aside) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let key = keys.get(row);
            let group = match self.groups.get(key) {
                Some(group) => *group,
                None if self.full => {
                    aside.push(row as u32);
                    continue;
                }
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
            left.push(row as u32);
        }
        if !opened.is_empty() {
            for (key, builder) in self.keys.iter().zip(&mut self.shown) {
                let column = key.expression.evaluate_batch(&scope, batch)?;
                for row in &opened {
                    builder.append(&value_at(column.as_ref(), *row)?)?;
                }
            }
        }
        if aside.is_empty() {
            return Ok((groups, None));
        }
        let parts = self.aside.get_or_insert_with(|| Parts::new(execution, &batch.schema(), self.level));
        parts.put(batch, &aside, &keys)?;
        Ok((groups, Some(taken(batch, left, &batch.schema())?)))
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
