//! A transaction's own view of the catalog: what is published, and its own changes over it.

use std::sync::Arc;

use super::Catalog;
use crate::object::Change;
use crate::snapshot::Snapshot;

/// The changes a transaction has written and not yet committed.
#[derive(Default)]
pub struct Overlay {
    changes: Vec<Change>,
    /// The last snapshot made: of which published one, with how many changes.
    cached: Option<(u64, usize, Arc<Snapshot>)>,
}

/// A place to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlayMark(usize);

impl Overlay {
    /// The catalog as the transaction's next statement sees it: the newest published one under its own changes.
    pub fn snapshot(&mut self, catalog: &Catalog) -> Arc<Snapshot> {
        let current = catalog.current();
        if self.changes.is_empty() {
            return current;
        }
        if let Some((generation, count, snapshot)) = &self.cached
            && *generation == current.generation()
            && *count == self.changes.len()
        {
            return snapshot.clone();
        }
        let snapshot = Arc::new(current.apply(&self.changes));
        self.cached = Some((current.generation(), self.changes.len(), snapshot.clone()));
        snapshot
    }

    /// Adds written changes.
    pub fn push(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// Whether the transaction has changed the catalog: its plans then have a private key space.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The present place, for a savepoint.
    pub fn mark(&self) -> OverlayMark {
        OverlayMark(self.changes.len())
    }

    /// Forgets what was changed since the mark.
    pub fn rollback(&mut self, mark: OverlayMark) {
        self.changes.truncate(mark.0);
        self.cached = None;
    }
}
