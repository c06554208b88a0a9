//! Definition statements: parsed here, executed here.
//!
//! The front end gives every statement to [`parse::statement`] first, with the parser standing at its first token;
//! `None` leaves the parser where it was: the statement is not one of definition. The session hands the parsed
//! [`Statement`] to `execute`, which works through the session's transaction: it takes relation locks, writes the
//! changed objects as rows of the catalog's table, and shows them to its own transaction through an overlay until the
//! commit publishes them.

pub mod parse;
pub mod statement;

pub use statement::Statement;
