//! The steps of views, as the engine keeps them.
//!
//! **Format.** Table 16 of the engine, one row a step: the view's oid, the base moment, the number of the definitions
//! that it was computed under; one index over (oid, base moment), big-endian. The commit of a step is the beginning of
//! its row. Rows are never changed; those of dropped views stay, for reads of the past, since oids are not used again.

use std::ops::Bound;

use engine::{
    ColumnId, Database, IndexId, IndexSchema, Inserted, NewRow, Outcome, PhysicalType, ReadView, TableId,
    TableSchema, Timestamp, Transaction, Value,
};

use crate::error::{Error, Result};
use crate::session::engine_error;

const STEPS: TableId = TableId(16);
const BY_MOMENT: IndexId = IndexId(16);
const BASE: ColumnId = ColumnId(2);
const DEFINITION: ColumnId = ColumnId(3);

/// One step of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The moment whose answer the stored rows are.
    pub base: Timestamp,
    /// The commit that stored them.
    pub commit: Timestamp,
    /// The number of the definitions it was computed under.
    pub definition: i64,
}

/// Makes the table of steps, where it is missing.
pub(crate) fn create_steps(database: &Database) -> Result<()> {
    if database.table_schema(STEPS).is_ok() {
        return Ok(());
    }
    let mut transaction = database.begin(engine::Isolation::ReadCommitted, false);
    let columns = vec![
        (ColumnId(1), PhysicalType::UInt32),
        (BASE, PhysicalType::Int64),
        (DEFINITION, PhysicalType::Int64),
    ];
    let indexes = vec![IndexSchema { id: BY_MOMENT, unique: true, primary: true }];
    transaction
        .create_table(STEPS, TableSchema { columns, indexes, ..TableSchema::default() })
        .map_err(engine_error)?;
    transaction.commit().wait().map(|_| ()).map_err(engine_error)
}

fn key(view: u32, base: Timestamp) -> Vec<u8> {
    let mut key = view.to_be_bytes().to_vec();
    key.extend_from_slice(&base.0.to_be_bytes());
    key
}

/// Writes a step down, in the transaction that changes the rows.
pub(crate) fn write_step(
    transaction: &mut Transaction,
    view: u32,
    base: Timestamp,
    definition: i64,
) -> Result<()> {
    let values = vec![Value::UInt32(view), Value::Int64(base.0 as i64), Value::Int64(definition)];
    let row = NewRow { values, keys: vec![(BY_MOMENT, key(view, base), true)] };
    match transaction.insert(STEPS, &row).map_err(engine_error)? {
        Outcome::Done(Inserted::Row(_)) => Ok(()),
        Outcome::Done(Inserted::Conflict { .. }) | Outcome::Wait(_) => {
            Err(Error::internal("two steps of a view have one moment"))
        }
    }
}

/// The newest step of a view whose base moment is not after `at`.
pub(crate) fn newest_step(view: &ReadView, oid: u32, at: Timestamp) -> Result<Option<Step>> {
    let (lower, upper) = (key(oid, Timestamp::ZERO), key(oid, at));
    let mut cursor = view.range(STEPS, BY_MOMENT, Bound::Included(&lower), Bound::Included(&upper), true);
    let mut found = None;
    cursor
        .next(&mut |_, _, row| {
            found = Some((|| match (row.value(BASE)?, row.value(DEFINITION)?) {
                (Value::Int64(base), Value::Int64(definition)) => {
                    Ok(Some(Step { base: Timestamp(base as u64), commit: row.from()?, definition }))
                }
                _ => Ok(None),
            })());
        })
        .map_err(engine_error)?;
    found.transpose().map(Option::flatten).map_err(engine_error)
}

/// Stands in the place of the number of the definitions where the rows are of no moment.
const NO_MOMENT: i64 = i64::MIN;

/// Notes that a transaction has renewed the rows of a view that is kept at a pace: as those of `base`, or, where it has
/// itself written beneath the view, as those of no moment, so that the next step evaluates the query. `newest`: a view
/// of the newest published moment.
pub(crate) fn write_renewal(
    transaction: &mut Transaction,
    catalog: &catalog::Snapshot,
    (database, view): (u32, u32),
    newest: &ReadView,
    base: Timestamp,
) -> Result<()> {
    let own = transaction.view();
    let beneath = super::beneath::beneath(catalog, database, view);
    let of_no_moment = beneath.into_iter().any(|oid| own.writes_to(TableId(oid)));
    let steps = [newest_step(&own, view, Timestamp::LATEST)?, newest_step(newest, view, Timestamp::LATEST)?];
    for step in steps.into_iter().flatten() {
        if step.definition == NO_MOMENT && step.base > base {
            return Ok(());
        }
        if step.base > base {
            // The snapshot is that of an earlier statement.
            return Err(engine_error(engine::Error::SerializationFailure));
        }
        if step.base == base && !of_no_moment {
            return Ok(());
        }
    }
    match of_no_moment {
        // A step of this very moment may stand there already.
        true => write_step(transaction, view, Timestamp(base.0 + 1), NO_MOMENT),
        false => write_step(transaction, view, base, super::beneath::definition_of(catalog, database, view)),
    }
}

/// Writes the first step of a view down, whose rows are those of `base`.
pub(crate) fn write_first_step(
    transaction: &mut Transaction,
    catalog: &catalog::Snapshot,
    database: u32,
    view: u32,
    base: Timestamp,
) -> Result<()> {
    write_step(transaction, view, base, super::beneath::definition_of(catalog, database, view))
}
