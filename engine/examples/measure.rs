//! Figures of the engine alone, on a real disk: `cargo run --release -p strata-engine --example measure -- DIRECTORY`.

use arrow_array::{Array, FixedSizeBinaryArray, Int32Array};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use strata_engine::io::os::OsDisk;
use strata_engine::{
    ColumnId, Configuration, Database, IndexId, IndexSchema, Inserted, Isolation, LockedRow, NewRow, Outcome,
    PhysicalType, RowHandle, RowLock, ScanColumn, TableId, TableSchema, Value, WaitPolicy,
};

const TABLE: TableId = TableId(100);
const KEY: IndexId = IndexId(200);
const ROWS: i32 = 1_000_000;

/// The shape of pgbench_accounts.
fn schema() -> TableSchema {
    TableSchema {
        columns: vec![
            (ColumnId(1), PhysicalType::Int32),
            (ColumnId(2), PhysicalType::Int32),
            (ColumnId(3), PhysicalType::Int32),
            (ColumnId(4), PhysicalType::Text),
        ],
        indexes: vec![IndexSchema { id: KEY, unique: true, primary: true }],
        ..TableSchema::default()
    }
}

fn key(id: i32) -> [u8; 5] {
    let [a, b, c, d] = ((id as u32) ^ (1 << 31)).to_be_bytes();
    [1, a, b, c, d]
}

fn row(id: i32, balance: i32, filler: &Arc<str>) -> NewRow {
    NewRow {
        values: vec![Value::Int32(id), Value::Int32(1), Value::Int32(balance), Value::Text(filler.clone())],
        keys: vec![(KEY, key(id).to_vec(), true)],
    }
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("VmRSS: 0 kB");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn main() {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "measure-data".into());
    let _ = std::fs::remove_dir_all(&directory);
    let environment = OsDisk::environment(Path::new(&directory)).expect("a directory");
    let database = Database::open(Configuration::default(), environment.clone()).expect("it opens");
    let filler: Arc<str> = Arc::from(" ".repeat(84));
    let memory = resident();

    let started = Instant::now();
    let mut loader = database.begin(Isolation::ReadCommitted, false);
    loader.create_table(TABLE, schema()).unwrap();
    for id in 0..ROWS {
        let done = loader.insert(TABLE, &row(id, 0, &filler)).unwrap().done();
        assert!(matches!(done, Some(Inserted::Row(_))));
    }
    let inserted = started.elapsed();
    loader.commit().wait().unwrap();
    println!("bulk load of {ROWS} rows: {:.2?} ({:.2?} of it in insert)", started.elapsed(), inserted);
    println!("memory per row: {:.0} bytes", (resident() - memory) * 1048576.0 / f64::from(ROWS));

    lookups(&database);
    scans(&database);
    index_build(&database);
    updates(&database, &filler);
    threads(&database, &filler);
    lookups(&database);
    let statistics = database.statistics(TABLE).unwrap();
    println!("{statistics:?}");
    println!("resident: {:.0} MB", resident());

    let started = Instant::now();
    database.close();
    drop(database);
    let database = Database::open(Configuration::default(), environment).expect("it opens again");
    println!("recovery: {:.2?}", started.elapsed());
    lookups(&database);
    scans(&database);
    let started = Instant::now();
    let mut loader = database.begin(Isolation::ReadCommitted, false);
    for id in ROWS..ROWS * 5 / 4 {
        assert!(loader.insert(TABLE, &row(id, 0, &filler)).unwrap().done().is_some());
    }
    loader.commit().wait().unwrap();
    println!("250000 more rows into the table: {:.2?}", started.elapsed());
    let started = Instant::now();
    database.checkpoint().wait().unwrap();
    println!("checkpoint: {:.2?}, {:?}", started.elapsed(), database.statistics(TABLE).unwrap());
    lookups(&database);
    scans(&database);
    println!("resident: {:.0} MB", resident());
}

fn lookups(database: &Database) {
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let view = transaction.view();
    let mut state = 88_172_645_463_325_252;
    let mut sum = 0i64;
    let count = 1_000_000;
    let started = Instant::now();
    for _ in 0..count {
        let id = (next(&mut state) % ROWS as u64) as i32;
        view.lookup(TABLE, KEY, &key(id), &mut |_, row| {
            if let Ok(Value::Int32(balance)) = row.value(ColumnId(3)) {
                sum += i64::from(balance) + 1;
            }
        })
        .unwrap();
    }
    let took = started.elapsed();
    assert!(sum != 0);
    println!("lookup: {:.0} ns", took.as_nanos() as f64 / f64::from(count));
    let started = Instant::now();
    for _ in 0..count {
        let id = (next(&mut state) % ROWS as u64) as i32;
        let mut transaction = database.begin(Isolation::ReadCommitted, true);
        transaction.start_statement();
        transaction.view().lookup(TABLE, KEY, &key(id), &mut |_, _| sum += 1).unwrap();
        let _ = transaction.commit();
    }
    println!("transaction with one lookup: {:.0} ns", started.elapsed().as_nanos() as f64 / f64::from(count));
}

