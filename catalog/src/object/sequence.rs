//! Sequences: their parameters. Where one stands is the engine's to know.

use serde::{Deserialize, Serialize};

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
