//! INSERT, UPDATE and DELETE compiled and run.

use std::sync::Arc;

use engine::{RowLock, Value};

use super::key::key_values;
use super::message;
use super::model::TableModel;
use super::recheck::{LockedTarget, Qualifier, lock_target, other_places};
use super::returning::{CompiledReturning, Frame, ReturningRows};
use super::source::{CompiledValues, RowSource, compile_values};
use super::writer::{Insertion, Writer};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::CompiledExpression;
use crate::plan::walk;
use crate::tree::{
    Assignment, ColumnNumber, ConflictAction, Delete, Expression, ExpressionKind, Insert, OutputColumn,
    Query, Relation, Returning, TableColumn, TableScan, Update,
};

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

/// The query that yields a modification's target rows, with the columns of other tables that `expressions` read.
fn source_query<'a>(
    relation: Relation,
    common: &[crate::tree::CommonTable],
    target: &TableScan,
    expressions: impl Iterator<Item = &'a Expression>,
) -> Query {
    let mut output: Vec<OutputColumn> = target.columns.iter().map(output_of).collect();
    let produced = walk::produced_columns(&relation);
    let mut seen: walk::Columns = output.iter().map(|column| column.column).collect();
    for expression in expressions {
        add_outputs(expression, &produced, &mut seen, &mut output);
    }
    Query { common: common.to_vec(), relation, output, shape: None }
}

fn add_outputs(
    expression: &Expression,
    produced: &walk::Columns,
    seen: &mut walk::Columns,
    output: &mut Vec<OutputColumn>,
) {
    if let ExpressionKind::Column(number) = expression.kind
        && produced.contains(&number)
        && seen.insert(number)
    {
        output.push(OutputColumn {
            column: number,
            name: String::new(),
            ty: expression.ty,
            collation: expression.collation,
            origin: (0, 0),
        });
    }
    walk::children(expression, &mut |part| add_outputs(part, produced, seen, output));
}

fn output_of(column: &TableColumn) -> OutputColumn {
    OutputColumn {
        column: column.number,
        name: String::new(),
        ty: column.ty,
        collation: column.collation,
        origin: (0, 0),
    }
}

fn returning_items(returning: Option<&Returning>) -> impl Iterator<Item = &Expression> {
    returning.into_iter().flat_map(|returning| returning.items.iter().map(|(_, item)| item))
}

fn handle_place(frame: &Frame, number: ColumnNumber) -> Result<usize> {
    frame.layout.position(number).ok_or_else(|| Error::internal("the source has no handle column"))
}

/// INSERT.
#[derive(Debug)]
pub struct CompiledInsert {
    pub model: Arc<TableModel>,
    /// Yields a value for each of `positions`.
    pub source: Query,
    /// The rows of the source, where it is VALUES that need no plan.
    pub values: Option<CompiledValues>,
    /// Places in the target's row, by the source's columns.
    positions: Vec<usize>,
    frame: Frame,
    conflict: Option<CompiledConflict>,
    returning: Option<CompiledReturning>,
}

#[derive(Debug)]
struct CompiledConflict {
    /// Empty: any.
    arbiters: Vec<u32>,
    update: Option<CompiledConflictUpdate>,
}

#[derive(Debug)]
struct CompiledConflictUpdate {
    /// The existing row, then the proposed one.
    frame: Frame,
    assignments: Assignments,
    key_change: bool,
    filter: Option<CompiledExpression>,
}

