//! Conditions by which a scan passes whole blocks over: comparisons of a column with what is known before the scan.
//!
//! Invariants. A range only ever says what the scan's filter says too, so that passing over what it excludes changes no
//! result. It is taken where the column's stored order is PostgreSQL's order and the other side has the column's type
//! (integers of any width aside): NaN is the greatest number, both zeros are one, text is ordered by code point, and
//! NULL is in no range. Where the other side fails to evaluate, the range is left out: the filter says what is wrong,
//! if it comes to that.

use std::ops::Bound;

use engine::{ColumnId, ColumnRange, PhysicalType, Value};

use super::facts::Comparison;
use super::node::{PlanColumn, Source, TableAccess};
use super::planner::Planner;
use super::predicate::{as_column, as_comparison, same_key};
use super::table::is_bound;
use super::walk::{self, Columns};
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Layout, Scope};
use crate::tree::{ColumnNumber, Expression, ExpressionKind};
use crate::types::oid;

/// A comparison of a column with a bound that a scan knows when it begins.
#[derive(Clone, Debug)]
pub struct ZoneRange {
    column: ColumnId,
    physical: PhysicalType,
    comparison: Comparison,
    bound: CompiledExpression,
}

fn is_integer(type_oid: u32) -> bool {
    matches!(type_oid, oid::INT2 | oid::INT4 | oid::INT8)
}

/// Whether the order of the stored values is that of the type.
fn stored_in_order(type_oid: u32) -> bool {
    is_integer(type_oid)
        || matches!(
            type_oid,
            oid::OID
                | oid::DATE
                | oid::TIME
                | oid::TIMESTAMP
                | oid::TIMESTAMPTZ
                | oid::MONEY
                | oid::FLOAT4
                | oid::FLOAT8
                | oid::TEXT
                | oid::VARCHAR
                | oid::NAME
        )
}

impl Planner<'_> {
    /// The ranges of a scan's conditions.
    pub(super) fn zone_ranges(
        &mut self,
        conjuncts: &[Expression],
        access: &TableAccess,
        columns: &[PlanColumn],
    ) -> Result<Vec<ZoneRange>> {
        let own: Columns = columns.iter().map(|column| column.number).collect();
        let mut ranges = Vec::new();
        for conjunct in conjuncts {
            let Some(found) = as_comparison(conjunct) else { continue };
            let sides = [
                (found.left, found.right, found.right_type, found.comparison),
                (found.right, found.left, found.left_type, found.comparison.swapped()),
            ];
            for (column, bound, bound_type, comparison) in sides {
                let Some((column, ty)) = stored(column, access, columns) else { continue };
                let alike =
                    same_key(ty.ty.oid, bound_type) || is_integer(ty.ty.oid) && is_integer(bound_type);
                if !alike || !stored_in_order(ty.ty.oid) || !is_bound(bound, &own) || has_subquery(bound) {
                    continue;
                }
                let bound = self.compile(bound, &Layout::default())?;
                ranges.push(ZoneRange { column, physical: ty.physical, comparison, bound });
            }
        }
        Ok(ranges)
    }
}

/// The column of the table that an expression is.
fn stored<'a>(
    expression: &Expression,
    access: &TableAccess,
    columns: &'a [PlanColumn],
) -> Option<(ColumnId, &'a PlanColumn)> {
    let number: ColumnNumber = as_column(expression)?;
    let place = columns.iter().position(|column| column.number == number)?;
    match access.sources.get(place)? {
        Source::Column(column) => Some((*column, columns.get(place)?)),
        Source::Handle
        | Source::SystemFrom
        | Source::SystemTo
        | Source::TableOid
        | Source::Xmin
        | Source::WriteId
        | Source::PreviousWriteId
        | Source::Commit => None,
    }
}

fn has_subquery(expression: &Expression) -> bool {
    walk::any(expression, &mut |part| matches!(part.kind, ExpressionKind::Subquery(_)))
}

impl ZoneRange {
    /// The range for one execution; none where the bound has no value of the column's type.
    pub fn range(&self, scope: &Scope<'_>) -> Option<ColumnRange> {
        let value = self.bound.evaluate(scope, &[]).ok()?;
        let value = narrowed(value, self.physical)?;
        let (lower, upper) = match self.comparison {
            Comparison::Less | Comparison::LessOrEqual => (Bound::Unbounded, Bound::Included(value)),
            Comparison::Equal => (Bound::Included(value.clone()), Bound::Included(value)),
            Comparison::GreaterOrEqual | Comparison::Greater => (Bound::Included(value), Bound::Unbounded),
        };
        Some(ColumnRange { column: self.column, lower, upper })
    }
}

/// A bound in the column's own type. An integer that does not fit becomes the nearest that does: the range may then hold
/// more than is meant, never less.
fn narrowed(value: Value, physical: PhysicalType) -> Option<Value> {
    let number = match &value {
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        other => return (other.physical_type() == Some(physical)).then_some(value),
    };
    let within = |least: i64, greatest: i64| number.clamp(least, greatest);
    Some(match physical {
        PhysicalType::Int16 => Value::Int16(within(i64::from(i16::MIN), i64::from(i16::MAX)) as i16),
        PhysicalType::Int32 => Value::Int32(within(i64::from(i32::MIN), i64::from(i32::MAX)) as i32),
        PhysicalType::Int64 => Value::Int64(number),
        PhysicalType::Bool
        | PhysicalType::UInt32
        | PhysicalType::Float32
        | PhysicalType::Float64
        | PhysicalType::Fixed16
        | PhysicalType::Text
        | PhysicalType::Bytes => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_beyond_the_columns_type_becomes_its_nearest_value() {
        assert_eq!(narrowed(Value::Int64(1 << 40), PhysicalType::Int32), Some(Value::Int32(i32::MAX)));
        assert_eq!(narrowed(Value::Int32(-70_000), PhysicalType::Int16), Some(Value::Int16(i16::MIN)));
        assert_eq!(narrowed(Value::Int16(5), PhysicalType::Int64), Some(Value::Int64(5)));
        assert_eq!(narrowed(Value::Null, PhysicalType::Int64), None);
        assert_eq!(narrowed(Value::Float64(1.0), PhysicalType::Float32), None);
        assert!(stored_in_order(oid::DATE) && !stored_in_order(oid::BPCHAR));
    }
}
