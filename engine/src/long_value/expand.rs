//! Batches as readers get them: values in the place of references.
//!
//! A batch of references may stand for far more bytes than were read, so it becomes several.

use super::Reference;
use super::read::Long;
use crate::table::column::ColumnBuilder;
use crate::{Error, PhysicalType};
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch, StringArray};

/// Bytes of long values in one batch, about.
const BATCH_BYTES: u64 = 16 << 20;

/// The bytes of a row of a text or bytes column; `None` for NULL and for other types.
fn stored(array: &dyn Array, row: usize) -> Option<&[u8]> {
    if array.is_null(row) {
        return None;
    }
    if let Some(text) = array.as_any().downcast_ref::<StringArray>() {
        return Some(text.value(row).as_bytes());
    }
    array.as_any().downcast_ref::<BinaryArray>().map(|bytes| bytes.value(row))
}

fn reference(array: &dyn Array, row: usize) -> Option<Reference> {
    stored(array, row).and_then(Reference::parse)
}

impl Long<'_> {
    /// The batches that a batch stands for. `columns`: the places of the text and bytes columns in it.
    pub fn expanded(self, batch: RecordBatch, columns: &[usize]) -> Result<Vec<RecordBatch>, Error> {
        let arrays = || columns.iter().filter_map(|place| batch.columns().get(*place));
        let has_any = |array: &ArrayRef| (0..array.len()).any(|row| reference(array, row).is_some());
        if !arrays().any(has_any) {
            return Ok(vec![batch]);
        }
        let mut batches = Vec::new();
        let (mut first, mut bytes) = (0, 0);
        for row in 0..batch.num_rows() {
            let lengths = arrays().filter_map(|array| reference(array, row));
            bytes += lengths.map(|reference| u64::from(reference.length)).sum::<u64>();
            if bytes >= BATCH_BYTES || row + 1 == batch.num_rows() {
                batches.push(self.fetched_batch(&batch.slice(first, row + 1 - first), columns)?);
                (first, bytes) = (row + 1, 0);
            }
        }
        Ok(batches)
    }

    fn fetched_batch(self, batch: &RecordBatch, columns: &[usize]) -> Result<RecordBatch, Error> {
        let mut arrays = batch.columns().to_vec();
        for place in columns {
            if let Some(array) = arrays.get_mut(*place) {
                *array = self.fetched_array(array)?;
            }
        }
        RecordBatch::try_new(batch.schema(), arrays).map_err(|error| Error::Corrupted(error.to_string()))
    }

    fn fetched_array(self, array: &ArrayRef) -> Result<ArrayRef, Error> {
        let is_text = array.as_any().is::<StringArray>();
        let mut builder = ColumnBuilder::new(if is_text { PhysicalType::Text } else { PhysicalType::Bytes });
        for row in 0..array.len() {
            let mut fits = true;
            match (stored(array, row), reference(array, row)) {
                (None, _) => builder.push_null(),
                (Some(_), Some(reference)) => {
                    self.visit(&reference, &mut |bytes| fits = builder.push_variable(bytes))?;
                }
                (Some(bytes), None) => fits = builder.push_variable(bytes),
            }
            if !fits {
                return Err(Error::LimitExceeded("a batch holds at most 2 GiB of one column"));
            }
        }
        builder.seal()
    }
}
