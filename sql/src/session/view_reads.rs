//! Materialized views in a statement: whether their stored rows are the answer at its moments, or their queries.
//!
//! A plan is made for the stored rows. Once a statement has its snapshot, each view that it reads is looked at: where
//! something beneath has changed since the view's newest step, or the transaction has itself written there, the statement
//! is planned anew for this execution with the view's query in its place. At SERIALIZABLE the query always stands there,
//! so that a read of a view is a read of what is beneath it.

use std::sync::Arc;

use catalog::{Relation, Snapshot};
use engine::{Isolation, Past, TableId, Timestamp, Value};

use super::engine_error;
use super::session::Session;
use crate::analyze::{self, ViewRead};
use crate::error::{Error, Result, SqlState};
use crate::execute::{MomentValue, evaluate_moment};
use crate::plan::Plan;
use crate::tree::TimeClause;
use crate::types::InputSettings;
use crate::view::{Freshness, beneath, freshness};

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
}

impl Session {
    /// The plan to run in the place of one that reads materialized views. The statement has begun, its moments are
    /// settled.
    pub(super) fn plan_for_views(
        &mut self,
        plan: &Arc<Plan>,
        parameters: &Arc<[Value]>,
    ) -> Result<Arc<Plan>> {
        let Some(query) = plan.of_views.clone() else { return Ok(plan.clone()) };
        let context = self.context(parameters.clone())?;
        let catalog = context.environment.catalog();
        let newest = self.shared.instance.snapshot();
        let (own, newest, isolation) = self
            .transaction()?
            .with(|transaction| (transaction.view(), transaction.view_at(newest), transaction.isolation()))?;
        let database = self.shared.entry.database_oid;
        let serializable = isolation == Isolation::Serializable;
        let mut reader = Reader { newest, own, serializable, database, differs: false };
        let names = self.names_in(catalog.clone());
        let settings = self.shared.evaluated();
        let past = |clause: &TimeClause| self.past_catalog(clause, Some(parameters));
        let environment = analyze::Environment {
            catalog: &catalog,
            database,
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
                Some(clause) => Some(self.moment_of(clause, &context)?),
            };
            let known = match at {
                Some(at) => self.shared.instance.store().at(at).map_err(crate::ddl::catalog_error)?,
                None => catalog.clone(),
            };
            reader.decide(relation, at, &known)
        };
        let query = analyze::read_views(environment, &query, None, &mut decide)?;
        if !reader.differs {
            return Ok(plan.clone());
        }
        let catalog_at = |clause: &TimeClause| {
            Ok(self.past_catalog(clause, Some(parameters))?.unwrap_or_else(|| catalog.clone()))
        };
        self.plan_with(&query, &catalog, &catalog_at).map(Arc::new)
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
            let message = format!("materialized view \"{}\" has not been populated", relation.name);
            return Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message)
                .hint("Use the REFRESH MATERIALIZED VIEW command."));
        }
        if relation.as_maintained_view().is_none() {
            return Ok(ViewRead::Stored(None));
        }
        if at.is_none() && (self.serializable || self.has_written_beneath(catalog, relation.oid)) {
            self.differs = true;
            return Ok(ViewRead::Query);
        }
        let moment = at.unwrap_or_else(|| self.own.timestamp());
        Ok(match freshness(&self.newest, catalog, self.database, relation.oid, moment)? {
            // No later step can have been committed by then: it would have been found.
            Freshness::Exact(step) if step.commit <= moment => ViewRead::Stored(None),
            Freshness::Exact(step) => {
                self.differs = true;
                ViewRead::Stored(Some(crate::view::as_of(step.commit)))
            }
            Freshness::Behind(_) | Freshness::Unknown => {
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
