//! One column of values: built from values, read back as Arrow arrays over the mapping or value by value.
//!
//! A column that holds NULL has a validity bitmap; the place of a NULL holds zeros or no bytes. Bool is a bitmap,
//! numbers and Fixed16 are arrays, Text and Bytes are `i32` offsets and data: Arrow's own layouts, used where they lie.
//! Columns of history may be encoded (`encoding`), which costs a copy where they are read; so may text that repeats
//! (`repeated`).

mod build;
mod decode;
mod repeated;

use std::{ops::Range, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeBinaryArray, PrimitiveArray,
    types::{ArrowPrimitiveType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type},
};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer, bit_util};

use super::{
    SegmentError, ZONE_ROWS, array,
    container::{Container, Section, Tag},
    encoding::{Encoding, Width},
    zones::ValueZones,
};
use crate::{
    ids::ColumnId,
    value::{PhysicalType, Value},
};
pub(super) use build::ColumnBuilder;

/// Bytes that one column of a file may take: its offsets are `i32`.
const LIMIT: usize = 1 << 30;

/// Bytes of a whole number; `None` for other types.
fn whole(physical_type: PhysicalType) -> Option<usize> {
    match physical_type {
        PhysicalType::Int16 | PhysicalType::Int32 | PhysicalType::Int64 | PhysicalType::UInt32 => {
            width(physical_type)
        }
        PhysicalType::Bool
        | PhysicalType::Float32
        | PhysicalType::Float64
        | PhysicalType::Fixed16
        | PhysicalType::Text
        | PhysicalType::Bytes => None,
    }
}

/// Bytes of one value of a type with a fixed number of them.
fn width(physical_type: PhysicalType) -> Option<usize> {
    match physical_type {
        PhysicalType::Int16 => Some(2),
        PhysicalType::Int32 | PhysicalType::UInt32 | PhysicalType::Float32 => Some(4),
        PhysicalType::Int64 | PhysicalType::Float64 => Some(8),
        PhysicalType::Fixed16 => Some(16),
        PhysicalType::Bool | PhysicalType::Text | PhysicalType::Bytes => None,
    }
}

/// An open column.
#[derive(Debug)]
pub(super) struct Column {
    physical_type: PhysicalType,
    encoding: Encoding,
    validity: Option<Section>,
    offsets: Option<(Section, ScalarBuffer<i32>)>,
    values: Section,
    codes: Option<Section>,
    pub zones: Option<ValueZones>,
}

impl Column {
    pub(super) fn open(
        container: &Container,
        column: ColumnId,
        physical_type: PhysicalType,
    ) -> Result<Column, SegmentError> {
        let rows = container.rows;
        let bitmap = rows.div_ceil(8);
        let validity = match container.section(Tag::Validity, column.0) {
            Some(_) => Some(container.section_of(Tag::Validity, column.0, bitmap)?.clone()),
            None => None,
        };
        let values = container
            .section(Tag::Values, column.0)
            .ok_or_else(|| container.corrupt(0, "the values of a column are missing"))?
            .clone();
        let encoding = Encoding::from_detail(container, values.detail)?;
        let mut codes = None;
        let mut offsets = None;
        let length = match (encoding, width(physical_type)) {
            (Encoding::Plain, Some(width)) => Some(rows * width),
            (Encoding::Plain, None) if physical_type == PhysicalType::Bool => Some(bitmap),
            (Encoding::Delta(width), _) if whole(physical_type).is_some() => Some(rows * width.bytes()),
            (Encoding::Plain | Encoding::Dictionary(_), None) if physical_type != PhysicalType::Bool => None,
            _ => return Err(container.corrupt(values.offset, "a column is encoded as its type cannot be")),
        };
        match length {
            Some(length) => {
                container.section_of(Tag::Values, column.0, length)?;
            }
            None => {
                let mut entries = rows;
                if let Encoding::Dictionary(width) = encoding {
                    codes = Some(container.section_of(Tag::Codes, column.0, rows * width.bytes())?.clone());
                    let section = container.section(Tag::Offsets, column.0);
                    entries = section.map_or(0, |section| (section.buffer.len() / 4).saturating_sub(1));
                }
                let section = container.section_of(Tag::Offsets, column.0, (entries + 1) * 4)?.clone();
                let numbers = ScalarBuffer::new(section.buffer.clone(), 0, entries + 1);
                offsets = Some((section, numbers));
            }
        }
        let zones = ValueZones::open(container, column)?;
        if matches!(encoding, Encoding::Delta(_)) && zones.is_none() {
            return Err(container.corrupt(values.offset, "the zones of a column are missing"));
        }
        Ok(Column { physical_type, encoding, validity, offsets, values, codes, zones })
    }

