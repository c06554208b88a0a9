//! Evaluation of a whole batch at a time.
//!
//! The forms that decide what is evaluated (AND, OR, CASE, COALESCE) work on selections: a later part sees only the
//! rows that earlier parts left open, so it raises no error for the others. A part that cannot fail is evaluated over
//! all rows at once. A function without a vector form is called row by row.

use std::cell::RefCell;
use std::sync::Arc;

use arrow::compute::kernels::boolean;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use engine::Value;

use super::column::{self, ColumnBuilder};
use super::operation::{CompiledExpression, Eager, FunctionCall, Operation, SubqueryCall};
use super::scalar::boolean_test;
use super::scope::Scope;
use super::{list, special};
use crate::error::{Error, Result};
use crate::functions::Vector;

/// The rows an expression is evaluated over: a batch, or a selection of its rows.
pub struct Rows<'a> {
    columns: &'a [ArrayRef],
    count: usize,
    selection: Option<UInt32Array>,
    /// Columns already narrowed to the selection.
    taken: RefCell<Vec<Option<ArrayRef>>>,
}

impl<'a> Rows<'a> {
    /// All rows of a batch.
    pub fn of(batch: &'a RecordBatch) -> Rows<'a> {
        Rows::new(batch.columns(), batch.num_rows())
    }

    /// All rows of columns of `count` rows.
    pub fn new(columns: &'a [ArrayRef], count: usize) -> Rows<'a> {
        Rows { columns, count, selection: None, taken: RefCell::new(Vec::new()) }
    }

    fn column(&self, position: usize) -> Result<ArrayRef> {
        let column = self
            .columns
            .get(position)
            .ok_or_else(|| Error::internal(format!("a batch has no column {position}")))?;
        let Some(selection) = &self.selection else {
            return Ok(column.clone());
        };
        let mut taken = self.taken.borrow_mut();
        if taken.is_empty() {
            taken.resize(self.columns.len(), None);
        }
        if let Some(Some(column)) = taken.get(position) {
            return Ok(column.clone());
        }
        let narrowed = arrow::compute::take(column.as_ref(), selection, None).map_err(arrow_error)?;
        if let Some(place) = taken.get_mut(position) {
            *place = Some(narrowed.clone());
        }
        Ok(narrowed)
    }

    /// Some of these rows, by their positions among these.
    fn select(&self, rows: &[u32]) -> Rows<'a> {
        let selection = match &self.selection {
            None => UInt32Array::from(rows.to_vec()),
            Some(outer) => rows.iter().map(|row| outer.value(*row as usize)).collect::<Vec<_>>().into(),
        };
        Rows {
            columns: self.columns,
            count: rows.len(),
            selection: Some(selection),
            taken: RefCell::new(Vec::new()),
        }
    }
}

/// An Arrow kernel's refusal: our own inputs were at fault.
pub(crate) fn arrow_error(error: arrow_schema::ArrowError) -> Error {
    Error::internal(error.to_string())
}

impl CompiledExpression {
    /// The values for all rows of a batch, as a column.
    pub fn evaluate_batch(&self, scope: &Scope<'_>, batch: &RecordBatch) -> Result<ArrayRef> {
        self.evaluate_column(scope, &Rows::of(batch))
    }

    /// The values for the rows, as a column.
    pub fn evaluate_column(&self, scope: &Scope<'_>, rows: &Rows<'_>) -> Result<ArrayRef> {
        match self.evaluate_vector(scope, rows)? {
            Vector::Array(array) => Ok(array),
            Vector::Constant(value) => column::repeat(self.physical, &value, rows.count),
        }
    }

    /// A predicate's truth for the rows: NULL where unknown.
    pub fn evaluate_predicate(&self, scope: &Scope<'_>, batch: &RecordBatch) -> Result<BooleanArray> {
        let column = self.evaluate_batch(scope, batch)?;
        column.as_boolean_opt().cloned().ok_or_else(|| Error::internal("a predicate was not of type boolean"))
    }

