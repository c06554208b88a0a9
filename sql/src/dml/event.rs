//! What still has to be checked or carried out for rows already written.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use engine::{IndexId, RowHandle, Value};

use parking_lot::Mutex;

use super::model::{ForeignKeyModel, TableModel};

/// Something owed to a constraint.
#[derive(Clone, Debug)]
pub enum Event {
    /// A row refers: what it refers to must exist.
    Refers { key: Arc<ForeignKeyModel>, model: Arc<TableModel>, handle: RowHandle, row: Vec<Value> },
    /// A referenced row went, or its key changed (`new`): act on the rows that refer to it.
    Changed { key: Arc<ForeignKeyModel>, model: Arc<TableModel>, old: Vec<Value>, new: Option<Vec<Value>> },
    /// A deferrable unique index got a key: no other row may have it.
    Unique { model: Arc<TableModel>, index: IndexId, encoded: Vec<u8>, values: Vec<Value> },
}

/// Events of a statement, and those that wait for commit.
#[derive(Clone, Debug, Default)]
pub struct Events {
    pub statement: VecDeque<Event>,
    /// Shared with the transaction's owner.
    pub deferred: Arc<Mutex<VecDeque<Event>>>,
    pub deferral: Deferral,
}

/// SET CONSTRAINTS of the transaction.
#[derive(Clone, Debug, Default)]
pub struct Deferral {
    pub all: Option<bool>,
    /// By constraint oid (indexes for unique ones); stronger than `all`.
    pub named: HashMap<u32, bool>,
}

impl Deferral {
    /// Whether a constraint's check waits for commit.
    pub fn is_deferred(&self, oid: u32, deferrable: bool, initially: bool) -> bool {
        deferrable && self.named.get(&oid).copied().or(self.all).unwrap_or(initially)
    }
}

impl Events {
    /// Queues an event where its constraint's mode says. RESTRICT never waits.
    pub fn push(&mut self, event: Event) {
        let deferred = match &event {
            Event::Refers { key, .. } => {
                self.deferral.is_deferred(key.oid, key.deferrable, key.initially_deferred)
            }
            Event::Changed { key, new, .. } => {
                let action = if new.is_some() { key.on_update } else { key.on_delete };
                action == catalog::ReferentialAction::NoAction
                    && self.deferral.is_deferred(key.oid, key.deferrable, key.initially_deferred)
            }
            Event::Unique { model, index, .. } => {
                let initially = model.index(*index).is_some_and(|index| index.initially_deferred);
                self.deferral.is_deferred(index.0, true, initially)
            }
        };
        if deferred {
            self.deferred.lock().push_back(event);
        } else {
            self.statement.push_back(event);
        }
    }
}
