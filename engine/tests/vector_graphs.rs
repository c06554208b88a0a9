//! Graphs over vectors: what a search through them finds, how they live and die with their segments, and what a crash
//! or damage in the middle does. Searches through graphs may miss a row in some; the bound is a recall of 0.95.

#[path = "support/vectors.rs"]
mod vectors;

use std::collections::BTreeMap;
use std::sync::Arc;
use strata_engine::io::simulation::{Faults, SimulatedDisk, SimulatedRandom, environment};
use strata_engine::io::{Disk, Random};
use strata_engine::vector::{Element, Metric, Nearest};
use strata_engine::{Database, Environment, ReadView, Timestamp, Value, VectorIndexSchema};
use vectors::*;

const DIMENSIONS: usize = 48;
const ROWS: i64 = 5000;
const CLUSTERS: i64 = 50;
const K: usize = 10;

type Model = BTreeMap<i64, Vec<f32>>;

/// A point near the middle of a cluster. Numbers are sixty-fourths, so that half precision holds them.
fn clustered(random: &dyn Random, cluster: i64) -> Vec<f32> {
    let middle = SimulatedRandom::new(cluster as u64 + 1000);
    let near = |_| {
        let number = random_number(&middle) + 0.3 * random_number(random);
        (number * 64.0).round() / 64.0
    };
    (0..DIMENSIONS).map(near).collect()
}

struct World {
    disk: Arc<SimulatedDisk>,
    environment: Environment,
    random: SimulatedRandom,
    database: Arc<Database>,
    index: VectorIndexSchema,
    model: Model,
}

impl World {
    fn empty(seed: u64, metric: Metric, element: Element) -> World {
        let (disk, _, environment) = environment(seed);
        let database = Database::open(configuration(), environment.clone()).unwrap();
        let index = index(INDEX, metric, element, DIMENSIONS);
        create(&database, &[index]);
        let random = SimulatedRandom::new(seed);
        World { disk, environment, random, database, index, model: Model::new() }
    }

    /// With a graph over its rows.
    fn new(seed: u64, metric: Metric, element: Element) -> World {
        let mut world = World::empty(seed, metric, element);
        world.write(0..ROWS);
        world.settle();
        assert_eq!(world.graphs().len(), 1);
        world
    }

    /// Gives rows new vectors, of the cluster that their number says.
    fn write(&mut self, ids: impl Iterator<Item = i64>) -> Timestamp {
        let mut transaction = begin(&self.database);
        for id in ids {
            let vector = clustered(&self.random, id % CLUSTERS);
            put(&mut transaction, id, Value::from(bytes(&vector, self.index.element)));
            self.model.insert(id, vector);
        }
        transaction.commit().wait().unwrap()
    }

    fn delete(&mut self, ids: impl Iterator<Item = i64>) -> Timestamp {
        let mut transaction = begin(&self.database);
        for id in ids {
            delete(&mut transaction, id);
            self.model.remove(&id);
        }
        transaction.commit().wait().unwrap()
    }

    /// Segments and graphs of everything.
    fn settle(&self) {
        self.database.compact().wait().unwrap();
        self.database.build_graphs().wait().unwrap();
    }

    fn reopen(&mut self) {
        self.database.close();
        self.database = Database::open(configuration(), self.environment.clone()).unwrap();
    }

    fn graphs(&self) -> Vec<String> {
        let names = self.disk.list().unwrap();
        names.into_iter().filter(|name| name.starts_with("graph-")).collect()
    }

    fn view(&self) -> ReadView {
        begin(&self.database).view()
    }

    fn query(&self) -> Vec<f32> {
        let cluster = (self.random.next_u64() % CLUSTERS as u64) as i64;
        clustered(&self.random, cluster)
    }

