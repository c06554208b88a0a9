//! A statement in, a stream or an effect out: parse, analyze, plan, execute.

pub mod analyze;
pub mod copy;
pub mod ddl;
pub mod deparse;
pub mod dml;
pub mod error;
pub mod evaluate;
pub mod execute;
pub mod feed;
pub mod functions;
mod nearest;
pub mod parse;
pub mod password;
pub mod plan;
pub mod point;
pub mod session;
pub mod settings;
pub mod statistics;
pub mod system;
pub mod tree;
pub mod types;
pub mod view;

pub use error::{Error, Report, Result, SqlState};
