//! The catalog in the engine: every object is a row of table 1, so it is durable, transactional and versioned as
//! users' rows are.
//!
//! A transaction writes changed objects as rows, which collide with concurrent writers of the same object or name as
//! PostgreSQL's system tables do; a hook of its commit publishes them to [`Catalog::current`]. Snapshots of recent
//! commits are kept; an older moment's is read back from the rows as of then.

mod history;
mod overlay;
mod row;
mod stored;

use std::collections::VecDeque;
use std::sync::{Arc, RwLock};

use engine::{
    Inserted, Isolation, LockedRow, Outcome, ReadView, RowLock, ScanColumn, SequenceDefinition, TableId,
    Ticket, Timestamp, Transaction, WaitPolicy,
};

pub use overlay::{Overlay, OverlayMark};
pub use stored::{COMMITS, SNAPSHOT_NAME, SNAPSHOTS, is_stored};

use crate::bootstrap::{FIRST_OBJECT_OID, bootstrap};
use crate::object::{Change, Object, ObjectKey};
use crate::snapshot::Snapshot;

/// The engine's sequence that oids come from.
const OID_SEQUENCE: u32 = 1;
/// Snapshots kept for readers of the recent past.
const KEPT_VERSIONS: usize = 64;
/// Rows a batch while the catalog is read.
const BATCH_ROWS: usize = 1024;

/// Why the catalog could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A stored object that cannot be read: of another format, or damaged.
    #[error("catalog row {key}: {reason}")]
    Corrupted { key: String, reason: String },
    #[error("the counter of object identifiers is exhausted")]
    OutOfIdentifiers,
}

/// What became of one written change.
#[derive(Debug)]
pub enum Written {
    Done,
    /// Wait for the ticket, then write the same change again.
    Wait(Ticket),
    /// Another object of the class and parent has that name.
    NameTaken,
    /// Another transaction changed the object since it was looked up.
    Concurrently,
}

/// The catalog of a running database.
pub struct Catalog {
    database: Arc<engine::Database>,
    versions: RwLock<Versions>,
}

/// Snapshots by the commit that made them, oldest first; the first holds from its time on.
struct Versions {
    recent: VecDeque<(Timestamp, Arc<Snapshot>)>,
    /// Read back for older moments, by the microsecond of the change that made them; newest use last.
    read_back: VecDeque<(i64, Arc<Snapshot>)>,
    /// The microseconds at which the catalog changed, in order, up to a moment; `None` until somebody asks.
    changes: Option<(Timestamp, Arc<[i64]>)>,
}

impl Catalog {
    /// Reads the catalog, or makes a new cluster's in an empty database. Blocks: for start-up only.
    pub fn open(database: Arc<engine::Database>) -> Result<Arc<Catalog>, Error> {
        if matches!(database.table_schema(TableId::CATALOG), Err(engine::Error::UnknownTable(_))) {
            create(&database)?;
        }
        stored::create(&database)?;
        let at = database.snapshot();
        let snapshot = Arc::new(read(&database, at)?);
        let recent = VecDeque::from([(at, snapshot)]);
        let versions = RwLock::new(Versions { recent, read_back: VecDeque::new(), changes: None });
        Ok(Arc::new(Catalog { database, versions }))
    }

    /// The newest published catalog.
    pub fn current(&self) -> Arc<Snapshot> {
        let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        versions.recent.back().map(|(_, snapshot)| snapshot.clone()).unwrap_or_default()
    }

    /// The catalog as of a settled moment: of a whole microsecond, as all moments are that users can name.
    pub fn at(&self, moment: Timestamp) -> Result<Arc<Snapshot>, Error> {
        {
            let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((_, found)) = versions.recent.iter().rev().find(|(from, _)| *from <= moment) {
                return Ok(found.clone());
            }
        }
        let changes = self.changes()?;
        let before = changes.partition_point(|change| *change <= moment.micros());
        // Before the first change there was nothing.
        let Some(change) = before.checked_sub(1).and_then(|last| changes.get(last)).copied() else {
            return Ok(Arc::default());
        };
        {
            let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((_, found)) = versions.read_back.iter().find(|(at, _)| *at == change) {
                return Ok(found.clone());
            }
        }
        let snapshot = Arc::new(read(&self.database, Timestamp::from_micros(change))?);
        let mut versions = self.versions.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        versions.read_back.push_back((change, snapshot.clone()));
        if versions.read_back.len() > KEPT_VERSIONS {
            versions.read_back.pop_front();
        }
        Ok(snapshot)
    }

