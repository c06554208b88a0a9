//! Locks of a transaction: relations, rows, keys, advisory numbers, and waiting for another transaction's end.

use super::{Isolation, Transaction};
use crate::ids::Location;
use crate::lock::weak::{is_strong, is_weak};
use crate::lock::{Answer, KeyLock, Mode, RelationLockMode, RowLock, Slot, Tag, WaitPolicy};
use crate::table::row::Found;
use crate::table::visibility::{ALIVE, Mark, is_live};
use crate::ticket::Settlement;
use crate::{Error, IndexId, Outcome, RowHandle, TableId, Ticket};

/// The answer to [`Transaction::lock_row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockedRow {
    /// The version is the newest one, and is locked.
    Current,
    /// The row has this newer version, which is now locked: re-check it, then use it.
    Moved(RowHandle),
    /// The row was deleted by a transaction that has committed.
    Deleted,
    /// This transaction itself has updated or deleted the version already, in the command given.
    ModifiedBySelf { command: u64 },
    /// SKIP LOCKED met a lock.
    Skipped,
}

/// What one look at a row's end slot led to.
enum Look {
    Locked,
    Skipped,
    Wait(Ticket),
    /// Something changed under the look.
    Again,
}

fn strength(mark: Mark) -> RowLock {
    if mark.is_strong() { RowLock::Update } else { RowLock::NoKeyUpdate }
}

impl Transaction {
    /// Locks a table.
    pub fn lock_relation(
        &mut self,
        table: TableId,
        mode: RelationLockMode,
        policy: WaitPolicy,
    ) -> Result<Outcome<()>, Error> {
        let locks = &self.engine.locks;
        if is_weak(mode) {
            if self.shared.locks.note(&locks.strong, table, mode) {
                return Ok(Outcome::Done(()));
            }
        } else if is_strong(mode) && self.shared.locks.close(&locks.strong, table) {
            for other in self.engine.registry.all() {
                other.locks.hand_over(locks, table, other.id);
            }
        }
        self.lock_tag(Tag::Relation(table), Mode::from(mode), policy)
    }

    /// Whether the transaction has locked a table, in any mode.
    pub fn holds_relation(&self, table: TableId) -> bool {
        self.shared.locks.holds(table) || self.tags.contains(&Tag::Relation(table))
    }

    /// Locks a key of an index, whether a row has it or not.
    pub fn lock_key(&mut self, index: IndexId, key: &[u8], mode: KeyLock) -> Result<Outcome<()>, Error> {
        let hash = self.engine.locks.key_hash(key);
        let policy = WaitPolicy::Wait { timeout: self.lock_timeout };
        self.lock_tag(Tag::Key(index, hash), Mode::from(mode), policy)
    }

    /// Takes an advisory lock for the transaction. Under `Skip` and `NoWait`, [`Error::LockNotAvailable`] says that it
    /// is taken.
    pub fn lock_advisory(
        &mut self,
        space: u64,
        number: u64,
        mode: KeyLock,
        policy: WaitPolicy,
    ) -> Result<Outcome<()>, Error> {
        self.lock_tag(Tag::Advisory(space, number), Mode::from(mode), policy)
    }

    pub(super) fn lock_tag(
        &mut self,
        tag: Tag,
        mode: Mode,
        policy: WaitPolicy,
    ) -> Result<Outcome<()>, Error> {
        let answer = self.engine.locks.request(tag, self.shared.id, mode, policy)?;
        match answer {
            Answer::Granted | Answer::Strengthened => {
                self.tags.push(tag);
                Ok(Outcome::Done(()))
            }
            Answer::Held => Ok(Outcome::Done(())),
            Answer::Busy => Err(Error::LockNotAvailable),
            Answer::Wait(ticket) => {
                // Granted later, by whoever lets go: it is ours from then on.
                self.tags.push(tag);
                Ok(Outcome::Wait(ticket))
            }
        }
    }

    /// A ticket for the end of another transaction; `None` if it has ended.
    pub(super) fn wait_for_end(&self, other: u64) -> Result<Option<Ticket>, Error> {
        self.engine.locks.wait_for_end(self.shared.id, other)?;
        let (locks, me) = (self.engine.locks.clone(), self.shared.id);
        let wake = Settlement::new();
        if !self.engine.registry.wait_for(other, &wake) {
            locks.waits_no_more(me, other);
            return Ok(None);
        }
        if let Some(timeout) = self.lock_timeout {
            locks.time_out(timeout, &wake, me, other);
        }
        Ok(Some(Ticket::with_abandon(wake, Box::new(move || locks.waits_no_more(me, other)))))
    }

