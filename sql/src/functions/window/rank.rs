//! Window functions of position: row_number, rank and its family, ntile.

use engine::Value;

use super::{WindowFunction, WindowImplementation, WindowPartition};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;

/// The number of the row in its partition.
struct RowNumber;

impl WindowFunction for RowNumber {
    fn evaluate(&mut self, _: &Context, _: &dyn WindowPartition, row: usize) -> Result<Value> {
        Ok(Value::Int64(row as i64 + 1))
    }
}

/// The number of the first peer.
struct Rank;

impl WindowFunction for Rank {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        Ok(Value::Int64(partition.peers(row).start as i64 + 1))
    }
}

/// The number of the group of peers.
#[derive(Default)]
struct DenseRank(i64);

impl WindowFunction for DenseRank {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        if partition.peers(row).start == row {
            self.0 += 1;
        }
        Ok(Value::Int64(self.0))
    }
}

/// The part of the other rows that comes before the peers.
struct PercentRank;

impl WindowFunction for PercentRank {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        let others = partition.rows().saturating_sub(1);
        let before = partition.peers(row).start;
        Ok(Value::Float64(if others == 0 { 0.0 } else { before as f64 / others as f64 }))
    }
}

/// The part of all rows that does not come after the peers.
struct CumulativeDistribution;

impl WindowFunction for CumulativeDistribution {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        Ok(Value::Float64(partition.peers(row).end as f64 / partition.rows() as f64))
    }
}

/// The bucket of the row; the first rows' buckets are one larger where the rows do not divide evenly.
#[derive(Default)]
struct Tile(Option<i64>);

impl WindowFunction for Tile {
    fn evaluate(&mut self, _: &Context, partition: &dyn WindowPartition, row: usize) -> Result<Value> {
        if self.0.is_none() {
            let Value::Int32(buckets) = partition.argument(row, 0)? else { return Ok(Value::Null) };
            if buckets <= 0 {
                return Err(Error::new(
                    SqlState::InvalidArgumentForNtile,
                    "argument of ntile must be greater than zero",
                ));
            }
            self.0 = Some(i64::from(buckets));
        }
        let (row, rows, buckets) = (row as i64, partition.rows() as i64, self.0.unwrap_or(1));
        let (size, larger) = (rows / buckets, rows % buckets);
        let in_larger = larger * (size + 1);
        let bucket =
            if row < in_larger { row / (size + 1) } else { larger + (row - in_larger) / size.max(1) };
        Ok(Value::Int32((bucket + 1) as i32))
    }
}

const fn unframed(
    oid: u32,
    new: fn(&crate::functions::Call) -> Result<Box<dyn WindowFunction>>,
) -> WindowImplementation {
    WindowImplementation { oid, new, uses_frame: false }
}

pub(super) const FUNCTIONS: &[WindowImplementation] = &[
    unframed(3100, |_| Ok(Box::new(RowNumber))),
    unframed(3101, |_| Ok(Box::new(Rank))),
    unframed(3102, |_| Ok(Box::<DenseRank>::default())),
    unframed(3103, |_| Ok(Box::new(PercentRank))),
    unframed(3104, |_| Ok(Box::new(CumulativeDistribution))),
    unframed(3105, |_| Ok(Box::<Tile>::default())),
];
