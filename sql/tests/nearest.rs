//! Nearest rows through every road: by a vector index and without, in the tier of its own and by the general execution,
//! now and in the past, before and after a checkpoint and a restart, with conditions and own writes. Each answer is
//! compared with a sort of all distances.

mod harness;

use harness::{Client, Harness};

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn vector(&mut self) -> String {
        let numbers: Vec<String> =
            (0..8).map(|_| format!("{}", self.below(2001) as f32 / 100.0 - 10.0)).collect();
        format!("[{}]", numbers.join(","))
    }
}

fn done(client: &mut Client<'_>, script: &str) -> String {
    let printed = client.run(script);
    assert!(!printed.contains("ERROR"), "{script}\n{printed}");
    printed
}

/// The lines of a query's rows.
fn rows(client: &mut Client<'_>, query: &str) -> Vec<String> {
    let printed = done(client, &format!("{query};"));
    let lines: Vec<String> = printed.lines().map(str::to_string).collect();
    lines[1..lines.len() - 1].to_vec()
}

fn now(client: &mut Client<'_>) -> String {
    rows(client, "SELECT clock_timestamp()::text").concat()
}

/// Fills, changes and thins out a table; the moments in between.
fn history(client: &mut Client<'_>, random: &mut Random) -> Vec<String> {
    let mut moments = Vec::new();
    let values = |random: &mut Random, from: u64, to: u64| -> String {
        let rows = (from..to).map(|id| match id % 17 {
            0 => format!("({id}, {}, NULL, NULL)", id % 10),
            _ => format!("({id}, {}, '{}', '{}')", id % 10, random.vector(), random.vector()),
        });
        rows.collect::<Vec<_>>().join(", ")
    };
    done(client, &format!("INSERT INTO t VALUES {};", values(random, 0, 400)));
    moments.push(now(client));
    done(client, "UPDATE t SET e = (SELECT o.e FROM t o WHERE o.id = t.id + 1) WHERE id % 3 = 0;");
    moments.push(now(client));
    done(client, "DELETE FROM t WHERE id % 5 = 0;");
    done(client, &format!("INSERT INTO t VALUES {};", values(random, 400, 500)));
    moments.push(now(client));
    moments
}

/// Asks for neighbours in many ways, and compares every answer with a sort of all distances.
fn compare(client: &mut Client<'_>, random: &mut Random, moments: &[String], rounds: usize) {
    for round in 0..rounds {
        let column = if round % 4 == 3 { "h" } else { "e" };
        let operator = ["<->", "<#>", "<=>", "<+>"][round % 4 / if column == "h" { 4 } else { 1 }];
        let cast = if column == "h" { "halfvec" } else { "vector" };
        let distance = format!("{column} {operator} '{}'::{cast}", random.vector());
        let time = match random.below(3) {
            0 => String::new(),
            _ => format!("FOR SYSTEM_TIME AS OF '{}'", moments[random.below(moments.len() as u64) as usize]),
        };
        let condition =
            ["true", "category = 3", "id % 2 = 0", "id < 8", "category IN (1, 2) AND e IS NOT NULL", "false"];
        let condition = condition[random.below(6) as usize];
        let (count, offset) = ([1, 3, 10, 480][random.below(4) as usize], random.below(3));
        let nearest = format!(
            "SELECT {distance} AS d FROM t {time} WHERE {condition} ORDER BY {distance} LIMIT {count} OFFSET {offset}"
        );
        let all = format!("SELECT {distance} AS d FROM t {time} WHERE {condition} OFFSET 0");
        let sorted = format!("SELECT d FROM ({all}) s ORDER BY d LIMIT {count} OFFSET {offset}");
        let expected = rows(client, &sorted);
        for tier in ["on", "off"] {
            done(client, &format!("SET strata.point_tier = {tier};"));
            assert_eq!(rows(client, &nearest), expected, "tier {tier}: {nearest}");
        }
    }
}

