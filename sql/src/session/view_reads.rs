//! Materialized views in a statement: how each is read at the statement's moments.
//!
//! A plan is made for the stored rows. Once a statement has its snapshot, each view that it reads is looked at: where
//! something beneath has changed since the view's newest step, the stored rows are read with what has changed since laid
//! over them, or, where that cannot be told or is no cheaper, the view's query stands in its place; so too where the
//! transaction has itself written beneath the view. Then the statement is planned anew for this execution. At SERIALIZABLE
//! the query always stands there, so that a read of a view is a read of what is beneath it.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Relation, Snapshot};
use engine::{Isolation, Past, TableId, Timestamp, Value};

use super::engine_error;
use super::rows::joined;
use super::session::Session;
use crate::analyze::{self, StoredChange, ViewRead};
use crate::dml::TableModel;
use crate::error::{Error, Result};
use crate::execute::{MomentValue, evaluate_moment};
use crate::plan::Plan;
use crate::tree::TimeClause;
use crate::types::InputSettings;
use crate::view::{
    Difference, Evaluator, Fault, Freshness, Step, Weighted, beneath, changes_of_view, difference_of,
    freshness, is_planted, rows_beneath,
};

/// Beneath views of fewer rows, the query is no dearer than what has changed.
const FEW_ROWS: u64 = 2_000;
/// The most changes that are laid over stored rows.
const MOST_CHANGES: usize = 10_000;

/// A view at a moment.
type At = (u32, Timestamp);

/// What a statement's views are looked at with.
struct Reader {
    /// The newest moment that is published.
    newest: engine::ReadView,
    /// The statement's own snapshot, with what its transaction has written.
    own: engine::ReadView,
    serializable: bool,
    database: u32,
    /// Whether the plan at hand will not do.
    differs: bool,
    /// Views that have changed since their newest step.
    behind: HashMap<At, Step>,
    /// What has changed in them, where that is known.
    changed: HashMap<At, (Step, Arc<StoredChange>)>,
}

impl Session {
    /// The plan to run in the place of one that reads materialized views. The statement has begun, its moments are
    /// settled.
    pub(super) async fn plan_for_views(
        &mut self,
        plan: &Arc<Plan>,
        parameters: &Arc<[Value]>,
    ) -> Result<Arc<Plan>> {
        let Some(query) = plan.of_views.clone() else { return Ok(plan.clone()) };
        let newest = self.shared.instance.snapshot();
        let (own, newest, isolation) = self
            .transaction()?
            .with(|transaction| (transaction.view(), transaction.view_at(newest), transaction.isolation()))?;
        let mut reader = Reader {
            newest,
            own,
            serializable: isolation == Isolation::Serializable,
            database: self.shared.entry.database_oid,
            differs: false,
            behind: HashMap::new(),
            changed: HashMap::new(),
        };
        let mut decided = self.read_views(&query, &mut reader, parameters)?;
        if !reader.differs {
            return Ok(plan.clone());
        }
        if !reader.behind.is_empty() {
            reader.changed = self.changes_of_views(std::mem::take(&mut reader.behind)).await?;
            if !reader.changed.is_empty() {
                decided = self.read_views(&query, &mut reader, parameters)?;
            }
        }
        let catalog = self.context(parameters.clone())?.environment.catalog();
        let catalog_at = |clause: &TimeClause| {
            Ok(self.past_catalog(clause, Some(parameters))?.unwrap_or_else(|| catalog.clone()))
        };
        self.plan_with(&decided, &catalog, &catalog_at).map(Arc::new)
    }

    /// The query with each view as the reader decides.
    fn read_views(
        &self,
        query: &crate::tree::Query,
        reader: &mut Reader,
        parameters: &Arc<[Value]>,
    ) -> Result<crate::tree::Query> {
        let context = self.context_of(parameters.clone())?;
        let catalog = context.environment.catalog();
        let names = self.names_in(catalog.clone());
        let settings = self.shared.evaluated();
        let past = |clause: &TimeClause| self.past_catalog(clause, Some(parameters));
        let environment = analyze::Environment {
            catalog: &catalog,
            database: reader.database,
            search_path: &settings.search_path,
            input: InputSettings::new(&settings, self.now_for_input(), &names),
            past: Some(&past),
            versions: None,
            met: None,
            default_moment: None,
        };
        let mut decide = |relation: &Relation, clause: Option<&TimeClause>| {
            let at = match clause {
                None => None,
                // Its rows are read as they stand at the clause, a period too.
                Some(_) if relation.as_maintained_view().is_none() => None,
                Some(clause) => Some(self.moment_of(clause, &context)?),
            };
            let known = match at {
                Some(at) => self.shared.instance.store().at(at).map_err(crate::ddl::catalog_error)?,
                None => catalog.clone(),
            };
            reader.decide(relation, at, &known)
        };
        analyze::read_views(environment, query, None, &mut decide)
    }

