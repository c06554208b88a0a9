//! One aggregate call over many groups.
//!
//! Three ways: batch-wise where the aggregate has such a form and neither DISTINCT nor ORDER BY; row by row; or, where
//! the order of the input counts, rows kept per group under their sort key and fed at the end.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use engine::Value;

use crate::error::{Error, Result};
use crate::evaluate::column::{ColumnBuilder, value_at};
use crate::evaluate::{Rows, Scope};
use crate::functions::{Accumulator, AggregateImplementation, GroupedAccumulator, Vector, aggregate};
use crate::plan::node::{AggregatePlan, SortItem};
use crate::types::key;

/// A call's state over all groups.
pub(super) struct Accumulation {
    way: Way,
    implementation: &'static AggregateImplementation,
    /// Direct arguments, of each group's first row.
    direct: Vec<Vec<Value>>,
    bytes: usize,
}

/// Rows of one group under sort key and number.
type KeptRows = BTreeMap<(Vec<u8>, u64), Vec<Value>>;

enum Way {
    Grouped(Box<dyn GroupedAccumulator>),
    Single(Vec<Box<dyn Accumulator>>),
    /// Per group, the arguments under their sort key; without DISTINCT the row's number keeps equal ones apart.
    Kept {
        groups: Vec<BTreeMap<(Vec<u8>, u64), Vec<Value>>>,
        next: u64,
    },
}

impl Accumulation {
    pub fn new(call: &AggregatePlan) -> Result<Accumulation> {
        let implementation = aggregate(call.call.function)
            .ok_or_else(|| Error::unsupported(format!("aggregate function {}", call.name)))?;
        let way = if call.distinct || !call.order.is_empty() {
            Way::Kept { groups: Vec::new(), next: 0 }
        } else {
            match implementation.grouped {
                Some(grouped) => Way::Grouped(grouped(&call.call)?),
                None => Way::Single(Vec::new()),
            }
        };
        Ok(Accumulation { way, implementation, direct: Vec::new(), bytes: 0 })
    }

    /// Takes in a batch; `groups` are the rows' groups, all below `count`.
    pub fn update(
        &mut self,
        call: &AggregatePlan,
        scope: &Scope<'_>,
        batch: &RecordBatch,
        groups: &[usize],
        count: usize,
    ) -> Result<()> {
        self.note_direct(call, scope, batch, groups, count)?;
        // An argument that would fail for a row that FILTER leaves out is not evaluated for it.
        let (batch, groups) = match &call.filter {
            Some(filter) => {
                let mask = filter.evaluate_predicate(scope, batch)?;
                let (batch, groups) = left_in(batch, &mask, groups)?;
                (batch, Cow::Owned(groups))
            }
            None => (batch.clone(), Cow::Borrowed(groups)),
        };
        match &mut self.way {
            Way::Grouped(grouped) => grouped.update(&arguments(call, scope, &batch)?, &groups, None, count),
            Way::Single(accumulators) => {
                while accumulators.len() < count {
                    accumulators.push((self.implementation.new)(&call.call)?);
                    self.bytes += 64;
                }
                let vectors = arguments(call, scope, &batch)?;
                let mut values = vec![Value::Null; vectors.len()];
                for (row, group) in groups.iter().enumerate() {
                    row_values(&vectors, row, &mut values)?;
                    if let Some(accumulator) = accumulators.get_mut(*group) {
                        accumulator.update(scope.context, &values)?;
                    }
                }
                Ok(())
            }
            Way::Kept { groups: kept, next } => {
                kept.resize_with(count.max(kept.len()), BTreeMap::new);
                self.bytes += keep(call, scope, &batch, &groups, kept, next)?;
                Ok(())
            }
        }
    }

    /// Evaluates the direct arguments of groups seen for the first time.
    fn note_direct(
        &mut self,
        call: &AggregatePlan,
        scope: &Scope<'_>,
        batch: &RecordBatch,
        groups: &[usize],
        count: usize,
    ) -> Result<()> {
        if call.direct.is_empty() || self.direct.len() >= count {
            return Ok(());
        }
        let columns =
            call.direct.iter().map(|item| item.evaluate_batch(scope, batch)).collect::<Result<Vec<_>>>()?;
        for (row, group) in groups.iter().enumerate() {
            if *group == self.direct.len() {
                let values =
                    columns.iter().map(|column| value_at(column.as_ref(), row)).collect::<Result<_>>()?;
                self.direct.push(values);
            }
        }
        Ok(())
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        match &self.way {
            Way::Grouped(grouped) => grouped.size(),
            Way::Single(accumulators) => {
                self.bytes + accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>()
            }
            Way::Kept { .. } => self.bytes,
        }
    }

