//! INSERT, UPDATE and DELETE: a query that yields what to change, and how the target's row follows from it.
//!
//! Column numbers. In `Target::columns` every column of the target that any expression of the statement names has
//! its number. Assignments and qualifiers see the old row under those numbers, RETURNING the new row (of DELETE: the
//! old one). Every other number comes from the source query's output, which therefore lists every column, the
//! target's handle included, that the statement's expressions use.
//!
//! Stored expressions of a table (CHECK, generated columns, index keys and predicates) name the table's own columns
//! by attribute number: `ColumnNumber(attribute as u32)`.

use serde::{Deserialize, Serialize};

use super::{ColumnNumber, Expression, OutputColumn, Query, TableColumn};

/// The table that is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// pg_class oid.
    pub table: u32,
    /// Alias or name, for messages.
    pub name: String,
    pub columns: Vec<TableColumn>,
}

/// A column set to a value that already has the column's type and typmod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub attribute: i16,
    pub value: Expression,
}

/// The rows of RETURNING.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Returning {
    /// `OutputColumn::column` is a number of its own, fed by the expression.
    pub items: Vec<(OutputColumn, Expression)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Insert {
    pub target: Target,
    /// One row for each row to insert; `Relation::Empty` for DEFAULT VALUES.
    pub source: Query,
    /// One for every live column that is not generated, in attribute order: over the source's output; the column's
    /// default (nextval of an identity too) or a NULL constant where the statement gives none. Rows of VALUES have
    /// DEFAULT already replaced.
    pub values: Vec<Assignment>,
    pub conflict: Option<OnConflict>,
    pub returning: Option<Returning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnConflict {
    /// Oids of the unique indexes inferred or named; empty means any.
    pub arbiters: Vec<u32>,
    pub action: ConflictAction,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConflictAction {
    Nothing,
    /// Assignments and filter name the existing row by `Target::columns` and the proposed one by `excluded`.
    Update {
        excluded: Vec<TableColumn>,
        assignments: Vec<Assignment>,
        filter: Option<Expression>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    pub target: Target,
    /// Target × FROM list, filtered by the qualifier.
    pub source: Query,
    /// The number of the target's `SystemColumn::Handle` in the source's output.
    pub handle: ColumnNumber,
    /// WHERE, once more by itself: re-checked against the newest version of a row that had to be waited for.
    pub qualifier: Option<Expression>,
    pub assignments: Vec<Assignment>,
    pub returning: Option<Returning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delete {
    pub target: Target,
    /// Target × USING list, filtered by the qualifier.
    pub source: Query,
    pub handle: ColumnNumber,
    pub qualifier: Option<Expression>,
    pub returning: Option<Returning>,
}
