//! Scans of the engine's tables and of system relations.

use std::ops::Bound;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, UInt32Array};
use engine::{PhysicalType, ReadView, RowHandle, RowRef, ScanColumn, TableId, Timestamp, Value};

use super::execution::{Execution, Moment};
use super::row::narrowed;
use super::search::{Search, searches};
use super::stream::{BATCH_ROWS, Batches, batch_of, from_iterator};
use crate::error::{Error, Result};
use crate::evaluate::column::{ColumnBuilder, repeat, value_at};
use crate::evaluate::{Scope, arrow_error};
use crate::plan::Node;
use crate::plan::node::{IndexScan, Operator, PlanColumn, Scan, Source, SystemScan, TableAccess};
use crate::point::previous_write;
use crate::session::engine_error;

/// All rows of a table, filtered; with references in the place of long values in some places of what the engine is asked for.
pub(super) fn scan(
    node: &Arc<Node>,
    plan: &Scan,
    execution: &Execution,
    references: &[usize],
) -> Result<Batches> {
    let access = &plan.access;
    if let Some(batch) = substituted(access, &node.columns, node, execution)? {
        return Ok(from_iterator(std::iter::once(filtered(access, &execution.scope(), batch))));
    }
    let projection = projection(access);
    let (view, cursor) = match execution.moment(access.moment)? {
        Moment::At(view) => (view, view.scan(access.table, &projection, BATCH_ROWS)),
        Moment::Period { view, from, to } => {
            (view, view.versions(access.table, from, to, &projection, BATCH_ROWS))
        }
    };
    let view = view.clone();
    let scope = execution.scope();
    let ranges: Vec<_> = plan.ranges.iter().filter_map(|range| range.range(&scope)).collect();
    let cursor = cursor.map_err(engine_error)?.within(&ranges).with_references(references);
    if let Some(meters) = execution.shared.input.meters.as_ref().filter(|_| !ranges.is_empty()) {
        meters.note_blocks(node, cursor.blocks());
    }
    let (node, access, execution) = (node.clone(), access.clone(), execution.clone());
    let batches = cursor.map(move |batch| {
        let batch = batch.map_err(engine_error)?;
        let batch = assembled(&view, &access, &node, &batch)?;
        filtered(&access, &execution.scope(), batch)
    });
    Ok(from_iterator(batches.filter(|batch| !matches!(batch, Ok(batch) if batch.num_rows() == 0))))
}

/// The columns asked of the engine.
pub(super) fn projection(access: &TableAccess) -> Vec<ScanColumn> {
    access
        .sources
        .iter()
        .filter_map(|source| match source {
            Source::Column(column) => Some(ScanColumn::Column(*column)),
            Source::Handle | Source::PreviousWriteId => Some(ScanColumn::Handle),
            Source::SystemFrom | Source::Xmin => Some(ScanColumn::SystemFrom),
            Source::SystemTo => Some(ScanColumn::SystemTo),
            Source::WriteId | Source::Commit => Some(ScanColumn::Write),
            Source::TableOid => None,
        })
        .collect()
}

/// A batch of the engine as the node's columns.
pub(super) fn assembled(
    view: &ReadView,
    access: &TableAccess,
    node: &Node,
    batch: &RecordBatch,
) -> Result<RecordBatch> {
    let mut given = batch.columns().iter();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(access.sources.len());
    for (source, column) in access.sources.iter().zip(&node.columns) {
        if *source == Source::TableOid {
            columns.push(repeat(PhysicalType::UInt32, &Value::UInt32(access.oid), batch.num_rows())?);
            continue;
        }
        let array = given.next().ok_or_else(|| Error::internal("a scan gave too few columns"))?;
        columns.push(match source {
            Source::Xmin => {
                let moments = array.as_primitive::<Int64Type>();
                Arc::new(UInt32Array::from_iter(
                    moments.iter().map(|moment| moment.map(|micros| micros as u32)),
                ))
            }
            Source::Commit => {
                let writes = array.as_fixed_size_binary();
                Arc::new(Int64Array::from_iter(writes.iter().map(|write| write.map(commit_of))))
            }
            Source::PreviousWriteId => {
                let mut writes = ColumnBuilder::new(column.physical, batch.num_rows());
                for handle in array.as_fixed_size_binary().iter().flatten() {
                    let handle =
                        handle.try_into().map_err(|_| Error::internal("a handle of another length"))?;
                    writes.append(&previous_write(view, access.table, RowHandle::from_bytes(handle))?)?;
                }
                writes.finish()
            }
            Source::Handle if column.physical == PhysicalType::Bytes => {
                let handles = array.as_fixed_size_binary();
                Arc::new(BinaryArray::from_iter(handles.iter()))
            }
            _ => array.clone(),
        });
    }
    batch_of(&node.schema, columns, batch.num_rows())
}

