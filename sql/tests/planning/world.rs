//! A database with two small tables, and the way from a hand-made query to its rows as text. (Trees made by hand take
//! room: a little longer than other files.)

use std::sync::Arc;

use catalog::bootstrap::{POSTGRES_DATABASE, bootstrap};
use catalog::builtin::{self, PUBLIC};
use catalog::{
    Change, Column, Index, IndexKey, IndexSource, Object, Persistence, Relation as CatalogRelation,
    RelationKind, Snapshot, Table,
};
use engine::io::os::OsDisk;
use engine::{
    ColumnId, Configuration, Database, IndexId, IndexSchema, Inserted, Isolation, NewRow, Outcome, TableId,
    TableSchema, Value,
};
use futures::StreamExt;
use strata_sql::analyze::{self, AnalyzedStatement};
use strata_sql::error::{Error, Result};
use strata_sql::evaluate::{Context, Environment, Settings};
use strata_sql::execute::{ExecutionInput, Resources, Uninterrupted, execute, wait_for};
use strata_sql::parse::parse;
use strata_sql::plan::{Plan, PlanInput, Statistics, explain, plan};
use strata_sql::tree::Query;
use strata_sql::types::{self, OutputSettings, key, oid};

pub const T: u32 = 20_000;
pub const U: u32 = 20_010;

