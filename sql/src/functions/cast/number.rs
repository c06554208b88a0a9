//! Casts between bool, integers, floats and oid: rounding half to even, `22003` naming the target where it does not fit.

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::arithmetic::float::{overflow, underflow};
use crate::functions::arithmetic::integer::{Integer, out_of_range};
use crate::functions::registry::Scalars;

/// An integer into a narrower one.
fn narrow<A, B: Integer + TryFrom<A>>(value: A) -> Result<B> {
    B::try_from(value).map_err(|_| out_of_range::<B>())
}

/// A float into an integer type; `limit` is one above the largest value, a power of two, so exact.
fn from_float<B: Integer>(value: f64, limit: f64) -> Result<B> {
    let rounded = value.round_ties_even();
    if rounded >= -limit && rounded < limit {
        B::from(rounded).ok_or_else(out_of_range::<B>)
    } else {
        Err(out_of_range::<B>())
    }
}

const LIMIT_16: f64 = 32_768.0;
const LIMIT_32: f64 = 2_147_483_648.0;
const LIMIT_64: f64 = 9_223_372_036_854_775_808.0;

fn to_float4(value: f64) -> Result<f32> {
    let narrowed = value as f32;
    if narrowed.is_infinite() && !value.is_infinite() {
        return Err(overflow());
    }
    if narrowed == 0.0 && value != 0.0 { Err(underflow()) } else { Ok(narrowed) }
}

fn to_oid(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::new(SqlState::NumericValueOutOfRange, "OID out of range"))
}

/// The function that turns int4 into an oid and back, bit by bit. No pg_proc row has it: PostgreSQL stores both alike.
pub(in crate::functions) const REINTERPRET: u32 = 9001;

fn reinterpret(value: &Value) -> Result<Value> {
    match value {
        Value::Int32(value) => Ok(Value::UInt32(*value as u32)),
        Value::UInt32(value) => Ok(Value::Int32(*value as i32)),
        Value::Null => Ok(Value::Null),
        other => Err(Error::internal(format!("{:?} has one representation only", other.physical_type()))),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // int4(int2)
    (313, scalar!(|value: i16| i32::from(value))),
    // int2(int4)
    (314, scalar!(narrow::<i32, i16>, i32)),
    // int8(int4)
    (481, scalar!(|value: i32| i64::from(value))),
    // int4(int8)
    (480, scalar!(narrow::<i64, i32>, i64)),
    // int8(int2)
    (754, scalar!(|value: i16| i64::from(value))),
    // int2(int8)
    (714, scalar!(narrow::<i64, i16>, i64)),
    // float4(int2)
    (236, scalar!(|value: i16| f32::from(value))),
    // float8(int2)
    (235, scalar!(|value: i16| f64::from(value))),
    // float4(int4)
    (318, scalar!(|value: i32| value as f32)),
    // float8(int4)
    (316, scalar!(|value: i32| f64::from(value))),
    // float4(int8)
    (652, scalar!(|value: i64| value as f32)),
    // float8(int8)
    (482, scalar!(|value: i64| value as f64)),
    // float8(float4)
    (311, scalar!(|value: f32| f64::from(value))),
    // float4(float8)
    (312, scalar!(to_float4, f64)),
    // int2(float4)
    (238, scalar!(|value: f32| from_float::<i16>(value.into(), LIMIT_16))),
    // int4(float4)
    (319, scalar!(|value: f32| from_float::<i32>(value.into(), LIMIT_32))),
    // int8(float4)
    (653, scalar!(|value: f32| from_float::<i64>(value.into(), LIMIT_64))),
    // int2(float8)
    (237, scalar!(|value: f64| from_float::<i16>(value, LIMIT_16))),
    // int4(float8)
    (317, scalar!(|value: f64| from_float::<i32>(value, LIMIT_32))),
    // int8(float8)
    (483, scalar!(|value: f64| from_float::<i64>(value, LIMIT_64))),
    // bool(int4)
    (2557, scalar!(|value: i32| value != 0)),
    // int4(bool)
    (2558, scalar!(|value: bool| i32::from(value))),
    // oid(int8)
    (1287, scalar!(to_oid, i64)),
    // int8(oid)
    (1288, scalar!(|value: u32| i64::from(value))),
    // xid(xid8)
    (5071, scalar!(|value: i64| value as u32)),
    (REINTERPRET, scalar!(reinterpret, &Value)),
];
