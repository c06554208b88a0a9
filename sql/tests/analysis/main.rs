//! Analysis against PostgreSQL 15's own answers to Parse and Describe: result columns with their types, typmods and
//! attribute numbers, parameter types, and errors with SQLSTATE, position, message and hint.
//!
//! `analysis.txt`, `psql.txt` (the queries of psql's backslash commands) and `clients.txt` (catalog queries of
//! drivers and object mappers) hold PostgreSQL's answers;
//! `analysis_departures.txt` those where this server answers otherwise (`=`), with PostgreSQL's answer after `!`;
//! `time.txt` what PostgreSQL has not. The tables are those of `schema.sql`.

mod fixture;
mod validity;

use std::sync::OnceLock;

use catalog::Snapshot;
use fixture::{environment, path, snapshot};
use strata_sql::Error;
use strata_sql::analyze::{Analyzed, AnalyzedStatement, statement};
use strata_sql::tree::{OutputColumn, Relation, SystemColumn};

fn tables() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(|| snapshot(include_str!("schema.sql")))
}

fn analyze(text: &str) -> Result<Analyzed, Error> {
    let path = path();
    let parsed = strata_sql::parse::parse(text)?;
    let [parsed] = parsed.as_slice() else { return Err(Error::internal("not one statement")) };
    statement(environment(tables(), &path), text, &parsed.statement, parsed.time.as_ref(), &[], true)
}

fn output(statement: &AnalyzedStatement) -> Vec<OutputColumn> {
    match statement {
        AnalyzedStatement::Query(query)
        | AnalyzedStatement::CreateTableAs(query)
        | AnalyzedStatement::Cursor(query) => query.output.clone(),
        AnalyzedStatement::Subscribe(subscribe) => subscribe.query.output.clone(),
        AnalyzedStatement::Insert(insert) => {
            insert.returning.as_ref().map(|r| r.output.clone()).unwrap_or_default()
        }
        AnalyzedStatement::Update(update) => {
            update.returning.as_ref().map(|r| r.output.clone()).unwrap_or_default()
        }
        AnalyzedStatement::Delete(delete) => {
            delete.returning.as_ref().map(|r| r.output.clone()).unwrap_or_default()
        }
        AnalyzedStatement::Copy(_)
        | AnalyzedStatement::Explain(_)
        | AnalyzedStatement::Revert(_)
        | AnalyzedStatement::Utility => Vec::new(),
    }
}

fn type_name(oid: u32) -> String {
    let row = tables().type_by_oid(catalog::bootstrap::POSTGRES_DATABASE, oid);
    row.map_or_else(|| oid.to_string(), |row| row.name.to_string())
}

/// Every query of a statement reads only what is produced below or around.
fn check_validity(text: &str, statement: &AnalyzedStatement) {
    let checked = match statement {
        AnalyzedStatement::Query(query)
        | AnalyzedStatement::CreateTableAs(query)
        | AnalyzedStatement::Cursor(query) => validity::check(query),
        AnalyzedStatement::Subscribe(subscribe) => validity::check(&subscribe.query),
        AnalyzedStatement::Insert(insert) => validity::check(&insert.source),
        AnalyzedStatement::Update(_)
        | AnalyzedStatement::Delete(_)
        | AnalyzedStatement::Copy(_)
        | AnalyzedStatement::Explain(_)
        | AnalyzedStatement::Revert(_)
        | AnalyzedStatement::Utility => Ok(()),
    };
    checked.unwrap_or_else(|error| panic!("{text}: {error}"));
}

fn answer(text: &str) -> String {
    match analyze(text) {
        Ok(analyzed) => {
            check_validity(text, &analyzed.statement);
            let column = |c: &OutputColumn| {
                format!("{}:{}:{}:{}", c.name, type_name(c.ty.oid), c.ty.typmod, c.origin.1)
            };
            let columns: Vec<String> = output(&analyzed.statement).iter().map(column).collect();
            let parameters: Vec<String> = analyzed.parameters.iter().map(|oid| type_name(*oid)).collect();
            format!("OK [{}] ({})", columns.join(" "), parameters.join(" "))
        }
        Err(error) => {
            let report = error.report();
            let hint = report.hint.as_ref().map_or(String::new(), |hint| format!(" HINT {hint}"));
            format!("{} {} {}{hint}", error.state().code(), report.position.unwrap_or(0), error.message())
        }
    }
}

