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
    ScanColumn, TableId, TableSchema, Timestamp, Transaction, Value, VectorIndexSchema,
    vector::{Element, Metric, Search},
};

pub const TABLE: TableId = TableId(7);
pub const PRIMARY: IndexId = IndexId(70);
pub const BY_WRITER: IndexId = IndexId(71);
pub const BY_PLACE: IndexId = IndexId(72);
pub const ID: ColumnId = ColumnId(1);
pub const WRITER: ColumnId = ColumnId(2);
pub const AMOUNT: ColumnId = ColumnId(3);
pub const PAYLOAD: ColumnId = ColumnId(4);
pub const PLACE: ColumnId = ColumnId(5);
const DIMENSIONS: usize = 4;

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
            (PLACE, PhysicalType::Bytes),
        ],
        indexes: vec![
            IndexSchema { id: PRIMARY, unique: true, primary: true },
            IndexSchema { id: BY_WRITER, unique: false, primary: false },
        ],
        vectors: vec![VectorIndexSchema {
            id: BY_PLACE,
            column: PLACE,
            element: Element::F32,
            metric: Metric::L2,
            dimensions: DIMENSIONS as u32,
            m: 8,
            ef_construction: 32,
        }],
        long: vec![PAYLOAD],
    }
}

impl Row {
    /// The row's vector, which follows from the rest of it; every seventh row has none.
    fn place(&self) -> Option<[f32; DIMENSIONS]> {
        let first = self.payload.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        (first % 7 != 0).then(|| scattered(first ^ (self.amount as u64) << 20))
    }
}

/// A point that a number stands for.
fn scattered(number: u64) -> [f32; DIMENSIONS] {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [(); DIMENSIONS].map(|()| {
        word = (word ^ word >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (word >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn distance(left: &[f32; DIMENSIONS], right: &[f32; DIMENSIONS]) -> f64 {
    let pairs = left.iter().zip(right);
    pairs.map(|(left, right)| f64::from(left - right).powi(2)).sum::<f64>().sqrt()
}

/// How searches for neighbours went.
#[derive(Clone, Copy, Default)]
pub struct Searches {
    pub right: u64,
    pub wanted: u64,
    pub graphs: u64,
}

/// Searches for the rows nearest to a few points. What is found is there, passes the filter, comes in order with its
/// distance, and is as many as there are or are wanted; how many of them are the nearest is counted.
pub fn search(view: &ReadView, rows: &Model, seed: u64, searches: &mut Searches) -> Verdict<()> {
    const K: usize = 2;
    for turn in 0..6 {
        let query = scattered(seed ^ turn << 32);
        let passes = |writer: i64| turn % 3 != 2 || writer % 2 == 0;
        let qualified = rows.iter().filter(|(_, row)| passes(row.writer));
        let mut exact: Vec<(i64, f64)> =
            qualified.filter_map(|(id, row)| Some((*id, distance(&query, &row.place()?)))).collect();
        exact.sort_by(|left, right| left.1.total_cmp(&right.1));
        let mut filter = |_, row: strata_engine::RowRef<'_>| match row.value(WRITER) {
            Ok(Value::Int64(writer)) => passes(writer),
            _ => false,
        };
        let filter: Option<&mut strata_engine::vector::Filter<'_>> =
            if turn % 3 == 2 { Some(&mut filter) } else { None };
        let mut wanted = Search { k: K, ef: 4, filter, expected_share: None };
        let found = say("nearest", view.nearest(TABLE, BY_PLACE, &query, &mut wanted))?;
        if found.rows.len() != exact.len().min(K) {
            return Err(format!("{} neighbours of {}", found.rows.len(), exact.len().min(K)));
        }
        let mut last = f64::NEG_INFINITY;
        for (handle, told) in &found.rows {
            let values = say("get a neighbour", view.get(TABLE, *handle, &[ID]))?;
            let Some([Value::Int64(id)]) = values.as_deref() else {
                return Err("a neighbour that is not there".to_owned());
            };
            let Some((_, right)) = exact.iter().find(|(other, _)| other == id) else {
                return Err(format!("row {id} is a neighbour and should not be"));
            };
            if (told - right).abs() > 1e-4 || *told < last {
                return Err(format!("row {id} is told at {told} after {last}, and lies at {right}"));
            }
            last = *told;
        }
        let farthest = exact.iter().take(K).next_back().map_or(0.0, |(_, distance)| *distance);
        searches.right += found.rows.iter().filter(|(_, told)| *told <= farthest + 1e-4).count() as u64;
        searches.wanted += found.rows.len() as u64;
        searches.graphs += found.report.graphs;
    }
    Ok(())
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
            row.place().map_or(Value::Null, |place| {
                Value::from(place.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
            }),
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
