//! A column of new rows in a log record.
//!
//! Format: one byte that says whether there are NULLs; if so one byte per row, 1 where it is NULL; then the values of
//! all rows, NULL ones as zeros: booleans a byte each, fixed types little-endian, text and bytes as the end offset of
//! each row (4 bytes) and then all bytes together.

use super::{Reader, Writer};
use crate::table::bits::Bits;
use crate::table::column::{Column, ColumnBuilder, SealedColumn, Values};
use crate::{Error, PhysicalType};

macro_rules! numbers {
    ($writer:expr, $values:expr) => {
        for value in $values.iter() {
            $writer.bytes.extend_from_slice(&value.to_le_bytes());
        }
    };
}

/// Writes all rows of a column.
pub(crate) fn encode(column: &Column, writer: &mut Writer) {
    let rows = column.len();
    let nulls = column.has_nulls();
    writer.u8(u8::from(nulls));
    if nulls {
        writer.bytes.extend((0..rows).map(|row| u8::from(column.is_null(row))));
    }
    match column {
        Column::Open(builder) => encode_open(builder, rows, writer),
        Column::Sealed(sealed) => encode_sealed(sealed, rows, writer),
    }
}

fn encode_open(builder: &ColumnBuilder, rows: usize, writer: &mut Writer) {
    match builder.values() {
        Values::Bool(bits) => writer.bytes.extend((0..rows).map(|row| u8::from(bits.get(row)))),
        Values::Int16(values) => numbers!(writer, values),
        Values::Int32(values) => numbers!(writer, values),
        Values::Int64(values) => numbers!(writer, values),
        Values::UInt32(values) => numbers!(writer, values),
        Values::Float32(values) => numbers!(writer, values),
        Values::Float64(values) => numbers!(writer, values),
        Values::Fixed16(values) => writer.bytes.extend_from_slice(values.as_flattened()),
        Values::Variable { ends, bytes } => {
            numbers!(writer, ends);
            writer.bytes.extend_from_slice(bytes);
        }
    }
}

fn encode_sealed(column: &SealedColumn, rows: usize, writer: &mut Writer) {
    match column {
        SealedColumn::Bool(array) => writer.bytes.extend((0..rows).map(|row| u8::from(array.value(row)))),
        SealedColumn::Int16(array) => numbers!(writer, array.values()),
        SealedColumn::Int32(array) => numbers!(writer, array.values()),
        SealedColumn::Int64(array) => numbers!(writer, array.values()),
        SealedColumn::UInt32(array) => numbers!(writer, array.values()),
        SealedColumn::Float32(array) => numbers!(writer, array.values()),
        SealedColumn::Float64(array) => numbers!(writer, array.values()),
        SealedColumn::Fixed16(array) => {
            (0..rows).for_each(|row| writer.bytes.extend_from_slice(array.value(row)));
        }
        SealedColumn::Text(array) => {
            encode_variable(writer, array.offsets(), array.value_data());
        }
        SealedColumn::Bytes(array) => {
            encode_variable(writer, array.offsets(), array.value_data());
        }
    }
}

fn encode_variable(writer: &mut Writer, offsets: &[i32], bytes: &[u8]) {
    // Chunks own their arrays whole: the first offset is zero.
    let ends = offsets.get(1..).unwrap_or(&[]);
    numbers!(writer, ends);
    let used = offsets.last().map_or(0, |last| *last as usize);
    writer.bytes.extend_from_slice(bytes.get(..used).unwrap_or(bytes));
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(physical: PhysicalType, rows: usize, reader: &mut Reader<'_>) -> Result<Column, Error> {
    let valid = match reader.u8()? {
        0 => None,
        1 => {
            let mut bits = Bits::default();
            reader.take(rows)?.iter().for_each(|null| bits.push(*null == 0));
            Some(bits)
        }
        _ => return Err(reader.damaged("a column with unknown flags")),
    };
    let values = match physical {
        PhysicalType::Bool => {
            let mut bits = Bits::default();
            reader.take(rows)?.iter().for_each(|byte| bits.push(*byte != 0));
            Values::Bool(bits)
        }
        PhysicalType::Int16 => Values::Int16(numbers(reader, rows, i16::from_le_bytes)?),
        PhysicalType::Int32 => Values::Int32(numbers(reader, rows, i32::from_le_bytes)?),
        PhysicalType::Int64 => Values::Int64(numbers(reader, rows, i64::from_le_bytes)?),
        PhysicalType::UInt32 => Values::UInt32(numbers(reader, rows, u32::from_le_bytes)?),
        PhysicalType::Float32 => Values::Float32(numbers(reader, rows, f32::from_le_bytes)?),
        PhysicalType::Float64 => Values::Float64(numbers(reader, rows, f64::from_le_bytes)?),
        PhysicalType::Fixed16 => Values::Fixed16(numbers(reader, rows, |bytes: [u8; 16]| bytes)?),
        PhysicalType::Text | PhysicalType::Bytes => decode_variable(physical, rows, reader)?,
    };
    Ok(Column::Open(ColumnBuilder::from_values(physical, rows, valid, values)))
}

fn numbers<const N: usize, T>(
    reader: &mut Reader<'_>,
    rows: usize,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, Error> {
    let Some(length) = rows.checked_mul(N) else { return Err(reader.damaged("too many rows")) };
    let (numbers, _) = reader.take(length)?.as_chunks::<N>();
    Ok(numbers.iter().map(|bytes| number(*bytes)).collect())
}

fn decode_variable(physical: PhysicalType, rows: usize, reader: &mut Reader<'_>) -> Result<Values, Error> {
    let ends: Vec<i32> = numbers(reader, rows, i32::from_le_bytes)?;
    let ascending = ends.first().is_none_or(|first| *first >= 0) && ends.is_sorted();
    if !ascending {
        return Err(reader.damaged("a column whose offsets do not ascend"));
    }
    let bytes = reader.take(ends.last().map_or(0, |last| *last as usize))?;
    if physical == PhysicalType::Text {
        let text = std::str::from_utf8(bytes).map_err(|_| reader.damaged("text that is not UTF-8"))?;
        if ends.iter().any(|end| !text.is_char_boundary(*end as usize)) {
            return Err(reader.damaged("text that is cut within a character"));
        }
    }
    Ok(Values::Variable { ends, bytes: bytes.to_vec() })
}