fn scans(database: &Database) {
    let view = database.begin(Isolation::ReadCommitted, true).view();
    let started = Instant::now();
    let mut rows = 0;
    for batch in view.scan(TABLE, &[ScanColumn::Column(ColumnId(3))], 8192).unwrap() {
        rows += batch.unwrap().num_rows();
    }
    println!("scan of {rows} rows, one column: {:.2?}", started.elapsed());
}

/// A second unique index over all rows, as ADD PRIMARY KEY builds it.
fn index_build(database: &Database) {
    let started = Instant::now();
    let mut builder = database.begin(Isolation::ReadCommitted, false);
    let mut wider = schema();
    wider.indexes.push(IndexSchema { id: IndexId(201), unique: true, primary: false });
    builder.alter_table(TABLE, wider, &[]).unwrap();
    let mut entries = Vec::new();
    let projection = [ScanColumn::Handle, ScanColumn::Column(ColumnId(1))];
    for batch in builder.view().scan(TABLE, &projection, 8192).unwrap() {
        let batch = batch.unwrap();
        let handles = batch.column(0).as_any().downcast_ref::<FixedSizeBinaryArray>().unwrap();
        let ids = batch.column(1).as_any().downcast_ref::<Int32Array>().unwrap();
        for row in 0..batch.num_rows() {
            let handle = RowHandle::from_bytes(handles.value(row).try_into().unwrap());
            entries.push((handle, key(ids.value(row)).to_vec()));
        }
    }
    builder.add_index_entries(TABLE, IndexId(201), entries, false).unwrap();
    builder.commit().wait().unwrap();
    println!("index build: {:.2?}", started.elapsed());
    let mut dropper = database.begin(Isolation::ReadCommitted, false);
    dropper.alter_table(TABLE, schema(), &[]).unwrap();
    dropper.commit().wait().unwrap();
}

fn update(database: &Database, id: i32, filler: &Arc<str>) -> strata_engine::CommitTicket {
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    transaction.start_statement();
    let mut found = None;
    transaction.view().lookup(TABLE, KEY, &key(id), &mut |handle, _| found = Some(handle)).unwrap();
    let mut handle = found.expect("the row exists");
    loop {
        match transaction.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap() {
            Outcome::Wait(ticket) => ticket.wait().unwrap(),
            Outcome::Done(LockedRow::Moved(newest)) => handle = newest,
            Outcome::Done(_) => break,
        }
    }
    let done = transaction.update(TABLE, handle, &row(id, 1, filler), false).unwrap().done();
    assert!(matches!(done, Some(Inserted::Row(_))));
    transaction.commit()
}

fn updates(database: &Database, filler: &Arc<str>) {
    let mut state = 12345;
    let mut tickets = Vec::new();
    let started = Instant::now();
    for _ in 0..100_000 {
        let id = (next(&mut state) % ROWS as u64) as i32;
        tickets.push(update(database, id, filler));
        if tickets.len() == 1000 {
            for ticket in tickets.drain(..) {
                ticket.wait().unwrap();
            }
        }
    }
    println!("pipelined single-row updates: {:.2} µs each", started.elapsed().as_micros() as f64 / 100_000.0);
    let started = Instant::now();
    for _ in 0..1000 {
        let id = (next(&mut state) % ROWS as u64) as i32;
        update(database, id, filler).wait().unwrap();
    }
    println!("one committer: {:.0} µs a commit", started.elapsed().as_micros() as f64 / 1000.0);
}

fn threads(database: &Arc<Database>, filler: &Arc<str>) {
    for count in [8, 64] {
        let started = Instant::now();
        let threads: Vec<_> = (0..count)
            .map(|thread| {
                let (database, filler) = (database.clone(), filler.clone());
                std::thread::spawn(move || {
                    let mut state = 99 + thread;
                    for _ in 0..200 {
                        let id = (next(&mut state) % ROWS as u64) as i32;
                        update(&database, id, &filler).wait().unwrap();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let commits = 200.0 * count as f64;
        println!("{count} committers: {:.0} commits/s", commits / started.elapsed().as_secs_f64());
    }
}