    /// The part of the right rows that searches find. Each comes back whole, in order, and passes.
    fn recall(
        &self,
        view: &ReadView,
        model: &Model,
        expected_share: Option<f64>,
        passes: &dyn Fn(i64) -> bool,
        look: &mut dyn FnMut(&Nearest),
    ) -> f64 {
        // Points that lie evenly about their middle are the hardest: many are nearly as near as the nearest.
        const EF: usize = 120;
        let (mut right, mut all) = (0, 0);
        for _ in 0..40 {
            let query = self.query();
            let qualified = model.iter().filter(|(id, _)| passes(**id));
            let vectors = qualified.map(|(id, vector)| (*id, vector.as_slice()));
            let exact = exact(vectors, self.index.metric, &query, K);
            let found = nearest_where(view, INDEX, &query, K, EF, expected_share, passes);
            look(&found);
            let found = rows(&found, view);
            assert_eq!(found.len(), exact.len(), "as many rows as qualify, or as are wanted");
            assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1), "nearest first");
            assert!(found.iter().all(|(id, _)| passes(*id) && model.contains_key(id)));
            let farthest = exact.last().map_or(0.0, |(_, distance)| *distance);
            right += found.iter().filter(|(_, distance)| *distance <= farthest + 1e-5).count();
            all += exact.len();
        }
        right as f64 / all.max(1) as f64
    }

    fn assert_recall(&self, what: &str) {
        let recall = self.recall(&self.view(), &self.model, None, &|_| true, &mut |_| {});
        assert!(recall >= 0.95, "{what}: {recall}");
    }
}

#[test]
fn every_metric_and_element_finds_its_neighbours() {
    for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine, Metric::L1] {
        for element in [Element::F32, Element::F16] {
            let world = World::new(1, metric, element);
            let recall = world.recall(&world.view(), &world.model, None, &|_| true, &mut |found| {
                assert_eq!((found.report.graphs, found.report.exact_segments), (1, 0), "{metric:?}");
                assert!(found.report.candidates < ROWS as u64 / 2, "a walk sees a part of the rows");
            });
            assert!(recall >= 0.95, "{metric:?} {element:?}: {recall}");
        }
    }
}

#[test]
fn filters_give_all_they_let_pass_or_k() {
    let world = World::new(2, Metric::L2, Element::F32);
    let mut walked = 0;
    for per_mille in [1, 10, 100, 500, 900] {
        let independent = |id: i64| (id * 7919 + 13) % 1000 < per_mille;
        // Whole clusters, so that what passes lies far from most queries.
        let clustered =
            |id: i64| (id % CLUSTERS) * 1000 < per_mille * CLUSTERS && (per_mille > 10 || id % 20 == 0);
        let filters: [(&str, &dyn Fn(i64) -> bool); 2] =
            [("independent", &independent), ("clustered", &clustered)];
        for (name, passes) in filters {
            for expected in [None, Some(per_mille as f64 / 1000.0), Some(1.0), Some(0.001)] {
                let mut look = |found: &Nearest| walked += found.report.graphs;
                let recall = world.recall(&world.view(), &world.model, expected, passes, &mut look);
                assert!(recall >= 0.95, "{name} {per_mille}, expected {expected:?}: {recall}");
            }
        }
    }
    assert!(walked > 0, "some filters are met by a walk");
}

#[test]
fn a_walk_over_few_finds_them() {
    const MANY: i64 = 20_000;
    let mut world = World::empty(9, Metric::L2, Element::F32);
    world.write(0..MANY);
    world.settle();
    let (mut walked, mut all, mut hits) = (0, 0, 0);
    for per_mille in [20, 30, 45, 80, 200] {
        let passes = |id: i64| (id * 7919 + 13) % 1000 < per_mille;
        for _ in 0..40 {
            let query = world.query();
            let vectors = world.model.iter().filter(|(id, _)| passes(**id));
            let exact = exact(vectors.map(|(id, each)| (*id, each.as_slice())), Metric::L2, &query, 5);
            let found = nearest_where(&world.view(), INDEX, &query, 5, 20, None, &passes);
            walked += found.report.graphs;
            let found = rows(&found, &world.view());
            let right = found.iter().filter(|(id, _)| exact.iter().any(|(other, _)| id == other)).count();
            assert_eq!(found.len(), 5);
            (all, hits) = (all + 5, hits + right);
        }
    }
    assert!(walked > 100 && hits * 100 >= all * 95, "{walked} walked, {hits} of {all}");
}