    /// As [`Catalog::at`], where the answer is in memory.
    pub fn known_at(&self, moment: Timestamp) -> Option<Arc<Snapshot>> {
        let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, found)) = versions.recent.iter().rev().find(|(from, _)| *from <= moment) {
            return Some(found.clone());
        }
        let oldest_kept = versions.recent.front().map_or(Timestamp::ZERO, |(from, _)| *from);
        let (_, changes) = versions.changes.as_ref().filter(|(to, _)| *to >= oldest_kept)?;
        let before = changes.partition_point(|change| *change <= moment.micros());
        let change = changes.get(before.checked_sub(1)?)?;
        versions.read_back.iter().find(|(at, _)| at == change).map(|(_, found)| found.clone())
    }

    /// When the catalog changed, up to the newest snapshot that is not kept.
    fn changes(&self) -> Result<Arc<[i64]>, Error> {
        let newest = {
            let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            let oldest_kept = versions.recent.front().map_or(Timestamp::ZERO, |(from, _)| *from);
            match &versions.changes {
                Some((to, known)) if *to >= oldest_kept => return Ok(known.clone()),
                _ => self.database.snapshot(),
            }
        };
        let changes: Arc<[i64]> = history::changes(&self.database, newest)?.into();
        let mut versions = self.versions.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        versions.changes = Some((newest, changes.clone()));
        Ok(changes)
    }

    /// The versions that an object had at some moment of a period, oldest first, each with the microsecond it began at.
    pub fn versions_of(
        &self,
        key: &ObjectKey,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(i64, Object)>, Error> {
        history::versions_of(&self.database, key, from, to)
    }

    /// When the relation that last had a name was dropped, as a microsecond, and its oid; `None` where no relation of
    /// the name was.
    pub fn last_drop(&self, database: u32, schema: u32, name: &str) -> Result<Option<(i64, u32)>, Error> {
        let mut ended =
            history::ends_of_name(&self.database, &format!("relation {database} {schema} {name}"))?;
        ended.sort_unstable();
        while let Some((at, oid)) = ended.pop() {
            // An end without a next version is a drop: otherwise the relation was altered or renamed.
            if self.at(Timestamp::from_micros(at))?.relation(database, oid).is_none() {
                return Ok(Some((at, oid)));
            }
        }
        Ok(None)
    }

    /// Makes the changes of a commit the newest catalog. Run by the commit's hook, in commit order.
    pub fn publish(&self, at: Timestamp, changes: &[Change]) {
        let mut versions = self.versions.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let newest = versions.recent.back().cloned();
        let next = Arc::new(newest.as_ref().map(|(_, snapshot)| snapshot.apply(changes)).unwrap_or_default());
        match newest {
            // One commit may publish in several parts.
            Some((from, _)) if from == at => {
                versions.recent.pop_back();
                versions.recent.push_back((at, next));
            }
            _ => versions.recent.push_back((at, next)),
        }
        if versions.recent.len() > KEPT_VERSIONS {
            versions.recent.pop_front();
        }
    }

    /// Gives the newest catalog a new number, so that what was planned with it is planned anew. Nothing in it changes.
    pub fn renew(&self) {
        let mut versions = self.versions.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, newest)) = versions.recent.back_mut() {
            *newest = Arc::new(newest.apply(&[]));
        }
    }

    /// A new oid: never given out before, not even to a transaction that rolled back.
    pub fn allocate_oid(&self) -> Result<u32, Error> {
        let definition = SequenceDefinition {
            start: i64::from(FIRST_OBJECT_OID),
            increment: 1,
            minimum: i64::from(FIRST_OBJECT_OID),
            maximum: i64::from(u32::MAX),
            cycle: false,
        };
        let next = self.database.sequence_next(OID_SEQUENCE, &definition)?;
        next.and_then(|oid| u32::try_from(oid).ok()).ok_or(Error::OutOfIdentifiers)
    }

    /// Writes one change as rows of the transaction. Nothing is published: the caller registers
    /// [`Catalog::publish`] with the transaction for what it has written.
    pub fn write(&self, transaction: &mut Transaction, change: &Change) -> Result<Written, Error> {
        write(transaction, change)
    }
}