impl CompiledInsert {
    pub fn new(insert: &Insert, model: Arc<TableModel>) -> Result<CompiledInsert> {
        let positions =
            insert.columns.iter().map(|attribute| model.position(*attribute)).collect::<Result<_>>()?;
        // What the source computes for RETURNING comes before the row.
        let computed = insert.source.output.iter().skip(insert.columns.len());
        let mut frame = Frame::new(computed.map(|column| column.column));
        frame.add_row(&model, &insert.row)?;
        let returning = compile_returning(insert.returning.as_ref(), &frame)?;
        let conflict = match &insert.conflict {
            None => None,
            Some(conflict) => Some(CompiledConflict {
                arbiters: conflict.arbiters.clone(),
                update: conflict_update(&conflict.action, &model)?,
            }),
        };
        let values = compile_values(&insert.source)?;
        let source = insert.source.clone();
        Ok(CompiledInsert { model, source, values, positions, frame, conflict, returning })
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
            for values in rows {
                count += u64::from(self.one(writer, values, returning).await?);
            }
        }
        writer.finish_statement().await?;
        Ok(count)
    }

    /// Inserts one row of the source.
    pub async fn one(
        &self,
        writer: &mut Writer,
        mut values: Vec<Value>,
        returning: &mut ReturningRows,
    ) -> Result<bool> {
        let computed = values.split_off(self.positions.len().min(values.len()));
        let mut row = vec![Value::Null; self.model.columns.len()];
        for (position, value) in self.positions.iter().zip(values) {
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        writer.complete(&self.model, &mut row)?;
        let written = match &self.conflict {
            None => {
                let returned = self.returning.is_some().then(|| row.clone());
                writer.insert_or_fail(&self.model, row).await?;
                returned
            }
            Some(conflict) => match Box::pin(self.insert_or_conflict(writer, conflict, row)).await? {
                Some(row) => Some(row),
                None => return Ok(false),
            },
        };
        if let (Some(returned), Some(row)) = (&self.returning, written) {
            let mut frame = computed;
            self.frame.place_row(&row, &mut frame);
            returning.push(returned.row(&writer.context, &frame)?).await?;
        }
        Ok(true)
    }

    /// ON CONFLICT: inserts, or acts on the row in the way. The row written; `None` when nothing was done.
    async fn insert_or_conflict(
        &self,
        writer: &mut Writer,
        conflict: &CompiledConflict,
        row: Vec<Value>,
    ) -> Result<Option<Vec<Value>>> {
        loop {
            let (index, existing) = match writer.insert(&self.model, row.clone()).await? {
                Insertion::Row(_) => return Ok(Some(row)),
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
                return Err(second_time());
            }
            let strength = if update.key_change { RowLock::Update } else { RowLock::NoKeyUpdate };
            // A row that vanished meanwhile leaves room: try to insert again.
            let Some((handle, old)) = writer.lock_latest(&self.model, existing, strength).await? else {
                continue;
            };
            let mut frame = Vec::with_capacity(update.frame.width);
            update.frame.place_target(&self.model, handle, &old, &mut frame);
            update.frame.place_row(&row, &mut frame);
            if let Some(filter) = &update.filter
                && filter.evaluate_row(&writer.context, &frame)? != Value::Bool(true)
            {
                return Ok(None);
            }
            let mut new = old.clone();
            update.assignments.apply(writer, &frame, &mut new)?;
            writer.complete(&self.model, &mut new)?;
            writer.update(&self.model, handle, &old, new.clone(), update.key_change).await?;
            return Ok(Some(new));
        }
    }
}

fn second_time() -> Error {
    Error::new(
        SqlState::CardinalityViolation,
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
    )
    .hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    )
}

fn conflict_update(action: &ConflictAction, model: &TableModel) -> Result<Option<CompiledConflictUpdate>> {
    match action {
        ConflictAction::Nothing => Ok(None),
        ConflictAction::Update(update) => {
            let mut frame = Frame::new([]);
            frame.add_target(model, &update.existing.columns)?;
            frame.add_row(model, &update.excluded)?;
            let assignments = Assignments::new(&update.assignments, model, &frame)?;
            let filter = update.predicate.as_ref().map(|filter| frame.compile(filter)).transpose()?;
            let key_change = assignments.change_keys(model);
            Ok(Some(CompiledConflictUpdate { frame, assignments, key_change, filter }))
        }
    }
}

/// UPDATE.
#[derive(Debug)]
pub struct CompiledUpdate {
    pub model: Arc<TableModel>,
    /// Yields the target's rows and what else the statement reads.
    pub source: Query,
    frame: Frame,
    handle: usize,
    number: ColumnNumber,
    qualifier: Qualifier,
    others: Vec<usize>,
    assignments: Assignments,
    key_change: bool,
    returning: Option<CompiledReturning>,
}

impl CompiledUpdate {
    pub fn new(update: &Update, model: Arc<TableModel>) -> Result<CompiledUpdate> {
        let expressions = update
            .assignments
            .iter()
            .map(|assignment| &assignment.value)
            .chain(&update.predicate)
            .chain(returning_items(update.returning.as_ref()));
        let source = source_query(update.source(), &update.common, &update.target, expressions);
        let mut frame = Frame::new(source.output.iter().map(|column| column.column));
        frame.add_target(&model, &update.target.columns)?;
        frame.add_row(&model, &update.row)?;
        let handle = handle_place(&frame, update.handle)?;
        let qualifier = Qualifier::new(update.predicate.as_ref(), update.others_lateral, &frame)?;
        let others = match update.others_lateral {
            true => Vec::new(),
            false => other_places(&frame, update.others.as_deref()),
        };
        let assignments = Assignments::new(&update.assignments, &model, &frame)?;
        let key_change = assignments.change_keys(&model);
        let returning = compile_returning(update.returning.as_ref(), &frame)?;
        let number = update.handle;
        Ok(CompiledUpdate {
            model,
            source,
            frame,
            handle,
            number,
            qualifier,
            others,
            assignments,
            key_change,
            returning,
        })
    }

