//! The private write set: what a transaction has written, seen by nobody else until its commit.
//!
//! Per table: the rows it inserted, in a private store whose times are command numbers, and the committed rows it
//! closed, by birth. A row inserted by command n is seen by commands after n; one closed by command n is gone for
//! commands after n. Undone rows get an end of zero and are seen by nobody.

use crate::ids::Location;
use crate::index::HotIndex;
use crate::long_value::{self, Long};
use crate::record::AttachedRun;
use crate::scratch::{Scratch, ScratchAllocator};
use crate::table::chunk::Layout;
use crate::table::row::Columns;
use crate::table::store::Store;
use crate::table::{Dictionary, Table, TableState};
use crate::{ColumnId, IndexId, RowHandle, TableId, TableSchema, Value};
use hashbrown::{DefaultHashBuilder, HashMap};
use std::sync::Arc;

/// A committed row that this transaction has updated or deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub command: u64,
    pub handle: RowHandle,
}

/// Committed rows that were closed, by birth.
pub(crate) type ClosedRows = HashMap<u64, Closed, DefaultHashBuilder, ScratchAllocator>;

/// Index entries for rows that were there before the index.
#[derive(Clone)]
pub(crate) struct Backfill {
    pub index: IndexId,
    /// The version, when it was committed (zero for own rows), its key.
    pub entries: Vec<(RowHandle, u64, Vec<u8>)>,
    pub covers_history: bool,
    /// Whether the transaction's own map holds the entries: it is made when it is first asked.
    pub is_mapped: bool,
    /// The transaction's own map of the entries, where it holds nothing else; not logged.
    pub map: Option<HotIndex>,
    /// Runs beside the segments that hold the rows, in the place of entries; the level of their file is the number of
    /// the segment.
    pub runs: Vec<AttachedRun>,
    /// Whether a key stands more than once in the runs.
    pub repeats: bool,
}

/// A change of a table's shape.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub schema: TableSchema,
    pub defaults: Vec<(ColumnId, Value)>,
}

/// What a transaction did to one table.
pub(crate) struct TableWrites {
    pub table: TableId,
    pub schema: Arc<TableSchema>,
    pub layout: Layout,
    pub dictionary: Arc<Dictionary>,
    /// The table beside, as committed.
    pub long: Option<Arc<Table>>,
    pub store: Store,
    pub closed: ClosedRows,
    /// The table was created by this transaction.
    pub created: bool,
    /// The newest shape given by this transaction.
    pub shape: Option<Shape>,
    /// The command that dropped the table.
    pub dropped: Option<u64>,
    /// The table was dropped, and this transaction takes that back.
    pub undropped: bool,
    /// The command that truncated it last.
    pub truncated: Option<u64>,
    pub backfills: Vec<Backfill>,
}

impl TableWrites {
    /// Nothing written yet to a table that exists.
    pub fn of(table: TableId, state: &TableState) -> TableWrites {
        TableWrites {
            table,
            schema: state.schema.clone(),
            layout: state.layout.clone(),
            dictionary: state.dictionary.clone(),
            long: state.long.clone(),
            store: Store::new(true, 0),
            closed: ClosedRows::default(),
            created: false,
            shape: None,
            dropped: None,
            undropped: false,
            truncated: None,
            backfills: Vec::new(),
        }
    }

    /// A table that this transaction creates.
    pub fn created(table: TableId, schema: TableSchema, defaults: &[(ColumnId, Value)]) -> TableWrites {
        TableWrites {
            table,
            layout: schema.columns.clone().into(),
            dictionary: Arc::new(Dictionary::default().extended(&schema, defaults)),
            schema: Arc::new(schema.clone()),
            long: None,
            store: Store::new(true, 0),
            closed: ClosedRows::default(),
            created: true,
            shape: Some(Shape { schema, defaults: defaults.to_vec() }),
            dropped: None,
            undropped: false,
            truncated: None,
            backfills: Vec::new(),
        }
    }

    /// Has what grows with the number of rows stand in scratch from now on.
    pub fn outgrow(&mut self, scratch: &Arc<Scratch>) {
        self.store.outgrow(scratch);
        let mut closed = ClosedRows::with_capacity_and_hasher_in(
            self.closed.len(),
            DefaultHashBuilder::default(),
            ScratchAllocator::of(scratch),
        );
        closed.extend(self.closed.drain());
        self.closed = closed;
    }

    /// Whether entries of an index are not in the own map yet.
    pub fn is_unmapped(&self, index: IndexId) -> bool {
        self.backfills.iter().any(|backfill| backfill.index == index && !backfill.is_mapped)
    }

    /// Puts the entries of an index into the own map, where they are not yet.
    pub fn map_backfills(&mut self, index: IndexId) {
        for backfill in self.backfills.iter_mut().filter(|backfill| backfill.index == index) {
            if std::mem::replace(&mut backfill.is_mapped, true) {
                continue;
            }
            let map = self.store.index_mut(index);
            map.reserve(backfill.entries.len());
            for (handle, _, key) in &backfill.entries {
                map.insert(key, Location(handle.location));
            }
        }
    }

    /// Whether, for commands up to `own_at`, the committed rows of the table are not there any more.
    pub fn hides_base(&self, own_at: u64) -> bool {
        self.created
            || self.truncated.is_some_and(|command| command <= own_at)
            || self.dropped.is_some_and(|command| command <= own_at)
    }

    /// Whether no other transaction can touch the rows written here, so that they need no locks.
    pub fn is_alone(&self) -> bool {
        self.created || self.truncated.is_some()
    }

    /// Whether a committed row is closed for commands up to `own_at`.
    pub fn closes(&self, birth: u64, own_at: u64) -> bool {
        self.closed.get(&birth).is_some_and(|closed| closed.command <= own_at)
    }
}

/// The shape that a table had. In a box of its own: there is an [`Undo`] for every row.
pub(crate) struct Reshaped {
    pub schema: Arc<TableSchema>,
    pub layout: Layout,
    pub dictionary: Arc<Dictionary>,
    pub shape: Option<Shape>,
}

/// How to take back one change.
pub(crate) enum Undo {
    /// Rows were appended to one chunk of the private store, from this location on.
    Inserted {
        table: TableId,
        first: Location,
        count: u32,
    },
    /// A row of the private store was closed.
    ClosedOwn {
        table: TableId,
        location: Location,
    },
    /// A committed row was closed.
    Closed {
        table: TableId,
        handle: RowHandle,
    },
    Created {
        table: TableId,
    },
    Reshaped {
        table: TableId,
        before: Box<Reshaped>,
    },
    Dropped {
        table: TableId,
    },
    Undropped {
        table: TableId,
    },
    Truncated {
        table: TableId,
        before: Option<u64>,
    },
    Backfilled {
        table: TableId,
    },
}

/// Everything a transaction has written.
#[derive(Default)]
pub(crate) struct WriteSet {
    pub tables: Vec<TableWrites>,
}

impl WriteSet {
    #[inline]
    pub fn table(&self, table: TableId) -> Option<&TableWrites> {
        self.tables.iter().find(|writes| writes.table == table)
    }

    /// What it takes to read rows that were written to one of its tables.
    pub fn columns<'a>(&'a self, writes: &'a TableWrites) -> Columns<'a> {
        let own = long_value::beside(writes.table).and_then(|beside| self.table(beside));
        Columns { dictionary: &writes.dictionary, long: Long { base: writes.long.as_ref(), own } }
    }

    pub fn table_mut(&mut self, table: TableId) -> Option<&mut TableWrites> {
        self.tables.iter_mut().find(|writes| writes.table == table)
    }
}
