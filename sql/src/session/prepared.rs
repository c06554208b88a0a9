//! Prepared statements: parsed once, analyzed for a catalog, analyzed anew when the catalog has changed.

use std::sync::Arc;

use catalog::Snapshot;
use engine::{RelationLockMode, TableId, Value};
use parking_lot::Mutex;

use super::frontend::analyze;
use super::row::RowDescription;
use super::session::Session;
use crate::analyze::{AnalyzedStatement, PastUse};
use crate::dml::{CompiledDelete, CompiledInsert, CompiledUpdate};
use crate::error::{Error, Result, SqlState};
use crate::nearest::NearestQuery;
use crate::parse::syntax::{Expression, Statement};
use crate::plan::Plan;
use crate::point::PointScan;
use crate::tree::{ConflictAction, Insert, Returning};

/// A statement, named or not.
pub struct Prepared {
    pub text: Arc<str>,
    /// `None` for an empty query.
    pub statement: Option<Arc<Statement>>,
    /// AS OF SYSTEM TIME of the statement.
    pub time: Option<Expression>,
    /// Types given by the client, 0 where it gave none.
    pub declared: Vec<u32>,
    /// Whether there may be parameters beyond the declared ones.
    pub open: bool,
    /// Whether its rows must keep their shape: it has a name by which clients know it.
    pub fixed: bool,
    /// It may hold a literal like 'now', so that a shared analysis of it would grow stale.
    names_a_time: bool,
    analysis: Mutex<Option<Arc<Analysis>>>,
}

/// What a statement means under one catalog and search path.
pub struct Analysis {
    pub(super) generation: u64,
    pub(super) search_path: Arc<[Arc<str>]>,
    pub parameters: Vec<u32>,
    /// Oids of what the meaning rests on today, relations among them.
    pub objects: Vec<u32>,
    /// What it reads in the past.
    pub past: Vec<PastUse>,
    /// The moment of strata.as_of that it was made for.
    pub(super) default_moment: Option<i64>,
    /// The relation locks that an execution takes first.
    pub locks: Vec<(TableId, RelationLockMode)>,
    /// Of the rows, all in text form; `None` where there are none.
    pub description: Option<Arc<RowDescription>>,
    pub work: Work,
}

/// What has to be done.
pub enum Work {
    Query {
        plan: Arc<Plan>,
        point: Option<Arc<PointScan>>,
        /// The search for neighbours that it is.
        nearest: Option<Arc<NearestQuery>>,
        locks_rows: bool,
        /// The tables whose rows it locks.
        locked: Vec<u32>,
    },
    Insert {
        insert: Arc<CompiledInsert>,
        plan: Option<Arc<Plan>>,
    },
    Update {
        update: Arc<CompiledUpdate>,
        plan: Arc<Plan>,
        point: Option<Arc<PointScan>>,
    },
    Delete {
        delete: Arc<CompiledDelete>,
        plan: Arc<Plan>,
        point: Option<Arc<PointScan>>,
    },
    /// Run from its syntax.
    Utility,
}

impl Work {
    /// The command's name in its tag.
    pub fn command(&self) -> &'static str {
        match self {
            Work::Query { .. } => "SELECT",
            Work::Insert { .. } => "INSERT",
            Work::Update { .. } => "UPDATE",
            Work::Delete { .. } => "DELETE",
            Work::Utility => "",
        }
    }

    pub fn writes(&self) -> bool {
        matches!(self, Work::Insert { .. } | Work::Update { .. } | Work::Delete { .. })
    }
}

impl Prepared {
    /// A statement without parameters.
    pub fn new(text: Arc<str>, statement: Option<Arc<Statement>>) -> Prepared {
        Prepared {
            names_a_time: names_a_time(&text),
            text,
            statement,
            time: None,
            declared: Vec::new(),
            open: false,
            fixed: false,
            analysis: Mutex::new(None),
        }
    }

    /// The same statement with parameters of the given types, and more where it has more.
    pub fn with_parameters(mut self, declared: Vec<u32>) -> Prepared {
        self.declared = declared;
        self.open = true;
        self
    }

    /// The types of its parameters, as far as they are known.
    pub(super) fn parameter_types(&self) -> Vec<u32> {
        let analysis = self.analysis.lock();
        analysis.as_ref().map_or_else(|| self.declared.clone(), |analysis| analysis.parameters.clone())
    }

    /// Forgets what the statement was found to mean.
    pub(super) fn forget_analysis(&self) {
        *self.analysis.lock() = None;
    }

    /// The same statement as of a moment.
    pub fn at_time(mut self, time: Option<Expression>) -> Prepared {
        self.time = time;
        self
    }
}

impl Session {
    /// The meaning of a statement as of now.
    pub(super) fn analysis(&self, prepared: &Prepared) -> Result<Arc<Analysis>> {
        let known = prepared.analysis.lock().clone();
        if let Some(known) = &known
            && (prepared.fixed || !prepared.names_a_time)
            && known.generation == self.catalog().generation()
            && *known.search_path == *self.shared.evaluated().search_path
            && known.default_moment == self.default_moment()?
        {
            return Ok(known.clone());
        }
        let analysis = self.analysis_under(prepared, None)?;
        if let Some(known) = &known
            && prepared.fixed
            && known.description != analysis.description
        {
            return Err(Error::new(SqlState::FeatureNotSupported, "cached plan must not change result type"));
        }
        let analysis = Arc::new(analysis);
        *prepared.analysis.lock() = Some(analysis.clone());
        Ok(analysis)
    }

