//! Float arithmetic: `22003` where a finite input overflows or underflows, `22012` on division by zero.

use num_traits::Float;

use super::integer::division_by_zero;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

#[cold]
pub(in crate::functions) fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: overflow")
}

#[cold]
pub(in crate::functions) fn underflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: underflow")
}

pub(in crate::functions) fn add<T: Float>(a: T, b: T) -> Result<T> {
    let sum = a + b;
    if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() { Err(overflow()) } else { Ok(sum) }
}

pub(in crate::functions) fn subtract<T: Float>(a: T, b: T) -> Result<T> {
    let difference = a - b;
    if difference.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        Err(overflow())
    } else {
        Ok(difference)
    }
}

pub(in crate::functions) fn multiply<T: Float>(a: T, b: T) -> Result<T> {
    let product = a * b;
    if product.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    if product.is_zero() && !a.is_zero() && !b.is_zero() { Err(underflow()) } else { Ok(product) }
}

pub(in crate::functions) fn divide<T: Float>(a: T, b: T) -> Result<T> {
    if b.is_zero() && !a.is_nan() {
        return Err(division_by_zero());
    }
    let quotient = a / b;
    if quotient.is_infinite() && !a.is_infinite() {
        return Err(overflow());
    }
    if quotient.is_zero() && !a.is_zero() && !b.is_infinite() { Err(underflow()) } else { Ok(quotient) }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // float4pl(float4,float4)
    (204, scalar!(|a: f32, b: f32| add::<f32>(a, b))),
    // float4mi(float4,float4)
    (205, scalar!(|a: f32, b: f32| subtract::<f32>(a, b))),
    // float4mul(float4,float4)
    (202, scalar!(|a: f32, b: f32| multiply::<f32>(a, b))),
    // float4div(float4,float4)
    (203, scalar!(|a: f32, b: f32| divide::<f32>(a, b))),
    // float48pl(float4,float8)
    (281, scalar!(|a: f32, b: f64| add::<f64>(a.into(), b))),
    // float48mi(float4,float8)
    (282, scalar!(|a: f32, b: f64| subtract::<f64>(a.into(), b))),
    // float48mul(float4,float8)
    (279, scalar!(|a: f32, b: f64| multiply::<f64>(a.into(), b))),
    // float48div(float4,float8)
    (280, scalar!(|a: f32, b: f64| divide::<f64>(a.into(), b))),
    // float4um(float4)
    (206, scalar!(|a: f32| -a)),
    // float4up(float4)
    (1913, scalar!(|a: f32| a)),
    // float4abs(float4)
    (207, scalar!(|a: f32| a.abs())),
    // abs(float4)
    (1394, scalar!(|a: f32| a.abs())),
    // float84pl(float8,float4)
    (285, scalar!(|a: f64, b: f32| add::<f64>(a, b.into()))),
    // float84mi(float8,float4)
    (286, scalar!(|a: f64, b: f32| subtract::<f64>(a, b.into()))),
    // float84mul(float8,float4)
    (283, scalar!(|a: f64, b: f32| multiply::<f64>(a, b.into()))),
    // float84div(float8,float4)
    (284, scalar!(|a: f64, b: f32| divide::<f64>(a, b.into()))),
    // float8pl(float8,float8)
    (218, scalar!(|a: f64, b: f64| add::<f64>(a, b))),
    // float8mi(float8,float8)
    (219, scalar!(|a: f64, b: f64| subtract::<f64>(a, b))),
    // float8mul(float8,float8)
    (216, scalar!(|a: f64, b: f64| multiply::<f64>(a, b))),
    // float8div(float8,float8)
    (217, scalar!(|a: f64, b: f64| divide::<f64>(a, b))),
    // float8um(float8)
    (220, scalar!(|a: f64| -a)),
    // float8up(float8)
    (1914, scalar!(|a: f64| a)),
    // float8abs(float8)
    (221, scalar!(|a: f64| a.abs())),
    // abs(float8)
    (1395, scalar!(|a: f64| a.abs())),
];
