//! Evaluating queries at moments, outside of any session.
//!
//! A maintained view's query depends on its tables alone, so that no setting, role or parameter matters: expressions see
//! the default settings, and whoever asks for anything of a session is refused.

use std::sync::Arc;

use catalog::{Catalog, ObjectKey, Snapshot};
use engine::{Database, ReadView, Timestamp, Transaction, Value};
use futures::StreamExt;
use parking_lot::Mutex;

use crate::analyze::{self, ViewRead};
use crate::dml::rows_of;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Context, Environment, Settings};
use crate::execute::{
    Batches, ExecutionInput, Interrupt, MomentValue, PastView, Resources, Uninterrupted, evaluate_moment,
    execute,
};
use crate::plan::{self, Plan, PlanInput, Statistics};
use crate::session::names::CatalogNames;
use crate::tree::{Expression, ExpressionKind, Query, TimeClause, Type};
use crate::types::{InputSettings, Names, oid};

/// Evaluates queries over one database.
pub(crate) struct Evaluator {
    engine: Arc<Database>,
    store: Arc<Catalog>,
    resources: Arc<Resources>,
    database: u32,
    interrupt: Arc<dyn Interrupt>,
    /// Keeps what its views show findable.
    reader: Mutex<Transaction>,
}

/// Row counts as the engine knows them.
struct Counts<'a>(&'a Database);

impl Statistics for Counts<'_> {
    fn rows(&self, table: u32) -> f64 {
        self.0.statistics(engine::TableId(table)).map_or(1000.0, |statistics| statistics.rows as f64)
    }
}

/// The clause that reads as of a moment. Moments of views are published ones: ends of microseconds.
pub(crate) fn as_of(at: Timestamp) -> TimeClause {
    TimeClause::AsOf(Expression {
        kind: ExpressionKind::Constant(Value::Int64(at.micros())),
        ty: Type::new(oid::TIMESTAMPTZ),
        collation: 0,
        position: None,
    })
}

/// The moment of a clause that [`as_of`] could have made.
pub(crate) fn constant_moment(clause: &TimeClause) -> Option<Timestamp> {
    match clause {
        TimeClause::AsOf(Expression { kind: ExpressionKind::Constant(Value::Int64(micros)), .. }) => {
            Some(Timestamp::from_micros(*micros))
        }
        TimeClause::AsOf(_) | TimeClause::FromTo(_, _) | TimeClause::Between(_, _) | TimeClause::All => None,
    }
}

/// The refusal of a materialized view that was made or left WITH NO DATA.
pub(crate) fn unpopulated(name: &str) -> Error {
    let message = format!("materialized view \"{name}\" has not been populated");
    Error::new(SqlState::ObjectNotInPrerequisiteState, message)
        .hint("Use the REFRESH MATERIALIZED VIEW command.")
}

impl Evaluator {
    pub fn new(
        engine: Arc<Database>,
        store: Arc<Catalog>,
        resources: Arc<Resources>,
        database: u32,
    ) -> Evaluator {
        let reader = Mutex::new(engine.begin(engine::Isolation::ReadCommitted, true));
        Evaluator { engine, store, resources, database, interrupt: Arc::new(Uninterrupted), reader }
    }

    /// Has its queries stop when somebody says so.
    pub fn interrupted_by(self, interrupt: Arc<dyn Interrupt>) -> Evaluator {
        Evaluator { interrupt, ..self }
    }

    pub fn database(&self) -> u32 {
        self.database
    }

    /// About how many rows a table has.
    pub fn rows_of_table(&self, table: u32) -> u64 {
        self.engine.statistics(engine::TableId(table)).map_or(0, |statistics| statistics.rows as u64)
    }

    /// The catalog at a moment.
    pub fn catalog_at(&self, at: Timestamp) -> Result<Arc<Snapshot>> {
        self.store.at(at).map_err(crate::ddl::catalog_error)
    }

    /// When the versions began, in microseconds, that an object had in a period.
    pub fn versions_began(&self, key: &ObjectKey, from: Timestamp, to: Timestamp) -> Result<Vec<i64>> {
        let versions = self.store.versions_of(key, from, to).map_err(crate::ddl::catalog_error)?;
        Ok(versions.into_iter().map(|(began, _)| began).collect())
    }

    /// What was committed up to a published moment.
    pub fn view_at(&self, at: Timestamp) -> ReadView {
        self.reader.lock().view_at(at)
    }

    /// The query of a view with everything beneath it expanded down to tables, each read as of `at`.
    pub fn definition_at(&self, view: u32, at: Timestamp) -> Result<Query> {
        let catalog = self.catalog_at(at)?;
        let missing = || Error::internal(format!("materialized view {view} is gone"));
        let relation = catalog.relation(self.database, view).ok_or_else(missing)?;
        let stored = &relation.as_view().ok_or_else(missing)?.query;
        self.expanded_at(&analyze::stored_query(stored)?, at)
    }

