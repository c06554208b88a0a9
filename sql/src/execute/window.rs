//! Window functions: partitions buffered, frames by PostgreSQL's rules.
//!
//! The input arrives sorted by partition and order keys. One partition after the other is held in memory.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use datafusion_execution::memory_pool::MemoryConsumer;
use engine::Value;
use futures::StreamExt;

use super::accumulate::sort_key;
use super::execution::Execution;
use super::frame::{Frame, Partition};
use super::stream::{Batches, batch_of, from_datafusion, pieces};
use crate::error::{Error, Result};
use crate::evaluate::column::{ColumnBuilder, value_at};
use crate::evaluate::{Context, Rows, Scope, arrow_error};
use crate::functions::{
    Accumulator, AggregateImplementation, Vector, WindowPartition, aggregate, window as window_function,
};
use crate::plan::Node;
use crate::plan::node::{Operator, SortItem, Window, WindowPlan};

pub(super) fn window(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    futures::stream::once(async move {
        let mut input = input;
        let Operator::Window(plan) = &node.operator else { return Err(Error::internal("not a window")) };
        let reservation = MemoryConsumer::new("Window").register(execution.shared.tasks.memory_pool());
        let mut batches = Vec::new();
        while let Some(batch) = input.next().await {
            let batch = batch?;
            reservation.try_grow(batch.get_array_memory_size()).map_err(from_datafusion)?;
            batches.push(batch);
        }
        let whole = arrow::compute::concat_batches(&plan.input.schema, &batches).map_err(arrow_error)?;
        drop(batches);
        let result = compute(plan, &node, &execution, &whole)?;
        Ok(futures::stream::iter(pieces(&result).into_iter().map(Ok)))
    })
    .map(|outcome| match outcome {
        Ok(batches) => batches.boxed(),
        Err(error) => futures::stream::once(std::future::ready(Err(error))).boxed(),
    })
    .flatten()
    .boxed()
}

fn compute(plan: &Window, node: &Node, execution: &Execution, input: &RecordBatch) -> Result<RecordBatch> {
    let scope = execution.scope();
    let rows = input.num_rows();
    let partition_keys = row_keys(&plan.partition, &scope, input)?;
    let order_keys = row_keys(&plan.order, &scope, input)?;
    let range_key = match plan.order.as_slice() {
        [item] => Some((item, item.expression.evaluate_batch(&scope, input)?)),
        _ => None,
    };
    let mut sites = Vec::with_capacity(plan.calls.len());
    for call in &plan.calls {
        sites.push(Site::new(call, &scope, input)?);
    }
    let mut start = 0;
    while start < rows {
        let mut end = start + 1;
        while end < rows && partition_keys.get(end) == partition_keys.get(start) {
            end += 1;
        }
        let partition = partition_of(start..end, &order_keys, range_key.as_ref())?;
        for site in &mut sites {
            site.run(&partition, start, scope.context)?;
            execution.check()?;
        }
        start = end;
    }
    let mut columns = input.columns().to_vec();
    columns.extend(sites.iter_mut().map(|site| site.results.finish()));
    batch_of(&node.schema, columns, rows)
}

/// The comparison keys of all rows; empty keys where nothing is compared.
fn row_keys(items: &[SortItem], scope: &Scope<'_>, input: &RecordBatch) -> Result<Vec<Vec<u8>>> {
    let columns =
        items.iter().map(|item| item.expression.evaluate_batch(scope, input)).collect::<Result<Vec<_>>>()?;
    (0..input.num_rows()).map(|row| sort_key(items, &columns, row)).collect()
}

fn partition_of(
    rows: Range<usize>,
    order_keys: &[Vec<u8>],
    range_key: Option<&(&SortItem, ArrayRef)>,
) -> Result<Partition> {
    let mut group_of = Vec::with_capacity(rows.len());
    let mut starts = Vec::new();
    for row in rows.clone() {
        if row == rows.start || order_keys.get(row) != order_keys.get(row - 1) {
            starts.push(row - rows.start);
        }
        group_of.push(starts.len() - 1);
    }
    let mut partition = Partition {
        rows: rows.len(),
        group_of,
        starts,
        keys: Vec::new(),
        key_oid: 0,
        descending: false,
        nulls_first: false,
    };
    if let Some((item, column)) = range_key {
        partition.keys = rows.map(|row| value_at(column.as_ref(), row)).collect::<Result<_>>()?;
        partition.key_oid = item.oid;
        partition.descending = item.descending;
        partition.nulls_first = item.nulls_first;
    }
    Ok(partition)
}

/// One call over the whole input.
struct Site<'a> {
    call: &'a WindowPlan,
    arguments: Vec<Vector>,
    filter: Option<BooleanArray>,
    frame: Frame,
    results: ColumnBuilder,
}

