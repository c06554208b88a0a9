//! How many rows pass conditions: by what ANALYZE has found (`statistics`), else by PostgreSQL's guesses.
//!
//! Two inequalities that make a range of one column are estimated together (`optimizer/path/clausesel.c`); other conjuncts
//! as if they had nothing to do with each other.

use std::sync::Arc;

use catalog::builtin;
use engine::Value;

use super::facts::Comparison;
use super::planner::Planner;
use super::predicate;
use crate::statistics::{ColumnStatistics, Known, TableStatistics};
use crate::tree::{ColumnNumber, Expression, ExpressionKind};
use crate::types::numeric::Numeric;
use crate::types::oid;

/// What is known of tables, by pg_class oid.
pub trait Statistics {
    /// Rows of a table.
    fn rows(&self, table: u32) -> f64;

    /// What ANALYZE has found.
    fn table(&self, _table: u32) -> Option<Arc<TableStatistics>> {
        None
    }
}

/// No knowledge at all.
pub struct NoStatistics;

impl Statistics for NoStatistics {
    fn rows(&self, _: u32) -> f64 {
        1000.0
    }
}

/// PostgreSQL's guesses.
const DISTINCT: f64 = 200.0;
const INEQUALITY: f64 = 0.333;
const RANGE: f64 = 0.005;
const OTHER: f64 = 0.333;
/// The least part that a range is taken for.
const LEAST: f64 = 1.0e-10;

/// The conjuncts that bound a column.
struct Range {
    column: ColumnNumber,
    /// The parts of all rows that pass those from above, and from below.
    less: Option<f64>,
    greater: Option<f64>,
    null_fraction: f64,
    is_guessed: bool,
}

impl Range {
    /// Takes in another bound of the same column, of two from one side the stricter.
    fn and(&mut self, other: &Range) {
        let stricter = |one: Option<f64>, other: Option<f64>| one.into_iter().chain(other).reduce(f64::min);
        self.less = stricter(self.less, other.less);
        self.greater = stricter(self.greater, other.greater);
        self.is_guessed |= other.is_guessed;
    }

    fn selectivity(&self) -> f64 {
        match (self.less, self.greater) {
            (Some(_), Some(_)) if self.is_guessed => RANGE,
            (Some(less), Some(greater)) => (less + greater + self.null_fraction - 1.0).max(LEAST),
            (Some(part), None) | (None, Some(part)) => part,
            (None, None) => 1.0,
        }
    }
}

/// A column beside something of another kind; `value` where that is a constant.
struct ColumnComparison {
    column: ColumnNumber,
    comparison: Comparison,
    value: Option<Value>,
    value_type: u32,
}

/// The value of a constant, also of a whole number that is cast to another type of numbers.
fn constant_of(expression: &Expression) -> Option<Value> {
    let (function, argument) = match &expression.kind {
        ExpressionKind::Constant(value) => return Some(value.clone()),
        ExpressionKind::Call { function, arguments, .. } => match arguments.as_slice() {
            [argument] => (*function, argument),
            _ => return None,
        },
        _ => return None,
    };
    builtin::cast(argument.ty.oid, expression.ty.oid).filter(|cast| cast.function == function)?;
    let number = match &argument.kind {
        ExpressionKind::Constant(value) => whole_number(value)?,
        _ => return None,
    };
    Some(match expression.ty.oid {
        oid::INT2 => Value::Int16(i16::try_from(number).ok()?),
        oid::INT4 => Value::Int32(i32::try_from(number).ok()?),
        oid::INT8 => Value::Int64(number),
        oid::FLOAT4 => Value::Float32(number as f32),
        oid::FLOAT8 => Value::Float64(number as f64),
        oid::NUMERIC => Numeric::from_i64(number).to_value(),
        _ => return None,
    })
}

fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Int16(number) => Some(i64::from(*number)),
        Value::Int32(number) => Some(i64::from(*number)),
        Value::Int64(number) => Some(*number),
        _ => None,
    }
}

