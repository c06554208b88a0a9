//! Stored rows against an answer: what differs, and the change that removes the difference.

use std::collections::HashMap;

use engine::{
    Inserted, LockedRow, Outcome, ReadView, RowHandle, RowLock, ScanColumn, Transaction, Value, WaitPolicy,
};

use super::delta::Weighted;
use crate::dml::{TableModel, index_key, new_row};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Context, value_at};
use crate::session::engine_error;

/// Rows a batch while stored rows are read.
const BATCH_ROWS: usize = 8192;

/// Rows that are looked for among all stored rows.
const MOST_WITHOUT_KEY: usize = 8;

/// A row by its representation: rows that SQL holds equal but shows differently are different.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RowImage(Vec<u8>);

impl RowImage {
    pub fn of(values: &[Value]) -> RowImage {
        let mut bytes = Vec::with_capacity(values.len() * 9);
        for value in values {
            append(value, &mut bytes);
        }
        RowImage(bytes)
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

fn append(value: &Value, out: &mut Vec<u8>) {
    let counted = |tag: u8, bytes: &[u8], out: &mut Vec<u8>| {
        out.push(tag);
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Null => out.push(0),
        Value::Bool(value) => out.extend_from_slice(&[1, u8::from(*value)]),
        Value::Int16(number) => counted(2, &number.to_be_bytes(), out),
        Value::Int32(number) => counted(3, &number.to_be_bytes(), out),
        Value::Int64(number) => counted(4, &number.to_be_bytes(), out),
        Value::UInt32(number) => counted(5, &number.to_be_bytes(), out),
        Value::Float32(number) => counted(6, &number.to_bits().to_be_bytes(), out),
        Value::Float64(number) => counted(7, &number.to_bits().to_be_bytes(), out),
        Value::Fixed16(bytes) => counted(8, bytes, out),
        Value::Text(text) => counted(9, text.as_bytes(), out),
        Value::Bytes(bytes) => counted(10, bytes, out),
    }
}

/// The stored rows of a view, by their images.
pub(crate) struct StoredRows(HashMap<RowImage, Vec<RowHandle>>);

/// Reads all stored rows.
pub(crate) fn stored_rows(view: &ReadView, model: &TableModel) -> Result<StoredRows> {
    let mut rows: HashMap<RowImage, Vec<RowHandle>> = HashMap::new();
    let mut projection: Vec<ScanColumn> = model.column_ids.iter().map(|id| ScanColumn::Column(*id)).collect();
    projection.push(ScanColumn::Handle);
    for batch in view.scan(model.id, &projection, BATCH_ROWS).map_err(engine_error)? {
        let batch = batch.map_err(engine_error)?;
        for row in 0..batch.num_rows() {
            let mut values = Vec::with_capacity(batch.num_columns());
            for column in batch.columns() {
                values.push(value_at(column.as_ref(), row)?);
            }
            let Some(Value::Fixed16(handle)) = values.pop() else {
                return Err(Error::internal("a scan gave a row without a handle"));
            };
            rows.entry(RowImage::of(&values)).or_default().push(RowHandle::from_bytes(handle));
        }
    }
    Ok(StoredRows(rows))
}

/// What has to be done to stored rows.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub deleted: Vec<RowHandle>,
    /// The writes that made the deleted rows, where they were found one by one: rows may move, their writes stay.
    pub writes: Vec<[u8; 16]>,
    pub inserted: Vec<Vec<Value>>,
}

impl StoredRows {
    /// A row of the answer: it keeps a stored row of the same image, or is missing.
    pub fn meet(&mut self, row: Vec<Value>, difference: &mut Difference) {
        match self.0.get_mut(&RowImage::of(&row)).and_then(Vec::pop) {
            Some(_) => {}
            None => difference.inserted.push(row),
        }
    }

    /// The stored rows that the answer has not met go.
    pub fn finish(self, difference: &mut Difference) {
        difference.deleted.extend(self.0.into_values().flatten());
    }
}

/// Changes stored rows: deletions first, so that a unique key may pass from one row to another.
pub(crate) fn apply(
    transaction: &mut Transaction,
    model: &TableModel,
    context: &Context,
    difference: &Difference,
) -> Result<()> {
    for handle in &difference.deleted {
        let locked = transaction.lock_row(model.id, *handle, RowLock::Update, WaitPolicy::NoWait);
        match locked.map_err(engine_error)? {
            Outcome::Done(LockedRow::Current) => {}
            Outcome::Done(_) | Outcome::Wait(_) => {
                let message = format!("the rows of materialized view \"{}\" have changed", model.name);
                return Err(Error::new(SqlState::SerializationFailure, message));
            }
        }
        transaction.delete(model.id, *handle).map_err(engine_error)?;
    }
    for values in &difference.inserted {
        let row = new_row(model, values.clone(), context)?;
        match transaction.insert(model.id, &row).map_err(engine_error)? {
            Outcome::Done(Inserted::Row(_)) => {}
            Outcome::Done(Inserted::Conflict { index, existing: _ }) => {
                return Err(duplicate(model, index, values, context)?);
            }
            Outcome::Wait(_) => {
                return Err(Error::internal("somebody else writes to a materialized view"));
            }
        }
    }
    Ok(())
}

/// Two rows with one key of a unique index.
fn duplicate(model: &TableModel, index: engine::IndexId, row: &[Value], context: &Context) -> Result<Error> {
    let index = model.index(index).ok_or_else(|| Error::internal("a conflict in no index"))?;
    let key = crate::dml::key_values(index, row, context)?;
    let shown = crate::dml::index_key_text(index, &key, context);
    let message = format!("could not create unique index \"{}\"", index.name);
    Ok(Error::new(SqlState::UniqueViolation, message).detail(format!("Key {shown} is duplicated.")))
}

/// What changes of an answer come to on its stored rows; `None` where a row that should go is not stored.
pub(crate) fn difference_of(
    view: &ReadView,
    model: &TableModel,
    context: &Context,
    changes: Vec<Weighted>,
) -> Result<Option<Difference>> {
    let row_index = model.relation.as_materialized_view().map(|view| engine::IndexId(view.row_index));
    let index = row_index.and_then(|id| model.index(id));
    let index = index.ok_or_else(|| Error::internal("a materialized view without its index of rows"))?;
    let mut difference = Difference::default();
    // Without a key each row that goes is looked for among all.
    let going = changes.iter().filter(|(_, weight)| *weight < 0).count();
    if index.keys.is_empty() && going > MOST_WITHOUT_KEY {
        return Ok(None);
    }
    for (row, weight) in changes {
        if weight > 0 {
            (0..weight).for_each(|_| difference.inserted.push(row.clone()));
            continue;
        }
        let Some((key, _)) = index_key(index, &row, context)? else { return Ok(None) };
        let (image, mut wanted, mut failed) = (RowImage::of(&row), weight.unsigned_abs(), None);
        view.lookup(model.id, index.id, &key, &mut |handle, stored| {
            if wanted == 0 {
                return;
            }
            let values: std::result::Result<Vec<Value>, _> =
                model.column_ids.iter().map(|column| stored.value(*column)).collect();
            match values {
                Ok(values) if RowImage::of(&values) == image => match stored.write() {
                    Ok(write) => {
                        difference.deleted.push(handle);
                        difference.writes.push(write);
                        wanted -= 1;
                    }
                    Err(error) => failed = Some(error),
                },
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        })
        .map_err(engine_error)?;
        if let Some(error) = failed {
            return Err(engine_error(error));
        }
        if wanted > 0 {
            return Ok(None);
        }
    }
    Ok(Some(difference))
}
