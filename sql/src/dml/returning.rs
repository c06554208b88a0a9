//! RETURNING: rows computed from the target's row and the source's, handed on in small batches.

use engine::{RowHandle, Value};
use tokio::sync::mpsc::Sender;

use super::model::TableModel;
use crate::error::{Error, Result};
use crate::evaluate::{CompiledExpression, Context, Layout, compile};
use crate::session::RowBatch;
use crate::tree::{ColumnNumber, Expression, Returning, RowColumn, SystemColumn, TableColumn};

/// Where the columns of a statement stand: the source's output first, then the target's new row.
#[derive(Debug)]
pub struct Frame {
    pub layout: Layout,
    pub width: usize,
    /// Place in the frame and what of the target's existing row feeds it.
    pub target: Vec<(usize, TargetValue)>,
    /// Place in the frame and position in the target's new row.
    pub row: Vec<(usize, usize)>,
}

/// What feeds a target column.
#[derive(Clone, Copy, Debug)]
pub enum TargetValue {
    /// Position in the model's row.
    Column(usize),
    TableOid,
    Handle,
    /// xmin and the system times, which only a scan knows.
    Unknown,
}

impl Frame {
    /// A frame that begins with the given columns.
    pub fn new(columns: impl IntoIterator<Item = ColumnNumber>) -> Frame {
        let mut frame = Frame { layout: Layout::default(), width: 0, target: Vec::new(), row: Vec::new() };
        for column in columns {
            frame.push(column);
        }
        frame
    }

    /// Adds a column at the end.
    pub fn push(&mut self, number: ColumnNumber) -> usize {
        let place = self.width;
        self.layout.push(number);
        self.width += 1;
        place
    }

    /// Adds the columns of the target's existing row, where they are not there yet.
    pub fn add_target(&mut self, model: &TableModel, columns: &[TableColumn]) -> Result<()> {
        for column in columns {
            let value = target_value(model, column.source)?;
            let place = match self.layout.position(column.number) {
                Some(place) => place,
                None => self.push(column.number),
            };
            self.target.push((place, value));
        }
        Ok(())
    }

    /// Adds the columns of the target's new row.
    pub fn add_row(&mut self, model: &TableModel, row: &[RowColumn]) -> Result<()> {
        for column in row {
            let place = self.push(column.column.number);
            self.row.push((place, model.position(column.attribute)?));
        }
        Ok(())
    }

    /// Compiles an expression over the frame.
    pub fn compile(&self, expression: &Expression) -> Result<CompiledExpression> {
        compile(expression, &self.layout)
    }

    /// Puts the target's existing row into a frame row.
    pub fn place_target(&self, model: &TableModel, handle: RowHandle, row: &[Value], frame: &mut Vec<Value>) {
        frame.resize(self.width.max(frame.len()), Value::Null);
        for (place, source) in &self.target {
            let value = match source {
                TargetValue::Column(position) => row.get(*position).cloned().unwrap_or(Value::Null),
                TargetValue::TableOid => Value::UInt32(model.oid),
                TargetValue::Handle => Value::Fixed16(handle.to_bytes()),
                TargetValue::Unknown => continue,
            };
            if let Some(slot) = frame.get_mut(*place) {
                *slot = value;
            }
        }
    }

    /// Puts the target's new row into a frame row.
    pub fn place_row(&self, row: &[Value], frame: &mut Vec<Value>) {
        frame.resize(self.width.max(frame.len()), Value::Null);
        for (place, position) in &self.row {
            if let (Some(slot), Some(value)) = (frame.get_mut(*place), row.get(*position)) {
                *slot = value.clone();
            }
        }
    }

    /// The target's existing row out of a source row, where the source has all of it.
    pub fn target_row(&self, model: &TableModel, frame: &[Value]) -> Option<Vec<Value>> {
        let mut row: Vec<Option<Value>> = vec![None; model.columns.len()];
        for (place, source) in &self.target {
            if let TargetValue::Column(position) = source {
                *row.get_mut(*position)? = frame.get(*place).cloned();
            }
        }
        row.into_iter().collect()
    }
}

/// What feeds a target column from the model's row.
fn target_value(model: &TableModel, source: SystemColumn) -> Result<TargetValue> {
    Ok(match source {
        SystemColumn::Attribute(attribute) => TargetValue::Column(model.position(attribute)?),
        SystemColumn::TableOid => TargetValue::TableOid,
        SystemColumn::Handle => TargetValue::Handle,
        SystemColumn::Xmin
        | SystemColumn::Former(_)
        | SystemColumn::SystemFrom
        | SystemColumn::SystemTo
        | SystemColumn::WriteId
        | SystemColumn::PreviousWriteId => TargetValue::Unknown,
    })
}

/// The compiled RETURNING list.
#[derive(Debug)]
pub struct CompiledReturning {
    items: Vec<CompiledExpression>,
}

impl CompiledReturning {
    pub fn new(returning: &Returning, frame: &Frame) -> Result<CompiledReturning> {
        let items = returning.items.iter().map(|(_, item)| frame.compile(item)).collect::<Result<_>>()?;
        Ok(CompiledReturning { items })
    }

    pub fn row(&self, context: &Context, frame: &[Value]) -> Result<Vec<Value>> {
        self.items.iter().map(|item| item.evaluate_row(context, frame)).collect()
    }
}

/// Rows of RETURNING on their way to the session, a bounded number at a time.
pub struct ReturningRows {
    rows: Vec<Vec<Value>>,
    sender: Option<Sender<RowBatch>>,
}

impl ReturningRows {
    const BATCH: usize = 256;

    /// Rows sent to `sender`.
    pub fn new(sender: Sender<RowBatch>) -> ReturningRows {
        ReturningRows { rows: Vec::new(), sender: Some(sender) }
    }

    /// Rows kept, for a caller that takes them afterwards.
    pub fn kept() -> ReturningRows {
        ReturningRows { rows: Vec::new(), sender: None }
    }

    pub async fn push(&mut self, row: Vec<Value>) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() >= Self::BATCH && self.sender.is_some() {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends what is left.
    pub async fn send(&mut self) -> Result<()> {
        match &self.sender {
            Some(sender) if !self.rows.is_empty() => sender
                .send(RowBatch::Values(std::mem::take(&mut self.rows)))
                .await
                .map_err(|_| Error::internal("nobody takes the rows of RETURNING")),
            _ => Ok(()),
        }
    }

    /// The rows kept.
    pub fn take(&mut self) -> Vec<Vec<Value>> {
        std::mem::take(&mut self.rows)
    }
}
