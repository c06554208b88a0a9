//! Ordered-set aggregates (percentiles, mode) and hypothetical-set aggregates (rank and its family).

use std::cmp::Ordering;

use engine::Value;

use super::collect::size_of_value;
use super::sum::only;
use super::{Accumulator, Aggregates};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::{Call, OrderKey};
use crate::types::array::Array;
use crate::types::compare;
use crate::types::interval::Interval;

/// How a percentile is taken from sorted values.
#[derive(Clone, Copy)]
enum Percentile {
    Discrete,
    Continuous,
}

/// The sorted values that are not NULL.
struct Percentiles {
    kind: Percentile,
    element: u32,
    values: Vec<Value>,
}

fn check_fraction(fraction: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(fraction);
    }
    Err(Error::new(
        SqlState::NumericValueOutOfRange,
        format!("percentile value {fraction} is not between 0 and 1"),
    ))
}

/// The value a part of the way from one to another.
fn between(low: &Value, high: &Value, part: f64) -> Result<Value> {
    match (low, high) {
        (Value::Float64(low), Value::Float64(high)) => Ok(Value::Float64(low + part * (high - low))),
        (Value::Fixed16(low), Value::Fixed16(high)) => {
            let (low, high) = (Interval::from_bytes(low), Interval::from_bytes(high));
            let step = high.subtract(low)?.multiply(part)?;
            Ok(step.add(low)?.to_value())
        }
        _ => Err(Error::internal("a continuous percentile was given values it cannot interpolate")),
    }
}

impl Percentiles {
    fn at(&self, fraction: f64) -> Result<Value> {
        let fraction = check_fraction(fraction)?;
        let count = self.values.len();
        let value = |row: usize| self.values.get(row).cloned().unwrap_or(Value::Null);
        if count == 0 {
            return Ok(Value::Null);
        }
        match self.kind {
            Percentile::Discrete => Ok(value(((fraction * count as f64).ceil() as usize).max(1) - 1)),
            Percentile::Continuous => {
                let place = fraction * (count - 1) as f64;
                let (low, high) = (place.floor(), place.ceil());
                if low == high {
                    return Ok(value(low as usize));
                }
                between(&value(low as usize), &value(high as usize), place - low)
            }
        }
    }
}

impl Accumulator for Percentiles {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        if !only(arguments).is_null() {
            self.values.push(only(arguments).clone());
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, direct: &[Value]) -> Result<Value> {
        match only(direct) {
            Value::Null => Ok(Value::Null),
            Value::Float64(fraction) => self.at(*fraction),
            fractions @ Value::Bytes(_) => {
                let fractions = Array::from_value(fractions)?;
                if self.values.is_empty() {
                    return Ok(Value::Null);
                }
                let each = fractions.elements.iter().map(|fraction| match fraction {
                    Value::Float64(fraction) => self.at(*fraction),
                    _ => Ok(Value::Null),
                });
                let elements = each.collect::<Result<Vec<Value>>>()?;
                Ok(Array::with_dimensions(self.element, fractions.dimensions.clone(), elements)?.to_value())
            }
            _ => Err(Error::internal("a percentile was given something else than a fraction")),
        }
    }

    fn size(&self) -> usize {
        self.values.iter().map(size_of_value).sum()
    }
}

/// The type of the sorted values: the last argument.
fn sorted_type(call: &Call) -> u32 {
    call.order.first().map_or_else(|| call.arguments.last().map_or(0, |ty| ty.oid), |key| key.ty.oid)
}

fn percentiles(call: &Call, kind: Percentile) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Percentiles { kind, element: sorted_type(call), values: Vec::new() }))
}

/// The longest run of equal sorted values; the first of the longest.
struct Mode {
    ty: u32,
    best: Value,
    best_run: u64,
    current: Value,
    run: u64,
}

