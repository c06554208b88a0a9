//! What the catalog's table tells of its own past: when it changed, and the versions of one object.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use engine::{Database, Isolation, ScanColumn, TableId, Timestamp};

use super::row;
use super::{BATCH_ROWS, Error};
use crate::object::{Object, ObjectKey};

/// The microseconds at which the catalog changed up to a moment, in order.
pub fn changes(database: &Database, to: Timestamp) -> Result<Vec<i64>, Error> {
    let columns = [ScanColumn::SystemFrom, ScanColumn::SystemTo];
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let view = transaction.view_at(to);
    let mut changes = Vec::new();
    for batch in view.versions(TableId::CATALOG, Timestamp::ZERO, to, &columns, BATCH_ROWS)? {
        for column in batch?.columns() {
            let moments = column.as_primitive_opt::<Int64Type>();
            changes.extend(moments.into_iter().flat_map(|moments| moments.iter().flatten()));
        }
    }
    transaction.rollback();
    // The end of a living version is no change.
    changes.retain(|change| *change <= to.micros());
    changes.sort_unstable();
    changes.dedup();
    Ok(changes)
}

/// The versions of one object in a period, oldest first, with the microsecond at which each began.
pub fn versions_of(
    database: &Database,
    key: &ObjectKey,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(i64, Object)>, Error> {
    let columns = [
        ScanColumn::Column(row::KEY),
        ScanColumn::Column(row::FORMAT_COLUMN),
        ScanColumn::Column(row::BODY),
        ScanColumn::SystemFrom,
    ];
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let view = transaction.view_at(to);
    let wanted = key.text();
    let mut found = Vec::new();
    for batch in view.versions(TableId::CATALOG, from, to, &columns, BATCH_ROWS)? {
        let batch = batch?;
        let keys = batch.column(0).as_string_opt::<i32>();
        let begins = batch.column(3).as_primitive_opt::<Int64Type>();
        let (Some(keys), Some(begins)) = (keys, begins) else { continue };
        for index in (0..batch.num_rows()).filter(|index| keys.value(*index) == wanted) {
            let mut objects = Vec::new();
            row::decode(&batch.slice(index, 1).project(&[0, 1, 2]).map_err(damaged(&wanted))?, &mut objects)?;
            let begin = if begins.is_null(index) { i64::MIN } else { begins.value(index) };
            found.extend(objects.into_iter().map(|object| (begin, object)));
        }
    }
    transaction.rollback();
    found.sort_by_key(|(begin, _)| *begin);
    Ok(found)
}

/// When versions of relations of a unique name ended, in microseconds, each with the relation's oid.
pub fn ends_of_name(database: &Database, name: &str) -> Result<Vec<(i64, u32)>, Error> {
    let columns = [ScanColumn::Column(row::KEY), ScanColumn::Column(row::NAME), ScanColumn::SystemTo];
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let view = transaction.view();
    let mut found = Vec::new();
    for batch in view.versions(TableId::CATALOG, Timestamp::ZERO, view.timestamp(), &columns, BATCH_ROWS)? {
        let batch = batch?;
        let (keys, names) = (batch.column(0).as_string_opt::<i32>(), batch.column(1).as_string_opt::<i32>());
        let ends = batch.column(2).as_primitive_opt::<Int64Type>();
        let (Some(keys), Some(names), Some(ends)) = (keys, names, ends) else { continue };
        for index in
            (0..batch.num_rows()).filter(|index| names.is_valid(*index) && names.value(*index) == name)
        {
            let oid = keys.value(index).rsplit(' ').next().and_then(|oid| oid.parse().ok());
            if let (Some(oid), true) = (oid, ends.is_valid(index) && ends.value(index) < i64::MAX) {
                found.push((ends.value(index), oid));
            }
        }
    }
    transaction.rollback();
    Ok(found)
}

fn damaged(key: &str) -> impl Fn(arrow_schema::ArrowError) -> Error + '_ {
    |error| Error::Corrupted { key: key.to_string(), reason: error.to_string() }
}
