//! How long planning takes, parsing and analysis excluded: a key look-up, and a join of three tables.
//!
//! `cargo run --release --example planning_latency`: microseconds per plan, and per execution of a finished plan.

#[path = "../tests/planning/trees.rs"]
#[allow(dead_code)]
mod trees;
#[path = "../tests/planning/world.rs"]
#[allow(dead_code)]
mod world;

use std::time::Instant;

use strata_sql::tree::{JoinKind, Query};
use trees::*;

const ROUNDS: u32 = 2000;

fn lookup() -> Query {
    ints(filter(t(1), op("=", c(1), int(500))), &[1, 2])
}

/// t join u on a key, joined with t again on another, filtered and ordered.
fn three_way() -> Query {
    let first = join(JoinKind::Inner, t(1), u(10), Some(op("=", c(1), c(11))), false);
    let second = join(JoinKind::Inner, first, t(20), Some(op("=", c(12), c(20))), false);
    let conditions = and(vec![op("<", c(1), int(50)), op("=", c(12), int(3))]);
    ints(sort(filter(second, conditions), vec![(c(1), false)]), &[1, 10, 21])
}

fn main() {
    let world = world::World::new();
    for (name, query) in [("key look-up", lookup()), ("join of three", three_way())] {
        println!("{name}: {} rows", world.rows(&query).len());
        for line in world.explain(&query) {
            println!("    {line}");
        }
        let mut plans = Vec::new();
        let mut runs = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let plan = world.plan(&query);
            plans.push(start.elapsed());
            let start = Instant::now();
            world.run(&plan);
            runs.push(start.elapsed());
        }
        plans.sort();
        runs.sort();
        let middle = ROUNDS as usize / 2;
        println!("  plan {:.1} µs, execute {:.1} µs (medians)", micros(plans[middle]), micros(runs[middle]));
    }
}

fn micros(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
