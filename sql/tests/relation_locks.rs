//! Relation locks between two sessions, as PostgreSQL's: who waits for whom, and what a statement means after a wait.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Harness};

/// Waits until `count` requests for locks are waiting.
fn until_waiting(harness: &Harness, count: usize, what: &str) {
    let started = Instant::now();
    let mut client = harness.client();
    let wanted = format!("count\n{count}\n(1 row)\n");
    while client.run("SELECT count(*) FROM pg_locks WHERE NOT granted;") != wanted {
        assert!(started.elapsed() < Duration::from_secs(20), "nobody waits: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `held` in a transaction of one session, `waiting` in another, which must wait until `end` of the first; what
/// the second printed.
fn after(harness: &Harness, held: &str, waiting: &str, end: &str) -> String {
    let mut holder = harness.client();
    let printed = holder.run(&format!("BEGIN; {held}"));
    assert!(!printed.contains("ERROR"), "{printed}");
    let mut waiter = harness.client();
    std::thread::scope(|scope| {
        let handle = scope.spawn(move || waiter.run(waiting));
        until_waiting(harness, 1, &format!("{held} then {waiting}"));
        assert!(!handle.is_finished());
        holder.run(end);
        handle.join().expect("the waiter")
    })
}

fn table(client: &mut Client<'_>) {
    let printed = client.run(
        "DROP VIEW IF EXISTS v; DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, a int);
         INSERT INTO t VALUES (1, 10), (2, 20); CREATE VIEW v AS SELECT * FROM t;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
}

#[test]
fn definitions_wait_for_readers() {
    let harness = Harness::new("locks-readers");
    let mut client = harness.client();
    for (read, define, printed) in [
        ("SELECT * FROM t;", "ALTER TABLE t ADD COLUMN b int;", "ALTER TABLE\n"),
        ("SELECT * FROM t WHERE id = 1;", "TRUNCATE t;", "TRUNCATE TABLE\n"),
        ("SELECT 1 FROM v;", "DROP VIEW v;", "DROP VIEW\n"),
        ("SELECT 1 FROM v;", "DROP TABLE t CASCADE;", "NOTICE:  drop cascades to view v\nDROP TABLE\n"),
        ("SELECT * FROM t WHERE id = 1;", "ALTER TABLE t DROP CONSTRAINT t_pkey;", "ALTER TABLE\n"),
        ("SELECT * FROM t FOR SHARE;", "LOCK TABLE t IN EXCLUSIVE MODE;", "BEGIN\nLOCK TABLE\nCOMMIT\n"),
        ("INSERT INTO t VALUES (3, 30);", "CREATE INDEX i ON t (a);", "CREATE INDEX\n"),
        (
            "PREPARE p AS SELECT * FROM t; EXECUTE p;",
            "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t;",
            "ALTER TABLE\nALTER TABLE\n",
        ),
        (
            "DECLARE c CURSOR FOR SELECT * FROM t;",
            "DROP TABLE t CASCADE;",
            "NOTICE:  drop cascades to view v\nDROP TABLE\n",
        ),
        ("COPY t TO STDOUT;", "TRUNCATE t;", "TRUNCATE TABLE\n"),
    ] {
        table(&mut client);
        let define =
            if define.starts_with("LOCK") { format!("BEGIN; {define} COMMIT;") } else { define.to_string() };
        assert_eq!(after(&harness, read, &define, "COMMIT;"), printed, "{read} then {define}");
    }
}

#[test]
fn a_statement_that_waited_means_what_the_catalog_says_now() {
    let harness = Harness::new("locks-analysis");
    let mut client = harness.client();
    for (define, statement, printed) in [
        (
            "ALTER TABLE t ADD COLUMN b int DEFAULT 5;",
            "SELECT * FROM t WHERE id = 1;",
            "id|a|b\n1|10|5\n(1 row)\n",
        ),
        ("ALTER TABLE t DROP COLUMN a CASCADE;", "SELECT * FROM t ORDER BY id;", "id\n1\n2\n(2 rows)\n"),
        (
            "ALTER TABLE t RENAME COLUMN a TO z;",
            "SELECT a FROM t;",
            "ERROR:  column \"a\" does not exist at character 8\n",
        ),
        (
            "DROP TABLE t CASCADE;",
            "SELECT * FROM t;",
            "ERROR:  relation \"t\" does not exist at character 15\n",
        ),
        (
            "DROP TABLE t CASCADE; CREATE TABLE t (x text); INSERT INTO t VALUES ('new');",
            "SELECT * FROM t;",
            "x\nnew\n(1 row)\n",
        ),
        ("TRUNCATE t;", "SELECT count(*) FROM v;", "count\n0\n(1 row)\n"),
        (
            "ALTER TABLE t ADD COLUMN b int DEFAULT 5;",
            "INSERT INTO t VALUES (3, 30, 6) RETURNING *;",
            "id|a|b\n3|30|6\n(1 row)\nINSERT 0 1\n",
        ),
        (
            "ALTER TABLE t ADD COLUMN b int DEFAULT 5;",
            "UPDATE t SET a = 0 WHERE id = 1 RETURNING *;",
            "id|a|b\n1|0|5\n(1 row)\nUPDATE 1\n",
        ),
        (
            "ALTER TABLE t RENAME TO gone;",
            "DELETE FROM t;",
            "ERROR:  relation \"t\" does not exist at character 13\n",
        ),
        ("DROP TABLE t CASCADE;", "TRUNCATE t;", "ERROR:  relation \"t\" does not exist\n"),
        ("DROP TABLE t CASCADE;", "DROP TABLE t;", "ERROR:  table \"t\" does not exist\n"),
        (
            "ALTER TABLE t ADD COLUMN b int DEFAULT 5;",
            "CREATE TABLE copied AS SELECT * FROM t; SELECT * FROM copied WHERE id = 1; DROP TABLE copied;",
            "SELECT 2\nid|a|b\n1|10|5\n(1 row)\nDROP TABLE\n",
        ),
    ] {
        client.run("DROP TABLE IF EXISTS gone CASCADE;");
        table(&mut client);
        assert_eq!(after(&harness, define, statement, "COMMIT;"), printed, "{define} then {statement}");
    }
}

#[test]
fn foreign_keys_lock_the_tables_they_look_at() {
    let harness = Harness::new("locks-keys");
    let mut client = harness.client();
    for (change, define, printed) in [
        (
            "INSERT INTO child VALUES (2, 1);",
            "LOCK TABLE parent IN EXCLUSIVE MODE;",
            "BEGIN\nLOCK TABLE\nCOMMIT\n",
        ),
        (
            "DELETE FROM parent WHERE id = 1;",
            "ALTER TABLE child ADD COLUMN b int;",
            "BEGIN\nALTER TABLE\nCOMMIT\n",
        ),
        ("UPDATE parent SET id = 9 WHERE id = 1;", "LOCK TABLE grandchild;", "BEGIN\nLOCK TABLE\nCOMMIT\n"),
    ] {
        let printed_first = client.run(
            "DROP TABLE IF EXISTS grandchild, child, parent; CREATE TABLE parent (id int PRIMARY KEY);
             CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE);
             CREATE TABLE grandchild (id int REFERENCES child); INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1);",
        );
        assert!(!printed_first.contains("ERROR"), "{printed_first}");
        let define = format!("BEGIN; {define} COMMIT;");
        assert_eq!(after(&harness, change, &define, "ROLLBACK;"), printed, "{change} then {define}");
    }
}

#[test]
fn a_rolled_back_definition_leaves_the_waiter_what_was() {
    let harness = Harness::new("locks-rollback");
    table(&mut harness.client());
    let printed =
        after(&harness, "ALTER TABLE t DROP COLUMN a CASCADE;", "SELECT * FROM t WHERE id = 1;", "ROLLBACK;");
    assert_eq!(printed, "id|a\n1|10\n(1 row)\n");
}

#[test]
fn waits_end_by_lock_timeout_nowait_and_deadlock() {
    let harness = Harness::new("locks-ends");
    let (mut one, mut two) = (harness.client(), harness.client());
    table(&mut one);
    one.run("CREATE TABLE u (a int); BEGIN; SELECT * FROM t;");
    let printed = two.run(
        "SET lock_timeout = '30ms'; ALTER TABLE t ADD COLUMN b int; BEGIN;
         LOCK TABLE t IN ACCESS EXCLUSIVE MODE NOWAIT; ROLLBACK; BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE NOWAIT; COMMIT;
         RESET lock_timeout;",
    );
    let expected = "SET\nERROR:  canceling statement due to lock timeout\nBEGIN\n\
                    ERROR:  could not obtain lock on relation \"t\"\nROLLBACK\nBEGIN\nLOCK TABLE\nCOMMIT\nRESET\n";
    assert_eq!(printed, expected);
    one.run("COMMIT; BEGIN; ALTER TABLE t ADD COLUMN c int;");
    let printed = two.run("SET lock_timeout = '30ms'; SELECT * FROM t; RESET lock_timeout;");
    assert_eq!(printed, "SET\nERROR:  canceling statement due to lock timeout\nRESET\n");
    let printed =
        two.run("SET statement_timeout = '30ms'; SELECT * FROM t WHERE id = 1; RESET statement_timeout;");
    assert_eq!(printed, "SET\nERROR:  canceling statement due to statement timeout\nRESET\n");
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted;";
    assert_eq!(two.run(waiting), "count\n0\n(1 row)\n", "who gave up is not in the queue");
    // A circle: one waits to change what two has read, two to change what one has read.
    one.run("ROLLBACK; BEGIN; SELECT * FROM t WHERE id = 1;");
    two.run("BEGIN; SELECT * FROM u;");
    std::thread::scope(|scope| {
        let first = scope.spawn(move || {
            let printed = one.run("LOCK TABLE u IN ACCESS EXCLUSIVE MODE;");
            one.run("ROLLBACK;");
            printed
        });
        until_waiting(&harness, 1, "LOCK TABLE u");
        let printed = two.run("DROP TABLE t CASCADE;");
        assert_eq!(printed, "ERROR:  deadlock detected\n");
        two.run("ROLLBACK;");
        assert_eq!(first.join().expect("the other"), "LOCK TABLE\n");
    });
}

#[test]
fn the_past_is_read_without_locks() {
    let harness = Harness::new("locks-past");
    let mut one = harness.client();
    table(&mut one);
    let moment = one.run("SELECT clock_timestamp();").lines().nth(1).expect("a row").to_string();
    one.run("BEGIN; DROP TABLE t CASCADE;");
    let printed = harness.client().run(&format!("SELECT * FROM t AS OF SYSTEM TIME '{moment}' ORDER BY 1;"));
    assert_eq!(printed, "id|a\n1|10\n2|20\n(2 rows)\n");
}

#[test]
fn readers_writers_and_definers_never_see_half_a_change() {
    let harness = Harness::new("locks-storm");
    table(&mut harness.client());
    let done = std::sync::atomic::AtomicBool::new(false);
    // What a statement may say that came too late, or waited in a circle.
    let expected = [
        "relation \"t\" does not exist",
        "table \"t\" does not exist",
        "relation \"t\" already exists",
        "column \"b\" does not exist",
        "column \"b\" of relation \"t\" does not exist",
        "column \"b\" of relation \"t\" already exists",
        "duplicate key value",
        "deadlock detected",
        "cached plan must not change result type",
        "current transaction is aborted",
    ];
    let check = |printed: &str| {
        for line in printed.lines().filter(|line| line.starts_with("ERROR")) {
            assert!(expected.iter().any(|known| line.contains(known)), "{line}");
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..3 {
            let (harness, done, check) = (&harness, &done, &check);
            scope.spawn(move || {
                let mut client = harness.client();
                client.run("PREPARE p AS SELECT * FROM t WHERE id = 1;");
                let mut number = worker * 1_000_000;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    number += 1;
                    let statement = match number % 6 {
                        0 => "SELECT * FROM t WHERE id = 1;".to_string(),
                        1 => format!("INSERT INTO t (id, a) VALUES ({number}, 1);"),
                        2 => "UPDATE t SET a = a + 1 WHERE id = 1;".to_string(),
                        3 => "BEGIN; SELECT count(*) FROM t; SELECT b FROM t; SELECT a FROM t WHERE id = 2; COMMIT;".to_string(),
                        4 => "EXECUTE p;".to_string(),
                        _ => "DELETE FROM t WHERE id > 1000;".to_string(),
                    };
                    let printed = client.run(&statement);
                    check(&printed);
                    if printed.contains("cached plan") {
                        let printed = client.run("DEALLOCATE p; PREPARE p AS SELECT * FROM t WHERE id = 1;");
                        assert_eq!(printed, "DEALLOCATE\nPREPARE\n");
                    }
                }
            });
        }
        let mut client = harness.client();
        let started = Instant::now();
        let mut round = 0;
        while started.elapsed() < Duration::from_secs(3) {
            round += 1;
            let printed = client.run(match round % 5 {
                0 => "ALTER TABLE t ADD COLUMN b int DEFAULT 7;",
                1 => "ALTER TABLE t DROP COLUMN b;",
                2 => "TRUNCATE t; INSERT INTO t VALUES (1, 10), (2, 20);",
                3 => "BEGIN; DROP TABLE t CASCADE; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 10), (2, 20); COMMIT;",
                _ => "CREATE INDEX i ON t (a); DROP INDEX i;",
            });
            check(&printed);
            if printed.contains("ERROR") {
                client.run("ROLLBACK;");
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(round > 20, "only {round} changes were made");
    });
}
