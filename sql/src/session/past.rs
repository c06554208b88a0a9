//! Reading the past: the moments of a statement, the catalogs of those moments, and who may read what is gone.
//!
//! A time clause is analyzed against the catalog of its moment. The moment may still move (it may name a parameter, or
//! depend on now()), and may not be settled yet; so before a statement runs, its moments are settled and the relations
//! found under them are compared with those it was analyzed for. Where they differ it is analyzed anew, with the values
//! of its parameters: a client that was told another shape of rows gets an error instead.

use std::sync::Arc;

use catalog::{ObjectKey, Snapshot};
use engine::{Past, Timestamp, Value};

use super::engine_error;
use super::prepared::{Analysis, Prepared, Work};
use super::session::Session;
use crate::analyze::PastUse;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{CompiledExpression, Context};
use crate::execute::{MomentValue, PastView, evaluate_moment, moment_of};
use crate::tree::TimeClause;
use crate::types::{self, InputSettings, oid};

fn catalog_failure(error: catalog::store::Error) -> Error {
    crate::ddl::catalog_error(error)
}

/// The moment whose catalog gives the shapes of a clause: its own, or the end of its period. None is today.
fn shape_moment(value: MomentValue) -> Option<Timestamp> {
    match value {
        MomentValue::At(micros) | MomentValue::Through { from: _, to: micros } => {
            Some(Timestamp::from_micros(micros))
        }
        MomentValue::Until { from: _, to } => Some(Timestamp::before_micros(to)),
        MomentValue::All => None,
    }
}

fn has_parameter(clause: &TimeClause) -> bool {
    let in_expression = |moment| {
        crate::plan::walk::any(moment, &mut |part| {
            matches!(part.kind, crate::tree::ExpressionKind::Parameter(_))
        })
    };
    match clause {
        TimeClause::AsOf(moment) => in_expression(moment),
        TimeClause::FromTo(from, to) | TimeClause::Between(from, to) => {
            in_expression(from) || in_expression(to)
        }
        TimeClause::All => false,
    }
}

impl Session {
    /// The moment of strata.as_of, in microseconds since 2000-01-01 UTC.
    pub(super) fn default_moment(&self) -> Result<Option<i64>> {
        let derived = self.shared.derived();
        let Some(text) = &derived.as_of else { return Ok(None) };
        let names = self.names();
        let settings = InputSettings::new(&derived.settings, self.now_for_input(), &names);
        match types::input(oid::TIMESTAMPTZ, -1, text, &settings)? {
            Value::Int64(micros) => Ok(Some(micros)),
            _ => Err(Error::internal("a moment is a timestamptz")),
        }
    }

    /// The catalog that statements are analyzed against: of the moment of strata.as_of, else the session's own.
    pub(super) fn shown_catalog(&self, moment: Option<i64>) -> Result<Arc<Snapshot>> {
        match moment {
            Some(micros) => {
                let at = Timestamp::from_micros(micros);
                self.shared.instance.store().at(at).map_err(catalog_failure)
            }
            None => Ok(self.catalog()),
        }
    }

    /// The catalog of a time clause; None where it is today's, or where a parameter is not known yet.
    pub(super) fn past_catalog(
        &self,
        clause: &TimeClause,
        parameters: Option<&Arc<[Value]>>,
    ) -> Result<Option<Arc<Snapshot>>> {
        let parameters = match parameters {
            Some(known) => known.clone(),
            None if has_parameter(clause) => return Ok(None),
            None => Arc::from([]),
        };
        let context = self.context_in(self.catalog(), parameters)?;
        let Some(at) = shape_moment(evaluate_moment(clause, &context)?) else { return Ok(None) };
        self.shared.instance.store().at(at).map(Some).map_err(catalog_failure)
    }

    /// The versions of a relation up to the end of a time clause, oldest first; up to now where a parameter is not
    /// known yet.
    pub(super) fn versions_until(
        &self,
        relation: u32,
        clause: &TimeClause,
        parameters: Option<&Arc<[Value]>>,
    ) -> Result<Vec<(i64, catalog::Relation)>> {
        let now = self.shared.instance.snapshot();
        let to = match parameters {
            None if has_parameter(clause) => now,
            known => {
                let context =
                    self.context_in(self.catalog(), known.cloned().unwrap_or_else(|| Arc::from([])))?;
                shape_moment(evaluate_moment(clause, &context)?).unwrap_or(now).min(now)
            }
        };
        let key = ObjectKey::Relation { database: self.shared.entry.database_oid, oid: relation };
        let versions = self.shared.instance.store().versions_of(&key, Timestamp::ZERO, to);
        let versions = versions.map_err(catalog_failure)?.into_iter();
        Ok(versions
            .filter_map(|(began, object)| match object {
                catalog::Object::Relation(relation) => Some((began, *relation)),
                _ => None,
            })
            .collect())
    }