fn check(cases: &str) {
    let mut text = "";
    let mut wrong = Vec::new();
    for line in cases.lines() {
        match line.strip_prefix("= ") {
            Some(expected) => {
                let found = answer(text);
                if found != expected {
                    wrong.push(format!("{text}\n  expected {expected}\n  found    {found}"));
                }
            }
            None if line.starts_with("! ") => {}
            None => text = line,
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn statements_mean_what_they_mean_in_postgresql() {
    check(include_str!("analysis.txt"));
}

#[test]
fn departures_are_the_ones_we_know() {
    check(include_str!("analysis_departures.txt"));
}

#[test]
fn the_queries_of_psql_are_understood() {
    check(include_str!("psql.txt"));
}

#[test]
fn the_catalog_queries_of_clients_are_understood() {
    check(include_str!("clients.txt"));
}

#[test]
fn time_clauses_reach_their_tables_or_are_refused() {
    check(include_str!("time.txt"));
}

fn query(text: &str) -> strata_sql::tree::Query {
    match analyze(text).unwrap_or_else(|error| panic!("{text}: {error}")).statement {
        AnalyzedStatement::Query(query) => query,
        _ => panic!("{text}: no query"),
    }
}

#[test]
fn scans_hold_the_columns_that_are_used() {
    let Relation::Filter { input, .. } = query("select id from people where name = 'a'").relation else {
        panic!("no filter")
    };
    let Relation::Table(scan) = *input else { panic!("no scan") };
    let sources: Vec<_> = scan.columns.iter().map(|column| column.source).collect();
    assert_eq!(sources, [SystemColumn::Attribute(1), SystemColumn::Attribute(2)]);
}

#[test]
fn row_locks_stand_below_the_limit_and_above_the_sort() {
    let relation = query("select id from people order by id limit 1 for update skip locked").relation;
    let Relation::Limit { input, .. } = relation else { panic!("no limit") };
    let Relation::LockRows { input, clauses } = *input else { panic!("no locks") };
    assert_eq!(clauses.len(), 1);
    assert!(matches!(*input, Relation::Sort { .. }));
}

#[test]
fn inserted_values_are_whole_rows() {
    let text = "insert into orders (note, person) values ('x', 1), (default, 2)";
    let AnalyzedStatement::Insert(insert) = analyze(text).expect("an insert").statement else {
        panic!("no insert")
    };
    let Relation::Values { columns, rows } = &insert.source.relation else { panic!("no values") };
    // id, person, amount, placed, note: all but the generated total.
    assert_eq!(insert.columns, [1, 2, 3, 4, 5]);
    assert_eq!(columns.len(), 5);
    assert!(rows.iter().all(|row| row.len() == 5));
    assert_eq!(insert.row.len(), 6);
}

#[test]
fn every_column_number_is_produced_once() {
    let text = "with t as (select id from rich) select a.id, (select count(*) from richer r where r.k = a.id) \
                from t a join t b using (id) join rich c on c.id = a.id group by a.id";
    struct Produced(Vec<u32>);
    impl strata_sql::tree::visit::Visitor for Produced {
        fn relation(&mut self, relation: &mut Relation) -> bool {
            match relation {
                Relation::Table(scan) => self.0.extend(scan.columns.iter().map(|column| column.number.0)),
                Relation::CommonScan { columns, .. } => {
                    self.0.extend(columns.iter().map(|column| column.number.0))
                }
                Relation::Extend { items, .. } => self.0.extend(items.iter().map(|(number, _)| number.0)),
                _ => {}
            }
            true
        }
    }
    let mut produced = Produced(Vec::new());
    strata_sql::tree::visit::walk_query(&mut query(text), &mut produced);
    let count = produced.0.len();
    produced.0.sort_unstable();
    produced.0.dedup();
    assert_eq!(produced.0.len(), count);
}

#[test]
fn plans_know_what_they_depend_on() {
    let analyzed = analyze("select * from richer").expect("a query");
    let tables = tables();
    let path = path();
    for name in ["richer", "rich", "people", "orders"] {
        let relation = tables.find_relation(catalog::bootstrap::POSTGRES_DATABASE, &path, name).expect(name);
        assert!(analyzed.objects.contains(&relation.oid), "{name}");
    }
}

/// Whatever the parser lets through is analyzed without exhausting the stack of a worker thread.
#[test]
fn the_deepest_statements_fit_a_small_stack() {
    let nested = |open: &str, close: &str, n: usize| format!("select {}1{}", open.repeat(n), close.repeat(n));
    let texts = [
        format!("select {}", vec!["1"; 980].join("+")),
        format!("select {}", vec!["'a'::text"; 980].join("||")),
        format!("select 1 from people where {}", vec!["id = 1"; 20_000].join(" or ")),
        vec!["select 1"; 240].join(" union all "),
        nested("abs(", ")", 95),
        nested("(select ", ")", 60),
        nested("case when true then ", " end", 190),
        format!("select 1{}", "::int".repeat(980)),
    ];
    let run =
        move || texts.iter().map(|text| analyze(text).map(drop)).collect::<Result<Vec<_>, _>>().map(drop);
    // Frames of an unoptimised build are several times as large.
    let size = if cfg!(debug_assertions) { 32 << 20 } else { 2 << 20 };
    let thread = std::thread::Builder::new().stack_size(size).spawn(run).expect("a thread");
    thread.join().expect("no overflow").expect("analyzed");
}
