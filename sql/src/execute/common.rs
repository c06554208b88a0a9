//! Common tables: rows computed once, lazily, and shared by their scans; recursion by working tables.
//!
//! A shared table is a list of batches and the stream that extends it. Each scan reads the list and extends it when it
//! needs more, so that a LIMIT above a recursive table without end still ends.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use futures::StreamExt;

use super::execution::Execution;
use super::keys::RowKeys;
use super::row::narrowed;
use super::stream::{Batches, batch_of, from_iterator};
use super::subquery::slots_key;
use crate::error::{Error, Result};
use crate::evaluate::CompiledExpression;
use crate::plan::node::{KeyExpression, KeyForm, Operator};
use crate::plan::{CommonKind, CommonPlan, Node};
use crate::types::key::native_is_key;

/// Rows computed so far, and the source of those still to come.
pub(super) struct SharedRows {
    state: tokio::sync::Mutex<SharedState>,
}

struct SharedState {
    batches: Vec<RecordBatch>,
    source: Option<Batches>,
    failure: Option<Error>,
}

impl SharedRows {
    fn new(source: Batches) -> SharedRows {
        let state = SharedState { batches: Vec::new(), source: Some(source), failure: None };
        SharedRows { state: tokio::sync::Mutex::new(state) }
    }

    /// The batch at a place, computed if need be; `None` at the end.
    async fn batch(&self, at: usize) -> Result<Option<RecordBatch>> {
        let mut state = self.state.lock().await;
        loop {
            if let Some(batch) = state.batches.get(at) {
                return Ok(Some(batch.clone()));
            }
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            let Some(source) = &mut state.source else { return Ok(None) };
            match source.next().await {
                None => state.source = None,
                Some(Ok(batch)) => state.batches.push(batch),
                Some(Err(error)) => {
                    state.source = None;
                    state.failure = Some(error);
                }
            }
        }
    }
}

/// A scan of a common table, or of the working table where it is being computed.
pub(super) fn scan(node: &Arc<Node>, execution: &Execution) -> Result<Batches> {
    let Operator::CommonScan { common, columns, .. } = &node.operator else {
        return Err(Error::internal("not a scan of a common table"));
    };
    let (node, columns) = (node.clone(), columns.clone());
    let shown = move |batch: RecordBatch| {
        let chosen = columns
            .iter()
            .map(|position| {
                batch
                    .columns()
                    .get(*position)
                    .cloned()
                    .ok_or_else(|| Error::internal("a common table lacks a column"))
            })
            .collect::<Result<Vec<_>>>()?;
        batch_of(&node.schema, chosen, batch.num_rows())
    };
    if let Some(working) = execution.working.get(common) {
        let batches: Vec<RecordBatch> = working.as_ref().clone();
        return Ok(from_iterator(batches.into_iter().map(shown)));
    }
    let rows = shared(*common, execution)?;
    let stream = futures::stream::try_unfold((rows, 0), |(rows, at)| async move {
        Ok(rows.batch(at).await?.map(|batch| (batch, (rows, at + 1))))
    });
    Ok(stream.map(move |batch| batch.and_then(&shown)).boxed())
}

/// The shared rows of a common table under the present values of the slots it reads.
fn shared(common: usize, execution: &Execution) -> Result<Arc<SharedRows>> {
    let plan = execution
        .shared
        .plan
        .commons
        .get(common)
        .ok_or_else(|| Error::internal("a common table has no plan"))?;
    let key = (common, slots_key(&plan.captured, execution));
    // What does not depend on a working table serves every round of the recursion.
    let memory = if plan.reads.iter().any(|read| execution.working.contains_key(read)) {
        &execution.memory
    } else {
        &execution.shared.memory
    };
    if let Some(rows) = memory.commons.lock().get(&key) {
        return Ok(rows.clone());
    }
    let source = match &plan.kind {
        CommonKind::Plain(node) => execution.run(node)?,
        CommonKind::Recursive { start, step, all, keys } => {
            recursive(common, plan, start, step, (!all).then_some(keys.as_slice()), execution)?
        }
    };
    let rows = Arc::new(SharedRows::new(source));
    Ok(memory.commons.lock().entry(key).or_insert(rows).clone())
}

struct Recursion {
    common: usize,
    execution: Execution,
    step: Arc<Node>,
    schema: arrow_schema::SchemaRef,
    current: Batches,
    /// Rows given since the step last began: the next working table.
    gathered: Vec<RecordBatch>,
    /// UNION: keys of all rows given so far.
    seen: Option<(RowKeys, Vec<KeyExpression>, HashSet<Vec<u8>>)>,
}

/// Rows of the start, then of the step over the rows of the round before, until a round has none.
fn recursive(
    common: usize,
    plan: &CommonPlan,
    start: &Arc<Node>,
    step: &Arc<Node>,
    distinct: Option<&[u32]>,
    execution: &Execution,
) -> Result<Batches> {
    let seen = match distinct {
        None => None,
        Some(oids) => {
            let keys: Vec<KeyExpression> = oids
                .iter()
                .zip(&start.columns)
                .enumerate()
                .map(|(position, (oid, column))| KeyExpression {
                    expression: CompiledExpression::input(position, column.ty, column.physical),
                    form: if native_is_key(*oid) { KeyForm::Native } else { KeyForm::Encoded(*oid) },
                })
                .collect();
            Some((RowKeys::new(&keys)?, keys, HashSet::new()))
        }
    };
    let state = Recursion {
        common,
        execution: execution.clone(),
        step: step.clone(),
        schema: plan.schema.clone(),
        current: execution.run(start)?,
        gathered: Vec::new(),
        seen,
    };
    Ok(futures::stream::try_unfold(state, |mut state| async move {
        loop {
            state.execution.check()?;
            match state.current.next().await {
                Some(batch) => {
                    let batch = batch?;
                    let batch = batch_of(&state.schema, batch.columns().to_vec(), batch.num_rows())?;
                    let batch = state.fresh(batch)?;
                    if batch.num_rows() > 0 {
                        state.gathered.push(batch.clone());
                        return Ok(Some((batch, state)));
                    }
                }
                None if state.gathered.is_empty() => return Ok(None),
                None => {
                    let working = Arc::new(std::mem::take(&mut state.gathered));
                    let round = state.execution.with_working(state.common, working);
                    state.current = round.run(&state.step)?;
                }
            }
        }
    })
    .boxed())
}

impl Recursion {
    /// The rows not given before, where UNION asks for that.
    fn fresh(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some((converter, keys, seen)) = &mut self.seen else { return Ok(batch) };
        let row_keys = converter.of(keys, &self.execution.scope(), &batch)?;
        let mask: Vec<bool> =
            (0..batch.num_rows()).map(|row| seen.insert(row_keys.get(row).to_vec())).collect();
        narrowed(&batch, &BooleanArray::from(mask))
    }
}
