//! Window frames: the rows that a window function sees at each row of a partition.

use std::cmp::Ordering;
use std::ops::Range;

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Context, Scope};
use crate::functions::{Call, implementation};
use crate::plan::node::{BoundPlan, FramePlan, Offset};
use crate::tree::{FrameExclusion, FrameUnits, Type};
use crate::types;
use crate::types::oid;

/// A sorted partition as frames see it: rows counted from 0.
pub(super) struct Partition {
    pub rows: usize,
    /// For each row the number of its peer group.
    pub group_of: Vec<usize>,
    /// The first row of each peer group.
    pub starts: Vec<usize>,
    /// For RANGE with offsets: the order key of each row.
    pub keys: Vec<Value>,
    pub key_oid: u32,
    pub descending: bool,
    pub nulls_first: bool,
}

/// An offset evaluated.
enum Bound {
    UnboundedPreceding,
    Preceding(Value),
    CurrentRow,
    Following(Value),
    UnboundedFollowing,
}

/// A frame's bounds evaluated once for an execution.
pub(super) struct Frame {
    units: FrameUnits,
    start: Bound,
    end: Bound,
    exclusion: FrameExclusion,
    offset_oid: u32,
}

impl Partition {
    /// The peers of a row.
    pub fn peers(&self, row: usize) -> Range<usize> {
        let group = self.group_of.get(row).copied().unwrap_or(0);
        self.group(group as i64)
    }

    /// The rows of a peer group; empty outside.
    fn group(&self, group: i64) -> Range<usize> {
        let Ok(group) = usize::try_from(group) else { return 0..0 };
        let start = self.starts.get(group).copied().unwrap_or(self.rows);
        let end = self.starts.get(group + 1).copied().unwrap_or(self.rows);
        start..end
    }
}

impl Frame {
    pub fn new(plan: &FramePlan, scope: &Scope<'_>) -> Result<Frame> {
        let offset_oid = match (&plan.start, &plan.end) {
            (BoundPlan::Preceding(offset) | BoundPlan::Following(offset), _)
            | (_, BoundPlan::Preceding(offset) | BoundPlan::Following(offset)) => offset.oid,
            _ => 0,
        };
        Ok(Frame {
            units: plan.units,
            start: bound(&plan.start, plan.units, "starting", scope)?,
            end: bound(&plan.end, plan.units, "ending", scope)?,
            exclusion: plan.exclusion,
            offset_oid,
        })
    }

    /// Whether the frame leaves rows between its ends out.
    pub fn excludes(&self) -> bool {
        self.exclusion != FrameExclusion::NoOthers
    }

    /// Whether the frame is the whole partition for every row.
    pub fn is_whole(&self) -> bool {
        matches!((&self.start, &self.end), (Bound::UnboundedPreceding, Bound::UnboundedFollowing))
            && !self.excludes()
    }

    /// The rows between the frame's ends at a row.
    pub fn range(&self, partition: &Partition, context: &Context, row: usize) -> Result<Range<usize>> {
        let start = self.edge(&self.start, partition, context, row, true)?;
        let end = self.edge(&self.end, partition, context, row, false)?;
        Ok(start..end.max(start))
    }

    /// Whether a row between the ends is left out at `row`.
    pub fn is_excluded(&self, partition: &Partition, row: usize, other: usize) -> bool {
        match self.exclusion {
            FrameExclusion::NoOthers => false,
            FrameExclusion::CurrentRow => other == row,
            FrameExclusion::Group => partition.peers(row).contains(&other),
            FrameExclusion::Ties => other != row && partition.peers(row).contains(&other),
        }
    }

    /// The first row of the frame, or the row after its last.
    fn edge(
        &self,
        bound: &Bound,
        partition: &Partition,
        context: &Context,
        row: usize,
        start: bool,
    ) -> Result<usize> {
        let rows = partition.rows;
        let offset = match bound {
            Bound::UnboundedPreceding => return Ok(0),
            Bound::UnboundedFollowing => return Ok(rows),
            Bound::CurrentRow => {
                let whole = match self.units {
                    FrameUnits::Rows => row..row + 1,
                    FrameUnits::Range | FrameUnits::Groups => partition.peers(row),
                };
                return Ok(if start { whole.start } else { whole.end });
            }
            Bound::Preceding(offset) | Bound::Following(offset) => offset,
        };
        let back = matches!(bound, Bound::Preceding(_));
        match self.units {
            FrameUnits::Rows => {
                let distance = count(offset)?;
                let at = if back { row as i64 - distance } else { (row as i64).saturating_add(distance) };
                let at = if start { at } else { at.saturating_add(1) };
                Ok(at.clamp(0, rows as i64) as usize)
            }
            FrameUnits::Groups => {
                let distance = count(offset)?;
                let own = partition.group_of.get(row).copied().unwrap_or(0) as i64;
                let group = if back { own - distance } else { own.saturating_add(distance) };
                if group < 0 {
                    return Ok(0);
                }
                let group = partition.group(group.min(partition.starts.len() as i64));
                Ok(if start { group.start } else { group.end })
            }
            FrameUnits::Range => self.range_edge(offset, back, partition, context, row, start),
        }
    }

