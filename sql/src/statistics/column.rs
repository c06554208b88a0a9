//! The statistics of one column out of a sample: PostgreSQL's `compute_scalar_stats` (commands/analyze.c), over comparison
//! keys in the place of a sort operator.

use std::collections::HashSet;

use engine::Value;

use crate::types::key;

/// The most common values, and the bounds, that are kept: PostgreSQL's default statistics target.
const TARGET: usize = 100;
/// Bytes of values that are kept; longer ones are counted.
const WIDEST: usize = 1024;

/// A value and its comparison key.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub value: Value,
    pub key: Vec<u8>,
}

impl Known {
    /// A value of a type; `None` where it has no key.
    pub fn new(type_oid: u32, value: Value) -> Option<Known> {
        let mut key = Vec::new();
        key::append(type_oid, &value, &mut key).ok()?;
        Some(Known { value, key })
    }
}

/// What is known of a column, as pg_stats shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnStatistics {
    /// The type that the values have.
    pub type_oid: u32,
    /// The part of rows that is NULL.
    pub null_fraction: f32,
    /// Bytes of a value, on average.
    pub width: i32,
    /// Distinct values; below zero, minus their part of the rows; zero where it is not known.
    pub distinct: f32,
    /// The most common values, the most common first, each with its part of the rows.
    pub common: Vec<(Known, f32)>,
    /// Bounds that cut the other values into parts of as many rows each.
    pub bounds: Vec<Known>,
    /// How far the rows lie in the order of the values, from -1 to 1.
    pub correlation: Option<f32>,
}

impl ColumnStatistics {
    /// The number of distinct values among so many rows; `None` where it is not known.
    pub fn distinct_of(&self, rows: f64) -> Option<f64> {
        let distinct = f64::from(self.distinct);
        match distinct {
            0.0 => None,
            ..0.0 => Some((-distinct * rows).max(1.0)),
            _ => Some(distinct.min(rows.max(1.0))),
        }
    }

    /// The part of the rows that the common values make up.
    pub fn common_part(&self) -> f64 {
        self.common.iter().map(|(_, frequency)| f64::from(*frequency)).sum()
    }
}

/// What a sample has of a column.
#[derive(Debug, Default)]
pub(super) struct SampledColumn {
    pub nulls: usize,
    /// Values too long to be kept.
    pub wide: usize,
    /// Bytes of all that are not NULL.
    pub bytes: f64,
    /// The others, in the order of the rows.
    pub values: Vec<Value>,
}

/// A run of equal values in the sorted sample.
struct Run {
    first: usize,
    count: usize,
}

