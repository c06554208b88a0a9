//! Rows into the engine: waits, row by row checks, and what is owed afterwards.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use catalog::Snapshot;
use engine::{
    Database, IndexId, Inserted, Isolation, KeyLock, LockedRow, Outcome, ReadView, RowHandle, RowLock,
    Ticket, Transaction, Value, WaitPolicy,
};
use parking_lot::Mutex;

use super::event::{Event, Events};
use super::key::{index_key, key_values, new_row};
use super::message;
use super::model::{ModelCache, TableModel};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::session::{CancelHandle, engine_error};

/// A transaction that a session and the operators working for it share. No engine call blocks, so the lock is short.
#[derive(Clone)]
pub struct SharedTransaction(Arc<Mutex<Option<Transaction>>>);

impl SharedTransaction {
    pub fn new(transaction: Transaction) -> SharedTransaction {
        SharedTransaction(Arc::new(Mutex::new(Some(transaction))))
    }

    /// Calls into the transaction.
    pub fn with<T>(&self, call: impl FnOnce(&mut Transaction) -> T) -> Result<T> {
        match self.0.lock().as_mut() {
            Some(transaction) => Ok(call(transaction)),
            None => Err(Error::internal("the transaction has ended")),
        }
    }

    /// Takes the transaction out, to end it.
    pub fn take(&self) -> Option<Transaction> {
        self.0.lock().take()
    }

    /// Calls into the engine until it need not wait. Cancellation ends a wait.
    pub async fn settle<T>(
        &self,
        cancel: &CancelHandle,
        mut call: impl FnMut(&mut Transaction) -> std::result::Result<Outcome<T>, engine::Error>,
    ) -> Result<T> {
        loop {
            match self.with(&mut call)?.map_err(engine_error)? {
                Outcome::Done(value) => return Ok(value),
                Outcome::Wait(ticket) => wait(ticket, cancel).await?,
            }
        }
    }
}

/// Awaits a ticket, or the statement's cancellation.
pub async fn wait(ticket: Ticket, cancel: &CancelHandle) -> Result<()> {
    await_or_cancel(ticket, cancel).await?.map_err(engine_error)
}

/// Awaits anything of the engine, or the statement's cancellation.
pub async fn await_or_cancel<T>(future: impl Future<Output = T>, cancel: &CancelHandle) -> Result<T> {
    tokio::select! {
        biased;
        result = future => Ok(result),
        error = cancel.cancelled() => Err(error),
    }
}

/// Why a batch stopped.
enum BatchStop {
    End,
    Wait(Ticket),
    Conflict(IndexId),
    Failed(engine::Error),
}

/// What became of an insertion.
#[derive(Debug)]
pub enum Insertion {
    Row(RowHandle),
    /// A unique index holds the key already.
    Conflict {
        index: IndexId,
        existing: RowHandle,
    },
}

/// Applies one statement's rows.
pub struct Writer {
    pub transaction: SharedTransaction,
    pub context: Context,
    pub cancel: Arc<CancelHandle>,
    pub models: Arc<ModelCache>,
    pub snapshot: Arc<Snapshot>,
    pub database_oid: u32,
    pub database: Arc<Database>,
    pub isolation: Isolation,
    pub lock_timeout: Option<Duration>,
    pub events: Events,
    /// Birth ids of rows this statement has changed: each is changed once.
    pub touched: HashSet<u64>,
}

impl Writer {
    /// How this session waits for locks.
    pub fn blocking(&self) -> WaitPolicy {
        WaitPolicy::Wait { timeout: self.lock_timeout }
    }

    pub fn model(&self, table: u32) -> Result<Arc<TableModel>> {
        self.models.get(&self.snapshot, self.database_oid, table)
    }

    /// The statement's own view.
    pub fn view(&self) -> Result<ReadView> {
        self.transaction.with(|transaction| transaction.view())
    }

    /// The newest committed state, without own writes: what foreign keys look at.
    pub fn newest_view(&self) -> Result<ReadView> {
        let newest = self.database.snapshot();
        self.transaction.with(|transaction| transaction.view_at(newest))
    }

    /// Computes generated columns and checks NOT NULL and CHECK.
    pub fn complete(&self, model: &TableModel, row: &mut [Value]) -> Result<()> {
        for (position, column) in model.columns.iter().enumerate() {
            if let Some(generated) = &column.generated {
                let value = generated.evaluate_row(&self.context, row)?;
                if let Some(slot) = row.get_mut(position) {
                    *slot = value;
                }
            }
        }
        for (position, column) in model.columns.iter().enumerate() {
            if column.not_null && row.get(position).is_none_or(Value::is_null) {
                return Err(message::not_null(model, position, row, &self.context));
            }
        }
        for (column, value) in model.columns.iter().zip(row.iter()) {
            if let Some(rules) = &column.domain {
                rules.check(&self.context, value)?;
            }
        }
        for check in &model.checks {
            if check.condition.evaluate_row(&self.context, row)? == Value::Bool(false) {
                return Err(message::check(model, &check.name, row, &self.context));
            }
        }
        Ok(())
    }

