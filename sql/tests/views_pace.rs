//! Materialized views that are kept at a pace: readers read the last step, and there always is a next one.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Harness};

/// Runs statements that must all succeed.
fn done(client: &mut Client<'_>, script: &str) -> String {
    let printed = client.run(script);
    assert!(!printed.contains("ERROR"), "{printed}");
    printed
}

/// The only value of a query.
fn value(client: &mut Client<'_>, query: &str) -> String {
    done(client, query).lines().nth(1).expect("a row").to_string()
}

/// Waits until a query answers what is wanted.
fn becomes(client: &mut Client<'_>, query: &str, wanted: &str) {
    let started = Instant::now();
    loop {
        let found = value(client, query);
        if found == wanted {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{query}: {found}, not {wanted}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn readers_read_the_last_step_and_the_next_one_comes_by_itself() {
    let mut harness = Harness::new("views-pace");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int, v int); INSERT INTO t SELECT i, i % 3, i FROM generate_series(1, 30) i;
         CREATE MATERIALIZED VIEW fast WITH (refresh = '300ms') AS SELECT g, count(*) AS n, sum(v) AS s FROM t GROUP BY g;
         CREATE MATERIALIZED VIEW slow WITH (refresh = '1 hour') AS SELECT count(*) AS n FROM t;",
    );
    assert_eq!(value(&mut client, "SELECT sum(n) FROM fast;"), "30");
    let before = value(&mut client, "SELECT clock_timestamp()::text;");
    done(&mut client, "INSERT INTO t VALUES (100, 1, 7); DELETE FROM t WHERE id = 2;");
    // Not even the transaction that has written sees it before the step.
    done(&mut client, "BEGIN; INSERT INTO t VALUES (101, 1, 7);");
    assert_eq!(value(&mut client, "SELECT n FROM slow;"), "30");
    done(&mut client, "COMMIT;");
    becomes(&mut client, "SELECT sum(n) FROM fast;", "31");
    // A step may have come between two commits: both have 31 rows.
    let same = "SELECT count(*) FROM fast JOIN (SELECT g, count(*), sum(v) FROM t GROUP BY g) AS q \
                ON (q.g, q.count, q.sum) = (fast.g, n, s);";
    becomes(&mut client, same, "3");
    assert_eq!(value(&mut client, "SELECT n FROM slow;"), "30");
    // What was read then is read for ever.
    let past = format!("SELECT sum(n) FROM fast FOR SYSTEM_TIME AS OF '{before}';");
    assert_eq!(value(&mut client, &past), "30");
    // The watermark goes on while nothing changes.
    let shown = "SELECT refresh, watermark > now() - interval '20 s' AS recent FROM strata.stat_views WHERE view = 'fast';";
    assert_eq!(value(&mut client, shown), "300ms|t");
    let watermark = value(&mut client, "SELECT watermark::text FROM strata.stat_views WHERE view = 'fast';");
    becomes(
        &mut client,
        &format!("SELECT watermark > '{watermark}' FROM strata.stat_views WHERE view = 'fast';"),
        "t",
    );
    drop(client);
    for _ in 0..2 {
        harness = harness.restart();
        let mut client = harness.client();
        assert_eq!(value(&mut client, &past), "30");
        assert_eq!(value(&mut client, "SELECT n FROM slow;"), "30");
        done(&mut client, "INSERT INTO t SELECT max(id) + 1, 2, 1 FROM t; CHECKPOINT;");
        let rows = value(&mut client, "SELECT count(*) FROM t;");
        becomes(&mut client, "SELECT sum(n) FROM fast;", &rows);
        assert_eq!(
            value(&mut client, "SELECT refresh FROM strata.stat_views WHERE view = 'slow';"),
            "1 hour"
        );
    }
}

#[test]
fn a_refresh_is_a_step_and_steps_go_on_from_it() {
    let harness = Harness::new("views-pace-refresh");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int); INSERT INTO t SELECT i, i % 3 FROM generate_series(1, 30) i;
         CREATE MATERIALIZED VIEW slow WITH (refresh = '1 hour') AS SELECT g, count(*) AS n FROM t GROUP BY g;
         CREATE MATERIALIZED VIEW fast WITH (refresh = '50ms') AS SELECT g, count(*) AS n FROM t GROUP BY g;",
    );
    done(&mut client, "INSERT INTO t VALUES (31, 1);");
    assert_eq!(value(&mut client, "SELECT sum(n) FROM slow;"), "30");
    done(&mut client, "REFRESH MATERIALIZED VIEW slow; REFRESH MATERIALIZED VIEW slow;");
    assert_eq!(value(&mut client, "SELECT sum(n) FROM slow;"), "31");
    // With own writes, taken back and committed; several times at one moment.
    let refreshes = "REFRESH MATERIALIZED VIEW slow; REFRESH MATERIALIZED VIEW fast;";
    done(&mut client, &format!("BEGIN; INSERT INTO t VALUES (32, 1); {refreshes}"));
    assert_eq!(value(&mut client, "SELECT sum(n) FROM slow;"), "32");
    done(&mut client, "ROLLBACK;");
    assert_eq!(value(&mut client, "SELECT sum(n) FROM slow;"), "31");
    for round in 0..20 {
        let id = 100 + round * 10;
        done(
            &mut client,
            &format!(
                "BEGIN; {refreshes} INSERT INTO t VALUES ({id}, 1); {refreshes} {refreshes}
                 INSERT INTO t VALUES ({}, 2); COMMIT; DELETE FROM t WHERE id = {};",
                id + 1,
                round + 1
            ),
        );
        std::thread::sleep(Duration::from_millis(if round % 5 == 0 { 120 } else { 3 }));
    }
    let same =
        "SELECT count(*) FROM (SELECT g, count(*) AS n FROM t GROUP BY g) AS q JOIN fast USING (g, n);";
    becomes(&mut client, same, "3");
    assert_eq!(value(&mut client, "SELECT count(*) FROM fast;"), "3");
    done(&mut client, "REFRESH MATERIALIZED VIEW slow;");
    assert_eq!(value(&mut client, &same.replace("fast", "slow")), "3");
    // A snapshot from before the last step cannot be made the rows again.
    done(&mut client, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t;");
    let mut other = harness.client();
    done(&mut other, "INSERT INTO t VALUES (999, 0); REFRESH MATERIALIZED VIEW slow;");
    let printed = client.run("REFRESH MATERIALIZED VIEW slow;");
    assert!(printed.contains("could not serialize access"), "{printed}");
    done(&mut client, "ROLLBACK;");
    assert_eq!(value(&mut client, &same.replace("fast", "slow")), "3");
    // Emptied, it cannot be read, and is left alone until it is filled.
    done(&mut client, "REFRESH MATERIALIZED VIEW fast WITH NO DATA; INSERT INTO t VALUES (1000, 0);");
    std::thread::sleep(Duration::from_millis(200));
    assert!(client.run("SELECT * FROM fast;").contains("has not been populated"));
    done(&mut client, "REFRESH MATERIALIZED VIEW fast;");
    assert_eq!(value(&mut client, same), "3");
    done(&mut client, "INSERT INTO t VALUES (1001, 0);");
    becomes(&mut client, same, "3");
}

