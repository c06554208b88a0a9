//! count(*) and count(value).

use engine::Value;

use super::{Accumulator, Aggregates};
use crate::error::Result;
use crate::evaluate::Context;

/// Rows whose arguments, if any, are not NULL.
#[derive(Default)]
struct Count(i64);

impl Accumulator for Count {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        self.0 += i64::from(!arguments.iter().any(Value::is_null));
        Ok(())
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        self.0 -= i64::from(!arguments.iter().any(Value::is_null));
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        Ok(Value::Int64(self.0))
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // count()
    (2803, |_| Ok(Box::<Count>::default())),
    // count(any)
    (2147, |_| Ok(Box::<Count>::default())),
    // Pairs in which neither is NULL.
    // regr_count(float8,float8)
    (2818, |_| Ok(Box::<Count>::default())),
];
