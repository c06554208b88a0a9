//! Rows of a transaction: insert, update, delete, and what it takes to keep keys unique.
//!
//! Uniqueness is judged by the latest committed state and the own writes, under an exclusive lock of the key: another
//! transaction that has inserted the key, uncommitted, holds that lock; one that is deleting or replacing the row
//! that has it is waited for by its end, as PostgreSQL waits.

use super::Transaction;
use super::write_set::{Closed, TableWrites, Undo, WriteSet};
use crate::ids::Location;
use crate::lock::{Answer, KeyLock, Mode, RowLock, Tag, WaitPolicy};
use crate::sequencer::validate_reads;
use crate::table::chunk::{CHUNK_ROWS, Chunk};
use crate::table::visibility::{ALIVE, Mark, is_live};
use crate::view::follow;
use crate::{Error, IndexId, LockedRow, NewRow, Outcome, RowHandle, TableId, Ticket};
use parking_lot::RwLock;
use std::sync::atomic::Ordering;

/// The answer to [`Transaction::insert`] and [`Transaction::update`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    Row(RowHandle),
    /// A live row, committed or own, has the same key in a unique index. Nothing was written.
    Conflict {
        index: IndexId,
        existing: RowHandle,
    },
}

/// Whether a unique key is free.
enum Unique {
    Free,
    Taken(RowHandle),
    Wait(Ticket),
}

