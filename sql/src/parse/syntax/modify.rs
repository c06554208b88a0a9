//! INSERT, UPDATE, DELETE and COPY as written.

use super::{
    Expression, IndexElement, Name, ObjectName, Query, SelectItem, SubscriptIndex, TableReference, With,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub with: Option<With>,
    pub table: ObjectName,
    pub alias: Option<Name>,
    pub columns: Vec<TargetColumn>,
    pub overriding: Option<Overriding>,
    /// None for DEFAULT VALUES.
    pub source: Option<Query>,
    pub conflict: Option<ConflictClause>,
    pub returning: Vec<SelectItem>,
}

/// A column to assign to. A field or element of it may be named; the analyzer refuses that by name.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetColumn {
    pub name: Name,
    pub fields: Vec<Name>,
    pub indexes: Vec<SubscriptIndex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    SystemValue,
    UserValue,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConflictClause {
    pub target: Option<ConflictTarget>,
    /// None for DO NOTHING.
    pub update: Option<ConflictUpdate>,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConflictTarget {
    Inference { elements: Vec<IndexElement>, filter: Option<Expression>, at: u32 },
    Constraint(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConflictUpdate {
    pub assignments: Vec<SetClause>,
    pub filter: Option<Expression>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SetClause {
    Single(TargetColumn, Expression),
    /// `(a, b) = value`: a row or a subquery.
    Multiple(Vec<TargetColumn>, Expression),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub with: Option<With>,
    pub table: ObjectName,
    pub alias: Option<Name>,
    pub assignments: Vec<SetClause>,
    pub from: Vec<TableReference>,
    pub filter: Option<RowFilter>,
    pub returning: Vec<SelectItem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub with: Option<With>,
    pub table: ObjectName,
    pub alias: Option<Name>,
    pub using: Vec<TableReference>,
    pub filter: Option<RowFilter>,
    pub returning: Vec<SelectItem>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RowFilter {
    Where(Expression),
    CurrentOf(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    pub subject: CopySubject,
    pub from: bool,
    pub endpoint: CopyEndpoint,
    /// Old-style options arrive in the new form.
    pub options: Vec<UtilityOption>,
    pub filter: Option<Expression>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CopySubject {
    Table { name: ObjectName, columns: Vec<Name> },
    Statement(Box<super::Statement>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum CopyEndpoint {
    /// STDIN or STDOUT, whichever the direction asks for.
    Client,
    File(String),
    Program(String),
}

/// `name [value]` in a parenthesised list of options.
#[derive(Clone, Debug, PartialEq)]
pub struct UtilityOption {
    pub name: String,
    pub value: Option<OptionValue>,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// A bare word, lower case: on, off, csv.
    Word(String),
    String(String),
    Number(String),
    Star,
    List(Vec<String>),
}
