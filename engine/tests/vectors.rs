//! Nearest rows against a model: at every moment, with own writes, after savepoints, restarts and checkpoints.
//!
//! Here every segment is too small for a graph, so answers are exact and compared row by row. `vector_graphs.rs` has
//! the graphs.

#[path = "support/vectors.rs"]
mod vectors;

use std::collections::BTreeMap;
use strata_engine::io::Random;
use strata_engine::io::simulation::{SimulatedRandom, environment};
use strata_engine::vector::{Element, Metric, distance};
use strata_engine::{Database, Error, IndexId, Timestamp, Value};
use vectors::*;

const DIMENSIONS: usize = 13;

/// The rows of a moment.
type Model = BTreeMap<i64, Vec<f32>>;

fn assert_exact(found: &[(i64, f64)], model: &Model, metric: Metric, query: &[f32], k: usize, what: &str) {
    let exact = exact(model.iter().map(|(id, vector)| (*id, vector.as_slice())), metric, query, k);
    assert_eq!(found.len(), exact.len(), "{what}");
    for ((_, found), (_, expected)) in found.iter().zip(&exact) {
        assert!((found - expected).abs() < 1e-4, "{what}: {found} instead of {expected}");
    }
    for (id, found) in found {
        let value = bytes(&model[id], Element::F32);
        assert_eq!(distance(metric, Element::F32, query, &value), Some(*found), "{what}: the distance shown");
    }
}

#[test]
fn random_histories_read_as_a_model_says() {
    for seed in 0..8 {
        let metric = [Metric::L2, Metric::InnerProduct, Metric::Cosine, Metric::L1][seed as usize % 4];
        let random = SimulatedRandom::new(seed);
        let (_, _, environment) = environment(seed);
        let mut database = Database::open(configuration(), environment.clone()).unwrap();
        create(&database, &[index(INDEX, metric, Element::F32, DIMENSIONS)]);
        let mut model = Model::new();
        let mut moments: Vec<(Timestamp, Model)> = Vec::new();
        for round in 0..30 {
            let mut transaction = begin(&database);
            let mut own = model.clone();
            for step in 0..random.next_u64() % 40 {
                let id = (random.next_u64() % 60) as i64;
                let savepoint = transaction.savepoint();
                let before = own.clone();
                transaction.start_statement();
                if random.next_u64() % 3 == 0 {
                    own.remove(&id);
                    delete(&mut transaction, id);
                } else {
                    let vector = random_vector(&random, DIMENSIONS);
                    put(&mut transaction, id, Value::from(bytes(&vector, Element::F32)));
                    own.insert(id, vector);
                }
                if random.next_u64() % 4 == 0 {
                    transaction.rollback_to(savepoint).unwrap();
                    own = before;
                }
                if step % 5 == 0 {
                    transaction.start_statement();
                    let query = random_vector(&random, DIMENSIONS);
                    let found = nearest(&transaction.view(), INDEX, &query, 7);
                    assert_exact(&found, &own, metric, &query, 7, "with own writes");
                }
            }
            if random.next_u64() % 5 == 0 {
                transaction.rollback();
            } else {
                let at = transaction.commit().wait().unwrap();
                model = own;
                moments.push((at, model.clone()));
            }
            match round % 7 {
                2 => database.checkpoint().wait().unwrap(),
                4 => database.compact().wait().unwrap(),
                6 => {
                    database.close();
                    database = Database::open(configuration(), environment.clone()).unwrap();
                }
                _ => {}
            }
            let reader = begin(&database);
            let query = random_vector(&random, DIMENSIONS);
            let k = (random.next_u64() % 12) as usize;
            assert_exact(&nearest(&reader.view(), INDEX, &query, k), &model, metric, &query, k, "now");
            let even = |id: i64| id % 2 == 0;
            let half: Model = model.clone().into_iter().filter(|(id, _)| even(*id)).collect();
            let found = nearest_where(&reader.view(), INDEX, &query, k, 40, None, &even);
            assert_exact(&rows(&found, &reader.view()), &half, metric, &query, k, "filtered");
            for (at, past) in moments.iter().rev().step_by(3) {
                let found = nearest(&reader.view_at(*at), INDEX, &query, k);
                assert_exact(&found, past, metric, &query, k, "in the past");
            }
        }
    }
}

#[test]
fn what_an_index_does_not_hold_is_not_found() {
    let (_, _, environment) = environment(1);
    let database = Database::open(configuration(), environment).unwrap();
    let cosine = index(INDEX, Metric::Cosine, Element::F16, 3);
    let euclid = index(IndexId(301), Metric::L2, Element::F16, 3);
    create(&database, &[cosine, euclid]);
    let mut transaction = begin(&database);
    put(&mut transaction, 1, Value::Null);
    put(&mut transaction, 2, Value::from(bytes(&[0.0, 0.0, 0.0], Element::F16)));
    put(&mut transaction, 3, Value::from(bytes(&[0.0, 2.0, 0.0], Element::F16)));
    put(&mut transaction, 4, Value::from(bytes(&[2.0, 0.0], Element::F16)));
    transaction.commit().wait().unwrap();
    for checkpointed in [false, true] {
        if checkpointed {
            database.checkpoint().wait().unwrap();
        }
        let view = begin(&database).view();
        assert_eq!(nearest(&view, INDEX, &[1.0, 0.0, 0.0], 9), [(3, 1.0)]);
        assert_eq!(nearest(&view, IndexId(301), &[0.0, 1.0, 0.0], 9), [(2, 1.0), (3, 1.0)]);
    }
    let view = begin(&database).view();
    let unknown = view.nearest(TABLE, IndexId(9), &[0.0; 3], &mut search(1, 40, None));
    assert_eq!(unknown.unwrap_err(), Error::UnknownIndex(TABLE, IndexId(9)));
    assert!(view.nearest(TABLE, INDEX, &[0.0; 4], &mut search(1, 40, None)).is_err());
}
