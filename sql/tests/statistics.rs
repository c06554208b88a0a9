//! What ANALYZE finds decides what the planner expects, and stays; tables that change are analyzed without being asked.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Harness};

fn lines(client: &mut Client<'_>, query: &str) -> Vec<String> {
    let printed = client.run(&format!("{query};"));
    assert!(!printed.contains("ERROR"), "{query}: {printed}");
    let lines: Vec<&str> = printed.lines().collect();
    lines[1..lines.len() - 1].iter().map(|line| (*line).to_string()).collect()
}

/// The rows that the plan of a query expects, and those that there are.
fn expected_and_found(client: &mut Client<'_>, table: &str, condition: &str) -> (f64, f64) {
    let plan = lines(client, &format!("EXPLAIN SELECT * FROM {table} WHERE {condition}"));
    let rows = plan.iter().find_map(|line| line.split(" rows=").nth(1)).expect("rows in a plan");
    let expected = rows.split(' ').next().and_then(|rows| rows.parse().ok()).expect("a number");
    let found = lines(client, &format!("SELECT count(*) FROM {table} WHERE {condition}"));
    (expected, found[0].parse().expect("a count"))
}

const ROWS: &str = "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c bool, d date, e numeric, f float8, g int8);
     INSERT INTO t SELECT i, i % 1000, CASE WHEN i % 10 < 7 THEN 'common' WHEN i % 10 = 9 THEN NULL ELSE 'rare ' || i % 300 END,
       i % 20 = 0, date '2020-01-01' + i % 365, (i % 4000) / 4.0, sqrt(i), CASE WHEN i % 2 = 0 THEN 0 ELSE i END
     FROM generate_series(1, 40000) AS i;";

/// Conditions, each by itself or as a range, whose parts the statistics tell.
const CONDITIONS: [&str; 27] = [
    "a = 5",
    "a = 5000",
    "a < 100",
    "a >= 900",
    "950 < a",
    "a < 30::int8",
    "a BETWEEN 100 AND 199",
    "a > 100 AND a < 120 AND a < 5000",
    "b = 'common'",
    "b = 'rare 8'",
    "b = 'never'",
    "b IS NULL",
    "b IS NOT NULL",
    "b > 'rare'",
    "c",
    "NOT c",
    "c = true",
    "d = date '2020-03-01'",
    "d > date '2020-11-01'",
    "d BETWEEN '2020-02-01' AND '2020-02-10'",
    "e < 10.5",
    "e >= 750",
    "f < 20",
    "g = 0",
    "g > 30000",
    "a IN (1, 2, 3)",
    "id BETWEEN 10000 AND 10999",
];

#[test]
fn plans_expect_about_as_many_rows_as_there_are() {
    let harness = Harness::new("statistics-plans");
    let mut client = harness.client();
    client.run(ROWS);
    client.run("ANALYZE t;");
    let mut off = Vec::new();
    for condition in CONDITIONS {
        let (expected, found) = expected_and_found(&mut client, "t", condition);
        // A sample is read: a fifth this way or that, and some rows.
        if (expected - found).abs() > found * 0.2 + 60.0 {
            off.push(format!("{condition}: {expected} expected, {found} there"));
        }
    }
    assert!(off.is_empty(), "{off:#?}");
}

#[test]
fn statistics_outlive_a_restart_and_are_forgotten_by_nobody_but_their_columns() {
    let harness = Harness::new("statistics-restart");
    let all = "SELECT * FROM pg_stats ORDER BY attname";
    let before = {
        let mut client = harness.client();
        client.run(ROWS);
        client.run("ANALYZE t;");
        lines(&mut client, all)
    };
    assert_eq!(before.len(), 8);
    let harness = harness.restart();
    let mut client = harness.client();
    assert_eq!(lines(&mut client, all), before);
    client.run("ALTER TABLE t DROP COLUMN e; ALTER TABLE t RENAME COLUMN a TO z;");
    let names = lines(&mut client, "SELECT attname FROM pg_stats ORDER BY attname");
    assert_eq!(names, ["b", "c", "d", "f", "g", "id", "z"]);
}

#[test]
fn a_plan_made_before_is_made_anew_after_analyze() {
    let harness = Harness::new("statistics-anew");
    let mut client = harness.client();
    client.run(ROWS);
    client.run("PREPARE few AS SELECT count(*) FROM t WHERE b = 'rare 8';");
    let expected = |client: &mut Client<'_>| lines(client, "EXPLAIN EXECUTE few").join("\n");
    let before = expected(&mut client);
    client.run("ANALYZE t;");
    let after = expected(&mut client);
    // A guess of two hundred values; then what is not among the common ones.
    assert!(before.contains("rows=200 ") && after.contains("rows=134 "), "{before}\n{after}");
}

#[test]
fn a_table_that_has_changed_is_analyzed_by_itself() {
    let harness = Harness::new("statistics-automatic");
    let mut client = harness.client();
    client.run("CREATE TABLE t (a int); INSERT INTO t SELECT i % 3 FROM generate_series(1, 600) AS i;");
    let mut wait_for = |wanted: &str| {
        let began = Instant::now();
        loop {
            let found = lines(&mut client, "SELECT n_distinct FROM pg_stats WHERE tablename = 't'");
            if found == [wanted] {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{found:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
        client.run("INSERT INTO t SELECT i % 7 FROM generate_series(1, 700) AS i;");
    };
    wait_for("3");
    wait_for("7");
}