#[test]
fn the_past_is_found_after_updates_and_deletes() {
    let mut world = World::empty(3, Metric::Cosine, Element::F32);
    let loaded = world.write(0..ROWS);
    world.settle();
    let mut moments = vec![(loaded, world.model.clone())];
    for round in 0..2 {
        let at = world.write((0..ROWS).filter(|id| id % 2 == round));
        moments.push((at, world.model.clone()));
        world.settle();
    }
    let at = world.delete((0..ROWS).filter(|id| id % 10 < 3));
    moments.push((at, world.model.clone()));
    for reopened in [false, true] {
        if reopened {
            world.settle();
            world.reopen();
        }
        let reader = begin(&world.database);
        for (at, model) in &moments {
            let even = |id: i64| id % 2 == 0;
            for passes in [&even as &dyn Fn(i64) -> bool, &|_| true] {
                let recall = world.recall(&reader.view_at(*at), model, None, passes, &mut |_| {});
                assert!(recall >= 0.95, "{at} {reopened}: {recall}");
            }
        }
        world.assert_recall("now");
    }
}

#[test]
fn own_writes_are_seen_and_taken_back() {
    let world = World::new(4, Metric::L2, Element::F32);
    let query = world.query();
    let near = |view: &ReadView| nearest(view, INDEX, &query, K);
    let before = near(&world.view());
    let mut transaction = begin(&world.database);
    let savepoint = transaction.savepoint();
    delete(&mut transaction, before[0].0);
    put(&mut transaction, ROWS + 1, Value::from(bytes(&query, Element::F32)));
    transaction.start_statement();
    let mut expected = before.clone();
    expected[0] = (ROWS + 1, 0.0);
    assert_eq!(near(&transaction.view()), expected);
    assert_eq!(near(&world.view()), before, "nobody else sees it");
    transaction.rollback_to(savepoint).unwrap();
    transaction.start_statement();
    assert_eq!(near(&transaction.view()), before);
    delete(&mut transaction, before[1].0);
    transaction.commit().wait().unwrap();
    let after: Vec<(i64, f64)> = near(&world.view());
    assert_eq!(after[..K - 1], [&before[..1], &before[2..]].concat());
}

#[test]
fn a_new_row_is_found_at_once_and_right_after_a_restart() {
    let mut world = World::new(5, Metric::L2, Element::F32);
    let query = world.query();
    let mut transaction = begin(&world.database);
    put(&mut transaction, -1, Value::from(bytes(&query, Element::F32)));
    transaction.commit().wait().unwrap();
    let graphs = world.graphs();
    for _ in 0..2 {
        let found = world.view().nearest(TABLE, INDEX, &query, &mut search(1, 40, None)).unwrap();
        assert_eq!(rows(&found, &world.view()), [(-1, 0.0)]);
        assert_eq!((found.report.graphs, found.report.exact_segments), (1, 0), "the graph is there at once");
        world.reopen();
        assert_eq!(world.graphs(), graphs, "and was not built anew");
    }
}

#[test]
fn graphs_go_with_their_segments_and_indexes() {
    let mut world = World::new(6, Metric::L2, Element::F32);
    let first = world.graphs();
    world.write(0..ROWS);
    world.settle();
    let second = world.graphs();
    assert!(!second.contains(&first[0]) && !second.is_empty(), "{first:?} {second:?}");
    world.assert_recall("after every row was updated");
    let more = VectorIndexSchema { id: strata_engine::IndexId(301), metric: Metric::Cosine, ..world.index };
    for vectors in [vec![world.index, more], vec![more], vec![]] {
        let mut transaction = begin(&world.database);
        transaction.alter_table(TABLE, schema(&vectors), &[]).unwrap();
        transaction.commit().wait().unwrap();
        world.settle();
        let of_index = |index: &VectorIndexSchema| {
            world.database.graphs(TABLE).unwrap().iter().filter(|(id, _, _)| *id == index.id).count()
        };
        assert!(vectors.iter().all(|index| of_index(index) > 0));
        assert_eq!(world.graphs().len(), world.database.graphs(TABLE).unwrap().len());
    }
    assert_eq!(world.graphs(), Vec::<String>::new());
}

