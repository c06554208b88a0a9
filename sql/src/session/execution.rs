//! Statements with plans, started: queries and changes of rows, on the pool of queries.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::Snapshot;
use engine::{LockedRow, RowHandle, RowLock, Timestamp, Value, WaitPolicy};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::meters::meters;
use super::prepared::{Analysis, Work};
use super::registry::CancelHandle;
use super::row::{Field, Format, RowDescription};
use super::rows::{RowBatch, RowSource, Rows};
use super::session::Session;
use crate::analyze::PastUse;
use crate::dml::{ReturningRows, RowSource as DmlSource, SharedTransaction, ValuesSource, Writer, rows_of};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::execute::{
    Execution, ExecutionInput, Interrupt, PastView, RowLocked, RowLocker, Substitute, evaluate_moment,
    execute, moment_of,
};
use crate::nearest::NearestQuery;
use crate::plan::{self, Plan, PlanInput, Statistics};
use crate::point::{PointRows, PointScan};
use crate::statistics::TableStatistics;
use crate::tree::{ColumnNumber, LockStrength, LockWait, OutputColumn, Query, TimeClause};
use crate::types::oid;

/// Rows of VALUES up to which an INSERT runs where its session stands.
const INLINE_ROWS: usize = 64;
/// Batches that may wait between a plan and the client.
const BATCHES_AHEAD: usize = 2;

impl Interrupt for CancelHandle {
    fn check(&self) -> Result<()> {
        if self.is_raised() { CancelHandle::check(self) } else { Ok(()) }
    }
}

/// Locks rows for FOR UPDATE through the session's transaction.
struct Locker {
    transaction: SharedTransaction,
    cancel: Arc<CancelHandle>,
    timeout: Option<std::time::Duration>,
}

#[async_trait]
impl RowLocker for Locker {
    async fn lock(
        &self,
        table: u32,
        row: RowHandle,
        strength: LockStrength,
        wait: LockWait,
    ) -> Result<RowLocked> {
        let strength = match strength {
            LockStrength::KeyShare => RowLock::KeyShare,
            LockStrength::Share => RowLock::Share,
            LockStrength::NoKeyUpdate => RowLock::NoKeyUpdate,
            LockStrength::Update => RowLock::Update,
        };
        let policy = match wait {
            LockWait::Block => WaitPolicy::Wait { timeout: self.timeout },
            LockWait::NoWait => WaitPolicy::NoWait,
            LockWait::SkipLocked => WaitPolicy::Skip,
        };
        let table = engine::TableId(table);
        let locked = self
            .transaction
            .settle(&self.cancel, |transaction| transaction.lock_row(table, row, strength, policy))
            .await?;
        Ok(match locked {
            LockedRow::Current => RowLocked::Current,
            LockedRow::Moved(row) => {
                RowLocked::Moved { row, view: self.transaction.with(|transaction| transaction.view())? }
            }
            LockedRow::Deleted | LockedRow::ModifiedBySelf { .. } => RowLocked::Deleted,
            LockedRow::Skipped => RowLocked::Skipped,
        })
    }
}

/// Row counts as the engine knows them, and what ANALYZE has found.
struct EngineStatistics<'a>(&'a super::instance::Instance);

impl Statistics for EngineStatistics<'_> {
    fn rows(&self, table: u32) -> f64 {
        let known = self.0.database().statistics(engine::TableId(table));
        known.map_or(1000.0, |statistics| statistics.rows as f64)
    }

    fn table(&self, table: u32) -> Option<Arc<TableStatistics>> {
        self.0.upkeep().cache.of(self.0.database(), table)
    }
}

/// Rows of a plan, for DML.
struct PlanSource {
    execution: Execution,
    batches: crate::execute::Batches,
}

#[async_trait]
impl DmlSource for PlanSource {
    async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>> {
        while let Some(batch) = self.batches.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                return rows_of(&batch).map(Some);
            }
        }
        Ok(None)
    }

    async fn again(
        &mut self,
        handle: ColumnNumber,
        row: RowHandle,
        view: engine::ReadView,
    ) -> Result<Vec<Vec<Value>>> {
        let mut batches = self.execution.again(Substitute { handle, row, view })?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            rows.extend(rows_of(&batch?)?);
        }
        Ok(rows)
    }
}

/// The refusal of a write where there may be none.
fn read_only(command: &str) -> Error {
    Error::new(
        SqlState::ReadOnlySqlTransaction,
        format!("cannot execute {command} in a read-only transaction"),
    )
}

/// The moment that a time clause shows.
fn shown_at(past: &PastView) -> Timestamp {
    match past {
        PastView::At(view) => view.timestamp(),
        PastView::Period { view: _, from: _, to } => *to,
    }
}

