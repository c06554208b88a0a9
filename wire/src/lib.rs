//! The PostgreSQL protocol: listener, TLS, authentication, simple and extended query, COPY framing, cancel.
//!
//! The connection loop is ours; message types and their encoding are pgwire's where a message is rare. What is hot
//! (rows, completions) and what a stranger sends (every frontend message) is framed and checked here, because pgwire's
//! decoders read past their message, replace invalid UTF-8 and take a gigabyte from a peer that has not authenticated.
//!
//! Invariants.
//! - A frontend message is decoded from its own bytes alone; one byte too few or too many is 08P01.
//! - Before authentication a peer can make the server hold one startup packet (10,000 bytes) or one password message.
//! - Nothing read before a TLS handshake is interpreted after it.
//! - Output is written when the buffer is full, at Flush, at Sync (once for several pipelined Syncs that arrived
//!   together), for COPY, and for asynchronous messages; never once a message.
//! - The loop never decides what a statement means: that is `sql::session`.

mod authentication;
mod backend;
mod channel;
mod connection;

mod frontend;
mod listener;
mod output;
mod scram;
mod startup;
mod stream;
mod switches;
mod tls;

pub use listener::{Listener, ListenerError, Listening};
pub use tls::{Tls, TlsError};
