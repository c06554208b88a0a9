//! Durable versioned rows: log, MVCC, locks, segments, indexes, history, recovery.
//!
//! The engine knows bytes, ids and time. It never sees SQL, names, sockets or DataFusion, and none of its calls
//! blocks its caller: what must wait answers with a ticket.

mod error;
pub mod ids;
mod index;
pub mod io;
mod lock;
pub mod log;
pub mod manifest;
mod schema;
pub mod segment;
mod table;
mod ticket;
mod value;

pub use error::Error;
pub use ids::{ColumnId, FileId, IndexId, RowHandle, TableId, Timestamp};
pub use io::Environment;
pub use lock::{KeyLock, RelationLockMode, RowLock, WaitPolicy};
pub use schema::{IndexSchema, NewRow, TableSchema};
pub use table::row::RowRef;
pub use ticket::{CommitTicket, Outcome, Ticket};
pub use value::{PhysicalType, Value};
