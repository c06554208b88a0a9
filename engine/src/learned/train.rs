//! Making a learned index from sorted keys.
//!
//! The *place* of a number is how many of the list's numbers lie below it. The line of a group is the better one of
//! two: through the group's ends, and by least squares; then it is moved until it errs as far above as below. Its
//! error is that of the line as it is stored, over every number of the group that a key of the file's width can have:
//! at each number of the list, and one step behind it, where the place leaps to the next one. Between those, line and
//! place only grow, so that no error is greater. (A key of another width may lie within a step and far from its line:
//! it is found all the same, with more steps.)

use super::line::{Group, Line};
use super::number::{NumberLayout, SortedKeys};
use super::root::{MAXIMUM_GROUPS, Root};
use super::simd::{BLOCK, Level};
use super::{LEAF_BITS, LearnedIndex, MINIMUM_KEYS};
use arrow_buffer::ScalarBuffer;
use std::sync::atomic::AtomicU64;

impl LearnedIndex {
    /// Learns the keys; `None` for fewer than are worth it. `rebuilt` is what the statistics say.
    pub fn train(keys: &SortedKeys<'_>, rebuilt: bool) -> Option<LearnedIndex> {
        if keys.rows < MINIMUM_KEYS || u32::try_from(keys.rows).is_err() {
            return None;
        }
        let layout = NumberLayout::of(keys);
        let numbers = layout.numbers(keys);
        let step = layout.step();
        let leaves = lines(&|row| numbers.get(row), keys.rows, LEAF_BITS, step);
        let mut anchors: Vec<u64> = (0..leaves.len()).map(|leaf| numbers.get(leaf << LEAF_BITS)).collect();
        let root = train_root(&anchors, step);
        let greatest = numbers.get(keys.rows - 1);
        anchors.extend([u64::MAX; BLOCK]);
        Some(LearnedIndex {
            rows: keys.rows,
            root,
            anchors: ScalarBuffer::from(anchors),
            leaves: ScalarBuffer::from(leaves.into_iter().map(|line| line.0).collect::<Vec<_>>()),
            greatest,
            level: Level::best(),
            rebuilt,
            fallbacks: AtomicU64::new(0),
            layout,
        })
    }
}

/// The smallest root whose windows need at most one halving before one comparison names the leaf; else the largest.
fn train_root(anchors: &[u64], step: u64) -> Root {
    let mut groups = BLOCK;
    loop {
        let bits = anchors.len().div_ceil(groups).next_power_of_two().trailing_zeros();
        let number = |leaf: usize| anchors.get(leaf).copied().unwrap_or(u64::MAX);
        let root = Root::new(lines(&number, anchors.len(), bits, step), bits, anchors);
        if root.halvings() <= 1 || groups >= MAXIMUM_GROUPS || bits == 0 {
            return root;
        }
        groups *= BLOCK;
    }
}

/// A line for each group of two to the power of `bits` numbers of a sorted list.
fn lines(number: &impl Fn(usize) -> u64, count: usize, bits: u32, step: u64) -> Vec<Line> {
    let mut points = Vec::new();
    let groups = count.div_ceil(1 << bits);
    (0..groups)
        .map(|group| {
            let group = Group::of(group, bits, count);
            points.clear();
            collect(number, count, group, &mut points);
            fit(&points, group, step, group.end == count)
        })
        .collect()
}

/// The distinct numbers of a group and the first one of the next, as distances from the first, with their places.
fn collect(number: &impl Fn(usize) -> u64, count: usize, group: Group, points: &mut Vec<(u64, usize)>) {
    let first = number(group.start);
    let mut last = None;
    for place in group.start..(group.end + 1).min(count) {
        let distance = number(place) - first;
        if last != Some(distance) {
            points.push((distance, place));
        }
        last = Some(distance);
    }
}

/// The line of a group. `is_last` says that no group follows, so that numbers behind the last point belong to it.
fn fit(points: &[(u64, usize)], group: Group, step: u64, is_last: bool) -> Line {
    let room = group.end - group.start;
    let Some((longest, _)) = points.last().copied().filter(|(distance, _)| *distance > 0) else {
        // One number alone: whatever is above it lies behind all of its places.
        let line = Line::new(group.start, 1.001 * room as f64 / step as f64, room);
        return line.with_error(error_of(line, points, group, step, is_last));
    };
    let through_ends = room as f64 / longest as f64;
    let best = [least_squares(points, group), through_ends].into_iter().map(|slope| {
        let (low, high) = residuals(points, group, slope, step, is_last);
        let base = (group.start as f64 + (low + high) / 2.0).round().max(0.0) as usize;
        let line = Line::new(base, slope, room);
        (error_of(line, points, group, step, is_last), line)
    });
    best.min_by_key(|(error, _)| *error).map_or_else(Line::default, |(error, line)| line.with_error(error))
}

fn least_squares(points: &[(u64, usize)], group: Group) -> f64 {
    let count = points.len() as f64;
    let (mut sum_x, mut sum_y, mut sum_xx, mut sum_xy) = (0.0, 0.0, 0.0, 0.0);
    for (distance, place) in points {
        let (x, y) = (*distance as f64, (place - group.start) as f64);
        sum_x += x;
        sum_y += y;
        sum_xx += x * x;
        sum_xy += x * y;
    }
    (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x)
}

/// Every place that a line is compared with: distance and place, at each point and one step behind it.
fn places(
    points: &[(u64, usize)],
    group: Group,
    step: u64,
    is_last: bool,
) -> impl Iterator<Item = (u64, usize)> {
    points.iter().enumerate().flat_map(move |(at, (distance, place))| {
        let behind = match points.get(at + 1) {
            Some((_, next)) => Some(*next),
            None => is_last.then_some(group.end),
        };
        let behind = behind.map(|next| (distance.saturating_add(step), next));
        std::iter::once((*distance, *place)).chain(behind)
    })
}

/// How far the places lie above a line from the group's start, least and greatest.
fn residuals(points: &[(u64, usize)], group: Group, slope: f64, step: u64, is_last: bool) -> (f64, f64) {
    let above = |(distance, place): (u64, usize)| (place - group.start) as f64 - distance as f64 * slope;
    places(points, group, step, is_last)
        .map(above)
        .fold((f64::MAX, f64::MIN), |(low, high), above| (low.min(above), high.max(above)))
}

/// The greatest error of a line, as it is stored, over every number of its group.
fn error_of(line: Line, points: &[(u64, usize)], group: Group, step: u64, is_last: bool) -> u64 {
    let error = |(distance, place): (u64, usize)| line.at(distance, group).abs_diff(place) as u64;
    places(points, group, step, is_last).map(error).max().unwrap_or(0)
}
