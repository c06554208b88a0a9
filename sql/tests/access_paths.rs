//! Access paths that must change no result: blocks passed over by their values, keys looked up together; and what shows
//! them: EXPLAIN ANALYZE, strata.stat_learned. VACUUM as it reaches the engine.

mod harness;

use engine::{Isolation, ScanColumn, TableId};
use harness::{Client, Harness};

/// One column of rows, or one value.
fn column(client: &mut Client<'_>, query: &str) -> Vec<String> {
    let printed = client.run(&format!("{query};"));
    assert!(!printed.contains("ERROR"), "{query}: {printed}");
    let lines: Vec<&str> = printed.lines().collect();
    lines[1..lines.len() - 1].iter().map(|line| (*line).to_string()).collect()
}

/// Rows over several blocks of a segment, most columns growing with the key, with NULLs, NaN and infinities.
const ROWS: &str = "CREATE TABLE z (id int PRIMARY KEY, s int2, i int4, b int8, r float4, f float8, t text, v varchar(20),
       c char(12), n numeric, d date, m timestamptz, y bool);
     INSERT INTO z SELECT g, (g / 4)::int2, CASE WHEN g % 50 <> 0 THEN g END, g::int8 * 10000000000,
       CASE WHEN g % 700 = 0 THEN 'NaN' ELSE g / 7.0 END, CASE g % 900 WHEN 0 THEN '-Infinity' WHEN 1 THEN 'NaN'
       WHEN 2 THEN 'Infinity' WHEN 3 THEN -0.0 ELSE g / 3.0 END, 'key' || lpad(g::text, 9, '0'),
       lpad(g::text, 9, '0'), 'c' || g, g / 8.0, date '2020-01-01' + g / 100,
       CASE g WHEN 77 THEN 'infinity' WHEN 20000 THEN '-infinity' ELSE timestamptz '2020-01-01' + g * interval '1 minute' END,
       g % 2 = 0 FROM generate_series(1, 33000) g;";

/// What each column is compared with.
const BOUNDS: [(&str, &[&str]); 11] = [
    ("s", &["0::int2", "70000", "100::int8", "-70000", "15000::int2", "NULL::int2"]),
    ("i", &["1", "32999", "30000::int8", "10000000000", "-10000000000", "7::int2", "NULL::int"]),
    ("b", &["0", "300000000000000", "12::int2", "9223372036854775807"]),
    ("r", &["0::float4", "'NaN'::float4", "4000.5::float4", "4000.1::float8", "'Infinity'::float4"]),
    (
        "f",
        &[
            "0::float8",
            "-0.0::float8",
            "'NaN'::float8",
            "'-Infinity'::float8",
            "10000::float8",
            "5000::float4",
        ],
    ),
    ("t", &["'key000030000'", "'key'", "'kez'", "''", "'key000030000x'"]),
    ("v", &["'000030000'", "'0'", "'1'::text"]),
    ("c", &["'c30000'", "'c30000      '", "'c3'"]),
    ("n", &["100", "3000.5", "'NaN'::numeric"]),
    ("d", &["date '2020-06-01'", "'infinity'::date", "timestamp '2020-06-01 12:00'"]),
    (
        "m",
        &[
            "timestamptz '2020-02-01'",
            "'infinity'::timestamptz",
            "'-infinity'::timestamptz",
            "date '2020-01-20'",
        ],
    ),
];

/// Every comparison, with the column plain and with it hidden from the planner.
fn compare_all(client: &mut Client<'_>, time: &str) {
    for (name, bounds) in BOUNDS {
        for bound in bounds {
            for operator in ["<", "<=", "=", ">=", ">"] {
                let count = |left: &str| {
                    format!("SELECT count(*), sum(id::int8) FROM z {time} WHERE {left} {operator} {bound}")
                };
                let hidden = column(client, &count(&format!("CASE WHEN id > 0 THEN {name} END")));
                assert_eq!(column(client, &count(name)), hidden, "{name} {operator} {bound} {time}");
                let turned =
                    format!("SELECT count(*), sum(id::int8) FROM z {time} WHERE {bound} {operator} {name}");
                let hidden = turned.replace(
                    &format!(" {operator} {name}"),
                    &format!(" {operator} CASE WHEN id > 0 THEN {name} END"),
                );
                assert_eq!(column(client, &turned), column(client, &hidden), "{turned}");
            }
        }
    }
}

