//! What the tests of the engine share: a database on a disk that can lose what power cuts lose, and one small table.
#![allow(dead_code)]

use std::ops::Bound;
use std::sync::Arc;
use strata_engine::io::simulation::{SimulatedClock, SimulatedDisk, environment};
use strata_engine::{
    ColumnId, Configuration, Database, Environment, IndexId, IndexSchema, Inserted, Isolation, LockedRow,
    NewRow, Outcome, PhysicalType, ReadView, RowHandle, RowLock, ScanColumn, TableId, TableSchema, Timestamp,
    Transaction, Value, WaitPolicy,
};

pub const TABLE: TableId = TableId(100);
pub const KEY: IndexId = IndexId(200);
pub const BY_NAME: IndexId = IndexId(201);
pub const ID: ColumnId = ColumnId(10);
pub const NAME: ColumnId = ColumnId(11);
pub const AMOUNT: ColumnId = ColumnId(12);

pub struct World {
    pub disk: Arc<SimulatedDisk>,
    pub clock: Arc<SimulatedClock>,
    pub environment: Environment,
    /// Whether all that is new is written to files before its commit: so in every other world.
    spills: bool,
}

impl World {
    pub fn new(seed: u64) -> World {
        let (disk, clock, environment) = environment(seed);
        World { disk, clock, environment, spills: seed % 2 == 1 }
    }

    pub fn open(&self) -> Arc<Database> {
        let mut configuration = configuration();
        if self.spills {
            (configuration.spill_bytes, configuration.spill_entries) = (1, 1);
            (configuration.scratch_bytes, configuration.locked_keys) = (1, 4);
        }
        Database::open(configuration, self.environment.clone()).expect("the database opens")
    }
}

/// A configuration whose failures are left to the test.
pub fn configuration() -> Configuration {
    Configuration { on_failure: Arc::new(|_| {}), ..Configuration::default() }
}

/// id int8 primary key, name text (indexed, not unique), amount int8.
pub fn schema() -> TableSchema {
    TableSchema {
        columns: vec![(ID, PhysicalType::Int64), (NAME, PhysicalType::Text), (AMOUNT, PhysicalType::Int64)],
        indexes: vec![
            IndexSchema { id: KEY, unique: true, primary: true },
            IndexSchema { id: BY_NAME, unique: false, primary: false },
        ],
        ..TableSchema::default()
    }
}

pub fn key(id: i64) -> Vec<u8> {
    ((id as u64) ^ (1 << 63)).to_be_bytes().to_vec()
}

pub fn row(id: i64, name: &str, amount: i64) -> NewRow {
    NewRow {
        values: vec![Value::Int64(id), Value::from(name), Value::Int64(amount)],
        keys: vec![(KEY, key(id), true), (BY_NAME, name.as_bytes().to_vec(), false)],
    }
}

pub fn begin(database: &Database) -> Transaction {
    database.begin(Isolation::ReadCommitted, false)
}

/// The row of an insert that meets nobody.
pub fn insert(transaction: &mut Transaction, id: i64, name: &str, amount: i64) -> RowHandle {
    match transaction.insert(TABLE, &row(id, name, amount)).unwrap() {
        Outcome::Done(Inserted::Row(handle)) => handle,
        other => panic!("insert of {id}: {other:?}"),
    }
}

/// A database with the table, and rows `1..=rows` of amount 100.
pub fn with_rows(database: &Database, rows: i64) -> Timestamp {
    let mut transaction = begin(database);
    transaction.create_table(TABLE, schema()).unwrap();
    for id in 1..=rows {
        insert(&mut transaction, id, "name", 100);
    }
    transaction.commit().wait().unwrap()
}

pub fn find(view: &ReadView, id: i64) -> Option<(RowHandle, String, i64)> {
    let mut found = None;
    view.lookup(TABLE, KEY, &key(id), &mut |handle, row| {
        assert!(found.is_none(), "two rows with key {id}");
        let name = String::from_utf8(row.bytes(NAME).unwrap().unwrap_or_default().to_vec()).unwrap();
        let Value::Int64(amount) = row.value(AMOUNT).unwrap() else { panic!("amount is not int8") };
        found = Some((handle, name, amount));
    })
    .unwrap();
    found
}

pub fn amount(view: &ReadView, id: i64) -> Option<i64> {
    find(view, id).map(|(_, _, amount)| amount)
}

/// Locks a row that nobody is in the way of.
pub fn lock(transaction: &mut Transaction, handle: RowHandle) -> LockedRow {
    match transaction.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap() {
        Outcome::Done(locked) => locked,
        Outcome::Wait(_) => panic!("somebody is in the way"),
    }
}

/// Sets the amount of a row that nobody is in the way of.
pub fn set_amount(transaction: &mut Transaction, id: i64, to: i64) -> RowHandle {
    transaction.start_statement();
    let (handle, name, _) = find(&transaction.view(), id).expect("the row exists");
    let handle = match lock(transaction, handle) {
        LockedRow::Current => handle,
        LockedRow::Moved(newer) => newer,
        other => panic!("{other:?}"),
    };
    match transaction.update(TABLE, handle, &row(id, &name, to), false).unwrap() {
        Outcome::Done(Inserted::Row(handle)) => handle,
        other => panic!("update of {id}: {other:?}"),
    }
}

pub fn delete(transaction: &mut Transaction, id: i64) {
    transaction.start_statement();
    let (handle, _, _) = find(&transaction.view(), id).expect("the row exists");
    let locked = transaction.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT).unwrap();
    assert!(matches!(locked, Outcome::Done(LockedRow::Current)));
    transaction.delete(TABLE, handle).unwrap();
}

/// Commits one new amount.
pub fn commit_amount(database: &Database, id: i64, to: i64) -> Timestamp {
    let mut transaction = begin(database);
    set_amount(&mut transaction, id, to);
    transaction.commit().wait().unwrap()
}

/// (id, amount) of all rows by a scan, sorted.
pub fn scan(view: &ReadView) -> Vec<(i64, i64)> {
    let projection = [ScanColumn::Column(ID), ScanColumn::Column(AMOUNT)];
    let mut rows = Vec::new();
    for batch in view.scan(TABLE, &projection, 1000).unwrap() {
        let batch = batch.unwrap();
        let ids = int64(&batch, 0);
        let amounts = int64(&batch, 1);
        rows.extend(ids.into_iter().zip(amounts));
    }
    rows.sort_unstable();
    rows
}

pub fn int64(batch: &arrow_array::RecordBatch, column: usize) -> Vec<i64> {
    let array = batch.column(column).as_any().downcast_ref::<arrow_array::Int64Array>().expect("int8");
    array.values().to_vec()
}

/// (id, amount) of all rows by the primary index, in its order.
pub fn by_key(view: &ReadView, reverse: bool) -> Vec<(i64, i64)> {
    let mut rows = Vec::new();
    let mut cursor = view.range(TABLE, KEY, Bound::Unbounded, Bound::Unbounded, reverse);
    let mut next = |_: &[u8], _: RowHandle, row: strata_engine::RowRef<'_>| {
        if let (Value::Int64(id), Value::Int64(amount)) = (row.value(ID).unwrap(), row.value(AMOUNT).unwrap())
        {
            rows.push((id, amount));
        }
    };
    while cursor.next(&mut next).unwrap() {}
    rows
}