impl Transaction {
    /// Before its first write, a SERIALIZABLE transaction whose reads are stale already is refused.
    fn check_first_write(&self) -> Result<(), Error> {
        match &self.reads {
            Some(reads) if self.writes.is_none() => {
                validate_reads(&self.engine, &reads.list(), self.snapshot, self.shared.id, &[])
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Inserts a row. On `Wait`, wait and repeat the call with the same row.
    pub fn insert(&mut self, table: TableId, row: &NewRow) -> Result<Outcome<Inserted>, Error> {
        self.check_writable()?;
        self.check_first_write()?;
        let writes = self.writes_of(table)?;
        self.check_row(table, &writes.read(), row)?;
        let inserted = self.insert_checked(table, &writes, row);
        self.release_brief();
        inserted
    }

    fn insert_checked(
        &mut self,
        table: TableId,
        writes: &RwLock<WriteSet>,
        row: &NewRow,
    ) -> Result<Outcome<Inserted>, Error> {
        if let Some(taken) = self.check_keys(table, writes, row, None)? {
            return Ok(taken);
        }
        let stored = self.with_references(table, writes, row)?;
        let birth = self.engine.births.fetch_add(1, Ordering::Relaxed);
        let mut writes = writes.write();
        let writes = writes.table_mut(table).ok_or(Error::UnknownTable(table))?;
        let location = self.append(writes, stored.as_ref().unwrap_or(row), birth)?;
        Ok(Outcome::Done(Inserted::Row(RowHandle { location: location.0, birth })))
    }

    /// Whether the keys of a row are free; if not, what is to be answered.
    fn check_keys(
        &mut self,
        table: TableId,
        writes: &RwLock<WriteSet>,
        row: &NewRow,
        replacing: Option<RowHandle>,
    ) -> Result<Option<Outcome<Inserted>>, Error> {
        for (index, key, check) in &row.keys {
            if !check {
                continue;
            }
            match self.check_unique(table, writes, *index, key, replacing)? {
                Unique::Free => {}
                Unique::Taken(existing) => {
                    return Ok(Some(Outcome::Done(Inserted::Conflict { index: *index, existing })));
                }
                Unique::Wait(ticket) => return Ok(Some(Outcome::Wait(ticket))),
            }
        }
        Ok(None)
    }

    /// Lets go of keys that stand in the own map by now, or were not written.
    fn release_brief(&mut self) {
        for tag in self.brief.drain(..) {
            self.engine.locks.release(tag, self.shared.id);
        }
    }

    /// Notes the lock of a key that is about to be written.
    fn note_key(&mut self, tag: Tag) {
        if self.is_bulk {
            self.brief.push(tag);
            return;
        }
        self.tags.push(tag);
        if self.tags.len() >= self.engine.configuration.locked_keys
            && let Some(writes) = &self.writes
        {
            self.is_bulk = true;
            self.engine.registry.bulk.register(self.shared.id, writes.clone());
        }
    }

    /// Replaces a row by a new version. The row is locked if it is not yet; lock it first to learn whether it has
    /// moved. `key_change` says whether a column of a key that foreign keys may refer to changes, which needs the
    /// strongest lock.
    pub fn update(
        &mut self,
        table: TableId,
        handle: RowHandle,
        row: &NewRow,
        key_change: bool,
    ) -> Result<Outcome<Inserted>, Error> {
        self.check_writable()?;
        self.check_first_write()?;
        let writes = self.writes_of(table)?;
        self.check_row(table, &writes.read(), row)?;
        let lock = if key_change { RowLock::Update } else { RowLock::NoKeyUpdate };
        if let Some(ticket) = self.lock_current(table, handle, lock)? {
            return Ok(Outcome::Wait(ticket));
        }
        let updated = self.update_checked(table, &writes, handle, row);
        self.release_brief();
        updated
    }

    fn update_checked(
        &mut self,
        table: TableId,
        writes: &RwLock<WriteSet>,
        handle: RowHandle,
        row: &NewRow,
    ) -> Result<Outcome<Inserted>, Error> {
        if let Some(taken) = self.check_keys(table, writes, row, Some(handle))? {
            return Ok(taken);
        }
        let stored = self.with_references(table, writes, row)?;
        let mut writes = writes.write();
        let writes = writes.table_mut(table).ok_or(Error::UnknownTable(table))?;
        let location = self.append(writes, stored.as_ref().unwrap_or(row), handle.birth)?;
        self.close(writes, handle)?;
        Ok(Outcome::Done(Inserted::Row(RowHandle { location: location.0, birth: handle.birth })))
    }

    /// Deletes a row, which must have been locked with [`Transaction::lock_row`] in the strength `Update`.
    pub fn delete(&mut self, table: TableId, handle: RowHandle) -> Result<(), Error> {
        self.check_writable()?;
        self.check_first_write()?;
        let writes = self.writes_of(table)?;
        if self.lock_current(table, handle, RowLock::Update)?.is_some() {
            return Err(Error::LockNotAvailable);
        }
        let mut writes = writes.write();
        let writes = writes.table_mut(table).ok_or(Error::UnknownTable(table))?;
        self.close(writes, handle)
    }

    /// Makes sure that this very version is locked; a ticket if somebody is in the way.
    fn lock_current(
        &mut self,
        table: TableId,
        handle: RowHandle,
        lock: RowLock,
    ) -> Result<Option<Ticket>, Error> {
        let policy = WaitPolicy::Wait { timeout: self.lock_timeout };
        match self.lock_row(table, handle, lock, policy)? {
            Outcome::Wait(ticket) => Ok(Some(ticket)),
            Outcome::Done(LockedRow::Current) => Ok(None),
            Outcome::Done(LockedRow::Moved(_) | LockedRow::Deleted | LockedRow::ModifiedBySelf { .. }) => {
                Err(Error::SerializationFailure)
            }
            Outcome::Done(LockedRow::Skipped) => Err(Error::LockNotAvailable),
        }
    }

    fn check_row(&self, table: TableId, writes: &WriteSet, row: &NewRow) -> Result<(), Error> {
        let writes = writes.table(table).ok_or(Error::UnknownTable(table))?;
        if row.values.len() != writes.layout.len() {
            return Err(Error::MalformedRow {
                table,
                reason: "the number of values is not that of the columns",
            });
        }
        for (value, (column, physical)) in row.values.iter().zip(writes.layout.iter()) {
            if value.physical_type().is_some_and(|given| given != *physical) {
                return Err(Error::TypeMismatch(*column));
            }
        }
        for (index, _, _) in &row.keys {
            if writes.schema.index(*index).is_none() {
                return Err(Error::UnknownIndex(table, *index));
            }
        }
        Ok(())
    }

    /// Whether no live row but the one being replaced has this key.
    fn check_unique(
        &mut self,
        table: TableId,
        writes: &RwLock<WriteSet>,
        index: IndexId,
        key: &[u8],
        replacing: Option<RowHandle>,
    ) -> Result<Unique, Error> {
        map_backfills(writes, table, index);
        let alone = {
            let writes = writes.read();
            let Some(writes) = writes.table(table) else { return Err(Error::UnknownTable(table)) };
            if !writes.schema.index(index).is_some_and(|schema| schema.unique) {
                return Ok(Unique::Free);
            }
            if let Some(existing) = self.backfilled_with_key(writes, index, key)
                && replacing.is_none_or(|replaced| replaced.birth != existing.birth)
            {
                return Ok(Unique::Taken(existing));
            }
            match own_with_key(writes, index, key) {
                Some(existing) if replacing.is_some_and(|replaced| replaced == existing) => {
                    return Ok(Unique::Free);
                }
                Some(existing) => return Ok(Unique::Taken(existing)),
                None => {}
            }
            writes.is_alone()
        };
        if alone {
            return Ok(Unique::Free);
        }
        if let Some(replaced) = replacing {
            // The key stays with its row: nobody else can take it while the row is locked.
            if self
                .latest(table, index, key)?
                .first()
                .is_some_and(|(existing, _)| existing.birth == replaced.birth)
            {
                return Ok(Unique::Free);
            }
        }
        let hash = self.engine.locks.key_hash(key);
        let tag = Tag::Key(index, hash);
        let policy = WaitPolicy::Wait { timeout: self.lock_timeout };
        let mode = Mode::from(KeyLock::Exclusive);
        match self.engine.locks.request(tag, self.shared.id, mode, policy)? {
            Answer::Granted => self.note_key(tag),
            // Held to the end already, say in the mode of a foreign key's check: never let go of after the write.
            Answer::Strengthened | Answer::Held => {}
            Answer::Busy => return Err(Error::LockNotAvailable),
            Answer::Wait(ticket) => {
                // Granted later, by whoever lets go: it is ours from then on.
                self.tags.push(tag);
                return Ok(Unique::Wait(ticket));
            }
        }
        if let Some(other) = self.engine.registry.bulk.writer_of(self.shared.id, table, index, key) {
            return match self.wait_for_end(other)? {
                Some(ticket) => Ok(Unique::Wait(ticket)),
                None => self.check_unique(table, writes, index, key, replacing),
            };
        }
        for (existing, mark) in self.latest(table, index, key)? {
            if replacing.is_some_and(|replaced| replaced.birth == existing.birth) {
                continue;
            }
            match mark {
                Some(mark) if mark.is_closing() && mark.owner() == Some(self.shared.id) => {}
                Some(mark) if mark.is_closing() => {
                    let Some(other) = mark.owner() else { continue };
                    match self.wait_for_end(other)? {
                        Some(ticket) => return Ok(Unique::Wait(ticket)),
                        // It ended just now: look again.
                        None => return self.check_unique(table, writes, index, key, replacing),
                    }
                }
                _ => return Ok(Unique::Taken(existing)),
            }
        }
        Ok(Unique::Free)
    }

    /// The living committed row with this key in an index that this transaction has built over it.
    fn backfilled_with_key(&self, writes: &TableWrites, index: IndexId, key: &[u8]) -> Option<RowHandle> {
        if !writes.backfills.iter().any(|backfill| backfill.index == index) || writes.hides_base(u64::MAX) {
            return None;
        }
        let state = self.base(writes.table)?.read();
        let locations = writes.store.index(index)?.get(key).iter();
        let mut living = locations.filter(|location| !location.is_own()).filter_map(|location| {
            let (location, found) = follow(&state, *location)?;
            let handle = RowHandle { location: location.0, birth: found.birth().ok()? };
            (is_live(found.end()) && !writes.closes(handle.birth, u64::MAX)).then_some(handle)
        });
        living.next()
    }

    /// The latest committed versions with this key that are alive, and their marks.
    fn latest(
        &self,
        table: TableId,
        index: IndexId,
        key: &[u8],
    ) -> Result<Vec<(RowHandle, Option<Mark>)>, Error> {
        let mut rows = Vec::new();
        if let Some(base) = self.base(table) {
            let state = base.read();
            let unique = state.schema.index(index).is_some_and(|schema| schema.unique);
            state.current.living_of(index, key, unique, &mut |location, found| {
                let handle = RowHandle { location: location.0, birth: found.birth()? };
                rows.push((handle, Mark::of(found.end())));
                Ok(())
            })?;
        }
        Ok(rows)
    }

    /// The rows with this key by the latest committed state and all own writes so far, whatever the snapshot: what
    /// foreign keys are checked against.
    pub fn find_latest(&self, table: TableId, index: IndexId, key: &[u8]) -> Result<Vec<RowHandle>, Error> {
        let mut rows = Vec::new();
        if let Some(writes) = &self.writes {
            map_backfills(writes, table, index);
        }
        let writes = self.writes.as_ref().map(|writes| writes.read());
        let own = writes.as_ref().and_then(|writes| writes.table(table));
        if let Some(own) = own {
            rows.extend(own_rows_with_key(own, index, key));
            rows.extend(self.backfilled_with_key(own, index, key));
            if own.hides_base(u64::MAX) {
                return Ok(rows);
            }
        }
        for (handle, mark) in self.latest(table, index, key)? {
            let closed = mark.is_some_and(|mark| mark.is_closing() && mark.owner() == Some(self.shared.id));
            if !closed {
                rows.push(handle);
            }
        }
        Ok(rows)
    }

    /// Adds a row to the private store.
    pub(crate) fn append(
        &mut self,
        writes: &mut TableWrites,
        row: &NewRow,
        birth: u64,
    ) -> Result<Location, Error> {
        let table = writes.table;
        if writes.store.open().is_some_and(Chunk::is_full) {
            self.outgrow(writes);
            self.engine.configuration.memory.check()?;
        }
        let (number, chunk) = writes.store.growing(&writes.layout)?;
        let added = chunk.push(&row.values, birth, self.command)?;
        chunk.keys.push(row.keys.iter().map(|(index, key, _)| (index.0, key.as_slice())));
        for (index, _, check) in &row.keys {
            if !check && writes.schema.index(*index).is_some_and(|schema| schema.unique) {
                chunk.keys.note_unchecked(index.0);
            }
        }
        let location = Location::own(number, added as u32);
        for (index, key, _) in &row.keys {
            writes.store.index_mut(*index).insert(key, location);
        }
        match self.undo.last_mut() {
            Some(Undo::Inserted { table: last, first, count })
                if *last == table
                    && first.number() == number
                    && first.row() + *count as usize == added
                    && !self.savepoint_here =>
            {
                *count += 1;
            }
            _ => {
                self.undo.push(Undo::Inserted { table, first: location, count: 1 });
                self.savepoint_here = false;
            }
        }
        Ok(location)
    }

    /// Closes a version that is locked, or is this transaction's own.
    fn close(&mut self, writes: &mut TableWrites, handle: RowHandle) -> Result<(), Error> {
        if self.undo.len() % CHUNK_ROWS == CHUNK_ROWS - 1 {
            self.outgrow(writes);
            self.engine.configuration.memory.check()?;
        }
        let table = writes.table;
        let location = Location(handle.location);
        if location.is_own() {
            if let Some(life) = writes.store.life(location) {
                life.set_end(self.command);
            }
            self.undo.push(Undo::ClosedOwn { table, location });
        } else {
            writes.closed.insert(handle.birth, Closed { command: self.command, handle });
            self.mark_closing(table, handle, true);
            self.undo.push(Undo::Closed { table, handle });
        }
        self.savepoint_here = false;
        Ok(())
    }
}

/// Puts what a new index holds into the own map before it is asked.
fn map_backfills(writes: &RwLock<WriteSet>, table: TableId, index: IndexId) {
    if writes.read().table(table).is_some_and(|writes| writes.is_unmapped(index)) {
        if let Some(writes) = writes.write().table_mut(table) {
            writes.map_backfills(index);
        }
    }
}

/// The live own row with this key.
pub(super) fn own_with_key(writes: &TableWrites, index: IndexId, key: &[u8]) -> Option<RowHandle> {
    own_rows_with_key(writes, index, key).next()
}

fn own_rows_with_key<'a>(
    writes: &'a TableWrites,
    index: IndexId,
    key: &[u8],
) -> impl Iterator<Item = RowHandle> + 'a {
    let locations = writes.store.index(index).map_or(&[][..], |map| map.get(key));
    locations.iter().rev().filter(|location| location.is_own()).filter_map(|location| {
        let chunk = writes.store.chunk(location.number())?;
        let life = chunk.life(location.row())?;
        (life.end() == ALIVE).then(|| RowHandle { location: location.0, birth: chunk.birth(location.row()) })
    })
}
