//! Operators, casts and mathematics of numeric. The arithmetic itself is the type's.

use std::cmp::Ordering;

use engine::Value;

use super::float::{bucket_error, check_logarithm};
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::{Argument, Outcome, scalar};
use crate::functions::arithmetic::integer::out_of_range;
use crate::functions::registry::Scalars;
use crate::types::numeric::Numeric;

impl Argument<'_> for Numeric {
    fn read(value: &Value) -> Option<Numeric> {
        Numeric::from_value(value).ok()
    }
}

impl Outcome for Numeric {
    fn into_value(self) -> Result<Value> {
        Ok(self.to_value())
    }
}

fn greater(a: Numeric, b: Numeric) -> Numeric {
    if a.compare(&b) == Ordering::Greater { a } else { b }
}

fn lesser(a: Numeric, b: Numeric) -> Numeric {
    if a.compare(&b) == Ordering::Less { a } else { b }
}

fn natural_logarithm(value: Numeric) -> Result<Numeric> {
    check_logarithm(value.is_zero(), value.signum() < 0)?;
    value.ln()
}

fn logarithm(base: Numeric, value: Numeric) -> Result<Numeric> {
    if !base.is_nan() && !value.is_nan() {
        check_logarithm(base.is_zero(), base.signum() < 0)?;
        check_logarithm(value.is_zero(), value.signum() < 0)?;
    }
    value.log(&base)
}

fn factorial(value: i64) -> Result<Numeric> {
    Numeric::factorial(value)
}

