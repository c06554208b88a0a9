//! Joins: DataFusion's by hash and by loop, ours by index and by executing the right side anew.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use datafusion_common::{JoinSide, JoinType as PhysicalJoinType, NullEquality};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion_physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, PartitionMode};
use engine::Value;
use futures::StreamExt;

use super::execution::{Execution, Moment};
use super::lower::lower;
use super::predicate::Predicate;
use super::row::narrowed;
use super::scan::{Found, RowCollector};
use super::search::{Search, searches};
use super::stream::{Batches, batch_of, from_datafusion};
use crate::error::{Error, Result};
use crate::evaluate::column::row_at;
use crate::evaluate::{CompiledExpression, arrow_error};
use crate::plan::Node;
use crate::plan::node::{
    Apply, HashJoin, IndexJoin, JoinFilterPlan, JoinType, LoopJoin, Operator, PlanColumn,
};

/// Which input of DataFusion's join is which of ours.
struct Sides {
    swapped: bool,
    left_width: usize,
    right_width: usize,
}

impl Sides {
    /// A position among our left's columns followed by our right's, as DataFusion's side and index.
    fn locate(&self, position: usize) -> (JoinSide, usize) {
        let (left, right) =
            if self.swapped { (JoinSide::Right, JoinSide::Left) } else { (JoinSide::Left, JoinSide::Right) };
        if position < self.left_width { (left, position) } else { (right, position - self.left_width) }
    }

    /// Positions of the output among DataFusion's: its left's columns, then its right's, where the kind gives both.
    fn projection(&self, kind: JoinType, output: &[usize]) -> Vec<usize> {
        if matches!(kind, JoinType::Semi | JoinType::Anti) {
            return output.to_vec();
        }
        let first = if self.swapped { self.right_width } else { self.left_width };
        output
            .iter()
            .map(|position| match self.locate(*position) {
                (JoinSide::Left, index) => index,
                (_, index) => first + index,
            })
            .collect()
    }

    fn kind(&self, kind: JoinType) -> PhysicalJoinType {
        match (kind, self.swapped) {
            (JoinType::Inner, _) => PhysicalJoinType::Inner,
            (JoinType::Full, _) => PhysicalJoinType::Full,
            (JoinType::Left, false) => PhysicalJoinType::Left,
            (JoinType::Left, true) => PhysicalJoinType::Right,
            (JoinType::Semi, false) => PhysicalJoinType::LeftSemi,
            (JoinType::Semi, true) => PhysicalJoinType::RightSemi,
            (JoinType::Anti, false) => PhysicalJoinType::LeftAnti,
            (JoinType::Anti, true) => PhysicalJoinType::RightAnti,
        }
    }

    fn filter(&self, filter: Option<&JoinFilterPlan>, execution: &Execution) -> Option<JoinFilter> {
        let filter = filter?;
        let indices = filter
            .inputs
            .iter()
            .map(|position| {
                let (side, index) = self.locate(*position);
                ColumnIndex { index, side }
            })
            .collect();
        let predicate = Predicate::new(filter.predicate.clone(), execution);
        Some(JoinFilter::new(Arc::new(predicate), indices, filter.schema.clone()))
    }
}

pub(super) fn lower_hash_join(join: &HashJoin, execution: &Execution) -> Result<Arc<dyn ExecutionPlan>> {
    let (left, right) = (lower(&join.left, execution)?, lower(&join.right, execution)?);
    // DataFusion builds its table over its left input and keeps the order of its right one.
    let sides = Sides {
        swapped: !join.build_left,
        left_width: join.left.columns.len(),
        right_width: join.right.columns.len(),
    };
    // DataFusion compares a key's name with the input's field, whatever both are.
    let key = |input: &Arc<dyn ExecutionPlan>, position: usize| -> Arc<dyn PhysicalExpr> {
        Arc::new(Column::new(input.schema().field(position).name(), position))
    };
    let on = join
        .keys
        .iter()
        .map(|(at_left, at_right)| {
            let (left, right) = (key(&left, *at_left), key(&right, *at_right));
            if sides.swapped { (right, left) } else { (left, right) }
        })
        .collect();
    let (build, probe) = if sides.swapped { (right, left) } else { (left, right) };
    let exec = HashJoinExec::try_new(
        build,
        probe,
        on,
        sides.filter(join.filter.as_ref(), execution),
        &sides.kind(join.kind),
        Some(sides.projection(join.kind, &join.output)),
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNothing,
        false,
    );
    Ok(Arc::new(exec.map_err(from_datafusion)?))
}

