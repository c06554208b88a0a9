//! Changes of tables themselves: create, alter, drop, truncate, new indexes over old rows.
//!
//! They are part of the transaction like rows: private until its commit, undone by a savepoint. The caller holds the
//! relation lock that keeps others away (AccessExclusive for all but building an index, which needs Share).

use super::Transaction;
use super::write_set::{Backfill, Reshaped, Shape, TableWrites, Undo};
use crate::ids::Location;
use crate::long_value;
use crate::table::visibility::{ALIVE, is_live};
use crate::{
    ColumnId, Error, IndexId, PhysicalType, RowHandle, TableId, TableSchema, Value, VectorIndexSchema,
};
use std::sync::Arc;

/// Dimensions and links that an index over vectors may have: what its graphs can say.
const MOST_DIMENSIONS: u32 = 16_000;
const MOST_LINKS: u32 = 256;

impl Transaction {
    /// Creates an empty table under an id that was never used.
    pub fn create_table(&mut self, table: TableId, schema: TableSchema) -> Result<(), Error> {
        self.check_writable()?;
        check_schema(table, &schema)?;
        let taken = self.engine.tables().contains_key(&table);
        let writes = self.writes.get_or_insert_with(Arc::default).clone();
        let mut writes = writes.write();
        if taken || writes.table(table).is_some() {
            return Err(Error::MalformedRow { table, reason: "the table exists already" });
        }
        let has_long = !schema.long.is_empty();
        writes.tables.push(TableWrites::created(table, schema, &[]));
        self.undo.push(Undo::Created { table });
        drop(writes);
        if has_long { self.create_beside(table) } else { Ok(()) }
    }

    /// Refuses what rows that were there before would read as a reference.
    fn check_defaults(table: TableId, defaults: &[(ColumnId, Value)]) -> Result<(), Error> {
        match defaults.iter().any(|(_, value)| long_value::is_reference(value)) {
            true => Err(Error::MalformedRow { table, reason: "a default that reads as a reference" }),
            false => Ok(()),
        }
    }

    /// Creates the table for long values, where there is none.
    fn create_beside(&mut self, table: TableId) -> Result<(), Error> {
        let Some(beside) = long_value::beside(table) else {
            return Err(Error::MalformedRow { table, reason: "a table of this number has no long values" });
        };
        if self.has_table(beside) { Ok(()) } else { self.create_table(beside, long_value::schema(beside)) }
    }

    /// Whether a table exists, or this transaction makes it.
    fn has_table(&self, table: TableId) -> bool {
        self.engine.tables().contains_key(&table)
            || self.writes.as_ref().is_some_and(|writes| writes.read().table(table).is_some())
    }

    /// Does to the table beside, if there is one, what was done to a table.
    fn with_beside(
        &mut self,
        table: TableId,
        same: impl FnOnce(&mut Transaction, TableId) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match long_value::beside(table).filter(|beside| self.has_table(*beside)) {
            Some(beside) => same(self, beside),
            None => Ok(()),
        }
    }

    /// Gives a table a new schema. Columns that are new read as their default in rows that were there before (NULL
    /// if none is given); columns that are gone stay readable in the past. New indexes are empty: the caller fills
    /// them with [`Transaction::add_index_entries`].
    pub fn alter_table(
        &mut self,
        table: TableId,
        schema: TableSchema,
        defaults: &[(ColumnId, Value)],
    ) -> Result<(), Error> {
        self.check_writable()?;
        check_schema(table, &schema)?;
        Transaction::check_defaults(table, defaults)?;
        let writes = self.writes_of(table)?;
        let mut all_writes = writes.write();
        let writes = all_writes.table_mut(table).ok_or(Error::UnknownTable(table))?;
        let before = Reshaped {
            schema: writes.schema.clone(),
            layout: writes.layout.clone(),
            dictionary: writes.dictionary.clone(),
            shape: writes.shape.clone(),
        };
        self.undo.push(Undo::Reshaped { table, before: Box::new(before) });
        // Defaults of an earlier change in this transaction still hold for the columns it added.
        let mut all: Vec<(ColumnId, Value)> = defaults.to_vec();
        all.extend(writes.shape.take().into_iter().flat_map(|shape| shape.defaults));
        writes.dictionary = Arc::new(writes.dictionary.extended(&schema, &all));
        writes.layout = schema.columns.clone().into();
        let has_long = !schema.long.is_empty();
        writes.schema = Arc::new(schema.clone());
        writes.shape = Some(Shape { schema, defaults: all });
        drop(all_writes);
        if has_long { self.create_beside(table) } else { Ok(()) }
    }

    /// Drops a table: gone for later statements, readable at moments before the commit for ever.
    pub fn drop_table(&mut self, table: TableId) -> Result<(), Error> {
        self.check_writable()?;
        let command = self.command;
        let writes = self.writes_of(table)?;
        writes.write().table_mut(table).ok_or(Error::UnknownTable(table))?.dropped = Some(command);
        self.undo.push(Undo::Dropped { table });
        self.with_beside(table, |transaction, beside| transaction.drop_table(beside))
    }

