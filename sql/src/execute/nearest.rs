//! The first rows in the order of a distance: exact, over vectors, handles and what the conditions read; what else is
//! wanted is fetched of the rows found alone.
//!
//! Rows at one distance come in the order in which the scan gives them. Behind every number come the rows whose distance
//! is NaN, behind them those without a vector, as a sort has them; with sequential scans turned off what a vector
//! index does not hold is left out, as pgvector does.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BinaryArray, BooleanArray, RecordBatch};
use engine::vector::{Filter, NearestReport, Search};
use engine::{PhysicalType, ReadView, RowHandle, RowRef, Value};
use futures::StreamExt;

use super::execution::{Execution, Moment};
use super::input::Interrupt;
use super::row::narrowed;
use super::scan::{RowCollector, assembled, filtered, projection, substituted};
use super::selective::{expected_share, is_selective, offer_passing};
use super::sort::fetch_of;
use super::stream::{BATCH_ROWS, Batches, batch_of, from_iterator, pieces};
use crate::error::{Error, Result};
use crate::evaluate::{Context, Scope};
use crate::functions::{check_alike, different_dimensions};
use crate::plan::Node;
use crate::plan::node::{Held, Nearest, Operator, TableAccess, VectorIndex};
use crate::point::source_value;
use crate::session::engine_error;
use crate::types::embedding::Element;
use crate::types::embedding::distance::{Distances, Metric};
use crate::types::key::compare_float;

/// How near a row is: a number, NaN behind all of them, and then no distance at all.
fn nearer(one: Option<f64>, two: Option<f64>) -> Ordering {
    match (one, two) {
        (Some(one), Some(two)) => compare_float(one, two),
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
    }
}

/// A row that was found; those at one distance in the order in which they came.
#[derive(Clone, Copy, Debug)]
struct Neighbour {
    distance: Option<f64>,
    arrival: u64,
    handle: [u8; 16],
}

impl Ord for Neighbour {
    fn cmp(&self, other: &Neighbour) -> Ordering {
        nearer(self.distance, other.distance).then(self.arrival.cmp(&other.arrival))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Neighbour) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Neighbour) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Neighbour {}

/// The nearest so far, the farthest of them on top.
pub(crate) struct Nearby {
    wanted: usize,
    kept: BinaryHeap<Neighbour>,
    /// Rows at the distance of the farthest, beyond the number wanted.
    tied: Option<Vec<Neighbour>>,
    arrivals: u64,
}

impl Nearby {
    /// `ties`: what is as far as the last of the wanted is wanted, too.
    pub(crate) fn new(wanted: usize, ties: bool) -> Nearby {
        let kept = BinaryHeap::with_capacity(wanted.min(1024));
        Nearby { wanted, kept, tied: ties.then(Vec::new), arrivals: 0 }
    }

    /// Takes a row that is near enough.
    pub(crate) fn offer(
        &mut self,
        distance: Option<f64>,
        handle: impl FnOnce() -> Result<[u8; 16]>,
    ) -> Result<()> {
        self.arrivals += 1;
        let new = |handle| Neighbour { distance, arrival: self.arrivals, handle };
        if self.kept.len() < self.wanted {
            self.kept.push(new(handle()?));
            return Ok(());
        }
        let Some(farthest) = self.kept.peek().copied() else { return Ok(()) };
        match (nearer(distance, farthest.distance), &mut self.tied) {
            (Ordering::Greater, _) | (Ordering::Equal, None) => {}
            (Ordering::Equal, Some(tied)) => tied.push(new(handle()?)),
            (Ordering::Less, tied) => {
                let new = new(handle()?);
                self.kept.pop();
                self.kept.push(new);
                if let (Some(tied), Some(next)) = (tied, self.kept.peek()) {
                    match nearer(next.distance, farthest.distance) {
                        Ordering::Equal => tied.push(farthest),
                        Ordering::Less | Ordering::Greater => tied.clear(),
                    }
                }
            }
        }
        Ok(())
    }

    /// The rows, nearest first.
    pub(crate) fn rows(self) -> Vec<RowHandle> {
        let tied = self.tied.unwrap_or_default();
        let all = self.kept.into_sorted_vec().into_iter().chain(tied);
        all.map(|neighbour| RowHandle::from_bytes(neighbour.handle)).collect()
    }
}

/// More rows than this are not asked of an index: looking at all is not much more work then.
const MOST_BY_INDEX: usize = 10_000;
/// So many rows more are asked for where those that tie with the last are wanted.
const TIED: usize = 32;
/// hnsw.ef_search where it is not known.
const DEFAULT_EF: usize = 40;