pub(super) fn lower_loop_join(join: &LoopJoin, execution: &Execution) -> Result<Arc<dyn ExecutionPlan>> {
    let (left, right) = (lower(&join.left, execution)?, lower(&join.right, execution)?);
    let sides =
        Sides { swapped: false, left_width: join.left.columns.len(), right_width: join.right.columns.len() };
    let exec = NestedLoopJoinExec::try_new(
        left,
        right,
        sides.filter(join.filter.as_ref(), execution),
        &sides.kind(join.kind),
        Some(sides.projection(join.kind, &join.output)),
    );
    Ok(Arc::new(exec.map_err(from_datafusion)?))
}

/// Columns of left rows beside columns found for them, narrowed by a filter; `None` marks a left row on its own.
struct Pairing<'a> {
    kind: JoinType,
    output: &'a [usize],
    node: &'a Node,
    filter: Option<&'a CompiledExpression>,
    inner: &'a [PlanColumn],
}

impl Pairing<'_> {
    /// The join's rows of one left batch, given the inner rows and the left row of each.
    fn pair(
        &self,
        execution: &Execution,
        left: &RecordBatch,
        inner: Vec<ArrayRef>,
        owners: Vec<u32>,
    ) -> Result<RecordBatch> {
        let owners = UInt32Array::from(owners);
        let mut columns = Vec::with_capacity(left.num_columns() + inner.len());
        for column in left.columns() {
            columns.push(arrow::compute::take(column, &owners, None).map_err(arrow_error)?);
        }
        columns.extend(inner);
        let mut owners = owners;
        if let Some(filter) = self.filter {
            let fields: Vec<_> = columns
                .iter()
                .map(|column| arrow_schema::Field::new("c", column.data_type().clone(), true))
                .collect();
            let schema = Arc::new(arrow_schema::Schema::new(fields));
            let both = batch_of(&schema, columns, owners.len())?;
            let mask = filter.evaluate_predicate(&execution.scope(), &both)?;
            let kept = arrow::compute::filter(&owners, &mask).map_err(arrow_error)?;
            columns = narrowed(&both, &mask)?.columns().to_vec();
            owners = UInt32Array::from(kept.to_data());
        }
        self.complete(left, columns, &owners)
    }

    /// Adds left rows without a match, or keeps only those with (or without) one.
    fn complete(
        &self,
        left: &RecordBatch,
        columns: Vec<ArrayRef>,
        owners: &UInt32Array,
    ) -> Result<RecordBatch> {
        let width = left.num_columns();
        match self.kind {
            JoinType::Inner => self.shown(columns, owners.len()),
            JoinType::Semi | JoinType::Anti => {
                let mut matched = vec![false; left.num_rows()];
                for owner in owners.values() {
                    if let Some(place) = matched.get_mut(*owner as usize) {
                        *place = true;
                    }
                }
                let wanted = self.kind == JoinType::Semi;
                let rows =
                    (0u32..).zip(&matched).filter(|(_, matched)| **matched == wanted).map(|(row, _)| row);
                let rows = UInt32Array::from_iter_values(rows);
                let columns = left
                    .columns()
                    .iter()
                    .map(|column| arrow::compute::take(column, &rows, None).map_err(arrow_error))
                    .collect::<Result<Vec<_>>>()?;
                self.shown(columns, rows.len())
            }
            JoinType::Left => {
                // Both sides keep their order: a left row's matches, or the row alone, in left order.
                let (mut from_left, mut from_pair) = (Vec::new(), Vec::new());
                let mut next = 0;
                for row in 0..left.num_rows() as u32 {
                    let start = next;
                    while next < owners.len() && owners.value(next) == row {
                        from_left.push(row);
                        from_pair.push(Some(next as u32));
                        next += 1;
                    }
                    if next == start {
                        from_left.push(row);
                        from_pair.push(None);
                    }
                }
                let (from_left, from_pair) = (UInt32Array::from(from_left), UInt32Array::from(from_pair));
                let mut completed = Vec::with_capacity(columns.len());
                for (at, column) in columns.iter().enumerate() {
                    let taken = match left.columns().get(at).filter(|_| at < width) {
                        Some(own) => arrow::compute::take(own, &from_left, None),
                        None => arrow::compute::take(column, &from_pair, None),
                    };
                    completed.push(taken.map_err(arrow_error)?);
                }
                self.shown(completed, from_left.len())
            }
            JoinType::Full => Err(Error::internal("a full join cannot look its right side up")),
        }
    }

    fn shown(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let shown = self
            .output
            .iter()
            .map(|position| {
                columns
                    .get(*position)
                    .cloned()
                    .ok_or_else(|| Error::internal("a join lacks a column it shows"))
            })
            .collect::<Result<Vec<_>>>()?;
        batch_of(&self.node.schema, shown, rows)
    }

    /// Columns of no inner row.
    fn nothing(&self) -> Vec<ArrayRef> {
        self.inner.iter().map(|column| arrow_array::new_empty_array(&column.physical.arrow())).collect()
    }
}

