//! SUBSCRIBE: what a feed gives sums up to its query's rows at every moment, from wherever it begins.

mod harness;

use std::collections::BTreeMap;

use harness::{Client, Harness};

/// Rows with how often each is there.
type Rows = BTreeMap<String, i64>;

/// One line of a feed: commit, times, row.
fn parsed(line: &str) -> (u64, i64, String) {
    let mut parts = line.splitn(3, '|');
    let mut next = || parts.next().expect("a column").to_string();
    (next().parse().expect("a timestamp"), next().parse().expect("a count"), next())
}

/// The lines of rows in what was printed of one result.
fn lines(printed: &str) -> Vec<&str> {
    assert!(!printed.contains("ERROR"), "{printed}");
    let all: Vec<&str> = printed.lines().collect();
    all.get(1..all.len() - 1).expect("a result").to_vec()
}

fn add(rows: &mut Rows, row: String, times: i64) {
    let count = rows.entry(row).or_default();
    *count += times;
    if *count == 0 {
        rows.retain(|_, count| *count != 0);
    }
}

/// A commit timestamp as a literal of its moment.
fn moment(at: u64) -> String {
    let micros = at >> 12;
    format!(
        "(timestamptz '2000-01-01 00:00:00+00' + interval '{} seconds {} microseconds')",
        micros / 1_000_000,
        micros % 1_000_000
    )
}

/// The exact commit timestamp of now, by a feed that gives nothing.
fn now(client: &mut Client<'_>) -> u64 {
    let printed = client.run("SUBSCRIBE (SELECT 1 WHERE false) WITH (progress) UP TO now();");
    let line = lines(&printed).last().expect("a line of progress").to_string();
    line.split('|').next().expect("a column").parse().expect("a timestamp")
}

/// The rows of a query at a moment.
fn state(client: &mut Client<'_>, query: &str, at: u64) -> Rows {
    let mut rows = Rows::new();
    let printed = client.run(&format!("SELECT * FROM ({query}) state AS OF SYSTEM TIME {};", moment(at)));
    lines(&printed).into_iter().for_each(|line| add(&mut rows, line.to_string(), 1));
    rows
}

const QUERIES: [&str; 8] = [
    "SELECT * FROM a",
    "SELECT k, v * 2 AS w FROM a WHERE v > 10",
    "SELECT v FROM a WHERE k = 3",
    "SELECT v % 3 AS r FROM a",
    "SELECT k, v FROM a UNION ALL SELECT n, k FROM b",
    "SELECT a.k, b.n FROM a JOIN b ON a.k = b.k",
    "SELECT a.k, b.n, b.t FROM a LEFT JOIN b ON a.k = b.k",
    "SELECT v % 4 AS g, count(*), sum(v), max(v), min(k) FROM a GROUP BY 1 HAVING count(*) > 1",
];

/// Changes of all kinds, in transactions of all kinds.
fn change(client: &mut Client<'_>, rounds: u64, seed: u64) {
    let mut random = seed;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % bound
    };
    for _ in 0..rounds {
        let statement = match below(12) {
            0..=3 => format!("INSERT INTO a VALUES ({}, {}) ON CONFLICT (k) DO UPDATE SET v = excluded.v;", below(20), below(40)),
            4 | 5 => format!("INSERT INTO b VALUES ({}, {}, 'x{}');", below(20), below(5), below(3)),
            6 => format!("UPDATE a SET v = v + 1 WHERE k < {};", below(10)),
            7 => format!("DELETE FROM a WHERE k = {};", below(20)),
            8 => format!("DELETE FROM b WHERE n = {};", below(5)),
            9 => format!("UPDATE a SET k = k + 100, v = 7 WHERE k = {0}; UPDATE a SET k = k - 100 WHERE k >= 100;", below(20)),
            10 => format!("BEGIN; INSERT INTO b VALUES (1, 1, 'gone'); UPDATE a SET v = 0; ROLLBACK; CHECKPOINT;"),
            _ => match below(4) {
                0 => "TRUNCATE b;".to_string(),
                1 => "BEGIN; TRUNCATE a; INSERT INTO a SELECT i, i FROM generate_series(1, 9) i; COMMIT;".to_string(),
                _ => "BEGIN; DELETE FROM a WHERE k < 5; INSERT INTO a VALUES (1, 1), (2, 2) ON CONFLICT DO NOTHING; \
                      SAVEPOINT s; DELETE FROM b; ROLLBACK TO s; UPDATE b SET n = n + 1; COMMIT;".to_string(),
            },
        };
        let printed = client.run(&statement);
        assert!(!printed.contains("ERROR"), "{statement}: {printed}");
    }
}

