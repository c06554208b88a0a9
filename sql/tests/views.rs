//! Materialized views that are exact at every moment: reads, reads of the past, restarts, refusals.

mod harness;

use harness::{Client, Harness};

fn now(client: &mut Client<'_>) -> String {
    let printed = client.run("SELECT clock_timestamp()::text AS moment;");
    format!("'{}'", printed.lines().nth(1).expect("a row"))
}

/// Runs statements that must all succeed.
fn done(client: &mut Client<'_>, script: &str) {
    let printed = client.run(script);
    assert!(!printed.contains("ERROR"), "{printed}");
}

#[test]
fn a_view_shows_what_was_committed_a_moment_ago_and_the_transactions_own_writes() {
    let harness = Harness::new("views-fresh");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int, v int); INSERT INTO t VALUES (1, 1, 10), (2, 1, 20), (3, 2, 5);
         CREATE MATERIALIZED VIEW m AS SELECT g, count(*), sum(v) FROM t GROUP BY g;",
    );
    for round in 0..50 {
        done(&mut client, &format!("INSERT INTO t VALUES ({}, 3, 1);", 100 + round));
        let printed = client.run("SELECT * FROM m WHERE g = 3;");
        assert_eq!(printed, format!("g|count|sum\n3|{0}|{0}\n(1 row)\n", round + 1));
    }
    let printed = client.run(
        "BEGIN; INSERT INTO t VALUES (4, 2, 5); SELECT * FROM m ORDER BY g; ROLLBACK; SELECT * FROM m ORDER BY g;",
    );
    let expected = "BEGIN\nINSERT 0 1\ng|count|sum\n1|2|30\n2|2|10\n3|50|50\n(3 rows)\nROLLBACK\n\
                    g|count|sum\n1|2|30\n2|1|5\n3|50|50\n(3 rows)\n";
    assert_eq!(printed, expected);
}

#[test]
fn the_view_of_every_moment_is_the_query_of_that_moment() {
    let harness = Harness::new("views-past");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int, v int);
         CREATE MATERIALIZED VIEW m AS SELECT g, sum(100 / v) AS s FROM t GROUP BY g;",
    );
    let mut moments = Vec::new();
    for round in 0..30 {
        let statement = match round {
            20 => "INSERT INTO t VALUES (1000, 1, 0);".to_string(),
            23 => "DELETE FROM t WHERE id = 1000;".to_string(),
            _ => format!("INSERT INTO t VALUES ({round}, {}, {});", round % 3, round + 1),
        };
        done(&mut client, &statement);
        moments.push(now(&mut client));
        std::thread::sleep(std::time::Duration::from_millis(if round % 7 == 0 { 120 } else { 3 }));
    }
    let compare = |client: &mut Client<'_>| {
        for (round, moment) in moments.iter().enumerate() {
            let view = client.run(&format!("SELECT * FROM m FOR SYSTEM_TIME AS OF {moment} ORDER BY 1;"));
            let query = client.run(&format!(
                "SELECT g, sum(100 / v) AS s FROM t FOR SYSTEM_TIME AS OF {moment} GROUP BY g ORDER BY 1;"
            ));
            assert_eq!(view, query, "moment {round}");
            assert_eq!(view.contains("division by zero"), (20..23).contains(&round), "{round}: {view}");
        }
    };
    compare(&mut client);
    drop(client);
    let harness = harness.restart();
    let mut client = harness.client();
    compare(&mut client);
    done(&mut client, "INSERT INTO t VALUES (2000, 7, 1);");
    assert_eq!(client.run("SELECT * FROM m WHERE g = 7;"), "g|s\n7|100\n(1 row)\n");
    // The past of a view that is gone.
    done(&mut client, "DROP MATERIALIZED VIEW m;");
    let moment = &moments[25];
    let printed = client.run(&format!("SELECT count(*) FROM m FOR SYSTEM_TIME AS OF {moment};"));
    assert_eq!(printed, "count\n3\n(1 row)\n");
}