/// A left row's index search reads the table as it stood at the scan's moment.
pub(super) fn index_join(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let (node, execution) = (node.clone(), execution.clone());
    input
        .map(move |batch| {
            let Operator::IndexJoin(join) = &node.operator else {
                return Err(Error::internal("not an index join"));
            };
            look_up(&node, join, &execution, &batch?)
        })
        .filter(|batch| std::future::ready(!matches!(batch, Ok(batch) if batch.num_rows() == 0)))
        .boxed()
}

/// Keys looked up at once: enough to be searched side by side, and a cancellation is noticed soon.
const KEYS_AT_ONCE: usize = 1024;

fn look_up(node: &Node, join: &IndexJoin, execution: &Execution, left: &RecordBatch) -> Result<RecordBatch> {
    let pairing = Pairing {
        kind: join.kind,
        output: &join.output,
        node,
        filter: join.filter.as_ref(),
        inner: &join.inner,
    };
    let scope = execution.scope();
    let Moment::At(view) = execution.moment(join.access.moment)? else {
        return Err(Error::internal("an index was asked for a period"));
    };
    let substitute = join
        .access
        .handle
        .and_then(|handle| execution.substitutes.iter().find(|substitute| substitute.handle == handle));
    if substitute.is_some() || !view.index_usable(join.access.table, join.index.index) {
        return scan_instead(pairing, join, execution, left);
    }
    let mut rows = RowCollector::new(&join.access, &join.inner);
    let mut owners = Vec::new();
    // Keys of several left rows are looked up together; ranges one by one.
    let (mut keys, mut rows_of_keys) = (Vec::new(), Vec::new());
    for row in 0..left.num_rows() {
        let values = row_at(left.columns(), row)?;
        let found = searches(&join.index, &scope, &values)?;
        let all_keys = found.iter().all(|search| matches!(search, Search::Key(_)));
        if !all_keys || keys.len() >= KEYS_AT_ONCE {
            look_up_keys(view, join, &mut keys, &mut rows_of_keys, &mut rows, &mut owners)?;
            execution.check()?;
        }
        if all_keys {
            rows_of_keys.resize(rows_of_keys.len() + found.len(), row as u32);
            keys.extend(found.into_iter().filter_map(|search| match search {
                Search::Key(key) => Some(key),
                Search::Range(_, _) => None,
            }));
        } else {
            Found::new(found).collect(view, &join.access, &join.index, usize::MAX, &mut rows)?;
            owners.resize(rows.rows(), row as u32);
        }
    }
    look_up_keys(view, join, &mut keys, &mut rows_of_keys, &mut rows, &mut owners)?;
    let (inner, _) = rows.columns();
    pairing.pair(execution, left, inner, owners)
}

/// The rows of keys that left rows look for, each with the left row it belongs to. Leaves the keys empty.
fn look_up_keys(
    view: &engine::ReadView,
    join: &IndexJoin,
    keys: &mut Vec<Vec<u8>>,
    rows_of_keys: &mut Vec<u32>,
    rows: &mut RowCollector,
    owners: &mut Vec<u32>,
) -> Result<()> {
    if !keys.is_empty() {
        super::scan::look_up(view, &join.access, &join.index, keys, &mut |place, handle, row| {
            let owner = rows_of_keys.get(place).ok_or_else(|| Error::internal("a key of no row"))?;
            owners.push(*owner);
            rows.push(view, handle, row)
        })?;
    }
    keys.clear();
    rows_of_keys.clear();
    Ok(())
}

