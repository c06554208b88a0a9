//! Figures of searches by vectors: recall and time, with and without filters, now and as of the past.
//!
//! `cargo run --release -p strata-engine --example vectors -- DIRECTORY ROWS DIMENSIONS [FILE]`: the vectors of FILE
//! (single precision, little-endian, one behind the other), else made ones in clusters. The first thousand are the
//! queries.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use strata_engine::io::os::OsDisk;
use strata_engine::vector::{Element, Metric, Search};
use strata_engine::{
    ColumnId, Configuration, Database, IndexId, IndexSchema, Isolation, LockedRow, NewRow, Outcome,
    PhysicalType, ReadView, RowLock, TableId, TableSchema, Timestamp, Value, VectorIndexSchema, WaitPolicy,
};

const TABLE: TableId = TableId(100);
const KEY: IndexId = IndexId(200);
const INDEX: IndexId = IndexId(300);
const ID: ColumnId = ColumnId(1);
const VECTOR: ColumnId = ColumnId(2);
const QUERIES: usize = 1000;
const K: usize = 10;

fn next(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Points around middles that themselves lie in a space of few dimensions, as embeddings do.
fn made(rows: usize, dimensions: usize) -> Vec<Vec<f32>> {
    const INNER: usize = 24;
    let mut state = 0x2545_F491_4F6C_DD1D;
    let axes: Vec<Vec<f32>> =
        (0..INNER).map(|_| (0..dimensions).map(|_| next(&mut state)).collect()).collect();
    let middles: Vec<Vec<f32>> = (0..200).map(|_| (0..INNER).map(|_| next(&mut state)).collect()).collect();
    (0..rows)
        .map(|row| {
            let middle = &middles[row % middles.len()];
            let inner: Vec<f32> = middle.iter().map(|number| number + 0.6 * next(&mut state)).collect();
            (0..dimensions)
                .map(|place| {
                    let sum: f32 = inner.iter().zip(&axes).map(|(number, axis)| number * axis[place]).sum();
                    sum + 0.3 * next(&mut state)
                })
                .collect()
        })
        .collect()
}

fn read(path: &str, rows: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(path).expect("the file of vectors");
    let numbers: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    numbers.chunks_exact(dimensions).take(rows).map(<[f32]>::to_vec).collect()
}

fn row(id: u64, vector: &[f32]) -> NewRow {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    NewRow {
        values: vec![Value::Int64(id as i64), Value::from(bytes)],
        keys: vec![(KEY, id.to_be_bytes().to_vec(), true)],
    }
}

/// The rows as they are at some moment.
type State = Vec<Option<Vec<f32>>>;

fn product(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let ((left, rest), (right, other)) = (left.as_chunks::<16>(), right.as_chunks::<16>());
    for (left, right) in left.iter().zip(right) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane = left.mul_add(*right, *lane);
        }
    }
    let rest: f32 = rest.iter().zip(other).map(|(left, right)| left * right).sum();
    lanes.iter().sum::<f32>() + rest
}

/// For each query how many rows are to be found, and how far the farthest of them is.
fn bounds(state: &State, queries: &[Vec<f32>], passes: &dyn Fn(u64) -> bool) -> Vec<(usize, f64)> {
    let rows = state.iter().enumerate().filter(|(id, _)| passes(*id as u64));
    let rows: Vec<(&[f32], f32)> =
        rows.filter_map(|(_, row)| row.as_deref()).map(|row| (row, product(row, row))).collect();
    let of = |query: &Vec<f32>| {
        let norm = product(query, query);
        let cosine = |(row, other): &(&[f32], f32)| 1.0 - product(query, row) / (norm * other).sqrt();
        let mut all: Vec<f32> = rows.iter().map(cosine).collect();
        all.sort_unstable_by(f32::total_cmp);
        all.truncate(K);
        (all.len(), f64::from(all.last().copied().unwrap_or(0.0)) + 1e-5)
    };
    queries.iter().map(of).collect()
}

