//! pg_locks.

use catalog::system::{Cell, Row};

use crate::session::shared::Shared;

/// PostgreSQL's names of the eight relation lock modes, weakest first.
const MODES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

/// One row a lock held or waited for: locktype, database, relation, page, tuple, virtualxid, transactionid, classid,
/// objid, objsubid, virtualtransaction, pid, mode, granted, fastpath, waitstart.
pub fn rows(shared: &Shared) -> Vec<Row> {
    let database = shared.entry.database_oid;
    let mut rows = Vec::new();
    for (transaction, table, modes, held) in shared.instance.database().relation_locks() {
        let process = shared.instance.registry().process_of(transaction);
        for (bit, mode) in MODES.iter().enumerate().filter(|(bit, _)| modes & (1 << bit) != 0) {
            let _ = bit;
            rows.push(lock_row(
                "relation",
                database,
                Cell::Oid(table.0),
                [Cell::Null, Cell::Null, Cell::Null],
                process,
                mode,
                held,
            ));
        }
    }
    for (key, process, is_shared) in shared.instance.advisory().list() {
        let mode = if is_shared { "ShareLock" } else { "ExclusiveLock" };
        let place = [Cell::Oid(key.high), Cell::Oid(key.low), Cell::Int16(i16::from(key.halves))];
        rows.push(lock_row("advisory", key.database, Cell::Null, place, Some(process), mode, true));
    }
    rows
}

fn lock_row(
    kind: &'static str,
    database: u32,
    relation: Cell,
    [class, object, sub]: [Cell; 3],
    process: Option<i32>,
    mode: &'static str,
    granted: bool,
) -> Row {
    vec![
        Cell::from(kind),
        Cell::Oid(database),
        relation,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        class,
        object,
        sub,
        Cell::from(process.map(|process| format!("{process}/0"))),
        Cell::from(process),
        Cell::from(mode),
        Cell::from(granted),
        Cell::from(false),
        Cell::Null,
    ]
}
