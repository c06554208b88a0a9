//! Statistics in the engine, and the cache that the planner reads.
//!
//! **Format.** Table 17 of the engine, one row a column: the table's oid, the column's number, its statistics (`encoding`),
//! the number of the table's rows when it was analyzed; one index over (oid, number), big-endian. Rows of dropped tables
//! stay, as oids are not used again.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use catalog::Catalog;
use engine::{
    ColumnId, Database, IndexId, IndexSchema, Inserted, Isolation, LockedRow, NewRow, Outcome, PhysicalType,
    RowLock, TableId, TableSchema, Ticket, Transaction, Value, WaitPolicy,
};
use parking_lot::RwLock;

use super::column::ColumnStatistics;
use super::encoding::{decode, encode};
use crate::error::Result;
use crate::session::engine_error;

const STATISTICS: TableId = TableId(17);
const BY_COLUMN: IndexId = IndexId(17);
const NUMBER: ColumnId = ColumnId(2);
const BODY: ColumnId = ColumnId(3);
const ROWS: ColumnId = ColumnId(4);

/// What is known of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableStatistics {
    /// Its rows when it was analyzed.
    pub rows: f64,
    pub columns: HashMap<i16, Arc<ColumnStatistics>>,
}

/// Makes the table of statistics, where it is missing. What statistics were before, nobody asks.
pub(crate) fn create(database: &Database) -> Result<()> {
    if database.table_schema(STATISTICS).is_err() {
        create_table(database)?;
    }
    database.set_history_retention(STATISTICS, Some(0)).map_err(engine_error)
}

fn create_table(database: &Database) -> Result<()> {
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    let columns = vec![
        (ColumnId(1), PhysicalType::UInt32),
        (NUMBER, PhysicalType::Int16),
        (BODY, PhysicalType::Bytes),
        (ROWS, PhysicalType::Float64),
    ];
    let indexes = vec![IndexSchema { id: BY_COLUMN, unique: true, primary: true }];
    let schema = TableSchema { columns, indexes, ..TableSchema::default() };
    transaction.create_table(STATISTICS, schema).map_err(engine_error)?;
    transaction.commit().wait().map(|_| ()).map_err(engine_error)
}

fn key(table: u32, column: i16) -> Vec<u8> {
    let mut key = table.to_be_bytes().to_vec();
    key.extend_from_slice(&column.to_be_bytes());
    key
}

/// What one write led to.
enum Written {
    Done,
    Wait(Ticket),
}

/// Statistics by table, read when they are first asked for.
#[derive(Debug, Default)]
pub(crate) struct StatisticsCache {
    tables: RwLock<HashMap<u32, Option<Arc<TableStatistics>>>>,
}

impl StatisticsCache {
    /// What is known of a table; `None` if it was never analyzed.
    pub fn of(&self, database: &Database, table: u32) -> Option<Arc<TableStatistics>> {
        if let Some(known) = self.tables.read().get(&table) {
            return known.clone();
        }
        let mut tables = self.tables.write();
        // Read while nobody can forget it: what is put here is not older than the newest commit.
        let read = read(database, table).map(Arc::new);
        tables.insert(table, read.clone());
        read
    }

    /// Lets go of what is remembered of tables that are gone.
    pub fn forget_gone(&self, is_there: &dyn Fn(u32) -> bool) {
        self.tables.write().retain(|table, _| is_there(*table));
    }

    /// Writes down what was found of some columns of a table, and waits until it is durable and seen. Columns that are not
    /// among them keep what they have.
    pub fn store(
        &self,
        database: &Arc<Database>,
        catalog: &Catalog,
        table: u32,
        rows: f64,
        columns: &[(i16, ColumnStatistics)],
    ) -> Result<()> {
        let mut transaction = database.begin(Isolation::ReadCommitted, false);
        for (column, statistics) in columns {
            while let Written::Wait(ticket) = write(&mut transaction, table, *column, rows, statistics)? {
                ticket.wait().map_err(engine_error)?;
            }
        }
        transaction.commit().wait().map_err(engine_error)?;
        // Whoever reads from now on finds them; plans made with what was known before are made anew.
        self.tables.write().remove(&table);
        catalog.renew();
        Ok(())
    }
}

fn write(
    transaction: &mut Transaction,
    table: u32,
    column: i16,
    rows: f64,
    statistics: &ColumnStatistics,
) -> Result<Written> {
    let key = key(table, column);
    let body = Value::from(encode(statistics));
    let values = vec![Value::UInt32(table), Value::Int16(column), body, Value::Float64(rows)];
    let row = NewRow { values, keys: vec![(BY_COLUMN, key.clone(), true)] };
    let known = transaction.find_latest(STATISTICS, BY_COLUMN, &key).map_err(engine_error)?;
    let written = match known.first() {
        None => transaction.insert(STATISTICS, &row),
        Some(old) => match transaction.lock_row(STATISTICS, *old, RowLock::NoKeyUpdate, WaitPolicy::WAIT) {
            Ok(Outcome::Wait(ticket)) => return Ok(Written::Wait(ticket)),
            Ok(Outcome::Done(LockedRow::Current)) => transaction.update(STATISTICS, *old, &row, false),
            Ok(Outcome::Done(_)) => return write(transaction, table, column, rows, statistics),
            Err(error) => Err(error),
        },
    };
    match written.map_err(engine_error)? {
        Outcome::Done(Inserted::Row(_)) => Ok(Written::Done),
        Outcome::Done(Inserted::Conflict { .. }) => write(transaction, table, column, rows, statistics),
        Outcome::Wait(ticket) => Ok(Written::Wait(ticket)),
    }
}

/// Reads what is known of a table. What cannot be read is as if it had never been written.
fn read(database: &Database, table: u32) -> Option<TableStatistics> {
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let view = transaction.view();
    let (lower, upper) = (key(table, 0), key(table, i16::MAX));
    let (lower, upper) = (Bound::Included(lower.as_slice()), Bound::Included(upper.as_slice()));
    let mut cursor = view.range(STATISTICS, BY_COLUMN, lower, upper, false);
    let mut found = TableStatistics::default();
    loop {
        let more = cursor.next(&mut |_, _, row| {
            if let (Ok(Value::Int16(number)), Ok(Value::Bytes(body)), Ok(Value::Float64(rows))) =
                (row.value(NUMBER), row.value(BODY), row.value(ROWS))
                && let Some(statistics) = decode(&body)
            {
                found.rows = rows;
                found.columns.insert(number, Arc::new(statistics));
            }
        });
        match more {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::warn!(table, %error, "the statistics of a table cannot be read");
                break;
            }
        }
    }
    (!found.columns.is_empty()).then_some(found)
}