/// Searches and says recall, time and work.
fn measure(
    view: &ReadView,
    queries: &[Vec<f32>],
    bounds: &[(usize, f64)],
    ef: usize,
    filter: Option<(f64, &dyn Fn(u64) -> bool)>,
) -> String {
    let always = |_| true;
    let passes: &dyn Fn(u64) -> bool = filter.map_or(&always, |(_, passes)| passes);
    let (mut right, mut wanted, mut work, mut starved, mut exact_rows) = (0, 0, 0, 0, 0);
    let mut took = Vec::new();
    for (query, (count, farthest)) in queries.iter().zip(bounds) {
        let mut test = |_, row: strata_engine::RowRef<'_>| match row.value(ID) {
            Ok(Value::Int64(id)) => passes(id as u64),
            _ => false,
        };
        let mut search = Search { k: K, ef, filter: None, expected_share: filter.map(|(share, _)| share) };
        if filter.is_some() {
            search.filter = Some(&mut test);
        }
        let started = Instant::now();
        let found = view.nearest(TABLE, INDEX, query, &mut search).expect("an answer");
        took.push(started.elapsed().as_secs_f64() * 1e6);
        right += found.rows.iter().filter(|(_, distance)| distance <= farthest).count();
        wanted += count;
        work += found.report.candidates;
        starved += found.report.starved;
        exact_rows += found.report.exact_rows;
        assert_eq!(found.rows.len(), *count, "as many as there are");
    }
    took.sort_by(f64::total_cmp);
    let mean = took.iter().sum::<f64>() / took.len() as f64;
    let count = bounds.len() as u64;
    format!(
        "recall {:.4}, mean {mean:.0} µs, median {:.0}, p99 {:.0}; compared {}, exact rows {}, starved {starved}",
        right as f64 / wanted.max(1) as f64,
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        work / count,
        exact_rows / count,
    )
}

fn update(
    database: &Database,
    id: u64,
    vector: Option<&[f32]>,
    transaction: &mut strata_engine::Transaction,
) {
    let mut handle = None;
    transaction
        .view()
        .lookup(TABLE, KEY, &id.to_be_bytes(), &mut |found, _| handle = Some(found))
        .expect("a look-up");
    let Some(handle) = handle else { return };
    let locked = transaction.lock_row(TABLE, handle, RowLock::NoKeyUpdate, WaitPolicy::WAIT);
    assert!(matches!(locked, Ok(Outcome::Done(LockedRow::Current))), "{}", database.now_micros());
    match vector {
        Some(vector) => {
            let _ = transaction.update(TABLE, handle, &row(id, vector), false).expect("an update");
        }
        None => transaction.delete(TABLE, handle).expect("a deletion"),
    }
}