    fn range_edge(
        &self,
        offset: &Value,
        back: bool,
        partition: &Partition,
        context: &Context,
        row: usize,
        start: bool,
    ) -> Result<usize> {
        let Some(key) = partition.keys.get(row) else { return Ok(partition.rows) };
        if key.is_null() {
            // NULLs are peers of each other and near to nothing else.
            let peers = partition.peers(row);
            return Ok(if start { peers.start } else { peers.end });
        }
        let nulls = partition.keys.iter().filter(|key| key.is_null()).count();
        let (first, last) =
            if partition.nulls_first { (nulls, partition.rows) } else { (0, partition.rows - nulls) };
        let subtract = back != partition.descending;
        let limit = shifted(partition.key_oid, self.offset_oid, key, offset, subtract, context)?;
        // Rows before the edge: those strictly before the limit, or for an end those up to it.
        let before = |key: &Value| {
            let order = match &limit {
                Shifted::Value(limit) => types::compare(partition.key_oid, key, limit),
                Shifted::Below => Ordering::Greater,
                Shifted::Above => Ordering::Less,
            };
            let order = if partition.descending { order.reverse() } else { order };
            if start { order == Ordering::Less } else { order != Ordering::Greater }
        };
        let keys = partition.keys.get(first..last).unwrap_or_default();
        Ok(first + keys.partition_point(before))
    }
}

fn bound(plan: &BoundPlan, units: FrameUnits, which: &str, scope: &Scope<'_>) -> Result<Bound> {
    let evaluate = |offset: &Offset| {
        let value = offset.value.evaluate(scope, &[])?;
        if value.is_null() {
            return Err(Error::new(
                SqlState::NullValueNotAllowed,
                format!("frame {which} offset must not be null"),
            ));
        }
        if is_negative(&value, offset.oid) {
            return Err(if units == FrameUnits::Range {
                Error::new(
                    SqlState::InvalidPrecedingOrFollowingSize,
                    "invalid preceding or following size in window function",
                )
            } else {
                Error::new(
                    SqlState::InvalidPrecedingOrFollowingSize,
                    format!("frame {which} offset must not be negative"),
                )
            });
        }
        Ok(value)
    };
    Ok(match plan {
        BoundPlan::UnboundedPreceding => Bound::UnboundedPreceding,
        BoundPlan::Preceding(offset) => Bound::Preceding(evaluate(offset)?),
        BoundPlan::CurrentRow => Bound::CurrentRow,
        BoundPlan::Following(offset) => Bound::Following(evaluate(offset)?),
        BoundPlan::UnboundedFollowing => Bound::UnboundedFollowing,
    })
}

fn is_negative(value: &Value, offset_oid: u32) -> bool {
    match value {
        Value::Int16(value) => *value < 0,
        Value::Int32(value) => *value < 0,
        Value::Int64(value) => *value < 0,
        Value::Float32(value) => *value < 0.0,
        Value::Float64(value) => *value < 0.0,
        Value::Fixed16(_) if offset_oid == oid::INTERVAL => {
            types::compare(oid::INTERVAL, value, &Value::Fixed16([0; 16])) == Ordering::Less
        }
        Value::Bytes(_) if offset_oid == oid::NUMERIC => {
            let zero = types::numeric::Numeric::from(0i64).to_value();
            types::compare(oid::NUMERIC, value, &zero) == Ordering::Less
        }
        _ => false,
    }
}

fn count(offset: &Value) -> Result<i64> {
    match offset {
        Value::Int64(count) => Ok(*count),
        other => Err(Error::internal(format!("a frame offset was {:?}", other.physical_type()))),
    }
}

