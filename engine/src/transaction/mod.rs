//! A transaction: a snapshot, a private write set, the locks it holds, and its end.
//!
//! It has one owner, who makes one call at a time. Nothing it writes is seen by others before its commit is durable.
//! Every statement has a command number; a command sees the writes of earlier commands only. A savepoint is a
//! position in the list of changes and of locks. Dropping a transaction rolls it back.

pub(crate) mod bulk;
mod locking;
pub(crate) mod reads;
mod rows;
mod savepoint;
mod shape;
pub(crate) mod write_set;

pub use locking::LockedRow;
pub use rows::Inserted;
pub use savepoint::Savepoint;

use crate::engine::Engine;
use crate::lock::{Answer, KeyLock, Mode, Tag, WaitPolicy};
use crate::long_value;
use crate::record::{CommitSet, Signature};
use crate::registry::TransactionShared;
use crate::scratch::{List, ScratchAllocator};
use crate::sequencer::Request;
use crate::spill;
use crate::table::visibility::Mark;
use crate::table::{Table, Tables};
use crate::ticket::{CommitTicket, Settlement};
use crate::view::{Own, ReadView};
use crate::{Error, IndexId, RowHandle, RowRef, TableId, Timestamp, Value};
use parking_lot::RwLock;
use reads::Reads;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use write_set::{TableWrites, Undo, WriteSet};

/// How much of other transactions' commits a transaction sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A snapshot per statement.
    ReadCommitted,
    /// One snapshot; a conflicting update is an error (snapshot isolation).
    RepeatableRead,
    /// As `RepeatableRead`, and the commit fails if anything that was read has changed since.
    Serializable,
}

/// Something that a SERIALIZABLE transaction has read, whether it found anything or not.
#[derive(Clone)]
pub enum ReadRecord {
    Key {
        table: TableId,
        index: IndexId,
        key: Vec<u8>,
    },
    Range {
        table: TableId,
        index: IndexId,
        lower: Bound<Vec<u8>>,
        upper: Bound<Vec<u8>>,
    },
    /// A scan: all rows that satisfy the predicate, all rows if there is none. The predicate is run by the sequencer
    /// on old and new versions; it must be pure, and should say `true` when in doubt.
    Table {
        table: TableId,
        predicate: Option<Predicate>,
    },
}

