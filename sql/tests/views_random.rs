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

use harness::{Client, Harness};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

const TABLES: &str = "CREATE TABLE a (id int PRIMARY KEY, k int, v int, f float8);
    CREATE TABLE b (id int PRIMARY KEY, k int, w int, n numeric);
    CREATE TABLE c (k int, s text);
    CREATE INDEX ON a (k); CREATE INDEX ON b (k);";

/// A random query and how many columns it shows.
fn query(random: &mut Random) -> (String, usize) {
    let bound = random.below(8);
    let aggregate = random.one_of(&[
        "count(*)",
        "count(v)",
        "sum(v)",
        "avg(v)",
        "min(v)",
        "max(v)",
        "sum(f)",
        "count(DISTINCT v)",
        "sum(v) FILTER (WHERE v > 3)",
        "max(f)",
        "avg(f)",
        "sum(v) + count(*)",
    ]);
    match random.below(23) {
        0 => (format!("SELECT id, k, v FROM a WHERE v > {bound}"), 3),
        1 => (format!("SELECT k, v % 3 AS m FROM a WHERE k IS NULL OR k < {bound}"), 2),
        2 => (format!("SELECT k, v FROM a WHERE v < {bound} UNION ALL SELECT k, w FROM b"), 2),
        3 => ("SELECT k FROM a UNION SELECT k FROM b".to_string(), 1),
        4 => (format!("SELECT k, v FROM a EXCEPT ALL SELECT k, w FROM b WHERE w > {bound}"), 2),
        5 => ("SELECT k FROM a INTERSECT SELECT k FROM c".to_string(), 1),
        6 => (format!("SELECT a.id, b.w, b.n FROM a JOIN b ON a.k = b.k WHERE a.v > {bound}"), 3),
        7 => ("SELECT a.k, c.s, a.v FROM a JOIN c ON a.k = c.k JOIN b ON b.id = a.id".to_string(), 3),
        8 => ("SELECT a.id, c.s FROM a LEFT JOIN c ON a.k = c.k".to_string(), 2),
        9 => (format!("SELECT a.id, b.w FROM a LEFT JOIN b ON a.k = b.k AND b.w > {bound}"), 2),
        10 => ("SELECT a.v, b.id FROM a RIGHT JOIN b ON a.k = b.k".to_string(), 2),
        11 => ("SELECT a.id, b.id FROM a FULL JOIN b ON a.k = b.k".replace("b.id FROM", "b.id AS other FROM"), 2),
        12 | 13 => (format!("SELECT k, {aggregate} AS x FROM a GROUP BY k"), 2),
        14 => (format!("SELECT k, count(*) AS n, {aggregate} AS x FROM a GROUP BY k HAVING count(*) > {}", 1 + bound % 3), 3),
        15 => (format!("SELECT {aggregate} AS x, count(*) AS n FROM a"), 2),
        16 => ("SELECT DISTINCT k, v % 2 AS m FROM a".to_string(), 2),
        17 => ("SELECT b.k, sum(a.v) AS s, count(c.s) AS n FROM b JOIN a ON a.k = b.k LEFT JOIN c ON c.k = b.k GROUP BY b.k".to_string(), 3),
        18 => ("SELECT n, count(*) AS x, sum(w) AS s FROM b GROUP BY n".to_string(), 3),
        19 => ("SELECT k, v, rank() OVER (PARTITION BY k ORDER BY v) AS r FROM a".to_string(), 3),
        20 => (format!("SELECT v, id FROM a ORDER BY v, id LIMIT {}", 1 + bound), 2),
        21 => ("SELECT k, count(*) AS n, sum(v) AS s, count(v) AS c FROM a GROUP BY k".to_string(), 4),
        _ => (format!("SELECT k, v FROM a WHERE v > (SELECT avg(w) FROM b WHERE b.id < {})", 5 + bound), 2),
    }
}

/// A random change of one table.
fn change(random: &mut Random) -> String {
    let (id, v) = (random.below(25), random.below(9));
    let key = match random.below(5) {
        0 => "NULL".to_string(),
        _ => random.below(5).to_string(),
    };
    let float = random.one_of(&["'NaN'", "0.1", "1e300", "-1e300", "0.3", "NULL", "'-0'", "2.5"]);
    let numeric = random.one_of(&["1", "2", "2.5", "NULL", "'NaN'"]);
    let value = if random.below(6) == 0 { "NULL".to_string() } else { v.to_string() };
    match random.below(12) {
        0..=2 => format!(
            "INSERT INTO a VALUES ({id}, {key}, {value}, {float}) ON CONFLICT (id) DO UPDATE SET k = {key}, v = {value}, f = {float};"
        ),
        3 => format!("UPDATE a SET k = {key} WHERE v = {v};"),
        4 => format!("UPDATE a SET v = v + 1, f = {float} WHERE id < {};", id / 2),
        5 => format!("DELETE FROM a WHERE id % 7 = {};", v % 7),
        6 | 7 => format!(
            "INSERT INTO b VALUES ({id}, {key}, {value}, {numeric}) ON CONFLICT (id) DO UPDATE SET k = {key}, w = {value}, n = {numeric};"
        ),
        8 => format!("DELETE FROM b WHERE k = {} OR id = {id};", v % 5),
        9 | 10 => format!("INSERT INTO c VALUES ({key}, 's{}'), ({key}, 's{}');", v % 3, v % 2),
        _ => format!("DELETE FROM c WHERE k = {};", v % 5),
    }
}

fn transaction(random: &mut Random) -> String {
    let mut script = "BEGIN;".to_string();
    for _ in 0..=random.below(4) {
        match random.below(6) {
            0 => {
                script.push_str("SAVEPOINT s;");
                script.push_str(&change(random));
                script.push_str("ROLLBACK TO s;");
            }
            _ => script.push_str(&change(random)),
        }
    }
    script.push_str(if random.below(4) == 0 { "ROLLBACK;" } else { "COMMIT;" });
    script
}

struct View {
    name: String,
    query: String,
    columns: usize,
}

impl View {
    fn order(&self) -> String {
        (1..=self.columns).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Its rows and those of its query, each sorted.
    fn pair(&self) -> String {
        let order = self.order();
        format!(
            "SELECT * FROM {} ORDER BY {order};\u{0}SELECT * FROM ({}) q ORDER BY {order};",
            self.name, self.query
        )
    }
}

/// Compares a view with its query in one transaction, so that both see one moment.
fn compare(client: &mut Client<'_>, view: &View, place: &str) {
    let pair = view.pair();
    let (stored, computed) = pair.split_once('\u{0}').expect("two queries");
    let (stored, computed) = (client.run(stored), client.run(computed));
    // The columns of the query may go by other names than the view's: rows alone are compared.
    let rows = |printed: &str| printed.lines().skip(1).map(str::to_string).collect::<Vec<_>>();
    assert_eq!(rows(&stored), rows(&computed), "{place}: {} AS {}", view.name, view.query);
    assert!(!stored.contains("ERROR"), "{place}: {stored}");
}

fn run(seed: u64) -> usize {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
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
                let printed = client.run("SELECT clock_timestamp()::text;");
                moments.push(printed.lines().nth(1).expect("a moment").to_string());
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
