//! The shape of Arrow batches: which columns a reader asks for, and batches made row by row.

use crate::table::Dictionary;
use crate::table::column::ColumnBuilder;
use crate::table::row::RowRef;
use crate::table::visibility::is_live;
use crate::{ColumnId, Error, PhysicalType, RowHandle, Timestamp, Value};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use std::sync::Arc;

/// A column of a scan's batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanColumn {
    Column(ColumnId),
    /// The row's handle, sixteen bytes: [`RowHandle::from_bytes`].
    Handle,
    /// The version's start, in microseconds since 2000-01-01 UTC (Int64).
    SystemFrom,
    /// The version's end likewise; `i64::MAX` (infinity) while it is alive.
    SystemTo,
    /// The write that made the version, sixteen bytes: [`RowRef::write`]. NULL where it is not committed.
    Write,
}

impl ScanColumn {
    fn physical(self, dictionary: &Dictionary) -> Result<PhysicalType, Error> {
        match self {
            ScanColumn::Column(column) => dictionary.physical(column).ok_or_else(|| {
                Error::Corrupted(format!("a scan asks for column {}, which is unknown", column.0))
            }),
            ScanColumn::Handle | ScanColumn::Write => Ok(PhysicalType::Fixed16),
            ScanColumn::SystemFrom | ScanColumn::SystemTo => Ok(PhysicalType::Int64),
        }
    }
}

/// The shape of the batches of a scan.
#[derive(Clone)]
pub(crate) struct Shape {
    pub columns: Vec<(ScanColumn, PhysicalType)>,
    pub schema: Arc<Schema>,
    pub dictionary: Arc<Dictionary>,
}

impl Shape {
    pub fn new(projection: &[ScanColumn], dictionary: &Arc<Dictionary>) -> Result<Shape, Error> {
        let columns = projection
            .iter()
            .map(|column| Ok((*column, column.physical(dictionary)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let fields: Vec<Field> = columns
            .iter()
            .enumerate()
            .map(|(position, (_, physical))| Field::new(format!("c{position}"), physical.arrow(), true))
            .collect();
        Ok(Shape { columns, schema: Arc::new(Schema::new(fields)), dictionary: dictionary.clone() })
    }

    pub fn batch(&self, rows: usize, arrays: Vec<ArrayRef>) -> Result<RecordBatch, Error> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| Error::Corrupted(error.to_string()))
    }
}

/// Makes a batch row by row.
pub(crate) struct BatchBuilder {
    shape: Shape,
    builders: Vec<ColumnBuilder>,
    rows: usize,
}

impl BatchBuilder {
    pub fn new(projection: &[ScanColumn], dictionary: &Arc<Dictionary>) -> Result<BatchBuilder, Error> {
        let shape = Shape::new(projection, dictionary)?;
        let builders = shape.columns.iter().map(|(_, physical)| ColumnBuilder::new(*physical)).collect();
        Ok(BatchBuilder { shape, builders, rows: 0 })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn push(&mut self, handle: RowHandle, row: &RowRef<'_>) -> Result<(), Error> {
        for ((column, _), builder) in self.shape.columns.iter().zip(&mut self.builders) {
            let value = match column {
                ScanColumn::Column(column) => row.value(*column)?,
                ScanColumn::Handle => Value::Fixed16(handle.to_bytes()),
                ScanColumn::SystemFrom => Value::Int64(row.from()?.micros()),
                ScanColumn::SystemTo => Value::Int64(end_micros(row.to().0)),
                ScanColumn::Write => Value::Fixed16(row.write()?),
            };
            if !builder.push(&value) {
                return Err(Error::LimitExceeded("a batch holds at most 2 GiB of one column"));
            }
        }
        self.rows += 1;
        Ok(())
    }

    pub fn finish(self) -> Result<RecordBatch, Error> {
        let arrays = self.builders.into_iter().map(ColumnBuilder::seal).collect::<Result<Vec<_>, _>>()?;
        self.shape.batch(self.rows, arrays)
    }
}

/// A write as sixteen bytes, in the order of time: the commit's timestamp, then the row's birth.
pub(crate) fn write_bytes(from: u64, birth: u64) -> [u8; 16] {
    (u128::from(from) << 64 | u128::from(birth)).to_be_bytes()
}

/// An end as Arrow shows it: microseconds, `i64::MAX` for a living version.
pub(crate) fn end_micros(end: u64) -> i64 {
    if is_live(end) { i64::MAX } else { Timestamp(end).micros() }
}
