//! min and max of every ordered type.

use std::cmp::Ordering;

use engine::Value;

use super::sum::only;
use super::{Accumulator, Aggregates};
use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::types::{compare, oid};

/// The best value so far. Of equal values the later one stays (1.0 and 1.00 are equal), but the earlier of bpchars.
struct Extreme {
    ty: u32,
    wanted: Ordering,
    best: Value,
}

impl Extreme {
    fn boxed(call: &Call, wanted: Ordering) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Extreme { ty: call.argument(0), wanted, best: Value::Null }))
    }
}

impl Accumulator for Extreme {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        let value = only(arguments);
        if value.is_null() {
            return Ok(());
        }
        if self.best.is_null() {
            self.best = value.clone();
            return Ok(());
        }
        let order = compare(self.ty, value, &self.best);
        if order == self.wanted || (order == Ordering::Equal && self.ty != oid::BPCHAR) {
            self.best = value.clone();
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        Ok(self.best.clone())
    }

    fn size(&self) -> usize {
        match &self.best {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // min(int8)
    (2131, |call| Extreme::boxed(call, Ordering::Less)),
    // min(int4)
    (2132, |call| Extreme::boxed(call, Ordering::Less)),
    // min(int2)
    (2133, |call| Extreme::boxed(call, Ordering::Less)),
    // min(oid)
    (2134, |call| Extreme::boxed(call, Ordering::Less)),
    // min(float4)
    (2135, |call| Extreme::boxed(call, Ordering::Less)),
    // min(float8)
    (2136, |call| Extreme::boxed(call, Ordering::Less)),
    // min(date)
    (2138, |call| Extreme::boxed(call, Ordering::Less)),
    // min(time)
    (2139, |call| Extreme::boxed(call, Ordering::Less)),
    // min(timetz)
    (2140, |call| Extreme::boxed(call, Ordering::Less)),
    // min(timestamp)
    (2142, |call| Extreme::boxed(call, Ordering::Less)),
    // min(timestamptz)
    (2143, |call| Extreme::boxed(call, Ordering::Less)),
    // min(interval)
    (2144, |call| Extreme::boxed(call, Ordering::Less)),
    // min(text)
    (2145, |call| Extreme::boxed(call, Ordering::Less)),
    // min(numeric)
    (2146, |call| Extreme::boxed(call, Ordering::Less)),
    // min(anyenum), max(anyenum)
    (3527, |call| Extreme::boxed(call, Ordering::Less)),
    (3526, |call| Extreme::boxed(call, Ordering::Greater)),
    // min(anyarray)
    (2051, |call| Extreme::boxed(call, Ordering::Less)),
    // min(bpchar)
    (2245, |call| Extreme::boxed(call, Ordering::Less)),
    // min(tid)
    (2798, |call| Extreme::boxed(call, Ordering::Less)),
    // min(pg_lsn)
    (4190, |call| Extreme::boxed(call, Ordering::Less)),
    // min(xid8)
    (5100, |call| Extreme::boxed(call, Ordering::Less)),
    // max(int8)
    (2115, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(int4)
    (2116, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(int2)
    (2117, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(oid)
    (2118, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(float4)
    (2119, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(float8)
    (2120, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(date)
    (2122, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(time)
    (2123, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(timetz)
    (2124, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(timestamp)
    (2126, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(timestamptz)
    (2127, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(interval)
    (2128, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(text)
    (2129, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(numeric)
    (2130, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(anyarray)
    (2050, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(bpchar)
    (2244, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(tid)
    (2797, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(pg_lsn)
    (4189, |call| Extreme::boxed(call, Ordering::Greater)),
    // max(xid8)
    (5099, |call| Extreme::boxed(call, Ordering::Greater)),
];
