//! Foreign keys and deferred uniqueness, carried out for queued events.
//!
//! A referring row locks the key it refers to (shared) and then looks at the latest committed state; a referenced
//! row's key is locked exclusively before it goes. So of two transactions one waits, and sees what the other did.

use std::ops::Bound;
use std::sync::Arc;

use catalog::ReferentialAction;
use engine::{KeyLock, ReadView, RowHandle, RowLock, Value};

use super::event::Event;
use super::key::{encode, prefix_end};
use super::message;
use super::model::{ForeignKeyModel, IndexModel, KeySource, TableModel};
use super::writer::{Writer, positions};
use crate::error::{Error, Result, SqlState};
use crate::session::engine_error;
use crate::types::{self, InputSettings, OutputSettings};

impl Writer {
    /// Carries out what the statement owes; cascades queue more.
    pub async fn finish_statement(&mut self) -> Result<()> {
        while let Some(event) = self.events.statement.pop_front() {
            // In a box: most statements owe nothing, and should not carry the future of it about.
            Box::pin(self.carry_out(event)).await?;
        }
        Ok(())
    }

    /// Carries out what was put off until commit (or until SET CONSTRAINTS ... IMMEDIATE).
    pub async fn finish_deferred(&mut self) -> Result<()> {
        loop {
            let event = self.events.deferred.lock().pop_front();
            let Some(event) = event else { return Ok(()) };
            if let Some(event) = self.still_due(event)? {
                self.touched.clear();
                Box::pin(self.carry_out(event)).await?;
                self.finish_statement().await?;
            }
        }
    }

    /// A deferred event with the row as it stands now; `None` when the row is gone.
    fn still_due(&self, event: Event) -> Result<Option<Event>> {
        match event {
            Event::Refers { key, model, handle, row: _ } => {
                let row =
                    self.view_of_now()?.get(model.id, handle, &model.column_ids).map_err(engine_error)?;
                Ok(row.map(|row| Event::Refers { key, model, handle, row }))
            }
            Event::Changed { .. } | Event::Unique { .. } => Ok(Some(event)),
        }
    }

