//! sum and avg of integers, numerics and intervals.

use engine::Value;

use super::{Accumulator, Aggregates};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::functions::arithmetic::integer::out_of_range;
use crate::types::interval::Interval;
use crate::types::numeric::{Numeric, Sum as NumericSum};

/// An integer argument of any width.
pub(super) fn integer(value: &Value) -> Result<Option<i64>> {
    match value {
        Value::Null => Ok(None),
        Value::Int16(value) => Ok(Some(i64::from(*value))),
        Value::Int32(value) => Ok(Some(i64::from(*value))),
        Value::Int64(value) => Ok(Some(*value)),
        _ => Err(Error::internal("an aggregate of integers was given something else")),
    }
}

pub(super) fn only(arguments: &[Value]) -> &Value {
    arguments.first().unwrap_or(&Value::Null)
}

#[derive(Clone, Copy)]
enum IntegerResult {
    /// sum of int2 and int4.
    Int8,
    /// sum of int8.
    Numeric,
    Average,
}

/// Sums that cannot overflow: 2^64 rows of int8 fit 128 bits.
struct IntegerSum {
    count: i64,
    sum: i128,
    result: IntegerResult,
}

impl IntegerSum {
    fn boxed(result: IntegerResult) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(IntegerSum { count: 0, sum: 0, result }))
    }
}

impl Accumulator for IntegerSum {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        if let Some(value) = integer(only(arguments))? {
            self.count += 1;
            self.sum += i128::from(value);
        }
        Ok(())
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        if let Some(value) = integer(only(arguments))? {
            self.count -= 1;
            self.sum -= i128::from(value);
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        match self.result {
            IntegerResult::Int8 => {
                i64::try_from(self.sum).map(Value::Int64).map_err(|_| out_of_range::<i64>())
            }
            IntegerResult::Numeric => Ok(Numeric::from_i128(self.sum, 0).to_value()),
            IntegerResult::Average => average(self.sum, self.count),
        }
    }
}

/// The mean of integers.
pub(super) fn average(sum: i128, count: i64) -> Result<Value> {
    Ok(Numeric::from_i128(sum, 0).divide(&Numeric::from_i64(count))?.to_value())
}

struct Numerics {
    sum: NumericSum,
    average: bool,
}

impl Accumulator for Numerics {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        match only(arguments) {
            Value::Null => Ok(()),
            Value::Bytes(bytes) => self.sum.add_bytes(bytes),
            _ => Err(Error::internal("an aggregate of numerics was given something else")),
        }
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        let result = if self.average { self.sum.average()? } else { self.sum.sum()? };
        Ok(result.map_or(Value::Null, |numeric| numeric.to_value()))
    }
}

struct Intervals {
    count: i64,
    sum: Interval,
    average: bool,
}

impl Intervals {
    fn boxed(average: bool) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Intervals { count: 0, sum: Interval::from_bytes(&[0; 16]), average }))
    }
}

impl Accumulator for Intervals {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        if !only(arguments).is_null() {
            self.sum = self.sum.add(Interval::from_value(only(arguments))?)?;
            self.count += 1;
        }
        Ok(())
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        if !only(arguments).is_null() {
            self.sum = self.sum.subtract(Interval::from_value(only(arguments))?)?;
            self.count -= 1;
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let result = if self.average { self.sum.divide(self.count as f64)? } else { self.sum };
        Ok(result.to_value())
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // sum(int2)
    (2109, |_| IntegerSum::boxed(IntegerResult::Int8)),
    // sum(int4)
    (2108, |_| IntegerSum::boxed(IntegerResult::Int8)),
    // sum(int8)
    (2107, |_| IntegerSum::boxed(IntegerResult::Numeric)),
    // avg(int2)
    (2102, |_| IntegerSum::boxed(IntegerResult::Average)),
    // avg(int4)
    (2101, |_| IntegerSum::boxed(IntegerResult::Average)),
    // avg(int8)
    (2100, |_| IntegerSum::boxed(IntegerResult::Average)),
    // sum(numeric)
    (2114, |_| Ok(Box::new(Numerics { sum: NumericSum::new(), average: false }))),
    // avg(numeric)
    (2103, |_| Ok(Box::new(Numerics { sum: NumericSum::new(), average: true }))),
    // sum(interval)
    (2113, |_| Intervals::boxed(false)),
    // avg(interval)
    (2106, |_| Intervals::boxed(true)),
];