/// The commit of a write: its first eight bytes.
fn commit_of(write: &[u8]) -> i64 {
    write.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

pub(super) fn filtered(access: &TableAccess, scope: &Scope<'_>, batch: RecordBatch) -> Result<RecordBatch> {
    match &access.filter {
        None => Ok(batch),
        Some(filter) => {
            let mask = filter.evaluate_predicate(scope, &batch)?;
            narrowed(&batch, &mask)
        }
    }
}

/// The one row that stands for this scan in a re-check; without rows where the version is gone.
pub(super) fn substituted(
    access: &TableAccess,
    columns: &[PlanColumn],
    node: &Node,
    execution: &Execution,
) -> Result<Option<RecordBatch>> {
    let Some(handle) = access.handle else { return Ok(None) };
    let Some(substitute) = execution.substitutes.iter().find(|substitute| substitute.handle == handle) else {
        return Ok(None);
    };
    let mut rows = RowCollector::new(access, columns);
    rows.fetch(&substitute.view, access, substitute.row)?;
    rows.finish(node).map(Some)
}

/// Builds columns from rows of the engine.
pub(super) struct RowCollector {
    sources: Vec<Source>,
    table: TableId,
    oid: u32,
    builders: Vec<ColumnBuilder>,
    handle_as_bytes: Vec<bool>,
    rows: usize,
}

impl RowCollector {
    pub fn new(access: &TableAccess, columns: &[PlanColumn]) -> RowCollector {
        RowCollector {
            sources: access.sources.clone(),
            table: access.table,
            oid: access.oid,
            builders: columns.iter().map(|column| ColumnBuilder::new(column.physical, 64)).collect(),
            handle_as_bytes: columns.iter().map(|column| column.physical == PhysicalType::Bytes).collect(),
            rows: 0,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds one row.
    pub fn push(&mut self, view: &ReadView, handle: RowHandle, row: &RowRef<'_>) -> Result<()> {
        self.push_version(view, handle, row, row.to())
    }

    /// Adds one version, which ended at a moment that the row itself may not tell: its table was emptied then.
    fn push_version(
        &mut self,
        view: &ReadView,
        handle: RowHandle,
        row: &RowRef<'_>,
        ended: Timestamp,
    ) -> Result<()> {
        for ((source, builder), as_bytes) in
            self.sources.iter().zip(&mut self.builders).zip(&self.handle_as_bytes)
        {
            let value = match source {
                Source::Column(column) => row.value(*column).map_err(engine_error)?,
                Source::Handle if *as_bytes => Value::from(handle.to_bytes().to_vec()),
                Source::Handle => Value::Fixed16(handle.to_bytes()),
                Source::SystemFrom | Source::WriteId | Source::Commit if handle.is_uncommitted() => {
                    // What is not committed has no moment.
                    Value::Null
                }
                Source::SystemFrom => Value::Int64(row.from().map_err(engine_error)?.micros()),
                Source::SystemTo if ended >= Timestamp::INFINITY => Value::Int64(i64::MAX),
                Source::SystemTo => Value::Int64(ended.micros()),
                Source::TableOid => Value::UInt32(self.oid),
                Source::Xmin => Value::UInt32(row.from().map_err(engine_error)?.micros() as u32),
                Source::WriteId => Value::Fixed16(row.write().map_err(engine_error)?),
                Source::PreviousWriteId => previous_write(view, self.table, handle)?,
                Source::Commit => Value::Int64(row.from().map_err(engine_error)?.0 as i64),
            };
            builder.append(&value)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds the version that a handle names, where there is one.
    pub fn fetch(&mut self, view: &ReadView, access: &TableAccess, handle: RowHandle) -> Result<()> {
        let mut outcome = Ok(());
        view.with_row(access.table, handle, &mut |row| outcome = self.push(view, handle, &row))
            .map_err(engine_error)?;
        outcome
    }

    /// The columns; the collector is empty afterwards.
    pub fn columns(&mut self) -> (Vec<ArrayRef>, usize) {
        let rows = std::mem::take(&mut self.rows);
        (self.builders.iter_mut().map(ColumnBuilder::finish).collect(), rows)
    }

    fn finish(&mut self, node: &Node) -> Result<RecordBatch> {
        let (columns, rows) = self.columns();
        batch_of(&node.schema, columns, rows)
    }
}

/// Reads what a search finds, in key order, until `enough`.
pub(super) struct Found {
    searches: std::vec::IntoIter<Search>,
    cursor: Option<engine::RowCursor>,
}

impl Found {
    pub fn new(searches: Vec<Search>) -> Found {
        Found { searches: searches.into_iter(), cursor: None }
    }

    /// Collects rows until there are `wanted` more or no more; `false` at the end.
    pub fn collect(
        &mut self,
        view: &ReadView,
        access: &TableAccess,
        index: &crate::plan::node::IndexAccess,
        wanted: usize,
        rows: &mut RowCollector,
    ) -> Result<bool> {
        let mut outcome = Ok(());
        while rows.rows() < wanted {
            if let Some(cursor) = &mut self.cursor {
                let more = cursor
                    .next(&mut |_, handle, row| outcome = rows.push(view, handle, &row))
                    .map_err(engine_error)?;
                std::mem::replace(&mut outcome, Ok(()))?;
                if !more {
                    self.cursor = None;
                }
                continue;
            }
            match self.searches.next() {
                None => return Ok(false),
                Some(Search::Key(key)) => {
                    // The keys of a list are looked up together, as many as rows are wanted.
                    let mut keys = vec![key];
                    while keys.len() < wanted.saturating_sub(rows.rows())
                        && let Some(Search::Key(_)) = self.searches.as_slice().first()
                        && let Some(Search::Key(key)) = self.searches.next()
                    {
                        keys.push(key);
                    }
                    look_up(view, access, index, &keys, &mut |_, handle, row| rows.push(view, handle, row))?;
                }
                Some(Search::Range(lower, upper)) => {
                    let (lower, upper) = (as_slice(&lower), as_slice(&upper));
                    self.cursor = Some(view.range(access.table, index.index, lower, upper, index.reverse));
                }
            }
        }
        Ok(true)
    }
}

/// Gives the rows of each key to `take`, in the order of the keys, with the place of the key.
pub(crate) fn look_up(
    view: &ReadView,
    access: &TableAccess,
    index: &crate::plan::node::IndexAccess,
    keys: &[Vec<u8>],
    take: &mut dyn FnMut(usize, RowHandle, &RowRef<'_>) -> Result<()>,
) -> Result<()> {
    let mut outcome = Ok(());
    let mut visit = |place: usize, handle: RowHandle, row: RowRef<'_>| {
        if outcome.is_ok() {
            outcome = take(place, handle, &row);
        }
    };
    match keys {
        [key] => view.lookup(access.table, index.index, key, &mut |handle, row| visit(0, handle, row)),
        many => {
            let keys: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
            view.lookup_many(access.table, index.index, &keys, &mut visit)
        }
    }
    .map_err(engine_error)?;
    outcome
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_slice()),
        Bound::Excluded(key) => Bound::Excluded(key.as_slice()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// Rows found through an index, filtered.
pub(super) fn index_scan(node: &Arc<Node>, plan: &IndexScan, execution: &Execution) -> Result<Batches> {
    if let Some(batch) = substituted(&plan.access, &node.columns, node, execution)? {
        // The row did not come through the index, so what the search would have enforced is tested too.
        let access = TableAccess { filter: plan.all_conditions.clone(), ..plan.access.clone() };
        return Ok(from_iterator(std::iter::once(filtered(&access, &execution.scope(), batch))));
    }
    let view = match execution.moment(plan.access.moment)? {
        Moment::At(view) => view,
        Moment::Period { view, from, to } => {
            return versions_of_keys(node, plan, execution, view, (from, to));
        }
    };
    if !view.index_usable(plan.access.table, plan.index.index) {
        return scan_instead(node, plan, execution);
    }
    let view = view.clone();
    let mut found = Found::new(searches(&plan.index, &execution.scope(), &[])?);
    let (node, execution) = (node.clone(), execution.clone());
    let (access, index) = (plan.access.clone(), plan.index.clone());
    let mut rows = RowCollector::new(&access, &node.columns);
    // The first batches are small: what stands above may want few rows.
    let (mut done, mut wanted) = (false, 64);
    let batches = std::iter::from_fn(move || {
        if done {
            return None;
        }
        let outcome = found.collect(&view, &access, &index, wanted, &mut rows);
        wanted = (wanted * 4).min(BATCH_ROWS);
        done = !matches!(outcome, Ok(true));
        Some(
            outcome
                .and_then(|_| rows.finish(&node))
                .and_then(|batch| filtered(&access, &execution.scope(), batch)),
        )
    });
    Ok(from_iterator(batches.filter(|batch| !matches!(batch, Ok(batch) if batch.num_rows() == 0))))
}

/// The versions that whole keys had in a period, filtered.
fn versions_of_keys(
    node: &Arc<Node>,
    plan: &IndexScan,
    execution: &Execution,
    view: &ReadView,
    period: (Timestamp, Timestamp),
) -> Result<Batches> {
    let mut rows = RowCollector::new(&plan.access, &node.columns);
    for search in searches(&plan.index, &execution.scope(), &[])? {
        let Search::Key(key) = search else {
            return Err(Error::internal("a period is searched by a part of a key"));
        };
        let mut outcome = Ok(());
        let known = view
            .versions_of(plan.access.table, plan.index.index, &key, period, &mut |handle, row, ended| {
                if outcome.is_ok() {
                    outcome = rows.push_version(view, handle, &row, ended);
                }
            })
            .map_err(engine_error)?;
        outcome?;
        if !known {
            return scan_instead(node, plan, execution);
        }
    }
    let batch = rows.finish(node)?;
    Ok(from_iterator(std::iter::once(filtered(&plan.access, &execution.scope(), batch))))
}

/// The same rows by reading the whole table, for a moment the index does not know; sorted as the index would.
fn scan_instead(node: &Arc<Node>, plan: &IndexScan, execution: &Execution) -> Result<Batches> {
    let access = TableAccess { filter: plan.all_conditions.clone(), ..plan.access.clone() };
    let scan = Scan { access, ranges: Vec::new() };
    let scan = Node::new(Operator::Scan(scan), node.columns.clone(), node.estimate);
    let batches = execution.rows_of(&Arc::new(scan))?;
    let whole = arrow::compute::concat_batches(&node.schema, &batches).map_err(arrow_error)?;
    let mut keys: Vec<(Vec<u8>, u32)> = Vec::with_capacity(whole.num_rows());
    for row in 0..whole.num_rows() {
        let mut key = Vec::new();
        for item in &node.order {
            let at = node.position(item.column).ok_or_else(|| Error::internal("an order over no column"))?;
            let value = value_at(whole.column(at).as_ref(), row)?;
            let oid = node.columns[at].ty.oid;
            crate::types::key::append_with_order(oid, &value, item.descending, item.nulls_first, &mut key)?;
        }
        keys.push((key, row as u32));
    }
    keys.sort();
    let order = UInt32Array::from_iter_values(keys.into_iter().map(|(_, row)| row));
    let columns = whole
        .columns()
        .iter()
        .map(|column| arrow::compute::take(column, &order, None).map_err(arrow_error))
        .collect::<Result<Vec<_>>>()?;
    let sorted = batch_of(&node.schema, columns, whole.num_rows())?;
    Ok(from_iterator(super::stream::pieces(&sorted).into_iter().map(Ok)))
}

/// The rows of a system relation, filtered.
pub(super) fn system_scan(node: &Arc<Node>, plan: &SystemScan, execution: &Execution) -> Result<Batches> {
    let system = execution.shared.input.system.as_ref();
    let system = system.ok_or_else(|| Error::internal("an execution has no system relations"))?;
    let rows = system.rows(plan.oid, &plan.attributes, plan.moment)?;
    let mut builders: Vec<_> =
        node.columns.iter().map(|column| ColumnBuilder::new(column.physical, rows.len())).collect();
    for row in &rows {
        for (value, builder) in row.iter().zip(&mut builders) {
            builder.append(value)?;
        }
    }
    let columns = builders.iter_mut().map(ColumnBuilder::finish).collect();
    let mut batch = batch_of(&node.schema, columns, rows.len())?;
    if let Some(filter) = &plan.filter {
        let mask = filter.evaluate_predicate(&execution.scope(), &batch)?;
        batch = narrowed(&batch, &mask)?;
    }
    Ok(from_iterator(super::stream::pieces(&batch).into_iter().map(Ok)))
}