    /// Inserts a completed row. What it owes is queued.
    pub async fn insert(&mut self, model: &Arc<TableModel>, row: Vec<Value>) -> Result<Insertion> {
        let keep =
            model.references.is_empty() && model.indexes.iter().all(|index| !index.unique || index.immediate);
        let kept = if keep { None } else { Some(row.clone()) };
        let written = new_row(model, row, &self.context)?;
        let inserted = self
            .transaction
            .settle(&self.cancel, |transaction| transaction.insert(model.id, &written))
            .await?;
        match inserted {
            Inserted::Conflict { index, existing } => Ok(Insertion::Conflict { index, existing }),
            Inserted::Row(handle) => {
                self.touched.insert(handle.birth);
                if let Some(row) = kept {
                    self.owe_for_new(model, handle, &row, None)?;
                }
                Ok(Insertion::Row(handle))
            }
        }
    }

    /// Inserts a row, a conflict being the error it is.
    pub async fn insert_or_fail(&mut self, model: &Arc<TableModel>, row: Vec<Value>) -> Result<RowHandle> {
        let unique = model.indexes.iter().any(|index| index.unique);
        let kept = unique.then(|| row.clone());
        match self.insert(model, row).await? {
            Insertion::Row(handle) => Ok(handle),
            Insertion::Conflict { index, existing: _ } => {
                Err(self.conflict(model, index, kept.as_deref().unwrap_or_default()))
            }
        }
    }

