//! Rounding, roots, powers, logarithms and histograms over float8, with PostgreSQL's errors.

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::arithmetic::float::{overflow, underflow};
use crate::functions::arithmetic::integer::out_of_range;
use crate::functions::registry::Scalars;

/// Half to even, as the C library's rint.
fn round(value: f64) -> f64 {
    value.round_ties_even()
}

fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        // NaN too: PostgreSQL only compares.
        0.0
    }
}

fn square_root(value: f64) -> Result<f64> {
    if value < 0.0 {
        return Err(Error::new(
            SqlState::InvalidArgumentForPowerFunction,
            "cannot take square root of a negative number",
        ));
    }
    Ok(value.sqrt())
}

fn power_error(message: &str) -> Error {
    Error::new(SqlState::InvalidArgumentForPowerFunction, message)
}

/// POSIX pow with SQL's errors for what has no real value.
pub(in crate::functions) fn power(base: f64, exponent: f64) -> Result<f64> {
    if base.is_nan() {
        return Ok(if exponent == 0.0 { 1.0 } else { f64::NAN });
    }
    if exponent.is_nan() {
        return Ok(if base == 1.0 { 1.0 } else { f64::NAN });
    }
    if base == 0.0 && exponent < 0.0 {
        return Err(power_error("zero raised to a negative power is undefined"));
    }
    if base < 0.0 && exponent.floor() != exponent {
        return Err(power_error("a negative number raised to a non-integer power yields a complex result"));
    }
    let result = base.powf(exponent);
    if exponent.is_infinite() || base.is_infinite() {
        return Ok(result);
    }
    if result.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 && base != 0.0 { Err(underflow()) } else { Ok(result) }
}

fn exponential(value: f64) -> Result<f64> {
    let result = value.exp();
    if value.is_nan() || value.is_infinite() {
        return Ok(result);
    }
    if result.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 { Err(underflow()) } else { Ok(result) }
}

/// Refuses what no logarithm is defined for.
pub(in crate::functions) fn check_logarithm(zero: bool, negative: bool) -> Result<()> {
    if zero {
        return Err(Error::new(SqlState::InvalidArgumentForLogarithm, "cannot take logarithm of zero"));
    }
    if negative {
        return Err(Error::new(
            SqlState::InvalidArgumentForLogarithm,
            "cannot take logarithm of a negative number",
        ));
    }
    Ok(())
}

fn natural_logarithm(value: f64) -> Result<f64> {
    check_logarithm(value == 0.0, value < 0.0)?;
    Ok(value.ln())
}

fn decimal_logarithm(value: f64) -> Result<f64> {
    check_logarithm(value == 0.0, value < 0.0)?;
    Ok(value.log10())
}

pub(in crate::functions) fn bucket_error(message: &str) -> Error {
    Error::new(SqlState::InvalidArgumentForWidthBucketFunction, message)
}

/// The bucket, from 1, of `count` equal ones between two bounds; 0 and count + 1 lie outside.
fn width_bucket(operand: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    if count <= 0 {
        return Err(bucket_error("count must be greater than zero"));
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return Err(bucket_error("operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(bucket_error("lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(bucket_error("lower bound cannot equal upper bound"));
    }
    let (before, after) =
        if low < high { (operand < low, operand >= high) } else { (operand > low, operand <= high) };
    if before {
        return Ok(0);
    }
    if after {
        return count.checked_add(1).ok_or_else(out_of_range::<i32>);
    }
    let part = if (high - low).is_infinite() {
        // Halved, so that bounds far apart do not overflow.
        (operand / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)
    } else {
        (operand - low) / (high - low)
    };
    // The quotient may round up to 1, which would name a bucket that is not there.
    let bucket = (f64::from(count) * part) as i32;
    Ok(bucket.min(count - 1) + 1)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // dround(float8)
    (228, scalar!(round, f64)),
    // round(float8)
    (1342, scalar!(round, f64)),
    // dtrunc(float8)
    (229, scalar!(f64::trunc, f64)),
    // trunc(float8)
    (1343, scalar!(f64::trunc, f64)),
    // ceil(float8)
    (2308, scalar!(f64::ceil, f64)),
    // ceiling(float8)
    (2320, scalar!(f64::ceil, f64)),
    // floor(float8)
    (2309, scalar!(f64::floor, f64)),
    // sign(float8)
    (2310, scalar!(sign, f64)),
    // dsqrt(float8)
    (230, scalar!(square_root, f64)),
    // sqrt(float8)
    (1344, scalar!(square_root, f64)),
    // dcbrt(float8)
    (231, scalar!(f64::cbrt, f64)),
    // cbrt(float8)
    (1345, scalar!(f64::cbrt, f64)),
    // dpow(float8,float8)
    (232, scalar!(power, f64, f64)),
    // pow(float8,float8)
    (1346, scalar!(power, f64, f64)),
    // power(float8,float8)
    (1368, scalar!(power, f64, f64)),
    // dexp(float8)
    (233, scalar!(exponential, f64)),
    // exp(float8)
    (1347, scalar!(exponential, f64)),
    // dlog1(float8)
    (234, scalar!(natural_logarithm, f64)),
    // ln(float8)
    (1341, scalar!(natural_logarithm, f64)),
    // dlog10(float8)
    (1339, scalar!(decimal_logarithm, f64)),
    // log(float8)
    (1340, scalar!(decimal_logarithm, f64)),
    // log10(float8)
    (1194, scalar!(decimal_logarithm, f64)),
    // width_bucket(float8,float8,float8,int4)
    (320, scalar!(width_bucket, f64, f64, f64, i32)),
];
