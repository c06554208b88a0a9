//! Batch forms of functions agree with their scalar forms, row by row, in every mix of columns and constants.

mod common;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringArray};
use common::{call, context, text_value};
use engine::{PhysicalType, Value};
use strata_sql::evaluate::Context;
use strata_sql::functions::{Call, Vector, implementation};
use strata_sql::types::physical;

/// A column of values of one physical type.
fn column(values: &[Value], ty: PhysicalType) -> ArrayRef {
    macro_rules! primitive {
        ($arrow:ty, $variant:ident) => {
            Arc::new(PrimitiveArray::<$arrow>::from_iter(values.iter().map(|value| match value {
                Value::$variant(inner) => Some(*inner),
                _ => None,
            })))
        };
    }
    match ty {
        PhysicalType::Int16 => primitive!(Int16Type, Int16),
        PhysicalType::Int32 => primitive!(Int32Type, Int32),
        PhysicalType::Int64 => primitive!(Int64Type, Int64),
        PhysicalType::UInt32 => primitive!(UInt32Type, UInt32),
        PhysicalType::Float32 => primitive!(Float32Type, Float32),
        PhysicalType::Float64 => primitive!(Float64Type, Float64),
        PhysicalType::Text => Arc::new(values.iter().map(Value::as_text).collect::<StringArray>()),
        other => panic!("no column of {other:?} here"),
    }
}

/// The value at a row of a result.
fn at(array: &ArrayRef, row: usize) -> Value {
    use arrow_schema::DataType;
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int16 => Value::Int16(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => Value::Int32(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Value::Int64(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Value::Float32(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Value::Float64(array.as_primitive::<Float64Type>().value(row)),
        other => panic!("no value of {other} here"),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float64(a), Value::Float64(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (Value::Float32(a), Value::Float32(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        _ => a == b,
    }
}

/// What the scalar form answers: `None` where it fails.
fn scalar(context: &Context, call: &Call, arguments: &[Value]) -> Option<Value> {
    if arguments.iter().any(Value::is_null) {
        return Some(Value::Null);
    }
    (implementation(call.function)?.scalar)(context, call, arguments).ok()
}

/// Compares one batch; rows that fail are checked one by one, and are then hidden behind NULL.
fn check(context: &Context, header: &str, call: &Call, rows: &[Vec<Value>]) -> usize {
    let vector = implementation(call.function).and_then(|found| found.vector).expect("a batch form");
    let types: Vec<PhysicalType> = call.arguments.iter().map(|ty| physical(ty.oid)).collect();
    let mut good = Vec::new();
    for row in rows {
        match scalar(context, call, row) {
            Some(answer) => good.push((row.clone(), answer)),
            None => {
                let single: Vec<Vector> = row
                    .iter()
                    .zip(&types)
                    .map(|(value, ty)| Vector::Array(column(std::slice::from_ref(value), *ty)))
                    .collect();
                assert!(
                    vector(context, call, &single, 1).is_err(),
                    "{header}: {row:?} must fail as a batch too"
                );
            }
        }
    }
    // A row of NULLs in the middle, where the values beneath are zero.
    good.push((vec![Value::Null; types.len()], Value::Null));
    let columns: Vec<Vec<Value>> =
        (0..types.len()).map(|at| good.iter().map(|(row, _)| row[at].clone()).collect()).collect();
    let arrays: Vec<Vector> =
        columns.iter().zip(&types).map(|(values, ty)| Vector::Array(column(values, *ty))).collect();
    let result =
        vector(context, call, &arrays, good.len()).unwrap_or_else(|error| panic!("{header}: {error}"));
    assert_eq!(result.len(), good.len(), "{header}");
    for (row, (arguments, expected)) in good.iter().enumerate() {
        let got = at(&result, row);
        assert!(same(expected, &got), "{header}: {arguments:?} gives {expected:?}, as a batch {got:?}");
    }
    for (arguments, expected) in &good {
        for constant in 0..types.len() {
            let mixed: Vec<Vector> = arguments
                .iter()
                .zip(&types)
                .enumerate()
                .map(|(at, (value, ty))| match at == constant {
                    true => Vector::Constant(value.clone()),
                    false => Vector::Array(column(&[value.clone(), value.clone()], *ty)),
                })
                .collect();
            let result = vector(context, call, &mixed, 2).unwrap_or_else(|error| panic!("{header}: {error}"));
            assert!(same(expected, &at(&result, 1)), "{header}: {arguments:?} with constant {constant}");
        }
        let constants: Vec<Vector> = arguments.iter().cloned().map(Vector::Constant).collect();
        let result = vector(context, call, &constants, 3).unwrap_or_else(|error| panic!("{header}: {error}"));
        assert!(result.len() == 3 && same(expected, &at(&result, 2)), "{header}: {arguments:?} as constants");
    }
    good.len()
}

#[test]
fn batches_answer_as_single_calls() {
    let context = context("UTC");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/functions");
    let (mut functions, mut rows_checked) = (0, 0);
    for file in std::fs::read_dir(folder).expect("the folder of cases").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a file of cases");
        for block in text.split("\n# ").skip(1) {
            let mut lines = block.lines();
            let header = lines.next().expect("a header");
            let call = call(header);
            if implementation(call.function).is_none_or(|found| found.vector.is_none()) {
                continue;
            }
            let rows: Vec<Vec<Value>> = lines
                .filter(|line| !line.starts_with("@ "))
                .filter_map(|line| {
                    let fields: Vec<&str> = line.split('\t').collect();
                    let values = fields
                        .iter()
                        .zip(&call.arguments)
                        .map(|(field, ty)| text_value(&context, ty.oid, field));
                    values.collect::<Result<Vec<Value>, _>>().ok()
                })
                .collect();
            rows_checked += check(&context, header, &call, &rows);
            functions += 1;
        }
    }
    assert!(functions > 100, "only {functions} functions have a batch form");
    println!("{functions} functions, {rows_checked} rows");
}
