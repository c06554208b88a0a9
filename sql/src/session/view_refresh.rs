//! CREATE and REFRESH MATERIALIZED VIEW: the rows of the view.
//!
//! A view that is kept exact is filled by its first step where the transaction has written nothing beneath it; otherwise,
//! and whenever there is no step, the thread of views makes one later, and reads evaluate the query until then. REFRESH
//! of such a view has nothing to do but to say that it may be read. With `refresh = manual` the rows are those of the last
//! REFRESH, which is part of its transaction and changes only the rows that differ. A view that is kept at a pace has the
//! rows of its last step, whether the thread of views took it or a REFRESH.

use std::sync::Arc;

use catalog::{Refresh as RefreshKind, Relation, RelationKind};
use engine::{RelationLockMode, TableId, Value};

use super::engine_error;
use super::prepared::{Analysis, Prepared, Work};
use super::session::Session;
use crate::analyze;
use crate::dml::{CompiledInsert, TableModel};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{CreateTableAs, Refresh};
use crate::tree::{Insert, Query};
use crate::view;

impl Session {
    /// CREATE MATERIALIZED VIEW.
    pub(super) async fn create_materialized_view(
        &mut self,
        create: &CreateTableAs,
        prepared: &Prepared,
        parameters: &Arc<[Value]>,
    ) -> Result<String> {
        self.check_writable("CREATE MATERIALIZED VIEW")?;
        let tag = "CREATE MATERIALIZED VIEW".to_string();
        let statement = prepared.statement.clone().ok_or_else(|| Error::internal("an empty statement"))?;
        let (query, analyzed) = self.source_of_table(prepared, &statement).await?;
        let mut definer = self.definer(prepared.text.clone())?;
        let created = definer.create_materialized_view(create).await;
        self.shared.notices.lock().append(&mut definer.notices);
        let Some(relation) = created? else { return Ok(tag) };
        self.wake_views()?;
        if !create.with_data {
            return Ok(tag);
        }
        let rows = self.fill_view(&relation, *query, analyzed, parameters).await?;
        Ok(format!("SELECT {rows}"))
    }

    /// Fills a new view by an INSERT of its query; how many rows.
    async fn fill_view(
        &mut self,
        relation: &Relation,
        query: Query,
        analyzed: analyze::Analyzed,
        parameters: &Arc<[Value]>,
    ) -> Result<u64> {
        let insert = Insert {
            table: relation.oid,
            columns: relation.live_columns().map(|column| column.number).collect(),
            source: query,
            row: Vec::new(),
            conflict: None,
            returning: None,
        };
        let catalog = self.catalog();
        let database = self.shared.entry.database_oid;
        let model = self.shared.instance.models().get(&catalog, database, relation.oid)?;
        let compiled = CompiledInsert::new(&insert, model)?;
        let plan = Arc::new(self.plan_query(&compiled.source, &catalog, &analyzed.past)?);
        let analysis = Arc::new(Analysis {
            generation: catalog.generation(),
            search_path: self.shared.evaluated().search_path.clone(),
            parameters: Vec::new(),
            objects: analyzed.objects,
            past: analyzed.past,
            default_moment: None,
            locks: Vec::new(),
            description: None,
            work: Work::Insert { insert: Arc::new(compiled), plan: Some(plan) },
        });
        let mut rows = self.start(&analysis, parameters.clone()).await?;
        let base = self.transaction()?.with(|transaction| transaction.snapshot())?;
        rows.complete(&self.shared.entry.cancel.clone()).await?;
        if relation.as_stepped_view().is_some() {
            self.transaction()?.with(|transaction| {
                let own = transaction.view();
                let beneath = view::beneath(&catalog, database, relation.oid);
                match beneath.into_iter().any(|oid| own.writes_to(TableId(oid))) {
                    // What the rows were made of includes what is not committed yet: they are of no moment.
                    true => Ok(()),
                    false => view::write_first_step(transaction, &catalog, database, relation.oid, base),
                }
            })??;
        }
        Ok(rows.changed)
    }