/// The bucket, from 1, of `count` equal ones between two bounds; 0 and count + 1 lie outside.
fn width_bucket(operand: Numeric, low: Numeric, high: Numeric, count: i32) -> Result<i32> {
    if count <= 0 {
        return Err(bucket_error("count must be greater than zero"));
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return Err(bucket_error("operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(bucket_error("lower and upper bounds must be finite"));
    }
    let ascending = match low.compare(&high) {
        Ordering::Equal => return Err(bucket_error("lower bound cannot equal upper bound")),
        order => order == Ordering::Less,
    };
    let from_low = operand.compare(&low);
    let from_high = operand.compare(&high);
    let (before, after) = if ascending {
        (from_low == Ordering::Less, from_high != Ordering::Less)
    } else {
        (from_low == Ordering::Greater, from_high != Ordering::Greater)
    };
    if before {
        return Ok(0);
    }
    if after {
        return count.checked_add(1).ok_or_else(out_of_range::<i32>);
    }
    let offset = operand.subtract(&low)?.multiply(&Numeric::from_i64(i64::from(count)))?;
    // The quotient is rounded to the scale of a division before it is cut, as PostgreSQL does it.
    let bucket = offset.divide(&high.subtract(&low)?)?.floor()?.to_i32()?;
    bucket.checked_add(1).ok_or_else(out_of_range::<i32>)
}

fn with_typmod(value: Numeric, typmod: i32) -> Result<Numeric> {
    value.apply_typmod(typmod)
}

/// The scale of a finite number; the special values have none.
fn scale(value: Numeric) -> Option<i32> {
    value.scale().map(|scale| scale as i32)
}

fn minimum_scale(value: Numeric) -> Option<i32> {
    value.minimum_scale().map(|scale| scale as i32)
}

/// pg_lsn arithmetic: a position plus a number of bytes.
fn move_position(position: i64, bytes: &Numeric, doing: &str) -> Result<i64> {
    if bytes.is_nan() {
        return Err(Error::new(SqlState::FeatureNotSupported, format!("cannot {doing} pg_lsn")));
    }
    if bytes.is_infinite() {
        return Err(Error::new(SqlState::FeatureNotSupported, "cannot convert infinity to pg_lsn"));
    }
    let start = Numeric::from_i128(i128::from(position as u64), 0);
    let moved = start.add(bytes)?;
    let text = crate::types::output(
        crate::types::oid::NUMERIC,
        &moved.round(0)?.to_value(),
        &crate::types::OutputSettings::plain(),
    )?;
    text.parse::<u64>()
        .map(|position| position as i64)
        .map_err(|_| Error::new(SqlState::InvalidParameterValue, "pg_lsn out of range"))
}

fn distance(a: i64, b: i64) -> Numeric {
    Numeric::from_i128(i128::from(a as u64) - i128::from(b as u64), 0)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // numeric_eq(numeric,numeric)
    (1718, scalar!(|a: Numeric, b: Numeric| a.compare(&b) == Ordering::Equal)),
    // numeric_ne(numeric,numeric)
    (1719, scalar!(|a: Numeric, b: Numeric| a.compare(&b) != Ordering::Equal)),
    // numeric_lt(numeric,numeric)
    (1722, scalar!(|a: Numeric, b: Numeric| a.compare(&b) == Ordering::Less)),
    // numeric_le(numeric,numeric)
    (1723, scalar!(|a: Numeric, b: Numeric| a.compare(&b) != Ordering::Greater)),
    // numeric_gt(numeric,numeric)
    (1720, scalar!(|a: Numeric, b: Numeric| a.compare(&b) == Ordering::Greater)),
    // numeric_ge(numeric,numeric)
    (1721, scalar!(|a: Numeric, b: Numeric| a.compare(&b) != Ordering::Less)),
    // numeric_cmp(numeric,numeric)
    (1769, scalar!(|a: Numeric, b: Numeric| a.compare(&b) as i32)),
    // numeric_larger(numeric,numeric)
    (1767, scalar!(greater, Numeric, Numeric)),
    // numeric_smaller(numeric,numeric)
    (1766, scalar!(lesser, Numeric, Numeric)),
    // numeric_add(numeric,numeric)
    (1724, scalar!(|a: Numeric, b: Numeric| a.add(&b))),
    // numeric_sub(numeric,numeric)
    (1725, scalar!(|a: Numeric, b: Numeric| a.subtract(&b))),
    // numeric_mul(numeric,numeric)
    (1726, scalar!(|a: Numeric, b: Numeric| a.multiply(&b))),
    // numeric_div(numeric,numeric)
    (1727, scalar!(|a: Numeric, b: Numeric| a.divide(&b))),
    // div(numeric,numeric)
    (1973, scalar!(|a: Numeric, b: Numeric| a.divide_truncated(&b))),
    // numeric_div_trunc(numeric,numeric)
    (1980, scalar!(|a: Numeric, b: Numeric| a.divide_truncated(&b))),
    // mod(numeric,numeric)
    (1728, scalar!(|a: Numeric, b: Numeric| a.remainder(&b))),
    // numeric_mod(numeric,numeric)
    (1729, scalar!(|a: Numeric, b: Numeric| a.remainder(&b))),
    // gcd(numeric,numeric)
    (5048, scalar!(|a: Numeric, b: Numeric| a.gcd(&b))),
    // lcm(numeric,numeric)
    (5049, scalar!(|a: Numeric, b: Numeric| a.lcm(&b))),
    // numeric_inc(numeric)
    (1764, scalar!(|a: Numeric| a.add(&Numeric::ONE))),
    // numeric_uminus(numeric)
    (1771, scalar!(|a: Numeric| a.negate())),
    // numeric_uplus(numeric)
    (1915, scalar!(|a: Numeric| a)),
    // numeric_abs(numeric)
    (1704, scalar!(|a: Numeric| a.absolute())),
    // abs(numeric)
    (1705, scalar!(|a: Numeric| a.absolute())),
    // sign(numeric)
    (1706, scalar!(|a: Numeric| a.sign())),
    // ceil(numeric)
    (1711, scalar!(|a: Numeric| a.ceil())),
    // ceiling(numeric)
    (2167, scalar!(|a: Numeric| a.ceil())),
    // floor(numeric)
    (1712, scalar!(|a: Numeric| a.floor())),
    // round(numeric,int4)
    (1707, scalar!(|a: Numeric, digits: i32| a.round(digits.clamp(-16_383, 16_383)))),
    // trunc(numeric,int4)
    (1709, scalar!(|a: Numeric, digits: i32| a.truncate(digits.clamp(-16_383, 16_383)))),
    // round(numeric)
    (1708, scalar!(|a: Numeric| a.round(0))),
    // trunc(numeric)
    (1710, scalar!(|a: Numeric| a.truncate(0))),
    // sqrt(numeric)
    (1730, scalar!(|a: Numeric| a.sqrt())),
    // numeric_sqrt(numeric)
    (1731, scalar!(|a: Numeric| a.sqrt())),
    // exp(numeric)
    (1732, scalar!(|a: Numeric| a.exp())),
    // numeric_exp(numeric)
    (1733, scalar!(|a: Numeric| a.exp())),
    // ln(numeric)
    (1734, scalar!(natural_logarithm, Numeric)),
    // numeric_ln(numeric)
    (1735, scalar!(natural_logarithm, Numeric)),
    // log(numeric,numeric)
    (1736, scalar!(logarithm, Numeric, Numeric)),
    // numeric_log(numeric,numeric)
    (1737, scalar!(logarithm, Numeric, Numeric)),
    // log(numeric)
    (1741, scalar!(|a: Numeric| logarithm(Numeric::from_i64(10), a))),
    // log10(numeric)
    (1481, scalar!(|a: Numeric| logarithm(Numeric::from_i64(10), a))),
    // pow(numeric,numeric)
    (1738, scalar!(|a: Numeric, b: Numeric| a.power(&b))),
    // power(numeric,numeric)
    (2169, scalar!(|a: Numeric, b: Numeric| a.power(&b))),
    // numeric_power(numeric,numeric)
    (1739, scalar!(|a: Numeric, b: Numeric| a.power(&b))),
    // factorial(int8)
    (1376, scalar!(factorial, i64)),
    // scale(numeric)
    (3281, scalar!(scale, Numeric)),
    // min_scale(numeric)
    (5042, scalar!(minimum_scale, Numeric)),
    // trim_scale(numeric)
    (5043, scalar!(|a: Numeric| a.trim_scale())),
    // width_bucket(numeric,numeric,numeric,int4)
    (2170, scalar!(width_bucket, Numeric, Numeric, Numeric, i32)),
    // numeric(numeric,int4)
    (1703, scalar!(with_typmod, Numeric, i32)),
    // numeric(int2)
    (1782, scalar!(|a: i16| Numeric::from_i64(i64::from(a)))),
    // numeric(int4)
    (1740, scalar!(|a: i32| Numeric::from_i64(i64::from(a)))),
    // numeric(int8)
    (1781, scalar!(|a: i64| Numeric::from_i64(a))),
    // numeric(float4)
    (1742, scalar!(|a: f32| Numeric::from_f32(a))),
    // numeric(float8)
    (1743, scalar!(|a: f64| Numeric::from_f64(a))),
    // int2(numeric)
    (1783, scalar!(|a: Numeric| a.to_i16())),
    // int4(numeric)
    (1744, scalar!(|a: Numeric| a.to_i32())),
    // int8(numeric)
    (1779, scalar!(|a: Numeric| a.to_i64())),
    // float4(numeric)
    (1745, scalar!(|a: Numeric| a.to_f32())),
    // float8(numeric)
    (1746, scalar!(|a: Numeric| a.to_f64())),
    // pg_lsn_mi(pg_lsn,pg_lsn)
    (3237, scalar!(distance, i64, i64)),
    // pg_lsn_pli(pg_lsn,numeric)
    (5022, scalar!(|position: i64, bytes: Numeric| move_position(position, &bytes, "add NaN to"))),
    // pg_lsn_mii(pg_lsn,numeric)
    (
        5024,
        scalar!(|position: i64, bytes: Numeric| move_position(
            position,
            &bytes.negate(),
            "subtract NaN from"
        )),
    ),
];
