//! System relations whose rows lie in the engine: written by transactions like any rows, durable and versioned with them.
//!
//! `strata.commits` has one row for each transaction that wrote something, made by that transaction as its last write:
//! when it was committed is what every row of the engine knows of itself. `strata.snapshots` has the named moments.
//!
//! Format: the engine's table has the relation's oid, a column's id is its attribute number. Columns that follow from a
//! row's own commit are not stored: of `commits` these are 1 (lsn) and 2 (time).

use std::sync::Arc;

use engine::{ColumnId, Database, IndexId, IndexSchema, Isolation, PhysicalType, TableId, TableSchema};

use super::Error;

/// Oid of strata.commits.
pub const COMMITS: u32 = 9510;
/// Oid of strata.snapshots.
pub const SNAPSHOTS: u32 = 9511;
/// The unique index over the names of snapshots: their bytes.
pub const SNAPSHOT_NAME: IndexId = IndexId(9512);

/// Whether the rows of a system relation lie in the engine.
pub fn is_stored(relation: u32) -> bool {
    matches!(relation, COMMITS | SNAPSHOTS)
}

fn schema(relation: u32) -> TableSchema {
    let text = |column| (ColumnId(column), PhysicalType::Text);
    let moment = |column| (ColumnId(column), PhysicalType::Int64);
    match relation {
        COMMITS => TableSchema {
            columns: (3..=6).map(text).collect(),
            indexes: Vec::new(),
            ..TableSchema::default()
        },
        _ => TableSchema {
            columns: vec![text(1), moment(2), text(3), moment(4)],
            indexes: vec![IndexSchema { id: SNAPSHOT_NAME, unique: true, primary: true }],
            ..TableSchema::default()
        },
    }
}

/// Makes what is missing of them.
pub fn create(database: &Arc<Database>) -> Result<(), Error> {
    let missing = |table| matches!(database.table_schema(table), Err(engine::Error::UnknownTable(_)));
    let wanted: Vec<u32> = [COMMITS, SNAPSHOTS].into_iter().filter(|oid| missing(TableId(*oid))).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    for relation in wanted {
        transaction.create_table(TableId(relation), schema(relation))?;
    }
    transaction.commit().wait()?;
    Ok(())
}
