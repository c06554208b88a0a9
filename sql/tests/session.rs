//! Sessions without tables: transactions, settings, cursors' names, prepared statements' names.

mod harness;

use harness::Harness;

#[test]
fn settings_follow_their_transaction() {
    let harness = Harness::new("settings");
    let mut client = harness.client();
    let printed = client.run(
        "SHOW work_mem; SET work_mem = '8MB'; BEGIN; SET work_mem = '16MB'; SHOW work_mem; ROLLBACK; SHOW work_mem;
         BEGIN; SET LOCAL work_mem = '1GB'; SHOW work_mem; COMMIT; SHOW work_mem; RESET work_mem; SHOW work_mem;
         SET nothing_like_this = 1; SET TIME ZONE 'Europe/Berlin'; SHOW TimeZone; SET search_path = a, \"B c\";
         SHOW search_path; SHOW server_version_num;",
    );
    let expected = "work_mem\n4MB\n(1 row)\nSET\nBEGIN\nSET\nwork_mem\n16MB\n(1 row)\nROLLBACK\nwork_mem\n8MB\n(1 row)\n\
                    BEGIN\nSET\nwork_mem\n1GB\n(1 row)\nCOMMIT\nwork_mem\n8MB\n(1 row)\nRESET\nwork_mem\n4MB\n(1 row)\n\
                    ERROR:  unrecognized configuration parameter \"nothing_like_this\"\nSET\n\
                    TimeZone\nEurope/Berlin\n(1 row)\nSET\nsearch_path\na, \"B c\"\n(1 row)\n\
                    server_version_num\n150020\n(1 row)\n";
    assert_eq!(printed, expected);
}

#[test]
fn blocks_fail_warn_and_end_as_postgresqls() {
    let harness = Harness::new("blocks");
    let mut client = harness.client();
    let printed = client.run(
        "COMMIT; BEGIN; BEGIN; SHOW transaction_isolation; SAVEPOINT a; SHOW nonsense; SHOW work_mem;
         ROLLBACK TO a; RELEASE a; RELEASE a; COMMIT; SAVEPOINT b;
         BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SHOW transaction_isolation; SHOW transaction_read_only;
         COMMIT AND CHAIN; SHOW transaction_isolation; ROLLBACK; SHOW transaction_isolation;",
    );
    let expected = "WARNING:  there is no transaction in progress\nCOMMIT\nBEGIN\n\
                    WARNING:  there is already a transaction in progress\nBEGIN\n\
                    transaction_isolation\nread committed\n(1 row)\nSAVEPOINT\n\
                    ERROR:  unrecognized configuration parameter \"nonsense\"\n\
                    ERROR:  current transaction is aborted, commands ignored until end of transaction block\n\
                    ROLLBACK\nRELEASE\nERROR:  savepoint \"a\" does not exist\nROLLBACK\n\
                    ERROR:  SAVEPOINT can only be used in transaction blocks\n\
                    BEGIN\ntransaction_isolation\nserializable\n(1 row)\ntransaction_read_only\non\n(1 row)\n\
                    COMMIT\ntransaction_isolation\nserializable\n(1 row)\nROLLBACK\n\
                    transaction_isolation\nread committed\n(1 row)\n";
    assert_eq!(printed, expected);
}

#[test]
fn defaults_are_shown_as_they_were_written() {
    let harness = Harness::new("defaults");
    let mut client = harness.client();
    client.run("CREATE TABLE t (a serial, b int DEFAULT 5, c int GENERATED ALWAYS AS (b + 1) STORED);");
    let printed = client.run(
        "SELECT adnum, pg_get_expr(adbin, adrelid) AS shown FROM pg_attrdef WHERE adrelid = 't'::regclass ORDER BY 1;",
    );
    assert_eq!(printed, "adnum|shown\n1|nextval('t_a_seq'::regclass)\n2|5\n3|(b + 1)\n(3 rows)\n");
}