#[test]
fn what_depends_on_more_than_its_tables_is_refused_by_name_unless_refreshed_by_hand() {
    let harness = Harness::new("views-refused");
    let mut client = harness.client();
    done(&mut client, "CREATE TABLE t (id int PRIMARY KEY, v text, at timestamptz);");
    let refused = [
        ("SELECT random() AS r FROM t", "random"),
        ("SELECT now() AS n FROM t", "now"),
        ("SELECT current_user AS u FROM t", "CurrentUser"),
        ("SELECT at::text AS a FROM t", "cast"),
        ("SELECT at::date AS a FROM t", "date"),
        ("SELECT string_agg(v, ',') AS a FROM t", "string_agg"),
        ("SELECT id FROM t LIMIT 1", "LIMIT"),
        ("SELECT id, v FROM t ORDER BY id LIMIT 1", "LIMIT"),
        ("SELECT DISTINCT ON (v) v, id FROM t ORDER BY v", "DISTINCT ON"),
        ("SELECT row_number() OVER (ORDER BY v) AS r FROM t", "row_number"),
        ("SELECT relname FROM pg_class", "pg_class"),
        ("SELECT id FROM t FOR UPDATE", "FOR UPDATE"),
    ];
    for (query, name) in refused {
        let printed = client.run(&format!("CREATE MATERIALIZED VIEW m AS {query};"));
        assert!(printed.starts_with("ERROR") && printed.contains(name), "{query}: {printed}");
    }
    let kept = [
        "SELECT string_agg(v, ',' ORDER BY v) AS a FROM t",
        "SELECT id, v FROM t ORDER BY id, v LIMIT 1",
        "SELECT id, rank() OVER (PARTITION BY v ORDER BY id) AS r FROM t",
        "SELECT id || ':' || v AS a FROM t",
    ];
    for query in kept {
        done(&mut client, &format!("CREATE MATERIALIZED VIEW m AS {query}; DROP MATERIALIZED VIEW m;"));
    }
    done(
        &mut client,
        "CREATE MATERIALIZED VIEW m WITH (refresh = manual) AS SELECT id, now() IS NOT NULL AS n FROM t;
         INSERT INTO t VALUES (1, 'a', now());",
    );
    assert_eq!(client.run("SELECT * FROM m;"), "id|n\n(0 rows)\n");
    let printed =
        client.run("BEGIN; REFRESH MATERIALIZED VIEW m; SELECT * FROM m; ROLLBACK; SELECT * FROM m;");
    let expected = "BEGIN\nREFRESH MATERIALIZED VIEW\nid|n\n1|t\n(1 row)\nROLLBACK\nid|n\n(0 rows)\n";
    assert_eq!(printed, expected);
    done(&mut client, "REFRESH MATERIALIZED VIEW m;");
    assert_eq!(client.run("SELECT * FROM m;"), "id|n\n1|t\n(1 row)\n");
}

#[test]
fn views_over_views_replaced_views_and_indexes_stay_exact() {
    let harness = Harness::new("views-over");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int, v int); INSERT INTO t SELECT i, i % 5, i FROM generate_series(1, 50) i;
         CREATE VIEW p AS SELECT id, g, v FROM t WHERE v > 10;
         CREATE MATERIALIZED VIEW m AS SELECT g, count(*) AS n FROM p GROUP BY g;
         CREATE MATERIALIZED VIEW mm AS SELECT n, count(*) AS k FROM m GROUP BY n;
         CREATE UNIQUE INDEX m_g ON m (g);",
    );
    let both = "SELECT * FROM m WHERE g = 1; SELECT * FROM mm ORDER BY n;";
    for _ in 0..3 {
        assert_eq!(client.run(both), "g|n\n1|8\n(1 row)\nn|k\n8|5\n(1 row)\n");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    done(&mut client, "DELETE FROM t WHERE id = 11;");
    for _ in 0..3 {
        assert_eq!(client.run(both), "g|n\n1|7\n(1 row)\nn|k\n7|1\n8|4\n(2 rows)\n");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let before = now(&mut client);
    done(&mut client, "CREATE OR REPLACE VIEW p AS SELECT id, g, v FROM t WHERE v > 40;");
    for _ in 0..3 {
        assert_eq!(client.run(both), "g|n\n1|2\n(1 row)\nn|k\n2|5\n(1 row)\n");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let printed = client.run(&format!("SELECT * FROM m FOR SYSTEM_TIME AS OF {before} WHERE g = 1;"));
    assert_eq!(printed, "g|n\n1|7\n(1 row)\n");
}

#[test]
fn a_feed_of_a_view_tells_what_each_commit_made_of_it() {
    let harness = Harness::new("views-feed");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, g int); CREATE MATERIALIZED VIEW m AS SELECT g, count(*) AS n FROM t GROUP BY g;",
    );
    let from = now(&mut client);
    done(
        &mut client,
        "INSERT INTO t VALUES (1, 1), (2, 1); INSERT INTO t VALUES (3, 2); DELETE FROM t WHERE id = 1;",
    );
    let to = now(&mut client);
    let printed = client
        .run(&format!("SUBSCRIBE (SELECT g, n FROM m) WITH (snapshot = false) AS OF {from} UP TO {to};"));
    let rows: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.split_once('|').map(|(_, rest)| rest))
        .filter(|row| row.ends_with(|last: char| last.is_ascii_digit()))
        .collect();
    assert_eq!(rows, ["1|1|2", "1|2|1", "-1|1|2", "1|1|1"], "{printed}");
}

#[test]
fn of_rows_that_are_equal_and_look_different_the_one_goes_that_went() {
    let harness = Harness::new("views-equal");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, p numeric); INSERT INTO t VALUES (1, 1.0), (2, 1.00), (3, 1.000);
         CREATE MATERIALIZED VIEW m AS SELECT p FROM t; SET strata.view_changes = on; DELETE FROM t WHERE id = 2;",
    );
    let printed = client.run("SELECT p FROM m ORDER BY p::text;");
    assert_eq!(printed, "p\n1.0\n1.000\n(2 rows)\n");
}
