//! Portals: a statement bound to its parameters, and the rows it still has to give.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::Value;

use super::prepared::{Analysis, Prepared};
use super::row::{Format, RowDescription};
use super::rows::Rows;
use crate::error::{Error, Result, SqlState};

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
    /// Microseconds since 2000-01-01 UTC.
    pub created: i64,
}

/// The portals of a session by name. The unnamed one, made for nearly every statement, has a place of its own.
#[derive(Default)]
pub struct Portals {
    unnamed: Option<Portal>,
    named: BTreeMap<String, Portal>,
}

impl Portals {
    pub fn get(&self, name: &str) -> Option<&Portal> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Portal> {
        if name.is_empty() { self.unnamed.as_mut() } else { self.named.get_mut(name) }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn insert(&mut self, name: &str, portal: Portal) {
        if name.is_empty() {
            self.unnamed = Some(portal);
        } else {
            self.named.insert(name.to_string(), portal);
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Portal> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    /// Keeps the portals of which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&Portal) -> bool) {
        self.unnamed = self.unnamed.take().filter(&mut keep);
        if !self.named.is_empty() {
            self.named.retain(|_, portal| keep(portal));
        }
    }

    pub fn clear(&mut self) {
        *self = Portals::default();
    }

    /// All portals with their names, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Portal)> {
        let named = self.named.iter().map(|(name, portal)| (name.as_str(), portal));
        self.unnamed.iter().map(|portal| ("", portal)).chain(named)
    }
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
    pub binary: bool,
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

/// The format of each column from the codes of Bind: none is text, one is for all. `None` where all are text.
pub fn column_formats(codes: &[i16], columns: usize) -> Result<Option<Vec<Format>>> {
    if codes.len() > 1 && codes.len() != columns {
        return Err(Error::new(
            SqlState::ProtocolViolation,
            format!("bind message has {} result formats but query has {columns} columns", codes.len()),
        ));
    }
    let formats = codes.iter().map(|code| Format::from_code(*code)).collect::<Result<Vec<_>>>()?;
    Ok(match formats.as_slice() {
        formats if formats.iter().all(|format| *format == Format::Text) => None,
        [one] => Some(vec![*one; columns]),
        many => Some(many.to_vec()),
    })
}