/// Follows a feed's lines, comparing with the query at every commit; the rows at the end.
fn follow(client: &mut Client<'_>, query: &str, mut rows: Rows, feed: &[(u64, i64, String)]) -> Rows {
    let mut at = 0;
    let mut rest = feed;
    while let Some((next, _, _)) = rest.first() {
        assert!(*next > at, "commits come in their order: {query}");
        at = *next;
        let length = rest.iter().take_while(|(line, _, _)| *line == at).count();
        let (commit, later) = rest.split_at(length);
        let mut met = Rows::new();
        for (_, times, row) in commit {
            assert!(
                *times != 0 && met.insert(row.clone(), *times).is_none(),
                "not consolidated: {row} in {query}"
            );
            add(&mut rows, row.clone(), *times);
        }
        assert_eq!(rows, state(client, query, at), "{query} at {at}");
        rest = later;
    }
    rows
}

fn feed(client: &mut Client<'_>, query: &str, clauses: &str) -> Vec<(u64, i64, String)> {
    lines(&client.run(&format!("SUBSCRIBE ({query}) {clauses};"))).into_iter().map(parsed).collect()
}

#[test]
fn from_the_beginning_of_history_a_feed_sums_up_to_the_state_at_every_commit() {
    let harness = Harness::new("feeds-history");
    let mut client = harness.client();
    let begin = now(&mut client);
    client.run("CREATE TABLE a (k int PRIMARY KEY, v int); CREATE TABLE b (k int, n int, t text);");
    change(&mut client, 60, 1);
    drop(client);
    let harness = harness.restart();
    let mut client = harness.client();
    change(&mut client, 30, 2);
    client.run("CREATE INDEX ON b (k); VACUUM;");
    change(&mut client, 30, 3);
    let end = now(&mut client);
    for query in QUERIES {
        let whole = feed(&mut client, query, &format!("AS OF {begin} UP TO {end}"));
        let rows = follow(&mut client, query, Rows::new(), &whole);
        assert_eq!(rows, state(&mut client, query, end), "{query}");
        // From any moment on the rest of the same feed, after the rows of that moment.
        for part in 1..4 {
            let Some((middle, _, _)) = whole.get(whole.len() * part / 4) else { continue };
            let tail =
                feed(&mut client, query, &format!("AS OF {middle} UP TO {end} WITH (snapshot = false)"));
            let expected: Vec<_> = whole.iter().filter(|(at, _, _)| at > middle).cloned().collect();
            // Rows of one commit come in no promised order.
            let sorted = |mut rows: Vec<(u64, i64, String)>| {
                rows.sort();
                rows
            };
            let (tail, expected) = (sorted(tail), sorted(expected));
            assert_eq!(tail, expected, "{query} from {middle}");
            let mut rows = Rows::new();
            for (_, times, row) in feed(&mut client, query, &format!("AS OF {middle} UP TO {middle}")) {
                add(&mut rows, row, times);
            }
            assert_eq!(rows, state(&mut client, query, *middle), "{query} at {middle}");
        }
    }
}

#[test]
fn commits_of_many_rows_are_given_whole() {
    let harness = Harness::new("feeds-large");
    let mut client = harness.client();
    client.run("CREATE TABLE t (k int, v text);");
    let begin = now(&mut client);
    // Beyond what a commit holds in the log, and beyond what is consolidated at once.
    client.run("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, 120000) i;");
    client.run(
        "UPDATE t SET k = -k WHERE k <= 60000; BEGIN; DELETE FROM t WHERE k > 100000; TRUNCATE t; COMMIT;",
    );
    let end = now(&mut client);
    for query in ["SELECT k FROM t", "SELECT k, v FROM t WHERE k > 0"] {
        let mut rows = Rows::new();
        let (mut came, mut went) = (0, 0);
        for (_, times, row) in feed(&mut client, query, &format!("AS OF {begin} UP TO {end}")) {
            if times > 0 {
                came += times
            } else {
                went -= times
            }
            *rows.entry(row).or_default() += times;
        }
        let all = if query == "SELECT k FROM t" { 180_000 } else { 120_000 };
        assert_eq!((came, went), (all, all), "{query}");
        assert!(rows.values().all(|count| *count == 0), "{query}");
    }
}