#[test]
fn every_road_leads_to_the_nearest() {
    let mut random = Random(7);
    let harness = Harness::new("nearest");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE EXTENSION vector; CREATE TABLE t (id int PRIMARY KEY, category int, e vector(8), h halfvec(8));",
    );
    let moments = history(&mut client, &mut random);
    compare(&mut client, &mut random, &moments, 24);
    done(
        &mut client,
        "CREATE INDEX t_l2 ON t USING hnsw (e vector_l2_ops); CREATE INDEX t_ip ON t USING hnsw (e vector_ip_ops) WITH (m = 8);
         CREATE INDEX t_cosine ON t USING ivfflat (e vector_cosine_ops) WITH (lists = 10);
         CREATE INDEX t_half ON t USING hnsw (h halfvec_l2_ops);",
    );
    compare(&mut client, &mut random, &moments, 24);
    done(&mut client, "CHECKPOINT;");
    compare(&mut client, &mut random, &moments, 24);
    drop(client);
    let harness = harness.restart();
    let mut client = harness.client();
    compare(&mut client, &mut random, &moments, 24);
}

#[test]
fn own_writes_are_neighbours_and_others_are_not() {
    let harness = Harness::new("nearest-own");
    let (mut one, mut two) = (harness.client(), harness.client());
    done(
        &mut one,
        "CREATE EXTENSION vector; CREATE TABLE t (id int PRIMARY KEY, e vector(2));
         CREATE INDEX ON t USING hnsw (e vector_l2_ops); INSERT INTO t VALUES (1, '[0,0]'), (2, '[5,5]');",
    );
    let nearest = "SELECT id FROM t ORDER BY e <-> '[9,9]' LIMIT 1";
    done(&mut one, "BEGIN; INSERT INTO t VALUES (3, '[9,9]'); SAVEPOINT s; DELETE FROM t WHERE id = 2;");
    assert_eq!(rows(&mut one, nearest), ["3"]);
    assert_eq!(rows(&mut two, nearest), ["2"]);
    done(&mut one, "DELETE FROM t WHERE id = 3;");
    assert_eq!(rows(&mut one, nearest), ["1"]);
    done(&mut one, "ROLLBACK TO s;");
    assert_eq!(rows(&mut one, nearest), ["3"]);
    done(&mut one, "COMMIT;");
    assert_eq!(rows(&mut two, nearest), ["3"]);
    done(&mut one, "BEGIN; UPDATE t SET e = '[0,1]' WHERE id = 3; ROLLBACK;");
    assert_eq!(rows(&mut one, nearest), ["3"]);
}

#[test]
fn plans_tell_the_index_and_the_tier() {
    let harness = Harness::new("nearest-plans");
    let mut client = harness.client();
    done(
        &mut client,
        "CREATE EXTENSION vector; CREATE TABLE t (id int PRIMARY KEY, kind int, e vector(2));
         INSERT INTO t SELECT i, i % 5, ARRAY[i, i]::vector FROM generate_series(1, 5000) i;",
    );
    let query = "SELECT id FROM t WHERE kind = 1 ORDER BY e <-> '[7,7]' LIMIT 3";
    let plan = done(&mut client, &format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query};"));
    assert!(plan.contains("Nearest Scan on t") && plan.contains("Tier: nearest"), "{plan}");
    done(&mut client, "CREATE INDEX by_distance ON t USING hnsw (e vector_l2_ops);");
    let plan = done(&mut client, &format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query};"));
    for part in [
        "Index Scan using by_distance on t",
        "Order By: (e <-> '[7,7]'::vector)",
        "Filter: (kind = 1)",
        "Tier: nearest",
        "Graphs: ",
        "Candidates: ",
    ] {
        assert!(plan.contains(part), "{part} is not in\n{plan}");
    }
    // Another distance than the index has, and an order that no index serves.
    for other in ["e <=> '[7,7]'", "e <-> '[7,7]' DESC", "e <-> '[7,7]' NULLS FIRST"] {
        let plan = done(&mut client, &format!("EXPLAIN SELECT id FROM t ORDER BY {other} LIMIT 3;"));
        assert!(!plan.contains("by_distance"), "{plan}");
    }
    let plan = done(&mut client, "EXPLAIN SELECT id FROM t WHERE id = 5 ORDER BY e <-> '[7,7]' LIMIT 3;");
    assert!(plan.contains("Index Scan using t_pkey"), "{plan}");
}
