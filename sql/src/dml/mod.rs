//! INSERT, UPDATE, DELETE, TRUNCATE: rows changed through the engine, with every constraint.
//!
//! A statement is compiled to a small plan over [`TableModel`]s: what a table's columns, constraints and indexes
//! demand of a row. A [`Writer`] applies rows one by one, waiting where another transaction is in the way; foreign
//! keys and deferred uniqueness are events, run at the end of the statement or, deferred, before commit.
//!
//! Invariants. A row is written only after NOT NULL, CHECK and unique indexes held for it. Rows that had to be
//! waited for are looked at anew under READ COMMITTED, and refused (40001) under the stricter levels. A row is
//! changed at most once by a statement.

mod event;
mod foreign_key;
mod key;
mod message;
mod model;
mod recheck;
mod returning;
mod source;
mod statement;
mod writer;

pub use event::{Deferral, Event, Events};
pub use key::index_key;
pub(crate) use key::{key_values, new_row};
pub(crate) use message::{columns_text, index_key_text};
pub use model::{CheckModel, ColumnModel, ForeignKeyModel, IndexModel, KeySource, ModelCache, TableModel};
pub use returning::ReturningRows;
pub use source::{RowSource, ValuesSource, rows_of};
pub use statement::{CompiledDelete, CompiledInsert, CompiledUpdate};
pub use writer::{SharedTransaction, Writer, await_or_cancel, wait};
