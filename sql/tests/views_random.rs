//! Random views under random transactions: `view AS OF t` is `its query AS OF t`, at every commit.
//!
//! Shapes: filter, projection, UNION ALL, UNION, EXCEPT, inner, left, right and full joins, GROUP BY with count, sum, avg,
//! min, max, FILTER and DISTINCT aggregates, HAVING, DISTINCT, ranks over partitions, top rows, views over views. Keys are
//! NULL now and then, rows have duplicates, floats are NaN, groups hide behind HAVING and come back, outer joins lose their
//! last match. Transactions roll back, wholly or to a savepoint; the server restarts. Each view is read right after each
//! commit, and at the end again as of every commit, by its changes and by its query.
//!
//! `VIEW_SEEDS` says how many seeds to run, `VIEW_SEED` where to begin.

mod harness;
mod random_views;

use harness::Harness;
use random_views::{Random, TABLES, View, compare, moment_of, query, transaction};

fn run(seed: u64) -> usize {
    let mut random = Random::new(seed);
    let mut harness = Harness::new(&format!("views-random-{seed}"));
    let mut views = Vec::new();
    {
        let mut client = harness.client();
        assert!(!client.run(TABLES).contains("ERROR"));
        for number in 0..6 {
            let (query, columns) = query(&mut random);
            views.push(View { name: format!("view{number}"), query, columns });
        }
        let over = "SELECT k, count(*) AS n FROM grouped GROUP BY k".to_string();
        let grouped = "SELECT k, v FROM a WHERE v > 2".to_string();
        views.push(View { name: "grouped".to_string(), query: grouped, columns: 2 });
        views.push(View { name: "over".to_string(), query: over, columns: 2 });
        for view in &views {
            let printed = client.run(&format!("CREATE MATERIALIZED VIEW {} AS {};", view.name, view.query));
            assert!(!printed.contains("ERROR"), "{} AS {}: {printed}", view.name, view.query);
        }
        client.run("INSERT INTO a SELECT i, i % 4, i % 7, i / 2.0 FROM generate_series(1, 12) i;");
    }
    let mut moments = Vec::new();
    for round in 0..3 {
        {
            let mut client = harness.client();
            client.run("SET strata.view_changes = on;");
            for _ in 0..12 {
                let printed = client.run(&transaction(&mut random));
                assert!(!printed.contains("ERROR"), "{printed}");
                moments.push(moment_of(&mut client));
                let view = &views[random.below(views.len() as u64) as usize];
                compare(&mut client, view, &format!("seed {seed}, right after commit {}", moments.len()));
                if random.below(4) == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(random.below(120)));
                }
            }
        }
        if round < 2 {
            harness = harness.restart();
        }
    }
    let mut client = harness.client();
    for (number, moment) in moments.iter().enumerate() {
        let changes = if number % 3 == 0 { "off" } else { "on" };
        client.run(&format!("SET strata.view_changes = {changes}; SET strata.as_of = '{moment}';"));
        for view in &views {
            compare(&mut client, view, &format!("seed {seed}, as of commit {number}"));
        }
    }
    views.len()
}

#[test]
fn random_views_are_their_queries_at_every_commit() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (first, seeds) = (number("VIEW_SEED", 1), number("VIEW_SEEDS", 2));
    let mut views = 0;
    for seed in first..first + seeds {
        views += run(seed);
    }
    println!("{views} views, 36 commits each");
}