impl Accumulator for Mode {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        let value = only(arguments);
        if value.is_null() {
            return Ok(());
        }
        if self.run > 0 && compare(self.ty, value, &self.current) == Ordering::Equal {
            self.run += 1;
        } else {
            self.current = value.clone();
            self.run = 1;
        }
        if self.run > self.best_run {
            self.best_run = self.run;
            self.best = self.current.clone();
        }
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        Ok(self.best.clone())
    }
}

/// Which position a hypothetical row would have.
#[derive(Clone, Copy)]
enum Rank {
    Plain,
    Dense,
    Percent,
    CumulativeDistribution,
}

/// All sorted rows: the hypothetical one is known only at the end.
struct Hypothetical {
    rank: Rank,
    order: Vec<OrderKey>,
    rows: Vec<Vec<Value>>,
}

/// The order of two rows under ORDER BY.
fn compare_rows(order: &[OrderKey], left: &[Value], right: &[Value]) -> Ordering {
    for (key, (left, right)) in order.iter().zip(left.iter().zip(right)) {
        let ordering = match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if key.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if key.descending => compare(key.ty.oid, right, left),
            (false, false) => compare(key.ty.oid, left, right),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

impl Hypothetical {
    fn boxed(call: &Call, rank: Rank) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Hypothetical { rank, order: call.order.clone(), rows: Vec::new() }))
    }
}

impl Accumulator for Hypothetical {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        self.rows.push(arguments.to_vec());
        Ok(())
    }

    fn finish(&mut self, _: &Context, direct: &[Value]) -> Result<Value> {
        let count = self.rows.len();
        let below = self.rows.partition_point(|row| compare_rows(&self.order, row, direct) == Ordering::Less);
        Ok(match self.rank {
            Rank::Plain => Value::Int64(below as i64 + 1),
            Rank::Dense => {
                let rows = self.rows.get(..below).unwrap_or_default();
                let steps = rows.windows(2).filter(|pair| match pair {
                    [a, b] => compare_rows(&self.order, a, b) != Ordering::Equal,
                    _ => false,
                });
                Value::Int64(if below == 0 { 1 } else { steps.count() as i64 + 2 })
            }
            Rank::Percent if count == 0 => Value::Float64(0.0),
            Rank::Percent => Value::Float64(below as f64 / count as f64),
            Rank::CumulativeDistribution => {
                let upto = self
                    .rows
                    .partition_point(|row| compare_rows(&self.order, row, direct) != Ordering::Greater);
                Value::Float64((upto + 1) as f64 / (count + 1) as f64)
            }
        })
    }

    fn size(&self) -> usize {
        self.rows.iter().flatten().map(size_of_value).sum()
    }
}

fn mode(call: &Call) -> Result<Box<dyn Accumulator>> {
    let ty = sorted_type(call);
    Ok(Box::new(Mode { ty, best: Value::Null, best_run: 0, current: Value::Null, run: 0 }))
}

pub(super) const AGGREGATES: Aggregates = &[
    // percentile_disc(float8,anyelement)
    (3972, |call| percentiles(call, Percentile::Discrete)),
    // percentile_disc(_float8,anyelement)
    (3978, |call| percentiles(call, Percentile::Discrete)),
    // percentile_cont(float8,float8)
    (3974, |call| percentiles(call, Percentile::Continuous)),
    // percentile_cont(float8,interval)
    (3976, |call| percentiles(call, Percentile::Continuous)),
    // percentile_cont(_float8,float8)
    (3980, |call| percentiles(call, Percentile::Continuous)),
    // percentile_cont(_float8,interval)
    (3982, |call| percentiles(call, Percentile::Continuous)),
    // mode(anyelement)
    (3984, mode),
    // rank(any)
    (3986, |call| Hypothetical::boxed(call, Rank::Plain)),
    // dense_rank(any)
    (3992, |call| Hypothetical::boxed(call, Rank::Dense)),
    // percent_rank(any)
    (3988, |call| Hypothetical::boxed(call, Rank::Percent)),
    // cume_dist(any)
    (3990, |call| Hypothetical::boxed(call, Rank::CumulativeDistribution)),
];
