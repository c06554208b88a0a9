//! Vector indexes on materialized views: used when the stored rows are the answer, and exact answers when they are not.

mod harness;

use harness::{Client, Harness};

fn done(client: &mut Client<'_>, script: &str) -> String {
    let printed = client.run(script);
    assert!(!printed.contains("ERROR"), "{script}: {printed}");
    printed
}

fn now(client: &mut Client<'_>) -> String {
    let printed = client.run("SELECT clock_timestamp()::text;");
    format!("'{}'", printed.lines().nth(1).expect("a row"))
}

/// The view and its query give the same neighbours.
fn same(client: &mut Client<'_>, moment: Option<&str>, place: &str) -> String {
    let clause = moment.map_or(String::new(), |moment| format!("FOR SYSTEM_TIME AS OF {moment}"));
    let near = |from: &str| format!("SELECT id, e FROM {from} {clause} ORDER BY e <-> '[7,7]' LIMIT 5;");
    let view = done(client, &near("m"));
    let query = near("t").replace("ORDER BY", "WHERE kind = 1 ORDER BY");
    assert_eq!(view, done(client, &query), "{place}");
    view
}

/// Waits until the view's rows are those of the present.
fn fresh(client: &mut Client<'_>) {
    for _ in 0..400 {
        let plan = done(
            client,
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT id FROM m ORDER BY e <-> '[7,7]' LIMIT 5;",
        );
        if plan.contains("Index Scan using m_e on m") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("the index was never used");
}

#[test]
fn a_vector_index_on_a_view_is_used_when_it_is_fresh_and_the_answer_is_exact_at_once() {
    let harness = Harness::new("views-vectors");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE EXTENSION vector; CREATE TABLE t (id int PRIMARY KEY, kind int, e vector(2));
         INSERT INTO t SELECT i, i % 2, format('[%s,%s]', i % 97 * 0.17, i % 89 * 0.19)::vector FROM generate_series(1, 8000) i;
         CREATE MATERIALIZED VIEW m AS SELECT id, e FROM t WHERE kind = 1;
         CREATE INDEX m_e ON m USING hnsw (e vector_l2_ops);",
    );
    fresh(&mut client);
    same(&mut client, None, "hot");
    let before = now(&mut client);
    done(&mut client, "CHECKPOINT;");
    fresh(&mut client);
    same(&mut client, None, "written out");
    // A row is found by the next statement, and so is its absence.
    done(&mut client, "INSERT INTO t VALUES (9001, 1, '[7,7]'), (9003, 1, '[7,7.001]');");
    assert!(same(&mut client, None, "right after a commit").contains("9003|[7,7.001]"));
    let printed = client.run("BEGIN; UPDATE t SET kind = 0 WHERE id = 9001; SELECT id FROM m ORDER BY e <-> '[7,7]' LIMIT 1; ROLLBACK;");
    assert!(printed.contains("9003\n"), "{printed}");
    fresh(&mut client);
    assert!(same(&mut client, None, "after a step").contains("9001|[7,7]"));
    done(&mut client, "UPDATE t SET kind = 0 WHERE id = 9001;");
    assert!(!same(&mut client, None, "when a row has left").contains("9001|"));
    assert!(!same(&mut client, Some(&before), "as of a moment before").contains("900"));
    drop(client);
    let harness = harness.restart();
    let mut client = harness.client();
    assert!(!same(&mut client, None, "after a restart").contains("9001|"));
    fresh(&mut client);
    same(&mut client, None, "fresh after a restart");
    same(&mut client, Some(&before), "as of a moment before the restart");
}