impl Session {
    /// Plans a query.
    pub(super) fn plan_query(
        &self,
        query: &Query,
        catalog: &Arc<Snapshot>,
        past: &[PastUse],
    ) -> Result<Plan> {
        let catalog_at = |clause: &TimeClause| {
            let known = past.iter().find(|known| known.clause == *clause);
            Ok(known.and_then(|known| known.catalog.clone()).unwrap_or_else(|| catalog.clone()))
        };
        self.plan_with(query, catalog, &catalog_at)
    }

    /// Plans a query, given how the catalogs of its moments are found.
    pub(super) fn plan_with(
        &self,
        query: &Query,
        catalog: &Arc<Snapshot>,
        catalog_at: &plan::CatalogAt<'_>,
    ) -> Result<Plan> {
        let statistics = EngineStatistics(&self.shared.instance);
        let input = PlanInput {
            catalog,
            database: self.shared.entry.database_oid,
            statistics: &statistics,
            catalog_at: Some(catalog_at),
        };
        plan::plan(query, &input)
    }

    /// How rows of an output look.
    pub(super) fn describe_output(&self, output: &[OutputColumn]) -> RowDescription {
        let catalog = self.catalog();
        let database = self.shared.entry.database_oid;
        let fields = output
            .iter()
            .map(|column| {
                // What stayed unknown reaches the client as text.
                let type_oid = if column.ty.oid == oid::UNKNOWN { oid::TEXT } else { column.ty.oid };
                Field {
                    name: column.name.clone(),
                    table: column.origin.0,
                    attribute: column.origin.1,
                    type_oid,
                    type_length: catalog.type_by_oid(database, type_oid).map_or(-1, |row| row.length),
                    type_modifier: column.ty.typmod,
                    format: Format::Text,
                }
            })
            .collect();
        RowDescription { fields }
    }

    /// Refuses writes in read-only transactions and while the past is read.
    pub(super) fn check_writable(&self, command: &str) -> Result<()> {
        if self.block.as_ref().is_some_and(|block| block.read_only) {
            return Err(read_only(command));
        }
        if self.shared.derived().as_of.is_some() {
            return Err(Error::new(
                SqlState::ReadOnlySqlTransaction,
                format!("cannot execute {command} while strata.as_of is set"),
            ));
        }
        Ok(())
    }

    /// The plan that an execution runs, and what it is given. Begins a statement of the transaction at work.
    pub(super) async fn execution_input(
        &mut self,
        plan: &Arc<Plan>,
        parameters: Arc<[Value]>,
    ) -> Result<(Arc<Plan>, ExecutionInput)> {
        self.begin_statement()?;
        if plan.of_views.is_some() {
            let context = self.context(parameters.clone())?;
            for clause in &plan.moments {
                self.past_of(evaluate_moment(clause, &context)?).await?;
            }
        }
        let plan = Box::pin(self.plan_for_views(plan, &parameters)).await?;
        if plan.of_views.is_some() && self.meters.is_some() {
            self.ran = Some(plan.clone());
        }
        let context = self.context(parameters)?;
        let view = self.transaction()?.with(|transaction| transaction.view())?;
        let mut past = Vec::with_capacity(plan.moments.len());
        for clause in &plan.moments {
            past.push(self.past_of(evaluate_moment(clause, &context)?).await?);
        }
        let moments = past.iter().map(shown_at).collect();
        let lock_timeout = self.shared.derived().lock_timeout;
        let locker = Locker {
            transaction: self.transaction()?,
            cancel: self.shared.entry.cancel.clone(),
            timeout: lock_timeout,
        };
        let input = ExecutionInput {
            view,
            past,
            system: Some(self.system_rows(&plan, &context, moments)),
            context: Arc::new(context),
            resources: self.shared.instance.resources().clone(),
            interrupt: self.shared.entry.cancel.clone(),
            locks: Some(Arc::new(locker)),
            substitutes: Vec::new(),
            meters: self.meters.clone(),
        };
        Ok((plan, input))
    }

    /// The transaction at work.
    pub(super) fn transaction(&mut self) -> Result<SharedTransaction> {
        Ok(self.ensure_block()?.transaction.clone())
    }

    /// Begins a statement: a new command and, where the level says so, a new snapshot.
    pub(super) fn begin_statement(&mut self) -> Result<()> {
        let block = self.ensure_block()?;
        block.statements += 1;
        block.transaction.with(|transaction| transaction.start_statement())
    }

