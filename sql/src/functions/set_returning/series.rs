//! generate_series over integers and numerics.

use std::cmp::Ordering;

use engine::Value;

use super::{Family, Rows};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::at;
use crate::functions::datetime::session_zone;
use crate::types::datetime::{add_to_timestamp, add_to_timestamptz};
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::timezone::Zone;

#[cold]
pub(super) fn zero_step() -> Error {
    Error::new(SqlState::InvalidParameterValue, "step size cannot equal zero")
}

/// The integers from `start` to `stop`; stops, too, where the type ends.
fn integers<T>(start: T, stop: T, step: T, value: fn(T) -> Value) -> Result<Box<dyn Rows>>
where
    T: num_traits::PrimInt + num_traits::CheckedAdd + Send + 'static,
{
    if step.is_zero() {
        return Err(zero_step());
    }
    let mut next = Some(start);
    Ok(Box::new(move |_: &Context| {
        let Some(current) =
            next.filter(|&current| if step > T::zero() { current <= stop } else { current >= stop })
        else {
            return Ok(None);
        };
        next = current.checked_add(&step);
        Ok(Some(vec![value(current)]))
    }))
}

fn numerics(start: Numeric, stop: Numeric, step: Numeric) -> Result<Box<dyn Rows>> {
    let check = |number: &Numeric, name: &str| {
        let special = if number.is_nan() {
            "NaN"
        } else if number.is_infinite() {
            "infinity"
        } else {
            return Ok(());
        };
        Err(Error::new(SqlState::InvalidParameterValue, format!("{name} cannot be {special}")))
    };
    check(&start, "start value")?;
    check(&stop, "stop value")?;
    check(&step, "step size")?;
    if step.is_zero() {
        return Err(zero_step());
    }
    let beyond = if step.signum() > 0 { Ordering::Greater } else { Ordering::Less };
    let mut next = start;
    Ok(Box::new(move |_: &Context| {
        if next.compare(&stop) == beyond {
            return Ok(None);
        }
        let value = next.to_value();
        next = next.add(&step)?;
        Ok(Some(vec![value]))
    }))
}

/// Moments a step apart; months and days are counted on the zone's clock where there is one.
fn moments(start: i64, stop: i64, step: Interval, zone: Option<Zone>) -> Result<Box<dyn Rows>> {
    let direction = step.span().cmp(&0);
    if direction == Ordering::Equal {
        return Err(zero_step());
    }
    let mut next = start;
    Ok(Box::new(move |_: &Context| {
        if next.cmp(&stop) == direction {
            return Ok(None);
        }
        let value = Value::Int64(next);
        next = match zone {
            Some(zone) => add_to_timestamptz(next, step, zone)?,
            None => add_to_timestamp(next, step)?,
        };
        Ok(Some(vec![value]))
    }))
}

pub(super) const FUNCTIONS: Family = &[
    // generate_series(int4,int4)
    (1067, |_, _, values| integers(at::<i32>(values, 0)?, at(values, 1)?, 1, Value::Int32)),
    // generate_series(int4,int4,int4)
    (1066, |_, _, values| integers(at::<i32>(values, 0)?, at(values, 1)?, at(values, 2)?, Value::Int32)),
    // generate_series(int8,int8)
    (1069, |_, _, values| integers(at::<i64>(values, 0)?, at(values, 1)?, 1, Value::Int64)),
    // generate_series(int8,int8,int8)
    (1068, |_, _, values| integers(at::<i64>(values, 0)?, at(values, 1)?, at(values, 2)?, Value::Int64)),
    // generate_series(numeric,numeric)
    (3260, |_, _, values| numerics(at(values, 0)?, at(values, 1)?, Numeric::ONE)),
    // generate_series(numeric,numeric,numeric)
    (3259, |_, _, values| numerics(at(values, 0)?, at(values, 1)?, at(values, 2)?)),
    // generate_series(timestamp,timestamp,interval)
    (938, |_, _, values| moments(at(values, 0)?, at(values, 1)?, at(values, 2)?, None)),
    // generate_series(timestamptz,timestamptz,interval)
    (939, |context, _, values| {
        moments(at(values, 0)?, at(values, 1)?, at(values, 2)?, Some(session_zone(context)))
    }),
];
