//! bool_and, bool_or, every, and the bitwise aggregates.

use engine::Value;

use super::sum::{integer, only};
use super::{Accumulator, Aggregates};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::types::oid;

/// Counts of what was true and what was not, so that rows can leave again.
struct Truth {
    every: bool,
    yes: i64,
    no: i64,
}

impl Truth {
    fn boxed(every: bool) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Truth { every, yes: 0, no: 0 }))
    }

    fn step(&mut self, arguments: &[Value], step: i64) -> Result<()> {
        match only(arguments) {
            Value::Null => {}
            Value::Bool(true) => self.yes += step,
            Value::Bool(false) => self.no += step,
            _ => return Err(Error::internal("an aggregate of booleans was given something else")),
        }
        Ok(())
    }
}

impl Accumulator for Truth {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        self.step(arguments, 1)
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        self.step(arguments, -1)?;
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.yes + self.no == 0 {
            return Ok(Value::Null);
        }
        Ok(Value::Bool(if self.every { self.no == 0 } else { self.yes > 0 }))
    }
}

struct Bits {
    ty: u32,
    combine: fn(i64, i64) -> i64,
    bits: Option<i64>,
}

impl Bits {
    fn boxed(call: &Call, combine: fn(i64, i64) -> i64) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Bits { ty: call.argument(0), combine, bits: None }))
    }
}

impl Accumulator for Bits {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        if let Some(value) = integer(only(arguments))? {
            self.bits = Some(self.bits.map_or(value, |bits| (self.combine)(bits, value)));
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        Ok(match (self.bits, self.ty) {
            (None, _) => Value::Null,
            (Some(bits), oid::INT2) => Value::Int16(bits as i16),
            (Some(bits), oid::INT4) => Value::Int32(bits as i32),
            (Some(bits), _) => Value::Int64(bits),
        })
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // bool_and(bool)
    (2517, |_| Truth::boxed(true)),
    // every(bool)
    (2519, |_| Truth::boxed(true)),
    // bool_or(bool)
    (2518, |_| Truth::boxed(false)),
    // bit_and(int2)
    (2236, |call| Bits::boxed(call, |a, b| a & b)),
    // bit_and(int4)
    (2238, |call| Bits::boxed(call, |a, b| a & b)),
    // bit_and(int8)
    (2240, |call| Bits::boxed(call, |a, b| a & b)),
    // bit_or(int2)
    (2237, |call| Bits::boxed(call, |a, b| a | b)),
    // bit_or(int4)
    (2239, |call| Bits::boxed(call, |a, b| a | b)),
    // bit_or(int8)
    (2241, |call| Bits::boxed(call, |a, b| a | b)),
    // bit_xor(int2)
    (6164, |call| Bits::boxed(call, |a, b| a ^ b)),
    // bit_xor(int4)
    (6165, |call| Bits::boxed(call, |a, b| a ^ b)),
    // bit_xor(int8)
    (6166, |call| Bits::boxed(call, |a, b| a ^ b)),
];