    /// A query in stored form with everything beneath it expanded, each table read as of `at`.
    pub fn expanded_at(&self, query: &Query, at: Timestamp) -> Result<Query> {
        let catalog = self.catalog_at(at)?;
        let names = CatalogNames::new(catalog.clone(), self.database, Arc::from([]));
        let settings = Settings::default();
        let past = |clause: &TimeClause| match constant_moment(clause) {
            Some(at) => self.catalog_at(at).map(Some),
            None => Ok(None),
        };
        let environment = analyze::Environment {
            catalog: &catalog,
            database: self.database,
            search_path: &[],
            input: InputSettings::new(&settings, at.micros(), &names),
            past: Some(&past),
            versions: None,
            met: None,
            default_moment: None,
        };
        let mut decide = |relation: &catalog::Relation, _: Option<&TimeClause>| {
            if relation.as_materialized_view().is_some_and(|view| !view.populated) {
                return Err(unpopulated(&relation.name));
            }
            Ok(match relation.as_maintained_view() {
                Some(_) => ViewRead::Query,
                None => ViewRead::Stored(None),
            })
        };
        analyze::read_views(environment, query, Some(as_of(at)), &mut decide)
    }

    pub fn plan(&self, query: &Query, catalog: &Arc<Snapshot>) -> Result<Arc<Plan>> {
        let catalog_at = |clause: &TimeClause| match constant_moment(clause) {
            Some(at) => self.catalog_at(at),
            None => Ok(catalog.clone()),
        };
        let input = PlanInput {
            catalog,
            database: self.database,
            statistics: &Counts(&self.engine),
            catalog_at: Some(&catalog_at),
        };
        plan::plan(query, &input).map(Arc::new)
    }

    /// What expressions see.
    pub fn context(&self, catalog: &Arc<Snapshot>, at: Timestamp) -> Context {
        Context {
            settings: Arc::new(Settings::default()),
            parameters: Arc::from([]),
            transaction_micros: at.micros(),
            statement_micros: at.micros(),
            environment: Arc::new(Alone { catalog: catalog.clone(), database: self.database, at }),
        }
    }

    /// Starts a query whose scans all say which moment they read.
    pub fn start(&self, query: &Query, at: Timestamp) -> Result<Batches> {
        let catalog = self.catalog_at(at)?;
        let plan = self.plan(query, &catalog)?;
        let context = self.context(&catalog, at);
        let mut past = Vec::with_capacity(plan.moments.len());
        for clause in &plan.moments {
            match evaluate_moment(clause, &context)? {
                MomentValue::At(micros) => {
                    past.push(PastView::At(self.view_at(Timestamp::from_micros(micros))));
                }
                MomentValue::Until { .. } | MomentValue::Through { .. } | MomentValue::All => {
                    return Err(Error::internal("a period in the query of a view"));
                }
            }
        }
        let input = ExecutionInput {
            view: self.view_at(at),
            past,
            context: Arc::new(context),
            resources: self.resources.clone(),
            interrupt: self.interrupt.clone(),
            system: None,
            locks: None,
            substitutes: Vec::new(),
            meters: None,
        };
        execute(&plan, input)
    }

    /// All rows of a query.
    pub async fn rows(&self, query: &Query, at: Timestamp) -> Result<Vec<Vec<Value>>> {
        let mut batches = self.start(query, at)?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            rows.append(&mut rows_of(&batch?)?);
        }
        Ok(rows)
    }
}

/// An environment without a session.
struct Alone {
    catalog: Arc<Snapshot>,
    database: u32,
    at: Timestamp,
}

/// The refusal of what only a session has.
fn no_session<T>(what: &str) -> Result<T> {
    let message = format!("{what} is not available to the query of a maintained view");
    Err(Error::new(SqlState::FeatureNotSupported, message))
}

impl Environment for Alone {
    fn catalog(&self) -> Arc<Snapshot> {
        self.catalog.clone()
    }

    fn database(&self) -> u32 {
        self.database
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(CatalogNames::new(self.catalog.clone(), self.database, Arc::from([])))
    }

    fn current_user(&self) -> Arc<str> {
        Arc::from("")
    }

    fn session_user(&self) -> Arc<str> {
        Arc::from("")
    }

    fn backend_pid(&self) -> i32 {
        0
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    fn set_setting(&self, _: &str, _: &str, _: bool) -> Result<()> {
        no_session("set_config")
    }

    fn next_value(&self, _: u32) -> Result<i64> {
        no_session("nextval")
    }

    fn current_value(&self, _: u32) -> Result<i64> {
        no_session("currval")
    }

    fn last_value(&self) -> Result<i64> {
        no_session("lastval")
    }

    fn set_value(&self, _: u32, _: i64, _: bool) -> Result<()> {
        no_session("setval")
    }

    fn clock_micros(&self) -> i64 {
        self.at.micros()
    }

    fn system_call(&self, _: u32, _: &[Value]) -> Result<Value> {
        no_session("live state")
    }
}