    async fn carry_out(&mut self, event: Event) -> Result<()> {
        self.cancel.check()?;
        match event {
            Event::Refers { key, model, handle: _, row } => self.check_reference(&key, &model, &row).await,
            Event::Changed { key, model, old, new } => {
                self.referenced_changed(&key, &model, &old, new.as_deref()).await
            }
            Event::Unique { model, index, encoded, values } => {
                let found = self
                    .transaction
                    .with(|transaction| transaction.find_latest(model.id, index, &encoded))?
                    .map_err(engine_error)?;
                match model.index(index) {
                    Some(index) if found.len() > 1 => {
                        Err(message::unique(&model, index, &values, &self.context))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    async fn check_reference(
        &mut self,
        key: &ForeignKeyModel,
        model: &Arc<TableModel>,
        row: &[Value],
    ) -> Result<()> {
        let positions = positions(model, &key.columns)?;
        let nulls =
            positions.iter().filter(|position| row.get(**position).is_none_or(Value::is_null)).count();
        if nulls == positions.len() || (nulls > 0 && !key.full) {
            return Ok(());
        }
        if nulls > 0 {
            return Err(Error::new(
                SqlState::ForeignKeyViolation,
                format!(
                    "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                    model.name, key.name
                ),
            )
            .detail("MATCH FULL does not allow mixing of null and nonnull key values.")
            .schema(&model.schema)
            .table(&model.name)
            .constraint(&key.name));
        }
        let referenced = self.model(key.referenced)?;
        let index = referenced
            .indexes
            .iter()
            .find(|index| index.id.0 == key.index)
            .ok_or_else(|| Error::internal(format!("foreign key {} has no index", key.name)))?;
        let missing = || {
            Error::new(
                SqlState::ForeignKeyViolation,
                format!(
                    "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                    model.name, key.name
                ),
            )
            .detail(format!(
                "Key {} is not present in table \"{}\".",
                message::columns_text(model, &positions, row, &self.context),
                referenced.name
            ))
            .schema(&model.schema)
            .table(&model.name)
            .constraint(&key.name)
        };
        let Some(values) = self.referenced_values(key, model, &referenced, index, row)? else {
            return Err(missing());
        };
        let mut encoded = Vec::new();
        encode(index, &values, &mut encoded)?;
        self.transaction
            .settle(&self.cancel, |transaction| transaction.lock_key(index.id, &encoded, KeyLock::Share))
            .await?;
        let found = self
            .transaction
            .with(|transaction| transaction.find_latest(referenced.id, index.id, &encoded))?
            .map_err(engine_error)?;
        if found.is_empty() { Err(missing()) } else { Ok(()) }
    }

    /// The referenced index's key values from a referring row; `None` when one does not fit the referenced type.
    fn referenced_values(
        &self,
        key: &ForeignKeyModel,
        model: &TableModel,
        referenced: &TableModel,
        index: &IndexModel,
        row: &[Value],
    ) -> Result<Option<Vec<Value>>> {
        let mut values = Vec::with_capacity(index.keys.len());
        for index_key in &index.keys {
            let KeySource::Column(target) = index_key.source else {
                return Err(Error::internal(format!("foreign key {} refers to an expression", key.name)));
            };
            let attribute = referenced.columns.get(target).map(|column| column.attribute);
            let pair = key.referenced_columns.iter().position(|column| Some(*column) == attribute);
            let source = pair.and_then(|pair| key.columns.get(pair)).ok_or_else(|| {
                Error::internal(format!("foreign key {} does not cover its index", key.name))
            })?;
            let position = model.position(*source)?;
            let value = row.get(position).cloned().unwrap_or(Value::Null);
            let from = model.columns.get(position).map_or(0, |column| column.type_oid);
            match self.converted(value, from, index_key.type_oid)? {
                Some(value) => values.push(value),
                None => return Ok(None),
            }
        }
        Ok(Some(values))
    }

    /// A value in another type with the same meaning; `None` when that type cannot hold it.
    fn converted(&self, value: Value, from: u32, to: u32) -> Result<Option<Value>> {
        if from == to || value.is_null() {
            return Ok(Some(value));
        }
        let number = match &value {
            Value::Int16(number) => Some(i64::from(*number)),
            Value::Int32(number) if to != types::oid::DATE => Some(i64::from(*number)),
            Value::Int64(number) => Some(*number),
            _ => None,
        };
        match (number, to) {
            (Some(number), types::oid::INT2) => return Ok(i16::try_from(number).ok().map(Value::Int16)),
            (Some(number), types::oid::INT4) => return Ok(i32::try_from(number).ok().map(Value::Int32)),
            (Some(number), types::oid::INT8) => return Ok(Some(Value::Int64(number))),
            _ => {}
        }
        let names = crate::session::names::CatalogNames::of_context(&self.context);
        let text = types::output(from, &value, &OutputSettings::new(&self.context.settings, &names))?;
        let settings = InputSettings::new(&self.context.settings, self.context.transaction_micros, &names);
        Ok(types::input(to, -1, &text, &settings).ok())
    }

    async fn referenced_changed(
        &mut self,
        key: &ForeignKeyModel,
        model: &Arc<TableModel>,
        old: &[Value],
        new: Option<&[Value]>,
    ) -> Result<()> {
        let referring = self.model(key.table)?;
        let action = if new.is_some() { key.on_update } else { key.on_delete };
        if action == ReferentialAction::NoAction && self.key_exists_again(key, model, old)? {
            return Ok(());
        }
        let mut target = Vec::with_capacity(key.columns.len());
        for (source, referenced) in key.columns.iter().zip(&key.referenced_columns) {
            let (from, to) = (model.position(*referenced)?, referring.position(*source)?);
            let value = old.get(from).cloned().unwrap_or(Value::Null);
            let from = model.columns.get(from).map_or(0, |column| column.type_oid);
            let type_oid = referring.columns.get(to).map_or(0, |column| column.type_oid);
            match self.converted(value, from, type_oid)? {
                Some(value) => target.push((to, type_oid, value)),
                None => return Ok(()),
            }
        }
        for handle in self.find_referring(&referring, &target)? {
            self.act(key, action, model, &referring, handle, &target, old, new).await?;
        }
        Ok(())
    }

    /// Another row may have taken the key meanwhile: then nothing dangles.
    fn key_exists_again(&self, key: &ForeignKeyModel, model: &TableModel, old: &[Value]) -> Result<bool> {
        let Some(index) = model.indexes.iter().find(|index| index.id.0 == key.index) else {
            return Ok(false);
        };
        match super::key::index_key(index, old, &self.context)? {
            Some((encoded, _)) => {
                let found = self
                    .transaction
                    .with(|transaction| transaction.find_latest(model.id, index.id, &encoded))?
                    .map_err(engine_error)?;
                Ok(!found.is_empty())
            }
            None => Ok(false),
        }
    }

    /// Rows whose columns have the given values, in the latest committed state and among own writes.
    fn find_referring(&self, model: &TableModel, target: &[(usize, u32, Value)]) -> Result<Vec<RowHandle>> {
        let mut found: Vec<RowHandle> = Vec::new();
        for view in [self.newest_view()?, self.view_of_now()?] {
            for handle in find_in_view(&view, model, target)? {
                if !found.iter().any(|known| known.birth == handle.birth) {
                    found.push(handle);
                }
            }
        }
        Ok(found)
    }

    /// The statement's view, own writes of this statement included.
    fn view_of_now(&self) -> Result<ReadView> {
        self.transaction.with(|transaction| {
            transaction.advance_command();
            transaction.view()
        })
    }

    #[allow(clippy::too_many_arguments)]
    async fn act(
        &mut self,
        key: &ForeignKeyModel,
        action: ReferentialAction,
        model: &Arc<TableModel>,
        referring: &Arc<TableModel>,
        handle: RowHandle,
        target: &[(usize, u32, Value)],
        old: &[Value],
        new: Option<&[Value]>,
    ) -> Result<()> {
        // A row deleted or changed by this very transaction does not refer any more.
        let Some((handle, row)) = self.lock_referring(referring, handle).await? else { return Ok(()) };
        if !matches(&row, target) {
            return Ok(());
        }
        match (action, new) {
            (ReferentialAction::NoAction | ReferentialAction::Restrict, _) => {
                Err(self.still_referenced(key, model, referring, old)?)
            }
            (ReferentialAction::Cascade, None) => self.delete(referring, handle, &row).await,
            (ReferentialAction::Cascade, Some(new)) => {
                let (old_row, mut row) = (row.clone(), row);
                for (source, referenced) in key.columns.iter().zip(&key.referenced_columns) {
                    let (from, to) = (model.position(*referenced)?, referring.position(*source)?);
                    let value = new.get(from).cloned().unwrap_or(Value::Null);
                    let from = model.columns.get(from).map_or(0, |column| column.type_oid);
                    let type_oid = referring.columns.get(to).map_or(0, |column| column.type_oid);
                    let value = self
                        .converted(value, from, type_oid)?
                        .ok_or_else(|| Error::new(SqlState::NumericValueOutOfRange, "value out of range"))?;
                    if let Some(slot) = row.get_mut(to) {
                        *slot = value;
                    }
                }
                self.rewrite(referring, handle, &old_row, row).await
            }
            (ReferentialAction::SetNull | ReferentialAction::SetDefault, _) => {
                let columns = if new.is_none() { &key.delete_columns } else { &key.columns };
                let (old_row, mut row) = (row.clone(), row);
                for attribute in columns {
                    let position = referring.position(*attribute)?;
                    let default = referring.columns.get(position).and_then(|column| column.default.as_ref());
                    let value = match (action, default) {
                        (ReferentialAction::SetDefault, Some(default)) => {
                            default.evaluate_row(&self.context, &[])?
                        }
                        _ => Value::Null,
                    };
                    if let Some(slot) = row.get_mut(position) {
                        *slot = value;
                    }
                }
                self.rewrite(referring, handle, &old_row, row).await
            }
        }
    }

    /// The error of a row that others still refer to.
    fn still_referenced(
        &self,
        key: &ForeignKeyModel,
        model: &TableModel,
        referring: &TableModel,
        old: &[Value],
    ) -> Result<Error> {
        let positions = positions(model, &key.referenced_columns)?;
        Ok(Error::new(
            SqlState::ForeignKeyViolation,
            format!(
                "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
                model.name, key.name, referring.name
            ),
        )
        .detail(format!(
            "Key {} is still referenced from table \"{}\".",
            message::columns_text(model, &positions, old, &self.context),
            referring.name
        ))
        .schema(&referring.schema)
        .table(&referring.name)
        .constraint(&key.name))
    }

    async fn lock_referring(
        &mut self,
        referring: &TableModel,
        handle: RowHandle,
    ) -> Result<Option<(RowHandle, Vec<Value>)>> {
        // Cascades may come to a row twice, and may follow the statement's own change of it.
        self.touched.remove(&handle.birth);
        self.lock_latest(referring, handle, RowLock::Update).await
    }

    async fn rewrite(
        &mut self,
        model: &Arc<TableModel>,
        handle: RowHandle,
        old: &[Value],
        mut row: Vec<Value>,
    ) -> Result<()> {
        self.complete(model, &mut row)?;
        self.update(model, handle, old, row, true).await.map(|_| ())
    }
}

fn matches(row: &[Value], target: &[(usize, u32, Value)]) -> bool {
    target.iter().all(|(position, type_oid, value)| {
        row.get(*position).is_some_and(|own| {
            !own.is_null() && types::compare(*type_oid, own, value) == std::cmp::Ordering::Equal
        })
    })
}

/// Handles of rows with the given column values: by an index that begins with those columns, else by a scan.
fn find_in_view(
    view: &ReadView,
    model: &TableModel,
    target: &[(usize, u32, Value)],
) -> Result<Vec<RowHandle>> {
    let mut found = Vec::new();
    let index = model.indexes.iter().find(|index| {
        index.predicate.is_none()
            && index.keys.len() >= target.len()
            && index.keys.iter().take(target.len()).all(|key| {
                matches!(key.source, KeySource::Column(position) if target.iter().any(|item| item.0 == position))
            })
    });
    let Some(index) = index else {
        scan_for(view, model, target, &mut found)?;
        return Ok(found);
    };
    let mut prefix = Vec::new();
    for key in index.keys.iter().take(target.len()) {
        let item = target
            .iter()
            .find(|item| matches!(key.source, KeySource::Column(position) if item.0 == position));
        if let Some((_, _, value)) = item {
            types::key::append_with_order(key.type_oid, value, key.descending, key.nulls_first, &mut prefix)?;
        }
    }
    let end = prefix_end(&prefix);
    let upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut cursor = view.range(model.id, index.id, Bound::Included(&prefix), upper, false);
    while cursor.next(&mut |_, handle, _| found.push(handle)).map_err(engine_error)? {}
    Ok(found)
}

fn scan_for(
    view: &ReadView,
    model: &TableModel,
    target: &[(usize, u32, Value)],
    found: &mut Vec<RowHandle>,
) -> Result<()> {
    use engine::ScanColumn;
    let mut projection = vec![ScanColumn::Handle];
    projection.extend(
        target
            .iter()
            .filter_map(|(position, _, _)| model.column_ids.get(*position))
            .map(|id| ScanColumn::Column(*id)),
    );
    for batch in view.scan(model.id, &projection, 4096).map_err(engine_error)? {
        let batch = batch.map_err(engine_error)?;
        for row in 0..batch.num_rows() {
            let equal = target.iter().enumerate().all(|(column, (_, type_oid, value))| {
                let own =
                    crate::evaluate::column::value_at(batch.column(column + 1), row).unwrap_or(Value::Null);
                !own.is_null() && types::compare(*type_oid, &own, value) == std::cmp::Ordering::Equal
            });
            if equal {
                found.push(handle_at(batch.column(0), row)?);
            }
        }
    }
    Ok(())
}

/// The handle in a handle column.
pub fn handle_at(column: &arrow_array::ArrayRef, row: usize) -> Result<RowHandle> {
    match crate::evaluate::column::value_at(column, row)? {
        Value::Fixed16(bytes) => Ok(RowHandle::from_bytes(bytes)),
        other => handle_of(&other),
    }
}

/// The handle in a value of a handle column.
pub fn handle_of(value: &Value) -> Result<RowHandle> {
    let bytes = match value {
        Value::Fixed16(bytes) => Some(*bytes),
        Value::Bytes(bytes) => bytes.as_ref().try_into().ok(),
        _ => None,
    };
    bytes.map(RowHandle::from_bytes).ok_or_else(|| Error::internal("a row has no handle"))
}
