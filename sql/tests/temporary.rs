//! Temporary relations between sessions: each has its own, nobody reads another's, and they end with their session.

mod harness;

use harness::Harness;
use strata_sql::session::Bind;

#[test]
fn every_session_has_its_own_and_they_end_with_it() {
    let harness = Harness::new("temporary-sessions");
    let (mut one, mut two) = (harness.client(), harness.client());
    let made = "CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1); CREATE TEMP VIEW v AS SELECT a + 1 AS b FROM t;";
    assert_eq!(one.run(made), "CREATE TABLE\nINSERT 0 1\nCREATE VIEW\n");
    assert_eq!(two.run("SELECT * FROM t;"), "ERROR:  relation \"t\" does not exist at character 15\n");
    assert_eq!(two.run("CREATE TEMP TABLE t (z text);"), "CREATE TABLE\n");
    assert_eq!(one.run("SELECT * FROM v;"), "b\n2\n(1 row)\n");
    assert_eq!(two.run("SELECT * FROM t;"), "z\n(0 rows)\n");
    let schema = one.run("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema();");
    let schema = schema.lines().nth(1).expect("a schema").to_string();
    for statement in ["SELECT * FROM @.t;", "INSERT INTO @.t VALUES (2);", "SELECT * FROM @.v;"] {
        let printed = two.run(&statement.replace('@', &schema));
        assert_eq!(printed, "ERROR:  cannot access temporary tables of other sessions\n", "{statement}");
    }
    let printed = two.run(&format!("CREATE TABLE {schema}.x (a int);"));
    assert!(
        printed.starts_with("ERROR:  cannot create relations in temporary schemas of other sessions"),
        "{printed}"
    );
    // A statement of equal text means each session's own table.
    assert_eq!(one.run("SELECT * FROM t WHERE a = 1;"), "a\n1\n(1 row)\n");
    assert_eq!(two.run("SELECT count(*) FROM t;"), "count\n0\n(1 row)\n");
    assert_eq!(one.run("SELECT count(*) FROM t;"), "count\n1\n(1 row)\n");
    let left = "SELECT count(*) FROM pg_class WHERE relpersistence = 't';";
    assert_eq!(two.run(left), "count\n3\n(1 row)\n");
    harness.runtime.block_on(one.session.terminate());
    assert_eq!(two.run(left), "count\n1\n(1 row)\n");
    // Gone without a goodbye.
    drop(two);
    let mut three = harness.client();
    let started = std::time::Instant::now();
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pg\\_temp\\_%';";
    while three.run(schemas) != "count\n0\n(1 row)\n" {
        assert!(started.elapsed().as_secs() < 20, "temporary relations are left");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_block_that_fails_leaves_none_behind_and_pooled_sessions_start_clean() {
    let harness = Harness::new("temporary-blocks");
    let mut client = harness.client();
    let printed = client.run(
        "BEGIN; CREATE TEMP TABLE t (a int); SELECT 1/0; ROLLBACK; SELECT * FROM t;
         CREATE TEMP TABLE t (a int) ON COMMIT DELETE ROWS; INSERT INTO t VALUES (1); SELECT count(*) FROM t;
         BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK TO s; SELECT * FROM t; COMMIT;
         SELECT count(*) FROM t; DISCARD ALL; SELECT * FROM t; CREATE TEMP TABLE t (b int); SELECT * FROM t;",
    );
    let expected = "BEGIN\nCREATE TABLE\nERROR:  division by zero\nROLLBACK\n\
         ERROR:  relation \"t\" does not exist at character 15\n\
         CREATE TABLE\nINSERT 0 1\ncount\n0\n(1 row)\n\
         BEGIN\nINSERT 0 1\nSAVEPOINT\nINSERT 0 1\nROLLBACK\na\n1\n(1 row)\nCOMMIT\ncount\n0\n(1 row)\n\
         DISCARD ALL\nERROR:  relation \"t\" does not exist at character 15\nCREATE TABLE\nb\n(0 rows)\n";
    assert_eq!(printed, expected);
}

#[test]
fn select_into_and_create_table_as_take_parameters() {
    let harness = Harness::new("temporary-into");
    let mut client = harness.client();
    let session = &mut client.session;
    for (text, made) in
        [("SELECT $1::int AS a INTO made", "made"), ("CREATE TEMP TABLE also AS SELECT $1::int AS a", "also")]
    {
        let mut printer = harness::Printer::new(String::new());
        harness.runtime.block_on(async {
            session.parse("", text, &[]).await.expect("parses");
            let value = Some(bytes::Bytes::from_static(b"7"));
            session
                .bind(&Bind {
                    portal: "",
                    statement: "",
                    parameter_formats: &[0],
                    parameters: &[value],
                    result_formats: &[],
                })
                .await
                .expect("binds");
            session.execute("", 0, &mut printer).await.expect("runs");
            session.sync(&mut printer).await.expect("commits");
        });
        let mut printer = harness::Printer::new(String::new());
        let read = format!("SELECT a FROM {made}");
        harness.runtime.block_on(session.query(&read, &mut printer)).expect("reads");
        assert_eq!(printer.finish(), "a\n7\n(1 row)\n", "{text}");
    }
}