    /// Waits until nothing can be committed at or before a moment any more.
    pub(super) async fn settled(&self, at: Timestamp) -> Result<Timestamp> {
        loop {
            match self.shared.instance.database().past(at).map_err(engine_error)? {
                Past::Ready(at) => return Ok(at),
                Past::Wait(ticket) => crate::dml::wait(ticket, &self.shared.entry.cancel).await?,
            }
        }
    }

    /// The meaning of a statement that reads the past, for the moments it is about to read: `analysis` itself, or a
    /// new one made under the values of its parameters. `told`: the client knows the rows of the first.
    pub(super) async fn settle_past(
        &mut self,
        prepared: &Prepared,
        analysis: Arc<Analysis>,
        parameters: &Arc<[Value]>,
        told: bool,
    ) -> Result<Arc<Analysis>> {
        let context = self.context_in(self.catalog(), parameters.clone())?;
        let mut same = true;
        for used in &analysis.past {
            let Some(at) = shape_moment(evaluate_moment(&used.clause, &context)?) else { continue };
            let at = self.settled(at).await?;
            let catalog = self.shared.instance.store().at(at).map_err(catalog_failure)?;
            same &= self.finds_the_same(used, &catalog);
        }
        if same {
            return Ok(analysis);
        }
        let fresh = self.analysis_under(prepared, Some(parameters))?;
        // A parameter was typed, and rows were described, by the first analysis.
        let other = fresh.parameters != analysis.parameters || fresh.description != analysis.description;
        if told && other {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "the rows of the statement have another shape at the moment of its time clause",
            )
            .detail("The statement was described by the present shape of its tables.")
            .hint("Give the moment as a literal instead of a parameter, or prepare the statement anew."));
        }
        Ok(Arc::new(fresh))
    }

    /// The moment of a read by key, and the catalog of then, if that can be had without waiting and `analysis` means
    /// the same under it.
    pub(super) fn settled_at_once(
        &self,
        analysis: &Analysis,
        moment: &CompiledExpression,
        context: &Context,
    ) -> Option<(Timestamp, Arc<Snapshot>)> {
        // The only clause of a read by key is the plan's moment.
        let [used] = analysis.past.as_slice() else { return None };
        let at = Timestamp::from_micros(moment_of(moment, context).ok()?);
        let Past::Ready(at) = self.shared.instance.database().past(at).ok()? else { return None };
        let catalog = self.shared.instance.store().known_at(at)?;
        self.finds_the_same(used, &catalog).then_some((at, catalog))
    }

    /// Whether an analysis means the same at the moments of these parameters, as far as that is known without waiting.
    pub(super) fn means_the_same_at_once(&self, analysis: &Analysis, parameters: &Arc<[Value]>) -> bool {
        if analysis.past.is_empty() {
            return true;
        }
        let Work::Query { point: Some(point), .. } = &analysis.work else { return false };
        let Some(moment) = point.moment() else { return false };
        let Ok(context) = self.context_in(self.catalog(), parameters.clone()) else { return false };
        self.settled_at_once(analysis, moment, &context).is_some()
    }

    fn finds_the_same(&self, used: &PastUse, catalog: &Arc<Snapshot>) -> bool {
        if used.catalog.as_ref().is_some_and(|known| Arc::ptr_eq(known, catalog)) {
            return true;
        }
        let database = self.shared.entry.database_oid;
        used.relations.iter().all(|relation| {
            catalog
                .relation(database, relation.oid)
                .is_some_and(|found| Arc::ptr_eq(found, relation) || found == relation)
        })
    }

    /// The view of a time clause.
    pub(super) async fn past_of(&mut self, moment: MomentValue) -> Result<PastView> {
        Ok(match moment {
            MomentValue::At(micros) => {
                let at = self.settled(Timestamp::from_micros(micros)).await?;
                PastView::At(self.transaction()?.with(|transaction| transaction.view_at(at))?)
            }
            MomentValue::Until { from, to } => {
                let to = self.settled(Timestamp::before_micros(to)).await?;
                self.period(Timestamp::from_micros(from), to)?
            }
            MomentValue::Through { from, to } => {
                let to = self.settled(Timestamp::from_micros(to)).await?;
                self.period(Timestamp::from_micros(from), to)?
            }
            MomentValue::All => {
                let now = self.transaction()?.with(|transaction| transaction.snapshot())?;
                self.period(Timestamp::ZERO, now)?
            }
        })
    }

    fn period(&mut self, from: Timestamp, to: Timestamp) -> Result<PastView> {
        let view = self.transaction()?.with(|transaction| transaction.view_at(to))?;
        Ok(PastView::Period { view, from, to })
    }

    /// The role that owned a relation last, where the relation is gone.
    pub(super) fn last_owner(&self, relation: u32) -> Result<Option<u32>> {
        let key = ObjectKey::Relation { database: self.shared.entry.database_oid, oid: relation };
        let store = self.shared.instance.store();
        let versions = store.versions_of(&key, Timestamp::ZERO, self.shared.instance.snapshot());
        let last = versions.map_err(catalog_failure)?.pop();
        Ok(last.and_then(|(_, object)| match object {
            catalog::Object::Relation(relation) => Some(relation.owner),
            _ => None,
        }))
    }
}
