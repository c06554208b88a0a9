//! The only door for `wire`: sessions, statements, portals, transactions.
//!
//! An [`Instance`] owns everything that sessions share; a [`Session`] is one connection's state. Results leave
//! through a [`Sink`], which frames messages into one buffer and waits when it is full, so that memory does not grow
//! with a result.
//!
//! COPY FROM STDIN is pulled: the session announces it with [`Sink::copy_in`] and then awaits [`Sink::copy_read`];
//! so a query string of several statements, a COPY among them, is one call.
//!
//! Failure. A method that fails has sent whatever came before the error; `wire` sends the ErrorResponse. After an
//! error in the extended protocol `wire` skips to Sync and calls [`Session::sync`].

mod admission;
mod advisory;
mod backup;
mod cache;
mod changes;
mod commits;
mod control;
mod copy;
mod copy_in;
mod copy_out;
mod cursor;
mod definition;
mod definitions;
mod encode;
mod environment;
mod error;
mod execution;
mod explain;
mod extended;
mod frontend;
mod immediate;
mod instance;
mod listing;
mod literals;
mod meters;
pub mod names;
mod notifications;
mod past;
mod portal;
mod prepared;
mod privileges;
mod registry;
mod restoration;
mod revert;
mod row;
mod rows;
#[allow(clippy::module_inception)]
mod session;
pub mod shared;
mod simple;
mod sink;
mod snapshots;
mod startup;
mod subscribe;
pub mod temporary;
mod time_statement;
mod transaction;
mod truncate;
mod utility;
mod vacuum;
mod variables;
mod view_changes;
mod view_reads;
mod view_refresh;

pub use error::engine_error;
pub use extended::Bind;
pub use instance::{Configuration, Instance};
pub(crate) use privileges::may_read_table;
pub use registry::{CancelHandle, Registry};
pub use row::{DataRow, Field, Format, RowDescription};
pub use rows::{RowBatch, joined};
pub use session::{ExecuteEnd, Session};
pub use sink::{CopyFormat, CopyInput, CopyResponse, Notification, Severity, Sink};
pub use startup::{Authentication, ClientAddress, Startup};
pub use transaction::TransactionStatus;
