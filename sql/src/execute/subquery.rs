//! Subqueries in expressions: executed when their value is asked for, remembered by the outer values they read.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use engine::Value;

use super::execution::Execution;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::column::{row_at, value_at};
use crate::evaluate::{HashedTest, SubqueryCall, SubqueryCallKind, SubqueryRunner};
use crate::plan::Node;
use crate::types::array::Array;
use crate::types::key;
use crate::types::record::Record;

/// How many results of one execution are remembered.
const REMEMBERED_MAX: usize = 16_384;

/// What is remembered of one run of a subquery.
#[derive(Clone)]
pub(super) enum Remembered {
    Value(Value),
    Rows(Arc<Vec<RecordBatch>>),
    Hashed(Arc<HashedRows>),
}

/// The keys of a subquery's single column.
pub(super) struct HashedRows {
    keys: HashSet<Vec<u8>>,
    has_null: bool,
}

impl SubqueryRunner for Execution {
    fn subquery(&self, call: &SubqueryCall, row: &[Value]) -> Result<Value> {
        let bindings = call
            .bindings
            .iter()
            .map(|(position, slot)| (*slot, row.get(*position).cloned().unwrap_or(Value::Null)));
        let inner = if call.bindings.is_empty() { self.clone() } else { self.with_slots(bindings) };
        let plan = self.shared.plan.subqueries.get(call.plan);
        let root = &plan.ok_or_else(|| Error::internal("a subquery has no plan"))?.root;
        match &call.kind {
            SubqueryCallKind::Scalar => inner.remembered_value(call, || inner.scalar(root)),
            SubqueryCallKind::Exists => {
                inner.remembered_value(call, || Ok(Value::Bool(!inner.first_rows(root, 1)?.is_empty())))
            }
            SubqueryCallKind::Array { element } => {
                inner.remembered_value(call, || inner.array(root, *element))
            }
            SubqueryCallKind::Row { names: _, types } => inner.remembered_value(call, || {
                let Some(values) = inner.single_row(root)? else { return Ok(Value::Null) };
                let columns = types.iter().zip(values).map(|(ty, value)| (ty.oid, value)).collect();
                Ok(Record::new(columns).to_value())
            }),
            SubqueryCallKind::Quantified { hashed: Some(test), .. } => {
                inner.hashed(call, root, test, row, self)
            }
            SubqueryCallKind::Quantified { test, all, hashed: None } => {
                let rows = inner.remembered_rows(call, root)?;
                let mut values = row.to_vec();
                values.truncate(call.width);
                let mut unknown = false;
                for batch in rows.iter() {
                    for at in 0..batch.num_rows() {
                        values.truncate(call.width);
                        values.extend(row_at(batch.columns(), at)?);
                        match test.evaluate(&self.scope(), &values)? {
                            Value::Bool(answer) if answer != *all => return Ok(Value::Bool(!all)),
                            Value::Bool(_) => {}
                            _ => unknown = true,
                        }
                    }
                }
                Ok(if unknown { Value::Null } else { Value::Bool(*all) })
            }
        }
    }
}

impl Execution {
    /// Computes a result once for the present values of the slots it depends on.
    fn remember(
        &self,
        call: &SubqueryCall,
        compute: impl FnOnce() -> Result<Remembered>,
    ) -> Result<Remembered> {
        // Without outer columns even a volatile subquery runs once, as PostgreSQL's initial plans do.
        if call.volatile && !call.captured.is_empty() {
            return compute();
        }
        let key = (call.plan, slots_key(&call.captured, self));
        if let Some(known) = self.memory.subqueries.lock().get(&key) {
            return Ok(known.clone());
        }
        let result = compute()?;
        let mut memory = self.memory.subqueries.lock();
        if memory.len() >= REMEMBERED_MAX {
            memory.clear();
        }
        memory.insert(key, result.clone());
        Ok(result)
    }

    fn remembered_value(
        &self,
        call: &SubqueryCall,
        compute: impl FnOnce() -> Result<Value>,
    ) -> Result<Value> {
        match self.remember(call, || compute().map(Remembered::Value))? {
            Remembered::Value(value) => Ok(value),
            Remembered::Rows(_) | Remembered::Hashed(_) => {
                Err(Error::internal("a subquery's value is of another kind"))
            }
        }
    }

    fn remembered_rows(&self, call: &SubqueryCall, root: &Arc<Node>) -> Result<Arc<Vec<RecordBatch>>> {
        match self.remember(call, || Ok(Remembered::Rows(Arc::new(self.rows_of(root)?))))? {
            Remembered::Rows(rows) => Ok(rows),
            Remembered::Value(_) | Remembered::Hashed(_) => {
                Err(Error::internal("a subquery's rows are of another kind"))
            }
        }
    }

