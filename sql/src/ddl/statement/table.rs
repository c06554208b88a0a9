//! CREATE TABLE.

use sqlparser::ast;

use super::{QualifiedName, SequenceOption, SourceExpression};

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    pub name: QualifiedName,
    pub if_not_exists: bool,
    pub temporary: bool,
    pub unlogged: bool,
    pub elements: Vec<TableElement>,
    /// WITH (name = value, ...).
    pub options: Vec<(String, Option<String>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableElement {
    Column(ColumnDefinition),
    Constraint(TableConstraint),
    Like(LikeClause),
}

/// LIKE source INCLUDING ... EXCLUDING ...
#[derive(Clone, Debug, PartialEq)]
pub struct LikeClause {
    pub source: QualifiedName,
    pub comments: bool,
    pub constraints: bool,
    pub defaults: bool,
    pub generated: bool,
    pub identity: bool,
    pub indexes: bool,
    pub storage: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    pub name: String,
    pub position: Option<u32>,
    pub data_type: ast::DataType,
    /// COLLATE.
    pub collation: Option<QualifiedName>,
    pub constraints: Vec<ColumnConstraint>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnConstraint {
    Null,
    NotNull,
    Default(SourceExpression),
    /// GENERATED ALWAYS AS (...) STORED.
    Generated(SourceExpression),
    Identity {
        always: bool,
        options: Vec<SequenceOption>,
    },
    /// PRIMARY KEY, UNIQUE, CHECK or REFERENCES of this column.
    Constraint(TableConstraint),
}

/// A named or unnamed constraint; of a column, its column lists are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    pub name: Option<String>,
    pub definition: ConstraintDefinition,
    pub timing: ConstraintTiming,
    /// NOT VALID.
    pub not_valid: bool,
    pub no_inherit: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConstraintTiming {
    pub deferrable: bool,
    pub initially_deferred: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintDefinition {
    /// PRIMARY KEY or UNIQUE.
    Key {
        primary: bool,
        columns: Vec<String>,
        include: Vec<String>,
        nulls_not_distinct: bool,
        options: Vec<(String, Option<String>)>,
        /// USING INDEX name.
        using_index: Option<String>,
    },
    Check(SourceExpression),
    ForeignKey(ForeignKeyClause),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKeyClause {
    pub columns: Vec<String>,
    pub referenced: QualifiedName,
    pub referenced_columns: Vec<String>,
    pub match_kind: catalog::MatchKind,
    pub on_update: catalog::ReferentialAction,
    pub on_delete: catalog::ReferentialAction,
    /// ON DELETE SET NULL (columns).
    pub delete_columns: Vec<String>,
}