/// A key moved by an offset; out of the type's range it lies below or above every key.
enum Shifted {
    Value(Value),
    Below,
    Above,
}

fn shifted(
    key_oid: u32,
    offset_oid: u32,
    key: &Value,
    offset: &Value,
    subtract: bool,
    context: &Context,
) -> Result<Shifted> {
    let beyond = if subtract { Shifted::Below } else { Shifted::Above };
    if let (Some(key), Some(offset)) = (integer(key), integer(offset)) {
        let sum = if subtract { key.checked_sub(offset) } else { key.checked_add(offset) };
        let value = match key_oid {
            oid::INT2 => sum.and_then(|sum| i16::try_from(sum).ok()).map(Value::Int16),
            oid::INT4 => sum.and_then(|sum| i32::try_from(sum).ok()).map(Value::Int32),
            _ => sum.map(Value::Int64),
        };
        return Ok(value.map_or(beyond, Shifted::Value));
    }
    let (add_function, subtract_function) = match (key_oid, offset_oid) {
        (oid::NUMERIC, _) => (1724, 1725),
        (oid::FLOAT8, _) => (218, 219),
        (oid::FLOAT4, _) => {
            let (Value::Float32(key), Value::Float64(offset)) = (key, offset) else {
                return Err(Error::internal("a frame over real has an offset of another type"));
            };
            let sum = if subtract { f64::from(*key) - offset } else { f64::from(*key) + offset };
            return Ok(Shifted::Value(Value::Float32(sum as f32)));
        }
        (oid::DATE, oid::INTERVAL) => {
            // date ± interval is a timestamp; both ends compare as such.
            return shifted_date(key, offset, subtract, context);
        }
        (oid::TIMESTAMP, oid::INTERVAL) => (2032, 2033),
        (oid::TIMESTAMPTZ, oid::INTERVAL) => (1189, 1190),
        (oid::INTERVAL, oid::INTERVAL) => (1169, 1170),
        (oid::TIME, oid::INTERVAL) => return Ok(shifted_time(key, offset, subtract)),
        _ => return Err(Error::unsupported("RANGE with offset PRECEDING/FOLLOWING for this type")),
    };
    let function = if subtract { subtract_function } else { add_function };
    call(function, (key_oid, key), (offset_oid, offset), key_oid, context).map(Shifted::Value)
}

fn call(
    function: u32,
    key: (u32, &Value),
    offset: (u32, &Value),
    result: u32,
    context: &Context,
) -> Result<Value> {
    let implementation = implementation(function)
        .ok_or_else(|| Error::unsupported("RANGE with offset PRECEDING/FOLLOWING for this type"))?;
    let call = Call::new(function, vec![Type::new(key.0), Type::new(offset.0)], Type::new(result));
    (implementation.scalar)(context, &call, &[key.1.clone(), offset.1.clone()])
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int16(value) => Some(i64::from(*value)),
        Value::Int32(value) => Some(i64::from(*value)),
        Value::Int64(value) => Some(*value),
        _ => None,
    }
}

/// A date moved by an interval, as the date on or before the moment (subtracting: on or after it).
fn shifted_date(key: &Value, offset: &Value, subtract: bool, context: &Context) -> Result<Shifted> {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    let function = if subtract { 2072 } else { 2071 };
    let sum = call(function, (oid::DATE, key), (oid::INTERVAL, offset), oid::TIMESTAMP, context)?;
    let Value::Int64(micros) = sum else { return Err(Error::internal("a date's sum is no timestamp")) };
    let days = if subtract {
        micros.div_euclid(MICROS_PER_DAY) + i64::from(micros.rem_euclid(MICROS_PER_DAY) != 0)
    } else {
        micros.div_euclid(MICROS_PER_DAY)
    };
    Ok(i32::try_from(days).map_or(if subtract { Shifted::Below } else { Shifted::Above }, |days| {
        Shifted::Value(Value::Int32(days))
    }))
}

/// A time moved by an interval's time part, without wrapping around midnight.
fn shifted_time(key: &Value, offset: &Value, subtract: bool) -> Shifted {
    let (Value::Int64(key), Value::Fixed16(bytes)) = (key, offset) else { return Shifted::Above };
    let mut micros = [0; 8];
    micros.copy_from_slice(&bytes[8..]);
    let micros = i64::from_le_bytes(micros);
    Shifted::Value(Value::Int64(if subtract {
        key.saturating_sub(micros)
    } else {
        key.saturating_add(micros)
    }))
}