    /// The values for the rows.
    pub fn evaluate_vector(&self, scope: &Scope<'_>, rows: &Rows<'_>) -> Result<Vector> {
        if rows.count == 0 {
            return Ok(Vector::Array(arrow_array::new_empty_array(&self.physical.arrow())));
        }
        match &self.operation {
            Operation::Constant(value) => Ok(Vector::Constant(value.clone())),
            Operation::Parameter(number) => Ok(Vector::Constant(scope.parameter(*number)?.clone())),
            Operation::Outer(slot) => Ok(Vector::Constant(scope.slot(*slot)?.clone())),
            Operation::Special(value) => {
                Ok(Vector::Constant(special::value(*value, self.ty, scope.context)?))
            }
            Operation::Input(position) => Ok(Vector::Array(rows.column(*position)?)),
            Operation::Apply(eager, arguments) => self.apply_vector(eager, arguments, scope, rows),
            Operation::And(items) => connective(items, scope, rows, false),
            Operation::Or(items) => connective(items, scope, rows, true),
            Operation::Case { arms, otherwise } => self.case(arms, otherwise.as_deref(), scope, rows),
            Operation::Coalesce(items) => self.coalesce(items, scope, rows),
            Operation::Subquery(call) => self.subquery(call, scope, rows),
        }
    }

    fn apply_vector(
        &self,
        eager: &Eager,
        arguments: &[CompiledExpression],
        scope: &Scope<'_>,
        rows: &Rows<'_>,
    ) -> Result<Vector> {
        let vectors = arguments
            .iter()
            .map(|argument| argument.evaluate_vector(scope, rows))
            .collect::<Result<Vec<_>>>()?;
        let volatile = matches!(eager, Eager::Call(function) if function.volatile);
        if !volatile && vectors.iter().all(|vector| matches!(vector, Vector::Constant(_))) {
            let values = values_at(&vectors, 0)?;
            return Ok(Vector::Constant(self.apply(eager, scope, &values)?));
        }
        if let Eager::Call(FunctionCall { implementation, call, .. }) = eager
            && let Some(vector) = implementation.vector
        {
            return Ok(Vector::Array(vector(scope.context, call, &vectors, rows.count)?));
        }
        if let (Eager::AnyArray { call, all }, [Vector::Array(left), Vector::Constant(list)]) =
            (eager, vectors.as_slice())
            && !list.is_null()
        {
            return list::any(scope.context, call, *all, left, list).map(Vector::Array);
        }
        if let [Vector::Array(array)] = vectors.as_slice()
            && let Some(result) = native(eager, array)?
        {
            return Ok(Vector::Array(result));
        }
        self.row_by_row(eager, scope, &vectors, rows.count)
    }

    fn row_by_row(
        &self,
        eager: &Eager,
        scope: &Scope<'_>,
        vectors: &[Vector],
        count: usize,
    ) -> Result<Vector> {
        let mut builder = ColumnBuilder::new(self.physical, count);
        let mut values: Vec<Value> = values_at(vectors, 0)?;
        for row in 0..count {
            for (value, vector) in values.iter_mut().zip(vectors) {
                if let Vector::Array(array) = vector {
                    *value = column::value_at(array.as_ref(), row)?;
                }
            }
            builder.append(&self.apply(eager, scope, &values)?)?;
        }
        Ok(Vector::Array(builder.finish()))
    }

    fn case(
        &self,
        arms: &[(CompiledExpression, CompiledExpression)],
        otherwise: Option<&CompiledExpression>,
        scope: &Scope<'_>,
        rows: &Rows<'_>,
    ) -> Result<Vector> {
        let mut open: Vec<u32> = all(rows.count);
        let mut parts = Parts::new(rows.count);
        for (when, then) in arms {
            if open.is_empty() {
                break;
            }
            let condition = when.evaluate_vector(scope, &rows.select(&open))?;
            let (chosen, rest): (Vec<u32>, Vec<u32>) = split(&open, &condition)?;
            if !chosen.is_empty() {
                parts.add(then.evaluate_column(scope, &rows.select(&chosen))?, &chosen);
            }
            open = rest;
        }
        if let Some(otherwise) = otherwise
            && !open.is_empty()
        {
            parts.add(otherwise.evaluate_column(scope, &rows.select(&open))?, &open);
        }
        Ok(Vector::Array(parts.join(self)?))
    }