    /// The meaning of a statement, under the values of its parameters where they are known.
    pub(super) fn analysis_under(
        &self,
        prepared: &Prepared,
        parameters: Option<&Arc<[Value]>>,
    ) -> Result<Analysis> {
        let generation = self.catalog().generation();
        let default_moment = self.default_moment()?;
        let catalog = self.shown_catalog(default_moment)?;
        let search_path = self.shared.evaluated().search_path.clone();
        let Some(statement) = &prepared.statement else {
            return Err(Error::internal("an empty query has no meaning"));
        };
        let analyzed = analyze(self, prepared, statement, parameters)?;
        let (objects, past) = (analyzed.objects, analyzed.past);
        let changes_keys = match &analyzed.statement {
            AnalyzedStatement::Insert(insert) => updates_on_conflict(insert),
            _ => true,
        };
        let (description, work) = self.work_of(analyzed.statement, statement, &catalog, &past)?;
        let locks = self.locks_of(&catalog, &objects, &work, changes_keys);
        Ok(Analysis {
            generation,
            search_path,
            parameters: analyzed.parameters,
            objects,
            past,
            default_moment,
            locks,
            description: description.map(Arc::new),
            work,
        })
    }

    /// What has to be done for an analyzed statement, and how its rows look.
    fn work_of(
        &self,
        analyzed: AnalyzedStatement,
        statement: &Statement,
        catalog: &Arc<Snapshot>,
        past: &[PastUse],
    ) -> Result<(Option<RowDescription>, Work)> {
        let database = self.shared.entry.database_oid;
        let models = self.shared.instance.models();
        let plan = |query: &crate::tree::Query| -> Result<Arc<Plan>> {
            self.plan_query(query, catalog, past).map(Arc::new)
        };
        let rows = |returning: Option<&Returning>| {
            returning.map(|returning| self.describe_output(&returning.output))
        };
        Ok(match analyzed {
            AnalyzedStatement::Query(query) => {
                let description = self.describe_output(&query.output);
                let locks_rows = super::frontend::locks_rows(&query.relation);
                let plan = plan(&query)?;
                let point = if locks_rows { None } else { PointScan::recognise(&plan).map(Arc::new) };
                let nearest = if locks_rows { None } else { NearestQuery::recognise(&plan).map(Arc::new) };
                let locked = super::admission::locked_tables(&query);
                (Some(description), Work::Query { plan, point, nearest, locks_rows, locked })
            }
            AnalyzedStatement::Insert(insert) => {
                let model = models.get(catalog, database, insert.table)?;
                let compiled = CompiledInsert::new(&insert, model)?;
                let source = if compiled.values.is_some() { None } else { Some(plan(&compiled.source)?) };
                let description = rows(insert.returning.as_ref());
                (description, Work::Insert { insert: Arc::new(compiled), plan: source })
            }
            AnalyzedStatement::Update(update) => {
                let model = models.get(catalog, database, update.target.table)?;
                let compiled = CompiledUpdate::new(&update, model)?;
                let plan = plan(&compiled.source)?;
                let description = rows(update.returning.as_ref());
                let point = PointScan::recognise_present(&plan).map(Arc::new);
                (description, Work::Update { update: Arc::new(compiled), plan, point })
            }
            AnalyzedStatement::Delete(delete) => {
                let model = models.get(catalog, database, delete.target.table)?;
                let compiled = CompiledDelete::new(&delete, model)?;
                let plan = plan(&compiled.source)?;
                let description = rows(delete.returning.as_ref());
                let point = PointScan::recognise_present(&plan).map(Arc::new);
                (description, Work::Delete { delete: Arc::new(compiled), plan, point })
            }
            AnalyzedStatement::Subscribe(subscription) => match statement {
                Statement::Subscribe(subscribe) => {
                    (Some(self.describe_feed(subscribe, &subscription.query.output)?), Work::Utility)
                }
                _ => (self.describe_utility(statement)?, Work::Utility),
            },
            AnalyzedStatement::CreateTableAs(_)
            | AnalyzedStatement::Cursor(_)
            | AnalyzedStatement::Copy(_)
            | AnalyzedStatement::Explain(_)
            | AnalyzedStatement::Revert(_)
            | AnalyzedStatement::Utility => (self.describe_utility(statement)?, Work::Utility),
        })
    }
}

/// ON CONFLICT DO UPDATE.
fn updates_on_conflict(insert: &Insert) -> bool {
    insert.conflict.as_ref().is_some_and(|conflict| matches!(conflict.action, ConflictAction::Update(_)))
}

/// Whether a text may hold a literal whose meaning is the time at which it is read.
fn names_a_time(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains('\'') && ["now", "today", "tomorrow", "yesterday"].iter().any(|word| lower.contains(word))
}
