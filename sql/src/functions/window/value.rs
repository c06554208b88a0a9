//! Window functions that fetch a value from another row: lag, lead, first_value, last_value, nth_value.

use engine::Value;

use super::{WindowFunction, WindowImplementation, WindowPartition};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;

/// A row before or after the current one, in the partition.
struct Shift {
    forward: bool,
    has_offset: bool,
    has_default: bool,
}

impl WindowFunction for Shift {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        let offset = if self.has_offset {
            match partition.argument(row, 1)? {
                Value::Int32(offset) => i64::from(offset),
                _ => return Ok(Value::Null),
            }
        } else {
            1
        };
        let target = row as i64 + if self.forward { offset } else { -offset };
        match usize::try_from(target) {
            Ok(target) if target < partition.rows() => partition.argument(target, 0),
            _ if self.has_default => partition.argument(row, 2),
            _ => Ok(Value::Null),
        }
    }
}

/// The first row of the frame.
struct First;

impl WindowFunction for First {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        partition.frame_row(row, 0)?.map_or(Ok(Value::Null), |row| partition.argument(row, 0))
    }
}

/// The last row of the frame.
struct Last;

impl WindowFunction for Last {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        partition.frame_last(row)?.map_or(Ok(Value::Null), |row| partition.argument(row, 0))
    }
}

/// The nth row of the frame, from 1.
struct Nth;

impl WindowFunction for Nth {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        let Value::Int32(nth) = partition.argument(row, 1)? else { return Ok(Value::Null) };
        if nth <= 0 {
            return Err(Error::new(
                SqlState::InvalidArgumentForNthValue,
                "argument of nth_value must be greater than zero",
            ));
        }
        partition.frame_row(row, nth as usize - 1)?.map_or(Ok(Value::Null), |row| partition.argument(row, 0))
    }
}

const fn unframed(
    oid: u32,
    new: fn(&crate::functions::Call) -> Result<Box<dyn WindowFunction>>,
) -> WindowImplementation {
    WindowImplementation { oid, new, uses_frame: false }
}

const fn framed(
    oid: u32,
    new: fn(&crate::functions::Call) -> Result<Box<dyn WindowFunction>>,
) -> WindowImplementation {
    WindowImplementation { oid, new, uses_frame: true }
}

pub(super) const FUNCTIONS: &[WindowImplementation] = &[
    // lag and lead: value; value and offset; value, offset and default.
    unframed(3106, |_| Ok(Box::new(Shift { forward: false, has_offset: false, has_default: false }))),
    unframed(3107, |_| Ok(Box::new(Shift { forward: false, has_offset: true, has_default: false }))),
    unframed(3108, |_| Ok(Box::new(Shift { forward: false, has_offset: true, has_default: true }))),
    unframed(3109, |_| Ok(Box::new(Shift { forward: true, has_offset: false, has_default: false }))),
    unframed(3110, |_| Ok(Box::new(Shift { forward: true, has_offset: true, has_default: false }))),
    unframed(3111, |_| Ok(Box::new(Shift { forward: true, has_offset: true, has_default: true }))),
    framed(3112, |_| Ok(Box::new(First))),
    framed(3113, |_| Ok(Box::new(Last))),
    framed(3114, |_| Ok(Box::new(Nth))),
];
