//! The session's way to the parser and the analyzer.

use std::sync::Arc;

use crate::analyze;
use crate::error::{Error, Result, SqlState};
use crate::parse::{self, syntax};
use crate::session::Session;
use crate::tree;

/// The statements of a text.
pub struct Script {
    pub statements: Vec<syntax::Statement>,
}
