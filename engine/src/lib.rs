//! Durable versioned rows: log, MVCC, locks, segments, indexes, history, recovery.
//!
//! The engine knows bytes, ids and time. It never sees SQL, names, sockets or DataFusion, and none of its calls
//! blocks its caller: what must wait answers with a ticket.

pub mod backup;
mod batch;
mod blocks;
mod change;
mod checkpoint;
mod clock;
mod compaction;
mod configuration;
mod cursor;
mod database;
mod engine;
mod error;
pub mod ids;
mod index;
pub mod io;
mod learned;
mod lock;
pub mod log;
mod long_value;
mod lookup;
pub mod manifest;
mod memory;
mod meters;
mod record;
mod registry;
mod rewrite;
mod room;
mod scan;
mod schema;
mod scratch;
pub mod segment;
mod sequence;
mod sequencer;
mod spill;
mod table;
mod ticket;
mod transaction;
mod value;
pub mod vector;
mod verify;
mod view;

pub use batch::ScanColumn;
pub use blocks::Blocks;
pub use change::{Change, ChangeCursor, Operation};
pub use clock::Past;
pub use configuration::{Configuration, FailureHook};
pub use cursor::RowCursor;
pub use database::{Database, OpenError};
pub use error::Error;
pub use ids::{ColumnId, FileId, IndexId, RowHandle, TableId, Timestamp};
pub use io::Environment;
pub use learned::LearnedStatistics;
pub use lock::{KeyLock, RelationLockMode, RowLock, WaitPolicy};
pub use memory::MemoryBound;
pub use scan::ScanCursor;
pub use schema::{IndexSchema, NewRow, TableSchema};
pub use segment::ColumnRange;
pub use sequence::{SequenceDefinition, SequenceState, TableStatistics};
pub use table::row::RowRef;
pub use ticket::{CommitTicket, Outcome, Ticket};
pub use transaction::{
    Inserted, Isolation, LockedRow, Predicate, PublishHook, ReadRecord, Savepoint, Transaction,
};
pub use value::{PhysicalType, Value};
pub use vector::VectorIndexSchema;
pub use verify::{Damage, Verified, verify_directory};
pub use view::ReadView;
