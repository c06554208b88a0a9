//! A column compared with the elements of one array: IN lists.
//!
//! Few elements are compared one after the other by the function's vector form; many, for an equality, by key; else
//! row by row. All three give the same answers.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::compute::kernels::boolean;
use arrow_array::cast::AsArray;
use arrow_array::{Array as _, ArrayRef, BooleanArray};
use engine::Value;

use super::collection::any_of;
use super::column::value_at;
use super::context::Context;
use super::facts::is_equality;
use super::operation::FunctionCall;
use super::vector::arrow_error;
use crate::error::{Error, Result};
use crate::functions::Vector;
use crate::types::array::Array;
use crate::types::key;

/// Up to as many elements are compared one by one.
const FEW: usize = 8;

/// `left operator ANY (list)`, or ALL, for every row of a column.
pub(super) fn any(
    context: &Context,
    call: &FunctionCall,
    all: bool,
    left: &ArrayRef,
    list: &Value,
) -> Result<ArrayRef> {
    let elements = Array::from_value(list)?.elements;
    let same_type = call.call.argument(0) == call.call.argument(1);
    if !all && same_type && elements.len() > FEW && call.strict && is_equality(call.call.function) {
        return by_key(call.call.argument(0), left, &elements);
    }
    if let Some(vector) = call.implementation.vector
        && !elements.is_empty()
        && elements.len() <= FEW
    {
        return one_by_one(context, call, vector, all, left, elements);
    }
    let mut answers = Vec::with_capacity(left.len());
    for row in 0..left.len() {
        answers.push(match any_of(context, call, all, &value_at(left.as_ref(), row)?, &elements)? {
            Value::Bool(answer) => Some(answer),
            _ => None,
        });
    }
    Ok(Arc::new(BooleanArray::from(answers)))
}

fn one_by_one(
    context: &Context,
    call: &FunctionCall,
    vector: crate::functions::VectorFunction,
    all: bool,
    left: &ArrayRef,
    elements: Vec<Value>,
) -> Result<ArrayRef> {
    let mut answer: Option<BooleanArray> = None;
    for element in elements {
        let arguments = [Vector::Array(left.clone()), Vector::Constant(element)];
        let next = vector(context, &call.call, &arguments, left.len())?;
        let next =
            next.as_boolean_opt().ok_or_else(|| Error::internal("a comparison was not of type boolean"))?;
        answer = Some(match answer {
            None => next.clone(),
            Some(so_far) if all => boolean::and_kleene(&so_far, next).map_err(arrow_error)?,
            Some(so_far) => boolean::or_kleene(&so_far, next).map_err(arrow_error)?,
        });
    }
    Ok(Arc::new(answer.ok_or_else(|| Error::internal("a list without elements"))?))
}

/// Equality with one of the elements by comparison key; unknown where there is none but a NULL took part.
fn by_key(oid: u32, left: &ArrayRef, elements: &[Value]) -> Result<ArrayRef> {
    let mut keys = HashSet::with_capacity(elements.len());
    let mut has_null = false;
    for element in elements {
        if element.is_null() {
            has_null = true;
            continue;
        }
        let mut bytes = Vec::new();
        key::append(oid, element, &mut bytes)?;
        keys.insert(bytes);
    }
    let mut bytes = Vec::new();
    let mut answers = Vec::with_capacity(left.len());
    for row in 0..left.len() {
        if left.is_null(row) {
            answers.push(None);
            continue;
        }
        bytes.clear();
        key::append(oid, &value_at(left.as_ref(), row)?, &mut bytes)?;
        answers.push(match keys.contains(bytes.as_slice()) {
            true => Some(true),
            false if has_null => None,
            false => Some(false),
        });
    }
    Ok(Arc::new(BooleanArray::from(answers)))
}
