//! INSERT, UPDATE and DELETE compiled and run.

use std::sync::Arc;

use engine::{RowLock, Value};

use super::foreign_key::handle_of;
use super::message;
use super::key::key_values;
use super::model::TableModel;
use super::recheck::still_qualifies;
use super::returning::{CompiledReturning, Frame, ReturningRows, target_value};
use super::source::RowSource;
use super::writer::{Insertion, Writer};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::CompiledExpression;
use crate::tree::{Assignment, ConflictAction, Delete, Insert, Query, Returning, Target, Update};

/// Values for columns of the target, by position in its row.
#[derive(Debug)]
struct Assignments(Vec<(usize, CompiledExpression)>);

impl Assignments {
    fn new(assignments: &[Assignment], model: &TableModel, frame: &Frame) -> Result<Assignments> {
        let items = assignments
            .iter()
            .map(|item| Ok((model.position(item.attribute)?, frame.compile(&item.value)?)))
            .collect::<Result<_>>()?;
        Ok(Assignments(items))
    }

    fn apply(&self, writer: &Writer, frame: &[Value], row: &mut [Value]) -> Result<()> {
        for (position, value) in &self.0 {
            let value = value.evaluate_row(&writer.context, frame)?;
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        Ok(())
    }

    /// Whether an assigned column is part of a key that others may refer to.
    fn change_keys(&self, model: &TableModel) -> bool {
        self.0.iter().any(|(position, _)| model.key_columns_contain(*position))
    }
}

fn compile_returning(returning: Option<&Returning>, frame: &Frame) -> Result<Option<CompiledReturning>> {
    returning.map(|returning| CompiledReturning::new(returning, frame)).transpose()
}

fn handle_place(frame: &Frame, number: crate::tree::ColumnNumber) -> Result<usize> {
    frame.layout.position(number).ok_or_else(|| Error::internal("the source has no handle column"))
}

/// INSERT.
#[derive(Debug)]
pub struct CompiledInsert {
    pub model: Arc<TableModel>,
    frame: Frame,
    values: Assignments,
    conflict: Option<CompiledConflict>,
    returning: Option<CompiledReturning>,
}

#[derive(Debug)]
struct CompiledConflict {
    /// Empty: any.
    arbiters: Vec<u32>,
    update: Option<ConflictUpdate>,
}

#[derive(Debug)]
struct ConflictUpdate {
    frame: Frame,
    /// Place in the frame and position in the proposed row.
    excluded: Vec<(usize, usize)>,
    assignments: Assignments,
    key_change: bool,
    filter: Option<CompiledExpression>,
}

impl CompiledInsert {
    pub fn new(insert: &Insert, model: Arc<TableModel>) -> Result<CompiledInsert> {
        let frame = Frame::new(&model, &insert.target, &insert.source)?;
        let values = Assignments::new(&insert.values, &model, &frame)?;
        let returning = compile_returning(insert.returning.as_ref(), &frame)?;
        let conflict = match &insert.conflict {
            None => None,
            Some(conflict) => Some(CompiledConflict {
                arbiters: conflict.arbiters.clone(),
                update: conflict_update(&conflict.action, &insert.target, &insert.source, &model)?,
            }),
        };
        Ok(CompiledInsert { model, frame, values, conflict, returning })
    }

