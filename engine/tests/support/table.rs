//! The table of the simulated writers, a model of it, and how the two are compared.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    ops::Bound,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use arrow_array::{BinaryArray, Int64Array, RecordBatch};
use strata_engine::{
    ColumnId, CommitTicket, Error, IndexId, IndexSchema, Inserted, NewRow, Outcome, PhysicalType, ReadView,
    ScanColumn, TableId, TableSchema, Timestamp, Transaction, Value,
};

pub const TABLE: TableId = TableId(7);
pub const PRIMARY: IndexId = IndexId(70);
pub const BY_WRITER: IndexId = IndexId(71);
pub const ID: ColumnId = ColumnId(1);
pub const WRITER: ColumnId = ColumnId(2);
pub const AMOUNT: ColumnId = ColumnId(3);
pub const PAYLOAD: ColumnId = ColumnId(4);

/// One row as the model knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub writer: i64,
    pub amount: i64,
    pub payload: Vec<u8>,
}

impl fmt::Debug for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload.first_chunk().map(|first| u64::from_le_bytes(*first));
        write!(formatter, "(writer {}, amount {}, payload {payload:?})", self.writer, self.amount)
    }
}

/// All rows by id.
pub type Model = BTreeMap<i64, Row>;

/// `Err` says what is wrong.
pub type Verdict<T> = Result<T, String>;

pub fn say<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> Verdict<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

pub fn schema() -> TableSchema {
    TableSchema {
        columns: vec![
            (ID, PhysicalType::Int64),
            (WRITER, PhysicalType::Int64),
            (AMOUNT, PhysicalType::Int64),
            (PAYLOAD, PhysicalType::Bytes),
        ],
        indexes: vec![
            IndexSchema { id: PRIMARY, unique: true, primary: true },
            IndexSchema { id: BY_WRITER, unique: false, primary: false },
        ],
        vectors: Vec::new(),
    }
}

pub fn key(number: i64) -> Vec<u8> {
    (number as u64 ^ 1 << 63).to_be_bytes().to_vec()
}

pub fn new_row(id: i64, row: &Row) -> NewRow {
    NewRow {
        values: vec![
            Value::Int64(id),
            Value::Int64(row.writer),
            Value::Int64(row.amount),
            Value::from(row.payload.clone()),
        ],
        keys: vec![(PRIMARY, key(id), true), (BY_WRITER, key(row.writer), false)],
    }
}

/// All rows by a scan, which both indexes must agree with.
pub fn read(view: &ReadView) -> Verdict<Model> {
    let columns = [ID, WRITER, AMOUNT, PAYLOAD].map(ScanColumn::Column);
    let mut rows = Model::new();
    for batch in say("scan", view.scan(TABLE, &columns, 64))? {
        let batch: RecordBatch = say("scan", batch)?;
        let number = |column: usize| batch.column(column).as_any().downcast_ref::<Int64Array>();
        let payload = batch.column(3).as_any().downcast_ref::<BinaryArray>();
        let (Some(ids), Some(writers), Some(amounts), Some(payloads)) =
            (number(0), number(1), number(2), payload)
        else {
            return Err("columns of other types".to_owned());
        };
        for place in 0..batch.num_rows() {
            let row = Row {
                writer: writers.value(place),
                amount: amounts.value(place),
                payload: payloads.value(place).to_vec(),
            };
            if rows.insert(ids.value(place), row).is_some() {
                return Err(format!("row {} comes twice", ids.value(place)));
            }
        }
    }
    let by_id: Vec<Vec<u8>> = rows.keys().map(|id| key(*id)).collect();
    let mut by_writer: Vec<Vec<u8>> = rows.values().map(|row| key(row.writer)).collect();
    by_writer.sort();
    for (index, expected) in [(PRIMARY, by_id), (BY_WRITER, by_writer)] {
        for reverse in [false, true] {
            let mut cursor = view.range(TABLE, index, Bound::Unbounded, Bound::Unbounded, reverse);
            let mut found = Vec::new();
            while say("range", cursor.next(&mut |key, _, _| found.push(key.to_vec())))? {}
            if reverse {
                found.reverse();
            }
            if found != expected {
                let (found, expected) = (found.len(), expected.len());
                return Err(format!("index {} has {found} rows of {expected}", index.0));
            }
        }
    }
    Ok(rows)
}

pub fn differ(when: &str, found: &Model, expected: &Model) -> Verdict<()> {
    if found == expected {
        return Ok(());
    }
    let missing: Vec<_> = expected.iter().filter(|(id, row)| found.get(id) != Some(row)).take(3).collect();
    let extra: Vec<_> = found.iter().filter(|(id, row)| expected.get(id) != Some(row)).take(3).collect();
    Err(format!(
        "{when}: {} rows, not {}; expected {missing:?}, found {extra:?}",
        found.len(),
        expected.len()
    ))
}

/// What a transaction does: rows by id, `None` for deleted.
pub type Effects = BTreeMap<i64, Option<Row>>;

/// A commit that was asked for.
pub enum Asked {
    Waiting(CommitTicket),
    Settled(Result<Timestamp, Error>),
}

impl Asked {
    pub fn is_settled(&mut self) -> bool {
        if let Asked::Waiting(ticket) = self {
            let mut context = Context::from_waker(Waker::noop());
            match Pin::new(ticket).poll(&mut context) {
                Poll::Pending => return false,
                Poll::Ready(outcome) => *self = Asked::Settled(outcome),
            }
        }
        true
    }

    pub fn wait(self) -> Result<Timestamp, Error> {
        match self {
            Asked::Waiting(ticket) => ticket.wait(),
            Asked::Settled(outcome) => outcome,
        }
    }
}

pub fn apply(model: &mut Model, effects: Effects) {
    for (id, row) in effects {
        match row {
            Some(row) => model.insert(id, row),
            None => model.remove(&id),
        };
    }
}

pub fn insert(transaction: &mut Transaction, id: i64, row: &Row) -> Verdict<()> {
    match transaction.insert(TABLE, &new_row(id, row)).map_err(|error| error.to_string())? {
        Outcome::Done(Inserted::Row(_)) => Ok(()),
        Outcome::Done(Inserted::Conflict { .. }) => Err(format!("row {id} is there already")),
        Outcome::Wait(_) => Err(format!("row {id} waits for somebody")),
    }
}