type CorpusColumn = (&'static str, u32, i32);
/// Name, unique, keys: attribute number and whether descending.
type CorpusIndex = (&'static str, bool, &'static [(i16, bool)]);

/// What `corpus/query_*.sql` create.
const CORPUS: &[(u32, &str, &[CorpusColumn], &[CorpusIndex])] = &[
    (
        21_000,
        "dept",
        &[("id", oid::INT4, -1), ("name", oid::TEXT, -1), ("budget", oid::NUMERIC, (12 << 16 | 2) + 4)],
        &[("dept_pkey", true, &[(1, false)])],
    ),
    (
        22_000,
        "emp",
        &[
            ("id", oid::INT4, -1),
            ("name", oid::TEXT, -1),
            ("boss", oid::INT4, -1),
            ("dept", oid::INT4, -1),
            ("salary", oid::NUMERIC, (10 << 16 | 2) + 4),
            ("hired", oid::DATE, -1),
            ("grade", oid::BPCHAR, 7),
        ],
        &[
            ("emp_pkey", true, &[(1, false)]),
            ("emp_dept", false, &[(4, false)]),
            ("emp_boss_salary", false, &[(3, false), (5, true)]),
        ],
    ),
    (
        23_000,
        "num",
        &[
            ("k", oid::INT8, -1),
            ("a", oid::INT4, -1),
            ("f", oid::FLOAT8, -1),
            ("n", oid::NUMERIC, -1),
            ("t", oid::TEXT, -1),
            ("ts", oid::TIMESTAMP, -1),
            ("d", oid::INTERVAL, -1),
        ],
        &[("num_pkey", true, &[(1, false)]), ("num_t", true, &[(5, false)])],
    ),
];

fn corpus_tables() -> Vec<Change> {
    let mut changes = Vec::new();
    for (oid, name, columns, indexes) in CORPUS {
        let own = columns
            .iter()
            .enumerate()
            .map(|(at, (name, ty, typmod))| {
                Column::new(at as i16 + 1, oid + 100 + at as u32, *name, *ty, *typmod)
            })
            .collect();
        let kind = RelationKind::Table(Table {
            next_column_id: 1_000_000,
            row_security: false,
            force_row_security: false,
            replica_identity: 'd',
        });
        changes.push(relation(*oid, name, own, kind));
        for (at, (name, unique, keys)) in (1..).zip(*indexes) {
            let keys = keys
                .iter()
                .map(|(attribute, descending)| {
                    index_key(*attribute, columns[*attribute as usize - 1].1, *descending)
                })
                .collect();
            changes.push(relation(oid + at, name, Vec::new(), index_of(*oid, keys, *unique, at == 1)));
        }
    }
    changes
}

/// t(id int4 primary key, a int4 indexed, b text, n numeric) and u(id int4 primary key, t_id int4 indexed, v int4).
pub struct World {
    database: Arc<Database>,
    catalog: Arc<Snapshot>,
    resources: Arc<Resources>,
    directory: std::path::PathBuf,
}

struct Facts(Arc<Snapshot>);

impl Environment for Facts {
    fn catalog(&self) -> Arc<Snapshot> {
        self.0.clone()
    }
    fn database(&self) -> u32 {
        POSTGRES_DATABASE
    }
    fn current_user(&self) -> Arc<str> {
        Arc::from("postgres")
    }
    fn session_user(&self) -> Arc<str> {
        Arc::from("postgres")
    }
    fn backend_pid(&self) -> i32 {
        1
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_setting(&self, _: &str, _: &str, _: bool) -> Result<()> {
        Err(Error::internal("no settings here"))
    }
    fn next_value(&self, _: u32) -> Result<i64> {
        Err(Error::internal("no sequences here"))
    }
    fn current_value(&self, _: u32) -> Result<i64> {
        Err(Error::internal("no sequences here"))
    }
    fn last_value(&self) -> Result<i64> {
        Err(Error::internal("no sequences here"))
    }
    fn set_value(&self, _: u32, _: i64, _: bool) -> Result<()> {
        Err(Error::internal("no sequences here"))
    }
    fn clock_micros(&self) -> i64 {
        0
    }
    fn system_call(&self, _: u32, _: &[Value]) -> Result<Value> {
        Err(Error::internal("no live state here"))
    }
}

/// Row counts as they are, more or less.
struct Counts;

impl Statistics for Counts {
    fn rows(&self, table: u32) -> f64 {
        match table {
            T => 1000.0,
            21_000..=23_000 => 20.0,
            _ => 500.0,
        }
    }
}

fn relation(oid: u32, name: &str, columns: Vec<Column>, kind: RelationKind) -> Change {
    Change::Put(Object::Relation(Box::new(CatalogRelation {
        oid,
        database: POSTGRES_DATABASE,
        schema: PUBLIC,
        name: name.to_owned(),
        owner: 10,
        persistence: Persistence::Permanent,
        acl: None,
        options: Default::default(),
        columns,
        row_type: 0,
        array_type: 0,
        kind,
    })))
}

fn table(oid: u32, name: &str, columns: &[(&str, u32)]) -> Change {
    let columns = columns
        .iter()
        .enumerate()
        .map(|(at, (name, ty))| Column::new(at as i16 + 1, oid + 100 + at as u32, *name, *ty, -1))
        .collect();
    let kind = RelationKind::Table(Table {
        next_column_id: 1_000_000,
        row_security: false,
        force_row_security: false,
        replica_identity: 'd',
    });
    relation(oid, name, columns, kind)
}

fn index(oid: u32, name: &str, table: u32, attribute: i16, unique: bool) -> Change {
    let keys = vec![index_key(attribute, oid::INT4, false)];
    relation(oid, name, Vec::new(), index_of(table, keys, unique, unique))
}

fn index_key(attribute: i16, ty: u32, descending: bool) -> IndexKey {
    let class = builtin::default_operator_class(builtin::BTREE, ty).expect("a class");
    IndexKey {
        source: IndexSource::Column(attribute),
        name: "key".to_owned(),
        type_oid: ty,
        typmod: -1,
        operator_class: class.oid,
        collation: 0,
        descending,
        nulls_first: descending,
    }
}

fn index_of(table: u32, keys: Vec<IndexKey>, unique: bool, primary: bool) -> RelationKind {
    RelationKind::Index(Index {
        table,
        method: builtin::BTREE,
        keys,
        include: Vec::new(),
        unique,
        primary,
        nulls_not_distinct: false,
        immediate: true,
        predicate: None,
        valid: true,
        clustered: false,
    })
}

fn int_key(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    key::append_with_order(oid::INT4, value, false, false, &mut bytes).expect("a key");
    bytes
}

impl World {
    pub fn new() -> World {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("strata-planning-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let environment = OsDisk::environment(&directory).expect("a disk");
        let configuration = Configuration { on_failure: Arc::new(|_| {}), ..Configuration::default() };
        let database = Database::open(configuration, environment).expect("a database");
        let mut changes = bootstrap();
        changes.push(table(
            T,
            "t",
            &[("id", oid::INT4), ("a", oid::INT4), ("b", oid::TEXT), ("n", oid::NUMERIC)],
        ));
        changes.push(index(T + 1, "t_pkey", T, 1, true));
        changes.push(index(T + 2, "t_a", T, 2, false));
        changes.push(table(U, "u", &[("id", oid::INT4), ("t_id", oid::INT4), ("v", oid::INT4)]));
        changes.push(index(U + 1, "u_pkey", U, 1, true));
        changes.push(index(U + 2, "u_t", U, 2, false));
        changes.extend(corpus_tables());
        let catalog = Arc::new(Snapshot::default().apply(&changes));
        let resources = Resources::new(1 << 30).expect("resources");
        let world = World { database, catalog, resources, directory };
        world.fill();
        world
    }

    /// t: 1000 rows, a = id % 10 (NULL for every 7th), b = 'b' || id % 3, n = id % 2 with another scale each time.
    /// u: 500 rows, t_id = id * 2, v = id % 5.
    fn fill(&self) {
        let mut transaction = self.database.begin(Isolation::ReadCommitted, false);
        for (table, indexes) in [(T, [T + 1, T + 2]), (U, [U + 1, U + 2])] {
            let relation = self.catalog.relation(POSTGRES_DATABASE, table).expect("the table");
            let columns = relation
                .columns
                .iter()
                .map(|column| (ColumnId(column.id), types::physical(column.type_oid)))
                .collect();
            let indexes = indexes
                .iter()
                .map(|index| IndexSchema {
                    id: IndexId(*index),
                    unique: index % 10 == 1,
                    primary: index % 10 == 1,
                })
                .collect();
            transaction
                .create_table(TableId(table), TableSchema { columns, indexes, ..TableSchema::default() })
                .expect("a table");
        }
        for id in 1..=1000 {
            let a = if id % 7 == 0 { Value::Null } else { Value::Int32(id % 10) };
            let n = types::input(
                oid::NUMERIC,
                -1,
                ["0", "1", "0.0", "1.00"][id as usize % 4],
                &types::InputSettings::plain(),
            );
            let values = vec![Value::Int32(id), a, Value::from(format!("b{}", id % 3)), n.expect("a number")];
            self.insert(&mut transaction, T, values);
        }
        for id in 1..=500 {
            let values = vec![Value::Int32(id), Value::Int32(id * 2), Value::Int32(id % 5)];
            self.insert(&mut transaction, U, values);
        }
        self.fill_corpus(&mut transaction);
        transaction.commit().wait().expect("a commit");
    }

    /// The tables of the query corpus, their rows made by the very statements of its scripts.
    fn fill_corpus(&self, transaction: &mut engine::Transaction) {
        for (oid, name, columns, indexes) in CORPUS {
            let relation = self.catalog.relation(POSTGRES_DATABASE, *oid).expect("the table");
            let schema = TableSchema {
                columns: relation
                    .columns
                    .iter()
                    .map(|column| (ColumnId(column.id), types::physical(column.type_oid)))
                    .collect(),
                indexes: (1..)
                    .zip(*indexes)
                    .map(|(at, (_, unique, _))| IndexSchema {
                        id: IndexId(oid + at),
                        unique: *unique,
                        primary: at == 1,
                    })
                    .collect(),
                ..TableSchema::default()
            };
            transaction.create_table(TableId(*oid), schema).expect("a table");
            let script = include_str!("../corpus/query_joins.sql");
            let statement = script
                .split(";\n")
                .find_map(|statement| statement.trim().strip_prefix(&format!("INSERT INTO {name} ")))
                .expect("the rows");
            for row in self.query(statement).expect("rows of the corpus") {
                let texts: Vec<&str> = row.split('|').collect();
                let values: Vec<Value> = texts
                    .iter()
                    .zip(*columns)
                    .map(|(text, (_, ty, typmod))| match *text {
                        "" => Value::Null,
                        text => {
                            types::input(*ty, *typmod, text, &types::InputSettings::plain()).expect("a value")
                        }
                    })
                    .collect();
                let keys = (1..)
                    .zip(*indexes)
                    .map(|(at, (_, unique, keys))| {
                        let mut bytes = Vec::new();
                        for (attribute, descending) in *keys {
                            let ty = columns[*attribute as usize - 1].1;
                            let value = &values[*attribute as usize - 1];
                            key::append_with_order(ty, value, *descending, *descending, &mut bytes)
                                .expect("a key");
                        }
                        (IndexId(oid + at), bytes, *unique)
                    })
                    .collect();
                match transaction.insert(TableId(*oid), &NewRow { values, keys }) {
                    Ok(Outcome::Done(Inserted::Row(_))) => {}
                    _ => panic!("a row was refused"),
                }
            }
        }
    }

    fn insert(&self, transaction: &mut engine::Transaction, table: u32, values: Vec<Value>) {
        let keys = vec![
            (IndexId(table + 1), int_key(&values[0]), true),
            (IndexId(table + 2), int_key(&values[1]), false),
        ];
        match transaction.insert(TableId(table), &NewRow { values, keys }) {
            Ok(Outcome::Done(Inserted::Row(_))) => {}
            _ => panic!("a row was refused"),
        }
    }

    fn input(&self, parameters: Vec<Value>) -> ExecutionInput {
        let context = Context {
            settings: Arc::new(Settings::default()),
            parameters: parameters.into(),
            transaction_micros: 0,
            statement_micros: 0,
            environment: Arc::new(Facts(self.catalog.clone())),
        };
        ExecutionInput {
            view: self.database.begin(Isolation::ReadCommitted, true).view(),
            past: Vec::new(),
            context: Arc::new(context),
            resources: self.resources.clone(),
            interrupt: Arc::new(Uninterrupted),
            system: None,
            locks: None,
            substitutes: Vec::new(),
            meters: None,
        }
    }

    /// The typed tree of a query's text.
    pub fn analyze(&self, text: &str) -> Result<Query> {
        let parsed = parse(text)?;
        let statement = &parsed.first().ok_or_else(|| Error::internal("no statement"))?.statement;
        let search_path: Arc<[Arc<str>]> = Arc::from([Arc::from("public")]);
        let environment = analyze::Environment {
            catalog: &self.catalog,
            database: POSTGRES_DATABASE,
            search_path: &search_path,
            input: types::InputSettings::plain(),
            past: None,
            versions: None,
            met: None,
            default_moment: None,
        };
        match analyze::statement(environment, text, statement, None, &[], false)?.statement {
            AnalyzedStatement::Query(query) => Ok(query),
            _ => Err(Error::internal("not a query")),
        }
    }

    /// The same world with another bound on the memory of its executions.
    pub fn with_memory(mut self, bytes: usize) -> World {
        self.resources = Resources::new(bytes).expect("resources");
        self
    }

    /// The rows of a query's text, as `psql -A -t` shows them: NULL as nothing.
    pub fn query(&self, text: &str) -> Result<Vec<String>> {
        let rows = self.try_rows(&self.analyze(text)?)?;
        Ok(rows.into_iter().map(|row| row.replace('∅', "")).collect())
    }

    /// Rows as text, columns apart by a bar.
    pub fn rows(&self, query: &Query) -> Vec<String> {
        self.try_rows(query).expect("the query runs")
    }

    /// The plan of a query.
    pub fn plan(&self, query: &Query) -> Arc<Plan> {
        self.try_plan(query).expect("a plan")
    }

    fn try_plan(&self, query: &Query) -> Result<Arc<Plan>> {
        let counts = Counts;
        let input = PlanInput {
            catalog: &self.catalog,
            database: POSTGRES_DATABASE,
            statistics: &counts,
            catalog_at: None,
        };
        plan(query, &input).map(Arc::new)
    }

    /// Executes a plan and counts its rows.
    #[allow(dead_code, reason = "the example planning_latency runs plans, the tests do not")]
    pub fn run(&self, plan: &Arc<Plan>) -> usize {
        let mut batches = execute(plan, self.input(Vec::new())).expect("an execution");
        let mut rows = 0;
        while let Some(batch) = wait_for(batches.next()) {
            rows += batch.expect("a batch").num_rows();
        }
        rows
    }

    pub fn try_rows(&self, query: &Query) -> Result<Vec<String>> {
        let plan = self.try_plan(query)?;
        let mut batches = execute(&plan, self.input(Vec::new()))?;
        let mut rows = Vec::new();
        while let Some(batch) = wait_for(batches.next()) {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let mut shown = Vec::new();
                for (column, output) in batch.columns().iter().zip(&plan.output) {
                    let value = strata_sql::evaluate::column::value_at(column.as_ref(), row)?;
                    shown.push(match value {
                        Value::Null => "∅".to_owned(),
                        value => types::output(output.ty.oid, &value, &OutputSettings::plain())?,
                    });
                }
                rows.push(shown.join("|"));
            }
        }
        Ok(rows)
    }

    /// The lines of EXPLAIN (COSTS OFF).
    pub fn explain(&self, query: &Query) -> Vec<String> {
        explain(&self.plan(query), false)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
