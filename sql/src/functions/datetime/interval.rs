//! Operators and functions over intervals. The arithmetic itself is the type's.

use engine::Value;

use crate::error::Result;
use crate::functions::argument::{Argument, Outcome, scalar};
use crate::functions::registry::Scalars;
use crate::types::interval::Interval;

impl Argument<'_> for Interval {
    fn read(value: &Value) -> Option<Interval> {
        Interval::from_value(value).ok()
    }
}

impl Outcome for Interval {
    fn into_value(self) -> Result<Value> {
        Ok(self.to_value())
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // interval_um(interval)
    (1168, scalar!(|interval: Interval| interval.negate())),
    // interval_pl(interval,interval)
    (1169, scalar!(|a: Interval, b: Interval| a.add(b))),
    // interval_mi(interval,interval)
    (1170, scalar!(|a: Interval, b: Interval| a.subtract(b))),
    // interval_mul(interval,float8)
    (1618, scalar!(|interval: Interval, factor: f64| interval.multiply(factor))),
    // mul_d_interval(float8,interval)
    (1624, scalar!(|factor: f64, interval: Interval| interval.multiply(factor))),
    // interval_div(interval,float8)
    (1326, scalar!(|interval: Interval, divisor: f64| interval.divide(divisor))),
    // justify_hours(interval)
    (1175, scalar!(|interval: Interval| interval.justify_hours())),
    // justify_days(interval)
    (1295, scalar!(|interval: Interval| interval.justify_days())),
    // justify_interval(interval)
    (2711, scalar!(|interval: Interval| interval.justify())),
    // interval_eq(interval,interval)
    (1162, scalar!(|a: Interval, b: Interval| a.span() == b.span())),
    // interval_ne(interval,interval)
    (1163, scalar!(|a: Interval, b: Interval| a.span() != b.span())),
    // interval_lt(interval,interval)
    (1164, scalar!(|a: Interval, b: Interval| a.span() < b.span())),
    // interval_le(interval,interval)
    (1165, scalar!(|a: Interval, b: Interval| a.span() <= b.span())),
    // interval_gt(interval,interval)
    (1167, scalar!(|a: Interval, b: Interval| a.span() > b.span())),
    // interval_ge(interval,interval)
    (1166, scalar!(|a: Interval, b: Interval| a.span() >= b.span())),
    // interval_cmp(interval,interval)
    (1315, scalar!(|a: Interval, b: Interval| a.span().cmp(&b.span()) as i32)),
    // interval_larger(interval,interval)
    (1198, scalar!(|a: Interval, b: Interval| if a.span() > b.span() { a } else { b })),
    // interval_smaller(interval,interval)
    (1197, scalar!(|a: Interval, b: Interval| if a.span() < b.span() { a } else { b })),
    // Intervals are always finite.
    // isfinite(interval)
    (1390, scalar!(|_interval: Interval| true)),
];
