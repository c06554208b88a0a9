//! The part of rows that compares so with a value, by the statistics of a column: `var_eq_const` and `scalarineqsel` of
//! PostgreSQL's `utils/adt/selfuncs.c`.
//!
//! Between two bounds, of which the value's key lies, its place is taken from the first bytes in which they differ, as if
//! keys were spread evenly there; that is so of whole numbers and times, and good enough of the rest.

use super::column::{ColumnStatistics, Known};

/// No range is taken for less, nor for more than all but this.
const LEAST: f64 = 1.0e-10;

impl ColumnStatistics {
    /// The part of all rows whose value equals one, or, without one, an average one. `rows`: those of the table. `None` where
    /// nothing is known.
    pub fn part_equal(&self, value: Option<&Known>, rows: f64) -> Option<f64> {
        let distinct = self.distinct_of(rows)?;
        let filled = 1.0 - f64::from(self.null_fraction);
        let Some(value) = value else { return Some((filled / distinct).clamp(0.0, 1.0)) };
        if let Some((_, part)) = self.common.iter().find(|(known, _)| known.key == value.key) {
            return Some(f64::from(*part));
        }
        let others = (distinct - self.common.len() as f64).max(1.0);
        let part = ((filled - self.common_part()) / others).clamp(0.0, 1.0);
        // It would be among the common ones otherwise.
        let least = self.common.last().map_or(1.0, |(_, part)| f64::from(*part));
        Some(part.min(least))
    }

    /// The part of all rows whose value is less than one, or, `inclusive`, not greater. `None` where nothing is known.
    pub fn part_below(&self, value: &Known, inclusive: bool) -> Option<f64> {
        if self.common.is_empty() && self.bounds.is_empty() {
            return None;
        }
        let is_below = |known: &Known| if inclusive { known.key <= value.key } else { known.key < value.key };
        let common = self.common.iter().filter(|(known, _)| is_below(known));
        let common: f64 = common.map(|(_, part)| f64::from(*part)).sum();
        let others = (1.0 - f64::from(self.null_fraction) - self.common_part()).max(0.0);
        let within = self.part_of_bounds(value, &is_below).unwrap_or(0.5);
        Some((common + others * within).clamp(0.0, 1.0))
    }

    /// The part of the values between the bounds that are below one.
    fn part_of_bounds(&self, value: &Known, is_below: &dyn Fn(&Known) -> bool) -> Option<f64> {
        let parts = self.bounds.len().checked_sub(1).filter(|parts| *parts > 0)? as f64;
        let passed = self.bounds.partition_point(|bound| is_below(bound));
        let (Some(next), Some(last)) = (self.bounds.get(passed), passed.checked_sub(1)) else {
            // Outside of all that was seen.
            return Some(if passed == 0 { LEAST } else { 1.0 - LEAST });
        };
        let before = self.bounds.get(last).map_or(&[][..], |bound| &bound.key);
        Some((last as f64 + place_between(before, &next.key, &value.key)) / parts)
    }
}

/// Where a key lies between two others, from 0 to 1.
fn place_between(lower: &[u8], upper: &[u8], key: &[u8]) -> f64 {
    let same = lower.iter().zip(upper).take_while(|(one, other)| one == other).count();
    let number = |bytes: &[u8]| {
        let mut first = [0; 8];
        for (place, byte) in first.iter_mut().zip(bytes.iter().skip(same)) {
            *place = *byte;
        }
        u64::from_be_bytes(first) as f64
    };
    let (lower, upper, key) = (number(lower), number(upper), number(key));
    if upper > lower { ((key - lower) / (upper - lower)).clamp(0.0, 1.0) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use engine::Value;

    use super::super::column::{SampledColumn, of_sample};
    use super::*;
    use crate::types::oid;

    fn known(number: i32) -> Known {
        Known::new(oid::INT4, Value::Int32(number)).expect("a key")
    }

    /// A thousand rows: a tenth NULL, three tenths 5, the others 1000 to 1599.
    fn spread() -> ColumnStatistics {
        let mut column = SampledColumn::default();
        (0..100).for_each(|_| column.take(Value::Null));
        (0..300).for_each(|_| column.take(Value::Int32(5)));
        (1000..1600).for_each(|number| column.take(Value::Int32(number)));
        of_sample(oid::INT4, Some(4), column, 1000.0).expect("a sample")
    }

    #[test]
    fn equalities_are_looked_up_among_the_common_values_or_share_the_rest() {
        let spread = spread();
        let part = |value: Option<i32>| spread.part_equal(value.map(known).as_ref(), 1000.0).expect("a part");
        assert!((part(Some(5)) - 0.3).abs() < 1e-6);
        assert!((part(Some(1234)) - 0.001).abs() < 1e-6, "{}", part(Some(1234)));
        assert!((part(None) - 0.9 / 601.0).abs() < 1e-6);
    }

    #[test]
    fn inequalities_go_by_common_values_and_bounds() {
        let spread = spread();
        for (value, inclusive, expected) in [
            (5, false, 0.0),
            (5, true, 0.3),
            (999, true, 0.3),
            (1300, false, 0.6),
            (1456, true, 0.756),
            (5000, false, 0.9),
        ] {
            let found = spread.part_below(&known(value), inclusive).expect("a part");
            assert!((found - expected).abs() < 0.003, "{value}: {found} and not {expected}");
        }
    }
}