/// Whether a vector index holds a vector: zero has no direction.
fn is_held(metric: Metric, element: Element, stored: &[u8]) -> bool {
    metric != Metric::Cosine || element.read(stored).iter().any(|value| *value != 0.0)
}

/// Whether the session has turned sequential scans off.
fn only_indexes(context: &Context) -> bool {
    context.environment.setting("enable_seqscan").as_deref() == Some("off")
}

/// Rows that were found, nearest first.
#[derive(Debug, Default)]
pub struct Neighbours {
    pub rows: Vec<RowHandle>,
    /// How the index found them; `None` where every row was looked at.
    pub report: Option<NearestReport>,
}

impl Neighbours {
    /// What EXPLAIN ANALYZE tells of the search.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let Some(report) = &self.report else { return Vec::new() };
        vec![
            ("Graphs", report.graphs),
            ("Candidates", report.candidates),
            ("Rows Searched in Memory", report.hot_rows),
            ("Rows Searched on Disk", report.exact_rows),
        ]
    }
}

/// The rows that may be the first in the order.
pub(super) fn nearest(node: &Arc<Node>, execution: &Execution, input: Batches) -> Result<Batches> {
    let plan = plan_of(node)?;
    if let Some(batch) = substituted(&plan.access, &node.columns, node, execution)? {
        return Ok(from_iterator(std::iter::once(filtered(&plan.access, &execution.scope(), batch))));
    }
    let (node, execution) = (node.clone(), execution.clone());
    let found = async move {
        let found = collect(plan_of(&node)?, &execution, input).await?;
        if let Some(meters) = &execution.shared.input.meters {
            meters.remark(&node, found.counts());
        }
        fetched(&node, &execution, &found.rows)
    };
    let pieces = futures::stream::once(found).flat_map(|found| {
        futures::stream::iter(match found {
            Ok(batch) => pieces(&batch).into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    });
    Ok(pieces.boxed())
}

fn plan_of(node: &Node) -> Result<&Nearest> {
    match &node.operator {
        Operator::Nearest(plan) => Ok(plan),
        _ => Err(Error::internal("not a search for the nearest")),
    }
}

/// Which rows of the input are the nearest; all of them where no bound is known before they are sorted.
async fn collect(plan: &Nearest, execution: &Execution, mut input: Batches) -> Result<Neighbours> {
    let wanted = fetch_of(&plan.fetch, execution)?.unwrap_or(usize::MAX);
    let mut exact = Exact::new(plan, &execution.scope(), wanted)?;
    if let Some(found) =
        exact.by_index(view(plan, execution)?, &execution.scope(), wanted, execution.interrupt())?
    {
        return Ok(found);
    }
    while let Some(batch) = input.next().await {
        execution.check()?;
        exact.offer(&batch?)?;
    }
    Ok(exact.found())
}

/// The nearest rows that a view shows: what the tier of its own runs.
pub(crate) fn find(
    plan: &Nearest,
    view: &ReadView,
    scope: &Scope<'_>,
    wanted: usize,
    interrupt: &dyn Interrupt,
) -> Result<Neighbours> {
    let Operator::Scan(scan) = &plan.input.operator else {
        return Err(Error::internal("a search for the nearest does not read a table"));
    };
    let mut exact = Exact::new(plan, scope, wanted)?;
    if let Some(found) = exact.by_index(view, scope, wanted, interrupt)? {
        return Ok(found);
    }
    let cursor = view.scan(scan.access.table, &projection(&scan.access), BATCH_ROWS).map_err(engine_error)?;
    for batch in cursor {
        interrupt.check()?;
        let batch = assembled(view, &scan.access, &plan.input, &batch.map_err(engine_error)?)?;
        exact.offer(&filtered(&scan.access, scope, batch)?)?;
    }
    Ok(exact.found())
}

/// What the conditions read of a row; the vector only where they do.
fn tested(
    plan: &Nearest,
    view: &ReadView,
    access: &TableAccess,
    handle: RowHandle,
    row: &RowRef<'_>,
) -> Result<Vec<Value>> {
    let sources = access.sources.iter().zip(&plan.input.columns).enumerate();
    sources
        .map(|(place, (source, column))| match place {
            0 if !plan.tests_vector => Ok(Value::Null),
            _ => source_value(view, access, *source, column.physical == PhysicalType::Bytes, handle, row),
        })
        .collect()
}

/// A search that looks at every row, unless the index can tell.
struct Exact<'a> {
    plan: &'a Nearest,
    /// What distances are from; NULL gives none.
    other: Value,
    /// Only what the index holds.
    held: bool,
    nearby: Nearby,
}

impl Exact<'_> {
    fn new<'a>(plan: &'a Nearest, scope: &Scope<'_>, wanted: usize) -> Result<Exact<'a>> {
        let other = plan.other.evaluate(scope, &[])?;
        let held = plan.index.is_some() && only_indexes(scope.context);
        Ok(Exact { plan, other, held, nearby: Nearby::new(wanted, plan.ties) })
    }

    fn offer(&mut self, batch: &RecordBatch) -> Result<()> {
        offer_batch(self.plan, batch, &self.other, self.held, &mut self.nearby)
    }

    fn found(self) -> Neighbours {
        Neighbours { rows: self.nearby.rows(), report: None }
    }

    /// The same rows by the vector index; `None` where it cannot tell all that are wanted: those that it does not hold
    /// come behind those that it does.
    fn by_index(
        &self,
        view: &ReadView,
        scope: &Scope<'_>,
        wanted: usize,
        interrupt: &dyn Interrupt,
    ) -> Result<Option<Neighbours>> {
        let plan = self.plan;
        let (Some(index), Value::Bytes(query)) = (&plan.index, &self.other) else { return Ok(None) };
        if wanted > MOST_BY_INDEX {
            return Ok(None);
        }
        let dimensions = plan.element.dimensions(query);
        if dimensions != index.dimensions {
            let (a, b) =
                if plan.flipped { (dimensions, index.dimensions) } else { (index.dimensions, dimensions) };
            return Err(different_dimensions(plan.element, a, b));
        }
        if !is_held(plan.metric, plan.element, query) {
            return Ok(None);
        }
        let asked = if plan.ties { wanted + TIED } else { wanted };
        let ef = scope.context.environment.setting("hnsw.ef_search").and_then(|text| text.parse().ok());
        let ef = ef.unwrap_or(DEFAULT_EF).max(asked);
        let Operator::Scan(scan) = &plan.input.operator else {
            return Err(Error::internal("a search for the nearest does not read a table"));
        };
        let share = expected_share(plan, &scan.access, &plan.input, view, scope)?;
        if !self.held && is_selective(plan, &scan.access, share, ef) {
            let (access, at_work) = (&scan.access, (scope, interrupt));
            let mut nearby = Nearby::new(wanted, plan.ties);
            let report = offer_passing(plan, access, &plan.input, view, at_work, &self.other, &mut nearby)?;
            return Ok(Some(Neighbours { rows: nearby.rows(), report: Some(report) }));
        }
        let Some(found) = self.asked(index, view, scope, &plan.element.read(query), (asked, ef, share))?
        else {
            return Ok(None);
        };
        let (mut rows, whole) = (found.rows, self.held);
        if rows.len() < asked && !whole {
            return Ok(None);
        }
        if plan.ties && rows.len() == asked {
            let distance = |at: usize| rows.get(at).map(|(_, distance)| *distance);
            if distance(asked - 1) == distance(wanted.saturating_sub(1)) {
                return Ok(None);
            }
        }
        let rows = rows.drain(..).map(|(handle, _)| handle).collect();
        Ok(Some(Neighbours { rows, report: Some(found.report) }))
    }

    /// Asks the engine; `None` where it does not know the index any more.
    fn asked(
        &self,
        index: &VectorIndex,
        view: &ReadView,
        scope: &Scope<'_>,
        query: &[f32],
        (count, ef, share): (usize, usize, Option<f64>),
    ) -> Result<Option<engine::vector::Nearest>> {
        let plan = self.plan;
        let Operator::Scan(scan) = &plan.input.operator else {
            return Err(Error::internal("a search for the nearest does not read a table"));
        };
        let mut failure = None;
        let mut passes = |handle: RowHandle, row: RowRef<'_>| {
            let outcome = match (&scan.access.filter, &failure) {
                (None, _) => Ok(true),
                (Some(_), Some(_)) => Ok(false),
                (Some(filter), None) => tested(plan, view, &scan.access, handle, &row)
                    .and_then(|values| filter.holds(scope, &values)),
            };
            outcome.unwrap_or_else(|error| {
                failure = Some(error);
                false
            })
        };
        let mut search = Search {
            k: count,
            ef,
            filter: scan.access.filter.as_ref().map(|_| &mut passes as &mut Filter<'_>),
            expected_share: share,
        };
        let found = view.nearest(plan.access.table, index.index, query, &mut search);
        match (found, failure) {
            (_, Some(error)) => Err(error),
            (Err(engine::Error::UnknownIndex(..) | engine::Error::UnknownTable(_)), None) => Ok(None),
            (Err(error), None) => Err(engine_error(error)),
            (Ok(found), None) => Ok(Some(found)),
        }
    }
}