    fn coalesce(&self, items: &[CompiledExpression], scope: &Scope<'_>, rows: &Rows<'_>) -> Result<Vector> {
        let mut open: Vec<u32> = all(rows.count);
        let mut parts = Parts::new(rows.count);
        for item in items {
            if open.is_empty() {
                break;
            }
            let column = item.evaluate_column(scope, &rows.select(&open))?;
            let (mut rest, mut places, mut chosen) = (Vec::new(), Vec::new(), Vec::new());
            for (index, row) in open.iter().enumerate() {
                if column.is_null(index) {
                    rest.push(*row);
                } else {
                    places.push(*row);
                    chosen.push(index as u32);
                }
            }
            let chosen = UInt32Array::from(chosen);
            parts.add(arrow::compute::take(&column, &chosen, None).map_err(arrow_error)?, &places);
            open = rest;
        }
        Ok(Vector::Array(parts.join(self)?))
    }

    fn subquery(&self, call: &SubqueryCall, scope: &Scope<'_>, rows: &Rows<'_>) -> Result<Vector> {
        if call.inputs.is_empty() && (call.captured.is_empty() || !call.volatile) {
            let row = vec![Value::Null; call.width];
            return Ok(Vector::Constant(scope.run(call, &row)?));
        }
        let columns = call
            .inputs
            .iter()
            .map(|position| Ok((*position, rows.column(*position)?)))
            .collect::<Result<Vec<_>>>()?;
        let mut values = vec![Value::Null; call.width];
        let mut builder = ColumnBuilder::new(self.physical, rows.count);
        for row in 0..rows.count {
            for (position, column) in &columns {
                if let Some(value) = values.get_mut(*position) {
                    *value = column::value_at(column.as_ref(), row)?;
                }
            }
            builder.append(&scope.run(call, &values)?)?;
        }
        Ok(Vector::Array(builder.finish()))
    }
}

/// Operations of one truth value or nullness that need no values.
fn native(eager: &Eager, array: &ArrayRef) -> Result<Option<ArrayRef>> {
    Ok(Some(match eager {
        Eager::Not => Arc::new(boolean::not(truths(array)?).map_err(arrow_error)?),
        Eager::IsNull { negated: false } => Arc::new(boolean::is_null(array).map_err(arrow_error)?),
        Eager::IsNull { negated: true } => Arc::new(boolean::is_not_null(array).map_err(arrow_error)?),
        Eager::BooleanTest(test) => {
            let mut outcomes = [false; 3];
            for (outcome, value) in
                outcomes.iter_mut().zip([Value::Bool(false), Value::Bool(true), Value::Null])
            {
                *outcome = boolean_test(*test, &value)?;
            }
            let [on_false, on_true, on_null] = outcomes;
            let choose = |value| match value {
                Some(true) => on_true,
                Some(false) => on_false,
                None => on_null,
            };
            Arc::new(BooleanArray::from_iter(truths(array)?.iter().map(|value| Some(choose(value)))))
        }
        _ => return Ok(None),
    }))
}

fn truths(array: &ArrayRef) -> Result<&BooleanArray> {
    array.as_boolean_opt().ok_or_else(|| Error::internal("a truth value was not of type boolean"))
}

/// AND (`decisive` false) or OR (`decisive` true).
fn connective(
    items: &[CompiledExpression],
    scope: &Scope<'_>,
    rows: &Rows<'_>,
    decisive: bool,
) -> Result<Vector> {
    let mut result: Option<BooleanArray> = None;
    for item in items {
        let next = match &result {
            None => item.evaluate_column(scope, rows)?.as_boolean().clone(),
            Some(so_far) if item.harmless() => {
                if decided(so_far, decisive) == so_far.len() {
                    break;
                }
                item.evaluate_column(scope, rows)?.as_boolean().clone()
            }
            Some(so_far) => {
                let open: Vec<u32> = (0..so_far.len() as u32)
                    .filter(|row| so_far.is_null(*row as usize) || so_far.value(*row as usize) != decisive)
                    .collect();
                if open.is_empty() {
                    break;
                }
                if open.len() == rows.count {
                    item.evaluate_column(scope, rows)?.as_boolean().clone()
                } else {
                    let part = item.evaluate_column(scope, &rows.select(&open))?;
                    widen(part.as_boolean(), &open, rows.count, decisive)
                }
            }
        };
        result = Some(match result {
            None => next,
            Some(so_far) if decisive => boolean::or_kleene(&so_far, &next).map_err(arrow_error)?,
            Some(so_far) => boolean::and_kleene(&so_far, &next).map_err(arrow_error)?,
        });
    }
    Ok(match result {
        Some(result) => Vector::Array(Arc::new(result)),
        None => Vector::Constant(Value::Bool(!decisive)),
    })
}

/// How many rows already have the decisive value.
fn decided(values: &BooleanArray, decisive: bool) -> usize {
    let trues = values.true_count();
    if decisive { trues } else { values.len() - values.null_count() - trues }
}

/// A part's truth values put at their rows; the other rows, decided already, get the decisive value.
fn widen(part: &BooleanArray, places: &[u32], count: usize, decisive: bool) -> BooleanArray {
    let mut values = vec![Some(decisive); count];
    for (index, place) in places.iter().enumerate() {
        if let Some(value) = values.get_mut(*place as usize) {
            *value = part.is_valid(index).then(|| part.value(index));
        }
    }
    BooleanArray::from(values)
}

fn all(count: usize) -> Vec<u32> {
    (0..count as u32).collect()
}

/// Parts the open rows into those where the condition is true and the rest.
fn split(open: &[u32], condition: &Vector) -> Result<(Vec<u32>, Vec<u32>)> {
    match condition {
        Vector::Constant(Value::Bool(true)) => Ok((open.to_vec(), Vec::new())),
        Vector::Constant(_) => Ok((Vec::new(), open.to_vec())),
        Vector::Array(array) => {
            let truths = truths(array)?;
            let mut rows = open.iter().copied().enumerate();
            let is_true = |index: usize| truths.is_valid(index) && truths.value(index);
            let (chosen, rest): (Vec<_>, Vec<_>) = rows.by_ref().partition(|(index, _)| is_true(*index));
            let strip = |pairs: Vec<(usize, u32)>| pairs.into_iter().map(|(_, row)| row).collect();
            Ok((strip(chosen), strip(rest)))
        }
    }
}

/// Columns of results for disjoint sets of rows, to be put together in row order.
struct Parts {
    columns: Vec<ArrayRef>,
    /// For every row the part and the place in it.
    places: Vec<Option<(usize, usize)>>,
}

impl Parts {
    fn new(count: usize) -> Parts {
        Parts { columns: Vec::new(), places: vec![None; count] }
    }