#[test]
fn a_cursor_follows_what_others_commit() {
    let harness = Harness::new("feeds-cursor");
    let (mut client, mut other) = (harness.client(), harness.client());
    other.run("CREATE TABLE t (k int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one');");
    let fetched = |printed: String| -> Vec<String> {
        lines(&printed).into_iter().map(|line| line.split_once('|').expect("columns").1.to_string()).collect()
    };
    client.run("BEGIN; DECLARE c CURSOR FOR SUBSCRIBE t;");
    assert_eq!(fetched(client.run("FETCH ALL c;")), ["1|1|one"]);
    assert!(fetched(client.run("FETCH ALL c WITH (timeout = '50ms');")).is_empty());
    other.run("UPDATE t SET v = 'ein' WHERE k = 1; BEGIN; INSERT INTO t VALUES (2, 'x'); DELETE FROM t WHERE k = 2; COMMIT;");
    other.run("INSERT INTO t VALUES (3, 'three'), (4, 'four');");
    assert_eq!(
        fetched(client.run("FETCH 3 c WITH (timeout = '10s');")),
        ["-1|1|one", "1|1|ein", "1|3|three"]
    );
    assert_eq!(fetched(client.run("FETCH 1 c;")), ["1|4|four"]);
    assert!(fetched(client.run("FETCH 5 c WITH (timeout '0s');")).is_empty());
    other.run("TRUNCATE t;");
    assert_eq!(fetched(client.run("FETCH 3 c WITH (timeout = '10s');")).len(), 3);
    let printed = client.run("FETCH BACKWARD 1 c;");
    assert_eq!(printed, "ERROR:  cursor can only scan forward\n");
    client.run("ROLLBACK; BEGIN; DECLARE c CURSOR FOR SUBSCRIBE t; DECLARE p CURSOR FOR SELECT 1;");
    let printed = client.run("FETCH ALL p WITH (timeout = '1s'); ROLLBACK;");
    assert!(printed.contains("a timeout of FETCH from a cursor that is not for SUBSCRIBE"), "{printed}");
}

#[test]
fn definitions_and_rights_that_change_end_a_feed_after_the_last_commit_before() {
    let harness = Harness::new("feeds-definitions");
    let (mut client, mut other) = (harness.client(), harness.client());
    let enders = [
        ("ALTER TABLE t ADD COLUMN extra int;", "the subscription ended because table \"t\" was altered"),
        (
            "ALTER TABLE t ALTER COLUMN k TYPE bigint;",
            "the subscription ended because table \"t\" was altered",
        ),
        ("ALTER TABLE t RENAME TO other;", "the subscription ended because table \"t\" was altered"),
        ("DROP TABLE t;", "the subscription ended because table \"t\" was dropped"),
        ("DROP TABLE t; CREATE TABLE t (k int);", "the subscription ended because table \"t\" was dropped"),
    ];
    for (definition, error) in enders {
        for query in ["t", "(SELECT count(*) FROM t)"] {
            other.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS other; CREATE TABLE t (k int); INSERT INTO t VALUES (1);");
            client.run(&format!("BEGIN; DECLARE c CURSOR FOR SUBSCRIBE {query};"));
            assert_eq!(lines(&client.run("FETCH 1 c;")).len(), 1);
            // What leaves the query's meaning alone leaves the feed alone.
            let harmless =
                "CREATE INDEX ON t (k); GRANT SELECT ON t TO PUBLIC; CREATE TABLE unrelated (a int);
                            DROP TABLE unrelated; COMMENT ON TABLE t IS 'x'; ANALYZE t;";
            assert!(!other.run(harmless).contains("ERROR"));
            other.run(&format!("INSERT INTO t VALUES (2); {definition}"));
            let wanted = if query == "t" { 1 } else { 2 };
            let fetch = format!("FETCH {wanted} c WITH (timeout = '10s');");
            assert_eq!(lines(&client.run(&fetch)).len(), wanted, "{definition}");
            assert_eq!(client.run("FETCH ALL c;"), format!("ERROR:  {error}\n"));
            client.run("ROLLBACK;");
        }
    }
    other.run("CREATE ROLE reader LOGIN; DROP TABLE t; CREATE TABLE t (k int); GRANT SELECT ON t TO reader;");
    client.run("SET ROLE reader; BEGIN; DECLARE c CURSOR FOR SUBSCRIBE t;");
    other.run("INSERT INTO t VALUES (1);");
    assert_eq!(lines(&client.run("FETCH 1 c WITH (timeout = '10s');")).len(), 1);
    other.run("REVOKE SELECT ON t FROM reader; INSERT INTO t VALUES (2);");
    assert_eq!(client.run("FETCH ALL c; ROLLBACK;"), "ERROR:  permission denied for table t\nROLLBACK\n");
    assert_eq!(client.run("SUBSCRIBE t;"), "ERROR:  permission denied for table t\n");
}

