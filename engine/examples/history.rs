//! Figures of history: many versions of many rows, looked at now and as of the past.
//!
//! `cargo run --release -p strata-engine --example history -- DIRECTORY ROWS ROUNDS`: every round updates every row.

use arrow_array::Int32Array;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use strata_engine::io::os::OsDisk;
use strata_engine::{
    ColumnId, Configuration, Database, IndexId, IndexSchema, Isolation, NewRow, Outcome, PhysicalType,
    ReadView, RowLock, ScanColumn, TableId, TableSchema, Timestamp, Value, WaitPolicy,
};

const TABLE: TableId = TableId(100);
const KEY: IndexId = IndexId(200);
/// Rows of one transaction.
const BATCH: u64 = 20_000;

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

fn key(id: u64) -> [u8; 5] {
    let [a, b, c, d] = (id as u32 ^ (1 << 31)).to_be_bytes();
    [1, a, b, c, d]
}

fn row(id: u64, balance: i32, filler: &Arc<str>) -> NewRow {
    NewRow {
        values: vec![
            Value::Int32(id as i32),
            Value::Int32((id % 100) as i32),
            Value::Int32(balance),
            Value::Text(filler.clone()),
        ],
        keys: vec![(KEY, key(id).to_vec(), true)],
    }
}

/// Megabytes of anonymous memory.
fn anonymous() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap_or("RssAnon: 0 kB");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let directory = arguments.get(1).cloned().unwrap_or_else(|| "history-data".into());
    let number = |place: usize, default: u64| {
        arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (rows, rounds) = (number(2, 1_000_000), number(3, 10));
    let _ = std::fs::remove_dir_all(&directory);
    let environment = OsDisk::environment(Path::new(&directory)).expect("a directory");
    let configuration = Configuration { checkpoint_bytes: 256 << 20, ..Configuration::default() };
    let database = Database::open(configuration.clone(), environment.clone()).expect("it opens");
    let mut peak = 0.0f64;
    let started = Instant::now();
    load(&database, rows, &mut peak);
    println!("load of {rows} rows: {:.2?}, anonymous memory at most {peak:.0} MB", started.elapsed());
    let mut moments = Vec::new();
    let started = Instant::now();
    for round in 0..rounds {
        moments.push(update(&database, rows, round, &mut peak));
    }
    println!("{rounds} updates of each: {:.2?}, anonymous memory at most {peak:.0} MB", started.elapsed());
    let started = Instant::now();
    database.compact().wait().unwrap();
    println!(
        "compaction of what was left: {:.2?}, {:?}",
        started.elapsed(),
        database.statistics(TABLE).unwrap()
    );
    println!("anonymous memory: {:.0} MB", anonymous());
    measure(&database, rows, &moments);
    database.close();
    drop(database);
    let started = Instant::now();
    let database = Database::open(configuration, environment).expect("it opens again");
    let opened = started.elapsed();
    let view = database.begin(Isolation::ReadCommitted, true).view();
    let mut found = 0;
    view.lookup(TABLE, KEY, &key(rows / 2), &mut |_, _| found += 1).unwrap();
    println!("open: {opened:.2?}, with the first query {:.2?}, found {found}", started.elapsed());
    measure(&database, rows, &moments);
    println!("anonymous memory: {:.0} MB", anonymous());
}

fn load(database: &Database, rows: u64, peak: &mut f64) {
    let filler: Arc<str> = Arc::from(" ".repeat(84));
    let mut loader = database.begin(Isolation::ReadCommitted, false);
    loader.create_table(TABLE, schema()).unwrap();
    loader.commit().wait().unwrap();
    for start in (0..rows).step_by(BATCH as usize) {
        let mut loader = database.begin(Isolation::ReadCommitted, false);
        for id in start..rows.min(start + BATCH) {
            assert!(loader.insert(TABLE, &row(id, 0, &filler)).unwrap().done().is_some());
        }
        loader.commit().wait().unwrap();
        *peak = peak.max(anonymous());
    }
}

/// Updates every row once, in an order that leaps about; answers a moment in the middle of it.
fn update(database: &Database, rows: u64, round: u64, peak: &mut f64) -> Timestamp {
    let filler: Arc<str> = Arc::from("x".repeat(84));
    let mut middle = Timestamp::ZERO;
    for start in (0..rows).step_by(BATCH as usize) {
        let mut writer = database.begin(Isolation::ReadCommitted, false);
        writer.start_statement();
        let view = writer.view();
        for step in start..rows.min(start + BATCH) {
            let id = (step * 7_368_787 + round * 13) % rows;
            let mut handle = None;
            view.lookup(TABLE, KEY, &key(id), &mut |found, _| handle = Some(found)).unwrap();
            let handle = handle.expect("the row exists");
            let locked = writer.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT).unwrap();
            assert!(matches!(locked, Outcome::Done(_)));
            let done = writer.update(TABLE, handle, &row(id, round as i32 + 1, &filler), false).unwrap();
            assert!(done.done().is_some());
        }
        let at = writer.commit().wait().unwrap();
        if start <= rows / 2 {
            middle = at;
        }
        *peak = peak.max(anonymous());
    }
    middle
}

fn measure(database: &Database, rows: u64, moments: &[Timestamp]) {
    let transaction = database.begin(Isolation::ReadCommitted, true);
    let ages = [0, moments.len() / 2, moments.len().saturating_sub(1)];
    let mut views = vec![("now".to_owned(), transaction.view())];
    for age in ages {
        if let Some(moment) = moments.get(age) {
            views.push((format!("round {age}"), transaction.view_at(*moment)));
        }
    }
    for pass in 0..2 {
        for (name, view) in &views {
            let (look_up, found) = look_ups(view, rows);
            let (scan, examined, sum) = scan(view);
            if pass == 1 {
                println!(
                    "{name}: look-up {look_up:.0} ns ({found} found), scan {scan:.1} ms, \
                     {examined} versions examined ({:.2} a row), sum {sum}",
                    examined as f64 / rows as f64
                );
            }
        }
    }
}

fn look_ups(view: &ReadView, rows: u64) -> (f64, u64) {
    let count = 300_000;
    let (mut state, mut found) = (88_172_645_463_325_252, 0);
    let started = Instant::now();
    for _ in 0..count {
        let id = next(&mut state) % rows;
        view.lookup(TABLE, KEY, &key(id), &mut |_, row| {
            if let Ok(Value::Int32(_)) = row.value(ColumnId(3)) {
                found += 1;
            }
        })
        .unwrap();
    }
    (started.elapsed().as_nanos() as f64 / f64::from(count), found)
}

/// As GROUP BY with two sums.
fn scan(view: &ReadView) -> (f64, u64, i64) {
    let started = Instant::now();
    let projection = [1, 2, 3].map(|column| ScanColumn::Column(ColumnId(column)));
    let mut groups = vec![(0i64, 0i64); 128];
    let mut scan = view.scan(TABLE, &projection, 8192).unwrap();
    for batch in scan.by_ref() {
        let batch = batch.unwrap();
        let column = |number: usize| {
            batch.column(number).as_any().downcast_ref::<Int32Array>().unwrap().values().clone()
        };
        let (ids, branches, balances) = (column(0), column(1), column(2));
        for ((id, branch), balance) in ids.iter().zip(branches.iter()).zip(balances.iter()) {
            if let Some(group) = groups.get_mut(*branch as usize) {
                group.0 += i64::from(*id);
                group.1 += i64::from(*balance);
            }
        }
    }
    let sum = groups.iter().map(|group| group.0 + group.1).sum();
    (started.elapsed().as_secs_f64() * 1e3, scan.examined(), sum)
}
