//! Rows put aside in temporary files, parted by the hash of their keys: what grouping does beyond its memory.
//!
//! All rows of a key are in one part, in the order in which they were put aside. Each level hashes with another seed,
//! so that a part that is too large is parted again. The files go with the last reference to them.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use datafusion_execution::SpillFile;
use datafusion_physical_plan::SpillManager;
use datafusion_physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};

use super::execution::Execution;
use super::keys::BatchKeys;
use super::stream::{Batches, batch_of, from_datafusion, ours};
use crate::error::Result;
use crate::evaluate::arrow_error;

/// Parts of a level.
const PARTS: usize = 16;

/// Writes a batch to a part's file; without one ends the file and gives it.
type Write = Box<dyn FnMut(Option<&RecordBatch>) -> Result<Option<Arc<dyn SpillFile>>> + Send>;

/// Rows put aside.
pub(super) struct Parts {
    manager: SpillManager,
    schema: SchemaRef,
    level: u32,
    parts: Vec<Option<Write>>,
}

impl Parts {
    /// For batches of a schema; rows put aside while a part of one level is read go to the next.
    pub fn new(execution: &Execution, schema: &SchemaRef, level: u32) -> Parts {
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let manager = SpillManager::new(execution.shared.tasks.runtime_env(), metrics, schema.clone());
        Parts { manager, schema: schema.clone(), level, parts: (0..PARTS).map(|_| None).collect() }
    }

    fn part_of(&self, key: &[u8]) -> usize {
        let mut hasher = DefaultHasher::new();
        hasher.write_u32(self.level);
        hasher.write(key);
        (hasher.finish() % PARTS as u64) as usize
    }

    /// Puts rows of a batch aside.
    pub fn put(&mut self, batch: &RecordBatch, rows: &[u32], keys: &BatchKeys) -> Result<()> {
        let mut places: Vec<Vec<u32>> = (0..PARTS).map(|_| Vec::new()).collect();
        for row in rows {
            let part = self.part_of(keys.get(*row as usize));
            if let Some(places) = places.get_mut(part) {
                places.push(*row);
            }
        }
        for (part, places) in self.parts.iter_mut().zip(places) {
            if places.is_empty() {
                continue;
            }
            let batch = taken(batch, places, &self.schema)?;
            let write = match part {
                Some(write) => write,
                None => part.insert(writer(&self.manager)?),
            };
            write(Some(&batch))?;
        }
        Ok(())
    }

    /// The parts that have rows, each to be read once, and their level.
    pub fn finish(self) -> Result<(u32, Vec<Batches>)> {
        let mut streams = Vec::new();
        for mut write in self.parts.into_iter().flatten() {
            if let Some(file) = write(None)? {
                let stream = self.manager.read_spill_as_stream_unbuffered(file, None);
                streams.push(ours(stream.map_err(from_datafusion)?));
            }
        }
        Ok((self.level, streams))
    }
}

fn writer(manager: &SpillManager) -> Result<Write> {
    let mut file = manager.create_in_progress_file("grouping").map_err(from_datafusion)?;
    Ok(Box::new(move |batch| match batch {
        Some(batch) => file.append_batch(batch).map(|_| None).map_err(from_datafusion),
        None => file.finish().map_err(from_datafusion),
    }))
}

/// Some rows of a batch.
pub(super) fn taken(batch: &RecordBatch, rows: Vec<u32>, schema: &SchemaRef) -> Result<RecordBatch> {
    let count = rows.len();
    let rows = UInt32Array::from(rows);
    let columns = batch
        .columns()
        .iter()
        .map(|column| arrow::compute::take(column, &rows, None).map_err(arrow_error))
        .collect::<Result<Vec<_>>>()?;
    batch_of(schema, columns, count)
}