    /// The values of all groups.
    pub fn finish(self, call: &AggregatePlan, scope: &Scope<'_>, count: usize) -> Result<ArrayRef> {
        let Accumulation { way, implementation, mut direct, .. } = self;
        if direct.len() < count && !call.direct.is_empty() {
            // A group of no rows: the direct arguments can read none.
            let values =
                call.direct.iter().map(|item| item.evaluate(scope, &[])).collect::<Result<Vec<_>>>()?;
            direct.resize(count, values);
        }
        let direct = |group: usize| direct.get(group).map_or(&[][..], Vec::as_slice);
        let mut builder = ColumnBuilder::new(call.result, count);
        match way {
            Way::Grouped(mut grouped) => return grouped.finish(count),
            Way::Single(mut accumulators) => {
                while accumulators.len() < count {
                    accumulators.push((implementation.new)(&call.call)?);
                }
                for (group, accumulator) in accumulators.iter_mut().enumerate() {
                    builder.append(&accumulator.finish(scope.context, direct(group))?)?;
                }
            }
            Way::Kept { mut groups, .. } => {
                groups.resize_with(count, BTreeMap::new);
                for (group, rows) in groups.iter().enumerate() {
                    let mut accumulator = (implementation.new)(&call.call)?;
                    for values in rows.values() {
                        accumulator.update(scope.context, values)?;
                    }
                    builder.append(&accumulator.finish(scope.context, direct(group))?)?;
                }
            }
        }
        Ok(builder.finish())
    }
}

/// Puts rows under their sort keys; gives the bytes that this took.
fn keep(
    call: &AggregatePlan,
    scope: &Scope<'_>,
    batch: &RecordBatch,
    groups: &[usize],
    kept: &mut [KeptRows],
    next: &mut u64,
) -> Result<usize> {
    let sort = call
        .order
        .iter()
        .map(|item| item.expression.evaluate_batch(scope, batch))
        .collect::<Result<Vec<_>>>()?;
    let vectors = if call.ordered_set {
        sort.iter().cloned().map(Vector::Array).collect()
    } else {
        arguments(call, scope, batch)?
    };
    let mut values = vec![Value::Null; vectors.len()];
    let mut bytes = 0;
    for (row, group) in groups.iter().enumerate() {
        row_values(&vectors, row, &mut values)?;
        let mut sort_key = sort_key(&call.order, &sort, row)?;
        if call.distinct {
            distinct_key(call, &values, &mut sort_key)?;
        }
        bytes += sort_key.len() + 96;
        let number = if call.distinct { 0 } else { *next };
        *next += 1;
        if let Some(rows) = kept.get_mut(*group) {
            rows.entry((sort_key, number)).or_insert_with(|| values.clone());
        }
    }
    Ok(bytes)
}

/// The rows that FILTER leaves in, and their groups.
fn left_in(batch: &RecordBatch, mask: &BooleanArray, groups: &[usize]) -> Result<(RecordBatch, Vec<usize>)> {
    let mask = if mask.null_count() > 0 {
        mask.iter().map(|value| Some(value == Some(true))).collect::<BooleanArray>()
    } else {
        mask.clone()
    };
    let kept =
        groups.iter().enumerate().filter(|(row, _)| mask.value(*row)).map(|(_, group)| *group).collect();
    Ok((super::row::narrowed(batch, &mask)?, kept))
}

fn arguments(call: &AggregatePlan, scope: &Scope<'_>, batch: &RecordBatch) -> Result<Vec<Vector>> {
    let rows = Rows::of(batch);
    call.arguments.iter().map(|argument| argument.evaluate_vector(scope, &rows)).collect()
}

fn row_values(vectors: &[Vector], row: usize, values: &mut [Value]) -> Result<()> {
    for (value, vector) in values.iter_mut().zip(vectors) {
        *value = match vector {
            Vector::Constant(value) => value.clone(),
            Vector::Array(array) => value_at(array.as_ref(), row)?,
        };
    }
    Ok(())
}

/// The sort key of a row under ORDER BY.
pub(super) fn sort_key(items: &[SortItem], columns: &[ArrayRef], row: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (item, column) in items.iter().zip(columns) {
        let value = value_at(column.as_ref(), row)?;
        key::append_with_order(item.oid, &value, item.descending, item.nulls_first, &mut bytes)?;
    }
    Ok(bytes)
}

/// Adds the arguments' own keys: DISTINCT compares them, and sorts by them after ORDER BY.
fn distinct_key(call: &AggregatePlan, values: &[Value], bytes: &mut Vec<u8>) -> Result<()> {
    for (index, value) in values.iter().enumerate() {
        key::append_with_order(call.call.argument(index), value, false, false, bytes)?;
    }
    Ok(())
}
