//! Portals: a statement bound to its parameters, and the rows it still has to give.

use std::sync::Arc;

use engine::Value;

use super::prepared::{Analysis, Prepared};
use super::row::{Format, RowDescription};
use super::rows::Rows;

/// A portal, or a cursor.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub analysis: Option<Arc<Analysis>>,
    pub parameters: Arc<[Value]>,
    /// With the formats asked for.
    pub description: Option<Arc<RowDescription>>,
    pub state: PortalState,
    pub cursor: Option<Cursor>,
    /// How many savepoints stood when it was made.
    pub savepoint_depth: usize,
}

/// How far a portal has come.
pub enum PortalState {
    New,
    Running { rows: Rows, tag: Tag },
    Done,
}

/// The tag of a finished statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// With the number of rows sent: SELECT, FETCH.
    Sent(&'static str),
    /// With the number of rows changed: INSERT, UPDATE, DELETE.
    Changed(&'static str),
    Plain(String),
}

impl Tag {
    /// The text of CommandComplete.
    pub fn text(&self, sent: u64, changed: u64) -> String {
        match self {
            Tag::Sent(command) => format!("{command} {sent}"),
            Tag::Changed("INSERT") => format!("INSERT 0 {changed}"),
            Tag::Changed(command) => format!("{command} {changed}"),
            Tag::Plain(text) => text.clone(),
        }
    }
}

/// What DECLARE adds.
pub struct Cursor {
    pub hold: bool,
    /// Rows may be fetched backward: they are kept.
    pub scroll: Option<bool>,
    /// All rows, where they are kept.
    pub kept: Option<Vec<Vec<Value>>>,
    /// Rows before the next one: 0 is before the first.
    pub position: usize,
    /// Its transaction has committed.
    pub held: bool,
}

impl Portal {
    /// Whether it outlives its transaction.
    pub fn is_held(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.held)
    }
}

/// The format of each column from the formats of Bind: none is text, one is for all.
pub fn column_formats(formats: &[Format], columns: usize) -> crate::error::Result<Vec<Format>> {
    match formats {
        [] => Ok(vec![Format::Text; columns]),
        [one] => Ok(vec![*one; columns]),
        many if many.len() == columns => Ok(many.to_vec()),
        many => Err(crate::error::Error::new(
            crate::error::SqlState::ProtocolViolation,
            format!("bind message has {} result formats but query has {columns} columns", many.len()),
        )),
    }
}
