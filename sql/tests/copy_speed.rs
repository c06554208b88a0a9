//! COPY FROM into a table of pgbench's shape: every row arrives, and at what rate.

mod harness;

use std::collections::BTreeMap;
use std::time::Instant;

use catalog::{
    Change, Column, Index, IndexKey, IndexSource, Object, Persistence, Relation, RelationKind, Table,
};
use engine::{ColumnId, IndexId, IndexSchema, Isolation, PhysicalType, TableId, TableSchema};
use harness::Harness;

fn relation(oid: u32, name: &str, columns: Vec<Column>, kind: RelationKind) -> Relation {
    Relation {
        oid,
        database: 5,
        schema: 2200,
        name: name.to_string(),
        owner: 10,
        persistence: Persistence::Permanent,
        acl: None,
        options: BTreeMap::new(),
        columns,
        row_type: 0,
        array_type: 0,
        kind,
    }
}

/// pgbench_accounts with its primary key, made without DDL.
fn make_accounts(harness: &Harness) {
    let columns = vec![
        Column::new(1, 1, "aid", 23, -1),
        Column::new(2, 2, "bid", 23, -1),
        Column::new(3, 3, "abalance", 23, -1),
        Column::new(4, 4, "filler", 1042, 88),
    ];
    let table = RelationKind::Table(Table {
        next_column_id: 5,
        row_security: false,
        force_row_security: false,
        replica_identity: 'd',
    });
    let index = RelationKind::Index(Index {
        table: 20000,
        method: 403,
        keys: vec![IndexKey {
            source: IndexSource::Column(1),
            name: "aid".to_string(),
            type_oid: 23,
            typmod: -1,
            operator_class: 1978,
            collation: 0,
            descending: false,
            nulls_first: false,
        }],
        include: Vec::new(),
        unique: true,
        primary: true,
        nulls_not_distinct: false,
        immediate: true,
        predicate: None,
        valid: true,
        clustered: false,
    });
    let changes = vec![
        Change::Put(Object::Relation(Box::new(relation(20000, "accounts", columns, table)))),
        Change::Put(Object::Relation(Box::new(relation(20001, "accounts_pkey", Vec::new(), index)))),
    ];
    let mut transaction = harness.instance.database().begin(Isolation::ReadCommitted, false);
    let int = PhysicalType::Int32;
    let schema = TableSchema {
        columns: vec![
            (ColumnId(1), int),
            (ColumnId(2), int),
            (ColumnId(3), int),
            (ColumnId(4), PhysicalType::Text),
        ],
        indexes: vec![IndexSchema { id: IndexId(20001), unique: true, primary: true }],
        ..TableSchema::default()
    };
    transaction.create_table(TableId(20000), schema).expect("a table");
    for change in &changes {
        harness.instance.store().write(&mut transaction, change).expect("a written object");
    }
    let store = harness.instance.store().clone();
    transaction.on_publish(Box::new(move |at| store.publish(at, &changes)));
    transaction.commit().wait().expect("a commit");
}

#[test]
fn a_copy_brings_every_row() {
    let rows: usize = std::env::var("COPY_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(20_000);
    let harness = Harness::new("copy-speed");
    make_accounts(&harness);
    let mut client = harness.client();
    let mut script = String::from("COPY accounts FROM STDIN;\n");
    for row in 1..=rows {
        script.push_str(&format!("{row}\t{}\t0\t\n", row / 100_000 + 1));
    }
    script.push_str("\\.\n");
    let started = Instant::now();
    let printed = client.run(&script);
    println!("{rows} rows in {:?}", started.elapsed());
    assert_eq!(printed, format!("COPY {rows}\n"));
    let stored = harness.instance.database().statistics(TableId(20000)).expect("statistics").rows;
    assert_eq!(stored, rows as u64);
    let again = client.run("COPY accounts FROM STDIN;\n7\t1\t0\t\n\\.\n");
    assert_eq!(again, "ERROR:  duplicate key value violates unique constraint \"accounts_pkey\"\n");
    let short = client.run("COPY accounts FROM STDIN;\n8\t1\n\\.\n");
    assert_eq!(short, "ERROR:  missing data for column \"abalance\"\n");
    let wrong = client.run("COPY accounts FROM STDIN;\nx\t1\t0\t\n\\.\n");
    assert_eq!(wrong, "ERROR:  invalid input syntax for type integer: \"x\"\n");
}

#[test]
fn rows_are_read_and_changed_by_key() {
    let harness = Harness::new("by-key");
    make_accounts(&harness);
    let mut client = harness.client();
    let printed = client.run(
        "INSERT INTO accounts VALUES (1, 1, 10, 'a'), (2, 1, 20, 'b') RETURNING aid, abalance + 1 AS more;
         SELECT abalance FROM accounts WHERE aid = 2;
         UPDATE accounts SET abalance = abalance + -5 WHERE aid = 2;
         UPDATE accounts SET abalance = 7 WHERE aid = 1 RETURNING abalance, bid;
         UPDATE accounts SET abalance = abalance + 1;
         SELECT aid, abalance FROM accounts ORDER BY aid;
         SELECT aid FROM accounts WHERE aid IN (2, 1, 9) ORDER BY 1;
         INSERT INTO accounts VALUES (1, 1, 1, 'x');
         INSERT INTO accounts VALUES (1, 1, 1, 'x') ON CONFLICT (aid) DO UPDATE SET abalance = excluded.abalance RETURNING *;
         DELETE FROM accounts WHERE aid = 2 RETURNING aid;
         BEGIN; DELETE FROM accounts; SELECT count(*) FROM accounts; ROLLBACK; SELECT count(*) FROM accounts;",
    );
    let filler = " ".repeat(83);
    let expected = format!(
        "aid|more\n1|11\n2|21\n(2 rows)\nINSERT 0 2\nabalance\n20\n(1 row)\nUPDATE 1\n\
         abalance|bid\n7|1\n(1 row)\nUPDATE 1\nUPDATE 2\naid|abalance\n1|8\n2|16\n(2 rows)\n\
         aid\n1\n2\n(2 rows)\n\
         ERROR:  duplicate key value violates unique constraint \"accounts_pkey\"\n\
         aid|bid|abalance|filler\n1|1|1|a{filler}\n(1 row)\nINSERT 0 1\naid\n2\n(1 row)\nDELETE 1\n\
         BEGIN\nDELETE 1\ncount\n0\n(1 row)\nROLLBACK\ncount\n1\n(1 row)\n"
    );
    assert_eq!(printed, expected);
}
