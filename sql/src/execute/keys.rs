//! Rows' comparison keys as bytes: equal exactly where SQL holds the rows equal (NULLs too), ordered as asked.

use arrow::row::{RowConverter, Rows, SortField};
use arrow_array::{ArrayRef, RecordBatch};

use super::row::key_column;
use crate::error::Result;
use crate::evaluate::{Scope, arrow_error};
use crate::plan::node::KeyExpression;

/// Makes keys of batches' rows.
pub(super) struct RowKeys {
    converter: RowConverter,
}

/// The keys of one batch.
pub(super) struct BatchKeys {
    rows: Option<Rows>,
}

impl BatchKeys {
    /// The key of a row; empty where there is no key column.
    pub fn get(&self, row: usize) -> &[u8] {
        // The bytes live as long as the batch's keys do.
        match &self.rows {
            Some(rows) => rows.row(row).data(),
            None => &[],
        }
    }
}

impl RowKeys {
    /// For keys of these forms.
    pub fn new(keys: &[KeyExpression]) -> Result<RowKeys> {
        let fields = keys.iter().map(|key| SortField::new(key.column().physical.arrow())).collect();
        Ok(RowKeys { converter: RowConverter::new(fields).map_err(arrow_error)? })
    }

    /// The keys of a batch's rows.
    pub fn of(
        &mut self,
        keys: &[KeyExpression],
        scope: &Scope<'_>,
        batch: &RecordBatch,
    ) -> Result<BatchKeys> {
        let columns =
            keys.iter().map(|key| key_column(key, scope, batch)).collect::<Result<Vec<ArrayRef>>>()?;
        if columns.is_empty() {
            return Ok(BatchKeys { rows: None });
        }
        let rows = self.converter.convert_columns(&columns).map_err(arrow_error)?;
        Ok(BatchKeys { rows: Some(rows) })
    }
}