    /// Starts a statement that has a plan and was admitted; its rows.
    pub(super) async fn start(&mut self, analysis: &Arc<Analysis>, parameters: Arc<[Value]>) -> Result<Rows> {
        if analysis.work.writes() {
            self.check_writable(analysis.work.command())?;
        }
        self.check_privileges(analysis)?;
        match &analysis.work {
            Work::Query { plan, point, nearest, locks_rows, locked: _ } => {
                if *locks_rows {
                    self.check_writable("SELECT FOR UPDATE")?;
                }
                if let Some(point) = point.as_ref().filter(|_| self.uses_point_tier())
                    && let Some(rows) = Box::pin(self.point_query(point, parameters.clone())).await?
                {
                    return Ok(rows);
                }
                if let Some(nearest) = nearest.as_ref().filter(|_| self.shared.derived().point_tier) {
                    return Box::pin(self.nearest_query(plan, nearest, parameters)).await;
                }
                let (plan, input) = Box::pin(self.execution_input(plan, parameters)).await?;
                let stream = execute(&plan, input)?;
                Ok(self.stream(stream))
            }
            Work::Insert { insert, plan: None } => {
                let values = insert.values.clone();
                let values = values.ok_or_else(|| Error::internal("the source of INSERT needs a plan"))?;
                self.begin_statement()?;
                let context = self.context(parameters)?;
                let mut source = ValuesSource::new(values.clone(), &context);
                let mut writer = self.writer_with(context)?;
                let change = Change::Insert(insert.clone());
                if values.len() <= INLINE_ROWS {
                    return Box::pin(self.change_here(&mut writer, &change, &mut source)).await;
                }
                Ok(self.change(writer, change, Box::new(source)))
            }
            Work::Insert { insert, plan: Some(plan) } => {
                let (writer, source) = Box::pin(self.change_source(plan, parameters)).await?;
                Ok(self.change(writer, Change::Insert(insert.clone()), source))
            }
            Work::Update { update, plan, point } => {
                let update = update.clone();
                if let Some(point) = point.as_ref().filter(|_| self.uses_point_tier()) {
                    let (mut writer, mut rows) = self.point_source(point, parameters)?;
                    return Box::pin(self.change_here(&mut writer, &Change::Update(update), &mut rows)).await;
                }
                let (writer, source) = Box::pin(self.change_source(plan, parameters)).await?;
                Ok(self.change(writer, Change::Update(update), source))
            }
            Work::Delete { delete, plan, point } => {
                let delete = delete.clone();
                if let Some(point) = point.as_ref().filter(|_| self.uses_point_tier()) {
                    let (mut writer, mut rows) = self.point_source(point, parameters)?;
                    return Box::pin(self.change_here(&mut writer, &Change::Delete(delete), &mut rows)).await;
                }
                let (writer, source) = Box::pin(self.change_source(plan, parameters)).await?;
                Ok(self.change(writer, Change::Delete(delete), source))
            }
            Work::Utility => Err(Error::internal("a utility statement has no plan")),
        }
    }

    pub(super) fn uses_point_tier(&self) -> bool {
        self.shared.derived().point_tier
    }

