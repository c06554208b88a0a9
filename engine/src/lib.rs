//! Durable versioned rows: log, MVCC, locks, segments, indexes, history, recovery.
//!
//! The engine knows bytes, ids and time. It never sees SQL, names, sockets or DataFusion, and none of its calls
//! blocks its caller: what must wait answers with a ticket.

mod value;

pub use value::{PhysicalType, Value};
