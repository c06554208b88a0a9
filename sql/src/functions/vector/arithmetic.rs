//! Batch forms of arithmetic.

use arrow_array::types::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type};

use super::combine;
use crate::error::{Error, Result};
use crate::functions::arithmetic::float::{add, divide, multiply, subtract};
use crate::functions::arithmetic::integer::{integer_quotient, out_of_range, quotient_error};
use crate::functions::registry::Vectors;

macro_rules! arithmetic {
    ($left:ty, $right:ty, $result:ty, |$a:ident, $b:ident| $body:expr, |$c:pat_param, $d:pat_param| $error:expr) => {
        |_, _, arguments, rows| {
            combine::<$left, $right, $result>(arguments, rows, |$a, $b| $body, |$c, $d| $error)
        }
    };
}

/// A result as `combine` wants it.
fn failing<T: Default>(result: Result<T>) -> (T, bool) {
    result.map_or((T::default(), true), |value| (value, false))
}

/// The error of a row that failed before.
#[cold]
fn failure<T>(result: Result<T>) -> Error {
    result.err().unwrap_or_else(|| Error::internal("a failed row did not fail again"))
}

pub(in crate::functions) const FUNCTIONS: Vectors =
    &[
        // int2pl(int2,int2)
        (
            176,
            arithmetic!(Int16Type, Int16Type, Int16Type, |a, b| a.overflowing_add(b), |_, _| out_of_range::<
                i16,
            >()),
        ),
        // int2mi(int2,int2)
        (
            180,
            arithmetic!(Int16Type, Int16Type, Int16Type, |a, b| a.overflowing_sub(b), |_, _| out_of_range::<
                i16,
            >()),
        ),
        // int2mul(int2,int2)
        (
            152,
            arithmetic!(Int16Type, Int16Type, Int16Type, |a, b| a.overflowing_mul(b), |_, _| out_of_range::<
                i16,
            >()),
        ),
        // int2div(int2,int2)
        (
            153,
            arithmetic!(Int16Type, Int16Type, Int16Type, |a, b| integer_quotient(a, b), |a, b| {
                quotient_error(a, b)
            }),
        ),
        // int24pl(int2,int4)
        (
            178,
            arithmetic!(Int16Type, Int32Type, Int32Type, |a, b| i32::from(a).overflowing_add(b), |_, _| {
                out_of_range::<i32>()
            }),
        ),
        // int24mi(int2,int4)
        (
            182,
            arithmetic!(Int16Type, Int32Type, Int32Type, |a, b| i32::from(a).overflowing_sub(b), |_, _| {
                out_of_range::<i32>()
            }),
        ),
        // int24mul(int2,int4)
        (
            170,
            arithmetic!(Int16Type, Int32Type, Int32Type, |a, b| i32::from(a).overflowing_mul(b), |_, _| {
                out_of_range::<i32>()
            }),
        ),
        // int24div(int2,int4)
        (
            172,
            arithmetic!(Int16Type, Int32Type, Int32Type, |a, b| integer_quotient(i32::from(a), b), |a, b| {
                quotient_error(i32::from(a), b)
            }),
        ),
        // int28pl(int2,int8)
        (
            841,
            arithmetic!(Int16Type, Int64Type, Int64Type, |a, b| i64::from(a).overflowing_add(b), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int28mi(int2,int8)
        (
            942,
            arithmetic!(Int16Type, Int64Type, Int64Type, |a, b| i64::from(a).overflowing_sub(b), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int28mul(int2,int8)
        (
            943,
            arithmetic!(Int16Type, Int64Type, Int64Type, |a, b| i64::from(a).overflowing_mul(b), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int28div(int2,int8)
        (
            948,
            arithmetic!(Int16Type, Int64Type, Int64Type, |a, b| integer_quotient(i64::from(a), b), |a, b| {
                quotient_error(i64::from(a), b)
            }),
        ),
        // int42pl(int4,int2)
        (
            179,
            arithmetic!(Int32Type, Int16Type, Int32Type, |a, b| a.overflowing_add(i32::from(b)), |_, _| {
                out_of_range::<i32>()
            }),
        ),
        // int42mi(int4,int2)
        (
            183,
            arithmetic!(Int32Type, Int16Type, Int32Type, |a, b| a.overflowing_sub(i32::from(b)), |_, _| {
                out_of_range::<i32>()
            }),
        ),
        // int42mul(int4,int2)
        (
            171,
            arithmetic!(Int32Type, Int16Type, Int32Type, |a, b| a.overflowing_mul(i32::from(b)), |_, _| {
                out_of_range::<i32>()
            }),
        ),
        // int42div(int4,int2)
        (
            173,
            arithmetic!(Int32Type, Int16Type, Int32Type, |a, b| integer_quotient(a, i32::from(b)), |a, b| {
                quotient_error(a, i32::from(b))
            }),
        ),
        // int4pl(int4,int4)
        (
            177,
            arithmetic!(Int32Type, Int32Type, Int32Type, |a, b| a.overflowing_add(b), |_, _| out_of_range::<
                i32,
            >()),
        ),
        // int4mi(int4,int4)
        (
            181,
            arithmetic!(Int32Type, Int32Type, Int32Type, |a, b| a.overflowing_sub(b), |_, _| out_of_range::<
                i32,
            >()),
        ),
        // int4mul(int4,int4)
        (
            141,
            arithmetic!(Int32Type, Int32Type, Int32Type, |a, b| a.overflowing_mul(b), |_, _| out_of_range::<
                i32,
            >()),
        ),
        // int4div(int4,int4)
        (
            154,
            arithmetic!(Int32Type, Int32Type, Int32Type, |a, b| integer_quotient(a, b), |a, b| {
                quotient_error(a, b)
            }),
        ),
        // int48pl(int4,int8)
        (
            1278,
            arithmetic!(Int32Type, Int64Type, Int64Type, |a, b| i64::from(a).overflowing_add(b), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int48mi(int4,int8)
        (
            1279,
            arithmetic!(Int32Type, Int64Type, Int64Type, |a, b| i64::from(a).overflowing_sub(b), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int48mul(int4,int8)
        (
            1280,
            arithmetic!(Int32Type, Int64Type, Int64Type, |a, b| i64::from(a).overflowing_mul(b), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int48div(int4,int8)
        (
            1281,
            arithmetic!(Int32Type, Int64Type, Int64Type, |a, b| integer_quotient(i64::from(a), b), |a, b| {
                quotient_error(i64::from(a), b)
            }),
        ),
        // int82pl(int8,int2)
        (
            837,
            arithmetic!(Int64Type, Int16Type, Int64Type, |a, b| a.overflowing_add(i64::from(b)), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int82mi(int8,int2)
        (
            838,
            arithmetic!(Int64Type, Int16Type, Int64Type, |a, b| a.overflowing_sub(i64::from(b)), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int82mul(int8,int2)
        (
            839,
            arithmetic!(Int64Type, Int16Type, Int64Type, |a, b| a.overflowing_mul(i64::from(b)), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int82div(int8,int2)
        (
            840,
            arithmetic!(Int64Type, Int16Type, Int64Type, |a, b| integer_quotient(a, i64::from(b)), |a, b| {
                quotient_error(a, i64::from(b))
            }),
        ),
        // int84pl(int8,int4)
        (
            1274,
            arithmetic!(Int64Type, Int32Type, Int64Type, |a, b| a.overflowing_add(i64::from(b)), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int84mi(int8,int4)
        (
            1275,
            arithmetic!(Int64Type, Int32Type, Int64Type, |a, b| a.overflowing_sub(i64::from(b)), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int84mul(int8,int4)
        (
            1276,
            arithmetic!(Int64Type, Int32Type, Int64Type, |a, b| a.overflowing_mul(i64::from(b)), |_, _| {
                out_of_range::<i64>()
            }),
        ),
        // int84div(int8,int4)
        (
            1277,
            arithmetic!(Int64Type, Int32Type, Int64Type, |a, b| integer_quotient(a, i64::from(b)), |a, b| {
                quotient_error(a, i64::from(b))
            }),
        ),
        // int8pl(int8,int8)
        (
            463,
            arithmetic!(Int64Type, Int64Type, Int64Type, |a, b| a.overflowing_add(b), |_, _| out_of_range::<
                i64,
            >()),
        ),
        // int8mi(int8,int8)
        (
            464,
            arithmetic!(Int64Type, Int64Type, Int64Type, |a, b| a.overflowing_sub(b), |_, _| out_of_range::<
                i64,
            >()),
        ),
        // int8mul(int8,int8)
        (
            465,
            arithmetic!(Int64Type, Int64Type, Int64Type, |a, b| a.overflowing_mul(b), |_, _| out_of_range::<
                i64,
            >()),
        ),
        // int8div(int8,int8)
        (
            466,
            arithmetic!(Int64Type, Int64Type, Int64Type, |a, b| integer_quotient(a, b), |a, b| {
                quotient_error(a, b)
            }),
        ),
        // float4pl(float4,float4)
        (
            204,
            arithmetic!(Float32Type, Float32Type, Float32Type, |a, b| failing(add::<f32>(a, b)), |a, b| {
                failure(add::<f32>(a, b))
            }),
        ),
        // float4mi(float4,float4)
        (
            205,
            arithmetic!(
                Float32Type,
                Float32Type,
                Float32Type,
                |a, b| failing(subtract::<f32>(a, b)),
                |a, b| failure(subtract::<f32>(a, b))
            ),
        ),
        // float4mul(float4,float4)
        (
            202,
            arithmetic!(
                Float32Type,
                Float32Type,
                Float32Type,
                |a, b| failing(multiply::<f32>(a, b)),
                |a, b| failure(multiply::<f32>(a, b))
            ),
        ),
        // float4div(float4,float4)
        (
            203,
            arithmetic!(
                Float32Type,
                Float32Type,
                Float32Type,
                |a, b| failing(divide::<f32>(a, b)),
                |a, b| failure(divide::<f32>(a, b))
            ),
        ),
        // float48pl(float4,float8)
        (
            281,
            arithmetic!(
                Float32Type,
                Float64Type,
                Float64Type,
                |a, b| failing(add::<f64>(a.into(), b)),
                |a, b| failure(add::<f64>(a.into(), b))
            ),
        ),
        // float48mi(float4,float8)
        (
            282,
            arithmetic!(
                Float32Type,
                Float64Type,
                Float64Type,
                |a, b| failing(subtract::<f64>(a.into(), b)),
                |a, b| failure(subtract::<f64>(a.into(), b))
            ),
        ),
        // float48mul(float4,float8)
        (
            279,
            arithmetic!(
                Float32Type,
                Float64Type,
                Float64Type,
                |a, b| failing(multiply::<f64>(a.into(), b)),
                |a, b| failure(multiply::<f64>(a.into(), b))
            ),
        ),
        // float48div(float4,float8)
        (
            280,
            arithmetic!(
                Float32Type,
                Float64Type,
                Float64Type,
                |a, b| failing(divide::<f64>(a.into(), b)),
                |a, b| failure(divide::<f64>(a.into(), b))
            ),
        ),
        // float84pl(float8,float4)
        (
            285,
            arithmetic!(
                Float64Type,
                Float32Type,
                Float64Type,
                |a, b| failing(add::<f64>(a, b.into())),
                |a, b| failure(add::<f64>(a, b.into()))
            ),
        ),
        // float84mi(float8,float4)
        (
            286,
            arithmetic!(
                Float64Type,
                Float32Type,
                Float64Type,
                |a, b| failing(subtract::<f64>(a, b.into())),
                |a, b| failure(subtract::<f64>(a, b.into()))
            ),
        ),
        // float84mul(float8,float4)
        (
            283,
            arithmetic!(
                Float64Type,
                Float32Type,
                Float64Type,
                |a, b| failing(multiply::<f64>(a, b.into())),
                |a, b| failure(multiply::<f64>(a, b.into()))
            ),
        ),
        // float84div(float8,float4)
        (
            284,
            arithmetic!(
                Float64Type,
                Float32Type,
                Float64Type,
                |a, b| failing(divide::<f64>(a, b.into())),
                |a, b| failure(divide::<f64>(a, b.into()))
            ),
        ),
        // float8pl(float8,float8)
        (
            218,
            arithmetic!(Float64Type, Float64Type, Float64Type, |a, b| failing(add::<f64>(a, b)), |a, b| {
                failure(add::<f64>(a, b))
            }),
        ),
        // float8mi(float8,float8)
        (
            219,
            arithmetic!(
                Float64Type,
                Float64Type,
                Float64Type,
                |a, b| failing(subtract::<f64>(a, b)),
                |a, b| failure(subtract::<f64>(a, b))
            ),
        ),
        // float8mul(float8,float8)
        (
            216,
            arithmetic!(
                Float64Type,
                Float64Type,
                Float64Type,
                |a, b| failing(multiply::<f64>(a, b)),
                |a, b| failure(multiply::<f64>(a, b))
            ),
        ),
        // float8div(float8,float8)
        (
            217,
            arithmetic!(
                Float64Type,
                Float64Type,
                Float64Type,
                |a, b| failing(divide::<f64>(a, b)),
                |a, b| failure(divide::<f64>(a, b))
            ),
        ),
    ];
