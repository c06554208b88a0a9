//! Functions as sources of rows: in FROM, and set-returning ones in a select list.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use engine::Value;
use futures::StreamExt;

use super::execution::Execution;
use super::stream::{BATCH_ROWS, Batches, batch_of, from_iterator};
use crate::error::{Error, Result};
use crate::evaluate::column::{ColumnBuilder, row_at};
use crate::evaluate::{Scope, arrow_error};
use crate::functions::{Rows, set_returning};
use crate::plan::Node;
use crate::plan::node::{FunctionSource, Operator};
use crate::types::array::Array;
use crate::types::oid;
use crate::types::record::Record;

/// A function at work: its rows, until it has no more.
struct Source {
    rows: Option<Box<dyn Rows>>,
    /// The one row of a function that returns no set.
    single: Option<Vec<Value>>,
    columns: usize,
    /// The types of a row's columns, where it leaves as one record.
    packed: Vec<u32>,
}

impl Source {
    fn start(item: &FunctionSource, scope: &Scope<'_>, row: &[Value]) -> Result<Source> {
        let arguments = item
            .arguments
            .iter()
            .map(|argument| argument.evaluate(scope, row))
            .collect::<Result<Vec<_>>>()?;
        let Some(function) = &item.function else {
            let value = arguments.into_iter().next().unwrap_or(Value::Null);
            let single = Some(if item.spread { spread(&value, item.columns)? } else { vec![value] });
            return Ok(Source { rows: None, single, columns: item.columns, packed: Vec::new() });
        };
        let implementation = set_returning(function.oid)
            .ok_or_else(|| Error::unsupported(format!("function {}", item.name)))?;
        let packed = packed_types(&item.packed, &arguments)?;
        let rows = if function.strict && arguments.iter().any(Value::is_null) {
            None
        } else {
            Some((implementation.start)(scope.context, &function.call, &arguments)?)
        };
        Ok(Source { rows, single: None, columns: item.columns, packed })
    }

    /// The next row; a function's record result is spread over its columns.
    fn next(&mut self, scope: &Scope<'_>) -> Result<Option<Vec<Value>>> {
        if let Some(row) = self.single.take() {
            return Ok(Some(row));
        }
        let Some(rows) = &mut self.rows else { return Ok(None) };
        match rows.next(scope.context)? {
            Some(row) if !self.packed.is_empty() && row.len() == self.packed.len() => {
                let columns = self.packed.iter().copied().zip(row).collect();
                Ok(Some(vec![Record::new(columns).to_value()]))
            }
            Some(row) if row.len() == self.columns => Ok(Some(row)),
            Some(row) => match row.as_slice() {
                [record] => spread(record, self.columns).map(Some),
                _ => Err(Error::internal("a function gave another number of columns than it declares")),
            },
            None => {
                self.rows = None;
                Ok(None)
            }
        }
    }
}

/// The types of a record's columns in this call: a polymorphic one is that of the elements of the array given.
fn packed_types(declared: &[u32], arguments: &[Value]) -> Result<Vec<u32>> {
    if !declared.iter().any(|type_oid| oid::is_polymorphic(*type_oid)) {
        return Ok(declared.to_vec());
    }
    let element = match arguments.first() {
        Some(array) if !array.is_null() => Array::from_value(array)?.element,
        Some(_) | None => oid::TEXT,
    };
    let settled = |type_oid: &u32| if oid::is_polymorphic(*type_oid) { element } else { *type_oid };
    Ok(declared.iter().map(settled).collect())
}

/// A record's fields; all NULL for a NULL record.
fn spread(value: &Value, columns: usize) -> Result<Vec<Value>> {
    if value.is_null() {
        return Ok(vec![Value::Null; columns]);
    }
    let mut fields: Vec<Value> =
        Record::from_value(value)?.columns.into_iter().map(|(_, value)| value).collect();
    fields.resize(columns, Value::Null);
    Ok(fields)
}

/// Sources in lockstep: rows until all have ended, the shorter ones padded with NULL.
struct Lockstep {
    sources: Vec<Source>,
    done: bool,
}

impl Lockstep {
    fn start(items: &[FunctionSource], scope: &Scope<'_>, row: &[Value]) -> Result<Lockstep> {
        let sources = items.iter().map(|item| Source::start(item, scope, row)).collect::<Result<Vec<_>>>()?;
        Ok(Lockstep { sources, done: false })
    }

