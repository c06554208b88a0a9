//! Durable versioned rows: log, MVCC, locks, segments, indexes, history, recovery.
//!
//! The engine knows bytes, ids and time. It never sees SQL, names, sockets or DataFusion, and none of its calls
//! blocks its caller: what must wait answers with a ticket.

pub mod ids;
pub mod io;
pub mod log;
pub mod manifest;
pub mod segment;
mod value;

pub use ids::{ColumnId, FileId, IndexId, RowHandle, TableId, Timestamp};
pub use value::{PhysicalType, Value};