#[test]
fn a_feed_cannot_cross_a_change_of_definition_and_says_so() {
    let harness = Harness::new("feeds-shapes");
    let mut client = harness.client();
    client.run("CREATE TABLE t (k int); INSERT INTO t VALUES (1);");
    let before = now(&mut client);
    client.run("ALTER TABLE t ADD COLUMN v int DEFAULT 5;");
    let after = now(&mut client);
    client.run("INSERT INTO t VALUES (2);");
    let printed = client.run(&format!("SUBSCRIBE t AS OF {before};"));
    assert_eq!(printed, "ERROR:  SUBSCRIBE cannot begin before table \"t\" was last altered\n");
    let rows = feed(&mut client, "SELECT * FROM t", &format!("AS OF {after} UP TO now()"));
    let rows: Vec<_> = rows.into_iter().map(|(_, times, row)| (times, row)).collect();
    assert_eq!(rows, [(1, "1|5".to_string()), (1, "2|5".to_string())]);
}

#[test]
fn progress_is_told_and_a_feed_goes_on_from_it() {
    let harness = Harness::new("feeds-progress");
    let mut client = harness.client();
    client.run("CREATE TABLE t (k int); INSERT INTO t VALUES (1);");
    let printed = client.run("SUBSCRIBE t WITH (progress) UP TO now();");
    let lines = lines(&printed);
    let (first, last) = (lines.first().expect("a row"), lines.last().expect("progress"));
    assert_eq!(printed.lines().next(), Some("strata_timestamp|strata_progressed|strata_diff|k"));
    assert!(first.ends_with("|f|1|1") && last.ends_with("|t||"), "{printed}");
    let told = last.split('|').next().expect("a timestamp");
    client.run("INSERT INTO t VALUES (2);");
    let rows =
        feed(&mut client, "SELECT * FROM t", &format!("AS OF {told} UP TO now() WITH (snapshot false)"));
    assert_eq!(
        rows.into_iter().map(|(_, times, row)| (times, row)).collect::<Vec<_>>(),
        [(1, "2".to_string())]
    );
}

#[test]
fn copy_gives_a_feed_and_the_statements_time_ends_it() {
    let harness = Harness::new("feeds-copy");
    let mut client = harness.client();
    client.run("CREATE TABLE t (k int, v text); INSERT INTO t VALUES (1, 'one'), (2, NULL);");
    let printed = client.run("COPY (SUBSCRIBE t UP TO now()) TO STDOUT;");
    let rows: Vec<_> = printed.lines().map(|line| line.split_once('\t').expect("columns").1).collect();
    assert_eq!(rows, ["1\t1\tone", "1\t2\t\\N"]);
    let printed = client.run("COPY (SUBSCRIBE t UP TO now()) TO STDOUT (FORMAT csv, HEADER);");
    assert!(printed.starts_with("strata_timestamp,strata_diff,k,v\n"), "{printed}");
    client.run("SET statement_timeout = '200ms';");
    assert!(client.run("SUBSCRIBE t;").ends_with("ERROR:  canceling statement due to statement timeout\n"));
    assert!(client.run("COPY (SUBSCRIBE t) TO STDOUT;").contains("due to statement timeout"));
    assert_eq!(client.run("SELECT 1 AS a;"), "a\n1\n(1 row)\n");
}