impl<'a> Site<'a> {
    fn new(call: &'a WindowPlan, scope: &Scope<'_>, input: &RecordBatch) -> Result<Site<'a>> {
        let filter = match &call.filter {
            Some(filter) => Some(filter.evaluate_predicate(scope, input)?),
            None => None,
        };
        let rows = Rows::of(input);
        let arguments = call
            .arguments
            .iter()
            .map(|argument| argument.evaluate_vector(scope, &rows))
            .collect::<Result<_>>()?;
        Ok(Site {
            call,
            arguments,
            filter,
            frame: Frame::new(&call.frame, scope)?,
            results: ColumnBuilder::new(call.result, input.num_rows()),
        })
    }

    fn run(&mut self, partition: &Partition, offset: usize, context: &Context) -> Result<()> {
        if self.call.aggregate {
            return self.run_aggregate(partition, offset, context);
        }
        let implementation = window_function(self.call.call.function)
            .ok_or_else(|| Error::unsupported(format!("window function {}", self.call.name)))?;
        let mut function = (implementation.new)(&self.call.call)?;
        for row in 0..partition.rows {
            let seen = Seen { site: self, partition, offset, context };
            let value = function.evaluate(context, &seen, row)?;
            self.results.append(&value)?;
        }
        Ok(())
    }

    /// An aggregate over frames: moved along where its accumulator can take rows out again, else computed anew.
    fn run_aggregate(&mut self, partition: &Partition, offset: usize, context: &Context) -> Result<()> {
        let implementation = aggregate(self.call.call.function)
            .ok_or_else(|| Error::unsupported(format!("aggregate function {}", self.call.name)))?;
        let mut moving = Moving { implementation, accumulator: None, held: 0..0, value: Value::Null };
        for row in 0..partition.rows {
            let range = if self.frame.is_whole() {
                0..partition.rows
            } else {
                self.frame.range(partition, context, row)?
            };
            let value = if self.frame.excludes() {
                let mut accumulator = (implementation.new)(&self.call.call)?;
                for other in range {
                    if !self.frame.is_excluded(partition, row, other) {
                        self.feed(accumulator.as_mut(), offset + other, context)?;
                    }
                }
                accumulator.finish(context, &[])?
            } else {
                moving.move_to(self, range, offset, context)?
            };
            self.results.append(&value)?;
        }
        Ok(())
    }

    /// Whether FILTER lets a row of the input in.
    fn admits(&self, row: usize) -> bool {
        self.filter.as_ref().is_none_or(|mask| mask.is_valid(row) && mask.value(row))
    }

    fn feed(&self, accumulator: &mut dyn Accumulator, row: usize, context: &Context) -> Result<()> {
        if self.admits(row) {
            accumulator.update(context, &self.values(row)?)?;
        }
        Ok(())
    }

    fn values(&self, row: usize) -> Result<Vec<Value>> {
        self.arguments.iter().map(|argument| argument_at(argument, row)).collect()
    }
}

fn argument_at(argument: &Vector, row: usize) -> Result<Value> {
    match argument {
        Vector::Constant(value) => Ok(value.clone()),
        Vector::Array(array) => value_at(array.as_ref(), row),
    }
}

/// An accumulator that follows a frame through its partition.
struct Moving {
    implementation: &'static AggregateImplementation,
    accumulator: Option<Box<dyn Accumulator>>,
    held: Range<usize>,
    value: Value,
}

impl Moving {
    fn move_to(
        &mut self,
        site: &Site<'_>,
        range: Range<usize>,
        offset: usize,
        context: &Context,
    ) -> Result<Value> {
        if self.accumulator.is_some() && self.held == range {
            return Ok(self.value.clone());
        }
        let follows = self.accumulator.is_some()
            && range.start >= self.held.start
            && range.end >= self.held.end
            && range.start <= self.held.end;
        if !follows || !self.take_out(site, range.start, offset, context)? {
            self.accumulator = Some((self.implementation.new)(&site.call.call)?);
            self.held = range.start..range.start;
        }
        let Some(accumulator) = &mut self.accumulator else { return Err(Error::internal("no accumulator")) };
        for row in self.held.end..range.end {
            site.feed(accumulator.as_mut(), offset + row, context)?;
        }
        self.held = range;
        self.value = accumulator.finish(context, &[])?;
        Ok(self.value.clone())
    }

    /// Takes the rows before `start` out; `false` where the accumulator cannot.
    fn take_out(&mut self, site: &Site<'_>, start: usize, offset: usize, context: &Context) -> Result<bool> {
        let Some(accumulator) = &mut self.accumulator else { return Ok(false) };
        for row in self.held.start..start {
            if site.admits(offset + row) && !accumulator.retract(context, &site.values(offset + row)?)? {
                return Ok(false);
            }
        }
        self.held.start = start;
        Ok(true)
    }
}

/// A partition as a window function sees it.
struct Seen<'a, 'b> {
    site: &'a Site<'b>,
    partition: &'a Partition,
    offset: usize,
    context: &'a Context,
}

impl WindowPartition for Seen<'_, '_> {
    fn rows(&self) -> usize {
        self.partition.rows
    }

    fn argument(&self, row: usize, argument: usize) -> Result<Value> {
        let vector = self.site.arguments.get(argument);
        argument_at(
            vector.ok_or_else(|| Error::internal("a window function has too few arguments"))?,
            self.offset + row,
        )
    }

    fn peers(&self, row: usize) -> Range<usize> {
        self.partition.peers(row)
    }

    fn frame_row(&self, row: usize, nth: usize) -> Result<Option<usize>> {
        let mut range = self.site.frame.range(self.partition, self.context, row)?;
        if !self.site.frame.excludes() {
            return Ok(range.nth(nth));
        }
        Ok(range.filter(|other| !self.site.frame.is_excluded(self.partition, row, *other)).nth(nth))
    }

    fn frame_last(&self, row: usize) -> Result<Option<usize>> {
        let range = self.site.frame.range(self.partition, self.context, row)?;
        Ok(range.rev().find(|other| !self.site.frame.is_excluded(self.partition, row, *other)))
    }
}
