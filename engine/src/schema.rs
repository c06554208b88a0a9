//! What the engine knows of a table: the physical types of its columns and which indexes it has.

use crate::{ColumnId, IndexId, PhysicalType, Value, VectorIndexSchema};

/// The shape of a table's rows as written from now on. Older rows keep the shape they were written with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableSchema {
    /// The columns in the order in which [`NewRow::values`] gives them.
    pub columns: Vec<(ColumnId, PhysicalType)>,
    pub indexes: Vec<IndexSchema>,
    /// Indexes over columns of vectors. Nothing is given for them with a row: they read the column.
    pub vectors: Vec<VectorIndexSchema>,
    /// The text and bytes columns whose long values stand beside the table (`long_value`). A column that is read in place,
    /// as one of vectors is, must not be among them.
    pub long: Vec<ColumnId>,
}

impl TableSchema {
    /// The position of `column` among the values of a new row.
    pub fn position(&self, column: ColumnId) -> Option<usize> {
        position(&self.columns, column)
    }

    /// The index with this id.
    pub fn index(&self, index: IndexId) -> Option<&IndexSchema> {
        self.indexes.iter().find(|candidate| candidate.id == index)
    }

    /// The vector index with this id.
    pub fn vector(&self, index: IndexId) -> Option<&VectorIndexSchema> {
        self.vectors.iter().find(|candidate| candidate.id == index)
    }
}

/// Finds a column by id; ids are mostly consecutive, so the first guess is mostly right.
pub(crate) fn position(columns: &[(ColumnId, PhysicalType)], column: ColumnId) -> Option<usize> {
    let guess = columns.first().map(|first| column.0.wrapping_sub(first.0.0) as usize)?;
    match columns.get(guess) {
        Some(found) if found.0 == column => Some(guess),
        _ => columns.iter().position(|candidate| candidate.0 == column),
    }
}

/// An index over keys that arrive encoded: their bytes compare as the keys do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSchema {
    pub id: IndexId,
    /// Whether two live rows may not have the same key.
    pub unique: bool,
    /// Whether this is the clustering key, by which segments are sorted. At most one of a table's indexes is.
    pub primary: bool,
}

/// A row to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewRow {
    /// One value per column, in the order of [`TableSchema::columns`].
    pub values: Vec<Value>,
    /// The encoded key for each index that holds this row, and whether uniqueness is to be checked for it (not when
    /// the key holds a NULL). An index that is absent does not hold the row (a partial index).
    pub keys: Vec<(IndexId, Vec<u8>, bool)>,
}
