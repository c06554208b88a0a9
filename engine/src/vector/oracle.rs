//! Our walk beside FAISS's own search, over the same links.

use super::faiss::Building;
use super::{Element, Metric, Search, VectorIndexSchema};
use crate::io::Random;
use crate::io::simulation::{SimulatedRandom, environment};
use crate::{
    ColumnId, Configuration, Database, IndexId, Isolation, NewRow, Outcome, PhysicalType, TableId,
    TableSchema, Value,
};

const TABLE: TableId = TableId(100);
const COLUMN: ColumnId = ColumnId(1);
const ROWS: usize = 6000;
const QUERIES: usize = 200;
const K: usize = 10;

fn vectors(dimensions: usize) -> Vec<Vec<f32>> {
    let random = SimulatedRandom::new(5);
    let number = || (random.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0;
    let middles: Vec<Vec<f32>> = (0..40).map(|_| (0..dimensions).map(|_| number()).collect()).collect();
    let near = |middle: &Vec<f32>| middle.iter().map(|center| center + 0.5 * number()).collect();
    (0..ROWS + QUERIES).map(|each| near(&middles[each % middles.len()])).collect()
}

/// The part of the nearest that was found.
fn recall(found: &[usize], nearest: &[usize]) -> usize {
    found.iter().filter(|row| nearest.contains(row)).count()
}

#[test]
fn the_walk_finds_what_faiss_finds() {
    for dimensions in [8, 96] {
        let all = vectors(dimensions);
        let (vectors, queries) = all.split_at(ROWS);
        let index = VectorIndexSchema {
            id: IndexId(7),
            column: COLUMN,
            element: Element::F32,
            metric: Metric::L2,
            dimensions: dimensions as u32,
            m: 16,
            ef_construction: 64,
        };
        let (_, _, environment) = environment(1);
        let database = Database::open(Configuration::default(), environment).unwrap();
        let mut transaction = database.begin(Isolation::ReadCommitted, false);
        let schema = TableSchema {
            columns: vec![(COLUMN, PhysicalType::Bytes)],
            indexes: vec![],
            vectors: vec![index],
            ..TableSchema::default()
        };
        transaction.create_table(TABLE, schema).unwrap();
        let mut births = Vec::new();
        for vector in vectors {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            let row = NewRow { values: vec![Value::from(bytes)], keys: vec![] };
            match transaction.insert(TABLE, &row).unwrap() {
                Outcome::Done(crate::Inserted::Row(handle)) => births.push(handle.birth),
                _ => panic!("an insert waits"),
            }
        }
        transaction.commit().wait().unwrap();
        database.checkpoint().wait().unwrap();
        database.build_graphs().wait().unwrap();
        let mut building = Building::new(dimensions, 16, 64, Metric::L2).unwrap();
        building.add(&vectors.concat(), 1).unwrap();
        let view = database.begin(Isolation::ReadCommitted, true).view();
        let (mut ours, mut theirs) = (0, 0);
        for query in queries {
            let mut exact: Vec<usize> = (0..ROWS).collect();
            let cost = |row: &usize| -> f32 {
                vectors[*row].iter().zip(query).map(|(left, right)| (left - right) * (left - right)).sum()
            };
            exact.sort_by(|left, right| cost(left).total_cmp(&cost(right)));
            exact.truncate(K);
            let mut search = Search { k: K, ef: 40, filter: None, expected_share: None };
            let found = view.nearest(TABLE, index.id, query, &mut search).unwrap();
            assert_eq!(found.report.graphs, 1);
            let row = |birth: u64| births.iter().position(|each| *each == birth).unwrap();
            let found: Vec<usize> = found.rows.iter().map(|(handle, _)| row(handle.birth)).collect();
            ours += recall(&found, &exact);
            let found = building.search(query, K, 40).unwrap();
            let found: Vec<usize> = found.iter().map(|(node, _)| *node).collect();
            theirs += recall(&found, &exact);
        }
        let whole = (QUERIES * K) as f64;
        let (ours, theirs) = (ours as f64 / whole, theirs as f64 / whole);
        assert!(ours >= theirs - 0.005 && ours > 0.9, "{dimensions} dimensions: {ours} against {theirs}");
    }
}
