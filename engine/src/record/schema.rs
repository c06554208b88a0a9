//! The schema of a table, written: columns, indexes over keys, indexes over vectors.
//!
//! Format: number of columns (4 bytes), each its id (4) and physical type (1, with the bit 128 where long values stand in
//! the table beside); number of indexes (4), each its id (4) and flags (1: 1 unique, 2 the clustering key). Flags of 4 say an
//! index over vectors: column (4), element (1), metric (1), dimensions (4), m (4) and ef_construction (4) follow.

use super::{Reader, Writer};
use crate::vector::{Element, Metric};
use crate::{ColumnId, Error, IndexId, IndexSchema, PhysicalType, TableSchema, VectorIndexSchema};

/// Added to the physical type of a column whose long values stand in the table beside.
const LONG: u8 = 128;
/// The flags of an index over vectors.
const VECTORS: u8 = 4;

/// Writes a schema.
pub(crate) fn encode_schema(schema: &TableSchema, writer: &mut Writer) {
    writer.u32(schema.columns.len() as u32);
    for (column, physical) in &schema.columns {
        writer.u32(column.0);
        writer.u8(*physical as u8 | if schema.long.contains(column) { LONG } else { 0 });
    }
    writer.u32((schema.indexes.len() + schema.vectors.len()) as u32);
    for index in &schema.indexes {
        writer.u32(index.id.0);
        writer.u8(u8::from(index.unique) | u8::from(index.primary) << 1);
    }
    for index in &schema.vectors {
        writer.u32(index.id.0);
        writer.u8(VECTORS);
        writer.u32(index.column.0);
        writer.u8(index.element as u8);
        writer.u8(index.metric as u8);
        writer.u32(index.dimensions);
        writer.u32(index.m);
        writer.u32(index.ef_construction);
    }
}

fn decode_vectors(id: IndexId, reader: &mut Reader<'_>) -> Result<VectorIndexSchema, Error> {
    let column = ColumnId(reader.u32()?);
    let element =
        Element::from_tag(reader.u8()?).ok_or_else(|| reader.damaged("vectors of no known element"))?;
    let metric =
        Metric::from_tag(reader.u8()?).ok_or_else(|| reader.damaged("vectors of no known metric"))?;
    let (dimensions, m, ef_construction) = (reader.u32()?, reader.u32()?, reader.u32()?);
    Ok(VectorIndexSchema { id, column, element, metric, dimensions, m, ef_construction })
}

pub(crate) fn decode_schema(reader: &mut Reader<'_>) -> Result<TableSchema, Error> {
    let mut schema = TableSchema::default();
    for _ in 0..reader.count()? {
        let (column, tag) = (ColumnId(reader.u32()?), reader.u8()?);
        let physical =
            PhysicalType::from_tag(tag & !LONG).ok_or_else(|| reader.damaged("an unknown type"))?;
        schema.columns.push((column, physical));
        schema.long.extend((tag & LONG != 0).then_some(column));
    }
    for _ in 0..reader.count()? {
        let id = IndexId(reader.u32()?);
        let flags = reader.u8()?;
        if flags == VECTORS {
            schema.vectors.push(decode_vectors(id, reader)?);
            continue;
        }
        schema.indexes.push(IndexSchema { id, unique: flags & 1 != 0, primary: flags & 2 != 0 });
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_its_indexes_again() {
        let vectors = VectorIndexSchema {
            id: IndexId(9),
            column: ColumnId(2),
            element: Element::F16,
            metric: Metric::Cosine,
            dimensions: 384,
            m: 16,
            ef_construction: 64,
        };
        let schema = TableSchema {
            columns: vec![
                (ColumnId(1), PhysicalType::Int64),
                (ColumnId(2), PhysicalType::Bytes),
                (ColumnId(4), PhysicalType::Text),
            ],
            indexes: vec![IndexSchema { id: IndexId(3), unique: true, primary: true }],
            vectors: vec![vectors, VectorIndexSchema { metric: Metric::L1, ..vectors }],
            long: vec![ColumnId(4)],
        };
        let mut writer = Writer::default();
        encode_schema(&schema, &mut writer);
        let mut reader = Reader::new(&writer.bytes);
        assert_eq!(decode_schema(&mut reader), Ok(schema));
        assert_eq!(reader.end(), Ok(()));
    }
}