#[test]
fn views_over_views_keep_their_meaning() {
    let harness = Harness::new("views-pace-over");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int); INSERT INTO t SELECT i, i % 3 FROM generate_series(1, 30) i;
         CREATE MATERIALIZED VIEW exact AS SELECT g, count(*) AS n FROM t GROUP BY g;
         CREATE MATERIALIZED VIEW slow WITH (refresh = '1 hour') AS SELECT sum(n) AS n FROM exact;
         CREATE MATERIALIZED VIEW over_slow AS SELECT n + 1 AS n FROM slow;
         CREATE MATERIALIZED VIEW fast WITH (refresh = '100ms') AS SELECT sum(n) AS n FROM exact;
         CREATE MATERIALIZED VIEW over_fast AS SELECT n + 1 AS n FROM fast;",
    );
    for id in 31..35 {
        done(&mut client, &format!("INSERT INTO t VALUES ({id}, 0);"));
        assert_eq!(value(&mut client, "SELECT sum(n) FROM exact;"), id.to_string());
        assert_eq!(value(&mut client, "SELECT n FROM over_slow;"), "31");
        assert_eq!(value(&mut client, "SELECT over_fast.n - fast.n FROM over_fast, fast;"), "1");
    }
    becomes(&mut client, "SELECT n FROM over_fast;", "35");
    done(&mut client, "REFRESH MATERIALIZED VIEW slow;");
    assert_eq!(value(&mut client, "SELECT n FROM over_slow;"), "35");
    assert_eq!(value(&mut client, "SELECT count(*) FROM slow FOR SYSTEM_TIME ALL;"), "2");
}

#[test]
fn what_says_no_pace_is_refused() {
    let harness = Harness::new("views-pace-refused");
    let mut client = harness.client();
    done(&mut client, "CREATE TABLE t (id int PRIMARY KEY);");
    for text in ["soon", "0s", "-5 s", "", "on commit", "30 bananas", "infinity"] {
        let printed =
            client.run(&format!("CREATE MATERIALIZED VIEW m WITH (refresh = '{text}') AS SELECT id FROM t;"));
        assert!(printed.contains("invalid value for option \"refresh\""), "{text}: {printed}");
    }
    let printed =
        client.run("CREATE MATERIALIZED VIEW m WITH (refresh = '1 min') AS SELECT id, random() AS r FROM t;");
    assert!(printed.contains("random"), "{printed}");
    done(&mut client, "CREATE MATERIALIZED VIEW m WITH (refresh = '1 min 30 s') AS SELECT id FROM t;");
}