#[test]
fn what_cannot_be_followed_is_refused_by_name() {
    let harness = Harness::new("feeds-refused");
    let mut client = harness.client();
    client.run("CREATE TABLE t (k int, v text); CREATE TEMP TABLE own (k int); CREATE SEQUENCE s;");
    let with = |feature: &str| format!("ERROR:  SUBSCRIBE to a query with {feature} is not supported");
    let refused = [
        ("(SELECT random() FROM t)", with("the volatile function random()")),
        ("(SELECT nextval('s') FROM t)", with("the volatile function nextval()")),
        ("(SELECT * FROM t WHERE now() > '2020-01-01')", with("now(), which changes without a commit")),
        ("(SELECT current_date FROM t)", with("the present time, which changes without a commit")),
        ("(SELECT * FROM t LIMIT 1)", with("LIMIT or OFFSET, which depend on the order of ties")),
        ("(SELECT DISTINCT ON (k) * FROM t)", with("DISTINCT ON, which depends on the order of ties")),
        ("(SELECT array_agg(k) FROM t)", with("array_agg() without ORDER BY")),
        (
            "(SELECT row_number() OVER () FROM t)",
            with("the window function row_number(), which depends on the order of ties"),
        ),
        (
            "(SELECT * FROM t FOR SYSTEM_TIME AS OF '2020-01-01')",
            "ERROR:  relation \"t\" does not exist".to_string(),
        ),
        ("(SELECT * FROM t FOR UPDATE)", with("FOR UPDATE or FOR SHARE")),
        ("(SELECT ctid FROM t)", with("ctid, _system_to or _prev_write_id")),
        ("pg_class", "ERROR:  SUBSCRIBE to the system relation \"pg_class\" is not supported".to_string()),
        ("own", "ERROR:  SUBSCRIBE to a temporary relation is not supported".to_string()),
        ("t AS OF '2999-01-01'", "ERROR:  ".to_string()),
        ("t WITH (speed = 1)", "ERROR:  unrecognized SUBSCRIBE option \"speed\"".to_string()),
        ("t WITH (progress, progress)", "ERROR:  option \"progress\" specified more than once".to_string()),
        (
            "t AS OF now() UP TO '2020-01-01'",
            "ERROR:  UP TO of SUBSCRIBE must not be earlier than AS OF".to_string(),
        ),
        ("nothing", "ERROR:  relation \"nothing\" does not exist".to_string()),
        ("t AS OF NULL::timestamptz", "ERROR:  the moment of SUBSCRIBE must not be null".to_string()),
        ("t AS OF -5", "ERROR:  a commit timestamp is a whole number from 0".to_string()),
    ];
    for (what, error) in refused {
        let printed = client.run(&format!("SUBSCRIBE {what};"));
        assert!(printed.starts_with(&error), "{what}: {printed}");
    }
    assert!(
        client
            .run("BEGIN; DECLARE c CURSOR WITH HOLD FOR SUBSCRIBE t; ROLLBACK;")
            .contains("a WITH HOLD cursor for SUBSCRIBE")
    );
    assert!(
        client.run("SET strata.as_of = '2999-01-01'; SUBSCRIBE t; RESET strata.as_of;").contains("ERROR")
    );
    let changed = client.run("BEGIN; CREATE TABLE fresh (k int); SUBSCRIBE fresh; ROLLBACK;");
    assert!(
        changed.contains("cannot SUBSCRIBE to \"fresh\", which this transaction has changed"),
        "{changed}"
    );
    // WITH TIES and ordered collections follow.
    let followed = "SUBSCRIBE (SELECT k FROM t ORDER BY k FETCH FIRST 1 ROW WITH TIES) UP TO now();
         SUBSCRIBE (SELECT string_agg(v, ',' ORDER BY v) FROM t) UP TO now();
         SUBSCRIBE (SELECT k, rank() OVER (ORDER BY k) FROM t) UP TO now();";
    assert!(!client.run(followed).contains("ERROR"));
}