    /// Appends the next row; `false` at the end.
    fn append(&mut self, scope: &Scope<'_>, builders: &mut [ColumnBuilder]) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        let mut rows = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            rows.push(source.next(scope)?);
        }
        if rows.iter().all(Option::is_none) {
            self.done = true;
            return Ok(false);
        }
        let mut builders = builders.iter_mut();
        for (row, source) in rows.iter().zip(&self.sources) {
            for column in 0..source.columns {
                let builder =
                    builders.next().ok_or_else(|| Error::internal("a function has too many columns"))?;
                match row.as_ref().and_then(|row| row.get(column)) {
                    Some(value) => builder.append(value)?,
                    None => builder.append_null(),
                }
            }
        }
        Ok(true)
    }
}

pub(super) fn scan(node: &Arc<Node>, execution: &Execution) -> Result<Batches> {
    let Operator::Functions { items, ordinality } = &node.operator else {
        return Err(Error::internal("not a function scan"));
    };
    let ordinality = *ordinality;
    let mut lockstep = Lockstep::start(items, &execution.scope(), &[])?;
    let (node, execution) = (node.clone(), execution.clone());
    let (mut number, mut wanted) = (0i64, 64);
    Ok(from_iterator(std::iter::from_fn(move || {
        if lockstep.done {
            return None;
        }
        let mut builders: Vec<_> =
            node.columns.iter().map(|column| ColumnBuilder::new(column.physical, wanted)).collect();
        let plain = builders.len() - usize::from(ordinality);
        let (functions, numbers) = builders.split_at_mut(plain);
        let mut rows = 0;
        let outcome: Result<()> = (|| {
            while rows < wanted && lockstep.append(&execution.scope(), functions)? {
                rows += 1;
                number += 1;
                for builder in numbers.iter_mut() {
                    builder.append(&Value::Int64(number))?;
                }
            }
            Ok(())
        })();
        wanted = (wanted * 4).min(BATCH_ROWS);
        if let Err(error) = outcome {
            lockstep.done = true;
            return Some(Err(error));
        }
        let columns = builders.iter_mut().map(ColumnBuilder::finish).collect();
        Some(batch_of(&node.schema, columns, rows))
    })))
}

struct ProjectState {
    node: Arc<Node>,
    execution: Execution,
    input: Batches,
    batch: Option<RecordBatch>,
    /// The row of the batch at work, and its functions.
    row: usize,
    lockstep: Option<Lockstep>,
}

pub(super) fn project_set(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    let state = ProjectState {
        node: node.clone(),
        execution: execution.clone(),
        input,
        batch: None,
        row: 0,
        lockstep: None,
    };
    futures::stream::try_unfold(state, |mut state| async move {
        loop {
            if state.batch.is_none() {
                match state.input.next().await {
                    None => return Ok(None),
                    Some(batch) => state.batch = Some(batch?),
                }
                state.row = 0;
            }
            let produced = expand(&mut state)?;
            if produced.num_rows() > 0 {
                return Ok(Some((produced, state)));
            }
        }
    })
    .boxed()
}

/// The next rows of the batch at work.
fn expand(state: &mut ProjectState) -> Result<RecordBatch> {
    let node = state.node.clone();
    let Operator::ProjectSet { kept, items, .. } = &node.operator else {
        return Err(Error::internal("not a projection of sets"));
    };
    let Some(batch) = state.batch.clone() else { return Err(Error::internal("no batch to expand")) };
    let scope = state.execution.scope();
    let own = node.columns.iter().skip(kept.len());
    let mut builders: Vec<_> = own.map(|column| ColumnBuilder::new(column.physical, BATCH_ROWS)).collect();
    let mut owners: Vec<u32> = Vec::new();
    while owners.len() < BATCH_ROWS {
        let mut lockstep = match state.lockstep.take() {
            Some(lockstep) => lockstep,
            None if state.row < batch.num_rows() => {
                Lockstep::start(items, &scope, &row_at(batch.columns(), state.row)?)?
            }
            None => {
                state.batch = None;
                break;
            }
        };
        while owners.len() < BATCH_ROWS && lockstep.append(&scope, &mut builders)? {
            owners.push(state.row as u32);
        }
        if lockstep.done {
            state.row += 1;
        } else {
            state.lockstep = Some(lockstep);
        }
    }
    let owners = UInt32Array::from(owners);
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(node.columns.len());
    for position in kept {
        let column =
            batch.columns().get(*position).ok_or_else(|| Error::internal("a kept column is missing"))?;
        columns.push(arrow::compute::take(column, &owners, None).map_err(arrow_error)?);
    }
    columns.extend(builders.iter_mut().map(ColumnBuilder::finish));
    batch_of(&node.schema, columns, owners.len())
}