    fn add(&mut self, column: ArrayRef, rows: &[u32]) {
        for (index, row) in rows.iter().enumerate() {
            if let Some(place) = self.places.get_mut(*row as usize) {
                *place = Some((self.columns.len(), index));
            }
        }
        self.columns.push(column);
    }

    fn join(self, expression: &CompiledExpression) -> Result<ArrayRef> {
        if self.columns.len() == 1 && self.places.iter().all(Option::is_some) {
            return self.columns.into_iter().next().ok_or_else(|| Error::internal("no part"));
        }
        let nothing = arrow_array::new_null_array(&expression.physical.arrow(), 1);
        let mut columns: Vec<&dyn Array> = self.columns.iter().map(AsRef::as_ref).collect();
        columns.push(nothing.as_ref());
        let absent = (columns.len() - 1, 0);
        let places: Vec<_> = self.places.iter().map(|place| place.unwrap_or(absent)).collect();
        arrow::compute::interleave(&columns, &places).map_err(arrow_error)
    }
}

/// The arguments' values at one row.
fn values_at(vectors: &[Vector], row: usize) -> Result<Vec<Value>> {
    vectors
        .iter()
        .map(|vector| match vector {
            Vector::Constant(value) => Ok(value.clone()),
            Vector::Array(array) => column::value_at(array.as_ref(), row),
        })
        .collect()
}