    /// Runs a query by key where we stand; `None` where the moment is older than what the index knows.
    async fn point_query(&mut self, point: &PointScan, parameters: Arc<[Value]>) -> Result<Option<Rows>> {
        self.begin_statement()?;
        let context = self.context(parameters)?;
        let view = match point.moment() {
            None => self.transaction()?.with(|transaction| transaction.view())?,
            Some(moment) => {
                let at = self.settled(Timestamp::from_micros(moment_of(moment, &context)?)).await?;
                let view = self.transaction()?.with(|transaction| transaction.view_at(at))?;
                if !point.is_usable_in(&view) {
                    return Ok(None);
                }
                view
            }
        };
        meters().point.increment(1);
        let mut rows = Vec::new();
        point.rows(&view, &context, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(Some(Rows::ready(rows)))
    }

    /// Runs a search for neighbours on the pool of queries, in one piece.
    async fn nearest_query(
        &mut self,
        plan: &Plan,
        nearest: &Arc<NearestQuery>,
        parameters: Arc<[Value]>,
    ) -> Result<Rows> {
        meters().planned.increment(1);
        self.begin_statement()?;
        let context = self.context(parameters)?;
        let view = match plan.moments.as_slice() {
            [] => self.transaction()?.with(|transaction| transaction.view())?,
            [clause] => match self.past_of(evaluate_moment(clause, &context)?).await? {
                PastView::At(view) => view,
                PastView::Period { .. } => return Err(Error::internal("the nearest were asked of a period")),
            },
            _ => return Err(Error::internal("a search for neighbours at several moments")),
        };
        let (nearest, cancel) = (nearest.clone(), self.shared.entry.cancel.clone());
        let meters = self.meters.clone();
        let (sender, receiver) = mpsc::channel(1);
        let task = self.shared.instance.queries().spawn(async move {
            let started = std::time::Instant::now();
            let (rows, found) = nearest.rows(&view, &context, &*cancel)?;
            if let Some(meters) = meters {
                meters.remark(nearest.searched(), found.counts());
                meters.note(nearest.searched(), rows.len() as u64, started.elapsed());
            }
            // Whoever does not wait for the rows any more does not miss them.
            let _ = sender.send(RowBatch::Values(rows)).await;
            Ok(0)
        });
        Ok(Rows::new(RowSource::Running { receiver, task }))
    }

    /// The rows that a change by key is about.
    fn point_source(&mut self, point: &PointScan, parameters: Arc<[Value]>) -> Result<(Writer, PointRows)> {
        meters().point.increment(1);
        self.begin_statement()?;
        let context = self.context(parameters)?;
        let writer = self.writer_with(context)?;
        let rows = PointRows::new(point, &writer.view()?, &writer.context)?;
        Ok((writer, rows))
    }

    /// Runs a change of few rows where we stand.
    async fn change_here(
        &self,
        writer: &mut Writer,
        change: &Change,
        source: &mut dyn DmlSource,
    ) -> Result<Rows> {
        let mut returning = ReturningRows::kept();
        let changed = match change {
            Change::Insert(insert) => insert.run(writer, source, &mut returning).await?,
            Change::Update(update) => update.run(writer, source, &mut returning).await?,
            Change::Delete(delete) => delete.run(writer, source, &mut returning).await?,
        };
        let mut rows = Rows::ready(returning.take());
        rows.changed = changed;
        Ok(rows)
    }

    async fn change_source(
        &mut self,
        plan: &Arc<Plan>,
        parameters: Arc<[Value]>,
    ) -> Result<(Writer, Box<dyn DmlSource>)> {
        let (plan, input) = self.execution_input(plan, parameters).await?;
        let writer = self.writer_with((*input.context).clone())?;
        let execution = Execution::new(plan, input);
        let source = PlanSource { batches: execution.start()?, execution };
        Ok((writer, Box::new(source)))
    }

    /// Runs a stream on the pool of queries.
    pub(super) fn stream(&self, mut stream: crate::execute::Batches) -> Rows {
        meters().planned.increment(1);
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let task = self.shared.instance.queries().spawn(async move {
            while let Some(batch) = stream.next().await {
                if sender.send(RowBatch::Arrow(batch?)).await.is_err() {
                    break;
                }
            }
            Ok(0)
        });
        Rows::new(RowSource::Running { receiver, task })
    }

    /// Runs a change of rows on the pool of queries.
    fn change(&self, mut writer: Writer, change: Change, mut source: Box<dyn DmlSource>) -> Rows {
        meters().planned.increment(1);
        let (sender, receiver) = mpsc::channel::<RowBatch>(BATCHES_AHEAD);
        let task = self.shared.instance.queries().spawn(async move {
            let mut returning = ReturningRows::new(sender);
            let changed = match change {
                Change::Insert(insert) => insert.run(&mut writer, &mut *source, &mut returning).await?,
                Change::Update(update) => update.run(&mut writer, &mut *source, &mut returning).await?,
                Change::Delete(delete) => delete.run(&mut writer, &mut *source, &mut returning).await?,
            };
            returning.send().await?;
            Ok(changed)
        });
        Rows::new(RowSource::Running { receiver, task })
    }
}

/// A change of rows.
enum Change {
    Insert(Arc<crate::dml::CompiledInsert>),
    Update(Arc<crate::dml::CompiledUpdate>),
    Delete(Arc<crate::dml::CompiledDelete>),
}

impl Session {
    /// Rows of system relations for a statement.
    fn system_rows(
        &self,
        plan: &Plan,
        context: &Context,
        moments: Vec<Timestamp>,
    ) -> Arc<dyn crate::execute::SystemRows> {
        let reads = |relation: u32| plan.dependencies.contains(&relation);
        Arc::new(crate::system::SystemTables {
            moments,
            shared: self.shared.clone(),
            catalog: context.environment.catalog(),
            context: context.clone(),
            cursors: if reads(crate::system::PG_CURSORS) { self.cursor_rows() } else { Vec::new() },
            statements: match reads(crate::system::PG_PREPARED_STATEMENTS) {
                true => self.statement_rows(),
                false => Vec::new(),
            },
        })
    }
}
