//! Searches for neighbours in which few rows pass the conditions: these are tested batch by batch, without the vectors,
//! and the distance is computed of what passes alone.
//!
//! A walk through a graph looks at the more nodes the fewer rows pass; a vector is much longer than what conditions
//! read. So below a line, which follows from the rows and from the part that is expected to pass, every row is tested.
//! The estimate decides how the rows are found, never which.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};
use engine::vector::NearestReport;
use engine::{ReadView, RowHandle, Value};

use super::input::Interrupt;
use super::nearest::Nearby;
use super::scan::projection;
use super::stream::{BATCH_ROWS, batch_of};
use crate::error::{Error, Result};
use crate::evaluate::Scope;
use crate::functions::check_alike;
use crate::plan::Node;
use crate::plan::node::{Nearest, Source, TableAccess};
use crate::session::engine_error;
use crate::types::embedding::distance::Distances;

/// What it takes, in some unit, to see whether a row of a batch passes; to compute the distance of one that does; and to
/// compare a node of a graph, which is done so many times for every row that is kept, divided by the part that passes.
const TESTED: f64 = 1.0;
const COMPUTED: f64 = 20.0;
const WALKED: f64 = 40.0;
const COMPARED: f64 = 14.0;

/// Whether so few rows are expected to pass the conditions that testing all of them is less work than a walk to those
/// that are near; only where the conditions read plain columns, and not the vectors.
pub(super) fn is_selective(plan: &Nearest, access: &TableAccess, ef: usize) -> bool {
    let Some(share) = plan.share.filter(|share| *share < 1.0) else { return false };
    let Some((Source::Handle, [_, tested @ ..])) = access.sources.split_last() else { return false };
    let is_plain = tested.iter().all(|source| matches!(source, Source::Column(_)));
    let least = 1.0 / plan.rows.max(1.0);
    let walk = ef as f64 * COMPARED * WALKED / share.max(least);
    is_plain && !plan.tests_vector && plan.rows * (TESTED + share * COMPUTED) < walk
}

/// Offers every row that passes; answers how many were tested, and how many passed.
pub(super) fn offer_passing(
    plan: &Nearest,
    access: &TableAccess,
    node: &Node,
    view: &ReadView,
    (scope, interrupt): (&Scope<'_>, &dyn Interrupt),
    other: &Value,
    nearby: &mut Nearby,
) -> Result<NearestReport> {
    let mut report = NearestReport::default();
    let Value::Bytes(other) = other else {
        return Err(Error::internal("a distance from what is no vector"));
    };
    let distances = Distances::new(plan.metric, plan.element, other);
    let Some((_, columns)) = projection(access).split_first().map(|(first, rest)| (*first, rest.to_vec()))
    else {
        return Err(Error::internal("a search for the nearest reads nothing"));
    };
    let cursor = view.scan(access.table, &columns, BATCH_ROWS).map_err(engine_error)?;
    for batch in cursor {
        interrupt.check()?;
        let batch = batch.map_err(engine_error)?;
        report.filtered += batch.num_rows() as u64;
        for handle in passing(access, node, scope, &batch)? {
            report.exact_rows += 1;
            let mut outcome = Ok(());
            let there = view.with_row(access.table, handle, &mut |row| {
                outcome = row.bytes(plan.vector).map_err(engine_error).and_then(|stored| {
                    let distance = match stored {
                        None => None,
                        Some(stored) => {
                            let (a, b) = if plan.flipped { (&**other, stored) } else { (stored, &**other) };
                            check_alike(plan.element, a, b)?;
                            Some(distances.to(stored))
                        }
                    };
                    nearby.offer(distance, || Ok(handle.to_bytes()))
                });
            });
            outcome?;
            if !there.map_err(engine_error)? {
                return Err(Error::internal("a row that was found is not there"));
            }
        }
    }
    Ok(report)
}

/// The rows of a batch that pass.
fn passing(
    access: &TableAccess,
    node: &Node,
    scope: &Scope<'_>,
    batch: &RecordBatch,
) -> Result<Vec<RowHandle>> {
    let rows = batch.num_rows();
    // Nobody reads the vectors: something has to stand in their place.
    let nothing: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(b"", rows)));
    let columns = std::iter::once(nothing).chain(batch.columns().iter().cloned()).collect();
    let tested = batch_of(&node.schema, columns, rows)?;
    let passes = match &access.filter {
        None => None,
        Some(filter) => Some(filter.evaluate_predicate(scope, &tested)?),
    };
    let handles = batch.columns().last().and_then(|column| column.as_fixed_size_binary_opt());
    let handles = handles.ok_or_else(|| Error::internal("a search for the nearest reads no handles"))?;
    let passes = |row: &usize| passes.as_ref().is_none_or(|mask| mask.is_valid(*row) && mask.value(*row));
    let handle = |row: usize| match handles.value(row).try_into() {
        Ok(bytes) => Ok(RowHandle::from_bytes(bytes)),
        Err(_) => Err(Error::internal("a handle of another length")),
    };
    (0..rows).filter(passes).map(handle).collect()
}