    /// Inserts completed rows, as many as possible under one hold of the transaction. A failure names the row.
    pub async fn insert_batch(
        &mut self,
        model: &Arc<TableModel>,
        rows: Vec<Vec<Value>>,
    ) -> std::result::Result<(), (usize, Error)> {
        let plain =
            model.references.is_empty() && model.indexes.iter().all(|index| !index.unique || index.immediate);
        if !plain {
            for (index, row) in rows.into_iter().enumerate() {
                self.insert_or_fail(model, row).await.map_err(|error| (index, error))?;
            }
            return Ok(());
        }
        let mut written = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            written.push(new_row(model, row, &self.context).map_err(|error| (index, error))?);
        }
        let mut next = 0;
        while next < written.len() {
            // One hold for all rows up to the first that has to wait.
            let outcome = self
                .transaction
                .with(|transaction| {
                    for (index, row) in written.iter().enumerate().skip(next) {
                        match transaction.insert(model.id, row) {
                            Ok(Outcome::Done(Inserted::Row(_))) => {}
                            Ok(Outcome::Done(Inserted::Conflict { index: conflict, existing: _ })) => {
                                return (index, BatchStop::Conflict(conflict));
                            }
                            Ok(Outcome::Wait(ticket)) => return (index, BatchStop::Wait(ticket)),
                            Err(error) => return (index, BatchStop::Failed(error)),
                        }
                    }
                    (written.len(), BatchStop::End)
                })
                .map_err(|error| (next, error))?;
            next = outcome.0;
            match outcome.1 {
                BatchStop::End => {}
                BatchStop::Wait(ticket) => wait(ticket, &self.cancel).await.map_err(|error| (next, error))?,
                BatchStop::Failed(error) => return Err((next, engine_error(error))),
                BatchStop::Conflict(index) => {
                    let row = written.get(next).map_or(&[][..], |row| &row.values);
                    return Err((next, self.conflict(model, index, row)));
                }
            }
        }
        Ok(())
    }

    fn conflict(&self, model: &TableModel, index: IndexId, row: &[Value]) -> Error {
        let Some(index) = model.index(index) else {
            return Error::internal(format!("unknown index {} on {}", index.0, model.name));
        };
        match key_values(index, row, &self.context) {
            Ok(values) => message::unique(model, index, &values, &self.context),
            Err(error) => error,
        }
    }

    /// Queues what a new row version owes; `old` is the version before it.
    fn owe_for_new(
        &mut self,
        model: &Arc<TableModel>,
        handle: RowHandle,
        row: &[Value],
        old: Option<&[Value]>,
    ) -> Result<()> {
        for key in &model.references {
            let positions = positions(model, &key.columns)?;
            let changed = old
                .is_none_or(|old| positions.iter().any(|position| old.get(*position) != row.get(*position)));
            if changed {
                let (key, model) = (Arc::new(key.clone()), model.clone());
                self.events.push(Event::Refers { key, model, handle, row: row.to_vec() });
            }
        }
        for index in model.indexes.iter().filter(|index| index.unique && !index.immediate) {
            if let Some((encoded, _)) = index_key(index, row, &self.context)? {
                let values = key_values(index, row, &self.context)?;
                if values.iter().any(Value::is_null) && !index.nulls_not_distinct {
                    continue;
                }
                let (model, index) = (model.clone(), index.id);
                self.events.push(Event::Unique { model, index, encoded, values });
            }
        }
        Ok(())
    }

    /// Locks a row for a change. `None`: it is gone, or not ours to touch again in this statement.
    pub async fn lock(
        &mut self,
        model: &TableModel,
        handle: RowHandle,
        strength: RowLock,
    ) -> Result<Option<Locked>> {
        if self.touched.contains(&handle.birth) {
            return Ok(None);
        }
        let policy = self.blocking();
        let locked = self
            .transaction
            .settle(&self.cancel, |transaction| transaction.lock_row(model.id, handle, strength, policy))
            .await?;
        match locked {
            LockedRow::Current => Ok(Some(Locked::Current(handle))),
            LockedRow::Moved(newest) => {
                let row = self.view()?.get(model.id, newest, &model.column_ids).map_err(engine_error)?;
                Ok(row.map(|row| Locked::Moved(newest, row)))
            }
            LockedRow::Deleted | LockedRow::Skipped | LockedRow::ModifiedBySelf { .. } => Ok(None),
        }
    }

    /// Locks a row that a look-up of the latest state found, and reads it as it stands.
    pub async fn lock_latest(
        &mut self,
        model: &TableModel,
        handle: RowHandle,
        strength: RowLock,
    ) -> Result<Option<(RowHandle, Vec<Value>)>> {
        match self.lock(model, handle, strength).await? {
            None => Ok(None),
            Some(Locked::Moved(handle, row)) => Ok(Some((handle, row))),
            Some(Locked::Current(handle)) => {
                let row = self.view()?.get(model.id, handle, &model.column_ids).map_err(engine_error)?;
                Ok(row.map(|row| (handle, row)))
            }
        }
    }

    /// Replaces a locked row by a completed one.
    pub async fn update(
        &mut self,
        model: &Arc<TableModel>,
        handle: RowHandle,
        old: &[Value],
        new: Vec<Value>,
        key_change: bool,
    ) -> Result<RowHandle> {
        if key_change {
            self.lock_referenced_keys(model, old, Some(&new)).await?;
        }
        let written = new_row(model, new.clone(), &self.context)?;
        let inserted = self
            .transaction
            .settle(&self.cancel, |transaction| transaction.update(model.id, handle, &written, key_change))
            .await?;
        match inserted {
            Inserted::Conflict { index, existing: _ } => Err(self.conflict(model, index, &new)),
            Inserted::Row(written) => {
                self.touched.insert(written.birth);
                self.owe_for_new(model, written, &new, Some(old))?;
                self.owe_for_old(model, old, Some(&new))?;
                Ok(written)
            }
        }
    }

    /// Deletes a locked row.
    pub async fn delete(&mut self, model: &Arc<TableModel>, handle: RowHandle, old: &[Value]) -> Result<()> {
        self.lock_referenced_keys(model, old, None).await?;
        self.transaction.with(|transaction| transaction.delete(model.id, handle))?.map_err(engine_error)?;
        self.touched.insert(handle.birth);
        self.owe_for_old(model, old, None)
    }

    /// Locks the keys that go away against new references.
    async fn lock_referenced_keys(
        &self,
        model: &TableModel,
        old: &[Value],
        new: Option<&[Value]>,
    ) -> Result<()> {
        for index in model.indexes.iter().filter(|index| index.referenced) {
            let Some((encoded, _)) = index_key(index, old, &self.context)? else { continue };
            if let Some(new) = new
                && index_key(index, new, &self.context)?.is_some_and(|(key, _)| key == encoded)
            {
                continue;
            }
            self.transaction
                .settle(&self.cancel, |transaction| {
                    transaction.lock_key(index.id, &encoded, KeyLock::Exclusive)
                })
                .await?;
        }
        Ok(())
    }

    fn owe_for_old(&mut self, model: &Arc<TableModel>, old: &[Value], new: Option<&[Value]>) -> Result<()> {
        for key in &model.referenced_by {
            let positions = positions(model, &key.referenced_columns)?;
            let has_null = positions.iter().any(|position| old.get(*position).is_none_or(Value::is_null));
            let same = new
                .is_some_and(|new| positions.iter().all(|position| old.get(*position) == new.get(*position)));
            if has_null || same {
                continue;
            }
            self.events.push(Event::Changed {
                key: Arc::new(key.clone()),
                model: model.clone(),
                old: old.to_vec(),
                new: new.map(<[Value]>::to_vec),
            });
        }
        Ok(())
    }
}

/// A row locked for a change.
#[derive(Debug)]
pub enum Locked {
    /// As the statement's snapshot shows it.
    Current(RowHandle),
    /// Another transaction has changed it since: its newest version.
    Moved(RowHandle, Vec<Value>),
}

/// The places of attributes in a model's rows.
pub fn positions(model: &TableModel, attributes: &[i16]) -> Result<Vec<usize>> {
    attributes.iter().map(|attribute| model.position(*attribute)).collect()
}
