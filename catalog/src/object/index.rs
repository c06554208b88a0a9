//! Indexes.

use serde::{Deserialize, Serialize};

use super::StoredExpression;
use crate::builtin::{HNSW, IVFFLAT};

/// An index. The engine knows it by the relation's oid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub table: u32,
    /// pg_am oid.
    pub method: u32,
    pub keys: Vec<IndexKey>,
    /// INCLUDE: attribute numbers carried along, not searched by.
    pub include: Vec<i16>,
    pub unique: bool,
    pub primary: bool,
    pub nulls_not_distinct: bool,
    /// Uniqueness is checked at once; false for a deferrable constraint.
    pub immediate: bool,
    pub predicate: Option<StoredExpression>,
    /// False while it is being built or after a failed build: not used by plans, kept by writes.
    pub valid: bool,
    pub clustered: bool,
}

/// One column of an index key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexKey {
    pub source: IndexSource,
    /// The name that pg_attribute shows for it.
    pub name: String,
    pub type_oid: u32,
    pub typmod: i32,
    pub operator_class: u32,
    pub collation: u32,
    pub descending: bool,
    pub nulls_first: bool,
}

/// What an index column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IndexSource {
    /// A column of the table, by attribute number.
    Column(i16),
    Expression(StoredExpression),
}

impl Index {
    /// Whether the engine keeps it under keys, and not as a vector index.
    pub fn is_keyed(&self) -> bool {
        !matches!(self.method, HNSW | IVFFLAT)
    }

    /// The attribute numbers, 0 for an expression; keys first, then INCLUDE: pg_index.indkey.
    pub fn attribute_numbers(&self) -> Vec<i16> {
        let keys = self.keys.iter().map(|key| match key.source {
            IndexSource::Column(number) => number,
            IndexSource::Expression(_) => 0,
        });
        keys.chain(self.include.iter().copied()).collect()
    }
}