#[test]
fn blocks_are_passed_over_only_where_nothing_in_them_is_meant() {
    let harness = Harness::new("zones");
    let mut client = harness.client();
    assert!(!client.run(ROWS).contains("ERROR"));
    client.run("VACUUM z;");
    let moment =
        column(&mut client, "SELECT 'timestamptz ''' || strata.snapshot_time()::text || ''''").remove(0);
    client.run(
        "UPDATE z SET i = -i, f = 'NaN', t = 'other' WHERE id % 3 = 0; DELETE FROM z WHERE id < 5000;
                ALTER TABLE z ADD COLUMN late int DEFAULT 7; CHECKPOINT;",
    );
    compare_all(&mut client, "");
    let past = format!("FOR SYSTEM_TIME AS OF {moment}");
    compare_all(&mut client, &past);
    assert_eq!(column(&mut client, "SELECT count(*) FROM z WHERE late > 6"), ["28001"]);
    assert_eq!(column(&mut client, "SELECT count(*) FROM z WHERE late > 7"), ["0"]);
    // Parameters, and columns of an outer query.
    client.run("PREPARE p (int) AS SELECT count(*) FROM z WHERE i > $1;");
    assert_eq!(
        column(&mut client, "EXECUTE p(32990)"),
        column(&mut client, "SELECT count(*) FROM z WHERE i + 0 > 32990")
    );
    let lateral = |column: &str| {
        format!(
            "SELECT o.x, (SELECT count(*) FROM z WHERE {column} BETWEEN o.x AND o.x + 10) FROM (VALUES (6000), (32000)) o(x)"
        )
    };
    assert_eq!(column(&mut client, &lateral("b / 10000000000")).len(), 2);
    assert_eq!(column(&mut client, &lateral("i")), column(&mut client, &lateral("i + 0")));
    // What fails to be evaluated is left to the filter: no row, no failure.
    assert_eq!(column(&mut client, "SELECT count(*) FROM z WHERE id < 0 AND i > 1 / (id - id)"), ["0"]);
}

#[test]
fn explain_analyze_says_how_many_blocks_were_skipped() {
    let harness = Harness::new("zones-explain");
    let mut client = harness.client();
    assert!(!client.run(ROWS).contains("ERROR"));
    client.run("VACUUM z;");
    let plan = |client: &mut Client<'_>, query: &str| {
        column(client, &format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {query}"))
    };
    let count = |lines: &[String], label: &str| -> Option<u64> {
        lines.iter().find_map(|line| line.trim().strip_prefix(label)?.trim().parse().ok())
    };
    let narrow = plan(&mut client, "SELECT * FROM z WHERE t >= 'key000032800'");
    assert!(count(&narrow, "Blocks Skipped:").is_some_and(|skipped| skipped >= 3), "{narrow:?}");
    assert!(count(&narrow, "Blocks Read:").is_some_and(|read| (1..=2).contains(&read)), "{narrow:?}");
    let wide = plan(&mut client, "SELECT * FROM z WHERE n > 0");
    assert_eq!(count(&wide, "Blocks Skipped:"), None, "{wide:?}");
    let json = client.run("EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM z WHERE b > 329990000000000;");
    assert!(json.contains("\"Blocks Skipped\": "), "{json}");
}

