//! strata.table_changes of materialized views: what it tells sums up to the difference of the view at two moments.
//!
//! Random transactions under views of many shapes; then, for many pairs of moments, the rows of the view at the first, with
//! the changes after it and up to the second, are the rows of the view at the second, and every change bears the time of a
//! commit that changed a table beneath. `VIEW_SEEDS` says how many seeds to run, `VIEW_SEED` where to begin.

mod harness;

use harness::{Client, Harness};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) % bound
    }
}

const VIEWS: [(&str, &str); 9] = [
    ("filtered", "SELECT id, k, v FROM a WHERE v > 2"),
    ("duplicates", "SELECT k, v % 2 AS m FROM a"),
    ("grouped", "SELECT k, count(*) AS n, sum(v) AS s, avg(v) AS m, min(f) AS f FROM a GROUP BY k"),
    ("hidden", "SELECT k, count(*) AS n FROM a GROUP BY k HAVING count(*) > 1"),
    ("joined", "SELECT a.id, b.w FROM a LEFT JOIN b ON a.k = b.k"),
    ("whole", "SELECT count(*) AS n, max(v) AS v FROM a"),
    ("top", "SELECT v, id FROM a ORDER BY v, id LIMIT 3"),
    ("over", "SELECT n, count(*) AS groups FROM grouped GROUP BY n"),
    ("through", "SELECT b.id, p.v FROM b JOIN p ON p.k = b.k"),
];

fn done(client: &mut Client<'_>, script: &str) {
    let printed = client.run(script);
    assert!(!printed.contains("ERROR"), "{script}: {printed}");
}

fn moment(client: &mut Client<'_>) -> String {
    let printed = client.run("SELECT clock_timestamp()::text;");
    format!("'{}'", printed.lines().nth(1).expect("a moment"))
}

fn change(random: &mut Random) -> String {
    let (id, v) = (random.below(12), random.below(7));
    let key = if random.below(5) == 0 { "NULL".to_string() } else { random.below(4).to_string() };
    match random.below(9) {
        0..=2 => format!(
            "INSERT INTO a VALUES ({id}, {key}, {v}, {v} / 3.0) ON CONFLICT (id) DO UPDATE SET k = {key}, v = {v}, f = 'NaN';"
        ),
        3 => format!("UPDATE a SET v = v + 1 WHERE id < {id};"),
        4 => format!("DELETE FROM a WHERE id % 4 = {};", v % 4),
        5 | 6 => format!("INSERT INTO b VALUES ({id}, {key}, {v}) ON CONFLICT (id) DO UPDATE SET k = {key};"),
        7 => format!("DELETE FROM b WHERE k = {key};"),
        _ if v == 0 => "TRUNCATE b;".to_string(),
        _ => format!("UPDATE a SET k = {key} WHERE v = {v};"),
    }
}

/// What is left of the view at one moment and its changes, less the view at the other.
fn rest(client: &mut Client<'_>, view: &str, (from, to): (&str, &str)) -> String {
    client.run(&format!(
        "SELECT r, sum(n) FROM (
           SELECT to_jsonb(entire)::text AS r, 1 AS n FROM {view} FOR SYSTEM_TIME AS OF {from} entire
           UNION ALL SELECT to_jsonb(entire)::text, -1 FROM {view} FOR SYSTEM_TIME AS OF {to} entire
           UNION ALL SELECT new::text, 1 FROM strata.table_changes('{view}', {from}, {to}) WHERE new IS NOT NULL
           UNION ALL SELECT old::text, -1 FROM strata.table_changes('{view}', {from}, {to}) WHERE old IS NOT NULL
         ) AS x GROUP BY r HAVING sum(n) <> 0 ORDER BY 1;"
    ))
}

/// Changes at times at which no table changed, and definitions did not either.
fn times_of_nobody(client: &mut Client<'_>, view: &str, (from, to): (&str, &str)) -> String {
    client.run(&format!(
        "SELECT at FROM strata.table_changes('{view}', {from}, {to})
         EXCEPT SELECT at FROM strata.table_changes('a', {from}, {to})
         EXCEPT SELECT at FROM strata.table_changes('b', {from}, {to})
         EXCEPT SELECT _system_from FROM redefined FOR SYSTEM_TIME ALL;"
    ))
}

fn run(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut harness = Harness::new(&format!("views-changes-{seed}"));
    let mut moments = Vec::new();
    {
        let mut client = harness.client();
        done(
            &mut client,
            "CREATE TABLE a (id int PRIMARY KEY, k int, v int, f float8);
             CREATE TABLE b (id int PRIMARY KEY, k int, w int); CREATE TABLE redefined (times int);
             CREATE VIEW p AS SELECT k, v FROM a WHERE v > 3;
             INSERT INTO a SELECT i, i % 3, i, i / 2.0 FROM generate_series(1, 8) i;",
        );
        for (name, query) in VIEWS {
            done(&mut client, &format!("CREATE MATERIALIZED VIEW {name} AS {query};"));
        }
        moments.push(moment(&mut client));
    }
    for round in 0..2 {
        {
            let mut client = harness.client();
            for number in 0..12 {
                let changes: String = (0..=random.below(3)).map(|_| change(&mut random)).collect();
                let end = if random.below(5) == 0 { "ROLLBACK" } else { "COMMIT" };
                done(&mut client, &format!("BEGIN; {changes} {end};"));
                if number == 6 {
                    let bound = random.below(5);
                    done(
                        &mut client,
                        &format!(
                            "BEGIN; CREATE OR REPLACE VIEW p AS SELECT k, v FROM a WHERE v < {bound};
                             INSERT INTO redefined VALUES (1); COMMIT;"
                        ),
                    );
                }
                moments.push(moment(&mut client));
                if random.below(4) == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(random.below(100)));
                }
            }
        }
        if round == 0 {
            harness = harness.restart();
        }
    }
    let mut client = harness.client();
    let last = moments.len() - 1;
    let mut pairs: Vec<(usize, usize)> = (0..last).map(|number| (number, number + 1)).collect();
    for _ in 0..6 {
        let from = random.below(last as u64) as usize;
        pairs.push((from, from + 1 + random.below((last - from) as u64) as usize));
    }
    pairs.push((0, last));
    for (view, _) in VIEWS {
        for (from, to) in &pairs {
            let period = (moments[*from].as_str(), moments[*to].as_str());
            let place = format!("seed {seed}, {view}, moments {from} to {to}");
            assert_eq!(rest(&mut client, view, period), "r|sum\n(0 rows)\n", "{place}");
            assert_eq!(times_of_nobody(&mut client, view, period), "at\n(0 rows)\n", "{place}");
        }
    }
}

#[test]
fn the_changes_of_a_view_sum_up_to_the_difference_of_the_view_at_two_moments() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (first, seeds) = (number("VIEW_SEED", 1), number("VIEW_SEEDS", 2));
    for seed in first..first + seeds {
        run(seed);
    }
}
