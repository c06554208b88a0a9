//! Constraints. NOT NULL is a mark of its column, as in PostgreSQL 15.

use serde::{Deserialize, Serialize};

use super::StoredExpression;

/// A constraint of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    pub oid: u32,
    pub database: u32,
    pub schema: u32,
    pub name: String,
    pub relation: u32,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// False for NOT VALID: new rows are checked, old ones have not been.
    pub validated: bool,
    pub no_inherit: bool,
    pub kind: ConstraintKind,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConstraintKind {
    PrimaryKey {
        index: u32,
        columns: Vec<i16>,
    },
    Unique {
        index: u32,
        columns: Vec<i16>,
    },
    ForeignKey(ForeignKey),
    /// `columns`: those the expression reads.
    Check {
        expression: StoredExpression,
        columns: Vec<i16>,
    },
}

/// A reference to a key of another table, or of the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub columns: Vec<i16>,
    pub referenced: u32,
    pub referenced_columns: Vec<i16>,
    /// The unique index of the referenced table that answers it.
    pub index: u32,
    pub match_kind: MatchKind,
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
    /// ON DELETE SET NULL (columns): empty means all.
    pub delete_columns: Vec<i16>,
    /// Equality operators, a column each: referenced = referencing.
    pub operators: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchKind {
    Simple,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferentialAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

impl ReferentialAction {
    /// The letter in pg_constraint.
    pub fn letter(self) -> char {
        match self {
            ReferentialAction::NoAction => 'a',
            ReferentialAction::Restrict => 'r',
            ReferentialAction::Cascade => 'c',
            ReferentialAction::SetNull => 'n',
            ReferentialAction::SetDefault => 'd',
        }
    }
}

impl Constraint {
    /// The letter in pg_constraint.contype.
    pub fn letter(&self) -> char {
        match &self.kind {
            ConstraintKind::PrimaryKey { .. } => 'p',
            ConstraintKind::Unique { .. } => 'u',
            ConstraintKind::ForeignKey(_) => 'f',
            ConstraintKind::Check { .. } => 'c',
        }
    }

    /// The constrained columns, by attribute number.
    pub fn columns(&self) -> &[i16] {
        match &self.kind {
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Check { columns, .. } => columns,
            ConstraintKind::ForeignKey(key) => &key.columns,
        }
    }

    /// The index that enforces or answers it.
    pub fn index(&self) -> Option<u32> {
        match &self.kind {
            ConstraintKind::PrimaryKey { index, .. } | ConstraintKind::Unique { index, .. } => Some(*index),
            ConstraintKind::ForeignKey(key) => Some(key.index),
            ConstraintKind::Check { .. } => None,
        }
    }
}
