//! Sequences: their parameters. Where one stands is the engine's to know.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::Column;

/// What CREATE SEQUENCE, serial and identity columns make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// int2, int4 or int8.
    pub type_oid: u32,
    pub start: i64,
    pub increment: i64,
    pub minimum: i64,
    pub maximum: i64,
    pub cache: i64,
    pub cycle: bool,
    /// The column it goes down with: (table, attribute number).
    pub owned_by: Option<(u32, i16)>,
    /// It belongs to an identity column, which alone may drop it.
    pub identity: bool,
}

/// The columns of a sequence that is read as a table.
pub(super) fn columns() -> &'static [Column] {
    static COLUMNS: OnceLock<Vec<Column>> = OnceLock::new();
    COLUMNS.get_or_init(|| {
        let described = [("last_value", 20), ("log_cnt", 20), ("is_called", 16)];
        let column = |((name, type_oid), number)| {
            let mut column = Column::new(number, 0, name, type_oid, -1);
            column.not_null = true;
            column
        };
        described.into_iter().zip(1..).map(column).collect()
    })
}
