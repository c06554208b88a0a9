//! Typed statements that change rows: INSERT, UPDATE, DELETE, and what COPY names.
//!
//! A modification is a query that yields what the transaction layer needs, never the change itself: the handle of
//! each target row, the new values, and whatever else RETURNING or a re-check after a lock wait reads.
//!
//! Column numbers. As everywhere, unique in the statement. The target's *old* row is `target.columns`; the *new* row
//! (of INSERT and UPDATE) has numbers of its own, `row`, one for each live attribute in attribute order, and RETURNING
//! is written over those. Generated columns, CHECK and NOT NULL are not in these trees: the session takes them from
//! the catalog, whose stored expressions name a column by its attribute number.

use serde::{Deserialize, Serialize};

use super::{
    Column, ColumnNumber, CommonTable, Expression, JoinKind, OutputColumn, Query, Relation, TableScan,
};

/// INSERT. `source` yields one column for each entry of `columns`, by position, defaults filled in, values already
/// cast to the attribute's type and typmod. A generated column is absent from `columns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Insert {
    /// pg_class oid.
    pub table: u32,
    /// Attribute numbers, ascending: every live attribute that is not generated.
    pub columns: Vec<i16>,
    /// The statement's own WITH stands in the source's `common`. For VALUES the relation is `Relation::Values`,
    /// a whole row in each of its rows, so that single rows need no plan. Columns beyond those of `columns` are for
    /// RETURNING alone.
    pub source: Query,
    /// The row as inserted (or, after DO UPDATE, as updated), for RETURNING.
    pub row: Vec<RowColumn>,
    pub conflict: Option<OnConflict>,
    pub returning: Option<Returning>,
}

/// A column of a table's row, numbered for one statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowColumn {
    pub attribute: i16,
    pub column: Column,
}

/// ON CONFLICT. `arbiters` are pg_class oids of unique indexes; empty (DO NOTHING without a target only) means any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnConflict {
    pub arbiters: Vec<u32>,
    pub action: ConflictAction,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConflictAction {
    Nothing,
    Update(Box<ConflictUpdate>),
}

/// DO UPDATE: expressions over `existing` (the row in the table) and `excluded` (the row proposed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictUpdate {
    /// Every live attribute of the existing row, with its handle.
    pub existing: TableScan,
    /// Every live attribute of the proposed row.
    pub excluded: Vec<RowColumn>,
    pub assignments: Vec<Assignment>,
    pub predicate: Option<Expression>,
}

/// `attribute = value`, the value already cast. Several attributes set from one row subquery arrive as fields of a
/// common column of `Update::others`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub attribute: i16,
    pub value: Expression,
}

/// UPDATE. Row by row: (target × others) filtered by `predicate`; `assignments` are over the same columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    pub common: Vec<CommonTable>,
    /// The scan of the target: every live attribute, and the handle.
    pub target: TableScan,
    /// Number of the target's `SystemColumn::Handle` column.
    pub handle: ColumnNumber,
    /// FROM, joined to the target without a condition of its own. Depends on the target (`lateral`) where it computes
    /// the values of assignments that hold subqueries.
    pub others: Option<Box<Relation>>,
    pub others_lateral: bool,
    pub predicate: Option<Expression>,
    pub assignments: Vec<Assignment>,
    /// The row as updated.
    pub row: Vec<RowColumn>,
    pub returning: Option<Returning>,
}

/// DELETE. RETURNING reads the old row, `target.columns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delete {
    pub common: Vec<CommonTable>,
    pub target: TableScan,
    pub handle: ColumnNumber,
    /// USING. Depends on the target (`lateral`) where it computes subqueries of RETURNING.
    pub others: Option<Box<Relation>>,
    pub others_lateral: bool,
    pub predicate: Option<Expression>,
    pub returning: Option<Returning>,
}

/// RETURNING: expressions over the row and, for UPDATE and DELETE, over `others`; `output[i].column` names
/// `items[i]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Returning {
    pub items: Vec<(ColumnNumber, Expression)>,
    pub output: Vec<OutputColumn>,
}

impl Update {
    /// The relation that yields target rows with everything that the assignments, RETURNING and a re-check read.
    pub fn source(&self) -> Relation {
        modification_source(
            &self.target,
            self.others.as_deref(),
            self.others_lateral,
            self.predicate.as_ref(),
        )
    }
}

impl Delete {
    /// The relation that yields target rows with everything that RETURNING and a re-check read.
    pub fn source(&self) -> Relation {
        modification_source(
            &self.target,
            self.others.as_deref(),
            self.others_lateral,
            self.predicate.as_ref(),
        )
    }
}

fn modification_source(
    target: &TableScan,
    others: Option<&Relation>,
    lateral: bool,
    predicate: Option<&Expression>,
) -> Relation {
    let mut relation = Relation::Table(target.clone());
    if let Some(others) = others {
        relation = Relation::Join {
            kind: JoinKind::Cross,
            left: Box::new(relation),
            right: Box::new(others.clone()),
            on: None,
            lateral,
        };
    }
    match predicate {
        Some(predicate) => Relation::Filter { input: Box::new(relation), predicate: predicate.clone() },
        None => relation,
    }
}
