//! ANALYZE of a table: a sample of its rows, and the statistics of its columns.
//!
//! As many rows as PostgreSQL draws for its default target are drawn evenly from the rows of some zones, which are drawn
//! evenly themselves; a table of fewer rows is read whole. The same table gives the same sample.

use catalog::{Relation, Snapshot};
use engine::{ColumnId, Database, ReadView, ScanColumn, TableId};

use super::column::{ColumnStatistics, SampledColumn, of_sample};
use crate::error::Result;
use crate::evaluate::column::value_at;
use crate::session::engine_error;

/// Rows of a sample.
const SAMPLE: usize = 30_000;
/// Places, of [`BATCH_ROWS`] rows or fewer, that are read at most.
const PLACES: usize = 256;
const BATCH_ROWS: usize = 8192;

/// What was found of a table.
pub(crate) struct Analyzed {
    /// About how many rows it has.
    pub rows: f64,
    pub columns: Vec<(i16, ColumnStatistics)>,
}

/// A generator of xorshift's family.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * bound as u64) >> 32) as usize
    }
}

/// Analyzes columns of a table, by their numbers; all without a list. `interrupted` is asked between batches.
pub(crate) fn analyze(
    database: &Database,
    view: &ReadView,
    catalog: &Snapshot,
    relation: &Relation,
    columns: Option<&[i16]>,
    interrupted: &dyn Fn() -> Result<()>,
) -> Result<Analyzed> {
    let wanted: Vec<_> = relation
        .live_columns()
        .filter(|column| columns.is_none_or(|columns| columns.contains(&column.number)))
        .collect();
    let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
    let projection: Vec<ScanColumn> =
        wanted.iter().map(|column| ScanColumn::Column(ColumnId(column.id))).collect();
    let table = TableId(relation.oid);
    let rows = database.statistics(table).map_or(0, |statistics| statistics.rows) as usize;
    let cursor = view.scan(table, &projection, BATCH_ROWS).map_err(engine_error)?;
    let (cursor, part) = cursor.thinned(PLACES, &mut |bound| draws.below(bound));
    // One row in so many is taken, of those that are read.
    let mut sparsity = ((rows as f64 * part) as usize / SAMPLE).max(1);
    let mut sample: Vec<SampledColumn> = wanted.iter().map(|_| SampledColumn::default()).collect();
    let (mut seen, mut taken) = (0_usize, 0_usize);
    for batch in cursor {
        interrupted()?;
        let batch = batch.map_err(engine_error)?;
        for row in 0..batch.num_rows() {
            seen += 1;
            if sparsity > 1 && draws.below(sparsity) > 0 {
                continue;
            }
            taken += 1;
            for (column, values) in sample.iter_mut().zip(batch.columns()) {
                column.take(value_at(values, row)?);
            }
        }
        // Rows of an open transaction are not in the table's count.
        if taken > 2 * SAMPLE {
            sample.iter_mut().for_each(SampledColumn::halve);
            (taken, sparsity) = (taken / 2, sparsity * 2);
        }
    }
    let total = seen as f64 / part;
    let mut found = Vec::with_capacity(wanted.len());
    for (column, values) in wanted.iter().zip(sample) {
        let (type_oid, _) = catalog.base_type(relation.database, column.type_oid);
        let length = catalog.type_by_oid(relation.database, type_oid).map(|row| i32::from(row.length));
        let width = length.filter(|length| *length > 0);
        let statistics = of_sample(type_oid, width, values, total);
        found.extend(statistics.map(|statistics| (column.number, statistics)));
    }
    Ok(Analyzed { rows: total, columns: found })
}
