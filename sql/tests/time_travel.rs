//! Reading the past: relations as they were, whatever has become of them, with restarts and checkpoints between.

mod harness;

use harness::{Client, Harness};
use strata_sql::session::{Bind, ClientAddress, Startup};

/// The present moment, as a literal.
fn now(client: &mut Client<'_>) -> String {
    let printed = client.run("SELECT clock_timestamp()::text AS moment;");
    format!("'{}'", printed.lines().nth(1).expect("a row"))
}

/// Rows and errors alone, with `@name` in the script replaced by a moment.
fn at(client: &mut Client<'_>, moments: &[(&str, &str)], script: &str) -> String {
    let mut script = script.to_string();
    for (name, moment) in moments {
        script = script.replace(&format!("@{name}"), moment);
    }
    client.run(&script)
}

/// A history: a table that is altered in every way, dropped, and made anew; a view of it that changes.
fn history(client: &mut Client<'_>) -> Vec<(&'static str, String)> {
    let mut moments = Vec::new();
    moments.push(("before", now(client)));
    let printed = client.run(
        "CREATE TABLE t (id int PRIMARY KEY, name text, amount int); INSERT INTO t VALUES (1, 'one', 10), (2, 'two', 20);
         CREATE VIEW v AS SELECT id, name FROM t WHERE amount > 10;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
    moments.push(("first", now(client)));
    let printed = client.run(
        "DROP VIEW v; ALTER TABLE t ADD COLUMN extra text DEFAULT 'x'; ALTER TABLE t RENAME COLUMN name TO label;
         CREATE VIEW v AS SELECT label, extra FROM t;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
    moments.push(("second", now(client)));
    let printed = client.run(
        "DROP VIEW v; ALTER TABLE t ALTER COLUMN amount TYPE text USING amount::text || '!';
         ALTER TABLE t DROP COLUMN label; UPDATE t SET extra = 'y' WHERE id = 2;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
    moments.push(("third", now(client)));
    let printed = client.run("DROP TABLE t;");
    assert!(!printed.contains("ERROR"), "{printed}");
    moments.push(("gone", now(client)));
    let printed = client.run("CREATE TABLE t (other boolean); INSERT INTO t VALUES (true);");
    assert!(!printed.contains("ERROR"), "{printed}");
    moments.push(("anew", now(client)));
    moments
}

const QUESTIONS: &str = "SELECT * FROM t FOR SYSTEM_TIME AS OF @first ORDER BY id;
     SELECT * FROM t FOR SYSTEM_TIME AS OF @second ORDER BY id;
     SELECT * FROM t FOR SYSTEM_TIME AS OF @third ORDER BY id;
     SELECT * FROM t FOR SYSTEM_TIME AS OF @gone;
     SELECT * FROM t FOR SYSTEM_TIME AS OF @before;
     SELECT * FROM t AS OF SYSTEM TIME @anew;
     SELECT a.id, a.name, b.extra FROM t FOR SYSTEM_TIME AS OF @first a
       JOIN t FOR SYSTEM_TIME AS OF @third b ON a.id = b.id ORDER BY 1;
     SELECT * FROM v FOR SYSTEM_TIME AS OF @first;
     SELECT * FROM v AS OF SYSTEM TIME @second;
     SELECT * FROM v FOR SYSTEM_TIME AS OF @third;
     SELECT name FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 2;
     SELECT name FROM t FOR SYSTEM_TIME AS OF @second WHERE id = 2;
     SELECT relname, relnatts FROM pg_class AS OF SYSTEM TIME @second WHERE relname IN ('t', 'v') ORDER BY 1;
     SELECT * FROM t;";

const ANSWERS: &str = "id|name|amount\n1|one|10\n2|two|20\n(2 rows)\n\
     id|label|amount|extra\n1|one|10|x\n2|two|20|x\n(2 rows)\n\
     id|amount|extra\n1|10!|x\n2|20!|y\n(2 rows)\n\
     ERROR:  relation \"t\" does not exist at character 15\n\
     ERROR:  relation \"t\" does not exist at character 15\n\
     other\nt\n(1 row)\n\
     id|name|extra\n1|one|x\n2|two|y\n(2 rows)\n\
     id|name\n2|two\n(1 row)\n\
     label|extra\none|x\ntwo|x\n(2 rows)\n\
     ERROR:  relation \"v\" does not exist at character 15\n\
     name\ntwo\n(1 row)\n\
     ERROR:  column \"name\" does not exist at character 8\n\
     relname|relnatts\nt|4\nv|2\n(2 rows)\n\
     other\nt\n(1 row)\n";

#[test]
fn the_past_has_the_relations_it_had_also_after_restart_checkpoint_and_vacuum() {
    let harness = Harness::new("past-shapes");
    let mut client = harness.client();
    let moments = history(&mut client);
    let moments: Vec<_> = moments.iter().map(|(name, moment)| (*name, moment.as_str())).collect();
    assert_eq!(at(&mut client, &moments, QUESTIONS), ANSWERS);
    client.run("CHECKPOINT; VACUUM;");
    assert_eq!(at(&mut client, &moments, QUESTIONS), ANSWERS, "after a checkpoint");
    drop(client);
    let harness = harness.restart();
    let mut client = harness.client();
    assert_eq!(at(&mut client, &moments, QUESTIONS), ANSWERS, "after a restart");
    // More changes than the catalog keeps snapshots of.
    for number in 0..70 {
        client.run(&format!("CREATE TABLE filler_{number} (a int);"));
    }
    assert_eq!(at(&mut client, &moments, QUESTIONS), ANSWERS, "after many changes");
    client.run("CHECKPOINT;");
    drop(client);
    let harness = harness.restart();
    assert_eq!(at(&mut harness.client(), &moments, QUESTIONS), ANSWERS, "after the second restart");
}

#[test]
fn a_session_in_the_past_sees_the_catalog_of_its_moment() {
    let harness = Harness::new("past-session");
    let mut client = harness.client();
    let moments = history(&mut client);
    let moments: Vec<_> = moments.iter().map(|(name, moment)| (*name, moment.as_str())).collect();
    let script = "SET strata.as_of = @first; SELECT * FROM t ORDER BY id; SELECT * FROM v;
         SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0;
         INSERT INTO t VALUES (1); CREATE TABLE u (a int); SELECT * FROM t FOR SYSTEM_TIME AS OF @second WHERE id = 1;
         SET strata.as_of = @second; SELECT * FROM v; SELECT * FROM t WHERE id = 1;
         SET strata.as_of = @gone; SELECT * FROM t; RESET strata.as_of; SELECT * FROM t;";
    let expected = "SET\nid|name|amount\n1|one|10\n2|two|20\n(2 rows)\nid|name\n2|two\n(1 row)\ncount\n3\n(1 row)\n\
         ERROR:  cannot execute INSERT while strata.as_of is set\n\
         ERROR:  cannot execute CREATE TABLE while strata.as_of is set\n\
         id|label|amount|extra\n1|one|10|x\n(1 row)\n\
         SET\nlabel|extra\none|x\ntwo|x\n(2 rows)\nid|label|amount|extra\n1|one|10|x\n(1 row)\n\
         SET\nERROR:  relation \"t\" does not exist at character 15\nRESET\nother\nt\n(1 row)\n";
    assert_eq!(at(&mut client, &moments, script), expected);
    let future = client.run("SET strata.as_of = '2999-01-01'; SELECT * FROM t; RESET strata.as_of;");
    assert!(future.contains("ERROR") && !future.contains("1 row"), "{future}");
}

#[test]
fn a_period_shows_the_shape_at_its_end() {
    let harness = Harness::new("past-periods");
    let mut client = harness.client();
    let moments = history(&mut client);
    let moments: Vec<_> = moments.iter().map(|(name, moment)| (*name, moment.as_str())).collect();
    let script = "SELECT id, name FROM t FOR SYSTEM_TIME BETWEEN @before AND @first ORDER BY 1;
         SELECT id, label, extra FROM t FOR SYSTEM_TIME FROM @first TO @second ORDER BY 1;
         SELECT id, extra FROM t FOR SYSTEM_TIME BETWEEN @third AND @gone ORDER BY 1;
         SELECT id, extra FROM t FOR SYSTEM_TIME BETWEEN @first AND @third ORDER BY 1, _system_from;
         SELECT * FROM t FOR SYSTEM_TIME ALL;";
    let expected = "id|name\n1|one\n2|two\n(2 rows)\nid|label|extra\n1|one|x\n2|two|x\n(2 rows)\n\
         ERROR:  relation \"t\" does not exist at character 23\n\
         id|extra\n1|x\n1|x\n2|x\n2|x\n2|y\n(5 rows)\n\
         other\nt\n(1 row)\n";
    assert_eq!(at(&mut client, &moments, script), expected);
}

#[test]
fn a_retyped_column_is_read_through_a_period_by_its_casts() {
    let harness = Harness::new("past-retyped");
    let mut client = harness.client();
    client.run("CREATE TABLE t (id int PRIMARY KEY, a int, b text); INSERT INTO t VALUES (1, 10, '7'), (2, 20, 'x');");
    let first = now(&mut client);
    client.run("UPDATE t SET a = 11 WHERE id = 1; ALTER TABLE t ALTER COLUMN a TYPE bigint;");
    client.run("ALTER TABLE t ALTER COLUMN a TYPE text; UPDATE t SET a = 'new' WHERE id = 2;");
    let last = now(&mut client);
    let moments = [("first", first.as_str()), ("last", last.as_str())];
    let all = "SELECT id, a FROM t FOR SYSTEM_TIME BETWEEN @first AND @last ORDER BY id, _system_from;";
    let expected = "id|a\n1|10\n1|11\n1|11\n1|11\n2|20\n2|20\n2|20\n2|new\n(8 rows)\n";
    assert_eq!(at(&mut client, &moments, all), expected);
    let filtered = "SELECT id FROM t FOR SYSTEM_TIME ALL WHERE a = '11' ORDER BY 1;";
    assert_eq!(client.run(filtered), "id\n1\n1\n1\n(3 rows)\n");
    client.run("ALTER TABLE t ALTER COLUMN b TYPE boolean USING b = 'x';");
    // The conversion was the user's own: nobody knows what it made of rows that were dead by then.
    let refused = client.run("SELECT b FROM t FOR SYSTEM_TIME ALL;");
    assert!(refused.starts_with("ERROR:  "), "{refused}");
    assert_eq!(client.run("SELECT count(*) FROM t FOR SYSTEM_TIME ALL;"), "count\n10\n(1 row)\n");
}

#[test]
fn the_past_is_read_with_todays_privileges_and_what_is_gone_by_its_last_owner() {
    let harness = Harness::new("past-privileges");
    let mut client = harness.client();
    let printed = client.run(
        "CREATE ROLE owner LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE former LOGIN;
         CREATE TABLE kept (a int); INSERT INTO kept VALUES (1); CREATE TABLE lost (a int); INSERT INTO lost VALUES (2);
         GRANT SELECT ON lost TO reader; GRANT SELECT ON kept TO former;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
    let moment = now(&mut client);
    let printed = client.run(
        "REVOKE SELECT ON kept FROM former; GRANT SELECT ON kept TO reader;
         ALTER TABLE lost OWNER TO owner; DROP TABLE lost;",
    );
    assert!(!printed.contains("ERROR"), "{printed}");
    let moments = [("then", moment.as_str())];
    let script =
        "SELECT * FROM kept AS OF SYSTEM TIME @then; SELECT * FROM lost FOR SYSTEM_TIME AS OF @then;";
    let kept = "a\n1\n(1 row)\n";
    let lost = "a\n2\n(1 row)\n";
    let (no_kept, no_lost) =
        ("ERROR:  permission denied for table kept\n", "ERROR:  permission denied for table lost\n");
    for (user, expected) in [
        ("postgres", format!("{kept}{lost}")),
        ("owner", format!("{no_kept}{lost}")),
        ("reader", format!("{kept}{no_lost}")),
        ("former", format!("{no_kept}{no_lost}")),
    ] {
        let startup = Startup {
            user: user.to_string(),
            database: "postgres".to_string(),
            options: Vec::new(),
            protocol: (3, 0),
            address: ClientAddress::Local,
        };
        assert_eq!(at(&mut harness.client_as(startup), &moments, script), expected, "{user}");
    }
}

#[test]
fn a_parameter_for_the_moment_gives_todays_shape_or_an_error_at_bind() {
    let harness = Harness::new("past-parameters");
    let mut client = harness.client();
    client.run("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 10);");
    let first = now(&mut client);
    client.run("UPDATE t SET a = 11;");
    let second = now(&mut client);
    client.run("PREPARE p AS SELECT * FROM t FOR SYSTEM_TIME AS OF $1;");
    let moments = [("first", first.as_str()), ("second", second.as_str())];
    let both = "EXECUTE p (@first); EXECUTE p (@second);";
    assert_eq!(at(&mut client, &moments, both), "id|a\n1|10\n(1 row)\nid|a\n1|11\n(1 row)\n");
    client.run("ALTER TABLE t ADD COLUMN b int; UPDATE t SET b = 5; PREPARE q AS SELECT * FROM t FOR SYSTEM_TIME AS OF $1; PREPARE r AS SELECT a FROM t FOR SYSTEM_TIME AS OF $1;");
    let refused = "EXECUTE q (@first); EXECUTE r (@first); EXECUTE q (clock_timestamp());";
    assert_eq!(
        at(&mut client, &moments, refused),
        "ERROR:  the rows of the statement have another shape at the moment of its time clause\n\
         a\n10\n(1 row)\nid|a|b\n1|11|5\n(1 row)\n"
    );
    // The extended protocol says so at Bind.
    let literal = first.trim_matches('\'').to_string();
    let session = &mut client.session;
    let (bound, fitting) = harness.runtime.block_on(async {
        session.parse("s", "SELECT * FROM t AS OF SYSTEM TIME $1", &[]).await.expect("parses");
        let value = bytes::Bytes::from(literal.into_bytes());
        let bound = session
            .bind(&Bind {
                portal: "",
                statement: "s",
                parameter_formats: &[0],
                parameters: &[Some(value.clone())],
                result_formats: &[],
            })
            .await;
        session.parse("u", "SELECT a FROM t AS OF SYSTEM TIME $1", &[]).await.expect("parses");
        (
            bound,
            session
                .bind(&Bind {
                    portal: "",
                    statement: "u",
                    parameter_formats: &[0],
                    parameters: &[Some(value)],
                    result_formats: &[],
                })
                .await,
        )
    });
    assert_eq!(bound.expect_err("another shape").state().code(), "0A000");
    fitting.expect("the same shape");
}

/// A small generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A change of anything: rows, columns, types, names, indexes, the table, the view over it. Some fail; they change
/// nothing then.
fn change(dice: &mut Dice, step: u64) -> String {
    let column = ["a", "b", "c", "d"][dice.roll(4) as usize];
    match dice.roll(24) {
        0 => format!("ALTER TABLE t ADD COLUMN {column} int DEFAULT {step};"),
        1 => format!("ALTER TABLE t ADD COLUMN {column} text;"),
        2 => format!("ALTER TABLE t DROP COLUMN {column} CASCADE;"),
        3 => format!(
            "ALTER TABLE t RENAME COLUMN {column} TO {};",
            ["a", "b", "c", "d"][dice.roll(4) as usize]
        ),
        4 => format!("ALTER TABLE t ALTER COLUMN {column} TYPE text USING {column}::text || '{step}';"),
        5 => format!("ALTER TABLE t ALTER COLUMN {column} TYPE int USING length({column}::text);"),
        6 => format!("CREATE INDEX i{step} ON t ({column});"),
        7 => format!("UPDATE t SET {column} = {step} WHERE id % 2 = {};", dice.roll(2)),
        8 => format!("DELETE FROM t WHERE id = {};", dice.roll(step + 1)),
        9 if dice.roll(4) == 0 => "TRUNCATE t;".to_string(),
        10 if dice.roll(4) == 0 => "DROP TABLE t CASCADE;".to_string(),
        10 | 11 | 15 | 16 => "CREATE TABLE t (id int PRIMARY KEY, a int, b text);".to_string(),
        12 => "DROP VIEW v;".to_string(),
        13 => format!("CREATE VIEW v AS SELECT id, {column} AS shown FROM t;"),
        14 => "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t;".to_string(),
        _ => format!("INSERT INTO t (id) VALUES ({step});"),
    }
}

#[test]
fn every_moment_reads_as_it_did() {
    let questions =
        "SELECT * FROM t@ ORDER BY id; SELECT * FROM v@ ORDER BY 1, 2; SELECT id FROM t@ WHERE id = 5;
         SELECT attname, atttypid::int FROM pg_attribute@ WHERE attnum > 0 AND NOT attisdropped
           AND attrelid = (SELECT oid FROM pg_class@ WHERE relname = 't' AND relkind = 'r') ORDER BY attnum;";
    for seed in 1..=4 {
        let mut harness = Harness::new(&format!("past-moments-{seed}"));
        let mut dice = Dice(seed);
        let mut seen = Vec::new();
        harness.client().run("CREATE TABLE t (id int PRIMARY KEY, a int, b text);");
        for step in 0..60 {
            let mut client = harness.client();
            if step % 4 == 0 {
                client.run("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, a int, b text);");
            }
            client.run(&change(&mut dice, step));
            // What fails says where: the clause moves the place, so places are left out.
            seen.push((now(&mut client), without_places(&client.run(&questions.replace('@', "")))));
            if step % 20 == 10 {
                client.run("CHECKPOINT;");
            }
            drop(client);
            if step % 30 == 25 {
                harness = harness.restart();
            }
        }
        let different: std::collections::BTreeSet<_> = seen.iter().map(|(_, then)| then).collect();
        assert!(different.len() > 15, "seed {seed}: {} states say little", different.len());
        let mut client = harness.client();
        for (step, (moment, then)) in seen.iter().enumerate() {
            let clause = format!(" FOR SYSTEM_TIME AS OF {moment}");
            let printed = without_places(&client.run(&questions.replace('@', &clause)));
            assert_eq!(&printed, then, "seed {seed}, step {step}, by clause");
            client.run(&format!("SET strata.as_of = {moment};"));
            let printed = without_places(&client.run(&questions.replace('@', "")));
            assert_eq!(&printed, then, "seed {seed}, step {step}, by setting");
            client.run("RESET strata.as_of;");
        }
    }
}

fn without_places(printed: &str) -> String {
    let lines = printed.lines().map(|line| line.split(" at character ").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}
