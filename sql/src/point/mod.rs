//! The point tier: reads by key without a stream, a batch or a thread in between.
//!
//! A [`PointScan`] is recognised in an ordinary plan: an index scan that finds few rows, under nothing but a
//! projection and a limit. It runs where the session runs, over the same compiled expressions and the same search
//! keys as the general execution, so that both give the same rows; a test runs the corpus both ways.

mod recognise;
mod run;

pub use run::{limit_of, offset_of, previous_write, source_value, source_values};

use engine::{ColumnId, ReadView, Value};

use crate::dml::RowSource;
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Context};
use crate::plan::node::{IndexAccess, TableAccess};

/// A plan of the point tier.
#[derive(Debug)]
pub struct PointScan {
    source: PointSource,
    /// The moment that it reads; the statement's own where there is none.
    moment: Option<CompiledExpression>,
    /// What is shown of a source row; the row itself where there is none.
    projection: Option<Vec<CompiledExpression>>,
    /// The most rows to give.
    limit: Option<CompiledExpression>,
    offset: Option<CompiledExpression>,
    /// What is shown of the one row there can be, where that is plain.
    shown: Option<Vec<Shown>>,
}

/// One thing shown of a row that needs no evaluation.
#[derive(Debug)]
pub enum Shown {
    Column(ColumnId),
    Constant(Value),
}

#[derive(Debug)]
enum PointSource {
    /// One row without columns.
    OneRow,
    Index(Box<IndexSource>),
}

#[derive(Debug)]
struct IndexSource {
    access: TableAccess,
    index: IndexAccess,
    /// Which columns of the row are handles to be given as bytes.
    handle_as_bytes: Vec<bool>,
}

/// Rows of a point scan for a change of rows.
pub struct PointRows(Option<Vec<Vec<Value>>>);

impl PointRows {
    /// Reads the rows at once: they are few.
    pub fn new(scan: &PointScan, view: &ReadView, context: &Context) -> Result<PointRows> {
        let mut rows = Vec::new();
        scan.rows(view, context, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(PointRows(Some(rows)))
    }
}

#[async_trait::async_trait]
impl RowSource for PointRows {
    async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>> {
        Ok(self.0.take().filter(|rows| !rows.is_empty()))
    }
}