    /// Takes the drop of a table back: it goes on with the rows, the indexes and the history that it had. For a table
    /// that another transaction has dropped.
    pub fn undrop_table(&mut self, table: TableId) -> Result<(), Error> {
        self.check_writable()?;
        if self.engine.table(table)?.dropped() == ALIVE {
            return Err(Error::MalformedRow { table, reason: "the table is not dropped" });
        }
        let writes = self.writes_of(table)?;
        writes.write().table_mut(table).ok_or(Error::UnknownTable(table))?.undropped = true;
        self.undo.push(Undo::Undropped { table });
        self.with_beside(table, |transaction, beside| transaction.undrop_table(beside))
    }

    /// Removes all rows at once: gone for later statements, readable at moments before the commit for ever.
    pub fn truncate(&mut self, table: TableId) -> Result<(), Error> {
        self.check_writable()?;
        let command = self.command;
        let writes = self.writes_of(table)?;
        let mut writes = writes.write();
        let writes = writes.table_mut(table).ok_or(Error::UnknownTable(table))?;
        let before = writes.truncated.replace(command);
        self.undo.push(Undo::Truncated { table, before });
        for (number, chunk) in writes.store.chunks() {
            for (row, life) in chunk.lives().iter().enumerate() {
                if is_live(life.end()) {
                    life.set_end(command);
                    self.undo.push(Undo::ClosedOwn { table, location: Location::own(number, row as u32) });
                }
            }
        }
        Ok(())
    }

    /// Puts existing versions into a new index, own and committed ones, dead ones of the past too.
    ///
    /// With `covers_history` the caller says that its entries hold every version that is or was in the table (a scan
    /// by [`crate::ReadView::versions`] finds them): then the index answers for all moments. Otherwise it answers for
    /// moments from this commit on, and [`crate::ReadView::index_usable`] says so. That living rows of a unique index
    /// have different keys (but for keys with a NULL) is for the caller to check: it sees them all.
    pub fn add_index_entries(
        &mut self,
        table: TableId,
        index: IndexId,
        entries: Vec<(RowHandle, Vec<u8>)>,
        covers_history: bool,
    ) -> Result<(), Error> {
        self.check_writable()?;
        let writes = self.writes_of(table)?;
        {
            let writes = writes.read();
            let writes = writes.table(table).ok_or(Error::UnknownTable(table))?;
            writes.schema.index(index).ok_or(Error::UnknownIndex(table, index))?;
        }
        let entries = self.with_starts(table, entries)?;
        let mut writes = writes.write();
        let writes = writes.table_mut(table).ok_or(Error::UnknownTable(table))?;
        writes.backfills.push(Backfill {
            index,
            entries,
            covers_history,
            is_mapped: false,
            map: None,
            runs: Vec::new(),
            repeats: false,
        });
        self.undo.push(Undo::Backfilled { table });
        Ok(())
    }

    /// Adds to each entry when its version was committed: with the birth, a name that survives every move.
    fn with_starts(
        &self,
        table: TableId,
        entries: Vec<(RowHandle, Vec<u8>)>,
    ) -> Result<Vec<(RowHandle, u64, Vec<u8>)>, Error> {
        let state = self.base(table).map(|table| table.read());
        let entries = entries.into_iter().map(|(handle, key)| {
            if Location(handle.location).is_own() {
                return Ok((handle, 0, key));
            }
            match state.as_ref().and_then(|state| state.resolve(handle)) {
                Some((location, found)) => {
                    let handle = RowHandle { location: location.0, birth: handle.birth };
                    Ok((handle, found.from()?, key))
                }
                None => Err(Error::MalformedRow { table, reason: "an index entry names no row" }),
            }
        });
        entries.collect()
    }
}

fn check_schema(table: TableId, schema: &TableSchema) -> Result<(), Error> {
    let mut columns: Vec<ColumnId> = schema.columns.iter().map(|(column, _)| *column).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.len() != schema.columns.len() {
        return Err(Error::MalformedRow { table, reason: "a column id stands twice in the schema" });
    }
    if schema.indexes.iter().filter(|index| index.primary).count() > 1 {
        return Err(Error::MalformedRow { table, reason: "a table has one clustering key at most" });
    }
    let fits = |index: &VectorIndexSchema| {
        schema.columns.contains(&(index.column, PhysicalType::Bytes))
            && (1..=MOST_DIMENSIONS).contains(&index.dimensions)
            && (2..=MOST_LINKS).contains(&index.m)
            && index.ef_construction > 0
    };
    let may_be_long = |column: &ColumnId| {
        let is_read_in_place = schema.vectors.iter().any(|index| index.column == *column);
        let physical = schema.position(*column).and_then(|place| schema.columns.get(place));
        let has_bytes = physical.is_some_and(|(_, p)| matches!(p, PhysicalType::Text | PhysicalType::Bytes));
        has_bytes && !is_read_in_place
    };
    if !schema.long.iter().all(may_be_long) {
        return Err(Error::MalformedRow { table, reason: "a column whose values cannot stand beside" });
    }
    if !schema.vectors.iter().all(fits) {
        return Err(Error::MalformedRow { table, reason: "a vector index that cannot be" });
    }
    Ok(())
}
