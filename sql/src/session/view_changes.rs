//! strata.table_changes of a materialized view that is kept exact.
//!
//! A view's rows have no identity of their own. Where a unique index, or else the keys that its query groups by, tell them
//! apart, a row that went and one that came with the same key in one commit are an update; otherwise rows come and go.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use catalog::{IndexSource, Relation, Snapshot};
use engine::{Timestamp, Value};
use futures::StreamExt;

use super::changes::{Shown, change_row};
use super::environment::StatementEnvironment;
use super::registry::CancelHandle;
use crate::dml::rows_of;
use crate::error::Result;
use crate::evaluate::Context;
use crate::execute::{Batches, wait_for};
use crate::functions::Rows;
use crate::types::key;
use crate::view::{Evaluator, RowImage, ViewChange, ViewHistory, Weighted, group_columns};

/// A row before a commit and after it.
struct Change {
    at: Timestamp,
    old: Option<Vec<Value>>,
    new: Option<Vec<Value>>,
}

/// The changes of a view, on their way.
struct ViewRows {
    history: ViewHistory,
    /// Names and types.
    columns: Vec<(String, u32)>,
    /// Where the columns stand that tell rows apart; none where nothing does.
    key: Vec<usize>,
    ready: VecDeque<Change>,
    /// All rows of the view, of which some are still to be read.
    all: Option<(Timestamp, Batches, i64)>,
    cancel: Arc<CancelHandle>,
}

impl StatementEnvironment {
    /// Starts strata.table_changes of a view; `to` is over.
    pub(super) fn view_changes(
        &self,
        relation: &Relation,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Box<dyn Rows>> {
        let (instance, cancel) = (&self.shared.instance, self.shared.entry.cancel.clone());
        let (engine, store) = (instance.database().clone(), instance.store().clone());
        let evaluator = Evaluator::new(engine, store, instance.resources().clone(), relation.database)
            .interrupted_by(cancel.clone());
        let catalog = evaluator.catalog_at(to)?;
        let then = catalog.relation(relation.database, relation.oid).map_or(relation, |then| then);
        let columns = then.live_columns().map(|column| (column.name.clone(), column.type_oid)).collect();
        let key = key_of(&catalog, then)?;
        let history = ViewHistory::new(evaluator, relation.oid, from, to)?;
        Ok(Box::new(ViewRows { history, columns, key, ready: VecDeque::new(), all: None, cancel }))
    }
}

/// The places of the columns that tell the rows of a view apart.
fn key_of(catalog: &Snapshot, relation: &Relation) -> Result<Vec<usize>> {
    let indexes = catalog.indexes_of(relation.database, relation.oid);
    let unique = indexes.filter_map(|index| Some((index.oid, index.as_index()?))).filter(|(_, index)| {
        index.unique
            && index.valid
            && index.predicate.is_none()
            && index.keys.iter().all(|key| matches!(key.source, IndexSource::Column(_)))
    });
    if let Some((_, index)) = unique.min_by_key(|(oid, _)| *oid) {
        let place = |key: &catalog::IndexKey| match key.source {
            IndexSource::Column(number) => relation.live_columns().position(|column| column.number == number),
            IndexSource::Expression(_) => None,
        };
        return Ok(index.keys.iter().filter_map(place).collect());
    }
    match relation.as_view() {
        Some(view) => Ok(group_columns(&crate::analyze::stored_query(&view.query)?).unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

impl ViewRows {
    /// Takes the changes of a commit: a row that went and one that came are one change where they have one key.
    fn take(&mut self, at: Timestamp, mut rows: Vec<Weighted>) -> Result<()> {
        rows.sort_by_cached_key(|(row, _)| RowImage::of(row));
        let mut pairs: BTreeMap<Vec<u8>, [Vec<Vec<Value>>; 2]> = BTreeMap::new();
        let (mut gone, mut came) = (Vec::new(), Vec::new());
        for (row, weight) in rows {
            let one = weight.unsigned_abs() == 1 && !self.key.is_empty();
            if one {
                let [old, new] = pairs.entry(self.encoded_key(&row)?).or_default();
                if weight < 0 { old.push(row) } else { new.push(row) }
            } else {
                let side = if weight < 0 { &mut gone } else { &mut came };
                (0..weight.unsigned_abs()).for_each(|_| side.push(row.clone()));
            }
        }
        let mut updates = Vec::new();
        for [mut old, mut new] in pairs.into_values() {
            match (old.len(), new.len()) {
                (1, 1) => updates.push((old.pop(), new.pop())),
                _ => {
                    gone.append(&mut old);
                    came.append(&mut new);
                }
            }
        }
        let gone = gone.into_iter().map(|old| (Some(old), None));
        let came = came.into_iter().map(|new| (None, Some(new)));
        let all = gone.chain(updates).chain(came);
        self.ready.extend(all.map(|(old, new)| Change { at, old, new }));
        Ok(())
    }

    fn encoded_key(&self, row: &[Value]) -> Result<Vec<u8>> {
        let mut encoded = Vec::new();
        for place in &self.key {
            if let (Some(value), Some((_, type_oid))) = (row.get(*place), self.columns.get(*place)) {
                key::append_with_order(*type_oid, value, false, false, &mut encoded)?;
            }
        }
        Ok(encoded)
    }

    fn shown<'v>(&'v self, row: &'v [Value]) -> Vec<Shown<'v>> {
        self.columns.iter().zip(row).map(|((name, ty), value)| (name.as_str(), *ty, value)).collect()
    }

    /// The row of a change: at, op, key, changed, old, new.
    fn row(&self, context: &Context, change: &Change) -> Result<Vec<Value>> {
        let operation = match (&change.old, &change.new) {
            (Some(_), Some(_)) => "update",
            (_, Some(_)) => "insert",
            (_, None) => "delete",
        };
        let (old, new) =
            (change.old.as_ref().map(|row| self.shown(row)), change.new.as_ref().map(|row| self.shown(row)));
        let key = match new.as_ref().or(old.as_ref()) {
            Some(row) => self.key.iter().filter_map(|place| row.get(*place).copied()).collect(),
            None => Vec::new(),
        };
        change_row(context, change.at, operation, &key, old, new)
    }
}

impl Rows for ViewRows {
    fn next(&mut self, context: &Context) -> Result<Option<Vec<Value>>> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return self.row(context, &change).map(Some);
            }
            self.cancel.check()?;
            if let Some((at, batches, weight)) = &mut self.all {
                let at = *at;
                match wait_for(batches.next()) {
                    Some(batch) => {
                        let whole = |row| if *weight < 0 { (Some(row), None) } else { (None, Some(row)) };
                        let rows = rows_of(&batch?)?.into_iter().map(whole);
                        self.ready.extend(rows.map(|(old, new)| Change { at, old, new }));
                    }
                    None => self.all = None,
                }
                continue;
            }
            match wait_for(self.history.next())? {
                Some((at, ViewChange::Rows(rows))) => self.take(at, rows)?,
                Some((at, ViewChange::All(rows, weight))) => self.all = Some((at, rows, weight)),
                None => return Ok(None),
            }
        }
    }
}