/// Offers the rows of a batch of vectors and handles.
fn offer_batch(
    plan: &Nearest,
    batch: &RecordBatch,
    other: &Value,
    held: bool,
    nearby: &mut Nearby,
) -> Result<()> {
    let missing = || Error::internal("a search for the nearest reads no vectors");
    let vectors =
        batch.columns().first().and_then(|column| column.as_binary_opt::<i32>()).ok_or_else(missing)?;
    let handles =
        batch.columns().last().and_then(|column| column.as_fixed_size_binary_opt()).ok_or_else(missing)?;
    let other = match other {
        Value::Bytes(other) => Some(&**other),
        Value::Null => None,
        _ => return Err(Error::internal("a distance from what is no vector")),
    };
    let distances = other.map(|other| (other, Distances::new(plan.metric, plan.element, other)));
    for row in 0..batch.num_rows() {
        let stored = vectors.is_valid(row).then(|| vectors.value(row));
        if held && !stored.is_some_and(|stored| is_held(plan.metric, plan.element, stored)) {
            continue;
        }
        let distance = match (&distances, stored) {
            (Some((other, distances)), Some(stored)) => {
                let (a, b) = if plan.flipped { (*other, stored) } else { (stored, *other) };
                check_alike(plan.element, a, b)?;
                Some(distances.to(stored))
            }
            _ => None,
        };
        nearby.offer(distance, || {
            handles.value(row).try_into().map_err(|_| Error::internal("a handle of another length"))
        })?;
    }
    Ok(())
}