/// The same join by comparing with all rows: for a moment the index does not know, and for re-checks.
fn scan_instead<'a>(
    mut pairing: Pairing<'a>,
    join: &'a IndexJoin,
    execution: &Execution,
    left: &RecordBatch,
) -> Result<RecordBatch> {
    let access = crate::plan::node::TableAccess { filter: None, ..join.access.clone() };
    let scan = crate::plan::node::Scan { access: access.clone(), ranges: Vec::new() };
    let scanned = Arc::new(Node::new(Operator::Scan(scan), join.inner.clone(), pairing.node.estimate));
    pairing.filter = join.all_conditions.as_ref();
    let batches = execution.rows_of(&scanned)?;
    let inner = arrow::compute::concat_batches(&scanned.schema, &batches).map_err(arrow_error)?;
    let (mut picked, mut owners) = (Vec::new(), Vec::new());
    for row in 0..left.num_rows() as u32 {
        picked.extend(0..inner.num_rows() as u32);
        owners.resize(picked.len(), row);
    }
    let picked = UInt32Array::from(picked);
    let columns = inner
        .columns()
        .iter()
        .map(|column| arrow::compute::take(column, &picked, None).map_err(arrow_error))
        .collect::<Result<Vec<_>>>()?;
    pairing.pair(execution, left, columns, owners)
}

struct ApplyState {
    node: Arc<Node>,
    execution: Execution,
    input: Batches,
    /// The left batch at work, and the next row of it.
    left: Option<(RecordBatch, usize)>,
    /// The right rows of the row before `left`'s next, still to come (inner and left joins only).
    right: Option<(RecordBatch, Batches, bool)>,
    ready: VecDeque<RecordBatch>,
}

pub(super) fn apply(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let state = ApplyState {
        node: node.clone(),
        execution: execution.clone(),
        input,
        left: None,
        right: None,
        ready: VecDeque::new(),
    };
    futures::stream::try_unfold(state, |mut state| async move {
        loop {
            if let Some(batch) = state.ready.pop_front() {
                if batch.num_rows() > 0 {
                    return Ok(Some((batch, state)));
                }
                continue;
            }
            state.execution.check()?;
            if let Some((row, mut right, matched)) = state.right.take() {
                let next = right.next().await.transpose()?;
                apply_step(&mut state, row, right, next, matched)?;
                continue;
            }
            let Some((batch, at)) = state.left.take() else {
                match state.input.next().await {
                    None => return Ok(None),
                    Some(batch) => state.left = Some((batch?, 0)),
                }
                continue;
            };
            if at < batch.num_rows() {
                let row = batch.slice(at, 1);
                state.left = Some((batch, at + 1));
                let right = start_right(&state, &row)?;
                state.right = Some((row, right, false));
            }
        }
    })
    .boxed()
}

/// Executes the right side for one left row.
fn start_right(state: &ApplyState, row: &RecordBatch) -> Result<Batches> {
    let Operator::Apply(apply) = &state.node.operator else { return Err(Error::internal("not an apply")) };
    let values = row_at(row.columns(), 0)?;
    let bindings = apply
        .bindings
        .iter()
        .map(|(position, slot)| (*slot, values.get(*position).cloned().unwrap_or(Value::Null)));
    state.execution.with_slots(bindings).run(&apply.right)
}

/// Pairs a left row with the next of its right batches, or ends it.
fn apply_step(
    state: &mut ApplyState,
    row: RecordBatch,
    right: Batches,
    next: Option<RecordBatch>,
    matched: bool,
) -> Result<()> {
    let node = state.node.clone();
    let Operator::Apply(Apply { kind, right: plan, filter, output, .. }) = &node.operator else {
        return Err(Error::internal("not an apply"));
    };
    let mut pairing =
        Pairing { kind: JoinType::Inner, output, node: &node, filter: filter.as_ref(), inner: &plan.columns };
    let Some(batch) = next else {
        if !matched && *kind == JoinType::Left {
            pairing.kind = JoinType::Left;
            pairing.filter = None;
            state.ready.push_back(pairing.pair(&state.execution, &row, pairing.nothing(), Vec::new())?);
        }
        return Ok(());
    };
    let owners = vec![0; batch.num_rows()];
    let joined = pairing.pair(&state.execution, &row, batch.columns().to_vec(), owners)?;
    let matched = matched || joined.num_rows() > 0;
    state.ready.push_back(joined);
    state.right = Some((row, right, matched));
    Ok(())
}
