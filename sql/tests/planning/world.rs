//! A database with two small tables, and the way from a hand-made query to its rows as text.

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
use strata_sql::error::{Error, Result};
use strata_sql::evaluate::{Context, Environment, Settings};
use strata_sql::execute::{ExecutionInput, Resources, Uninterrupted, execute, wait_for};
use strata_sql::plan::{Plan, PlanInput, Statistics, explain, plan};
use strata_sql::tree::Query;
use strata_sql::types::{self, OutputSettings, key, oid};

pub const T: u32 = 20_000;
pub const U: u32 = 20_010;

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

/// Row counts as they are.
struct Counts(Arc<Database>);

impl Statistics for Counts {
    fn rows(&self, table: u32) -> f64 {
        if table == T { 1000.0 } else { 500.0 }
    }
    fn distinct(&self, _: u32, _: i16) -> Option<f64> {
        let _ = &self.0;
        None
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
    let class = builtin::default_operator_class(builtin::BTREE, oid::INT4).expect("int4 has a class");
    let key = IndexKey {
        source: IndexSource::Column(attribute),
        name: name.to_owned(),
        type_oid: oid::INT4,
        typmod: -1,
        operator_class: class.oid,
        collation: 0,
        descending: false,
        nulls_first: false,
    };
    let index = Index {
        table,
        method: builtin::BTREE,
        keys: vec![key],
        include: Vec::new(),
        unique,
        primary: unique,
        nulls_not_distinct: false,
        immediate: true,
        predicate: None,
        valid: true,
        clustered: false,
    };
    relation(oid, name, Vec::new(), RelationKind::Index(index))
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
            transaction.create_table(TableId(table), TableSchema { columns, indexes }).expect("a table");
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
        transaction.commit().wait().expect("a commit");
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
        }
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
        let counts = Counts(self.database.clone());
        let input = PlanInput {
            catalog: &self.catalog,
            database: POSTGRES_DATABASE,
            statistics: &counts,
            catalog_at: None,
        };
        plan(query, &input).map(Arc::new)
    }

    /// Executes a plan and counts its rows.
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