    /// What has changed in views since their steps, where following that pays. On the pool of queries.
    async fn changes_of_views(
        &self,
        behind: HashMap<At, Step>,
    ) -> Result<HashMap<At, (Step, Arc<StoredChange>)>> {
        let instance = self.shared.instance.clone();
        let database = self.shared.entry.database_oid;
        let few = if self.shared.derived().view_changes { 0 } else { FEW_ROWS };
        let task = self.shared.instance.queries().spawn(async move {
            let evaluator = Evaluator::new(
                instance.database().clone(),
                instance.store().clone(),
                instance.resources().clone(),
                database,
            );
            let mut known = HashMap::new();
            for ((view, at), step) in behind {
                if rows_beneath(&evaluator, view, at)? < few {
                    continue;
                }
                // What cannot be followed, for whatever reason, the query decides.
                let Ok(Some(changes)) = changes_of_view(&evaluator, view, step, at).await else { continue };
                if changes.len() > MOST_CHANGES {
                    continue;
                }
                let stored = stored_difference(&evaluator, view, step, at, changes);
                if let Ok(Some(Difference { deleted: _, writes: gone, inserted: came })) = stored {
                    let change = StoredChange { step: crate::view::as_of(step.commit), gone, came };
                    known.insert((view, at), (step, Arc::new(change)));
                }
            }
            Ok(known)
        });
        joined(task.await)
    }

    /// The settled moment of a clause of AS OF.
    fn moment_of(&self, clause: &TimeClause, context: &crate::evaluate::Context) -> Result<Timestamp> {
        let MomentValue::At(micros) = evaluate_moment(clause, context)? else {
            return Err(Error::internal("a period of a materialized view that is kept exact"));
        };
        match self.shared.instance.database().past(Timestamp::from_micros(micros)).map_err(engine_error)? {
            Past::Ready(at) => Ok(at),
            Past::Wait(_) => Err(Error::internal("the moment of a view was not settled")),
        }
    }
}

/// What changes of a view since a step come to on its stored rows.
fn stored_difference(
    evaluator: &Evaluator,
    view: u32,
    step: Step,
    at: Timestamp,
    changes: Vec<Weighted>,
) -> Result<Option<Difference>> {
    let catalog = evaluator.catalog_at(at)?;
    let model = TableModel::new(&catalog, evaluator.database(), view)?;
    let context = evaluator.context(&catalog, at);
    difference_of(&evaluator.view_at(step.commit), &model, &context, changes)
}

impl Reader {
    /// How a view is read at a moment, or in the statement's own snapshot.
    fn decide(
        &mut self,
        relation: &Relation,
        at: Option<Timestamp>,
        catalog: &Arc<Snapshot>,
    ) -> Result<ViewRead> {
        let Some(view) = relation.as_materialized_view() else {
            return Err(Error::internal("a decision about what is no materialized view"));
        };
        if !view.populated {
            return Err(crate::view::unpopulated(&relation.name));
        }
        if relation.as_maintained_view().is_none() {
            return Ok(ViewRead::Stored(None));
        }
        if at.is_none() && (self.serializable || self.has_written_beneath(catalog, relation.oid)) {
            self.differs = true;
            return Ok(ViewRead::Query);
        }
        let moment = at.unwrap_or_else(|| self.own.timestamp());
        if let Some((_, change)) = self.changed.get(&(relation.oid, moment)) {
            return Ok(ViewRead::Changed(change.clone()));
        }
        Ok(match freshness(&self.newest, catalog, self.database, relation.oid, moment)? {
            // No later step can have been committed by then: it would have been found.
            Freshness::Exact(step) if step.commit <= moment => ViewRead::Stored(None),
            Freshness::Exact(step) => {
                self.differs = true;
                ViewRead::Stored(Some(crate::view::as_of(step.commit)))
            }
            Freshness::Behind(step) if is_planted(Fault::StaleRows) => {
                self.differs = true;
                ViewRead::Stored(Some(crate::view::as_of(step.commit)))
            }
            Freshness::Behind(step) => {
                self.differs = true;
                self.behind.insert((relation.oid, moment), step);
                ViewRead::Query
            }
            Freshness::Unknown => {
                self.differs = true;
                ViewRead::Query
            }
        })
    }

    fn has_written_beneath(&self, catalog: &Snapshot, view: u32) -> bool {
        let below = beneath(catalog, self.database, view);
        below.into_iter().chain([view]).any(|oid| self.own.writes_to(TableId(oid)))
    }
}