    /// Inserts every row of the source; the number of rows inserted or updated.
    pub async fn run(
        &self,
        writer: &mut Writer,
        source: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<u64> {
        let mut count = 0;
        while let Some(rows) = source.next().await? {
            writer.cancel.check()?;
            for frame in rows {
                count += u64::from(self.one(writer, frame, returning).await?);
            }
        }
        writer.finish_statement().await?;
        Ok(count)
    }

    async fn one(&self, writer: &mut Writer, mut frame: Vec<Value>, returning: &mut ReturningRows) -> Result<bool> {
        let mut row = vec![Value::Null; self.model.columns.len()];
        self.values.apply(writer, &frame, &mut row)?;
        writer.complete(&self.model, &mut row)?;
        let kept = (self.returning.is_some() || self.conflict.is_some()).then(|| row.clone());
        let handle = match &self.conflict {
            None => writer.insert_or_fail(&self.model, row).await?,
            Some(conflict) => match self.insert_or_conflict(writer, conflict, row, &frame).await? {
                Some(Upserted { handle, row, inserted }) => {
                    if let Some(returned) = &self.returning {
                        self.frame.place(&self.model, Some(handle), &row, &mut frame);
                        returning.push(returned.row(&writer.context, &frame)?).await?;
                    }
                    let _ = inserted;
                    return Ok(true);
                }
                None => return Ok(false),
            },
        };
        if let (Some(returned), Some(row)) = (&self.returning, kept) {
            self.frame.place(&self.model, Some(handle), &row, &mut frame);
            returning.push(returned.row(&writer.context, &frame)?).await?;
        }
        Ok(true)
    }

    /// ON CONFLICT: inserts, or acts on the row in the way; `None` when nothing was done.
    async fn insert_or_conflict(
        &self,
        writer: &mut Writer,
        conflict: &CompiledConflict,
        row: Vec<Value>,
        source: &[Value],
    ) -> Result<Option<Upserted>> {
        loop {
            let (index, existing) = match writer.insert(&self.model, row.clone()).await? {
                Insertion::Row(handle) => return Ok(Some(Upserted { handle, row, inserted: true })),
                Insertion::Conflict { index, existing } => (index, existing),
            };
            if !conflict.arbiters.is_empty() && !conflict.arbiters.contains(&index.0) {
                let Some(index) = self.model.index(index) else {
                    return Err(Error::internal("a conflict on an unknown index"));
                };
                let values = key_values(index, &row, &writer.context)?;
                return Err(message::unique(&self.model, index, &values, &writer.context));
            }
            let Some(update) = &conflict.update else { return Ok(None) };
            if writer.touched.contains(&existing.birth) {
                return Err(Error::new(
                    SqlState::CardinalityViolation,
                    "ON CONFLICT DO UPDATE command cannot affect row a second time",
                )
                .hint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values."));
            }
            let strength = if update.key_change { RowLock::Update } else { RowLock::NoKeyUpdate };
            // A row that vanished meanwhile leaves room: try to insert again.
            let Some(locked) = writer.lock_existing(&self.model, existing, strength).await? else { continue };
            let mut frame = source.to_vec();
            update.frame.place(&self.model, Some(locked.handle), &locked.row, &mut frame);
            for (place, position) in &update.excluded {
                if let (Some(slot), Some(value)) = (frame.get_mut(*place), row.get(*position)) {
                    *slot = value.clone();
                }
            }
            if let Some(filter) = &update.filter
                && filter.evaluate_row(&writer.context, &frame)? != Value::Bool(true)
            {
                return Ok(None);
            }
            let mut new = locked.row.clone();
            update.assignments.apply(writer, &frame, &mut new)?;
            writer.complete(&self.model, &mut new)?;
            let handle =
                writer.update(&self.model, locked.handle, &locked.row, new.clone(), update.key_change).await?;
            return Ok(Some(Upserted { handle, row: new, inserted: false }));
        }
    }
}

struct Upserted {
    handle: engine::RowHandle,
    row: Vec<Value>,
    inserted: bool,
}

fn conflict_update(
    action: &ConflictAction,
    target: &Target,
    source: &Query,
    model: &TableModel,
) -> Result<Option<ConflictUpdate>> {
    match action {
        ConflictAction::Nothing => Ok(None),
        ConflictAction::Update { excluded, assignments, filter } => {
            let mut frame = Frame::new(model, target, source)?;
            let mut places = Vec::with_capacity(excluded.len());
            for column in excluded {
                let place = frame.push(column.number);
                if let super::returning::TargetValue::Column(position) = target_value(model, column.source)? {
                    places.push((place, position));
                }
            }
            let assignments = Assignments::new(assignments, model, &frame)?;
            let filter = filter.as_ref().map(|filter| frame.compile(filter)).transpose()?;
            let key_change = assignments.change_keys(model);
            Ok(Some(ConflictUpdate { frame, excluded: places, assignments, key_change, filter }))
        }
    }
}

/// UPDATE.
#[derive(Debug)]
pub struct CompiledUpdate {
    pub model: Arc<TableModel>,
    frame: Frame,
    handle: usize,
    qualifier: Option<CompiledExpression>,
    assignments: Assignments,
    key_change: bool,
    returning: Option<CompiledReturning>,
}

impl CompiledUpdate {
    pub fn new(update: &Update, model: Arc<TableModel>) -> Result<CompiledUpdate> {
        let frame = Frame::new(&model, &update.target, &update.source)?;
        let handle = handle_place(&frame, update.handle)?;
        let qualifier = update.qualifier.as_ref().map(|qualifier| frame.compile(qualifier)).transpose();
        let assignments = Assignments::new(&update.assignments, &model, &frame)?;
        let key_change = assignments.change_keys(&model);
        let returning = compile_returning(update.returning.as_ref(), &frame)?;
        // A qualifier with subqueries cannot be re-checked alone: such a row, moved, is refused as 40001.
        Ok(CompiledUpdate { model, frame, handle, qualifier: recheckable(qualifier)?, assignments, key_change, returning })
    }

    pub async fn run(
        &self,
        writer: &mut Writer,
        source: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<u64> {
        let mut count = 0;
        while let Some(rows) = source.next().await? {
            writer.cancel.check()?;
            for frame in rows {
                count += u64::from(self.one(writer, frame, returning).await?);
            }
        }
        writer.finish_statement().await?;
        Ok(count)
    }

    /// Updates the row that a source row names.
    pub async fn one(
        &self,
        writer: &mut Writer,
        mut frame: Vec<Value>,
        returning: &mut ReturningRows,
    ) -> Result<bool> {
        let handle = handle_of(frame.get(self.handle).unwrap_or(&Value::Null))?;
        let strength = if self.key_change { RowLock::Update } else { RowLock::NoKeyUpdate };
        let Some(locked) = writer.lock(&self.model, handle, strength).await? else { return Ok(false) };
        if locked.moved
            && !still_qualifies(
                &self.model,
                &self.frame,
                self.qualifier.as_ref(),
                &locked,
                &writer.context,
                &mut frame,
            )?
        {
            return Ok(false);
        }
        let mut new = locked.row.clone();
        self.assignments.apply(writer, &frame, &mut new)?;
        writer.complete(&self.model, &mut new)?;
        let returned = self.returning.is_some().then(|| new.clone());
        let written = writer.update(&self.model, locked.handle, &locked.row, new, self.key_change).await?;
        if let (Some(items), Some(row)) = (&self.returning, returned) {
            self.frame.place(&self.model, Some(written), &row, &mut frame);
            returning.push(items.row(&writer.context, &frame)?).await?;
        }
        Ok(true)
    }
}

/// DELETE.
#[derive(Debug)]
pub struct CompiledDelete {
    pub model: Arc<TableModel>,
    frame: Frame,
    handle: usize,
    qualifier: Option<CompiledExpression>,
    returning: Option<CompiledReturning>,
}

impl CompiledDelete {
    pub fn new(delete: &Delete, model: Arc<TableModel>) -> Result<CompiledDelete> {
        let frame = Frame::new(&model, &delete.target, &delete.source)?;
        let handle = handle_place(&frame, delete.handle)?;
        let qualifier = delete.qualifier.as_ref().map(|qualifier| frame.compile(qualifier)).transpose();
        let returning = compile_returning(delete.returning.as_ref(), &frame)?;
        Ok(CompiledDelete { model, frame, handle, qualifier: recheckable(qualifier)?, returning })
    }

    pub async fn run(
        &self,
        writer: &mut Writer,
        source: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<u64> {
        let mut count = 0;
        while let Some(rows) = source.next().await? {
            writer.cancel.check()?;
            for frame in rows {
                count += u64::from(self.one(writer, frame, returning).await?);
            }
        }
        writer.finish_statement().await?;
        Ok(count)
    }

    /// Deletes the row that a source row names.
    pub async fn one(
        &self,
        writer: &mut Writer,
        mut frame: Vec<Value>,
        returning: &mut ReturningRows,
    ) -> Result<bool> {
        let handle = handle_of(frame.get(self.handle).unwrap_or(&Value::Null))?;
        let Some(locked) = writer.lock(&self.model, handle, RowLock::Update).await? else { return Ok(false) };
        if locked.moved
            && !still_qualifies(
                &self.model,
                &self.frame,
                self.qualifier.as_ref(),
                &locked,
                &writer.context,
                &mut frame,
            )?
        {
            return Ok(false);
        }
        writer.delete(&self.model, locked.handle, &locked.row).await?;
        if let Some(items) = &self.returning {
            self.frame.place(&self.model, Some(locked.handle), &locked.row, &mut frame);
            returning.push(items.row(&writer.context, &frame)?).await?;
        }
        Ok(true)
    }
}

/// A qualifier for re-checks. One with subqueries is left out: `Recheck::still_qualifies` then holds for it only
/// where the engine reports no newer version, see `Writer::lock`.
fn recheckable(qualifier: Result<Option<CompiledExpression>>) -> Result<Option<CompiledExpression>> {
    match qualifier {
        Err(error) if error.state() == SqlState::FeatureNotSupported => Ok(Some(refused())),
        other => other,
    }
}

/// A qualifier that cannot be looked at again: false, so that a moved row is left alone.
fn refused() -> CompiledExpression {
    CompiledExpression::constant(Value::Bool(false), crate::types::oid::BOOL)
}
