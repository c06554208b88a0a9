//! The typed query tree: what analysis yields, what planning reads, and what stored definitions keep.
//!
//! Invariants. Every column that any relation of a statement produces has a number of its own, unique in the whole
//! statement, subqueries included; an expression names a column by that number alone. A number that no input of an
//! expression's relation produces belongs to an enclosing query: that is what correlation is. Every expression has a
//! PostgreSQL type (oid and typmod) and every implicit cast is written out, so nothing after analysis resolves names,
//! guesses types or consults a search path.

mod expression;
mod modify;
mod relation;
mod shape;
pub mod visit;
mod walk;

pub use expression::{
    AggregateCall, BooleanTest, ColumnNumber, DomainRule, Expression, ExpressionKind, Form, FrameBound,
    FrameExclusion, FrameUnits, SortKey, SpecialValue, Subquery, SubqueryKind, Type, WindowCall, WindowFrame,
};
pub use modify::{
    Assignment, ConflictAction, ConflictUpdate, Delete, Insert, OnConflict, Returning, RowColumn, Update,
};
pub use relation::{
    Column, CommonQuery, CommonTable, FunctionItem, JoinKind, LockStrength, LockWait, OutputColumn, Query,
    Relation, RowLockClause, SetOperator, SystemColumn, TableColumn, TableScan, TimeClause,
};
pub use shape::{FromShape, QueryShape, WindowShape};