#[test]
fn vectors_that_occur_twice_are_codes_as_others_are() {
    let length = |world: &World| world.disk.content(&world.graphs()[0]).unwrap().len();
    let plain = World::new(12, Metric::L2, Element::F32);
    let mut twice = World::empty(12, Metric::L2, Element::F32);
    let mut transaction = begin(&twice.database);
    for id in 0..ROWS / 2 {
        let vector = clustered(&twice.random, id % CLUSTERS);
        for id in [id, id + ROWS / 2] {
            put(&mut transaction, id, Value::from(bytes(&vector, Element::F32)));
            twice.model.insert(id, vector.clone());
        }
    }
    transaction.commit().wait().unwrap();
    twice.settle();
    assert!(length(&plain) < ROWS as usize * DIMENSIONS * 4, "codes");
    assert!(length(&twice) < length(&plain) * 11 / 10, "{} {}", length(&twice), length(&plain));
    twice.assert_recall("of vectors that occur twice");
}

#[test]
fn a_damaged_graph_means_an_exact_search_and_a_new_graph() {
    let world = World::new(7, Metric::L2, Element::F32);
    let name = world.graphs().remove(0);
    let length = world.disk.content(&name).unwrap().len() as u64;
    world.database.close();
    for (turn, place) in [length / 3, length / 2, length - 100, 20].into_iter().enumerate() {
        let disk = world.disk.fork(turn as u64);
        assert!(disk.flip(&name, place, 3));
        let environment = Environment { disk: disk.mount(), ..world.environment.clone() };
        let database = Database::open(configuration(), environment).unwrap();
        let view = begin(&database).view();
        for _ in 0..30 {
            let query = world.query();
            let recall = |found: &[(i64, f64)]| {
                let exact =
                    exact(world.model.iter().map(|(id, each)| (*id, each.as_slice())), Metric::L2, &query, K);
                found.iter().filter(|(id, _)| exact.iter().any(|(other, _)| id == other)).count()
            };
            assert!(recall(&nearest(&view, INDEX, &query, K)) >= K - 1, "at {place}");
        }
        // What no walk has met yet, a look at everything does.
        let _ = database.verify();
        database.build_graphs().wait().unwrap();
        let found = view.nearest(TABLE, INDEX, &world.query(), &mut search(K, 40, None)).unwrap();
        assert_eq!((found.report.graphs, found.rows.len()), (1, K), "at {place}");
        let names: Vec<String> = disk.list().unwrap();
        assert_eq!(names.iter().filter(|name| name.starts_with("graph-")).count(), 1);
        database.close();
    }
}

#[test]
fn of_several_graphs_the_others_are_walked_when_one_is_damaged() {
    let mut world = World::new(13, Metric::L2, Element::F32);
    let halfway = world.write((0..ROWS).filter(|id| id % 2 == 0));
    let model = world.model.clone();
    world.write((0..ROWS).filter(|id| id % 2 == 1));
    world.settle();
    let graphs_of = |view: &ReadView| {
        let found = view.nearest(TABLE, INDEX, &world.query(), &mut search(K, 120, None)).unwrap();
        (found.report.graphs, found.report.exact_segments)
    };
    let (graphs, exactly) = graphs_of(&begin(&world.database).view_at(halfway));
    assert!(graphs >= 2 && exactly == 0, "{graphs} {exactly}");
    let names = world.graphs();
    world.database.close();
    let (mut right, mut wanted) = (0, 0);
    for (turn, name) in (0..).zip(names.iter().flat_map(|name| [name; 6])) {
        let disk = world.disk.fork(turn);
        let length = disk.content(name).unwrap().len() as u64;
        let start = length / 12 * (turn % 9);
        assert!(disk.overwrite(name, &vec![0; length as usize / 4], start));
        let environment = Environment { disk: disk.mount(), ..world.environment.clone() };
        let database = Database::open(configuration(), environment).unwrap();
        let view = begin(&database).view_at(halfway);
        // The first search is the one that meets the damage.
        let query = world.query();
        let vectors = model.iter().map(|(id, each)| (*id, each.as_slice()));
        let exact = exact(vectors, Metric::L2, &query, K);
        let found = nearest(&view, INDEX, &query, K);
        let nearest = found.iter().filter(|(id, _)| exact.iter().any(|(other, _)| id == other)).count();
        assert!(nearest > K / 2, "{name} from {start}: {nearest} of {K}");
        right += nearest;
        wanted += K;
        let _ = database.verify();
        assert_eq!(
            graphs_of(&view),
            (graphs - 1, 1),
            "the others are walked, its segment is searched exactly"
        );
        database.close();
    }
    assert!(right * 100 >= wanted * 95, "{right} of {wanted}");
}

