//! Reading encoded columns: a dictionary or deltas become arrays by a copy.

use std::{ops::Range, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, PrimitiveArray, StringArray,
    types::{Int16Type, Int32Type, Int64Type, UInt32Type},
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer, bit_util};

use super::{Column, touch_bits};
use crate::{
    segment::{
        SegmentError, ZONE_ROWS,
        container::Container,
        encoding::{Encoding, Width},
    },
    value::PhysicalType,
};

impl Column {
    /// Some rows behind `start`, all of one zone, of a column that is encoded: the others are not decoded. `None` for
    /// one that is plain.
    pub(in crate::segment) fn gathered(
        &self,
        container: &Container,
        start: usize,
        rows: &[u32],
    ) -> Result<Option<ArrayRef>, SegmentError> {
        let numbered = || rows.iter().map(|row| start + *row as usize);
        let encoding = self.encoding;
        if encoding == Encoding::Plain {
            return Ok(None);
        }
        let mut nulls = None;
        if let (Some(validity), Some(last)) = (&self.validity, rows.last()) {
            touch_bits(container, validity, &(start..start + *last as usize + 1))?;
            let valid: BooleanBuffer =
                numbered().map(|row| bit_util::get_bit(&validity.buffer, row)).collect();
            nulls = Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0);
        }
        match encoding {
            Encoding::Plain => Ok(None),
            Encoding::Dictionary(width) => self.looked_up(container, width, numbered(), nulls).map(Some),
            Encoding::Delta(width) => {
                let end = rows.last().map_or(start, |last| start + *last as usize + 1);
                container.touch(&self.values, start * width.bytes(), (end - start) * width.bytes())?;
                let least = self.least(container, start)?;
                let deltas = self.values.buffer.get(start * width.bytes()..end * width.bytes());
                let deltas = deltas.unwrap_or(&[]);
                Ok(Some(match self.physical_type {
                    PhysicalType::Int16 => {
                        let numbers = picked(width, deltas, rows, |delta| (least + delta) as i16);
                        Arc::new(PrimitiveArray::<Int16Type>::new(numbers.into(), nulls))
                    }
                    PhysicalType::Int32 => {
                        let numbers = picked(width, deltas, rows, |delta| (least + delta) as i32);
                        Arc::new(PrimitiveArray::<Int32Type>::new(numbers.into(), nulls))
                    }
                    PhysicalType::UInt32 => {
                        let numbers = picked(width, deltas, rows, |delta| (least + delta) as u32);
                        Arc::new(PrimitiveArray::<UInt32Type>::new(numbers.into(), nulls))
                    }
                    _ => {
                        let numbers = picked(width, deltas, rows, |delta| least + delta);
                        Arc::new(PrimitiveArray::<Int64Type>::new(numbers.into(), nulls))
                    }
                }))
            }
        }
    }

    /// Rows of a column with a dictionary.
    pub(super) fn looked_up(
        &self,
        container: &Container,
        width: Width,
        rows: impl ExactSizeIterator<Item = usize>,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, SegmentError> {
        let mut offsets: Vec<i32> = Vec::with_capacity(rows.len() + 1);
        let mut data: Vec<u8> = Vec::new();
        offsets.push(0);
        for row in rows {
            data.extend_from_slice(self.entry(container, self.code(container, width, row)? as usize)?);
            let end = i32::try_from(data.len());
            offsets
                .push(end.map_err(|_| container.corrupt(self.values.offset, "an array of more than 2 GiB"))?);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let data = Buffer::from_vec(data);
        let broken = |_| container.corrupt(self.values.offset, "a text is not UTF-8");
        Ok(match self.physical_type {
            PhysicalType::Text => Arc::new(StringArray::try_new(offsets, data, nulls).map_err(broken)?),
            _ => Arc::new(BinaryArray::try_new(offsets, data, nulls).map_err(broken)?),
        })
    }

    /// Rows of a column of deltas.
    pub(super) fn summed(
        &self,
        container: &Container,
        width: Width,
        rows: Range<usize>,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, SegmentError> {
        Ok(match self.physical_type {
            PhysicalType::Int16 => {
                let numbers = self.numbers(container, width, rows, |number| number as i16)?;
                Arc::new(PrimitiveArray::<Int16Type>::new(numbers.into(), nulls))
            }
            PhysicalType::Int32 => {
                let numbers = self.numbers(container, width, rows, |number| number as i32)?;
                Arc::new(PrimitiveArray::<Int32Type>::new(numbers.into(), nulls))
            }
            PhysicalType::UInt32 => {
                let numbers = self.numbers(container, width, rows, |number| number as u32)?;
                Arc::new(PrimitiveArray::<UInt32Type>::new(numbers.into(), nulls))
            }
            _ => {
                let numbers = self.numbers(container, width, rows, |number| number)?;
                Arc::new(PrimitiveArray::<Int64Type>::new(numbers.into(), nulls))
            }
        })
    }

    /// The numbers of rows of a column of deltas.
    fn numbers<T>(
        &self,
        container: &Container,
        width: Width,
        rows: Range<usize>,
        cast: impl Fn(i64) -> T,
    ) -> Result<Vec<T>, SegmentError> {
        container.touch(&self.values, rows.start * width.bytes(), rows.len() * width.bytes())?;
        let mut numbers: Vec<T> = Vec::with_capacity(rows.len());
        let mut row = rows.start;
        while row < rows.end {
            let end = rows.end.min((row / ZONE_ROWS + 1) * ZONE_ROWS);
            let least = self.least(container, row)?;
            let deltas = self.values.buffer.get(row * width.bytes()..end * width.bytes()).unwrap_or(&[]);
            match width {
                Width::One => numbers.extend(deltas.iter().map(|delta| cast(least + i64::from(*delta)))),
                Width::Two => numbers.extend(
                    deltas
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .map(|delta| cast(least + i64::from(u16::from_le_bytes(*delta)))),
                ),
                Width::Four => numbers.extend(
                    deltas
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .map(|delta| cast(least + i64::from(u32::from_le_bytes(*delta)))),
                ),
            }
            row = end;
        }
        Ok(numbers)
    }
}

/// The deltas of some rows, as numbers.
fn picked<T: Default>(width: Width, deltas: &[u8], rows: &[u32], number: impl Fn(i64) -> T) -> Vec<T> {
    let pick = |delta: Option<i64>| delta.map(&number).unwrap_or_default();
    match width {
        Width::One => rows.iter().map(|row| pick(deltas.get(*row as usize).map(|d| i64::from(*d)))).collect(),
        Width::Two => {
            let deltas = deltas.as_chunks::<2>().0;
            let delta = |row: &u32| deltas.get(*row as usize).map(|d| i64::from(u16::from_le_bytes(*d)));
            rows.iter().map(|row| pick(delta(row))).collect()
        }
        Width::Four => {
            let deltas = deltas.as_chunks::<4>().0;
            let delta = |row: &u32| deltas.get(*row as usize).map(|d| i64::from(u32::from_le_bytes(*d)));
            rows.iter().map(|row| pick(delta(row))).collect()
        }
    }
}