/// A pure test of a row.
pub type Predicate = Arc<dyn Fn(&RowRef<'_>) -> bool + Send + Sync>;

/// Run by the sequencer just before a commit becomes visible.
pub type PublishHook = Box<dyn FnOnce(Timestamp) + Send>;

/// A transaction at work.
pub struct Transaction {
    engine: Arc<Engine>,
    shared: Arc<TransactionShared>,
    isolation: Isolation,
    read_only: bool,
    snapshot: Timestamp,
    tables: Arc<Tables>,
    command: u64,
    writes: Option<Arc<RwLock<WriteSet>>>,
    undo: List<Undo>,
    /// Locks in the manager, in the order in which they were taken.
    tags: Vec<Tag>,
    /// Locks of keys that are held until the row is written: those of a bulk writer.
    brief: Vec<Tag>,
    is_bulk: bool,
    /// Whether the lists stand in scratch.
    is_outgrown: bool,
    /// Rows marked by this transaction, in the order in which they were.
    rows: List<(TableId, RowHandle)>,
    /// Recorded at SERIALIZABLE only.
    reads: Option<Arc<Reads>>,
    hooks: Vec<PublishHook>,
    lock_timeout: Option<Duration>,
    /// Whether the thread that commits may block meanwhile.
    may_block: bool,
    signature: Option<Signature>,
    /// A savepoint was set since the last change: the next change must not be joined to it.
    savepoint_here: bool,
    ended: bool,
}

impl Transaction {
    pub(crate) fn begin(engine: Arc<Engine>, isolation: Isolation, read_only: bool) -> Transaction {
        let shared = engine.registry.begin();
        // The snapshot first, the tables after it: every table that the snapshot can see is among them.
        let snapshot = engine.clock.published();
        let tables = engine.tables();
        Transaction {
            engine,
            shared,
            isolation,
            read_only,
            snapshot,
            tables,
            command: 1,
            writes: None,
            undo: List::new_in(ScratchAllocator::default()),
            tags: Vec::new(),
            brief: Vec::new(),
            is_bulk: false,
            is_outgrown: false,
            rows: List::new_in(ScratchAllocator::default()),
            reads: tracked(isolation, read_only),
            hooks: Vec::new(),
            lock_timeout: None,
            may_block: false,
            signature: None,
            savepoint_here: false,
            ended: false,
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Takes a lock to the end of the transaction, if it is free now and there are not too many already. Says whether it is
    /// held.
    pub(crate) fn lock_now(&mut self, tag: Tag, mode: KeyLock) -> Result<bool, Error> {
        if self.tags.len() >= self.engine.configuration.locked_keys {
            return Ok(false);
        }
        let answer = self.engine.locks.request(tag, self.shared.id, Mode::from(mode), WaitPolicy::NoWait)?;
        if matches!(answer, Answer::Granted) {
            self.tags.push(tag);
        }
        Ok(matches!(answer, Answer::Granted | Answer::Strengthened | Answer::Held))
    }

    /// The transaction's number: grows with time, never reused while the process lives.
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Forbids writes from now on, or allows them again (SET TRANSACTION).
    pub fn set_read_only(&mut self, read_only: bool) {
        self.read_only = read_only;
        if read_only {
            self.reads = None;
        } else if self.reads.is_none() {
            self.reads = tracked(self.isolation, read_only);
        }
    }

    /// Changes the level, as SET TRANSACTION does before the first query.
    pub fn set_isolation(&mut self, isolation: Isolation) {
        self.isolation = isolation;
        self.reads = tracked(isolation, self.read_only);
    }

    /// How long writes wait for another transaction's key (lock_timeout); `None` for ever.
    pub fn set_lock_timeout(&mut self, timeout: Option<Duration>) {
        self.lock_timeout = timeout;
    }

    /// Whether anything was written.
    pub fn has_writes(&self) -> bool {
        !self.undo.is_empty()
    }

    /// The moment that the current statement sees.
    pub fn snapshot(&self) -> Timestamp {
        self.snapshot
    }

    /// The number of the current command.
    pub fn command(&self) -> u64 {
        self.command
    }

    /// Begins a statement: earlier writes become visible to it, and under READ COMMITTED everything committed by now.
    pub fn start_statement(&mut self) {
        self.command += 1;
        if self.isolation == Isolation::ReadCommitted {
            self.snapshot = self.engine.clock.published();
            self.tables = self.engine.tables();
        }
    }

    /// Makes the writes so far visible to what follows, within the same snapshot.
    pub fn advance_command(&mut self) {
        self.command += 1;
    }

    /// The snapshot with the own writes of earlier commands. Good until the transaction ends.
    pub fn view(&self) -> ReadView {
        ReadView {
            tables: self.tables.clone(),
            at: self.snapshot,
            reads: self.reads.clone(),
            own: self.writes.as_ref().map(|writes| Own { writes: writes.clone(), at: self.command - 1 }),
            shared: self.shared.clone(),
        }
    }

    /// A past moment, without own writes. The moment must have been settled by [`crate::Database::past`].
    pub fn view_at(&self, at: Timestamp) -> ReadView {
        let tables = self.engine.tables();
        ReadView { tables, at, reads: None, own: None, shared: self.shared.clone() }
    }

    /// Records a read made through [`ReadView::untracked`], for the validation of a SERIALIZABLE commit. Does nothing
    /// at other levels.
    pub fn note_read(&mut self, read: ReadRecord) {
        if let Some(reads) = &self.reads {
            reads.note(read);
        }
    }

    /// Has the sequencer run `hook` just before the commit becomes visible; never if the transaction rolls back, or
    /// rolls back to a savepoint before this call.
    pub fn on_publish(&mut self, hook: PublishHook) {
        self.hooks.push(hook);
    }

    /// The transactions that this one waits for, if it waits.
    pub fn blocking(&self) -> Vec<u64> {
        self.engine.locks.blocking(self.shared.id)
    }

    /// Sets or clears the closing bit of a row that this transaction has marked.
    fn mark_closing(&self, table: TableId, handle: RowHandle, closing: bool) {
        let Some(table) = self.tables.get(&table) else { return };
        let state = table.read();
        let Some((_, found)) = state.resolve(handle) else { return };
        loop {
            let end = found.end();
            let Some(mark) = Mark::of(end).filter(|mark| mark.owner() == Some(self.shared.id)) else {
                return;
            };
            if found.replace_end(end, mark.closing(closing).0).is_ok() {
                return;
            }
        }
    }

    /// Lets go of the marks of rows locked since position `kept`.
    fn release_rows(&mut self, kept: usize) {
        if self.rows.len() <= kept {
            return;
        }
        let rows = self.rows.split_off(kept);
        release_marks(&self.engine, self.shared.id, &rows);
    }

    /// Has the commit leave a row of itself, without keys, in a table without indexes; but only if it writes anything.
    ///
    /// # Errors
    /// [`Error::MalformedRow`] if the values are no row of that table.
    pub fn sign(&mut self, table: TableId, values: Vec<Value>) -> Result<(), Error> {
        let birth = self.engine.births.fetch_add(1, Ordering::Relaxed);
        let signature = Signature { table, birth, values };
        signature.check(&self.engine)?;
        self.signature = Some(signature);
        Ok(())
    }

    /// Lets the commit be done by the thread that asks for it, which blocks for a sync of the log. For callers whom
    /// nobody else is waiting for: a commit alone is done sooner so.
    pub fn may_block(&mut self) {
        self.may_block = true;
    }

    /// Ends the transaction, and asks for its writes to be made durable and visible.
    pub fn commit(mut self) -> CommitTicket {
        self.ended = true;
        if self.undo.is_empty() && self.hooks.is_empty() {
            let snapshot = self.snapshot;
            self.finish();
            return CommitTicket::ready(Ok(snapshot));
        }
        self.engine.registry.bulk.close(self.shared.id);
        let writes = self.writes.take();
        let mut set = match writes.map(|writes| CommitSet::of(&mut writes.write())).transpose() {
            Ok(set) => set.unwrap_or_default(),
            Err(error) => {
                self.finish();
                return CommitTicket::ready(Err(error));
            }
        };
        if !set.is_empty() {
            set.signature = self.signature.take();
        }
        let settlement = Settlement::new();
        let is_large = spill::is_large(&set, &self.engine.configuration);
        let record = if is_large { Vec::new() } else { set.encode() };
        let request = Request {
            may_block: self.may_block,
            shared: self.shared.clone(),
            snapshot: self.snapshot,
            reads: self.reads.take().map(|reads| reads.take()).unwrap_or_default(),
            set,
            record,
            hooks: std::mem::take(&mut self.hooks),
            tags: std::mem::take(&mut self.tags),
            rows: taken(&mut self.rows),
            settlement: settlement.clone(),
            done: None,
        };
        if is_large {
            self.engine.spiller.submit(&self.engine, request);
        } else {
            self.engine.submit(request);
        }
        CommitTicket::new(settlement)
    }

    /// Ends the transaction without a trace.
    pub fn rollback(mut self) {
        self.ended = true;
        self.finish();
    }

    fn finish(&mut self) {
        self.release_rows(0);
        for tag in self.tags.drain(..) {
            self.engine.locks.release(tag, self.shared.id);
        }
        self.shared.locks.release(&self.engine.locks, self.shared.id);
        self.shared.end();
    }

    /// Has what grows with the number of rows stand in scratch, once a transaction is large. Asked once a full chunk.
    fn outgrow(&mut self, writes: &mut TableWrites) {
        let engine = &self.engine;
        let most = engine.configuration.scratch_bytes;
        let closed = writes.closed.len() * size_of::<write_set::Closed>();
        if !writes.store.is_outgrown() && writes.store.bytes_used() + closed > most {
            writes.outgrow(&engine.scratch);
        }
        let lists = self.undo.len() * size_of::<Undo>() + self.rows.len() * size_of::<(TableId, RowHandle)>();
        if !self.is_outgrown && lists > most {
            self.is_outgrown = true;
            move_to(&mut self.undo, ScratchAllocator::of(&engine.scratch));
            move_to(&mut self.rows, ScratchAllocator::of(&engine.scratch));
        }
    }

    fn check_writable(&self) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::ReadOnlyTransaction);
        }
        self.engine.check_writable()
    }

    fn base(&self, table: TableId) -> Option<&Arc<Table>> {
        self.tables.get(&table)
    }

    /// The write set, with a place for `table` in it.
    pub(crate) fn writes_of(&mut self, table: TableId) -> Result<Arc<RwLock<WriteSet>>, Error> {
        let writes = self.writes.get_or_insert_with(Arc::default).clone();
        if writes.read().table(table).is_none() {
            let base = match long_value::owner(table) {
                // It may have been made since the snapshot.
                Some(_) => self.engine.table(table)?,
                None => self.tables.get(&table).cloned().ok_or(Error::UnknownTable(table))?,
            };
            base.check_sound()?;
            let of_table = TableWrites::of(table, &base.read());
            writes.write().tables.push(of_table);
        }
        Ok(writes)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            self.finish();
        }
    }
}