/// Zeros over a good part of a graph's file, where a seed says: searches must go on finding what is near, and a new
/// graph must come. `Err` says what was noticed.
fn survive_damage(faults: Faults) -> Result<(), String> {
    let world = World::new(10, Metric::L2, Element::F32);
    let name = world.graphs().remove(0);
    let length = world.disk.content(&name).unwrap().len() as u64;
    world.database.close();
    for seed in 0..8 {
        let disk = world.disk.fork(seed);
        disk.set_faults(faults);
        let start = SimulatedRandom::new(seed).below(length * 3 / 4);
        assert!(disk.overwrite(&name, &vec![0; length as usize / 4], start));
        let environment = Environment { disk: disk.mount(), ..world.environment.clone() };
        let database = Database::open(configuration(), environment).unwrap();
        let view = begin(&database).view();
        let (mut right, mut wanted) = (0, 0);
        for _ in 0..30 {
            let query = world.query();
            let vectors = world.model.iter().map(|(id, each)| (*id, each.as_slice()));
            let exact = exact(vectors, Metric::L2, &query, K);
            let found = nearest(&view, INDEX, &query, K);
            right += found.iter().filter(|(id, _)| exact.iter().any(|(other, _)| id == other)).count();
            wanted += K;
        }
        if right * 100 < wanted * 95 {
            return Err(format!("seed {seed}: {right} of {wanted} found"));
        }
        // What no walk has met yet, a look at everything does.
        let _ = database.verify();
        database.build_graphs().wait().unwrap();
        let found = view.nearest(TABLE, INDEX, &world.query(), &mut search(K, 40, None)).unwrap();
        database.close();
        if found.report.graphs != 1 {
            return Err(format!("seed {seed}: no graph came in the place of the damaged one"));
        }
    }
    Ok(())
}

#[test]
fn graphs_that_are_believed_or_kept_in_spite_of_damage_are_caught() {
    assert_eq!(survive_damage(Faults::default()), Ok(()));
    let believed = survive_damage(Faults { skip_graph_checksums: true, ..Faults::default() });
    assert!(believed.is_err_and(|error| error.contains("found")));
    let kept = survive_damage(Faults { keep_damaged_graph: true, ..Faults::default() });
    assert!(kept.is_err_and(|error| error.contains("no graph")));
}

#[test]
fn a_kill_while_a_graph_is_built_leaves_nothing_behind() {
    let mut world = World::empty(8, Metric::L2, Element::F32);
    world.write(0..ROWS);
    world.database.checkpoint().wait().unwrap();
    for round in 0..12_u64 {
        let disk = world.disk.fork(round);
        let environment = Environment { disk: disk.mount(), ..world.environment.clone() };
        let database = Database::open(configuration(), environment).unwrap();
        let ticket = database.build_graphs();
        // Some in the middle of the build, some in the middle of its file, some after it.
        let before = disk.changes();
        while disk.changes() < before + round * 3
            && disk.list().unwrap().iter().all(|name| !name.starts_with("graph-"))
        {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        if round % 2 == 0 {
            disk.kill()
        } else {
            disk.crash()
        }
        drop(ticket);
        database.close();
        let environment = Environment { disk: disk.mount(), ..world.environment.clone() };
        let database = Database::open(configuration(), environment).unwrap();
        let view = begin(&database).view();
        let query = world.query();
        let found = nearest(&view, INDEX, &query, K);
        let exact = exact(world.model.iter().map(|(id, each)| (*id, each.as_slice())), Metric::L2, &query, K);
        let right = found.iter().filter(|(id, _)| exact.iter().any(|(other, _)| id == other)).count();
        assert!(found.len() == K && right >= K - 1, "round {round}");
        database.build_graphs().wait().unwrap();
        let names: Vec<String> = disk.list().unwrap();
        let graphs: Vec<&String> = names.iter().filter(|name| name.starts_with("graph-")).collect();
        assert_eq!(graphs.len(), 1, "round {round}: {graphs:?}");
        assert_eq!(database.graphs(TABLE).unwrap().len(), 1);
        database.close();
    }
}
