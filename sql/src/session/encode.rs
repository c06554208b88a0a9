//! Rows into DataRow frames.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use bytes::{BufMut, BytesMut};
use engine::Value;

use super::names::CatalogNames;
use super::row::{DataRow, Format};
use super::rows::RowBatch;
use super::shared::Derived;
use crate::error::Result;
use crate::evaluate::column::value_at;
use crate::types::{self, OutputSettings};

/// Writes rows of fixed types and formats.
pub struct RowEncoder {
    columns: Vec<(u32, Format)>,
    settings: Arc<Derived>,
    names: Arc<CatalogNames>,
    scratch: Vec<u8>,
}

impl RowEncoder {
    pub fn new(columns: Vec<(u32, Format)>, settings: Arc<Derived>, names: CatalogNames) -> RowEncoder {
        RowEncoder { columns, settings, names: Arc::new(names), scratch: Vec::new() }
    }

    /// Appends `count` rows from `start`.
    pub fn rows(
        &mut self,
        batch: &RowBatch,
        start: usize,
        count: usize,
        buffer: &mut BytesMut,
    ) -> Result<()> {
        let names = self.names.clone();
        let settings = self.settings.clone();
        let output = settings.output(&*names);
        match batch {
            RowBatch::Values(rows) => {
                for row in rows.iter().skip(start).take(count) {
                    self.values(row, &output, buffer)?;
                }
            }
            RowBatch::Arrow(batch) => {
                for row in start..start + count {
                    self.arrow(batch.columns(), row, &output, buffer)?;
                }
            }
        }
        Ok(())
    }

    fn values(&mut self, row: &[Value], output: &OutputSettings<'_>, buffer: &mut BytesMut) -> Result<()> {
        let mut frame = DataRow::begin(buffer, self.columns.len() as u16);
        for (value, (type_oid, format)) in row.iter().zip(&self.columns) {
            write_value(&mut frame, *type_oid, *format, value, output, &mut self.scratch)?;
        }
        frame.finish()
    }

    fn arrow(
        &mut self,
        columns: &[ArrayRef],
        row: usize,
        output: &OutputSettings<'_>,
        buffer: &mut BytesMut,
    ) -> Result<()> {
        let mut frame = DataRow::begin(buffer, self.columns.len() as u16);
        for (column, (type_oid, format)) in columns.iter().zip(&self.columns) {
            if column.is_null(row) {
                frame.null();
                continue;
            }
            // The commonest types are written without a value in between.
            match (*type_oid, *format) {
                (types::oid::INT4, Format::Text) => {
                    write_integer(
                        &mut frame,
                        i64::from(column.as_primitive::<Int32Type>().value(row)),
                        &mut self.scratch,
                    );
                }
                (types::oid::INT8, Format::Text) => {
                    write_integer(
                        &mut frame,
                        column.as_primitive::<Int64Type>().value(row),
                        &mut self.scratch,
                    );
                }
                (types::oid::TEXT | types::oid::VARCHAR | types::oid::BPCHAR, _) => {
                    frame.bytes(column.as_string::<i32>().value(row).as_bytes());
                }
                _ => {
                    let value = value_at(column, row)?;
                    write_value(&mut frame, *type_oid, *format, &value, output, &mut self.scratch)?;
                }
            }
        }
        frame.finish()
    }
}

fn write_integer(frame: &mut DataRow<'_>, number: i64, scratch: &mut Vec<u8>) {
    scratch.clear();
    types::digits::append_i64(number, scratch);
    frame.bytes(scratch);
}

/// Writes one value of a row.
pub fn write_value(
    frame: &mut DataRow<'_>,
    type_oid: u32,
    format: Format,
    value: &Value,
    output: &OutputSettings<'_>,
    scratch: &mut Vec<u8>,
) -> Result<()> {
    if value.is_null() {
        frame.null();
        return Ok(());
    }
    scratch.clear();
    match format {
        Format::Text => types::append_output(type_oid, value, output, scratch)?,
        Format::Binary => types::send_named(type_oid, value, output, scratch)?,
    }
    frame.bytes(scratch);
    Ok(())
}

/// Appends one CopyData frame around `data`.
pub fn copy_data(buffer: &mut BytesMut, data: &[u8]) {
    buffer.put_u8(b'd');
    buffer.put_i32(data.len() as i32 + 4);
    buffer.put_slice(data);
}
