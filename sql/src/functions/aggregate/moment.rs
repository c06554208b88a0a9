//! Variance and standard deviation of integers and numerics, exact until the last step.

use engine::Value;

use super::sum::{integer, only};
use super::{Accumulator, Aggregates};
use crate::error::Result;
use crate::evaluate::Context;
use crate::types::numeric::{Moments, Numeric};

struct Variance {
    moments: Moments,
    sample: bool,
    root: bool,
}

impl Variance {
    fn boxed(sample: bool, root: bool) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Variance { moments: Moments::new(), sample, root }))
    }
}

impl Accumulator for Variance {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        match only(arguments) {
            Value::Bytes(bytes) => self.moments.add(&Numeric::from_bytes(bytes)?),
            other => {
                if let Some(value) = integer(other)? {
                    self.moments.add(&Numeric::from_i64(value));
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        let result = if self.root {
            self.moments.deviation(self.sample)?
        } else {
            self.moments.variance(self.sample)?
        };
        Ok(result.map_or(Value::Null, |numeric| numeric.to_value()))
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // var_pop(int2)
    (2720, |_| Variance::boxed(false, false)),
    // var_pop(int4)
    (2719, |_| Variance::boxed(false, false)),
    // var_pop(int8)
    (2718, |_| Variance::boxed(false, false)),
    // var_pop(numeric)
    (2723, |_| Variance::boxed(false, false)),
    // var_samp(int2)
    (2643, |_| Variance::boxed(true, false)),
    // var_samp(int4)
    (2642, |_| Variance::boxed(true, false)),
    // var_samp(int8)
    (2641, |_| Variance::boxed(true, false)),
    // var_samp(numeric)
    (2646, |_| Variance::boxed(true, false)),
    // variance(int2)
    (2150, |_| Variance::boxed(true, false)),
    // variance(int4)
    (2149, |_| Variance::boxed(true, false)),
    // variance(int8)
    (2148, |_| Variance::boxed(true, false)),
    // variance(numeric)
    (2153, |_| Variance::boxed(true, false)),
    // stddev_pop(int2)
    (2726, |_| Variance::boxed(false, true)),
    // stddev_pop(int4)
    (2725, |_| Variance::boxed(false, true)),
    // stddev_pop(int8)
    (2724, |_| Variance::boxed(false, true)),
    // stddev_pop(numeric)
    (2729, |_| Variance::boxed(false, true)),
    // stddev_samp(int2)
    (2714, |_| Variance::boxed(true, true)),
    // stddev_samp(int4)
    (2713, |_| Variance::boxed(true, true)),
    // stddev_samp(int8)
    (2712, |_| Variance::boxed(true, true)),
    // stddev_samp(numeric)
    (2717, |_| Variance::boxed(true, true)),
    // stddev(int2)
    (2156, |_| Variance::boxed(true, true)),
    // stddev(int4)
    (2155, |_| Variance::boxed(true, true)),
    // stddev(int8)
    (2154, |_| Variance::boxed(true, true)),
    // stddev(numeric)
    (2159, |_| Variance::boxed(true, true)),
];