fn settle(database: &Database) {
    let started = Instant::now();
    database.compact().wait().expect("a compaction");
    let compacted = started.elapsed();
    database.build_graphs().wait().expect("graphs");
    let graphs = database.graphs(TABLE).expect("a table");
    let sizes: Vec<u64> = graphs.iter().map(|(_, _, nodes)| *nodes).collect();
    println!(
        "checkpoint and compaction {compacted:?}, graphs {:?}: {sizes:?}",
        started.elapsed() - compacted
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, directory, rows, dimensions, file @ ..] = arguments.as_slice() else {
        panic!("DIRECTORY ROWS DIMENSIONS [FILE]");
    };
    let (rows, dimensions): (usize, usize) =
        (rows.parse().expect("rows"), dimensions.parse().expect("dimensions"));
    let all = match file {
        [path, ..] => read(path, rows + QUERIES, dimensions),
        [] => made(rows + QUERIES, dimensions),
    };
    let (queries, vectors) = all.split_at(QUERIES);
    let environment = OsDisk::environment(Path::new(directory)).expect("a directory");
    let database = Database::open(Configuration::default(), environment).expect("a database");
    let index = VectorIndexSchema {
        id: INDEX,
        column: VECTOR,
        element: Element::F32,
        metric: Metric::Cosine,
        dimensions: dimensions as u32,
        m: 16,
        ef_construction: 64,
    };
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    let schema = TableSchema {
        columns: vec![(ID, PhysicalType::Int64), (VECTOR, PhysicalType::Bytes)],
        indexes: vec![IndexSchema { id: KEY, unique: true, primary: true }],
        vectors: vec![index],
        ..TableSchema::default()
    };
    transaction.create_table(TABLE, schema).expect("a table");
    for (id, vector) in vectors.iter().enumerate() {
        let _ = transaction.insert(TABLE, &row(id as u64, vector)).expect("an insert");
    }
    let loaded = transaction.commit().wait().expect("a commit");
    let first: State = vectors.iter().cloned().map(Some).collect();
    let view = |at: Option<Timestamp>| {
        let transaction = database.begin(Isolation::ReadCommitted, true);
        at.map_or_else(|| transaction.view(), |at| transaction.view_at(at))
    };
    let all = |_: u64| true;
    let first_bounds = bounds(&first, &queries[..200], &all);
    println!("hot:      {}", measure(&view(None), queries, &first_bounds[..20], 40, None));
    settle(&database);
    for ef in [10, 20, 40, 80, 160, 320] {
        println!("ef {ef:3}:   {}", measure(&view(None), queries, &first_bounds, ef, None));
    }
    let threads = 4;
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let view = view(None);
                for query in queries {
                    let mut search = Search { k: K, ef: 40, filter: None, expected_share: None };
                    view.nearest(TABLE, INDEX, query, &mut search).expect("an answer");
                }
            });
        }
    });
    let each = started.elapsed().as_secs_f64() / (threads * QUERIES) as f64;
    println!("{threads} threads: {:.0} searches a second", 1.0 / each);
    for per_mille in [1, 10, 100, 500] {
        let independent = |id: u64| {
            id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 <= (u64::from(u32::MAX) * per_mille) / 1000
        };
        let clustered = |id: u64| id % 200 * 1000 < per_mille * 200 && (per_mille > 4 || id % 1000 < 200);
        let share = per_mille as f64 / 1000.0;
        for (name, passes) in
            [("independent", &independent as &dyn Fn(u64) -> bool), ("clustered", &clustered)]
        {
            let bounds = bounds(&first, &queries[..50], passes);
            let text = measure(&view(None), queries, &bounds, 40, Some((share, passes)));
            println!("{:5.1} % {name}: {text}", share * 100.0);
        }
    }
    let mut second = first.clone();
    for ids in (0..vectors.len()).collect::<Vec<_>>().chunks(10_000) {
        let mut transaction = database.begin(Isolation::ReadCommitted, false);
        for id in ids {
            let vector = &vectors[(id + 777) % vectors.len()];
            update(&database, *id as u64, Some(vector), &mut transaction);
            second[*id] = Some(vector.clone());
        }
        transaction.commit().wait().expect("a commit");
    }
    let updated = database.snapshot();
    let mut third = second.clone();
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    for id in (0..vectors.len()).filter(|id| id % 10 < 3) {
        update(&database, id as u64, None, &mut transaction);
        third[id] = None;
    }
    transaction.commit().wait().expect("a commit");
    println!("after updating every row and deleting three of ten:");
    settle(&database);
    for (name, at, state) in [
        ("as of loading", Some(loaded), &first),
        ("as of the update", Some(updated), &second),
        ("now", None, &third),
    ] {
        let bounds = bounds(state, &queries[..100], &all);
        println!("{name}: {}", measure(&view(at), queries, &bounds, 80, None));
    }
    let started = Instant::now();
    let Ok(()) = Arc::try_unwrap(database).map(|database| database.close()) else { return };
    let environment = OsDisk::environment(Path::new(directory)).expect("a directory");
    let database = Database::open(Configuration::default(), environment).expect("a database");
    let view = database.begin(Isolation::ReadCommitted, true).view();
    let mut search = Search { k: K, ef: 40, filter: None, expected_share: None };
    let found = view.nearest(TABLE, INDEX, &queries[0], &mut search).expect("an answer");
    println!("closed, opened and searched in {:?}: {:?}", started.elapsed(), found.report);
}
