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
use engine::{ReadView, RowHandle, ScanColumn, Value};

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

/// What it takes, in units of 16 ns as measured over 100,000 rows, to see whether a row of a batch passes; to fetch the
/// vector of one that does and compute its distance; and to compare a node of a graph, which is done so many times for
/// every row that is kept, divided by the part that passes.
const TESTED: f64 = 1.0;
const COMPUTED: f64 = 60.0;
const WALKED: f64 = 16.0;
const COMPARED: f64 = 18.0;
/// Places whose rows are tested where nothing says how many pass.
const SAMPLED: usize = 2;

/// Whether conditions read plain columns, and not the vectors: then they are tested batch by batch.
fn is_plain(plan: &Nearest, access: &TableAccess) -> bool {
    let Some((Source::Handle, [_, tested @ ..])) = access.sources.split_last() else { return false };
    !plan.tests_vector && tested.iter().all(|source| matches!(source, Source::Column(_)))
}

/// The part of the rows that is expected to pass the conditions: what the plan knows, else that of some rows. A guess would
/// cost a search a hundred times what it saves.
pub(super) fn expected_share(
    plan: &Nearest,
    access: &TableAccess,
    node: &Node,
    view: &ReadView,
    scope: &Scope<'_>,
) -> Result<Option<f64>> {
    let Some(share) = plan.share else { return Ok(None) };
    let Some((_, columns)) = tested_columns(access).filter(|_| share.asks_rows && is_plain(plan, access))
    else {
        return Ok(Some(share.part));
    };
    let cursor = view.scan(access.table, &columns, BATCH_ROWS).map_err(engine_error)?;
    let mut state = plan.rows as usize;
    let (cursor, _) = cursor.thinned(SAMPLED, &mut |below| {
        state = state.wrapping_mul(0x9E37_79B9).wrapping_add(0x7F4A_7C15);
        (state >> 8) % below
    });
    let (mut tested, mut passed) = (0, 0);
    for batch in cursor {
        let batch = batch.map_err(engine_error)?;
        // An error is the search's to raise, which may never meet that row.
        let Ok(found) = passing(access, node, scope, &batch) else { return Ok(Some(share.part)) };
        tested += batch.num_rows();
        passed += found.len();
    }
    // Nobody among so many is about half of one.
    let measured = (passed as f64).max(0.5) / tested as f64;
    Ok(Some(if tested == 0 { share.part } else { measured.min(1.0) }))
}

/// Whether so few rows pass the conditions that testing all of them is less work than a walk to those that are near.
pub(super) fn is_selective(plan: &Nearest, access: &TableAccess, share: Option<f64>, ef: usize) -> bool {
    let Some(share) = share.filter(|share| *share < 1.0) else { return false };
    let least = 1.0 / plan.rows.max(1.0);
    let walk = ef as f64 * COMPARED * WALKED / share.max(least);
    is_plain(plan, access) && plan.rows * (TESTED + share * COMPUTED) < walk
}

/// The column of the vectors, and the others that are read.
fn tested_columns(access: &TableAccess) -> Option<(ScanColumn, Vec<ScanColumn>)> {
    projection(access).split_first().map(|(first, rest)| (*first, rest.to_vec()))
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
    let Some((_, columns)) = tested_columns(access) else {
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
                    let distance = match stored.as_deref() {
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