fn create(database: &engine::Database) -> Result<(), Error> {
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    transaction.create_table(TableId::CATALOG, row::schema())?;
    for change in bootstrap() {
        match write(&mut transaction, &change)? {
            Written::Done => {}
            Written::Wait(_) | Written::NameTaken | Written::Concurrently => {
                let key = change.key().text();
                return Err(Error::Corrupted { key, reason: "the new catalog holds it twice".to_string() });
            }
        }
    }
    transaction.commit().wait()?;
    Ok(())
}

/// The catalog read from its rows.
fn read(database: &engine::Database, at: Timestamp) -> Result<Snapshot, Error> {
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let view = transaction.view_at(at);
    let changes = read_rows(&view)?;
    transaction.rollback();
    Ok(Snapshot::default().apply(&changes))
}

fn read_rows(view: &ReadView) -> Result<Vec<Change>, Error> {
    let columns =
        [ScanColumn::Column(row::KEY), ScanColumn::Column(row::FORMAT_COLUMN), ScanColumn::Column(row::BODY)];
    let mut objects = Vec::new();
    for batch in view.scan(TableId::CATALOG, &columns, BATCH_ROWS)? {
        row::decode(&batch?, &mut objects)?;
    }
    // Databases come first, so that what is put into them finds them.
    objects.sort_by_key(|object| object.key());
    Ok(objects.into_iter().map(Change::Put).collect())
}

fn write(transaction: &mut Transaction, change: &Change) -> Result<Written, Error> {
    let key = change.key();
    let existing = match lock(transaction, &key)? {
        Locked::At(handle) => Some(handle),
        Locked::Nowhere => None,
        Locked::Wait(ticket) => return Ok(Written::Wait(ticket)),
        Locked::Concurrently => return Ok(Written::Concurrently),
    };
    let object = match change {
        Change::Put(object) => object,
        Change::Remove(_) => {
            if let Some(handle) = existing {
                transaction.delete(TableId::CATALOG, handle)?;
            }
            return Ok(Written::Done);
        }
    };
    let new_row = row::encode(object)?;
    let written = match existing {
        Some(handle) => transaction.update(TableId::CATALOG, handle, &new_row, true)?,
        None => transaction.insert(TableId::CATALOG, &new_row)?,
    };
    Ok(match written {
        Outcome::Wait(ticket) => Written::Wait(ticket),
        Outcome::Done(Inserted::Row(_)) => Written::Done,
        Outcome::Done(Inserted::Conflict { index, .. }) if index == row::NAME_INDEX => Written::NameTaken,
        Outcome::Done(Inserted::Conflict { .. }) => Written::Concurrently,
    })
}

enum Locked {
    At(engine::RowHandle),
    Nowhere,
    Wait(Ticket),
    Concurrently,
}

/// Locks the newest row of an object against other writers.
fn lock(transaction: &mut Transaction, key: &ObjectKey) -> Result<Locked, Error> {
    let handles = transaction.find_latest(TableId::CATALOG, row::KEY_INDEX, &row::key_bytes(key))?;
    let Some(&handle) = handles.first() else { return Ok(Locked::Nowhere) };
    let locked = transaction.lock_row(TableId::CATALOG, handle, RowLock::Update, WaitPolicy::WAIT)?;
    Ok(match locked {
        Outcome::Wait(ticket) => Locked::Wait(ticket),
        Outcome::Done(LockedRow::Current) => Locked::At(handle),
        Outcome::Done(
            LockedRow::Moved(_) | LockedRow::Deleted | LockedRow::Skipped | LockedRow::ModifiedBySelf { .. },
        ) => Locked::Concurrently,
    })
}

#[cfg(test)]
mod tests;