    /// The only row; an error where there are more.
    fn single_row(&self, root: &Arc<Node>) -> Result<Option<Vec<Value>>> {
        let batches = self.first_rows(root, 2)?;
        if batches.iter().map(RecordBatch::num_rows).sum::<usize>() > 1 {
            return Err(Error::new(
                SqlState::CardinalityViolation,
                "more than one row returned by a subquery used as an expression",
            ));
        }
        batches.first().map(|batch| row_at(batch.columns(), 0)).transpose()
    }

    fn scalar(&self, root: &Arc<Node>) -> Result<Value> {
        Ok(self.single_row(root)?.and_then(|row| row.into_iter().next()).unwrap_or(Value::Null))
    }

    fn array(&self, root: &Arc<Node>, element: u32) -> Result<Value> {
        let mut elements = Vec::new();
        for batch in self.rows_of(root)? {
            let Some(column) = batch.columns().first() else { continue };
            for row in 0..batch.num_rows() {
                elements.push(value_at(column.as_ref(), row)?);
            }
        }
        if crate::types::oid::array_of(element).is_none() && crate::types::oid::element_of(element).is_some()
        {
            return nested(elements, element);
        }
        Ok(Array::from_elements(element, elements).to_value())
    }

    /// `left = ANY (subquery)` by key. Unknown where nothing is equal but a NULL took part.
    fn hashed(
        &self,
        call: &SubqueryCall,
        root: &Arc<Node>,
        test: &HashedTest,
        row: &[Value],
        outer: &Execution,
    ) -> Result<Value> {
        let rows = self.remember(call, || {
            let mut hashed = HashedRows { keys: HashSet::new(), has_null: false };
            for batch in self.rows_of(root)? {
                let Some(column) = batch.columns().first() else { continue };
                for at in 0..batch.num_rows() {
                    let value = value_at(column.as_ref(), at)?;
                    if value.is_null() {
                        hashed.has_null = true;
                    } else {
                        let mut bytes = Vec::new();
                        key::append(test.oid, &value, &mut bytes)?;
                        hashed.keys.insert(bytes);
                    }
                }
            }
            Ok(Remembered::Hashed(Arc::new(hashed)))
        })?;
        let Remembered::Hashed(rows) = rows else {
            return Err(Error::internal("a subquery's keys are of another kind"));
        };
        if rows.keys.is_empty() && !rows.has_null {
            return Ok(Value::Bool(false));
        }
        let left = test.left.evaluate(&outer.scope(), row)?;
        if left.is_null() {
            return Ok(Value::Null);
        }
        let mut bytes = Vec::new();
        key::append(test.oid, &left, &mut bytes)?;
        Ok(match (rows.keys.contains(&bytes), rows.has_null) {
            (true, _) => Value::Bool(true),
            (false, true) => Value::Null,
            (false, false) => Value::Bool(false),
        })
    }
}

/// ARRAY(SELECT array): one dimension more.
fn nested(values: Vec<Value>, array_type: u32) -> Result<Value> {
    let element = crate::types::oid::element_of(array_type).unwrap_or(array_type);
    crate::evaluate::nested_array(element, &values)
}

/// The values of slots as bytes: what a remembered result is remembered under.
pub(super) fn slots_key(slots: &[usize], execution: &Execution) -> Vec<u8> {
    let mut bytes = Vec::new();
    for slot in slots {
        match execution.slots.get(*slot).unwrap_or(&Value::Null) {
            Value::Null => bytes.push(0),
            Value::Bool(value) => bytes.extend([1, u8::from(*value)]),
            Value::Int16(value) => sized(&mut bytes, &value.to_le_bytes()),
            Value::Int32(value) => sized(&mut bytes, &value.to_le_bytes()),
            Value::UInt32(value) => sized(&mut bytes, &value.to_le_bytes()),
            Value::Int64(value) => sized(&mut bytes, &value.to_le_bytes()),
            Value::Float32(value) => sized(&mut bytes, &value.to_bits().to_le_bytes()),
            Value::Float64(value) => sized(&mut bytes, &value.to_bits().to_le_bytes()),
            Value::Fixed16(value) => sized(&mut bytes, value),
            Value::Text(value) => sized(&mut bytes, value.as_bytes()),
            Value::Bytes(value) => sized(&mut bytes, value),
        }
    }
    bytes
}

fn sized(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.push(2);
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
}
