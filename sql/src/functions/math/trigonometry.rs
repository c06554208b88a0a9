//! Trigonometry in radians and the hyperbolic functions. Where a value is outside the domain: `22003`.

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::arithmetic::float::{divide, multiply};
use crate::functions::registry::Scalars;

/// One degree in radians, to the digits that PostgreSQL uses.
pub(super) const RADIANS_PER_DEGREE: f64 = 0.017_453_292_519_943_295;

unsafe extern "C" {
    // Rust's own forms of these three differ from the C library's in the last bit.
    safe fn asinh(value: f64) -> f64;
    safe fn acosh(value: f64) -> f64;
    safe fn atanh(value: f64) -> f64;
}

#[cold]
pub(super) fn out_of_domain() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "input is out of range")
}

/// Applies `f` unless the angle is infinite.
pub(super) fn of_angle(angle: f64, f: impl Fn(f64) -> f64) -> Result<f64> {
    if angle.is_infinite() { Err(out_of_domain()) } else { Ok(f(angle)) }
}

/// Applies `f` unless the ratio lies outside [-1, 1].
pub(super) fn of_ratio(ratio: f64, f: impl Fn(f64) -> f64) -> Result<f64> {
    if (-1.0..=1.0).contains(&ratio) || ratio.is_nan() { Ok(f(ratio)) } else { Err(out_of_domain()) }
}

fn inverse_hyperbolic_cosine(value: f64) -> Result<f64> {
    if value < 1.0 { Err(out_of_domain()) } else { Ok(acosh(value)) }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // sin(float8)
    (1604, scalar!(|angle: f64| of_angle(angle, f64::sin))),
    // cos(float8)
    (1605, scalar!(|angle: f64| of_angle(angle, f64::cos))),
    // tan(float8)
    (1606, scalar!(|angle: f64| of_angle(angle, f64::tan))),
    // cot(float8)
    (1607, scalar!(|angle: f64| of_angle(angle, |angle| 1.0 / angle.tan()))),
    // asin(float8)
    (1600, scalar!(|ratio: f64| of_ratio(ratio, f64::asin))),
    // acos(float8)
    (1601, scalar!(|ratio: f64| of_ratio(ratio, f64::acos))),
    // atan(float8)
    (1602, scalar!(f64::atan, f64)),
    // atan2(float8,float8)
    (1603, scalar!(f64::atan2, f64, f64)),
    // sinh(float8)
    (2462, scalar!(f64::sinh, f64)),
    // cosh(float8)
    (2463, scalar!(f64::cosh, f64)),
    // tanh(float8)
    (2464, scalar!(f64::tanh, f64)),
    // asinh(float8)
    (2465, scalar!(asinh, f64)),
    // acosh(float8)
    (2466, scalar!(inverse_hyperbolic_cosine, f64)),
    // atanh(float8)
    (2467, scalar!(|ratio: f64| of_ratio(ratio, |ratio| atanh(ratio)))),
    // degrees(float8)
    (1608, scalar!(|angle: f64| divide(angle, RADIANS_PER_DEGREE))),
    // radians(float8)
    (1609, scalar!(|angle: f64| multiply(angle, RADIANS_PER_DEGREE))),
    // pi()
    (1610, scalar!(|| std::f64::consts::PI)),
];