    /// The thread of views looks again when this transaction has committed.
    fn wake_views(&mut self) -> Result<()> {
        let maintenance = self.shared.instance.maintenance().clone();
        self.transaction()?.with(|transaction| {
            transaction.on_publish(Box::new(move |_| maintenance.wake()));
        })
    }

    /// REFRESH MATERIALIZED VIEW.
    pub(super) async fn refresh(&mut self, refresh: &Refresh) -> Result<String> {
        let tag = "REFRESH MATERIALIZED VIEW".to_string();
        self.check_writable(&tag)?;
        let relation = self.view_to_refresh(refresh).await?;
        let RelationKind::MaterializedView(view) = &relation.kind else {
            return Err(Error::internal("REFRESH of what is no materialized view"));
        };
        match (view.refresh, refresh.with_data) {
            (RefreshKind::OnCommit, _) => {}
            (RefreshKind::Manual, true) => self.renew_rows(&relation).await?,
            (RefreshKind::Every(_), true) => {
                self.renew_rows(&relation).await?;
                self.note_renewal(&relation)?;
            }
            (RefreshKind::Manual | RefreshKind::Every(_), false) => {
                let table = TableId(relation.oid);
                let truncated = self.transaction()?.with(|transaction| transaction.truncate(table))?;
                truncated.map_err(engine_error)?;
            }
        }
        if view.populated != refresh.with_data {
            let mut changed = view.clone();
            changed.populated = refresh.with_data;
            let kind = RelationKind::MaterializedView(changed);
            let mut definer = self.definer(Arc::from(""))?;
            definer.replace_relation(Relation { kind, ..(*relation).clone() }).await?;
        }
        self.wake_views()?;
        Ok(tag)
    }

    /// The view of a REFRESH, locked, as it is then.
    async fn view_to_refresh(&mut self, refresh: &Refresh) -> Result<Arc<Relation>> {
        let mode = match refresh.concurrently {
            true => RelationLockMode::Exclusive,
            false => RelationLockMode::AccessExclusive,
        };
        let mut locked = None;
        loop {
            let relation = super::frontend::find_relation(self, &refresh.name)?;
            let Some(view) = relation.as_materialized_view() else {
                let message = format!("\"{}\" is not a materialized view", relation.name);
                return Err(Error::new(SqlState::FeatureNotSupported, message));
            };
            if locked == Some(relation.oid) {
                self.check_concurrent(refresh, &relation, view.populated)?;
                return Ok(relation);
            }
            self.transaction()?;
            self.definer(Arc::from(""))?.check_refresher(&relation)?;
            self.lock_relations(&[(TableId(relation.oid), mode)]).await?;
            locked = Some(relation.oid);
        }
    }