    /// Locks the newest version of a row. Under READ COMMITTED follows the row to its newest version; at the higher
    /// levels a newer version is a serialization failure.
    pub fn lock_row(
        &mut self,
        table: TableId,
        handle: RowHandle,
        lock: RowLock,
        policy: WaitPolicy,
    ) -> Result<Outcome<LockedRow>, Error> {
        if Location(handle.location).is_own() {
            return Ok(Outcome::Done(self.own_row(table, handle)));
        }
        let Some(base) = self.base(table).cloned() else { return Err(Error::UnknownTable(table)) };
        let mut handle = handle;
        let mut moved = false;
        loop {
            let state = base.read();
            let Some((location, found)) = state.resolve(handle) else {
                return Err(Error::Corrupted(format!("row {} is not where it was", handle.birth)));
            };
            let end = found.end();
            if !is_live(end) {
                if self.isolation != Isolation::ReadCommitted {
                    let successor = found.successor();
                    return Err(if successor == Location::NONE {
                        Error::ConcurrentDelete
                    } else {
                        Error::SerializationFailure
                    });
                }
                let successor = found.successor();
                if successor == Location::NONE {
                    return Ok(Outcome::Done(LockedRow::Deleted));
                }
                handle.location = successor.0;
                moved = true;
                continue;
            }
            handle.location = location.0;
            let unseen = self.isolation != Isolation::ReadCommitted && lock.is_exclusive();
            if unseen && found.from()? > self.snapshot.0 {
                // Found by a unique key, not by the snapshot: ON CONFLICT meets a row that came since.
                return Err(Error::SerializationFailure);
            }
            if Mark::of(end).is_some_and(|mark| mark.owner() == Some(self.shared.id) && mark.is_closing()) {
                drop(state);
                let command = self.closed_in(table, handle.birth);
                return Ok(Outcome::Done(LockedRow::ModifiedBySelf { command }));
            }
            match self.look(table, handle, found, end, lock, policy)? {
                Look::Again => {}
                Look::Wait(ticket) => return Ok(Outcome::Wait(ticket)),
                Look::Skipped => return Ok(Outcome::Done(LockedRow::Skipped)),
                Look::Locked if moved => return Ok(Outcome::Done(LockedRow::Moved(handle))),
                Look::Locked => return Ok(Outcome::Done(LockedRow::Current)),
            }
        }
    }

    fn own_row(&self, table: TableId, handle: RowHandle) -> LockedRow {
        let writes = self.writes.as_ref().map(|writes| writes.read());
        let writes = writes.as_ref().and_then(|writes| writes.table(table));
        match writes.and_then(|writes| writes.store.life(Location(handle.location))) {
            Some(life) if life.end() == ALIVE => LockedRow::Current,
            Some(life) if life.end() != 0 => LockedRow::ModifiedBySelf { command: life.end() },
            _ => LockedRow::Deleted,
        }
    }

    fn closed_in(&self, table: TableId, birth: u64) -> u64 {
        let writes = self.writes.as_ref().map(|writes| writes.read());
        let writes = writes.as_ref().and_then(|writes| writes.table(table));
        writes.and_then(|writes| writes.closed.get(&birth)).map_or(0, |closed| closed.command)
    }

    /// Tries to lock a live version whose end slot was just read. Called under the table's latch.
    fn look(
        &mut self,
        table: TableId,
        handle: RowHandle,
        found: Found<'_>,
        end: u64,
        lock: RowLock,
        policy: WaitPolicy,
    ) -> Result<Look, Error> {
        let me = self.shared.id;
        let mark = Mark::of(end);
        match mark {
            None if lock.is_exclusive() => {
                let mine = Mark::lock(me, lock == RowLock::Update);
                if found.replace_end(end, mine.0).is_err() {
                    return Ok(Look::Again);
                }
                self.rows.push((table, handle));
                return Ok(Look::Locked);
            }
            Some(mark) if mark.owner() == Some(me) => {
                if lock <= strength(mark) {
                    return Ok(Look::Locked);
                }
                if !mark.is_managed() {
                    let stronger = found.replace_end(end, mark.strengthened().0).is_ok();
                    return Ok(if stronger { Look::Locked } else { Look::Again });
                }
            }
            _ => {}
        }
        self.look_managed(table, handle, found, lock, policy)
    }

    /// The row is wanted by several, or in a shared strength: the lock manager decides.
    fn look_managed(
        &mut self,
        table: TableId,
        handle: RowHandle,
        found: Found<'_>,
        lock: RowLock,
        policy: WaitPolicy,
    ) -> Result<Look, Error> {
        let me = self.shared.id;
        let tag = Tag::Row(table, handle.birth);
        let mut slot = || {
            let end = found.end();
            if !is_live(end) {
                return Slot::Changed;
            }
            let mark = Mark::of(end);
            let managed = mark.map_or(Mark::MANAGED, Mark::managed);
            if end != managed.0 && found.replace_end(end, managed.0).is_err() {
                return Slot::Changed;
            }
            Slot::Managed(mark.and_then(|mark| Some((mark.owner()?, Mode::from(strength(mark))))))
        };
        let locks = self.engine.locks.clone();
        match locks.request_row(tag, me, Mode::from(lock), policy, &mut slot)? {
            None => Ok(Look::Again),
            Some(Answer::Wait(ticket)) => {
                self.tags.push(tag);
                Ok(Look::Wait(ticket))
            }
            Some(Answer::Busy) if policy == WaitPolicy::Skip => Ok(Look::Skipped),
            Some(Answer::Busy) => Err(Error::LockNotAvailable),
            Some(answer @ (Answer::Granted | Answer::Strengthened | Answer::Held)) => {
                // What a mark alone stood for was strengthened, too, and is not in the list yet.
                if !matches!(answer, Answer::Held) {
                    self.tags.push(tag);
                }
                if lock.is_exclusive() {
                    self.mark_granted(table, handle, found, lock);
                }
                Ok(Look::Locked)
            }
        }
    }

    /// Writes the mark of an exclusive lock that the manager has granted.
    fn mark_granted(&mut self, table: TableId, handle: RowHandle, found: Found<'_>, lock: RowLock) {
        loop {
            let end = found.end();
            let closing =
                Mark::of(end).is_some_and(|mark| mark.owner() == Some(self.shared.id) && mark.is_closing());
            let mine = Mark::lock(self.shared.id, lock == RowLock::Update).managed().closing(closing);
            if found.replace_end(end, mine.0).is_ok() {
                break;
            }
        }
        self.rows.push((table, handle));
    }
}
