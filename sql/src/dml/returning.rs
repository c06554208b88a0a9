//! RETURNING: rows computed from the target's row and the source's, handed on in small batches.

use engine::{RowHandle, Value};

use super::model::TableModel;
use crate::error::{Error, Result};
use crate::evaluate::{CompiledExpression, Context, Layout, compile};
use crate::tree::{ColumnNumber, Expression, Query, Returning, SystemColumn, Target};

/// Where the columns of the target and of the source stand, for expressions over both.
#[derive(Debug)]
pub struct Frame {
    pub layout: Layout,
    /// Place in the frame, and what of the target feeds it.
    pub target: Vec<(usize, TargetValue)>,
    pub width: usize,
}

/// What feeds a target column.
#[derive(Clone, Copy, Debug)]
pub enum TargetValue {
    /// Position in the model's row.
    Column(usize),
    TableOid,
    Handle,
    /// xmin and the system times of a row not committed yet.
    Unknown,
}

impl Frame {
    /// The frame of a statement: the source's output, then target columns that are not among it.
    pub fn new(model: &TableModel, target: &Target, source: &Query) -> Result<Frame> {
        let mut frame = Frame { layout: Layout::default(), target: Vec::new(), width: 0 };
        for column in &source.output {
            frame.push(column.column);
        }
        for column in &target.columns {
            let value = target_value(model, column.source)?;
            let place = match frame.layout.position(column.number) {
                Some(place) => place,
                None => frame.push(column.number),
            };
            frame.target.push((place, value));
        }
        Ok(frame)
    }

    /// Adds a column at the end.
    pub fn push(&mut self, number: ColumnNumber) -> usize {
        let place = self.width;
        self.layout.push(number);
        self.width += 1;
        place
    }

    /// Compiles an expression over the frame.
    pub fn compile(&self, expression: &Expression) -> Result<CompiledExpression> {
        compile(expression, &self.layout)
    }

    /// Puts a target row into a frame row, which is widened to the frame.
    pub fn place(&self, model: &TableModel, handle: Option<RowHandle>, row: &[Value], frame: &mut Vec<Value>) {
        frame.resize(self.width.max(frame.len()), Value::Null);
        for (place, source) in &self.target {
            let value = match source {
                TargetValue::Column(position) => row.get(*position).cloned().unwrap_or(Value::Null),
                TargetValue::TableOid => Value::UInt32(model.oid),
                TargetValue::Handle => match handle {
                    Some(handle) => Value::Fixed16(handle.to_bytes()),
                    None => Value::Null,
                },
                TargetValue::Unknown => Value::Null,
            };
            if let Some(slot) = frame.get_mut(*place) {
                *slot = value;
            }
        }
    }
}

/// What feeds a target column from the model's row.
pub fn target_value(model: &TableModel, source: SystemColumn) -> Result<TargetValue> {
    Ok(match source {
        SystemColumn::Attribute(attribute) => TargetValue::Column(model.position(attribute)?),
        SystemColumn::TableOid => TargetValue::TableOid,
        SystemColumn::Handle => TargetValue::Handle,
        SystemColumn::Xmin | SystemColumn::SystemFrom | SystemColumn::SystemTo => TargetValue::Unknown,
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
    sender: Option<tokio::sync::mpsc::Sender<Vec<Vec<Value>>>>,
}

impl ReturningRows {
    const BATCH: usize = 256;

    /// Rows sent to `sender`.
    pub fn new(sender: tokio::sync::mpsc::Sender<Vec<Vec<Value>>>) -> ReturningRows {
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
                .send(std::mem::take(&mut self.rows))
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