/// The wanted columns of rows.
fn fetched(node: &Arc<Node>, execution: &Execution, rows: &[RowHandle]) -> Result<RecordBatch> {
    let plan = plan_of(node)?;
    let view = view(plan, execution)?;
    let mut collector = RowCollector::new(&plan.access, &node.columns);
    for handle in rows {
        collector.fetch(view, &plan.access, *handle)?;
    }
    if collector.rows() != rows.len() {
        return Err(Error::internal("a row that was found is not there"));
    }
    let (columns, count) = collector.columns();
    batch_of(&node.schema, columns, count)
}

fn view<'a>(plan: &Nearest, execution: &'a Execution) -> Result<&'a ReadView> {
    match execution.moment(plan.access.moment)? {
        Moment::At(view) => Ok(view),
        Moment::Period { .. } => Err(Error::internal("the nearest were asked of a period")),
    }
}

/// All rows, or with sequential scans turned off those that a vector index holds.
pub(super) fn held(node: &Arc<Node>, execution: &Execution, input: Batches) -> Batches {
    if !only_indexes(execution.context()) {
        return input;
    }
    let node = node.clone();
    input
        .map(move |batch| {
            let batch = batch?;
            let Operator::Held(Held { vector, metric, element, .. }) = &node.operator else {
                return Err(Error::internal("not a search of a vector index"));
            };
            let vectors: &BinaryArray = batch
                .column(*vector)
                .as_binary_opt()
                .ok_or_else(|| Error::internal("a vector index over what is no vector"))?;
            let mask: BooleanArray = vectors
                .iter()
                .map(|stored| Some(stored.is_some_and(|stored| is_held(*metric, *element, stored))))
                .collect();
            narrowed(&batch, &mask)
        })
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(distances: &[Option<f64>], wanted: usize, ties: bool) -> Vec<u8> {
        let mut nearby = Nearby::new(wanted, ties);
        for (number, distance) in distances.iter().enumerate() {
            nearby.offer(*distance, || Ok([number as u8; 16])).unwrap();
        }
        nearby.rows().iter().map(|handle| handle.to_bytes()[0]).collect()
    }

    #[test]
    fn the_nearest_are_kept_in_order() {
        let distances = [Some(3.0), None, Some(1.0), Some(f64::NAN), Some(2.0), Some(1.0), None];
        assert_eq!(nearest(&distances, 7, false), [2, 5, 4, 0, 3, 1, 6]);
        assert_eq!(nearest(&distances, 3, false), [2, 5, 4]);
        assert_eq!(nearest(&distances, 1, false), [2]);
        assert_eq!(nearest(&distances, 6, false), [2, 5, 4, 0, 3, 1]);
        assert!(nearest(&distances, 0, false).is_empty());
    }

    #[test]
    fn what_ties_with_the_last_is_kept_where_it_is_wanted() {
        let distances = [2.0, 1.0, 2.0, 3.0, 1.0, 2.0, 1.0, 0.5].map(Some);
        let sorted = |wanted| {
            let mut rows = nearest(&distances, wanted, true);
            rows.sort_unstable();
            rows
        };
        assert_eq!(sorted(1), [7]);
        assert_eq!(sorted(2), [1, 4, 6, 7]);
        assert_eq!(sorted(4), [1, 4, 6, 7]);
        assert_eq!(sorted(5), [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(sorted(8).len(), 8);
    }
}