/// Reads a conjunct as that.
fn column_comparison(conjunct: &Expression) -> Option<ColumnComparison> {
    let found = predicate::as_comparison(conjunct)?;
    let (left, right) = (predicate::as_column(found.left), predicate::as_column(found.right));
    let (column, comparison, other, value_type) = match (left, right) {
        (Some(column), None) => (column, found.comparison, found.right, found.right_type),
        (None, Some(column)) => (column, found.comparison.swapped(), found.left, found.left_type),
        _ => return None,
    };
    Some(ColumnComparison { column, comparison, value: constant_of(other), value_type })
}

/// A value beside a column, as one of the column's type.
fn known_value(value: &Value, value_type: u32, known: &ColumnStatistics) -> Option<Known> {
    if value_type == known.type_oid || predicate::same_key(value_type, known.type_oid) {
        return Known::new(known.type_oid, value.clone());
    }
    let number = whole_number(value)?;
    // What lies outside of the column's type is as far outside as its last value.
    let value = match known.type_oid {
        oid::INT2 => Value::Int16(number.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16),
        oid::INT4 => Value::Int32(number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32),
        oid::INT8 => Value::Int64(number),
        _ => return None,
    };
    Known::new(known.type_oid, value)
}

impl Planner<'_> {
    /// How many distinct values a column probably has.
    pub(super) fn distinct_values(&self, column: ColumnNumber) -> f64 {
        let Some((table, attribute)) = self.origins.get(&column).copied() else { return DISTINCT };
        let rows = self.input.statistics.rows(table).max(1.0);
        if let Some(distinct) = self.known_of(column).and_then(|known| known.distinct_of(rows)) {
            return distinct.max(1.0);
        }
        let indexes = self.input.catalog.indexes_of(self.input.database, table);
        let unique = indexes.filter_map(|relation| relation.as_index()).any(|index| {
            index.unique
                && index.predicate.is_none()
                && index.attribute_numbers().first() == Some(&attribute)
                && index.keys.len() == 1
        });
        if unique { rows } else { rows.min(DISTINCT) }
    }

    /// What ANALYZE has found of a column, if it has the type still.
    fn known_of(&self, column: ColumnNumber) -> Option<Arc<ColumnStatistics>> {
        let (table, attribute) = self.origins.get(&column).copied()?;
        let (catalog, database) = (self.input.catalog, self.input.database);
        let type_oid = catalog.relation(database, table)?.column(attribute)?.type_oid;
        let known = self.input.statistics.table(table)?;
        let found = known.columns.get(&attribute)?;
        (found.type_oid == catalog.base_type(database, type_oid).0).then(|| found.clone())
    }

    /// The fraction of rows that probably pass all of some conjuncts.
    pub(super) fn selectivity_of_all(&self, conjuncts: &[Expression]) -> f64 {
        let mut selectivity = 1.0;
        let mut ranges: Vec<Range> = Vec::new();
        for conjunct in conjuncts {
            let Some(found) = self.bound_of(conjunct) else {
                selectivity *= self.selectivity(conjunct);
                continue;
            };
            match ranges.iter_mut().find(|range| range.column == found.column) {
                Some(range) => range.and(&found),
                None => ranges.push(found),
            }
        }
        ranges.iter().fold(selectivity, |selectivity, range| selectivity * range.selectivity())
    }

    /// As [`Planner::selectivity_of_all`], of bounds of columns that have been analyzed.
    pub(super) fn known_selectivity(&self, bounds: &[Expression]) -> Option<f64> {
        let is_known = |bound| self.bound_of(bound).is_some_and(|range| !range.is_guessed);
        bounds.iter().all(is_known).then(|| self.selectivity_of_all(bounds))
    }

    /// Whether the selectivity of a conjunct comes of what ANALYZE has found, and of a constant.
    pub(super) fn is_known(&self, conjunct: &Expression) -> bool {
        let has_constant = || column_comparison(conjunct).is_some_and(|found| found.value.is_some());
        match self.bound_of(conjunct) {
            Some(range) => !range.is_guessed,
            None => has_constant() && self.equality(conjunct).is_some(),
        }
    }

    /// A conjunct that bounds a column from one side.
    fn bound_of(&self, conjunct: &Expression) -> Option<Range> {
        let found = column_comparison(conjunct)?;
        let known = self.known_of(found.column);
        let below = |inclusive: bool| {
            let known = known.as_ref()?;
            known.part_below(&known_value(found.value.as_ref()?, found.value_type, known)?, inclusive)
        };
        let null_fraction = known.as_ref().map_or(0.0, |known| f64::from(known.null_fraction));
        let above = |inclusive: bool| Some((1.0 - null_fraction - below(!inclusive)?).max(0.0));
        let (part, is_less) = match found.comparison {
            Comparison::Equal => return None,
            Comparison::Less => (below(false), true),
            Comparison::LessOrEqual => (below(true), true),
            Comparison::Greater => (above(false), false),
            Comparison::GreaterOrEqual => (above(true), false),
        };
        let is_guessed = part.is_none();
        let part = Some(part.unwrap_or(INEQUALITY));
        let (less, greater) = if is_less { (part, None) } else { (None, part) };
        Some(Range { column: found.column, less, greater, null_fraction, is_guessed })
    }

    /// The fraction of rows that probably pass a conjunct.
    pub(super) fn selectivity(&self, conjunct: &Expression) -> f64 {
        if let Some(range) = self.bound_of(conjunct) {
            return range.selectivity();
        }
        if let Some(comparison) = predicate::as_comparison(conjunct) {
            if comparison.comparison != Comparison::Equal {
                return INEQUALITY;
            }
            if let Some(part) = self.equality(conjunct) {
                return part;
            }
            let sides = [comparison.left, comparison.right];
            let columns = sides.iter().filter_map(|side| predicate::as_column(side));
            let distinct = columns.map(|column| self.distinct_values(column)).reduce(f64::max);
            return 1.0 / distinct.unwrap_or(DISTINCT).max(1.0);
        }
        match &conjunct.kind {
            ExpressionKind::Or(items) => {
                1.0 - items.iter().map(|item| 1.0 - self.selectivity(item)).product::<f64>()
            }
            ExpressionKind::And(items) => self.selectivity_of_all(items),
            ExpressionKind::Not(item) => (1.0 - self.selectivity(item)).max(0.005),
            ExpressionKind::IsNull { argument, negated } => {
                let known = predicate::as_column(argument).and_then(|column| self.known_of(column));
                let nulls = known.map_or(0.005, |known| f64::from(known.null_fraction));
                if *negated { 1.0 - nulls } else { nulls }
            }
            ExpressionKind::AnyArray { left, right, all: false, .. } => {
                let count = match &right.kind {
                    ExpressionKind::Array { elements, .. } => elements.len() as f64,
                    _ => 10.0,
                };
                let distinct =
                    predicate::as_column(left).map_or(DISTINCT, |column| self.distinct_values(column));
                (count / distinct).min(1.0)
            }
            ExpressionKind::Column(column) => {
                let truth = Known::new(oid::BOOL, Value::Bool(true));
                let rows = self.rows_beneath(*column);
                self.known_of(*column).and_then(|known| known.part_equal(truth.as_ref(), rows)).unwrap_or(0.5)
            }
            _ => OTHER,
        }
    }

    /// The part of rows in which a column equals a value.
    fn equality(&self, conjunct: &Expression) -> Option<f64> {
        let found = column_comparison(conjunct)?;
        let known = self.known_of(found.column)?;
        let value = match &found.value {
            Some(Value::Null) => return Some(0.0),
            Some(value) => Some(known_value(value, found.value_type, &known)?),
            None => None,
        };
        known.part_equal(value.as_ref(), self.rows_beneath(found.column))
    }

    /// The rows of the table that a column is of.
    fn rows_beneath(&self, column: ColumnNumber) -> f64 {
        let table = self.origins.get(&column).map(|(table, _)| *table);
        table.map_or(1.0, |table| self.input.statistics.rows(table))
    }
}
