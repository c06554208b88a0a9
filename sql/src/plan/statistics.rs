//! What is known about how many rows there are, and the guesses where nothing is.

use super::facts::Comparison;
use super::planner::Planner;
use super::predicate;
use crate::tree::{ColumnNumber, Expression, ExpressionKind};

/// Row counts and distinct values, by pg_class oid and attribute number.
pub trait Statistics {
    /// Rows of a table.
    fn rows(&self, table: u32) -> f64;
    /// Distinct values of a column, where ANALYZE has counted.
    fn distinct(&self, table: u32, attribute: i16) -> Option<f64>;
}

/// No knowledge at all.
pub struct NoStatistics;

impl Statistics for NoStatistics {
    fn rows(&self, _: u32) -> f64 {
        1000.0
    }

    fn distinct(&self, _: u32, _: i16) -> Option<f64> {
        None
    }
}

/// PostgreSQL's guesses.
const DISTINCT: f64 = 200.0;
const INEQUALITY: f64 = 0.333;
const OTHER: f64 = 0.333;

impl Planner<'_> {
    /// How many distinct values a column probably has.
    pub(super) fn distinct_values(&self, column: ColumnNumber) -> f64 {
        let Some((table, attribute)) = self.origins.get(&column).copied() else { return DISTINCT };
        let rows = self.input.statistics.rows(table).max(1.0);
        if let Some(distinct) = self.input.statistics.distinct(table, attribute) {
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

    /// The fraction of rows that probably pass a conjunct.
    pub(super) fn selectivity(&self, conjunct: &Expression) -> f64 {
        if let Some(comparison) = predicate::as_comparison(conjunct) {
            if comparison.comparison != Comparison::Equal {
                return INEQUALITY;
            }
            let sides = [comparison.left, comparison.right];
            let distinct = sides
                .iter()
                .filter_map(|side| predicate::as_column(side))
                .map(|column| self.distinct_values(column));
            return 1.0
                / distinct.fold(1.0, f64::max).max(
                    if sides.iter().any(|side| predicate::as_column(side).is_some()) {
                        1.0
                    } else {
                        DISTINCT
                    },
                );
        }
        match &conjunct.kind {
            ExpressionKind::Or(items) => {
                1.0 - items.iter().map(|item| 1.0 - self.selectivity(item)).product::<f64>()
            }
            ExpressionKind::And(items) => items.iter().map(|item| self.selectivity(item)).product(),
            ExpressionKind::Not(item) => (1.0 - self.selectivity(item)).max(0.005),
            ExpressionKind::IsNull { negated: false, .. } => 0.005,
            ExpressionKind::IsNull { negated: true, .. } => 0.995,
            ExpressionKind::AnyArray { left, right, all: false, .. } => {
                let count = match &right.kind {
                    ExpressionKind::Array { elements, .. } => elements.len() as f64,
                    _ => 10.0,
                };
                let distinct =
                    predicate::as_column(left).map_or(DISTINCT, |column| self.distinct_values(column));
                (count / distinct).min(1.0)
            }
            ExpressionKind::Column(_) => 0.5,
            _ => OTHER,
        }
    }
}