    /// What PostgreSQL asks of CONCURRENTLY.
    fn check_concurrent(&self, refresh: &Refresh, relation: &Relation, populated: bool) -> Result<()> {
        if !refresh.concurrently {
            return Ok(());
        }
        if !populated {
            let message = "CONCURRENTLY cannot be used when the materialized view is not populated";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        if !refresh.with_data {
            let message = "CONCURRENTLY and WITH NO DATA options cannot be used together";
            return Err(Error::new(SqlState::SyntaxError, message));
        }
        let (catalog, database) = (self.catalog(), self.shared.entry.database_oid);
        let mut indexes = catalog.indexes_of(database, relation.oid).filter_map(|index| index.as_index());
        let plain = |index: &catalog::Index| {
            let columns = |key: &catalog::IndexKey| matches!(key.source, catalog::IndexSource::Column(_));
            index.unique && index.predicate.is_none() && index.keys.iter().all(columns)
        };
        if indexes.any(plain) {
            return Ok(());
        }
        let schema = catalog.schema(database, relation.schema).map_or("", |schema| schema.name.as_str());
        let message = format!("cannot refresh materialized view \"{schema}.{}\" concurrently", relation.name);
        Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message).hint(
            "Create a unique index with no WHERE clause on one or more columns of the materialized view.",
        ))
    }

    /// Evaluates the query of a view and makes its rows the answer.
    async fn renew_rows(&mut self, relation: &Relation) -> Result<()> {
        let catalog = self.catalog();
        let database = self.shared.entry.database_oid;
        let stored = relation.as_view().ok_or_else(|| Error::internal("a view without a query"))?;
        let beneath: Vec<_> = view::beneath(&catalog, database, relation.oid)
            .into_iter()
            .map(|oid| (TableId(oid), RelationLockMode::AccessShare))
            .collect();
        self.lock_relations(&beneath).await?;
        let query = self.expanded(&analyze::stored_query(&stored.query)?, &catalog)?;
        let plan = Arc::new(self.plan_query(&query, &catalog, &[])?);
        let (plan, input) = Box::pin(self.execution_input(&plan, Arc::from([]))).await?;
        let context = (*input.context).clone();
        let mut answer = self.stream(crate::execute::execute(&plan, input)?);
        let cancel = self.shared.entry.cancel.clone();
        let model = TableModel::new(&catalog, database, relation.oid)?;
        let own = self.transaction()?.with(|transaction| transaction.view())?;
        let mut stored = view::stored_rows(&own, &model)?;
        let mut difference = view::Difference::default();
        loop {
            let rows = answer.take(1024, &cancel).await?;
            if rows.is_empty() {
                break;
            }
            rows.into_iter().for_each(|row| stored.meet(row, &mut difference));
        }
        stored.finish(&mut difference);
        self.transaction()?.with(|transaction| view::apply(transaction, &model, &context, &difference))?
    }

    /// Says of what moment the rows of a view at a pace are, which were renewed.
    fn note_renewal(&mut self, relation: &Relation) -> Result<()> {
        let (catalog, newest) = (self.catalog(), self.shared.instance.snapshot());
        let view = (self.shared.entry.database_oid, relation.oid);
        self.transaction()?.with(|transaction| {
            let (newest, base) = (transaction.view_at(newest), transaction.snapshot());
            view::write_renewal(transaction, &catalog, view, &newest, base)
        })?
    }

    /// A query in stored form with the views beneath it expanded, materialized ones to their stored rows: how those are
    /// read is decided when it runs.
    fn expanded(&self, query: &Query, catalog: &Arc<catalog::Snapshot>) -> Result<Query> {
        self.with_views(query, catalog, &mut |_, _| Ok(analyze::ViewRead::Stored(None)))
    }

    /// A query with the queries of maintained views in their place, for a feed: what changes it is what changes them.
    pub(super) fn followed_query(&self, query: &Query, catalog: &Arc<catalog::Snapshot>) -> Result<Query> {
        let mut decide = |relation: &Relation, _: Option<&crate::tree::TimeClause>| {
            if relation.as_materialized_view().is_some_and(|view| !view.populated) {
                return Err(view::unpopulated(&relation.name));
            }
            Ok(match relation.as_maintained_view() {
                Some(_) => analyze::ViewRead::Query,
                None => analyze::ViewRead::Stored(None),
            })
        };
        self.with_views(query, catalog, &mut decide)
    }

    /// Relations, and those beneath the maintained views among them.
    pub(super) fn with_beneath(&self, catalog: &catalog::Snapshot, objects: &[u32]) -> Vec<u32> {
        let database = self.shared.entry.database_oid;
        let mut all: std::collections::BTreeSet<u32> = objects.iter().copied().collect();
        for oid in objects {
            let relation = catalog.relation(database, *oid);
            if relation.is_some_and(|relation| relation.as_maintained_view().is_some()) {
                all.extend(view::beneath(catalog, database, *oid));
            }
        }
        all.into_iter().collect()
    }

    fn with_views(
        &self,
        query: &Query,
        catalog: &Arc<catalog::Snapshot>,
        decide: analyze::ViewDecision<'_>,
    ) -> Result<Query> {
        let names = self.names_in(catalog.clone());
        let settings = self.shared.evaluated();
        let environment = analyze::Environment {
            catalog,
            database: self.shared.entry.database_oid,
            search_path: &settings.search_path,
            input: crate::types::InputSettings::new(&settings, self.now_for_input(), &names),
            past: None,
            versions: None,
            met: None,
            default_moment: None,
        };
        analyze::read_views(environment, query, None, decide)
    }
}
