//! Named moments: CREATE SNAPSHOT, DROP SNAPSHOT, and what AS OF reads of them.
//!
//! A snapshot is a name for a moment of the whole cluster; its row in strata.snapshots is written by the transaction
//! that creates it, and counts from its commit on. While there is a snapshot, no table gives up history from its moment
//! on, whatever the table's history_retention: the engine holds everything from the earliest of them. What is dropped is
//! let go by the next CREATE SNAPSHOT or start.

use catalog::store::{SNAPSHOT_NAME, SNAPSHOTS};
use engine::{
    ColumnId, Database, Inserted, Isolation, LockedRow, NewRow, RowLock, ScanColumn, TableId, Timestamp,
    Value, WaitPolicy,
};

use super::engine_error;
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::value_at;
use crate::types::{self, InputSettings, oid};

const TABLE: TableId = TableId(SNAPSHOTS);
const MOMENT: ColumnId = ColumnId(2);
const OWNER: ColumnId = ColumnId(3);

/// The moment that a committed snapshot names, in microseconds since 2000-01-01 UTC.
pub fn moment_of(database: &Database, name: &str) -> Result<Option<i64>> {
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let (view, mut found) = (transaction.view(), Ok(None));
    view.lookup(TABLE, SNAPSHOT_NAME, name.as_bytes(), &mut |_, row| found = row.value(MOMENT).map(Some))
        .map_err(engine_error)?;
    transaction.rollback();
    Ok(match found.map_err(engine_error)? {
        Some(Value::Int64(micros)) => Some(micros),
        Some(_) | None => None,
    })
}

/// Holds the history from the earliest snapshot on, `also` among them.
pub fn hold_history(database: &Database, also: Option<i64>) -> Result<()> {
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let scan = transaction.view().scan(TABLE, &[ScanColumn::Column(MOMENT)], 1024).map_err(engine_error)?;
    let mut earliest = also;
    for batch in scan {
        let batch = batch.map_err(engine_error)?;
        for row in 0..batch.num_rows() {
            if let Value::Int64(micros) = value_at(batch.column(0).as_ref(), row)? {
                earliest = Some(earliest.map_or(micros, |known| known.min(micros)));
            }
        }
    }
    transaction.rollback();
    database.hold_history(earliest);
    Ok(())
}

impl Session {
    /// CREATE SNAPSHOT of a settled moment.
    pub(super) async fn create_snapshot(&mut self, name: &str, moment: Timestamp) -> Result<()> {
        let names = self.names();
        let settings = InputSettings::new(&self.shared.evaluated(), self.now_for_input(), &names);
        let reads = |type_oid| types::input(type_oid, -1, name, &settings).is_ok();
        if reads(oid::TIMESTAMPTZ) || reads(oid::INTERVAL) {
            let message = format!("\"{name}\" is a moment already, and cannot be the name of a snapshot");
            return Err(Error::new(SqlState::InvalidName, message));
        }
        let owner = self.shared.identity.lock().current_user.clone();
        let row = NewRow {
            values: vec![
                Value::from(name),
                Value::Int64(moment.micros()),
                Value::Text(owner),
                Value::Int64(self.shared.instance.now_micros()),
            ],
            keys: vec![(SNAPSHOT_NAME, name.as_bytes().to_vec(), true)],
        };
        hold_history(self.shared.instance.database(), Some(moment.micros()))?;
        let cancel = self.shared.entry.cancel.clone();
        let inserted =
            self.transaction()?.settle(&cancel, |transaction| transaction.insert(TABLE, &row)).await?;
        match inserted {
            Inserted::Row(_) => Ok(()),
            Inserted::Conflict { .. } => {
                Err(Error::new(SqlState::DuplicateObject, format!("snapshot \"{name}\" already exists")))
            }
        }
    }

    /// DROP SNAPSHOT; whether there was one. Only its owner and superusers may.
    pub(super) async fn drop_snapshot(&mut self, name: &str) -> Result<bool> {
        let cancel = self.shared.entry.cancel.clone();
        let transaction = self.transaction()?;
        let found =
            transaction.with(|transaction| transaction.find_latest(TABLE, SNAPSHOT_NAME, name.as_bytes()))?;
        let Some(handle) = found.map_err(engine_error)?.first().copied() else { return Ok(false) };
        let owner = transaction.with(|transaction| transaction.view().get(TABLE, handle, &[OWNER]))?;
        let owner = owner.map_err(engine_error)?.and_then(|mut values| values.pop());
        {
            let identity = self.shared.identity.lock();
            let owns = owner.as_ref().and_then(Value::as_text) == Some(&*identity.current_user);
            if !identity.superuser && !owns {
                let message = format!("must be owner of snapshot {name}");
                return Err(Error::new(SqlState::InsufficientPrivilege, message));
            }
        }
        let locked = transaction
            .settle(&cancel, |transaction| {
                transaction.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT)
            })
            .await?;
        match locked {
            LockedRow::Current => {
                transaction.with(|transaction| transaction.delete(TABLE, handle))?.map_err(engine_error)?;
                Ok(true)
            }
            // Somebody else has dropped it meanwhile.
            LockedRow::Moved(_)
            | LockedRow::Deleted
            | LockedRow::Skipped
            | LockedRow::ModifiedBySelf { .. } => Ok(false),
        }
    }
}
