//! A table of vectors, and what must be found in it.
#![allow(dead_code)]

use std::sync::Arc;
use strata_engine::io::Random;
use strata_engine::vector::{Element, Metric, Nearest, Search};
use strata_engine::{
    ColumnId, Configuration, Database, IndexId, IndexSchema, Inserted, Isolation, LockedRow, NewRow, Outcome,
    PhysicalType, ReadView, RowHandle, RowLock, TableId, TableSchema, Transaction, Value, VectorIndexSchema,
    WaitPolicy,
};

pub const TABLE: TableId = TableId(100);
pub const KEY: IndexId = IndexId(200);
pub const INDEX: IndexId = IndexId(300);
pub const ID: ColumnId = ColumnId(10);
pub const VECTOR: ColumnId = ColumnId(11);

/// A configuration whose failures are left to the test.
pub fn configuration() -> Configuration {
    Configuration { on_failure: Arc::new(|_| {}), ..Configuration::default() }
}

pub fn index(id: IndexId, metric: Metric, element: Element, dimensions: usize) -> VectorIndexSchema {
    let dimensions = dimensions as u32;
    VectorIndexSchema { id, column: VECTOR, element, metric, dimensions, m: 16, ef_construction: 64 }
}

/// id int8 primary key, a vector.
pub fn schema(vectors: &[VectorIndexSchema]) -> TableSchema {
    TableSchema {
        columns: vec![(ID, PhysicalType::Int64), (VECTOR, PhysicalType::Bytes)],
        indexes: vec![IndexSchema { id: KEY, unique: true, primary: true }],
        vectors: vectors.to_vec(),
        ..TableSchema::default()
    }
}

pub fn begin(database: &Database) -> Transaction {
    database.begin(Isolation::ReadCommitted, false)
}

pub fn create(database: &Database, vectors: &[VectorIndexSchema]) {
    let mut transaction = begin(database);
    transaction.create_table(TABLE, schema(vectors)).unwrap();
    transaction.commit().wait().unwrap();
}

pub fn key(id: i64) -> Vec<u8> {
    ((id as u64) ^ (1 << 63)).to_be_bytes().to_vec()
}

fn row(id: i64, value: Value) -> NewRow {
    NewRow { values: vec![Value::Int64(id), value], keys: vec![(KEY, key(id), true)] }
}

/// A new row under a key that nobody has.
pub fn insert(transaction: &mut Transaction, id: i64, value: Value) -> RowHandle {
    match transaction.insert(TABLE, &row(id, value)).unwrap() {
        Outcome::Done(Inserted::Row(handle)) => handle,
        other => panic!("insert of {id}: {other:?}"),
    }
}

pub fn find(view: &ReadView, id: i64) -> Option<RowHandle> {
    let mut found = None;
    view.lookup(TABLE, KEY, &key(id), &mut |handle, _| found = Some(handle)).unwrap();
    found
}

fn lock(transaction: &mut Transaction, handle: RowHandle) {
    match transaction.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap() {
        Outcome::Done(LockedRow::Current) => {}
        other => panic!("{other:?}"),
    }
}

/// Inserts a row, or gives it a new vector.
pub fn put(transaction: &mut Transaction, id: i64, value: Value) {
    let Some(handle) = find(&transaction.view(), id) else {
        insert(transaction, id, value);
        return;
    };
    lock(transaction, handle);
    match transaction.update(TABLE, handle, &row(id, value), false).unwrap() {
        Outcome::Done(Inserted::Row(_)) => {}
        other => panic!("{other:?}"),
    }
}

/// Deletes a row if it is there.
pub fn delete(transaction: &mut Transaction, id: i64) {
    if let Some(handle) = find(&transaction.view(), id) {
        lock(transaction, handle);
        transaction.delete(TABLE, handle).unwrap();
    }
}

/// A number from -1 to 1.
pub fn random_number(random: &dyn Random) -> f32 {
    (random.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0
}

pub fn random_vector(random: &dyn Random, dimensions: usize) -> Vec<f32> {
    (0..dimensions).map(|_| random_number(random)).collect()
}

/// The bytes of a value. Half precision is for numbers that it has: small whole ones.
pub fn bytes(vector: &[f32], element: Element) -> Vec<u8> {
    let half = |number: &f32| {
        let bits = number.to_bits();
        let exponent = (bits >> 23 & 0xFF) as i32 - 127 + 15;
        let exact = if *number == 0.0 { 0 } else { (exponent as u32) << 10 | bits >> 13 & 0x3FF };
        ((bits >> 16 & 0x8000 | exact) as u16).to_le_bytes()
    };
    match element {
        Element::F32 => vector.iter().flat_map(|number| number.to_le_bytes()).collect(),
        Element::F16 => vector.iter().flat_map(half).collect(),
    }
}

fn plain_distance(metric: Metric, query: &[f32], vector: &[f32]) -> f64 {
    let pairs = || query.iter().zip(vector).map(|(query, value)| (f64::from(*query), f64::from(*value)));
    match metric {
        Metric::L2 => pairs().map(|(query, value)| (query - value).powi(2)).sum::<f64>().sqrt(),
        Metric::InnerProduct => -pairs().map(|(query, value)| query * value).sum::<f64>(),
        Metric::L1 => pairs().map(|(query, value)| (query - value).abs()).sum(),
        Metric::Cosine => {
            let length = |vector: &[f32]| vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>();
            let product: f64 = pairs().map(|(query, value)| query * value).sum();
            1.0 - product / (length(query) * length(vector)).sqrt()
        }
    }
}

/// The nearest of all, the slow way.
pub fn exact<'v>(
    vectors: impl Iterator<Item = (i64, &'v [f32])>,
    metric: Metric,
    query: &[f32],
    k: usize,
) -> Vec<(i64, f64)> {
    let mut all: Vec<(i64, f64)> =
        vectors.map(|(id, vector)| (id, plain_distance(metric, query, vector))).collect();
    all.sort_by(|left, right| left.1.total_cmp(&right.1).then(left.0.cmp(&right.0)));
    all.truncate(k);
    all
}

pub fn search(k: usize, ef: usize, expected_share: Option<f64>) -> Search<'static> {
    Search { k, ef, filter: None, expected_share }
}

/// The rows of an answer by their ids.
pub fn rows(found: &Nearest, view: &ReadView) -> Vec<(i64, f64)> {
    let id = |handle: RowHandle| match view.get(TABLE, handle, &[ID]).unwrap().as_deref() {
        Some([Value::Int64(id)]) => *id,
        other => panic!("{other:?}"),
    };
    found.rows.iter().map(|(handle, distance)| (id(*handle), *distance)).collect()
}

pub fn nearest(view: &ReadView, index: IndexId, query: &[f32], k: usize) -> Vec<(i64, f64)> {
    rows(&view.nearest(TABLE, index, query, &mut search(k, 40, None)).unwrap(), view)
}

/// As [`nearest`] for the rows whose id passes.
pub fn nearest_where(
    view: &ReadView,
    index: IndexId,
    query: &[f32],
    k: usize,
    ef: usize,
    expected_share: Option<f64>,
    passes: &dyn Fn(i64) -> bool,
) -> Nearest {
    let mut filter = |_, row: strata_engine::RowRef<'_>| match row.value(ID).unwrap() {
        Value::Int64(id) => passes(id),
        other => panic!("{other:?}"),
    };
    let mut search = Search { k, ef, filter: Some(&mut filter), expected_share };
    view.nearest(TABLE, index, query, &mut search).unwrap()
}