/// Has a list grow elsewhere.
fn move_to<T>(list: &mut List<T>, allocator: ScratchAllocator) {
    let mut moved = List::with_capacity_in(list.len(), allocator);
    moved.append(list);
    *list = moved;
}

/// A list as it is, and an empty one in its place.
fn taken<T>(list: &mut List<T>) -> List<T> {
    std::mem::replace(list, List::new_in(ScratchAllocator::default()))
}

/// Where reads are recorded. A transaction that only reads is serializable by its snapshot alone.
fn tracked(isolation: Isolation, read_only: bool) -> Option<Arc<Reads>> {
    (isolation == Isolation::Serializable && !read_only).then(Arc::default)
}

/// Takes the marks of a transaction off rows that it did not close for good.
pub(crate) fn release_marks(engine: &Engine, me: u64, rows: &[(TableId, RowHandle)]) {
    let tables = engine.tables();
    let mut managed = Vec::new();
    for (id, handle) in rows {
        let Some(table) = tables.get(id) else { continue };
        let state = table.read();
        let Some((_, found)) = state.resolve(*handle) else { continue };
        loop {
            let end = found.end();
            let Some(mark) = Mark::of(end).filter(|mark| mark.owner() == Some(me)) else { break };
            if found.replace_end(end, mark.released()).is_ok() {
                if mark.is_managed() {
                    managed.push(Tag::Row(*id, handle.birth));
                }
                break;
            }
        }
    }
    for tag in managed {
        engine.locks.release(tag, me);
    }
}