    /// A range of rows, which exist, as an array over the mapping.
    pub(super) fn array(&self, container: &Container, rows: Range<usize>) -> Result<ArrayRef, SegmentError> {
        let nulls = self.nulls(container, &rows)?;
        match self.encoding {
            Encoding::Plain => {}
            Encoding::Dictionary(width) => return self.looked_up(container, width, rows, nulls),
            Encoding::Delta(width) => return self.summed(container, width, rows, nulls),
        }
        Ok(match self.physical_type {
            PhysicalType::Bool => {
                touch_bits(container, &self.values, &rows)?;
                let bits = BooleanBuffer::new(self.values.buffer.clone(), rows.start, rows.len());
                Arc::new(BooleanArray::new(bits, nulls))
            }
            PhysicalType::Int16 => self.primitive::<Int16Type>(container, rows, nulls)?,
            PhysicalType::Int32 => self.primitive::<Int32Type>(container, rows, nulls)?,
            PhysicalType::Int64 => self.primitive::<Int64Type>(container, rows, nulls)?,
            PhysicalType::UInt32 => self.primitive::<UInt32Type>(container, rows, nulls)?,
            PhysicalType::Float32 => self.primitive::<Float32Type>(container, rows, nulls)?,
            PhysicalType::Float64 => self.primitive::<Float64Type>(container, rows, nulls)?,
            PhysicalType::Fixed16 => {
                container.touch(&self.values, rows.start * 16, rows.len() * 16)?;
                let values = self.values.buffer.slice_with_length(rows.start * 16, rows.len() * 16);
                Arc::new(FixedSizeBinaryArray::new(16, values, nulls))
            }
            PhysicalType::Text | PhysicalType::Bytes => self.variable(container, rows, nulls)?,
        })
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        container: &Container,
        rows: Range<usize>,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, SegmentError> {
        let width = size_of::<T::Native>();
        container.touch(&self.values, rows.start * width, rows.len() * width)?;
        let values = ScalarBuffer::new(self.values.buffer.clone(), rows.start, rows.len());
        Ok(Arc::new(PrimitiveArray::<T>::new(values, nulls)))
    }

    /// The least value of the zone of a row; zero if all of it is NULL.
    fn least(&self, container: &Container, row: usize) -> Result<i64, SegmentError> {
        let zone = match &self.zones {
            Some(zones) => zones.get(container, row / ZONE_ROWS)?,
            None => None,
        };
        Ok(zone.map_or(0, |(least, _)| least))
    }

    /// The code of a row in its dictionary.
    fn code(&self, container: &Container, width: Width, row: usize) -> Result<u32, SegmentError> {
        let Some(codes) = &self.codes else {
            return Err(container.corrupt(self.values.offset, "the codes of a column are missing"));
        };
        container.touch(codes, row * width.bytes(), width.bytes())?;
        Ok(width.get(&codes.buffer, row))
    }

    /// A whole number of a row that is not NULL.
    fn sum(&self, container: &Container, width: Width, row: usize) -> Result<i64, SegmentError> {
        container.touch(&self.values, row * width.bytes(), width.bytes())?;
        Ok(self.least(container, row)? + i64::from(width.get(&self.values.buffer, row)))
    }

    fn variable(
        &self,
        container: &Container,
        rows: Range<usize>,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, SegmentError> {
        let Some((section, numbers)) = &self.offsets else {
            return Err(container.corrupt(self.values.offset, "the offsets of a column are missing"));
        };
        container.touch(section, rows.start * 4, (rows.len() + 1) * 4)?;
        let offsets = numbers.slice(rows.start, rows.len() + 1);
        let ends = (offsets.first(), offsets.last());
        let (Some(start), Some(end)) = (ends.0.copied(), ends.1.copied()) else {
            return Err(container.corrupt(section.offset, "the offsets of a column are missing"));
        };
        if start < 0 || end < start || end as usize > self.values.buffer.len() {
            return Err(container.corrupt(section.offset, "an offset lies outside its column"));
        }
        container.touch(&self.values, start as usize, (end - start) as usize)?;
        let data = self.values.buffer.clone();
        Ok(if self.physical_type == PhysicalType::Text {
            array::text(offsets, data, nulls)
        } else {
            array::bytes(offsets, data, nulls)
        })
    }

    fn nulls(&self, container: &Container, rows: &Range<usize>) -> Result<Option<NullBuffer>, SegmentError> {
        let Some(validity) = &self.validity else { return Ok(None) };
        touch_bits(container, validity, rows)?;
        let nulls = NullBuffer::new(BooleanBuffer::new(validity.buffer.clone(), rows.start, rows.len()));
        Ok((nulls.null_count() > 0).then_some(nulls))
    }

    /// Whether a row, which exists, is NULL.
    fn is_null(&self, container: &Container, row: usize) -> Result<bool, SegmentError> {
        let Some(validity) = &self.validity else { return Ok(false) };
        container.touch(validity, row / 8, 1)?;
        Ok(!bit_util::get_bit(&validity.buffer, row))
    }

    /// The value of a row, which exists.
    pub(super) fn value(&self, container: &Container, row: usize) -> Result<Value, SegmentError> {
        if self.is_null(container, row)? {
            return Ok(Value::Null);
        }
        if let Encoding::Delta(width) = self.encoding {
            let number = self.sum(container, width, row)?;
            return Ok(match self.physical_type {
                PhysicalType::Int16 => Value::Int16(number as i16),
                PhysicalType::Int32 => Value::Int32(number as i32),
                PhysicalType::UInt32 => Value::UInt32(number as u32),
                _ => Value::Int64(number),
            });
        }
        Ok(match self.physical_type {
            PhysicalType::Bool => {
                container.touch(&self.values, row / 8, 1)?;
                Value::Bool(bit_util::get_bit(&self.values.buffer, row))
            }
            PhysicalType::Int16 => Value::Int16(i16::from_le_bytes(self.fixed(container, row)?)),
            PhysicalType::Int32 => Value::Int32(i32::from_le_bytes(self.fixed(container, row)?)),
            PhysicalType::Int64 => Value::Int64(i64::from_le_bytes(self.fixed(container, row)?)),
            PhysicalType::UInt32 => Value::UInt32(u32::from_le_bytes(self.fixed(container, row)?)),
            PhysicalType::Float32 => Value::Float32(f32::from_le_bytes(self.fixed(container, row)?)),
            PhysicalType::Float64 => Value::Float64(f64::from_le_bytes(self.fixed(container, row)?)),
            PhysicalType::Fixed16 => Value::Fixed16(self.fixed(container, row)?),
            PhysicalType::Text => {
                let text = std::str::from_utf8(self.slice(container, row)?)
                    .map_err(|_| container.corrupt(self.values.offset, "a text is not UTF-8"))?;
                Value::Text(Arc::from(text))
            }
            PhysicalType::Bytes => Value::Bytes(Arc::from(self.slice(container, row)?)),
        })
    }

    /// The bytes of a row, which exists, in place: of a Text, Bytes or Fixed16 column. `None`: NULL.
    pub(super) fn value_bytes(
        &self,
        container: &Container,
        row: usize,
    ) -> Result<Option<&[u8]>, SegmentError> {
        if self.is_null(container, row)? {
            return Ok(None);
        }
        match self.physical_type {
            PhysicalType::Text | PhysicalType::Bytes => self.slice(container, row).map(Some),
            PhysicalType::Fixed16 => {
                container.touch(&self.values, row * 16, 16)?;
                Ok(self.values.buffer.get(row * 16..row * 16 + 16))
            }
            _ => Err(container.misuse("the bytes of a value that has none")),
        }
    }

    fn fixed<const WIDTH: usize>(
        &self,
        container: &Container,
        row: usize,
    ) -> Result<[u8; WIDTH], SegmentError> {
        container.touch(&self.values, row * WIDTH, WIDTH)?;
        let bytes = self.values.buffer.get(row * WIDTH..(row + 1) * WIDTH);
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| container.corrupt(self.values.offset, "a value lies outside its column"))
    }

    /// The bytes of a row of a Text or Bytes column.
    fn slice(&self, container: &Container, row: usize) -> Result<&[u8], SegmentError> {
        match self.encoding {
            Encoding::Dictionary(width) => self.entry(container, self.code(container, width, row)? as usize),
            Encoding::Plain | Encoding::Delta(_) => self.entry(container, row),
        }
    }

    /// The bytes between two offsets.
    fn entry(&self, container: &Container, row: usize) -> Result<&[u8], SegmentError> {
        let outside = || container.corrupt(self.values.offset, "a value lies outside its column");
        let (section, numbers) = self.offsets.as_ref().ok_or_else(outside)?;
        container.touch(section, row * 4, 8)?;
        let (Some(start), Some(end)) = (numbers.get(row), numbers.get(row + 1)) else {
            return Err(outside());
        };
        let start = usize::try_from(*start).map_err(|_| outside())?;
        let end = usize::try_from(*end).map_err(|_| outside())?;
        let bytes = self.values.buffer.get(start..end).ok_or_else(outside)?;
        container.touch(&self.values, start, bytes.len())?;
        Ok(bytes)
    }
}

/// Touches the bytes of a range of bits.
fn touch_bits(container: &Container, section: &Section, rows: &Range<usize>) -> Result<(), SegmentError> {
    let first = rows.start / 8;
    container.touch(section, first, rows.end.div_ceil(8).saturating_sub(first))
}
