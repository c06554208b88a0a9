//! Long values that a sort does not look at: it is given what refers to them, and they are fetched behind it.
//!
//! A sort keeps every column of every row that it is given. Texts of many kilobytes that are only passed through would be
//! fetched, copied and spilled for rows that a LIMIT drops. So where a sort stands above a scan of a table, with nothing
//! between them that reads a column of text or bytes, the scan leaves the references of that column
//! (`engine::ScanCursor::with_references`), and the values come where the sorted rows are handed on.
//!
//! Not where a row stands for the scan in a re-check: that one has its values already.

use std::sync::Arc;

use datafusion_physical_plan::ExecutionPlan;
use engine::PhysicalType;
use futures::StreamExt;

use super::execution::{Execution, Moment};
use super::lower::{NodeExec, Work, lower_with};
use super::stream::{Batches, from_iterator};
use crate::error::{Error, Result};
use crate::plan::Node;
use crate::plan::node::{Operator, Sort, Source};
use crate::session::engine_error;

/// The columns that are fetched behind a sort.
#[derive(Clone, Debug)]
pub(super) struct Late {
    /// The scan that leaves references.
    scan: Arc<Node>,
    /// Columns of the sort that are shown, and columns of the scan.
    columns: Vec<(usize, usize)>,
}

impl Late {
    /// What may be fetched behind a sort; `None` where nothing may.
    pub fn of(sort: &Sort, execution: &Execution) -> Option<Late> {
        if !execution.substitutes.is_empty() {
            return None;
        }
        // What it sorts by may be a column that is shown, too, or the same one under another name.
        let keys: Vec<usize> =
            sort.keys.iter().filter_map(|key| Some(passed(&sort.input, key.position)?.1)).collect();
        let mut scan = None;
        let mut columns = Vec::new();
        for shown in 0..sort.shown {
            // Nothing that passes a column on has more than one input: it is the same scan.
            let Some((of, column)) = passed(&sort.input, shown) else { continue };
            if !keys.contains(&column) {
                scan = Some(of);
                columns.push((shown, column));
            }
        }
        Some(Late { scan: scan?.clone(), columns })
    }

    /// The plan beneath the sort.
    pub fn lower_input(&self, input: &Arc<Node>, execution: &Execution) -> Result<Arc<dyn ExecutionPlan>> {
        lower_with(input, execution, &|node| {
            Arc::ptr_eq(node, &self.scan).then(|| Work::References(node.clone(), self.places()))
        })
    }

    /// The plan that fetches the values of what a plan hands on.
    pub fn lower_fetch(
        &self,
        sorted: Arc<dyn ExecutionPlan>,
        execution: &Execution,
    ) -> Arc<dyn ExecutionPlan> {
        let schema = sorted.schema();
        NodeExec::new(Work::Fetch(self.clone()), execution, vec![sorted], schema)
    }

    /// The places of the columns among those that the engine is asked for.
    fn places(&self) -> Vec<usize> {
        let Operator::Scan(scan) = &self.scan.operator else { return Vec::new() };
        let asked = |until: usize| {
            scan.access.sources.iter().take(until).filter(|source| **source != Source::TableOid).count()
        };
        self.columns.iter().map(|(_, of)| asked(*of)).collect()
    }

    /// Fetches the values of sorted rows.
    pub fn fetch(&self, input: Batches, execution: &Execution) -> Result<Batches> {
        let Operator::Scan(scan) = &self.scan.operator else {
            return Err(Error::internal("references of what is no scan"));
        };
        let view = match execution.moment(scan.access.moment)? {
            Moment::At(view) | Moment::Period { view, .. } => view.clone(),
        };
        let table = scan.access.table;
        let places: Vec<usize> = self.columns.iter().map(|(shown, _)| *shown).collect();
        let fetched = input.flat_map(move |batch| {
            let batches =
                batch.and_then(|batch| view.fetch_long(table, batch, &places).map_err(engine_error));
            match batches {
                Ok(batches) => from_iterator(batches.into_iter().map(Ok)),
                Err(error) => from_iterator(std::iter::once(Err(error))),
            }
        });
        Ok(fetched.boxed())
    }
}

/// The scan and its column of text or bytes that a column of a node is, if nothing reads it on the way.
fn passed(node: &Arc<Node>, position: usize) -> Option<(&Arc<Node>, usize)> {
    match &node.operator {
        Operator::Keys { input, keys } => {
            let is_read = keys.iter().any(|key| key.expression.reads(position));
            (position < input.columns.len() && !is_read).then(|| passed(input, position)).flatten()
        }
        Operator::Filter { input, predicate } => {
            (!predicate.reads(position)).then(|| passed(input, position)).flatten()
        }
        Operator::Project { input, expressions } => {
            let of = expressions.get(position)?.as_input()?;
            let is_read = expressions.iter().any(|other| other.as_input().is_none() && other.reads(of));
            (!is_read).then(|| passed(input, of)).flatten()
        }
        Operator::Scan(scan) => {
            let has_bytes = node
                .columns
                .get(position)
                .is_some_and(|column| matches!(column.physical, PhysicalType::Text | PhysicalType::Bytes));
            let is_stored = matches!(scan.access.sources.get(position), Some(Source::Column(_)));
            let is_read = scan.access.filter.as_ref().is_some_and(|filter| filter.reads(position));
            (has_bytes && is_stored && !is_read).then_some((node, position))
        }
        _ => None,
    }
}