#[test]
fn keys_looked_up_together_give_what_they_give_alone() {
    let harness = Harness::new("lookups");
    let mut client = harness.client();
    let printed = client.run(
        "CREATE TABLE k (id int PRIMARY KEY, g int, v text);
         INSERT INTO k SELECT i * 3, i % 500, 'v' || i FROM generate_series(1, 20000) i; CREATE INDEX k_g ON k (g);
         VACUUM k; UPDATE k SET v = 'new' WHERE id % 7 = 0; DELETE FROM k WHERE id % 11 = 0; INSERT INTO k VALUES (1, 1, 'hot');
         CREATE TABLE l (a int, b int); INSERT INTO l SELECT i, i % 40 FROM generate_series(1, 300) i;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
    let list: Vec<String> = (0..400).map(|number| (number * 37 % 70000).to_string()).collect();
    let list = list.join(", ");
    let queries = [
        format!("SELECT * FROM k WHERE id IN ({list})"),
        format!("SELECT * FROM k WHERE id IN ({list}) ORDER BY id DESC LIMIT 30"),
        format!("SELECT * FROM k WHERE id = ANY (ARRAY[{list}]) AND v <> 'new' ORDER BY id"),
        "SELECT * FROM k WHERE g IN (1, 2, 3, 499, 500) ORDER BY id".to_string(),
        "SELECT l.a, k.v FROM l JOIN k ON k.id = l.a".to_string(),
        "SELECT l.a, k.v FROM l LEFT JOIN k ON k.id = l.a AND k.v <> 'new' ORDER BY 1".to_string(),
        "SELECT l.a, count(k.id) FROM l JOIN k ON k.g = l.b GROUP BY 1".to_string(),
        "SELECT l.a FROM l WHERE EXISTS (SELECT 1 FROM k WHERE k.id = l.a)".to_string(),
    ];
    let moment =
        column(&mut client, "SELECT 'timestamptz ''' || strata.snapshot_time()::text || ''''").remove(0);
    let past = |query: &str| {
        query
            .replace("FROM k", &format!("FROM k FOR SYSTEM_TIME AS OF {moment}"))
            .replace("JOIN k", &format!("JOIN k FOR SYSTEM_TIME AS OF {moment}"))
    };
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    // A scan, hidden from every index, gives the same.
    let hidden = |query: &str| {
        query
            .replace("id IN", "id + 0 IN")
            .replace("id = ", "id + 0 = ")
            .replace("g IN", "g + 0 IN")
            .replace("k.g = ", "k.g + 0 = ")
    };
    let mut before = Vec::new();
    for query in &queries {
        let rows = column(&mut client, query);
        assert!(!rows.is_empty(), "{query}");
        assert_eq!(sorted(rows.clone()), sorted(column(&mut client, &hidden(query))), "{query}");
        client.run("SET strata.point_tier = off;");
        assert_eq!(sorted(column(&mut client, query)), sorted(rows.clone()), "{query}");
        client.run("RESET strata.point_tier;");
        before.push(rows);
    }
    // One's own rows, not committed, lie over the others.
    client.run("BEGIN; UPDATE k SET v = 'own' WHERE id < 100; DELETE FROM k WHERE id = 111; INSERT INTO k VALUES (2, 2, 'own');");
    for query in &queries {
        assert_eq!(
            sorted(column(&mut client, query)),
            sorted(column(&mut client, &hidden(query))),
            "own: {query}"
        );
    }
    client.run("COMMIT; VACUUM;");
    for (query, before) in queries.iter().zip(before) {
        assert_eq!(sorted(column(&mut client, &past(query))), sorted(before), "{query} in the past");
    }
}

#[test]
fn learned_indexes_are_shown() {
    let harness = Harness::new("stat-learned");
    let mut client = harness.client();
    client.run(
        "CREATE TABLE k (id int PRIMARY KEY, v int); CREATE INDEX k_v ON k (v);
         INSERT INTO k SELECT i, i % 1000 FROM generate_series(1, 50000) i; VACUUM;",
    );
    let rows = column(
        &mut client,
        "SELECT relation, index, keys > 0, leaves > 0, max_error >= 0, probe_rows >= 1, bytes > 0, fallbacks, rebuilt
         FROM strata.stat_learned WHERE relation = 'k'::regclass ORDER BY index::text LIMIT 1",
    );
    assert_eq!(rows, ["k|k_pkey|t|t|t|t|t|0|f"]);
    let plan =
        column(&mut client, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM k WHERE id IN (5, 6, 7)");
    let line = plan.iter().find(|line| line.contains("Learned Index:"));
    assert!(line.is_some_and(|line| line.contains("leaves")), "{plan:?}");
    assert_eq!(
        client.run("SELECT * FROM strata.stat_learned AS OF SYSTEM TIME '2020-01-01';").lines().count(),
        1
    );
}

#[test]
fn vacuum_reaches_the_engines_compaction() {
    let harness = Harness::new("vacuum");
    let mut client = harness.client();
    client.run("CREATE TABLE k (id int PRIMARY KEY, v int); INSERT INTO k SELECT i, 0 FROM generate_series(1, 20000) i;");
    for _ in 0..6 {
        client.run("UPDATE k SET v = v + 1;");
    }
    let table = column(&mut client, "SELECT 'k'::regclass::oid").remove(0).parse().expect("an oid");
    assert_eq!(client.run("VACUUM k;"), "VACUUM\n");
    let database = harness.instance.database();
    let statistics = database.statistics(TableId(table)).expect("statistics");
    assert_eq!((statistics.rows, statistics.hot_rows), (20000, 0));
    let view = database.begin(Isolation::ReadCommitted, true).view();
    let mut scan = view.scan(TableId(table), &[ScanColumn::SystemFrom], 8192).expect("a scan");
    let rows: usize = scan.by_ref().map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(rows, 20000);
    assert!(scan.examined() <= 25000, "{} versions looked at", scan.examined());
    assert_eq!(client.run("VACUUM; VACUUM (ANALYZE) k;"), "VACUUM\nVACUUM\n");
    assert!(client.run("BEGIN; VACUUM; ROLLBACK;").contains("VACUUM cannot run inside a transaction block"));
}

/// What EXPLAIN shows of statements that stand for others.
#[test]
fn explain_looks_through_execute_and_the_queries_of_tables_and_cursors() {
    let harness = Harness::new("explain-through");
    let mut client = harness.client();
    client.run("CREATE TABLE e (id int PRIMARY KEY, n int); INSERT INTO e SELECT i, i % 7 FROM generate_series(1, 500) i;");
    client.run("PREPARE p (int) AS SELECT n FROM e WHERE id = $1; PREPARE u (int, int) AS UPDATE e SET n = $2 WHERE id = $1;");
    let mut plan =
        |statement: &str| column(&mut client, &format!("EXPLAIN (COSTS OFF) {statement}")).join("\n");
    let direct = plan("SELECT n FROM e WHERE id = 5");
    assert!(direct.contains("e_pkey"), "{direct}");
    assert_eq!(plan("CREATE TABLE f AS SELECT n FROM e WHERE id = 5"), direct);
    assert_eq!(plan("DECLARE c CURSOR FOR SELECT n FROM e WHERE id = 5"), direct);
    assert_eq!(plan("EXECUTE p (5)").replace("$1", "5"), direct);
    assert!(plan("EXECUTE u (5, 1000)").starts_with("Update on e"));
    assert_eq!(column(&mut client, "SELECT count(*) FROM e WHERE n = 1000"), ["0"]);
    let run =
        column(&mut client, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE u (5, 1000)");
    assert!(run[0].starts_with("Update on e (actual rows=0 loops=1)"), "{run:?}");
    assert_eq!(column(&mut client, "SELECT n FROM e WHERE id = 5"), ["1000"]);
    let refused =
        client.run("EXPLAIN EXECUTE p; EXPLAIN EXECUTE q; EXPLAIN ANALYZE CREATE TABLE f AS SELECT 1;");
    let refused: Vec<&str> = refused.lines().filter(|line| line.starts_with("ERROR")).collect();
    let expected = [
        "ERROR:  wrong number of parameters for prepared statement \"p\"",
        "ERROR:  prepared statement \"q\" does not exist",
        "ERROR:  EXPLAIN of a utility statement is not supported",
    ];
    assert_eq!(refused, expected);
}