impl SampledColumn {
    /// Adds the value of a row.
    pub fn take(&mut self, value: Value) {
        let length = match &value {
            Value::Null => {
                self.nulls += 1;
                return;
            }
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        // PostgreSQL's header of a value: one byte of a short one, four of a long one.
        self.bytes += (length + if length <= 126 { 1 } else { 4 }) as f64;
        if length > WIDEST {
            self.wide += 1;
        } else {
            self.values.push(value);
        }
    }

    /// Leaves every second row.
    pub fn halve(&mut self) {
        let mut is_kept = false;
        self.values.retain(|_| {
            is_kept = !is_kept;
            is_kept
        });
        (self.nulls, self.wide, self.bytes) = (self.nulls / 2, self.wide / 2, self.bytes / 2.0);
    }
}

/// The statistics of a column. `total`: rows of the table; `width`: that of the type, where all values have the same. `None`
/// of an empty sample.
pub(super) fn of_sample(
    type_oid: u32,
    width: Option<i32>,
    column: SampledColumn,
    total: f64,
) -> Option<ColumnStatistics> {
    let SampledColumn { nulls, wide, bytes, values } = column;
    let filled = wide + values.len();
    let sampled = nulls + filled;
    if sampled == 0 {
        return None;
    }
    let mean = if filled == 0 { 0 } else { (bytes / filled as f64) as i32 };
    let null_fraction = nulls as f64 / sampled as f64;
    let mut statistics = ColumnStatistics {
        type_oid,
        null_fraction: null_fraction as f32,
        width: width.unwrap_or(mean),
        distinct: 0.0,
        common: Vec::new(),
        bounds: Vec::new(),
        correlation: None,
    };
    let count = values.len();
    let mut sorted: Vec<(Known, usize)> = values
        .into_iter()
        .enumerate()
        .filter_map(|(place, value)| Some((Known::new(type_oid, value)?, place)))
        .collect();
    if sorted.len() < count {
        // A type without an order.
        return Some(statistics);
    }
    if count == 0 {
        if filled > 0 {
            statistics.distinct = -(1.0 - null_fraction) as f32;
        }
        return Some(statistics);
    }
    sorted.sort_unstable_by(|(left, at), (right, place)| left.key.cmp(&right.key).then(at.cmp(place)));
    let runs = runs_of(&sorted);
    statistics.distinct = distinct_values(&runs, wide, filled, null_fraction, total) as f32;
    let most = most_common(&runs, statistics.distinct, wide, null_fraction, sampled, total);
    let common: HashSet<usize> = most.iter().map(|run| run.first).collect();
    statistics.common =
        most.iter().filter_map(|run| Some((sorted.get(run.first)?.0.clone(), run.part(sampled)))).collect();
    statistics.bounds = bounds_of(&sorted, &runs, &common);
    statistics.correlation = correlation_of(&sorted);
    Some(statistics)
}

impl Run {
    fn part(&self, sampled: usize) -> f32 {
        (self.count as f64 / sampled as f64) as f32
    }
}

fn runs_of(sorted: &[(Known, usize)]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut first = 0;
    for run in sorted.chunk_by(|(left, _), (right, _)| left.key == right.key) {
        runs.push(Run { first, count: run.len() });
        first += run.len();
    }
    runs
}

/// The estimate of Haas and Stokes ("Estimating the Number of Classes in a Finite Population", 1998), as PostgreSQL has it.
fn distinct_values(runs: &[Run], wide: usize, filled: usize, null_fraction: f64, total: f64) -> f64 {
    let several = runs.iter().filter(|run| run.count > 1).count();
    if several == 0 {
        return -(1.0 - null_fraction);
    }
    let distinct = if wide == 0 && several == runs.len() {
        several as f64
    } else {
        let once = (runs.len() - several + wide) as f64;
        let known = once + several as f64;
        let (sample, population) = (filled as f64, total * (1.0 - null_fraction));
        let estimate = sample * known / ((sample - once) + once * sample / population.max(1.0));
        (estimate.clamp(known, population.max(known)) + 0.5).floor()
    };
    // Where they are many, they probably grow with the table.
    if distinct > 0.1 * total { -(distinct / total.max(1.0)) } else { distinct }
}

/// The values that stand out, the most common first.
fn most_common<'r>(
    runs: &'r [Run],
    distinct: f32,
    wide: usize,
    null_fraction: f64,
    sampled: usize,
    total: f64,
) -> Vec<&'r Run> {
    let mut tracked: Vec<&Run> = runs.iter().filter(|run| run.count > 1).collect();
    tracked.sort_by_key(|run| std::cmp::Reverse(run.count));
    let all_known = tracked.len() == runs.len() && wide == 0 && distinct > 0.0;
    let all_known = all_known && tracked.len() <= TARGET;
    tracked.truncate(TARGET);
    if all_known || sampled as f64 >= total {
        return tracked;
    }
    let distinct = match f64::from(distinct) {
        part @ ..0.0 => -part * total,
        number => number,
    };
    let (n, population) = (sampled as f64, total);
    while let Some(least) = tracked.last() {
        let before: usize = tracked.iter().rev().skip(1).map(|run| run.count).sum();
        let mut part = (1.0 - before as f64 / n - null_fraction).clamp(0.0, 1.0);
        let others = distinct - (tracked.len() - 1) as f64;
        if others > 1.0 {
            part /= others;
        }
        // The spread of a hypergeometric distribution, were the value as common as the others.
        let expected = population * least.count as f64 / n;
        let variance = n * expected * (population - expected) * (population - n)
            / (population * population * (population - 1.0)).max(1.0);
        if least.count as f64 > part * n + 2.0 * variance.max(0.0).sqrt() + 0.5 {
            break;
        }
        tracked.pop();
    }
    tracked
}