    /// Updates every row of the source once; the number of rows updated.
    pub async fn run(
        &self,
        writer: &mut Writer,
        source: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<u64> {
        let mut count = 0;
        while let Some(rows) = source.next().await? {
            writer.cancel.check()?;
            for row in rows {
                count += u64::from(self.one(writer, row, source, returning).await?);
            }
        }
        writer.finish_statement().await?;
        Ok(count)
    }

    /// Updates the row that a source row names.
    pub async fn one(
        &self,
        writer: &mut Writer,
        mut source: Vec<Value>,
        rows: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<bool> {
        let strength = if self.key_change { RowLock::Update } else { RowLock::NoKeyUpdate };
        let target = LockedTarget {
            model: &self.model,
            frame: &self.frame,
            handle: self.handle,
            number: self.number,
            qualifier: &self.qualifier,
            others: &self.others,
        };
        let Some((handle, old)) = lock_target(writer, &target, strength, rows, &mut source).await? else {
            return Ok(false);
        };
        let mut new = old.clone();
        self.assignments.apply(writer, &source, &mut new)?;
        writer.complete(&self.model, &mut new)?;
        let returned = self.returning.is_some().then(|| new.clone());
        writer.update(&self.model, handle, &old, new, self.key_change).await?;
        if let (Some(items), Some(row)) = (&self.returning, returned) {
            self.frame.place_row(&row, &mut source);
            returning.push(items.row(&writer.context, &source)?).await?;
        }
        Ok(true)
    }
}

/// DELETE.
#[derive(Debug)]
pub struct CompiledDelete {
    pub model: Arc<TableModel>,
    /// Yields the target's rows and what else the statement reads.
    pub source: Query,
    frame: Frame,
    handle: usize,
    number: ColumnNumber,
    qualifier: Qualifier,
    others: Vec<usize>,
    returning: Option<CompiledReturning>,
}

impl CompiledDelete {
    pub fn new(delete: &Delete, model: Arc<TableModel>) -> Result<CompiledDelete> {
        let expressions = delete.predicate.iter().chain(returning_items(delete.returning.as_ref()));
        let source = source_query(delete.source(), &delete.common, &delete.target, expressions);
        let mut frame = Frame::new(source.output.iter().map(|column| column.column));
        frame.add_target(&model, &delete.target.columns)?;
        let handle = handle_place(&frame, delete.handle)?;
        let qualifier = Qualifier::new(delete.predicate.as_ref(), delete.others_lateral, &frame)?;
        let others = match delete.others_lateral {
            true => Vec::new(),
            false => other_places(&frame, delete.others.as_deref()),
        };
        let returning = compile_returning(delete.returning.as_ref(), &frame)?;
        let number = delete.handle;
        Ok(CompiledDelete { model, source, frame, handle, number, qualifier, others, returning })
    }

    /// Deletes every row of the source once; the number of rows deleted.
    pub async fn run(
        &self,
        writer: &mut Writer,
        source: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<u64> {
        let mut count = 0;
        while let Some(rows) = source.next().await? {
            writer.cancel.check()?;
            for row in rows {
                count += u64::from(self.one(writer, row, source, returning).await?);
            }
        }
        writer.finish_statement().await?;
        Ok(count)
    }

    /// Deletes the row that a source row names.
    pub async fn one(
        &self,
        writer: &mut Writer,
        mut source: Vec<Value>,
        rows: &mut dyn RowSource,
        returning: &mut ReturningRows,
    ) -> Result<bool> {
        let target = LockedTarget {
            model: &self.model,
            frame: &self.frame,
            handle: self.handle,
            number: self.number,
            qualifier: &self.qualifier,
            others: &self.others,
        };
        let Some((handle, old)) = lock_target(writer, &target, RowLock::Update, rows, &mut source).await?
        else {
            return Ok(false);
        };
        writer.delete(&self.model, handle, &old).await?;
        if let Some(items) = &self.returning {
            source.resize(self.frame.width.max(source.len()), Value::Null);
            returning.push(items.row(&writer.context, &source)?).await?;
        }
        Ok(true)
    }
}