/// Bounds over the values that are not among the common ones.
fn bounds_of(sorted: &[(Known, usize)], runs: &[Run], common: &HashSet<usize>) -> Vec<Known> {
    let others: Vec<&Run> = runs.iter().filter(|run| !common.contains(&run.first)).collect();
    let count = others.len().min(TARGET + 1);
    if count < 2 {
        return Vec::new();
    }
    let values: usize = others.iter().map(|run| run.count).sum();
    let mut bounds = Vec::with_capacity(count);
    let (mut run, mut before) = (others.iter(), 0);
    let mut current = run.next();
    for bound in 0..count {
        let place = bound * (values - 1) / (count - 1);
        while let Some(next) = current.filter(|next| before + next.count <= place) {
            before += next.count;
            current = run.next();
        }
        bounds.extend(current.and_then(|run| sorted.get(run.first)).map(|(known, _)| known.clone()));
    }
    bounds
}

/// How the place of a row among all goes with the place of its value among the sorted.
fn correlation_of(sorted: &[(Known, usize)]) -> Option<f32> {
    if sorted.len() < 2 {
        return None;
    }
    let count = sorted.len() as f64;
    let products: f64 = sorted.iter().enumerate().map(|(rank, (_, place))| rank as f64 * *place as f64).sum();
    let sum = (count - 1.0) * count / 2.0;
    let squares = (count - 1.0) * count * (2.0 * count - 1.0) / 6.0;
    Some(((count * products - sum * sum) / (count * squares - sum * sum)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    fn statistics(values: &[i32], nulls: usize, total: f64) -> ColumnStatistics {
        let values: Vec<Value> = values.iter().map(|number| Value::Int32(*number)).collect();
        let column = SampledColumn { nulls, wide: 0, bytes: 4.0 * values.len() as f64, values };
        of_sample(oid::INT4, Some(4), column, total).expect("a sample")
    }

    #[test]
    fn a_sample_without_repetition_says_that_all_values_differ() {
        let numbers: Vec<i32> = (0..1000).collect();
        let found = statistics(&numbers, 1000, 2000.0);
        assert_eq!((found.distinct, found.null_fraction), (-0.5, 0.5));
        assert!(found.common.is_empty());
        assert_eq!(found.bounds.len(), 101);
        assert_eq!(found.correlation, Some(1.0));
        assert_eq!(found.distinct_of(4000.0), Some(2000.0));
    }

    #[test]
    fn few_values_are_all_common_and_leave_no_bounds() {
        let numbers: Vec<i32> = (0..1000).map(|number| number % 4).collect();
        let found = statistics(&numbers, 0, 1_000_000.0);
        assert_eq!(found.distinct, 4.0);
        assert_eq!(found.common.iter().map(|(_, part)| *part).collect::<Vec<_>>(), [0.25; 4]);
        assert!(found.bounds.is_empty());
    }

    #[test]
    fn a_value_is_common_only_if_it_stands_out_of_its_sample() {
        // 30,000 of ten million rows, each value met three times or so: no value is known to be common.
        let mut numbers: Vec<i32> = (0..30_000).map(|number| number % 10_000).collect();
        assert!(statistics(&numbers, 0, 10_000_000.0).common.is_empty());
        numbers.extend(std::iter::repeat_n(7, 3000));
        let found = statistics(&numbers, 0, 11_000_000.0);
        assert_eq!(found.common.len(), 1);
        assert_eq!(found.common[0].0.value, Value::Int32(7));
        assert_eq!(found.bounds.len(), 101);
    }
}
